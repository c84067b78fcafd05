"""The yes and no of named seats, bound to what was approved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from release_core.acceptances import ask_to_accept
from release_core.answering import AlreadyAnswered, must_matter, seat_for
from release_core.asks import ask_seats, set_expiry, told_changes
from release_core.bindings import bound
from release_core.conditions import asked_items, is_settled
from release_core.errors import Refused, Unclear
from release_core.facts import ReleaseFacts, gather
from release_core.lookups import BEFORE_DEPLOYMENT, find_release, release_of, state_of
from release_core.models import Approval, Release
from release_core.permissions import require
from release_core.policy import Policy, Seat
from release_core.ports import Ports
from release_core.readiness import settle_state
from release_core.risks import is_open, rows_of
from release_core.seating import Seated
from release_core.seats import seating, standing_answers, stands_in_for, waiting_seats
from release_core.timeline import BOT, Kind, changed_since, record

__all__ = [
    "AlreadyAnswered",
    "answer",
    "ask_anew",
    "ask_for_approvals",
    "expire_answer",
    "must_be_answerable",
    "take_back",
    "withdraw_approvals",
]


def ask_for_approvals(ports: Ports, actor: str, key: str, reason: str = "") -> None:
    """Ask every seat that has not said yes to what is attached now, and whoever has to accept its risks.

    A seat that declined is asked again only with a reason, which its people are told: what has been done about the no.
    """
    require(ports.policy, actor, "plan")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        facts = gather(session, ports.policy, release)
        risky = facts.release.state in BEFORE_DEPLOYMENT and is_open(facts, "impossible", now)
        if facts.seats or not risky:
            _must_be_askable(facts)
        waiting = [one for one in seating(facts, ports.policy, now) if not one.complete]
        if not waiting and not risky:
            raise Refused("all_answered", f"Every seat of {key} has answered already; /release why {key} says how.")
        _set_refusals_aside(session, facts, ports.policy, waiting, Given(actor, reason.strip(), now))
        if waiting:
            ask_seats(session, ports.policy, facts, [one.seat for one in waiting], actor, now)
        release.asked_digest = facts.digest
        session.add(release)
        if risky:
            ask_to_accept(session, ports.policy, facts, "impossible", actor, now)
        settle_state(session, ports.policy, release, now)


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


@dataclass(frozen=True)
class Given:
    """Who says something, in which words, when."""

    by: str
    words: str
    at: datetime


def _set_refusals_aside(
    session: Session, facts: ReleaseFacts, policy: Policy, waiting: Sequence[Seated], given: Given
) -> None:
    """A no stands until its giver thinks better of it, or is asked again because something was done about it."""
    key, refusals = facts.release.key, {person for one in waiting for person in one.declined_by}
    if not refusals:
        return
    if len(given.words) < 3:
        titles = " and ".join(policy.seats[one.seat].title for one in waiting if one.declined_by)
        sentence = f"{titles} declined. Say what was done about it: /release ask {key} -- what was mended"
        raise Unclear(sentence, field="note")
    for answer in facts.approvals:
        if answer.person_id in refusals and answer.state == "standing" and not answer.yes:
            answer.state, answer.withdrawn_because = "withdrawn", f"The seat is asked again: {given.words}"
            session.add(answer)
    details = {"people": sorted(refusals), "because": given.words}
    record(session, Kind.REFUSAL_SET_ASIDE, stream=key, actor=given.by, at=given.at, details=details)


def answer(
    ports: Ports,
    actor: str,
    key: str,
    *,
    yes: bool,
    seat: str | None = None,
    comment: str = "",
    digest: str = "",
    shown: str = "",
) -> str:
    """Record one person's yes or no for a seat; returns the seat.

    `digest` is what the card showed when the person clicked: when something else is attached by now, nothing is
    recorded. `shown` is what the card said, word by word. A no needs a comment; after one's own yes it takes that back.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        facts = gather(session, ports.policy, release)
        _must_be_what_was_asked(session, facts, digest)
        seat = seat_for(facts, ports.policy, actor, seat, now)
        seat = must_matter(facts, ports.policy, actor, seat, yes=yes, now=now)
        if not yes and len(comment.strip()) < 3:
            raise Unclear("Say why, so that the release manager can act on it.", field="note")
        rule = ports.policy.seats[seat]
        given = _row(facts, rule, Given(actor, comment.strip(), now), yes=yes)
        given.seat, given.seen = seat, {**_what_is_seen(facts, now), **({"card": shown} if shown else {})}
        session.add(given)
        session.flush()
        if given.expires_at and given.id:
            set_expiry(session, release, given.id, given.expires_at, now)
        details: dict[str, Any] = {"seat": seat, "title": rule.title, "comment": given.comment, "digest": given.digest}
        if given.for_people:
            details["for"] = given.for_people
        kind = Kind.APPROVED if yes else Kind.DECLINED
        record(session, kind, stream=release.key, actor=actor, at=now, details=details)
        settle_state(session, ports.policy, release, now)
        return seat


def _row(facts: ReleaseFacts, rule: Seat, said: Given, *, yes: bool) -> Approval:
    return Approval(
        release_id=facts.release.id or 0,
        seat="",
        person_id=said.by,
        yes=yes,
        digest=facts.digest,
        comment=said.words,
        at=said.at,
        state="standing",
        for_people=list(stands_in_for(facts, said.by, said.at)),
        expires_at=said.at + rule.lasts if yes and rule.lasts else None,
    )


def must_be_answerable(ports: Ports, actor: str, key: str, *, yes: bool, seat: str | None, digest: str) -> None:
    """The refusals of `answer`, before a person is asked for words."""
    now = ports.clock.now()
    with ports.store.reading() as session:
        facts = gather(session, ports.policy, find_release(session, key))
        _must_be_what_was_asked(session, facts, digest)
        wanted = seat_for(facts, ports.policy, actor, seat, now)
        must_matter(facts, ports.policy, actor, wanted, yes=yes, now=now)


def _must_be_what_was_asked(session: Session, facts: ReleaseFacts, digest: str) -> None:
    _must_be_askable(facts)
    key = facts.release.key
    if digest and digest != facts.digest:
        sentence = f"{key} has changed since this was asked. Look at the newest request in its thread."
        raise changed_since(session, key, sentence)


def _what_is_seen(facts: ReleaseFacts, now: datetime) -> dict[str, Any]:
    package = facts.package
    assert package is not None, "asked only with a package"
    return {
        "package": package.file_name,
        "digest": package.digest,
        "components": len(package.components),
        "deletions": len(package.before) + len(package.after),
        "validations": [[d.key, d.org, d.state] for d in facts.deployments if d.purpose == "validation"],
        "cannot_come_back": [f"{row[0]} {row[1]}" for row in rows_of(package, "impossible")],
        "open_items": [i.title for i in asked_items(facts) if not is_settled(i, now)],
        "bound": bound(facts, now),
    }


def take_back(ports: Ports, actor: str, key: str, reason: str = "") -> str:
    """Withdraw one's own answer, so that the seat waits again; returns the seat."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        facts = gather(session, ports.policy, release)
        if release.state not in BEFORE_DEPLOYMENT:
            raise Refused("too_late", f"{key} is {state_of(release)}; no answer can be taken back any more.")
        mine = [one for one in standing_answers(facts, now) if one.person_id == actor]
        if not mine:
            raise Refused("nothing_given", f"No answer of yours to {key} stands; there is nothing to take back.")
        for one in mine:
            one.state, one.withdrawn_because = "withdrawn", f"Its giver took it back{_after(reason)}."
            session.add(one)
        seat, title = mine[-1].seat, ports.policy.seats[mine[-1].seat].title
        details = {"seat": seat, "title": title, "yes": mine[-1].yes, "reason": reason.strip()}
        record(session, Kind.ANSWER_TAKEN_BACK, stream=release.key, actor=actor, at=now, details=details)
        settle_state(session, ports.policy, release, now)
        return seat


def _after(reason: str) -> str:
    return f": {reason.strip().rstrip('.')}" if reason.strip() else ""


def expire_answer(ports: Ports, approval_id: int) -> None:
    """A yes has counted for as long as the policy lets it: its giver is told, its seat waits again."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        given = session.get(Approval, approval_id)
        if given is None or given.state != "standing" or given.expires_at is None or now < given.expires_at:
            return
        release = release_of(session, given)
        if release.state not in BEFORE_DEPLOYMENT:
            return
        given.state, given.withdrawn_because = "expired", "It has counted for as long as the policy lets it."
        session.add(given)
        details = {"seat": given.seat, "person": given.person_id, "given_at": given.at.isoformat()}
        record(session, Kind.APPROVAL_EXPIRED, stream=release.key, actor=BOT, at=now, details=details)
        session.flush()
        ask_anew(session, ports.policy, release, now)
        settle_state(session, ports.policy, release, now)


def withdraw_approvals(
    session: Session, release: Release, because: str, *, policy: Policy, actor: str, now: datetime
) -> None:
    """Take back every standing answer of a release, with the reason and what is other now for those who gave them."""
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
        seen = standing[-1].seen.get("bound")
        after = bound(gather(session, policy, release), now)
        details = {
            "because": because,
            "people": sorted({a.person_id for a in standing}),
            "seats": [a.seat for a in standing],
            "changes": told_changes(session, policy, seen, after) if seen else [],
        }
        record(session, Kind.APPROVALS_WITHDRAWN, stream=release.key, actor=actor, at=now, details=details)


def ask_anew(session: Session, policy: Policy, release: Release, now: datetime) -> None:
    """Ask the seats again that were asked before something changed, without waiting for anybody to say so."""
    session.flush()
    facts = gather(session, policy, release)
    if facts.asking is None or facts.package is None or release.state not in BEFORE_DEPLOYMENT:
        return
    waiting = waiting_seats(facts, policy, now)
    if waiting:
        ask_seats(session, policy, facts, waiting, BOT, now)


def _standing(session: Session, release: Release) -> list[Approval]:
    return list(
        session.exec(select(Approval).where(Approval.release_id == release.id, Approval.state == "standing")).all()
    )
