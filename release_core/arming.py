"""Proving the way back by a check-only run, right after a release has landed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from release_core.attempts import (
    deployment_with_release,
    details_of,
    draw_headline_again,
    keep_result,
    new_attempt,
)
from release_core.facts import UNDER_WAY, gather, stand
from release_core.lookups import find_deployment, is_watched, others_live, release_of
from release_core.models import Deployment, Release
from release_core.policy import Policy
from release_core.ports import JobStatus, Ports
from release_core.proof_alarms import (
    COUNTS_FOR,
    arm_again_later,
    made_anew_at,
    proven_at,
    revalidate_soon,
    set_proof_alarms,
)
from release_core.readiness import settle_state
from release_core.timeline import BOT, Kind, record
from release_core.ways_back import Reach, undoable


def request_arming(session: Session, deployment: Deployment, release: Release, now: datetime) -> None:
    """Ask for the check-only run that proves a deployment's way back."""
    arming = new_attempt(session, release, purpose="arming", org=deployment.org, actor=BOT, now=now)
    arming.archive_digest, arming.undoes_id, arming.package_id = (
        deployment.rollback_digest,
        deployment.id,
        deployment.package_id,
    )
    session.add(arming)


def finish_arming(
    ports: Ports, deployment_id: int, status: JobStatus | None, problem: str = "", *, again: bool = False
) -> None:
    """The way back was tried check-only: it is armed, or people are told why it is not.

    With `again` the org was merely away, so it is tried again by itself as long as the release is watched.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        arming, release = deployment_with_release(session, deployment_id)
        if arming.state not in UNDER_WAY:
            return
        if status is not None:
            keep_result(arming, status, now)
        if status is not None and status.success:
            arming.state = "validated"
            arming.lapses_at = (status.completed_at or now) + COUNTS_FOR
            set_proof_alarms(session, ports.policy, release, arming, now)
            details = details_of(arming, until=arming.lapses_at.isoformat(), leave=arming.leave)
            record(session, Kind.ROLLBACK_ARMED, stream=release.key, actor=BOT, at=now, details=details)
        else:
            arming.state, arming.problem, arming.finished_at = "failed", problem or arming.problem, now
            later = _later(session, ports.policy, release, arming, now) if again else None
            details = details_of(arming, problem=arming.problem, again_at=later.isoformat() if later else None)
            details["leave"] = arming.leave
            record(session, Kind.ROLLBACK_NOT_ARMED, stream=release.key, actor=BOT, at=now, details=details)
        session.add(arming)


def _later(session: Session, policy: Policy, release: Release, arming: Deployment, now: datetime) -> datetime | None:
    """When it is tried again; None for a choice of parts, which people ask for, or when nobody watches any more."""
    if arming.leave or not is_watched(release):
        return None
    session.flush()
    failed = 0
    for one in reversed(gather(session, policy, release).armings(org=arming.org)):
        if one.state != "failed":
            break
        failed += 1
    return arm_again_later(session, release, arming, max(failed, 1), now)


def is_first(ports: Ports, deployment_id: int) -> bool:
    """Whether it is the first proof after its deployment, whose result was read back a moment ago."""
    with ports.store.reading() as session:
        arming = find_deployment(session, deployment_id)
        query = select(Deployment.id).where(Deployment.undoes_id == arming.undoes_id, Deployment.purpose == "arming")
        return min(one or 0 for one in session.exec(query)) == deployment_id


def void_validations(
    session: Session, policy: Policy, org: str, because: str, now: datetime, *, landed_at: datetime | None = None
) -> None:
    """Something landed in an org: check-only runs before it cannot become quick deploys any more.

    `landed_at` is when that was by the org's clock; None for what ended just now.
    """
    found = _counting(session, org)
    newest = {(one.release_id, one.purpose): one for one in found}
    for validation in found:
        proven = proven_at(validation)
        if landed_at is not None and proven is not None and landed_at <= proven:
            continue
        validation.voided_because = because
        session.add(validation)
        release = release_of(session, validation)
        if validation.purpose == "arming":
            _arm_again(session, policy, validation, release, because, now)
        elif release.state in ("draft", "planned", "ready", "failed") and validation.package_id == release.package_id:
            # That one lapsed was told when it did; where a later one counted, nothing depended on it.
            if _counted(validation, now) and validation == newest[validation.release_id, "validation"]:
                again_at = made_anew_at(session, policy, release, now)
                details = details_of(validation, because=because, again_at=again_at)
                record(session, Kind.VALIDATION_VOIDED, stream=release.key, actor=BOT, at=now, details=details)
            revalidate_soon(session, policy, release, validation, now)
            settle_state(session, policy, release, now)


def _counted(validation: Deployment, now: datetime) -> bool:
    return validation.lapses_at is not None and now < validation.lapses_at


def use_up_validation(session: Session, attempt: Deployment, now: datetime) -> None:
    """A quick deploy came to nothing: an org takes the check-only run behind it for one only, as far as anybody knows.

    Salesforce does not say what becomes of a validation whose quick deploy failed or was stopped. A run more costs
    minutes, a press that is refused inside the window costs the window. The release stays as its attempt left it.
    """
    because = f"{attempt.key} was its quick deploy, which came to nothing; a validation is good for one."
    for validation in _counting(session, attempt.org):
        if attempt.validated_job_id and validation.job_id == attempt.validated_job_id:
            validation.voided_because = because
            session.add(validation)
            details, stream = details_of(validation, because=because), release_of(session, validation).key
            record(session, Kind.VALIDATION_VOIDED, stream=stream, actor=BOT, at=now, details=details)


def _counting(session: Session, org: str) -> Sequence[Deployment]:
    session.flush()
    query = select(Deployment).where(
        Deployment.org == org,
        col(Deployment.purpose).in_(("validation", "arming")),
        Deployment.state == "validated",
        Deployment.voided_because == "",
    )
    return session.exec(query.order_by(col(Deployment.id))).all()


def is_worth_proving(session: Session, policy: Policy, undone: Deployment, release: Release, now: datetime) -> bool:
    """Whether a way back is proven anew: it is looked after, may be asked for, and nothing goes back already."""
    if not is_watched(release) or undone.state != "succeeded":
        return False
    facts = stand(session, policy, release)
    if any(d.undoes_id == undone.id and d.purpose == "rollback" and d.state in UNDER_WAY for d in facts.deployments):
        return False
    reach = Reach(others_live(session, release), policy.keep_artifacts)
    standing = undoable(facts, reach, now, undone.org)
    return standing is not None and standing.id == undone.id


def _arm_again(
    session: Session, policy: Policy, arming: Deployment, release: Release, because: str, now: datetime
) -> None:
    if arming.leave:
        return  # a choice of parts is proven when people ask for it
    undone = find_deployment(session, arming.undoes_id or 0)
    if is_worth_proving(session, policy, undone, release, now):
        details = details_of(arming, problem=f"{because} It is being proven again.")
        record(session, Kind.ROLLBACK_NOT_ARMED, stream=release.key, actor=BOT, at=now, details=details)
        request_arming(session, undone, release, now)
    else:
        draw_headline_again(session, release, f"{arming.key}:void", now)
