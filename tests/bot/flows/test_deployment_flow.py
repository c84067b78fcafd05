"""A release goes to a local org, with everything that can come between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.failures import tell_of_failure
from bot.flows import clarified, deployment, jobs
from release_core import acceptances, attempts, clarifying, deployments, rollback_requests, strategies
from release_core.errors import NotAllowed, NotFound, OrgUnavailable, OutcomeUnknown, Refused
from release_core.models import Deployment
from tests.bot.flows.scenes import Scene, a_part_of_a_profile, a_scene
from tests.release_core import builders
from tests.release_core.builders import BUSINESS, MANAGER, ArtifactsInMemory, a_policy


@pytest.fixture
def accepting() -> Iterator[Scene]:
    """Where Business may accept that a release goes without a way back."""
    with a_scene(policy=a_policy(acceptances={"no_snapshot": "business"})) as scene:
        yield scene


def test_a_release_goes_live_by_a_quick_deploy(scene: Scene) -> None:
    key = scene.ready()
    done = scene.deploy(key)
    assert done.state == "succeeded"
    assert done.result["differences"] == []
    assert done.snapshot_digest
    assert done.rollback_digest
    assert scene.release(key).state == "soaking"
    assert [job.quick_of for job in scene.jobs] == [done.validated_job_id]


@pytest.mark.parametrize("strategy", ["validate_then_quick", "full"])
def test_a_lost_answer_is_looked_up_and_nothing_is_started_twice(scene: Scene, strategy: str) -> None:
    key = scene.ready(strategy=strategy)  # type: ignore[arg-type]
    scene.fault("drop_connection")
    done = scene.deploy(key)
    assert done.state == "succeeded"
    assert [job.id for job in scene.jobs] == [done.job_id]


def test_a_quick_deploy_that_the_org_did_not_answer_is_asked_for_again_when_it_did_not_arrive(scene: Scene) -> None:
    key = scene.ready()
    attempt = scene.asked(key)
    jobs.note_asking(attempt, "deploying")
    scene.fault("unavailable", on="deploy")
    jobs.start(attempt, check_only=False)
    assert [job.id for job in scene.jobs] == [scene.attempt(attempt).job_id]


def test_a_full_deployment_that_the_org_did_not_answer_is_left_to_people(scene: Scene) -> None:
    key = scene.ready(strategy="full")
    attempt = scene.asked(key)
    jobs.note_asking(attempt, "deploying")
    scene.fault("unavailable", on="deploy")
    with pytest.raises(OutcomeUnknown):
        jobs.start(attempt, check_only=False)
    assert scene.jobs == []


def test_a_crash_after_the_org_took_the_job_starts_nothing_twice(scene: Scene) -> None:
    attempt = scene.asked(scene.ready())
    jobs.note_asking(attempt, "deploying")
    first = jobs.start_job(attempt, False)  # its checkpoint was lost with the process
    assert jobs.start_job(attempt, False) == first
    assert len(scene.jobs) == 1


def test_an_org_that_is_away_after_the_answer_was_lost_is_not_taken_for_a_no(scene: Scene) -> None:
    """ "Nothing was deployed" would be a lie: the job may be in the org."""
    key = scene.ready()
    attempt = scene.asked(key)
    jobs.note_asking(attempt, "deploying")
    scene.fault("drop_connection")
    with pytest.raises(OutcomeUnknown):
        jobs.start_job(attempt, False)
    scene.away = True
    with pytest.raises(OutcomeUnknown):  # as after a crash and a restart
        jobs.start_job(attempt, False)
    with pytest.raises(OutcomeUnknown):
        jobs.start(attempt, check_only=False)
    scene.away = False
    jobs.start(attempt, check_only=False)
    assert [job.id for job in scene.jobs] == [scene.attempt(attempt).job_id]


def test_what_nobody_can_find_out_is_told_as_unknown(scene: Scene) -> None:
    key = scene.ready()
    attempt = scene.asked(key)
    jobs.note_asking(attempt, "deploying")
    scene.fault("drop_connection")
    with pytest.raises(OutcomeUnknown):
        jobs.start_job(attempt, False)
    scene.production.org.jobs[-1].by = scene.production.org.users[1].id  # not to be recognised as ours any more
    with pytest.raises(OutcomeUnknown, match="was used already") as lost:
        jobs.start_job(attempt, False)
    jobs.say_unknown(attempt, str(lost.value))
    assert scene.attempt(attempt).state == "unknown"
    assert "deployment_unknown" in scene.said(key)
    assert len(scene.jobs) == 1


def test_an_org_that_was_never_reached_leaves_the_release_as_it_was(scene: Scene) -> None:
    key = scene.ready()
    scene.away = True
    done = scene.deploy(key)
    assert done.state == "failed"
    assert done.problem.startswith("Nothing was deployed")
    assert "deployment_held" in scene.said(key)
    assert scene.jobs == []


def test_an_org_that_is_away_while_the_job_runs_is_told_once_and_watched_on(scene: Scene) -> None:
    key = scene.ready()
    attempt = scene.asked(key)
    deployment.take_snapshot(attempt)
    jobs.start(attempt, check_only=False)
    scene.away = True
    assert [jobs.look(attempt)["seen"], jobs.look(attempt)["seen"]] == ["away", "away"]
    with pytest.raises(OrgUnavailable):
        deployment.conclude(attempt)
    assert scene.attempt(attempt).state == "deploying"
    assert scene.said(key).count("org_unreachable") == 1
    scene.away = False
    deployment.follow(attempt)
    assert scene.attempt(attempt).state == "succeeded"


def test_a_job_that_the_org_does_not_know_is_missed(scene: Scene) -> None:
    attempt = scene.asked(scene.ready())
    attempts.note_asking(scene.ports, attempt, "deploying")
    attempts.note_job(scene.ports, attempt, "0Af000000000001AAA")
    assert jobs.look(attempt)["seen"] == "missing"


def test_somebody_who_deploys_now_is_waited_for_by_people(scene: Scene) -> None:
    """Even if they began long before the click."""
    key = scene.ready()
    other = scene.somebody_else_deploys(pace=1000)
    done = scene.deploy(key)
    assert done.state == "failed"
    assert f"Somebody else is deploying to this org now (job {other.id}" in done.problem
    known = builders.gate(scene.ports, key, "org_free").because
    assert f"At {{0}} somebody else's deployment held {done.key}" in known
    assert len(scene.jobs) == 1


def test_a_deployment_by_others_since_the_validation_voids_it(scene: Scene) -> None:
    key = scene.ready()
    scene.somebody_else_deploys()
    done = scene.deploy(key)
    assert done.state == "failed"
    assert "Validate again" in done.problem
    assert "validation_voided" in scene.said(key)
    assert len(scene.jobs) == 1


def test_a_validation_that_the_org_no_longer_takes_holds_it_and_counts_no_more(scene: Scene) -> None:
    """It never goes the long way by itself: that would run the tests inside the window."""
    key = scene.ready()
    scene.production.org.jobs[-1].used = True  # by somebody who deployed it in Setup
    done = scene.deploy(key)
    assert done.state == "failed"
    assert "Validate again, or deploy in full." in done.problem
    assert scene.jobs == []
    assert builders.blocked_by(scene.ports, key) == {"validation_void"}
    strategies.choose_strategy(scene.ports, MANAGER, key, "full", "there is no time for another check")
    builders.approve(scene.ports, key)
    assert scene.deploy(key).state == "succeeded"
    assert [job.quick_of for job in scene.jobs] == [None]


def test_a_deployment_by_others_before_the_validation_does_not_matter(scene: Scene) -> None:
    scene.somebody_else_deploys()
    assert scene.deploy(scene.ready()).state == "succeeded"


def test_cancelled_during_the_snapshot_it_does_not_begin(scene: Scene) -> None:
    key = scene.ready()
    attempt = scene.asked(key)
    deployment.take_snapshot(attempt)
    attempts.request_cancel(scene.ports, MANAGER, key)
    deployment.deployment({"deployment": attempt})
    assert scene.attempt(attempt).state == "failed"
    assert "cancelled before it began" in scene.attempt(attempt).problem
    assert scene.jobs == []


def test_while_nobody_knows_who_else_deploys_nothing_is_deployed(scene: Scene) -> None:
    key = scene.ready()
    attempt = scene.asked(key)
    assert deployment.look_around(attempt) == ""
    scene.fault("api_420", 20)
    deployment.deployment({"deployment": attempt})
    assert "did not say whether somebody else deploys to it now" in scene.attempt(attempt).problem
    scene.fault("api_420", 0)
    assert scene.jobs == []


def test_a_package_that_is_not_kept_any_more_stops_it_before_it_begins(scene: Scene) -> None:
    key = scene.ready()
    attempt = scene.asked(key)
    _lose_every_file(scene)
    with pytest.raises(NotFound) as lost:
        deployment.deployment({"deployment": attempt})
    tell_of_failure(scene.ports, f"deployment:{key}:{scene.attempt(attempt).key}", lost.value)
    assert scene.attempt(attempt).state == "failed"
    assert "deployment_held" in scene.said(key)
    assert scene.jobs == []


def test_a_snapshot_that_is_lost_leaves_the_release_live_without_a_way_back(scene: Scene) -> None:
    key = scene.ready()
    attempt = scene.asked(key)
    deployment.take_snapshot(attempt)
    _lose(scene, scene.attempt(attempt).snapshot_digest)
    deployment.deployment({"deployment": attempt})
    assert scene.attempt(attempt).state == "succeeded"
    assert scene.release(key).state == "soaking"
    assert "rollback_not_armed" in scene.said(key)


def test_what_cannot_be_read_back_is_live_all_the_same(scene: Scene) -> None:
    key = scene.ready()
    attempt = scene.asked(key)
    deployment.take_snapshot(attempt)
    jobs.start(attempt, check_only=False)
    jobs.watch(attempt)
    deployment.conclude(attempt)
    _lose_every_file(scene)
    with pytest.raises(NotFound) as lost:
        deployment.read_back(attempt)
    tell_of_failure(scene.ports, f"deployment:{key}:{scene.attempt(attempt).key}", lost.value)
    assert scene.attempt(attempt).state == "succeeded"
    assert scene.release(key).state == "soaking"
    assert "could not be read back" in builders.last(scene.ports, key, "deployment_succeeded").details["differences"][0]


def test_a_job_that_a_person_found_is_followed_to_its_end(scene: Scene) -> None:
    key, attempt, job = _lost_in_the_org(scene)
    clarifying.clarify(scene.ports, MANAGER, key, found="arrived", job_id=job, note="seen in Setup")
    clarified.clarified({"deployment": attempt})
    assert scene.attempt(attempt).state == "succeeded"
    assert scene.release(key).state == "soaking"


def test_a_check_is_not_taken_for_the_job_that_was_lost(scene: Scene) -> None:
    key, attempt, _ = _lost_in_the_org(scene)
    check = scene.somebody_else_deploys(check_only=True).id
    clarifying.clarify(scene.ports, MANAGER, key, found="arrived", job_id=check, note="seen in Setup")
    clarified.clarified({"deployment": attempt})
    assert scene.attempt(attempt).state == "unknown"
    assert "only checked" in scene.attempt(attempt).problem


# Stopped


def _under_way(scene: Scene) -> tuple[str, int]:
    """A full deployment that the org works on, slowly."""
    key = scene.ready(strategy="full")
    attempt = scene.asked(key)
    deployment.take_snapshot(attempt)
    scene.production.org.settings.pace = 100
    jobs.start(attempt, check_only=False)
    scene.clock.advance(timedelta(seconds=60))
    jobs.look(attempt)
    assert scene.attempt(attempt).progress["state"] == "InProgress"
    return key, attempt


def test_what_was_stopped_in_time_is_read_back_and_changed_nothing(scene: Scene) -> None:
    key, attempt = _under_way(scene)
    attempts.request_cancel(scene.ports, MANAGER, key)
    jobs.look(attempt)
    jobs.look(attempt)
    assert scene.attempt(attempt).progress["state"] == "Canceling"
    scene.clock.advance(timedelta(seconds=60))
    scene.production.org.settings.pace = 0
    deployment.follow(attempt)
    done = scene.attempt(attempt)
    assert (done.state, done.result["unchanged"]) == ("cancelled", True)
    assert scene.release(key).state == "ready"
    assert scene.said(key)[-1] == "deployment_cancelled"


def test_what_landed_although_it_was_stopped_is_named_and_its_way_back_built(scene: Scene) -> None:
    """Below API version 65 an org may say yes to a cancellation and commit all the same."""
    key = scene.ready()
    attempt = scene.asked(key)
    deployment.take_snapshot(attempt)
    jobs.start(attempt, check_only=False)
    jobs.watch(attempt)
    lied = replace(scene.gateway.status(scene.attempt(attempt).job_id), state="Canceled", success=False)
    deployments.finish_deployment(scene.ports, attempt, lied)
    deployment.read_back(attempt)
    assert scene.attempt(attempt).state == "succeeded"
    landed = builders.last(scene.ports, key, "deployment_succeeded").details["landed"]
    assert "ApexClass DiscountRequestHandler" in landed
    assert scene.attempt(attempt).result["differences"] == []
    assert scene.arm(key).state == "validated"


def test_what_was_stopped_without_anything_to_compare_with_is_looked_at_by_a_person(scene: Scene) -> None:
    key, attempt = _under_way(scene)
    attempts.request_cancel(scene.ports, MANAGER, key)
    jobs.look(attempt)
    scene.clock.advance(timedelta(seconds=60))
    scene.production.org.settings.pace = 0
    jobs.watch(attempt)
    deployment.conclude(attempt)
    _lose(scene, scene.attempt(attempt).snapshot_digest)
    deployment.read_back(attempt)
    assert scene.attempt(attempt).state == "unknown"
    assert "It ended as Canceled." in scene.attempt(attempt).problem


def test_what_was_stopped_and_cannot_be_read_back_is_not_called_live(scene: Scene) -> None:
    key, attempt = _under_way(scene)
    attempts.request_cancel(scene.ports, MANAGER, key)
    jobs.look(attempt)
    scene.clock.advance(timedelta(seconds=60))
    jobs.watch(attempt)
    deployment.conclude(attempt)
    tell_of_failure(scene.ports, f"deployment:{key}:{scene.attempt(attempt).key}", NotFound("The package is gone."))
    assert scene.attempt(attempt).state == "unknown"


def test_what_is_finalized_goes_on_although_somebody_wants_to_stop_it(scene: Scene) -> None:
    key, attempt = _under_way(scene)
    job = scene.jobs[-1]
    assert job.finalizing_at is not None
    scene.clock.advance(job.finalizing_at - scene.clock.now() + timedelta(seconds=1))
    attempts.request_cancel(scene.ports, MANAGER, key)  # we have not seen it finalizing yet
    jobs.look(attempt)
    assert scene.attempt(attempt).progress["state"] == "Finalizing"
    assert job.cancel_asked_at is None
    scene.production.org.settings.pace = 0
    scene.clock.advance(timedelta(seconds=100))
    deployment.follow(attempt)
    assert scene.attempt(attempt).state == "succeeded"


def _lost_in_the_org(scene: Scene) -> tuple[str, int, str]:
    key = scene.ready()
    attempt = scene.asked(key)
    deployment.take_snapshot(attempt)
    jobs.note_asking(attempt, "deploying")
    job = jobs.start_job(attempt, False)
    jobs.say_unknown(attempt, "The answer was lost.")
    return key, attempt, job


def _lose(scene: Scene, digest: str) -> None:
    assert isinstance(scene.ports.artifacts, ArtifactsInMemory)
    del scene.ports.artifacts._kept[digest]


def _lose_every_file(scene: Scene) -> None:
    assert isinstance(scene.ports.artifacts, ArtifactsInMemory)
    scene.ports.artifacts._kept.clear()


def _without_a_snapshot(scene: Scene, key: str) -> Deployment:
    """The deployment of a release while the org packs nothing for us; looking around goes well."""
    scene.deaf = True
    done = scene.deploy(key)
    scene.deaf = False
    return done


def test_a_snapshot_that_fails_asks_the_seat_that_may_accept_it(accepting: Scene) -> None:
    key = accepting.ready()
    done = _without_a_snapshot(accepting, key)
    assert done.state == "failed"
    assert done.problem.startswith("Nothing was deployed: the snapshot for the way back could not be taken.")
    asked = builders.last(accepting.ports, key, "acceptance_asked").details
    assert (asked["about"], asked["seat"]) == ("no_snapshot", "business")
    assert "packs nothing" in asked["problem"]
    assert accepting.jobs == []


def test_where_the_policy_names_nobody_nothing_goes_without_a_snapshot(scene: Scene) -> None:
    key = scene.ready()
    assert _without_a_snapshot(scene, key).state == "failed"
    assert "acceptance_asked" not in scene.said(key)
    with pytest.raises(NotAllowed, match="acceptances: no_snapshot"):
        acceptances.accept(scene.ports, BUSINESS, key, "we must go", risk="no_snapshot")


def test_accepted_in_writing_it_goes_without_a_way_back_and_says_so_loudly(accepting: Scene) -> None:
    key = accepting.ready()
    _without_a_snapshot(accepting, key)
    acceptances.accept(accepting.ports, BUSINESS, key, "The outage costs more than this can", risk="no_snapshot")
    done = _without_a_snapshot(accepting, key)
    assert done.state == "succeeded"
    assert (done.snapshot_digest, done.rollback_digest) == ("", "")
    skipped = builders.last(accepting.ports, key, "snapshot_skipped").details
    assert (skipped["by"], skipped["reason"]) == (BUSINESS, "The outage costs more than this can")
    assert "No snapshot could be taken" in builders.last(accepting.ports, key, "rollback_not_armed").details["problem"]
    with pytest.raises(Refused):
        rollback_requests.ask_rollback(accepting.ports, MANAGER, key, "it broke")


def test_a_snapshot_that_can_be_taken_after_all_is_taken(accepting: Scene) -> None:
    key = accepting.ready()
    _without_a_snapshot(accepting, key)
    acceptances.accept(accepting.ports, BUSINESS, key, "The outage costs more than this can", risk="no_snapshot")
    done = accepting.deploy(key)
    assert done.state == "succeeded"
    assert done.rollback_digest
    assert "snapshot_skipped" not in accepting.said(key)


def test_what_was_accepted_hours_ago_does_not_count_for_a_new_attempt(accepting: Scene) -> None:
    key = accepting.ready()
    _without_a_snapshot(accepting, key)
    acceptances.accept(accepting.ports, BUSINESS, key, "The outage costs more than this can", risk="no_snapshot")
    accepting.clock.advance(timedelta(hours=4))
    assert _without_a_snapshot(accepting, key).state == "failed"
    assert accepting.jobs == []


def test_a_profile_that_says_a_part_is_as_expected_beside_what_was_there(scene: Scene) -> None:
    key = scene.planned(archive=a_part_of_a_profile())
    assert scene.validate(key).state == "validated"
    builders.settle_checklist(scene.ports, key)
    builders.approve(scene.ports, key)
    done = scene.deploy(key)
    assert done.state == "succeeded"
    live = scene.production.org.inventory.components["Profile", "Admin"].files["profiles/Admin.profile"]
    assert live.count(b"<classAccesses>") > 1, "the org holds more than the package says"
    assert done.result["differences"] == []
