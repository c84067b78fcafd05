"""What a release risks that somebody has to accept in writing before it goes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from release_core.facts import ReleaseFacts
from release_core.metadata_types import Component
from release_core.models import Acceptance, ReleasePackage
from release_core.permissions import others
from release_core.policy import Risk

NO_SNAPSHOT_FOR = timedelta(hours=4)
"""How long it counts that somebody accepted going without a snapshot: it is about this attempt, not about next week."""


def is_compared(package: ReleasePackage, org: str) -> bool:
    """Whether it is known what the package would do in an org; a comparison with another org says nothing."""
    return package.compared_at is not None and package.compared_org in ("", org)


def parts_changed(package: ReleasePackage | None, org: str) -> Sequence[Component]:
    """What a package makes other in an org; everything in it while the two are not compared."""
    if package is None:
        return ()
    if is_compared(package, org):
        return [Component(row[0], row[1]) for row in package.comparison if row[2] in ("new", "changed", "deleted")]
    return [Component(*row) for row in (*package.components, *package.before, *package.after)]


def rows_of(package: ReleasePackage | None, *verdicts: str) -> list[Sequence[str]]:
    """The rows [type, name, verdict, reason, to do, source] with one of the verdicts, in the order of the verdicts."""
    rows = package.verdicts if package else ()
    return [row for verdict in verdicts for row in rows if row[2] == verdict]


def snapshot_problem(facts: ReleaseFacts) -> str:
    """Why the newest deployment of what is attached now had no snapshot and did not go; "" when that is not so."""
    newest = facts.newest("deployment", org=facts.release.target_org)
    if newest is None or newest.state != "failed" or facts.package is None:
        return ""
    return str(newest.result.get("snapshot_problem", "")) if newest.archive_digest == facts.package.digest else ""


def risk_digest(facts: ReleaseFacts, risk: Risk) -> str:
    """The SHA-256 of exactly what is accepted: the package, where it goes, the parts that cannot come back."""
    package = facts.package
    lost = [list(row[:4]) for row in rows_of(package, "impossible")] if risk == "impossible" else []
    meaning = [risk, package.digest if package else "", facts.release.target_org, sorted(lost)]
    return hashlib.sha256(json.dumps(meaning).encode()).hexdigest()


def acceptance(facts: ReleaseFacts, risk: Risk, now: datetime) -> Acceptance | None:
    """Who accepted the risk as it is now; it leaves with the person, like an approval."""
    digest, people = risk_digest(facts, risk), facts.accepters.get(risk, ())
    standing = [a for a in facts.acceptances if (a.about, a.digest, a.state) == (risk, digest, "standing")]
    found = [a for a in standing if a.by in people and not has_lapsed(a, now)]
    return found[-1] if found else None


def has_lapsed(given: Acceptance, now: datetime) -> bool:
    """Whether an acceptance is too old to count."""
    return given.about == "no_snapshot" and now >= given.at + NO_SNAPSHOT_FOR


def who_may_accept(facts: ReleaseFacts, risk: Risk) -> tuple[str, ...]:
    """The people of the seat that accepts, without those who attached the package."""
    return others(facts.accepters.get(risk, ()), than=facts.authors)


def is_open(facts: ReleaseFacts, risk: Risk, now: datetime) -> bool:
    """Whether there is such a risk that nobody has accepted."""
    there = rows_of(facts.package, "impossible") if risk == "impossible" else snapshot_problem(facts)
    return bool(there) and acceptance(facts, risk, now) is None
