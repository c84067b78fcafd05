"""A fault of an org comes once while a release goes in or comes back, which never happens twice.

ROLLCALL_EVERY_FAULT=1 has every fault that there is come, which takes minutes.
"""

from __future__ import annotations

import os

import pytest

from bot.flows import deployment, rollback
from bot.rehearsal.org.faults import KINDS
from tests.bot.flows.scenes import Scene
from tests.release_core import builders

SAMPLE = ("bad_gateway", "drop_connection", "invalid_session", "servlet_state", "unavailable")
SWEPT = sorted(KINDS) if os.environ.get("ROLLCALL_EVERY_FAULT") else SAMPLE
ENDED = ("succeeded", "failed", "unknown")


@pytest.mark.parametrize("kind", SWEPT)
def test_a_fault_on_the_quick_way_back_never_makes_two_jobs(scene: Scene, kind: str) -> None:
    key = scene.live()
    before = len(scene.jobs)
    attempt = scene.wish_back(key)
    scene.fault(kind)
    rollback.rollback({"deployment": attempt})
    _has_ended_once(scene, key, attempt, before)


@pytest.mark.parametrize("kind", SWEPT)
def test_a_fault_while_a_release_goes_in_never_makes_two_jobs(scene: Scene, kind: str) -> None:
    key = scene.ready()
    attempt = scene.asked(key)
    scene.fault(kind)
    deployment.deployment({"deployment": attempt})
    _has_ended_once(scene, key, attempt, 0)


def _has_ended_once(scene: Scene, key: str, attempt: int, before: int) -> None:
    done = scene.attempt(attempt)
    landed = [job for job in scene.jobs[before:] if job.status == "Succeeded"]
    assert done.state in ENDED
    assert len(landed) <= 1
    assert (done.state == "succeeded") <= (len(landed) == 1)
    assert done.state == "succeeded" or done.problem
    assert builders.kinds(scene.ports, key)
