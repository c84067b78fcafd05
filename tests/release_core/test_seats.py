"""Seats in the company: how many, who must, who may not, who answers meanwhile, what happens when nobody does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from release_core import (
    absences,
    acceptances,
    approvals,
    asks,
    attaching,
    audits,
    checklists,
    comparing,
    scheduling,
    strategies,
)
from release_core.conditions import asked_items
from release_core.errors import Conflict, NotAllowed, Refused, Unclear
from release_core.fitting import why_needed
from release_core.metadata_types import Component
from release_core.models import Acceptance, Asking, Intent
from release_core.people_gates import approvals_gate
from release_core.policy import AskRule
from release_core.ports import Ports
from release_core.readiness import Gate
from release_core.seats import seating
from release_core.timeline import Kind
from release_core.windows import Interval
from tests.release_core import builders, staged
from tests.release_core.builders import (
    ADMINISTRATOR,
    BOTH_SEATS,
    BUSINESS,
    DEVELOPER,
    DIRECTOR,
    MANAGER,
    NOW,
    OTHER_DEVELOPER,
    OTHER_QA,
    QA,
    SECOND_MANAGER,
    STAKEHOLDER,
    TESTER,
    a_package,
    a_policy,
    a_release,
    a_window,
    contents,
    facts_of,
    gate,
    intents,
    kinds,
    last,
    later,
    note_comparison,
    release,
)

RIGHTS = {"waive_freeze": [DIRECTOR], "attach": ["developer", QA, OTHER_QA]}


def a_company(*, approvals: tuple[str, ...] = ("qa", "business"), **qa: Any) -> Ports:
    """Three in QA, two in Business, one of them in both; keywords are further keys of QA."""
    seats = {
        "qa": {"title": "QA", "people": [QA, OTHER_QA, BOTH_SEATS], **qa},
        "business": {"title": "Business", "people": [BUSINESS, BOTH_SEATS]},
    }
    return builders.ports(policy=a_policy(seats=seats, approvals={"standard": approvals}, rights=RIGHTS))


def a_packed_release(ports: Ports) -> str:
    key = a_release(ports)
    a_package(ports, key)
    return key


def reason(ports: Ports, key: str, seat: str = "QA") -> Gate:
    """Why a seat is not settled."""
    now, facts = ports.clock.now(), facts_of(ports, key)
    found = [one for one in approvals_gate(facts, ports.policy, now) if one.because.startswith(seat)]
    assert len(found) == 1, found
    return found[0]


def complete(ports: Ports, key: str) -> set[str]:
    return {one.seat for one in seating(facts_of(ports, key), ports.policy, ports.clock.now()) if one.complete}


# How many


def test_a_seat_of_two_waits_for_one_more_other_person() -> None:
    ports = a_company(quorum=2)
    key = a_packed_release(ports)
    approvals.answer(ports, QA, key, yes=True)
    assert reason(ports, key).because == "QA has 1 of 2: one more other person has to say yes."
    assert set(reason(ports, key).who) == {OTHER_QA, BOTH_SEATS}
    with pytest.raises(approvals.AlreadyAnswered):
        approvals.answer(ports, QA, key, yes=True)
    approvals.answer(ports, OTHER_QA, key, yes=True)
    assert complete(ports, key) == {"qa"}


def test_a_seat_of_all_waits_for_everybody_but_those_who_may_not() -> None:
    ports = a_company(approvals=("qa",), quorum="all")
    key = a_release(ports)
    a_package(ports, key, author=OTHER_QA)
    approvals.answer(ports, QA, key, yes=True)
    assert reason(ports, key).who == (BOTH_SEATS,)
    approvals.answer(ports, BOTH_SEATS, key, yes=True)
    assert complete(ports, key) == {"qa"}


def test_a_mandatory_member_is_waited_for_by_name() -> None:
    ports = a_company(approvals=("qa",), mandatory=[DIRECTOR])
    key = a_packed_release(ports)
    approvals.answer(ports, QA, key, yes=True)
    assert reason(ports, key).who == (DIRECTOR,)
    approvals.answer(ports, DIRECTOR, key, yes=True)
    assert complete(ports, key) == {"qa"}


def test_a_mandatory_member_who_sent_the_package_is_replaced_by_a_colleague() -> None:
    ports = a_company(approvals=("qa",), mandatory=[QA])
    key = a_release(ports)
    a_package(ports, key, author=QA)
    assert set(reason(ports, key).who) == {OTHER_QA, BOTH_SEATS}
    approvals.answer(ports, OTHER_QA, key, yes=True)
    assert complete(ports, key) == {"qa"}


def test_whoever_sits_in_both_never_keeps_a_release_waiting() -> None:
    ports = a_company()
    key = a_packed_release(ports)
    approvals.answer(ports, BOTH_SEATS, key, yes=True)
    waits = reason(ports, key, "Business")
    assert waits.because == "Business has not approved: one more other person from Business or QA has to."
    approvals.answer(ports, OTHER_QA, key, yes=True)
    assert complete(ports, key) == {"qa", "business"}


def test_more_people_than_there_are_is_a_mistake_of_the_policy() -> None:
    with pytest.raises(ValidationError, match="at most as many as sit there \\(3 people sit in it\\)"):
        a_company(quorum=4)
    with pytest.raises(ValidationError, match="any, all or a number of people"):
        a_company(quorum="most")


def test_a_seat_that_nobody_is_left_for_says_so() -> None:
    ports = builders.ports(
        policy=a_policy(seats={"qa": {"title": "QA", "people": [QA]}}, approvals={"standard": ["qa"]}, rights=RIGHTS)
    )
    key = a_release(ports)
    a_package(ports, key, author=QA)
    found = gate(ports, key, "nobody_may_approve")
    assert found.who == ()
    assert "The policy has to name somebody else under seats: qa" in found.way_out


# Who may not


@pytest.mark.parametrize("wants", ["planned", "asked"])
def test_who_wants_the_release_does_not_approve_it(wants: str) -> None:
    seats = {"qa": {"title": "QA", "people": [MANAGER, SECOND_MANAGER, QA]}}
    ports = builders.ports(policy=a_policy(seats=seats, approvals={"standard": ["qa"]}))
    key = a_packed_release(ports)
    asker = MANAGER if wants == "planned" else SECOND_MANAGER
    approvals.ask_for_approvals(ports, SECOND_MANAGER, key)
    with pytest.raises(NotAllowed, match=r"so somebody else has to approve it") as refused:
        approvals.answer(ports, asker, key, yes=True)
    assert refused.value.who_may == (QA,)


def test_a_yes_of_somebody_who_asks_for_it_later_is_void_with_the_reason() -> None:
    seats = {"qa": {"title": "QA", "people": [SECOND_MANAGER, QA]}}
    policy = a_policy(seats={**seats, "business": {"title": "Business", "people": [BUSINESS]}})
    ports = builders.ports(policy=policy)
    key = a_packed_release(ports)
    approvals.answer(ports, SECOND_MANAGER, key, yes=True)
    assert complete(ports, key) == {"qa"}
    approvals.ask_for_approvals(ports, SECOND_MANAGER, key)
    found = reason(ports, key)
    assert (found.code, found.who) == ("approval_void", (QA,))
    assert "who answered asked for the approval of REL-1" in found.because


def test_the_stand_in_of_the_author_does_not_approve_either() -> None:
    ports = a_company()
    key = a_packed_release(ports)
    absences.set_absence(ports, DEVELOPER, Interval(NOW, NOW + timedelta(days=2)), stand_in=QA)
    with pytest.raises(NotAllowed, match="took the place of somebody whose release REL-1 is"):
        approvals.answer(ports, QA, key, yes=True)
    later(ports, days=2)
    assert approvals.answer(ports, QA, key, yes=True) == "qa"


def test_the_yes_of_somebody_who_becomes_the_authors_stand_in_counts_no_more() -> None:
    ports = a_company()
    key = a_packed_release(ports)
    approvals.answer(ports, QA, key, yes=True)
    absences.set_absence(ports, DEVELOPER, Interval(NOW, NOW + timedelta(days=2)), stand_in=QA)
    assert reason(ports, key).code == "approval_void"


# Meanwhile


def test_a_stand_in_answers_for_whoever_is_away_and_nobody_else_does() -> None:
    ports = a_company(approvals=("qa",), mandatory=[QA])
    key = a_packed_release(ports)
    with pytest.raises(NotAllowed):
        approvals.answer(ports, TESTER, key, yes=True)
    absences.set_absence(ports, QA, Interval(NOW, NOW + timedelta(days=3)), stand_in=TESTER, note="ill")
    who = reason(ports, key).who
    assert TESTER in who
    assert who[-1] == QA, "who is away is named last"
    approvals.answer(ports, TESTER, key, yes=True)
    assert complete(ports, key) == {"qa"}
    assert last(ports, key, Kind.APPROVED).details["for"] == [QA]
    later(ports, days=4)
    assert complete(ports, key) == {"qa"}, "what was given while it was theirs to give stays"


def test_who_stands_in_for_a_stand_in_answers_too_and_circles_end() -> None:
    ports = a_company(approvals=("qa",))
    key = a_packed_release(ports)
    week = Interval(NOW, NOW + timedelta(days=7))
    absences.set_absence(ports, QA, week, stand_in=TESTER)
    absences.set_absence(ports, TESTER, week, stand_in=STAKEHOLDER)
    absences.set_absence(ports, STAKEHOLDER, week, stand_in=QA)
    approvals.answer(ports, STAKEHOLDER, key, yes=True)
    assert complete(ports, key) == {"qa"}


def test_an_absence_begins_at_its_time_and_ends_when_somebody_is_back() -> None:
    ports = a_company(approvals=("qa",))
    key = a_packed_release(ports)
    absences.set_absence(ports, QA, Interval(NOW + timedelta(hours=1), NOW + timedelta(days=1)), stand_in=TESTER)
    with pytest.raises(NotAllowed):
        approvals.answer(ports, TESTER, key, yes=True)
    later(ports, hours=2)
    assert absences.end_absence(ports, QA)
    assert not absences.end_absence(ports, QA)
    with pytest.raises(NotAllowed):
        approvals.answer(ports, TESTER, key, yes=True)


def test_a_new_absence_replaces_the_one_that_it_overlaps() -> None:
    ports = a_company()
    absences.set_absence(ports, QA, Interval(NOW, NOW + timedelta(days=1)), stand_in=TESTER)
    absences.set_absence(ports, QA, Interval(NOW, NOW + timedelta(days=2)), stand_in=STAKEHOLDER)
    key = a_packed_release(ports)
    with pytest.raises(NotAllowed):
        approvals.answer(ports, TESTER, key, yes=True)
    assert approvals.answer(ports, STAKEHOLDER, key, yes=True) == "qa"


@pytest.mark.parametrize(
    ("start", "end", "deputy", "says"),
    [
        (-2, -1, "", "over already"),
        (0, 24 * 400, "", "a year at most"),
        (0, 5, QA, "Name somebody else"),
    ],
)
def test_an_absence_that_makes_no_sense_is_refused(start: float, end: float, deputy: str, says: str) -> None:
    ports = a_company()
    during = Interval(NOW + timedelta(hours=start), NOW + timedelta(hours=end))
    with pytest.raises(Unclear, match=says):
        absences.set_absence(ports, QA, during, stand_in=deputy)


def test_who_answers_meanwhile_is_asked_what_is_still_open_once_it_begins() -> None:
    ports = a_company()
    key = a_packed_release(ports)
    approvals.ask_for_approvals(ports, MANAGER, key)
    absence = absences.set_absence(ports, BUSINESS, Interval(NOW, NOW + timedelta(days=1)), stand_in=TESTER)
    [due] = intents(ports, "absence_begins")
    assert due.args == {"absence": absence.id}
    absences.call_stand_in(ports, due.args["absence"])
    told = last(ports, key, Kind.SEATS_REMINDED).details
    assert (told["step"], told["seats"], told["people"], told["away"]) == ("stand_in", ["business"], [TESTER], BUSINESS)


# No, taken back, expired


def test_a_no_stands_until_its_giver_thinks_better_of_it() -> None:
    ports = a_company()
    key = a_packed_release(ports)
    approvals.answer(ports, QA, key, yes=False, comment="no test report")
    assert reason(ports, key).because == "QA declined: no test report"
    with pytest.raises(approvals.AlreadyAnswered, match="QA has already declined"):
        approvals.answer(ports, OTHER_QA, key, yes=True)
    approvals.answer(ports, QA, key, yes=True)
    assert complete(ports, key) == {"qa"}


def test_a_seat_that_declined_is_asked_again_only_with_what_was_done_about_it() -> None:
    ports = a_company()
    key = a_packed_release(ports)
    approvals.answer(ports, QA, key, yes=False, comment="no test report")
    with pytest.raises(Unclear, match=r"QA declined\. Say what was done about it"):
        approvals.ask_for_approvals(ports, MANAGER, key)
    approvals.ask_for_approvals(ports, MANAGER, key, "the report is attached now")
    assert last(ports, key, Kind.REFUSAL_SET_ASIDE).details["people"] == [QA]
    assert last(ports, key, Kind.APPROVALS_ASKED).details["seats"] == ["qa", "business"]
    approvals.answer(ports, OTHER_QA, key, yes=True)
    assert complete(ports, key) == {"qa"}


def test_one_takes_back_ones_own_answer_alone() -> None:
    ports = a_company()
    key = a_packed_release(ports)
    with pytest.raises(Refused, match="there is nothing to take back"):
        approvals.take_back(ports, QA, key)
    approvals.answer(ports, QA, key, yes=True)
    with pytest.raises(Refused, match="nothing to take back"):
        approvals.take_back(ports, OTHER_QA, key)
    assert approvals.take_back(ports, QA, key, "too early") == "qa"
    assert "Its giver took it back: too early." in reason(ports, key).because
    approvals.answer(ports, OTHER_QA, key, yes=True)
    assert complete(ports, key) == {"qa"}


def test_a_yes_that_has_expired_asks_its_seat_again_by_itself() -> None:
    ports = a_company(approvals=("qa",), lasts="2d")
    key = a_packed_release(ports)
    approvals.ask_for_approvals(ports, MANAGER, key)
    approvals.answer(ports, QA, key, yes=True)
    [due] = intents(ports, "approval_expiry")
    assert due.due_at == NOW + timedelta(days=2)
    approvals.expire_answer(ports, due.args["approval"])
    assert complete(ports, key) == {"qa"}
    later(ports, days=2)
    assert reason(ports, key).code == "approval_expired", "also before its alarm has rung"
    approvals.expire_answer(ports, due.args["approval"])
    approvals.expire_answer(ports, due.args["approval"])
    assert reason(ports, key).code == "approval_expired"
    assert kinds(ports, key).count(Kind.APPROVAL_EXPIRED) == 1
    assert last(ports, key, Kind.APPROVALS_ASKED).actor == "rollcall"
    approvals.answer(ports, QA, key, yes=True)
    assert complete(ports, key) == {"qa"}


# What changed


def test_what_changed_is_told_part_by_part_and_asked_again_when_it_is_compared() -> None:
    ports = a_company()
    key = a_packed_release(ports)
    approvals.ask_for_approvals(ports, MANAGER, key)
    approvals.answer(ports, QA, key, yes=True)
    row = a_package(ports, key, words="second", compared=False)
    told = last(ports, key, Kind.APPROVALS_WITHDRAWN).details["changes"]
    assert told[0].startswith("Package: first.zip ")
    assert told[1] == "It holds the same parts, with other content."
    assert release(ports, key).asked_digest == "", "nobody is asked before it is known what there is to weigh"
    note_comparison(ports, row, ("CustomField", "Account.Tier__c", "impossible"))
    asked = last(ports, key, Kind.APPROVALS_ASKED)
    assert (asked.actor, asked.details["seats"]) == ("rollcall", ["qa", "business"])
    assert "Cannot come back now: CustomField Account.Tier__c." in asked.details["changes"]
    with pytest.raises(NotAllowed, match="somebody else"):
        approvals.answer(ports, MANAGER, key, yes=True)


def test_added_and_removed_components_are_named() -> None:
    ports = a_company()
    key = a_packed_release(ports)
    approvals.answer(ports, QA, key, yes=True)
    row = attaching.attach_package(ports, DEVELOPER, key, file_id="F2", file_name="more.zip")
    parts = (Component("ApexClass", "Discount"), Component("Flow", "Approve_discount"))
    attaching.accept_package(ports, row, contents("more", parts))
    told = last(ports, key, Kind.APPROVALS_WITHDRAWN).details["changes"]
    assert told[1:] == ["Added: Flow Approve_discount.", "Not in it any more: CustomField Account.Tier__c."]


def test_a_comparison_that_fails_keeps_nobody_waiting_for_the_question() -> None:
    ports = a_company()
    key = a_packed_release(ports)
    approvals.ask_for_approvals(ports, MANAGER, key)
    row = a_package(ports, key, words="second", compared=False)
    comparing.note_comparison_failed(ports, row, "The org does not answer.")
    assert kinds(ports, key).count(Kind.APPROVALS_ASKED) == 2


def test_another_way_there_asks_at_once_and_seats_nobody_asked_are_left_alone() -> None:
    ports = a_company()
    key = a_packed_release(ports)
    approvals.answer(ports, QA, key, yes=True)
    strategies.choose_strategy(ports, MANAGER, key, "full", "no time for two runs")
    assert Kind.APPROVALS_ASKED not in kinds(ports, key)
    approvals.ask_for_approvals(ports, MANAGER, key)
    strategies.choose_strategy(ports, MANAGER, key, "validate_then_quick", "time after all")
    asked = last(ports, key, Kind.APPROVALS_ASKED).details
    assert asked["changes"] == ["Strategy: full → validate_then_quick."]


def test_a_yes_given_because_somebody_took_the_risk_does_not_count_for_anothers_risk() -> None:
    ports = a_company()
    key = a_release(ports)
    note_comparison(ports, a_package(ports, key, compared=False), builders.LOST)
    acceptances.accept(ports, QA, key, "sales knows", risk="impossible")
    approvals.answer(ports, OTHER_QA, key, yes=True)
    assert complete(ports, key) == {"qa"}
    with ports.store.transaction() as session:
        given = session.get(Acceptance, 1)
        assert given is not None
        given.state = "withdrawn"
        session.add(given)
    acceptances.accept(ports, BOTH_SEATS, key, "I know it better", risk="impossible")
    assert reason(ports, key).code == "approval_withdrawn"


def test_what_an_approver_saw_is_in_the_audit_word_by_word() -> None:
    ports = a_company()
    key = a_packed_release(ports)
    approvals.answer(ports, QA, key, yes=True, shown="REL-1: QA is asked to approve.")
    packet = audits.export_audit(ports, MANAGER, key)
    assert packet["approvals"][0]["seen"]["card"] == "REL-1: QA is asked to approve."
    assert packet["approvals"][0]["seen"]["bound"]["package"][1] == "first.zip"


# When nobody answers


RULE = AskRule(remind_after=timedelta(hours=4), alternates_after=timedelta(hours=8), manager_after=timedelta(hours=12))


@pytest.mark.parametrize(
    ("window_in", "hours"),
    [(None, (4, 8, 12)), (48, (4, 8, 12)), (16, (4, 8, 12)), (8, (2, 4, 6)), (4, (1, 2, 3)), (0.1, (0.25, 0.5, 0.75))],
)
def test_the_times_move_together_when_the_window_is_near(window_in: float | None, hours: tuple[float, ...]) -> None:
    starts_at = None if window_in is None else NOW + timedelta(hours=window_in)
    found = asks.rounds(RULE, NOW, starts_at)
    assert [(at - NOW) / timedelta(hours=1) for at in found.values()] == pytest.approx(list(hours))


def an_asking(ports: Ports, key: str) -> Asking:
    asking = facts_of(ports, key).asking
    assert asking is not None
    return asking


def ring(ports: Ports, step: asks.Step) -> Intent:
    """Go to the time of a step and do what its alarm does."""
    found = next(one for one in intents(ports, "seat_round") if one.args["step"] == step)
    builders.go_to(ports, found.due_at)
    asks.ask_on(ports, found.args["release"], found.args["asking"], step)
    return found


def test_a_seat_that_does_not_answer_is_reminded_then_others_then_the_owner() -> None:
    ports = a_company(alternates=[ADMINISTRATOR])
    key = a_packed_release(ports)
    approvals.ask_for_approvals(ports, SECOND_MANAGER, key)
    approvals.answer(ports, BUSINESS, key, yes=True)
    with pytest.raises(Refused, match="You answer for QA when nobody") as early:
        approvals.answer(ports, ADMINISTRATOR, key, yes=True)
    assert early.value.passes_at == an_asking(ports, key).alternates_at
    told = []
    for step in asks.STEPS:
        ring(ports, step)
        details = last(ports, key, Kind.SEATS_REMINDED).details
        told.append((details["step"], details["seats"], ADMINISTRATOR in details["people"], details["owner"]))
    assert told == [
        ("remind", ["qa"], False, MANAGER),
        ("alternates", ["qa"], True, MANAGER),
        ("manager", ["qa"], True, MANAGER),
    ]
    assert approvals.answer(ports, ADMINISTRATOR, key, yes=True) == "qa"
    assert complete(ports, key) == {"qa", "business"}


def test_nobody_is_reminded_of_what_is_answered_withdrawn_or_asked_anew() -> None:
    ports = a_company()
    key = a_packed_release(ports)
    approvals.ask_for_approvals(ports, MANAGER, key)
    first = intents(ports, "seat_round")[0]
    a_package(ports, key, words="second")
    later(ports, hours=5)
    asks.ask_on(ports, key, first.args["asking"], "remind")
    assert Kind.SEATS_REMINDED not in kinds(ports, key)
    for person in (QA, BUSINESS):
        approvals.answer(ports, person, key, yes=True)
    ring(ports, "remind")
    assert Kind.SEATS_REMINDED not in kinds(ports, key)


def test_after_a_standstill_only_the_last_step_is_told() -> None:
    ports = a_company(alternates=[ADMINISTRATOR])
    key = a_packed_release(ports)
    approvals.ask_for_approvals(ports, MANAGER, key)
    later(ports, days=3)
    for step in asks.STEPS:
        asks.ask_on(ports, key, an_asking(ports, key).number, step)
    assert [entry["step"] for entry in (last(ports, key, Kind.SEATS_REMINDED).details,)] == ["manager"]
    assert kinds(ports, key).count(Kind.SEATS_REMINDED) == 1


def test_a_window_that_comes_near_moves_what_is_still_to_come() -> None:
    ports = a_company()
    key = a_packed_release(ports)
    approvals.ask_for_approvals(ports, MANAGER, key)
    scheduling.set_window(ports, MANAGER, key, a_window(4))
    due = [one.due_at - NOW for one in intents(ports, "seat_round")]
    assert due == [timedelta(hours=1), timedelta(hours=2), timedelta(hours=3)]
    assert an_asking(ports, key).manager_at == NOW + timedelta(hours=3)


def test_two_who_click_at_once_give_one_answer_and_both_are_told() -> None:
    ports = a_company()
    key = a_packed_release(ports)
    approvals.answer(ports, QA, key, yes=True)
    with pytest.raises(Conflict) as second:
        approvals.answer(ports, OTHER_QA, key, yes=True)
    assert second.value.by == QA
    assert kinds(ports, key).count(Kind.APPROVED) == 1


def test_a_release_is_ready_only_while_its_seats_are_filled() -> None:
    ports = builders.ports()
    key = builders.a_ready_release(ports)
    assert release(ports, key).state == "ready"
    approvals.take_back(ports, QA, key)
    assert release(ports, key).state == "planned"
    approvals.answer(ports, OTHER_QA, key, yes=True)
    assert release(ports, key).state == "ready"
    checklists.reopen(ports, MANAGER, key, "1")
    assert release(ports, key).state == "planned"
    assert OTHER_DEVELOPER in facts_of(ports, key).seats["qa"]


# More seats


def with_more(when: dict[str, Any], **more: Any) -> Ports:
    seats = {"qa": {"title": "QA", "people": [QA]}, "business": {"title": "Business", "people": [BUSINESS]}}
    rule = {"seats": ["business"], "when": when, **more}
    return builders.ports(policy=a_policy(seats=seats, approvals={"standard": ["qa"]}, more_approvals=[rule]))


@pytest.mark.parametrize(
    ("when", "kinds", "seats"),
    [
        ({"types": ["CustomField"]}, [], ["qa", "business"]),
        ({"types": ["Profile"]}, [], ["qa"]),
        ({"components": 2}, ["standard"], ["qa", "business"]),
        ({"components": 2}, ["hotfix"], ["qa"]),
        ({"orgs": ["uat"]}, [], ["qa"]),
    ],
)
def test_what_a_package_brings_asks_for_more_seats(when: dict[str, Any], kinds: list[str], seats: list[str]) -> None:
    ports = with_more(when, kinds=kinds)
    key = a_packed_release(ports)
    assert list(facts_of(ports, key).seats) == seats


def test_a_seat_that_is_needed_since_the_comparison_is_asked_by_itself() -> None:
    ports = with_more({"cannot_come_back": True})
    key = a_release(ports)
    row = a_package(ports, key, compared=False)
    approvals.ask_for_approvals(ports, MANAGER, key)
    approvals.answer(ports, QA, key, yes=True)
    note_comparison(ports, row, builders.LOST)
    asked = last(ports, key, Kind.APPROVALS_ASKED)
    assert (asked.actor, asked.details["seats"]) == ("rollcall", ["business"])
    assert complete(ports, key) == {"qa"}, "what was given stays"
    assert reason(ports, key, "Business").code == "approval_missing"


def test_a_condition_names_seats_that_there_are() -> None:
    rule = {"seats": ["nobody"], "when": {"deletions": True}}
    with pytest.raises(ValidationError, match="a name that stands under seats"):
        a_policy(more_approvals=[rule])


def test_a_release_that_became_riskier_asks_the_seat_that_this_needs_and_says_why() -> None:
    seats = {"qa": {"title": "QA", "people": [QA]}, "business": {"title": "Business", "people": [BUSINESS]}}
    risk = {"medium": {"from": 6, "seats": ["business"]}, "high": {"from": 90}}
    items = [{"title": "Support on call", "person": QA, "when": {"risk": ["medium", "high"]}}]
    policy = a_policy(seats=seats, approvals={"standard": ["qa"]}, risk=risk, checklists={"standard": items})
    ports = builders.ports(policy=policy)
    key = a_packed_release(ports)
    approvals.ask_for_approvals(ports, MANAGER, key)
    assert list(facts_of(ports, key).seats) == ["qa"]
    assert asked_items(facts_of(ports, key)) == []
    builders.a_freeze(ports, start=4)
    scheduling.set_window(ports, MANAGER, key, a_window(1))
    asked = last(ports, key, Kind.APPROVALS_ASKED)
    assert (asked.actor, asked.details["seats"]) == ("rollcall", ["business"])
    facts = facts_of(ports, key)
    assert why_needed(ports.policy, facts.release, facts.package, "business") == "its risk is medium"
    assert [item.title for item in asked_items(facts)] == ["Support on call"]


# Along a path, and while somebody is away


def test_who_answers_meanwhile_may_think_better_of_a_no() -> None:
    ports = a_company(approvals=("qa",))
    key = a_packed_release(ports)
    approvals.answer(ports, QA, key, yes=False, comment="no test report")
    absences.set_absence(ports, QA, Interval(NOW, NOW + timedelta(days=2)), stand_in=TESTER)
    assert set(reason(ports, key).who) == {QA, TESTER}
    with pytest.raises(approvals.AlreadyAnswered):
        approvals.answer(ports, OTHER_QA, key, yes=True)
    approvals.answer(ports, TESTER, key, yes=True)
    assert complete(ports, key) == {"qa"}
    later(ports, minutes=1)
    approvals.answer(ports, QA, key, yes=False, comment="still none")
    assert reason(ports, key).because == "QA declined: still none"


def test_a_yes_that_expired_during_a_soak_is_asked_for_again_in_the_next_org() -> None:
    seats = {
        "qa": {"title": "QA", "people": [QA], "lasts": "50m"},
        "business": {"title": "Business", "people": [BUSINESS]},
    }
    ports = staged.staged_ports(seats=seats)
    key = staged.a_staged_release(ports)
    a_package(ports, key)
    approvals.ask_for_approvals(ports, MANAGER, key)
    staged.make_ready(ports, key)
    staged.land_stage(ports, key)
    assert staged.soak(ports, key) == staged.EMEA
    assert reason(ports, key).code == "approval_expired"
    package = facts_of(ports, key).package
    assert package is not None
    note_comparison(ports, package.id or 0)
    asked = last(ports, key, Kind.APPROVALS_ASKED)
    assert (asked.actor, asked.details["seats"]) == ("rollcall", ["qa"])


def test_what_somebody_accepted_for_one_org_of_a_path_does_not_void_a_yes_in_the_next() -> None:
    ports = staged.staged_ports()
    key = staged.a_staged_release(ports)
    row = a_package(ports, key, compared=False)
    note_comparison(ports, row, builders.LOST)
    acceptances.accept(ports, QA, key, "sales knows", risk="impossible")
    staged.make_ready(ports, key)
    staged.land_stage(ports, key)
    assert staged.soak(ports, key) == staged.EMEA
    note_comparison(ports, row, builders.LOST)
    acceptances.accept(ports, OTHER_QA, key, "sales knows", risk="impossible")
    assert complete(ports, key) == {"qa", "business"}
