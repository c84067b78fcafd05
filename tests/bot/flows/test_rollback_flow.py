"""A release comes back out of a local org, with everything that can come between."""

from __future__ import annotations

from datetime import timedelta

import httpx

from bot.failures import tell_of_failure
from bot.flows import jobs, rollback
from handlers.narration import narrate
from release_core import rollback_outcomes, rollback_requests
from release_core.errors import NotFound
from release_core.ports import JobState, JobStatus
from tests.bot.flows.scenes import Scene
from tests.release_core import builders
from tests.release_core.builders import ArtifactsInMemory


def _content(scene: Scene) -> bytes:
    return httpx.get(f"{scene.production.instance_url}/rehearsal/export", trust_env=False).content


def test_going_back_is_a_quick_deploy_that_leaves_no_trace(scene: Scene) -> None:
    before = _content(scene)
    key = scene.live()
    assert _content(scene) != before
    done = scene.roll_back(key)
    assert (done.state, done.result["differences"]) == ("succeeded", [])
    assert done.validated_job_id
    assert _content(scene) == before
    assert scene.release(key).state == "rolled_back"


def test_what_was_never_armed_goes_back_by_a_full_deployment_with_tests(scene: Scene) -> None:
    before = _content(scene)
    key = scene.ready()
    scene.deploy(key)
    done = scene.roll_back(key)
    assert (done.state, done.validated_job_id) == ("succeeded", "")
    assert scene.jobs[-1].options.test_level == "RunLocalTests"
    assert _content(scene) == before


def test_a_way_back_that_others_disarmed_is_gone_in_full(scene: Scene) -> None:
    key = scene.live()
    scene.somebody_else_deploys()
    done = scene.roll_back(key, overwrite=True)
    assert (done.state, done.validated_job_id) == ("succeeded", "")


def test_an_armed_way_back_that_lapsed_in_the_org_is_gone_in_full(scene: Scene) -> None:
    """The org may know better than its history tells."""
    key = scene.live()
    attempt = scene.wish_back(key)
    armed = scene.production.org.find_job(scene.attempt(attempt).validated_job_id)
    assert armed is not None
    armed.used = True
    done = scene.go_back(key, attempt)
    assert (done.state, done.validated_job_id) == ("succeeded", "")
    assert [job.status for job in scene.jobs] == ["Succeeded", "Failed", "Succeeded"]  # refused for its coverage once


def test_a_lost_answer_is_looked_up_on_the_way_back_too(scene: Scene) -> None:
    key = scene.live()
    scene.fault("drop_connection")
    assert scene.roll_back(key).state == "succeeded"
    assert len(scene.jobs) == 2


def test_what_somebody_changed_since_is_asked_about(scene: Scene) -> None:
    key = scene.live()
    org = scene.production.org
    org.change(org.users[1].id, "ApexClass", "DiscountPolicy", None)
    after = _content(scene)
    done = scene.roll_back(key)
    assert done.state == "failed"
    assert any("DiscountPolicy" in part for part in done.result["drift"])
    assert _content(scene) == after
    assert scene.release(key).state == "soaking"
    assert len(scene.jobs) == 1


def test_an_org_that_cannot_be_reached_leaves_the_release_live(scene: Scene) -> None:
    key = scene.live()
    scene.away = True
    done = scene.roll_back(key)
    assert done.state == "failed"
    assert "did not start" in done.problem
    assert scene.release(key).state == "soaking"
    scene.away = False
    assert scene.roll_back(key).state == "succeeded"


# Ends that tell little


def _ended(scene: Scene, key: str, state: JobState, *, landed: bool) -> int:
    """A rollback of which the org says that it did not finish it; the attempt's row id."""
    attempt = scene.wish_back(key)
    rollback.look_for_drift(attempt)
    if landed:
        jobs.start(attempt, check_only=False)
        jobs.watch(attempt)
    status = JobStatus("0AfUNFINISHED00001", state, True, False, False)
    rollback_outcomes.finish_rollback(scene.ports, attempt, status)
    return attempt


def test_a_rollback_that_landed_although_the_org_says_no_is_found_out(scene: Scene) -> None:
    before = _content(scene)
    key = scene.live()
    attempt = _ended(scene, key, "FinalizingFailed", landed=True)
    assert _content(scene) == before
    rollback.read_back(attempt)
    done = scene.attempt(attempt)
    assert (done.state, done.result["differences"], scene.release(key).state) == ("succeeded", [], "rolled_back")
    words = _told(scene, key, "rollback_succeeded")
    assert "could not be finished, but it has landed. Read back, " in words
    assert "ApexClass DiscountPolicy" in words


def test_a_rollback_that_was_cancelled_in_time_leaves_the_release_live(scene: Scene) -> None:
    key = scene.live()
    attempt = _ended(scene, key, "Canceled", landed=False)
    rollback.read_back(attempt)
    assert (scene.attempt(attempt).state, scene.release(key).state) == ("failed", "soaking")
    assert "Read back, nothing was changed there." in _told(scene, key, "rollback_failed")


def test_a_rollback_that_cannot_be_compared_after_such_an_end_is_for_a_person_to_look_at(scene: Scene) -> None:
    key = scene.live()
    attempt = _ended(scene, key, "Canceled", landed=False)
    _lose(scene, scene.attempt(attempt).snapshot_digest)
    rollback.read_back(attempt)
    assert scene.attempt(attempt).state == "unknown"
    assert "It ended as Canceled. Nothing was kept" in scene.attempt(attempt).problem


def test_a_rollback_whose_reading_back_breaks_after_such_an_end_is_not_called_done(scene: Scene) -> None:
    key = scene.live()
    attempt = _ended(scene, key, "SucceededPartial", landed=False)
    tell_of_failure(scene.ports, f"rollback:{key}:{scene.attempt(attempt).key}", NotFound("The package is gone."))
    assert scene.attempt(attempt).state == "unknown"


# Files that are lost


def _lose_every_file(scene: Scene) -> None:
    assert isinstance(scene.ports.artifacts, ArtifactsInMemory)
    scene.ports.artifacts._kept.clear()


def _lose(scene: Scene, digest: str) -> None:
    scene.ports.artifacts.delete(digest)


def _told(scene: Scene, key: str, kind: str) -> str:
    facts = [entry for entry in builders.entries(scene.ports, key) if entry.kind == kind]
    return narrate(scene.ports.policy, facts[-1])


def test_an_armed_way_back_needs_no_file(scene: Scene) -> None:
    before = _content(scene)
    key = scene.live()
    _lose_every_file(scene)
    request = rollback_requests.ask_rollback(scene.ports, builders.MANAGER, key, "it broke")
    scene.look(request)
    assert "It is armed, so it can go back by its proof" in _told(scene, key, "rollback_not_looked")
    rollback_requests.decide_rollback(scene.ports, builders.SECOND_MANAGER, request, yes=True)
    done = scene.go_back(key, builders.newest(scene.ports, key, "rollback").id or 0)
    assert (done.state, done.result["differences"]) == ("succeeded", [])
    assert done.validated_job_id
    assert _content(scene) == before
    assert scene.release(key).state == "rolled_back"
    told = _told(scene, key, "rollback_succeeded")
    assert "Not compared: Nothing is kept under" in told
    assert "Look at its parts in Setup of PRODUCTION" in told
    assert done.rollback_digest == "", "nothing is left to undo it with"
    assert done.result["rollback_note"] == "Nothing was kept of what the org held before the rollback."


def test_files_that_are_lost_after_the_look_do_not_stop_an_armed_way_back(scene: Scene) -> None:
    before = _content(scene)
    key = scene.live()
    request = rollback_requests.ask_rollback(scene.ports, builders.MANAGER, key, "it broke")
    scene.look(request)
    rollback_requests.decide_rollback(scene.ports, builders.SECOND_MANAGER, request, yes=True)
    _lose_every_file(scene)
    done = scene.go_back(key, builders.newest(scene.ports, key, "rollback").id or 0)
    assert done.state == "succeeded"
    assert done.result["not_compared"].startswith("Nothing is kept under")
    assert _content(scene) == before


def test_without_files_what_others_did_is_asked_about_and_can_be_overwritten_all_the_same(scene: Scene) -> None:
    key = scene.live()
    _lose_every_file(scene)
    org = scene.production.org
    scene.clock.advance(timedelta(minutes=1))
    org.change(org.users[1].id, "ApexClass", "DiscountPolicy", None)
    held = scene.roll_back(key)
    assert held.state == "failed"
    assert any("DiscountPolicy" in words for words in held.result["drift"])
    assert "cannot be compared" in held.problem
    assert len(scene.jobs) == 1
    done = scene.roll_back(key, overwrite=True)
    assert (done.state, scene.release(key).state) == ("succeeded", "rolled_back")


def test_a_snapshot_that_is_lost_does_not_stop_a_rollback_that_can_be_undone(scene: Scene) -> None:
    key = scene.live()
    _lose(scene, builders.newest(scene.ports, key, "deployment").snapshot_digest)
    done = scene.roll_back(key)
    assert (done.state, done.result["differences"]) == ("succeeded", [])
    assert done.result["not_compared"]
    assert done.rollback_digest, "what it touches was named by the package, so it was kept before"


def test_a_snapshot_that_is_lost_stops_a_way_back_that_is_not_armed_before_it_begins(scene: Scene) -> None:
    key = scene.ready()
    assert scene.deploy(key).state == "succeeded"
    before = _content(scene)
    _lose(scene, builders.newest(scene.ports, key, "deployment").snapshot_digest)
    request = rollback_requests.ask_rollback(scene.ports, builders.MANAGER, key, "it broke")
    scene.look(request)
    assert "It is not armed either" in _told(scene, key, "rollback_not_looked")
    rollback_requests.decide_rollback(scene.ports, builders.SECOND_MANAGER, request, yes=True)
    done = scene.go_back(key, builders.newest(scene.ports, key, "rollback").id or 0)
    assert (done.state, len(scene.jobs), scene.release(key).state) == ("failed", 1, "soaking")
    told = _told(scene, key, "rollback_held")
    assert "Files that going back needs are lost, and it is not armed." in told
    assert "Have the files put back from a backup and ask again" in told
    assert "can take it back by hand in Setup of PRODUCTION" in told
    assert "ApexClass DiscountPolicy: put back what it was, comes back exactly" in told
    assert _content(scene) == before


def test_a_rollback_package_that_is_lost_is_built_again(scene: Scene) -> None:
    before = _content(scene)
    key = scene.ready()
    assert scene.deploy(key).state == "succeeded"
    _lose(scene, builders.newest(scene.ports, key, "deployment").rollback_digest)
    done = scene.roll_back(key)
    assert (done.state, done.result["differences"]) == ("succeeded", [])
    assert _content(scene) == before
