"""What people ask about the risk of a release: how high it is, why, what it touches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from handlers.conversation import (
    Actions,
    Listing,
    Message,
    Note,
    Paragraph,
    Part,
    Request,
    Tone,
    at,
    bold,
    clean,
    person,
)
from handlers.phrases import count, do, lasting, org_title, release_argument, shortened
from handlers.release_words import risk_words
from release_core.conflicts import Clash, conflicts_of
from release_core.facts import ReleaseFacts, gather
from release_core.gate import with_instants
from release_core.impacts import Impact, impact_of
from release_core.lookups import find_release
from release_core.metadata_types import Component
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.risk_scores import RiskPart, RiskScore, changed_parts, risk_score
from release_core.track_records import track_record

_NAMED = 8


def risk(ports: Ports, request: Request) -> Message:
    """`/release risk`: the score with its parts, then what it touches in words for everybody."""
    key = release_argument(ports, request)
    with ports.store.reading() as session:
        release = find_release(session, key)
        facts = gather(session, ports.policy, release)
        score = risk_score(facts, ports.policy, track_record(session, release))
        beside = conflicts_of(session, release)
    if score is None:
        sentence = f"{key} has no package yet, so nothing can be said about its risk."
        return Message(sentence, [Paragraph(sentence), Actions([do("Attach package", "release_attach", release=key)])])
    return risk_card(facts, ports.policy, score, beside)


def risk_card(facts: ReleaseFacts, policy: Policy, score: RiskScore, beside: Sequence[Clash] = ()) -> Message:
    """How risky a release is, each reason with its points, what it touches, which other releases are in its way."""
    key = facts.release.key
    sentence = f"{key}: {risk_words(score)}."
    reasons = [f"{part.points} · {_because(part)}" for part in score.parts]
    title, dependents = org_title(policy, facts.release.target_org), facts.package.dependents if facts.package else {}
    touched = list(impact_lines(impact_of(changed_parts(facts)), title, dependents))
    parts: list[Part] = [
        Paragraph(f"{bold(sentence)} {facts.release.name}"),
        Listing(reasons or ["Nothing speaks against it, as far as is known."]),
        Paragraph(bold("What it touches")),
        Listing(touched or ["Nothing in the target becomes other."]),
    ]
    if beside:
        parts += [Paragraph(bold("In each other's way")), Listing([conflict_line(one) for one in beside[:_NAMED]])]
    if needs := needs_words(policy, score.level):
        parts.append(Note(needs))
    parts.append(
        Note(f"Medium risk begins at {policy.risk.medium.least} points, high risk at {policy.risk.high.least}.")
    )
    buttons = [do("May we go?", "release_why", release=key)]
    if facts.package and facts.package.diff_digest:
        buttons.append(do("Differences", "release_diff", release=key))
    return Message(sentence, [*parts, Actions(buttons)], tone=_TONES[score.level])


_TONES: Mapping[str, Tone] = {"low": "good", "medium": "wait", "high": "stop"}


def conflict_line(clash: Clash) -> str:
    """Which release is in the way, in what."""
    other = f"{clash.other.key} “{clean(shortened(clash.other.name, 40))}” of {person(clash.other.owner_id)}"
    if clash.about in ("components", "records"):
        how = "changes the same" if clash.about == "components" else "changes other parts of the same records"
        return f"{other} {how}: {_names(clash.what)}."
    start, end = (at(datetime.fromisoformat(one)) for one in clash.what)
    return f"{other} is planned for {'the same org' if clash.about == 'window' else 'then, too'}: {start} to {end}."


def needs_words(policy: Policy, level: str) -> str:
    """What a level asks for beyond what the kind of release does, as a sentence; "" when nothing."""
    step = policy.risk.step_of(level)
    needs = [f"the yes of {policy.seats[seat].title}" for seat in step.seats] if step else []
    if step and step.soak:
        needs.append(f"a watch of {lasting(step.soak)}")
    return f"{level.capitalize()} risk also needs {' and '.join(needs)}." if needs else ""


def impact_lines(impact: Impact, title: str, dependents: Mapping[str, Any]) -> Iterator[str]:
    """What is touched, most people's words first."""
    if impact.objects:
        yield f"Records: {_names(impact.objects)}."
    if impact.apps:
        yield f"Apps and pages: {_names(impact.apps)}."
    if impact.groups:
        yield f"Groups of users whose rights change: {_names(impact.groups)}."
    if impact.automation:
        yield f"What happens by itself in {title}: {_components(impact.automation)}."
    if number := dependents.get("number", 0):
        named = [str(name) for name in dependents.get("names", [])]
        more = f" and {number - _NAMED} more" if number > _NAMED else ""
        yield f"What else refers to it: {', '.join(clean(name) for name in named[:_NAMED])}{more}."
    if impact.code:
        yield f"Code: {count(impact.code, 'component')}."


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(clean(shortened(name, 60)) for name in names[:_NAMED]) + more


def _components(found: Sequence[Component]) -> str:
    return _names([str(one) for one in found])


def _because(part: RiskPart) -> str:
    return with_instants(clean(part.because), part.instants, at)
