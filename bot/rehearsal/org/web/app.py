"""The Starlette app in front of an org."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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


Answer = Callable[[Asked], Response]
_GET = ("GET", "HEAD")
_DEPLOY = "/metadata/deployRequest"

# Below /services/data/vXX.0, with a session: path, methods, what answers.
_SIGNED_IN: tuple[tuple[str, Sequence[str], rest.Handler], ...] = (
    *((tail, _GET, rest.resources) for tail in ("", "/")),
    *(
        (f"{tail}{slash}", _GET, rest.query)
        for tail in ("/query", "/queryAll", "/tooling/query")
        for slash in ("", "/")
    ),
    *((tail, _GET, rest.limits) for tail in ("/limits", "/limits/")),
    ("/sobjects/{sobject}/{id}", _GET, rest.record),
    # The last one as the documentation of the quick deploy prints it.
    *((tail, ("POST",), rest.post_deployment) for tail in (_DEPLOY, f"{_DEPLOY}/", f"{_DEPLOY}/{{id}}")),
    (f"{_DEPLOY}/{{id}}", _GET, rest.get_deployment),
    (f"{_DEPLOY}/{{id}}", ("PATCH",), rest.patch_deployment),
    ("/tooling/runTestsSynchronous", ("POST",), rest.run_tests),
    ("/tooling/runTestsAsynchronous", ("POST",), rest.run_tests),
    ("/tooling/sobjects/FlowDefinition/{id}", ("GET", "PATCH"), rest.flow_definition),
    ("/tooling/sobjects/Flow/{id}", ("DELETE",), rest.delete_flow),
    ("/{rest:path}", ("GET", "POST", "PATCH", "PUT", "DELETE"), rest.nothing_here),
)


def create_org_app(org: Org, *, on_change: Callable[[], None] | None = None) -> Starlette:
    """The app; `on_change` is called after a request that changed anything, for saving."""
    reception = _Reception(org, Door(org), org.watch(on_change) if on_change else None)
    door, route = reception.door, reception.route
    routes = [
        route("/services/data", _GET, lambda _: rest.versions()),
        route("/services/data/", _GET, lambda _: rest.versions()),
        route("/services/oauth2/token", ["POST"], lambda asked: login.token(org, door, asked)),
        route("/services/oauth2/userinfo", ["GET", "POST"], reception.userinfo),
        *(route(_DATA + tail, methods, reception.signed_in(handler)) for tail, methods, handler in _SIGNED_IN),
        route("/services/Soap/m/{rest:path}", ["POST"], lambda asked: soap.serve(org, door, asked)),
        route("/services/Soap/{rest:path}", ["POST"], lambda _: soap.fault(_SOAP_LOGIN)),
        route("/rehearsal/{rest:path}", ["GET", "POST"], lambda asked: control.serve(org, door, asked)),
    ]
    handlers = {404: _not_found, 405: _not_found}
    return Starlette(routes=routes, exception_handlers=handlers, middleware=[Middleware(OneSlash)])


@dataclass(frozen=True)
class _Reception:
    """Lets requests in, one like the other; `look` is called after each."""

    org: Org
    door: Door
    look: Callable[[], None] | None

    def route(self, path: str, methods: Sequence[str], answer: Answer) -> Route:
        """A path with what answers it, after the faults that were ordered have had their way."""

        async def endpoint(request: Request) -> Response:
            asked = await read(request)
            if await refused_entry(self.org, request, asked):
                return Response(status_code=503)
            response = await run_in_threadpool(answer, asked)
            if self.look:
                await run_in_threadpool(self.look)
            return await spoil(self.org, request, asked, response)

        return Route(path, endpoint, methods=list(methods))

    def signed_in(self, handler: rest.Handler) -> Answer:
        """The same for whoever shows a session; a refusal is told as REST tells it."""

        def answer(asked: Asked) -> Response:
            try:
                self.door.enter(asked)
                rest.check_version(asked)
                response = handler(self.org, replace(asked, user=self.door.bearer(asked)))
            except Refusal as refusal:
                response = error_list(_as_rest(refusal))
            response.headers.update(rest.limit_header(self.org))
            return response

        return answer

    def userinfo(self, asked: Asked) -> Response:
        """Who is signed in, or that nobody is."""
        try:
            self.door.enter(asked)
            return login.userinfo(self.org, replace(asked, user=self.door.bearer(asked)))
        except Refusal as refusal:
            if refusal.code != SESSION_GONE.code:
                return error_list(refusal)
            return Response("Bad_OAuth_Token", 403, media_type="text/html")


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
