"""A check-only run with tests: of a package before it goes, of the way back after it went."""

from __future__ import annotations

from typing import Any

from bot.durable import fact, flow
from bot.flows.jobs import patient_step, result, start, watch
from bot.outside import current
from release_core import arming as ways_back
from release_core import attempts, validations
from release_core.errors import OrgProblem


@flow("validation", queue="orgs")
def validation(args: dict[str, Any]) -> None:
    """Say whether the package could go."""
    check(args["deployment"])


@flow("arming", queue="orgs")
def arming(args: dict[str, Any]) -> None:
    """Say whether the rollback package could go, which makes going back a quick deploy."""
    check(args["deployment"])


def check(deployment_id: int) -> None:
    """Run the check and keep what it found."""
    try:
        start(deployment_id, check_only=True)
        watch(deployment_id)
        conclude(deployment_id)
    except OrgProblem as problem:
        give_up(deployment_id, str(problem))


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
def give_up(deployment_id: int, sentence: str) -> None:
    """The check could not be carried out."""
    ports = current().ports
    if attempts.assignment(ports, deployment_id).purpose == "arming":
        ways_back.finish_arming(ports, deployment_id, None, sentence)
    else:
        validations.fail_validation(ports, deployment_id, sentence)
