"""“Add to timeline”: a message of the chat with its author, its moment, its address."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from handlers.conversation import Answer, Form, Place, Request
from handlers.slack.refusals import explain
from release_core import incidents
from release_core.errors import Conflict, NotAllowed, Refused, ReleaseError
from release_core.quotes import LONGEST
from release_core.timeline import Kind
from tests.handlers.room import CAST, Room, _actor, words_of
from tests.release_core.builders import DEVELOPER, MANAGER, NOW, PRODUCTION, STAKEHOLDER, TESTER, a_release, last

SAID = {
    "text": "Quotes fail since noon & nobody knows why",
    "author": TESTER,
    "message": "1764000000.000100",
    "link": "https://acme.slack.com/archives/C0/p1764000000000100",
    "said_at": NOW - timedelta(minutes=20),
}


def keeps(room: Room, person: str, **more: Any) -> Answer:
    """Somebody uses the shortcut on Tomás's message."""
    return room._ask(Request("release_remember", _actor(person), Place("C0RELEASES", "1.0"), {**SAID, **more}))


def test_in_a_thread_that_is_about_a_release_it_goes_there_at_once(room: Room) -> None:
    a_release(room.ports)
    assert "is in the timeline of REL-1" in words_of(keeps(room, DEVELOPER, release="REL-1"))
    words = words_of(room.says(STAKEHOLDER, "release timeline REL-1"))
    assert f"@{CAST[DEVELOPER]} kept what @{CAST[TESTER]} wrote Mon 23 Nov 2026 09:40 CET (the message)" in words
    assert SAID["text"] in words
    details = last(room.ports, "REL-1", Kind.MESSAGE_KEPT).details
    assert (details["author"], details["link"], details["channel"]) == (TESTER, SAID["link"], "C0RELEASES")


def test_elsewhere_a_form_asks_which_with_the_open_incidents_first(room: Room) -> None:
    a_release(room.ports, name="Winter")
    incidents.open_incident(room.ports, TESTER, title="Quotes fail", severity=2, org=PRODUCTION)
    form = keeps(room, TESTER)
    assert isinstance(form, Form)
    assert f"@{CAST[TESTER]}: “Quotes fail since noon" in words_of(form)
    [field] = form.fields
    assert [option.label for option in getattr(field, "options", ())] == ["INC-1 Quotes fail", "REL-1 Winter"]
    assert "is in the timeline of INC-1" in words_of(room.submits(TESTER, form, where="INC-1"))
    details = last(room.ports, "INC-1", Kind.MESSAGE_KEPT).details
    assert (details["link"], details["said_at"]) == (SAID["link"], (NOW - timedelta(minutes=20)).isoformat())
    room.tell()
    assert any(
        "kept what" in words_of(post.message) for slot, post in room.posts.items() if slot.startswith("entry:INC")
    )


def test_the_same_message_is_kept_once_in_each_timeline(room: Room) -> None:
    a_release(room.ports)
    a_release(room.ports, name="Winter")
    keeps(room, DEVELOPER, release="REL-1")
    with pytest.raises(Conflict) as late:
        keeps(room, MANAGER, release="REL-1")
    assert "The timeline of REL-1 has this message already." in str(late.value)
    assert CAST[DEVELOPER] in words_of(explain(late.value))
    keeps(room, MANAGER, release="REL-2")
    keeps(room, MANAGER, release="REL-1", message="1764000000.000200")


def test_only_timelines_that_one_may_write_into_are_offered(room: Room) -> None:
    a_release(room.ports)
    incidents.open_incident(room.ports, TESTER, title="Quotes fail", severity=2, org=PRODUCTION)
    with pytest.raises(Refused, match="may write into"):
        keeps(room, STAKEHOLDER)
    for where in ({"release": "REL-1"}, {"incident": "INC-1"}):
        with pytest.raises(NotAllowed):
            keeps(room, STAKEHOLDER, **where)


def test_a_program_has_no_author_and_a_long_message_is_cut(room: Room) -> None:
    a_release(room.ports)
    keeps(room, DEVELOPER, release="REL-1", author="", link="", text="x" * 5000, said_at=None)
    words = words_of(room.says(STAKEHOLDER, "release timeline REL-1"))
    assert "kept what a program wrote: “xxx" in words
    assert len(last(room.ports, "REL-1", Kind.MESSAGE_KEPT).details["text"]) == LONGEST
    form = keeps(room, DEVELOPER, text="😀" * 5000)
    assert isinstance(form, Form)


@pytest.mark.parametrize("text", ["", "   "])
def test_a_message_without_words_is_not_kept(room: Room, text: str) -> None:
    a_release(room.ports)
    with pytest.raises(ReleaseError, match="no words"):
        keeps(room, DEVELOPER, release="REL-1", text=text)
