"""Flows as the engine runs them: outages in the middle, the bot started anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot import flows, outside
from bot.chat_problems import ChatUnavailable, TokenEnded
from bot.engine import Engine, Timings
from bot.failures import tell_of_failure
from release_core import scheduling, starting
from release_core.store import migrate, open_store
from release_core.windows import Interval
from tests.bot.flows.scenes import Scene, a_scene
from tests.bot.processes import wait_until
from tests.release_core import builders
from tests.release_core.builders import MANAGER, SECOND_MANAGER


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A local production org with facts in a file, as the engine needs them."""
    store = open_store(f"sqlite:///{tmp_path}/app.sqlite")
    migrate(store)
    flows.load_all()
    with a_scene(store) as scene:
        outside.use(scene.outside)
        yield scene
    store.close()


@contextmanager
def running(scene: Scene, folder: Path) -> Iterator[Engine]:
    """The bot's engine, within the block."""
    told = partial(tell_of_failure, scene.ports)
    engine = Engine(scene.ports.store, scene.clock, folder, told, Timings(sweep_every=0.3))
    engine.start()
    try:
        yield engine
    finally:
        assert engine.stop(timeout=60)


def reaches(scene: Scene, attempt: int, state: str) -> Callable[[], bool]:
    return lambda: scene.attempt(attempt).state == state


def test_an_org_that_goes_away_in_mid_deployment_is_waited_for_across_a_restart(scene: Scene, tmp_path: Path) -> None:
    key = scene.ready()
    attempt = scene.asked(key)
    scene.production.org.settings.pace = 0.2
    with running(scene, tmp_path):
        wait_until(lambda: bool(scene.attempt(attempt).job_id))
        scene.away = True
        wait_until(lambda: "org_unreachable" in scene.said(key))
    with running(scene, tmp_path):
        scene.production.org.settings.pace = 0
        assert scene.attempt(attempt).state == "deploying"
        scene.away = False
        wait_until(reaches(scene, attempt, "succeeded"))
        wait_until(lambda: "rollback_armed" in scene.said(key))
    assert len(scene.jobs) == 1
    assert scene.said(key).count("org_unreachable") == 1
    assert "deployment_held" not in scene.said(key)
    assert "deployment_unknown" not in scene.said(key)


@pytest.mark.parametrize("trouble", [ChatUnavailable("Slack did not answer."), TokenEnded("The token was revoked.")])
def test_what_could_not_be_said_is_said_later_in_order_and_once(
    scene: Scene, tmp_path: Path, trouble: Exception
) -> None:
    scene.chat.away = [trouble] * 3
    key = builders.a_release(scene.ports)
    package = builders.a_package(scene.ports, key)
    assert package
    with running(scene, tmp_path):
        wait_until(lambda: not _waiting(scene))
    slots = [slot for slot, _ in scene.chat.posts]
    assert slots[0] == f"headline:{key}"
    fresh = [slot for slot in slots if slot.startswith("entry:")]
    assert fresh == sorted(set(fresh), key=lambda slot: int(slot.rsplit(":", 1)[1]))


def _waiting(scene: Scene) -> list[object]:
    return [*builders.intents(scene.ports, "tell"), *builders.intents(scene.ports, "tell", state="started")]


def test_a_booked_start_happens_once_and_waits_for_what_is_in_its_way(scene: Scene, tmp_path: Path) -> None:
    """Nobody presses anything: the alarm rings, somebody holds it, it is tried again, it goes."""
    key = scene.ready()
    scheduling.set_window(scene.ports, MANAGER, key, _in_hours(scene, 4, 2))
    starting.book_start(scene.ports, MANAGER, key)
    starting.hold(scene.ports, SECOND_MANAGER, key, "legal has a question")
    with running(scene, tmp_path) as engine:
        scene.clock.advance(timedelta(hours=3, minutes=50))
        engine.sweep()
        wait_until(lambda: "start_ahead" in scene.said(key))
        scene.clock.advance(timedelta(minutes=10))
        engine.sweep()
        wait_until(lambda: "start_waits" in scene.said(key))
        starting.resume(scene.ports, SECOND_MANAGER, key)
        scene.clock.advance(timedelta(minutes=5))
        engine.sweep()
        wait_until(lambda: scene.release(key).state == "soaking")
    assert len(scene.jobs) == 1
    assert scene.said(key).count("deployment_requested") == 1
    assert scene.said(key).count("start_waits") == 1
    (notice,) = [one for one in builders.entries(scene.ports, key) if one.kind == "start_ahead"]
    assert notice.details["minutes"] == 15, "the one of three hours before would not be true any more"


def _in_hours(scene: Scene, start: float, hours: float) -> Interval:
    starts_at = scene.clock.now() + timedelta(hours=start)
    return Interval(starts_at, starts_at + timedelta(hours=hours))
