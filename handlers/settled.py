"""What reminds people of something, once it was settled: it offers nothing any more, and says by what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, select

from release_core.models import TimelineEntry
from release_core.timeline import Kind

_START_OVER = (
    *(Kind.START_SKIPPED, Kind.DEPLOYMENT_REQUESTED, Kind.WINDOW_SET, Kind.WINDOW_CLOSED, Kind.WINDOW_MISSED),
    Kind.RELEASE_CANCELLED,
)
_ENDED_BY: Mapping[Kind, Sequence[Kind]] = {
    Kind.START_AHEAD: _START_OVER,
    Kind.START_WAITS: _START_OVER,
    Kind.RELEASE_HELD: (Kind.RELEASE_RESUMED, Kind.RELEASE_CANCELLED),
    Kind.WORD_OVERDUE: (Kind.INCIDENT_NOTED, Kind.INCIDENT_RESOLVED),
    Kind.DEPLOYMENT_UNKNOWN: (Kind.DEPLOYMENT_CLARIFIED,),
    Kind.ORG_LOCKED: (Kind.ORG_UNLOCKED,),
}


_ELSEWHERE = (Kind.ORG_LOCKED, Kind.ORG_UNLOCKED, Kind.DEPLOYMENT_UNKNOWN, Kind.DEPLOYMENT_CLARIFIED)
"""An org may be locked, an attempt be lost, in another stream than it is settled."""


def settled_by(session: Session, entry: TimelineEntry) -> TimelineEntry | None:
    """The fact that settled what another one reminds of; None while it waits, or reminds of nothing."""
    ends = _ENDED_BY.get(Kind(entry.kind), ())
    if not ends:
        return None
    later = select(TimelineEntry).where(col(TimelineEntry.kind).in_(ends), col(TimelineEntry.id) > entry.id)
    found = session.exec(_near(later, entry).order_by(col(TimelineEntry.id)))
    return next((one for one in found if _about_the_same(entry, one)), None)


def reminders_settled(session: Session, entry: TimelineEntry) -> list[str]:
    """The slots (without their copies' readers) of what a fact settles."""
    kinds = [kind for kind, ends in _ENDED_BY.items() if entry.kind in ends]
    if not kinds:
        return []
    before = select(TimelineEntry).where(col(TimelineEntry.kind).in_(kinds), col(TimelineEntry.id) < entry.id)
    found = session.exec(_near(before, entry))
    return [f"entry:{one.stream}:{one.number}" for one in found if _about_the_same(one, entry)]


def _near(query: Any, entry: TimelineEntry) -> Any:
    """Within the stream, but for what may be settled in another one."""
    return query if entry.kind in _ELSEWHERE else query.where(TimelineEntry.stream == entry.stream)


def _about_the_same(reminder: TimelineEntry, end: TimelineEntry) -> bool:
    named = {Kind.DEPLOYMENT_UNKNOWN: "deployment", Kind.ORG_LOCKED: "org"}.get(Kind(reminder.kind), "")
    return not named or reminder.details.get(named) == end.details.get(named) is not None
