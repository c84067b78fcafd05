"""The roll call in words and clicks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handlers.conversation import Form
from release_core import roll_calls
from release_core.errors import Conflict, Unclear
from tests.handlers.room import Room, words_of
from tests.release_core.builders import (
    BUSINESS,
    MANAGER,
    NOW,
    OTHER_QA,
    QA,
    a_package,
    a_release,
    facts_of,
    go_to,
)


def called(room: Room) -> None:
    a_package(room.ports, a_release(room.ports))
    room.says(MANAGER, "release rollcall for 2h -- is support ready?")
    room.tell()


def test_everybody_who_is_called_gets_the_question_with_its_clicks(room: Room) -> None:
    called(room)
    card = room.posts[f"rollcall:REL-1:1@{QA}"].message
    said = words_of(card)
    assert "@Anna Weiss calls the roll, go or no-go? is support ready?" in said
    assert "QA | no answer" in said
    assert "“go” for QA on REL-1 is recorded" in words_of(room.clicks(QA, "Go", card))
    why = room.clicks(BUSINESS, "No-go…", room.posts[f"rollcall:REL-1:1@{BUSINESS}"].message)
    assert isinstance(why, Form)
    room.submits(BUSINESS, why, note="the shop is full")
    room.tell()
    now = words_of(room.post("rollcall:REL-1:1"))
    assert "QA | go | @Quinn Adler" in now
    assert "Business | no-go | @Bea Lindqvist | the shop is full" in now
    assert "✗ Business said no-go: the shop is full." in words_of(room.hears(MANAGER, "release why"))


def test_the_result_replaces_the_buttons_and_is_told_to_the_owner(room: Room) -> None:
    called(room)
    room.says(QA, "release vote go")
    room.says(BUSINESS, "release vote abstain")
    go_to(room.ports, NOW + timedelta(hours=2))
    roll_calls.close_call(room.ports, "REL-1", 1)
    room.tell()
    card = words_of(room.post("rollcall:REL-1:1"))
    assert "Roll call 1: GO" in card
    assert "[Go]" not in card
    told = [post for slot, post in room.posts.items() if slot.endswith(f"@{MANAGER}") and slot.startswith("entry:")]
    assert any("Roll call 1 came to go: QA go (@Quinn Adler), Business abstains" in words_of(p.message) for p in told)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("vote go", "go"),
        ("vote no go -- red", "no_go"),
        ("vote no-go the test is red", "no_go"),
        ("vote nogo REL-1 as QA -- red", "no_go"),
        ("vote abstain", "abstain"),
    ],
)
def test_an_answer_is_typed_in_many_ways(room: Room, text: str, said: str) -> None:
    called(room)
    room.says(QA, f"release {text}")
    assert [(voice.seat, voice.said) for voice in facts_of(room.ports, "REL-1").roll_voices] == [("qa", said)]


def test_what_is_left_open_is_asked(room: Room) -> None:
    called(room)
    assert isinstance(room.refuses(QA, "release vote maybe").error, Unclear)
    form = room.is_asked(QA, "release vote")
    room.submits(QA, form, said="go")
    when = room.is_asked(MANAGER, "release rollcall")
    room.submits(MANAGER, when, until=NOW + timedelta(hours=1))
    assert facts_of(room.ports, "REL-1").roll_call is not None


def test_a_click_on_an_older_call_records_nothing(room: Room) -> None:
    called(room)
    card = room.posts[f"rollcall:REL-1:1@{QA}"].message
    room.says(MANAGER, "release roll call for 1h")
    refusal = room.is_refused_the_click(QA, "Go", card)
    assert isinstance(refusal.error, Conflict)
    assert facts_of(room.ports, "REL-1").roll_voices == []


def test_what_is_called_stands_among_what_one_owes_until_the_seat_has_answered(room: Room) -> None:
    called(room)
    todo = room.hears(QA, "release todo")
    assert "go or no-go for QA, until" in words_of(todo)
    room.says(OTHER_QA, "release vote go")
    assert "go or no-go" not in words_of(room.hears(QA, "release todo"))
