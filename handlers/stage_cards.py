"""What is asked when a staged release comes to its next org."""

from __future__ import annotations

from datetime import datetime

from handlers.acceptance_cards import no_snapshot_words
from handlers.conversation import Actions, Listing, Message, Note, Paragraph, Part
from handlers.phrases import count, do, gate_line, headline, org_title, state_words
from handlers.readiness_cards import deploy_button, next_words
from handlers.release_words import path_words
from release_core.facts import ReleaseFacts
from release_core.lookups import BEFORE_DEPLOYMENT
from release_core.policy import Policy
from release_core.readiness import gates


def stage_card(facts: ReleaseFacts, policy: Policy, org: str, now: datetime) -> Message:
    """The next org: what keeps the release from it, or the button that brings it there."""
    release, title = facts.release, org_title(policy, org)
    parts: list[Part] = [Paragraph(f"{headline(release)}: {path_words(facts, policy, now)}")]
    if release.target_org != org or release.state not in BEFORE_DEPLOYMENT:
        sentence = f"{release.key} is {state_words(release, policy)}."
        return Message(sentence, [*parts, Paragraph(sentence)])
    key, closed = release.key, [gate for gate in gates(facts, policy, now) if not gate.passes]
    if not closed:
        go = [deploy_button(facts, policy, now), do("May we go?", "release_why", release=key)]
        if refused := no_snapshot_words(facts, policy, now):
            summary = f"{key} goes to {title} only with a snapshot, which failed the last time."
            return Message(summary, [*parts, Paragraph(refused), Actions(go)], tone="wait")
        return Message(f"{key} may go to {title} now.", [*parts, Actions(go)], tone="good")
    buttons = [
        do("Validate", "release_validate", release=key),
        do("Set window", "release_window", release=key),
        do("Look again", "release_why", release=key),
    ]
    summary = f"{key} comes to {title} next; it may not go yet: {count(len(closed), 'reason')}."
    parts += [Paragraph(summary), Listing([gate_line(gate) for gate in closed]), Note(next_words(facts, policy, now))]
    return Message(summary, [*parts, Actions(buttons)], tone="wait")
