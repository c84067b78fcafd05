"""Check-only runs with tests, in the orgs that come first and then in the target."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, select

from release_core.attempts import (
    announce_request,
    deployment_with_release,
    details_of,
    keep_result,
    new_attempt,
)
from release_core.errors import Conflict, Refused
from release_core.facts import UNDER_WAY, gather, names_of
from release_core.lookups import BEFORE_DEPLOYMENT, find_org, find_release, package_of, release_of
from release_core.models import Deployment, Release, ReleasePackage
from release_core.permissions import require
from release_core.policy import Policy
from release_core.ports import JobStatus, Ports
from release_core.proof_alarms import COUNTS_FOR, set_proof_alarms
from release_core.readiness import must_not_have_gone, settle_state
from release_core.test_plans import must_have_classes, note_on, planned
from release_core.timeline import BOT, Kind, record


def request_validation(ports: Ports, actor: str, key: str, *, org: str | None = None) -> str:
    """Ask for check-only runs with tests: in the orgs that come first, then in the target. Returns the first key."""
    require(ports.policy, actor, "validate")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        must_not_have_gone(session, ports.policy, release, "there is nothing to validate.", now)
        _must_not_be_reading(session, release)
        package = package_of(session, release)
        if package is None:
            raise Refused("no_package", f"{key} has no package yet. Attach one: /release attach {key}")
        facts = gather(session, ports.policy, release)
        running = [d for d in facts.deployments if d.purpose == "validation" and d.state in UNDER_WAY]
        if running:
            raise Conflict(f"{running[0].key} already validates {key} in {ports.policy.title_of(running[0].org)}.")
        target = release.target_org
        # Where a staged release is live already there is nothing more to learn, and what it deletes is gone.
        named = ports.policy.orgs[find_org(ports.policy, target)].validate_first
        first = [one for one in named if facts.live_in(one) is None]
        path = [find_org(ports.policy, org)] if org else [*first, target]
        return ask_for_validation(session, ports.policy, release, actor, path, now=now)


def ask_for_validation(
    session: Session, policy: Policy, release: Release, actor: str, path: Sequence[str], *, now: datetime
) -> str:
    """Have a release's package checked in the orgs of `path`, one after the other; returns the first attempt's key."""
    package = package_of(session, release)
    assert package is not None, "a gate, or whoever asks, has seen to that"
    tests = [planned(release, package, policy, each) for each in path]
    for chosen in tests:
        must_have_classes(chosen, release.key)
    validation = new_attempt(session, release, purpose="validation", org=path[0], actor=actor, now=now)
    note_on(validation, tests[0])
    validation.package_id, validation.archive_digest, validation.then = package.id, package.digest, list(path[1:])
    announce_request(session, Kind.VALIDATION_REQUESTED, release, validation)
    return validation.key


def _must_not_be_reading(session: Session, release: Release) -> None:
    """Who sent a package a second ago means that one, not the one before it."""
    reading = session.exec(
        select(ReleasePackage).where(ReleasePackage.release_id == release.id, ReleasePackage.state == "reading")
    ).first()
    if reading:
        raise Conflict(
            f"{reading.file_name} is still being read for {release.key}. Validate when its post is in the thread."
        )


def finish_validation(ports: Ports, deployment_id: int, status: JobStatus) -> None:
    """A check-only run has ended: it counts for ten days, or people see what failed."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        validation, release = deployment_with_release(session, deployment_id)
        if validation.state not in UNDER_WAY:
            return
        keep_result(validation, status, now)
        if status.success:
            validation.state = "validated"
            validation.lapses_at = (status.completed_at or now) + COUNTS_FOR
            set_proof_alarms(session, ports.policy, release, validation, now)
        elif _was_stopped(validation, status):
            _note_stopped(session, validation, status)
        else:
            validation.state = "failed"
        session.add(validation)
        ends = {"validated": Kind.VALIDATION_PASSED, "cancelled": Kind.VALIDATION_STOPPED}
        kind = ends.get(validation.state, Kind.VALIDATION_FAILED)
        details = details_of(validation, problem=validation.problem)
        if validation.state == "cancelled":
            details |= {"by": validation.abort_requested_by, "there": status.cancelled_by}
        record(session, kind, stream=release.key, actor=BOT, at=now, details=details)
        settle_state(session, ports.policy, release, now)
        if status.success and _goes_on(validation, release):
            following = new_attempt(
                session, release, purpose="validation", org=validation.then[0], actor=validation.requested_by, now=now
            )
            following.package_id, following.archive_digest = validation.package_id, validation.archive_digest
            following.then = validation.then[1:]
            note_on(following, planned(release, package_of(session, release), ports.policy, following.org))
            announce_request(session, Kind.VALIDATION_REQUESTED, release, following)


def _was_stopped(validation: Deployment, status: JobStatus) -> bool:
    """Whether people ended it, in its org or while it waited to be asked for again; then it has not failed."""
    not_asked_again = validation.abort_requested_by and validation.progress.get("not_again")
    return status.state == "Canceled" or bool(not_asked_again)


def _note_stopped(session: Session, validation: Deployment, status: JobStatus) -> None:
    asker = validation.abort_requested_by
    by = names_of(session, [asker]).get(asker, asker) if asker else status.cancelled_by
    validation.state, validation.problem = "cancelled", f"It was stopped by {by}." if by else "It was stopped."
    validation.result = {**validation.result, "stopped_by": by}


def _goes_on(validation: Deployment, release: Release) -> bool:
    """Whether the next org is to be checked too: nobody cancelled, and the package is still the one that counts."""
    wanted = release.state in BEFORE_DEPLOYMENT and not validation.abort_requested_by
    return bool(validation.then) and wanted and release.package_id == validation.package_id


def fail_validation(ports: Ports, deployment_id: int, sentence: str) -> None:
    """A check-only run could not be carried out."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        validation, release = deployment_with_release(session, deployment_id)
        if validation.state not in UNDER_WAY:
            return
        validation.state, validation.problem, validation.finished_at = "failed", sentence, now
        session.add(validation)
        details = details_of(validation, problem=sentence)
        record(session, Kind.VALIDATION_FAILED, stream=release.key, actor=BOT, at=now, details=details)
        settle_state(session, ports.policy, release, now)


def void(ports: Ports, org: str, job_id: str, because: str) -> None:
    """Somebody else's deployment made a check-only run worthless."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        query = select(Deployment).where(Deployment.org == org, Deployment.job_id == job_id)
        validation = session.exec(query).first()
        if validation is None or validation.voided_because:
            return
        validation.voided_because = because
        session.add(validation)
        release = release_of(session, validation)
        details = details_of(validation, because=because)
        record(session, Kind.VALIDATION_VOIDED, stream=release.key, actor=BOT, at=now, details=details)
        settle_state(session, ports.policy, release, now)
