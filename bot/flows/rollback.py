"""An org returns to what it held before a release."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bot.durable import fact, flow, step
from bot.flows import lost_files
from bot.flows.history import LANDED, deployments_around
from bot.flows.jobs import patient_step, result, say_unknown, start, told_if_unreachable, watch
from bot.flows.landing import NOTHING_TO_COMPARE, changed_since_snapshot
from bot.flows.looking_back import Undone, drift_since, not_back, retrieve_touched, undone_by
from bot.outside import Outside, current
from release_core import attempts, deployments, rollback_looks, rollback_outcomes, rollback_ways
from release_core.attempts import Assignment
from release_core.deployments import MAY_HAVE_LANDED
from release_core.errors import NotFound, OrgProblem, OrgRefused, OutcomeUnknown, Refused
from release_core.packages import Package, read_package, read_retrieved
from release_core.rollback_looks import TRAIL_BEFORE, drift_words, trail_row
from release_core.rollback_outcomes import Returned


@flow("rollback", queue="orgs")
def rollback(args: dict[str, Any]) -> None:
    """Make sure that nobody's work is lost, keep what is there, go back, read the org again."""
    deployment_id = args["deployment"]
    try:
        if not (nothing_happened_since(deployment_id) and went_quickly(deployment_id)):
            if look_and_hold(deployment_id):
                return
            go_back(deployment_id)
    except OutcomeUnknown as lost:
        say_unknown(deployment_id, str(lost))
        return
    except (OrgProblem, Refused) as problem:
        by_hand = problem.code == rollback_outcomes.FILES_LOST
        hold(deployment_id, f"The rollback did not start. {problem}", [], by_hand)
        return
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
    """Before a busy org is asked again: what somebody changed since, unless that was looked at a moment ago."""
    if not is_snapshot_old(deployment_id):
        return ""
    found = look_for_drift(deployment_id)
    return f"{found['because']} {'; '.join(found['drift'][:5])}. Ask for it again." if found["drift"] else ""


def look_and_hold(deployment_id: int) -> bool:
    """Whether somebody changed what going back would overwrite; people are asked about it then."""
    found = look_for_drift(deployment_id)
    if found["drift"]:
        hold(deployment_id, found["because"], found["drift"])
    return bool(found["drift"])


def went_quickly(deployment_id: int) -> bool:
    """Replay what was proven; False when the org no longer takes it, so that another look and the long way follow."""
    try:
        start(deployment_id, check_only=False)
    except OrgRefused as refused:
        if refused.code != "validation_gone":
            raise
        disarm(deployment_id)
        return False
    return True


def go_back(deployment_id: int) -> None:
    """The quick way while it is open, else the long way with the fewest tests that the org takes."""
    if still_armed(deployment_id):
        if went_quickly(deployment_id):
            return
    else:
        disarm(deployment_id)
    because = ""
    while True:
        take_the_long_way(deployment_id, because)
        try:
            start(deployment_id, check_only=False)
        except OrgRefused as refused:
            if refused.code not in rollback_ways.LEVEL_REFUSED or not is_another_way_left(deployment_id):
                raise
            because = str(refused)
        else:
            return


@step(tries=3, backoff=0.5)
def nothing_happened_since(deployment_id: int) -> bool:
    """Whether the look before the second person's yes still holds: one call for what others did in the org since.

    What it saw is then the snapshot with which this rollback can be undone.
    """
    outside = current()
    rollback_ways.take_proof(outside.ports, deployment_id)
    look = rollback_looks.look_to_rely_on(outside.ports, deployment_id)
    if look is None:
        return False
    org = outside.org(attempts.assignment(outside.ports, deployment_id).org)
    ours = org.identity().username
    rows = Counter(tuple(trail_row(row)) for row in org.changes_since(look.at - TRAIL_BEFORE) if row.by != ours)
    if rows - Counter(tuple(row) for row in look.trail):
        return False
    deployments.note_snapshot(outside.ports, deployment_id, look.live_digest)
    return True


@step
def is_snapshot_old(deployment_id: int) -> bool:
    """Whether others had time to change the org since it was looked at."""
    return deployments.is_snapshot_old(current().ports, deployment_id)


@step(tries=8, backoff=0.5)
def look_for_drift(deployment_id: int) -> dict[str, Any]:
    """Compare snapshot, package and live org; keep the live state, so that the rollback itself can be undone.

    Returns what somebody changed since ("drift"), unless losing or leaving it was chosen, with a sentence ("because").
    An armed way back whose files are lost asks the audit trail instead.
    """
    outside = current()
    try:
        undone = _undone(outside, attempts.assignment(outside.ports, deployment_id))
    except NotFound as lost:
        because = f"What it would overwrite cannot be compared: {lost} Others changed the org since."
        return {"because": because, "drift": lost_files.changed_by_others(outside, deployment_id, lost)}
    retrieved = retrieve_touched(outside, undone)
    deployments.note_snapshot(outside.ports, deployment_id, outside.ports.artifacts.save(retrieved.archive))
    landed = undone.task.asked_at or undone.task.requested_at
    trail = outside.org(undone.task.org).changes_since(landed)
    drift = rollback_outcomes.unsettled(outside.ports, deployment_id, drift_since(undone, retrieved, trail))
    rollback_outcomes.note_drift(outside.ports, deployment_id, drift)
    because = "Somebody changed parts of this release since it was deployed."
    return {"because": because, "drift": [drift_words(row) for row in drift]}


@step(tries=3, backoff=0.5)
def still_armed(deployment_id: int) -> bool:
    """Whether nothing landed in the org since the way back was proven."""
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    if not task.validated_job_id:
        return False
    return not any(row.state in LANDED for row in deployments_around(outside, task))


@step
def take_the_long_way(deployment_id: int, because: str) -> None:
    """Choose the tests, with what is to be left out of the package left out."""
    outside = current()
    try:
        undone, back = _with_its_package(outside, deployment_id)
    except NotFound as lost:
        raise lost_files.refusal(lost) from lost
    tests = rollback_ways.mentioning_tests(back, undone.package, undone.snapshot)
    level = rollback_ways.next_way(rollback_ways.tried_before(outside.ports, deployment_id), tests)
    rollback_ways.take_way(outside.ports, deployment_id, level or rollback_ways.WAYS[-1], tests, because=because)


def _with_its_package(outside: Outside, deployment_id: int) -> tuple[Undone, Package]:
    """What is undone, with the package that does it; that is built where parts are left, or when its file is lost."""
    task = attempts.assignment(outside.ports, deployment_id)
    undone = _undone(outside, task)
    try:
        return undone, read_package(outside.ports.artifacts.load(task.archive_digest))
    except NotFound:
        # The same input gives the same bytes, so a file that was lost is there again under its digest.
        archive = outside.ports.artifacts.save(undone.way_back(task.leave))
        attempts.note_archive(outside.ports, deployment_id, archive)
        digest = attempts.assignment(outside.ports, deployment_id).archive_digest
        return undone, read_package(outside.ports.artifacts.load(digest))


@fact
def is_another_way_left(deployment_id: int) -> bool:
    """Note that the org refused a test level; whether there is one left to try."""
    return rollback_ways.note_refused_way(current().ports, deployment_id)


@fact
def disarm(deployment_id: int) -> None:
    """Go back by a full deployment with tests instead."""
    attempts.forget_validation(current().ports, deployment_id)


@fact
def hold(deployment_id: int, sentence: str, drift: list[str], by_hand: bool = False) -> None:
    """Stop before anything changed, and ask; perhaps people have to go back by hand."""
    rollback_outcomes.hold_rollback(current().ports, deployment_id, sentence, drift, by_hand=by_hand)


@patient_step
def conclude(deployment_id: int) -> None:
    """Read the result in full and keep it."""
    rollback_outcomes.finish_rollback(current().ports, deployment_id, result(deployment_id))


@patient_step
def read_back(deployment_id: int) -> None:
    """Compare the org with the snapshot from before the release, and build the package that undoes this rollback."""
    outside = current()
    task = attempts.assignment(outside.ports, deployment_id)
    if task.state != "verifying":
        return
    unsure = task.ended_as in MAY_HAVE_LANDED
    digest, note = _way_to_undo(outside, deployment_id, task)
    try:
        undone = _undone(outside, task)
    except NotFound as lost:
        if unsure:
            say_unread(outside, deployment_id, task, str(lost))
            return
        returned = Returned(undo_digest=digest, note=note, not_compared=lost_files.why_not_compared(lost, task))
    else:
        with told_if_unreachable(deployment_id):
            live = read_retrieved(retrieve_touched(outside, undone).archive)
        landed = changed_since_snapshot(outside, task, undone.package, live) if unsure else []
        if landed is None:
            say_unread(outside, deployment_id, task, NOTHING_TO_COMPARE)
            return
        if unsure and not landed:
            rollback_outcomes.note_not_returned(outside.ports, deployment_id)
            return
        returned = Returned(not_back(undone, live, task.leave), digest, note, landed=landed)
    rollback_outcomes.note_read_back(outside.ports, deployment_id, returned)


def say_unread(outside: Outside, deployment_id: int, task: Assignment, because: str) -> None:
    """The org's own answer does not tell whether anything went back, nor does a comparison: a person looks."""
    attempts.note_unknown(outside.ports, deployment_id, f"It ended as {task.ended_as}. {because}")


def _way_to_undo(outside: Outside, deployment_id: int, task: Assignment) -> tuple[str, str]:
    if not task.snapshot_digest:
        return "", "Nothing was kept of what the org held before the rollback."
    try:
        return outside.ports.artifacts.save(undone_by(outside, deployment_id).way_back()), ""
    except (NotFound, Refused) as nothing:
        return "", str(nothing)


def _undone(outside: Outside, task: Assignment) -> Undone:
    assert task.undoes_id is not None, "a rollback undoes a deployment"
    return undone_by(outside, task.undoes_id)
