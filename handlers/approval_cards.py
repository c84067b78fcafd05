"""What the request to a seat looks like, before it is answered as after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
    clean,
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
from release_core.fitting import why_needed
from release_core.lookups import BEFORE_DEPLOYMENT
from release_core.models import Approval, TimelineEntry
from release_core.permissions import others
from release_core.policy import Policy
from release_core.risks import rows_of
from release_core.seating import Seated
from release_core.seats import absence_of, seating, stand_ins, standing_answers, whom_to_ask


@dataclass(frozen=True)
class Asked:
    """What one seat was asked to approve: the digest; what changed it since, where something did."""

    seat: str
    digest: str
    change: TimelineEntry | None = None


def approval_card(facts: ReleaseFacts, policy: Policy, asked: Asked, now: datetime) -> Message:
    """The request to one seat, and what came of it."""
    release, seat = facts.release, asked.seat
    title = policy.seats[seat].title
    head = f"{headline(release)}: {title} is asked to approve."
    one = next((one for one in seating(facts, policy, now) if one.seat == seat), None)
    if what := _what_came_of_it(facts, title, asked, one, now):
        sentence, tone = what
        # The mark stands before the first words, so what became of it comes first.
        return Message(f"{release.key}, {sentence}", [Paragraph(sentence), Note(head)], tone=tone)
    if because := why_needed(policy, release, facts.package, seat):
        head = f"{head} It is asked because {because}."
    parts: list[Part] = [Paragraph(head), *_what_changed(facts), _to_weigh(facts, policy), *_what_is_lost(facts)]
    if one:
        parts += [*_so_far(facts, one, now), *_clicks(facts, policy, one, asked.digest, now)]
    return Message(f"{release.key} {release.name}: {title} is asked to approve", parts, tone="wait")


def _what_came_of_it(
    facts: ReleaseFacts, title: str, asked: Asked, one: Seated | None, now: datetime
) -> tuple[str, Tone] | None:
    """The sentence, its tone, once nobody needs to answer any more; None while somebody does."""
    release, seat, digest = facts.release, asked.seat, asked.digest
    before = release.state in BEFORE_DEPLOYMENT
    mine = [a for a in facts.approvals if a.seat == seat and a.digest == digest]
    if before and digest == facts.digest and one is not None and (said := _who_answered(facts, one, now)):
        return _answered(title, seat, said)
    standing = {a.person_id: a for a in mine if a.state == "standing"}
    if not before and standing:
        return _answered(title, seat, list(standing.values()))
    if digest != facts.digest or (mine and mine[-1].state == "withdrawn" and release.asked_digest != digest):
        return _withdrawn_words(title, seat, mine[-1] if mine else None, asked.change), "withdrawn"
    if not before:
        return f"{release.key} is {STATES[release.state]}; nothing needs to be approved any more.", "plain"
    return None


def _who_answered(facts: ReleaseFacts, one: Seated, now: datetime) -> list[Approval]:
    """The answers that settle a seat: its no, else every yes it asked for; none while it waits."""
    settled = one.declined_by or (one.filled_by if one.complete else ())
    newest = {answer.person_id: answer for answer in standing_answers(facts, now)}
    return [newest[person_id] for person_id in settled if person_id in newest]


def _answered(title: str, seat: str, said: Sequence[Approval]) -> tuple[str, Tone]:
    sentence = f"{title}: {'; '.join(_answer_words(answer, seat) for answer in said)}"
    return sentence, "good" if all(a.yes for a in said) else "declined"


def _withdrawn_words(title: str, seat: str, answer: Approval | None, change: TimelineEntry | None) -> str:
    """What took a request back, who did, when; what was answered before that stays readable."""
    because = answer.withdrawn_because if answer else "What was to be approved has changed."
    by = f" It was {who(change.actor)} {at(change.at)}." if change else ""
    before = f" Before that it was {_answer_words(answer, seat)}." if answer else ""
    return f"{title}: Withdrawn. {because}{by} Nothing needs to be done here.{before}"


def _answer_words(answer: Approval, seat: str) -> str:
    comment = f": {answer.comment}" if answer.comment else ""
    for_them = f" for {people([str(one) for one in answer.for_people])}" if answer.for_people else ""
    moved = "" if answer.seat == seat else ", who sits in both"
    said = "approved" if answer.yes else "declined"
    return f"{said} by {person(answer.person_id)}{for_them}{moved} {at(answer.at)}{comment}"


def _what_changed(facts: ReleaseFacts) -> list[Part]:
    """What is other than when the seats were asked before."""
    asking = facts.asking
    if asking is None or asking.digest != facts.digest or not asking.changes:
        return []
    return [Paragraph("Since you were asked before:"), Listing([clean(str(line)) for line in asking.changes])]


def _so_far(facts: ReleaseFacts, one: Seated, now: datetime) -> list[Part]:
    """Who has said yes where more than one has to, who is away."""
    lines = []
    if one.filled_by:
        lines.append(f"Yes so far: {people(one.filled_by)}, {one.places - one.missing} of {one.places}.")
    if one.must and (one.filled_by or one.places > 1):
        lines.append(f"Needed in any case: {people(one.must)}.")
    for person_id in facts.seats.get(one.seat, ()):
        absence, deputies = absence_of(facts.absences, person_id, now), stand_ins(facts.absences, person_id, now)
        if absence:
            meanwhile = f"; {people(deputies, last='or')} answers meanwhile" if deputies else ""
            lines.append(f"{person(person_id)} is away until {at(absence.ends_at)}{meanwhile}.")
    return [Listing(lines)] if lines else []


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


def _clicks(facts: ReleaseFacts, policy: Policy, one: Seated, digest: str, now: datetime) -> list[Part]:
    key, title = facts.release.key, policy.seats[one.seat].title
    holders = whom_to_ask(facts, policy, one.seat, now)
    args = {"release": key, "seat": one.seat, "digest": digest}
    buttons = [
        Button("Approve", "release_approve", args, weight="go"),
        Button("Decline…", "release_decline", args, weight="danger"),
        do("Package", "release_package", release=key),
    ]
    can = f"{people(holders, last='or')} can answer for {title}."
    said = can if holders else f"Nobody can answer for {title}: see the policy."
    return [Actions(buttons), Note(" ".join([said, *_when_asked_on(facts, policy, one.seat, now)]))]


def _when_asked_on(facts: ReleaseFacts, policy: Policy, seat: str, now: datetime) -> list[str]:
    """What happens at which time while nobody answers; what is over is not told."""
    asking = facts.asking
    if asking is None or asking.digest != facts.digest:
        return []
    alternates = others(policy.seats[seat].alternates, than=facts.seats.get(seat, ()))
    steps = [(asking.remind_at, f"a reminder {at(asking.remind_at)}")]
    if alternates:
        too = f"{people(alternates, last='or')} may answer, too, from {at(asking.alternates_at)}"
        steps.append((asking.alternates_at, too))
    steps.append((asking.manager_at, f"{person(facts.release.owner_id)} is told {at(asking.manager_at)}"))
    ahead = [words for due_at, words in steps if due_at > now]
    return [f"Without an answer: {'; '.join(ahead)}."] if ahead else []


def _what_is_lost(facts: ReleaseFacts) -> list[Part]:
    """What cannot come back or needs a person, by name: nobody approves it unseen."""
    lines = list(losses(rows_of(facts.package, "impossible", "manual")))
    return [Listing(lines)] if lines else []
