"""Which questions of a checklist are asked about a release: those whose condition its package fulfils."""

from __future__ import annotations

from datetime import datetime

from release_core.facts import Standing
from release_core.models import ChecklistItem
from release_core.policy import Policy
from release_core.risks import rows_of
from release_core.run_sheets import SETTLED


def applies(item: ChecklistItem, facts: Standing) -> bool:
    """Whether a question is asked about this release as it is now; without a package only what needs none."""
    wanted, package = item.condition, facts.package
    if not wanted:
        return True
    if "orgs" in wanted and facts.release.target_org not in wanted["orgs"]:
        return False
    if not set(wanted) - {"orgs"}:
        return True
    if package is None:
        return False
    deleted = [*package.before, *package.after]
    held = {str(row[0]) for row in (*package.components, *deleted)}
    return not (
        ("types" in wanted and held.isdisjoint(wanted["types"]))
        or (wanted.get("deletions") and not deleted)
        or (wanted.get("cannot_come_back") and not rows_of(package, "impossible"))
        or len(package.components) < int(wanted.get("components", 0))
    )


def asked_items(facts: Standing) -> list[ChecklistItem]:
    """The items that are asked about a release, in order."""
    return [item for item in facts.items if applies(item, facts)]


def is_settled(item: ChecklistItem, now: datetime) -> bool:
    """Whether an item asks for nothing more: done, or waived for longer than now."""
    over = item.state == "waived" and item.waived_until is not None and now >= item.waived_until
    return item.state in SETTLED and not over


def condition_words(item: ChecklistItem, policy: Policy) -> str:
    """When a question is asked, to complete "only when …"; "" for always."""
    wanted = item.condition
    words = [f"it holds {' or '.join(map(str, wanted['types']))}"] if "types" in wanted else []
    words += ["it deletes something"] if wanted.get("deletions") else []
    words += ["something cannot come back"] if wanted.get("cannot_come_back") else []
    words += [f"it has {wanted['components']} components or more"] if wanted.get("components") else []
    words += [f"it goes to {' or '.join(policy.title_of(str(o)) for o in wanted['orgs'])}"] if "orgs" in wanted else []
    return " and ".join(words)
