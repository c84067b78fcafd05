"""A release goes to its org: gates, snapshot, deployment, proof of the way back."""

from __future__ import annotations

from typing import Any

from bot.durable import fact, flow, step
from bot.flows.jobs import run_job
from bot.outside import Outside, current
from release_core import attempts, deployments, validations
from release_core.attempts import Assignment
from release_core.comparison import compare
from release_core.errors import OrgProblem, OrgUnavailable, OutcomeUnknown, Refused
from release_core.metadata_types import Component
from release_core.packages import Package, footprint, members, read_package, read_retrieved
from release_core.ports import DeployRequestRow
from release_core.rollbacks import build_rollback

LANDED = ("Succeeded", "SucceededPartial")
UNDER_WAY = ("Pending", "InProgress", "Finalizing", "Canceling")


@flow("deployment", queue="orgs")
def deployment(args: dict[str, Any]) -> None:
    """Re-read every gate, look around in the org, take the snapshot, deploy, read back, build the way back."""
    deployment_id = args["deployment"]
    if hold_if_blocked(deployment_id):
        return
    try:
        if look_around(deployment_id):
            return
        take_snapshot(deployment_id)
    except OrgProblem as problem:
        stop(deployment_id, f"Nothing was deployed: the snapshot for the way back could not be taken. {problem}")
        return
    try:
        run_job(deployment_id, check_only=False)
    except OutcomeUnknown as lost:
        say_unknown(deployment_id, str(lost))
        return
    except OrgProblem as problem:
        stop(deployment_id, f"Nothing was deployed. {problem}")
        return
    conclude(deployment_id)
    read_back(deployment_id)


@fact
def hold_if_blocked(deployment_id: int) -> bool:
    """Whether a gate has closed since the click."""
    return deployments.hold_if_blocked(current().ports, deployment_id)


@step(tries=5)
def look_around(deployment_id: int) -> bool:
    """Whether the org's own history stops us: somebody deploys now, or did since the validation."""
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    validated_at = attempts.finished_at(outside.ports, task.org, task.validated_job_id)
    rows = outside.org(task.org).deployments_since(validated_at or task.requested_at)
    sentence = _what_stops_us(outside, task, rows)
    if sentence:
        deployments.hold_because(outside.ports, deployment_id, sentence)
    return bool(sentence)


def _what_stops_us(outside: Outside, task: Assignment, rows: Any) -> str:
    with outside.ports.store.reading() as session:
        ours = set(attempts.known_jobs(session, task.org))
    foreign: list[DeployRequestRow] = [row for row in rows if not row.check_only and row.id not in ours]
    for row in foreign:
        if row.state in UNDER_WAY:
            return f"Somebody else is deploying to this org now (job {row.id} by {row.created_by}). Wait for its end."
        if row.state in LANDED and task.validated_job_id:
            because = f"{row.created_by} deployed to this org after it (job {row.id})."
            validations.void(outside.ports, task.org, task.validated_job_id, because)
            return f"The validation cannot be used any more: {because} Validate again."
    return ""


@step(tries=5)
def take_snapshot(deployment_id: int) -> None:
    """Keep what the org holds now for everything that the package touches."""
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    if task.snapshot_digest:
        return
    archive = outside.org(task.org).retrieve(members(footprint(_package(outside, task)))).archive
    read_retrieved(archive)
    deployments.note_snapshot(outside.ports, deployment_id, outside.ports.artifacts.save(archive))


@fact
def stop(deployment_id: int, sentence: str) -> None:
    """End before anything changed in the org."""
    deployments.hold_because(current().ports, deployment_id, sentence)


@fact
def say_unknown(deployment_id: int, sentence: str) -> None:
    """Nobody knows whether the org took the job: a person looks."""
    attempts.note_unknown(current().ports, deployment_id, sentence)


@step(tries=40, backoff=2.0, on=OrgUnavailable)
def conclude(deployment_id: int) -> None:
    """Read the result in full and keep it."""
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    status = outside.org(task.org).status(task.job_id, details=True)
    deployments.finish_deployment(outside.ports, deployment_id, status)


@step(tries=12, backoff=2.0)
def read_back(deployment_id: int) -> None:
    """Compare the org with the package, and build the rollback package from the snapshot."""
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    if task.state != "verifying":
        return
    package = _package(outside, task)
    live = read_retrieved(outside.org(task.org).retrieve(members(footprint(package))).archive)
    differences = [str(c.component) for c in compare(package, live) if c.kind in ("new", "changed", "deleted")]
    digest, note = _way_back(outside, task, package)
    deployments.note_verified(outside.ports, deployment_id, differences=differences, rollback_digest=digest, note=note)


def _way_back(outside: Outside, task: Assignment, package: Package) -> tuple[str, str]:
    snapshot = read_retrieved(outside.ports.artifacts.load(task.snapshot_digest))
    created = [Component(kind, name) for kind, name in task.created]
    try:
        return outside.ports.artifacts.save(build_rollback(package, snapshot, created)), ""
    except Refused as nothing:
        return "", str(nothing)


def _package(outside: Outside, task: Assignment) -> Package:
    return read_package(outside.ports.artifacts.load(task.archive_digest))
