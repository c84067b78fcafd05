"""One package goes through several orgs in a fixed order, with a soak between."""

from __future__ import annotations

from datetime import timedelta

import pytest

from release_core import (
    attaching,
    comparing,
    deployments,
    incidents,
    releases,
    rollback_outcomes,
    rollback_requests,
    scheduling,
    stages,
    task_plans,
    tasks,
)
from release_core.errors import NotFound, Refused, Unclear
from release_core.ports import Ports
from release_core.retention import unneeded
from release_core.task_plans import NewTask
from tests.release_core.builders import (
    ADMINISTRATOR,
    DEVELOPER,
    DIRECTOR,
    MANAGER,
    PRODUCTION,
    SECOND_MANAGER,
    TESTER,
    UAT,
    a_failure,
    a_freeze,
    a_package,
    a_passed_validation,
    a_started_deployment,
    a_success,
    a_window,
    all_gates,
    blocked_by,
    contents,
    deployment,
    facts_of,
    gate,
    go_to,
    has_run,
    intents,
    kinds,
    land,
    last,
    later,
    newest,
    note_comparison,
    note_returned,
    release,
)
from tests.release_core.staged import (
    EMEA,
    PATH,
    a_ready_staged_release,
    a_staged_release,
    book,
    land_stage,
    make_ready,
    soak,
    staged_ports,
)


@pytest.fixture
def staged() -> Ports:
    return staged_ports()


def items(ports: Ports, key: str) -> dict[str, str]:
    return {item.rule: item.state for item in facts_of(ports, key).items if item.rule}


def test_a_staged_release_goes_along_a_path_of_the_policy_beginning_with_its_first_org(staged: Ports) -> None:
    key = a_staged_release(staged)
    row = release(staged, key)
    assert (row.strategy, row.path, row.target_org) == ("staged", PATH, UAT)
    assert last(staged, key, "release_created").details["path"] == PATH


def test_orgs_that_were_chosen_go_in_the_order_of_the_policy(staged: Ports) -> None:
    key = a_staged_release(staged, path="", orgs=("PRODUCTION", UAT))
    assert release(staged, key).path == [UAT, PRODUCTION]


@pytest.mark.parametrize(
    ("path", "orgs", "error", "words"),
    [
        ("", (), Unclear, "choose a path, or two orgs or more. Paths of the policy: all-the-way"),
        ("", (UAT,), Unclear, "two orgs or more"),
        ("nowhere", (), NotFound, "There is no path “nowhere”. Paths of the policy: all-the-way"),
        ("", (UAT, "moon"), NotFound, "There is no org “moon”"),
    ],
)
def test_a_path_that_leads_nowhere_is_not_planned(
    staged: Ports, path: str, orgs: tuple[str, ...], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        a_staged_release(staged, path=path, orgs=orgs)


def test_after_the_soak_of_its_own_org_the_release_goes_on_by_itself(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    (due,) = intents(staged, "stage_end")
    assert due.due_at == staged.clock.now() + timedelta(hours=1), "UAT has a soak of its own"
    assert intents(staged, "soak_end") == []
    assert soak(staged, key) == EMEA
    row = release(staged, key)
    assert (row.target_org, row.state) == (EMEA, "planned")
    assert last(staged, key, "release_moved_on").details == {"org": EMEA, "from": UAT, "place": 2}


def test_each_org_asks_for_a_window_and_a_validation_of_its_own_while_approvals_count_for_all(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    soak(staged, key)
    assert blocked_by(staged, key) == {"not_validated", "no_window", "not_compared"}
    assert items(staged, key) == {"validated": "open", "snapshot": "open"}
    assert {gate.code for gate in all_gates(staged, key) if gate.passes} >= {"approved", "checklist", "stage"}
    make_ready(staged, key)
    assert blocked_by(staged, key) == set()
    assert (release(staged, key).state, items(staged, key)["validated"]) == ("ready", "done")


def test_freeze_and_lock_of_the_next_org_hold_it_there_alone(staged: Ports) -> None:
    scheduling.set_freeze(staged, ADMINISTRATOR, org=EMEA, name="Month end", during=a_window(0, 20), reason="the books")
    key = a_ready_staged_release(staged)
    assert blocked_by(staged, key) == set()
    land_stage(staged, key)
    soak(staged, key)
    make_ready(staged, key)
    assert blocked_by(staged, key) == {"freeze"}


def test_a_freeze_that_was_waived_for_one_org_holds_in_the_next(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    freeze = a_freeze(staged, org="*", hours=24 * 30)
    scheduling.waive_freeze(staged, DIRECTOR, key, freeze, "UAT is nobody's peak season")
    assert last(staged, key, "freeze_waived").details["org"] == UAT
    land_stage(staged, key)
    soak(staged, key)
    make_ready(staged, key)
    assert blocked_by(staged, key) == {"freeze"}
    scheduling.waive_freeze(staged, DIRECTOR, key, freeze, "EMEA agreed to it in writing")
    assert blocked_by(staged, key) == set()


def test_every_org_gets_the_same_bytes_with_a_snapshot_and_a_way_back_of_its_own(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    for following in (EMEA, PRODUCTION):
        land_stage(staged, key)
        assert soak(staged, key) == following
        make_ready(staged, key)
    land_stage(staged, key)
    done = [d for d in facts_of(staged, key).deployments if d.purpose == "deployment"]
    assert [d.org for d in done] == PATH
    assert len({d.archive_digest for d in done}) == 1
    assert all(d.snapshot_digest and d.rollback_digest for d in done)
    assert all(facts_of(staged, key).armed(staged.clock.now(), org) for org in PATH)


def test_the_last_org_closes_the_release_after_its_soak(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    for _ in PATH[1:]:
        land_stage(staged, key)
        soak(staged, key)
        make_ready(staged, key)
    land_stage(staged, key)
    assert [i.due_at for i in intents(staged, "soak_end")] == [staged.clock.now() + staged.policy.soak]
    go_to(staged, staged.clock.now() + staged.policy.soak)
    assert stages.move_on(staged, key) == ""
    assert releases.close_release(staged, "rollcall", key, by_timer=True)


def test_nobody_closes_a_release_in_the_middle_of_its_path(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    with pytest.raises(Refused, match=r"goes on to EMEA when it was watched long enough in UAT.*/release cancel"):
        releases.close_release(staged, MANAGER, key)
    closed = gate(staged, key, "stage_soaking")
    assert closed.because == "REL-1 is being watched in UAT until {0}; then comes EMEA."
    assert closed.instants == (staged.clock.now() + timedelta(hours=1),)


def test_the_verdict_names_the_incident_that_lets_the_watch_begin_again(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    incidents.open_incident(staged, TESTER, title="Orders fail", severity=2, org=UAT)
    assert gate(staged, key, "incident_open").who == (TESTER,)
    assert soak(staged, key) == ""
    again = staged.clock.now() + timedelta(hours=1)
    assert gate(staged, key, "stage_soaking").instants == (again,)
    begun = last(staged, key, "watch_began_again").details
    assert begun["until"] == again.isoformat()
    assert "INC-1 is open" in begun["because"]
    incidents.resolve_incident(staged, TESTER, "INC-1", "a restart")
    assert gate(staged, key, "stage_soaking").instants == (again,), "it goes on when the watch that began again ends"
    assert soak(staged, key) == EMEA


def test_a_wish_to_go_back_stands_in_the_verdict_while_the_release_is_watched(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    rollback_requests.ask_rollback(staged, MANAGER, key, "it broke")
    assert blocked_by(staged, key) == {"stage_soaking", "stage_wished_back"}


def test_a_window_that_is_over_stays_with_the_org_it_was_for(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    window = facts_of(staged, key).window
    assert window is not None
    go_to(staged, window.ends_at)
    scheduling.close_window(staged, key, window.number)
    assert soak(staged, key) == EMEA
    assert facts_of(staged, key).window is None
    assert "no_window" in blocked_by(staged, key)


def test_another_package_is_refused_once_an_org_has_the_first(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    for _ in range(2):  # while it soaks, and when it has gone on
        with pytest.raises(Refused, match=r"under way through its orgs \(UAT got its package\).*cancel") as refused:
            a_package(staged, key, words="second")
        assert refused.value.code == "package_fixed"
        soak(staged, key)


def test_a_package_that_was_still_being_read_when_an_org_got_the_first_does_not_count(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    late = attaching.attach_package(staged, DEVELOPER, key, file_id="F2", file_name="late.zip")
    land_stage(staged, key)
    soak(staged, key)
    before = facts_of(staged, key).package
    attaching.accept_package(staged, late, contents("late"))
    assert facts_of(staged, key).package == before
    assert "under way through its orgs" in last(staged, key, "package_refused").details["problem"]


def test_a_package_behind_our_back_meets_a_closed_gate(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    soak(staged, key)
    make_ready(staged, key)
    with staged.store.transaction() as session:
        package = facts_of(staged, key).package
        assert package is not None
        package.digest = "0" * 64
        session.add(session.merge(package))
    assert "stage_differs" in blocked_by(staged, key)


def test_what_the_package_would_do_is_asked_anew_in_each_org(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    package = facts_of(staged, key).package
    assert package is not None
    assert package.id is not None
    assert package.compared_at is not None
    land_stage(staged, key)
    soak(staged, key)
    again = facts_of(staged, key).package
    assert again is not None
    assert (again.compared_at, again.comparison, again.verdicts) == (None, [], [])
    assert (again.compared_org, again.diff_digest, again.last_changed) == ("", "", [])
    assert "not_compared" in blocked_by(staged, key)
    assert [intent.key for intent in intents(staged, "comparison")][-1] == f"comparison:{key}:1:{EMEA}"
    note_comparison(staged, again.id or 0)
    assert gate(staged, key, "way_back").passes


def test_the_next_org_waits_for_the_tasks_after_the_deployment(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    added = task_plans.add_task(staged, MANAGER, key, NewTask("Switch the price book", "after", TESTER))
    assert [task.org for task in added] == PATH, "a task without an org is one in each"
    land_stage(staged, key)
    assert soak(staged, key) == ""
    assert release(staged, key).target_org == UAT
    assert gate(staged, key, "stage_soaking").who == (TESTER,)
    with pytest.raises(Refused, match="Task 2 is for EMEA; REL-1 is still at UAT"):
        tasks.finish(staged, TESTER, key, "2")
    tasks.finish(staged, TESTER, key, "1")
    assert stages.move_on(staged, key) == EMEA
    with pytest.raises(Refused, match="is in UAT already; task 1 stays as it is"):
        tasks.reopen(staged, TESTER, key, "1")


def test_the_template_of_tasks_is_laid_out_for_each_org_of_the_path() -> None:
    rules = [
        {"title": "Import paused", "phase": "before", "org": PRODUCTION},
        {"title": "Smoke test", "phase": "after"},
    ]
    ports = staged_ports(tasks={"standard": rules})
    key = a_staged_release(ports)
    sheet = [(task.number, task.org, task.title) for task in facts_of(ports, key).tasks]
    assert sheet == [
        (1, UAT, "Smoke test"),
        (2, EMEA, "Smoke test"),
        (3, PRODUCTION, "Import paused"),
        (4, PRODUCTION, "Smoke test"),
    ]


def test_whoever_has_the_first_task_of_the_next_org_is_told_when_the_release_comes_there(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    task_plans.add_task(staged, MANAGER, key, NewTask("Pause the import", "before", DEVELOPER, org=EMEA))
    land_stage(staged, key)
    soak(staged, key)
    assert last(staged, key, "task_due").details["people"] == [DEVELOPER]
    assert "task_open" in blocked_by(staged, key)


def test_an_open_incident_about_it_keeps_it_where_it_is(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    incidents.open_incident(staged, TESTER, title="Quotes fail", severity=2, org=UAT)
    assert soak(staged, key) == ""
    assert [i.due_at for i in intents(staged, "stage_end")][-1] == staged.clock.now() + timedelta(hours=1)
    incidents.resolve_incident(staged, TESTER, "INC-1", "it was the network")
    assert stages.move_on(staged, key) == EMEA


def test_an_incident_in_an_org_before_holds_the_next_one_too(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    soak(staged, key)
    make_ready(staged, key)
    incidents.open_incident(staged, TESTER, title="Quotes fail", severity=2, org=UAT)
    assert gate(staged, key, "incident_open").because == "INC-1 “Quotes fail” is open on UAT."


def test_a_failed_stage_stops_there_and_may_be_tried_again(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    soak(staged, key)
    make_ready(staged, key)
    deployments.finish_deployment(staged, a_started_deployment(staged, key), a_failure())
    assert (release(staged, key).state, release(staged, key).target_org) == ("failed", EMEA)
    assert facts_of(staged, key).live_orgs == (UAT,)
    assert stages.move_on(staged, key) == ""
    a_passed_validation(staged, key, org=EMEA)  # the quick deploy used the one before up
    land_stage(staged, key)
    assert facts_of(staged, key).live_orgs == (UAT, EMEA)


def take_back(ports: Ports, key: str, org: str | None = None) -> str:
    """Two people take it back in an org (or where it came last); returns the attempt's key."""
    request = rollback_requests.ask_rollback(ports, MANAGER, key, "it broke", org=org)
    rollback_requests.decide_rollback(ports, SECOND_MANAGER, request, yes=True)
    attempt = newest(ports, key, "rollback")
    assert attempt.id is not None
    rollback_outcomes.finish_rollback(ports, attempt.id, a_success())
    note_returned(ports, attempt.id, ())
    return attempt.key


def test_a_rollback_of_the_first_stage_ends_the_path(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    soak(staged, key)
    book(staged, key)
    back = deployment(staged, take_back(staged, key))
    assert back.org == UAT
    assert back.validated_job_id, "its own proof made it a quick deploy"
    assert (release(staged, key).state, facts_of(staged, key).live_orgs) == ("rolled_back", ())
    assert facts_of(staged, key).window is None
    assert stages.move_on(staged, key) == ""
    with pytest.raises(Refused):
        book(staged, key)


def test_a_rollback_goes_to_the_org_that_was_named_else_to_the_last_one(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    soak(staged, key)
    make_ready(staged, key)
    land_stage(staged, key)
    with pytest.raises(Refused, match="is not in PRODUCTION"):
        rollback_requests.ask_rollback(staged, MANAGER, key, "it broke", org=PRODUCTION)
    assert deployment(staged, take_back(staged, key)).org == EMEA
    assert facts_of(staged, key).live_orgs == (UAT,), "what is live elsewhere stays"
    assert deployment(staged, take_back(staged, key, UAT)).org == UAT
    assert facts_of(staged, key).live_orgs == ()


def test_nothing_starts_while_an_org_before_is_being_taken_back(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    soak(staged, key)
    make_ready(staged, key)
    request = rollback_requests.ask_rollback(staged, MANAGER, key, "it broke")
    assert blocked_by(staged, key) == {"stage_wished_back"}
    rollback_requests.decide_rollback(staged, SECOND_MANAGER, request, yes=True)
    assert blocked_by(staged, key) == {"stage_going_back"}


def test_a_wish_to_go_back_keeps_it_where_it_is(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    go_to(staged, staged.clock.now() + timedelta(minutes=50))
    rollback_requests.ask_rollback(staged, MANAGER, key, "it broke")
    go_to(staged, staged.clock.now() + timedelta(minutes=15))
    assert stages.move_on(staged, key) == ""


@pytest.mark.parametrize("went_on", [False, True])
def test_cancelled_on_the_way_the_rest_is_given_up_and_what_is_live_stays(staged: Ports, went_on: bool) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    if went_on:
        soak(staged, key)
    releases.cancel_release(staged, MANAGER, key, "the rest comes next year")
    assert last(staged, key, "release_cancelled").details["live"] == [UAT]
    assert (release(staged, key).state, facts_of(staged, key).live_orgs) == ("cancelled", (UAT,))
    assert stages.move_on(staged, key) == ""
    assert rollback_requests.ask_rollback(staged, MANAGER, key, "it broke after all")


@pytest.mark.parametrize("went_on", [False, True])
def test_the_rest_is_not_given_up_while_an_org_is_being_taken_back(staged: Ports, went_on: bool) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    if went_on:
        soak(staged, key)
    request = rollback_requests.ask_rollback(staged, MANAGER, key, "it broke")
    rollback_requests.decide_rollback(staged, SECOND_MANAGER, request, yes=True)
    back, before = newest(staged, key, "rollback"), release(staged, key).state
    with pytest.raises(Refused, match=f"{back.key} is taking {key} back; wait for its end") as refused:
        releases.cancel_release(staged, MANAGER, key, "we give up")
    assert refused.value.code == "rollback_under_way"
    assert (release(staged, key).state, deployment(staged, back.key).abort_requested_by) == (before, "")


def test_giving_up_the_rest_does_not_stop_the_proof_of_what_stays(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land(staged, a_started_deployment(staged, key))
    releases.cancel_release(staged, MANAGER, key, "the rest comes next year")
    proof = newest(staged, key, "arming")
    assert (proof.state, proof.abort_requested_by) == ("requested", "")


def test_a_release_into_one_org_may_not_be_cancelled_while_it_soaks(staged: Ports) -> None:
    plan = releases.Plan("One org", PRODUCTION, "standard", MANAGER)
    key = releases.plan_release(staged, MANAGER, plan)
    a_package(staged, key)
    make_ready(staged, key)
    land(staged, a_started_deployment(staged, key))
    with pytest.raises(Refused, match="is live and being watched and cannot be cancelled"):
        releases.cancel_release(staged, MANAGER, key, "too late")


def test_approvals_are_bound_to_the_path(staged: Ports) -> None:
    one, other = a_staged_release(staged), a_staged_release(staged, path="", orgs=(UAT, PRODUCTION))
    for key in (one, other):
        a_package(staged, key, words="same")
    assert facts_of(staged, one).digest != facts_of(staged, other).digest


def test_a_timer_that_comes_twice_goes_on_once(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    soak(staged, key)
    assert stages.move_on(staged, key) == ""
    assert kinds(staged, key).count("release_moved_on") == 1


def test_each_way_back_is_proven_again_when_something_lands_in_its_org(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    soak(staged, key)
    plan = releases.Plan("Something else", UAT, "standard", MANAGER)
    other = releases.plan_release(staged, MANAGER, plan)
    a_package(staged, other, words="else")
    make_ready(staged, other)
    before = kinds(staged, key).count("rollback_not_armed")
    land(staged, a_started_deployment(staged, other))
    assert kinds(staged, key).count("rollback_not_armed") == before + 1
    assert newest(staged, key, "arming").state == "requested"


def test_a_timer_from_an_org_before_does_not_shorten_the_soak_of_the_next(staged: Ports) -> None:
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    soak(staged, key)
    make_ready(staged, key)
    land_stage(staged, key)
    later(staged, minutes=30)
    assert stages.move_on(staged, key) == ""
    assert release(staged, key).target_org == EMEA


def test_the_differences_in_the_org_before_are_kept_and_shown_with_the_release(staged: Ports) -> None:
    key = a_staged_release(staged)
    package = a_package(staged, key, compared=False)
    text = staged.artifacts.save(b"what it changes in UAT")
    comparing.note_comparison(staged, package, [], [], comparing.Look(UAT, text))
    has_run(staged, "comparison")
    make_ready(staged, key)
    land_stage(staged, key)
    assert soak(staged, key) == EMEA
    later(staged, days=30)
    with staged.store.reading() as session:
        found = unneeded(session, staged.policy, staged.artifacts.kept(), staged.clock.now())
    assert text not in {file.digest for file in found.files}
    kept = facts_of(staged, key).package
    assert kept is not None
    assert kept.earlier_diffs == [[UAT, text]]
