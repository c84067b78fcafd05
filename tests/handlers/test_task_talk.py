"""Tasks and stages as people type, click and read them."""

from __future__ import annotations

import pytest

from handlers.conversation import Button, Form, Message
from handlers.status_words import plain_words
from release_core import (
    deployments,
    incidents,
    org_locks,
    releases,
    rollback_outcomes,
    rollback_requests,
    scheduling,
    stages,
    task_plans,
)
from release_core.errors import NotAllowed, Refused, Unclear
from release_core.task_plans import NewTask
from tests.handlers.room import Room, clickable, words_of
from tests.release_core.builders import (
    DEVELOPER,
    MANAGER,
    PRODUCTION,
    SECOND_MANAGER,
    STAKEHOLDER,
    TESTER,
    UAT,
    a_failure,
    a_package,
    a_ready_release,
    a_release,
    a_soaking_release,
    a_started_deployment,
    a_success,
    a_window,
    digest_of,
    facts_of,
    land,
    later,
    newest,
    note_returned,
    release,
)
from tests.release_core.staged import (
    EMEA,
    PATH,
    a_ready_staged_release,
    a_staged_release,
    land_stage,
    make_ready,
    soak,
    staged_ports,
)


@pytest.fixture
def staged() -> Room:
    """A room in a company with three orgs in a row."""
    return Room(staged_ports())


def add(room: Room, title: str, phase: str = "before", owner: str = DEVELOPER, org: str = "") -> None:
    task_plans.add_task(room.ports, MANAGER, "REL-1", NewTask(title, phase, owner, 20, org))  # type: ignore[arg-type]


def states(room: Room) -> list[tuple[str, str]]:
    return [(task.title, task.state) for task in facts_of(room.ports, "REL-1").tasks]


# --- tasks


def test_a_task_is_typed_in_one_line(room: Room) -> None:
    a_release(room.ports)
    said = room.hears(MANAGER, f"release task before for 45m <@{TESTER}> -- Pause the import")
    assert said.summary == "REL-1: “Pause the import” is task 1 of the run-sheet."
    (task,) = facts_of(room.ports, "REL-1").tasks
    assert (task.phase, task.owner_id, task.planned_minutes) == ("before", TESTER, 45)


def test_a_task_without_a_phase_is_asked_for_in_a_form_that_knows_what_was_said(room: Room) -> None:
    a_release(room.ports)
    form = room.is_asked(MANAGER, "release task -- Pause the import")
    assert [field.name for field in form.fields] == ["title", "phase", "owner", "minutes"]
    room.submits(MANAGER, form, phase="after", minutes="90")
    (task,) = facts_of(room.ports, "REL-1").tasks
    assert (task.title, task.phase, task.owner_id, task.planned_minutes) == ("Pause the import", "after", MANAGER, 90)


@pytest.mark.parametrize("minutes", ["soon", "-5", "0", "99999"])
def test_minutes_that_are_no_number_are_refused_at_their_field(room: Room, minutes: str) -> None:
    a_release(room.ports)
    form = room.is_asked(MANAGER, "release task")
    refused = room.is_refused_the_form(MANAGER, form, title="Pause it", minutes=minutes)
    assert isinstance(refused.error, Unclear)
    assert refused.error.field == "minutes"


def test_the_run_sheet_says_order_owner_minutes_and_when_the_work_would_be_done(room: Room) -> None:
    a_release(room.ports, window=a_window(0.25, hours=0.5))
    add(room, "Pause the import")
    add(room, "Tell the branches", owner=TESTER)
    add(room, "Switch the price book", "after")
    words = words_of(room.hears(STAKEHOLDER, "release tasks"))
    assert "0 of 3 settled, next 1 “Pause the import”" in words
    assert "○ 1 Pause the import · next · @Priya Nair · 20 min" in words
    assert "Next: task 1, held by @Priya Nair." in words
    assert "Before the deployment: 40 min of work left, done" in words
    assert "10:40" in words, "9:00 UTC and 40 minutes, in Berlin"
    assert "After the deployment: 20 min of work left." in words
    later(room.ports, minutes=10)
    assert "The window ends before that" in words_of(room.hears(STAKEHOLDER, "release tasks"))


def test_actual_minutes_stand_beside_the_planned_ones(room: Room) -> None:
    a_release(room.ports)
    add(room, "Pause the import")
    room.hears(DEVELOPER, "release task start 1")
    later(room.ports, minutes=33)
    room.hears(DEVELOPER, "release task done 1 -- job 7 is off")
    words = words_of(room.hears(STAKEHOLDER, "release tasks"))
    assert "20 min, took 33 min" in words
    assert "job 7 is off" in words


def test_tasks_are_started_done_and_moved_by_buttons_in_the_thread(room: Room) -> None:
    a_release(room.ports)
    for title in ("Pause the import", "Tell the branches"):
        add(room, title)
    room.tell()
    card = room.posts["tasks:REL-1"].message
    room.clicks(DEVELOPER, "Start: 1", card)
    one = room.clicks(MANAGER, "More about a task…", card, choose="2 Tell")
    assert isinstance(one, Message)
    with pytest.raises(AssertionError, match="nothing is labelled “Up”"):
        room.clicks(MANAGER, "Up", one)  # what has begun is not overtaken
    room.clicks(DEVELOPER, "Done: 1", room.post("tasks:REL-1"))
    room.clicks(DEVELOPER, "Done", one)
    assert states(room) == [("Pause the import", "done"), ("Tell the branches", "done")]
    assert "2 of 2 settled" in words_of(room.post("tasks:REL-1"))


def test_the_order_is_changed_by_a_button(room: Room) -> None:
    a_release(room.ports)
    for title in ("Pause the import", "Tell the branches"):
        add(room, title)
    room.tell()
    one = room.clicks(MANAGER, "More about a task…", room.post("tasks:REL-1"), choose="2 Tell")
    assert isinstance(one, Message)
    room.clicks(MANAGER, "Up", one)
    assert [title for title, _ in states(room)] == ["Tell the branches", "Pause the import"]


def test_a_task_is_waived_with_a_reason_that_a_form_asks_for(room: Room) -> None:
    a_release(room.ports)
    add(room, "Pause the import")
    form = room.is_asked(MANAGER, "release task waive 1")
    room.submits(MANAGER, form, note="no import runs today")
    room.tell()
    assert "waived by @Anna Weiss: no import runs today" in words_of(room.post("tasks:REL-1"))


def test_who_types_the_second_one_first_reads_which_one_holds_it_and_who(room: Room) -> None:
    a_release(room.ports)
    add(room, "Pause the import")
    add(room, "Tell the branches", owner=TESTER)
    refused = room.refuses(TESTER, "release task done branches")
    assert isinstance(refused.error, Refused)
    assert "Task 1 “Pause the import” comes first, so task 2 waits." in refused.words
    assert "/release task done REL-1 1" in refused.words
    assert "@Priya Nair can clear it." in refused.words


def test_why_names_the_task_that_holds_it(room: Room) -> None:
    a_ready_release(room.ports)
    add(room, "Pause the import")
    words = words_of(room.hears(STAKEHOLDER, "release why"))
    assert "1 reason" in words
    assert "✗ Task 1 “Pause the import” is open. @Priya Nair can clear it: /release task done REL-1 1" in words


def test_the_next_owner_hears_of_their_turn_in_the_thread_and_alone_with_buttons(room: Room) -> None:
    a_release(room.ports)
    add(room, "Pause the import")
    add(room, "Tell the branches", owner=TESTER)
    room.hears(DEVELOPER, "release task done 1")
    room.tell()
    due = next(slot for slot in room.posts if slot.endswith(f"@{TESTER}"))
    told = room.posts[due].message
    assert "It is the turn of task 2 “Tell the branches” (before PRODUCTION), 20 min: @Tomás Novák." in words_of(told)
    assert due.split("@")[0] in room.posts, "in the thread too"
    room.clicks(TESTER, "Done", told)
    assert states(room)[1] == ("Tell the branches", "done")


def test_what_one_owes_lists_ones_tasks_with_whose_turn_it_is(room: Room) -> None:
    a_release(room.ports)
    add(room, "Pause the import")
    add(room, "Tell the branches", owner=TESTER)
    assert "task 1 “Pause the import”, your turn" in words_of(room.hears(DEVELOPER, "release todo"))
    assert "task 2 “Tell the branches”, after task 1" in words_of(room.hears(TESTER, "release todo"))
    assert "task 2" in words_of(room.home(TESTER))


def test_the_headline_counts_tasks_only_where_there_are_some(room: Room) -> None:
    a_release(room.ports)
    assert "Tasks:" not in words_of(room.hears(STAKEHOLDER, "release status"))
    add(room, "Pause the import")
    said = room.hears(STAKEHOLDER, "release status")
    assert "Tasks: 0 of 1 settled, next 1 “Pause the import”" in words_of(said)
    assert room.clicks(STAKEHOLDER, "Run-sheet", said)


def test_somebody_elses_task_is_not_theirs(room: Room) -> None:
    a_release(room.ports)
    add(room, "Pause the import")
    refused = room.refuses(TESTER, "release task done 1")
    assert isinstance(refused.error, NotAllowed)
    assert "Priya Nair" in refused.words


def test_tasks_after_the_deployment_are_told_when_it_is_live(room: Room) -> None:
    a_ready_release(room.ports)
    add(room, "Switch the price book", "after", TESTER)
    land(room.ports, a_started_deployment(room.ports, "REL-1"))
    room.tell()
    assert any("It is the turn of task 1" in words_of(post.message) for post in room.posts.values())
    refused = room.refuses(MANAGER, "release close")
    assert "Task 1 “Switch the price book” comes first" in refused.words


# --- stages


def test_a_staged_release_is_planned_by_the_form(staged: Room) -> None:
    form = staged.is_asked(MANAGER, "release new Discounts")
    staged.submits(MANAGER, form, strategy="staged")
    row = release(staged.ports, "REL-1")
    assert (row.strategy, row.path, row.target_org) == ("staged", PATH, UAT)
    words = words_of(staged.hears(STAKEHOLDER, "release status"))
    assert "Path: UAT, next → EMEA → PRODUCTION" in words


def test_orgs_chosen_in_the_form_take_the_place_of_the_path(staged: Room) -> None:
    form = staged.is_asked(MANAGER, "release new Discounts")
    staged.submits(MANAGER, form, strategy="staged", orgs=[PRODUCTION, EMEA])
    assert release(staged.ports, "REL-1").path == [EMEA, PRODUCTION]
    form = staged.is_asked(MANAGER, "release new Discounts")
    refused = staged.is_refused_the_form(MANAGER, form, strategy="staged", orgs=[EMEA])
    assert "two orgs or more" in refused.words


def test_the_path_is_not_looked_at_for_a_release_into_one_org(staged: Room) -> None:
    form = staged.is_asked(MANAGER, "release new Discounts")
    staged.submits(MANAGER, form)
    row = release(staged.ports, "REL-1")
    assert (row.strategy, row.path, row.target_org) == ("validate_then_quick", [], EMEA)


def test_the_path_shows_where_it_is_all_the_way(staged: Room) -> None:
    def path() -> str:
        words = words_of(staged.hears(STAKEHOLDER, "release status REL-1"))
        return next(line for line in words.splitlines() if line.startswith("Path:"))

    key = a_ready_staged_release(staged.ports)
    land_stage(staged.ports, key)
    assert path().startswith("Path: UAT, watched until ")
    assert path().endswith("→ EMEA → PRODUCTION")
    soak(staged.ports, key)
    assert path() == "Path: UAT ✓ → EMEA, next → PRODUCTION"
    make_ready(staged.ports, key)
    attempt = a_started_deployment(staged.ports, key)
    assert path() == "Path: UAT ✓ → EMEA, being deployed → PRODUCTION"
    deployments.finish_deployment(staged.ports, attempt, a_failure())
    assert path() == "Path: UAT ✓ → EMEA ✗ failed → PRODUCTION"
    assert "State: failed in EMEA, nothing was changed there, live in UAT" in words_of(
        staged.hears(STAKEHOLDER, "release status")
    )
    releases.cancel_release(staged.ports, MANAGER, key, "not this year")
    assert path() == "Path: UAT ✓ → EMEA given up → PRODUCTION given up"


def test_the_next_org_is_posted_with_what_is_missing_there_and_becomes_the_button(staged: Room) -> None:
    key = a_ready_staged_release(staged.ports)
    land_stage(staged.ports, key)
    soak(staged.ports, key)
    staged.tell()
    card = staged.posts["stage:REL-1:emea"].message
    words = words_of(card)
    assert "REL-1 comes to EMEA next; it may not go yet: 3 reasons." in words
    assert "The package has not been validated in EMEA." in words
    assert f"stage:REL-1:emea@{MANAGER}" in staged.posts, "its owner is told alone, too"
    assert isinstance(staged.clicks(MANAGER, "Set window", card), Form)
    make_ready(staged.ports, key)
    staged.tell()
    card = staged.posts["stage:REL-1:emea"].message
    staged.clicks(MANAGER, "Deploy to EMEA", card)
    assert newest(staged.ports, key, "deployment").org == EMEA
    staged.tell()
    assert "[Deploy to EMEA]" not in words_of(staged.posts["stage:REL-1:emea"].message)


def test_the_timeline_tells_how_it_went_on(staged: Room) -> None:
    key = a_ready_staged_release(staged.ports)
    land_stage(staged.ports, key)
    soak(staged.ports, key)
    words = words_of(staged.hears(STAKEHOLDER, "release timeline"))
    assert "(standard) for UAT → EMEA → PRODUCTION." in words
    assert "It was watched long enough in UAT: EMEA is next" in words


def test_a_rollback_asks_for_the_org_that_was_named(staged: Room) -> None:
    key = a_ready_staged_release(staged.ports)
    for _ in range(2):
        land_stage(staged.ports, key)
        soak(staged.ports, key)
        make_ready(staged.ports, key)
    status = staged.hears(MANAGER, "release status")
    form = staged.clicks(MANAGER, "Roll back UAT", status)
    assert "UAT returns to before REL-1. Way back: armed until" in words_of(form)
    staged.submits(MANAGER, form, note="UAT is broken")
    wish = rollback_requests.find_request
    with staged.ports.store.reading() as session:
        deployment = facts_of(staged.ports, key).live_in(UAT)
        assert deployment is not None
        assert wish(session, 1).deployment_id == deployment.id
    refused = staged.refuses(MANAGER, "release rollback in PRODUCTION -- it broke")
    assert "is not in PRODUCTION" in refused.words


def test_stakeholders_read_where_it_is_and_where_it_comes_next(staged: Room) -> None:
    def plain() -> str:
        return plain_words(facts_of(staged.ports, key), staged.ports.policy)

    key = a_ready_staged_release(staged.ports)
    land_stage(staged.ports, key)
    assert "is in place in UAT. We are watching it there; EMEA comes after that" in plain()
    soak(staged.ports, key)
    assert "is in place in UAT. EMEA is next." in plain()
    make_ready(staged.ports, key)
    attempt = a_started_deployment(staged.ports, key)
    assert "is being put in place in EMEA now, after UAT." in plain()
    deployments.finish_deployment(staged.ports, attempt, a_failure())
    assert "could not be put in place in EMEA. Nothing changed there; UAT has it." in plain()
    releases.cancel_release(staged.ports, MANAGER, key, "not this year")
    assert "goes no further: it stays in UAT." in plain()


def test_an_incident_where_it_was_before_offers_the_way_back_there(staged: Room) -> None:
    key = a_ready_staged_release(staged.ports)
    land_stage(staged.ports, key)
    soak(staged.ports, key)
    incidents.open_incident(staged.ports, TESTER, title="Quotes fail", severity=2, org=UAT)
    staged.tell()
    post = staged.posts["incident:INC-1"].message
    assert "Way back: armed until" in words_of(post)
    form = staged.clicks(MANAGER, "Roll back", post)
    assert "UAT returns to before REL-1." in words_of(form)
    staged.submits(MANAGER, form, note="quotes fail")
    assert newest(staged.ports, key, "deployment").org == UAT


def test_the_last_question_names_the_stage(staged: Room) -> None:
    a_ready_staged_release(staged.ports)
    button = clickable("Deploy to UAT", staged.hears(MANAGER, "release deploy"))
    assert isinstance(button, Button)
    assert button.confirm is not None
    assert "Stage 1 of 3, the same package in each." in button.confirm.text
    assert len(button.confirm.text) <= 300


def test_cancelling_on_the_way_says_what_stays(staged: Room) -> None:
    key = a_ready_staged_release(staged.ports)
    land_stage(staged.ports, key)
    said = staged.hears(MANAGER, "release cancel -- the rest comes next year")
    assert "What is live in UAT stays, nothing goes further" in words_of(said)
    assert "the rest of the release: the rest comes next year" in words_of(
        staged.hears(MANAGER, f"release timeline {key}")
    )


def test_after_a_rollback_in_one_org_the_others_keep_it_and_say_so(staged: Room) -> None:
    key = a_ready_staged_release(staged.ports)
    land_stage(staged.ports, key)
    soak(staged.ports, key)
    make_ready(staged.ports, key)
    land_stage(staged.ports, key)
    request = rollback_requests.ask_rollback(staged.ports, MANAGER, key, "it broke")
    rollback_requests.decide_rollback(staged.ports, SECOND_MANAGER, request, yes=True)
    attempt = newest(staged.ports, key, "rollback").id
    assert attempt is not None
    rollback_outcomes.finish_rollback(staged.ports, attempt, a_success())
    note_returned(staged.ports, attempt, ())
    words = words_of(staged.hears(STAKEHOLDER, f"release status {key}"))
    assert "Path: UAT ✓ → EMEA taken back → PRODUCTION given up" in words
    assert "[Roll back UAT]" in words
    assert stages.move_on(staged.ports, key) == ""


def test_the_approvers_read_the_whole_path(staged: Room) -> None:
    key = a_staged_release(staged.ports)
    a_package(staged.ports, key)
    staged.hears(MANAGER, "release ask")
    staged.tell()
    card = next(post.message for slot, post in staged.posts.items() if slot.startswith("approval:REL-1:qa"))
    assert "Target: UAT → EMEA → PRODUCTION" in words_of(card)


def test_a_release_into_one_org_is_shown_as_before(room: Room) -> None:
    a_soaking_release(room.ports)
    words = words_of(room.hears(STAKEHOLDER, "release status"))
    assert "State: live, being watched" in words
    assert "Path:" not in words
    assert "[Roll back]" in words


def test_the_thread_hears_why_and_until_when_the_watch_begins_again(staged: Room) -> None:
    key = a_ready_staged_release(staged.ports)
    land_stage(staged.ports, key)
    incidents.open_incident(staged.ports, MANAGER, title="Orders fail", severity=2, org=UAT)
    assert soak(staged.ports, key) == ""
    staged.tell()
    told = " ".join(words_of(post.message) for post in staged.posts.values())
    assert "The watch in UAT begins again, until " in told
    assert "INC-1 is open on this org. Resolve it first: /incident resolve INC-1" in told
    assert "being watched in UAT until " in words_of(staged.hears(MANAGER, f"release why {key}"))


def test_a_rollback_in_one_org_is_undone_there(staged: Room) -> None:
    key = a_ready_staged_release(staged.ports)
    land_stage(staged.ports, key)
    soak(staged.ports, key)
    make_ready(staged.ports, key)
    land_stage(staged.ports, key)
    request = rollback_requests.ask_rollback(staged.ports, MANAGER, key, "it broke", org=UAT)
    staged.tell()
    assert "asks to roll back REL-1 Autumn release in UAT" in words_of(staged.posts["rollback:REL-1:1"].message)
    rollback_requests.decide_rollback(staged.ports, SECOND_MANAGER, request, yes=True)
    attempt = newest(staged.ports, key, "rollback").id or 0
    rollback_outcomes.finish_rollback(staged.ports, attempt, a_success())
    note_returned(staged.ports, attempt, (), undo_digest=digest_of(b"forward"))
    form = staged.clicks(MANAGER, "Undo rollback in UAT", staged.hears(MANAGER, f"release status {key}"))
    assert "REL-1 comes back into UAT: the rollback is undone." in words_of(form)
    assert "is brought back into UAT." in words_of(staged.submits(MANAGER, form, note="it was not the cause"))
    staged.tell()
    post = staged.posts["rollback:REL-1:2"].message
    assert "asks to undo the rollback of REL-1 Autumn release in UAT" in words_of(post)
    assert "is being brought back into UAT." in words_of(staged.clicks(SECOND_MANAGER, "Confirm", post))


def test_an_org_that_was_unlocked_before_the_undo_is_not_said_to_stay_locked(staged: Room) -> None:
    key = a_ready_staged_release(staged.ports)
    land_stage(staged.ports, key)
    for reason in ("it broke", "it was not the cause"):
        request = rollback_requests.ask_rollback(staged.ports, MANAGER, key, reason, org=UAT)
        rollback_requests.decide_rollback(staged.ports, SECOND_MANAGER, request, yes=True)
        attempt = newest(staged.ports, key, "rollback").id or 0
        rollback_outcomes.finish_rollback(staged.ports, attempt, a_success())
        note_returned(staged.ports, attempt, (), undo_digest=digest_of(b"forward"))
        if reason == "it broke":
            org_locks.unlock_org(staged.ports, MANAGER, UAT, "the cause is found")
    staged.tell()
    told = " ".join(words_of(post.message) for post in staged.posts.values())
    assert "is live in UAT again and is watched." in told
    assert "stays locked" not in told
    assert newest(staged.ports, key, "rollback").org == UAT


def test_the_card_that_said_whose_turn_it_is_says_when_it_is_over(room: Room) -> None:
    a_release(room.ports)
    add(room, "Pause the import")
    add(room, "Tell the branches", owner=TESTER)
    room.hears(DEVELOPER, "release task done 1")
    room.tell()
    due = next(slot for slot in room.posts if slot.endswith(f"@{TESTER}"))
    room.hears(TESTER, "release task done 2")
    room.tell()
    for slot in (due, due.split("@")[0]):
        words = words_of(room.posts[slot].message)
        assert "Task 2 “Tell the branches” is done: @Tomás Novák, " in words
        assert "[Done]" not in words


def test_a_task_is_handed_over_from_its_card_and_the_new_owner_gets_the_buttons(room: Room) -> None:
    a_release(room.ports)
    add(room, "Pause the import")
    add(room, "Tell the branches", owner=TESTER)
    room.hears(DEVELOPER, "release task done 1")
    room.tell()
    due = next(slot for slot in room.posts if slot.endswith(f"@{TESTER}"))
    form = room.clicks(TESTER, "Hand over…", room.posts[due].message)
    room.submits(TESTER, form, person=DEVELOPER)
    room.tell()
    assert "It is the turn of task 2 “Tell the branches”, handed over to" in words_of(room.posts[due].message)
    theirs = [slot for slot in room.posts if slot.startswith("entry:") and slot.endswith(f"@{DEVELOPER}")][-1]
    room.clicks(DEVELOPER, "Done", room.posts[theirs].message)
    assert states(room)[1] == ("Tell the branches", "done")


def test_the_window_of_a_stage_that_is_done_was_not_moved(staged: Room) -> None:
    key = a_ready_staged_release(staged.ports)
    scheduling.open_window(staged.ports, key, 1)
    staged.tell()
    land_stage(staged.ports, key)
    soak(staged.ports, key)
    staged.tell()
    went = newest(staged.ports, key, "deployment").key
    said = words_of(staged.posts["window:REL-1:1"].message)
    assert f"REL-1: this window is over; {went} went to UAT in it." in said


def test_an_item_that_settles_itself_says_for_which_org(staged: Room) -> None:
    a_ready_staged_release(staged.ports)
    assert "settles itself, now for UAT" in words_of(staged.hears(MANAGER, "release checklist"))
