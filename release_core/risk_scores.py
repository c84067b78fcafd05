"""How risky a release is: a score whose parts can be seen, each with its reason.

The points are ours, not a standard's: they order releases, so that more care goes where more can break. A part that
adds nothing is left out; one about which nothing is known says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from release_core.coverage import ENOUGH, deployed
from release_core.facts import ReleaseFacts, Standing
from release_core.impacts import AUTOMATION, PERMISSIONS
from release_core.metadata_types import Component
from release_core.models import ReleasePackage
from release_core.policy import Policy, RiskLevel
from release_core.risks import is_compared, parts_changed
from release_core.test_plans import may_become_quick
from release_core.track_records import PastDeployment

NEAR = timedelta(days=1)
"""A freeze that begins so soon after the window leaves no working day to mend things."""

TESTED_WELL = 85
"""Percent of a class that tests reach, from which on it adds no risk."""

_NAMED = 3


@dataclass(frozen=True)
class RiskPart:
    """One reason for the score. `because` is a sentence; instants in it stand in `instants`, written {0}, {1} …"""

    code: str
    points: int
    because: str
    instants: tuple[datetime, ...] = ()


@dataclass(frozen=True)
class RiskScore:
    """0 (nothing known against it) to 100, with the parts it is made of, the heaviest first."""

    parts: tuple[RiskPart, ...]
    level: RiskLevel

    @property
    def points(self) -> int:
        """All parts together, 100 at most."""
        return min(100, sum(part.points for part in self.parts))


@dataclass(frozen=True)
class _Weighed:
    facts: ReleaseFacts
    policy: Policy
    package: ReleasePackage
    changed: Sequence[Component]
    past: Sequence[PastDeployment]


def risk_score(facts: ReleaseFacts, policy: Policy, past: Sequence[PastDeployment]) -> RiskScore | None:
    """The score of a release as it is planned now; None without a package, of which there is nothing to say."""
    if facts.package is None:
        return None
    weighed = _Weighed(facts, policy, facts.package, changed_parts(facts), past)
    parts = sorted((part for weigh in _PARTS for part in weigh(weighed)), key=lambda part: -part.points)
    score = RiskScore(tuple(parts), "low")
    return RiskScore(score.parts, policy.risk.level_of(score.points))


def changed_parts(facts: Standing) -> Sequence[Component]:
    """What would become other in the target; everything in the package while it is not compared with it."""
    return parts_changed(facts.package, facts.release.target_org)


def _size(w: _Weighed) -> Iterator[RiskPart]:
    number = len(w.changed)
    points = next(
        (points for least, points in ((1000, 10), (300, 8), (100, 6), (30, 4), (10, 2)) if number >= least), 0
    )
    if points:
        yield RiskPart("size", points, f"{number:,} components become other in {_title(w)}.")


def _deletions(w: _Weighed) -> Iterator[RiskPart]:
    gone = [Component(row[0], row[1]) for row in w.package.comparison if row[2] == "deleted"]
    if not is_compared(w.package, w.facts.release.target_org):
        gone = [Component(*row) for row in (*w.package.before, *w.package.after)]
    if gone:
        yield RiskPart("deletions", min(15, 3 * len(gone)), f"It deletes {_names(gone)}.")


def _automation(w: _Weighed) -> Iterator[RiskPart]:
    found = [one for one in w.changed if one.type in AUTOMATION]
    if found:
        because = f"It touches what acts by itself when records are saved: {_names(found)}."
        yield RiskPart("automation", min(15, 3 * len(found)), because)


def _permissions(w: _Weighed) -> Iterator[RiskPart]:
    found = [one for one in w.changed if one.type in PERMISSIONS]
    if found:
        because = f"It touches who may see or do what: {_names(found)}."
        yield RiskPart("permissions", min(15, 3 * len(found)), because)


def _way_back(w: _Weighed) -> Iterator[RiskPart]:
    tally = Counter(row[2] for row in w.package.verdicts)
    points = min(20, 8 * tally["impossible"] + 3 * tally["manual"] + tally["lossy"])
    said = {"impossible": "cannot come back", "manual": "only by hand", "lossy": "with losses"}
    told = ", ".join(f"{tally[verdict]} {words}" for verdict, words in said.items() if tally[verdict])
    if points:
        yield RiskPart("way_back", points, f"Not every part comes back exactly: {told}.")


def _dependents(w: _Weighed) -> Iterator[RiskPart]:
    number, names = w.package.dependents.get("number", 0), w.package.dependents.get("names", [])
    points = next((points for least, points in ((50, 10), (20, 6), (5, 3), (1, 1)) if number >= least), 0)
    if points:
        more = f" and {number - _NAMED} more" if number > _NAMED else ""
        because = f"Something else refers to what changes: {', '.join(names[:_NAMED])}{more}."
        yield RiskPart("dependents", points, because)


def _compared(w: _Weighed) -> Iterator[RiskPart]:
    if not is_compared(w.package, w.facts.release.target_org):
        because = f"The package is not compared with {_title(w)} yet, so all of it counts as changed."
        yield RiskPart("not_compared", 5, because)


def _coverage(w: _Weighed) -> Iterator[RiskPart]:
    newest = w.facts.newest("validation", org=w.facts.release.target_org)
    if newest is None or newest.state != "validated" or newest.archive_digest != w.package.digest:
        yield RiskPart("not_validated", 5, f"No check-only run of this package has passed in {_title(w)} yet.")
        return
    measured = deployed(newest.result)
    weak = [one for one in measured if one.percent < TESTED_WELL]
    if weak:
        worst = weak[0]
        points = 10 if worst.percent < ENOUGH else 5
        because = f"{_how_many(len(weak), 'deployed class', 'deployed classes')} below {TESTED_WELL} % coverage"
        yield RiskPart("coverage", points, f"{because}; the least tested is {worst.name} with {worst.percent} %.")
    elif not may_become_quick(newest):
        yield RiskPart("no_tests", 8, f"No test ran in {newest.key}.")


def _components_history(w: _Weighed) -> Iterator[RiskPart]:
    ours = frozenset(w.changed)
    met = [(one, sorted(one.parts & ours, key=str)) for one in w.past if one.went_wrong and one.parts & ours]
    if met:
        one, shared = met[0]
        what = "was taken back" if one.state == "rolled_back" else "failed"
        because = f"{_names(shared)} changed in {one.release} as well, which {what} on {{0}}."
        yield RiskPart("history", min(15, 5 * len(met)), because, (one.at,))


def _owners_history(w: _Weighed) -> Iterator[RiskPart]:
    own = [one for one in w.past if one.owner_id == w.facts.release.owner_id][:10]
    wrong = sum(one.went_wrong for one in own)
    if wrong >= 2:
        because = (
            f"Of the last {len(own)} deployments to {_title(w)} under this owner, {wrong} failed or were taken back."
        )
        yield RiskPart("owner_history", min(10, 2 * wrong), because)


def _near_freeze(w: _Weighed) -> Iterator[RiskPart]:
    if w.facts.window is None:
        return
    end = w.facts.window.ends_at
    for freeze in w.facts.freezes:
        if end <= freeze.starts_at < end + NEAR:
            because = f"The freeze “{freeze.name}” begins at {{0}}, soon after the window: little time to mend things."
            yield RiskPart("near_freeze", 5, because, (freeze.starts_at,))
            return


def _hour(w: _Weighed) -> Iterator[RiskPart]:
    if w.facts.window is None:
        return
    start = w.facts.window.starts_at.astimezone(ZoneInfo(w.policy.zone))
    if start.weekday() == 4 and start.hour >= 12:
        because = "It starts on a Friday afternoon or evening ({0}): whoever could mend it has a weekend ahead."
        yield RiskPart("friday", 5, because, (w.facts.window.starts_at,))
    elif start.weekday() < 5 and w.policy.risk.people_work(start.time()):
        because = f"It starts while people work ({{0}} in {w.policy.zone})."
        yield RiskPart("working_hours", 5, because, (w.facts.window.starts_at,))


_PARTS: Sequence[Callable[[_Weighed], Iterator[RiskPart]]] = (
    _size,
    _deletions,
    _automation,
    _permissions,
    _dependents,
    _way_back,
    _compared,
    _coverage,
    _components_history,
    _owners_history,
    _near_freeze,
    _hour,
)


def _title(w: _Weighed) -> str:
    return w.policy.title_of(w.facts.release.target_org)


def _names(found: Sequence[Component]) -> str:
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(str(one) for one in found[:_NAMED]) + more


def _how_many(number: int, one: str, many: str) -> str:
    return f"{number:,} {one} is" if number == 1 else f"{number:,} {many} are"
