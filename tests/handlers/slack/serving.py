"""The shell, connected to a local workspace, answering for a desk made for tests."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

from bot.rehearsal.clock import MovableClock
from bot.rehearsal.workspace.pace import Pace
from bot.rehearsal.workspace.serve import Extras, RunningWorkspace, start
from bot.slack_client import listening_client
from handlers.slack.shell import RollcallApp, build_app
from handlers.slack.transport import Sockets, slack_routes
from tests.handlers.slack.a_desk import VERBS, ADesk

MANIFEST = Path(__file__).parents[3] / "manifest.yml"
Json = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """Somebody in the workspace who types, clicks, fills in forms and reads."""

    http: httpx.Client
    handle: str = "anna"

    def act(self, what: str, **body: Any) -> Json:
        """Do something; the outcome."""
        answer: Json = self.http.post(what, json={"as": self.handle, "wait_seconds": 2.0, **body}).json()
        return answer

    def look(self, what: str, **query: Any) -> Json:
        """Look at something."""
        answer: Json = self.http.get(what, params={"as": self.handle, **query}).json()
        return answer

    def types(self, text: str, channel: str = "#releases") -> Json:
        """Type a command, or words."""
        return self.act("command" if text.startswith("/") else "message", channel=channel, text=text)

    def clicks(self, label: str, message: Mapping[str, Any]) -> Json:
        """Press a button of a message."""
        return self.act("click", channel=message["channel"], ts=message["ts"], label=label)

    def submits(self, outcome: Mapping[str, Any], values: Mapping[str, Any]) -> Json:
        """Fill in the form that an outcome opened."""
        return self.act("submit", view_id=outcome["view"]["view_id"], values=dict(values))

    def reads(self, channel: str = "#releases") -> list[Json]:
        """All that stands in a channel."""
        return list(self.look("channel", channel=channel)["messages"])

    def sees(self, text: str, channel: str = "#releases") -> Json:
        """The newest message there with these words; waits for it."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = [message for message in self.reads(channel) if text in message["plain"]]
            if found:
                return found[-1]
            time.sleep(0.05)
        raise AssertionError(f"Nobody said “{text}” in {channel}: {[m['plain'] for m in self.reads(channel)]}")


@dataclass
class Serving:
    """A workspace, the bot in it, the desk that answers; `anna` is its release manager."""

    workspace: RunningWorkspace
    desk: Any
    http: httpx.Client
    verbs: Mapping[str, Any] = field(default_factory=lambda: VERBS)
    app: RollcallApp | None = None
    sockets: Sockets | None = None
    url: str = ""
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    @property
    def anna(self) -> Person:
        """The release manager."""
        return self.person("anna")

    def person(self, handle: str) -> Person:
        """Somebody of the cast."""
        return Person(self.http, handle)

    def fault(self, kind: str, **more: Any) -> None:
        """Make trouble."""
        assert self.http.post("faults", json={"kind": kind, **more}).json()["ok"]

    def calls(self, method: str) -> list[Json]:
        """What the bot asked of the Web API."""
        return list(self.anna.look("calls", method=method)["calls"])

    def run(self, coroutine: Any) -> Any:
        """Run something in the bot's event loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)


def plain(outcome: Mapping[str, Any]) -> list[str]:
    """What the bot said in an outcome, privately or not."""
    return [message["plain"] for message in outcome["messages"] if message["bot"]]


def private(outcome: Mapping[str, Any]) -> list[str]:
    """What only the actor sees."""
    return [message["plain"] for message in outcome["messages"] if message["ephemeral"]]


@contextlib.contextmanager
def served(
    *,
    over_http: bool = False,
    pace: Pace | None = None,
    desk: Any = None,
    verbs: Mapping[str, Any] | None = None,
    manifest: Path = MANIFEST,
) -> Iterator[Serving]:
    """A bot with a manifest, by default the real one, over two sockets or HTTP; `desk` answers, with its verbs."""
    door = socket.create_server(("127.0.0.1", 0)) if over_http else None
    url = f"http://127.0.0.1:{door.getsockname()[1]}/slack/events" if door else ""
    pace = pace or Pace(trigger_lives=20, ack_within=20, quiet_for=0.05, rate_limits=False)
    clock = MovableClock()
    workspace = start(0, clock=clock, manifest=manifest, extras=Extras(pace=pace, request_url=url or None))
    http = httpx.Client(base_url=f"{workspace.url}/rehearsal/api/", timeout=30, trust_env=False)
    made = ADesk()
    serving = Serving(workspace, desk or made, http, verbs=verbs or VERBS, url=url)
    ready, until = threading.Event(), asyncio.Event()

    async def live() -> None:
        async with _listening(serving, clock.now, door):
            ready.set()
            await until.wait()

    thread = threading.Thread(target=serving._loop.run_until_complete, args=(live(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield serving
    finally:
        made.release()
        serving._loop.call_soon_threadsafe(until.set)
        thread.join(20)
        http.close()
        workspace.stop()
        serving._loop.close()


@contextlib.asynccontextmanager
async def _listening(serving: Serving, now: Any, door: socket.socket | None) -> AsyncIterator[None]:
    workspace = serving.workspace
    async with listening_client(workspace.bot_token, workspace.api_url) as client:
        secret = workspace.signing_secret
        app = build_app(serving.desk, verbs=serving.verbs, client=client, signing_secret=secret, now=now)
        serving.app = app
        transport = _over_http(app, secret, door) if door else _over_sockets(serving, app)
        async with transport:
            yield
            assert await app.drain(5) == 0


@contextlib.asynccontextmanager
async def _over_sockets(serving: Serving, app: RollcallApp) -> AsyncIterator[None]:
    serving.sockets = Sockets(app, serving.workspace.app_token)
    await serving.sockets.open()
    yield
    await serving.sockets.close()


@contextlib.asynccontextmanager
async def _over_http(app: RollcallApp, secret: str, door: socket.socket) -> AsyncIterator[None]:
    web = Starlette(routes=list(slack_routes(app, signing_secret=secret, body_limit=200_000)))
    server = uvicorn.Server(uvicorn.Config(web, log_level="error", access_log=False, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[door]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield
    server.should_exit = True
    await serving
