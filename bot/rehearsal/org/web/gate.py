"""Who is calling, which faults come in between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from bot.rehearsal.org import permissions
from bot.rehearsal.org.faults import ANSWERS
from bot.rehearsal.org.org import Org
from bot.rehearsal.org.people import User, token_for
from bot.rehearsal.org.results import Refusal
from bot.rehearsal.org.web.operations import operation_of

SESSION_GONE = Refusal("INVALID_SESSION_ID", "Session expired or invalid", 401)
_LOOKS_EVERY = 0.1  # seconds; whether a client that gets no answer has gone


@dataclass(frozen=True)
class Asked:
    """One request, read whole: what handlers work with, free of HTTP machinery."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    params: Mapping[str, str]
    base_url: str
    user: User | None = None
    operation: str = "other"  # one of faults.OPERATIONS
    notes: dict[str, bool] = field(default_factory=dict)  # what happened on the way, for the faults


class Door:
    """Finds the user behind a session id."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self.generation = 0

    def token(self, user: User) -> str:
        """The session id of a user."""
        return token_for(self.org.identity.org_id, user, self.generation)

    def user_of(self, session_id: str) -> User:
        """The user, or the Refusal INVALID_SESSION_ID."""
        for user in self.org.users:
            if session_id.strip() == self.token(user):
                permissions.require_api(user)
                return user
        raise SESSION_GONE

    def bearer(self, asked: Asked) -> User:
        """The user of the Authorization header."""
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        if kind.lower() not in ("bearer", "oauth"):
            raise SESSION_GONE
        return self.user_of(token)

    def trip(self, asked: Asked) -> None:
        """Raise the fault that somebody asked for, if one is due."""
        for kind, (status, code, text) in ANSWERS.items():
            if self.org.faults.take(kind, asked.operation):
                raise Refusal(code, text, status)

    def enter(self, asked: Asked) -> None:
        """Count a call, then let it meet its fault; Refusal when the day's calls are used up."""
        with self.org.lock:
            self.org.budget.spend(self.org.clock.now())
            self.trip(asked)


async def read(request: Request) -> Asked:
    """The request with its body."""
    base = f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
    headers = {key.lower(): value for key, value in request.headers.items()}
    body, path = await request.body(), request.url.path
    known = (request.method, path, dict(request.query_params), headers, body, dict(request.path_params), base)
    return Asked(*known, operation=operation_of(request.method, path, body))


def error_list(refusal: Refusal) -> Response:
    """Salesforce's REST error body: a list of code and message; a page of HTML where a proxy speaks."""
    if not refusal.code:
        return page(refusal)
    return JSONResponse([{"errorCode": refusal.code, "message": refusal.message}], status_code=refusal.status)


def page(refusal: Refusal) -> Response:
    """What stands in for an answer when something before the org gave it."""
    title = f"{refusal.status} {refusal.message}"
    return HTMLResponse(
        f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>", refusal.status
    )


async def hang_up(request: Request) -> None:
    """Cut the connection without an answer."""
    transport = request.scope.get("extensions", {}).get("rehearsal.transport")
    if transport is not None:
        transport.abort()
        await asyncio.sleep(0.05)


async def refused_entry(org: Org, request: Request, asked: Asked) -> bool:
    """Whether the connection was dropped before anything was done."""
    if asked.path.startswith("/rehearsal/") or not org.faults.take("drop_before_accepting", asked.operation):
        return False
    await hang_up(request)
    return True


async def spoil(org: Org, request: Request, asked: Asked, response: Response) -> Response:
    """Keep the answer back, drop the connection instead of it, or break it off, when that was asked for."""
    if asked.path.startswith("/rehearsal/"):
        return response
    withheld = org.faults.due("answer_withheld", asked.operation)
    if withheld and org.faults.take("answer_withheld", asked.operation):
        await _keep_waiting(request, withheld.seconds)
        await hang_up(request)
        return response
    begun = asked.operation != "deploy" or asked.notes.get("deployed")
    if begun and org.faults.take("drop_connection", asked.operation):
        await hang_up(request)
        return response
    if org.faults.take("unreadable_body", asked.operation):
        return page(Refusal("", "One moment, please", 200))
    if org.faults.take("truncated_body", asked.operation):
        return Truncated(response)
    return response


async def _keep_waiting(request: Request, seconds: float) -> None:
    transport = request.scope.get("extensions", {}).get("rehearsal.transport")
    until = time.monotonic() + seconds
    while time.monotonic() < until and not (transport is not None and transport.is_closing()):
        await asyncio.sleep(_LOOKS_EVERY)


class Truncated(Response):
    """An answer that promises more bytes than it sends."""

    def __init__(self, whole: Response) -> None:
        super().__init__(bytes(whole.body), whole.status_code, media_type=whole.media_type)

    async def __call__(
        self, scope: object, receive: object, send: Callable[[dict[str, object]], Awaitable[None]]
    ) -> None:
        """Send the head and the first half, then hang up."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})
        transport = scope.get("extensions", {}).get("rehearsal.transport") if isinstance(scope, dict) else None
        if transport is not None:
            await asyncio.sleep(0.05)
            transport.abort()
            await asyncio.sleep(0.05)
