"""A wish to go back: asked by one person, confirmed by a second."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, desc, func, select

from release_core.attempts import announce_request, new_attempt
from release_core.errors import Conflict, NotAllowed, NotFound, Refused, Unclear
from release_core.facts import UNDER_WAY, gather
from release_core.lookups import find_deployment, find_release, others_live, release_of
from release_core.models import Deployment, Incident, Release, RollbackRequest
from release_core.permissions import may, others, require
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.readiness import must_be_known
from release_core.timeline import BOT, Kind, intend, record
from release_core.ways_back import Reach, standing_in, undoable

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
    undoes: str = "",
) -> int:
    """Ask for a release to be taken back, or for its rollback to be undone. Returns the request's row id.

    A second person has to agree; meanwhile a flow looks what the org holds now. `overwrite` says that what somebody
    changed since the deployment may be lost; what `leave` names is not touched. A staged release is taken back in
    `org`, or else where it came last. `undoes` is the key of what the asker was shown; Conflict when it is not that.
    """
    require(ports.policy, actor, "roll_back")
    if len(reason.strip()) < 3:
        raise Unclear("Say why: /release rollback REL-1 -- what is broken", field="note")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        deployment = must_be_undoable(session, ports, release, org)
        must_be_what_was_shown(release.key, deployment, undoes)
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
        look_meanwhile(session, request, release)
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


def must_be_what_was_shown(key: str, standing: Deployment | None, undoes: str) -> None:
    """Conflict when a form was opened for an attempt (`undoes`, its key) and asking would undo another one by now."""
    if not undoes or standing is None or standing.key == undoes:
        return
    happened = "rolled back" if standing.purpose == "rollback" else "brought back"
    raise Conflict(
        f"{key} was {happened} ({standing.key}) after this form was opened, so nothing was asked for. "
        f"Look again: /release rollback {key}"
    )


def look_meanwhile(session: Session, request: RollbackRequest, release: Release) -> None:
    """Have the live org compared for a wish while people decide."""
    key, now = f"rollback_look:{release.key}:{request.id}", request.requested_at
    intend(session, key, "rollback_look", now=now, request=request.id)


def must_be_undoable(session: Session, ports: Ports, release: Release, org: str | None = None) -> Deployment:
    """What going back would undo in an org, else where the release came last; Refused or Conflict with the reason."""
    facts = gather(session, ports.policy, release)
    must_be_known(facts)
    running = [d for d in facts.deployments if d.purpose in ("rollback", "deployment") and d.state in UNDER_WAY]
    if running:
        sentence, since = f"{running[-1].key} is under way for {release.key}; wait for its end.", running[-1]
        raise Conflict(sentence, by=since.requested_by, at=since.requested_at, did="Asked for by")
    standing = standing_in(facts, org)
    if standing is None:
        where = ports.policy.title_of(org) if org else "its org"
        raise Refused("nothing_to_undo", f"{release.key} is not in {where}, so there is nothing to go back from.")
    if not standing.rollback_digest:
        because = standing.result.get("rollback_note", "no rollback package was built")
        raise Refused("no_way_back", f"{release.key} cannot be rolled back by Rollcall: {because}")
    reach = Reach(others_live(session, release), ports.policy.keep_artifacts)
    if undoable(facts, reach, ports.clock.now(), standing.org) is None:
        title, days = ports.policy.title_of(standing.org), ports.policy.keep_artifacts.days
        raise Refused(
            "too_long_ago",
            f"{release.key} is over for more than {days} days, and another release came to {title} since, so its files "
            "are not kept any more. Plan a new release that brings back what is missed: /release new",
        )
    return standing


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


def waiting_for(
    session: Session, policy: Policy, person_id: str, now: datetime
) -> list[tuple[Release, RollbackRequest]]:
    """The wishes to go back that wait for this person's yes, each with its release."""
    if not may(policy, person_id, "roll_back"):
        return []
    asked = select(RollbackRequest).where(RollbackRequest.state == "asked").order_by(col(RollbackRequest.id))
    return [
        (release_of(session, find_deployment(session, wish.deployment_id)), wish)
        for wish in session.exec(asked)
        if wish.requested_by != person_id and now < wish.expires_at
    ]


def _incident_about(session: Session, release: Release, org: str) -> Incident | None:
    query = select(Incident).where(Incident.state == "open", Incident.release_id == release.id, Incident.org == org)
    return session.exec(query.order_by(desc(Incident.id))).first()


def is_withdrawn(request: RollbackRequest) -> bool:
    """Whether whoever asked for it took it back, which is nobody's no."""
    return request.state == "declined" and request.decided_by == request.requested_by


class AlreadyDecided(Conflict):
    """A request was decided before: how, by whom, when."""

    def __init__(self, request: RollbackRequest) -> None:
        decided_at = request.decided_at or request.expires_at
        if request.state in ("asked", "expired"):
            sentence = "This request is already expired: nobody confirmed in time. Ask again if it is still needed."
            super().__init__(sentence, at=decided_at, did="It expired")
            return
        word = "replaced by another choice of parts" if request.state == "replaced" else request.state
        word = "withdrawn" if is_withdrawn(request) else word
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
            must_be_undoable(session, ports, release, deployment.org)
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
    undo = undone.purpose == "rollback"
    announce_request(session, Kind.ROLLBACK_STARTED, release, rollback, undo=undo)


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


def tell_both(
    session: Session, kind: Kind, about: tuple[Release, Incident | None], actor: str, now: datetime, **details: object
) -> None:
    """Record a fact in the release's stream, and in the incident's where there is one."""
    release, incident = about
    for stream in [release.key, *([incident.key] if incident else [])]:
        said = {**details, "release": release.key, "incident": incident.key if incident else ""}
        record(session, kind, stream=stream, actor=actor, at=now, details=said)
