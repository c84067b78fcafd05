"""Going back: asked by one person, confirmed by a second, carried out once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, desc, func, select

from release_core.arming import request_arming, void_validations
from release_core.attempts import announce_request, details_of, keep_result, new_attempt, only_checked
from release_core.broadcasts import end_broadcasts
from release_core.errors import Conflict, NotAllowed, NotFound, Refused, Unclear
from release_core.facts import UNDER_WAY, Standing, gather, next_org, stand
from release_core.lookups import find_deployment, find_release, release_of
from release_core.models import Deployment, Incident, Release, RollbackRequest
from release_core.org_locks import close, standing_lock
from release_core.permissions import may, others, require
from release_core.policy import Policy
from release_core.ports import JobStatus, Ports
from release_core.readiness import must_be_known
from release_core.rollback_ways import try_next_way
from release_core.scheduling import withdraw_window
from release_core.timeline import BOT, Kind, intend, record

Parts = Sequence[Sequence[str]]
"""Components as they are kept: [type, full name]."""


def ask_rollback(
    ports: Ports,
    actor: str,
    key: str,
    reason: str,
    *,
    overwrite: bool = False,
    leave: Parts = (),
    org: str | None = None,
) -> int:
    """Ask for a release to be taken back, or for its rollback to be undone. Returns the request's row id.

    A second person has to agree; meanwhile a flow looks what the org holds now. `overwrite` says that what somebody
    changed since the deployment may be lost; what `leave` names is not touched. A staged release is taken back in
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
            undo = deployment.purpose == "rollback"
            what = f"Bringing {release.key} back" if undo else f"Going back to before {release.key}"
            sentence = f"{what} was already asked for and waits for a second person."
            raise Conflict(sentence, by=asked.requested_by, at=asked.requested_at)
        request = RollbackRequest(
            deployment_id=deployment.id or 0,
            number=0,
            incident_id=getattr(_incident_about(session, release, deployment.org), "id", None),
            state="asked",
            reason=reason.strip(),
            requested_by=actor,
            requested_at=now,
            expires_at=now + ports.policy.rollback_request_expires,
            overwrite=overwrite,
            leave=[list(part) for part in leave],
        )
        put_to_people(session, request, release)
        intend(session, f"rollback_look:{release.key}:{request.id}", "rollback_look", now=now, request=request.id)
        assert request.id is not None
        return request.id


def put_to_people(session: Session, request: RollbackRequest, release: Release, *, replaces: int | None = None) -> None:
    """Write a wish down with its expiry, and ask the others; `replaces` is the row id of the one it stands for."""
    count = select(func.count()).where(RollbackRequest.deployment_id == request.deployment_id)
    request.number, now = session.exec(count).one() + 1, request.requested_at
    session.add(request)
    session.flush()
    key = f"rollback_expiry:{release.key}:{request.id}"
    intend(session, key, "rollback_expiry", now=now, lane=release.key, due_at=request.expires_at, request=request.id)
    undoing = find_deployment(session, request.deployment_id).purpose == "rollback"
    about = {"reason": request.reason, "leave": request.leave, "replaces": replaces, "undo": undoing}
    incident = session.get(Incident, request.incident_id) if request.incident_id else None
    actor = request.requested_by
    tell_both(session, Kind.ROLLBACK_ASKED, (release, incident), actor, now, request=request.id, **about)


def _must_be_undoable(session: Session, ports: Ports, release: Release, org: str | None = None) -> Deployment:
    facts = gather(session, ports.policy, release)
    must_be_known(facts)
    running = [d for d in facts.deployments if d.purpose in ("rollback", "deployment") and d.state in UNDER_WAY]
    if running:
        raise Conflict(f"{running[-1].key} is under way for {release.key}; wait for its end.")
    standing = standing_in(facts, org)
    if standing is None:
        where = ports.policy.title_of(org) if org else "its org"
        raise Refused("nothing_to_undo", f"{release.key} is not in {where}, so there is nothing to go back from.")
    if not standing.rollback_digest:
        because = standing.result.get("rollback_note", "no rollback package was built")
        raise Refused("no_way_back", f"{release.key} cannot be rolled back by Rollcall: {because}")
    return standing


def standing_in(facts: Standing, org: str | None = None) -> Deployment | None:
    """What going back would undo in an org, else where the release came last: what is live, else its rollback."""
    live = facts.live if org is None else facts.live_in(org)
    return live or rollback_to_undo(facts, org)


def rollback_to_undo(facts: Standing, org: str | None = None) -> Deployment | None:
    """The rollback that took a release out of an org (else the newest), when bringing the release back is possible."""
    newest = facts.newest("rollback", org=org)
    if facts.release.state != "rolled_back" or newest is None or newest.state != "succeeded":
        return None
    return newest if newest.rollback_digest else None


def pending_request(session: Session, deployment: Deployment) -> RollbackRequest | None:
    """The wish to undo a deployment that waits for a second person."""
    return session.exec(
        select(RollbackRequest)
        .where(RollbackRequest.deployment_id == deployment.id, RollbackRequest.state == "asked")
        .order_by(desc(RollbackRequest.id))
    ).first()


def last_request(session: Session, deployment: Deployment) -> RollbackRequest | None:
    """The newest wish to undo a deployment, whatever became of it."""
    query = select(RollbackRequest).where(RollbackRequest.deployment_id == deployment.id)
    return session.exec(query.order_by(desc(RollbackRequest.id))).first()


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


def _incident_about(session: Session, release: Release, org: str) -> Incident | None:
    query = select(Incident).where(Incident.state == "open", Incident.release_id == release.id, Incident.org == org)
    return session.exec(query.order_by(desc(Incident.id))).first()


class AlreadyDecided(Conflict):
    """A request was decided before: how, by whom, when."""

    def __init__(self, request: RollbackRequest) -> None:
        word = {"confirmed": "confirmed", "declined": "declined"}.get(request.state, "expired")
        word = "replaced by another choice of parts" if request.state == "replaced" else word
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
            _must_be_settled(request)
        request.state = "confirmed" if yes else "declined"
        request.decided_by, request.decided_at = actor, now
        session.add(request)
        incident = session.get(Incident, request.incident_id) if request.incident_id else None
        kind = Kind.ROLLBACK_CONFIRMED if yes else Kind.ROLLBACK_DECLINED
        about = {"request": request.id, "comment": comment.strip(), "undo": deployment.purpose == "rollback"}
        tell_both(session, kind, (release, incident), actor, now, **about)
        if yes:
            _start(session, ports, request, deployment, now)
        return release.key


def _must_be_settled(request: RollbackRequest) -> None:
    open_parts = undecided(request, request.drift)
    if open_parts:
        named = ", ".join(f"{row[0]} {row[1]}" for row in open_parts[:5])
        raise Refused(
            "drift_undecided",
            f"Somebody changed parts of this release since it was deployed: {named}. "
            "Choose for each whether it is left as it is or overwritten, with Choose parts… under the request.",
        )


def undecided(request: RollbackRequest, drift: Parts) -> list[list[str]]:
    """Those rows of `drift` that people have neither chosen to leave nor accepted to lose.

    Accepted is what the look for the request has shown; without a look, whatever there is.
    """
    left = {tuple(part) for part in request.leave}
    seen = {tuple(row) for row in request.drift}
    asked_about = [list(row) for row in drift if tuple(row[:2]) not in left]
    if not request.overwrite:
        return asked_about
    return [row for row in asked_about if request.looked_at is not None and tuple(row) not in seen]


def _start(session: Session, ports: Ports, request: RollbackRequest, undone: Deployment, now: datetime) -> None:
    release, asker = release_of(session, undone), request.requested_by
    rollback = new_attempt(session, release, purpose="rollback", org=undone.org, actor=asker, now=now)
    rollback.undoes_id, rollback.package_id, rollback.incident_id = undone.id, undone.package_id, request.incident_id
    rollback.leave = request.leave
    # What leaves something out is another package, which the flow builds.
    rollback.archive_digest = "" if request.leave else undone.rollback_digest
    rollback.result = {
        "overwrite": request.overwrite,
        "confirmed_by": request.decided_by,
        "request": request.id,
        "tried": [],
    }
    armed = gather(session, ports.policy, release).armed(now, undone.org, leave=request.leave)
    if armed and armed.undoes_id == undone.id:
        rollback.validated_job_id, rollback.archive_digest = armed.job_id, armed.archive_digest
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
        deployment = find_deployment(session, request.deployment_id)
        release, undo = release_of(session, deployment), deployment.purpose == "rollback"
        incident = session.get(Incident, request.incident_id) if request.incident_id else None
        tell_both(session, Kind.ROLLBACK_EXPIRED, (release, incident), BOT, now, request=request.id, undo=undo)


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
        tell_both(session, Kind.ROLLBACK_HELD, (release, incident), BOT, now, **details)


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
            session.add(rollback)
            if try_next_way(session, rollback, status, now):
                return
            release = release_of(session, rollback)
            incident = session.get(Incident, rollback.incident_id) if rollback.incident_id else None
            details = details_of(rollback, problem=rollback.problem)
            tell_both(session, Kind.ROLLBACK_FAILED, (release, incident), BOT, now, **details)
        session.add(rollback)


def note_returned(
    ports: Ports, deployment_id: int, differences: Sequence[str], *, undo_digest: str = "", note: str = ""
) -> None:
    """The org was read back after a rollback; it is locked until a person lifts it.

    `differences` names what does not look as it did before the release. `undo_digest` is the package that brings the
    release back, `note` says why there is none. A rollback that undid another one brings its release back to life.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        rollback = find_deployment(session, deployment_id)
        if rollback.state != "verifying":
            return
        undone = find_deployment(session, rollback.undoes_id or 0)
        rollback.state, undone.state, rollback.rollback_digest = "succeeded", "rolled_back", undo_digest
        rollback.result = {**rollback.result, "differences": list(differences), "rollback_note": note}
        for row in (rollback, undone):
            session.add(row)
        if undone.purpose == "rollback":
            _bring_back(session, ports.policy, rollback, undone, now)
        else:
            _take_out(session, ports.policy, rollback, now)


def _take_out(session: Session, policy: Policy, rollback: Deployment, now: datetime) -> None:
    release = release_of(session, rollback)
    incident = session.get(Incident, rollback.incident_id) if rollback.incident_id else None
    release.state, release.closed_at = "rolled_back", now
    session.add(release)
    withdraw_window(session, release)  # where it has not been yet, a staged release does not go any more
    details = details_of(rollback, differences=rollback.result["differences"], left=rollback.leave)
    tell_both(session, Kind.ROLLBACK_SUCCEEDED, (release, incident), BOT, now, **details)
    cause = incident.key if incident else "a rollback"
    reason = f"{release.key} was rolled back ({cause}); find the cause before anything else goes in."
    close(session, rollback.org, reason, actor=rollback.requested_by, now=now, stream=release.key)
    end_broadcasts(session, release, now=now, audiences=policy.audiences)


def _bring_back(session: Session, policy: Policy, undo: Deployment, rollback: Deployment, now: datetime) -> None:
    """A rollback was undone: what it had taken back is live again, watched and armed; a lock stays for its person."""
    release, original = release_of(session, undo), find_deployment(session, rollback.undoes_id or 0)
    original.state, release.state, release.closed_at = "succeeded", "soaking", None
    for row in (original, release):
        session.add(row)
    _stand_again(session, policy, release, original)
    incident = session.get(Incident, undo.incident_id) if undo.incident_id else None
    details = details_of(undo, differences=undo.result["differences"], left=undo.leave)
    details["locked"] = standing_lock(session, undo.org) is not None
    tell_both(session, Kind.ROLLBACK_UNDONE, (release, incident), BOT, now, **details)
    flow, due_at = "stage_end" if next_org(release) else "soak_end", now + policy.soak_of(release.target_org)
    intend(session, f"soak:{undo.key}", flow, now=now, lane=release.key, due_at=due_at, release=release.key)
    request_arming(session, original, release, now)


def _stand_again(session: Session, policy: Policy, release: Release, original: Deployment) -> None:
    """A staged release that was brought back goes on from there, past the orgs behind it that hold it still."""
    if not release.path:
        return
    session.flush()
    facts, release.target_org = stand(session, policy, release), original.org
    while facts.live_in(next_org(release)):
        release.target_org = next_org(release)
    session.add(release)


def tell_both(
    session: Session, kind: Kind, about: tuple[Release, Incident | None], actor: str, now: datetime, **details: object
) -> None:
    """Record a fact in the release's stream, and in the incident's where there is one."""
    release, incident = about
    for stream in [release.key, *([incident.key] if incident else [])]:
        said = {**details, "release": release.key, "incident": incident.key if incident else ""}
        record(session, kind, stream=stream, actor=actor, at=now, details=said)


def unsettled(ports: Ports, deployment_id: int, drift: Parts) -> list[list[str]]:
    """What of `drift` stops a rollback: nobody chose to leave it or accepted to lose it."""
    with ports.store.reading() as session:
        rollback = find_deployment(session, deployment_id)
        wish = session.get(RollbackRequest, rollback.result.get("request") or 0)
        if wish is not None:
            return undecided(wish, drift)
        return [] if rollback.result.get("overwrite") else [list(row) for row in drift]


def note_drift(ports: Ports, deployment_id: int, drift: Parts) -> None:
    """A rollback found changes that nobody had decided about: the next wish asks about them."""
    with ports.store.transaction() as session:
        wish = session.get(RollbackRequest, find_deployment(session, deployment_id).result.get("request") or 0)
        if wish is not None and drift:
            wish.drift = [list(row) for row in drift]
            session.add(wish)
