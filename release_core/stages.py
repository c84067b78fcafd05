"""A staged release goes on from one org of its path to the next."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from release_core.errors import Refused
from release_core.facts import gather, next_org
from release_core.lookups import find_release, package_of, window_of
from release_core.models import Intent, Release
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.readiness import settle_state
from release_core.releases import came_early, must_be_done, soak_again
from release_core.scheduling import withdraw_window
from release_core.seats import waiting_seats
from release_core.tasks import announce_next
from release_core.timeline import BOT, Kind, intend, record


def move_on(ports: Ports, key: str) -> str:
    """A release was watched long enough in one org: the next one is its target now; returns that org, "" when it waits.

    Nothing is deployed by it. Every gate of the next org is weighed anew: it needs a window and a validation of its
    own, while approvals count for the whole path. An open incident or a rollback lets the soak begin again.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        following, here = next_org(release), release.target_org
        if not following or came_early(session, ports.policy, release, now):
            return ""
        try:
            must_be_done(session, ports.policy, release)
        except Refused as refused:
            soak_again(session, ports.policy, release, refused, now)
            return ""
        release.target_org, release.state = following, "planned"
        session.add(release)
        withdraw_window(session, release)
        _forget_window(session, release)
        _compare_anew(session, release, now)
        settle_state(session, ports.policy, release, now)
        _let_be_asked_again(session, ports.policy, release, now)
        details = {"org": following, "from": here, "place": release.path.index(following) + 1}
        record(session, Kind.RELEASE_MOVED_ON, stream=release.key, actor=BOT, at=now, details=details)
        announce_next(session, ports.policy, release, now)
        return following


def _let_be_asked_again(session: Session, policy: Policy, release: Release, now: datetime) -> None:
    """A yes may have expired during the soak, or another seat be needed: it is asked when this org was compared."""
    session.flush()
    facts = gather(session, policy, release)
    if facts.asking is not None and waiting_seats(facts, policy, now):
        release.asked_digest = ""
        session.add(release)


def _forget_window(session: Session, release: Release) -> None:
    """A window that is over was that of the org before, too: the next one has none yet."""
    window = window_of(session, release)
    if window:
        window.state = "withdrawn"
        session.add(window)


def _compare_anew(session: Session, release: Release, now: datetime) -> None:
    """What a package would do, and how it would come back, is another question in each org."""
    package = package_of(session, release)
    assert package is not None, "what went through an org has a package"
    if package.diff_digest:  # what people read before they said yes stays readable
        others = [row for row in package.earlier_diffs if row[0] != package.compared_org]
        package.earlier_diffs = [*others, [package.compared_org, package.diff_digest]]
    package.compared_at, package.comparison, package.verdicts = None, [], []
    package.last_changed, package.diff_digest, package.compared_org = [], "", ""
    session.add(package)
    key = f"comparison:{release.key}:{package.number}:{release.target_org}"
    if session.get(Intent, key):
        # It comes here again: in an org before, it was taken back and then brought back.
        key += f":{now.isoformat()}"
    intend(session, key, "comparison", now=now, lane=release.key, package=package.id)
