"""Each gate of "may we go?": when it passes, when it blocks, who can clear it, how, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from release_core import approvals, attempts, checklists, deployments, incidents, org_locks, releases, validations
from release_core.ports import Ports
from tests.release_core import builders
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
    TESTER,
    a_failure,
    a_freeze,
    a_package,
    a_passed_validation,
    a_policy,
    a_ready_release,
    a_release,
    a_soaking_release,
    a_started_deployment,
    a_window,
    all_gates,
    approve,
    blocked_by,
    deployment,
    facts_of,
    gate,
    later,
    release,
    row_id,
    settle_checklist,
)


def test_a_ready_release_meets_no_closed_gate(ports: Ports) -> None:
    key = a_ready_release(ports)
    assert blocked_by(ports, key) == set()
    assert release(ports, key).state == "ready"


def test_an_empty_release_hears_every_reason_at_once(ports: Ports) -> None:
    key = a_release(ports)
    assert blocked_by(ports, key) == {"no_package", "item_open", "approval_missing", "no_window"}


def test_closed_gates_come_first(ports: Ports) -> None:
    key = a_release(ports)
    answers = [gate.passes for gate in all_gates(ports, key)]
    assert answers == sorted(answers)
    assert True in answers


def test_without_a_package_its_makers_are_named(ports: Ports) -> None:
    missing = gate(ports, a_release(ports), "no_package")
    assert missing.who == (MANAGER, SECOND_MANAGER, DEVELOPER, OTHER_DEVELOPER, ADMINISTRATOR)
    assert missing.way_out == "/release attach REL-1"


def test_an_open_item_names_its_owner_and_its_number(ports: Ports) -> None:
    key = a_release(ports)
    first, second = [g for g in all_gates(ports, key) if g.code == "item_open"]
    assert first.because == "Item 1 “Release notes written” is open."
    assert (first.who, first.way_out) == ((MANAGER,), "/release tick REL-1 1")
    assert second.who == (QA, OTHER_QA)


def test_an_optional_item_stops_nobody(ports: Ports) -> None:
    key = a_ready_release(ports)
    checklists.reopen(ports, MANAGER, key, "Data load")
    assert blocked_by(ports, key) == set()


def test_a_blocked_item_says_why(ports: Ports) -> None:
    key = a_ready_release(ports)
    checklists.block(ports, MANAGER, key, "1", "the translation is missing")
    assert gate(ports, key, "item_open").because.endswith("is blocked: the translation is missing.")


def test_a_waived_item_stops_nobody(ports: Ports) -> None:
    key = a_ready_release(ports)
    checklists.reopen(ports, MANAGER, key, "1")
    assert blocked_by(ports, key) == {"item_open"}
    checklists.waive_item(ports, MANAGER, key, "1", "nothing changes for users")
    assert blocked_by(ports, key) == set()


def test_the_target_must_have_seen_the_package(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key)
    a_passed_validation(ports, key, org="uat")
    missing = gate(ports, key, "not_validated")
    assert missing.because == "The package has not been validated in PRODUCTION."
    assert missing.who == (MANAGER, SECOND_MANAGER, DEVELOPER, OTHER_DEVELOPER, ADMINISTRATOR, TESTER)
    assert missing.way_out == "/release validate REL-1"


def test_a_run_that_failed_on_the_way_is_named(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key)
    attempt = row_id(ports, validations.request_validation(ports, DEVELOPER, key))
    validations.finish_validation(ports, attempt, a_failure())
    assert gate(ports, key, "not_validated").because.endswith("The last run (DEP-1) failed before it got there.")


def test_a_failed_validation_says_what_failed(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key)
    attempt = row_id(ports, validations.request_validation(ports, DEVELOPER, key, org="production"))
    assert gate(ports, key, "validating").because == "The validation DEP-1 in PRODUCTION is still running."
    validations.finish_validation(ports, attempt, a_failure(message="expected 10, got 9"))
    assert "DiscountTest.gives_ten_percent failed: expected 10, got 9" in gate(ports, key, "validation_failed").because


def test_a_validation_counts_for_ten_days_to_the_second(ports: Ports) -> None:
    key = a_ready_release(ports)
    assert gate(ports, key, "validated").instants == (NOW + timedelta(days=10),)
    later(ports, days=10, seconds=-1)
    assert "validation_lapsed" not in blocked_by(ports, key)
    later(ports, seconds=1)
    assert "validation_lapsed" in blocked_by(ports, key)


def test_a_validation_of_another_package_does_not_count(ports: Ports) -> None:
    key = a_ready_release(ports)
    a_package(ports, key, words="second")
    assert (
        gate(ports, key, "validated_another").because == "What was validated in PRODUCTION (DEP-1) was another package."
    )


def test_a_void_validation_says_what_made_it_so(ports: Ports) -> None:
    key = a_ready_release(ports)
    validations.void(ports, "production", deployment(ports, "DEP-1").job_id, "Ann deployed after it.")
    assert gate(ports, key, "validation_void").because.endswith("Ann deployed after it. It has to be validated again.")
    assert release(ports, key).state == "planned"


def test_a_seat_that_waits_names_everybody_who_may_fill_it(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key)
    seat = gate(ports, key, "approval_missing")
    assert (seat.because, seat.way_out) == ("QA has not approved.", "/release approve REL-1")
    assert set(seat.who) == {QA, OTHER_QA, BOTH_SEATS, OTHER_DEVELOPER}


def test_the_author_is_not_among_those_who_may_approve(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key, author=OTHER_DEVELOPER)
    assert OTHER_DEVELOPER not in gate(ports, key, "approval_missing").who


def test_a_seat_that_only_the_author_could_fill_is_told_as_such() -> None:
    policy = a_policy(seats={"qa": {"title": "QA", "people": [DEVELOPER]}}, approvals={"standard": ["qa"]})
    ports = builders.ports(policy=policy)
    key = a_release(ports)
    a_package(ports, key, author=DEVELOPER)
    assert gate(ports, key, "nobody_may_approve").who == ()


def test_somebody_who_filled_one_seat_is_not_named_for_the_other_and_moves_over_for_one_more_person(
    ports: Ports,
) -> None:
    key = a_release(ports)
    a_package(ports, key)
    approvals.answer(ports, BOTH_SEATS, key, yes=True, seat="qa")
    waits = gate(ports, key, "approval_missing")
    assert waits.because == "Business has not approved: one more other person from Business or QA has to."
    assert waits.who[0] == BUSINESS
    assert BOTH_SEATS not in waits.who
    assert QA in waits.who


def test_a_no_blocks_with_its_reason(ports: Ports) -> None:
    key = a_ready_release(ports)
    a_package(ports, key, words="second")
    approvals.answer(ports, QA, key, yes=False, seat="qa", comment="the price list is wrong")
    assert gate(ports, key, "declined").because == "QA declined: the price list is wrong"


def test_a_withdrawn_approval_is_told_from_one_never_given(ports: Ports) -> None:
    key = a_ready_release(ports)
    a_package(ports, key, words="second")
    assert gate(ports, key, "approval_withdrawn").because == "QA has to approve again: what was approved has changed."


def test_a_kind_without_seats_needs_no_yes(ports: Ports) -> None:
    key = a_release(ports, kind="emergency", window=a_window(0))
    a_package(ports, key)
    a_passed_validation(ports, key)
    assert blocked_by(ports, key) == set()


def test_before_its_window_a_release_waits_and_knows_until_when(ports: Ports) -> None:
    key = a_release(ports, window=a_window(start=3))
    ahead = gate(ports, key, "window_ahead")
    assert ahead.passes_at == NOW + timedelta(hours=3)
    assert ahead.instants == (ahead.passes_at,)
    assert ahead.who == ()


def test_a_window_is_open_at_its_start_and_over_at_its_end(ports: Ports) -> None:
    key = a_release(ports, window=a_window(start=1, hours=2))
    later(ports, hours=1)
    assert gate(ports, key, "window").passes
    later(ports, hours=2, microseconds=-1)
    assert gate(ports, key, "window").passes
    later(ports, microseconds=1)
    assert gate(ports, key, "window_over").who == (MANAGER, SECOND_MANAGER)


def test_a_release_without_a_window_is_a_draft(ports: Ports) -> None:
    key = a_release(ports)
    assert release(ports, key).state == "draft"
    assert gate(ports, key, "no_window").way_out == "/release window REL-1 at TIME for 2h"


def test_a_release_that_only_waits_for_its_window_is_ready(ports: Ports) -> None:
    key = a_release(ports, window=a_window(start=5))
    a_package(ports, key)
    a_passed_validation(ports, key)
    settle_checklist(ports, key)
    assert release(ports, key).state == "planned"
    approve(ports, key)
    assert release(ports, key).state == "ready"
    assert blocked_by(ports, key) == {"window_ahead"}


def test_a_freeze_names_itself_its_times_and_who_may_waive_it(ports: Ports) -> None:
    key = a_ready_release(ports)
    freeze = a_freeze(ports, hours=4)
    frozen = gate(ports, key, "freeze")
    assert frozen.because == f"The freeze {freeze} “Month end” covers {{0}} to {{1}}."
    assert frozen.instants == (NOW, NOW + timedelta(hours=4))
    assert frozen.passes_at == NOW + timedelta(hours=4)
    assert frozen.who == (DIRECTOR,)
    assert frozen.way_out == "/release waive REL-1 FRZ-1 -- reason"


def test_a_locked_org_lets_nobody_in(ports: Ports) -> None:
    key = a_ready_release(ports)
    org_locks.lock_org(ports, ADMINISTRATOR, "production", "the audit is here")
    locked = gate(ports, key, "org_locked")
    assert locked.because == "PRODUCTION is locked: the audit is here"
    assert locked.who == (MANAGER, SECOND_MANAGER, ADMINISTRATOR)
    assert locked.way_out == "/release unlock in PRODUCTION -- reason"


def test_an_open_incident_closes_the_org_until_it_is_resolved(ports: Ports) -> None:
    key = a_ready_release(ports)
    incident = incidents.open_incident(ports, TESTER, title="Orders fail", severity=1, org="production")
    assert gate(ports, key, "incident_open").who == (TESTER,)
    incidents.resolve_incident(ports, TESTER, incident, "the queue was restarted")
    assert blocked_by(ports, key) == set()


def test_an_incident_elsewhere_stops_nobody_here(ports: Ports) -> None:
    key = a_ready_release(ports)
    incidents.open_incident(ports, TESTER, title="UAT is slow", severity=4, org="uat")
    assert blocked_by(ports, key) == set()


def test_one_deployment_at_a_time_per_org(ports: Ports) -> None:
    first, second = a_ready_release(ports), a_ready_release(ports, name="Hotfix")
    running = deployments.request_deployment(ports, MANAGER, first)
    busy = gate(ports, second, "org_busy")
    assert busy.because == f"{running} is under way on PRODUCTION."
    assert busy.who == (MANAGER,)


@pytest.mark.parametrize("state", ["soaking", "closed"])
def test_a_release_is_deployed_once(ports: Ports, state: str) -> None:
    key = a_soaking_release(ports)
    if state == "closed":
        releases.close_release(ports, MANAGER, key)
    over = gate(ports, key, "over")
    live = "REL-1 is live in PRODUCTION already and being watched until {0}."
    assert over.because == (live if state == "soaking" else "REL-1 is closed already.")
    assert "/release new" in over.way_out


def test_items_that_settle_themselves_follow_what_happens(ports: Ports) -> None:
    key = a_ready_release(ports)

    def states() -> dict[str, str]:
        return {item.title: item.state for item in facts_of(ports, key).items if item.rule}

    assert states() == {"Validation passed": "done", "Snapshot taken": "open"}
    attempt = row_id(ports, deployments.request_deployment(ports, MANAGER, key))
    deployments.note_snapshot(ports, attempt, "d" * 64)
    assert states()["Snapshot taken"] == "done"
    attempts.note_unknown(ports, attempt, "the answer was lost")
    a_package(ports, key, words="mended")
    assert states()["Validation passed"] == "open"


def test_a_run_on_its_way_to_the_target_is_waited_for(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key)
    validations.request_validation(ports, DEVELOPER, key)
    waiting = gate(ports, key, "validating")
    assert waiting.because == "DEP-1 validates the package in UAT first; PRODUCTION comes after that."
    assert (waiting.who, waiting.way_out) == ((), "Wait for its end.")


def test_a_package_that_failed_is_mended_before_it_is_validated_again(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key)
    attempt = row_id(ports, validations.request_validation(ports, DEVELOPER, key, org="production"))
    validations.finish_validation(ports, attempt, a_failure())
    failed = gate(ports, key, "validation_failed").because
    assert failed.endswith("Where the package is the cause, attach a mended one first: /release attach REL-1")


def test_the_proof_of_another_way_back_is_called_so_and_nobody_is_to_be_asked(ports: Ports) -> None:
    other = a_ready_release(ports, name="Winter release")
    a_soaking_release(ports, armed=False)
    busy = gate(ports, other, "org_busy")
    assert busy.because.endswith("proves the way back of another release on PRODUCTION.")
    assert busy.who == ()


def test_why_says_that_a_stop_was_asked_for(ports: Ports) -> None:
    key = a_ready_release(ports)
    a_started_deployment(ports, key)
    assert "stop" not in gate(ports, key, "own_attempt").because
    attempts.request_cancel(ports, MANAGER, key)
    assert gate(ports, key, "own_attempt").because.endswith("A stop was asked for.")
