"""What people say about manual steps before and after a deployment."""

from __future__ import annotations

from typing import Any

from handlers.conversation import (
    Answer,
    ChoiceField,
    Field,
    Form,
    Message,
    Option,
    Paragraph,
    PeopleField,
    Request,
    TextField,
    person,
)
from handlers.phrases import item_argument, org_argument, plainly, release_argument
from handlers.releases import facts_of
from handlers.task_cards import planned_words, task_card, tasks_card
from release_core import task_plans, tasks
from release_core.errors import Unclear
from release_core.facts import ReleaseFacts, gather
from release_core.lookups import find_release, find_task
from release_core.models import Task
from release_core.permissions import require
from release_core.policy import Phase
from release_core.ports import Ports
from release_core.task_plans import NewTask

PHASES = (
    Option("before", "before the deployment", "it may not start until this is done"),
    Option("after", "after the deployment", "it is not over, nor goes on, until this is done"),
)
USUAL_MINUTES = "15"
READ_BY_ALL = "Everybody who follows the release reads this."


def show(ports: Ports, request: Request) -> Answer:
    """`/release tasks`: the run-sheet."""
    return tasks_card(facts_of(ports, release_argument(ports, request)), ports.policy, ports.clock.now())


def add(ports: Ports, request: Request) -> Answer:
    """`/release task`: one more step; without a phase and a title, a form asks."""
    require(ports.policy, request.actor.id, "plan")
    key = release_argument(ports, request)
    phase, title = _said(request)
    if not phase or not title:
        return _form(ports, request, facts_of(ports, key), phase, title)
    owner = request.args.get("owner") or request.args.get("people") or ""
    new = NewTask(
        title=title,
        phase=phase,
        owner_id=owner[0] if isinstance(owner, list) else str(owner),
        minutes=_minutes(request),
        org=org_argument(ports, request) if request.args.get("org") else "",
    )
    added = task_plans.add_task(ports, request.actor.id, key, new)
    return plainly(f"{key}: “{title.strip()}” {planned_words(added, ports.policy)}.", "good")


def _said(request: Request) -> tuple[Phase | None, str]:
    """The phase and the title: fields of the form, or "before -- Pause the import"."""
    words = [str(word) for word in request.args.get("words", [])]
    said = str(request.args.get("phase") or (words[0] if words else "")).casefold()
    phase: Phase | None = "before" if said == "before" else "after" if said == "after" else None
    rest = words[1:] if phase and not request.args.get("phase") else words
    return phase, str(request.args.get("title") or request.args.get("note") or " ".join(rest))


def _minutes(request: Request) -> int:
    if "for" in request.args:
        return max(1, int(request.args["for"].total_seconds() // 60))
    said = str(request.args.get("minutes") or USUAL_MINUTES).strip()
    if not said.isdecimal() or len(said) > 5:
        raise Unclear("Say how many minutes it takes, as a whole number: 20", field="minutes")
    return int(said)


def _form(ports: Ports, request: Request, facts: ReleaseFacts, phase: Phase | None, title: str) -> Form:
    release = facts.release
    fields: list[Field] = [
        TextField("title", "What is to be done", title, placeholder="Pause the nightly import"),
        ChoiceField("phase", "When", PHASES, [phase or "before"]),
        PeopleField("owner", "Who", request.args.get("people") or [release.owner_id]),
        TextField("minutes", "Minutes", str(_minutes(request)), hint="How long it is thought to take."),
    ]
    if release.path:
        orgs = [Option(org, ports.policy.title_of(org)) for org in release.path]
        chosen = [org_argument(ports, request)] if request.args.get("org") else []
        hint = "Without one: in each org that is still ahead."
        fields.append(ChoiceField("org", "In which org", orgs, chosen, hint=hint, optional=True))
    return Form(f"Task for {release.key}", "release_task", fields, "Add", {"release": release.key})


def one(ports: Ports, request: Request) -> Answer:
    """`/release task show`: one task with everything that can be done about it."""
    key = release_argument(ports, request)
    said, _ = item_argument(ports, request, key, "task")
    with ports.store.reading() as session:
        release = find_release(session, key)
        row, facts = find_task(session, release, said), gather(session, ports.policy, release)
    return task_card(facts, ports.policy, row)


def done(ports: Ports, request: Request) -> Answer:
    """`/release task done`: the task whose turn it is is done."""
    key, task, note = _named(ports, request)
    return _told(tasks.finish(ports, request.actor.id, key, task, note=note), key, "is done")


def start(ports: Ports, request: Request) -> Answer:
    """`/release task start`: somebody begins the task whose turn it is."""
    key, task, _ = _named(ports, request)
    return _told(tasks.start(ports, request.actor.id, key, task), key, "is in progress")


def waive(ports: Ports, request: Request) -> Answer:
    """`/release task waive`: go on without a task."""
    key, task, reason = _named(ports, request)
    if not reason:
        row = _row(ports, key, task)
        fields = (TextField("note", "Why", long=True, hint=READ_BY_ALL),)
        return _ask(key, row, "release_task_waive", fields, "Waive")
    return _told(tasks.waive(ports, request.actor.id, key, task, reason), key, "is waived")


def reopen(ports: Ports, request: Request) -> Answer:
    """`/release task reopen`: a task has to be done again."""
    key, task, reason = _named(ports, request)
    return _told(tasks.reopen(ports, request.actor.id, key, task, reason), key, "is open again")


def assign(ports: Ports, request: Request) -> Answer:
    """`/release task assign`: a task belongs to somebody."""
    key, task, _ = _named(ports, request)
    people = request.args.get("people") or request.args.get("person")
    if not people:
        return _ask(key, _row(ports, key, task), "release_task_assign", (PeopleField("person", "Who"),), "Assign")
    holder = people[0] if isinstance(people, list) else str(people)
    return _told(tasks.assign(ports, request.actor.id, key, task, holder), key, f"belongs to {person(holder)}")


def move(ports: Ports, request: Request) -> Answer:
    """`/release task move`: another place in the order."""
    key, task, rest = _named(ports, request)
    said = str(request.args.get("to") or rest).removeprefix("to ").strip()
    if not said:
        return _place_form(ports, key, _row(ports, key, task))
    if not said.isdecimal():
        raise Unclear("Say which place it takes: /release task move 3 1", field="to")
    row = task_plans.move(ports, request.actor.id, key, task, int(said))
    return plainly(f"{key}: “{row.title}” is task {row.number} now. /release tasks {key} shows the order.", "good")


def _place_form(ports: Ports, key: str, row: Task) -> Form:
    tasks_now = facts_of(ports, key).tasks
    options = [Option(str(task.number), f"{task.number}, where “{task.title}” is"[:75]) for task in tasks_now]
    return _ask(key, row, "release_task_move", (ChoiceField("to", "Its place", options[:100]),), "Move")


def delete(ports: Ports, request: Request) -> Answer:
    """`/release task delete`: take a task off the run-sheet."""
    key, task, reason = _named(ports, request)
    row = task_plans.delete(ports, request.actor.id, key, task, reason)
    return plainly(f"{key}: “{row.title}” is off the run-sheet; the timeline keeps it.")


def _named(ports: Ports, request: Request) -> tuple[str, str, str]:
    """The release, the task, what else was said."""
    key = release_argument(ports, request)
    return key, *item_argument(ports, request, key, "task")


def _row(ports: Ports, key: str, task: str) -> Task:
    with ports.store.reading() as session:
        return find_task(session, find_release(session, key), task)


def _ask(key: str, row: Task, verb: str, fields: Any, submit: str) -> Form:
    args = {"release": key, "task": f"id:{row.id}"}
    return Form(f"{submit} task {row.number}", verb, fields, submit, args, [Paragraph(f"{key}: {row.title}")])


def _told(task: Task, key: str, what: str) -> Message:
    return plainly(f"{key}: task {task.number} “{task.title}” {what}.", "good")
