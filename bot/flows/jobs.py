"""Starting a job in an org exactly once, then watching it to its end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from bot.durable import fact, pause, step
from bot.flows import queueing
from bot.flows.insisting import LookAgain, ask_again, nothing_to_look_at, woken
from bot.flows.looking import Look, next_look_after
from bot.metering import runs_low
from bot.outside import Outside, current
from bot.salesforce import busy_with, labelled
from release_core import attempts, org_calls
from release_core.attempts import Assignment
from release_core.errors import OrgProblem, OrgRefused, OrgUnavailable, OutcomeUnknown
from release_core.models import Receipt
from release_core.packages import is_single_package
from release_core.ports import Busy, DeployOptions, JobStatus, OrgGateway
from release_core.test_plans import sent_level

CLOCKS_DIFFER_BY = timedelta(minutes=5)
LOOK_AFTER = (1.0, 2.0, 4.0)  # seconds; a job that was accepted shows in the org's history within moments
FIRST_PAUSE, SLOWER_BY = 0.5, 1.6  # between looks that saw nothing
LONGEST_PAUSE = {"missing": 10.0, "away": 60.0}
MISSED_AT_MOST = 20  # looks in a row; an org may lose sight of a job for a moment while it begins
NO_SUCH_JOB = frozenset(("NOT_FOUND", "INVALID_ID_FIELD", "INVALID_CROSS_REFERENCE_KEY"))

# What is asked of an org after it took a job has no other answer than the org's: we wait for it, a minute between two
# tries in the end, for about a day. An administrator may mend a refused login meanwhile.
patient_step = step(tries=24 * 60, backoff=2.0, on=(OrgUnavailable, OrgRefused))


def start(deployment_id: int, *, check_only: bool) -> None:
    """Start the attempt's job; raises OrgProblem when it was certainly not started, OutcomeUnknown when it may be."""
    note_asking(deployment_id, "validating" if check_only else "deploying")
    note_job(deployment_id, _started(deployment_id, check_only))


def _started(deployment_id: int, check_only: bool) -> str:
    for last in (False, False, True):
        try:
            return start_job(deployment_id, check_only)
        except OutcomeUnknown as lost:
            job_id = _look_for_lost(deployment_id, check_only, lost)
            if job_id:
                return job_id
            if last or lost.code == "validation_gone" or not does_no_harm_twice(deployment_id, check_only):
                raise
    raise AssertionError("the last try returns or raises")


@step
def does_no_harm_twice(deployment_id: int, check_only: bool) -> bool:
    """Whether a job that the org does not show may be asked for again.

    A check changes nothing. A validation is good for one quick deploy only, so a second one cannot deploy twice: the
    org refuses it where the first arrived after all. A full deployment is for people to repeat.
    """
    return check_only or bool(attempts.assignment(current().ports, deployment_id).validated_job_id)


def _look_for_lost(deployment_id: int, check_only: bool, lost: OutcomeUnknown) -> str:
    try:
        return find_lost_job(deployment_id, check_only)
    except OrgProblem:
        raise lost from None


def watch(deployment_id: int, look_again: LookAgain = nothing_to_look_at) -> None:
    """Watch the attempt's job to its end; while the org was only too busy for it, wait and ask for it again.

    `look_again` says before each repetition what stops it by now. OutcomeUnknown when the org knows no such job, or
    when it is not known whether it took a repetition.
    """
    while not _watch_one(deployment_id):
        busy = look_why(deployment_id)
        if busy is None or not ask_again(deployment_id, busy, start, look_again):
            return


def _watch_one(deployment_id: int) -> bool:
    """Look at the attempt's job until it is done; whether it succeeded."""
    looks, blind, missed = list[Look](), 0, 0
    took_before = expected(deployment_id)
    while True:
        seen = look(deployment_id)
        if seen["seen"] == "done":
            return bool(seen["success"])
        if seen["seen"] == "under way":
            blind = missed = 0
            looks.append(Look.read(seen))
            seconds = next_look_after(looks, took_before)
        else:
            blind, missed = blind + 1, missed + 1 if seen["seen"] == "missing" else 0
            seconds = min(FIRST_PAUSE * SLOWER_BY**blind, LONGEST_PAUSE[seen["seen"]])
        if missed > MISSED_AT_MOST:
            raise OutcomeUnknown("The org does not know the job any more. Look in Setup → Deployment Status.")
        pause(seconds, unless=woken(deployment_id, seconds, abort=not seen["told_to_stop"]))


def result(deployment_id: int) -> JobStatus:
    """What the attempt's job came to, in full; to be called in a `patient_step`.

    OutcomeUnknown when the job, which a person may have named, could not have changed anything.
    """
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    with told_if_unreachable(deployment_id):
        org = outside.org(task.org)
        status = org.status(task.job_id, details=True)
    org_calls.note_usage(outside.ports, deployment_id, org.api_usage)
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
    attempts.note_reachable(current().ports, deployment_id)


@fact
def note_asking(deployment_id: int, state: str) -> None:
    """From now on the org's history may hold our job."""
    attempts.note_asking(current().ports, deployment_id, state)


@fact
def note_job(deployment_id: int, job_id: str) -> None:
    """The org has our job under this id."""
    attempts.note_job(current().ports, deployment_id, job_id)


@patient_step
def look_why(deployment_id: int) -> Busy | None:
    """What the org was busy with when the job failed for that reason alone."""
    return busy_with(result(deployment_id))


@step
def expected(deployment_id: int) -> float:
    """How many seconds the same took last time, 0 when it is the first time."""
    return attempts.took_before(current().ports, deployment_id)


@fact
def say_unknown(deployment_id: int, sentence: str) -> None:
    """Nobody knows what became of the job: a person looks."""
    attempts.note_unknown(current().ports, deployment_id, sentence)


@step(tries=6, backoff=1.0)
def start_job(deployment_id: int, check_only: bool) -> str:
    """Ask for our job; who may have asked before looks for it in the org's history first. Returns the job's id.

    OutcomeUnknown when it was asked for, now or before a crash, and the org does not say what became of that.
    """
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    # Without a mark nothing has left yet, so the first time costs no look.
    asked_before = _was_asked(outside, task)
    found = _find_again(outside, task, check_only) if asked_before else ""
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
        # The org said no before it read the request; yet a second one is not sent without a look.
        if problem.code == "INVALID_SESSION_ID" and (found := _find(outside, task, check_only)):
            return found
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
def look(deployment_id: int) -> dict[str, Any]:
    """Look at the job once, keep its counters, pass on a wish to cancel. What was `seen` ("under way", "done",
    "missing", "away"), with what `Look.read` takes.

    An org that cannot be reached is told of once; the job goes on inside Salesforce meanwhile, so do we.
    """
    outside = current()
    ports, task = outside.ports, attempts.assignment(outside.ports, deployment_id)
    try:
        org = outside.org(task.org)
        status = org.status(task.job_id)
        stopping = not status.done and task.abort and status.state in ("Pending", "InProgress")
        if stopping:
            org.cancel(task.job_id)
    except OrgProblem as problem:
        attempts.note_unreachable(ports, deployment_id, str(problem))
        return {"seen": "missing" if problem.code in NO_SUCH_JOB else "away", "told_to_stop": task.abort}
    attempts.note_progress(ports, deployment_id, status, ahead=queueing.ahead(outside, deployment_id, task, status))
    org_calls.note_usage(ports, deployment_id, org.api_usage)
    return {
        "seen": "done" if status.done else "under way",
        "success": status.success,
        "told_to_stop": task.abort,
        "at": ports.clock.now().timestamp(),
        "state": "Canceling" if stopping else status.state,
        "components": [status.components_done, status.components_total, status.component_errors],
        "tests": [status.tests_done, status.tests_total, status.test_errors],
        "saving": runs_low(org, ports.policy.api_reserve),
    }


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
    options = DeployOptions(
        check_only=check_only,
        test_level=sent_level(task.test_level),
        run_tests=task.run_tests,
        ignore_warnings=going_back,
        single_package=is_single_package(archive),
    )
    return org.deploy(labelled(archive, task.key, task.resubmitted), options)


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
        archive = outside.ports.artifacts.load(task.archive_digest)
        size = len(labelled(archive, task.key, task.resubmitted))
        found = org.find_deployment(
            since=since, check_only=check_only, zip_size=size, else_size=len(archive), not_ids=known
        )
    return found or ""


def _asked_key(task: Assignment) -> str:
    return f"asked:{task.key}:{task.resubmitted}" if task.resubmitted else f"asked:{task.key}"


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
