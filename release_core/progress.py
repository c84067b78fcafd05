"""How far a job is, as it is kept for the post that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from release_core.ports import JobStatus

EDITS_APART = timedelta(seconds=3)
"""A post that shows a running job is edited at most so often; what ends the job is shown at once."""


def counters(status: JobStatus, ahead: int | None, lasted: timedelta) -> dict[str, Any]:
    """What the post shows of a job: `ahead` jobs of anybody go first; None when that is not known or over.

    Whole minutes count too, so that the post grows older where nothing else moves.
    """
    return {
        "state": status.state,
        "components": [status.components_done, status.components_total, status.component_errors],
        "tests": [status.tests_done, status.tests_total, status.test_errors],
        "detail": status.state_detail,
        "ahead": ahead if status.state == "Pending" else None,
        "minutes": int(lasted / timedelta(minutes=1)),
    }


def next_edit(known: Mapping[str, Any], now: datetime) -> datetime | None:
    """When to edit the post for what has just moved; None when an edit is planned already, which will show it too."""
    planned = known.get("edit_at")
    if planned is None:
        return now
    last = datetime.fromisoformat(planned)
    return None if last > now else max(now, last + EDITS_APART)


def wait_for_edit(known: Mapping[str, Any], now: datetime) -> timedelta:
    """How long an edit that is due still waits for the one before it, which may have been made late."""
    drawn_at = known.get("drawn_at")
    if drawn_at is None:
        return timedelta()
    return min(max(timedelta(), datetime.fromisoformat(drawn_at) + EDITS_APART - now), EDITS_APART)


def phases(known: Mapping[str, Any], status: JobStatus, now: datetime) -> dict[str, Any]:
    """When the tests began to count, with how many there were then: [ISO instant, number]."""
    if "tests_since" in known or not status.tests_done:
        return {"tests_since": known["tests_since"]} if "tests_since" in known else {}
    return {"tests_since": [now.isoformat(), status.tests_done]}


def remaining(
    known: Mapping[str, Any], started_at: datetime, now: datetime, usual: timedelta | None = None
) -> timedelta | None:
    """How long the job will still take; None when nobody can tell.

    By the tests that have run, else by `usual`, how long the same took before, else by the components.
    """
    done, total, _ = known.get("tests", [0, 0, 0])
    if "tests_since" in known and total:
        since, first = known["tests_since"]
        by_tests = _rest(now - datetime.fromisoformat(since), done - first, total - done)
        if by_tests is not None:
            return by_tests
    if usual is not None:
        return max(timedelta(), usual - (now - started_at))
    deployed, parts, _ = known.get("components", [0, 0, 0])
    return None if total else _rest(now - started_at, deployed, parts - deployed)


def _rest(took: timedelta, done: int, left: int) -> timedelta | None:
    return took / done * left if done > 0 and left >= 0 else None
