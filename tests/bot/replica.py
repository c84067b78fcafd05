"""A small bot whose flows leave traces, to be started, killed and frozen by tests."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlmodel import SQLModel, select

from bot.durable import fact, flow, pause, step
from bot.engine import Engine, Timings
from bot.leases import LeaseTimes
from bot.outside import Outside, current, use
from bot.rehearsal.clock import MovableClock
from release_core.models import Counter, Intent
from release_core.ports import Ports
from release_core.store import Store, open_store

STEPS = ["look", "create", "count", "poll-0", "poll-1", "poll-2", "follow"]
HASTE = Timings(
    sweep_every=0.5,
    lease=LeaseTimes(beat_every=0.3, fence_after=2.0, dead_after=4.0, janitor_every=0.3),
    most_takeovers=5,
)


class Traces:
    """A file to which flows append what they did, one JSON line each, and a folder for what they made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "traces"

    def leave(self, name: str, did: str) -> None:
        """Append one line that survives a kill."""
        with self._file.open("a") as file:
            file.write(json.dumps([name, did]) + "\n")

    def read(self, name: str | None = None) -> list[str]:
        """What was done, in order, by the flow called `name` or by all."""
        if not self._file.exists():
            return []
        lines = [json.loads(line) for line in self._file.read_text().splitlines()]
        return [did for who, did in lines if name in (None, who)]


def _traces() -> Traces:
    traces = current().chat
    assert isinstance(traces, Traces)
    return traces


@step
def look(name: str) -> str:
    """A question to the outside."""
    time.sleep(0.03)
    _traces().leave(name, "look")
    time.sleep(0.03)
    return name


@step
def create(name: str) -> str:
    """A change outside, which looks first."""
    made = _traces().folder / f"made-{name}"
    if not made.exists():
        time.sleep(0.03)
        # A kill between these two must leave a trace too many, never one too few.
        _traces().leave(name, "create")
        made.touch()
    time.sleep(0.05)
    return str(made)


@fact
def count(name: str) -> None:
    """A core action that would show if it happened twice."""
    with current().ports.store.transaction() as session:
        counter = session.get(Counter, name) or Counter(kind=name)
        counter.last += 1
        session.add(counter)
        time.sleep(0.02)
        _traces().leave(name, "count")


@step
def poll(name: str, turn: int) -> bool:
    """A question asked again and again."""
    time.sleep(0.02)
    _traces().leave(name, f"poll-{turn}")
    time.sleep(0.02)
    return turn == 2


@fact
def follow(name: str) -> None:
    """A core action that asks for another flow."""
    _traces().leave(name, "follow")
    put(current().ports.store, f"word:{name}", "test-word", lane=name, name=name)


@flow("test-story", queue="orgs")
def story(args: dict[str, Any]) -> None:
    """Seven steps with a rest between them."""
    name = look(args["name"])
    create(name)
    pause(args.get("rest", 0.05))
    count(name)
    turn = 0
    while not poll(name, turn):
        pause(0.03)
        turn += 1
    follow(name)


@flow("test-word", queue="tell")
def word(args: dict[str, Any]) -> None:
    """One step."""
    say(args["name"])


@step
def say(name: str) -> None:
    """Something said."""
    _traces().leave(f"word:{name}", "say")


def put(store: Store, key: str, flow: str, *, lane: str = "", later: float = 0.0, **args: Any) -> None:
    """Write an intent that is due now, or `later` by so many seconds."""
    now = MovableClock().now()
    due = now + timedelta(seconds=later)
    with store.transaction() as session:
        session.add(Intent(key=key, flow=flow, args=args, lane=lane, due_at=due, state="due", created_at=now))


def states(store: Store) -> dict[str, str]:
    """The state of every intent by its key."""
    with store.reading() as session:
        return {intent.key: intent.state for intent in session.exec(select(Intent))}


def read_intent(store: Store, key: str) -> Intent:
    """One intent as it stands."""
    with store.reading() as session:
        intent = session.get_one(Intent, key)
        session.expunge(intent)
    return intent


def fresh_store(url: str) -> Store:
    """A store with empty tables."""
    store = open_store(url)
    SQLModel.metadata.create_all(store.engine)
    return store


def main(url: str, folder: Path, ready: Connection) -> None:
    """Run on a database and a folder until SIGTERM; says its executor id when it is up."""
    store = open_store(url)
    clock = MovableClock()
    traces = Traces(folder)
    use(Outside(Ports(store, None, clock, None), org=None, chat=traces))  # type: ignore[arg-type]
    engine = Engine(store, clock, folder, lambda key, error: traces.leave(key, f"failed: {error}"), HASTE)
    asked_to_end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked_to_end.set())
    engine.start()
    ready.send(engine.executor_id)
    asked_to_end.wait()
    parked = engine.stop(timeout=5)
    os._exit(0 if parked else 1)
