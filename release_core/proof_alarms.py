"""When something about a check-only run falls due: its lapse, a reminder, another run, the watch over its org."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from release_core.lookups import BEFORE_DEPLOYMENT, deployments_of, is_watched, release_of, window_of
from release_core.models import Deployment, DeploymentWindow, Intent, Release
from release_core.policy import Policy
from release_core.timeline import intend

COUNTS_FOR = timedelta(days=10)
"""How long a check-only run can become a quick deploy (Metadata API Developer Guide, deployRecentValidation)."""
RENEWED_BEFORE = timedelta(days=1)
"""How long before it lapses the proof of a way back is made anew, while its release is still watched."""
FIRST_AGAIN_AFTER, LAST_AGAIN_AFTER = timedelta(minutes=2), timedelta(hours=1)


def set_proof_alarms(session: Session, policy: Policy, release: Release, proof: Deployment, now: datetime) -> None:
    """A check-only run has passed: note when it lapses, and watch its org for what would void it."""
    assert proof.lapses_at is not None, "only a run that passed has alarms"
    session.add(proof)
    session.flush()
    key, due_at = f"proof_lapse:{release.key}:{proof.key}", proof.lapses_at
    intend(session, key, "proof_lapse", now=now, lane=release.key, due_at=due_at, attempt=proof.id)
    if proof.purpose == "arming":
        key, due_at = f"arming_renewal:{release.key}:{proof.key}", proof.lapses_at - RENEWED_BEFORE
        intend(session, key, "arming_renewal", now=now, lane=release.key, due_at=due_at, attempt=proof.id)
    else:
        window = window_of(session, release)
        if window is not None and proof.org == release.target_org:
            _set_reminder(session, policy, (release, window), proof, now)
    keep_watch(session, policy, proof.org, now)


def set_window_alarms(
    session: Session, policy: Policy, release: Release, window: DeploymentWindow, now: datetime
) -> None:
    """A window was set: whether its validation lasts to its end is told in time, or seen to."""
    lane, number = release.key, window.number
    if policy.revalidate_before:
        due_at = max(now, window.starts_at - policy.revalidate_before)
        key = f"revalidation:{release.key}:{window.number}"
        intend(session, key, "revalidation", now=now, lane=lane, due_at=due_at, release=release.key, number=number)
    standing = [
        d
        for d in deployments_of(session, release, "validation")
        if d.org == release.target_org and d.state == "validated" and not d.voided_because
    ]
    if standing:
        _set_reminder(session, policy, (release, window), standing[-1], now)


def withdraw_window_alarms(session: Session, release: Release) -> None:
    """A window was moved or taken back: what hung on it does not ring."""
    for flow in ("revalidation", "validation_reminder"):
        query = select(Intent).where(Intent.flow == flow, Intent.lane == release.key, Intent.state == "due")
        for intent in session.exec(query):
            intent.state = "withdrawn"
            session.add(intent)


def revalidate_soon(session: Session, policy: Policy, release: Release, voided: Deployment, now: datetime) -> None:
    """A validation was voided so close to its window, or in it, that the alarm before the window has rung already."""
    window = window_of(session, release)
    if window is None or not policy.revalidate_before or voided.org != release.target_org:
        return
    if window.starts_at - policy.revalidate_before <= now < window.ends_at:
        key = f"revalidation:{release.key}:{window.number}:{voided.key}"
        lane, number = release.key, window.number
        intend(session, key, "revalidation", now=now, lane=lane, release=release.key, number=number)


def made_anew_at(session: Session, policy: Policy, release: Release, now: datetime) -> str | None:
    """When a validation that does not last is made anew by itself (ISO 8601); None when that is not ahead."""
    window = window_of(session, release)
    if window is None or window.state not in ("booked", "open") or not policy.revalidate_before:
        return None
    due_at = window.starts_at - policy.revalidate_before
    return due_at.isoformat() if now < due_at else None


def arm_again_later(session: Session, release: Release, arming: Deployment, failures: int, now: datetime) -> datetime:
    """The org was away when a way back was to be proven: it is tried again, ever more seldom. Returns when."""
    due_at = now + min(FIRST_AGAIN_AFTER * (1 << min(failures - 1, 10)), LAST_AGAIN_AFTER)
    key = f"arming_again:{release.key}:{arming.key}"
    intend(session, key, "arming_again", now=now, lane=release.key, due_at=due_at, attempt=arming.id)
    return due_at


def keep_watch(session: Session, policy: Policy, org: str, now: datetime) -> None:
    """See to it that an org is looked at again, once per `watch_every`, while a check-only run in it matters."""
    waiting = select(Intent.key).where(Intent.flow == "org_watch", Intent.lane == org, Intent.state == "due")
    if session.exec(waiting).first() is None and proofs_that_matter(session, org, now):
        due_at = now + policy.watch_every
        key = f"org_watch:{org}:{due_at.isoformat()}"
        intend(session, key, "org_watch", now=now, lane=org, due_at=due_at, org=org)


def proofs_that_matter(session: Session, org: str, now: datetime) -> list[Deployment]:
    """The check-only runs in an org that still count, of releases that wait to go or are watched, oldest first."""
    session.flush()
    query = select(Deployment).where(
        Deployment.org == org,
        col(Deployment.purpose).in_(("validation", "arming")),
        Deployment.state == "validated",
        Deployment.voided_because == "",
        col(Deployment.lapses_at) > now,
    )
    proofs = session.exec(query.order_by(col(Deployment.id))).all()
    return [proof for proof in proofs if _matters(proof, release_of(session, proof))]


def proven_at(proof: Deployment) -> datetime | None:
    """The instant, by the org's clock, at which a check-only run passed."""
    return proof.lapses_at - COUNTS_FOR if proof.lapses_at else None


def _matters(proof: Deployment, release: Release) -> bool:
    if proof.purpose == "arming":
        return is_watched(release)
    goes_there = proof.org == release.target_org or proof.org in release.path
    return goes_there and release.state in BEFORE_DEPLOYMENT and proof.package_id == release.package_id


def _set_reminder(
    session: Session, policy: Policy, about: tuple[Release, DeploymentWindow], validation: Deployment, now: datetime
) -> None:
    release, window = about
    if validation.lapses_at is None or validation.lapses_at >= window.ends_at or now >= window.ends_at:
        return
    key = f"validation_reminder:{release.key}:{validation.key}:{window.number}"
    due_at = max(now, validation.lapses_at - policy.validation_reminder)
    intend(session, key, "validation_reminder", now=now, lane=release.key, due_at=due_at, attempt=validation.id)
