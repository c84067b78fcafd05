"""A risk that somebody takes upon themselves in writing, for the seat that the policy names."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from release_core.errors import Conflict, NotAllowed, Refused, Unclear
from release_core.facts import ReleaseFacts, gather
from release_core.lookups import BEFORE_DEPLOYMENT, find_release, state_of
from release_core.models import Acceptance
from release_core.permissions import others
from release_core.policy import Policy, Risk
from release_core.ports import Ports
from release_core.readiness import settle_state
from release_core.risks import acceptance, is_open, risk_digest, rows_of, snapshot_problem, who_may_accept
from release_core.timeline import Kind, changed_since, record

RISKS: tuple[Risk, ...] = ("impossible", "no_snapshot")
_PARTS_TOLD = 20


def open_risk(facts: ReleaseFacts, now: datetime) -> Risk | None:
    """The first risk of a release that nobody has accepted."""
    return next((risk for risk in RISKS if is_open(facts, risk, now)), None)


def ask_to_accept(session: Session, policy: Policy, facts: ReleaseFacts, risk: Risk, actor: str, now: datetime) -> str:
    """Ask the seat that the policy names; returns the seat, "" when nobody may accept."""
    seat = policy.seat_that_accepts(risk, facts.release.kind)
    if not seat:
        return ""
    details = {
        "about": risk,
        "digest": risk_digest(facts, risk),
        "seat": seat,
        "parts": [f"{row[0]} {row[1]}" for row in rows_of(facts.package, "impossible")][:_PARTS_TOLD],
        "problem": snapshot_problem(facts) if risk == "no_snapshot" else "",
    }
    record(session, Kind.ACCEPTANCE_ASKED, stream=facts.release.key, actor=actor, at=now, details=details)
    return seat


def accept(ports: Ports, actor: str, key: str, reason: str, *, risk: Risk | None = None, digest: str = "") -> Risk:
    """Record that a person accepts a risk, for its seat; returns the risk.

    `digest` is what the card showed when they clicked: when something else is at stake by now, nothing is recorded.
    Without `risk` it is the first that nobody has accepted.
    """
    if len(reason.strip()) < 3:
        raise Unclear(f"Say why it may go all the same: /release accept {key} -- reason", field="note")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        facts = gather(session, ports.policy, find_release(session, key))
        risk = risk or open_risk(facts, now) or "impossible"
        must_be_acceptable(facts, ports.policy, actor, risk)
        at_stake = _still_at_stake(session, facts, risk, digest, now)
        seat = ports.policy.seat_that_accepts(risk, facts.release.kind)
        session.add(
            Acceptance(
                release_id=facts.release.id or 0, about=risk, digest=at_stake, seat=seat, by=actor,
                reason=reason.strip(), at=now, state="standing",
            )
        )  # fmt: skip
        details = {"about": risk, "digest": at_stake, "seat": seat, "reason": reason.strip()}
        record(session, Kind.RISK_ACCEPTED, stream=key, actor=actor, at=now, details=details)
        settle_state(session, ports.policy, facts.release, now)
        return risk


def must_be_unanswered(facts: ReleaseFacts, risk: Risk, now: datetime) -> None:
    """Conflict for what was accepted already."""
    if given := acceptance(facts, risk, now):
        raise Conflict(f"This is accepted already: “{given.reason}”.", by=given.by, at=given.at)


def _still_at_stake(session: Session, facts: ReleaseFacts, risk: Risk, digest: str, now: datetime) -> str:
    """The digest of what is at stake now, which nobody has accepted."""
    at_stake, key = risk_digest(facts, risk), facts.release.key
    if digest and digest != at_stake:
        sentence = f"{key} has changed since this was asked. Look at the newest request in its thread."
        raise changed_since(session, key, sentence)
    must_be_unanswered(facts, risk, now)
    return at_stake


def must_be_acceptable(facts: ReleaseFacts, policy: Policy, actor: str, risk: Risk) -> None:
    """Refused when there is no such risk any more, NotAllowed for whoever may not take it."""
    key = facts.release.key
    if facts.release.state not in BEFORE_DEPLOYMENT:
        raise Refused("too_late", f"{key} is {state_of(facts.release)}; there is nothing to accept now.")
    if risk == "impossible" and not rows_of(facts.package, "impossible"):
        raise Refused("nothing_to_accept", f"Nothing needs to be accepted: as far as is known, {key} can come back.")
    if risk == "no_snapshot" and not snapshot_problem(facts):
        raise Refused("nothing_to_accept", f"Nothing needs to be accepted: no snapshot of {key} has failed.")
    seat = policy.seat_that_accepts(risk, facts.release.kind)
    if not seat:
        raise NotAllowed(f"Nobody may accept this: an administrator names a seat under acceptances: {risk}.")
    if actor not in facts.accepters.get(risk, ()):
        sentence = f"You do not sit in the seat of {policy.seats[seat].title}; nothing was recorded."
        raise NotAllowed(sentence, who_may=who_may_accept(facts, risk))
    if actor in facts.authors and facts.package:
        sentence = f"You attached {facts.package.file_name}, so somebody else has to accept what it risks."
        raise NotAllowed(sentence, who_may=others(who_may_accept(facts, risk), than=(actor,)))
