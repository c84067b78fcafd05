"""How far a job is, as it is kept for its post."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from release_core import attempts, deployments
from release_core.ports import JobStatus, Ports
from release_core.progress import next_edit, phases, remaining
from tests.release_core.builders import (
    MANAGER,
    NOW,
    a_ready_release,
    a_started_deployment,
    deployment,
    intents,
    later,
    row_id,
)

RUNNING = JobStatus("0Af1", "InProgress", False, False, False, components_done=1, components_total=18)


@pytest.fixture
def attempt(ports: Ports) -> int:
    return a_started_deployment(ports, a_ready_release(ports))


def edits(ports: Ports) -> list[float]:
    """After how many seconds from NOW, when the job began and was told of, the post is edited for the counters."""
    planned = [(i.due_at - NOW).total_seconds() for i in intents(ports, "tell") if "redraw" in i.args]
    return [seconds for seconds in planned if seconds > 0]


def test_a_post_is_edited_every_three_seconds_at_most(ports: Ports, attempt: int) -> None:
    for done in range(1, 40):
        attempts.note_progress(ports, attempt, replace(RUNNING, components_done=done))
        later(ports, seconds=0.25)
    planned = edits(ports)
    assert planned == [3.0, 6.0, 9.0, 12.0]
    assert deployment(ports, attempt).progress["components"][0] == 39, "what is drawn later shows the last counters"


def test_the_first_edit_after_a_quiet_time_comes_at_once(ports: Ports, attempt: int) -> None:
    later(ports, seconds=60)
    attempts.note_progress(ports, attempt, RUNNING)
    assert edits(ports) == [60.0]


def test_the_end_is_told_at_once_whatever_was_edited_before(ports: Ports, attempt: int) -> None:
    attempts.note_progress(ports, attempt, RUNNING)
    ended = replace(RUNNING, state="Failed", done=True)
    deployments.finish_deployment(ports, attempt, ended)
    facts = [i for i in intents(ports, "tell") if "number" in i.args]
    assert facts[-1].due_at == NOW


def test_a_job_that_does_not_move_still_grows_older_each_minute(ports: Ports, attempt: int) -> None:
    attempts.note_progress(ports, attempt, RUNNING)
    later(ports, seconds=59)
    attempts.note_progress(ports, attempt, RUNNING)
    assert len(edits(ports)) == 1
    later(ports, seconds=1)
    attempts.note_progress(ports, attempt, RUNNING)
    assert len(edits(ports)) == 2


def test_the_place_in_the_queue_is_kept_while_the_job_waits(ports: Ports, attempt: int) -> None:
    waiting = replace(RUNNING, state="Pending")
    assert attempts.queue_position(ports, attempt) == (None, None)
    attempts.note_queue_position(ports, attempt, 2, NOW)
    attempts.note_progress(ports, attempt, waiting, ahead=2)
    assert attempts.queue_position(ports, attempt) == (2, NOW)
    assert deployment(ports, attempt).progress["ahead"] == 2
    attempts.note_progress(ports, attempt, RUNNING, ahead=2)
    assert deployment(ports, attempt).progress["ahead"] is None


def test_an_edit_that_is_planned_shows_what_comes_before_it(ports: Ports) -> None:
    known = {"edit_at": (NOW + timedelta(seconds=2)).isoformat()}
    assert next_edit(known, NOW) is None
    assert next_edit(known, NOW + timedelta(seconds=2)) == NOW + timedelta(seconds=5)
    assert next_edit({}, NOW) == NOW


def test_a_late_edit_pushes_the_next_one_back(ports: Ports, attempt: int) -> None:
    key = deployment(ports, attempt).key
    assert attempts.edit_in(ports, key) == 0
    attempts.note_drawn(ports, key)
    later(ports, seconds=1)
    attempts.note_progress(ports, attempt, RUNNING)
    assert attempts.edit_in(ports, key) == 2
    later(ports, seconds=5)
    assert attempts.edit_in(ports, key) == 0


def test_what_is_left_is_told_by_the_tests_that_ran() -> None:
    known = {"tests": [5, 25, 0], "components": [18, 18, 0], "tests_since": [NOW.isoformat(), 1]}
    now = NOW + timedelta(seconds=40)
    assert remaining(known, NOW - timedelta(minutes=5), now) == timedelta(seconds=200)


def test_what_is_left_is_told_by_the_run_before_until_tests_have_run() -> None:
    known = {"tests": [0, 25, 0], "components": [18, 18, 0]}
    usual = timedelta(minutes=10)
    assert remaining(known, NOW, NOW + timedelta(minutes=4), usual) == timedelta(minutes=6)
    assert remaining(known, NOW, NOW + timedelta(minutes=14), usual) == timedelta()
    assert remaining(known, NOW, NOW + timedelta(minutes=4)) is None


def test_without_tests_what_is_left_is_told_by_the_components() -> None:
    known = {"tests": [0, 0, 0], "components": [6, 18, 0]}
    assert remaining(known, NOW, NOW + timedelta(seconds=30)) == timedelta(seconds=60)
    assert remaining({"components": [0, 18, 0]}, NOW, NOW + timedelta(seconds=30)) is None


def test_the_instant_from_which_tests_count_is_kept() -> None:
    tested = replace(RUNNING, tests_done=3, tests_total=12)
    first = phases({}, tested, NOW)
    assert first == {"tests_since": [NOW.isoformat(), 3]}
    assert phases(first, replace(tested, tests_done=9), NOW + timedelta(minutes=1)) == first
    assert phases({}, RUNNING, NOW) == {}


def test_before_it_was_started_progress_has_lasted_no_time(ports: Ports) -> None:
    key = a_ready_release(ports)
    asked = row_id(ports, deployments.request_deployment(ports, MANAGER, key))
    attempts.note_progress(ports, asked, RUNNING)
    assert deployment(ports, asked).progress["minutes"] == 0
