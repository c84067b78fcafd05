"""The Starlette app in front of an org."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.rehearsal.org.org import Org
from bot.rehearsal.org.results import Refusal
from bot.rehearsal.org.web import control, login, rest, soap
from bot.rehearsal.org.web.gate import SESSION_GONE, Asked, Door, error_list, read, refused_entry, spoil

_DATA = "/services/data/{version}"
_SOAP_LOGIN = Refusal("INVALID_OPERATION", "SOAP API login() is disabled by default in this org.")


def create_org_app(org: Org, *, on_change: Callable[[], None] | None = None) -> Starlette:
    """The app; `on_change` is called after a request that changed anything, for saving."""
    door = Door(org)
    look = org.watch(on_change) if on_change else None

    def route(path: str, methods: list[str], answer: Callable[[Asked], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            asked = await read(request)
            if await refused_entry(org, request, asked):
                return Response(status_code=503)
            response = await run_in_threadpool(answer, asked)
            if look:
                await run_in_threadpool(look)
            return await spoil(org, request, asked, response)

        return Route(path, endpoint, methods=methods)

    def signed_in(handler: rest.Handler) -> Callable[[Asked], Response]:
        def answer(asked: Asked) -> Response:
            try:
                door.enter(asked)
                rest.check_version(asked)
                response = handler(org, replace(asked, user=door.bearer(asked)))
            except Refusal as refusal:
                response = error_list(_as_rest(refusal))
            response.headers.update(rest.limit_header(org))
            return response

        return answer

    def userinfo(asked: Asked) -> Response:
        try:
            door.enter(asked)
            return login.userinfo(org, replace(asked, user=door.bearer(asked)))
        except Refusal as refusal:
            if refusal.code != SESSION_GONE.code:
                return error_list(refusal)
            return Response("Bad_OAuth_Token", 403, media_type="text/html")

    get, deploy_request = ["GET", "HEAD"], f"{_DATA}/metadata/deployRequest"
    routes = [
        route("/services/data", get, lambda _: rest.versions()),
        route("/services/data/", get, lambda _: rest.versions()),
        route(_DATA, get, signed_in(rest.resources)),
        route(_DATA + "/", get, signed_in(rest.resources)),
        route("/services/oauth2/token", ["POST"], lambda asked: login.token(org, door, asked)),
        route("/services/oauth2/userinfo", ["GET", "POST"], userinfo),
        *(
            route(_DATA + tail, get, signed_in(rest.query))
            for tail in ("/query", "/query/", "/queryAll", "/queryAll/", "/tooling/query", "/tooling/query/")
        ),
        route(_DATA + "/limits", get, signed_in(rest.limits)),
        route(_DATA + "/limits/", get, signed_in(rest.limits)),
        route(_DATA + "/sobjects/{sobject}/{id}", get, signed_in(rest.record)),
        route(deploy_request, ["POST"], signed_in(rest.post_deployment)),
        route(deploy_request + "/", ["POST"], signed_in(rest.post_deployment)),
        route(
            deploy_request + "/{id}", ["POST"], signed_in(rest.post_deployment)
        ),  # as the docs of quick deploy print it
        route(deploy_request + "/{id}", get, signed_in(rest.get_deployment)),
        route(deploy_request + "/{id}", ["PATCH"], signed_in(rest.patch_deployment)),
        *(
            route(f"{_DATA}/tooling/{name}", ["POST"], signed_in(rest.run_tests))
            for name in ("runTestsSynchronous", "runTestsAsynchronous")
        ),
        route(_DATA + "/tooling/sobjects/FlowDefinition/{id}", ["GET", "PATCH"], signed_in(rest.flow_definition)),
        route(_DATA + "/tooling/sobjects/Flow/{id}", ["DELETE"], signed_in(rest.delete_flow)),
        route(_DATA + "/{rest:path}", ["GET", "POST", "PATCH", "PUT", "DELETE"], signed_in(rest.nothing_here)),
        route("/services/Soap/m/{rest:path}", ["POST"], lambda asked: soap.serve(org, door, asked)),
        route("/services/Soap/{rest:path}", ["POST"], lambda _: soap.fault(_SOAP_LOGIN)),
        route("/rehearsal/{rest:path}", ["GET", "POST"], lambda asked: control.serve(org, door, asked)),
    ]
    handlers = {404: _not_found, 405: _not_found}
    return Starlette(routes=routes, exception_handlers=handlers, middleware=[Middleware(OneSlash)])


class OneSlash:
    """Takes `//services` for `/services`: the Salesforce CLI keeps a slash at the end of an instance URL."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its path put right."""
        if scope["type"] == "http" and "//" in scope["path"]:
            scope = {**scope, "path": re.sub(r"/{2,}", "/", scope["path"])}
        await self.app(scope, receive, send)


def _as_rest(refusal: Refusal) -> Refusal:
    """Over REST whatever is not there is plainly NOT_FOUND."""
    return Refusal("NOT_FOUND", refusal.message, 404) if refusal.status == 404 else refusal


async def _not_found(request: Request, problem: Exception) -> Response:
    return JSONResponse(
        [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}], status_code=404
    )
