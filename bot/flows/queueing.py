"""How many jobs go before ours in an org's queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.flows.history import UNDER_WAY
from bot.outside import Outside
from release_core import attempts
from release_core.attempts import Assignment
from release_core.errors import OrgProblem
from release_core.ports import DeployRequestRow, JobStatus

ASKED_EVERY = timedelta(seconds=30)
SELDOMER = 1 / 4  # of the time it has waited: nobody needs a long queue counted twice a minute
LOOK_BACK = timedelta(hours=12)  # a deployment takes three hours at times, and others may wait behind it


def ahead(outside: Outside, deployment_id: int, task: Assignment, status: JobStatus) -> int | None:
    """How many jobs of anybody the org carries out before ours; None when ours does not wait, or nobody knows.

    Costs one call while the job waits, every half minute at first, then ever more seldom; an org that does not answer
    keeps the last number.
    """
    if status.state != "Pending":
        return None
    known, asked_at = attempts.queue_position(outside.ports, deployment_id)
    now = outside.ports.clock.now()
    waits_since = task.asked_at or task.requested_at
    if asked_at is not None and now - asked_at < max(ASKED_EVERY, (now - waits_since) * SELDOMER):
        return known
    since = waits_since - LOOK_BACK
    try:
        rows = outside.org(task.org).deployments_since(since)
    except OrgProblem:
        found = known
    else:
        found = before(task.job_id, rows)
    attempts.note_queue_position(outside.ports, deployment_id, found, now)
    return found


def before(job_id: str, rows: Sequence[DeployRequestRow]) -> int | None:
    """How many unfinished jobs were created before ours; None when ours is not among the rows, oldest first."""
    ids = [row.id[:15] for row in rows]  # a person may have given us the short form of an id
    if job_id[:15] not in ids:
        return None
    return sum(row.state in UNDER_WAY for row in rows[: ids.index(job_id[:15])])
