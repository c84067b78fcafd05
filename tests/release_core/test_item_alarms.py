"""Reminders of items, snoozes, waivers with an end, evidence, conditions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from release_core import absences, attaching, checklists, item_alarms, releases, scheduling
from release_core.conditions import asked_items, condition_words
from release_core.errors import NotAllowed, Unclear
from release_core.metadata_types import Component
from release_core.models import ChecklistItem
from release_core.policy import ReminderRule
from release_core.ports import Ports
from release_core.timeline import Kind
from release_core.windows import Interval
from tests.release_core import builders
from tests.release_core.builders import (
    ADMINISTRATOR,
    DEVELOPER,
    LOST,
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
    a_window,
    blocked_by,
    contents,
    facts_of,
    go_to,
    intents,
    kinds,
    last,
    later,
    note_comparison,
    release,
)

RULE = ReminderRule(before=timedelta(hours=1), every=timedelta(hours=4), at_most=3)


def a_list(*rules: dict[str, Any]) -> Ports:
    return builders.ports(policy=a_policy(checklists={"standard": list(rules)}))


def item(ports: Ports, key: str, number: int = 1) -> ChecklistItem:
    return facts_of(ports, key).items[number - 1]


def ring(ports: Ports, key: str, flow: str = "item_reminder") -> None:
    """Go to the next alarm of an item and do what it does."""
    due = next(one for one in intents(ports, flow) if one.lane == key)
    go_to(ports, due.due_at)
    with ports.store.transaction() as session:
        from release_core.models import Intent

        session.get_one(Intent, due.key).state = "finished"
    {"item_reminder": item_alarms.remind, "waiver_end": item_alarms.end_waiver}[flow](ports, due.args["item"])


# Reminders


def test_an_item_is_reminded_of_before_when_due_and_afterwards_a_few_times() -> None:
    ports = a_list({"title": "Support briefed", "person": QA, "due": "2h"})
    key = a_release(ports, window=a_window(start=10))
    told = []
    for _ in range(4):
        ring(ports, key)
        details = last(ports, key, Kind.ITEM_REMINDED).details
        hours = (ports.clock.now() - NOW) / timedelta(hours=1)
        told.append((hours, details["overdue"], details["last"], details["people"]))
    assert told == [(7, False, False, [QA]), (8, True, False, [QA]), (12, True, False, [QA]), (16, True, True, [QA])]
    assert intents(ports, "item_reminder") == [], "the number of reminders is capped"


def test_a_snooze_and_the_usual_reminders_give_one_reminder() -> None:
    ports = a_list({"title": "Support briefed", "person": QA, "due": "2h"})
    key = a_release(ports, window=a_window(start=10))
    checklists.snooze(ports, QA, key, "1", NOW + timedelta(hours=9))
    assert [one.due_at for one in intents(ports, "item_reminder")] == [NOW + timedelta(hours=9)]
    ring(ports, key)
    assert kinds(ports, key).count(Kind.ITEM_REMINDED) == 1
    assert [one.due_at for one in intents(ports, "item_reminder")] == [NOW + timedelta(hours=12)]


def test_reminders_begin_again_when_an_item_is_handed_on_or_its_window_moves() -> None:
    ports = a_list({"title": "Support briefed", "person": QA, "due": "2h"})
    key = a_release(ports, window=a_window(start=10))
    for _ in range(4):
        ring(ports, key)
    scheduling.set_window(ports, MANAGER, key, a_window(start=40))
    assert [one.due_at for one in intents(ports, "item_reminder")] == [NOW + timedelta(hours=37)]
    checklists.assign(ports, MANAGER, key, "1", TESTER)
    ring(ports, key)
    assert last(ports, key, Kind.ITEM_REMINDED).details["people"] == [TESTER]


@pytest.mark.parametrize("settle", ["tick", "waive", "cancel"])
def test_nobody_is_reminded_of_what_is_settled_or_over(settle: str) -> None:
    ports = a_list({"title": "Support briefed", "person": QA, "due": "2h"})
    key = a_release(ports, window=a_window(start=10))
    alarm = intents(ports, "item_reminder")[0].args["item"]
    if settle == "tick":
        checklists.tick(ports, QA, key, "1")
    elif settle == "waive":
        checklists.waive_item(ports, MANAGER, key, "1", "nothing changes for them", until=NOW + timedelta(days=3))
    else:
        releases.cancel_release(ports, MANAGER, key, "not needed")
    later(ports, hours=9)
    item_alarms.remind(ports, alarm)
    assert Kind.ITEM_REMINDED not in kinds(ports, key)


def test_a_window_set_at_short_notice_reminds_nobody_of_the_past() -> None:
    ports = a_list({"title": "Support briefed", "person": QA, "due": "1d"})
    a_release(ports, window=a_window(start=3))
    assert [one.due_at - NOW for one in intents(ports, "item_reminder")] == [timedelta(hours=4)]


def test_whoever_answers_for_the_owner_is_reminded_as_well() -> None:
    ports = a_list({"title": "Support briefed", "person": QA, "due": "2h"})
    key = a_release(ports, window=a_window(start=10))
    absences.set_absence(ports, QA, Interval(NOW, NOW + timedelta(days=2)), stand_in=TESTER)
    ring(ports, key)
    assert last(ports, key, Kind.ITEM_REMINDED).details["people"] == [QA, TESTER]


@pytest.mark.parametrize("hours", [0, -1, 24 * 8])
def test_a_snooze_lasts_a_week_at_most(hours: float) -> None:
    ports = a_list({"title": "Support briefed", "person": QA})
    key = a_release(ports)
    with pytest.raises(Unclear, match="within the next 7 days"):
        checklists.snooze(ports, QA, key, "1", NOW + timedelta(hours=hours))
    with pytest.raises(NotAllowed):
        checklists.snooze(ports, STAKEHOLDER, key, "1", NOW + timedelta(hours=1))


def test_the_times_are_a_rule_of_the_item_and_the_policy_alone() -> None:
    one = ChecklistItem(release_id=1, number=1, title="x", state="open", due_at=NOW)
    hours = [(at - NOW) / timedelta(hours=1) for at in item_alarms.reminders(one, RULE)]
    assert hours == [-1, 0, 4, 8]
    assert item_alarms.next_reminder(one, RULE, NOW) == NOW + timedelta(hours=4)
    one.state = "done"
    assert item_alarms.next_reminder(one, RULE, NOW) is None


# Waivers


def test_a_waiver_ends_and_the_item_holds_the_release_again(ports: Ports) -> None:
    key = a_ready_release(ports)
    checklists.reopen(ports, MANAGER, key, "2")
    checklists.waive_item(ports, MANAGER, key, "2", "agreed by phone", until=NOW + timedelta(hours=1))
    assert release(ports, key).state == "ready"
    go_to(ports, NOW + timedelta(hours=1))
    assert "item_open" in blocked_by(ports, key), "also before its alarm has rung"
    ring(ports, key, "waiver_end")
    assert item(ports, key, 2).state == "open"
    assert last(ports, key, Kind.ITEM_WAIVER_ENDED).details["by"] == MANAGER
    assert release(ports, key).state == "planned"


def test_a_waiver_without_an_end_lasts_past_the_window_or_as_the_policy_says(ports: Ports) -> None:
    key = a_release(ports)
    assert checklists.waive_item(ports, MANAGER, key, "2", "agreed").waived_until == NOW + timedelta(days=7)
    far = a_release(ports, window=a_window(start=24 * 20))
    assert checklists.waive_item(ports, MANAGER, far, "2", "agreed").waived_until == a_window(start=24 * 20).ends_at
    with pytest.raises(Unclear, match="That time has passed"):
        checklists.waive_item(ports, MANAGER, key, "1", "agreed", until=NOW)


def test_a_waiver_that_was_taken_back_ends_nothing(ports: Ports) -> None:
    key = a_release(ports)
    checklists.waive_item(ports, MANAGER, key, "2", "agreed", until=NOW + timedelta(hours=1))
    checklists.tick(ports, QA, key, "2")
    ring(ports, key, "waiver_end")
    assert item(ports, key, 2).state == "done"
    assert Kind.ITEM_WAIVER_ENDED not in kinds(ports, key)


# Evidence


@pytest.mark.parametrize(
    ("needs", "bad", "good"),
    [("link", "it is done", "see https://example.com/run/7"), ("note", "  ", "tried with Ravi"), ("", "", "")],
)
def test_a_tick_brings_the_evidence_that_the_policy_asks_for(needs: str, bad: str, good: str) -> None:
    ports = a_list({"title": "Support briefed", "person": QA, "evidence": needs})
    key = a_release(ports)
    if needs:
        with pytest.raises(Unclear, match=f"is ticked with a {needs}: /release tick REL-1 1"):
            checklists.tick(ports, QA, key, "1", evidence=bad)
        assert item(ports, key).state == "open"
    checklists.tick(ports, QA, key, "1", evidence=good)
    assert item(ports, key).note == good.strip()


# Conditions


FLOW = Component("Flow", "Approve_discount")
CLASS = Component("ApexClass", "Discount")


@pytest.mark.parametrize(
    ("when", "components", "asked"),
    [
        ({"types": ["Flow"]}, (CLASS,), False),
        ({"types": ["Flow"]}, (CLASS, FLOW), True),
        ({"types": ["Flow", "ApexClass"], "components": 2}, (CLASS,), False),
        ({"components": 2}, (CLASS, FLOW), True),
        ({"deletions": True}, (CLASS,), False),
        ({"orgs": ["uat"]}, (CLASS,), False),
        ({"orgs": ["production"]}, (CLASS,), True),
    ],
)
def test_a_question_is_asked_only_about_packages_that_it_is_about(
    when: dict[str, Any], components: tuple[Component, ...], asked: bool
) -> None:
    ports = a_list({"title": "Flow owners told", "person": QA, "when": when})
    key = a_release(ports)
    row = attaching.attach_package(ports, DEVELOPER, key, file_id="F1", file_name="first.zip")
    attaching.accept_package(ports, row, contents("first", components))
    assert ([one.title for one in asked_items(facts_of(ports, key))] == ["Flow owners told"]) is asked
    assert ("item_open" in blocked_by(ports, key)) is asked
    assert condition_words(item(ports, key), ports.policy)


def test_a_question_about_what_is_lost_is_asked_once_that_is_known() -> None:
    ports = a_list({"title": "Data owner told", "person": QA, "when": {"cannot_come_back": True}})
    key = a_release(ports)
    row = a_package(ports, key, compared=False)
    assert asked_items(facts_of(ports, key)) == []
    note_comparison(ports, row, LOST)
    assert [one.title for one in asked_items(facts_of(ports, key))] == ["Data owner told"]


def test_a_condition_names_orgs_that_there_are() -> None:
    with pytest.raises(ValidationError, match="a name that stands under orgs"):
        a_list({"title": "Data owner told", "when": {"orgs": ["nowhere"]}})


def test_nobody_is_reminded_of_a_question_that_is_not_asked() -> None:
    ports = a_list({"title": "Flow owners told", "person": OTHER_QA, "due": "2h", "when": {"types": ["Flow"]}})
    key = a_release(ports, window=a_window(start=10))
    a_package(ports, key)
    ring(ports, key)
    assert Kind.ITEM_REMINDED not in kinds(ports, key)
    assert ADMINISTRATOR not in {one.owner_id for one in facts_of(ports, key).items}
