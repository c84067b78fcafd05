"""What the request to accept a risk in writing looks like, before it is answered as after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handlers.conversation import (
    Actions,
    Button,
    Listing,
    Message,
    Note,
    Paragraph,
    Part,
    at,
    clean,
    code,
    people,
    person,
)
from handlers.phrases import STATES, do, headline, org_title, who
from handlers.release_words import losses
from release_core.facts import ReleaseFacts
from release_core.lookups import BEFORE_DEPLOYMENT
from release_core.models import Acceptance, TimelineEntry
from release_core.policy import Policy, Risk
from release_core.risks import NO_SNAPSHOT_FOR, acceptance, risk_digest, rows_of, snapshot_problem, who_may_accept


def seat_title(policy: Policy, seat: str) -> str:
    """How people call a seat; its key when the policy does not name it any more."""
    return policy.seats[seat].title if seat in policy.seats else seat or "Nobody"


@dataclass(frozen=True)
class AskedRisk:
    """What was asked to be accepted: its digest; what changed it since, who had accepted it, where somebody did."""

    risk: Risk
    digest: str
    change: TimelineEntry | None = None
    given: Acceptance | None = None


def acceptance_card(facts: ReleaseFacts, policy: Policy, now: datetime, asked: AskedRisk) -> Message:
    """The request to the seat that the policy names, and what came of it."""
    release, risk, digest = facts.release, asked.risk, asked.digest
    seat = seat_title(policy, policy.seat_that_accepts(risk, release.kind))
    head = f"{headline(release)}: {seat} is asked to accept in writing {_what(risk)}."
    parts: list[Part] = [Paragraph(head)]
    given = [a for a in facts.acceptances if (a.about, a.digest) == (risk, digest)]
    if digest != risk_digest(facts, risk):
        before = f" Before that: {accepted_words(policy, asked.given)}." if asked.given else ""
        by = f" It was {who(asked.change.actor)} {at(asked.change.at)}." if asked.change else ""
        ended = f"Withdrawn: what was to be accepted has changed.{by} Nothing needs to be done here.{before}"
        return Message(f"{release.key}: {ended}", [Paragraph(ended), Note(head)], tone="withdrawn")
    if given and (acceptance(facts, risk, now) or release.state not in BEFORE_DEPLOYMENT):
        sentence = accepted_words(policy, given[-1])
        return Message(f"{release.key}: {sentence}", [Paragraph(sentence), Note(head)], tone="good")
    if release.state not in BEFORE_DEPLOYMENT:
        sentence = f"{release.key} is {STATES[release.state]}; nothing needs to be accepted any more."
        return Message(sentence, [*parts, Paragraph(sentence)])
    summary = f"{release.key} {release.name}: {seat} is asked to accept {_what(risk)}"
    return Message(summary, [*parts, *at_stake(facts, policy, risk), *_clicks(facts, risk, digest)], tone="stop")


def _what(risk: Risk) -> str:
    return "that parts cannot come back" if risk == "impossible" else "that it goes without a way back"


def _clicks(facts: ReleaseFacts, risk: Risk, digest: str) -> list[Part]:
    key = facts.release.key
    accept = Button("Accept in writing…", "release_accept", {"release": key, "about": risk, "digest": digest}, "danger")
    buttons = [accept, do("Package", "release_package", release=key)]
    holders = who_may_accept(facts, risk)
    note = f"{people(holders[:5], last='or')} can accept it." if holders else "Nobody can accept it: see the policy."
    return [Actions(buttons), Note(note)]


def at_stake(facts: ReleaseFacts, policy: Policy, risk: Risk) -> list[Part]:
    """What a person takes upon themselves: the parts with what they would have to do, or the snapshot that failed."""
    if risk == "impossible":
        return [Listing(list(losses(rows_of(facts.package, "impossible"))))]
    title, hours = org_title(policy, facts.release.target_org), int(NO_SNAPSHOT_FOR.total_seconds() // 3600)
    sentence = (
        f"No snapshot of {title} could be taken: {clean(snapshot_problem(facts))} Once this is accepted, the next "
        f"deployment within {hours} hours tries again; if that fails too, it goes on and cannot be rolled back."
    )
    return [Paragraph(sentence)]


def no_snapshot_words(facts: ReleaseFacts, policy: Policy, now: datetime) -> str:
    """Why the last attempt did not go and what follows, while nobody accepted going without a way back; else ""."""
    problem = snapshot_problem(facts)
    if not problem or acceptance(facts, "no_snapshot", now):
        return ""
    key, title = facts.release.key, org_title(policy, facts.release.target_org)
    holders = who_may_accept(facts, "no_snapshot")
    accepted = f"{people(holders[:4], last='or')} may accept in writing that it goes without a way back: " + code(
        f"/release accept {key} -- reason"
    )
    nobody = "Nobody may accept going without one: an administrator names a seat under acceptances: no_snapshot."
    return (
        f"The last attempt did not go: the snapshot of {title} could not be taken. {clean(problem)} Another attempt "
        f"takes it anew; if that fails too, nothing is deployed again. {accepted if holders else nobody}"
    )


def accepted_words(policy: Policy, given: Acceptance) -> str:
    """Who accepted what, for which seat, when, why."""
    what = "what cannot come back" if given.about == "impossible" else "going without a way back"
    seat = seat_title(policy, given.seat)
    return f"{person(given.by)} accepted {what} for {seat} {at(given.at)}: {clean(given.reason)}"


def way_back_parts(facts: ReleaseFacts, policy: Policy, now: datetime) -> list[Part]:
    """What somebody who decides has to know: what cannot come back or needs a person, and who accepted that."""
    lines = list(losses(rows_of(facts.package, "impossible", "manual")))
    given = [one for risk in _BOTH if (one := acceptance(facts, risk, now))]
    lines += [accepted_words(policy, one) for one in given]
    return [Listing(lines)] if lines else []


_BOTH: tuple[Risk, ...] = ("impossible", "no_snapshot")
