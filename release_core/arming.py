"""Proving the way back by a check-only run, right after a release has landed."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from release_core.attempts import deployment_with_release, details_of, keep_result, new_attempt
from release_core.facts import UNDER_WAY
from release_core.lookups import FINAL_STATES, find_deployment, release_of
from release_core.models import Deployment, Release
from release_core.policy import Policy
from release_core.ports import JobStatus, Ports
from release_core.readiness import settle_state
from release_core.timeline import BOT, Kind, record
from release_core.validations import VALIDATION_COUNTS_FOR


def request_arming(session: Session, deployment: Deployment, release: Release, now: datetime) -> None:
    """Ask for the check-only run that proves a deployment's way back."""
    arming = new_attempt(session, release, purpose="arming", org=deployment.org, actor=BOT, now=now)
    arming.archive_digest, arming.undoes_id, arming.package_id = (
        deployment.rollback_digest,
        deployment.id,
        deployment.package_id,
    )
    session.add(arming)


def finish_arming(ports: Ports, deployment_id: int, status: JobStatus | None, problem: str = "") -> None:
    """The way back was tried check-only: it is armed, or people are told why it is not."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        arming, release = deployment_with_release(session, deployment_id)
        if arming.state not in UNDER_WAY:
            return
        if status is not None:
            keep_result(arming, status, now)
        if status is not None and status.success:
            arming.state = "validated"
            arming.lapses_at = (status.completed_at or now) + VALIDATION_COUNTS_FOR
            details = details_of(arming, until=arming.lapses_at.isoformat())
            record(session, Kind.ROLLBACK_ARMED, stream=release.key, actor=BOT, at=now, details=details)
        else:
            arming.state, arming.problem = "failed", problem or arming.problem
            details = details_of(arming, problem=arming.problem)
            record(session, Kind.ROLLBACK_NOT_ARMED, stream=release.key, actor=BOT, at=now, details=details)
        session.add(arming)


def void_validations(session: Session, policy: Policy, org: str, because: str, now: datetime) -> None:
    """Something was deployed to an org: check-only runs before it cannot become quick deploys any more."""
    session.flush()
    query = select(Deployment).where(
        Deployment.org == org,
        col(Deployment.purpose).in_(("validation", "arming")),
        Deployment.state == "validated",
        Deployment.voided_because == "",
    )
    for validation in session.exec(query).all():
        validation.voided_because = because
        session.add(validation)
        release = release_of(session, validation)
        if validation.purpose == "arming":
            _arm_again(session, validation, release, because, now)
        elif release.state in ("draft", "planned", "ready", "failed") and validation.package_id == release.package_id:
            details = details_of(validation, because=because)
            record(session, Kind.VALIDATION_VOIDED, stream=release.key, actor=BOT, at=now, details=details)
            settle_state(session, policy, release, now)


def _arm_again(session: Session, arming: Deployment, release: Release, because: str, now: datetime) -> None:
    undone = find_deployment(session, arming.undoes_id or 0)
    query = select(Deployment).where(Deployment.undoes_id == undone.id, Deployment.purpose == "rollback")
    going_back = any(rollback.state in UNDER_WAY for rollback in session.exec(query))
    # A staged release is watched in each org that it came to until it is over.
    watched = release.state == "soaking" or (bool(release.path) and release.state not in FINAL_STATES)
    if watched and undone.state == "succeeded" and not going_back:
        details = details_of(arming, problem=f"{because} It is being proven again.")
        record(session, Kind.ROLLBACK_NOT_ARMED, stream=release.key, actor=BOT, at=now, details=details)
        request_arming(session, undone, release, now)
