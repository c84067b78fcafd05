"""How Slack reaches the shell: over sockets that we open, or by signed HTTP requests."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import time
from collections.abc import Sequence
from urllib.parse import parse_qsl

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

log = logging.getLogger(__name__)

CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded")
BODY_LIMIT = 1_000_000
SILENT_FOR = 40.0
OLD_AFTER = 300  # seconds, as Slack advises


class Sockets:
    """Several Socket Mode connections of one app, so that one is open while Slack refreshes another."""

    def __init__(self, app: AsyncApp, app_token: str, connections: int = 2) -> None:
        if not app_token.startswith("xapp-"):
            raise ValueError("The app-level token must start with “xapp-”. Make one with the scope connections:write.")
        self._handlers = [AsyncSocketModeHandler(app, app_token) for _ in range(connections)]

    async def open(self) -> None:
        """Connect; returns when every connection is up."""
        await asyncio.gather(*(handler.client.connect() for handler in self._handlers))  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """Disconnect and let go of everything."""
        await asyncio.gather(*(handler.client.close() for handler in self._handlers))  # type: ignore[no-untyped-call]

    async def alive(self) -> int:
        """How many connections are open and answered a ping within the last 40 seconds."""
        return sum([await _is_alive(handler) for handler in self._handlers])


async def _is_alive(handler: AsyncSocketModeHandler) -> bool:
    client = handler.client
    if not await client.is_connected():
        return False
    # No ping has been due yet on a connection this young.
    return client.last_ping_pong_time is None or time.time() - client.last_ping_pong_time < SILENT_FOR


def slack_routes(
    app: AsyncApp, *, signing_secret: str, path: str = "/slack/events", body_limit: int = BODY_LIMIT
) -> Sequence[Route]:
    """Routes for Slack's signed requests: commands, interactions and events all come to `path`.

    Refused before anything is read from them: bodies over `body_limit` bytes (413), unsigned, forged, undated or old
    requests (401), content types that Slack does not send (415), bodies that are cut off, or neither a JSON object nor
    a form in UTF-8 (400).
    """
    door = _Door(app, SignatureVerifier(signing_secret), body_limit)
    return [Route(path, door.enter, methods=["POST"])]


class _Door:
    def __init__(self, app: AsyncApp, verifier: SignatureVerifier, body_limit: int) -> None:
        self._handler = AsyncSlackRequestHandler(app)
        self._verifier = verifier
        self._body_limit = body_limit

    async def enter(self, request: Request) -> Response:
        """One request of Slack's, or of somebody who pretends to be Slack."""
        try:
            body = await self._read(request)
        except ClientDisconnect:
            return PlainTextResponse("The body ended in its middle.", 400)
        if body is None:
            return PlainTextResponse("The body is too large.", 413)
        if not self._is_signed(request, body):
            return PlainTextResponse("This is not signed by Slack, or too old.", 401)
        if (seconds := self._off_by(request)) > OLD_AFTER:
            log.warning(
                "A signed request was refused: its timestamp is %d seconds off our clock, more than %d. "
                "It was sent again by somebody, or one of the clocks is wrong; `rollcall check` compares them.",
                seconds,
                OLD_AFTER,
            )
            return PlainTextResponse("This is not signed by Slack, or too old.", 401)
        content_type = request.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() not in CONTENT_TYPES:
            log.warning("A signed request had a content type that Slack does not send: %r", content_type[:100])
            return PlainTextResponse("The content type is neither JSON nor a form.", 415)
        if not _is_readable(body, content_type):
            log.warning("A signed request could not be read: %s", content_type)
            return PlainTextResponse("The body cannot be read.", 400)
        # The adapter reads the body again; Starlette hands it over from here.
        request._body = body
        return await self._handler.handle(request)

    async def _read(self, request: Request) -> bytes | None:
        gathered = bytearray()
        async for chunk in request.stream():
            gathered += chunk
            if len(gathered) > self._body_limit:
                return None
        return bytes(gathered)

    def _is_signed(self, request: Request, body: bytes) -> bool:
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 12 and signature.isascii()):
            return False
        wanted = self._verifier.generate_signature(timestamp=timestamp, body=_exact(body))
        return wanted is not None and hmac.compare_digest(wanted, signature)

    def _off_by(self, request: Request) -> int:
        """How many seconds the request's timestamp and our clock are apart."""
        return abs(int(time.time()) - int(request.headers["x-slack-request-timestamp"]))


def _is_readable(body: bytes, content_type: str) -> bool:
    """Whether this is a JSON object, or a form whose payload is one; Bolt takes that for granted."""
    try:
        text = body.decode("utf-8")
        if content_type.partition(";")[0] != "application/json" and not text.startswith("{"):
            text = dict(parse_qsl(text, keep_blank_values=True)).get("payload", "{}")
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _exact(body: bytes) -> str:
    # The verifier encodes what it gets as UTF-8; surrogates would make it fail, so such a body never matches.
    return body.decode("utf-8", "replace")
