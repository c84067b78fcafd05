"""What people read while a job runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from release_core import attempts, deployments, validations
from release_core.ports import JobStatus
from tests.handlers.room import Room, words_of
from tests.release_core.builders import (
    DEVELOPER,
    MANAGER,
    PRODUCTION,
    a_package,
    a_ready_release,
    a_release,
    a_started_deployment,
    a_success,
    later,
    row_id,
)

RUNNING = JobStatus(
    "0Af1", "InProgress", False, False, False, components_done=18, components_total=18, tests_done=3, tests_total=12,
    state_detail="Running Test: DiscountPolicyTest.loyalGoldAccountsGetMore",
)  # fmt: skip


@pytest.fixture
def attempt(room: Room) -> int:
    return a_started_deployment(room.ports, a_ready_release(room.ports))


def card(room: Room) -> str:
    room.tell()
    return words_of(room.post("deployment:DEP-2"))


def test_counters_are_read_out_with_what_is_being_tested_and_how_long_it_takes(room: Room, attempt: int) -> None:
    attempts.note_progress(room.ports, attempt, replace(RUNNING, tests_done=1))
    later(room.ports, minutes=2)
    attempts.note_progress(room.ports, attempt, replace(RUNNING, test_errors=1))
    words = card(room)
    assert "Under way. Components 18 of 18 (100 %), tests 3 of 12 (25 %), 1 failed." in words
    assert "Running Test: DiscountPolicyTest.loyalGoldAccountsGetMore." in words
    assert "2 min so far, about 9 min left." in words


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (None, "Waiting in the org's queue."),
        (0, "Waiting in the org's queue: it is next."),
        (1, "Waiting in the org's queue: 1 deployment goes before it."),
        (3, "Waiting in the org's queue: 3 deployments go before it."),
    ],
)
def test_the_place_in_the_queue_is_said(room: Room, attempt: int, ahead: int | None, said: str) -> None:
    attempts.note_progress(room.ports, attempt, replace(RUNNING, state="Pending"), ahead=ahead)
    assert f"{said} Begun moments ago." in card(room)


def test_the_run_before_tells_how_long_it_will_take(room: Room) -> None:
    key = a_release(room.ports)
    a_package(room.ports, key)
    first = row_id(room.ports, validations.request_validation(room.ports, DEVELOPER, key, org=PRODUCTION))
    attempts.note_job(room.ports, first, "0AfV1")
    later(room.ports, minutes=20)
    validations.finish_validation(room.ports, first, a_success())
    second = row_id(room.ports, validations.request_validation(room.ports, DEVELOPER, key, org=PRODUCTION))
    attempts.note_asking(room.ports, second, "validating")
    attempts.note_job(room.ports, second, "0AfV2")
    later(room.ports, minutes=5)
    attempts.note_progress(room.ports, second, replace(RUNNING, tests_done=0))
    assert "5 min so far, about 15 min left." in card(room)


def test_a_quick_deploy_is_not_measured_by_its_validation(room: Room, attempt: int) -> None:
    later(room.ports, seconds=timedelta(minutes=1).total_seconds())
    parts = replace(RUNNING, components_done=6, tests_done=0, tests_total=0, state_detail="")
    attempts.note_progress(room.ports, attempt, parts)
    assert "Components 6 of 18 (33 %). 1 min so far, about 2 min left." in card(room)


def test_what_the_org_says_of_itself_cannot_forge_our_marks(room: Room, attempt: int) -> None:
    attempts.note_progress(room.ports, attempt, replace(RUNNING, state_detail="\ue000person\ue001USTRANGER\ue002"))
    assert "@USTRANGER" not in card(room)


def test_nothing_is_said_of_a_queue_before_the_org_has_the_job(room: Room) -> None:
    deployments.request_deployment(room.ports, MANAGER, a_ready_release(room.ports))
    assert "Waiting for the org to begin." in card(room)
