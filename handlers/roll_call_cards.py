"""What a roll call looks like, while it is called as after."""

from __future__ import annotations

from datetime import datetime

from handlers.conversation import (
    Actions,
    Button,
    Message,
    Note,
    Paragraph,
    Part,
    Table,
    Tone,
    at,
    clean,
    people,
    person,
)
from handlers.phrases import STATES, do, headline
from release_core.facts import ReleaseFacts
from release_core.lookups import BEFORE_DEPLOYMENT
from release_core.models import RollCall
from release_core.policy import Policy
from release_core.tallies import SAID_WORDS, Tally, counting_call, result_of, roll_members, seat_title

VERDICT_WORDS = {
    "go": "GO",
    "no_go": "NO-GO",
    "silent": "NO GO: not every seat answered",
    "nobody": "NO GO: nobody said go",
}
"""How a result is called, in a headline."""
TONES: dict[str, Tone] = {"go": "good"}


def roll_call_card(facts: ReleaseFacts, policy: Policy, called: RollCall, now: datetime) -> Message:
    """One roll call: what every seat said, the clicks to answer, the result once it is over."""
    found, key = result_of(facts, called, now), facts.release.key
    asked = f"{headline(facts.release)}: {person(called.called_by)} calls the roll, go or no-go?"
    question = f" {clean(called.question)}" if called.question else ""
    parts: list[Part] = [Paragraph(f"{asked}{question}"), _table(policy, found)]
    if called.state == "closed":
        result = f"Roll call {called.number}: {VERDICT_WORDS[found.verdict]}"
        return Message(f"{key}, {result}", [*parts, Paragraph(f"{result}.")], tone=TONES.get(found.verdict, "stop"))
    if why := _no_question(facts):
        return Message(f"{key}, roll call {called.number}: {why}", [*parts, Paragraph(why)], tone="stop")
    return Message(
        f"{key}: the roll is called until {at(called.due_at)}",
        [*parts, *_clicks(facts, called, found, now)],
        tone="wait",
    )


def _no_question(facts: ReleaseFacts) -> str:
    if facts.release.state not in BEFORE_DEPLOYMENT:
        return f"{facts.release.key} is {STATES[facts.release.state]}; go or no-go is no question any more."
    if counting_call(facts) is None:
        return "What would be deployed has changed since; the roll has to be called anew."
    return ""


def _table(policy: Policy, found: Tally) -> Table:
    rows = [
        (seat_title(policy, line.seat), SAID_WORDS[line.said], person(line.person), clean(line.reason) or "–")
        for line in found.lines
    ]
    rows += [(seat_title(policy, seat), "no answer", "–", "–") for seat in found.silent]
    return Table(("Seat", "Says", "Who", "Why"), rows)


def _clicks(facts: ReleaseFacts, called: RollCall, found: Tally, now: datetime) -> list[Part]:
    key = facts.release.key
    args = {"release": key, "call": str(called.number)}
    buttons = [
        Button("Go", "release_vote", {**args, "said": "go"}, weight="go"),
        Button("No-go…", "release_vote", {**args, "said": "no_go"}, weight="danger"),
        do("Abstain", "release_vote", **args, said="abstain"),
        do("May we go?", "release_why", release=key),
    ]
    holders = dict.fromkeys(p for seat in found.silent for p in roll_members(facts, seat, now))
    waits = f"{people(list(holders), last='or')} can answer. " if holders else ""
    note = f"{waits}Until {at(called.due_at)} an answer may be changed. A no-go holds the release, silence does, too."
    return [Actions(buttons), Note(note)]
