"""The way back is proven by a check-only run."""

from __future__ import annotations

from typing import Any

from bot.durable import fact, flow, step
from bot.flows.jobs import run_job
from bot.outside import current
from release_core import arming as core
from release_core import attempts
from release_core.errors import OrgProblem, OrgUnavailable


@flow("arming", queue="orgs")
def arming(args: dict[str, Any]) -> None:
    """Validate the rollback package with tests; say whether going back is now a quick deploy."""
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
    core.finish_arming(outside.ports, deployment_id, status)


@fact
def give_up(deployment_id: int, sentence: str) -> None:
    """The proof could not be carried out."""
    core.finish_arming(current().ports, deployment_id, None, sentence)
