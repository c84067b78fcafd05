"""Manual steps around a deployment in their order: which is next, who holds it, when all would be done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from release_core.facts import ReleaseFacts, Standing
from release_core.lookups import BEFORE_DEPLOYMENT
from release_core.models import Release, Task
from release_core.permissions import others
from release_core.policy import Phase, Policy

SETTLED = ("done", "waived")
PHASES: Sequence[Phase] = ("before", "after")


def play_order(release: Release, tasks: Sequence[Task]) -> list[Task]:
    """Tasks as they are played: org by org along the path, what comes before the deployment first."""
    orgs = {org: place for place, org in enumerate(release.path)}
    return sorted(tasks, key=lambda task: (orgs.get(task.org, 0), PHASES.index(_phase(task)), task.number))


def steps(facts: Standing, phase: Phase) -> list[Task]:
    """The tasks before or after the deployment to the org that is the target now, in order."""
    here = ("", facts.release.target_org)
    return [task for task in facts.tasks if task.phase == phase and task.org in here]


def next_step(facts: Standing, phase: Phase) -> Task | None:
    """The first task of a phase that is not settled: it holds everything behind it."""
    return next((task for task in steps(facts, phase) if task.state not in SETTLED), None)


def phase_now(facts: Standing) -> Phase | None:
    """Which tasks people may work on now; None when it is the turn of neither."""
    if facts.release.state in (*BEFORE_DEPLOYMENT, "deploying"):
        return "before"
    return "after" if facts.release.state == "soaking" else None


def holding(facts: Standing) -> Task | None:
    """The task that holds the release now."""
    phase = phase_now(facts)
    return next_step(facts, phase) if phase else None


def task_owners(task: Task, facts: ReleaseFacts) -> tuple[str, ...]:
    """Who does a task: its owner, else the people of its team, else the release's owner."""
    if task.owner_id:
        return (task.owner_id,)
    return facts.teams.get(task.team) or (facts.release.owner_id,)


def how_settled(task: Task, facts: ReleaseFacts, policy: Policy) -> tuple[str, tuple[str, ...], str]:
    """What is to be known of whoever has an unsettled task ("" usually), who acts now (chat ids), what they type.

    Where the owner is deactivated in the chat, that is whoever may hand the task over.
    """
    key, number = facts.release.key, task.number
    if task.owner_id not in facts.gone:
        return "", task_owners(task, facts), f"/release task done {key} {number}"
    managers = others(policy.holders_of("settle_any_item"), than=facts.gone)
    return left_words(task.owner_id, facts), managers, f"/release task assign {key} {number} @person"


def left_words(owner: str, facts: ReleaseFacts) -> str:
    """That an owner cannot do anything any more, as a sentence."""
    name = facts.names.get(owner)
    return f" Its owner{f', {name},' if name else ''} is deactivated in the chat: give it to somebody else."


def minutes_taken(task: Task) -> int | None:
    """How many whole minutes a task took, the one begun counted; None when nobody said when it began."""
    if task.started_at is None or task.finished_at is None:
        return None
    return max(1, round((task.finished_at - task.started_at).total_seconds() / 60))


def still_to_do(facts: Standing, phase: Phase, now: datetime) -> timedelta:
    """How long the unsettled tasks of a phase would take from now; one over its time counts nothing."""
    left = timedelta()
    for task in steps(facts, phase):
        if task.state not in SETTLED:
            worked = now - task.started_at if task.started_at else timedelta()
            left += max(timedelta(), timedelta(minutes=task.planned_minutes) - worked)
    return left


def _phase(task: Task) -> Phase:
    return "after" if task.phase == "after" else "before"
