"""Who is calling, which faults come in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.rehearsal.org.org import Org
from bot.rehearsal.org.people import User, token_for
from bot.rehearsal.org.results import Refusal

SESSION_GONE = Refusal("INVALID_SESSION_ID", "Session expired or invalid", 401)
_HTTP_FAULTS = {
    "invalid_session": SESSION_GONE,
    "unavailable": Refusal("SERVER_UNAVAILABLE", "Server unavailable. Please try again in a moment.", 503),
    "api_420": Refusal("SERVER_UNAVAILABLE", "This instance is not available right now.", 420),
    "request_limit_exceeded": Refusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403),
    "unknown_exception": Refusal(
        "UNKNOWN_EXCEPTION",
        "An unexpected error occurred. Please include this ErrorId if you contact support: 1421883-5310 (-1)",
        500,
    ),
}


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
                return user
        raise SESSION_GONE

    def bearer(self, asked: Asked) -> User:
        """The user of the Authorization header."""
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        if kind.lower() not in ("bearer", "oauth"):
            raise SESSION_GONE
        return self.user_of(token)

    def trip(self) -> None:
        """Raise the fault that somebody asked for, if one is due."""
        for kind, refusal in _HTTP_FAULTS.items():
            if self.org.faults.take(kind):
                raise refusal


async def read(request: Request) -> Asked:
    """The request with its body."""
    base = f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
    headers = {key.lower(): value for key, value in request.headers.items()}
    return Asked(
        request.method,
        request.url.path,
        dict(request.query_params),
        headers,
        await request.body(),
        dict(request.path_params),
        base,
    )


def error_list(refusal: Refusal) -> Response:
    """Salesforce's REST error body: a list of code and message."""
    return JSONResponse([{"errorCode": refusal.code, "message": refusal.message}], status_code=refusal.status)


async def spoil(org: Org, request: Request, asked: Asked, response: Response) -> Response:
    """Drop the connection after a deployment was accepted, or break the answer off, when that was asked for."""
    if asked.path.startswith("/rehearsal/"):
        return response
    if asked.notes.get("deployed") and org.faults.take("drop_connection"):
        transport = request.scope.get("extensions", {}).get("rehearsal.transport")
        if transport is not None:
            transport.abort()
            await asyncio.sleep(0.05)
            return response
    if org.faults.take("truncated_body"):
        return Truncated(response)
    return response


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
