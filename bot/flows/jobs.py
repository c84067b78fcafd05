"""Starting a job in an org exactly once, then watching it to its end."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import count

from bot.durable import fact, pause, step
from bot.outside import Outside, current
from release_core import attempts
from release_core.attempts import Assignment
from release_core.errors import OrgRefused, OrgUnavailable, OutcomeUnknown
from release_core.ports import DeployOptions, OrgGateway

CLOCKS_DIFFER_BY = timedelta(minutes=5)
LOOK_AFTER = (1.0, 2.0, 4.0, 8.0)  # seconds; a job that was accepted shows in the org's history within moments
FIRST_PAUSE, LONGEST_PAUSE, SLOWER_BY = 0.5, 10.0, 1.25


def run_job(deployment_id: int, *, check_only: bool) -> None:
    """Start the attempt's job and watch it until it is done; raises OrgProblem when it could not be started.

    OutcomeUnknown means that it may have been started.
    """
    note_asking(deployment_id, "validating" if check_only else "deploying")
    note_job(deployment_id, start_job(deployment_id, check_only))
    watch(deployment_id)


def watch(deployment_id: int) -> None:
    """Look at the attempt's job, ever more seldom, until it is done."""
    for turn in count():
        if look(deployment_id):
            return
        pause(min(FIRST_PAUSE * SLOWER_BY**turn, LONGEST_PAUSE))


@fact
def note_asking(deployment_id: int, state: str) -> None:
    """From now on the org's history may hold our job."""
    attempts.note_asking(current().ports, deployment_id, state)


@fact
def note_job(deployment_id: int, job_id: str) -> None:
    """The org has our job under this id."""
    attempts.note_job(current().ports, deployment_id, job_id)


@step(tries=6, backoff=1.0)
def start_job(deployment_id: int, check_only: bool) -> str:
    """Look for our job in the org's history, and only then ask for it; returns the job's id."""
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    org = outside.org(task.org)
    found = _find(outside, org, task, check_only)
    if found:
        return found
    try:
        return _ask(outside, org, task, check_only)
    except OutcomeUnknown as lost:
        for seconds in LOOK_AFTER:
            time.sleep(seconds)
            found = _find(outside, org, task, check_only)
            if found:
                return found
        if check_only:  # asking twice for a check changes nothing in the org
            raise OrgUnavailable(str(lost), code=lost.code) from lost
        raise


def _ask(outside: Outside, org: OrgGateway, task: Assignment, check_only: bool) -> str:
    if task.validated_job_id and not check_only:
        return org.quick_deploy(task.validated_job_id)
    archive = outside.ports.artifacts.load(task.archive_digest)
    # On the way back, what is gone already need not be deleted; on the way there, a warning is a mistake to look at.
    going_back = task.purpose in ("arming", "rollback")
    options = DeployOptions(check_only=check_only, test_level="RunLocalTests", ignore_warnings=going_back)
    return org.deploy(archive, options)


def _find(outside: Outside, org: OrgGateway, task: Assignment, check_only: bool) -> str | None:
    assert task.asked_at is not None, "noted before the job is asked for"
    with outside.ports.store.reading() as session:
        known = attempts.known_jobs(session, task.org)
    since = task.asked_at - CLOCKS_DIFFER_BY
    if task.validated_job_id and not check_only:
        return org.find_deployment(since=since, check_only=False, validation_id=task.validated_job_id, not_ids=known)
    size = len(outside.ports.artifacts.load(task.archive_digest))
    return org.find_deployment(since=since, check_only=check_only, zip_size=size, not_ids=known)


@step
def look(deployment_id: int) -> bool:
    """Look at the job once, keep its counters, pass on a wish to cancel; returns whether it is done.

    An org that cannot be reached is told of once; the job goes on inside Salesforce meanwhile, so do we.
    """
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    org = outside.org(task.org)
    try:
        status = org.status(task.job_id)
        if not status.done and task.abort and status.state in ("Pending", "InProgress"):
            org.cancel(task.job_id)
    except (OrgUnavailable, OrgRefused, OutcomeUnknown) as problem:
        attempts.note_unreachable(outside.ports, deployment_id, str(problem))
        return False
    attempts.note_progress(outside.ports, deployment_id, status)
    return status.done
