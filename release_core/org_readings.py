"""What an org told of what bears on a deployment, kept until it is asked again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, desc, select

from release_core.models import Deployment, DeploymentWindow, OrgReading, Release
from release_core.ports import Ports

AGAIN_AFTER = timedelta(hours=1)
"""While something in an org matters it is asked so often; two or three calls each time."""

SOON = timedelta(hours=3)
"""So long before a window opens, until it closes, the org is asked more often."""

AGAIN_SOON = timedelta(minutes=10)

STALE_AFTER = timedelta(minutes=90)
"""What is older says nothing any more: it holds nobody, and people read that it is old."""

KEPT = 200
"""So many changes are kept; whoever has more looks into the audit trail itself."""


def is_due(ports: Ports, org: str) -> bool:
    """Whether an org has to be asked again."""
    now = ports.clock.now()
    with ports.store.reading() as session:
        last = session.get(OrgReading, org)
        return last is None or now - last.asked_at >= (AGAIN_SOON if _is_near(session, org, now) else AGAIN_AFTER)


def _is_near(session: Session, org: str, now: datetime) -> bool:
    """Whether a window for the org is open, or opens soon."""
    near = select(DeploymentWindow.id).join(Release, col(Release.id) == col(DeploymentWindow.release_id)).where(
        Release.target_org == org, col(DeploymentWindow.state).in_(("booked", "open")),
        DeploymentWindow.starts_at <= now + SOON,
    )  # fmt: skip
    return session.exec(near).first() is not None


def changes_wanted_since(session: Session, org: str) -> datetime | None:
    """From when on others' changes matter: the end of the oldest check-only run there that still counts; else None."""
    query = select(Deployment.finished_at).where(
        Deployment.org == org, Deployment.purpose == "validation", Deployment.state == "validated",
        Deployment.voided_because == "", col(Deployment.lapses_at).is_not(None),
    )  # fmt: skip
    ended = [one for one in session.exec(query.order_by(desc(Deployment.id)).limit(50)).all() if one]
    return min(ended, default=None)


def note_reading(ports: Ports, org: str, found: Mapping[str, Any], changes_since: datetime | None) -> None:
    """Keep what an org told now."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        row = session.get(OrgReading, org) or OrgReading(org=org, asked_at=now)
        row.asked_at, row.changes_since, row.found, row.problem = now, changes_since, dict(found), ""
        session.add(row)


def note_unread(ports: Ports, org: str, sentence: str) -> None:
    """An org could not be asked; what it told before stays, and grows old."""
    with ports.store.transaction() as session:
        row = session.get(OrgReading, org)
        if row is not None:
            row.problem = sentence
            session.add(row)


def is_fresh(reading: OrgReading | None, now: datetime) -> bool:
    """Whether what an org told still says something."""
    return reading is not None and now - reading.asked_at < STALE_AFTER


def jobs_of(reading: OrgReading) -> Sequence[Sequence[str]]:
    """Rows [class, kind of job, state, ISO instant or ""]."""
    return list(reading.found.get("jobs", ()))


def changes_of(reading: OrgReading, since: datetime) -> Sequence[Sequence[str]]:
    """Rows [ISO instant, by, display] of what others changed in the setup after an instant."""
    return [row for row in reading.found.get("changes", ()) if datetime.fromisoformat(row[0]) > since]


def limit_of(reading: OrgReading, name: str) -> tuple[int, int] | None:
    """(most, left) of one of the org's limits, where it told."""
    found = reading.found.get("limits", {}).get(name)
    return (found[0], found[1]) if found else None
