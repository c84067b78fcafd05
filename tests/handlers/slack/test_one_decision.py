"""A decision in trouble: whatever becomes of the event, the click or the answer, it is taken once and told once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.rehearsal.workspace.pace import Pace
from handlers.conversation import Actions, Button, Message
from handlers.desk import Desk
from handlers.slack.blocks import draw_message
from handlers.verbs import VERBS
from release_core.ports import Ports
from tests.handlers.slack.serving import Json, Person, Serving, served
from tests.handlers.slack.test_without_the_right import rehearsed_company
from tests.release_core import builders

KEY = "REL-3"
EVENTS = [
    {"kind": "duplicate"},
    {"kind": "late", "seconds": 0.5},
    {"kind": "reordered", "seconds": 5},
    {"kind": "drop_before_ack"},
    {"kind": "drop_before_ack", "times": 2},
]
CALLS = [
    {"kind": "ratelimited", "retry_after": 1},
    {"kind": "http_error", "status": 500},
    {"kind": "http_error", "status": 503},
    {"kind": "timeout_before"},
    {"kind": "slow", "seconds": 1},
]
CARD = Message(
    f"{KEY} waits for you", [Actions([Button("Approve", "release_approve", {"release": KEY, "seat": "qa"})])]
)


@pytest.fixture
def ports(tmp_path: Path) -> Ports:
    """The rehearsal's company, in which REL-3 waits for QA's yes."""
    return rehearsed_company(tmp_path / "rollcall.sqlite")


@pytest.fixture
def serving(ports: Ports) -> Iterator[Serving]:
    """The bot over two sockets, in a workspace that repeats events soon."""
    pace = Pace(trigger_lives=20, ack_within=2.0, quiet_for=0.05, rate_limits=False, retry_after=(0.3, 0.5, 0.5))
    with served(pace=pace, desk=Desk(ports, lambda: None), verbs=VERBS) as serving:
        yield serving


def answers(person: Person) -> list[Json]:
    """What the bot told somebody alone in #releases."""
    return [message for message in person.reads() if message["ephemeral"]]


def is_told(person: Person, times: int) -> list[str]:
    """Waits for so many answers; a little later there are no more."""
    deadline = time.monotonic() + 30
    while len(answers(person)) < times:
        assert time.monotonic() < deadline, f"{len(answers(person))} answers of {times}"
        time.sleep(0.05)
    time.sleep(1.2)
    assert len(answers(person)) == times
    return [message["plain"] for message in answers(person)]


def taken(ports: Ports) -> int:
    return sum(entry.kind == "approved" for entry in builders.entries(ports, KEY))


@pytest.mark.parametrize("fault", EVENTS, ids=lambda fault: f"{fault['kind']} {fault.get('times', 1)}")
def test_what_was_decided_in_words_is_decided_once(serving: Serving, ports: Ports, fault: Json) -> None:
    tomas = serving.person("tomas")
    serving.fault(method="app_mention", **fault)
    tomas.act("mention", channel="#releases", text=f"approve {KEY}", wait_seconds=0)
    tomas.act("mention", channel="#releases", text="status REL-2", wait_seconds=0)
    told = is_told(tomas, 2)
    assert taken(ports) == 1
    assert sum(KEY in words for words in told) == 1


@pytest.mark.parametrize("fault", CALLS, ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}")
def test_a_click_decides_once_though_slack_fails(serving: Serving, ports: Ports, fault: Json) -> None:
    tomas = serving.person("tomas")
    assert serving.app is not None
    serving.run(serving.app.client.chat_postMessage(channel="C0RELEASES", **draw_message(CARD)))
    serving.fault(method="chat.postEphemeral", **fault)
    tomas.clicks("Approve", tomas.sees("[Approve]"))
    is_told(tomas, 1)
    assert taken(ports) == 1


def test_a_click_whose_answer_was_lost_decides_once(serving: Serving, ports: Ports) -> None:
    """Slack's word for it never came: the private answer may stand there twice, the decision stands once."""
    tomas = serving.person("tomas")
    assert serving.app is not None
    serving.run(serving.app.client.chat_postMessage(channel="C0RELEASES", **draw_message(CARD)))
    serving.fault("timeout_after", method="chat.postEphemeral")
    tomas.clicks("Approve", tomas.sees("[Approve]"))
    assert len(set(is_told(tomas, 2))) == 1
    assert taken(ports) == 1


def test_a_click_lost_with_its_socket_and_made_again_decides_once(serving: Serving, ports: Ports) -> None:
    tomas = serving.person("tomas")
    assert serving.app is not None
    serving.run(serving.app.client.chat_postMessage(channel="C0RELEASES", **draw_message(CARD)))
    serving.fault("drop_before_ack", method="interactive")
    card = tomas.sees("[Approve]")
    assert tomas.clicks("Approve", card)["error"]["code"] == "operation_timeout"
    tomas.clicks("Approve", card)
    assert "already" in " ".join(is_told(tomas, 2))
    assert taken(ports) == 1
