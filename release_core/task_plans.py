"""The run-sheet of a release, as it is planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from release_core.errors import Refused, Unclear
from release_core.facts import gather
from release_core.lookups import BEFORE_DEPLOYMENT, find_org, find_release, find_task, run_sheet
from release_core.models import Release, Task
from release_core.permissions import must_be_in_chat, owner_named, require
from release_core.policy import Phase, Policy
from release_core.ports import Ports
from release_core.readiness import settle_state
from release_core.run_sheets import holding, play_order
from release_core.tasks import hand_on, must_not_be_over, task_details
from release_core.timeline import Kind, record

LONGEST = 1440  # minutes: a task of more than a day is several


@dataclass(frozen=True)
class NewTask:
    """What the form for a task asks; `minutes` are planned whole minutes, `org` "" means each org still ahead."""

    title: str
    phase: Phase
    owner_id: str = ""
    minutes: int = 15
    org: str = ""


def lay_out_tasks(session: Session, policy: Policy, release: Release) -> None:
    """Write down the run-sheet that a release of its kind starts with; a staged one has each step once for each org."""
    orgs = release.path or [release.target_org]
    planned: list[Task] = []
    for rule in policy.tasks_of(release.kind):
        for org in [rule.org] if rule.org else orgs:
            if org in orgs:
                task = _row(release, NewTask(rule.title, rule.phase, "", rule.minutes, org), len(planned) + 1)
                task.owner_id = owner_named(
                    policy, release.owner_id, person=rule.person, role=rule.role, team=rule.team
                )
                task.team = rule.team or ""
                planned.append(task)
    session.add_all(planned)
    session.flush()
    _number(session, play_order(release, planned))


def _row(release: Release, new: NewTask, number: int) -> Task:
    # Where there is one org alone, a task need not name it.
    return Task(
        release_id=release.id or 0,
        number=number,
        title=new.title.strip(),
        phase=new.phase,
        org=new.org if release.path else "",
        owner_id=new.owner_id,
        state="open",
        planned_minutes=new.minutes,
    )


def _number(session: Session, ordered: Sequence[Task]) -> None:
    """Number tasks in their order; numbers are unique at every moment, so they first step aside."""
    if [task.number for task in ordered] == list(range(1, len(ordered) + 1)):
        return
    for sign in (-1, 1):
        for number, task in enumerate(ordered, start=1):
            task.number = sign * number
            session.add(task)
        session.flush()


def add_task(ports: Ports, actor: str, key: str, new: NewTask) -> list[Task]:
    """Put a task at the end of its phase; one for each org that is still ahead when none is named."""
    require(ports.policy, actor, "plan")
    if not 3 <= len(new.title.strip()) <= 80:
        raise Unclear("Give the task a title of 3 to 80 characters.", field="title")
    if not 1 <= new.minutes <= LONGEST:
        raise Unclear("Say how many minutes it takes: 1 to 1440.", field="minutes")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        if new.owner_id:
            must_be_in_chat(session, new.owner_id, f"/release task {key} {new.phase} @person -- {new.title.strip()}")
        orgs = _orgs_for(ports.policy, release, new)
        known = list(run_sheet(session, release))
        added: list[Task] = []
        for org in orgs:
            named = NewTask(new.title, new.phase, new.owner_id or release.owner_id, new.minutes, org)
            added.append(_row(release, named, len(known) + len(added) + 1))
        session.add_all(added)
        session.flush()
        _number(session, play_order(release, [*known, *added]))
        for task in added:
            details = task_details(release, task)
            record(session, Kind.TASK_ADDED, stream=release.key, actor=actor, at=now, details=details)
        settle_state(session, ports.policy, release, now)
        return added


def _orgs_for(policy: Policy, release: Release, new: NewTask) -> list[str]:
    """The orgs in which a new task still makes sense."""
    must_not_be_over(release, "takes no more tasks")
    path = release.path or [release.target_org]
    place = path.index(release.target_org)
    open_here = release.state in BEFORE_DEPLOYMENT or (new.phase == "after" and release.state != "cancelled")
    ahead = path[place if open_here else place + 1 :]
    named = [find_org(policy, new.org)] if new.org else ahead
    if new.org and named[0] not in path:
        titles = ", ".join(policy.title_of(org) for org in path)
        raise Unclear(f"{release.key} does not go there; it goes to {titles}.", field="org")
    late = [org for org in named if org not in ahead]
    if late or not named:
        where = policy.title_of(late[0] if late else release.target_org)
        raise Refused("too_late", f"{release.key} is past that point in {where}; nothing can be put before it.")
    return named


def move(ports: Ports, actor: str, key: str, task: str, to: int) -> Task:
    """A task that nobody began takes another place (a number) among those of its org and phase."""
    require(ports.policy, actor, "plan")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        row = find_task(session, release, task)
        must_not_be_over(release, "keeps its order")
        _must_not_be_begun(row)
        sheet = list(run_sheet(session, release))
        beside = [t.number for t in sheet if (t.org, t.phase) == (row.org, row.phase) and t.state == "open"]
        if to not in beside or to == row.number:
            others = ", ".join(str(number) for number in beside if number != row.number)
            there = f"it may take the place of {others}" if others else "there is no other one it could change with"
            raise Unclear(f"Task {row.number} stays among what is open of its org and phase: {there}.", field="to")
        was = row.number
        sheet.remove(row)
        sheet.insert(to - 1, row)
        _number(session, sheet)
        details = task_details(release, row, was=was)
        record(session, Kind.TASK_MOVED, stream=release.key, actor=actor, at=now, details=details)
        return row


def delete(ports: Ports, actor: str, key: str, task: str, reason: str = "") -> Task:
    """Take a task that nobody began off the run-sheet; the timeline keeps what it was."""
    require(ports.policy, actor, "plan")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        row = find_task(session, release, task)
        must_not_be_over(release, "keeps its tasks")
        _must_not_be_begun(row)
        held = holding(gather(session, ports.policy, release)) == row
        row.note = reason.strip()
        details = task_details(release, row)
        record(session, Kind.TASK_DELETED, stream=release.key, actor=actor, at=now, details=details)
        session.delete(row)
        session.flush()
        _number(session, run_sheet(session, release))
        hand_on(session, ports.policy, release, now, told=held)
        return row


def _must_not_be_begun(row: Task) -> None:
    if row.state != "open":
        state = row.state.replace("_", " ")
        raise Refused("task_begun", f"Task {row.number} “{row.title}” is {state}; only one that nobody began can go.")
