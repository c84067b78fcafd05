"""What the request to a seat looks like, before it is answered as after."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.conversation import (
    Actions,
    Button,
    Facts,
    Listing,
    Message,
    Note,
    Paragraph,
    Part,
    Tone,
    at,
    people,
    person,
)
from handlers.phrases import (
    STATES,
    do,
    headline,
    org_title,
    who,
)
from handlers.release_words import (
    in_full_words,
    losses,
    package_words,
    tests_words,
    validation_words,
    verdict_words,
)
from release_core.facts import ReleaseFacts
from release_core.lookups import BEFORE_DEPLOYMENT
from release_core.models import Approval, TimelineEntry
from release_core.policy import Policy
from release_core.readiness import who_may_answer
from release_core.risks import rows_of


@dataclass(frozen=True)
class Asked:
    """What one seat was asked to approve: the digest; what changed it since, where something did."""

    seat: str
    digest: str
    change: TimelineEntry | None = None


def approval_card(facts: ReleaseFacts, policy: Policy, asked: Asked) -> Message:
    """The request to one seat, and what came of it."""
    release, seat, digest = facts.release, asked.seat, asked.digest
    title = policy.seats[seat].title
    head = f"{headline(release)}: {title} is asked to approve."
    if what := _what_came_of_it(facts, title, asked):
        sentence, tone = what
        # The mark stands before the first words, so what became of it comes first.
        return Message(f"{release.key}, {sentence}", [Paragraph(sentence), Note(head)], tone=tone)
    parts: list[Part] = [
        Paragraph(head),
        _to_weigh(facts, policy),
        *_what_is_lost(facts),
        *_clicks(facts, title, seat, digest),
    ]
    return Message(f"{release.key} {release.name}: {title} is asked to approve", parts, tone="wait")


def _what_came_of_it(facts: ReleaseFacts, title: str, asked: Asked) -> tuple[str, Tone] | None:
    """The sentence, its tone, once nobody needs to answer any more; None while somebody does."""
    release, digest = facts.release, asked.digest
    before = release.state in BEFORE_DEPLOYMENT
    left = facts.left(asked.seat) if before and digest == facts.digest else ""
    mine = [a for a in facts.approvals if a.seat == asked.seat and a.digest == digest and a.person_id != left]
    answer = mine[-1] if mine else None
    if answer and answer.state == "standing":
        return f"{title}: {_answer_words(answer)}", "good" if answer.yes else "declined"
    if answer or digest != facts.digest:
        return _withdrawn_words(title, answer, asked.change), "withdrawn"
    if not before:
        return f"{release.key} is {STATES[release.state]}; nothing needs to be approved any more.", "plain"
    return None


def _answer_words(answer: Approval) -> str:
    comment = f": {answer.comment}" if answer.comment else ""
    return f"{'approved' if answer.yes else 'declined'} by {person(answer.person_id)} {at(answer.at)}{comment}"


def _withdrawn_words(title: str, answer: Approval | None, change: TimelineEntry | None) -> str:
    """What took a request back, who did, when; what was answered before that stays readable."""
    because = answer.withdrawn_because if answer else "What was to be approved has changed."
    by = f" It was {who(change.actor)} {at(change.at)}." if change else ""
    before = f" Before that it was {_answer_words(answer)}." if answer else ""
    return f"{title}: Withdrawn. {because}{by} Nothing needs to be done here.{before}"


def _to_weigh(facts: ReleaseFacts, policy: Policy) -> Facts:
    release = facts.release
    return Facts(
        [
            ("Target", " → ".join(org_title(policy, org) for org in release.path or [release.target_org])),
            ("Package", package_words(facts.package)),
            ("Validated", validation_words(facts, policy)),
            ("Tests", " ".join(words for words in (tests_words(facts), in_full_words(facts, policy)) if words)),
            ("Way back", verdict_words(facts.package) or "not judged yet"),
        ]
    )


def _clicks(facts: ReleaseFacts, title: str, seat: str, digest: str) -> list[Part]:
    key, holders = facts.release.key, who_may_answer(facts, seat)
    args = {"release": key, "seat": seat, "digest": digest}
    buttons = [
        Button("Approve", "release_approve", args, weight="go"),
        Button("Decline…", "release_decline", args, weight="danger"),
        do("Package", "release_package", release=key),
    ]
    can = f"{people(holders, last='or')} can answer for {title}."
    return [Actions(buttons), Note(can if holders else f"Nobody can answer for {title}: see the policy.")]


def _what_is_lost(facts: ReleaseFacts) -> list[Part]:
    """What cannot come back or needs a person, by name: nobody approves it unseen."""
    lines = list(losses(rows_of(facts.package, "impossible", "manual")))
    return [Listing(lines)] if lines else []
