"""Settling the items of a checklist: who may, which states, what is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from release_core import checklists, releases, scheduling
from release_core.errors import NotAllowed, NotFound, Refused, Unclear
from release_core.models import ChecklistItem, TeamMember
from release_core.ports import Ports
from release_core.timeline import Kind
from tests.release_core.builders import (
    ADMINISTRATOR,
    DEVELOPER,
    MANAGER,
    NOW,
    OTHER_QA,
    QA,
    SECOND_MANAGER,
    STAKEHOLDER,
    TESTER,
    a_policy,
    a_release,
    a_soaking_release,
    a_window,
    facts_of,
    kinds,
    last,
    later,
)

NOTES, SMOKE, LOAD, VALIDATED, SNAPSHOT = "1", "2", "3", "4", "5"


@pytest.fixture
def key(ports: Ports) -> str:
    """A release with its checklist."""
    return a_release(ports)


def item(ports: Ports, key: str, number: str) -> ChecklistItem:
    return facts_of(ports, key).items[int(number) - 1]


def test_a_release_starts_with_the_checklist_of_its_kind(ports: Ports, key: str) -> None:
    titles = [row.title for row in facts_of(ports, key).items]
    assert titles[:3] == ["Release notes written", "Smoke test agreed", "Data load rehearsed"]
    assert facts_of(ports, a_release(ports, kind="emergency")).items == []


def test_roles_become_people_and_teams_stay_teams(ports: Ports, key: str) -> None:
    owners = [(row.owner_id, row.team) for row in facts_of(ports, key).items]
    assert owners == [(MANAGER, ""), ("", "qa"), (ADMINISTRATOR, ""), ("", ""), ("", "")]


def test_due_dates_count_back_from_the_window_and_move_with_it(ports: Ports, key: str) -> None:
    assert item(ports, key, NOTES).due_at is None
    scheduling.set_window(ports, MANAGER, key, a_window(start=48))
    assert item(ports, key, NOTES).due_at == NOW + timedelta(hours=24)
    assert item(ports, key, SMOKE).due_at == NOW + timedelta(hours=46)
    scheduling.set_window(ports, MANAGER, key, a_window(start=72))
    assert item(ports, key, NOTES).due_at == NOW + timedelta(hours=48)


def test_no_item_is_due_in_the_past(ports: Ports, key: str) -> None:
    scheduling.set_window(ports, MANAGER, key, a_window(start=1))
    assert item(ports, key, NOTES).due_at == NOW


def test_the_owner_ticks_with_evidence(ports: Ports, key: str) -> None:
    checklists.tick(ports, ADMINISTRATOR, key, LOAD, evidence="https://example.com/run/7")
    row = item(ports, key, LOAD)
    assert (row.state, row.note, row.changed_by, row.changed_at) == (
        "done",
        "https://example.com/run/7",
        ADMINISTRATOR,
        NOW,
    )
    assert last(ports, key, Kind.ITEM_DONE).details["title"] == "Data load rehearsed"


def test_an_item_is_found_by_words_of_its_title(ports: Ports, key: str) -> None:
    assert checklists.tick(ports, QA, key, "smoke").number == 2


def test_an_unknown_item_is_answered_with_the_list(ports: Ports, key: str) -> None:
    with pytest.raises(NotFound, match=r"has no item “99”\. Its items: 1 Release notes written, 2"):
        checklists.tick(ports, MANAGER, key, "99")


def test_words_that_fit_several_items_ask_for_the_number(ports: Ports, key: str) -> None:
    with pytest.raises(Unclear, match=r"fits several items of REL-1: .* Give the number"):
        checklists.tick(ports, MANAGER, key, "re")


@pytest.mark.parametrize("person", [QA, OTHER_QA])
def test_anybody_of_the_team_ticks_its_item(ports: Ports, key: str, person: str) -> None:
    assert checklists.tick(ports, person, key, SMOKE).changed_by == person


def test_a_member_of_the_teams_chat_group_ticks_too(ports: Ports, key: str) -> None:
    with ports.store.transaction() as session:
        session.add(TeamMember(team_id="S0QA", person_id="UNEWCOMER"))
    assert checklists.tick(ports, "UNEWCOMER", key, SMOKE).state == "done"


@pytest.mark.parametrize("person", [DEVELOPER, TESTER, STAKEHOLDER])
def test_others_are_told_whose_item_it_is(ports: Ports, key: str, person: str) -> None:
    with pytest.raises(NotAllowed, match="Item 3 “Data load rehearsed” is not yours") as refused:
        checklists.tick(ports, person, key, LOAD)
    assert refused.value.who_may == (ADMINISTRATOR, MANAGER, SECOND_MANAGER)
    assert item(ports, key, LOAD).state == "open"
    assert Kind.ITEM_DONE not in kinds(ports, key)


def test_a_second_tick_hears_of_the_first(ports: Ports, key: str) -> None:
    checklists.tick(ports, QA, key, SMOKE)
    later(ports, minutes=3)
    with pytest.raises(checklists.AlreadySettled, match="already done") as again:
        checklists.tick(ports, OTHER_QA, key, SMOKE)
    assert (again.value.by, again.value.at) == (QA, NOW)


def test_an_item_passes_through_its_states(ports: Ports, key: str) -> None:
    checklists.start(ports, MANAGER, key, NOTES)
    assert item(ports, key, NOTES).state == "in_progress"
    checklists.block(ports, MANAGER, key, NOTES, "waiting for the translation")
    assert (item(ports, key, NOTES).state, item(ports, key, NOTES).note) == ("blocked", "waiting for the translation")
    checklists.tick(ports, MANAGER, key, NOTES)
    assert (item(ports, key, NOTES).state, item(ports, key, NOTES).note) == ("done", "")
    checklists.reopen(ports, MANAGER, key, NOTES, "one page is missing")
    assert item(ports, key, NOTES).state == "open"
    assert kinds(ports, key)[1:] == [Kind.ITEM_STARTED, Kind.ITEM_BLOCKED, Kind.ITEM_DONE, Kind.ITEM_REOPENED]


def test_blocking_and_waiving_need_a_reason(ports: Ports, key: str) -> None:
    with pytest.raises(Unclear, match="Say why: /release block REL-1 1 -- reason"):
        checklists.block(ports, MANAGER, key, NOTES, "")
    with pytest.raises(Unclear, match="Say why: /release waive REL-1 1 -- reason"):
        checklists.waive_item(ports, MANAGER, key, NOTES, "x")


def test_only_a_release_manager_waives(ports: Ports, key: str) -> None:
    with pytest.raises(NotAllowed, match="Only a release manager may waive") as refused:
        checklists.waive_item(ports, ADMINISTRATOR, key, LOAD, "no data changes this time")
    assert refused.value.who_may == (MANAGER, SECOND_MANAGER)
    checklists.waive_item(ports, SECOND_MANAGER, key, LOAD, "no data changes this time")
    assert item(ports, key, LOAD).state == "waived"
    assert last(ports, key, Kind.ITEM_WAIVED).details["note"] == "no data changes this time"


def test_an_assigned_item_belongs_to_its_new_owner_alone(ports: Ports, key: str) -> None:
    checklists.assign(ports, MANAGER, key, SMOKE, TESTER)
    assert (item(ports, key, SMOKE).owner_id, item(ports, key, SMOKE).team) == (TESTER, "")
    with pytest.raises(NotAllowed):
        checklists.tick(ports, QA, key, SMOKE)
    checklists.tick(ports, TESTER, key, SMOKE)


@pytest.mark.parametrize("number", [VALIDATED, SNAPSHOT])
def test_nobody_ticks_what_settles_itself(ports: Ports, key: str, number: str) -> None:
    with pytest.raises(Refused, match="settles itself; nobody ticks it") as refused:
        checklists.tick(ports, MANAGER, key, number)
    assert refused.value.code == "settles_itself"
    assert item(ports, key, number).state == "open"


def test_the_validation_cannot_be_waived(ports: Ports, key: str) -> None:
    with pytest.raises(Refused, match="production would be the first to run the tests") as refused:
        checklists.waive_item(ports, MANAGER, key, VALIDATED, "we are in a hurry")
    assert refused.value.code == "not_waivable"


def test_items_may_be_settled_while_a_release_soaks(ports: Ports) -> None:
    key = a_soaking_release(ports)
    checklists.reopen(ports, MANAGER, key, NOTES)
    checklists.tick(ports, MANAGER, key, NOTES)
    assert item(ports, key, NOTES).state == "done"


def test_what_is_over_stays_as_it_is(ports: Ports, key: str) -> None:
    releases.cancel_release(ports, MANAGER, key, "not needed any more")
    with pytest.raises(Refused, match="REL-1 is cancelled; item 1 stays as it is") as refused:
        checklists.tick(ports, MANAGER, key, NOTES)
    assert refused.value.code == "over"


def test_what_is_settled_is_not_begun_before_it_is_reopened(ports: Ports, key: str) -> None:
    checklists.tick(ports, MANAGER, key, NOTES)
    with pytest.raises(checklists.AlreadySettled, match="already done"):
        checklists.start(ports, MANAGER, key, NOTES)
    assert item(ports, key, NOTES).state == "done"


def test_saying_the_same_of_an_item_twice_is_one_fact(ports: Ports, key: str) -> None:
    with pytest.raises(checklists.AlreadySettled, match="already open"):
        checklists.reopen(ports, MANAGER, key, NOTES)
    checklists.start(ports, MANAGER, key, NOTES)
    with pytest.raises(checklists.AlreadySettled, match="already in progress"):
        checklists.start(ports, MANAGER, key, NOTES)
    checklists.waive_item(ports, MANAGER, key, NOTES, "no change that users see")
    with pytest.raises(checklists.AlreadySettled, match="already waived"):
        checklists.waive_item(ports, SECOND_MANAGER, key, NOTES, "nobody reads it")
    assert kinds(ports, key)[1:] == [Kind.ITEM_STARTED, Kind.ITEM_WAIVED]


def test_assigning_an_item_does_not_take_over_who_settled_it(ports: Ports, key: str) -> None:
    checklists.tick(ports, QA, key, SMOKE)
    later(ports, hours=1)
    checklists.assign(ports, MANAGER, key, SMOKE, TESTER)
    assert (item(ports, key, SMOKE).changed_by, item(ports, key, SMOKE).changed_at) == (QA, NOW)


def test_an_item_of_a_team_that_left_the_policy_falls_to_the_owner_of_the_release(ports: Ports, key: str) -> None:
    seats = {"qa": {"title": "QA", "people": [QA]}, "business": {"title": "Business", "people": [QA]}}
    after = replace(ports, policy=a_policy(teams={}, seats=seats, checklists={}))
    with pytest.raises(NotAllowed) as refused:
        checklists.tick(after, QA, key, SMOKE)
    assert refused.value.who_may[0] == MANAGER
    checklists.tick(after, MANAGER, key, SMOKE)
