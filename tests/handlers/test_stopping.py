"""What people see of a job that somebody wants to stop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from release_core import attempts, deployments, resubmissions, validations
from release_core.deployments import ReadBack
from release_core.ports import JobState, JobStatus
from tests.handlers.room import Room, words_of
from tests.release_core.builders import (
    DEVELOPER,
    MANAGER,
    a_cancellation,
    a_package,
    a_ready_release,
    a_release,
    a_started_deployment,
    digest_of,
    gate,
    land,
    row_id,
)

RUNNING = JobStatus("0Af1", "InProgress", False, False, False, components_done=1, components_total=18)


@pytest.fixture
def attempt(room: Room) -> int:
    return a_started_deployment(room.ports, a_ready_release(room.ports))


def goes(room: Room, attempt: int, state: JobState) -> str:
    attempts.note_progress(room.ports, attempt, replace(RUNNING, state=state))
    room.tell()
    return words_of(room.post("deployment:DEP-2"))


def the_lines(room: Room) -> str:
    room.tell()
    return " ".join(words_of(post.message) for slot, post in room.posts.items() if slot.startswith("entry:"))


def test_what_runs_can_be_stopped_and_says_that_somebody_did(room: Room, attempt: int) -> None:
    assert "[Stop]" in goes(room, attempt, "InProgress")
    room.clicks(MANAGER, "Stop", room.post("deployment:DEP-2"))
    words = goes(room, attempt, "Canceling")
    assert "A stop was asked for." in words
    assert "Being cancelled." in words
    assert "[Stop]" not in words


def test_what_is_finalizing_offers_no_stop_and_refuses_one_that_comes_late(room: Room, attempt: int) -> None:
    goes(room, attempt, "InProgress")
    drawn_before = room.post("deployment:DEP-2")
    words = goes(room, attempt, "Finalizing")
    assert "[Stop]" not in words
    assert "it cannot be stopped any more" in words
    refusal = room.is_refused_the_click(MANAGER, "Stop", drawn_before)
    assert "Too late: PRODUCTION is finalizing DEP-2, so it will land." in refusal.words
    assert "/release rollback REL-1" in refusal.words


def test_a_stop_that_the_org_did_not_heed_any_more_is_told_to_be_too_late(room: Room, attempt: int) -> None:
    goes(room, attempt, "InProgress")
    room.says(MANAGER, "release stop")
    words = goes(room, attempt, "Finalizing")
    assert "Too late to stop: PRODUCTION is finalizing it, so it will land." in words
    assert "/release rollback REL-1 -- reason" in words


def test_a_check_that_is_finalizing_has_nothing_to_undo(room: Room) -> None:
    key = a_release(room.ports)
    a_package(room.ports, key)
    check = row_id(room.ports, validations.request_validation(room.ports, DEVELOPER, key))
    attempts.note_progress(room.ports, check, replace(RUNNING, state="Finalizing"))
    words = room.refuses(DEVELOPER, "release stop").words
    assert "UAT is finalizing the check DEP-1; it ends in moments." in words
    assert "rollback" not in words


def test_what_was_stopped_in_time_says_that_nothing_was_changed_once_that_is_known(room: Room, attempt: int) -> None:
    deployments.finish_deployment(room.ports, attempt, a_cancellation())
    room.tell()
    words = words_of(room.post("deployment:DEP-2"))
    assert "ended as Canceled, reading the org back" in words
    assert "nothing was changed" not in words.casefold()
    deployments.note_unchanged(room.ports, attempt)
    assert "was cancelled in PRODUCTION; nothing was changed (read back)." in the_lines(room)
    assert "was cancelled. Nothing was changed (read back)." in words_of(room.post("deployment:DEP-2"))


def test_what_landed_although_it_was_cancelled_is_named_with_the_way_back(room: Room, attempt: int) -> None:
    deployments.finish_deployment(room.ports, attempt, a_cancellation())
    found = ReadBack([], digest_of(b"way back"), "", ["ApexClass Discount"])
    deployments.note_landed(room.ports, attempt, found)
    told = the_lines(room)
    assert "PRODUCTION says that DEP-2 was cancelled, but it had landed already." in told
    assert "Read back, ApexClass Discount changed there." in told
    assert "To undo it: /release rollback REL-1 -- reason" in told
    assert "[Roll back]" in told
    assert "is in the org, although the org ended it as Canceled." in words_of(room.post("deployment:DEP-2"))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("FinalizingFailed", "PRODUCTION could not finish DEP-2, but it has landed."),
        ("SucceededPartial", "PRODUCTION took DEP-2 only in part. Not as expected: Layout Visit."),
    ],
)
def test_other_ends_that_tell_little_are_told_by_what_the_org_holds(
    room: Room, attempt: int, state: JobState, said: str
) -> None:
    deployments.finish_deployment(room.ports, attempt, JobStatus("0Af1", state, True, False, False))
    found = ReadBack(["Layout Visit"], digest_of(b"way back"), "", ["ApexClass Discount"])
    deployments.note_landed(room.ports, attempt, found)
    assert said in the_lines(room)


def test_what_the_org_could_not_finish_and_did_not_keep_failed(room: Room, attempt: int) -> None:
    status = JobStatus("0Af1", "FinalizingFailed", True, False, False, error_message="Internal error.")
    deployments.finish_deployment(room.ports, attempt, status)
    deployments.note_unchanged(room.ports, attempt)
    room.tell()
    words = words_of(room.post("deployment:DEP-2"))
    assert "failed. The org could not finish it. Internal error. Nothing was changed (read back)." in words


def a_running_check(room: Room) -> int:
    key = a_release(room.ports)
    a_package(room.ports, key)
    check = row_id(room.ports, validations.request_validation(room.ports, DEVELOPER, key))
    attempts.note_asking(room.ports, check, "validating")
    return check


def test_a_check_that_somebody_stopped_has_not_failed_and_says_who(room: Room) -> None:
    check = a_running_check(room)
    attempts.request_cancel(room.ports, MANAGER, "REL-1")
    validations.finish_validation(room.ports, check, a_cancellation())
    told = the_lines(room)
    assert "@Anna Weiss stopped DEP-1 in UAT. Nothing was changed" in told
    assert "failed" not in told
    assert "@Priya Nair" not in told.partition("stopped DEP-1")[2], "nobody is called for it"
    assert "was stopped by @Anna Weiss. Nothing was changed." in words_of(room.post("deployment:DEP-1"))


def test_a_check_that_was_stopped_in_its_org_says_by_whom_there(room: Room) -> None:
    check = a_running_check(room)
    validations.finish_validation(room.ports, check, replace(a_cancellation(), cancelled_by="Uta Admin"))
    assert "Uta Admin stopped DEP-1 in UAT, not from here." in the_lines(room)
    assert "was stopped in the org by Uta Admin." in words_of(room.post("deployment:DEP-1"))


def test_a_check_that_is_stopped_while_it_waits_for_the_org_has_not_failed(room: Room) -> None:
    check = a_running_check(room)
    resubmissions.note_busy(room.ports, check, "setup_lock")
    attempts.request_cancel(room.ports, MANAGER, "REL-1")
    assert not resubmissions.take_up_again(room.ports, check)
    busy = JobStatus("0Af1", "Failed", True, False, True, error_code="ALREADY_IN_PROCESS")
    validations.finish_validation(room.ports, check, busy)
    assert "@Anna Weiss stopped DEP-1 in UAT." in the_lines(room)


def test_the_gate_says_who_stopped_the_check(room: Room) -> None:
    key = a_release(room.ports)
    a_package(room.ports, key)
    check = row_id(room.ports, validations.request_validation(room.ports, DEVELOPER, key, org="PRODUCTION"))
    attempts.request_cancel(room.ports, MANAGER, key)
    validations.finish_validation(room.ports, check, a_cancellation())
    because = gate(room.ports, key, "validation_stopped").because
    assert because == "The validation DEP-1 in PRODUCTION was stopped by Anna Weiss, so it proves nothing."


def test_a_stop_that_came_too_late_is_said_at_the_end(room: Room, attempt: int) -> None:
    goes(room, attempt, "InProgress")
    room.hears(MANAGER, "release stop REL-1")
    land(room.ports, attempt)
    assert "came too late" in the_lines(room)
    assert "/release rollback REL-1 -- reason" in the_lines(room)
    assert "succeeded" in words_of(room.post("deployment:DEP-2"))
    assert "The stop that was asked for came too late." in words_of(room.post("deployment:DEP-2"))
