"""Manual steps before and after a deployment, done in their order and handed on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from release_core.errors import Conflict, NotAllowed, Refused, Unclear
from release_core.facts import ReleaseFacts, gather, next_org, watched_until
from release_core.lookups import FINAL_STATES, find_release, find_task, state_of
from release_core.models import Intent, Release, Task
from release_core.permissions import may, must_be_in_chat
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.readiness import settle_state
from release_core.run_sheets import SETTLED, holding, how_settled, phase_now, task_owners
from release_core.timeline import BOT, Kind, intend, record

Change = Callable[[Task, datetime], Kind]


def start(ports: Ports, actor: str, key: str, task: str) -> Task:
    """Somebody begins the task whose turn it is."""

    def started(row: Task, now: datetime) -> Kind:
        _must_not_be(row, "in_progress", *SETTLED)
        row.state, row.started_at = "in_progress", now
        return Kind.TASK_STARTED

    return _settle(ports, actor, key, task, started)


def finish(ports: Ports, actor: str, key: str, task: str, *, note: str = "") -> Task:
    """The task whose turn it is is done, perhaps with a note; the next one's owner is told."""

    def done(row: Task, now: datetime) -> Kind:
        _must_not_be(row, *SETTLED)
        row.state, row.finished_at, row.note = "done", now, note.strip()
        return Kind.TASK_DONE

    return _settle(ports, actor, key, task, done)


def waive(ports: Ports, actor: str, key: str, task: str, reason: str) -> Task:
    """The release goes on without a task, with the reason; not only when it is its turn."""
    if len(reason.strip()) < 3:
        raise Unclear(f"Say why: /release task waive {key} {task} -- reason", field="note")
    if not may(ports.policy, actor, "settle_any_item"):
        managers = ports.policy.holders_of("settle_any_item")
        raise NotAllowed("Only a release manager may waive a task; nothing was changed.", who_may=managers)

    def waived(row: Task, now: datetime) -> Kind:
        _must_not_be(row, *SETTLED)
        row.state, row.finished_at, row.note = "waived", now, reason.strip()
        return Kind.TASK_WAIVED

    return _settle(ports, actor, key, task, waived, in_turn=False)


def reopen(ports: Ports, actor: str, key: str, task: str, reason: str = "") -> Task:
    """A task has to be done again; it holds what is behind it once more."""

    def reopened(row: Task, now: datetime) -> Kind:
        _must_not_be(row, "open")
        row.state, row.note, row.started_at, row.finished_at = "open", reason.strip(), None, None
        return Kind.TASK_REOPENED

    return _settle(ports, actor, key, task, reopened, in_turn=False)


def assign(ports: Ports, actor: str, key: str, task: str, person: str) -> Task:
    """A task belongs to a person (chat id) from now on."""

    def assigned(row: Task, now: datetime) -> Kind:
        _must_not_be(row, *SETTLED)
        row.owner_id, row.team = person, ""
        return Kind.TASK_ASSIGNED

    with ports.store.reading() as session:
        must_be_in_chat(session, person, f"/release task assign {key} {task.removeprefix('id:')} @person")
    return _settle(ports, actor, key, task, assigned, in_turn=False)


def announce_next(session: Session, policy: Policy, release: Release, now: datetime) -> None:
    """Tell whoever holds the release by a task that it is their turn, if there is one."""
    session.flush()
    facts = gather(session, policy, release)
    task = holding(facts)
    if task is not None:
        called = list(how_settled(task, facts, policy)[1])
        details = task_details(release, task, people=called)
        record(session, Kind.TASK_DUE, stream=release.key, actor=BOT, at=now, details=details)


class AlreadySettled(Conflict):
    """A task is already what it was to become: by whom, when."""

    def __init__(self, task: Task) -> None:
        state = task.state.replace("_", " ")
        super().__init__(
            f"Task {task.number} “{task.title}” is already {state}.", by=task.changed_by, at=task.changed_at
        )


def _settle(ports: Ports, actor: str, key: str, task: str, change: Change, *, in_turn: bool = True) -> Task:
    """Change one task in one transaction with its fact; who holds the release next is told."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        row = find_task(session, release, task)
        must_not_be_over(release, f"leaves task {row.number} as it is")
        facts = gather(session, ports.policy, release)
        _must_be_theirs(actor, row, facts, ports.policy)
        _must_not_be_behind(row, facts, ports.policy)
        if in_turn and row.state not in SETTLED:
            _must_be_its_turn(row, facts, ports.policy)
        held = holding(facts)
        kind = change(row, now)
        row.changed_by, row.changed_at = actor, now
        session.add(row)
        details = task_details(release, row)
        record(session, kind, stream=release.key, actor=actor, at=now, details=details)
        hand_on(session, ports.policy, release, now, told=held == row and row.state in SETTLED)
        return row


def hand_on(session: Session, policy: Policy, release: Release, now: datetime, *, told: bool) -> None:
    """What a settled task lets go: the next one, the gates, or a soak that waited for it alone."""
    settle_state(session, policy, release, now)
    if told:
        announce_next(session, policy, release, now)
    facts = gather(session, policy, release)
    if release.state == "soaking" and holding(facts) is None:
        _end_soak_in_time(session, policy, facts, now)


def _end_soak_in_time(session: Session, policy: Policy, facts: ReleaseFacts, now: datetime) -> None:
    """The timer that came while a task held the release does not ring again by itself."""
    release, until = facts.release, watched_until(facts, policy)
    waiting = select(Intent.key).where(
        Intent.lane == release.key, Intent.state == "due", col(Intent.flow).in_(("soak_end", "stage_end"))
    )
    if until is None or session.exec(waiting).first():
        return
    key, flow = f"soak:{release.key}:{now.isoformat()}", "stage_end" if next_org(release) else "soak_end"
    intend(session, key, flow, now=now, lane=release.key, due_at=max(now, until), release=release.key)


def task_details(release: Release, task: Task, **more: Any) -> dict[str, Any]:
    """What every fact about a task says, with `more` about this one."""
    return {
        "task": task.number,
        "row": task.id,
        "title": task.title,
        "phase": task.phase,
        "org": task.org or release.target_org,
        "note": task.note,
        "owner": task.owner_id,
        "minutes": task.planned_minutes,
        **more,
    }


def must_not_be_over(release: Release, what: str) -> None:
    """Refused for a release that is over; `what` completes "REL-1 is closed and …"."""
    if release.state in FINAL_STATES:
        raise Refused("over", f"{release.key} is {state_of(release)} and {what}.")


def _must_not_be(row: Task, *states: str) -> None:
    if row.state in states:
        raise AlreadySettled(row)


def _must_be_theirs(actor: str, row: Task, facts: ReleaseFacts, policy: Policy) -> None:
    owners = task_owners(row, facts)
    if actor not in owners and not may(policy, actor, "settle_any_item"):
        sentence = f"Task {row.number} “{row.title}” is not yours; nothing was changed."
        managers = policy.holders_of("settle_any_item")
        raise NotAllowed(sentence, who_may=tuple(dict.fromkeys((*owners, *managers))))


def _must_not_be_behind(row: Task, facts: ReleaseFacts, policy: Policy) -> None:
    """What was before a deployment that has begun, or in an org that the release has left, stays as it was."""
    path, target = facts.release.path, facts.release.target_org
    left = bool(row.org) and row.org in path and path.index(row.org) < path.index(target)
    if left or (row.org in ("", target) and row.phase == "before" and phase_now(facts) == "after"):
        where = policy.title_of(row.org or target)
        raise Refused("too_late", f"{facts.release.key} is in {where} already; task {row.number} stays as it is.")


def _must_be_its_turn(row: Task, facts: ReleaseFacts, policy: Policy) -> None:
    """Task by task: what comes before holds what comes after."""
    release, first = facts.release, holding(facts)
    if row.org not in ("", release.target_org):
        where, now_in = policy.title_of(row.org), policy.title_of(release.target_org)
        raise Refused("not_yet", f"Task {row.number} is for {where}; {release.key} is still at {now_in}.")
    if row.phase == "after" and phase_now(facts) != "after":
        where = policy.title_of(release.target_org)
        raise Refused("not_yet", f"Task {row.number} comes after the deployment; {release.key} is not in {where} yet.")
    if first is not None and first != row:
        sentence = f"Task {first.number} “{first.title}” comes first, so task {row.number} waits."
        who = task_owners(first, facts)
        raise Refused(
            "out_of_order", f"{sentence} To settle it: /release task done {release.key} {first.number}", who=who
        )
