"""One Web API call from request to answer: token, scopes, rate, faults, log."""

from __future__ import annotations

import asyncio
import json
import time
from email.utils import formatdate
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from bot.rehearsal.workspace.checks import witnesses
from bot.rehearsal.workspace.faults import Fault
from bot.rehearsal.workspace.model import Json
from bot.rehearsal.workspace.refusals import SlackError
from bot.rehearsal.workspace.sockets import Sockets
from bot.rehearsal.workspace.web.arguments import Arguments, reachable_channel, read_json
from bot.rehearsal.workspace.web.conversations import KINDS
from bot.rehearsal.workspace.web.methods import BY_KIND, METHODS, Method
from bot.rehearsal.workspace.workspace import CALLS_KEPT, Workspace

BODY_MOST = 2_000_000
CHARSETS = ("utf-8", "utf8", "iso-8859-1")
ARGUMENT_SHOWN = 300
SCOPE_PREFIX = {"public": "channels", "private": "groups", "im": "im", "mpim": "mpim"}


class CutConnection(Response):
    """An answer that never comes: the connection ends without a response."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise a body and leave, so that the server drops the connection."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000000")]})


class WebApi:
    """Answers `/api/<method>` for a workspace."""

    def __init__(self, workspace: Workspace, sockets: Sockets) -> None:
        self.workspace = workspace
        self.sockets = sockets

    async def endpoint(self, request: Request) -> Response:
        """The route's endpoint; always Slack's JSON, whatever was sent."""
        name = request.path_params["method"]
        fault = self.workspace.faults.strike_call(name)
        arguments: Arguments | None = None
        try:
            arguments = await read_arguments(request)
            _fail_before(fault)
            answer = {"ok": True, **self._answer(name, arguments, _token(request, arguments))}
            for witness in witnesses:
                witness(name, answer)
            response: Response = JSONResponse(answer, headers=self._scope_headers(name))
        except SlackError as error:
            body = {"ok": False, "error": error.code, **error.fields}
            response = JSONResponse(body, status_code=error.status, headers=error.headers)
        except _CutError:
            response = CutConnection()
        self._log(name, arguments, response)
        response.headers["date"] = formatdate(time.time() + self.workspace.clock_skew, usegmt=True)
        if fault and fault.kind in ("timeout_before", "timeout_after", "slow"):
            await asyncio.sleep(fault.seconds)
        return CutConnection() if fault and fault.kind == "timeout_after" else response

    def _answer(self, name: str, arguments: Arguments, token: str) -> Json:
        if name == "apps.connections.open":
            self._need_token(token, self.workspace.app_token)
            return {"url": self.sockets.new_link()}
        method = METHODS.get(name)
        if method is None:
            raise SlackError("unknown_method", req_method=name)
        if name != "api.test":
            self._need_token(token, self.workspace.bot_token)
            self._need_scopes(method, arguments)
        self._need_rate(name, method, arguments)
        return method.answer(self.workspace, arguments)

    def _need_token(self, token: str, wanted: str) -> None:
        if not token:
            raise SlackError("not_authed")
        if token == wanted:
            return
        known = token in (self.workspace.bot_token, self.workspace.app_token)
        raise SlackError("not_allowed_token_type" if known else "invalid_auth")

    def _need_scopes(self, method: Method, arguments: Arguments) -> None:
        provided = self.workspace.manifest.scopes
        missing = [scope for scope in needed_scopes(self.workspace, method, arguments) if scope not in provided]
        if missing:
            have = ",".join(sorted(provided))
            headers = {"x-oauth-scopes": have, "x-accepted-oauth-scopes": ",".join(missing)}
            raise SlackError("missing_scope", needed=",".join(missing), provided=have, headers=headers)

    def _need_rate(self, name: str, method: Method, arguments: Arguments) -> None:
        if not self.workspace.pace.rate_limits or method.tier is None:
            return
        if method.tier == 0:
            channel = reachable_channel(self.workspace, arguments.text("channel"))
            wait = self.workspace.rates.take_post(name, channel.id)
        else:
            wait = self.workspace.rates.take_tier(name, method.tier)
        if wait:
            raise SlackError("ratelimited", status=429, headers={"Retry-After": str(wait)})

    def _scope_headers(self, name: str) -> dict[str, str]:
        if name == "apps.connections.open":
            return {"x-oauth-scopes": "connections:write"}
        return {"x-oauth-scopes": ",".join(sorted(self.workspace.manifest.scopes))}

    def _log(self, name: str, arguments: Arguments | None, response: Response) -> None:
        cut = isinstance(response, CutConnection)
        body = {} if cut else json.loads(bytes(response.body))
        calls = self.workspace.calls
        calls.append(
            {
                "seq": calls[-1]["seq"] + 1 if calls else 1,
                "at": self.workspace.clock.now().isoformat(),
                "method": name,
                "ok": body.get("ok", False),
                "error": "connection_cut" if cut else body.get("error"),
                "status": None if cut else response.status_code,
                "arguments": _shown(arguments) if arguments else {},
            }
        )
        if len(calls) > CALLS_KEPT:
            del calls[: CALLS_KEPT // 2]


class _CutError(Exception):
    """A fault says that the connection ends before anything was done."""


def _fail_before(fault: Fault | None) -> None:
    if fault is None:
        return
    if fault.kind == "ratelimited":
        raise SlackError("ratelimited", status=429, headers={"Retry-After": str(fault.retry_after)})
    if fault.kind == "http_error":
        raise SlackError("service_unavailable", status=fault.status)
    if fault.kind == "error":
        raise SlackError(fault.error)
    if fault.kind == "timeout_before":
        raise _CutError


def needed_scopes(workspace: Workspace, method: Method, arguments: Arguments) -> list[str]:
    """The scopes of one call; for conversations methods they depend on which kind is asked about."""
    if method.scope is None:
        return []
    if not method.scope.startswith(BY_KIND):
        return [method.scope]
    what = method.scope.rsplit(":", 1)[1]
    channel = workspace.channels.get(arguments.text("channel"))
    if channel is not None:
        return [f"{SCOPE_PREFIX[channel.kind]}:{what}"]
    if "channel" in arguments:
        return []
    types = [each.strip() for each in arguments.text("types", "public_channel").split(",")]
    return [f"{SCOPE_PREFIX[KINDS[each]]}:{what}" for each in types if each in KINDS]


async def read_arguments(request: Request) -> Arguments:
    """Query, form or JSON arguments of a call; `invalid_json`, `request_too_large` as Slack says it."""
    values: dict[str, Any] = dict(request.query_params)
    if request.method != "POST":
        return Arguments(values)
    body = await limited_body(request, BODY_MOST)
    if body is None:
        raise SlackError("request_too_large", status=413)
    kind = request.headers.get("content-type", "").lower()
    if body and not kind:
        raise SlackError("missing_post_type")
    if "charset=" in kind and kind.rpartition("charset=")[2].strip(' ";') not in CHARSETS:
        raise SlackError("invalid_charset")
    if "json" in kind:
        values |= _json_object(body)
    elif "form" in kind:
        form = await request.form()
        values |= {key: value for key, value in form.items() if isinstance(value, str)}
    elif body:
        raise SlackError("invalid_post_type")
    return Arguments(values)


async def limited_body(request: Request, most: int) -> bytes | None:
    """The request's body, or None when it is longer than `most` bytes."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > most:
        return None
    body = await request.body()
    return body if len(body) <= most else None


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        given = read_json(body or b"{}")
    except (ValueError, RecursionError):
        raise SlackError("invalid_json") from None
    if not isinstance(given, dict):
        raise SlackError("json_not_object")
    return given


def _token(request: Request, arguments: Arguments) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else arguments.text("token")


def _shown(arguments: Arguments) -> Json:
    shown: Json = {}
    for key, value in arguments.values.items():
        if key != "token":
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            shown[key] = text[:ARGUMENT_SHOWN]
    return shown
