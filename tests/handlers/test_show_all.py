"""What a chat has to leave out is one click away."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import col, select

from bot.rehearsal.workspace.blocks import check_blocks
from handlers.conversation import (
    Button,
    Facts,
    Listing,
    Message,
    Note,
    Paragraph,
    Part,
    Place,
    Request,
    Table,
    Verbatim,
    at,
    bold,
    link,
    person,
)
from handlers.plain import whole_text
from handlers.slack.blocks import draw_message
from handlers.zones import named_zone
from release_core import releases
from release_core.errors import ReleaseError, Unclear
from release_core.models import ChecklistItem, Post, Release
from tests.handlers.room import CAST, READER, Room, _actor, words_of
from tests.release_core.builders import MANAGER, NOW, STAKEHOLDER, a_release, kinds

WHOLE = Button("Show all", "release_whole")
LONG = "All branches wait for the load job. " * 3000
"""More than 100 kB."""


def labels(message: Message) -> list[str]:
    blocks = draw_message(message, READER)["blocks"]
    assert check_blocks(blocks, "message") == []
    buttons = [each for block in blocks if block["type"] == "actions" for each in block["elements"] if "text" in each]
    return [each["text"]["text"] for each in buttons]


def file_of(answer: Any) -> str:
    assert isinstance(answer, Message), words_of(answer)
    [file] = answer.attachments
    return file.data.decode()


@pytest.mark.parametrize(
    "part",
    [
        Paragraph(LONG),
        Listing([f"line {n}" for n in range(5000)]),
        Listing([LONG[:2000]]),
        Facts([("Label", LONG[:2500])]),
        Facts([(str(n), "x" * 900) for n in range(40)]),
        Table(["a", "b"], [[str(n), "y" * 30] for n in range(500)]),
        Table(["a", "b"], [["1", "z" * 301]]),
        Table([str(n) for n in range(30)], [[str(n) for n in range(30)]]),
        Verbatim(LONG),
        Note(LONG[:2500]),
    ],
    ids=lambda part: f"{type(part).__name__}",
)
def test_whatever_is_cut_has_a_way_to_the_rest(part: Part) -> None:
    assert labels(Message("Too much", [Paragraph("Head"), part], whole=WHOLE)) == ["Show all"]


@pytest.mark.parametrize(
    "part",
    [
        Paragraph("short"),
        Listing(["one", "two"]),
        Facts([("a", "b")]),
        Table(["a"], [["1"]]),
        Verbatim("x\ny"),
        Note("n"),
        Paragraph("x" * 6000),
    ],
)
def test_what_is_shown_in_full_has_no_such_button(part: Part) -> None:
    assert labels(Message("Enough", [part], whole=WHOLE)) == []


def test_the_file_holds_all_of_it_in_the_readers_zone() -> None:
    parts: list[Part] = [
        Paragraph(f"{bold('REL-1')} by {person(MANAGER)} {at(NOW)}, see {link('https://x.example', 'notes')}"),
        Table(["Name", "State"], [["a\nb", "new"]]),
        Listing([f"line {n}" for n in range(5000)]),
        Facts([("Org", "PRODUCTION")]),
        Note("small print"),
    ]
    text = whole_text(Message("x", parts), named_zone("Asia/Tokyo"), lambda chat_id: f"@{CAST[chat_id]}")
    assert "REL-1 by @Anna Weiss Mon 23 Nov 2026 18:00 JST (Asia/Tokyo), see notes (https://x.example)" in text
    assert "a b\tnew" in text
    assert all(f"- line {n}\n" in text for n in range(5000))
    assert text.endswith("Org: PRODUCTION\n\nsmall print\n")


def a_crowded_release(room: Room) -> None:
    """REL-1 with 500 items on its checklist."""
    key = a_release(room.ports)
    with room.ports.store.transaction() as session:
        release = session.exec(select(Release).where(Release.key == key)).one()
        for number in range(100, 600):
            title = f"Item {number} of a long list, with a title that says what it is about"
            session.add(
                ChecklistItem(release_id=release.id or 0, number=number, title=title, owner_id=MANAGER, state="open")
            )


def test_a_long_answer_hands_over_all_of_it(room: Room) -> None:
    a_crowded_release(room)
    answer = room.hears(MANAGER, "checklist REL-1")
    assert "Show all" in labels(answer)
    assert answer.whole is not None
    whole = room.desk.answer(Request("release_whole", _actor(STAKEHOLDER), Place("C0RELEASES"), answer.whole.args))
    assert all(f"{number} Item {number} of" in file_of(whole) for number in range(100, 600))


def test_a_long_post_hands_over_all_of_it_as_it_stands_now(room: Room) -> None:
    a_crowded_release(room)
    room.tell()
    room.post("checklist:REL-1")
    with room.ports.store.transaction() as session:
        session.merge(Post(slot="checklist:REL-1", channel="C0RELEASES", ts="77.0", stream="REL-1"))
    post = room.post("checklist:REL-1")
    assert "Show all" in labels(post)
    answer = room.desk.answer(Request("release_whole", _actor(STAKEHOLDER), Place("C0RELEASES"), {}, origin="77.0"))
    assert "599 Item 599 of a long list" in file_of(answer)


@pytest.mark.parametrize(("channel", "ts"), [("C0INCIDENTS", "77.0"), ("C0RELEASES", "78.0")])
def test_only_the_message_that_was_clicked_is_handed_over(room: Room, channel: str, ts: str) -> None:
    a_crowded_release(room)
    with room.ports.store.transaction() as session:
        session.merge(Post(slot="checklist:REL-1", channel="C0RELEASES", ts="77.0", stream="REL-1"))
    with pytest.raises(Unclear, match="not kept up to date"):
        room.desk.answer(Request("release_whole", _actor(STAKEHOLDER), Place(channel), {}, origin=ts))


@pytest.mark.parametrize("verb", ["release_close", "release_note", "release_whole", "release_audit", "nonsense"])
def test_nothing_is_done_again_by_asking_for_the_whole(room: Room, verb: str) -> None:
    a_crowded_release(room)
    before = kinds(room.ports, "REL-1")
    args = {"release": "REL-1", "note": "x y z", "whole_of": verb}
    with pytest.raises(ReleaseError, match="Nothing more"):
        room.desk.answer(Request("release_whole", _actor(MANAGER), Place("C0RELEASES"), args))
    assert kinds(room.ports, "REL-1") == before


def test_a_note_of_100_kb_is_read_in_full(room: Room) -> None:
    a_release(room.ports)
    releases.add_note(room.ports, MANAGER, "REL-1", LONG + "The end.")
    answer = room.hears(MANAGER, "timeline REL-1")
    assert labels(answer) == ["Show all"]
    assert answer.whole is not None
    whole = room.desk.answer(Request("release_whole", _actor(MANAGER), Place("C0RELEASES"), answer.whole.args))
    assert "The end." in file_of(whole)


def test_every_open_release_is_on_some_page_of_the_list(room: Room) -> None:
    keys = {a_release(room.ports, name=f"Release {n}") for n in range(45)}
    first = room.hears(MANAGER, "list")
    assert first.summary == "45 open releases."
    second = room.clicks(MANAGER, "Older (5)", first)
    shown = words_of(first) + words_of(second)
    assert all(f"{key} Release" in shown for key in keys)


def test_the_calendar_knows_the_window_of_every_release(room: Room) -> None:
    a_release(room.ports, name="The first of many")
    room.says(MANAGER, "window REL-1 tomorrow 22:00")
    for n in range(45):
        a_release(room.ports, name=f"Release {n}")
    assert "The first of many" in words_of(room.hears(MANAGER, "calendar"))


def test_the_posts_of_a_room_are_found_by_where_they_stand(room: Room) -> None:
    a_release(room.ports)
    room.tell()
    with room.ports.store.reading() as session:
        post = session.exec(select(Post).where(col(Post.slot) == "headline:REL-1")).one()
    answer = room.desk.answer(Request("release_whole", _actor(STAKEHOLDER), Place(post.channel), {}, origin=post.ts))
    assert "REL-1" in file_of(answer)
