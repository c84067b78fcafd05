"""Which files are still needed, which may go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, SQLModel, select

from release_core.facts import stand
from release_core.lookups import FINAL_STATES, find_release, others_live
from release_core.models import Deployment, Intent, Release, ReleasePackage, RollbackRequest
from release_core.policy import Policy
from release_core.ports import KeptFile, Ports
from release_core.timeline import BOT, Kind, intend, record
from release_core.ways_back import Reach, needs_its_files

LEFTOVERS_AFTER = timedelta(days=7)
"""How long a file is kept that nothing refers to; whatever was saved more recently may be about to be referred to."""
EVERY = timedelta(days=1)
FLOW = "retention"


@dataclass(frozen=True)
class Unneeded:
    """Files that may go: those of releases that are long over, by release key, then those that nothing refers to."""

    of_releases: Mapping[str, Sequence[KeptFile]]
    leftovers: Sequence[KeptFile]

    @property
    def files(self) -> tuple[KeptFile, ...]:
        """All of them, each once."""
        every = [file for files in self.of_releases.values() for file in files]
        return tuple({file.digest: file for file in (*every, *self.leftovers)}.values())


def unneeded(session: Session, policy: Policy, kept: Sequence[KeptFile], now: datetime) -> Unneeded:
    """Which of the kept files may go now.

    A release's files stay until it has been over for the policy's `keep_artifacts`, then as long as something of it can
    still be undone (`release_core.ways_back`).
    """
    releases = session.exec(select(Release)).all()
    needs = _digests_by_release(session)
    spent = [one for one in releases if _is_spent(session, policy, one, now)]
    over = {release.id for release in spent}
    wanted = {digest for release, digests in needs.items() if release not in over for digest in digests}
    old = {file.digest: file for file in kept if file.saved_at <= now - LEFTOVERS_AFTER}
    may_go = {
        release.key: [old[digest] for digest in sorted(needs.get(release.id, ())) if digest in old.keys() - wanted]
        for release in spent
    }
    referred = {digest for digests in needs.values() for digest in digests}
    return Unneeded(
        {key: files for key, files in may_go.items() if files},
        [file for digest, file in old.items() if digest not in referred],
    )


def _is_spent(session: Session, policy: Policy, release: Release, now: datetime) -> bool:
    """Whether nobody can need the files of a release any more."""
    if release.state not in FINAL_STATES or release.closed_at is None:
        return False
    if now < release.closed_at + policy.keep_artifacts:
        return False
    reach = Reach(others_live(session, release), policy.keep_artifacts)
    return not needs_its_files(stand(session, policy, release), reach, now)


def _digests_by_release(session: Session) -> dict[int | None, set[str]]:
    needs: dict[int | None, set[str]] = {}
    for package in session.exec(select(ReleasePackage).where(ReleasePackage.state != "refused")):
        needs.setdefault(package.release_id, set()).update(_digests(package))
    releases_of: dict[int | None, int] = {}
    for attempt in session.exec(select(Deployment)):
        releases_of[attempt.id] = attempt.release_id
        needs.setdefault(attempt.release_id, set()).update(_digests(attempt))
    for request in session.exec(select(RollbackRequest)):
        needs.setdefault(releases_of[request.deployment_id], set()).update(_digests(request))
    return needs


def _digests(row: SQLModel) -> Iterator[str]:
    """Every digest that a row holds; some stand for no file, which does no harm."""
    if isinstance(row, ReleasePackage):
        yield from (digest for _, digest in row.earlier_diffs)
    for name in type(row).model_fields:
        if name.endswith("digest") and getattr(row, name):
            yield getattr(row, name)


def note_deleted(ports: Ports, key: str, files: int) -> None:
    """Files of a release that is long over were deleted; what was in them stays known by their digests."""
    details = {"files": files, "days": ports.policy.keep_artifacts.days}
    with ports.store.transaction() as session:
        stream = find_release(session, key).key
        record(session, Kind.ARTIFACTS_DELETED, stream=stream, actor=BOT, at=ports.clock.now(), details=details)


def plan_retention(ports: Ports) -> None:
    """Have files looked through a day from now, unless that is planned."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        planned = select(Intent.key).where(Intent.flow == FLOW, Intent.state == "due")
        if session.exec(planned).first() is None:
            due_at = now + EVERY
            intend(session, f"{FLOW}:{due_at.isoformat()}", FLOW, now=now, due_at=due_at)
