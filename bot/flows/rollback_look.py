"""What somebody changed in an org since a deployment, looked at while people decide whether to go back."""

from __future__ import annotations

from typing import Any

from bot.durable import fact, flow, step
from bot.flows.looking_back import drift_since, retrieve_touched, undone_by
from bot.outside import current
from release_core import rollback_looks
from release_core.errors import NotFound, OrgProblem, ReleaseError
from release_core.rollback_looks import TRAIL_BEFORE, Look, trail_row


@flow("rollback_look")
def rollback_look(args: dict[str, Any]) -> None:
    """Compare snapshot, package and live org for a wish to go back, or say why that was not possible."""
    try:
        look_for(args["request"])
    except ReleaseError as problem:
        say_not_looked(args["request"], str(problem), isinstance(problem, NotFound))


@step(tries=5, on=OrgProblem)
def look_for(request_id: int) -> None:
    """Read the audit trail, retrieve, compare, keep it all: the way back then needs to ask only for what is newer."""
    outside = current()
    wanted = rollback_looks.what_is_undone(outside.ports, request_id)
    assert wanted.id is not None
    undone = undone_by(outside, wanted.id)
    looked_at = outside.ports.clock.now()
    landed = wanted.finished_at or wanted.requested_at
    # Before the retrieve: what is changed while the org packs is newer than what is remembered, so it is asked about.
    org = outside.org(wanted.org)
    org.identity()  # remembered, so that the way back itself need not ask who we are
    trail = org.changes_since(min(landed, looked_at - TRAIL_BEFORE))
    retrieved = retrieve_touched(outside, undone)
    recent = [trail_row(row) for row in trail if row.at >= looked_at - TRAIL_BEFORE]
    drift = drift_since(undone, retrieved, trail)
    look = Look(looked_at, outside.ports.artifacts.save(retrieved.archive), drift, recent)
    rollback_looks.note_look(outside.ports, request_id, look)


@fact
def say_not_looked(request_id: int, sentence: str, lost: bool) -> None:
    """Tell people that the look is missing; the rollback itself will look."""
    rollback_looks.note_not_looked(current().ports, request_id, sentence, lost=lost)
