"""What became of earlier deployments, as far as it says something about the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, desc, select

from release_core.metadata_types import Component
from release_core.models import Deployment, Release, ReleasePackage

RECENT = 50
"""So many deployments to an org are looked back at."""

WITH_PARTS = 20
"""Of so many that went wrong it is known what they held; a package may hold ten thousand components."""


@dataclass(frozen=True)
class PastDeployment:
    """One deployment to the same org that has ended; `parts` are known of those that went wrong alone."""

    release: str
    owner_id: str
    state: str
    at: datetime
    parts: frozenset[Component] = frozenset()

    @property
    def went_wrong(self) -> bool:
        """Whether it failed in the org, or was taken back."""
        return self.state != "succeeded"


def track_record(session: Session, release: Release) -> Sequence[PastDeployment]:
    """The newest deployments of other releases to the target of this one, newest first.

    One that was held before the org was asked says nothing, so it is left out.
    """
    query = (
        select(Deployment, Release)
        .join(Release, col(Release.id) == col(Deployment.release_id))
        .where(
            Deployment.org == release.target_org,
            Deployment.purpose == "deployment",
            col(Deployment.state).in_(("succeeded", "failed", "rolled_back")),
            Deployment.job_id != "",
            Deployment.release_id != release.id,
        )
        .order_by(desc(Deployment.id))
        .limit(RECENT)
    )
    found = session.exec(query).all()
    wrong = [attempt.package_id for attempt, _ in found if attempt.state != "succeeded"]
    parts = _parts(session, wrong[:WITH_PARTS])
    return [
        PastDeployment(r.key, r.owner_id, a.state, a.requested_at, parts.get(a.package_id or 0, frozenset()))
        for a, r in found
    ]


def _parts(session: Session, packages: Sequence[int | None]) -> dict[int, frozenset[Component]]:
    if not packages:
        return {}
    rows = session.exec(select(ReleasePackage).where(col(ReleasePackage.id).in_(packages))).all()
    return {
        row.id or 0: frozenset(Component(*one) for one in (*row.components, *row.before, *row.after)) for row in rows
    }
