"""Calling the roll before a release goes: named seats say go, no-go or abstain until a deadline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from release_core.errors import Conflict, NotAllowed, Refused, Unclear
from release_core.facts import ReleaseFacts, gather
from release_core.lookups import BEFORE_DEPLOYMENT, find_release, state_of
from release_core.models import Release, RollCall, RollCallVoice
from release_core.permissions import require
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.readiness import settle_state
from release_core.tallies import Said, result_of, roll_members, seat_title, tally
from release_core.timeline import BOT, Kind, intend, record

LONGEST = timedelta(days=14)


def call_roll(ports: Ports, actor: str, key: str, due_at: datetime, question: str = "") -> RollCall:
    """Ask the seats of a release's kind for go or no-go until an instant; it takes the place of a call before."""
    require(ports.policy, actor, "plan")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        facts = gather(session, ports.policy, release)
        seats = ports.policy.roll_of(release.kind)
        _must_be_callable(facts, seats, due_at, now)
        if facts.roll_call is not None and facts.roll_call.state == "open":
            _close(session, facts, facts.roll_call, now)
        called = RollCall(
            release_id=release.id or 0, number=facts.roll_call.number + 1 if facts.roll_call else 1,
            org=release.target_org, digest=facts.digest, question=question.strip(), seats=list(seats),
            called_by=actor, called_at=now, due_at=due_at, state="open",
        )  # fmt: skip
        session.add(called)
        session.flush()
        intend(session, f"roll_call_end:{key}:{called.number}", "roll_call_end", now=now, lane=release.key,
               due_at=due_at, release=release.key, number=called.number)  # fmt: skip
        details = {
            "number": called.number,
            "seats": list(seats),
            "due_at": due_at.isoformat(),
            "question": called.question,
        }
        record(session, Kind.ROLLCALL_CALLED, stream=release.key, actor=actor, at=now, details=details)
        settle_state(session, ports.policy, release, now)
        return called


def _must_be_callable(facts: ReleaseFacts, seats: Sequence[str], due_at: datetime, now: datetime) -> None:
    key, release = facts.release.key, facts.release
    if release.state not in BEFORE_DEPLOYMENT:
        raise Refused("too_late", f"{key} is {state_of(release)}; go or no-go is no question any more.")
    if not seats:
        raise Refused("no_seats", f"No seat is called for a {release.kind} release: name some under rollcalls.")
    if facts.package is None:
        raise Refused("no_package", f"Attach the package first (/release attach {key}): go is said to a package.")
    if due_at <= now:
        raise Unclear("That time has passed. Give one that is still to come.", field="until")
    if due_at - now > LONGEST:
        raise Unclear("The roll is called for two weeks at most. Give an earlier end.", field="until")


def speak(ports: Ports, actor: str, key: str, said: Said, *, seat: str = "", reason: str = "") -> str:
    """Say go, no-go or abstain for a seat, instead of what was said for it before; returns the seat.

    A no-go needs a reason. Without `seat` it is the first of the actor's that nobody has answered for.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        facts = gather(session, ports.policy, release)
        called = _open_call(facts, now)
        seat = _seat_for(facts, ports.policy, actor, seat, now)
        if said == "no_go" and len(reason.strip()) < 3:
            raise Unclear(f"Say why: /release vote no-go {key} -- reason", field="note")
        voice = RollCallVoice(
            roll_call_id=called.id or 0, seat=seat, person_id=actor, said=said, reason=reason.strip(), at=now
        )
        before = [one for one in facts.roll_voices if one.seat == seat]
        if before and (before[-1].said, before[-1].person_id) == (said, actor) and not voice.reason:
            raise Conflict("You said so already.", by=actor, at=before[-1].at)
        session.add(voice)
        details = {
            "number": called.number,
            "seat": seat,
            "title": seat_title(ports.policy, seat),
            "said": said,
            "reason": voice.reason,
        }
        record(session, Kind.ROLLCALL_ANSWERED, stream=release.key, actor=actor, at=now, details=details)
        settle_state(session, ports.policy, release, now)
        return seat


def _open_call(facts: ReleaseFacts, now: datetime) -> RollCall:
    called, key = facts.roll_call, facts.release.key
    if called is None:
        raise Refused("no_roll_call", f"Nobody has called the roll for {key}: /release rollcall {key} until TIME")
    if facts.release.state not in BEFORE_DEPLOYMENT:
        raise Refused("too_late", f"{key} is {state_of(facts.release)}; go or no-go is no question any more.")
    if called.state == "closed" or now >= called.due_at:
        sentence = f"Roll call {called.number} of {key} is over; what was said stands."
        raise Refused("roll_call_over", f"{sentence} To call it anew: /release rollcall {key} until TIME")
    if (called.digest, called.org) != (facts.digest, facts.release.target_org):
        sentence = f"{key} has changed since the roll was called. Call it anew: /release rollcall {key} until TIME"
        raise Refused("roll_call_outdated", sentence)
    return called


def _seat_for(facts: ReleaseFacts, policy: Policy, actor: str, wanted: str, now: datetime) -> str:
    seats = [str(seat) for seat in facts.roll_call.seats] if facts.roll_call else []
    titles = {name.casefold(): seat for seat in seats for name in (seat, seat_title(policy, seat))}
    if wanted and wanted.casefold() not in titles:
        names = ", ".join(seat_title(policy, seat) for seat in seats)
        raise Unclear(f"“{wanted}” is not called in this roll call. Its seats: {names}.", field="seat")
    candidates = [titles[wanted.casefold()]] if wanted else seats
    people = {seat: roll_members(facts, seat, now) for seat in candidates}
    mine = [seat for seat in candidates if actor in people[seat]]
    if not mine:
        names = " or ".join(seat_title(policy, seat) for seat in candidates)
        who = tuple(dict.fromkeys(person for held in people.values() for person in held))
        raise NotAllowed(f"You do not sit in the seat of {names}; nothing was recorded.", who_may=who)
    silent = tally(seats, facts.roll_voices).silent
    return next((seat for seat in mine if seat in silent), mine[0])


def close_call(ports: Ports, key: str, number: int) -> None:
    """The deadline of a roll call has come: what was said is frozen into the record."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        facts = gather(session, ports.policy, release)
        called = facts.roll_call
        if called is None or called.number != number or called.state != "open" or now < called.due_at:
            return
        _close(session, facts, called, now)
        settle_state(session, ports.policy, release, now)


def _close(session: Session, facts: ReleaseFacts, called: RollCall, now: datetime) -> None:
    release: Release = facts.release
    result = result_of(facts, called, now).as_plain()
    called.state, called.result = "closed", result
    session.add(called)
    details = {"number": called.number, "called_by": called.called_by, "owner": release.owner_id, **result}
    record(session, Kind.ROLLCALL_CLOSED, stream=release.key, actor=BOT, at=now, details=details)
