"""Trouble between Slack and us: whoever did something is answered, once."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import pytest

from bot.rehearsal.workspace.pace import Pace
from handlers.slack.blocks import draw_message
from tests.handlers.slack.a_desk import CARD
from tests.handlers.slack.serving import Json, Serving, private, served


@pytest.fixture
def serving() -> Iterator[Serving]:
    """A bot over two sockets, in a workspace that repeats events soon."""
    with served(pace=a_pace()) as serving:
        yield serving


def a_pace() -> Pace:
    return Pace(trigger_lives=20, ack_within=5, quiet_for=0.05, rate_limits=False, retry_after=(0.5, 1.0, 1.0))


def answers(serving: Serving, text: str) -> int:
    """How often Anna reads something in #releases."""
    return sum(text in message["plain"] for message in serving.anna.reads() if message["bot"])


def answered_once(serving: Serving, *texts: str) -> None:
    """Waits until each was answered; a little later, none was answered again."""
    for text in texts:
        serving.anna.sees(text)
    time.sleep(0.5)
    assert [answers(serving, text) for text in texts] == [1] * len(texts)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "duplicate"},
        {"kind": "late", "seconds": 0.5},
        {"kind": "drop_before_ack"},
        {"kind": "drop_before_ack", "times": 2},
        {"kind": "reordered", "seconds": 10},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('times', 1)}",
)
def test_what_was_said_is_answered_once_whatever_becomes_of_its_event(serving: Serving, fault: Json) -> None:
    serving.workspace.workspace.pace.ack_within = 1.0
    serving.fault(method="app_mention", **fault)
    serving.anna.act("mention", channel="#releases", text="status REL-1", wait_seconds=0)
    serving.anna.act("mention", channel="#releases", text="status REL-2", wait_seconds=0)
    answered_once(serving, "REL-1 is asked about", "REL-2 is asked about")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "http_error", "status": 500},
        {"kind": "http_error", "status": 502},
        {"kind": "http_error", "status": 503, "times": 2},
        {"kind": "ratelimited", "retry_after": 1},
        {"kind": "timeout_before"},
        {"kind": "slow", "seconds": 1},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}",
)
def test_a_click_is_answered_though_slack_fails_at_first(serving: Serving, fault: Json) -> None:
    assert serving.app is not None
    serving.run(serving.app.client.chat_postMessage(channel="C0RELEASES", **draw_message(CARD)))
    serving.fault(method="chat.postEphemeral", **fault)
    serving.anna.clicks("Approve", serving.anna.sees("REL-1"))
    deadline = time.monotonic() + 20
    while not (said := [m["plain"] for m in serving.anna.reads() if m["ephemeral"]]):
        assert time.monotonic() < deadline, "the click was never answered"
        time.sleep(0.05)
    assert len(said) == 1


def test_a_command_lost_with_its_socket_can_be_typed_again(serving: Serving) -> None:
    serving.workspace.workspace.pace.ack_within = 1.0
    serving.fault("drop_before_ack", method="slash_commands")
    assert serving.anna.types("/release status REL-1")["error"]["code"] == "operation_timeout"
    assert private(serving.anna.types("/release status REL-1")) == ["REL-1 is asked about"]


def test_people_are_answered_through_a_storm_of_dropped_sockets(serving: Serving) -> None:
    for number in range(6):
        assert serving.http.post("sockets", json={"do": "drop", "connections": 1}).json()["ok"]
        serving.anna.act("mention", channel="#releases", text=f"status REL-{number}", wait_seconds=0)
    answered_once(serving, *(f"REL-{number} is asked about" for number in range(6)))
    deadline = time.monotonic() + 30
    while serving.anna.look("deliveries")["connections"] < 2:
        assert time.monotonic() < deadline, "the second connection never came back"
        time.sleep(0.05)


def test_a_slack_whose_clock_is_wrong_is_refused_and_the_log_says_why(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with served(over_http=True, pace=a_pace()) as serving:
        assert serving.http.post("workspace", json={"clock_skew": -400}).json()["ok"]
        assert serving.anna.types("/release status REL-1")["error"]["code"] == "dispatch_failed"
        assert serving.desk.requests == []
        assert "its timestamp is 40" in caplog.text
        assert "rollcall check" in caplog.text
        serving.anna.act("mention", channel="#releases", text="status REL-2", wait_seconds=0)
        assert serving.http.post("workspace", json={"clock_skew": 0}).json()["ok"]
        answered_once(serving, "REL-2 is asked about")


def test_whoever_asks_in_a_thread_that_is_gone_meanwhile_is_answered_in_person(serving: Serving) -> None:
    head = serving.anna.types("a thread")["messages"][0]
    serving.desk.requests.clear()
    serving.fault("error", method="chat.postEphemeral", error="thread_not_found")
    serving.anna.act("mention", channel="#releases", thread_ts=head["ts"], text="status REL-1", wait_seconds=0)
    serving.anna.sees("REL-1 is asked about", channel="@rollcall")
