"""A running workspace, somebody to act in it, a Bolt app to answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk import WebClient
from slack_sdk.web.async_client import AsyncWebClient

from bot.rehearsal.clock import MovableClock
from bot.rehearsal.workspace.pace import Pace
from bot.rehearsal.workspace.serve import Extras, RunningWorkspace, start

Json = dict[str, Any]


class Driver:
    """Acts and looks through the rehearsal's API, over HTTP."""

    def __init__(self, url: str, user: str = "anna") -> None:
        self.http = httpx.Client(base_url=f"{url}/rehearsal/api/", timeout=20, trust_env=False)
        self.user = user

    def act(self, act: str, /, *, user: str | None = None, status: int = 200, **body: Any) -> Json:
        """Perform an act and give its answer, which must have the given status."""
        body = {"as": user or self.user, "wait_seconds": 1.0, **body}
        answer = self.http.post(act, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def look(self, name: str, *, user: str | None = None, status: int = 200, **query: Any) -> Json:
        """Look at something."""
        answer = self.http.get(name, params={"as": user or self.user, **query})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def aact(self, act: str, /, **body: Any) -> Json:
        """The same act while a bot lives in this event loop."""
        return await asyncio.to_thread(lambda: self.act(act, **body))

    async def alook(self, name: str, **query: Any) -> Json:
        """The same look while a bot lives in this event loop."""
        return await asyncio.to_thread(lambda: self.look(name, **query))

    def steer(self, name: str, /, expect: int = 200, **body: Any) -> Json:
        """Move the clock, make trouble, rearrange."""
        answer = self.http.post(name, json=body)
        assert answer.status_code == expect, answer.text
        return answer.json()


def a_pace(**changes: Any) -> Pace:
    """Real-time limits short enough for tests."""
    short = {"retry_after": (0.0, 0.2, 0.2), "quiet_for": 0.05}
    return Pace(**{**short, "rate_limits": False, **changes})


Starter = Callable[..., RunningWorkspace]


@pytest.fixture(scope="session")
def ending() -> Iterator[ThreadPoolExecutor]:
    """Ends workspaces while the next tests run already."""
    with ThreadPoolExecutor(max_workers=4) as executor:
        yield executor


@pytest.fixture
def start_workspace(ending: ThreadPoolExecutor) -> Iterator[Starter]:
    """Starts workspaces that end with the test."""
    running: list[RunningWorkspace] = []

    def starter(*, manifest: Path | None = None, folder: Path | None = None, **extras: Any) -> RunningWorkspace:
        clock = extras.pop("clock", None) or MovableClock()
        extras.setdefault("pace", a_pace())
        running.append(start(0, clock=clock, manifest=manifest, folder=folder, extras=Extras(**extras)))
        return running[-1]

    yield starter
    for each in running:
        ending.submit(each.stop)


@pytest.fixture
def workspace(start_workspace: Starter) -> RunningWorkspace:
    """A workspace without a manifest: every scope, every event."""
    return start_workspace()


@pytest.fixture
def bot(workspace: RunningWorkspace) -> WebClient:
    """The bot's own client, as slack_sdk ships it."""
    return WebClient(token=workspace.bot_token, base_url=workspace.api_url)


@pytest.fixture
def driver(workspace: RunningWorkspace) -> Iterator[Driver]:
    """Somebody who acts as anybody."""
    made = Driver(workspace.url)
    yield made
    made.http.close()


def a_bolt_app(workspace: RunningWorkspace) -> AsyncApp:
    """A real Bolt app whose client talks to the workspace."""
    client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
    return AsyncApp(client=client, signing_secret=workspace.signing_secret)


@asynccontextmanager
async def connected(app: AsyncApp, workspace: RunningWorkspace) -> AsyncIterator[AsyncSocketModeHandler]:
    """The app on one Socket Mode connection."""
    handler = AsyncSocketModeHandler(app, workspace.app_token, ping_interval=1)
    await handler.connect_async()
    try:
        yield handler
    finally:
        await handler.close_async()


@pytest_asyncio.fixture
async def app(workspace: RunningWorkspace) -> AsyncIterator[AsyncApp]:
    """A Bolt app that is connected; listeners may be added afterwards."""
    made = a_bolt_app(workspace)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(connected(made, workspace))
        yield made


class Kit:
    """Block Kit in few words."""

    @staticmethod
    def text(words: str) -> Json:
        """A plain_text object."""
        return {"type": "plain_text", "text": words}

    @staticmethod
    def section(words: str, **more: Any) -> Json:
        """A section block."""
        return {"type": "section", "text": {"type": "mrkdwn", "text": words}, **more}

    @classmethod
    def button(cls, action_id: str, label: str, **more: Any) -> Json:
        """A button."""
        return {"type": "button", "action_id": action_id, "text": cls.text(label), **more}

    @staticmethod
    def actions(*elements: Json, **more: Any) -> Json:
        """A row of elements."""
        return {"type": "actions", "elements": [*elements], **more}

    @classmethod
    def option(cls, label: str, value: str) -> Json:
        """An option."""
        return {"text": cls.text(label), "value": value}

    @classmethod
    def modal(cls, *blocks: Json, **more: Any) -> Json:
        """A modal with a submit button."""
        frame = {"type": "modal", "callback_id": "form", "title": cls.text("Form"), "submit": cls.text("Go")}
        return {**frame, "blocks": [*blocks], **more}

    @classmethod
    def ask(cls, block_id: str, label: str, element: Json, **more: Any) -> Json:
        """An input block."""
        field = {"type": "input", "block_id": block_id, "label": cls.text(label)}
        return {**field, "element": {"action_id": "a", **element}, **more}


@pytest.fixture
def kit() -> type[Kit]:
    """Builders for blocks."""
    return Kit


@pytest.fixture
def pace() -> Callable[..., Pace]:
    """Builds time limits short enough for tests."""
    return a_pace


@pytest.fixture
def bolt_app() -> Callable[[RunningWorkspace], AsyncApp]:
    """Builds a Bolt app for a workspace."""
    return a_bolt_app


@pytest.fixture
def connect() -> Callable[[AsyncApp, RunningWorkspace], Any]:
    """Connects a Bolt app over Socket Mode, as an async context."""
    return connected


@pytest.fixture
def drive() -> Iterator[Callable[[RunningWorkspace], Driver]]:
    """Builds drivers for workspaces."""
    with ExitStack() as stack:

        def build(running: RunningWorkspace) -> Driver:
            driver = Driver(running.url)
            stack.enter_context(driver.http)
            return driver

        yield build
