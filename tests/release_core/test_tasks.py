"""Manual steps hold the next one, before and after a deployment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from release_core import checklists, deployments, releases, rollback_requests, scheduling, task_plans, tasks
from release_core.errors import Conflict, NotAllowed, NotFound, Refused, Unclear
from release_core.models import Task
from release_core.ports import Ports
from release_core.run_sheets import still_to_do
from release_core.task_plans import NewTask
from tests.release_core.builders import (
    ADMINISTRATOR,
    ANALYST,
    DEVELOPER,
    MANAGER,
    NOW,
    OTHER_QA,
    QA,
    STAKEHOLDER,
    TESTER,
    a_package,
    a_policy,
    a_ready_release,
    a_release,
    a_soaking_release,
    a_started_deployment,
    a_window,
    blocked_by,
    facts_of,
    gate,
    intents,
    kinds,
    land,
    last,
    later,
    release,
    row_id,
)
from tests.release_core.builders import ports as some_ports

TEMPLATE = {
    "standard": [
        {"title": "Price book switched", "phase": "after", "team": "qa", "minutes": 20},
        {"title": "Nightly import paused", "phase": "before", "role": "administrator", "minutes": 10},
        {"title": "Branches told", "phase": "before", "person": ANALYST},
    ]
}


def planned(**changes: object) -> Ports:
    """A company with a template of tasks."""
    return some_ports(policy=a_policy(tasks=TEMPLATE, **changes))


def sheet(ports: Ports, key: str) -> list[tuple[int, str, str]]:
    """Number, title and state of each task."""
    return [(task.number, task.title, task.state) for task in facts_of(ports, key).tasks]


def titles(ports: Ports, key: str) -> list[str]:
    return [title for _, title, _ in sheet(ports, key)]


def add(ports: Ports, key: str, title: str, phase: str = "before", owner: str = DEVELOPER, minutes: int = 15) -> Task:
    return task_plans.add_task(ports, MANAGER, key, NewTask(title, phase, owner, minutes))[0]  # type: ignore[arg-type]


def test_a_release_starts_with_the_template_of_its_kind_in_the_order_of_play() -> None:
    ports = planned()
    key = a_release(ports)
    assert sheet(ports, key) == [
        (1, "Nightly import paused", "open"),
        (2, "Branches told", "open"),
        (3, "Price book switched", "open"),
    ]
    first, second, third = facts_of(ports, key).tasks
    assert (first.owner_id, first.planned_minutes, second.owner_id, second.planned_minutes) == (
        ADMINISTRATOR, 10, ANALYST, 15,
    )  # fmt: skip
    assert (third.owner_id, third.team) == ("", "qa")


def test_a_kind_without_a_template_has_no_tasks_and_no_gate_for_them(ports: Ports) -> None:
    key = a_ready_release(ports)
    assert sheet(ports, key) == []
    assert blocked_by(ports, key) == set()


def test_the_second_task_waits_for_the_first_and_says_who_holds_it(ports: Ports) -> None:
    key = a_release(ports)
    add(ports, key, "Pause the import")
    add(ports, key, "Tell the branches", owner=TESTER)
    for attempt in (tasks.start, tasks.finish):
        with pytest.raises(Refused, match="Task 1 “Pause the import” comes first") as held:
            attempt(ports, TESTER, key, "2")
        assert (held.value.code, held.value.who) == ("out_of_order", (DEVELOPER,))
    assert [state for *_, state in sheet(ports, key)] == ["open", "open"]
    tasks.finish(ports, DEVELOPER, key, "1")
    tasks.finish(ports, TESTER, key, "2")
    assert [state for *_, state in sheet(ports, key)] == ["done", "done"]


def test_whoever_holds_the_next_task_is_told_when_the_one_before_is_settled() -> None:
    ports = planned()
    key = a_release(ports)
    tasks.finish(ports, ADMINISTRATOR, key, "1", note="job 7 stopped")
    due = last(ports, key, "task_due")
    assert (due.details["task"], due.details["people"]) == (2, [ANALYST])
    assert last(ports, key, "task_done").details["note"] == "job 7 stopped"
    tasks.waive(ports, MANAGER, key, "2", "the branches are closed")
    assert kinds(ports, key).count("task_due") == 1, "what comes after the deployment is nobody's turn yet"


def test_tasks_before_the_deployment_are_a_gate_that_names_the_next_one_and_who_holds_it(ports: Ports) -> None:
    key = a_ready_release(ports)
    add(ports, key, "Pause the import")
    add(ports, key, "Tell the branches", owner=TESTER)
    assert blocked_by(ports, key) == {"task_open"}
    closed = gate(ports, key, "task_open")
    assert closed.because == "Task 1 “Pause the import” is open. 1 more comes after it."
    assert (closed.who, closed.way_out) == ((DEVELOPER,), f"/release task done {key} 1")
    assert release(ports, key).state == "planned"
    tasks.start(ports, DEVELOPER, key, "1")
    assert "is in progress" in gate(ports, key, "task_open").because
    tasks.finish(ports, DEVELOPER, key, "1")
    tasks.finish(ports, TESTER, key, "2")
    assert blocked_by(ports, key) == set()
    assert release(ports, key).state == "ready"


def test_whoever_holds_it_when_the_window_opens_is_told_then(ports: Ports) -> None:
    key = a_release(ports, window=a_window(1))
    add(ports, key, "Pause the import")
    assert "task_due" not in kinds(ports, key)
    later(ports, hours=1)
    scheduling.open_window(ports, key, 1)
    assert last(ports, key, "task_due").details["people"] == [DEVELOPER]


def test_a_task_reopened_after_the_click_holds_the_deployment_at_the_last_instant(ports: Ports) -> None:
    key = a_ready_release(ports)
    add(ports, key, "Pause the import")
    tasks.finish(ports, DEVELOPER, key, "1")
    attempt = row_id(ports, deployments.request_deployment(ports, MANAGER, key))
    tasks.reopen(ports, DEVELOPER, key, "1", "the job started again")
    assert deployments.hold_if_blocked(ports, attempt)
    assert "Task 1 “Pause the import” is open." in last(ports, key, "deployment_held").details["problem"]


def test_a_task_before_the_deployment_stays_as_it_is_once_it_is_live(ports: Ports) -> None:
    key = a_ready_release(ports)
    add(ports, key, "Pause the import")
    tasks.finish(ports, DEVELOPER, key, "1")
    land(ports, a_started_deployment(ports, key))
    with pytest.raises(Refused, match="task 1 stays as it is"):
        tasks.reopen(ports, DEVELOPER, key, "1")
    with pytest.raises(Refused, match="nothing can be put before it"):
        add(ports, key, "Too late")


def test_tasks_after_the_deployment_begin_when_it_has_succeeded_one_owner_at_a_time(ports: Ports) -> None:
    key = a_ready_release(ports)
    add(ports, key, "Switch the price book", "after", TESTER)
    add(ports, key, "Resume the import", "after")
    with pytest.raises(Refused, match="comes after the deployment; REL-1 is not in PRODUCTION yet"):
        tasks.finish(ports, TESTER, key, "1")
    assert "task_open" not in blocked_by(ports, key)
    land(ports, a_started_deployment(ports, key))
    assert [fact for fact in kinds(ports, key) if fact == "task_due"] == ["task_due"]
    assert last(ports, key, "task_due").details["people"] == [TESTER]
    tasks.finish(ports, TESTER, key, "1")
    assert last(ports, key, "task_due").details["people"] == [DEVELOPER]


def test_a_release_does_not_close_before_its_last_task_and_then_closes_when_its_soak_is_over(ports: Ports) -> None:
    key = a_ready_release(ports)
    add(ports, key, "Switch the price book", "after", TESTER)
    land(ports, a_started_deployment(ports, key))
    with pytest.raises(Refused, match="Task 1 “Switch the price book” comes first"):
        releases.close_release(ports, MANAGER, key)
    later(ports, hours=3)
    ring(ports, "soak_end")
    assert not releases.close_release(ports, "rollcall", key, by_timer=True)
    assert intents(ports, "soak_end") == [], "it does not ring again for a task"
    tasks.finish(ports, TESTER, key, "1")
    (due,) = intents(ports, "soak_end")
    assert due.due_at == ports.clock.now()
    assert releases.close_release(ports, "rollcall", key, by_timer=True)


def test_a_task_settled_within_the_soak_leaves_its_end_where_it_was(ports: Ports) -> None:
    key = a_ready_release(ports)
    add(ports, key, "Switch the price book", "after", TESTER)
    land(ports, a_started_deployment(ports, key))
    tasks.finish(ports, TESTER, key, "1")
    (due,) = intents(ports, "soak_end")
    assert due.due_at == NOW + ports.policy.soak


def ring(ports: Ports, flow: str) -> None:
    """The timers of a flow have come."""
    with ports.store.transaction() as session:
        for intent in intents(ports, flow):
            intent.state = "finished"
            session.merge(intent)


def test_only_its_owner_its_team_or_who_may_settle_anything_does_a_task() -> None:
    ports = planned()
    key = a_release(ports)
    with pytest.raises(NotAllowed) as refused:
        tasks.finish(ports, DEVELOPER, key, "1")
    assert refused.value.who_may[0] == ADMINISTRATOR
    tasks.finish(ports, ADMINISTRATOR, key, "1")
    tasks.finish(ports, MANAGER, key, "2")
    with pytest.raises(NotAllowed) as team:
        tasks.assign(ports, ANALYST, key, "3", ANALYST)
    assert {QA, OTHER_QA} <= set(team.value.who_may)
    assert tasks.assign(ports, QA, key, "3", OTHER_QA).team == ""


def test_a_waiver_needs_a_reason_and_somebody_who_may(ports: Ports) -> None:
    key = a_release(ports)
    add(ports, key, "Pause the import")
    with pytest.raises(Unclear, match="Say why"):
        tasks.waive(ports, MANAGER, key, "1", " ")
    with pytest.raises(NotAllowed, match="Only a release manager"):
        tasks.waive(ports, DEVELOPER, key, "1", "no import runs")
    assert tasks.waive(ports, MANAGER, key, "1", "no import runs").state == "waived"
    with pytest.raises(Conflict, match="already waived"):
        tasks.finish(ports, DEVELOPER, key, "1")


def test_tasks_are_planned_by_those_who_plan(ports: Ports) -> None:
    key = a_release(ports)
    add(ports, key, "Pause the import")
    for plan in (
        lambda: task_plans.add_task(ports, STAKEHOLDER, key, NewTask("Anything", "before")),
        lambda: task_plans.move(ports, DEVELOPER, key, "1", 2),
        lambda: task_plans.delete(ports, DEVELOPER, key, "1"),
    ):
        with pytest.raises(NotAllowed):
            plan()
    assert titles(ports, key) == ["Pause the import"]


@pytest.mark.parametrize(("title", "minutes", "field"), [("ab", 15, "title"), ("Pause it", 0, "minutes")])
def test_a_task_without_a_title_or_a_length_is_not_taken(ports: Ports, title: str, minutes: int, field: str) -> None:
    key = a_release(ports)
    with pytest.raises(Unclear) as unclear:
        add(ports, key, title, minutes=minutes)
    assert unclear.value.field == field


def test_a_new_task_stands_at_the_end_of_its_phase_and_numbers_follow_the_order() -> None:
    ports = planned()
    key = a_release(ports)
    assert add(ports, key, "Backup checked").number == 3
    assert titles(ports, key) == ["Nightly import paused", "Branches told", "Backup checked", "Price book switched"]
    assert [number for number, *_ in sheet(ports, key)] == [1, 2, 3, 4]


def test_a_task_changes_its_place_within_what_nobody_began(ports: Ports) -> None:
    key = a_release(ports)
    for title in ("One thing", "Another thing", "A third thing"):
        add(ports, key, title)
    moved = task_plans.move(ports, MANAGER, key, "3", 1)
    assert titles(ports, key) == ["A third thing", "One thing", "Another thing"]
    assert (moved.number, last(ports, key, "task_moved").details["was"]) == (1, 3)
    tasks.finish(ports, DEVELOPER, key, "1")
    with pytest.raises(Unclear, match="may take the place of 3"):
        task_plans.move(ports, MANAGER, key, "2", 1)
    with pytest.raises(Refused, match="is done"):
        task_plans.move(ports, MANAGER, key, "1", 2)


def test_a_deleted_task_is_gone_from_the_sheet_stays_in_the_timeline_and_lets_the_next_one_go(ports: Ports) -> None:
    key = a_release(ports)
    add(ports, key, "Pause the import")
    add(ports, key, "Tell the branches", owner=TESTER)
    task_plans.delete(ports, MANAGER, key, "1", "there is no import")
    assert sheet(ports, key) == [(1, "Tell the branches", "open")]
    gone = last(ports, key, "task_deleted")
    assert (gone.actor, gone.details["title"], gone.details["note"]) == (
        MANAGER, "Pause the import", "there is no import",
    )  # fmt: skip
    assert last(ports, key, "task_due").details["people"] == [TESTER]


def test_a_button_drawn_before_the_order_changed_still_means_its_own_task(ports: Ports) -> None:
    key = a_release(ports)
    first, second = add(ports, key, "Pause the import"), add(ports, key, "Tell the branches")
    task_plans.move(ports, MANAGER, key, "2", 1)
    assert tasks.finish(ports, DEVELOPER, key, f"id:{second.id}").title == "Tell the branches"
    task_plans.delete(ports, MANAGER, key, f"id:{first.id}")
    with pytest.raises(NotFound, match="was taken off the run-sheet"):
        tasks.finish(ports, DEVELOPER, key, f"id:{first.id}")


def test_a_double_click_is_told_who_was_first(ports: Ports) -> None:
    key = a_release(ports)
    add(ports, key, "Pause the import")
    tasks.finish(ports, DEVELOPER, key, "1")
    with pytest.raises(Conflict) as late:
        tasks.finish(ports, DEVELOPER, key, "1")
    assert late.value.by == DEVELOPER
    assert kinds(ports, key).count("task_done") == 1


def test_work_left_shrinks_while_somebody_works_and_never_below_nothing(ports: Ports) -> None:
    key = a_release(ports)
    add(ports, key, "Pause the import", minutes=30)
    add(ports, key, "Tell the branches", minutes=10)
    assert still_to_do(facts_of(ports, key), "before", NOW) == timedelta(minutes=40)
    tasks.start(ports, DEVELOPER, key, "1")
    assert still_to_do(facts_of(ports, key), "before", later(ports, minutes=20)) == timedelta(minutes=20)
    assert still_to_do(facts_of(ports, key), "before", later(ports, hours=2)) == timedelta(minutes=10)


def test_nothing_changes_on_the_sheet_of_a_release_that_is_over(ports: Ports) -> None:
    key = a_release(ports)
    add(ports, key, "Pause the import")
    releases.cancel_release(ports, MANAGER, key, "not needed")
    for attempt in (
        lambda: tasks.finish(ports, DEVELOPER, key, "1"),
        lambda: task_plans.delete(ports, MANAGER, key, "1"),
        lambda: add(ports, key, "One more"),
    ):
        with pytest.raises(Refused, match="is cancelled"):
            attempt()


def test_a_rollback_does_not_wait_for_tasks(ports: Ports) -> None:
    key = a_soaking_release(ports)
    add(ports, key, "Switch the price book", "after")
    assert rollback_requests.ask_rollback(ports, MANAGER, key, "it broke")


def test_the_checklist_and_the_run_sheet_do_not_disturb_each_other(ports: Ports) -> None:
    key = a_release(ports, window=a_window())
    a_package(ports, key)
    add(ports, key, "Pause the import")
    checklists.tick(ports, MANAGER, key, "1")
    assert sheet(ports, key) == [(1, "Pause the import", "open")]
