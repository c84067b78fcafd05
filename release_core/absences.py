"""Who is away from when to when, and who answers for them meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from release_core.errors import Unclear
from release_core.facts import gather
from release_core.lookups import BEFORE_DEPLOYMENT
from release_core.models import Absence, Release
from release_core.permissions import must_be_in_chat
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.readiness import settle_state
from release_core.seats import absence_of, may_answer, stand_ins, waiting_seats
from release_core.timeline import BOT, Kind, intend, record
from release_core.windows import Interval

LONGEST = timedelta(days=366)


def stream_of(person: str) -> str:
    """The stream in which a person's absences are kept."""
    return f"PERSON:{person}"


def set_absence(ports: Ports, actor: str, during: Interval, *, stand_in: str = "", note: str = "") -> Absence:
    """The actor is away; `stand_in` (chat id) answers for them meanwhile. It replaces absences that it overlaps."""
    now = ports.clock.now()
    if during.ends_at <= now:
        raise Unclear("That is over already. Give an end that is still to come.", field="until")
    if during.ends_at - during.starts_at > LONGEST:
        raise Unclear("An absence lasts a year at most. Give an earlier end.", field="until")
    if stand_in == actor:
        raise Unclear("Name somebody else to answer for you, or nobody.", field="person")
    with ports.store.transaction() as session:
        if stand_in:
            must_be_in_chat(session, stand_in, "/release away until TIME @person")
        for earlier in _standing(session, actor):
            if earlier.starts_at < during.ends_at and during.starts_at < earlier.ends_at:
                earlier.ended_at = now
                session.add(earlier)
        absence = Absence(
            person_id=actor, starts_at=during.starts_at, ends_at=during.ends_at, stand_in=stand_in,
            note=note.strip(), set_at=now,
        )  # fmt: skip
        session.add(absence)
        session.flush()
        record(session, Kind.ABSENCE_SET, stream=stream_of(actor), actor=actor, at=now, details=_told(absence))
        key, due_at = f"absence_begins:{actor}:{absence.id}", max(now, absence.starts_at)
        intend(session, key, "absence_begins", now=now, lane=stream_of(actor), due_at=due_at, absence=absence.id)
        _settle(session, ports.policy, now)
        return absence


def _told(absence: Absence) -> dict[str, str]:
    return {
        "starts_at": absence.starts_at.isoformat(),
        "ends_at": absence.ends_at.isoformat(),
        "stand_in": absence.stand_in,
        "note": absence.note,
    }


def end_absence(ports: Ports, actor: str) -> bool:
    """The actor is back, or will not be away after all; False when they were not away."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        found = [one for one in _standing(session, actor) if one.ends_at > now]
        if not found:
            return False
        for one in found:
            one.ended_at = now
            session.add(one)
        details = {"stand_in": found[-1].stand_in}
        record(session, Kind.ABSENCE_ENDED, stream=stream_of(actor), actor=actor, at=now, details=details)
        _settle(session, ports.policy, now)
        return True


def _standing(session: Session, person: str) -> list[Absence]:
    query = select(Absence).where(Absence.person_id == person, col(Absence.ended_at).is_(None))
    return list(session.exec(query.order_by(col(Absence.id))).all())


def _settle(session: Session, policy: Policy, now: datetime) -> None:
    """Who may approve has changed: releases that wait for it are as far as they are now."""
    for release in _asked(session):
        settle_state(session, policy, release, now)


def _asked(session: Session) -> list[Release]:
    query = select(Release).where(Release.asked_digest != "", col(Release.state).in_(BEFORE_DEPLOYMENT))
    return list(session.exec(query.order_by(col(Release.id))).all())


def call_stand_in(ports: Ports, absence_id: int) -> None:
    """Somebody is away from now on: who answers for them is asked what they had not answered."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        absence = session.get(Absence, absence_id)
        if absence is None or not absence.stand_in or absence_of([absence], absence.person_id, now) is None:
            return
        for release in _asked(session):
            _ask(session, ports.policy, release, absence, now)


def _ask(session: Session, policy: Policy, release: Release, absence: Absence, now: datetime) -> None:
    facts = gather(session, policy, release)
    deputies = stand_ins(facts.absences, absence.person_id, now)
    waiting = [s for s in waiting_seats(facts, policy, now) if absence.person_id in facts.seats[s]]
    people = [p for p in deputies if any(p in may_answer(facts, policy, seat, now) for seat in waiting)]
    if people and release.asked_digest == facts.digest and facts.asking is not None:
        details = {
            "step": "stand_in",
            "seats": waiting,
            "people": people,
            "digest": facts.digest,
            "asked_at": facts.asking.asked_at.isoformat(),
            "away": absence.person_id,
        }
        record(session, Kind.SEATS_REMINDED, stream=release.key, actor=BOT, at=now, details=details)
