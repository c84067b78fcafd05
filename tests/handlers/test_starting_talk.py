"""What people read about a release that starts by itself, or is held."""

from __future__ import annotations

import pytest

from release_core import starting
from release_core.starting import Booking
from tests.handlers.room import Room, words_of
from tests.release_core import builders
from tests.release_core.builders import MANAGER, NOW, SECOND_MANAGER, STAKEHOLDER, a_package, a_passed_validation


def a_release_that_waits(room: Room) -> str:
    key = builders.a_release(room.ports, window=builders.a_window(4, 2))
    a_package(room.ports, key)
    a_passed_validation(room.ports, key)
    builders.settle_checklist(room.ports, key)
    builders.approve(room.ports, key)
    return key


def test_where_only_the_time_is_missing_a_click_has_it_start_by_itself(room: Room) -> None:
    key = a_release_that_waits(room)
    said = room.clicks(MANAGER, "Start by itself", room.hears(MANAGER, "release why"))
    assert f"{key} goes to PRODUCTION by itself at" in words_of(said)
    assert "3 hours and 15 minutes before" in words_of(said)
    assert "starts by itself (@Anna Weiss)" in words_of(room.hears(STAKEHOLDER, "release status"))
    with pytest.raises(AssertionError):
        room.clicks(MANAGER, "Start by itself", room.hears(MANAGER, "release why"))


def test_the_notice_offers_to_hold_or_skip_until_one_of_them_was_done(room: Room) -> None:
    key = a_release_that_waits(room)
    starting.book_start(room.ports, MANAGER, key)
    builders.later(room.ports, hours=1)
    starting.note_start_ahead(room.ports, Booking(key, 1, NOW), 180)
    room.tell()
    slot = next(name for name, post in room.posts.items() if "In 3 hours" in post.message.summary)
    room.clicks(SECOND_MANAGER, "Skip this one", room.posts[slot].message)
    room.tell()
    with pytest.raises(AssertionError):
        room.clicks(SECOND_MANAGER, "Skip this one", room.posts[slot].message)


def test_a_notice_offers_nothing_once_the_release_is_on_its_way(room: Room) -> None:
    key = a_release_that_waits(room)
    starting.book_start(room.ports, MANAGER, key)
    builders.later(room.ports, hours=1)
    starting.note_start_ahead(room.ports, Booking(key, 1, NOW), 180)
    room.tell()
    slots = [name for name, post in room.posts.items() if "In 3 hours" in post.message.summary]
    assert len(slots) == 2, "in the thread and with the owner"
    builders.later(room.ports, hours=3)
    assert starting.start_now(room.ports, Booking(key, 1, NOW))
    room.tell()
    for slot in slots:
        assert "It goes to PRODUCTION by itself (DEP-2)" in words_of(room.posts[slot].message)
        with pytest.raises(AssertionError):
            room.clicks(SECOND_MANAGER, "Hold…", room.posts[slot].message)


def test_a_held_release_says_who_holds_it_why_and_how_it_goes_on(room: Room) -> None:
    key = a_release_that_waits(room)
    form = room.is_asked(MANAGER, "release hold")
    room.submits(MANAGER, form, note="legal has a question")
    assert "by @Anna Weiss since" in words_of(room.hears(STAKEHOLDER, "release status"))
    why = words_of(room.hears(STAKEHOLDER, "release why"))
    assert "legal has a question" in why
    assert f"/release resume {key}" in why
    room.hears(SECOND_MANAGER, "release resume -- answered")
    assert "lets it go again: answered" in words_of(room.hears(STAKEHOLDER, "release timeline"))


def test_a_start_that_is_in_somebodys_way_is_told_with_every_reason(room: Room) -> None:
    key = a_release_that_waits(room)
    starting.book_start(room.ports, MANAGER, key)
    starting.hold(room.ports, SECOND_MANAGER, key, "the sandbox is down")
    builders.later(room.ports, hours=4)
    assert starting.start_now(room.ports, Booking(key, 1, NOW)) == ""
    said = words_of(room.hears(STAKEHOLDER, "release timeline"))
    assert "It did not start by itself." in said
    assert "the sandbox is down" in said
    assert "It is tried again every 5 minutes until" in said


def test_the_timeline_says_that_nobody_pressed_a_button(room: Room) -> None:
    key = a_release_that_waits(room)
    starting.book_start(room.ports, MANAGER, key)
    builders.later(room.ports, hours=4)
    assert starting.start_now(room.ports, Booking(key, 1, NOW))
    said = words_of(room.hears(STAKEHOLDER, "release timeline"))
    assert "It goes to PRODUCTION by itself (DEP-2), as @Anna Weiss booked." in said
    assert "pressed Deploy" not in said
