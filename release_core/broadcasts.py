"""Promised status for people who only read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, desc, func, select

from release_core.errors import NotFound, Refused, Unclear
from release_core.lookups import FINAL_STATES, find_release, nearest, state_of
from release_core.models import Broadcast, Release
from release_core.permissions import require
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.timeline import BOT, Kind, intend, record, withdraw_intents
from release_core.windows import Interval

TOO_LATE_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Promise:
    """What an audience is to be told, at an instant (aware UTC), by whom (chat id).

    `every_minutes` 0 means once; with an empty `text` the words are found when it is sent.
    """

    audience: str
    due_at: datetime
    every_minutes: int = 0
    text: str = ""
    by: str = BOT


def schedule_for_window(session: Session, policy: Policy, release: Release, window: Interval, *, now: datetime) -> None:
    """Promise every audience a first status at the start of the window, then as often as the policy says."""
    withdraw_due(session, release, rhythms_only=True)
    for audience, rule in policy.audiences.items():
        first = Promise(audience, max(now, window.starts_at), _minutes(rule.every))
        _promise(session, release, first, now)


def schedule(
    ports: Ports, actor: str, key: str, *, audience: str, due_at: datetime | None, text: str, every: timedelta | None
) -> Broadcast:
    """Promise an audience a status at an instant, or send one now (`due_at` None)."""
    require(ports.policy, actor, "broadcast")
    now = ports.clock.now()
    if due_at is not None and due_at < now - timedelta(minutes=1):
        raise Unclear(
            "That time has passed. Give a time that is still to come, or leave it out to send now.", field="at"
        )
    if audience not in ports.policy.audiences:
        known = ", ".join(ports.policy.audiences) or "none; add one under audiences in the policy"
        raise NotFound(
            f"There is no audience “{audience}”. Known audiences: {known}.",
            nearest=nearest(audience, ports.policy.audiences),
            field="audience",
        )
    promise = Promise(audience, due_at or now, _minutes(every) if every else 0, text.strip(), by=actor)
    with ports.store.transaction() as session:
        release = find_release(session, key)
        if release.state in FINAL_STATES:
            state = state_of(release)
            told = "its audiences were told that they had the last message"
            raise Refused("over", f"{release.key} is {state}; {told}. Write to them in their channel, if you must.")
        if promise.every_minutes:
            # A new rhythm takes the place of the old one; nobody hears the same twice.
            withdraw_due(session, release, rhythms_only=True, audience=audience)
        broadcast = _promise(session, release, promise, now)
        details = {"number": broadcast.number, "audience": audience, "due_at": broadcast.due_at.isoformat()}
        record(session, Kind.BROADCAST_SCHEDULED, stream=release.key, actor=actor, at=now, details=details)
        return broadcast


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


def _promise(session: Session, release: Release, promise: Promise, now: datetime) -> Broadcast:
    session.flush()
    number = session.exec(select(func.count()).where(Broadcast.release_id == release.id)).one() + 1
    broadcast = Broadcast(release_id=release.id or 0, number=number, state="due", **vars(promise))
    session.add(broadcast)
    session.flush()
    key, due_at = f"broadcast:{release.key}:{number}", promise.due_at
    intend(session, key, "broadcast", now=now, lane=release.key, due_at=due_at, release=release.key, number=number)
    return broadcast


def send_due(ports: Ports, key: str, number: int) -> None:
    """The time of a broadcast has come: it counts as sent, and the next one is promised.

    One that is more than an hour late is stated as missed, and a person decides whether to send it still; a person's
    own words go out however late.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        broadcast = find_broadcast(session, release, number)
        if broadcast.state != "due":
            return
        missed = now - broadcast.due_at > TOO_LATE_AFTER and not broadcast.text
        broadcast.state, broadcast.sent_at = ("missed", None) if missed else ("sent", now)
        session.add(broadcast)
        if broadcast.every_minutes and release.state not in FINAL_STATES:
            every = timedelta(minutes=broadcast.every_minutes)
            behind = max(0, (now - broadcast.due_at) // every)
            following = broadcast.due_at + (behind + 1) * every
            _promise(session, release, Promise(broadcast.audience, following, broadcast.every_minutes), now)
        kind = Kind.BROADCAST_MISSED if missed else Kind.BROADCAST_SENT
        details = {"number": number, "audience": broadcast.audience}
        record(session, kind, stream=release.key, actor=broadcast.by, at=now, details=details)


def find_broadcast(session: Session, release: Release, number: int) -> Broadcast:
    """One broadcast of a release."""
    found = session.exec(
        select(Broadcast).where(Broadcast.release_id == release.id, Broadcast.number == number)
    ).first()
    if found is None:
        raise NotFound(f"{release.key} has no status number {number}.")
    return found


def next_promised(session: Session, release: Release, audience: str) -> datetime | None:
    """When an audience hears next."""
    found = session.exec(
        select(Broadcast)
        .where(Broadcast.release_id == release.id, Broadcast.audience == audience, Broadcast.state == "due")
        .order_by(col(Broadcast.due_at))
    ).first()
    return found.due_at if found else None


def withdraw_due(
    session: Session, release: Release, *, rhythms_only: bool = False, audience: str | None = None
) -> None:
    """Take back what was promised and not sent: everything, or what repeats, or what one audience waits for."""
    query = select(Broadcast).where(Broadcast.release_id == release.id, Broadcast.state == "due")
    if rhythms_only:
        query = query.where(Broadcast.every_minutes > 0)
    if audience is not None:
        query = query.where(Broadcast.audience == audience)
    for broadcast in session.exec(query).all():
        broadcast.state = "withdrawn"
        session.add(broadcast)
        withdraw_intents(session, [f"broadcast:{release.key}:{broadcast.number}"])


def tell_once(session: Session, release: Release, audiences: Iterable[str], *, now: datetime) -> None:
    """Audiences that were told that a release is over hear once, now, where it stands after all."""
    for audience in audiences:
        _promise(session, release, Promise(audience, now), now)


def end_broadcasts(session: Session, release: Release, *, now: datetime, audiences: Iterable[str] = ()) -> None:
    """A release is over: audiences that heard of it or were promised more are told that this was the last.

    `audiences` are told in any case.
    """
    session.flush()
    promised = session.exec(
        select(Broadcast.audience)
        .where(Broadcast.release_id == release.id, col(Broadcast.state).in_(("sent", "due")))
        .order_by(desc(Broadcast.id))
    ).all()
    withdraw_due(session, release)
    told = sorted({*promised, *audiences})
    if told:
        details = {"audiences": told, "state": release.state}
        record(session, Kind.BROADCASTS_ENDED, stream=release.key, actor=BOT, at=now, details=details)
