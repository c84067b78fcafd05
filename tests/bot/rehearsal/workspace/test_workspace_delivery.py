"""How the bot is reached: sockets that come and go, events that are repeated, faults on demand."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import Any

import httpx
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from websockets.asyncio.client import connect as ws_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus


async def until(condition: Any, within: float = 20.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


async def test_of_two_connections_each_payload_reaches_one(
    workspace: Any, driver: Any, bolt_app: Any, connect: Any
) -> None:
    seen: Counter[str] = Counter()
    apps = {"one": bolt_app(workspace), "two": bolt_app(workspace)}
    for name, each in apps.items():

        def listen(name: str, each: AsyncApp) -> None:
            @each.event("message")
            async def heard(event: Any) -> None:
                seen[name] += 1

        listen(name, each)
    async with connect(apps["one"], workspace), connect(apps["two"], workspace):
        for number in range(24):
            await driver.aact("message", channel="#general", text=str(number), wait_seconds=0)
        await until(lambda: sum(seen.values()) >= 24)
        assert (await driver.alook("deliveries"))["connections"] == 2
    assert sum(seen.values()) == 24
    assert set(seen) == {"one", "two"}


async def test_an_event_without_an_ack_comes_again_with_its_number(workspace: Any, driver: Any) -> None:
    workspace.workspace.pace.ack_within = 0.4
    link = WebClient(token=workspace.app_token, base_url=workspace.api_url).apps_connections_open(
        app_token=workspace.app_token
    )["url"]
    async with ws_connect(link) as socket:
        hello = await _received(socket)
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        await driver.aact("message", channel="#general", text="x", wait_seconds=0)
        attempts = [await _received(socket) for _ in range(3)]
        await socket.send(json.dumps({"envelope_id": attempts[-1]["envelope_id"]}))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.7)
    assert [each["retry_attempt"] for each in attempts] == [0, 1, 2]
    assert [each["retry_reason"] for each in attempts] == ["", "timeout", "timeout"]
    assert len({each["payload"]["event_id"] for each in attempts}) == 1


async def _received(socket: Any) -> Any:
    return json.loads(await asyncio.wait_for(socket.recv(), 20))


async def test_a_link_works_once(workspace: Any) -> None:
    client = WebClient(token=workspace.app_token, base_url=workspace.api_url)
    link = client.apps_connections_open(app_token=workspace.app_token)["url"]
    async with ws_connect(link) as socket:
        await socket.recv()
        with pytest.raises(InvalidStatus):
            await ws_connect(link)


def test_sockets_need_the_app_token(workspace: Any) -> None:
    client = WebClient(token=workspace.bot_token, base_url=workspace.api_url)
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        client.apps_connections_open(app_token=workspace.bot_token)


async def test_the_eleventh_connection_is_sent_away(workspace: Any) -> None:
    client = WebClient(token=workspace.app_token, base_url=workspace.api_url)

    def link() -> str:
        return str(client.apps_connections_open(app_token=workspace.app_token)["url"])

    sockets = [await ws_connect(link()) for _ in range(11)]
    assert (await _received(sockets[9]))["num_connections"] == 10
    assert (await _received(sockets[10]))["reason"] == "too_many_websockets"
    with pytest.raises(ConnectionClosed):
        await sockets[10].recv()
    for socket in sockets:
        await socket.close()


async def test_a_refreshed_bot_connects_again(app: AsyncApp, driver: Any) -> None:
    @app.command("/release")
    async def release(ack: Any) -> None:
        await ack("here")

    assert (await asyncio.to_thread(driver.steer, "sockets", do="refresh"))["ended"] == 1
    calls = lambda: driver.look("calls", method="apps.connections.open")["counts"]["apps.connections.open"]  # noqa: E731
    while await asyncio.to_thread(calls) < 2:
        await asyncio.sleep(0.02)
    while (await driver.alook("deliveries"))["connections"] < 1:
        await asyncio.sleep(0.02)
    assert (await driver.aact("command", channel="#general", text="/release"))["messages"][0]["text"] == "here"


async def test_an_event_survives_a_socket_cut_before_its_ack(app: AsyncApp, driver: Any, workspace: Any) -> None:
    workspace.workspace.pace.ack_within = 0.4
    heard: list[str] = []

    @app.event("message")
    async def on_message(body: Any) -> None:
        heard.append(body["event_id"])

    await asyncio.to_thread(driver.steer, "faults", kind="drop_before_ack", method="message")
    await driver.aact("message", channel="#general", text="x", wait_seconds=0)
    await until(lambda: len(heard) >= 2)
    assert len(set(heard)) == 1
    while (deliveries := (await driver.alook("deliveries"))["deliveries"])[-1]["result"] != "ok":
        await asyncio.sleep(0.02)
    assert deliveries[0]["result"] == "timeout"


async def test_an_event_can_come_twice_or_late(app: AsyncApp, driver: Any) -> None:
    heard: list[tuple[str, str]] = []

    @app.event("message")
    async def on_message(body: Any) -> None:
        heard.append((body["event"]["text"], body["event_id"]))

    await asyncio.to_thread(driver.steer, "faults", kind="duplicate", method="message")
    await driver.aact("message", channel="#general", text="twice", wait_seconds=0)
    await until(lambda: len(heard) == 2)
    assert heard[0] == heard[1]
    await asyncio.to_thread(driver.steer, "faults", kind="late", method="message", seconds=1.5)
    await driver.aact("message", channel="#general", text="first", wait_seconds=0)
    await driver.aact("message", channel="#general", text="second", wait_seconds=0)
    await until(lambda: len(heard) == 4)
    assert [words for words, _ in heard[2:]] == ["second", "first"]


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        ({"kind": "ratelimited", "retry_after": 7}, 429, "ratelimited"),
        ({"kind": "http_error", "status": 502}, 502, "service_unavailable"),
        ({"kind": "error", "error": "fatal_error"}, 200, "fatal_error"),
    ],
)
def test_calls_can_be_made_to_fail(workspace: Any, driver: Any, fault: dict[str, Any], status: int, error: str) -> None:
    driver.steer("faults", method="chat.postMessage", skip=1, **fault)
    headers = {"authorization": f"Bearer {workspace.bot_token}"}

    def post() -> httpx.Response:
        return httpx.post(
            f"{workspace.api_url}chat.postMessage", json={"channel": "C0GENERAL", "text": "x"}, headers=headers
        )

    assert post().json()["ok"]
    failed = post()
    assert (failed.status_code, failed.json()["error"]) == (status, error)
    assert post().json()["ok"]
    assert len(driver.look("channel", channel="#general")["messages"]) == 2
    if status == 429:
        assert failed.headers["retry-after"] == "7"


@pytest.mark.parametrize(("kind", "posted"), [("timeout_after", 1), ("timeout_before", 0)])
def test_an_answer_can_be_lost_before_or_after_posting(workspace: Any, driver: Any, kind: str, posted: int) -> None:
    driver.steer("faults", kind=kind, method="chat.postMessage")
    headers = {"authorization": f"Bearer {workspace.bot_token}"}
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{workspace.api_url}chat.postMessage", json={"channel": "C0GENERAL", "text": "x"}, headers=headers)
    assert len(driver.look("channel", channel="#general")["messages"]) == posted
    assert driver.look("faults")["faults"] == []


def test_an_unknown_fault_is_refused(driver: Any) -> None:
    assert "ratelimited" in driver.steer("faults", expect=400, kind="gremlin")["error"]["sentence"]
    assert driver.steer("faults", expect=400, kind="slow", wings=2)["error"]["code"] == "bad_fault"


async def test_response_urls_work_five_times(app: AsyncApp, driver: Any) -> None:
    urls: list[str] = []

    @app.command("/release")
    async def release(ack: Any, command: Any) -> None:
        urls.append(command["response_url"])
        await ack()

    await driver.aact("command", channel="#general", text="/release", wait_seconds=0)
    async with httpx.AsyncClient() as client:
        answers = [await client.post(urls[0], json={"text": str(n)}) for n in range(6)]
        assert [each.status_code for each in answers] == [200] * 5 + [404]
        assert answers[5].json()["error"] == "used_url"
        assert (await client.post(urls[0] + "x", json={"text": "x"})).json()["error"] == "invalid_url"
        assert (await client.post(urls[0], json={"blocks": [{"type": "x"}]})).status_code == 404
    seen = await driver.alook("channel", channel="#general")
    assert [(each["text"], each["ephemeral"]) for each in seen["messages"]] == [(str(n), True) for n in range(5)]


async def test_the_bot_hears_edits_deletions_and_reactions(app: AsyncApp, driver: Any) -> None:
    heard: list[str] = []

    @app.event("message")
    async def on_message(event: Any) -> None:
        heard.append(event.get("subtype", "plain"))

    @app.event("reaction_added")
    async def on_reaction(event: Any) -> None:
        heard.append(event["reaction"])

    said = await driver.aact("message", channel="#general", text="x", wait_seconds=0)
    place = {"channel": "#general", "ts": said["messages"][0]["ts"], "wait_seconds": 0}
    for number, (act, more) in enumerate([("react", {"name": "eyes"}), ("edit", {"text": "y"}), ("delete", {})], 1):
        await until(lambda number=number: len(heard) == number)
        await driver.aact(act, **place, **more)
    await until(lambda: len(heard) == 4)
    assert heard == ["plain", "eyes", "message_changed", "message_deleted"]
