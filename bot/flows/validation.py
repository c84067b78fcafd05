"""A check-only run with tests."""

from __future__ import annotations

from typing import Any

from bot.durable import fact, flow, step
from bot.flows.jobs import run_job
from bot.outside import current
from release_core import attempts, validations
from release_core.errors import OrgProblem, OrgUnavailable


@flow("validation", queue="orgs")
def validation(args: dict[str, Any]) -> None:
    """Run the check and keep what it found."""
    deployment_id = args["deployment"]
    try:
        run_job(deployment_id, check_only=True)
        conclude(deployment_id)
    except OrgProblem as problem:
        give_up(deployment_id, str(problem))


@step(tries=12, backoff=2.0, on=OrgUnavailable)
def conclude(deployment_id: int) -> None:
    """Read the result in full and keep it."""
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    status = outside.org(task.org).status(task.job_id, details=True)
    validations.finish_validation(outside.ports, deployment_id, status)


@fact
def give_up(deployment_id: int, sentence: str) -> None:
    """The check could not be carried out."""
    validations.fail_validation(current().ports, deployment_id, sentence)
