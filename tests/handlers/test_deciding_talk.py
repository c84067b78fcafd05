"""Items, approvals and the button that starts it, in words and clicks."""

from __future__ import annotations

import pytest

from handlers.conversation import Form, Menu, Message
from handlers.slack.blocks import draw_message
from release_core import approvals, attaching, attempts, comparing, deployments, scheduling, validations
from release_core.errors import Conflict, NotFound
from release_core.metadata_types import Component
from release_core.models import Person
from release_core.verdicts import Judgement
from tests.handlers.room import READER, Room, clickable, words_of
from tests.release_core.builders import (
    ADMINISTRATOR,
    BUSINESS,
    DEVELOPER,
    MANAGER,
    OTHER_QA,
    PRODUCTION,
    QA,
    SECOND_MANAGER,
    STAKEHOLDER,
    TESTER,
    a_failure,
    a_freeze,
    a_package,
    a_passed_validation,
    a_policy,
    a_ready_release,
    a_release,
    a_soaking_release,
    a_window,
    approve,
    contents,
    facts_of,
    kinds,
    later,
    newest,
    ports,
    row_id,
    settle_checklist,
)


def item_states(room: Room) -> list[str]:
    return [item.state for item in facts_of(room.ports, "REL-1").items]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("release tick 2", ""),
        ("release tick #2 all green", "all green"),
        ("release tick smoke test agreed", ""),
        ("release tick smoke test -- all green", "all green"),
        ("release tick Smoke test all green", "all green"),
        ('release tick "smoke test" -- all green', "all green"),
        ("release done REL-1 2 -- all green", "all green"),
    ],
)
def test_an_item_is_ticked_by_its_number_or_its_words(room: Room, text: str, note: str) -> None:
    a_release(room.ports)
    assert "REL-1: item 2 “Smoke test agreed” is done." in words_of(room.says(QA, text))
    item = facts_of(room.ports, "REL-1").items[1]
    assert (item.state, item.note) == ("done", note)


def test_an_unknown_item_is_answered_with_those_there_are(room: Room) -> None:
    a_release(room.ports)
    for text in ("tick 9", "tick coffee", "block coffee -- cold", "assign coffee", "item coffee"):
        refusal = room.refuses(MANAGER, f"release {text}")
        assert isinstance(refusal.error, NotFound), text
        assert "2 Smoke test agreed" in refusal.words
    which = room.hears(MANAGER, "release tick")
    assert "Say which item" in words_of(which)
    assert "item 2 “Smoke test agreed” is done" in words_of(room.clicks(MANAGER, "○ 2 Smoke test agreed", which))
    assert "Give the number" in room.refuses(MANAGER, "release tick re").words


def test_the_checklist_offers_a_click_for_each_thing_to_do(room: Room) -> None:
    a_release(room.ports)
    card = room.hears(STAKEHOLDER, "release checklist")
    assert "item 1" in words_of(room.clicks(MANAGER, "Tick 1", card))
    why = room.clicks(QA, "Block…", card, choose="Smoke test")
    assert isinstance(why, Form)
    assert "Block item 2" in words_of(why)
    assert "Smoke test agreed" in words_of(why)
    room.submits(QA, why, note="no test data")
    waive = room.clicks(MANAGER, "Waive…", card, choose="Data load")
    assert isinstance(waive, Form)
    room.submits(MANAGER, waive, note="no data is loaded")
    assert item_states(room)[:3] == ["done", "blocked", "waived"]
    again = words_of(room.says(STAKEHOLDER, "release checklist"))
    assert "no test data" in again
    assert "2 of 5 settled, 1 blocked" in again


def test_one_item_offers_everything_that_can_be_done_about_it(room: Room) -> None:
    a_release(room.ports)
    card = room.hears(STAKEHOLDER, "release checklist")
    item = room.clicks(MANAGER, "More about an item…", card, choose="Smoke test")
    assert isinstance(item, Message)
    room.clicks(MANAGER, "Start", item)
    assert item_states(room)[1] == "in_progress"
    assign = room.clicks(MANAGER, "Assign…", item)
    assert isinstance(assign, Form)
    assert "belongs to @Tomás Novák" in words_of(room.submits(MANAGER, assign, person=TESTER))
    room.clicks(TESTER, "Tick", item)
    assert item_states(room)[1] == "done"
    settled = room.hears(MANAGER, "release item 2")
    room.clicks(MANAGER, "Reopen", settled)
    assert item_states(room)[1] == "open"
    assert "settles this item itself" in words_of(room.says(MANAGER, "release item 4"))


def test_an_item_that_settles_itself_is_nobodys_to_tick(room: Room) -> None:
    a_release(room.ports)
    assert "settles itself; nobody ticks it" in room.refuses(MANAGER, "release tick 5").words
    assert "production would be the first" in room.refuses(MANAGER, "release waive 4 -- no time").words


def test_a_checklist_of_forty_items_still_fits_into_a_message() -> None:
    rules = [{"title": f"Question number {n} that somebody has to settle before we go"} for n in range(1, 41)]
    room = Room(ports(policy=a_policy(checklists={"standard": rules})))
    a_release(room.ports)
    card = room.hears(MANAGER, "release checklist")
    for label in ("Tick 1", "Block…", "Waive…", "More about an item…"):
        assert clickable(label, card)
    drawn = str(draw_message(card, READER))
    assert "Question number 12 " in drawn
    assert "/release item REL-1 NUMBER" in words_of(card)


def test_ticking_twice_tells_who_was_first(room: Room) -> None:
    a_release(room.ports)
    room.says(QA, "release tick 2")
    refusal = room.refuses(OTHER_QA, "release tick 2")
    assert isinstance(refusal.error, Conflict)
    assert "Item 2 “Smoke test agreed” is already done. It was @Quinn Adler" in refusal.words
    assert kinds(room.ports, "REL-1").count("item_done") == 1


def test_two_seats_say_yes_by_button_and_the_second_click_hears_of_the_first(room: Room) -> None:
    a_package(room.ports, a_release(room.ports))
    assert "QA, Business: asked to approve REL-1" in words_of(room.says(MANAGER, "release ask"))
    room.tell()
    digest = facts_of(room.ports, "REL-1").digest
    card = room.post(f"approval:REL-1:qa:{digest}")
    own = room.is_refused_the_click(DEVELOPER, "Approve", card)
    assert "You attached first.zip, so somebody else has to approve it." in own.words
    assert "Your yes for QA on REL-1 is recorded." in words_of(room.clicks(QA, "Approve", card))
    late = room.is_refused_the_click(OTHER_QA, "Approve", card)
    assert "QA has already approved this. It was @Quinn Adler" in late.words
    room.tell()
    decided = room.post(f"approval:REL-1:qa:{digest}")
    assert "QA: approved by @Quinn Adler" in words_of(decided)
    assert "[Approve]" not in words_of(decided)
    assert f"approval:REL-1:qa:{digest}@{QA}" in room.posts
    assert "[Approve]" not in words_of(room.posts[f"approval:REL-1:qa:{digest}@{OTHER_QA}"].message)


def test_a_no_needs_a_reason(room: Room) -> None:
    a_package(room.ports, a_release(room.ports))
    approvals.ask_for_approvals(room.ports, MANAGER, "REL-1")
    room.tell()
    card = room.post(f"approval:REL-1:qa:{facts_of(room.ports, 'REL-1').digest}")
    form = room.clicks(QA, "Decline…", card)
    assert isinstance(form, Form)
    room.submits(QA, form, note="the report is missing {x}")
    why = words_of(room.says(MANAGER, "release why"))
    assert "QA declined: the report is missing {x}" in why


def test_a_changed_package_withdraws_the_yes_and_its_card(room: Room) -> None:
    key = a_release(room.ports)
    a_package(room.ports, key)
    approvals.ask_for_approvals(room.ports, MANAGER, key)
    room.tell()
    old = room.post(f"approval:REL-1:qa:{facts_of(room.ports, key).digest}")
    room.clicks(QA, "Approve", old)
    slot = f"approval:REL-1:qa:{facts_of(room.ports, key).digest}"
    a_package(room.ports, key, words="second")
    told = room.tell()
    assert "Withdrawn. The package changed: first.zip was replaced by second.zip." in words_of(room.posts[slot].message)
    assert any(each.endswith(f"@{QA}") for each in told if each.startswith("entry:"))
    assert "has changed since this was asked" in room.is_refused_the_click(OTHER_QA, "Approve", old).words


def test_an_unknown_seat_is_answered_with_those_there_are(room: Room) -> None:
    a_package(room.ports, a_release(room.ports))
    assert "no seat “legal”. Its seats: QA, Business." in room.refuses(QA, "release approve as legal").words


def test_why_names_every_reason_who_can_clear_it_and_the_next_time(room: Room) -> None:
    a_release(room.ports, window=a_window(1, 3))
    a_freeze(room.ports, start=0, hours=6)
    answer = room.hears(STAKEHOLDER, "release why")
    words = words_of(answer)
    for said in (
        "REL-1 may not go now",
        "No package is attached.",
        "Item 2 “Smoke test agreed” is open.",
        "@Quinn Adler or @Ravi Patel can clear it: /release tick REL-1 2",
        "QA has not approved.",
        "The freeze FRZ-1 “Month end” covers Mon 23 Nov 2026 10:00 CET to Mon 23 Nov 2026 16:00 CET.",
        "@Dana Olsen can clear it: /release waive REL-1 FRZ-1 -- reason",
        "Next legal time for PRODUCTION: Mon 23 Nov 2026 16:00 CET",
    ):
        assert said in words
    assert answer.tone == "stop"


def test_a_failed_validation_is_shown_with_its_place(room: Room) -> None:
    key = a_release(room.ports)
    a_package(room.ports, key)
    attempt = row_id(room.ports, validations.request_validation(room.ports, TESTER, key))
    room.tell()
    assert "waits for its turn" in words_of(room.post("deployment:DEP-1"))
    attempts.note_asking(room.ports, attempt, "validating")
    assert "[Stop]" in words_of(room.post("deployment:DEP-1"))
    validations.finish_validation(room.ports, attempt, a_failure(message="Expected: 15, Actual: 10"))
    room.tell()
    words = words_of(room.post("deployment:DEP-1"))
    assert "DiscountTest.gives_ten_percent" in words
    assert "Expected: 15, Actual: 10" in words
    assert "line 12, column 1" in words
    assert "Expected: 15, Actual: 10" in words_of(room.says(STAKEHOLDER, "release timeline"))


def test_org_text_that_looks_like_our_own_marks_stays_text(room: Room) -> None:
    key = a_release(room.ports)
    a_package(room.ports, key)
    attempt = row_id(room.ports, validations.request_validation(room.ports, TESTER, key))
    forged = "\ue000person\ue001USTRANGER\ue002 <!channel> {0}"
    validations.finish_validation(room.ports, attempt, a_failure(message=forged.replace("{0}", "{5}")))
    room.tell()
    drawn = str(draw_message(room.post("deployment:DEP-1"), READER))
    assert "<@USTRANGER>" not in drawn
    assert "<!channel>" not in drawn


def the_dialog(room: Room) -> str:
    button = clickable("Deploy to PRODUCTION", room.hears(MANAGER, "release deploy"))
    assert not isinstance(button, Menu)
    assert button.confirm is not None
    drawn = draw_message(room.hears(MANAGER, "release deploy"), READER)
    dialogs = [e["confirm"] for b in drawn["blocks"] for e in b.get("elements", ()) if "confirm" in e]
    assert dialogs[0]["text"]["text"].rstrip("…") in button.confirm.text
    return str(dialogs[0]["text"]["text"])


def test_the_dialog_says_everything_to_weigh_with_names(room: Room) -> None:
    a_ready_release(room.ports)
    later(room.ports, minutes=61)
    dialog = the_dialog(room)
    for said in (
        "REL-1 to PRODUCTION, a production org.",
        "Package: Autumn release REL-1.zip",
        "2 components, 0 deletions",
        "Validated 1 h 1 min ago",
        "checklist 4 of 5 settled",
        "QA Quinn Adler, Business Bea Lindqvist",
        "Way back: 2 exact",
    ):
        assert said in dialog
    assert QA not in dialog


def test_the_dialog_keeps_the_names_when_everything_is_long(room: Room) -> None:
    long_name = "Maximiliana Hohenstein-Wolkenburg the Younger of Nowhere"
    with room.ports.store.transaction() as session:
        for user_id in (QA, BUSINESS):
            session.merge(Person(id=user_id, name=long_name, zone="UTC", seen_at=room.ports.clock.now()))
    now = room.ports.clock.now()
    key = a_release(room.ports, name="N" * 80, window=a_window(0, 2))
    package = attaching.attach_package(room.ports, DEVELOPER, key, file_id="F1", file_name="p" * 90 + ".zip")
    classes = [Component("ApexClass", f"C{n}") for n in range(999)]
    attaching.accept_package(room.ports, package, contents("long", classes))
    judged = [Judgement(component, "lossy", "it has data", "") for component in classes]
    comparing.note_comparison(room.ports, package, [], judged)
    a_passed_validation(room.ports, key)
    settle_checklist(room.ports, key)
    approve(room.ports, key)
    assert room.ports.clock.now() == now
    dialog = the_dialog(room)
    assert len(dialog) <= 300
    for said in ("a production org", "Validated just now", "QA Maximiliana", "Way back: 999 lossy."):
        assert said in dialog


def test_the_button_starts_it_once(room: Room) -> None:
    a_ready_release(room.ports)
    card = room.hears(MANAGER, "release deploy")
    assert "DEP-2 is under way" in words_of(room.clicks(MANAGER, "Deploy to PRODUCTION", card))
    second = room.is_refused_the_click(SECOND_MANAGER, "Deploy to PRODUCTION", card)
    assert "DEP-2 is already under way" in second.words
    assert "@Anna Weiss" in second.words
    assert kinds(room.ports, "REL-1").count("deployment_requested") == 1


def test_a_gate_that_closed_since_the_button_was_drawn_is_named(room: Room) -> None:
    a_ready_release(room.ports)
    card = room.hears(MANAGER, "release deploy")
    room.says(ADMINISTRATOR, "release lock in PRODUCTION -- disk {full}")
    answer = room.clicks(MANAGER, "Deploy to PRODUCTION", card)
    assert "Not now: nothing was started." in words_of(answer)
    assert "PRODUCTION is locked: disk {full}" in words_of(answer)
    assert "deployment_requested" not in kinds(room.ports, "REL-1")


def test_a_package_that_changed_since_the_button_was_drawn_is_looked_at_again(room: Room) -> None:
    a_ready_release(room.ports)
    card = room.hears(MANAGER, "release deploy")
    a_package(room.ports, "REL-1", words="other")
    refusal = room.is_refused_the_click(MANAGER, "Deploy to PRODUCTION", card)
    assert "has changed since you were asked to confirm" in refusal.words


def test_nothing_under_way_cannot_be_stopped(room: Room) -> None:
    a_ready_release(room.ports)
    refusal = room.refuses(MANAGER, "release stop")
    assert isinstance(refusal.error, NotFound)
    assert "Nothing is under way for REL-1" in refusal.words


def test_the_window_over_means_no_button(room: Room) -> None:
    a_ready_release(room.ports)
    later(room.ports, hours=3)
    answer = words_of(room.says(MANAGER, "release deploy"))
    assert "The window ended" in answer
    assert "[Deploy to PRODUCTION]" not in answer


def test_the_card_of_a_deployment_says_that_its_snapshot_comes_first(room: Room) -> None:
    key = a_ready_release(room.ports)
    attempt = row_id(room.ports, deployments.request_deployment(room.ports, MANAGER, key))
    room.tell()
    assert "waits for its turn" in words_of(room.post("deployment:DEP-2"))
    deployments.hold_if_blocked(room.ports, attempt)
    words = words_of(room.post("deployment:DEP-2"))
    assert "has begun. Its snapshot is taken first; nothing is changed yet." in words
    assert "Waiting for the org" not in words
    assert "[Stop]" in words


def test_an_attempt_that_waits_names_the_one_before_it(room: Room) -> None:
    key = a_soaking_release(room.ports, armed=False)
    proof = newest(room.ports, key, "arming")
    attempts.note_asking(room.ports, proof.id or 0, "validating")
    other = a_release(room.ports, name="Winter release")
    a_package(room.ports, other, words="winter")
    validations.request_validation(room.ports, TESTER, other, org=PRODUCTION)
    room.tell()
    waiting = newest(room.ports, other, "validation").key
    words = words_of(room.post(f"deployment:{waiting}"))
    assert f"waits for its turn: {proof.key} goes first." in words
    assert "Waiting for the org to begin" not in words


def test_an_open_window_shows_at_once_how_it_goes_and_what_was_answered(room: Room) -> None:
    key = a_ready_release(room.ports)
    scheduling.open_window(room.ports, key, 1)
    room.tell()
    assert "[Deploy to PRODUCTION]" in words_of(room.posts[f"window:{key}:1"].message)
    room.hears(MANAGER, f"release strategy {key} full -- its tests are wanted")
    room.tell()
    asked = words_of(room.posts[f"window:{key}:1"].message)
    assert "[Deploy to PRODUCTION]" not in asked
    assert "QA" in asked
    approve(room.ports, key)
    room.tell()
    assert "[Deploy to PRODUCTION]" in words_of(room.posts[f"window:{key}:1"].message)
