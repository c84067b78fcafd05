"""An org returns to what it held before a release."""

from __future__ import annotations

from typing import Any

from bot.durable import fact, flow, step
from bot.flows.history import LANDED, deployments_around
from bot.flows.jobs import patient_step, result, say_unknown, start, told_if_unreachable, watch
from bot.outside import Outside, current
from release_core import attempts, deployments, rollback_requests
from release_core.attempts import Assignment
from release_core.comparison import exists, same, three_way
from release_core.errors import OrgProblem, OrgRefused, OutcomeUnknown
from release_core.metadata_types import Component
from release_core.packages import Package, footprint, members, read_package, read_retrieved


@flow("rollback", queue="orgs")
def rollback(args: dict[str, Any]) -> None:
    """Look what somebody changed since, keep what is there, go back, read the org again."""
    deployment_id = args["deployment"]
    try:
        drift = look_for_drift(deployment_id)
        if drift:
            hold(deployment_id, "Somebody changed parts of this release since it was deployed.", drift)
            return
        if not still_armed(deployment_id):
            disarm(deployment_id)
        go_back(deployment_id)
    except OutcomeUnknown as lost:
        say_unknown(deployment_id, str(lost))
        return
    except OrgProblem as problem:
        hold(deployment_id, f"The rollback did not start. {problem}", [])
        return
    follow(deployment_id)


def follow(deployment_id: int) -> None:
    """From a job that the org has to what it came to."""
    try:
        watch(deployment_id)
        conclude(deployment_id)
    except OutcomeUnknown as lost:
        say_unknown(deployment_id, str(lost))
        return
    read_back(deployment_id)


def go_back(deployment_id: int) -> None:
    """The quick way while it is open, else the long way with tests."""
    try:
        start(deployment_id, check_only=False)
    except OrgRefused as refused:
        if refused.code != "validation_gone":
            raise
        disarm(deployment_id)
        start(deployment_id, check_only=False)


@step(tries=8, backoff=0.5)
def look_for_drift(deployment_id: int) -> list[str]:
    """Compare snapshot, package and live org; keep the live state, so that the rollback itself can be undone.

    Returns what somebody changed since, unless losing it was accepted.
    """
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    package, snapshot = _before(outside, task)
    archive = outside.org(task.org).retrieve(members(footprint(package))).archive
    deployments.note_snapshot(outside.ports, deployment_id, outside.ports.artifacts.save(archive))
    if rollback_requests.may_overwrite(outside.ports, deployment_id):
        return []
    return [f"{d.component} was {d.kind}" for d in three_way(snapshot, package, read_retrieved(archive))]


@step(tries=3, backoff=0.5)
def still_armed(deployment_id: int) -> bool:
    """Whether nothing landed in the org since the way back was proven."""
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    if not task.validated_job_id:
        return False
    return not any(row.state in LANDED for row in deployments_around(outside, task))


@fact
def disarm(deployment_id: int) -> None:
    """Go back by a full deployment with tests instead."""
    attempts.forget_validation(current().ports, deployment_id)


@fact
def hold(deployment_id: int, sentence: str, drift: list[str]) -> None:
    """Stop before anything changed, and ask."""
    rollback_requests.hold_rollback(current().ports, deployment_id, sentence, drift)


@patient_step
def conclude(deployment_id: int) -> None:
    """Read the result in full and keep it."""
    rollback_requests.finish_rollback(current().ports, deployment_id, result(deployment_id))


@patient_step
def read_back(deployment_id: int) -> None:
    """Compare the org with the snapshot from before the release."""
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    if task.state != "verifying":
        return
    package, snapshot = _before(outside, task)
    touched = footprint(package)
    with told_if_unreachable(deployment_id):
        live = read_retrieved(outside.org(task.org).retrieve(members(touched)).archive)
    differences = [str(component) for component in touched if not _is_back(snapshot, live, component)]
    rollback_requests.note_returned(outside.ports, deployment_id, differences)


def _is_back(snapshot: Package, live: Package, component: Component) -> bool:
    """Whether a component is what it was; a flow that runs again as it did may do so under a new version number."""
    if component.type == "FlowDefinition":
        flow_itself = Component("Flow", component.name)
        return exists(snapshot, flow_itself) and _is_back(snapshot, live, flow_itself)
    there = exists(snapshot, component)
    return there == exists(live, component) and (not there or same(snapshot, live, component))


def _before(outside: Outside, task: Assignment) -> tuple[Package, Package]:
    """The package of the deployment to undo, with the snapshot taken before it."""
    assert task.undoes_id is not None, "a rollback undoes a deployment"
    undone = attempts.assignment(outside.ports, task.undoes_id)
    load = outside.ports.artifacts.load
    return read_package(load(undone.archive_digest)), read_retrieved(load(undone.snapshot_digest))
