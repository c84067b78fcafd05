"""An org's budget of API calls, and an org that goes away: what is told, what waits, what goes on."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

from bot.flows import comparison, deployment, jobs
from bot.rehearsal.org import keeping, serve
from release_core import attempts
from tests.bot.flows.scenes import Scene
from tests.release_core import builders
from tests.release_core.builders import MANAGER


def test_a_low_budget_makes_comparisons_wait_while_the_deployment_goes_on(scene: Scene) -> None:
    key = scene.ready()
    scene.production.org.budget.used = 13_600
    done = scene.deploy(key)
    assert done.state == "succeeded"
    assert scene.said(key).count("api_budget_low") == 1
    assert done.progress["low"]
    comparison.comparison({"package": 1})
    assert "1,3" in builders.last(scene.ports, key, "package_not_compared").details["problem"]
    assert "the last 10 % are kept" in builders.last(scene.ports, key, "package_not_compared").details["problem"]


def test_a_comparison_goes_on_above_the_reserve(scene: Scene) -> None:
    key = scene.planned()
    scene.gateway.limits()
    comparison.comparison({"package": 1})
    assert "package_compared" in scene.said(key)


def test_a_low_budget_makes_looks_rare(scene: Scene) -> None:
    attempt = _running(scene)
    assert not jobs.look(attempt)["saving"]
    scene.production.org.budget.used = 14_000
    assert jobs.look(attempt)["saving"]


def test_a_wish_to_stop_is_passed_on_at_once_although_looks_are_rare(scene: Scene) -> None:
    """Reading our own row costs the org nothing."""
    key = scene.ready(strategy="full")
    scene.production.org.budget.used = 14_000  # so that it looks once a minute
    attempt = scene.asked(key)
    deployment.take_snapshot(attempt)
    scene.production.org.settings.pace = 1000
    jobs.start(attempt, check_only=False)
    pressed = threading.Timer(2.0, attempts.request_cancel, (scene.ports, MANAGER, key))
    pressed.start()
    calls, began = scene.gateway.calls, time.monotonic()
    jobs.watch(attempt)
    assert time.monotonic() - began < 45  # passed on long before the next look, a minute away
    assert scene.gateway.calls - calls <= 6  # three looks, the cancel, the place in the queue, why it ended
    scene.production.org.settings.pace = 0  # what a cancelled job left behind is read back
    deployment.follow(attempt)
    assert scene.attempt(attempt).state == "cancelled"


def test_an_org_that_is_gone_for_an_hour_is_told_and_the_deployment_carries_on_by_itself(
    scene: Scene, tmp_path: Path
) -> None:
    """The org's server is stopped in mid-deployment, then started again with what it held."""
    key = scene.ready(strategy="full")
    attempt = scene.asked(key)
    deployment.take_snapshot(attempt)
    scene.production.org.settings.pace = 1000
    jobs.start(attempt, check_only=False)
    assert jobs.look(attempt)["seen"] == "under way"
    scene.production.stop()
    away = [jobs.look(attempt)["seen"] for _ in range(2)]
    scene.clock.advance(timedelta(hours=1))
    assert jobs.look(attempt)["seen"] == "away"
    keeping.save(scene.production.org, tmp_path / "production.org.json")
    back = serve.start("production", scene.production.port, clock=scene.clock, folder=tmp_path, pace=0)
    try:
        deployment.follow(attempt)
    finally:
        back.stop()
    assert away == ["away", "away"]
    assert scene.attempt(attempt).state == "succeeded"
    told = [kind for kind in scene.said(key) if kind in ("org_unreachable", "org_reachable", "deployment_succeeded")]
    assert told == ["org_unreachable", "org_reachable", "deployment_succeeded"]


def _running(scene: Scene) -> int:
    attempt = scene.asked(scene.ready(strategy="full"))
    deployment.take_snapshot(attempt)
    scene.production.org.settings.pace = 1000
    jobs.start(attempt, check_only=False)
    return attempt


def test_what_the_same_took_before_is_remembered_where_it_ran_tests_too(scene: Scene) -> None:
    key = scene.ready(strategy="full")
    validation = builders.newest(scene.ports, key, "validation")
    assert validation.started_at is not None
    with scene.ports.store.transaction() as session:
        validation.finished_at = validation.started_at + timedelta(minutes=20)
        session.merge(validation)
    assert jobs.expected(scene.asked(key)) == 1200


def test_a_quick_deployment_expects_nothing_of_its_validation(scene: Scene) -> None:
    assert jobs.expected(scene.asked(scene.ready())) == 0
