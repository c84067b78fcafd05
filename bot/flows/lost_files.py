"""Going back although files that it would be compared with are lost."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from bot.flows.looking_back import live_state
from bot.outside import Outside
from release_core import attempts, deployments, rollback_looks
from release_core.attempts import Assignment
from release_core.errors import NotFound, Refused
from release_core.ports import AuditRow
from release_core.rollback_looks import trail_row, trail_words
from release_core.rollback_outcomes import FILES_LOST


def refusal(lost: NotFound) -> Refused:
    """Nothing goes back without files and without a proof; people are told what to do by hand."""
    return Refused(FILES_LOST, f"Files that going back needs are lost, and it is not armed. {lost}")


def changed_by_others(outside: Outside, deployment_id: int, lost: NotFound) -> list[str]:
    """What others did in the org since, by its audit trail: all there is to ask about where nothing can be compared.

    Refused when the way back is not armed: the proof is what goes back without a file.
    """
    task = attempts.assignment(outside.ports, deployment_id)
    if not task.validated_job_id or task.undoes_id is None:
        raise refusal(lost)
    _keep_what_is_there(outside, deployment_id, task.undoes_id)
    seen = rollback_looks.seen_before(outside.ports, deployment_id)
    if seen is None:
        return []
    org = outside.org(task.org)
    ours = org.identity().username
    return _newer([row for row in org.changes_since(seen.since) if row.by != ours], seen.rows)


def why_not_compared(lost: NotFound, task: Assignment) -> str:
    """The sentence for a way back that the org carried out, with nothing left to compare the org with."""
    return f"{lost} The org reports that {task.key} did what was proven; whether each part is as before, nobody knows."


def _keep_what_is_there(outside: Outside, deployment_id: int, undoes_id: int) -> None:
    """The state with which this rollback can be undone, where the package at least still names what it touches."""
    with contextlib.suppress(NotFound):
        archive = live_state(outside, attempts.assignment(outside.ports, undoes_id)).archive
        deployments.note_snapshot(outside.ports, deployment_id, outside.ports.artifacts.save(archive))


def _newer(rows: Sequence[AuditRow], seen: Sequence[Sequence[str]]) -> list[str]:
    known = {tuple(row) for row in seen}
    return [trail_words(row) for row in rows if tuple(trail_row(row)) not in known]
