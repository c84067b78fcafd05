"""Reminders, snoozes, evidence, conditions and waivers with an end, in words and clicks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from handlers.conversation import Form
from handlers.notifications import topic_of
from release_core import item_alarms
from release_core.models import TimelineEntry
from tests.handlers.room import Room, words_of
from tests.release_core.builders import (
    MANAGER,
    NOW,
    OTHER_QA,
    QA,
    STAKEHOLDER,
    a_package,
    a_policy,
    a_release,
    a_window,
    entries,
    facts_of,
    go_to,
    intents,
    later,
    ports,
)

BRIEFED = {"title": "Support briefed", "team": "qa", "due": "2h"}


def company(*rules: dict[str, Any]) -> Room:
    room = Room(ports(policy=a_policy(checklists={"standard": list(rules)})))
    a_release(room.ports, window=a_window(start=10))
    room.tell()
    return room


def rings(room: Room, flow: str = "item_reminder") -> list[str]:
    """The next alarm rings; the slots that are sent."""
    due = intents(room.ports, flow)[0]
    go_to(room.ports, due.due_at)
    {"item_reminder": item_alarms.remind, "waiver_end": item_alarms.end_waiver}[flow](room.ports, due.args["item"])
    return room.tell_one("REL-1", entries(room.ports, "REL-1")[-1].number)


def test_the_team_is_reminded_in_person_and_each_may_settle_it_on_the_spot() -> None:
    room = company(BRIEFED)
    sent = rings(room)
    line = f"entry:REL-1:{entries(room.ports, 'REL-1')[-1].number}"
    assert {f"{line}@{QA}", f"{line}@{OTHER_QA}"} <= set(sent)
    assert line not in sent, "the thread is spared what concerns its owners alone"
    card = room.posts[f"{line}@{QA}"].message
    assert "Item 1 “Support briefed” is due Mon 23 Nov 2026 18:00 CET: @Quinn Adler or @Ravi Patel." in words_of(card)
    assert "is done" in words_of(room.clicks(QA, "Tick", card))


def test_the_last_reminder_is_said_to_all_and_calls_the_owner_of_the_release() -> None:
    room = company(BRIEFED)
    sent = [slot for _ in range(4) for slot in rings(room)]
    line = f"entry:REL-1:{entries(room.ports, 'REL-1')[-1].number}"
    assert {line, f"{line}@{MANAGER}"} <= set(sent)
    assert "This is the last reminder; @Anna Weiss is told." in words_of(room.posts[line].message)


def test_a_reminder_can_be_switched_off_as_a_topic() -> None:
    room = company(BRIEFED)
    rings(room)
    with room.ports.store.reading() as session:
        entry: TimelineEntry = entries(room.ports, "REL-1")[-1]
        assert topic_of(session, f"entry:REL-1:{entry.number}@{QA}", entry) == "reminders"


def test_an_item_is_snoozed_by_words_or_by_its_form_and_says_so() -> None:
    room = company(BRIEFED)
    assert "is asked about again" in words_of(room.says(QA, "release snooze support until 20:00"))
    assert "no reminder before Mon 23 Nov 2026 20:00 CET" in words_of(room.says(QA, "release checklist"))
    item = room.hears(QA, "release item 1")
    form = room.clicks(QA, "Snooze…", item)
    assert isinstance(form, Form)
    room.submits(QA, form, until=NOW + timedelta(hours=3))
    assert [one.due_at for one in intents(room.ports, "item_reminder")] == [NOW + timedelta(hours=3)]
    room.says(QA, "release tick 1")
    assert "no reminder before" not in words_of(room.says(QA, "release checklist"))


def test_a_tick_that_needs_a_link_asks_for_it() -> None:
    room = company({**BRIEFED, "evidence": "link"})
    assert "needs a link" in words_of(room.says(STAKEHOLDER, "release checklist"))
    form = room.is_asked(QA, "release tick 1")
    assert "A link that shows it" in words_of(form)
    assert "is ticked with a link" in room.is_refused_the_form(QA, form, note="done, believe me").words
    room.submits(QA, form, note="https://example.com/minutes")
    assert facts_of(room.ports, "REL-1").items[0].state == "done"


def test_a_waiver_says_until_when_and_its_end_is_told_to_those_who_owe_the_item() -> None:
    room = company(BRIEFED)
    form = room.is_asked(MANAGER, "release waive 1")
    answer = room.submits(MANAGER, form, note="agreed by phone", lasts="day")
    assert "is waived until Tue 24 Nov 2026 10:00 CET" in words_of(answer)
    assert "waived by @Anna Weiss until" in words_of(room.says(QA, "release checklist"))
    sent = rings(room, "waiver_end")
    line = f"entry:REL-1:{entries(room.ports, 'REL-1')[-1].number}"
    assert {line, f"{line}@{QA}", f"{line}@{MANAGER}"} <= set(sent)
    assert "has ended: agreed by phone" in words_of(room.posts[line].message)
    assert "Support briefed" in words_of(room.says(QA, "release todo"))


def test_a_typed_waiver_names_its_end() -> None:
    room = company(BRIEFED)
    room.says(MANAGER, "release waive 1 until tomorrow 12:00 -- agreed by phone")
    assert facts_of(room.ports, "REL-1").items[0].waived_until == NOW + timedelta(hours=26)
    room.says(MANAGER, "release reopen 1")
    room.says(MANAGER, "release waive 1 for 3h -- agreed by phone")
    assert facts_of(room.ports, "REL-1").items[0].waived_until == NOW + timedelta(hours=3)


def test_a_question_that_is_not_asked_owes_nobody_anything_and_says_when_it_would() -> None:
    room = company({**BRIEFED, "when": {"types": ["Flow"], "components": 50}}, {"title": "Notes written"})
    a_package(room.ports, "REL-1")
    card = words_of(room.says(QA, "release checklist"))
    assert "not needed: only when it holds Flow and it has 50 components or more" in card
    assert "0 of 1 settled" in card
    assert "You owe nothing." in words_of(room.says(QA, "release todo"))
    later(room.ports, hours=1)
    assert "Support briefed" not in words_of(room.says(MANAGER, "release why"))
