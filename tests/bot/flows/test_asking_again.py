"""An org that is busy for a while is asked again, as often as it makes sense, never twice for the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.flows import deployment, insisting, jobs, rollback
from release_core import attempts, resubmissions
from release_core.errors import OutcomeUnknown
from release_core.models import DeploymentWindow
from release_core.packages import read_retrieved
from tests.bot.flows.scenes import Scene
from tests.release_core import builders
from tests.release_core.builders import MANAGER


def test_a_locked_setup_is_waited_for_and_the_deployment_goes_live(scene: Scene) -> None:
    key = scene.ready(strategy="full")
    scene.fault("already_in_process", 2)
    with scene.time_flies():
        done = scene.deploy(key)
    assert (done.state, done.resubmitted) == ("succeeded", 2)
    assert len(scene.jobs) == 3
    assert done.progress["jobs"] == [job.id for job in scene.jobs[:2]]
    assert done.job_id == scene.jobs[2].id
    told = [builders.last(scene.ports, key, "org_busy").details[name] for name in ("number", "of", "because")]
    assert told == [2, 5, "another change to the org's setup was in progress"]
    assert scene.said(key).count("org_busy") == 2
    sizes = [job.zip_size for job in scene.jobs]
    assert len(set(sizes)) == 3


def test_a_quick_deployment_is_asked_again_too(scene: Scene) -> None:
    """Whether a failed quick deployment uses its validation up is not documented; here it does not."""
    key = scene.ready()
    scene.fault("already_in_process")
    attempt = scene.asked(key)
    _first_job_ends(scene, attempt)
    validation = scene.production.org.find_job(scene.attempt(attempt).validated_job_id)
    assert validation is not None
    validation.used = False
    with scene.time_flies():
        deployment.follow(attempt)
    assert scene.attempt(attempt).state == "succeeded"
    assert [job.quick_of for job in scene.jobs] == [validation.id, validation.id]


def test_a_quick_deployment_whose_validation_is_gone_then_fails_with_both_facts(scene: Scene) -> None:
    """And here it does."""
    key = scene.ready()
    scene.fault("already_in_process")
    with scene.time_flies():
        done = scene.deploy(key)
    assert done.state == "failed"
    assert "being changed by another user" in done.problem
    assert "no longer takes validation" in done.progress["not_again"]
    assert len(scene.jobs) == 1


def test_a_rollback_whose_validation_is_gone_goes_the_long_way(scene: Scene) -> None:
    key = scene.live()
    scene.fault("already_in_process")
    with scene.time_flies():
        done = scene.roll_back(key)
    assert done.state == "succeeded"
    assert [bool(job.quick_of) for job in scene.jobs[-2:]] == [True, False]


def _somebody_edits(scene: Scene) -> None:
    """A colleague changes a class in Setup while the org is busy for six minutes."""
    org = scene.production.org
    scene.clock.advance(timedelta(minutes=6))
    held = org.inventory.get("ApexClass", "DiscountPolicy")
    assert held is not None
    files = {path: data + b"\n// by hand\n" if path.endswith(".cls") else data for path, data in held.files.items()}
    org.change(org.users[1].id, "ApexClass", "DiscountPolicy", files)


def test_before_a_repetition_minutes_later_the_snapshot_is_taken_anew(scene: Scene) -> None:
    key = scene.ready(strategy="full")
    scene.fault("already_in_process")
    attempt = scene.asked(key)
    _first_job_ends(scene, attempt)
    before = scene.attempt(attempt).snapshot_digest
    _somebody_edits(scene)
    with scene.time_flies():
        deployment.follow(attempt)
    done = scene.attempt(attempt)
    assert (done.state, scene.said(key).count("snapshot_taken")) == ("succeeded", 2)
    kept = read_retrieved(scene.ports.artifacts.load(done.snapshot_digest))
    assert b"by hand" in kept.files["classes/DiscountPolicy.cls"]
    assert b"by hand" not in read_retrieved(scene.ports.artifacts.load(before)).files["classes/DiscountPolicy.cls"]


def test_a_repetition_whose_snapshot_cannot_be_taken_anew_is_not_asked_for(scene: Scene) -> None:
    key = scene.ready(strategy="full")
    scene.fault("already_in_process")
    attempt = scene.asked(key)
    _first_job_ends(scene, attempt)
    scene.clock.advance(timedelta(minutes=6))
    resubmissions.note_busy(scene.ports, attempt, "setup_lock")
    assert resubmissions.take_up_again(scene.ports, attempt)
    scene.deaf = True
    assert "packs nothing today" in insisting._looked_again(attempt, deployment.look_again)


def test_somebody_who_deploys_while_a_quick_deployment_waits_ends_it(scene: Scene) -> None:
    key = scene.ready()
    scene.fault("already_in_process")
    attempt = scene.asked(key)
    _first_job_ends(scene, attempt)
    theirs = scene.somebody_else_deploys()
    with scene.time_flies():
        deployment.follow(attempt)
    ended = scene.attempt(attempt)
    assert ended.state == "failed"
    assert f"(job {theirs.id}). Validate again." in ended.progress["not_again"]
    assert ended.job_id in {job.id for job in scene.jobs}, "what ended counts"


def test_a_rollback_that_waited_overwrites_nothing_that_was_changed_meanwhile(scene: Scene) -> None:
    key = scene.live()
    attempt = scene.wish_back(key)
    assert rollback.look_for_drift(attempt)["drift"] == []
    scene.fault("already_in_process")
    jobs.start(attempt, check_only=False)
    while jobs.look(attempt)["seen"] != "done":
        pass
    _somebody_edits(scene)
    taken = len(scene.jobs)
    with scene.time_flies():
        rollback.follow(attempt)
    ended = scene.attempt(attempt)
    assert (ended.state, scene.release(key).state, len(scene.jobs)) == ("failed", "soaking", taken)
    assert "ApexClass DiscountPolicy was changed by" in ended.progress["not_again"]


def test_it_gives_up_after_five_times(scene: Scene) -> None:
    key = scene.ready(strategy="full")
    scene.fault("already_in_process", 100)
    with scene.time_flies():
        done = scene.deploy(key)
    assert (done.state, done.resubmitted, len(scene.jobs)) == ("failed", 5, 6)
    assert "asked again 5 times" in done.progress["not_again"]


@pytest.mark.parametrize(("times", "state"), [(1, "validated"), (2, "failed")])
def test_a_locked_row_in_a_test_is_worth_one_more_run(scene: Scene, times: int, state: str) -> None:
    key = scene.planned()
    scene.fault("unable_to_lock_row", times)
    with scene.time_flies():
        done = scene.validate(key)
    assert (done.state, done.resubmitted) == (state, 1)


def test_somebody_who_presses_stop_while_it_waits_ends_it(scene: Scene) -> None:
    key = scene.ready(strategy="full")
    scene.fault("already_in_process")
    attempt = scene.asked(key)
    _first_job_ends(scene, attempt)
    assert resubmissions.note_busy(scene.ports, attempt, "setup_lock") == 60
    attempts.request_cancel(scene.ports, MANAGER, key)
    assert not resubmissions.take_up_again(scene.ports, attempt)
    deployment.follow(attempt)
    assert scene.attempt(attempt).state == "failed"
    assert len(scene.jobs) == 1


def test_a_window_that_closes_meanwhile_ends_it(scene: Scene) -> None:
    key = scene.ready(strategy="full")
    scene.fault("already_in_process")
    attempt = scene.asked(key)
    _first_job_ends(scene, attempt)
    _close_window(scene)
    with scene.time_flies():
        deployment.follow(attempt)
    ended = scene.attempt(attempt)
    assert ended.state == "failed"
    assert "was not asked again" in ended.progress["not_again"]
    assert len(scene.jobs) == 1


def test_a_crash_between_the_wait_and_the_repetition_asks_for_one_job_only(scene: Scene) -> None:
    key = scene.ready(strategy="full")
    scene.fault("already_in_process")
    attempt = scene.asked(key)
    _first_job_ends(scene, attempt)
    resubmissions.note_busy(scene.ports, attempt, "setup_lock")
    assert resubmissions.take_up_again(scene.ports, attempt)
    jobs.note_asking(attempt, "deploying")
    second = jobs.start_job(attempt, False)  # its checkpoint was lost with the process
    assert jobs.start_job(attempt, False) == second
    assert [job.id for job in scene.jobs][1:] == [second]


def test_a_repetition_whose_answer_is_lost_is_found_by_its_own_size(scene: Scene) -> None:
    key = scene.ready(strategy="full")
    scene.fault("already_in_process")
    attempt = scene.asked(key)
    _first_job_ends(scene, attempt)
    resubmissions.note_busy(scene.ports, attempt, "setup_lock")
    resubmissions.take_up_again(scene.ports, attempt)
    scene.fault("drop_connection")
    jobs.start(attempt, check_only=False)
    assert [job.id for job in scene.jobs][1:] == [scene.attempt(attempt).job_id]


def test_two_checks_of_the_same_package_within_minutes_are_told_apart(scene: Scene) -> None:
    """The answer of the first was lost, the second one's too: each finds its own."""
    key = scene.planned()
    first, second = _a_check(scene, key), _a_check(scene, key, again=True)
    for attempt in (first, second):
        jobs.note_asking(attempt, "validating")
        scene.fault("drop_connection")
        with pytest.raises(OutcomeUnknown):
            jobs.start_job(attempt, True)
    mine, yours = scene.production.org.jobs
    assert (jobs.find_lost_job(second, True), jobs.find_lost_job(first, True)) == (yours.id, mine.id)


def test_the_first_ask_costs_one_call(scene: Scene) -> None:
    """Nobody has asked before, so there is nothing to look for."""
    attempt = scene.asked(scene.ready())
    jobs.note_asking(attempt, "deploying")
    before = scene.gateway.calls
    jobs.start_job(attempt, False)
    assert scene.gateway.calls == before + 1


def test_a_session_that_has_ended_is_looked_behind_before_a_second_request(scene: Scene) -> None:
    attempt = scene.asked(scene.ready())
    jobs.note_asking(attempt, "deploying")
    scene.fault("invalid_session")
    with pytest.raises(Exception, match="access token"):
        jobs.start_job(attempt, False)
    assert scene.jobs == []


def test_every_call_of_an_attempt_is_counted_for_it(scene: Scene) -> None:
    key = scene.ready()
    attempt, before = scene.asked(key), scene.gateway.calls
    deployment.deployment({"deployment": attempt})
    done = scene.attempt(attempt)
    assert done.calls == scene.gateway.calls - before > 0
    assert done.progress["usage"][1] == 15_000


def _first_job_ends(scene: Scene, attempt: int) -> None:
    deployment.take_snapshot(attempt)
    jobs.start(attempt, check_only=False)
    while jobs.look(attempt)["seen"] != "done":
        pass


def _close_window(scene: Scene) -> None:
    with scene.ports.store.transaction() as session:
        window: Any = session.get(DeploymentWindow, 1)
        window.ends_at = scene.clock.now()
        session.add(window)


def _a_check(scene: Scene, key: str, *, again: bool = False) -> int:
    from release_core import validations
    from tests.release_core.builders import DEVELOPER

    if again:
        newest = builders.newest(scene.ports, key, "validation")
        with scene.ports.store.transaction() as session:
            newest.state = "failed"
            session.merge(newest)
    return builders.row_id(
        scene.ports, validations.request_validation(scene.ports, DEVELOPER, key, org=builders.PRODUCTION)
    )
