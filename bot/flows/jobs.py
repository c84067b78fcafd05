"""Starting a job in an org exactly once, then watching it to its end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Literal

from bot.durable import fact, pause, step
from bot.flows import queueing
from bot.outside import Outside, current
from release_core import attempts
from release_core.attempts import Assignment
from release_core.errors import OrgProblem, OrgRefused, OrgUnavailable, OutcomeUnknown
from release_core.models import Receipt
from release_core.ports import DeployOptions, JobStatus, OrgGateway
from release_core.test_plans import sent_level

Seen = Literal["under way", "done", "missing"]

CLOCKS_DIFFER_BY = timedelta(minutes=5)
LOOK_AFTER = (1.0, 2.0, 4.0)  # seconds; a job that was accepted shows in the org's history within moments
FIRST_PAUSE, LONGEST_PAUSE, SLOWER_BY = 0.5, 10.0, 1.25
MISSED_AT_MOST = 20  # looks in a row; an org may lose sight of a job for a moment while it begins
NO_SUCH_JOB = frozenset(("NOT_FOUND", "INVALID_ID_FIELD", "INVALID_CROSS_REFERENCE_KEY"))

# What is asked of an org after it took a job has no other answer than the org's: we wait for it, a minute between two
# tries in the end, for about a day. An administrator may mend a refused login meanwhile.
patient_step = step(tries=24 * 60, backoff=2.0, on=(OrgUnavailable, OrgRefused))


def start(deployment_id: int, *, check_only: bool) -> None:
    """Start the attempt's job; raises OrgProblem when it was certainly not started, OutcomeUnknown when it may be."""
    note_asking(deployment_id, "validating" if check_only else "deploying")
    try:
        job_id = start_job(deployment_id, check_only)
    except OutcomeUnknown as lost:
        job_id = _look_for_lost(deployment_id, check_only, lost)
        if not job_id and not check_only:
            raise
        # Asking twice for a check changes nothing in the org.
        job_id = job_id or start_job(deployment_id, check_only)
    note_job(deployment_id, job_id)


def _look_for_lost(deployment_id: int, check_only: bool, lost: OutcomeUnknown) -> str:
    try:
        return find_lost_job(deployment_id, check_only)
    except OrgProblem:
        raise lost from None


def watch(deployment_id: int) -> None:
    """Look at the attempt's job, ever more seldom, until it is done; OutcomeUnknown when the org knows no such job."""
    missed = 0
    for turn in count():
        seen = look(deployment_id)
        if seen == "done":
            return
        missed = missed + 1 if seen == "missing" else 0
        if missed > MISSED_AT_MOST:
            raise OutcomeUnknown("The org does not know the job any more. Look in Setup → Deployment Status.")
        pause(min(FIRST_PAUSE * SLOWER_BY**turn, LONGEST_PAUSE))


def result(deployment_id: int) -> JobStatus:
    """What the attempt's job came to, in full; to be called in a `patient_step`.

    OutcomeUnknown when the job, which a person may have named, could not have changed anything.
    """
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    with told_if_unreachable(deployment_id):
        status = outside.org(task.org).status(task.job_id, details=True)
    if status.check_only and task.purpose in ("deployment", "rollback"):
        raise OutcomeUnknown(f"Job {task.job_id} only checked, so it is not the one that is looked for.")
    return status


@contextmanager
def told_if_unreachable(deployment_id: int) -> Iterator[None]:
    """Tell people, once, of an org that cannot be reached within the block; the error goes on to who tries again."""
    try:
        yield
    except (OrgUnavailable, OrgRefused) as problem:
        attempts.note_unreachable(current().ports, deployment_id, str(problem))
        raise


@fact
def note_asking(deployment_id: int, state: str) -> None:
    """From now on the org's history may hold our job."""
    attempts.note_asking(current().ports, deployment_id, state)


@fact
def note_job(deployment_id: int, job_id: str) -> None:
    """The org has our job under this id."""
    attempts.note_job(current().ports, deployment_id, job_id)


@fact
def say_unknown(deployment_id: int, sentence: str) -> None:
    """Nobody knows what became of the job: a person looks."""
    attempts.note_unknown(current().ports, deployment_id, sentence)


@step(tries=6, backoff=1.0)
def start_job(deployment_id: int, check_only: bool) -> str:
    """Look for our job in the org's history, and only then ask for it; returns the job's id.

    OutcomeUnknown when it was asked for, now or before a crash, and the org does not say what became of that.
    """
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    asked_before = _was_asked(outside, task)
    found = _find_again(outside, task, check_only) if asked_before else _find(outside, task, check_only)
    if found:
        return found
    # Written before the request leaves: whoever repeats this after a crash knows that the org may have it already.
    _mark_as_asked(outside, task)
    try:
        return _ask(outside, outside.org(task.org), task, check_only)
    except OutcomeUnknown:
        raise
    except OrgProblem as problem:
        if asked_before and problem.code == "validation_gone":
            # We may have used it up ourselves, just before the crash.
            raise OutcomeUnknown(str(problem), code=problem.code) from problem
        _mark_as_not_asked(outside, task)
        raise


@patient_step
def find_lost_job(deployment_id: int, check_only: bool) -> str:
    """Look for a job whose answer was lost, however long the org stays away; "" when the org has no such job."""
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    with told_if_unreachable(deployment_id):
        return _find_patiently(outside, task, check_only)


@step
def look(deployment_id: int) -> Seen:
    """Look at the job once, keep its counters, pass on a wish to cancel.

    An org that cannot be reached is told of once; the job goes on inside Salesforce meanwhile, so do we.
    """
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    try:
        org = outside.org(task.org)
        status = org.status(task.job_id)
        if not status.done and task.abort and status.state in ("Pending", "InProgress"):
            org.cancel(task.job_id)
    except OrgProblem as problem:
        attempts.note_unreachable(outside.ports, deployment_id, str(problem))
        return "missing" if problem.code in NO_SUCH_JOB else "under way"
    waiting_for = queueing.ahead(outside, deployment_id, task, status)
    attempts.note_progress(outside.ports, deployment_id, status, ahead=waiting_for)
    return "done" if status.done else "under way"


def _find_again(outside: Outside, task: Assignment, check_only: bool) -> str:
    try:
        return _find_patiently(outside, task, check_only)
    except OrgProblem as problem:
        sentence = f"Rollcall was interrupted while it asked the org, and cannot look now whether it arrived. {problem}"
        raise OutcomeUnknown(sentence, code=problem.code) from problem


def _ask(outside: Outside, org: OrgGateway, task: Assignment, check_only: bool) -> str:
    if task.validated_job_id and not check_only:
        return org.quick_deploy(task.validated_job_id)
    archive = outside.ports.artifacts.load(task.archive_digest)
    # On the way back, what is gone already need not be deleted; on the way there, a warning is a mistake to look at.
    going_back = task.purpose in ("arming", "rollback")
    level = sent_level(task.test_level)
    options = DeployOptions(
        check_only=check_only, test_level=level, run_tests=task.run_tests, ignore_warnings=going_back
    )
    return org.deploy(archive, options)


def _find_patiently(outside: Outside, task: Assignment, check_only: bool) -> str:
    for seconds in LOOK_AFTER:
        found = _find(outside, task, check_only)
        if found:
            return found
        time.sleep(seconds)
    return _find(outside, task, check_only)


def _find(outside: Outside, task: Assignment, check_only: bool) -> str:
    assert task.asked_at is not None, "noted before the job is asked for"
    org = outside.org(task.org)
    with outside.ports.store.reading() as session:
        known = attempts.known_jobs(session, task.org)
    since = task.asked_at - CLOCKS_DIFFER_BY
    if task.validated_job_id and not check_only:
        found = org.find_deployment(since=since, check_only=False, validation_id=task.validated_job_id, not_ids=known)
    else:
        size = len(outside.ports.artifacts.load(task.archive_digest))
        found = org.find_deployment(since=since, check_only=check_only, zip_size=size, not_ids=known)
    return found or ""


def _asked_key(task: Assignment) -> str:
    return f"asked:{task.key}"


def _was_asked(outside: Outside, task: Assignment) -> bool:
    with outside.ports.store.reading() as session:
        return session.get(Receipt, _asked_key(task)) is not None


def _mark_as_asked(outside: Outside, task: Assignment) -> None:
    with outside.ports.store.transaction() as session:
        session.merge(Receipt(key=_asked_key(task), at=outside.ports.clock.now(), outcome={}))


def _mark_as_not_asked(outside: Outside, task: Assignment) -> None:
    with outside.ports.store.transaction() as session:
        receipt = session.get(Receipt, _asked_key(task))
        if receipt is not None:
            session.delete(receipt)
