"""Whether a release is one that a condition of the policy speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from release_core.models import Release, ReleasePackage
from release_core.policy import Condition, Policy


def as_plain(condition: Condition | None) -> dict[str, Any]:
    """A condition as plain values for JSON, without what it does not ask for."""
    return condition.model_dump(mode="json", exclude_defaults=True) if condition else {}


def fits(wanted: Mapping[str, Any], release: Release, package: ReleasePackage | None) -> bool:
    """Whether everything that a condition asks for is so now; without a package only what needs none."""
    if "orgs" in wanted and release.target_org not in wanted["orgs"]:
        return False
    if "risk" in wanted and release.risk_level not in wanted["risk"]:
        return False
    if not set(wanted) - {"orgs", "risk"}:
        return True
    if package is None:
        return False
    deleted = [*package.before, *package.after]
    held = {str(row[0]) for row in (*package.components, *deleted)}
    return not (
        ("types" in wanted and held.isdisjoint(wanted["types"]))
        or (wanted.get("deletions") and not deleted)
        or (wanted.get("cannot_come_back") and not any(row[2] == "impossible" for row in package.verdicts))
        or len(package.components) < int(wanted.get("components", 0))
    )


def words_of(wanted: Mapping[str, Any], policy: Policy) -> str:
    """What a condition asks for, to complete "only when …"; "" for nothing."""
    words = [f"it holds {' or '.join(map(str, wanted['types']))}"] if "types" in wanted else []
    words += ["it deletes something"] if wanted.get("deletions") else []
    words += ["something cannot come back"] if wanted.get("cannot_come_back") else []
    words += [f"it has {wanted['components']} components or more"] if wanted.get("components") else []
    words += [f"it goes to {' or '.join(policy.title_of(str(o)) for o in wanted['orgs'])}"] if "orgs" in wanted else []
    words += [f"its risk is {' or '.join(wanted['risk'])}"] if "risk" in wanted else []
    return " and ".join(words)


def needed_seats(policy: Policy, release: Release, package: ReleasePackage | None) -> tuple[str, ...]:
    """The seats whose yes a release needs: those of its kind, then those that its package asks for."""
    more = [seat for rule in _more(policy, release, package) for seat in rule]
    return tuple(dict.fromkeys((*policy.seats_of(release.kind, release.risk_level), *more)))


def _more(policy: Policy, release: Release, package: ReleasePackage | None) -> list[tuple[str, ...]]:
    return [
        rule.seats
        for rule in policy.more_approvals
        if (not rule.kinds or release.kind in rule.kinds) and fits(as_plain(rule.when), release, package)
    ]


def why_needed(policy: Policy, release: Release, package: ReleasePackage | None, seat: str) -> str:
    """Why a release needs a seat that its kind alone does not, to complete "asked because …"; "" for a usual one."""
    if seat in policy.seats_of(release.kind):
        return ""
    if seat in policy.seats_of(release.kind, release.risk_level):
        return f"its risk is {release.risk_level}"
    found = [
        words_of(as_plain(rule.when), policy)
        for rule in policy.more_approvals
        if seat in rule.seats
        and (not rule.kinds or release.kind in rule.kinds)
        and fits(as_plain(rule.when), release, package)
    ]
    return next(iter(found), "")
