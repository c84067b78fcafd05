"""The yes and no of named seats, bound to what was approved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from release_core.acceptances import ask_to_accept
from release_core.errors import Conflict, NotAllowed, Refused, Unclear
from release_core.facts import ReleaseFacts, gather
from release_core.lookups import BEFORE_DEPLOYMENT, find_release, state_of
from release_core.models import Approval, Release
from release_core.permissions import others, require
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.readiness import SETTLED, barred_from_approving, settle_state
from release_core.risks import is_open, rows_of
from release_core.timeline import Kind, changed_since, record


def ask_for_approvals(ports: Ports, actor: str, key: str) -> None:
    """Ask every seat that has not answered to approve what is attached now, and whoever has to accept its risks."""
    require(ports.policy, actor, "plan")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        facts = gather(session, ports.policy, release)
        risky = facts.release.state in BEFORE_DEPLOYMENT and is_open(facts, "impossible", now)
        if facts.seats or not risky:
            _must_be_askable(facts)
        waiting = [seat for seat in facts.seats if facts.approval(seat) is None]
        if not waiting and not risky:
            raise Refused("all_answered", f"Every seat of {key} has answered already; /release why {key} says how.")
        release.asked_digest = facts.digest
        session.add(release)
        if waiting:
            details = {"seats": waiting, "digest": facts.digest}
            record(session, Kind.APPROVALS_ASKED, stream=release.key, actor=actor, at=now, details=details)
        if risky:
            ask_to_accept(session, ports.policy, facts, "impossible", actor, now)


def _must_be_askable(facts: ReleaseFacts) -> None:
    key = facts.release.key
    if not facts.seats:
        raise Refused("no_seats", f"A {facts.release.kind} release such as {key} needs no approval.")
    if facts.package is None:
        raise Refused(
            "no_package", f"Attach the package first (/release attach {key}): approvals are given to a package."
        )
    if facts.release.state not in BEFORE_DEPLOYMENT:
        raise Refused("too_late", f"{key} is {state_of(facts.release)}; there is nothing to approve any more.")


def answer(
    ports: Ports, actor: str, key: str, *, yes: bool, seat: str | None = None, comment: str = "", digest: str = ""
) -> str:
    """Record one person's yes or no for a seat; returns the seat.

    `digest` is what the card showed when the person clicked: when something else is attached by now, nothing is
    recorded. A no needs a comment; after one's own yes it takes that back.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        facts = gather(session, ports.policy, release)
        _must_be_what_was_asked(session, facts, digest)
        seat = _seat_for(facts, ports.policy, actor, seat)
        _must_not_be_answered(facts, ports.policy, seat, actor, yes)
        if not yes and len(comment.strip()) < 3:
            raise Unclear("Say why, so that the release manager can act on it.", field="note")
        given = Approval(
            release_id=release.id or 0,
            seat=seat,
            person_id=actor,
            yes=yes,
            digest=facts.digest,
            comment=comment.strip(),
            at=now,
            state="standing",
            seen=_what_is_seen(facts),
        )
        session.add(given)
        title = ports.policy.seats[seat].title
        details = {"seat": seat, "title": title, "comment": given.comment, "digest": given.digest}
        kind = Kind.APPROVED if yes else Kind.DECLINED
        record(session, kind, stream=release.key, actor=actor, at=now, details=details)
        settle_state(session, ports.policy, release, now)
        return seat


def must_be_answerable(ports: Ports, actor: str, key: str, *, yes: bool, seat: str | None, digest: str) -> None:
    """The refusals of `answer`, before a person is asked for words."""
    with ports.store.reading() as session:
        facts = gather(session, ports.policy, find_release(session, key))
        _must_be_what_was_asked(session, facts, digest)
        _must_not_be_answered(facts, ports.policy, _seat_for(facts, ports.policy, actor, seat), actor, yes)


def _must_be_what_was_asked(session: Session, facts: ReleaseFacts, digest: str) -> None:
    _must_be_askable(facts)
    key = facts.release.key
    if digest and digest != facts.digest:
        sentence = f"{key} has changed since this was asked. Look at the newest request in its thread."
        raise changed_since(session, key, sentence)


def _seat_for(facts: ReleaseFacts, policy: Policy, actor: str, wanted: str | None) -> str:
    """The seat that the actor answers for: the one they named, else the first of theirs that waits."""
    if wanted:
        by_name = {name.lower(): seat for seat in facts.seats for name in (seat, policy.seats[seat].title)}
        if wanted.lower() not in by_name:
            names = ", ".join(policy.seats[seat].title for seat in facts.seats)
            raise Unclear(f"{facts.release.key} has no seat “{wanted}”. Its seats: {names}.", field="seat")
        candidates = [by_name[wanted.lower()]]
    else:
        candidates = list(facts.seats)
    mine = [seat for seat in candidates if actor in facts.seats[seat]]
    who = tuple(dict.fromkeys(p for seat in candidates for p in facts.seats[seat]))
    if actor in barred_from_approving(facts) and facts.package:
        raise NotAllowed(
            f"You attached {facts.package.file_name}, so somebody else has to approve it.",
            who_may=others(who, than=(actor,)),
        )
    if not mine:
        titles = " or ".join(policy.seats[seat].title for seat in candidates)
        raise NotAllowed(f"You do not sit in the seat of {titles}; nothing was recorded.", who_may=who)
    taken = [seat for seat in facts.seats if (given := facts.approval(seat)) and given.person_id == actor]
    if taken and taken[0] not in candidates:
        raise NotAllowed(
            f"You already answered for {policy.seats[taken[0]].title}; one person fills one seat.",
            who_may=others(who, than=(actor,)),
        )
    if taken:
        return taken[0]
    waiting = [seat for seat in mine if facts.approval(seat) is None]
    return (waiting or mine)[0]


def _must_not_be_answered(facts: ReleaseFacts, policy: Policy, seat: str, actor: str, yes: bool) -> None:
    earlier = facts.approval(seat)
    if earlier is None or (yes and not earlier.yes):
        return
    if earlier.yes and not yes and earlier.person_id == actor:
        return  # who said yes may think better of it; only others may not overrule them
    word = "approved" if earlier.yes else "declined"
    raise AlreadyAnswered(policy.seats[seat].title, word, earlier.person_id, earlier.at)


class AlreadyAnswered(Conflict):
    """A seat has answered: by whom, when."""

    def __init__(self, title: str, word: str, by: str, at: datetime) -> None:
        super().__init__(f"{title} has already {word} this.", by=by, at=at)


def _what_is_seen(facts: ReleaseFacts) -> dict[str, Any]:
    package = facts.package
    assert package is not None, "asked only with a package"
    return {
        "package": package.file_name,
        "digest": package.digest,
        "components": len(package.components),
        "deletions": len(package.before) + len(package.after),
        "validations": [[d.key, d.org, d.state] for d in facts.deployments if d.purpose == "validation"],
        "cannot_come_back": [f"{row[0]} {row[1]}" for row in rows_of(package, "impossible")],
        "open_items": [i.title for i in facts.items if i.state not in SETTLED],
    }


def withdraw_approvals(session: Session, release: Release, because: str, *, actor: str, now: datetime) -> None:
    """Take back every standing answer of a release, with the reason that its givers are told."""
    session.flush()
    standing = _standing(session, release)
    if not standing and not release.asked_digest:
        return
    for approval in standing:
        approval.state, approval.withdrawn_because = "withdrawn", because
        session.add(approval)
    release.asked_digest = ""
    session.add(release)
    if standing:
        details = {
            "because": because,
            "people": sorted({a.person_id for a in standing}),
            "seats": [a.seat for a in standing],
        }
        record(session, Kind.APPROVALS_WITHDRAWN, stream=release.key, actor=actor, at=now, details=details)


def _standing(session: Session, release: Release) -> list[Approval]:
    return list(
        session.exec(select(Approval).where(Approval.release_id == release.id, Approval.state == "standing")).all()
    )
