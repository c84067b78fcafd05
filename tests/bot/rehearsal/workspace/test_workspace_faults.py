"""Trouble on demand as the bot's own side meets it: nothing is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk import WebClient
from websockets.asyncio.client import connect as ws_connect
from websockets.exceptions import ConnectionClosed


async def until(condition: Any, within: float = 20.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


async def _say(driver: Any, text: str) -> None:
    await driver.aact("message", channel="#general", text=text, wait_seconds=0)


async def test_an_event_can_be_overtaken_by_the_next_one(app: AsyncApp, driver: Any) -> None:
    heard: list[str] = []

    @app.event("message")
    async def on_message(event: Any) -> None:
        heard.append(event["text"])

    await asyncio.to_thread(driver.steer, "faults", kind="reordered", method="message", seconds=20)
    await _say(driver, "first")
    await _say(driver, "second")
    await until(lambda: len(heard) == 2)
    await _say(driver, "third")
    await until(lambda: len(heard) == 3)
    assert heard == ["second", "first", "third"]


async def test_an_event_that_nothing_follows_comes_all_the_same(app: AsyncApp, driver: Any) -> None:
    heard: list[str] = []

    @app.event("message")
    async def on_message(event: Any) -> None:
        heard.append(event["text"])

    await asyncio.to_thread(driver.steer, "faults", kind="reordered", method="message", seconds=0.3)
    await _say(driver, "alone")
    await until(lambda: heard == ["alone"])


def test_slacks_clock_can_be_set_wrong_and_right_again(bot: WebClient, driver: Any, workspace: Any) -> None:
    def off_by() -> float:
        return parsedate_to_datetime(bot.auth_test().headers["date"]).timestamp() - time.time()

    assert abs(off_by()) < 60
    driver.steer("workspace", clock_skew=-900)
    assert -960 < off_by() < -840
    stamp = int(workspace.stage.delivery.signed("x")["x-slack-request-timestamp"])
    assert -960 < stamp - time.time() < -840
    driver.steer("workspace", clock_skew=0)
    assert abs(off_by()) < 60
    assert driver.steer("workspace", expect=400, clock_skew="late")["error"]["code"] == "bad_request"


def test_the_page_passes_links_on_only_within_this_machine(driver: Any, workspace: Any) -> None:
    for elsewhere in ("https://example.com", "http://127.0.0.1", "http://127.0.0.1:80@example.com", 8080):
        refused = driver.steer("workspace", expect=400, app_address=elsewhere)
        assert refused["error"]["code"] == "bad_request"
    driver.steer("workspace", app_address="http://127.0.0.1:8080")
    assert workspace.workspace.app_address == "http://127.0.0.1:8080"


@pytest.mark.parametrize("how", ["refresh", "warn"])
async def test_a_connection_that_was_told_to_end_is_ended(driver: Any, workspace: Any, how: str) -> None:
    workspace.workspace.pace.refreshed_within = 0.2
    client = WebClient(token=workspace.app_token, base_url=workspace.api_url)
    link = client.apps_connections_open(app_token=workspace.app_token)["url"]
    async with ws_connect(link) as socket:
        await socket.recv()
        await asyncio.to_thread(driver.steer, "sockets", do=how)
        told = json.loads(await asyncio.wait_for(socket.recv(), 20))
        assert (told["type"], told["reason"]) == (
            "disconnect",
            {"refresh": "refresh_requested", "warn": "warning"}[how],
        )
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 20)
