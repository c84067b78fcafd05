"""Going back with some parts left as they are: chosen after the look, proven before it is needed."""

from __future__ import annotations

from sqlmodel import Session

from release_core.attempts import new_attempt
from release_core.errors import Conflict, Refused
from release_core.facts import UNDER_WAY, gather
from release_core.lookups import find_deployment, release_of
from release_core.models import Deployment, Release, RollbackRequest
from release_core.permissions import require
from release_core.ports import Ports
from release_core.rollback_requests import AlreadyDecided, Parts, find_request, look_meanwhile, put_to_people
from release_core.timeline import BOT


def choose_parts(ports: Ports, actor: str, request_id: int, leave: Parts, *, shown: bool = True) -> int:
    """Ask again with another choice: what is in `leave` stays, the rest goes back, whoever changed it since.

    Who chose before the look has ended has accepted no loss: a look of its own is made for the new wish. `shown` says
    whether the chooser saw what the look found; Conflict when it found something meanwhile. The wish is the chooser's
    from then on, so somebody else confirms it. Returns the new request's row id.
    """
    require(ports.policy, actor, "roll_back")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        old, undone, release = _waiting(session, ports, request_id)
        chosen = sorted([list(part[:2]) for part in leave])
        if old.drift and not shown:
            because = "Somebody changed parts since, which was found after this form was opened."
            raise Conflict(f"{because} Nothing was asked for; press Choose parts… once more.")
        overwrite = old.overwrite or old.looked_at is not None
        if old.overwrite == overwrite and sorted(old.leave) == chosen:
            raise Conflict("That is what is asked for already.", by=old.requested_by, at=old.requested_at)
        old.state, old.decided_by, old.decided_at = "replaced", actor, now
        session.add(old)
        request = RollbackRequest(
            deployment_id=undone.id or 0,
            number=0,
            incident_id=old.incident_id,
            state="asked",
            reason=old.reason,
            requested_by=actor,
            requested_at=now,
            expires_at=now + ports.policy.rollback_request_expires,
            overwrite=overwrite,
            leave=chosen,
            **{name: getattr(old, name) for name in ("looked_at", "drift", "live_digest", "seen")},
        )
        put_to_people(session, request, release, replaces=old.id)
        if request.looked_at is None:
            look_meanwhile(session, request, release)
        assert request.id is not None
        return request.id


def prove_first(ports: Ports, actor: str, request_id: int) -> str:
    """Have the way back that a wish chose tried check-only before it is confirmed; returns the attempt's key."""
    require(ports.policy, actor, "roll_back")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        request, undone, release = _waiting(session, ports, request_id)
        facts = gather(session, ports.policy, release)
        if undone.purpose != "deployment":
            raise Refused(
                "not_provable", f"Undoing {undone.key} is not proven first; confirm it, it runs its tests then."
            )
        if facts.armed(now, undone.org, leave=request.leave):
            raise Conflict(f"This way back of {release.key} is proven already. Confirm it: it is a quick deploy.")
        running = [d for d in facts.armings(request.leave, undone.org) if d.state in UNDER_WAY]
        if running:
            raise Conflict(f"{running[-1].key} proves it already; wait for its end.")
        proof = new_attempt(session, release, purpose="arming", org=undone.org, actor=BOT, now=now)
        proof.undoes_id, proof.package_id, proof.leave = undone.id, undone.package_id, request.leave
        proof.archive_digest = "" if request.leave else undone.rollback_digest
        session.add(proof)
        return proof.key


def _waiting(session: Session, ports: Ports, request_id: int) -> tuple[RollbackRequest, Deployment, Release]:
    request = find_request(session, request_id)
    if request.state != "asked" or ports.clock.now() >= request.expires_at:
        raise AlreadyDecided(request)
    undone = find_deployment(session, request.deployment_id)
    return request, undone, release_of(session, undone)
