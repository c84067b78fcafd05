"""Where releases get into each other's way while both can still be changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, desc, select

from release_core.impacts import object_of, readable
from release_core.lookups import BEFORE_DEPLOYMENT, package_of, window_of
from release_core.metadata_types import Component
from release_core.models import Release, TimelineEntry
from release_core.risks import parts_changed
from release_core.timeline import BOT, Kind, record
from release_core.windows import Interval

LOOKED_AT = 200
"""So many other releases are looked at, the newest first; a package may hold ten thousand components."""

TOLD = 5
"""So many names of one conflict are told."""

_NOT_YET_OVER = (*BEFORE_DEPLOYMENT, "deploying")


@dataclass(frozen=True)
class Planned:
    """What one release is about to change, where, when, under whose name; `window` is None while none is set."""

    key: str
    name: str
    owner_id: str
    orgs: frozenset[str]
    parts: frozenset[Component] = frozenset()
    window: Interval | None = None


@dataclass(frozen=True)
class Clash:
    """One way in which another release is in the way.

    `about`: "components" that both change, "records" of which both change other parts, "window" in the same org,
    "owner" who would be needed twice at once. `what` names them; for times both ends in ISO, UTC.
    """

    about: str
    other: Planned
    what: tuple[str, ...] = field(default=())


def conflicts(one: Planned, others: Sequence[Planned]) -> list[Clash]:
    """Everything in which a release and others are in each other's way, those that matter most first."""
    found = [clash for other in others if other.key != one.key for clash in _between(one, other)]
    return sorted(found, key=lambda clash: _ORDER.index(clash.about))


_ORDER = ("components", "window", "owner", "records")


def _between(one: Planned, other: Planned) -> Iterator[Clash]:
    if one.orgs & other.orgs:
        same = one.parts & other.parts
        if same:
            yield Clash("components", other, tuple(sorted(map(str, same))))
        ours, theirs = _objects(one.parts - same), _objects(other.parts - same)
        if both := ours & theirs:
            yield Clash("records", other, tuple(sorted(both)))
    shared = _shared(one.window, other.window)
    if shared and one.orgs & other.orgs:
        yield Clash("window", other, shared)
    elif shared and one.owner_id == other.owner_id:
        yield Clash("owner", other, shared)


def _objects(parts: frozenset[Component]) -> set[str]:
    return {readable(name) for name in map(object_of, parts) if name}


def _shared(one: Interval | None, other: Interval | None) -> tuple[str, ...]:
    if one is None or other is None or not one.overlaps(other):
        return ()
    return max(one.starts_at, other.starts_at).isoformat(), min(one.ends_at, other.ends_at).isoformat()


def planned(session: Session, release: Release) -> Planned:
    """What a release is about to do, as far as it is known."""
    package, window = package_of(session, release), window_of(session, release)
    booked = window is not None and window.state in ("booked", "open")
    return Planned(
        release.key,
        release.name,
        release.owner_id,
        frozenset(release.path or (release.target_org,)),
        frozenset(parts_changed(package, release.target_org)),
        Interval(window.starts_at, window.ends_at) if window and booked else None,
    )


def conflicts_of(session: Session, release: Release) -> list[Clash]:
    """Where a release and those that have not gone yet are in each other's way; none for one that has gone."""
    if release.state not in _NOT_YET_OVER:
        return []
    query = select(Release).where(col(Release.state).in_(_NOT_YET_OVER), Release.id != release.id)
    others = session.exec(query.order_by(desc(Release.id)).limit(LOOKED_AT)).all()
    return conflicts(planned(session, release), [planned(session, other) for other in others])


def note_conflicts(session: Session, release: Release, now: datetime) -> None:
    """Tell both owners, in both threads, of every conflict that was not told in this form before."""
    session.flush()
    found = conflicts_of(session, release)
    if not found:
        return
    query = select(TimelineEntry).where(
        TimelineEntry.stream == release.key, TimelineEntry.kind == str(Kind.CONFLICT_FOUND)
    )
    told = [_meaning(entry.details) for entry in session.exec(query).all()]
    ours = planned(session, release)
    for clash in found:
        if _meaning(details := _details(clash, clash.other)) not in told:
            record(session, Kind.CONFLICT_FOUND, stream=release.key, actor=BOT, at=now, details=details)
            theirs = _details(clash, ours)
            record(session, Kind.CONFLICT_FOUND, stream=clash.other.key, actor=BOT, at=now, details=theirs)


def _details(clash: Clash, other: Planned) -> dict[str, Any]:
    names = list(clash.what)
    told = {"about": clash.about, "with": other.key, "name": other.name, "owner": other.owner_id}
    return {**told, "what": names[:TOLD], "more": max(0, len(names) - TOLD)}


def _meaning(details: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(str(details.get(name)) for name in ("about", "with", "what", "more"))
