"""Which flows have to run, read from our own rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import delete, func, update
from sqlmodel import col, select

from release_core.models import Intent, Receipt
from release_core.store import Store

QueueName = Literal["orgs", "tell", "chores"]


@dataclass(frozen=True)
class Queue:
    """How the intents of one kind wait for each other: in order, one at a time per lane, or not at all."""

    one_per_lane: bool
    at_once: int


QUEUES: Mapping[QueueName, Queue] = {
    "orgs": Queue(one_per_lane=True, at_once=50),
    "tell": Queue(one_per_lane=True, at_once=20),
    "chores": Queue(one_per_lane=False, at_once=20),
}


class Waiting(NamedTuple):
    """An intent as the order of starting sees it."""

    key: str
    flow: str
    lane: str


@dataclass(frozen=True)
class Errand:
    """An intent that was given out: which flow to run, under which key, with what."""

    key: str
    flow: str
    args: dict[str, Any]


def startable(due: Sequence[Waiting], started: Sequence[Waiting], queue_of: Mapping[str, QueueName]) -> list[str]:
    """The keys that may start now, in order; `due` comes in the order of starting.

    Intents of a flow that this process does not know stay due.
    """
    taken = {(queue_of[one.flow], one.lane) for one in started if one.flow in queue_of}
    running = {name: sum(1 for one in started if queue_of.get(one.flow) == name) for name in QUEUES}
    chosen = []
    for one in due:
        name = queue_of.get(one.flow)
        if name is None:
            continue
        if QUEUES[name].one_per_lane:
            # A lane whose first intent cannot start yet is as taken as one with an intent running: no overtaking.
            free = (name, one.lane) not in taken
            taken.add((name, one.lane))
        else:
            free = True
        if free and running[name] < QUEUES[name].at_once:
            running[name] += 1
            chosen.append(one.key)
    return chosen


def start_due(store: Store, now: datetime, queue_of: Mapping[str, QueueName]) -> list[Errand]:
    """Mark as started what is due and free to go; Contended when another replica did so at the same moment."""
    with store.reading() as session:
        if not session.scalar(select(func.count()).where(*_due(now))):
            return []
    with store.transaction() as session:
        # Actions give several intents one instant; a shorter key of the same shape holds the smaller number.
        order = (col(Intent.due_at), col(Intent.created_at), func.length(Intent.key), col(Intent.key))
        due = [Waiting(*row) for row in session.exec(_waiting().where(*_due(now)).order_by(*order))]
        started = [Waiting(*row) for row in session.exec(_waiting().where(Intent.state == "started"))]
        errands = []
        for key in startable(due, started, queue_of):
            intent = session.get_one(Intent, key)
            intent.state = "started"
            errands.append(Errand(intent.key, intent.flow, intent.args))
    return errands


def started(store: Store) -> list[Errand]:
    """What was given out and has not ended."""
    with store.reading() as session:
        return [
            Errand(intent.key, intent.flow, intent.args)
            for intent in session.exec(select(Intent).where(Intent.state == "started"))
        ]


def is_started(store: Store, key: str) -> bool:
    """Whether an intent was given out and has not ended."""
    with store.reading() as session:
        intent = session.get(Intent, key)
        return intent is not None and intent.state == "started"


def next_due(store: Store, now: datetime) -> datetime | None:
    """The earliest later instant at which an intent falls due."""
    with store.reading() as session:
        wanted = select(Intent.due_at).where(Intent.state == "due", Intent.due_at > now).order_by(col(Intent.due_at))
        return session.exec(wanted.limit(1)).first()


def flows_wanted(store: Store, now: datetime) -> set[str]:
    """The names of the flows that due intents ask for."""
    with store.reading() as session:
        return set(session.exec(select(Intent.flow).where(*_due(now)).distinct()))


def finish(store: Store, key: str, now: datetime) -> bool:
    """Mark a started intent as finished; False when it was not running."""
    return _end(store, key, state="finished", finished_at=now)


def fail(store: Store, key: str, now: datetime, problem: str) -> bool:
    """Mark a started intent as failed, with the sentence; False when it was not running."""
    return _end(store, key, state="failed", finished_at=now, problem=problem)


def count_takeover(store: Store, key: str) -> int:
    """Count that a run was taken over from a dead replica; how often that happened by now (0: no such intent)."""
    with store.transaction() as session:
        intent = session.get(Intent, key)
        if intent is None:
            return 0
        intent.takeovers += 1
        return intent.takeovers


def prune(store: Store, before: datetime) -> None:
    """Forget intents that ended, with the receipts, from before an instant."""
    with store.transaction() as session:
        ended = col(Intent.state).in_(("finished", "failed", "withdrawn"))
        last_known = func.coalesce(Intent.finished_at, Intent.due_at)
        session.execute(delete(Intent).where(ended, last_known < before))
        session.execute(delete(Receipt).where(col(Receipt.at) < before))


def _waiting() -> Any:
    return select(Intent.key, Intent.flow, Intent.lane)


def _due(now: datetime) -> tuple[Any, Any]:
    return (Intent.state == "due", Intent.due_at <= now)


def _end(store: Store, key: str, **outcome: Any) -> bool:
    with store.transaction() as session:
        ended = session.execute(
            update(Intent).where(col(Intent.key) == key, col(Intent.state) == "started").values(**outcome)
        )
        return bool(ended.rowcount)  # type: ignore[attr-defined]
