"""Starting by itself in a booked window, holding, resuming."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from release_core import scheduling, starting
from release_core.errors import Conflict, NotAllowed, Refused, Unclear
from release_core.lookups import starts_by_itself
from release_core.ports import Ports
from release_core.starting import Booking
from tests.release_core import builders
from tests.release_core.builders import (
    DEVELOPER,
    MANAGER,
    NOW,
    SECOND_MANAGER,
    a_package,
    a_passed_validation,
    a_release,
    a_window,
    go_to,
    later,
)


@pytest.fixture
def ports() -> Ports:
    return builders.ports()


@pytest.fixture
def key(ports: Ports) -> str:
    """A release whose every gate will be open in four hours."""
    key = a_release(ports, window=a_window(4, 2))
    a_package(ports, key)
    a_passed_validation(ports, key)
    builders.settle_checklist(ports, key)
    builders.approve(ports, key)
    return key


def alarms(ports: Ports, flow: str) -> list[tuple[datetime, dict[str, Any]]]:
    return [(one.due_at, one.args) for one in builders.intents(ports, flow)]


def start(ports: Ports) -> str:
    """The alarm that is due rings."""
    flow = "start"
    now = ports.clock.now()
    (args,) = [args for due_at, args in alarms(ports, flow) if due_at <= now]
    builders.has_run(ports, flow)
    booking = Booking(args["release"], args["number"], datetime.fromisoformat(args["booked_at"]))
    return starting.start_now(ports, booking, args.get("attempt", 0))


def is_booked(ports: Ports, key: str) -> bool:
    return starts_by_itself(builders.release(ports, key), builders.facts_of(ports, key).window)


def test_it_starts_by_itself_in_the_name_of_whoever_booked_it(ports: Ports, key: str) -> None:
    assert starting.book_start(ports, MANAGER, key) == NOW + timedelta(hours=4)
    assert sorted(due_at for due_at, _ in alarms(ports, "start_ahead")) == [
        NOW + timedelta(hours=1), NOW + timedelta(hours=3, minutes=45),
    ]  # fmt: skip
    scheduling.open_window(ports, key, 1)
    go_to(ports, NOW + timedelta(hours=4))
    scheduling.open_window(ports, key, 1)
    started = start(ports)
    assert builders.deployment(ports, started).requested_by == MANAGER
    assert builders.last(ports, key, "deployment_requested").details["by_itself"] is True
    assert builders.release(ports, key).state == "deploying"


def test_notices_come_three_hours_and_a_quarter_of_an_hour_before(ports: Ports, key: str) -> None:
    starting.book_start(ports, MANAGER, key)
    builders.a_freeze(ports, start=4)
    go_to(ports, NOW + timedelta(hours=1))
    (first, _) = alarms(ports, "start_ahead")
    starting.note_start_ahead(ports, Booking(key, 1, NOW), first[1]["minutes"])
    told = builders.last(ports, key, "start_ahead")
    assert told.details["minutes"] == 180
    assert told.details["blocked_by"] == ["freeze"]


def test_after_a_standstill_only_the_notice_that_is_still_true_is_given(ports: Ports, key: str) -> None:
    starting.book_start(ports, MANAGER, key)
    go_to(ports, NOW + timedelta(hours=3, minutes=46))
    for minutes in (180, 15):
        starting.note_start_ahead(ports, Booking(key, 1, NOW), minutes)
    told = [entry.details["minutes"] for entry in builders.entries(ports, key) if entry.kind == "start_ahead"]
    assert told == [15]


def test_a_notice_after_the_start_is_none(ports: Ports, key: str) -> None:
    starting.book_start(ports, MANAGER, key)
    go_to(ports, NOW + timedelta(hours=4))
    starting.note_start_ahead(ports, Booking(key, 1, NOW), 15)
    assert "start_ahead" not in builders.kinds(ports, key)


def test_what_is_in_the_way_is_told_once_and_it_is_tried_again_until_the_window_ends(ports: Ports, key: str) -> None:
    starting.book_start(ports, MANAGER, key)
    starting.hold(ports, SECOND_MANAGER, key, "the sandbox is down")
    go_to(ports, NOW + timedelta(hours=4))
    assert start(ports) == ""
    later(ports, minutes=5)
    assert start(ports) == ""
    assert builders.kinds(ports, key).count("start_waits") == 1
    assert "the sandbox is down" in builders.last(ports, key, "start_waits").details["problem"]
    starting.resume(ports, SECOND_MANAGER, key)
    later(ports, minutes=5)
    assert start(ports), "it goes as soon as it may"


def test_after_the_end_of_the_window_it_is_not_tried_again(ports: Ports, key: str) -> None:
    starting.book_start(ports, MANAGER, key)
    starting.hold(ports, MANAGER, key, "the sandbox is down")
    go_to(ports, NOW + timedelta(hours=5, minutes=57))
    assert start(ports) == ""
    assert alarms(ports, "start") == []


def test_a_start_that_was_taken_back_does_not_happen(ports: Ports, key: str) -> None:
    starting.book_start(ports, MANAGER, key)
    starting.skip_start(ports, SECOND_MANAGER, key)
    go_to(ports, NOW + timedelta(hours=4))
    assert start(ports) == ""
    assert builders.release(ports, key).state == "ready"


def test_an_old_booking_does_not_start_what_was_booked_again(ports: Ports, key: str) -> None:
    starting.book_start(ports, MANAGER, key)
    starting.skip_start(ports, MANAGER, key)
    later(ports, minutes=1)
    starting.book_start(ports, SECOND_MANAGER, key)
    go_to(ports, NOW + timedelta(hours=4))
    assert starting.start_now(ports, Booking(key, 1, NOW)) == ""
    assert starting.start_now(ports, Booking(key, 1, NOW + timedelta(minutes=1))) != ""


def test_a_window_that_is_moved_has_to_be_booked_again(ports: Ports, key: str) -> None:
    starting.book_start(ports, MANAGER, key)
    scheduling.set_window(ports, MANAGER, key, a_window(6, 2))
    assert builders.last(ports, key, "window_set").details["unbooked"] is True
    go_to(ports, NOW + timedelta(hours=4))
    assert start(ports) == ""
    assert not is_booked(ports, key)
    starting.book_start(ports, SECOND_MANAGER, key)
    assert is_booked(ports, key)


def test_whoever_lost_the_right_starts_nothing(key: str, ports: Ports) -> None:
    starting.book_start(ports, MANAGER, key)
    go_to(ports, NOW + timedelta(hours=4))
    rights = {"waive_freeze": [builders.DIRECTOR], "deploy": [SECOND_MANAGER]}
    later_policy = Ports(ports.store, builders.a_policy(rights=rights), ports.clock, ports.artifacts)
    assert start(later_policy) == ""
    assert builders.last(ports, key, "start_waits").details["codes"] == ["NotAllowed"]


def test_without_a_window_nothing_can_be_booked(ports: Ports) -> None:
    key = a_release(ports)
    with pytest.raises(Refused, match="has no window ahead"):
        starting.book_start(ports, MANAGER, key)


def test_booking_twice_names_who_was_first(ports: Ports, key: str) -> None:
    starting.book_start(ports, MANAGER, key)
    booked_at = ports.clock.now()
    later(ports, minutes=7)
    with pytest.raises(Conflict, match="booked already") as late:
        starting.book_start(ports, SECOND_MANAGER, key)
    assert (late.value.by, late.value.at) == (MANAGER, booked_at)


def test_a_window_that_passed_leaves_nothing_booked(ports: Ports, key: str) -> None:
    starting.book_start(ports, MANAGER, key)
    starting.hold(ports, MANAGER, key, "the sandbox is down")
    go_to(ports, NOW + timedelta(hours=6))
    scheduling.close_window(ports, key, 1)
    assert not is_booked(ports, key)
    scheduling.set_window(ports, MANAGER, key, a_window(8, 2))
    assert "unbooked" not in builders.last(ports, key, "window_set").details, "nothing was taken from anybody"
    assert not is_booked(ports, key)
    starting.book_start(ports, MANAGER, key)
    assert is_booked(ports, key)


def test_a_hold_closes_a_gate_with_its_reason_until_it_is_resumed(ports: Ports, key: str) -> None:
    starting.hold(ports, MANAGER, key, "legal has {0} a question")
    gate = next(one for one in builders.all_gates(ports, key) if one.code == "held")
    assert gate.because == "It is held since {0}: legal has (0) a question"
    assert gate.way_out == f"/release resume {key}"
    assert builders.release(ports, key).state == "planned"
    with pytest.raises(Conflict, match="held already"):
        starting.hold(ports, SECOND_MANAGER, key, "me too")
    starting.resume(ports, SECOND_MANAGER, key)
    assert "held" not in builders.blocked_by(ports, key)
    assert builders.release(ports, key).state == "ready"
    with pytest.raises(Refused, match="is not held"):
        starting.resume(ports, MANAGER, key)


def test_a_hold_needs_a_reason_and_a_right(ports: Ports, key: str) -> None:
    with pytest.raises(Unclear, match="Say why"):
        starting.hold(ports, MANAGER, key, " ")
    for act in (
        lambda: starting.hold(ports, DEVELOPER, key, "I want to"),
        lambda: starting.resume(ports, DEVELOPER, key),
        lambda: starting.book_start(ports, DEVELOPER, key),
        lambda: starting.skip_start(ports, DEVELOPER, key),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_what_is_under_way_is_stopped_not_held(ports: Ports) -> None:
    key = builders.a_ready_release(ports)
    builders.a_started_deployment(ports, key)
    with pytest.raises(Refused, match="/release stop"):
        starting.hold(ports, MANAGER, key, "wait")
