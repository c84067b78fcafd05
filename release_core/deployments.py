"""Bringing a release into its target org."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from release_core.acceptances import ask_to_accept
from release_core.arming import request_arming, use_up_validation, void_validations
from release_core.attempts import (
    announce_request,
    deployment_with_release,
    details_of,
    draw_again,
    has_ended,
    keep_result,
    new_attempt,
    only_checked,
)
from release_core.errors import Conflict, Refused
from release_core.facts import UNDER_WAY, gather, next_org
from release_core.lookups import find_deployment, find_release, release_of
from release_core.models import Deployment, Release
from release_core.permissions import require
from release_core.policy import Policy
from release_core.ports import JobStatus, Ports
from release_core.readiness import OWN_ATTEMPT, Gate, blocking, settle_items, settle_state
from release_core.risks import acceptance
from release_core.tasks import announce_next
from release_core.test_plans import may_become_quick, note_on
from release_core.timeline import BOT, Kind, changed_since, intend, record


class NotReady(Refused):
    """Gates are closed; `gates` holds each of them."""

    def __init__(self, key: str, gates: Sequence[Gate]) -> None:
        reasons = " ".join(gate.said(_in_utc) for gate in gates)
        super().__init__("not_ready", f"{key} may not go now. {reasons}")
        self.gates = tuple(gates)


def _in_utc(instant: datetime) -> str:
    return f"{instant:%d %b %H:%M} UTC"


class AlreadyRequested(Conflict):
    """A deployment is under way: by whom, since when."""

    def __init__(self, running: Deployment) -> None:
        sentence = f"{running.key} is already under way; nothing was started a second time."
        super().__init__(sentence, by=running.requested_by, at=running.requested_at)


def request_deployment(ports: Ports, actor: str, key: str, *, digest: str = "", by_itself: bool = False) -> str:
    """Start the deployment of a release whose every gate is open; returns its key.

    `digest` is what the person was shown when they confirmed; anything else by now means they look again. `by_itself`:
    nobody pressed a button now, the actor booked this start before.
    """
    require(ports.policy, actor, "deploy")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        facts = gather(session, ports.policy, release)
        running = [d for d in facts.deployments if d.purpose == "deployment" and d.state in UNDER_WAY]
        if running:
            raise AlreadyRequested(running[0])
        if digest and digest != facts.digest:
            sentence = f"{key} has changed since you were asked to confirm. Nothing was started; look again."
            raise changed_since(session, release.key, sentence)
        closed = blocking(facts, ports.policy, now)
        if closed:
            raise NotReady(key, closed)
        assert facts.package is not None, "a gate asks for the package"
        deployment = new_attempt(session, release, purpose="deployment", org=release.target_org, actor=actor, now=now)
        deployment.package_id, deployment.archive_digest = facts.package.id, facts.package.digest
        deployment.approval_digest = facts.digest
        validation = facts.newest("validation", org=release.target_org)
        note_on(deployment, facts.tests)
        if release.strategy != "full" and validation and may_become_quick(validation):
            deployment.validated_job_id = validation.job_id
        release.state = "deploying"
        session.add(release)
        more = {"by_itself": True} if by_itself else {}
        announce_request(session, Kind.DEPLOYMENT_REQUESTED, release, deployment, **more)
        return deployment.key


def hold_if_blocked(ports: Ports, deployment_id: int) -> bool:
    """Re-read every gate at the last instant; a deployment that may not go any more is held. Returns whether it was."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        deployment = find_deployment(session, deployment_id)
        if deployment.state != "requested":
            return deployment.state == "failed"
        reasons = reasons_against(session, ports.policy, deployment, now)
        if deployment.abort_requested_by:
            reasons.append("It was cancelled before it began.")
        if reasons:
            hold(session, ports.policy, deployment, " ".join(reasons), now)
        elif not deployment.progress.get("begun"):
            deployment.progress = {**deployment.progress, "begun": now.isoformat()}
            draw_again(session, deployment, release_of(session, deployment), at=now, now=now)
        return bool(reasons)


def reasons_against(session: Session, policy: Policy, deployment: Deployment, now: datetime) -> list[str]:
    """Why a deployment that was asked for may not go any more, each a sentence; none when it may."""
    facts = gather(session, policy, release_of(session, deployment))
    # The attempt that asks stands in nobody's way.
    closed = [gate for gate in blocking(facts, policy, now) if gate.code != OWN_ATTEMPT]
    reasons = [gate.said(_in_utc) for gate in closed]
    if deployment.approval_digest != facts.digest:
        reasons.append("What was approved has changed.")
    return reasons


def hold_because(ports: Ports, deployment_id: int, sentence: str, code: str = "") -> None:
    """Stop a deployment before anything changed in the org; `code` is kept for whoever asks later why."""
    with ports.store.transaction() as session:
        deployment = find_deployment(session, deployment_id)
        if deployment.state in UNDER_WAY:
            deployment.result = {**deployment.result, "held": code}
            hold(session, ports.policy, deployment, sentence, ports.clock.now())


def hold(session: Session, policy: Policy, deployment: Deployment, sentence: str, now: datetime) -> None:
    """A deployment ends before anything changed in the org; its release goes back to where it was."""
    release = release_of(session, deployment)
    deployment.state, deployment.problem, deployment.finished_at = "failed", sentence, now
    session.add(deployment)
    release.state = "failed"
    details = details_of(deployment, problem=sentence)
    record(session, Kind.DEPLOYMENT_HELD, stream=release.key, actor=BOT, at=now, details=details)
    settle_state(session, policy, release, now)


def go_without_snapshot(ports: Ports, deployment_id: int, problem: str) -> bool:
    """The snapshot could not be taken: whether the deployment goes on without a way back.

    It does when the policy's seat accepted that in writing, for this package and org, a short while ago. Otherwise it
    is held, and the seat is asked.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        deployment, release = deployment_with_release(session, deployment_id)
        if deployment.state != "requested":
            return deployment.state != "failed"
        given = acceptance(gather(session, ports.policy, release), "no_snapshot", now)
        deployment.result = {**deployment.result, "snapshot_problem": problem}
        session.add(deployment)
        if given:
            details = details_of(deployment, problem=problem, by=given.by, seat=given.seat, reason=given.reason)
            record(session, Kind.SNAPSHOT_SKIPPED, stream=release.key, actor=BOT, at=now, details=details)
            return True
        sentence = f"Nothing was deployed: the snapshot for the way back could not be taken. {problem}"
        hold(session, ports.policy, deployment, sentence, now)
        session.flush()
        ask_to_accept(session, ports.policy, gather(session, ports.policy, release), "no_snapshot", BOT, now)
        return False


def note_snapshot(ports: Ports, deployment_id: int, digest: str) -> None:
    """What the org held just before is kept under `digest`; one that is old, with no job after it, is replaced."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        deployment, release = deployment_with_release(session, deployment_id)
        if deployment.snapshot_digest and not _is_snapshot_old(deployment, now):
            return
        deployment.snapshot_digest, deployment.snapshot_at = digest, now
        session.add(deployment)
        details = details_of(deployment, digest=digest)
        record(session, Kind.SNAPSHOT_TAKEN, stream=release.key, actor=BOT, at=now, details=details)
        session.flush()
        if deployment.purpose == "deployment":  # what was ticked when a release went stays so when it comes back
            settle_items(session, gather(session, ports.policy, release), now)


SNAPSHOT_LASTS = timedelta(minutes=5)
"""How long before a job what the org holds may have been kept; others change an org that is busy for longer."""


def is_snapshot_old(ports: Ports, deployment_id: int) -> bool:
    """Whether an attempt that asks its org again kept a snapshot too long ago; no when it goes without one."""
    with ports.store.reading() as session:
        return _is_snapshot_old(find_deployment(session, deployment_id), ports.clock.now())


def _is_snapshot_old(attempt: Deployment, now: datetime) -> bool:
    return not attempt.job_id and attempt.snapshot_at is not None and now - attempt.snapshot_at > SNAPSHOT_LASTS


def finish_deployment(ports: Ports, deployment_id: int, status: JobStatus) -> None:
    """A deployment has ended in the org: what may have landed is read back, what failed changed nothing."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        deployment, release = deployment_with_release(session, deployment_id)
        if has_ended(deployment) or only_checked(session, ports.policy, deployment, status, now):
            return
        keep_result(deployment, status, now)
        if not status.success and status.state not in MAY_HAVE_LANDED:
            _fail(session, Kind.DEPLOYMENT_FAILED, deployment, release, now)
            use_up_validation(session, deployment, now)
            return
        deployment.state = "verifying"
        draw_again(session, deployment, release, at=now, now=now)
        if status.success:
            landed = f"{deployment.key} ({release.key}) was deployed after it."
            void_validations(session, ports.policy, deployment.org, landed, now)


MAY_HAVE_LANDED = ("Canceled", "FinalizingFailed", "SucceededPartial")
"""Ends after which only the org itself tells what is in it: below API version 65 a cancellation may be answered with
yes although the data was committed (Metadata API Developer Guide, cancelDeploy)."""


def _fail(session: Session, kind: Kind, deployment: Deployment, release: Release, now: datetime) -> None:
    deployment.state = "cancelled" if kind == Kind.DEPLOYMENT_CANCELLED else "failed"
    release.state = "failed"
    session.add(deployment)
    session.add(release)
    details = details_of(deployment, problem=deployment.problem)
    record(session, kind, stream=release.key, actor=BOT, at=now, details=details)


def note_unchanged(ports: Ports, deployment_id: int) -> None:
    """The org was read back after a job that was cancelled or not finished: it holds what it held before."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        deployment, release = deployment_with_release(session, deployment_id)
        if deployment.state != "verifying":
            return
        cancelled = deployment.result.get("state") == "Canceled"
        deployment.result = {**deployment.result, "unchanged": True}
        kind = Kind.DEPLOYMENT_CANCELLED if cancelled else Kind.DEPLOYMENT_FAILED
        _fail(session, kind, deployment, release, now)
        use_up_validation(session, deployment, now)
        # What failed says so until somebody acts on it; what people stopped goes back to where it was.
        if cancelled:
            settle_state(session, ports.policy, release, now)


@dataclass(frozen=True)
class ReadBack:
    """What the org holds after a deployment, with the way back.

    `differences` names components that do not look as deployed; `note` says why no rollback could be built; `landed`
    names what has changed since the snapshot, read only where the org's own answer does not tell.
    """

    differences: Sequence[str]
    rollback_digest: str
    note: str
    landed: Sequence[str] = ()


def note_verified(
    ports: Ports, deployment_id: int, *, differences: Sequence[str], rollback_digest: str, note: str
) -> None:
    """The org was read back and the way back is built, as in `note_landed`."""
    note_landed(ports, deployment_id, ReadBack(differences, rollback_digest, note))


def note_landed(ports: Ports, deployment_id: int, found: ReadBack) -> None:
    """The org was read back and the way back is built: the release soaks, the rollback is to be armed."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        deployment, release = deployment_with_release(session, deployment_id)
        if deployment.state != "verifying":
            return
        deployment.state, deployment.rollback_digest = "succeeded", found.rollback_digest
        deployment.result = {
            **deployment.result,
            "differences": list(found.differences),
            "rollback_note": found.note,
            "landed": list(found.landed),
        }
        session.add(deployment)
        release.state = "soaking"
        session.add(release)
        ended_as = deployment.result.get("state", "")
        stopped_by = deployment.abort_requested_by or ""
        details = details_of(deployment, differences=list(found.differences), stopped_by=stopped_by)
        if ended_as in MAY_HAVE_LANDED:
            details |= {"ended_as": ended_as, "landed": list(found.landed)}
            landed = f"{deployment.key} ({release.key}) reached the org after it."
            void_validations(session, ports.policy, deployment.org, landed, now)
        record(session, Kind.DEPLOYMENT_SUCCEEDED, stream=release.key, actor=BOT, at=now, details=details)
        flow, due_at = (
            "stage_end" if next_org(release) else "soak_end",
            now + ports.policy.soak_of(deployment.org, release.risk_level),
        )
        intend(session, f"soak:{deployment.key}", flow, now=now, lane=release.key, due_at=due_at, release=release.key)
        announce_next(session, ports.policy, release, now)
        if found.rollback_digest:
            request_arming(session, deployment, release, now)
        else:
            details = details_of(deployment, problem=found.note)
            record(session, Kind.ROLLBACK_NOT_ARMED, stream=release.key, actor=BOT, at=now, details=details)
