"""How a release gets there, as people read and choose it."""

from __future__ import annotations

from handlers.conversation import Confirm
from tests.handlers.room import Room, clickable, words_of
from tests.release_core.builders import MANAGER, STAKEHOLDER, a_ready_release, a_release, release


def confirm_of(room: Room) -> Confirm:
    button = clickable("Deploy to PRODUCTION", room.hears(MANAGER, "release deploy"))
    confirm = getattr(button, "confirm", None)
    assert isinstance(confirm, Confirm)
    return confirm


def test_a_full_deploy_says_that_its_tests_run_inside_the_window(room: Room) -> None:
    a_ready_release(room.ports, strategy="full")
    assert "Full deploy: its tests run now." in confirm_of(room).text
    assert len(confirm_of(room).text) <= 300
    assert "full deploy, its tests run inside the window" in words_of(room.hears(STAKEHOLDER, "release why"))
    assert "Strategy: full deploy, its tests run inside the window" in words_of(
        room.hears(STAKEHOLDER, "release status")
    )


def test_a_quick_deploy_says_that_its_tests_have_run(room: Room) -> None:
    a_ready_release(room.ports)
    assert "its tests run now" not in confirm_of(room).text
    assert "quick deploy of what was validated, its tests do not run again" in words_of(
        room.hears(STAKEHOLDER, "release why")
    )


def test_the_long_way_is_chosen_in_one_line_or_in_a_form(room: Room) -> None:
    a_release(room.ports)
    said = room.hears(MANAGER, "release strategy full -- the check was used up")
    assert "goes by a full deploy, whose tests run inside the window from now on" in words_of(said)
    form = room.is_asked(MANAGER, "release strategy")
    assert form.fields[0].value == ["full"], "what is chosen now"  # type: ignore[union-attr]
    room.submits(MANAGER, form, strategy="validate_then_quick", note="there is time again")
    assert release(room.ports, "REL-1").strategy == "validate_then_quick"
    assert "chose a quick deploy of what was validated: there is time again" in words_of(
        room.hears(STAKEHOLDER, "release timeline")
    )


def test_an_unknown_way_is_refused_with_those_that_are_known(room: Room) -> None:
    a_release(room.ports)
    assert "Known: quick, full." in room.refuses(MANAGER, "release strategy slow -- why not").words
