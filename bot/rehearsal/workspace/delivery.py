"""Getting commands, interactions and events to the bot, over a socket or signed HTTP, and its ack back."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

import httpx

from bot.rehearsal.workspace import cast
from bot.rehearsal.workspace.checks import witnesses
from bot.rehearsal.workspace.model import Json
from bot.rehearsal.workspace.sockets import Sockets
from bot.rehearsal.workspace.workspace import CALLS_KEPT, Workspace

OVERTAKEN_WITHIN = 5.0
AckState = Literal["ok", "timeout", "failed"]


@dataclass(frozen=True)
class Ack:
    """What came back: `ok` with the payload (None when empty), `timeout`, or `failed` (nobody there, bad answer).

    `why` is Slack's word for a failure, as the next attempt carries it; with `stop` there is none.
    """

    state: AckState
    payload: Any = None
    stop: bool = False
    why: str = "connection_failed"


class Delivery:
    """Sends to the bot. With `request_url` everything goes there as signed HTTP, otherwise through sockets."""

    def __init__(self, workspace: Workspace, sockets: Sockets, request_url: str | None = None) -> None:
        self.workspace = workspace
        self.sockets = sockets
        self.request_url = request_url
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None
        self._verified = False
        self._overtaken: list[asyncio.Event] = []
        workspace.on_event.append(self.event)

    @property
    def over_http(self) -> bool:
        """Whether deliveries go out as HTTP requests."""
        manifest = self.workspace.manifest
        return bool(self.request_url) or (manifest.given and not manifest.socket_mode and bool(manifest.urls))

    async def close(self) -> None:
        """Stop whatever is still to be repeated or ended."""
        await self.sockets.finish()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    async def command(self, payload: Json) -> Ack:
        """Deliver a slash command, once."""
        return await self._once("slash_commands", payload, payload["command"])

    async def interaction(self, payload: Json) -> Ack:
        """Deliver a click, a submission, a shortcut or a request for options, once."""
        return await self._once("interactive", payload, payload["type"])

    async def _once(self, kind: str, payload: Json, what: str) -> Ack:
        fault = self.workspace.faults.strike_delivery(kind, "drop_before_ack")
        ack = await self._send(kind, payload, drop=fault is not None)
        self._log(kind, what, 0, ack)
        return ack

    def event(self, name: str, event: Json) -> None:
        """Send an event when the bot subscribed to it, and again until it is acknowledged."""
        if not self.workspace.manifest.hears(name):
            return
        payload = {
            "token": "rehearsal-verification-token",
            "team_id": cast.TEAM_ID,
            "api_app_id": cast.APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{uuid.uuid4().hex[:10].upper()}",
            "event_time": int(self.workspace.clock.now().timestamp()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": cast.TEAM_ID,
                    "user_id": cast.BOT_USER_ID,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{uuid.uuid4().hex}",
        }
        faults = self.workspace.faults
        twice = faults.strike_delivery(event["type"], "duplicate")
        late = faults.strike_delivery(event["type"], "late")
        reordered = faults.strike_delivery(event["type"], "reordered")
        waiting, self._overtaken = self._overtaken, []
        work = self._until_acked(payload, late.seconds if late else 0.0)
        if reordered:
            work = self._once_overtaken(work, reordered.seconds or OVERTAKEN_WITHIN)
        elif waiting:
            work = self._before(work, waiting)
        self._spawn(work)
        if twice:
            self._spawn(self._until_acked(payload, 0.0))

    async def _once_overtaken(self, work: Coroutine[Any, Any, None], within: float) -> None:
        """Send an event after the one that follows it, or after `within` seconds when none does."""
        overtaken = asyncio.Event()
        self._overtaken.append(overtaken)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(overtaken.wait(), within)
        await work

    async def _before(self, work: Coroutine[Any, Any, None], waiting: list[asyncio.Event]) -> None:
        """Send an event, then let those go that it overtook."""
        try:
            await work
        finally:
            for overtaken in waiting:
                overtaken.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            task = asyncio.get_running_loop().create_task(work)
        except RuntimeError:  # nobody serves this workspace: there is no bot to tell
            work.close()
            return
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_acked(self, payload: Json, delay: float) -> None:
        await asyncio.sleep(delay)
        ack = await self._attempt(payload, 0, "")
        for number, wait in enumerate(self.workspace.pace.retry_after, start=1):
            if ack.state == "ok" or ack.stop:
                return
            reason = "timeout" if ack.state == "timeout" else ack.why
            await asyncio.sleep(wait)
            ack = await self._attempt(payload, number, reason)

    async def _attempt(self, payload: Json, number: int, reason: str) -> Ack:
        what = payload["event"]["type"]
        drop = self.workspace.faults.strike_delivery(what, "drop_before_ack") is not None
        if self.over_http and not self._verified:
            self._verified = await self.verify_url()
        if self.over_http and not self._verified:
            return Ack("failed")
        ack = await self._send("events_api", payload, drop=drop, attempt=number, reason=reason)
        self._log("events_api", what, number, ack)
        return ack

    async def _send(self, kind: str, payload: Json, *, drop: bool = False, attempt: int = 0, reason: str = "") -> Ack:
        for witness in witnesses:
            witness(kind, payload)
        if self.over_http:
            return await self._post(kind, payload, attempt, reason)
        envelope: Json = {
            "envelope_id": str(uuid.uuid4()),
            "payload": payload,
            "type": kind,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        sent = await self.sockets.deliver(envelope, drop=drop)
        if sent is None:
            return Ack("failed")
        connection, future = sent
        try:
            return Ack("ok", await asyncio.wait_for(future, self.workspace.pace.ack_within))
        except TimeoutError:
            return Ack("timeout")
        finally:
            connection.waiting.pop(envelope["envelope_id"], None)

    def _url(self, kind: str, payload: Json) -> str | None:
        if self.request_url:
            return self.request_url
        name = payload.get("command", "") if kind == "slash_commands" else kind
        urls = self.workspace.manifest.urls
        if payload.get("type") == "block_suggestion":
            name = "options"
        return urls.get(name)

    async def _post(self, kind: str, payload: Json, attempt: int, reason: str) -> Ack:
        url = self._url(kind, payload)
        if url is None:
            return Ack("failed")
        if kind == "events_api":
            body, content_type = json.dumps(payload), "application/json"
        else:
            form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
            body, content_type = urlencode(form), "application/x-www-form-urlencoded"
        headers = {"content-type": content_type, **self.signed(body)}
        if attempt:
            retry_reason = "http_timeout" if reason == "timeout" else reason
            headers |= {"x-slack-retry-num": str(attempt), "x-slack-retry-reason": retry_reason}
        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False)
        try:
            response = await self._client.post(
                url, content=body.encode(), headers=headers, timeout=self.workspace.pace.ack_within
            )
        except httpx.TimeoutException:
            return Ack("timeout")
        except httpx.HTTPError:
            return Ack("failed")
        return _read_answer(response)

    def signed(self, body: str, at: int | None = None) -> dict[str, str]:
        """Slack's signature headers for a body: HMAC-SHA256 over `v0:timestamp:body`, at real time by Slack's clock."""
        stamp = str(int(time.time() + self.workspace.clock_skew) if at is None else at)
        digest = hmac.new(self.workspace.signing_secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256)
        return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest.hexdigest()}"}

    async def verify_url(self) -> bool:
        """Send `url_verification` as Slack does when a request URL is saved; whether the challenge came back."""
        challenge = uuid.uuid4().hex
        asked = {"type": "url_verification", "token": "rehearsal-verification-token", "challenge": challenge}
        ack = await self._post("events_api", asked, 0, "")
        answer = ack.payload if isinstance(ack.payload, dict) else {}
        verified = challenge in (answer.get("challenge"), answer.get("text"))
        self._log("events_api", "url_verification", 0, ack if verified else Ack("failed"))
        return verified

    def _log(self, kind: str, what: str, attempt: int, ack: Ack) -> None:
        log = self.workspace.deliveries
        log.append(
            {
                "seq": log[-1]["seq"] + 1 if log else 1,
                "at": self.workspace.clock.now().isoformat(),
                "kind": kind,
                "what": what,
                "attempt": attempt,
                "by": "http" if self.over_http else "socket",
                "result": ack.state,
            }
        )
        if len(log) > CALLS_KEPT:
            del log[: CALLS_KEPT // 2]


def _read_answer(response: httpx.Response) -> Ack:
    if response.status_code != 200:
        return Ack("failed", stop=response.headers.get("x-slack-no-retry") == "1", why="http_error")
    if not response.content:
        return Ack("ok")
    if "json" in response.headers.get("content-type", ""):
        try:
            return Ack("ok", response.json() or None)
        except ValueError:
            return Ack("failed", why="http_error")
    return Ack("ok", {"text": response.text})
