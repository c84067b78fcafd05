"""How each component of a release would come back, said before anybody says go."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from release_core import collector
from release_core.comparison import Change, compare, element_of
from release_core.metadata_types import Component, file_of, is_unknown
from release_core.metadata_xml import canonical, text_of
from release_core.packages import Package, is_test
from release_core.rollbacks import falls_with, kept_by_flows
from release_core.verdict_rules import RULES, Condition, Rule, Verdict

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["Judgement", "Verdict", "judge", "summary"]

_WORST_FIRST: tuple[Verdict, ...] = ("impossible", "manual", "lossy", "exact")
_JOBS = re.compile(rb"\b(schedulable|queueable|batchable)\b")
_NEVER_TAKEN_AWAY = frozenset(
    {"customMetadataTypeAccesses", "customPermissions", "description", "loginHours", "loginIpRanges"}
)


@dataclass(frozen=True)
class Judgement:
    """How one component would come back; `todo` is what a person has to do, "" when nothing.

    `source` names the page or the practice that the verdict rests on, "" when it follows from the comparison itself.
    """

    component: Component
    verdict: Verdict
    reason: str
    todo: str = ""
    source: str = ""


@collector.at_rest()
def judge(package: Package, live_before: Package | None) -> tuple[Judgement, ...]:
    """One Judgement for each Change of `compare`, in its order, against what the org holds before the release.

    `live_before` None means that the org holds nothing of it.
    """
    changes = compare(package, live_before)
    new = [change.component for change in changes if change.kind == "new"]
    kept = kept_by_flows(package, new)
    gone = frozenset(component for component in new if component.type == "CustomObject") - kept
    return tuple(_judgement(_Case(change, package, live_before, change.component in kept, gone)) for change in changes)


def summary(judgements: Iterable[Judgement]) -> dict[Verdict, int]:
    """How many of each verdict, worst first; a verdict that nothing got is left out."""
    found = [judgement.verdict for judgement in judgements]
    return {verdict: found.count(verdict) for verdict in _WORST_FIRST if verdict in found}


@dataclass(frozen=True)
class _Case:
    """One change with all that a condition may look at; `gone` are the new objects that going back deletes."""

    change: Change
    package: Package
    live: Package | None
    is_kept: bool
    gone: frozenset[Component]

    @cached_property
    def after(self) -> Element | None:
        """The component's XML in the package."""
        return element_of(self.package, self.change.component)

    @cached_property
    def before(self) -> Element | None:
        """The component's XML in the org."""
        return None if self.live is None else element_of(self.live, self.change.component)

    def differs(self, *tags: str) -> bool:
        """Whether the text of one of these elements is another before than after."""
        before, after = self.before, self.after
        return (
            before is not None
            and after is not None
            and any(text_of(before, tag) != text_of(after, tag) for tag in tags)
        )

    def keys_added(self, *paths: str) -> bool:
        """Whether one of these element paths has a text after that it lacked before."""
        before, after = self.before, self.after
        return any(_texts(after, path) - _texts(before, path) for path in paths)


def _judgement(case: _Case) -> Judgement:
    component = case.change.component
    rule = next(rule for rule in _rules_for(component.type, case.change.kind) if _CONDITIONS[rule.when](case))
    reason = rule.reason
    if is_unknown(component.type) and rule is RULES[-1]:
        reason = f"Rollcall does not know the type {component.type}."
    return Judgement(component, rule.verdict, reason, rule.todo, rule.source)


@cache
def _rules_for(kind: str, change: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in RULES if not rule.types.isdisjoint(("*", kind)) and change in rule.kinds)


def _adds_entries(case: _Case) -> bool:
    before, after = case.before, case.after
    if before is None or after is None:
        return False
    tags = {child.tag for child in after} - {child.tag for child in before}
    return bool(tags) or case.keys_added("*/name", "*/fullName")


def _was_shorter(case: _Case) -> bool:
    before, after = case.before, case.after
    lengths = [0 if element is None else int(text_of(element, "length") or 0) for element in (before, after)]
    return 0 < lengths[0] < lengths[1]


def _has_new_values(case: _Case) -> bool:
    return case.keys_added(".//value/fullName", ".//customValue/fullName", ".//standardValue/fullName")


def _sets_what_only_adds(case: _Case) -> bool:
    before, after = case.before, case.after
    ours, theirs = (
        {canonical(child) for child in element if child.tag in _NEVER_TAKEN_AWAY} if element is not None else set()
        for element in (after, before)
    )
    return bool(ours - theirs)


def _overrides_actions(case: _Case) -> bool:
    return case.keys_added("profileActionOverrides/actionName", "actionOverrides/actionName")


def _is_granted(case: _Case) -> bool:
    """Whether people are given access to such a thing; nobody is to a class of tests."""
    component = case.change.component
    if component.type != "ApexClass" or case.live is None:
        return True
    return not is_test(case.live.files[file_of(component)].decode("utf-8", "replace"))


def _runs_as_job(case: _Case) -> bool:
    component = case.change.component
    holder = case.live if case.change.kind == "deleted" else case.package
    source = b"" if holder is None else holder.files.get(file_of(component), b"")
    return _JOBS.search(source.lower()) is not None


def _becomes_other_relationship(case: _Case) -> bool:
    types = [text_of(element, "type") for element in (case.before, case.after) if element is not None]
    return len(types) == 2 and types[0] != types[1] and not {"MasterDetail", "Lookup"}.isdisjoint(types)


def _is_roll_up(case: _Case) -> bool:
    after = case.after
    return after is not None and text_of(after, "type") == "Summary"


_CONDITIONS: dict[Condition, Callable[[_Case], bool]] = {
    "": lambda _: True,
    "adds_entries": _adds_entries,
    "becomes_other_relationship": _becomes_other_relationship,
    "depends_on_new_field": lambda case: case.keys_added(".//controllingField", ".//controllingFieldValue"),
    "falls_with_object": lambda case: falls_with(case.change.component, case.gone),
    "field_type_differs": lambda case: case.differs("type"),
    "field_was_shorter": _was_shorter,
    "has_new_values": _has_new_values,
    "is_granted": _is_granted,
    "is_roll_up": _is_roll_up,
    "kept_by_flow": lambda case: case.is_kept,
    "other_sharing": lambda case: case.differs("sharingModel", "externalSharingModel"),
    "overrides_actions": _overrides_actions,
    "runs_as_job": _runs_as_job,
    "sets_what_only_adds": _sets_what_only_adds,
}


def _texts(element: Element | None, path: str) -> set[str]:
    return set() if element is None else {(found.text or "").strip() for found in element.iterfind(path)}
