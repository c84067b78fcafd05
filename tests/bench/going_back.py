"""How soon a rollback that a second person confirms has reached its org: `python -m tests.bench.going_back`.

The bot's flows and engine run in this process, against a local org on this machine. Nothing here passes or fails.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from sqlalchemy import delete
from sqlmodel import col

from bot import flows, outside
from bot.engine import Engine, Timings
from bot.failures import tell_of_failure
from release_core import rollback_requests
from release_core.models import Intent
from release_core.store import migrate, open_store
from tests.bot.flows.scenes import Scene, a_scene
from tests.release_core import builders
from tests.release_core.builders import MANAGER, SECOND_MANAGER

ROUNDS = 3
SOON = 60.0


@dataclass(frozen=True)
class Return:
    """One rollback: seconds from the confirmed click to the org's acceptance, and the org calls on the way."""

    seconds: float
    calls: int


def main() -> None:
    """Go back a few times, print the table."""
    print(table())  # noqa: T201 - printing is what this program is for


def table() -> str:
    """The median of some rollbacks beside what a bare quick-deploy request takes."""
    bare = median(_bare() for _ in range(ROUNDS))
    returns = [_go_back() for _ in range(ROUNDS)]
    seconds, calls = median(one.seconds for one in returns), max(one.calls for one in returns)
    return "\n".join(
        (
            "| going back, armed: from the confirmed click to the org having the job | |",
            "|---|--:|",
            f"| seconds | {seconds:.3f} |",
            f"| calls to the org on the way | {calls} |",
            f"| a bare quick-deploy request, seconds | {bare:.3f} |",
            f"| ratio | {seconds / bare:.1f} × |",
        )
    )


def _bare() -> float:
    """Seconds of one quick-deploy request, with a session that is open already."""
    with a_scene() as scene:
        validated = scene.attempt(builders.newest(scene.ports, scene.ready(), "validation").id or 0).job_id
        began = time.perf_counter()
        scene.gateway.quick_deploy(validated)
        return time.perf_counter() - began


def _go_back() -> Return:
    """A whole bot: its store and engine in files, its steps recorded; the look is over when the click comes."""
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as name:
        folder = Path(name)
        store = open_store(f"sqlite:///{folder}/rollcall.sqlite")
        migrate(store)
        flows.load_all()
        with a_scene(store) as scene:
            outside.use(scene.outside)
            key = scene.live()
            _forget_what_is_due(scene)
            scene.production.org.settings.pace = 0.2
            engine = Engine(store, scene.clock, folder, partial(tell_of_failure, scene.ports), Timings())
            engine.start()
            try:
                return _measure(scene, engine, key)
            finally:
                engine.stop()
                store.close()


def _forget_what_is_due(scene: Scene) -> None:
    """The scene ran its flows itself; the engine is to run only what comes from here on."""
    with scene.ports.store.transaction() as session:
        session.execute(delete(Intent).where(col(Intent.due_at) <= scene.clock.now()))


def _measure(scene: Scene, engine: Engine, key: str) -> Return:
    request = rollback_requests.ask_rollback(scene.ports, MANAGER, key, "quotes cannot be saved")
    engine.nudge()
    _until(lambda: "rollback_looked" in scene.said(key))
    _until(lambda: not builders.intents(scene.ports, "tell"))
    calls, had = scene.gateway.calls, len(scene.jobs)
    began = time.perf_counter()
    rollback_requests.decide_rollback(scene.ports, SECOND_MANAGER, request, yes=True)
    engine.nudge()
    # Looked at in the org itself, so that nothing but the bot's own work is on the way.
    while len(scene.jobs) == had:
        time.sleep(0.001)
    took, asked = time.perf_counter() - began, scene.gateway.calls - calls
    _until(lambda: scene.release(key).state == "rolled_back")
    return Return(took, asked)


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not happen within {SOON:.0f} seconds")
        time.sleep(0.01)


if __name__ == "__main__":
    main()
