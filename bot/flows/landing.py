"""Whether a job has reached its org, where the org's own answer does not tell."""

from __future__ import annotations

from bot.outside import Outside
from release_core.attempts import Assignment
from release_core.comparison import exists, same
from release_core.errors import NotFound
from release_core.metadata_types import Component
from release_core.packages import Package, footprint, read_retrieved

NOTHING_TO_COMPARE = "Nothing was kept of what the org held before, so nobody can tell whether anything has landed."


def changed_since_snapshot(outside: Outside, task: Assignment, package: Package, live: Package) -> list[str] | None:
    """The parts of the package that are not what they were in the snapshot; None when there is none to compare with."""
    try:
        snapshot = read_retrieved(outside.ports.artifacts.load(task.snapshot_digest))
    except NotFound:
        return None
    return [str(part) for part in footprint(package) if not _is_as_before(snapshot, live, part)]


def _is_as_before(snapshot: Package, live: Package, part: Component) -> bool:
    there = exists(snapshot, part)
    return there == exists(live, part) and (not there or same(snapshot, live, part))
