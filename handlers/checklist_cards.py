"""What a checklist looks like."""

from __future__ import annotations

from handlers.conversation import (
    Actions,
    Listing,
    Message,
    Note,
    Paragraph,
    Part,
    code,
)
from handlers.phrases import (
    do,
    headline,
    item_line,
)
from handlers.release_words import (
    checklist_words,
)
from release_core.facts import ReleaseFacts
from release_core.policy import Policy
from release_core.readiness import item_owners


def checklist_card(facts: ReleaseFacts, policy: Policy) -> Message:
    """Every item with who owes it."""
    key = facts.release.key
    lines = [_item_words(facts, policy, number) for number in range(len(facts.items))]
    parts: list[Part] = [Paragraph(f"{headline(facts.release)}: checklist, {checklist_words(facts)}")]
    parts.append(Listing(lines) if lines else Paragraph("This kind of release has no checklist."))
    loose = [item for item in facts.items if not item.rule and item.state not in ("done", "waived")]
    if loose and facts.release.state not in ("closed", "cancelled", "rolled_back"):
        parts.append(
            Actions([do(f"Tick {i.number}", "release_tick", release=key, item=str(i.number)) for i in loose[:8]])
        )
        parts.append(
            Note(
                f"Something in the way? {code(f'/release block {key} 2 -- reason')} · "
                f"Not needed? {code(f'/release waive {key} 2 -- reason')}"
            )
        )
    return Message(f"{key}: checklist, {checklist_words(facts)}", parts)


def _item_words(facts: ReleaseFacts, policy: Policy, index: int) -> str:
    item = facts.items[index]
    team = policy.teams[item.team].title if item.team in policy.teams else ""
    return item_line(item, item_owners(item, facts, policy), team)
