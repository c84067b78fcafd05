"""What a run-sheet looks like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from handlers.conversation import (
    Actions,
    Button,
    Menu,
    Message,
    Note,
    Option,
    Paragraph,
    Part,
    Step,
    Steps,
    StepState,
    at,
    bold,
    people,
)
from handlers.phrases import do, headline, lasting, org_title, shortened, who
from handlers.release_words import tasks_words
from release_core.facts import ReleaseFacts
from release_core.lookups import FINAL_STATES
from release_core.models import Task
from release_core.policy import Phase, Policy
from release_core.run_sheets import PHASES, SETTLED, holding, minutes_taken, phase_now, still_to_do, task_owners

STATES: Mapping[str, StepState] = {"open": "waiting", "in_progress": "running", "done": "done", "waived": "skipped"}
CHOICES = 12
"""How many tasks a menu offers: a message holds 10 KB."""


def tasks_card(facts: ReleaseFacts, policy: Policy, now: datetime) -> Message:
    """Every task in its order, who holds the next one, when the work would be done."""
    key = facts.release.key
    parts: list[Part] = [Paragraph(f"{headline(facts.release)}: run-sheet, {tasks_words(facts)}")]
    parts += _groups(facts, policy)
    if facts.release.state not in FINAL_STATES:
        parts += [Note(words) for words in _ahead(facts, now)]
        parts.append(Actions(_clicks(facts)))
    return Message(f"{key}: run-sheet, {tasks_words(facts)}", parts)


def _groups(facts: ReleaseFacts, policy: Policy) -> Iterator[Part]:
    """The tasks of each org before and after its deployment, under a line that says so."""
    if not facts.tasks:
        yield Paragraph("No manual step is planned.")
    for org in dict.fromkeys(task.org for task in facts.tasks):
        title = org_title(policy, org or facts.release.target_org)
        for phase in PHASES:
            steps = [_step(facts, policy, t) for t in facts.tasks if t.org == org and t.phase == phase]
            if steps:
                yield Steps(f"{phase.capitalize()} {title}", steps)


def _step(facts: ReleaseFacts, policy: Policy, task: Task) -> Step:
    team = policy.teams[task.team].title if task.team in policy.teams else ""
    holder = f"team {team}" if team else people(task_owners(task, facts))
    took = minutes_taken(task)
    time = f"{task.planned_minutes} min" + (f", took {took} min" if took and task.state == "done" else "")
    pieces = [*([bold("next")] if task == holding(facts) else []), holder, time]
    if task.state == "waived":
        pieces.append(f"waived by {who(task.changed_by)}: {task.note}")
    elif task.state == "done" and task.finished_at:
        pieces.append(f"done by {who(task.changed_by)} {at(task.finished_at)}{f': {task.note}' if task.note else ''}")
    elif task.state == "in_progress" and task.started_at:
        pieces.append(f"begun by {who(task.changed_by)} {at(task.started_at)}")
    return Step(f"{task.number} {task.title}", STATES[task.state], " · ".join(pieces))


def _ahead(facts: ReleaseFacts, now: datetime) -> Iterator[str]:
    """Who is waited for, and when all would be done if nobody paused."""
    phase, held = phase_now(facts), holding(facts)
    if held is not None:
        yield f"Next: task {held.number}, held by {people(task_owners(held, facts)[:4], last='or')}."
    for each in PHASES:
        left = still_to_do(facts, each, now)
        if left:
            yield _left_words(facts, each, left.total_seconds() > 0 and each == phase, now)


def _left_words(facts: ReleaseFacts, phase: Phase, begun: bool, now: datetime) -> str:
    left = still_to_do(facts, phase, now)
    said = f"{phase.capitalize()} the deployment: {lasting(left)} of work left"
    if not begun:
        return f"{said}."
    window = facts.window
    late = phase == "before" and window is not None and now < window.ends_at < now + left
    warning = f" The window ends before that, {at(window.ends_at)}." if late and window else ""
    return f"{said}, done {at(now + left)} when nobody waits.{warning}"


def _clicks(facts: ReleaseFacts) -> list[Button | Menu]:
    key, held = facts.release.key, holding(facts)
    clicks: list[Button | Menu] = []
    if held is not None:
        args = {"release": key, "task": f"id:{held.id}"}
        clicks.append(do(f"Done: {held.number}", "release_task_done", **args))
        if held.state == "open":
            clicks.append(do(f"Start: {held.number}", "release_task_start", **args))
    if facts.tasks:
        clicks.append(_choose(key, facts.tasks))
    return [*clicks, do("Add a task…", "release_task", release=key)]


def _choose(key: str, tasks: Sequence[Task]) -> Menu:
    loose = [task for task in tasks if task.state not in SETTLED] or list(tasks)
    options = [Option(f"id:{task.id}", shortened(f"{task.number} {task.title}", 60)) for task in loose[:CHOICES]]
    return Menu("More about a task…", "release_task_show", "task", options, {"release": key})


def task_card(facts: ReleaseFacts, policy: Policy, task: Task) -> Message:
    """One task with everything that can be done about it."""
    where = org_title(policy, task.org or facts.release.target_org)
    parts: list[Part] = [
        Paragraph(f"{headline(facts.release)}: {_step(facts, policy, task).line}"),
        Note(f"{task.phase.capitalize()} the deployment to {where}."),
    ]
    if facts.release.state not in FINAL_STATES:
        parts.append(Actions(_buttons(facts, task)))
    return Message(f"{facts.release.key}: task {task.number} {task.title}", parts)


def _buttons(facts: ReleaseFacts, task: Task) -> list[Button]:
    args = {"release": facts.release.key, "task": f"id:{task.id}"}
    if task.state in SETTLED:
        return [do("Reopen", "release_task_reopen", **args)]
    buttons = [do("Done", "release_task_done", **args)]
    if task.state == "in_progress":
        return [*buttons, do("Waive…", "release_task_waive", **args), do("Assign…", "release_task_assign", **args)]
    beside = [t.number for t in facts.tasks if (t.org, t.phase, t.state) == (task.org, task.phase, "open")]
    place = beside.index(task.number)
    moves = [("Up", beside[place - 1 : place]), ("Down", beside[place + 1 : place + 2])]
    return [
        *buttons,
        do("Start", "release_task_start", **args),
        do("Waive…", "release_task_waive", **args),
        do("Assign…", "release_task_assign", **args),
        *(do(label, "release_task_move", to=str(to[0]), **args) for label, to in moves if to),
        do("Delete", "release_task_delete", **args),
    ]


def planned_words(tasks: Sequence[Task], policy: Policy) -> str:
    """Where on the run-sheet something new stands: as one task, or as one for each org."""
    if len(tasks) == 1:
        return f"is task {tasks[0].number} of the run-sheet"
    orgs = ", ".join(f"task {task.number} in {org_title(policy, task.org)}" for task in tasks)
    return f"stands on the run-sheet once for each org: {orgs}"
