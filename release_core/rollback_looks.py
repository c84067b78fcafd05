"""What a look at the live org found for a wish to go back, while people still decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from release_core.facts import gather
from release_core.lookups import find_deployment, release_of
from release_core.models import Deployment, Incident, Release, RollbackRequest
from release_core.ports import AuditRow, Ports
from release_core.rollback_requests import Parts, find_request, tell_both, undecided
from release_core.timeline import BOT, Kind

COUNTS_FOR = timedelta(hours=1)
"""How long a look may be relied on with the audit trail alone; not all that people change stands in that trail."""
TRAIL_BEFORE = timedelta(minutes=10)
"""How far the org's clock may be behind ours: so much of its audit trail from before the look is remembered."""

LOST_BUT_ARMED = "It is armed, so it can go back by its proof; what others did since is read in the org's audit trail."
LOST_AND_NOT_ARMED = "It is not armed either, so it cannot go back before the file is there again."


@dataclass(frozen=True)
class Look:
    """What one look found: `drift` and `trail` are rows as RollbackRequest keeps them in `drift` and `seen`."""

    at: datetime
    live_digest: str
    drift: Parts
    trail: Parts


def trail_row(row: AuditRow) -> list[str]:
    """One line of the org's setup audit trail, as it is remembered."""
    return [row.at.isoformat(), row.by, row.action, row.display]


def note_look(ports: Ports, request_id: int, look: Look) -> None:
    """The live org was compared for a wish that still waits; people see what somebody changed since."""
    with ports.store.transaction() as session:
        request = find_request(session, request_id)
        if request.state != "asked":
            return
        request.looked_at, request.live_digest, request.look_problem = look.at, look.live_digest, ""
        request.drift = [list(row) for row in look.drift]
        request.seen = [list(row) for row in look.trail]
        session.add(request)
        about, now = _about(session, request), ports.clock.now()
        drift = [drift_words(row) for row in undecided(request, request.drift)]
        tell_both(session, Kind.ROLLBACK_LOOKED, about, BOT, now, request=request.id, drift=drift)


def note_not_looked(ports: Ports, request_id: int, sentence: str, *, lost: bool = False) -> None:
    """The live org could not be compared; the rollback itself will look, before it changes anything.

    `lost`: for good, because files are lost. People are told whether there is a proof to go by.
    """
    with ports.store.transaction() as session:
        request = find_request(session, request_id)
        if request.state != "asked" or request.looked_at is not None:
            return
        about, now = _about(session, request), ports.clock.now()
        if lost:
            undone = find_deployment(session, request.deployment_id)
            armed = gather(session, ports.policy, about[0]).armed(now, undone.org, leave=request.leave)
            sentence = f"{sentence} {LOST_BUT_ARMED if armed else LOST_AND_NOT_ARMED}"
        request.look_problem = sentence
        session.add(request)
        details = {"request": request.id, "problem": sentence, "lost": lost}
        tell_both(session, Kind.ROLLBACK_NOT_LOOKED, about, BOT, now, **details)


def is_lost(request: RollbackRequest) -> bool:
    """Whether the org cannot be compared for good, because files are lost."""
    return request.look_problem.endswith((LOST_BUT_ARMED, LOST_AND_NOT_ARMED))


def why_not_looked(request: RollbackRequest, *, armed: bool) -> str:
    """Why the org could not be compared, with whether there is a proof to go by now; it may have been voided since."""
    problem = request.look_problem
    for said in (LOST_BUT_ARMED, LOST_AND_NOT_ARMED):
        if problem.endswith(said):
            return f"{problem.removesuffix(said)}{LOST_BUT_ARMED if armed else LOST_AND_NOT_ARMED}"
    return problem


def look_to_rely_on(ports: Ports, deployment_id: int) -> Look | None:
    """The look with which a rollback may go back at once, when nothing was changed since; None when it must look anew.

    It has to be armed, because the org itself refuses a quick deploy after any other deployment.
    """
    now = ports.clock.now()
    with ports.store.reading() as session:
        rollback = find_deployment(session, deployment_id)
        request = session.get(RollbackRequest, rollback.result.get("request") or 0)
        if request is None or request.looked_at is None or not rollback.validated_job_id:
            return None
        if now - request.looked_at > COUNTS_FOR or undecided(request, request.drift):
            return None
        return Look(request.looked_at, request.live_digest, request.drift, request.seen)


@dataclass(frozen=True)
class Seen:
    """From when on the audit trail is asked about where nothing can be compared, with its rows that are known."""

    since: datetime
    rows: Parts


def seen_before(ports: Ports, deployment_id: int) -> Seen | None:
    """What people knew of the audit trail when they agreed; None when they accept to lose whatever was changed."""
    with ports.store.reading() as session:
        rollback = find_deployment(session, deployment_id)
        request = session.get(RollbackRequest, rollback.result.get("request") or 0)
        if request is not None and request.looked_at is not None:
            return Seen(request.looked_at - TRAIL_BEFORE, request.seen)
        if rollback.result.get("overwrite"):
            return None
        undone = find_deployment(session, rollback.undoes_id or 0)
        return Seen(undone.asked_at or undone.requested_at, [])


def what_is_undone(ports: Ports, request_id: int) -> Deployment:
    """The attempt that a wish wants undone."""
    with ports.store.reading() as session:
        return find_deployment(session, find_request(session, request_id).deployment_id)


def trail_words(row: AuditRow) -> str:
    """ "Mei Tanaka: Changed DiscountPolicy Apex Class code"."""
    return f"{row.by}: {row.display or row.action}"


def drift_words(row: Sequence[str]) -> str:
    """ "ApexClass Discount was changed by Mei Tanaka"."""
    kind, name, what, *more = row
    by = f" by {more[0]}" if more and more[0] else ""
    return f"{kind} {name} was {what}{by}"


def _about(session: Session, request: RollbackRequest) -> tuple[Release, Incident | None]:
    release = release_of(session, find_deployment(session, request.deployment_id))
    return release, session.get(Incident, request.incident_id) if request.incident_id else None
