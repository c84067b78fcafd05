"""What the org's own history says about everybody's deployments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.outside import Outside
from release_core import attempts
from release_core.attempts import Assignment
from release_core.ports import DeployRequestRow

LANDED = ("Succeeded", "SucceededPartial")
UNDER_WAY = ("Pending", "InProgress", "Finalizing", "Canceling")
MAY_TAKE = timedelta(days=1)
"""How long before it matters a deployment may have been asked for: it waits in the org's queue, then its tests run."""


def deployments_around(outside: Outside, task: Assignment) -> Sequence[DeployRequestRow]:
    """The deployments, checks left out, that may run now or may have landed since the attempt's validation."""
    proven_at = attempts.finished_at(outside.ports, task.org, task.validated_job_id)
    since = (proven_at or task.requested_at) - MAY_TAKE
    rows = outside.org(task.org).deployments_since(since)
    # The org's own instant is that of the end; ours is from when we saw it.
    ended = [row.completed_at for row in rows if row.id == task.validated_job_id and row.completed_at]
    from_then_on = ended[0] if ended else proven_at or task.requested_at
    return [
        row
        for row in rows
        if not row.check_only and (row.state in UNDER_WAY or (row.completed_at or row.created_at) > from_then_on)
    ]
