"""A release goes to its org: gates, snapshot, deployment, proof of the way back."""

from __future__ import annotations

from typing import Any

from bot.durable import fact, flow, step
from bot.flows import org_reading
from bot.flows.history import LANDED, UNDER_WAY, deployments_around
from bot.flows.jobs import patient_step, result, say_unknown, start, told_if_unreachable, watch
from bot.flows.landing import NOTHING_TO_COMPARE, changed_since_snapshot
from bot.flows.looking_back import told_of
from bot.outside import Outside, current
from release_core import attempts, deployments, validations
from release_core.attempts import Assignment
from release_core.comparison import Change, compare, lacks
from release_core.deployments import MAY_HAVE_LANDED, ReadBack
from release_core.errors import NotFound, OrgProblem, OutcomeUnknown, Refused, Unclear
from release_core.metadata_types import Component
from release_core.packages import Package, footprint, members, read_package, read_retrieved
from release_core.rollbacks import build_rollback

NOT_THERE = frozenset(("new", "changed", "deleted"))  # kinds of change that a deployment should have left nothing of


@flow("deployment", queue="orgs")
def deployment(args: dict[str, Any]) -> None:
    """Re-read every gate, look around in the org, take the snapshot, deploy, read back, build the way back."""
    deployment_id = args["deployment"]
    if hold_if_blocked(deployment_id):
        return
    code = "org_taken"
    try:
        in_the_way = look_around(deployment_id)
    except OrgProblem as problem:
        in_the_way = f"Nothing was deployed: the org did not say whether somebody else deploys to it now. {problem}"
        code = problem.code
    if in_the_way:
        stop(deployment_id, in_the_way, code)
        return
    try:
        take_snapshot(deployment_id)
    except (OrgProblem, Unclear) as problem:
        if not go_without_snapshot(deployment_id, str(problem)):
            return
    # A snapshot can take minutes, in which a window may close or somebody press "Cancel".
    if hold_if_blocked(deployment_id):
        return
    try:
        start(deployment_id, check_only=False)
    except OutcomeUnknown as lost:
        say_unknown(deployment_id, str(lost))
    except OrgProblem as problem:
        # The long way, with its tests inside the window, is for people to choose.
        stop(deployment_id, f"Nothing was deployed. {problem}", problem.code)
    else:
        follow(deployment_id)


def follow(deployment_id: int) -> None:
    """From a job that the org has to what it came to."""
    try:
        watch(deployment_id, look_again)
        conclude(deployment_id)
    except OutcomeUnknown as lost:
        say_unknown(deployment_id, str(lost))
        return
    read_back(deployment_id)


def look_again(deployment_id: int) -> str:
    """Before a busy org is asked again: what stops us by now; what it holds is kept anew."""
    in_the_way = look_around(deployment_id)
    if not in_the_way:
        renew_snapshot(deployment_id)
    return in_the_way


@fact
def hold_if_blocked(deployment_id: int) -> bool:
    """Whether a gate has closed since the click, or it was cancelled."""
    return deployments.hold_if_blocked(current().ports, deployment_id)


@step(tries=5)
def look_around(deployment_id: int) -> str:
    """What in the org's own history stops us: somebody deploys now, or did since the validation; "" for nothing."""
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    # The gates are weighed once more before the job is asked for; then they know this.
    org_reading.read(outside, task.org)
    with outside.ports.store.reading() as session:
        ours = set(attempts.known_jobs(session, task.org))
    for row in deployments_around(outside, task):
        if row.id in ours:
            continue
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
    if not task.snapshot_digest:
        _keep_what_is_there(outside, deployment_id, task)


@step(tries=5)
def renew_snapshot(deployment_id: int) -> None:
    """Keep what the org holds anew where that was minutes ago; whatever goes without a snapshot still does."""
    outside = current()
    if deployments.is_snapshot_old(outside.ports, deployment_id):
        _keep_what_is_there(outside, deployment_id, attempts.assignment(outside.ports, deployment_id))


def _keep_what_is_there(outside: Outside, deployment_id: int, task: Assignment) -> None:
    archive = outside.org(task.org).retrieve(members(footprint(_package(outside, task)))).archive
    read_retrieved(archive)
    deployments.note_snapshot(outside.ports, deployment_id, outside.ports.artifacts.save(archive))


@fact
def go_without_snapshot(deployment_id: int, problem: str) -> bool:
    """Whether it goes on although there will be no way back; otherwise it is held."""
    return deployments.go_without_snapshot(current().ports, deployment_id, problem)


@fact
def stop(deployment_id: int, sentence: str, code: str = "") -> None:
    """End before anything changed in the org; a validation that it did not take counts no more."""
    ports = current().ports
    if code == "validation_gone":
        task = attempts.assignment(ports, deployment_id)
        validations.void(ports, task.org, task.validated_job_id, "The org no longer takes it for a quick deployment.")
    deployments.hold_because(ports, deployment_id, sentence, code)


@patient_step
def conclude(deployment_id: int) -> None:
    """Read the result in full and keep it."""
    deployments.finish_deployment(current().ports, deployment_id, result(deployment_id))


@patient_step
def read_back(deployment_id: int) -> None:
    """Compare the org with the package, and build the rollback package from the snapshot."""
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    if task.state != "verifying":
        return
    package = _package(outside, task)
    with told_if_unreachable(deployment_id):
        live = read_retrieved(outside.org(task.org).retrieve(members(footprint(package))).archive)
    if task.ended_as in MAY_HAVE_LANDED:
        landed = changed_since_snapshot(outside, task, package, live)
        if landed is None:
            attempts.note_unknown(outside.ports, deployment_id, f"It ended as {task.ended_as}. {NOTHING_TO_COMPARE}")
        elif not landed:
            deployments.note_unchanged(outside.ports, deployment_id)
        if not landed:
            return
    else:
        landed = []
    differences = [told_of(package, c.component) for c in compare(package, live) if _is_amiss(c, package, live)]
    digest, note = _way_back(outside, task, package)
    deployments.note_landed(outside.ports, deployment_id, ReadBack(differences, digest, note, landed))


def _is_amiss(change: Change, package: Package, live: Package) -> bool:
    """Whether deploying the package again would still change something, apart from what it does not speak of."""
    return change.kind in NOT_THERE and (change.kind != "changed" or lacks(live, package, change.component))


def _way_back(outside: Outside, task: Assignment, package: Package) -> tuple[str, str]:
    if not task.snapshot_digest:
        return "", "No snapshot could be taken before the deployment, which was accepted in writing."
    # What a cancelled job created is not in the org's answer; there the snapshot alone tells.
    told = task.ended_as not in MAY_HAVE_LANDED
    created = [Component(kind, name) for kind, name in task.created] if told else None
    try:
        snapshot = read_retrieved(outside.ports.artifacts.load(task.snapshot_digest))
        return outside.ports.artifacts.save(build_rollback(package, snapshot, created)), ""
    except (NotFound, Refused) as nothing:
        return "", str(nothing)


def _package(outside: Outside, task: Assignment) -> Package:
    return read_package(outside.ports.artifacts.load(task.archive_digest))
