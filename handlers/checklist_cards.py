"""What a checklist looks like."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.conversation import (
    Actions,
    Button,
    Listing,
    Menu,
    Message,
    Note,
    Option,
    Paragraph,
    Part,
    code,
)
from handlers.phrases import do, headline, item_line, org_title
from handlers.release_words import checklist_words
from release_core.conditions import applies, asked_items, condition_words
from release_core.facts import ReleaseFacts
from release_core.lookups import FINAL_STATES
from release_core.models import ChecklistItem
from release_core.policy import Policy
from release_core.readiness import SETTLED, item_owners

TICKS, CHOICES = 6, 12
"""How many buttons and how many choices a card offers: a message holds 10 KB, and the items must be read in it."""


def checklist_card(facts: ReleaseFacts, policy: Policy) -> Message:
    """Every item with who owes it, with a click for everything that can be done about it."""
    key = facts.release.key
    lines = [_line(facts, policy, item) for item in facts.items]
    parts: list[Part] = [Paragraph(f"{headline(facts.release)}: checklist, {checklist_words(facts)}")]
    parts.append(Listing(lines) if lines else Paragraph("This kind of release has no checklist."))
    if facts.release.state not in FINAL_STATES:
        parts += _clicks(key, asked_items(facts))
    return Message(f"{key}: checklist, {checklist_words(facts)}", parts)


def _clicks(key: str, items: Sequence[ChecklistItem]) -> list[Part]:
    manual = [item for item in items if not item.rule]
    loose = [item for item in manual if item.state not in SETTLED]
    if not manual:
        return []
    ticks = [do(f"Tick {item.number}", "release_tick", release=key, item=str(item.number)) for item in loose[:TICKS]]
    menus = [_choose("More about an item…", "release_item", key, manual)]
    if loose:
        menus = [_choose("Block…", "release_block", key, loose), _choose("Waive…", "release_waive", key, loose), *menus]
    parts: list[Part] = [Actions([*ticks, *menus])]
    if len(manual) > CHOICES:
        parts.append(Note(f"Items not offered above: {code(f'/release item {key} NUMBER')}"))
    return parts


def _choose(label: str, verb: str, key: str, items: Sequence[ChecklistItem]) -> Menu:
    options = [Option(str(item.number), f"{item.number} {item.title}"[:60]) for item in items[:CHOICES]]
    return Menu(label, verb, "item", options, {"release": key})


def item_card(facts: ReleaseFacts, policy: Policy, item: ChecklistItem) -> Message:
    """One item with everything that can be done about it."""
    line = _line(facts, policy, item)
    parts: list[Part] = [Paragraph(f"{headline(facts.release)}: {line}")]
    if item.rule:
        parts.append(Note("Rollcall settles this item itself; nobody ticks it."))
    elif facts.release.state not in FINAL_STATES:
        parts.append(Actions(_buttons(facts.release.key, item)))
    return Message(f"{facts.release.key}: item {item.number} {item.title}", parts)


def _buttons(key: str, item: ChecklistItem) -> list[Button]:
    args = {"release": key, "item": str(item.number)}
    if item.state in SETTLED:
        return [do("Reopen", "release_reopen", **args)]
    settle = [do("Tick", "release_tick", **args), do("Block…", "release_block", **args)]
    begin = [do("Start", "release_start", **args)] if item.state == "open" else []
    later = do("Snooze…", "release_snooze", **args)
    return [*settle, do("Waive…", "release_waive", **args), *begin, do("Assign…", "release_assign", **args), later]


def _line(facts: ReleaseFacts, policy: Policy, item: ChecklistItem) -> str:
    team = policy.teams[item.team].title if item.team in policy.teams else ""
    # Titles come from the policy and may name orgs; a staged release settles the item for one org after the other.
    stage = org_title(policy, facts.release.target_org) if facts.release.path else ""
    unless = "" if applies(item, facts) else condition_words(item, policy)
    return item_line(item, item_owners(item, facts, policy), team, stage, unless)
