"""A flow that broke: people are told what that means for them."""

from __future__ import annotations

from release_core import (
    arming,
    attaching,
    attempts,
    listings,
    proofs,
    rollback_looks,
    rollback_outcomes,
    validations,
)
from release_core.attempts import Assignment
from release_core.deployments import MAY_HAVE_LANDED, hold_because, note_verified
from release_core.errors import ReleaseError
from release_core.models import Intent
from release_core.ports import Ports


def tell_of_failure(ports: Ports, intent_key: str, error: Exception) -> None:
    """End what the flow was doing with a sentence, as far as it can be known where it stopped."""
    with ports.store.reading() as session:
        intent = session.get(Intent, intent_key)
    if intent is None:
        return
    problem = (
        str(error) if isinstance(error, ReleaseError) else f"A fault in Rollcall ({type(error).__name__}); see its log."
    )
    if intent.flow in attaching.FLOWS.values():
        attaching.refuse_package(ports, intent.args["package"], problem)
    elif intent.flow == "listing":
        asker, release, org = intent.args["asker"], intent.args["release"], intent.args["org"]
        listings.note_listing_failed(ports, asker, release, org, problem)
    elif intent.flow == "rollback_look":
        rollback_looks.note_not_looked(ports, intent.args["request"], problem)
    elif intent.flow == "org_watch":
        proofs.note_not_watched(ports, intent.args["org"], problem)
        proofs.go_on_watching(ports, intent.args["org"])
    elif "deployment" in intent.args:
        _end_attempt(ports, intent.args["deployment"], problem)


def _end_attempt(ports: Ports, deployment_id: int, problem: str) -> None:
    task: Assignment = attempts.assignment(ports, deployment_id)
    asked = task.asked_at is not None
    if task.state == "verifying":
        _end_reading_back(ports, deployment_id, task, problem)
        return
    if task.purpose == "validation":
        validations.fail_validation(ports, deployment_id, problem)
    elif task.purpose == "arming":
        arming.finish_arming(ports, deployment_id, None, problem)
    elif asked:
        attempts.note_unknown(ports, deployment_id, f"{problem} The job may be in the org.")
    elif task.purpose == "rollback":
        rollback_outcomes.hold_rollback(ports, deployment_id, problem)
    else:
        hold_because(ports, deployment_id, problem)


def _end_reading_back(ports: Ports, deployment_id: int, task: Assignment, problem: str) -> None:
    """The org has ended the job, whatever kept us from reading it back."""
    if task.ended_as in MAY_HAVE_LANDED:
        attempts.note_unknown(ports, deployment_id, f"It ended as {task.ended_as} and was not read back: {problem}")
        return
    if task.purpose == "rollback":
        found = rollback_outcomes.Returned(note=problem, not_compared=problem)
        rollback_outcomes.note_read_back(ports, deployment_id, found)
    else:
        differences = [f"it could not be read back ({problem})"]
        note_verified(ports, deployment_id, differences=differences, rollback_digest="", note=problem)
