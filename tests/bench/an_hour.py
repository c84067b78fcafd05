"""What a deployment of 60 minutes costs against the local org: HTTP calls, seconds from its end to our notice of it.

Everything is the product's: the flow's steps, its gateway over HTTP, its looks with their pace. Only the rests between
two looks are not slept: the clock that the bot shares with the org is moved by as much.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from bot.flows import checks, deployment, jobs
from bot.flows.looking import Look, next_look_after
from release_core import validations
from tests.bot.flows.scenes import Scene, a_scene
from tests.release_core import builders
from tests.release_core.builders import DEVELOPER, PRODUCTION

HOUR = 3600.0
CALLS_AT_MOST, LATE_AT_MOST = 150, 5.0


@dataclass(frozen=True)
class Hour:
    """One deployment: HTTP calls from the click to the end, seconds (of the org's clock) until its end was seen.

    `real` is how many real seconds it took us to play it.
    """

    calls: int
    late: float
    real: float


def figures() -> str:
    """One line when its check took as long before, one when that took moments and foretells nothing."""
    lines = [
        "A deployment of 60 minutes in the local org, over HTTP, from the click until it was read back "
        f"(wanted: under {CALLS_AT_MOST} calls, its end noticed within {LATE_AT_MOST:.0f} s):"
    ]
    for name, before in (("its check took as long", HOUR), ("its check took moments", 0.0)):
        hour = play(check_takes=before)
        kept = "kept" if hour.calls < CALLS_AT_MOST and hour.late <= LATE_AT_MOST else "NOT KEPT"
        lines.append(f"  {name}: {hour.calls} calls, {hour.late:.1f} s: {kept} (played in {hour.real:.1f} s)")
    return "\n".join(lines)


def play(seconds: float = HOUR, *, check_takes: float = HOUR) -> Hour:
    """Deploy in full, with tests, to an org in which that takes so many seconds, and took its check so many."""
    with a_scene() as scene:
        key = scene.planned(strategy="full")
        _check(scene, key, check_takes)
        builders.settle_checklist(scene.ports, key)
        builders.approve(scene.ports, key)
        scene.production.org.settings.takes_seconds = seconds
        begun, calls = time.monotonic(), scene.gateway.calls
        attempt = scene.asked(key)
        late = _deploy(scene, attempt)
        real = time.monotonic() - begun
        assert scene.attempt(attempt).state == "succeeded", scene.attempt(attempt).problem
        return Hour(scene.gateway.calls - calls, late.total_seconds(), real)


def _check(scene: Scene, key: str, takes: float) -> None:
    scene.production.org.settings.takes_seconds = takes
    attempt = builders.row_id(scene.ports, validations.request_validation(scene.ports, DEVELOPER, key, org=PRODUCTION))
    jobs.start(attempt, check_only=True)
    _watch(scene, attempt)
    checks.conclude(attempt)
    assert scene.attempt(attempt).state == "validated", scene.attempt(attempt).problem


def _deploy(scene: Scene, attempt: int) -> timedelta:
    """The story of `deployment`, step by step; returns how long after the org's end we knew of it."""
    assert not deployment.hold_if_blocked(attempt)
    assert not deployment.look_around(attempt)
    deployment.take_snapshot(attempt)
    jobs.start(attempt, check_only=False)
    _watch(scene, attempt)
    known_at, job = scene.clock.now(), scene.jobs[-1]
    assert job.ended_at is not None
    deployment.conclude(attempt)
    deployment.read_back(attempt)
    return known_at - job.ended_at


def _watch(scene: Scene, attempt: int) -> None:
    """As `jobs.watch`, while the clock is moved instead of slept through."""
    looks, took_before = list[Look](), jobs.expected(attempt)
    while (seen := jobs.look(attempt))["seen"] != "done":
        assert seen["seen"] == "under way"
        looks.append(Look.read(seen))
        rest = next_look_after(looks, took_before)
        scene.clock.advance(timedelta(seconds=rest))
