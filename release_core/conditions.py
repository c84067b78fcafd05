"""Which questions of a checklist are asked about a release: those whose condition its package fulfils."""

from __future__ import annotations

from datetime import datetime

from release_core.facts import Standing
from release_core.fitting import fits, words_of
from release_core.models import ChecklistItem
from release_core.policy import Policy
from release_core.run_sheets import SETTLED


def applies(item: ChecklistItem, facts: Standing) -> bool:
    """Whether a question is asked about this release as it is now; without a package only what needs none."""
    return fits(item.condition, facts.release, facts.package)


def asked_items(facts: Standing) -> list[ChecklistItem]:
    """The items that are asked about a release, in order."""
    return [item for item in facts.items if applies(item, facts)]


def is_settled(item: ChecklistItem, now: datetime) -> bool:
    """Whether an item asks for nothing more: done, or waived for longer than now."""
    over = item.state == "waived" and item.waived_until is not None and now >= item.waived_until
    return item.state in SETTLED and not over


def condition_words(item: ChecklistItem, policy: Policy) -> str:
    """When a question is asked, to complete "only when …"; "" for always."""
    return words_of(item.condition, policy)
