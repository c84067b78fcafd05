"""Closing an org to releases until a named person opens it again."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, desc, select

from release_core.errors import Conflict, Refused, ReleaseError, Unclear
from release_core.lookups import find_org
from release_core.models import OrgLock
from release_core.permissions import require
from release_core.ports import Ports
from release_core.timeline import Kind, record


def lock_org(ports: Ports, actor: str, org: str, reason: str) -> str:
    """Close an org; returns its policy key."""
    require(ports.policy, actor, "lock_org")
    if len(reason.strip()) < 3:
        raise Unclear("Say why the org is locked: /release lock in ORG -- reason", field="note")
    key = find_org(ports.policy, org)
    with ports.store.transaction() as session:
        held = standing_lock(session, key)
        if held:
            sentence = f"{ports.policy.orgs[key].title} is already locked: {held.reason}"
            raise Conflict(sentence, by=held.locked_by, at=held.locked_at)
        close(session, key, reason.strip(), actor=actor, now=ports.clock.now(), stream=stream_of(key))
    return key


def unlock_org(ports: Ports, actor: str, org: str, reason: str) -> str:
    """Open an org again, with a reason; returns its policy key."""
    require(ports.policy, actor, "lock_org")
    if len(reason.strip()) < 3:
        raise Unclear("Say why it is safe to unlock: /release unlock in ORG -- reason", field="note")
    key = find_org(ports.policy, org)
    now = ports.clock.now()
    with ports.store.transaction() as session:
        held = standing_lock(session, key)
        if held is None:
            raise _opened_already(session, ports.policy.orgs[key].title, key)
        held.lifted_by, held.lifted_at, held.lifted_because = actor, now, reason.strip()
        session.add(held)
        details = {"org": key, "reason": reason.strip(), "was": held.reason}
        record(session, Kind.ORG_UNLOCKED, stream=stream_of(key), actor=actor, at=now, details=details)
    return key


def _opened_already(session: Session, title: str, org: str) -> ReleaseError:
    last = session.exec(select(OrgLock).where(OrgLock.org == org).order_by(desc(col(OrgLock.id)))).first()
    if last is None:
        return Refused("not_locked", f"{title} is not locked.")
    sentence = f"{title} is not locked any more: {last.lifted_because}"
    return Conflict(sentence, by=last.lifted_by, at=last.lifted_at, did="Unlocked by")


def close(session: Session, org: str, reason: str, *, actor: str, now: datetime, stream: str) -> None:
    """Close an org inside another action's transaction, unless it is closed already."""
    if standing_lock(session, org):
        return
    session.add(OrgLock(org=org, reason=reason, locked_by=actor, locked_at=now))
    record(session, Kind.ORG_LOCKED, stream=stream, actor=actor, at=now, details={"org": org, "reason": reason})


def standing_lock(session: Session, org: str) -> OrgLock | None:
    """The lock that closes an org now."""
    return session.exec(select(OrgLock).where(OrgLock.org == org, col(OrgLock.lifted_at).is_(None))).first()


def standing_locks(session: Session) -> list[OrgLock]:
    """The locks that close orgs now, oldest first."""
    query = select(OrgLock).where(col(OrgLock.lifted_at).is_(None)).order_by(col(OrgLock.id))
    return list(session.exec(query).all())


def stream_of(org: str) -> str:
    """The timeline stream of an org."""
    return f"ORG:{org}"
