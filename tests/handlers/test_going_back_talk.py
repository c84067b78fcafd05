"""What people say and see while they decide about going back."""

from __future__ import annotations

import pytest

from handlers.conversation import Button, ChoiceField, Form, TextField
from release_core import (
    arming,
    deployments,
    proofs,
    rollback_choices,
    rollback_outcomes,
    rollback_requests,
    scheduling,
)
from release_core.arming import finish_arming
from release_core.metadata_types import Component
from release_core.packages import write_package
from release_core.ports import Ports
from release_core.rollback_looks import Look, note_look, note_not_looked
from release_core.timeline import Kind
from release_core.windows import Interval
from tests.handlers.room import Room, clickable, words_of
from tests.release_core.builders import (
    ADMINISTRATOR,
    DEVELOPER,
    MANAGER,
    SECOND_MANAGER,
    a_failure,
    a_ready_release,
    a_soaking_release,
    a_success,
    arm,
    digest_of,
    facts_of,
    kinds,
    later,
    newest,
    note_returned,
    row_id,
)

CHANGED = ["ApexClass", "Discount", "changed", "Mei Tanaka", "2026-11-23T08:00:00+00:00"]


def a_live_release(ports: Ports, *, parts: int = 2) -> str:
    """A release that is in production, whose way back restores some classes."""
    names = ["Discount", *(f"Part{number:03}" for number in range(1, parts))]
    files = {f"classes/{name}.cls": b"class X {}" for name in names}
    files |= {f"classes/{name}.cls-meta.xml": b"<ApexClass/>" for name in names}
    archive = write_package(files, [Component("ApexClass", name) for name in names], api_version="62.0")
    key = a_soaking_release(ports)
    with ports.store.transaction() as session:
        live = facts_of(ports, key).live
        assert live is not None
        live.rollback_digest = ports.artifacts.save(archive)
        session.merge(live)
    return key


@pytest.fixture
def key(room: Room) -> str:
    return a_live_release(room.ports)


def look(room: Room, *drift: list[str], request: int = 1) -> None:
    note_look(room.ports, request, Look(room.ports.clock.now(), digest_of(b"live"), drift, ()))
    room.tell()


def test_the_card_says_that_nothing_was_changed_since(room: Room, key: str) -> None:
    room.hears(MANAGER, f"release rollback {key} -- quotes fail")
    room.tell()
    card = f"rollback:{key}:1"
    assert "being looked at" in words_of(room.posts[card].message)
    look(room)
    for slot in (card, f"{card}@{SECOND_MANAGER}"):
        said = words_of(room.posts[slot].message)
        assert "nothing was changed since; looked Mon 23 Nov 2026 10:00 CET" in said
        assert "[Confirm rollback]" in said


def test_the_card_says_why_the_org_was_not_looked_at(room: Room, key: str) -> None:
    room.hears(MANAGER, f"release rollback {key} -- quotes fail")
    room.tell()
    note_not_looked(room.ports, 1, "PRODUCTION does not answer.")
    room.tell()
    assert "not known: PRODUCTION does not answer." in words_of(room.posts[f"rollback:{key}:1"].message)


def test_a_change_since_is_named_with_its_author_and_has_to_be_decided(room: Room, key: str) -> None:
    room.hears(MANAGER, f"release rollback {key} -- quotes fail")
    room.tell()
    look(room, CHANGED)
    card = room.posts[f"rollback:{key}:1"].message
    assert "ApexClass Discount was changed by Mei Tanaka: to be decided" in words_of(card)
    refused = room.is_refused_the_click(SECOND_MANAGER, "Confirm rollback", card)
    assert "ApexClass Discount" in refused.words
    assert "Choose for each" in refused.words
    form = room.clicks(SECOND_MANAGER, "Choose parts…", card)
    assert isinstance(form, Form)
    (field,) = form.fields
    assert isinstance(field, ChoiceField)
    labels = {option.value: option.label for option in field.options}
    assert [labels[value] for value in field.value] == ["ApexClass Discount: changed since by Mei Tanaka"]
    assert "the org's check says" in field.hint
    answer = room.submits(SECOND_MANAGER, form, leave=list(field.value))
    assert "1 part left as it is" in words_of(answer)
    room.tell()
    assert "asked again with another choice of parts" in words_of(room.posts[f"rollback:{key}:1"].message)
    asked_again = words_of(room.posts[f"rollback:{key}:2@{MANAGER}"].message)
    assert "Left as it is: ApexClass Discount" in asked_again
    assert "not proven for this choice" in asked_again
    assert "[Confirm rollback]" in asked_again


def test_a_choice_is_proven_by_a_click_and_the_card_follows(room: Room, key: str) -> None:
    room.hears(MANAGER, f"release rollback {key} -- quotes fail")
    room.tell()
    form = room.clicks(MANAGER, "Choose parts…", room.posts[f"rollback:{key}:1"].message)
    assert isinstance(form, Form)
    assert isinstance(form.fields[0], ChoiceField)
    room.submits(MANAGER, form, leave=[form.fields[0].options[0].value])
    room.tell()
    card = room.post(f"rollback:{key}:2")
    assert "tries it check-only" in words_of(room.clicks(MANAGER, "Prove it first", card))
    assert "being proven now" in words_of(room.post(f"rollback:{key}:2"))
    arm(room.ports, key)
    room.tell()
    assert "this choice is armed until" in words_of(room.posts[f"rollback:{key}:2"].message)


def test_a_choice_whose_proof_failed_is_proven_again_by_a_click(room: Room, key: str) -> None:
    request = rollback_requests.ask_rollback(room.ports, MANAGER, key, "quotes fail", leave=[["ApexClass", "Discount"]])
    proof = rollback_choices.prove_first(room.ports, MANAGER, request)
    room.tell()
    card = f"rollback:{key}:{request}"
    assert "[Prove it first]" not in words_of(room.post(card))
    arming.finish_arming(room.ports, row_id(room.ports, proof), None, "PRODUCTION is away.")
    room.tell()
    assert "did not pass its check: PRODUCTION is away" in words_of(room.post(card))
    assert "tries it check-only" in words_of(room.clicks(MANAGER, "Prove it first", room.post(card)))
    arm(room.ports, key)
    room.tell()
    assert "[Prove it first]" not in words_of(room.post(card))


def test_what_is_to_be_overwritten_is_said(room: Room, key: str) -> None:
    room.hears(MANAGER, f"release rollback {key} -- quotes fail")
    room.tell()
    look(room, CHANGED)
    form = room.clicks(SECOND_MANAGER, "Choose parts…", room.posts[f"rollback:{key}:1"].message)
    assert "everything goes back" in words_of(room.submits(SECOND_MANAGER, form, leave=[]))
    room.tell()
    assert "will be overwritten" in words_of(room.posts[f"rollback:{key}:2"].message)


def test_parts_chosen_in_a_form_from_before_the_look_are_chosen_again(room: Room, key: str) -> None:
    room.hears(MANAGER, f"release rollback {key} -- quotes fail")
    room.tell()
    form = room.clicks(SECOND_MANAGER, "Choose parts…", room.posts[f"rollback:{key}:1"].message)
    look(room, CHANGED)  # it ends while the form is open
    refused = room.is_refused_the_form(SECOND_MANAGER, form, leave=[])
    assert "Nothing was asked for; press Choose parts… once more." in refused.words
    room.tell()
    again = room.clicks(SECOND_MANAGER, "Choose parts…", room.posts[f"rollback:{key}:1"].message)
    assert "everything goes back" in words_of(room.submits(SECOND_MANAGER, again, leave=[]))


def test_a_choice_from_before_the_look_says_that_what_people_changed_is_asked_about(room: Room, key: str) -> None:
    room.hears(MANAGER, f"release rollback {key} -- quotes fail")
    room.tell()
    form = room.clicks(MANAGER, "Choose parts…", room.posts[f"rollback:{key}:1"].message)
    assert isinstance(form, Form)
    assert isinstance(form.fields[0], ChoiceField)
    room.submits(MANAGER, form, leave=[form.fields[0].options[1].value])
    room.tell()
    card = f"rollback:{key}:2"
    assert "What people changed since is asked about first." in words_of(room.posts[card].message)
    look(room, CHANGED, request=2)
    assert "ApexClass Discount was changed by Mei Tanaka: to be decided" in words_of(room.posts[card].message)


def test_everything_is_overwritten_by_a_click_that_somebody_else_confirms(room: Room, key: str) -> None:
    room.hears(MANAGER, f"release rollback {key} -- quotes fail")
    room.tell()
    look(room, CHANGED)
    card = room.posts[f"rollback:{key}:1"].message
    assert "Somebody else has to confirm" in words_of(room.clicks(MANAGER, "Roll back anyway…", card))
    room.tell()
    again = room.posts[f"rollback:{key}:2"].message
    assert "being rolled back" in words_of(room.clicks(SECOND_MANAGER, "Confirm rollback", again))


def test_parts_are_chosen_when_it_is_asked_already(room: Room, key: str) -> None:
    form = room.is_asked(MANAGER, f"release rollback {key}")
    field = form.fields[1]
    assert isinstance(field, ChoiceField)
    assert [option.label for option in field.options] == ["ApexClass Discount: restore", "ApexClass Part001: restore"]
    said = words_of(room.submits(MANAGER, form, note="quotes fail", leave=[field.options[1].value]))
    assert "1 part left as it is" in said
    room.tell()
    assert "ApexClass Part001" in words_of(room.posts[f"rollback:{key}:1"].message)


def test_with_more_than_a_hundred_parts_people_write_lines(room: Room) -> None:
    key = a_live_release(room.ports, parts=150)
    form = room.is_asked(MANAGER, f"release rollback {key}")
    field = form.fields[1]
    assert isinstance(field, TextField)
    assert "ApexClass Discount" in field.hint
    refused = room.is_refused_the_form(MANAGER, form, note="quotes fail", leave="ApexClass Nobody")
    assert "“ApexClass Nobody” is no part of this way back" in refused.words
    room.submits(MANAGER, form, note="quotes fail", leave="apexclass part120\n\n ApexClass  Part007")
    with room.ports.store.reading() as session:
        assert rollback_requests.find_request(session, 1).leave == [["ApexClass", "Part120"], ["ApexClass", "Part007"]]


def test_a_rollback_is_undone_from_the_same_verb(room: Room, key: str) -> None:
    room.hears(MANAGER, f"release rollback {key} -- quotes fail")
    rollback_requests.decide_rollback(room.ports, SECOND_MANAGER, 1, yes=True)
    attempt = newest(room.ports, key, "rollback").id or 0
    rollback_outcomes.finish_rollback(room.ports, attempt, a_success())
    note_returned(room.ports, attempt, [], undo_digest=digest_of(b"forward"))
    form = room.is_asked(MANAGER, f"release rollback {key}")
    assert "comes back into PRODUCTION" in words_of(form)
    assert f"{key} is brought back" in words_of(room.submits(MANAGER, form, note="the cause was another"))
    room.tell()
    card = room.posts[f"rollback:{key}:2"].message
    assert "asks to undo the rollback of REL-1" in words_of(card)
    assert "Choose parts" not in words_of(card)
    assert "is being brought back" in words_of(room.clicks(ADMINISTRATOR, "Confirm", card))
    undo = newest(room.ports, key, "rollback").id or 0
    rollback_outcomes.finish_rollback(room.ports, undo, a_success())
    note_returned(room.ports, undo, [])
    room.tell()
    said = " ".join(words_of(post.message) for post in room.posts.values())
    assert "is live in PRODUCTION again and is watched" in said
    assert "The org stays locked until somebody unlocks it." in said


def test_a_form_to_roll_back_never_asks_for_the_opposite(room: Room, key: str) -> None:
    form = room.is_asked(MANAGER, f"release rollback {key}")
    attempt = room_was_rolled_back(room, key)
    note_returned(room.ports, attempt, [], undo_digest=digest_of(b"forward"))
    asked = kinds(room.ports, key).count(Kind.ROLLBACK_ASKED)
    field = form.fields[1]
    assert isinstance(field, ChoiceField)
    refused = room.is_refused_the_form(MANAGER, form, note="quotes fail", leave=[field.options[0].value])
    assert f"{key} was rolled back (DEP-4) after this form was opened, so nothing was asked for" in refused.words
    assert "Look again: /release rollback REL-1" in refused.words
    undo = room.is_asked(MANAGER, f"release rollback {key}")
    rollback_outcomes.finish_rollback(room.ports, _undone(room, key), a_success())
    refused = room.is_refused_the_form(MANAGER, undo, note="the cause was another")
    assert "DEP-5 is under way" in refused.words
    note_returned(room.ports, newest(room.ports, key, "rollback").id or 0, [])
    refused = room.is_refused_the_form(MANAGER, undo, note="the cause was another")
    assert f"{key} was brought back (DEP-2) after this form was opened" in refused.words
    assert kinds(room.ports, key).count(Kind.ROLLBACK_ASKED) == asked + 1, "the undo alone"


def _undone(room: Room, key: str) -> int:
    """Two people want the rollback undone; the attempt's row id."""
    return room_confirmed(room, key)


def entries(room: Room) -> str:
    return " ".join(words_of(post.message) for slot, post in room.posts.items() if slot.startswith("entry:"))


def test_the_yes_to_undoing_a_rollback_says_so(room: Room, key: str) -> None:
    attempt = room_was_rolled_back(room, key)
    note_returned(room.ports, attempt, [], undo_digest=digest_of(b"forward"))
    request = rollback_requests.ask_rollback(room.ports, MANAGER, key, "the cause was another")
    rollback_requests.decide_rollback(room.ports, SECOND_MANAGER, request, yes=True)
    room.tell()
    assert "confirmed undoing the rollback of REL-1" in entries(room)


def test_a_rollback_that_did_not_start_or_failed_says_how_to_ask_again(room: Room, key: str) -> None:
    first = room_confirmed(room, key)
    rollback_outcomes.hold_rollback(room.ports, first, "The rollback did not start. PRODUCTION is at its limit.")
    room.tell()
    assert "was not started. PRODUCTION is at its limit. Ask again" in entries(room)
    second = room_confirmed(room, key)
    rollback_outcomes.finish_rollback(room.ports, second, a_failure())
    room.tell()
    assert "failed in PRODUCTION" in entries(room)
    assert "Assertion Failed. Ask again, with other parts left if need be: /release rollback REL-1" in entries(room)


def room_confirmed(room: Room, key: str) -> int:
    """Two people want to go back; the attempt's row id."""
    request = rollback_requests.ask_rollback(room.ports, MANAGER, key, "it broke", overwrite=True)
    rollback_requests.decide_rollback(room.ports, SECOND_MANAGER, request, yes=True)
    return newest(room.ports, key, "rollback").id or 0


def room_was_rolled_back(room: Room, key: str) -> int:
    """The org has carried a rollback out; the attempt's row id."""
    attempt = room_confirmed(room, key)
    rollback_outcomes.finish_rollback(room.ports, attempt, a_success())
    return attempt


def test_an_open_deploy_card_starts_nothing_after_a_rollback_locked_the_org(room: Room, key: str) -> None:
    waiting = a_ready_release(room.ports, name="Hotfix")
    scheduling.open_window(room.ports, waiting, 1)
    room.tell()
    card = room.posts[f"window:{waiting}:1"].message
    room.hears(MANAGER, f"release rollback {key} -- quotes fail")
    rollback_requests.decide_rollback(room.ports, SECOND_MANAGER, 1, yes=True)
    attempt = newest(room.ports, key, "rollback").id or 0
    rollback_outcomes.finish_rollback(room.ports, attempt, a_success())
    note_returned(room.ports, attempt, [])
    said = words_of(room.clicks(MANAGER, "Deploy to PRODUCTION", card))
    assert "nothing was started" in said
    assert f"PRODUCTION is locked: {key} was rolled back" in said
    assert Kind.DEPLOYMENT_REQUESTED not in kinds(room.ports, waiting)


def test_what_is_about_to_lapse_is_told_to_the_owner_with_a_way_on(room: Room) -> None:
    key = a_ready_release(room.ports)
    validation = newest(room.ports, key, "validation")
    assert validation.lapses_at is not None
    later(room.ports, days=9)
    starts = validation.lapses_at
    moved = Interval(starts, starts + (starts - room.ports.clock.now()))
    scheduling.set_window(room.ports, MANAGER, key, moved)
    proofs.remind_of_lapse(room.ports, validation.id or 0)
    room.tell()
    (direct,) = [
        post for slot, post in room.posts.items() if slot.startswith("entry:") and slot.endswith(f"@{MANAGER}")
    ]
    assert "before the window ends" in words_of(direct.message)
    assert "[Validate again]" in words_of(direct.message)


def test_status_and_why_say_that_going_back_was_asked_for_and_who_decides(room: Room, key: str) -> None:
    assert "Going back" not in words_of(room.hears(DEVELOPER, f"release status {key}"))
    room.hears(MANAGER, f"release rollback {key} -- quotes fail")
    status = words_of(room.hears(DEVELOPER, f"release status {key}"))
    assert "Going back: asked for by @Anna Weiss, waits until Mon 23 Nov 2026" in status
    why = words_of(room.hears(DEVELOPER, f"release why {key}"))
    assert "Taking it back in PRODUCTION was asked for and waits for a second person until Mon 23 Nov 2026" in why
    holders = why.partition("Confirm or decline it first. Ask ")[2]
    assert holders
    assert "@Anna Weiss" not in holders.split(".")[0], "whoever asked does not decide"
    rollback_requests.decide_rollback(room.ports, SECOND_MANAGER, 1, yes=True)
    attempt = newest(room.ports, key, "rollback")
    assert f"{attempt.key} takes it back in PRODUCTION." in words_of(room.hears(DEVELOPER, f"release why {key}"))
    assert f"{attempt.key} is under way" in words_of(room.hears(DEVELOPER, f"release status {key}"))
    rollback_outcomes.hold_rollback(room.ports, attempt.id or 0, "The org does not answer.")
    after = words_of(room.hears(DEVELOPER, f"release status {key}"))
    assert f"{attempt.key} did not go back: The org does not answer. Ask again: " in after


def test_why_says_that_a_rollback_is_to_be_undone(room: Room, key: str) -> None:
    attempt = room_was_rolled_back(room, key)
    note_returned(room.ports, attempt, [], undo_digest=digest_of(b"forward"))
    assert "was asked for" not in words_of(room.hears(DEVELOPER, f"release why {key}"))
    rollback_requests.ask_rollback(room.ports, MANAGER, key, "the cause was another")
    assert "Bringing it back into PRODUCTION was asked for" in words_of(room.hears(DEVELOPER, f"release why {key}"))


def test_a_rollback_under_way_is_not_stopped_and_says_so(room: Room, key: str) -> None:
    room.hears(MANAGER, f"release rollback {key} -- quotes fail")
    rollback_requests.decide_rollback(room.ports, SECOND_MANAGER, 1, yes=True)
    refused = room.refuses(MANAGER, f"release stop {key}").words
    assert f"takes {key} back in PRODUCTION. A rollback is not stopped; wait for its end." in refused


def test_a_choice_that_is_not_proven_alarms_nobody_about_the_whole(room: Room, key: str) -> None:
    room.hears(MANAGER, f"release rollback {key} -- quotes fail")
    room.tell()
    form = room.clicks(MANAGER, "Choose parts…", room.posts[f"rollback:{key}:1"].message)
    assert isinstance(form, Form)
    assert isinstance(form.fields[0], ChoiceField)
    room.submits(MANAGER, form, leave=[form.fields[0].options[0].value])
    room.tell()
    room.clicks(MANAGER, "Prove it first", room.post(f"rollback:{key}:2"))
    proof = newest(room.ports, key, "arming")
    finish_arming(room.ports, proof.id or 0, a_failure())
    room.tell()
    said = entries(room)
    assert f"{proof.key} did not prove the way back that leaves 1 part as it is: " in said
    assert "The way back is not armed" not in said
    card = clickable("Confirm rollback", room.post(f"rollback:{key}:2"))
    assert isinstance(card, Button)
    assert card.confirm is not None
    assert ".." not in card.confirm.text


def test_whoever_asks_again_finds_what_was_said_and_chosen_before(room: Room, key: str) -> None:
    form = room.is_asked(MANAGER, f"release rollback {key}")
    assert isinstance(form.fields[1], ChoiceField)
    part = form.fields[1].options[1].value
    room.submits(MANAGER, form, note="quotes fail", leave=[part])
    look(room)
    rollback_requests.decide_rollback(room.ports, SECOND_MANAGER, 1, yes=True)
    attempt = newest(room.ports, key, "rollback").id or 0
    rollback_outcomes.note_drift(room.ports, attempt, [CHANGED])
    rollback_outcomes.hold_rollback(room.ports, attempt, "Somebody changed parts.", ["ApexClass Discount"])
    again = room.is_asked(SECOND_MANAGER, f"release rollback {key}")
    reason, leave = again.fields
    assert isinstance(reason, TextField)
    assert reason.value == "quotes fail"
    assert isinstance(leave, ChoiceField)
    labels = {option.value: option.label for option in leave.options}
    assert sorted(labels[value] for value in leave.value) == [
        "ApexClass Discount: changed since by Mei Tanaka",
        "ApexClass Part001: restore",
    ]


def test_the_card_says_what_is_to_be_decided_before_the_second_person(room: Room, key: str) -> None:
    room.hears(MANAGER, f"release rollback {key} -- quotes fail")
    room.tell()
    look(room, CHANGED)
    assert "1 part is to be decided first, by Choose parts…: " in words_of(room.posts[f"rollback:{key}:1"].message)


def test_what_was_ticked_when_it_went_stays_ticked_when_it_comes_back(room: Room, key: str) -> None:
    before = [(item.title, item.state) for item in facts_of(room.ports, key).items]
    room.hears(MANAGER, f"release rollback {key} -- quotes fail")
    rollback_requests.decide_rollback(room.ports, SECOND_MANAGER, 1, yes=True)
    deployments.note_snapshot(room.ports, newest(room.ports, key, "rollback").id or 0, digest_of(b"now"))
    assert [(item.title, item.state) for item in facts_of(room.ports, key).items] == before


def test_an_undo_is_called_one_from_its_beginning_to_its_end(room: Room, key: str) -> None:
    attempt = room_was_rolled_back(room, key)
    note_returned(room.ports, attempt, [], undo_digest=digest_of(b"forward"))
    went_back = newest(room.ports, key, "rollback").key
    request = rollback_requests.ask_rollback(room.ports, MANAGER, key, "the cause was another")
    rollback_requests.decide_rollback(room.ports, SECOND_MANAGER, request, yes=True)
    undo = newest(room.ports, key, "rollback")
    room.tell()
    assert f"{undo.key} begins to bring the release back into PRODUCTION." in entries(room)
    assert f"Undoing of the rollback {undo.key} of REL-1" in words_of(room.post(f"deployment:{undo.key}"))
    rollback_outcomes.finish_rollback(room.ports, undo.id or 0, a_success())
    note_returned(room.ports, undo.id or 0, [])
    assert "succeeded and was undone later." in words_of(room.post(f"deployment:{went_back}"))
