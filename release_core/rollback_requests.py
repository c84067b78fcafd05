"""Going back: asked by one person, confirmed by a second, carried out once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, desc, func, select

from release_core.arming import void_validations
from release_core.attempts import announce_request, details_of, keep_result, new_attempt, only_checked
from release_core.broadcasts import end_broadcasts
from release_core.errors import Conflict, NotAllowed, NotFound, Refused, Unclear
from release_core.facts import UNDER_WAY, gather
from release_core.lookups import find_deployment, find_release, release_of
from release_core.models import Deployment, Incident, Release, RollbackRequest
from release_core.org_locks import close
from release_core.permissions import may, others, require
from release_core.policy import Policy
from release_core.ports import JobStatus, Ports
from release_core.readiness import must_be_known
from release_core.scheduling import withdraw_window
from release_core.timeline import BOT, Kind, intend, record


def ask_rollback(
    ports: Ports, actor: str, key: str, reason: str, *, overwrite: bool = False, org: str | None = None
) -> int:
    """Ask for a release to be taken back; a second person has to agree. Returns the request's row id.

    `overwrite` says that what somebody changed since the deployment may be lost. A staged release is taken back in
    `org`, or else where it came last.
    """
    require(ports.policy, actor, "roll_back")
    if len(reason.strip()) < 3:
        raise Unclear("Say why: /release rollback REL-1 -- what is broken", field="note")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        deployment = _must_be_undoable(session, ports, release, org)
        asked = pending_request(session, deployment)
        if asked and now < asked.expires_at:
            sentence = f"Going back to before {release.key} was already asked for and waits for a second person."
            raise Conflict(sentence, by=asked.requested_by, at=asked.requested_at)
        incident = _incident_about(session, release)
        count = select(func.count()).where(RollbackRequest.deployment_id == deployment.id)
        request = RollbackRequest(
            deployment_id=deployment.id or 0,
            number=session.exec(count).one() + 1,
            incident_id=incident.id if incident else None,
            state="asked",
            reason=reason.strip(),
            requested_by=actor,
            requested_at=now,
            expires_at=now + ports.policy.rollback_request_expires,
            overwrite=overwrite,
        )
        session.add(request)
        session.flush()
        key = f"rollback_expiry:{release.key}:{request.id}"
        intend(
            session, key, "rollback_expiry", now=now, lane=release.key, due_at=request.expires_at, request=request.id
        )
        _tell_both(
            session, Kind.ROLLBACK_ASKED, release, incident, actor, now, request=request.id, reason=request.reason
        )
        assert request.id is not None
        return request.id


def _must_be_undoable(session: Session, ports: Ports, release: Release, org: str | None = None) -> Deployment:
    facts = gather(session, ports.policy, release)
    must_be_known(facts)
    running = [d for d in facts.deployments if d.purpose in ("rollback", "deployment") and d.state in UNDER_WAY]
    if running:
        raise Conflict(f"{running[-1].key} is under way for {release.key}; wait for its end.")
    live = facts.live if org is None else facts.live_in(org)
    if live is None:
        where = ports.policy.title_of(org) if org else "its org"
        raise Refused("nothing_to_undo", f"{release.key} is not in {where}, so there is nothing to go back from.")
    if not live.rollback_digest:
        because = live.result.get("rollback_note", "no rollback package was built")
        raise Refused("no_way_back", f"{release.key} cannot be rolled back by Rollcall: {because}")
    return live


def pending_request(session: Session, deployment: Deployment) -> RollbackRequest | None:
    """The wish to undo a deployment that waits for a second person."""
    return session.exec(
        select(RollbackRequest)
        .where(RollbackRequest.deployment_id == deployment.id, RollbackRequest.state == "asked")
        .order_by(desc(RollbackRequest.id))
    ).first()


def waiting_for(session: Session, policy: Policy, person_id: str, now: datetime) -> list[tuple[Release, datetime]]:
    """Releases whose rollback waits for this person's yes, each with the instant at which the wish expires."""
    if not may(policy, person_id, "roll_back"):
        return []
    asked = select(RollbackRequest).where(RollbackRequest.state == "asked").order_by(col(RollbackRequest.id))
    return [
        (release_of(session, find_deployment(session, wish.deployment_id)), wish.expires_at)
        for wish in session.exec(asked)
        if wish.requested_by != person_id and now < wish.expires_at
    ]


def _incident_about(session: Session, release: Release) -> Incident | None:
    return session.exec(
        select(Incident).where(Incident.state == "open", Incident.release_id == release.id).order_by(desc(Incident.id))
    ).first()


class AlreadyDecided(Conflict):
    """A request was decided before: how, by whom, when."""

    def __init__(self, request: RollbackRequest) -> None:
        word = {"confirmed": "confirmed", "declined": "declined"}.get(request.state, "expired")
        decided_at = request.decided_at or request.expires_at
        super().__init__(f"This request was already {word}.", by=request.decided_by, at=decided_at)


def decide_rollback(ports: Ports, actor: str, request_id: int, *, yes: bool, comment: str = "") -> str:
    """A second person's yes starts the rollback; a no ends the request. Returns the release's key."""
    require(ports.policy, actor, "roll_back")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        request = find_request(session, request_id)
        deployment = find_deployment(session, request.deployment_id)
        release = release_of(session, deployment)
        if request.state != "asked" or now >= request.expires_at:
            raise AlreadyDecided(request)
        if yes and actor == request.requested_by:
            holders = others(ports.policy.holders_of("roll_back"), than=(actor,))
            raise NotAllowed("You asked for this rollback, so somebody else has to confirm it.", who_may=holders)
        if yes:
            _must_be_undoable(session, ports, release, deployment.org)
        request.state = "confirmed" if yes else "declined"
        request.decided_by, request.decided_at = actor, now
        session.add(request)
        incident = session.get(Incident, request.incident_id) if request.incident_id else None
        kind = Kind.ROLLBACK_CONFIRMED if yes else Kind.ROLLBACK_DECLINED
        _tell_both(session, kind, release, incident, actor, now, request=request.id, comment=comment.strip())
        if yes:
            _start(session, ports, request, deployment, now)
        return release.key


def _start(session: Session, ports: Ports, request: RollbackRequest, undone: Deployment, now: datetime) -> None:
    release, asker = release_of(session, undone), request.requested_by
    rollback = new_attempt(session, release, purpose="rollback", org=undone.org, actor=asker, now=now)
    rollback.archive_digest, rollback.undoes_id = undone.rollback_digest, undone.id
    rollback.package_id, rollback.incident_id = undone.package_id, request.incident_id
    rollback.result = {"overwrite": request.overwrite, "confirmed_by": request.decided_by}
    armed = gather(session, ports.policy, release).armed(now, undone.org)
    if armed:
        rollback.validated_job_id = armed.job_id
    announce_request(session, Kind.ROLLBACK_STARTED, release, rollback)


def expire_request(ports: Ports, request_id: int) -> None:
    """Nobody agreed in time."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        request = find_request(session, request_id)
        if request.state != "asked" or now < request.expires_at:
            return
        request.state, request.decided_at = "expired", now
        session.add(request)
        release = release_of(session, find_deployment(session, request.deployment_id))
        incident = session.get(Incident, request.incident_id) if request.incident_id else None
        _tell_both(session, Kind.ROLLBACK_EXPIRED, release, incident, BOT, now, request=request.id)


def find_request(session: Session, request_id: int) -> RollbackRequest:
    """A wish to go back by its row id."""
    request = session.get(RollbackRequest, request_id)
    if request is None:
        raise NotFound("This request is not known any more.")
    return request


def hold_rollback(ports: Ports, deployment_id: int, sentence: str, drift: Sequence[str] = ()) -> None:
    """A rollback stops before it changed anything; `drift` names components that somebody changed since."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        rollback = find_deployment(session, deployment_id)
        if rollback.state not in UNDER_WAY:
            return
        rollback.state, rollback.problem, rollback.finished_at = "failed", sentence, now
        rollback.result = {**rollback.result, "drift": list(drift)}
        session.add(rollback)
        release = release_of(session, rollback)
        incident = session.get(Incident, rollback.incident_id) if rollback.incident_id else None
        details = details_of(rollback, problem=sentence, drift=list(drift))
        _tell_both(session, Kind.ROLLBACK_HELD, release, incident, BOT, now, **details)


def finish_rollback(ports: Ports, deployment_id: int, status: JobStatus) -> None:
    """The org has carried the rollback out, or refused it."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        rollback = find_deployment(session, deployment_id)
        if rollback.state not in UNDER_WAY or only_checked(session, ports.policy, rollback, status, now):
            return
        keep = rollback.result
        keep_result(rollback, status, now)
        rollback.result = {**keep, **rollback.result}
        if status.success:
            rollback.state = "verifying"
            because = f"{rollback.key} rolled back {release_of(session, rollback).key} after it."
            void_validations(session, ports.policy, rollback.org, because, now)
        else:
            rollback.state = "failed"
            release = release_of(session, rollback)
            incident = session.get(Incident, rollback.incident_id) if rollback.incident_id else None
            details = details_of(rollback, problem=rollback.problem)
            _tell_both(session, Kind.ROLLBACK_FAILED, release, incident, BOT, now, **details)
        session.add(rollback)


def note_returned(ports: Ports, deployment_id: int, differences: Sequence[str]) -> None:
    """The org was read back after a rollback; it is locked until a person lifts it.

    `differences` names what does not look as it did before the release.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        rollback = find_deployment(session, deployment_id)
        if rollback.state != "verifying":
            return
        undone = find_deployment(session, rollback.undoes_id or 0)
        release = release_of(session, rollback)
        incident = session.get(Incident, rollback.incident_id) if rollback.incident_id else None
        rollback.state, undone.state = "succeeded", "rolled_back"
        rollback.result = {**rollback.result, "differences": list(differences)}
        release.state, release.closed_at = "rolled_back", now
        withdraw_window(session, release)  # where it has not been yet, a staged release does not go any more
        for row in (rollback, undone, release):
            session.add(row)
        details = details_of(rollback, differences=list(differences))
        _tell_both(session, Kind.ROLLBACK_SUCCEEDED, release, incident, BOT, now, **details)
        cause = incident.key if incident else "a rollback"
        reason = f"{release.key} was rolled back ({cause}); find the cause before anything else goes in."
        close(session, rollback.org, reason, actor=rollback.requested_by, now=now, stream=release.key)
        end_broadcasts(session, release, now=now, audiences=ports.policy.audiences)


def _tell_both(
    session: Session,
    kind: Kind,
    release: Release,
    incident: Incident | None,
    actor: str,
    now: datetime,
    **details: object,
) -> None:
    """Record a fact in the release's stream, and in the incident's where there is one."""
    for stream in [release.key, *([incident.key] if incident else [])]:
        about = {**details, "release": release.key, "incident": incident.key if incident else ""}
        record(session, kind, stream=stream, actor=actor, at=now, details=about)


def may_overwrite(ports: Ports, deployment_id: int) -> bool:
    """Whether people accepted to lose what somebody changed since the deployment."""
    with ports.store.reading() as session:
        return bool(find_deployment(session, deployment_id).result.get("overwrite"))
