"""Every verb of the table, asked for by somebody who may and by somebody who may not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from handlers.conversation import Place, Request
from handlers.verbs import VERBS
from release_core import (
    approvals,
    attempts,
    checklists,
    deployments,
    incidents,
    rollback_requests,
    starting,
    task_plans,
    tasks,
    validations,
)
from release_core.errors import NotAllowed, ReleaseError
from tests.handlers.room import CAST, Refusal, Room, _actor, words_of
from tests.release_core.builders import (
    ADMINISTRATOR,
    DEVELOPER,
    DIRECTOR,
    LOST,
    MANAGER,
    PRODUCTION,
    QA,
    SECOND_MANAGER,
    STAKEHOLDER,
    TESTER,
    a_failure,
    a_freeze,
    a_package,
    a_ready_release,
    a_release,
    a_soaking_release,
    differing,
    facts_of,
    kinds,
    note_comparison,
    row_id,
)

Scene = Callable[[Room], None]


def nothing(room: Room) -> None:
    """Nobody has planned anything."""


def planned(room: Room) -> None:
    a_release(room.ports)


def ticked(room: Room) -> None:
    planned(room)
    checklists.tick(room.ports, MANAGER, "REL-1", "2")


def packed(room: Room) -> None:
    a_package(room.ports, a_release(room.ports))


def compared(room: Room) -> None:
    differing(room.ports, a_package(room.ports, a_release(room.ports), compared=False))


def risky(room: Room) -> None:
    package = a_package(room.ports, a_release(room.ports), compared=False)
    note_comparison(room.ports, package, LOST)


def asked(room: Room) -> None:
    packed(room)
    approvals.ask_for_approvals(room.ports, MANAGER, "REL-1")


def answered(room: Room) -> None:
    asked(room)
    approvals.answer(room.ports, QA, "REL-1", yes=True)


def called(room: Room) -> None:
    packed(room)
    room.says(MANAGER, "release rollcall for 2h -- all green?")


def away(room: Room) -> None:
    room.says(STAKEHOLDER, "release away for 2d")


def ready(room: Room) -> None:
    a_ready_release(room.ports)


def booked(room: Room) -> None:
    starting.book_start(room.ports, MANAGER, a_ready_release(room.ports))


def held(room: Room) -> None:
    starting.hold(room.ports, MANAGER, a_ready_release(room.ports), "the sandbox is down")


def under_way(room: Room) -> None:
    a_ready_release(room.ports)
    deployments.request_deployment(room.ports, MANAGER, "REL-1")


def failed(room: Room) -> None:
    packed(room)
    attempt = row_id(room.ports, validations.request_validation(room.ports, TESTER, "REL-1"))
    validations.finish_validation(room.ports, attempt, a_failure())


def lost(room: Room) -> None:
    key = a_ready_release(room.ports)
    attempt = row_id(room.ports, deployments.request_deployment(room.ports, MANAGER, key))
    attempts.note_asking(room.ports, attempt, "deploying")
    attempts.note_unknown(room.ports, attempt, "The answer was lost.")


def soaking(room: Room) -> None:
    a_soaking_release(room.ports)


def rollback_asked(room: Room) -> None:
    a_soaking_release(room.ports)
    rollback_requests.ask_rollback(room.ports, MANAGER, "REL-1", "quotes cannot be saved")


def broken(room: Room) -> None:
    a_soaking_release(room.ports)
    incidents.open_incident(room.ports, TESTER, title="Quotes cannot be saved", severity=2, org=PRODUCTION)


def frozen(room: Room) -> None:
    a_ready_release(room.ports)
    a_freeze(room.ports)


def locked(room: Room) -> None:
    room.says(ADMINISTRATOR, "release lock in PRODUCTION -- disk full")


def with_tasks(room: Room) -> None:
    planned(room)
    for title in ("Pause the nightly import", "Tell the branches"):
        task_plans.add_task(room.ports, MANAGER, "REL-1", task_plans.NewTask(title, "before", DEVELOPER))


def with_task_done(room: Room) -> None:
    with_tasks(room)
    tasks.finish(room.ports, DEVELOPER, "REL-1", "1")


@dataclass(frozen=True)
class Saying:
    """A verb as it is typed in a scene, by whom, with words of the answer."""

    verb: str
    scene: Scene
    text: str
    by: str
    answer: str
    not_by: str = ""


SAYINGS = [
    Saying("release_menu", planned, "release", STAKEHOLDER, "Autumn release"),
    Saying("release_new", nothing, "release new Discounts", MANAGER, "Target org", STAKEHOLDER),
    Saying("release_list", planned, "release list", STAKEHOLDER, "1 open release."),
    Saying("release_status", planned, "release status", STAKEHOLDER, "draft"),
    Saying("release_why", planned, "release why", STAKEHOLDER, "No package is attached."),
    Saying("release_risk", compared, "release risk", STAKEHOLDER, "of 100."),
    Saying("release_attach", planned, "release attach", DEVELOPER, "metadata-format zip", STAKEHOLDER),
    Saying("release_retrieve", planned, "release retrieve from UAT", DEVELOPER, "What to take", STAKEHOLDER),
    Saying("release_package", packed, "release package", STAKEHOLDER, "SHA-256"),
    Saying("release_diff", compared, "release diff Tier__c", STAKEHOLDER, "CustomField Account.Tier__c is changed"),
    Saying("release_compare", packed, "release compare", TESTER, "is being compared again", STAKEHOLDER),
    Saying("release_accept", risky, "release accept -- agreed with sales", QA, "acceptance for REL-1", STAKEHOLDER),
    Saying("release_checklist", planned, "release checklist", STAKEHOLDER, "Smoke test agreed"),
    Saying("release_item", planned, "release item 2", STAKEHOLDER, "Smoke test agreed"),
    Saying("release_tick", planned, "release tick 2 -- all green", QA, "is done", STAKEHOLDER),
    Saying("release_start", planned, "release start 2", QA, "is in progress", STAKEHOLDER),
    Saying("release_block", planned, "release block 2 -- no test data", QA, "is blocked", STAKEHOLDER),
    Saying("release_reopen", ticked, "release reopen 2 -- not agreed", QA, "is open again", STAKEHOLDER),
    Saying("release_waive", planned, "release waive 2 -- agreed by phone", MANAGER, "is waived", QA),
    Saying("release_snooze", planned, "release snooze 2 for 2h", QA, "is asked about again", STAKEHOLDER),
    Saying("release_assign", planned, f"release assign 2 <@{TESTER}>", MANAGER, "belongs to @Tomás Novák", STAKEHOLDER),
    Saying("release_tasks", with_tasks, "release tasks", STAKEHOLDER, "Pause the nightly import"),
    Saying("release_task", planned, "release task before for 20m -- Pause it", MANAGER, "is task 1", STAKEHOLDER),
    Saying("release_task_show", with_tasks, "release task show 1", STAKEHOLDER, "Pause the nightly import"),
    Saying("release_task_start", with_tasks, "release task start 1", DEVELOPER, "is in progress", STAKEHOLDER),
    Saying("release_task_done", with_tasks, "release task done 1 -- paused", DEVELOPER, "is done", STAKEHOLDER),
    Saying("release_task_waive", with_tasks, "release task waive 1 -- none runs", MANAGER, "is waived", DEVELOPER),
    Saying("release_task_reopen", with_task_done, "release task reopen 1", DEVELOPER, "is open again", STAKEHOLDER),
    Saying(
        "release_task_assign",
        with_tasks,
        f"release task assign 1 <@{TESTER}>",
        DEVELOPER,
        "belongs to @Tomás Novák",
        STAKEHOLDER,
    ),
    Saying("release_task_move", with_tasks, "release task move 2 1", MANAGER, "is task 1 now", DEVELOPER),
    Saying("release_task_delete", with_tasks, "release task delete 2", MANAGER, "is off the run-sheet", DEVELOPER),
    Saying("release_validate", packed, "release validate", TESTER, "DEP-1", STAKEHOLDER),
    Saying("release_tests", packed, "release tests local", MANAGER, "REL-1 runs RunLocalTests", DEVELOPER),
    Saying("release_results", failed, "release results", STAKEHOLDER, "DiscountTest.gives_ten_percent"),
    Saying("release_ask", packed, "release ask", MANAGER, "REL-1", DEVELOPER),
    Saying("release_approve", asked, "release approve as QA", QA, "Your yes for QA on REL-1 is recorded.", STAKEHOLDER),
    Saying("release_decline", asked, "release decline as QA -- no test report", QA, "Your no for QA", STAKEHOLDER),
    Saying("release_withdraw", answered, "release withdraw -- too early", QA, "the seat waits again"),
    Saying("release_rollcall", packed, "release rollcall until tomorrow 20:00", MANAGER, "go or no-go", DEVELOPER),
    Saying("release_vote", called, "release vote go -- tested", QA, "for QA on REL-1 is recorded", STAKEHOLDER),
    Saying("release_away", nothing, f"release away until Fri 18:00 for <@{QA}>", STAKEHOLDER, "@Quinn Adler answers"),
    Saying("release_back", away, "release back", STAKEHOLDER, "You are back"),
    Saying("release_window", planned, "release window at tomorrow 20:00 for 2h", MANAGER, "window of REL-1", TESTER),
    Saying("release_strategy", planned, "release strategy full -- no time", MANAGER, "full deploy", DEVELOPER),
    Saying(
        "release_freeze",
        nothing,
        "release freeze in PRODUCTION at tomorrow 18:00 until tomorrow 20:00 -- the books close",
        ADMINISTRATOR,
        "FRZ-1: nothing may start on PRODUCTION",
        DEVELOPER,
    ),
    Saying("release_unfreeze", frozen, "release unfreeze FRZ-1 -- books closed", ADMINISTRATOR, "lifted", DEVELOPER),
    Saying("release_calendar", frozen, "release calendar", STAKEHOLDER, "Month end"),
    Saying("release_deploy", ready, "release deploy", MANAGER, "may go now", DEVELOPER),
    Saying("release_book", ready, "release book", MANAGER, "by itself", STAKEHOLDER),
    Saying("release_skip", booked, "release skip", MANAGER, "does not start by itself any more", STAKEHOLDER),
    Saying("release_hold", ready, "release hold -- the sandbox is down", MANAGER, "is held", STAKEHOLDER),
    Saying("release_resume", held, "release resume", MANAGER, "is not held any more", STAKEHOLDER),
    Saying("release_clarify", lost, "release clarify", MANAGER, "In Deployment Status", STAKEHOLDER),
    Saying("release_stop", under_way, "release stop", MANAGER, "is asked to stop", STAKEHOLDER),
    Saying("release_rollback", soaking, "release rollback -- quotes fail", MANAGER, "has to confirm", DEVELOPER),
    Saying("release_lock", nothing, "release lock in PRODUCTION -- disk full", ADMINISTRATOR, "is locked", DEVELOPER),
    Saying("release_unlock", locked, "release unlock in PRODUCTION -- disk is empty", MANAGER, "open again", TESTER),
    Saying("release_update", planned, "release update -- all is well", MANAGER, "goes out now", DEVELOPER),
    Saying("release_note", planned, "release note -- moved the meeting", TESTER, "Noted", STAKEHOLDER),
    Saying("release_timeline", planned, "release timeline", STAKEHOLDER, "chain whole"),
    Saying("release_audit", planned, "release audit export", STAKEHOLDER, "whole history of REL-1"),
    Saying("release_close", soaking, "release close", MANAGER, "REL-1 is closed", DEVELOPER),
    Saying("release_cancel", planned, "release cancel -- not needed", MANAGER, "REL-1 is cancelled", DEVELOPER),
    Saying("release_todo", planned, "release todo", QA, "You owe 1 thing."),
    Saying("release_answer", asked, "release answer", QA, "QA is asked to approve"),
    Saying("release_home", planned, "release home", QA, "REL-1 item 2"),
    Saying("release_notify", nothing, "release notify work off", STAKEHOLDER, "Off: My items and tasks."),
    Saying("release_help", planned, "release help", STAKEHOLDER, "/release status"),
    Saying("incident_menu", broken, "incident", STAKEHOLDER, "Quotes cannot be saved"),
    Saying("incident_open", nothing, "incident open -- quotes fail", TESTER, "What is broken", STAKEHOLDER),
    Saying("incident_status", broken, "incident status", STAKEHOLDER, "INC-1 is open"),
    Saying("incident_update", broken, "incident update -- found it", TESTER, "Posted on INC-1", STAKEHOLDER),
    Saying("incident_rollback", broken, "incident rollback -- quotes fail", MANAGER, "has to confirm", TESTER),
    Saying("incident_resolve", broken, "incident resolve -- trigger off", TESTER, "INC-1 is resolved", STAKEHOLDER),
    Saying("incident_note", broken, "incident note -- called Anna", TESTER, "Noted", STAKEHOLDER),
    Saying("incident_timeline", broken, "incident timeline", STAKEHOLDER, "opened INC-1"),
    Saying("incident_help", broken, "incident help", STAKEHOLDER, "/incident status"),
]


def test_every_verb_that_can_be_typed_is_tried_here() -> None:
    assert {saying.verb for saying in SAYINGS} == {verb.name for verb in VERBS.values() if verb.typed}


@pytest.mark.parametrize("saying", SAYINGS, ids=lambda saying: saying.verb)
def test_somebody_who_may_is_answered(room: Room, saying: Saying) -> None:
    saying.scene(room)
    before, room.nudges = _everything(room), 0
    assert saying.answer in words_of(room.says(saying.by, saying.text))
    assert room.nudges or _everything(room) == before, "what was recorded is also carried on"


@pytest.mark.parametrize("saying", [s for s in SAYINGS if s.not_by], ids=lambda saying: saying.verb)
def test_somebody_who_may_not_is_told_who_may_and_nothing_happens(room: Room, saying: Saying) -> None:
    saying.scene(room)
    before = _everything(room)
    refusal = room.refuses(saying.not_by, saying.text)
    assert isinstance(refusal.error, NotAllowed)
    assert CAST[saying.not_by] not in refusal.words
    assert any(name in refusal.words for name in CAST.values()), "somebody who may is named"
    assert _everything(room) == before


@pytest.mark.parametrize("saying", [s for s in SAYINGS if s.not_by], ids=lambda saying: saying.verb)
def test_help_offers_a_verb_to_those_who_may(room: Room, saying: Saying) -> None:
    saying.scene(room)
    root = VERBS[saying.verb].root
    typed = VERBS[saying.verb].as_typed
    assert typed in words_of(room.says(saying.by, f"{root} help"))
    if saying.not_by == STAKEHOLDER:
        assert typed not in words_of(room.says(saying.not_by, f"{root} help"))


def _everything(room: Room) -> list[str]:
    return [kind for stream in ("REL-1", "INC-1", "FRZ-1", "ORG:production") for kind in kinds(room.ports, stream)]


def _click(room: Room, person: str, verb: str, **args: str) -> str:
    return words_of(room.desk.answer(Request(verb, _actor(person), Place("C0RELEASES"), args)))


def test_go_is_for_those_who_may_deploy(room: Room) -> None:
    ready(room)
    digest = facts_of(room.ports, "REL-1").digest
    with pytest.raises(NotAllowed) as refused:
        _click(room, DEVELOPER, "release_go", release="REL-1", digest=digest)
    assert set(refused.value.who_may) == {MANAGER, SECOND_MANAGER}
    assert "under way" in _click(room, MANAGER, "release_go", release="REL-1", digest=digest)


@pytest.mark.parametrize("verb", ["release_confirm_rollback", "release_decline_rollback"])
def test_a_rollback_is_decided_by_those_who_may_roll_back(room: Room, verb: str) -> None:
    rollback_asked(room)
    with pytest.raises(NotAllowed):
        _click(room, DEVELOPER, verb, request="1")
    assert "REL-1" in _click(room, SECOND_MANAGER, verb, request="1")


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS.values() if not verb.typed])
def test_a_verb_of_buttons_alone_says_so_when_it_comes_without_its_button(room: Room, verb: str) -> None:
    rollback_asked(room)
    with pytest.raises(ReleaseError, match="Press the button"):
        _click(room, MANAGER, verb)


@pytest.mark.parametrize("text", ["validate", "cancel -- too late", "ask", "window at tomorrow 20:00 for 2h"])
def test_what_comes_before_a_deployment_is_refused_after_it(room: Room, text: str) -> None:
    soaking(room)
    before = _everything(room)
    assert "REL-1 is live and being watched" in room.refuses(MANAGER, f"release {text}").words
    assert _everything(room) == before


def test_a_waiver_of_a_freeze_is_for_those_the_policy_names(room: Room) -> None:
    frozen(room)
    refusal: Refusal = room.refuses(MANAGER, "release waive FRZ-1 -- the release does not touch the books")
    assert "Dana Olsen" in refusal.words
    answer = room.says(DIRECTOR, "release waive FRZ-1 -- the release does not touch the books")
    assert "may go through the freeze FRZ-1" in words_of(answer)
