"""Check-only runs: UAT, then production, and what makes them worthless."""

from __future__ import annotations

from datetime import timedelta

import pytest

from release_core import attaching, attempts, releases, validations
from release_core.errors import Conflict, NotAllowed, NotFound, Refused
from release_core.ports import Ports
from release_core.timeline import BOT, Kind
from tests.release_core.builders import (
    DEVELOPER,
    MANAGER,
    NOW,
    STAKEHOLDER,
    TESTER,
    a_cancellation,
    a_failure,
    a_package,
    a_passed_validation,
    a_policy,
    a_ready_release,
    a_release,
    a_soaking_release,
    a_started_deployment,
    a_success,
    deployment,
    facts_of,
    intents,
    kinds,
    land,
    last,
    newest,
    release,
    row_id,
)


@pytest.fixture
def key(ports: Ports) -> str:
    """A release with a package."""
    key = a_release(ports)
    a_package(ports, key)
    return key


@pytest.fixture
def attempt(ports: Ports, key: str) -> int:
    """A check that was asked for in UAT."""
    return row_id(ports, validations.request_validation(ports, DEVELOPER, key))


def test_a_package_that_is_still_being_read_is_not_passed_over(ports: Ports, key: str) -> None:
    """Otherwise the package before it would be validated, which is not what anybody meant."""
    attaching.attach_package(ports, DEVELOPER, key, file_id="F2", file_name="mended.zip")
    with pytest.raises(Conflict, match=r"mended\.zip is still being read for REL-1"):
        validations.request_validation(ports, TESTER, key)
    assert Kind.VALIDATION_REQUESTED not in kinds(ports, key)


def test_the_first_check_runs_in_uat(ports: Ports, key: str) -> None:
    assert validations.request_validation(ports, TESTER, key) == "DEP-1"
    first = deployment(ports, "DEP-1")
    assert (first.org, first.then, first.state) == ("uat", ["production"], "requested")
    (intent,) = intents(ports, "validation")
    assert (intent.key, intent.lane, intent.args) == ("validation:REL-1:DEP-1", "org:uat", {"deployment": first.id})


def test_after_uat_comes_production_without_anybody_asking(ports: Ports, key: str, attempt: int) -> None:
    validations.finish_validation(ports, attempt, a_success())
    second = newest(ports, key, "validation")
    assert (second.org, second.then, second.requested_by) == ("production", [], DEVELOPER)
    assert second.archive_digest == deployment(ports, attempt).archive_digest
    validations.finish_validation(ports, second.id or 0, a_success())
    assert newest(ports, key, "validation").id == second.id
    assert kinds(ports, key)[-4:] == [
        Kind.VALIDATION_REQUESTED,
        Kind.VALIDATION_PASSED,
        Kind.VALIDATION_REQUESTED,
        Kind.VALIDATION_PASSED,
    ]


def test_a_failing_check_stops_the_chain_and_shows_class_method_message_and_line(
    ports: Ports, key: str, attempt: int
) -> None:
    validations.finish_validation(ports, attempt, a_failure(message="expected 10, got 9"))
    failed = deployment(ports, attempt)
    assert failed.state == "failed"
    assert failed.result["test_failures"] == [
        ["DiscountTest", "gives_ten_percent", "expected 10, got 9", "Class.DiscountTest: line 12, column 1"]
    ]
    assert failed.result["coverage"] == [["Discount", 40, 10]]
    assert newest(ports, key, "validation").id == attempt
    assert kinds(ports, key)[-1] == Kind.VALIDATION_FAILED


def test_a_check_that_cannot_be_carried_out_says_why_and_stops_the_chain(ports: Ports, key: str, attempt: int) -> None:
    validations.fail_validation(ports, attempt, "UAT does not answer.")
    assert last(ports, key, Kind.VALIDATION_FAILED).details["problem"] == "UAT does not answer."
    assert newest(ports, key, "validation").id == attempt
    assert deployment(ports, attempt).finished_at == NOW


def test_a_cancelled_check_stops_the_chain(ports: Ports, key: str, attempt: int) -> None:
    attempts.request_cancel(ports, DEVELOPER, key)
    validations.finish_validation(ports, attempt, a_cancellation())
    assert deployment(ports, attempt).state == "cancelled"
    assert newest(ports, key, "validation").id == attempt


def test_a_check_that_ended_before_it_could_be_cancelled_goes_no_further(ports: Ports, key: str, attempt: int) -> None:
    attempts.request_cancel(ports, DEVELOPER, key)
    validations.finish_validation(ports, attempt, a_success())
    assert deployment(ports, attempt).state == "validated"
    assert newest(ports, key, "validation").id == attempt


def test_a_new_package_stops_the_chain_of_the_old_one(ports: Ports, key: str, attempt: int) -> None:
    a_package(ports, key, words="second")
    validations.finish_validation(ports, attempt, a_success())
    assert newest(ports, key, "validation").id == attempt


def test_one_org_alone_may_be_asked(ports: Ports, key: str) -> None:
    validations.request_validation(ports, DEVELOPER, key, org="UAT")
    assert deployment(ports, "DEP-1").then == []


def test_a_validation_counts_ten_days_from_its_end_in_the_org(ports: Ports, key: str, attempt: int) -> None:
    ended_at = NOW - timedelta(minutes=7)
    validations.finish_validation(ports, attempt, a_success(at=ended_at))
    assert deployment(ports, attempt).lapses_at == ended_at + timedelta(days=10)


def test_a_result_that_comes_twice_counts_once(ports: Ports, key: str, attempt: int) -> None:
    validations.finish_validation(ports, attempt, a_success())
    validations.finish_validation(ports, attempt, a_failure())
    validations.fail_validation(ports, attempt, "too late")
    assert deployment(ports, attempt).state == "validated"
    assert Kind.VALIDATION_FAILED not in kinds(ports, key)


def test_one_check_at_a_time(ports: Ports, key: str, attempt: int) -> None:
    with pytest.raises(Conflict, match="DEP-1 already validates REL-1 in UAT"):
        validations.request_validation(ports, TESTER, key)


def test_without_a_package_there_is_nothing_to_check(ports: Ports) -> None:
    with pytest.raises(Refused, match=r"REL-1 has no package yet\. Attach one: /release attach REL-1") as refused:
        validations.request_validation(ports, DEVELOPER, a_release(ports))
    assert refused.value.code == "no_package"


def test_checks_end_with_the_deployment(ports: Ports) -> None:
    key = a_soaking_release(ports)
    with pytest.raises(Refused, match="is live and being watched; there is nothing to validate") as refused:
        validations.request_validation(ports, DEVELOPER, key)
    assert refused.value.code == "too_late"


def test_who_may_not_check_is_told_who_may(ports: Ports, key: str) -> None:
    with pytest.raises(NotAllowed, match="You may not validate here; nothing was changed") as refused:
        validations.request_validation(ports, STAKEHOLDER, key)
    assert TESTER in refused.value.who_may
    assert Kind.VALIDATION_REQUESTED not in kinds(ports, key)


def test_an_unknown_org_is_answered_with_those_there_are(ports: Ports, key: str) -> None:
    with pytest.raises(NotFound, match="There is no org “staging”"):
        validations.request_validation(ports, DEVELOPER, key, org="staging")
    assert intents(ports, "validation") == []


def test_somebody_elses_deployment_makes_a_validation_worthless_once(ports: Ports, key: str) -> None:
    passed = a_passed_validation(ports, key)
    job = deployment(ports, passed).job_id
    for _ in range(2):
        validations.void(ports, "production", job, "Ann deployed after it.")
    assert kinds(ports, key).count(Kind.VALIDATION_VOIDED) == 1
    assert last(ports, key, Kind.VALIDATION_VOIDED).details["because"] == "Ann deployed after it."


def test_our_own_deployment_makes_the_validations_of_others_worthless(ports: Ports) -> None:
    waiting, going = a_ready_release(ports), a_ready_release(ports, name="Hotfix")
    land(ports, a_started_deployment(ports, going))
    voided = last(ports, waiting, Kind.VALIDATION_VOIDED)
    assert voided.actor == BOT
    assert voided.details["because"] == "DEP-3 (REL-2) was deployed after it."
    assert release(ports, waiting).state == "planned"


def test_a_deployment_elsewhere_leaves_validations_alone(ports: Ports, key: str) -> None:
    passed = a_passed_validation(ports, key, org="uat")
    going = a_ready_release(ports, name="Hotfix")
    land(ports, a_started_deployment(ports, going))
    assert deployment(ports, passed).voided_because == ""


def test_progress_redraws_its_post_only_when_it_moved(ports: Ports, key: str, attempt: int) -> None:
    before = len(intents(ports, "tell"))
    for _ in range(2):
        attempts.note_progress(ports, attempt, a_failure())
    assert len(intents(ports, "tell")) == before + 1
    attempts.note_progress(ports, attempt, a_success())
    assert len(intents(ports, "tell")) == before + 2


def test_an_org_that_stops_answering_is_told_once(ports: Ports, key: str, attempt: int) -> None:
    for _ in range(2):
        attempts.note_unreachable(ports, attempt, "UAT does not answer; trying on.")
    assert kinds(ports, key).count(Kind.ORG_UNREACHABLE) == 1
    attempts.note_progress(ports, attempt, a_success())
    attempts.note_unreachable(ports, attempt, "UAT does not answer; trying on.")
    assert facts_of(ports, key).deployments[0].state == "requested"


def test_an_org_without_orgs_before_it_is_checked_directly(ports: Ports) -> None:
    key = a_release(ports, org="uat")
    a_package(ports, key)
    validations.request_validation(ports, DEVELOPER, key)
    assert (deployment(ports, "DEP-1").org, deployment(ports, "DEP-1").then) == ("uat", [])
    assert a_policy().orgs["uat"].validate_first == ()


def test_after_a_cancelled_release_no_check_starts(ports: Ports, key: str) -> None:
    releases.cancel_release(ports, MANAGER, key, "not needed any more")
    with pytest.raises(Refused, match="REL-1 is cancelled"):
        validations.request_validation(ports, DEVELOPER, key)
