"""Check-only runs, told against a local org."""

from __future__ import annotations

from datetime import timedelta

from bot.flows import checks
from release_core import rollback_choices, rollback_requests, validations
from tests.bot.flows.scenes import Scene
from tests.release_core import builders
from tests.release_core.builders import DEVELOPER, MANAGER, PRODUCTION


def test_a_check_that_passes_counts_and_changes_nothing(scene: Scene) -> None:
    key = scene.planned()
    done = scene.validate(key)
    assert (done.state, done.problem) == ("validated", "")
    assert done.job_id.startswith("0Af")
    assert done.lapses_at is not None
    assert scene.jobs == []


def test_a_failing_test_is_a_result_that_people_see(scene: Scene) -> None:
    done = scene.validate(scene.planned("first"))
    assert done.state == "failed"
    assert "loyalGoldAccountsGetMore" in done.problem


def test_a_check_whose_answer_was_lost_is_found_and_not_asked_for_again(scene: Scene) -> None:
    key = scene.planned()
    scene.fault("drop_connection")
    assert scene.validate(key).state == "validated"
    assert len(scene.production.org.jobs) == 1


def test_an_org_that_cannot_be_reached_is_told_as_the_end_of_the_check(scene: Scene) -> None:
    key = scene.planned()
    scene.away = True
    done = scene.validate(key)
    assert done.state == "failed"
    assert "cannot be reached" in done.problem
    assert "validation_failed" in scene.said(key)


def test_a_package_that_is_not_kept_any_more_ends_in_a_sentence(scene: Scene) -> None:
    key = builders.a_release(scene.ports)
    builders.a_package(scene.ports, key)  # accepted, its bytes lost
    attempt = builders.row_id(scene.ports, validations.request_validation(scene.ports, DEVELOPER, key, org=PRODUCTION))
    checks.give_up(attempt, "The file is gone.")
    assert scene.attempt(attempt).problem == "The file is gone."


def test_the_way_back_is_proven_by_a_check_of_its_own(scene: Scene) -> None:
    key = scene.ready()
    assert scene.deploy(key).state == "succeeded"
    armed = scene.arm(key)
    assert armed.state == "validated"
    assert "rollback_armed" in scene.said(key)
    assert len(scene.jobs) == 1


def test_the_package_of_a_choice_of_parts_is_built_once_whatever_crashes(scene: Scene) -> None:
    """What somebody changed is left by that choice, so a repetition does not find it in the way either."""
    key = scene.live()
    request = rollback_requests.ask_rollback(
        scene.ports, MANAGER, key, "it broke", leave=[["ApexClass", "DiscountPolicy"]]
    )
    attempt = builders.row_id(scene.ports, rollback_choices.prove_first(scene.ports, MANAGER, request))
    org = scene.production.org
    scene.clock.advance(timedelta(seconds=30))
    org.change(org.users[1].id, "ApexClass", "DiscountPolicy", None)
    assert checks.prepare(attempt) == ""
    built = scene.attempt(attempt).archive_digest
    assert checks.prepare(attempt) == "", "its checkpoint was lost with the process"
    assert scene.attempt(attempt).archive_digest == built


def test_a_way_back_that_cannot_be_tried_is_told_as_not_armed(scene: Scene) -> None:
    key = scene.ready()
    scene.deploy(key)
    scene.away = True
    assert scene.arm(key).state == "failed"
    assert "rollback_not_armed" in scene.said(key)
    assert scene.release(key).state == "soaking"
