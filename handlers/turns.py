"""Whose turn a task is, as what was said of it looks by now."""

from __future__ import annotations

from handlers.conversation import at, clean, people
from handlers.drawing import Drawing
from handlers.phrases import who
from release_core.models import TimelineEntry
from release_core.run_sheets import SETTLED, holding, task_owners


def turn_over(d: Drawing, entry: TimelineEntry) -> str:
    """What became of a task whose turn it was; "" while it is its turn."""
    facts, details = d.facts(entry.stream), entry.details
    named = clean(f"Task {details['task']} “{details['title']}”")
    task = next((one for one in facts.tasks if one.id == details["row"]), None)
    if task is None:
        return f"{named} was taken off the run-sheet."
    if task.state in SETTLED and task.changed_at:
        return f"{named} is {task.state}: {who(task.changed_by)}, {at(task.changed_at)}."
    if task != holding(facts):
        return (
            f"It is not the turn of task {task.number} “{clean(task.title)}” now; the run-sheet says what comes first."
        )
    return ""


def turn_now(d: Drawing, entry: TimelineEntry) -> str:
    """Whose turn a task is that still holds the release, when it was handed over since; "" when it was not."""
    facts, details = d.facts(entry.stream), entry.details
    task = next(one for one in facts.tasks if one.id == details["row"])
    owners = task_owners(task, facts)
    if task.owner_id in facts.gone or set(owners) == set(details["people"]):
        return ""
    return f"It is the turn of task {task.number} “{clean(task.title)}”, handed over to {people(owners, last='or')}."
