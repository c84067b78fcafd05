"""What a yes is bound to, in parts that can be compared, so that people are told what is other now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from release_core.facts import ReleaseFacts
from release_core.models import ReleasePackage
from release_core.policy import Policy
from release_core.risks import acceptance, rows_of

NAMED = 8
"""How many parts are named where a package changed; the others are counted."""


def bound(facts: ReleaseFacts, now: datetime) -> dict[str, Any]:
    """Package, way, tests and what cannot come back, as plain values for JSON, by what people call them."""
    release, package = facts.release, facts.package
    accepted = acceptance(facts, "impossible", now)
    return {
        "package": [package.id, package.file_name, package.digest] if package else [],
        "target": list(release.path or [release.target_org]),
        "kind": release.kind,
        "strategy": release.strategy,
        "tests": [release.test_level, *sorted(release.run_tests)] if release.test_level else [],
        "cannot_come_back": sorted([row[0], row[1]] for row in rows_of(package, "impossible")),
        "accepted": [accepted.by, accepted.digest, release.target_org] if accepted else [],
    }


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], packages: Mapping[int, ReleasePackage], policy: Policy
) -> list[str]:
    """What is other than it was, a sentence for each part; `packages` by row id, as far as they are named."""
    told = [*_package(before.get("package") or [], after.get("package") or [], packages)]
    for name, words in (("target", "Target"), ("kind", "Kind"), ("strategy", "Strategy"), ("tests", "Tests")):
        if before.get(name, []) != after.get(name, []):
            then, now = (_worded(name, some.get(name), policy) for some in (before, after))
            told.append(f"{words}: {then} → {now}.")
    lost, was_lost = (_names(some.get("cannot_come_back", [])) for some in (after, before))
    told += [f"Cannot come back now: {_listed(lost - was_lost)}."] if lost - was_lost else []
    told += [f"Can come back now: {_listed(was_lost - lost)}."] if was_lost - lost else []
    return told


def _package(before: Sequence[Any], after: Sequence[Any], packages: Mapping[int, ReleasePackage]) -> list[str]:
    if before[2:] == after[2:]:
        return []
    if not before or not after:
        return [f"Package: {after[1] if after else 'none'}."]
    told = [f"Package: {before[1]} {before[2][:12]} → {after[1]} {after[2][:12]}."]
    old, new = packages.get(before[0]), packages.get(after[0])
    if old is None or new is None:
        return told
    held, holds = _names(old.components), _names(new.components)
    gone, goes = (_names([*one.before, *one.after]) for one in (old, new))
    pairs = (("Added", holds - held), ("Not in it any more", held - holds), ("Deletes now", goes - gone))
    told += [f"{word}: {_listed(names)}." for word, names in (*pairs, ("Keeps now", gone - goes)) if names]
    # The same parts with other content: only the orgs know which of them differ.
    return told if len(told) > 1 else [*told, "It holds the same parts, with other content."]


def _worded(name: str, value: Any, policy: Policy) -> str:
    if name == "target":
        return " → ".join(policy.title_of(org) for org in value or [])
    if isinstance(value, list):
        return " ".join(str(one) for one in value) or "as the policy says"
    return str(value)


def _names(rows: Sequence[Sequence[str]]) -> set[str]:
    return {f"{row[0]} {row[1]}" for row in rows}


def _listed(names: set[str]) -> str:
    shown = sorted(names)
    more = f" and {len(shown) - NAMED} more" if len(shown) > NAMED else ""
    return f"{', '.join(shown[:NAMED])}{more}"
