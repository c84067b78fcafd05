"""Our place in an org's queue, and how often a running job's post is edited."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot import flows, outside
from bot.flows import jobs, queueing
from bot.rehearsal.packages import sample_package
from release_core import attempts, validations
from release_core.ports import DeployRequestRow, JobStatus
from release_core.store import migrate, open_store
from tests.bot.flows.scenes import Chat, Scene, a_scene
from tests.bot.flows.test_flows_in_the_engine import running
from tests.bot.processes import wait_until
from tests.release_core import builders
from tests.release_core.builders import DEVELOPER, NOW, PRODUCTION


def waiting(scene: Scene) -> int:
    """A validation of ours that waits behind two deployments of a colleague; its row id."""
    key = scene.planned()
    for _ in range(2):
        scene.somebody_else_deploys(pace=1000)
    attempt = builders.row_id(scene.ports, validations.request_validation(scene.ports, DEVELOPER, key, org=PRODUCTION))
    jobs.start(attempt, check_only=True)
    return attempt


def test_a_job_that_waits_knows_how_many_go_before_it(scene: Scene) -> None:
    attempt = waiting(scene)
    assert jobs.look(attempt)["seen"] == "under way"
    progress = scene.attempt(attempt).progress
    assert (progress["state"], progress["ahead"]) == ("Pending", 2)


def test_the_queue_is_asked_for_every_half_minute_at_most(scene: Scene) -> None:
    attempt = waiting(scene)
    jobs.look(attempt)
    asked = scene.gateway.calls
    for _ in range(5):
        jobs.look(attempt)
    assert scene.gateway.calls == asked + 5, "one call for the state, none for the queue"
    scene.clock.advance(timedelta(seconds=31))
    jobs.look(attempt)
    assert scene.gateway.calls == asked + 7


def test_a_long_queue_is_asked_for_ever_more_seldom(scene: Scene) -> None:
    attempt = waiting(scene)
    jobs.look(attempt)
    asked = scene.gateway.calls
    for _ in range(60):
        scene.clock.advance(timedelta(seconds=30))
        jobs.look(attempt)
    assert scene.gateway.calls - asked - 60 <= 16, "calls for the queue in half an hour"


def test_a_job_that_runs_asks_nothing_of_the_queue(scene: Scene) -> None:
    key = scene.planned()
    attempt = builders.row_id(scene.ports, validations.request_validation(scene.ports, DEVELOPER, key, org=PRODUCTION))
    scene.production.org.settings.pace = 1000
    jobs.start(attempt, check_only=True)
    scene.clock.advance(timedelta(minutes=8))
    jobs.look(attempt)
    assert scene.attempt(attempt).progress["state"] == "InProgress"
    before = scene.gateway.calls
    jobs.look(attempt)
    assert scene.gateway.calls == before + 1
    assert scene.attempt(attempt).progress["ahead"] is None


def test_jobs_that_have_ended_or_came_later_are_not_ahead() -> None:
    def row(name: str, state: str) -> DeployRequestRow:
        return DeployRequestRow(f"0Af00000000{name:0>4}AAA", state, False, NOW, None, "mei", 0, None)

    rows = [
        row("1", "Succeeded"),
        row("2", "InProgress"),
        row("3", "Canceling"),
        row("4", "Pending"),
        row("5", "Pending"),
    ]
    assert queueing.before("0Af000000000004AAA", rows) == 2
    assert queueing.before("0Af000000000004", rows) == 2
    assert queueing.before("0Af000000000009AAA", rows) is None


# Edits


@dataclass
class TimedChat(Chat):
    """A chat that knows when each post was placed or edited."""

    at: list[tuple[str, float]] = field(default_factory=list)

    def place(self, slot: str, channel: str, message: object, **more: Any) -> str:
        self.at.append((slot, time.monotonic()))
        return super().place(slot, channel, message, **more)


@pytest.fixture
def timed(tmp_path: Path) -> Iterator[Scene]:
    store = open_store(f"sqlite:///{tmp_path}/app.sqlite")
    migrate(store)
    flows.load_all()
    with a_scene(store) as scene:
        scene.chat = TimedChat()
        outside.use(scene.outside)
        yield scene
    store.close()


def test_the_engine_edits_a_running_post_seldom_and_its_end_at_once(timed: Scene, tmp_path: Path) -> None:
    key = timed.planned()
    timed.chat.files["F1"] = sample_package("mended")
    attempt = builders.row_id(timed.ports, validations.request_validation(timed.ports, DEVELOPER, key, org=PRODUCTION))
    slot = f"deployment:{timed.attempt(attempt).key}"
    chat = timed.chat
    assert isinstance(chat, TimedChat)
    timed.production.org.settings.pace = 1000
    with running(timed, tmp_path) as engine:
        wait_until(lambda: any(name == slot for name, _ in chat.at))
        wait_until(lambda: bool(timed.attempt(attempt).job_id))
        for done in range(1, 30):
            status = JobStatus(
                "0Af1", "InProgress", False, False, True, components_done=done, components_total=99, state_detail="x"
            )
            attempts.note_progress(timed.ports, attempt, status)
            engine.nudge()
            time.sleep(0.25)
        edits = [moment for name, moment in chat.at if name == slot]
        gaps = [later - earlier for earlier, later in pairwise(edits[1:])]
        assert gaps
        assert min(gaps) > 2.5, gaps  # three seconds, as this process sees them
        before = len(edits)
        ended = time.monotonic()
        failed = replace(status, state="Failed", done=True, error_message="It was too much.")
        validations.finish_validation(timed.ports, attempt, failed)
        engine.nudge()
        wait_until(lambda: len([1 for name, _ in chat.at if name == slot]) > before)
        assert [moment for name, moment in chat.at if name == slot][-1] - ended < 2.5
        timed.production.org.settings.pace = 0
