"""Promised status: when it comes, what is promised next, how it ends."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from release_core import broadcasts, releases, rollback_outcomes, rollback_requests, scheduling
from release_core.errors import NotAllowed, NotFound, Refused, Unclear
from release_core.lookups import find_release
from release_core.models import Broadcast
from release_core.ports import Ports
from release_core.timeline import BOT, Kind
from tests.release_core import builders
from tests.release_core.builders import (
    ADMINISTRATOR,
    DEVELOPER,
    MANAGER,
    NOW,
    a_policy,
    a_release,
    a_soaking_release,
    a_success,
    a_window,
    facts_of,
    go_to,
    intents,
    kinds,
    last,
    later,
    newest,
    note_returned,
)


@pytest.fixture
def key(ports: Ports) -> str:
    """A release without a window, for which nothing was promised."""
    return a_release(ports)


def promised(ports: Ports, key: str, audience: str = "business") -> datetime | None:
    with ports.store.reading() as session:
        return broadcasts.next_promised(session, find_release(session, key), audience)


def schedule(ports: Ports, key: str, *, at: datetime | None = None, text: str = "", every: int = 0) -> Broadcast:
    span = timedelta(minutes=every) if every else None
    return broadcasts.schedule(ports, MANAGER, key, audience="business", due_at=at, text=text, every=span)


def test_a_window_promises_every_audience_a_status_at_its_start(ports: Ports, key: str) -> None:
    scheduling.set_window(ports, MANAGER, key, a_window(start=5))
    rows = [(row.audience, row.due_at, row.every_minutes) for row in facts_of(ports, key).broadcasts]
    start = NOW + timedelta(hours=5)
    assert rows == [("business", start, 30), ("executive", start, 120)]
    assert [(i.args, i.due_at) for i in intents(ports, "broadcast")] == [
        ({"release": key, "number": 1}, start),
        ({"release": key, "number": 2}, start),
    ]


def test_moving_the_window_moves_the_promise(ports: Ports, key: str) -> None:
    scheduling.set_window(ports, MANAGER, key, a_window(start=5))
    scheduling.set_window(ports, MANAGER, key, a_window(start=9))
    assert promised(ports, key) == NOW + timedelta(hours=9)
    assert {i.due_at for i in intents(ports, "broadcast")} == {NOW + timedelta(hours=9)}
    broadcasts.send_due(ports, key, 1)
    assert Kind.BROADCAST_SENT not in kinds(ports, key)


def test_moving_the_window_keeps_what_a_person_scheduled(ports: Ports, key: str) -> None:
    schedule(ports, key, at=NOW + timedelta(hours=1), text="We start tonight.")
    scheduling.set_window(ports, MANAGER, key, a_window(start=9))
    assert promised(ports, key) == NOW + timedelta(hours=1)


def test_a_person_sends_a_status_now(ports: Ports, key: str) -> None:
    status = schedule(ports, key, text="  We start tonight. ")
    assert (status.due_at, status.text, status.every_minutes, status.by) == (NOW, "We start tonight.", 0, MANAGER)
    assert last(ports, key, Kind.BROADCAST_SCHEDULED).details["audience"] == "business"
    broadcasts.send_due(ports, key, status.number)
    sent = last(ports, key, Kind.BROADCAST_SENT)
    assert (sent.actor, sent.details["number"]) == (MANAGER, status.number)
    assert promised(ports, key) is None


def test_a_repeated_status_promises_the_next_as_it_goes_out(ports: Ports, key: str) -> None:
    status = schedule(ports, key, at=NOW + timedelta(minutes=10), every=30)
    go_to(ports, NOW + timedelta(minutes=10, seconds=4))
    broadcasts.send_due(ports, key, status.number)
    assert promised(ports, key) == NOW + timedelta(minutes=40)
    following = facts_of(ports, key).broadcasts[-1]
    assert (following.by, following.text, following.every_minutes) == (BOT, "", 30)


def test_a_status_goes_out_once(ports: Ports, key: str) -> None:
    status = schedule(ports, key, every=30)
    broadcasts.send_due(ports, key, status.number)
    broadcasts.send_due(ports, key, status.number)
    assert kinds(ports, key).count(Kind.BROADCAST_SENT) == 1
    assert len(intents(ports, "broadcast")) == 2


def test_a_late_status_keeps_the_rhythm_and_skips_what_has_passed(ports: Ports, key: str) -> None:
    status = schedule(ports, key, every=30)
    later(ports, minutes=50)
    broadcasts.send_due(ports, key, status.number)
    assert promised(ports, key) == NOW + timedelta(minutes=60)
    assert kinds(ports, key)[-1] == Kind.BROADCAST_SENT


def test_a_status_more_than_an_hour_late_is_stated_as_missed(ports: Ports, key: str) -> None:
    status = schedule(ports, key, every=30)
    later(ports, hours=1)
    later(ports, microseconds=1)
    broadcasts.send_due(ports, key, status.number)
    assert kinds(ports, key)[-1] == Kind.BROADCAST_MISSED
    assert Kind.BROADCAST_SENT not in kinds(ports, key)
    missed = facts_of(ports, key).broadcasts[0]
    assert (missed.state, missed.sent_at) == ("missed", None)
    assert promised(ports, key) == NOW + timedelta(minutes=90)


def test_a_persons_words_are_sent_even_late(ports: Ports, key: str) -> None:
    status = schedule(ports, key, text="We start tonight.")
    later(ports, hours=3)
    broadcasts.send_due(ports, key, status.number)
    assert kinds(ports, key)[-1] == Kind.BROADCAST_SENT


def test_a_new_rhythm_replaces_the_old_one(ports: Ports, key: str) -> None:
    scheduling.set_window(ports, MANAGER, key, a_window(start=1))
    schedule(ports, key, at=NOW + timedelta(minutes=90), every=15)
    due = [row for row in facts_of(ports, key).broadcasts if row.state == "due" and row.audience == "business"]
    assert [row.every_minutes for row in due] == [15]
    assert promised(ports, key, "executive") == NOW + timedelta(hours=1)


def test_an_audience_hears_the_nearest_promise(ports: Ports, key: str) -> None:
    schedule(ports, key, at=NOW + timedelta(hours=3))
    schedule(ports, key, at=NOW + timedelta(hours=2))
    assert promised(ports, key) == NOW + timedelta(hours=2)
    assert promised(ports, key, "executive") is None


def test_a_time_that_has_passed_is_refused(ports: Ports, key: str) -> None:
    with pytest.raises(Unclear, match="That time has passed") as unclear:
        schedule(ports, key, at=NOW - timedelta(minutes=2))
    assert unclear.value.field == "at"
    assert facts_of(ports, key).broadcasts == []


def test_an_unknown_audience_is_answered_with_those_there_are(ports: Ports, key: str) -> None:
    with pytest.raises(NotFound, match=r"no audience “busines”\. Known audiences: business, executive") as missing:
        broadcasts.schedule(ports, MANAGER, key, audience="busines", due_at=None, text="", every=None)
    assert missing.value.nearest == ("business",)


def test_an_unknown_status_is_said_to_be(ports: Ports, key: str) -> None:
    with pytest.raises(NotFound, match="REL-1 has no status number 7"):
        broadcasts.send_due(ports, key, 7)


def test_only_those_named_speak_to_stakeholders(ports: Ports, key: str) -> None:
    with pytest.raises(NotAllowed, match="You may not send or schedule a status here"):
        broadcasts.schedule(ports, DEVELOPER, key, audience="business", due_at=None, text="hi", every=None)
    assert intents(ports, "broadcast") == []


def test_the_end_of_a_release_tells_who_was_promised_more(ports: Ports, key: str) -> None:
    schedule(ports, key, at=NOW + timedelta(hours=1))
    releases.cancel_release(ports, MANAGER, key, "not needed any more")
    ended = last(ports, key, Kind.BROADCASTS_ENDED)
    assert ended.details == {"audiences": ["business"], "state": "cancelled"}
    assert promised(ports, key) is None
    assert intents(ports, "broadcast") == []


def test_a_release_nobody_heard_of_ends_quietly(ports: Ports, key: str) -> None:
    releases.cancel_release(ports, MANAGER, key, "not needed any more")
    assert Kind.BROADCASTS_ENDED not in kinds(ports, key)


def test_after_the_end_nothing_more_is_promised(ports: Ports) -> None:
    key = a_soaking_release(ports)
    status = schedule(ports, key, text="All is well.", every=30)
    releases.close_release(ports, MANAGER, key)
    later(ports, minutes=30)
    broadcasts.send_due(ports, key, status.number)
    assert promised(ports, key) is None


def test_a_rollback_is_told_to_every_audience_promised_or_not(ports: Ports) -> None:
    silent = a_policy(audiences={})
    quiet = builders.ports(store=ports.store, policy=silent)
    key = a_soaking_release(quiet)
    request = rollback_requests.ask_rollback(ports, MANAGER, key, "orders fail")
    rollback_requests.decide_rollback(ports, ADMINISTRATOR, request, yes=True)
    attempt = newest(ports, key, "rollback").id or 0
    rollback_outcomes.finish_rollback(ports, attempt, a_success())
    note_returned(ports, attempt, [])
    ended = last(ports, key, Kind.BROADCASTS_ENDED)
    assert ended.details == {"audiences": ["business", "executive"], "state": "rolled_back"}


def test_one_rhythm_of_a_person_replaces_another(ports: Ports, key: str) -> None:
    schedule(ports, key, at=NOW + timedelta(minutes=90), every=15)
    schedule(ports, key, at=NOW + timedelta(minutes=60), every=20)
    due = [row for row in facts_of(ports, key).broadcasts if row.state == "due"]
    assert [row.every_minutes for row in due] == [20]


def test_moving_the_window_leaves_one_rhythm_for_each_audience(ports: Ports, key: str) -> None:
    schedule(ports, key, at=NOW + timedelta(minutes=90), every=15)
    scheduling.set_window(ports, MANAGER, key, a_window(start=5))
    due = [row.audience for row in facts_of(ports, key).broadcasts if row.state == "due"]
    assert sorted(due) == ["business", "executive"]


def test_after_the_last_message_nothing_more_is_promised_by_hand_either(ports: Ports, key: str) -> None:
    releases.cancel_release(ports, MANAGER, key, "not needed any more")
    with pytest.raises(Refused) as refused:
        schedule(ports, key, text="One more thing.")
    assert refused.value.code == "over"
    assert Kind.BROADCAST_SCHEDULED not in kinds(ports, key)
