"""Signed HTTP delivery to a real Bolt app, with what the manifest subscribes to."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

MANIFEST = """
display_information: {{name: Rollcall}}
features:
  bot_user: {{display_name: Rollcall}}
  shortcuts: [{{name: Report, type: message, callback_id: report, description: Report it}}]
  slash_commands: [{{command: /release, description: Releases, url: "{url}"}}]
oauth_config: {{scopes: {{bot: [commands, "chat:write", "app_mentions:read", "channels:history"]}}}}
settings:
  socket_mode_enabled: false
  event_subscriptions: {{request_url: "{url}", bot_events: [app_mention, message.im]}}
  interactivity: {{is_enabled: true, request_url: "{url}"}}
"""


class Served:
    """A Bolt app behind HTTP whose secrets are set once the workspace runs."""

    def __init__(self) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}/slack/events"
        self.handler: AsyncSlackRequestHandler | None = None
        self.headers: list[dict[str, str]] = []
        self.broken: list[int] = []
        self.no_retry = False
        app = Starlette(routes=[Route("/slack/events", self.answer, methods=["POST"])])
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listening]})
        self.thread.start()

    async def answer(self, request: Request) -> Any:
        """Hand a request to Bolt, or answer with what is broken."""
        self.headers.append(dict(request.headers))
        if self.broken:
            headers = {"x-slack-no-retry": "1"} if self.no_retry else {}
            return PlainTextResponse("broken", self.broken.pop(0), headers)
        assert self.handler is not None
        return await self.handler.handle(request)

    def use(self, running: Any) -> AsyncApp:
        """Answer with a fresh app that belongs to a workspace."""
        client = AsyncWebClient(token=running.bot_token, base_url=running.api_url)
        app = AsyncApp(client=client, signing_secret=running.signing_secret)
        self.handler = AsyncSlackRequestHandler(app)
        return app


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    while not made.server.started:
        time.sleep(0.01)
    yield made
    made.server.should_exit = True
    made.thread.join()


@pytest.fixture
def running(served: Served, start_workspace: Any, tmp_path: Path) -> Any:
    manifest = tmp_path / "manifest.yml"
    manifest.write_text(MANIFEST.format(url=served.url))
    return start_workspace(manifest=manifest)


async def test_a_command_arrives_signed_and_unescaped(served: Served, running: Any, drive: Any) -> None:
    app = served.use(running)

    @app.command("/release")
    async def release(ack: Any, command: Any) -> None:
        await ack(command["text"])

    outcome = await drive(running).aact("command", channel="#releases", text="/release for @priya")
    assert outcome["messages"][0]["text"] == "for @priya"


async def test_a_wrong_secret_is_a_failed_dispatch(served: Served, running: Any, drive: Any) -> None:
    served.use(running)
    running.workspace.signing_secret = "somebody else's"
    outcome = await drive(running).aact("command", channel="#releases", text="/release new")
    assert outcome["error"]["code"] == "dispatch_failed"


async def test_only_subscribed_events_are_sent(served: Served, running: Any, drive: Any) -> None:
    app = served.use(running)
    heard: list[str] = []

    @app.event("app_mention")
    async def mentioned(event: Any, say: Any) -> None:
        heard.append(event["text"])
        await say("yes?", thread_ts=event["ts"])

    driver = drive(running)
    outcome = await driver.aact("mention", channel="#releases", text="hello")
    assert [each["text"] for each in outcome["messages"]] == ["<@U0ROLLCALL> hello", "yes?"]
    kinds = [each["what"] for each in (await driver.alook("deliveries"))["deliveries"]]
    assert kinds == [
        "url_verification",
        "app_mention",
    ]  # messages in channels are not subscribed; those in DMs lack the scope im:history
    await driver.aact("message", channel="@rollcall", text="psst", wait_seconds=0)
    assert len((await driver.alook("deliveries"))["deliveries"]) == 2


async def test_an_unknown_command_is_not_valid(served: Served, running: Any, drive: Any) -> None:
    outcome = await drive(running).aact("command", channel="#releases", text="/deploy now")
    assert outcome["error"]["code"] == "invalid_command"
    assert outcome["messages"][0]["text"].startswith("/deploy is not a valid command.")


async def test_shortcuts_of_the_manifest_work_and_others_do_not(served: Served, running: Any, drive: Any) -> None:
    app, driver = served.use(running), drive(running)

    @app.shortcut("report")
    async def report(ack: Any, respond: Any) -> None:
        await ack()
        await respond("reported")

    ts = (await driver.aact("message", channel="#releases", text="broken", wait_seconds=0))["messages"][0]["ts"]
    outcome = await driver.aact("shortcut", callback_id="report", channel="#releases", ts=ts)
    assert outcome["messages"][0]["text"] == "reported"
    refused = await driver.aact("shortcut", callback_id="else", status=404)
    assert refused["error"]["code"] == "no_such_shortcut"


async def test_events_wait_until_the_request_url_answered_its_challenge(
    served: Served, running: Any, drive: Any
) -> None:
    driver = drive(running)
    app = served.use(running)
    right, running.workspace.signing_secret = running.workspace.signing_secret, "wrong"
    await driver.aact("mention", channel="#releases", text="one", wait_seconds=1)
    running.workspace.signing_secret = right
    heard: list[str] = []

    @app.event("app_mention")
    async def mentioned(event: Any) -> None:
        heard.append(event["text"])

    outcome = await driver.aact("mention", channel="#releases", text="two", wait_seconds=1)
    assert outcome["ok"]
    assert "<@U0ROLLCALL> two" in heard
    whats = [(each["what"], each["result"]) for each in (await driver.alook("deliveries"))["deliveries"]]
    assert whats[0] == ("url_verification", "failed")
    assert ("url_verification", "ok") in whats


def test_a_file_that_is_no_manifest_is_refused(start_workspace: Any, tmp_path: Path) -> None:
    bad = tmp_path / "manifest.yml"
    bad.write_text("a: 1")
    with pytest.raises(ValueError, match="no app manifest"):
        start_workspace(manifest=bad)


async def test_an_event_over_http_comes_again_until_it_is_taken(served: Served, running: Any, drive: Any) -> None:
    driver, seen = drive(running), served.headers
    app = served.use(running)
    heard: list[str] = []

    @app.event("app_mention")
    async def mentioned(event: Any) -> None:
        heard.append(event["text"])

    await driver.aact("mention", channel="#releases", text="one", wait_seconds=1)
    seen.clear()
    served.broken = [503, 404]
    await driver.aact("mention", channel="#releases", text="two", wait_seconds=0)
    deadline = time.monotonic() + 20
    while len(heard) < 2:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert [(each.get("x-slack-retry-num"), each.get("x-slack-retry-reason")) for each in seen] == [
        (None, None),
        ("1", "http_error"),
        ("2", "http_error"),
    ]
    served.broken, served.no_retry = [503] * 4, True
    await driver.aact("mention", channel="#releases", text="three", wait_seconds=1)
    assert [each["attempt"] for each in (await driver.alook("deliveries"))["deliveries"]][-1] == 0
    assert len(heard) == 2
