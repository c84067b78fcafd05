"""Sentences about what stands in the way say the fact, its cause, what comes next."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handlers.attempt_cards import deployment_card
from handlers.conversation import Message
from release_core import checklists, deployments, proofs, scheduling, task_plans, tasks
from release_core.errors import Refused
from release_core.models import Person
from release_core.ports import Ports
from release_core.proofs import Landing
from release_core.resubmissions import note_busy
from release_core.task_plans import NewTask
from tests.handlers.room import Room, clickable, words_of
from tests.release_core.builders import (
    ANALYST,
    BUSINESS,
    DEVELOPER,
    MANAGER,
    NOW,
    PRODUCTION,
    SECOND_MANAGER,
    STAKEHOLDER,
    a_package,
    a_passed_validation,
    a_policy,
    a_ready_release,
    a_release,
    a_soaking_release,
    a_started_deployment,
    a_window,
    all_gates,
    deployment,
    facts_of,
    has_run,
    last,
    later,
    ports,
    row_id,
)
from tests.release_core.staged import a_ready_staged_release, a_staged_release, land_stage, staged_ports


def a_voided_validation(own: Ports, *, window: bool = True) -> str:
    """A release whose validation somebody else's deployment voided, eight hours ahead of its window."""
    key = a_release(own, window=a_window(8) if window else None)
    a_package(own, key)
    a_passed_validation(own, key)
    later(own, minutes=5)
    landing = Landing("0AfFOREIGN0000001", "mei", NOW + timedelta(minutes=1), "mei@acme.test deployed after it.")
    proofs.note_watched(own, PRODUCTION, [landing], at=own.clock.now())
    return key


def test_a_voided_validation_says_what_voided_it_and_when_it_is_made_again(room: Room) -> None:
    a_voided_validation(room.ports)
    why = room.hears(STAKEHOLDER, "release why")
    said = words_of(why)
    assert "The validation DEP-1 in PRODUCTION does not count any more: mei@acme.test deployed after it." in said
    assert "It is validated again by itself at Mon 23 Nov 2026 16:00 CET; whoever cannot wait does it now." in said
    assert "a re-validation first, as DEP-1 does not count any more, then a quick deploy" in said
    assert "quick deploy of what was validated" not in said
    assert "DEP-2" in words_of(room.clicks(DEVELOPER, "Validate again", why))


def test_the_headline_says_that_a_validation_is_void(room: Room) -> None:
    a_voided_validation(room.ports)
    said = words_of(room.hears(STAKEHOLDER, "release status"))
    assert "Validation: DEP-1 does not count any more: mei@acme.test deployed after it. Next: validate again" in said
    assert "by itself at Mon 23 Nov 2026 16:00 CET." in said


def test_without_a_window_or_a_rule_nothing_is_validated_again_by_itself(room: Room) -> None:
    a_voided_validation(room.ports, window=False)
    said = words_of(room.hears(STAKEHOLDER, "release why"))
    assert "that happens by itself only ahead of a window, and none is set" in said
    never = Room(ports(policy=a_policy(revalidate_before="0m")))
    a_voided_validation(never.ports)
    assert "which nothing does by itself" in words_of(never.hears(STAKEHOLDER, "release why"))


def a_refused_snapshot(room: Room) -> str:
    key = a_ready_release(room.ports)
    scheduling.open_window(room.ports, key, 1)
    attempt = row_id(room.ports, deployments.request_deployment(room.ports, MANAGER, key))
    assert not deployments.go_without_snapshot(room.ports, attempt, "PRODUCTION packs nothing today.")
    return key


def cards_of(room: Room, key: str) -> list[Message]:
    room.tell()
    return [room.hears(MANAGER, "release why"), room.post(f"window:{key}:1")]


def test_after_a_refused_snapshot_no_card_says_that_it_may_go() -> None:
    room = Room(ports(policy=a_policy(acceptances={"no_snapshot": "business"})))
    key = a_refused_snapshot(room)
    for card in cards_of(room, key):
        said = words_of(card)
        assert "may go" not in said.replace("May we go?", "")
        assert "The last attempt did not go: the snapshot of PRODUCTION could not be taken." in said
        assert "PRODUCTION packs nothing today." in said
        assert "@Bea Lindqvist or @Bo Sandoval may accept in writing" in said
        assert "/release accept REL-1 -- reason" in said
        assert clickable("Deploy to PRODUCTION", card), "another attempt takes the snapshot anew"
    room.says(BUSINESS, "release accept -- the outage costs more")
    assert "REL-1 may go now" in words_of(room.hears(MANAGER, "release why"))


def test_after_a_refused_snapshot_that_nobody_may_accept_the_policy_is_named(room: Room) -> None:
    key = a_refused_snapshot(room)
    for card in cards_of(room, key):
        assert "an administrator names a seat under acceptances: no_snapshot" in words_of(card)


def test_a_run_that_waits_to_be_asked_again_says_that_alone(room: Room) -> None:
    attempt = a_started_deployment(room.ports, a_ready_release(room.ports))
    note_busy(room.ports, attempt, "setup_lock")
    card = deployment_card(facts_of(room.ports, "REL-1"), room.ports.policy, deployment(room.ports, attempt), NOW)
    said = words_of(card)
    assert "waits, because the org is busy." in said
    assert "It is asked for again at Mon 23 Nov 2026 10:0" in said
    assert "(1 of " in said
    assert "Waiting for the org to begin" not in said


def test_differences_that_are_being_looked_for_are_not_to_be_asked_for(room: Room) -> None:
    key = a_release(room.ports)
    a_package(room.ports, key, compared=False)
    later(room.ports, minutes=1)
    said = room.refuses(STAKEHOLDER, "release diff").words
    assert "REL-1 is being compared with PRODUCTION, since Mon 23 Nov 2026 10:00 CET." in said
    assert "/release compare" not in said
    why = words_of(room.hears(STAKEHOLDER, "release why"))
    assert "It is being compared since Mon 23 Nov 2026 10:00 CET. Wait for its end." in why
    has_run(room.ports, "comparison")
    assert "/release compare REL-1" in room.refuses(STAKEHOLDER, "release diff").words


def test_why_of_what_is_live_everywhere_says_until_when_it_is_watched_and_what_comes_next(room: Room) -> None:
    a_soaking_release(room.ports)
    said = words_of(room.hears(STAKEHOLDER, "release why REL-1"))
    assert "soaking" not in said
    assert "REL-1 is live in PRODUCTION already and being watched until" in said
    assert "For more changes: /release new. The watch may end earlier: /release close REL-1. Ask @Anna Weiss" in said


@pytest.mark.parametrize(
    "text",
    ["validate", "window at tomorrow 20:00 for 2h", "strategy full -- faster", "tests RunLocalTests"],
)
def test_what_is_too_late_says_what_can_be_done_instead(room: Room, text: str) -> None:
    a_soaking_release(room.ports)
    said = room.refuses(MANAGER, f"release {text.split(' ', 1)[0]} REL-1 {text.partition(' ')[2]}").words
    assert "REL-1 is live and being watched;" in said
    assert "Plan a new release with /release new. The watch may end earlier: /release close REL-1" in said


def test_during_a_soak_on_the_way_the_end_of_it_is_named_and_that_nobody_shortens_it() -> None:
    room = Room(staged_ports())
    key = a_ready_staged_release(room.ports)
    land_stage(room.ports, key)
    said = room.refuses(MANAGER, f"release window {key} at tomorrow 20:00 for 2h").words
    assert "EMEA comes next, when the watch in UAT ends." in said
    assert "the policy's soak of UAT says; nobody may shorten it for one release." in said
    assert "It could pass Mon 23 Nov 2026 11:00 CET." in said


def test_a_way_that_cannot_be_chosen_is_not_offered(room: Room) -> None:
    a_release(room.ports)
    said = room.refuses(MANAGER, "release strategy slow -- why not").words
    assert "Known: quick, full." in said
    assert "staged" not in said


def test_a_task_for_each_org_is_told_in_a_sentence() -> None:
    room = Room(staged_ports())
    a_staged_release(room.ports)
    said = words_of(room.hears(MANAGER, "release task before -- Pause the import"))
    assert "“Pause the import” stands on the run-sheet once for each org: task 1 in UAT, task 2 in EMEA" in said


def leaves(room: Room, person: str) -> None:
    with room.ports.store.transaction() as session:
        row = session.get(Person, person)
        assert row is not None
        row.deactivated = True
        session.add(row)


def test_nothing_is_given_to_somebody_who_is_deactivated(room: Room) -> None:
    key = a_release(room.ports)
    task_plans.add_task(room.ports, MANAGER, key, NewTask("Pause the import", "before"))
    leaves(room, ANALYST)
    for act in (
        lambda: tasks.assign(room.ports, MANAGER, key, "1", ANALYST),
        lambda: task_plans.add_task(room.ports, MANAGER, key, NewTask("Resume it", "after", ANALYST)),
        lambda: checklists.assign(room.ports, MANAGER, key, "1", ANALYST),
    ):
        with pytest.raises(Refused, match="Lena Schulz is deactivated in the chat") as refused:
            act()
        assert refused.value.code == "person_left"
        assert "Name somebody else: /release " in str(refused.value)
    assert [task.owner_id for task in facts_of(room.ports, key).tasks] == [MANAGER]


def test_what_belongs_to_somebody_who_left_says_who_hands_it_over(room: Room) -> None:
    key = a_release(room.ports)
    task_plans.add_task(room.ports, MANAGER, key, NewTask("Pause the import", "before", ANALYST))
    checklists.assign(room.ports, MANAGER, key, "2", ANALYST)
    leaves(room, ANALYST)
    for code, way_out in (
        ("task_open", "/release task assign REL-1 1 @person"),
        ("item_open", "/release assign REL-1 2 @person"),
    ):
        closed = [g for g in all_gates(room.ports, key) if g.code == code][-1]
        assert "Its owner, Lena Schulz, is deactivated in the chat: give it to somebody else." in closed.because
        assert (closed.way_out, closed.who) == (way_out, (MANAGER, SECOND_MANAGER))


def test_whoever_left_is_not_called_to_their_task(room: Room) -> None:
    key = a_release(room.ports, window=a_window(0))
    task_plans.add_task(room.ports, MANAGER, key, NewTask("Pause the import", "before", ANALYST))
    leaves(room, ANALYST)
    scheduling.open_window(room.ports, key, 1)
    assert last(room.ports, key, "task_due").details["people"] == [MANAGER, SECOND_MANAGER]
