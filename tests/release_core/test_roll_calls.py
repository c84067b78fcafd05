"""The roll call: who is asked, what holds the release, what is frozen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from release_core import absences, audits, roll_calls
from release_core.errors import Conflict, NotAllowed, Refused, Unclear
from release_core.people_gates import roll_call_gate
from release_core.ports import Ports
from release_core.readiness import Gate
from release_core.timeline import Kind
from release_core.windows import Interval
from tests.release_core import builders
from tests.release_core.builders import (
    BOTH_SEATS,
    BUSINESS,
    DEVELOPER,
    MANAGER,
    NOW,
    OTHER_QA,
    QA,
    STAKEHOLDER,
    TESTER,
    a_package,
    a_policy,
    a_ready_release,
    a_release,
    a_soaking_release,
    facts_of,
    go_to,
    intents,
    kinds,
    last,
    later,
    release,
)

UNTIL = NOW + timedelta(hours=2)


def held_by(ports: Ports, key: str) -> Gate | None:
    found = roll_call_gate(facts_of(ports, key), ports.policy, ports.clock.now())
    return next((gate for gate in found if not gate.passes), None)


def passes(ports: Ports, key: str) -> bool:
    return [gate.code for gate in roll_call_gate(facts_of(ports, key), ports.policy, ports.clock.now())] == ["rollcall"]


@pytest.fixture
def key(ports: Ports) -> str:
    """A ready release whose roll is called for two hours."""
    key = a_ready_release(ports)
    roll_calls.call_roll(ports, MANAGER, key, UNTIL, "Is support ready?")
    return key


def ends(ports: Ports, key: str) -> None:
    go_to(ports, UNTIL)
    for _ in range(2):
        roll_calls.close_call(ports, key, 1)


def test_while_the_roll_is_called_the_release_waits_for_the_seats_that_have_not_answered(
    ports: Ports, key: str
) -> None:
    found = held_by(ports, key)
    assert found is not None
    assert found.code == "rollcall_open"
    assert "QA and Business have not answered" in found.because
    assert release(ports, key).state == "planned"
    roll_calls.speak(ports, QA, key, "go")
    assert (held_by(ports, key) or found).who == (BUSINESS, BOTH_SEATS)
    roll_calls.speak(ports, BUSINESS, key, "abstain")
    assert passes(ports, key)
    assert release(ports, key).state == "ready"


def test_a_no_go_needs_a_reason_and_holds_at_once(ports: Ports, key: str) -> None:
    with pytest.raises(Unclear, match="Say why"):
        roll_calls.speak(ports, QA, key, "no_go")
    roll_calls.speak(ports, QA, key, "no_go", reason="the smoke test is red")
    found = held_by(ports, key)
    assert found is not None
    assert (found.code, found.because) == ("rollcall_no_go", "QA said no-go: the smoke test is red")
    roll_calls.speak(ports, OTHER_QA, key, "go", reason="it is green again")
    assert (held_by(ports, key) or found).code == "rollcall_open"


def test_at_the_deadline_what_was_said_is_frozen_once(ports: Ports, key: str) -> None:
    roll_calls.speak(ports, QA, key, "go")
    roll_calls.speak(ports, BUSINESS, key, "no_go", reason="the shop is full")
    ends(ports, key)
    told = last(ports, key, Kind.ROLLCALL_CLOSED).details
    assert told["verdict"] == "no_go"
    assert [line[:4] for line in told["lines"]] == [
        ["qa", "go", QA, ""],
        ["business", "no_go", BUSINESS, "the shop is full"],
    ]
    assert kinds(ports, key).count(Kind.ROLLCALL_CLOSED) == 1
    with pytest.raises(Refused, match="is over; what was said stands") as over:
        roll_calls.speak(ports, BUSINESS, key, "go")
    assert over.value.code == "roll_call_over"
    found = held_by(ports, key)
    assert found is not None
    assert found.way_out == f"/release rollcall {key} until TIME"
    assert audits.export_audit(ports, MANAGER, key)["roll_calls"][0]["result"]["verdict"] == "no_go"


def test_the_way_out_of_a_no_go_is_another_call(ports: Ports, key: str) -> None:
    roll_calls.speak(ports, QA, key, "no_go", reason="not yet")
    ends(ports, key)
    roll_calls.call_roll(ports, MANAGER, key, ports.clock.now() + timedelta(hours=1))
    for person in (QA, BUSINESS):
        roll_calls.speak(ports, person, key, "go")
    assert passes(ports, key)


def test_a_seat_that_is_silent_at_the_end_holds_the_release(ports: Ports, key: str) -> None:
    roll_calls.speak(ports, QA, key, "go")
    ends(ports, key)
    found = held_by(ports, key)
    assert found is not None
    assert (found.code, found.because) == ("rollcall_silent", "Business did not answer the roll call.")


def test_where_everybody_abstains_nobody_said_go(ports: Ports, key: str) -> None:
    for person in (QA, BUSINESS):
        roll_calls.speak(ports, person, key, "abstain")
    assert (held_by(ports, key) or Gate("", True, "")).because == "Nobody said go in the roll call."


def test_whoever_sits_in_two_seats_answers_for_the_first_that_is_silent(ports: Ports, key: str) -> None:
    assert roll_calls.speak(ports, BOTH_SEATS, key, "go") == "qa"
    assert roll_calls.speak(ports, BOTH_SEATS, key, "go") == "business"
    with pytest.raises(Conflict, match="You said so already"):
        roll_calls.speak(ports, BOTH_SEATS, key, "go", seat="QA")


def test_who_is_not_called_is_told_who_is(ports: Ports, key: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        roll_calls.speak(ports, STAKEHOLDER, key, "go")
    assert {QA, BUSINESS} <= set(refused.value.who_may)
    with pytest.raises(Unclear, match="Its seats: QA, Business"):
        roll_calls.speak(ports, QA, key, "go", seat="security")


def test_a_stand_in_is_called_too(ports: Ports, key: str) -> None:
    absences.set_absence(ports, BUSINESS, Interval(NOW, NOW + timedelta(days=1)), stand_in=TESTER)
    assert roll_calls.speak(ports, TESTER, key, "go") == "business"


def test_a_changed_package_makes_the_call_say_nothing(ports: Ports, key: str) -> None:
    roll_calls.speak(ports, QA, key, "no_go", reason="not yet")
    a_package(ports, key, words="mended")
    assert held_by(ports, key) is None
    with pytest.raises(Refused, match="has changed since the roll was called"):
        roll_calls.speak(ports, QA, key, "go")


def test_another_call_ends_the_one_before_and_its_alarm_rings_for_nobody(ports: Ports, key: str) -> None:
    roll_calls.call_roll(ports, MANAGER, key, UNTIL)
    assert last(ports, key, Kind.ROLLCALL_CLOSED).details["number"] == 1
    ends(ports, key)
    assert kinds(ports, key).count(Kind.ROLLCALL_CLOSED) == 1
    assert {one.args["number"] for one in intents(ports, "roll_call_end")} == {1, 2}


def test_a_kind_that_needs_a_roll_call_goes_only_with_one() -> None:
    ports = builders.ports(policy=a_policy(rollcalls={"standard": ["business"]}))
    key = a_ready_release(ports)
    found = held_by(ports, key)
    assert found is not None
    assert found.code == "rollcall_missing"
    roll_calls.call_roll(ports, MANAGER, key, UNTIL)
    roll_calls.speak(ports, BUSINESS, key, "go")
    assert passes(ports, key)


@pytest.mark.parametrize(("hours", "says"), [(0, "has passed"), (24 * 15, "two weeks at most")])
def test_a_deadline_that_makes_no_sense_is_refused(ports: Ports, hours: float, says: str) -> None:
    key = a_ready_release(ports)
    with pytest.raises(Unclear, match=says):
        roll_calls.call_roll(ports, MANAGER, key, NOW + timedelta(hours=hours))


def test_the_roll_is_called_by_those_who_plan_about_a_package_that_has_not_gone(ports: Ports) -> None:
    key = a_release(ports)
    with pytest.raises(NotAllowed):
        roll_calls.call_roll(ports, DEVELOPER, key, UNTIL)
    with pytest.raises(Refused, match="Attach the package first"):
        roll_calls.call_roll(ports, MANAGER, key, UNTIL)
    with pytest.raises(Refused, match="Nobody has called the roll"):
        roll_calls.speak(ports, QA, key, "go")
    live = a_soaking_release(ports, name="Winter release")
    with pytest.raises(Refused, match="is no question any more"):
        roll_calls.call_roll(ports, MANAGER, live, later(ports, hours=0) + timedelta(hours=1))
