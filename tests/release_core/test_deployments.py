"""One deployment: asked for, held, carried out, ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from release_core import (
    approvals,
    attempts,
    deployments,
    incidents,
    org_locks,
    proofs,
    resubmissions,
    rollback_requests,
    scheduling,
    validations,
)
from release_core.deployments import ReadBack
from release_core.errors import Conflict, NotAllowed, NotFound, Refused
from release_core.metadata_types import Component
from release_core.ports import JobState, JobStatus, Ports
from release_core.timeline import BOT, Kind
from tests.release_core.builders import (
    ADMINISTRATOR,
    DEVELOPER,
    MANAGER,
    NOW,
    OTHER_DEVELOPER,
    PRODUCTION,
    SECOND_MANAGER,
    TESTER,
    a_cancellation,
    a_failure,
    a_freeze,
    a_package,
    a_passed_validation,
    a_ready_release,
    a_release,
    a_soaking_release,
    a_started_deployment,
    a_success,
    blocked_by,
    deployment,
    digest_of,
    facts_of,
    go_to,
    intents,
    kinds,
    land,
    last,
    later,
    newest,
    release,
    row_id,
)


@pytest.fixture
def key(ports: Ports) -> str:
    """A release whose every gate is open."""
    return a_ready_release(ports)


@pytest.fixture
def requested(ports: Ports, key: str) -> int:
    """A deployment that was asked for."""
    return row_id(ports, deployments.request_deployment(ports, MANAGER, key))


# Asking


def test_a_ready_release_is_deployed_the_quick_way(ports: Ports, key: str) -> None:
    asked = deployment(ports, deployments.request_deployment(ports, MANAGER, key))
    validation = newest(ports, key, "validation")
    assert (asked.org, asked.state, asked.requested_by) == (PRODUCTION, "requested", MANAGER)
    assert asked.validated_job_id == validation.job_id
    assert asked.archive_digest == digest_of(f"Autumn release {key}".encode())
    assert [(i.args, i.lane) for i in intents(ports, "deployment")] == [({"deployment": asked.id}, "org:production")]
    assert release(ports, key).state == "deploying"
    assert kinds(ports, key)[-1] == Kind.DEPLOYMENT_REQUESTED


def test_a_full_strategy_uses_no_earlier_validation(ports: Ports) -> None:
    key = a_ready_release(ports, strategy="full")
    assert deployment(ports, deployments.request_deployment(ports, MANAGER, key)).validated_job_id == ""


def test_a_refusal_gives_every_reason_and_starts_nothing(ports: Ports) -> None:
    key = a_release(ports)
    a_freeze(ports)
    org_locks.lock_org(ports, MANAGER, PRODUCTION, "the audit is here")
    incidents.open_incident(ports, TESTER, title="Orders fail", severity=1, org=PRODUCTION)
    before = kinds(ports, key)
    with pytest.raises(deployments.NotReady, match="REL-1 may not go now") as refused:
        deployments.request_deployment(ports, MANAGER, key)
    codes = {gate.code for gate in refused.value.gates}
    assert codes == blocked_by(ports, key)
    assert {
        "no_package",
        "item_open",
        "approval_missing",
        "no_window",
        "freeze",
        "org_locked",
        "incident_open",
    } == codes
    for gate in refused.value.gates:
        assert gate.because.partition("{")[0] in str(refused.value)
    assert "23 Nov 09:00 UTC to 23 Nov 13:00 UTC" in str(refused.value)
    assert refused.value.code == "not_ready"
    assert kinds(ports, key) == before
    assert intents(ports, "deployment") == []


def test_braces_in_peoples_words_are_only_words(ports: Ports, key: str) -> None:
    org_locks.lock_org(ports, MANAGER, PRODUCTION, "see {0} and {curly}")
    with pytest.raises(deployments.NotReady, match=r"see \{0\} and \{curly\}"):
        deployments.request_deployment(ports, MANAGER, key)


def test_a_double_click_starts_one_deployment(ports: Ports, key: str) -> None:
    deployments.request_deployment(ports, MANAGER, key)
    later(ports, seconds=1)
    with pytest.raises(deployments.AlreadyRequested, match="DEP-2 is already under way; nothing was started") as second:
        deployments.request_deployment(ports, SECOND_MANAGER, key)
    assert (second.value.by, second.value.at) == (MANAGER, NOW)
    assert len(intents(ports, "deployment")) == 1


def test_a_release_under_way_may_not_go_a_second_time(ports: Ports, key: str, requested: int) -> None:
    assert blocked_by(ports, key) == {"own_attempt"}
    assert not deployments.hold_if_blocked(ports, requested)  # it does not stand in its own way
    deployments.hold_because(ports, requested, "The snapshot could not be taken.")
    assert blocked_by(ports, key) == set()


def test_a_click_on_what_has_changed_since_starts_nothing(ports: Ports, key: str) -> None:
    shown = facts_of(ports, key).digest
    a_package(ports, key, words="second")
    with pytest.raises(Conflict, match=r"has changed since you were asked to confirm\. Nothing was started"):
        deployments.request_deployment(ports, MANAGER, key, digest=shown)


def test_only_those_named_deploy(ports: Ports, key: str) -> None:
    with pytest.raises(NotAllowed, match="You may not deploy here; nothing was changed") as refused:
        deployments.request_deployment(ports, DEVELOPER, key)
    assert refused.value.who_may == (MANAGER, SECOND_MANAGER)
    assert release(ports, key).state == "ready"


def test_a_landed_release_does_not_go_again(ports: Ports) -> None:
    key = a_soaking_release(ports)
    with pytest.raises(deployments.NotReady, match="REL-1 is live in PRODUCTION already"):
        deployments.request_deployment(ports, MANAGER, key)


# The last instant


def test_a_deployment_whose_gates_are_still_open_goes_on(ports: Ports, requested: int) -> None:
    assert not deployments.hold_if_blocked(ports, requested)
    assert deployment(ports, requested).state == "requested"


def test_a_freeze_set_after_the_click_holds_it(ports: Ports, key: str, requested: int) -> None:
    a_freeze(ports)
    assert deployments.hold_if_blocked(ports, requested)
    held = last(ports, key, Kind.DEPLOYMENT_HELD)
    assert "The freeze FRZ-1 “Month end” covers 23 Nov 09:00 UTC" in held.details["problem"]
    assert deployment(ports, requested).state == "failed"
    assert release(ports, key).state == "ready"


def test_a_window_that_ended_after_the_click_holds_it(ports: Ports, key: str, requested: int) -> None:
    later(ports, hours=2)
    assert deployments.hold_if_blocked(ports, requested)
    assert "The window ended" in deployment(ports, requested).problem
    assert release(ports, key).state == "planned"


def test_a_cancel_before_the_start_holds_it(ports: Ports, key: str, requested: int) -> None:
    attempts.request_cancel(ports, MANAGER, key)
    assert deployments.hold_if_blocked(ports, requested)
    assert deployment(ports, requested).problem == "It was cancelled before it began."


def test_a_check_that_waits_behind_a_deployment_does_not_hold_it(ports: Ports, key: str, requested: int) -> None:
    another = a_ready_release(ports, name="Hotfix")
    behind = validations.request_validation(ports, DEVELOPER, another, org=PRODUCTION)
    assert deployment(ports, behind).state == "requested"
    assert not deployments.hold_if_blocked(ports, requested)
    assert blocked_by(ports, key) == {"own_attempt"}
    attempts.note_asking(ports, requested, "deploying")
    attempts.note_job(ports, requested, "0AfD")
    resubmissions.note_busy(ports, requested, "setup_lock")
    assert resubmissions.take_up_again(ports, requested), "nor is it kept from being asked for again"


def test_a_proof_that_rollcall_makes_anew_by_itself_does_not_hold_a_deployment(ports: Ports) -> None:
    live = a_soaking_release(ports, name="Older")
    requested = row_id(ports, deployments.request_deployment(ports, MANAGER, a_ready_release(ports)))
    proofs.renew_arming(ports, newest(ports, live, "arming").id or 0)
    assert newest(ports, live, "arming").state == "requested"
    assert not deployments.hold_if_blocked(ports, requested)


def test_what_was_there_before_or_goes_back_holds_a_deployment(ports: Ports, key: str) -> None:
    live, another = a_soaking_release(ports, name="Older"), a_ready_release(ports, name="Hotfix")
    a_passed_validation(ports, key)
    check = validations.request_validation(ports, DEVELOPER, another, org=PRODUCTION)
    with pytest.raises(deployments.NotReady, match=f"{check} is under way on PRODUCTION"):
        deployments.request_deployment(ports, MANAGER, key)
    validations.fail_validation(ports, row_id(ports, check), "The org is away.")
    attempt = row_id(ports, deployments.request_deployment(ports, MANAGER, key))
    wish = rollback_requests.ask_rollback(ports, MANAGER, live, "orders fail")
    rollback_requests.decide_rollback(ports, SECOND_MANAGER, wish, yes=True)
    assert deployments.hold_if_blocked(ports, attempt), "going back is more urgent"
    assert f"{newest(ports, live, 'rollback').key} is under way" in deployment(ports, attempt).problem


def test_a_deployment_is_held_once_and_stays_held(ports: Ports, key: str, requested: int) -> None:
    freeze = a_freeze(ports)
    assert deployments.hold_if_blocked(ports, requested)
    scheduling.lift_freeze(ports, ADMINISTRATOR, freeze, "over")
    assert deployments.hold_if_blocked(ports, requested)
    assert kinds(ports, key).count(Kind.DEPLOYMENT_HELD) == 1


def test_a_held_release_may_be_deployed_again(ports: Ports, key: str, requested: int) -> None:
    deployments.hold_because(ports, requested, "Somebody else is deploying to this org now.")
    assert deployments.request_deployment(ports, MANAGER, key) == "DEP-3"
    assert len(intents(ports, "deployment")) == 2


def test_what_has_ended_is_not_held_any_more(ports: Ports, key: str) -> None:
    attempt = a_started_deployment(ports, key)
    land(ports, attempt)
    deployments.hold_because(ports, attempt, "too late")
    assert deployment(ports, attempt).state == "succeeded"
    assert Kind.DEPLOYMENT_HELD not in kinds(ports, key)


# On the way


def test_the_snapshot_and_the_job_are_noted_once(ports: Ports, key: str, requested: int) -> None:
    for digest in ("a" * 64, "b" * 64):
        deployments.note_snapshot(ports, requested, digest)
    for job in ("0Af1", "0Af2"):
        attempts.note_job(ports, requested, job)
    row = deployment(ports, requested)
    assert (row.snapshot_digest, row.job_id) == ("a" * 64, "0Af1")
    assert kinds(ports, key)[-2:] == [Kind.SNAPSHOT_TAKEN, Kind.DEPLOYMENT_STARTED]


def test_the_first_moment_of_asking_is_remembered(ports: Ports, requested: int) -> None:
    first = attempts.note_asking(ports, requested, "deploying")
    later(ports, minutes=1)
    assert attempts.note_asking(ports, requested, "deploying") == first == NOW


def test_a_flow_reads_its_task_as_plain_values(ports: Ports, key: str) -> None:
    attempt = a_started_deployment(ports, key)
    task = attempts.assignment(ports, attempt)
    assert (task.key, task.release, task.org, task.purpose, task.abort) == (
        "DEP-2",
        key,
        PRODUCTION,
        "deployment",
        False,
    )
    assert task.snapshot_digest == digest_of(b"before")
    with ports.store.reading() as session:
        assert task.job_id in attempts.known_jobs(session, PRODUCTION)


def test_the_quick_way_is_forgotten_only_before_the_org_took_the_job(ports: Ports, key: str, requested: int) -> None:
    attempts.forget_validation(ports, requested)
    assert deployment(ports, requested).validated_job_id == ""


def test_the_quick_way_stays_noted_once_it_was_taken(ports: Ports, key: str) -> None:
    attempt = a_started_deployment(ports, key)
    attempts.forget_validation(ports, attempt)
    assert deployment(ports, attempt).validated_job_id != ""


# Cancelling


def test_whoever_may_deploy_may_ask_to_stop(ports: Ports, key: str, requested: int) -> None:
    assert attempts.request_cancel(ports, SECOND_MANAGER, key) == "DEP-2"
    assert attempts.assignment(ports, requested).abort
    assert last(ports, key, Kind.CANCEL_REQUESTED).actor == SECOND_MANAGER
    with pytest.raises(Conflict, match=r"DEP-2 was already asked to stop\. Its post .* says whether"):
        attempts.request_cancel(ports, MANAGER, key)


def test_others_may_not_stop_it(ports: Ports, key: str, requested: int) -> None:
    with pytest.raises(NotAllowed, match="DEP-2 was not started by you; nothing was cancelled") as refused:
        attempts.request_cancel(ports, OTHER_DEVELOPER, key)
    assert refused.value.who_may == (MANAGER, SECOND_MANAGER)
    assert not attempts.assignment(ports, requested).abort


def test_nothing_to_stop_is_said(ports: Ports, key: str) -> None:
    with pytest.raises(NotFound, match="Nothing is under way for REL-1"):
        attempts.request_cancel(ports, MANAGER, key)


def test_a_cancelled_deployment_goes_back_to_ready(ports: Ports) -> None:
    key = a_ready_release(ports, strategy="full")
    attempt = a_started_deployment(ports, key)
    attempts.request_cancel(ports, MANAGER, key)
    deployments.finish_deployment(ports, attempt, a_cancellation())
    assert deployment(ports, attempt).state == "verifying", "a yes to a cancellation proves nothing"
    deployments.note_unchanged(ports, attempt)
    assert deployment(ports, attempt).state == "cancelled"
    assert kinds(ports, key)[-1] == Kind.DEPLOYMENT_CANCELLED
    assert release(ports, key).state == "ready"


def test_a_quick_deploy_that_came_to_nothing_has_used_its_validation_up(ports: Ports, key: str) -> None:
    attempt = a_started_deployment(ports, key)
    deployments.finish_deployment(ports, attempt, a_cancellation())
    deployments.note_unchanged(ports, attempt)
    assert deployment(ports, "DEP-1").voided_because.startswith("DEP-2 was its quick deploy, which came to nothing")
    assert kinds(ports, key)[-2:] == [Kind.DEPLOYMENT_CANCELLED, Kind.VALIDATION_VOIDED]
    assert release(ports, key).state == "planned"


def test_what_is_finalized_is_not_asked_to_stop(ports: Ports, key: str) -> None:
    attempt = a_started_deployment(ports, key)
    attempts.note_progress(ports, attempt, JobStatus("0Af1", "Finalizing", False, False, False))
    with pytest.raises(Refused, match="PRODUCTION is finalizing DEP-2, so it will land"):
        attempts.request_cancel(ports, MANAGER, key)
    assert not attempts.assignment(ports, attempt).abort


def test_what_landed_in_spite_of_a_cancellation_is_live_and_can_be_undone(ports: Ports, key: str) -> None:
    attempt = a_started_deployment(ports, key)
    earlier = deployment(ports, attempt).validated_job_id
    deployments.finish_deployment(ports, attempt, a_cancellation())
    deployments.note_landed(
        ports, attempt, ReadBack([], digest_of(b"way back"), "", ["ApexClass Discount", "CustomField Account.Tier__c"])
    )
    assert deployment(ports, attempt).state == "succeeded"
    assert release(ports, key).state == "soaking"
    told = last(ports, key, Kind.DEPLOYMENT_SUCCEEDED)
    assert (told.details["ended_as"], told.details["landed"][0]) == ("Canceled", "ApexClass Discount")
    assert newest(ports, key, "arming").state == "requested"
    assert earlier
    assert deployment(ports, "DEP-1").voided_because == "DEP-2 (REL-1) reached the org after it."


@pytest.mark.parametrize("state", ["FinalizingFailed", "SucceededPartial"])
def test_an_end_that_tells_little_is_read_back(ports: Ports, key: str, state: JobState) -> None:
    attempt = a_started_deployment(ports, key)
    deployments.finish_deployment(ports, attempt, JobStatus("0Af1", state, True, False, False))
    assert attempts.assignment(ports, attempt).ended_as == state
    assert deployment(ports, attempt).state == "verifying"
    deployments.note_unchanged(ports, attempt)
    assert (deployment(ports, attempt).state, release(ports, key).state) == ("failed", "failed")
    assert kinds(ports, key)[-2:] == [Kind.DEPLOYMENT_FAILED, Kind.VALIDATION_VOIDED]


# The end


def test_a_failed_deployment_says_what_failed(ports: Ports, key: str) -> None:
    attempt = a_started_deployment(ports, key)
    deployments.finish_deployment(ports, attempt, a_failure(message="expected 10, got 9"))
    failed = deployment(ports, attempt)
    assert failed.state == "failed"
    assert failed.problem == "DiscountTest.gives_ten_percent failed: expected 10, got 9"
    assert failed.finished_at == NOW
    assert kinds(ports, key)[-2:] == [Kind.DEPLOYMENT_FAILED, Kind.VALIDATION_VOIDED]


def test_a_result_that_is_kept_again_after_a_crash_leaves_the_first_end(ports: Ports, key: str) -> None:
    attempt = a_started_deployment(ports, key)
    for _ in range(2):
        deployments.finish_deployment(ports, attempt, a_success())
        later(ports, hours=5)
    assert deployment(ports, attempt).finished_at == NOW


def test_a_deployment_is_verified_before_it_counts(ports: Ports, key: str) -> None:
    attempt = a_started_deployment(ports, key)
    deployments.finish_deployment(ports, attempt, a_success(created=[Component("ApexClass", "Discount")]))
    assert deployment(ports, attempt).state == "verifying"
    assert attempts.assignment(ports, attempt).created == (("ApexClass", "Discount"),)
    assert release(ports, key).state == "deploying"
    assert Kind.DEPLOYMENT_SUCCEEDED not in kinds(ports, key)


def test_a_verified_deployment_soaks_with_what_differs(ports: Ports, key: str) -> None:
    attempt = a_started_deployment(ports, key)
    deployments.finish_deployment(ports, attempt, a_success())
    for _ in range(2):
        deployments.note_verified(ports, attempt, differences=["Layout Account-A"], rollback_digest="c" * 64, note="")
    succeeded = last(ports, key, Kind.DEPLOYMENT_SUCCEEDED)
    assert (succeeded.actor, succeeded.details["differences"]) == (BOT, ["Layout Account-A"])
    assert release(ports, key).state == "soaking"
    assert facts_of(ports, key).live is not None
    assert kinds(ports, key).count(Kind.DEPLOYMENT_SUCCEEDED) == 1
    assert len(intents(ports, "soak_end")) == len(intents(ports, "arming")) == 1


def test_a_result_that_comes_twice_counts_once(ports: Ports, key: str) -> None:
    attempt = a_started_deployment(ports, key)
    land(ports, attempt)
    deployments.finish_deployment(ports, attempt, a_failure())
    assert deployment(ports, attempt).state == "succeeded"


def test_the_end_in_the_org_is_remembered_by_its_job(ports: Ports, key: str) -> None:
    land(ports, a_started_deployment(ports, key))
    assert attempts.finished_at(ports, PRODUCTION, newest(ports, key, "deployment").job_id) == NOW
    assert attempts.finished_at(ports, PRODUCTION, "") is None


def test_a_lost_answer_asks_for_a_look_before_another_try(ports: Ports, key: str) -> None:
    attempt = a_started_deployment(ports, key)
    attempts.note_unknown(ports, attempt, "The answer was lost; look at Deployment Status.")
    assert last(ports, key, Kind.DEPLOYMENT_UNKNOWN).details["problem"].startswith("The answer was lost")
    with pytest.raises(deployments.NotReady, match="Nobody knows whether DEP-2 reached the org; look there"):
        deployments.request_deployment(ports, MANAGER, key)


def test_a_lost_answer_of_an_ended_attempt_changes_nothing(ports: Ports, key: str) -> None:
    attempt = a_started_deployment(ports, key)
    land(ports, attempt)
    attempts.note_unknown(ports, attempt, "The answer was lost.")
    assert release(ports, key).state == "soaking"


def test_what_was_approved_is_what_is_deployed(ports: Ports, key: str, requested: int) -> None:
    approved = facts_of(ports, key).approval("qa")
    assert approved is not None
    assert deployment(ports, requested).approval_digest == approved.digest
    with pytest.raises(approvals.Refused):
        approvals.ask_for_approvals(ports, MANAGER, key)


def test_the_last_moment_of_a_window_still_counts(ports: Ports, key: str) -> None:
    go_to(ports, NOW + timedelta(hours=2, microseconds=-1))
    attempt = row_id(ports, deployments.request_deployment(ports, MANAGER, key))
    assert not deployments.hold_if_blocked(ports, attempt)
