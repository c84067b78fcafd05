"""A lost job was found by a person: it is followed to its end like any other."""

from __future__ import annotations

from typing import Any

from bot.durable import flow, step
from bot.flows import deployment, rollback
from bot.outside import current
from release_core import attempts


@flow("clarified", queue="orgs")
def clarified(args: dict[str, Any]) -> None:
    """Watch the job, keep its result, read the org back."""
    deployment_id = args["deployment"]
    story = rollback if purpose_of(deployment_id) == "rollback" else deployment
    story.follow(deployment_id)


@step
def purpose_of(deployment_id: int) -> str:
    """Whether it went there or back."""
    return attempts.assignment(current().ports, deployment_id).purpose
