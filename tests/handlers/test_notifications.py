"""Which direct messages somebody gets: all at first, fewer when they say so, never less than an incident needs."""

from __future__ import annotations

import pytest

from handlers.conversation import Form
from handlers.notifications import ALWAYS
from release_core import approvals, checklists, incidents, rollback_requests
from release_core.models import Muted
from release_core.notifications import TOPICS, WORDS
from tests.handlers.room import Room, words_of
from tests.release_core.builders import (
    DEVELOPER,
    DIRECTOR,
    MANAGER,
    OTHER_QA,
    PRODUCTION,
    QA,
    SECOND_MANAGER,
    STAKEHOLDER,
    TESTER,
    a_package,
    a_policy,
    a_release,
    a_soaking_release,
    a_window,
    ports,
)


def sent_to(room: Room, person: str) -> list[str]:
    """The slots of what came to somebody directly, without the digests in them."""
    room.tell()
    return [":".join(slot.split("@")[0].split(":")[:3]) for slot in room.posts if slot.endswith(f"@{person}")]


def ask_everybody(room: Room, kind: str = "standard") -> None:
    a_release(room.ports, kind=kind, window=a_window(4, 2))
    a_package(room.ports, "REL-1")
    approvals.ask_for_approvals(room.ports, MANAGER, "REL-1")


def test_at_first_everything_comes(room: Room) -> None:
    ask_everybody(room)
    assert "approval:REL-1:qa" in sent_to(room, QA)
    with room.ports.store.reading() as session:
        assert session.get(Muted, (QA, "approvals")) is None


def test_what_is_switched_off_does_not_come_to_that_person_alone(room: Room) -> None:
    room.says(QA, "release notify approvals off")
    ask_everybody(room)
    assert sent_to(room, QA) == []
    assert "approval:REL-1:qa" in sent_to(room, OTHER_QA)
    assert "REL-1 approval for QA" in words_of(room.says(QA, "release todo")), "it is still theirs to answer"


def test_a_copy_that_came_before_it_was_switched_off_is_kept_true(room: Room) -> None:
    ask_everybody(room)
    room.tell()
    room.says(QA, "release notify approvals off")
    approvals.answer(room.ports, OTHER_QA, "REL-1", yes=True, seat="qa", comment="", digest="")
    room.posts = {slot: post for slot, post in room.posts.items() if "@" in slot or slot.startswith("headline")}
    room.tell()
    [copy] = [post for slot, post in room.posts.items() if slot.startswith("approval") and slot.endswith(f"@{QA}")]
    assert "approved by @Ravi Patel" in words_of(copy.message)


@pytest.mark.parametrize("off", [False, True])
def test_each_topic_holds_back_what_it_names(room: Room, off: bool) -> None:
    for topic, person in (("work", DEVELOPER), ("incidents", DIRECTOR)) if off else ():
        room.says(person, f"release notify {topic} off")
    a_soaking_release(room.ports)
    a_release(room.ports, name="Winter", window=a_window(4, 2))
    checklists.assign(room.ports, MANAGER, "REL-2", "2", DEVELOPER)
    incidents.open_incident(room.ports, TESTER, title="Quotes cannot be saved", severity=1, org=PRODUCTION)
    assert any(slot.startswith("entry:REL-2") for slot in sent_to(room, DEVELOPER)) is not off
    assert any(slot.startswith("plain:INC-1") for slot in sent_to(room, DIRECTOR)) is not off


def test_a_yes_that_an_incident_waits_for_always_comes(room: Room) -> None:
    room.says(SECOND_MANAGER, "release notify all off")
    a_soaking_release(room.ports)
    rollback_requests.ask_rollback(room.ports, MANAGER, "REL-1", "Quotes fail since")
    assert "rollback:REL-1:1" in sent_to(room, SECOND_MANAGER)


@pytest.mark.parametrize("kind", ["emergency", "standard"])
def test_the_approval_of_an_emergency_always_comes(kind: str) -> None:
    room = Room(ports(policy=a_policy(approvals={"standard": ["qa"], "emergency": ["qa"]})))
    room.says(QA, "release notify all off")
    ask_everybody(room, kind=kind)
    assert ("approval:REL-1:qa" in sent_to(room, QA)) is (kind == "emergency")


def test_the_form_shows_what_is_on_and_says_what_cannot_be_switched_off(room: Room) -> None:
    form = room.is_asked(STAKEHOLDER, "release notify")
    assert ALWAYS in words_of(form)
    [field] = form.fields
    assert tuple(getattr(field, "value", ())) == TOPICS
    told = room.submits(STAKEHOLDER, form, topics=["work", "status"])
    assert "On: My items and tasks, Status updates." in words_of(told)
    again = room.is_asked(STAKEHOLDER, "release notify")
    assert tuple(getattr(again.fields[0], "value", ())) == ("work", "status")
    nothing = room.submits(STAKEHOLDER, again, topics=[])
    assert "On:" not in words_of(nothing)
    assert "Off: Asks for my yes" in words_of(nothing)


def test_words_switch_one_topic_or_all(room: Room) -> None:
    assert "Off: Incident updates." in words_of(room.says(QA, "release notify incidents off"))
    assert "Off:" not in words_of(room.says(QA, "release notify incidents on"))
    assert "On:" not in words_of(room.says(QA, "release notify all off"))
    assert "On: Status updates." in words_of(room.says(QA, "release notify STATUS on"))


def test_words_that_name_nothing_are_told_what_there_is(room: Room) -> None:
    assert "There is no topic “works”" in room.refuses(QA, "release notify works off").words
    assert "Say on or off" in room.refuses(QA, "release notify work maybe").words
    assert "Say one topic and on or off" in room.refuses(QA, "release notify work").words
    assert isinstance(room.says(QA, "release notify"), Form)


def test_every_topic_has_its_words() -> None:
    assert set(WORDS) == set(TOPICS)
    assert all(label and meaning for label, meaning in WORDS.values())
