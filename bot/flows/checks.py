"""A check-only run with tests: of a package before it goes, of the way back after it went."""

from __future__ import annotations

from typing import Any

from bot.durable import fact, flow, step
from bot.flows.jobs import patient_step, result, start, watch
from bot.flows.looking_back import drift_since, retrieve_touched, undone_by
from bot.outside import current
from release_core import arming as ways_back
from release_core import attempts, validations
from release_core.errors import NotFound, OrgProblem, OrgUnavailable, Refused
from release_core.rollback_looks import drift_words


@flow("validation", queue="orgs")
def validation(args: dict[str, Any]) -> None:
    """Say whether the package could go."""
    check(args["deployment"])


@flow("arming", queue="orgs")
def arming(args: dict[str, Any]) -> None:
    """Say whether the rollback package could go, which makes going back a quick deploy."""
    deployment_id = args["deployment"]
    try:
        in_the_way = prepare(deployment_id)
    except (OrgProblem, NotFound, Refused) as problem:
        give_up(deployment_id, str(problem), isinstance(problem, OrgUnavailable))
        return
    if in_the_way:
        give_up(deployment_id, in_the_way)
        return
    check(deployment_id)


def check(deployment_id: int) -> None:
    """Run the check and keep what it found."""
    try:
        start(deployment_id, check_only=True)
        watch(deployment_id)
        conclude(deployment_id)
    except OrgProblem as problem:
        give_up(deployment_id, str(problem), isinstance(problem, OrgUnavailable))


@step(tries=5)
def prepare(deployment_id: int) -> str:
    """Build the package of a choice of parts; before another proof, say what makes the way back wrong by now, or ""."""
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    # A choice of parts that has its package was built here before a crash; what is left out of it may differ.
    if task.archive_digest and (task.leave or ways_back.is_first(outside.ports, deployment_id)):
        return ""
    assert task.undoes_id is not None, "what is armed undoes a deployment"
    undone = undone_by(outside, task.undoes_id)
    if not task.archive_digest:
        attempts.note_archive(outside.ports, deployment_id, outside.ports.artifacts.save(undone.way_back(task.leave)))
        return ""
    trail = outside.org(task.org).changes_since(undone.task.asked_at or undone.task.requested_at)
    drift = drift_since(undone, retrieve_touched(outside, undone), trail)
    if not drift:
        return ""
    changed = "; ".join(drift_words(row) for row in drift[:5])
    return f"Going back would overwrite what somebody did since: {changed}. When you ask for it, choose what is left."


@patient_step
def conclude(deployment_id: int) -> None:
    """Read the result in full and keep it."""
    ports = current().ports
    status = result(deployment_id)
    if attempts.assignment(ports, deployment_id).purpose == "arming":
        ways_back.finish_arming(ports, deployment_id, status)
    else:
        validations.finish_validation(ports, deployment_id, status)


@fact
def give_up(deployment_id: int, sentence: str, passing: bool = False) -> None:
    """The check could not be carried out; what is `passing` mends itself."""
    ports = current().ports
    if attempts.assignment(ports, deployment_id).purpose == "arming":
        ways_back.finish_arming(ports, deployment_id, None, sentence, again=passing)
    else:
        validations.fail_validation(ports, deployment_id, sentence)
