"""Seats, absences and the rounds of asking, in words and clicks."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from handlers.conversation import Form, Message, at
from handlers.plain import as_text
from handlers.slack.mrkdwn import to_plain
from release_core import absences, approvals, asks
from release_core.errors import NotFound, Unclear
from release_core.ports import Ports
from release_core.timeline import Kind
from release_core.windows import Interval
from tests.handlers.room import READER, Room, words_of
from tests.release_core.builders import (
    ADMINISTRATOR,
    BOTH_SEATS,
    BUSINESS,
    DEVELOPER,
    MANAGER,
    NOW,
    OTHER_QA,
    QA,
    STAKEHOLDER,
    TESTER,
    a_package,
    a_policy,
    a_release,
    facts_of,
    intents,
    last,
    later,
    note_comparison,
    ports,
)


def company(**qa: Any) -> Room:
    seats = {
        "qa": {"title": "QA", "people": [QA, OTHER_QA, BOTH_SEATS], **qa},
        "business": {"title": "Business", "people": [BUSINESS, BOTH_SEATS]},
    }
    return Room(ports(policy=a_policy(seats=seats)))


def asked(room: Room) -> str:
    """A release whose seats are asked, with every post sent; returns what it is asked about."""
    a_package(room.ports, a_release(room.ports))
    room.says(MANAGER, "release ask")
    room.tell()
    return facts_of(room.ports, "REL-1").digest


def shown(instant: Any) -> str:
    return to_plain(at(instant), READER)


def rings(ports: Ports, step: str) -> None:
    due = next(one for one in intents(ports, "seat_round") if one.args["step"] == step)
    later(ports, hours=(due.due_at - ports.clock.now()) / timedelta(hours=1))
    asks.ask_on(ports, "REL-1", due.args["asking"], due.args["step"])


def test_the_card_says_how_many_have_to_say_yes_who_has_and_what_happens_when_nobody_answers() -> None:
    room = company(quorum=2, alternates=[ADMINISTRATOR])
    digest = asked(room)
    slot = f"approval:REL-1:qa:{digest}"
    asking = facts_of(room.ports, "REL-1").asking
    assert asking is not None
    said = words_of(room.post(slot))
    assert f"a reminder {shown(asking.remind_at)}" in said
    assert f"@Mei Tanaka may answer, too, from {shown(asking.alternates_at)}" in said
    assert f"@Anna Weiss is told {shown(asking.manager_at)}" in said
    room.clicks(QA, "Approve", room.post(slot))
    assert "Yes so far: @Quinn Adler, 1 of 2." in words_of(room.post(slot))
    assert "QA – @Quinn Adler, 1 of 2" in words_of(room.hears(MANAGER, "release status"))
    room.clicks(OTHER_QA, "Approve", room.post(slot))
    done = words_of(room.post(slot))
    assert "QA: approved by @Quinn Adler" in done
    assert "@Ravi Patel" in done
    assert "[Approve]" not in done


def test_whoever_sits_in_both_moves_over_and_both_cards_say_so(room: Room) -> None:
    room = company()
    digest = asked(room)
    room.clicks(BOTH_SEATS, "Approve", room.post(f"approval:REL-1:qa:{digest}"))
    why = words_of(room.hears(MANAGER, "release why"))
    assert "Business has not approved: one more other person from Business or QA has to." in why
    assert "[Approve]" not in words_of(room.post(f"approval:REL-1:qa:{digest}"))
    room.clicks(OTHER_QA, "Approve", room.post(f"approval:REL-1:business:{digest}"))
    room.tell()
    assert "Business: approved by @Bo Sandoval, who sits in both" in words_of(
        room.post(f"approval:REL-1:business:{digest}")
    )
    assert "QA: approved by @Ravi Patel" in words_of(room.post(f"approval:REL-1:qa:{digest}"))


def test_a_reminder_goes_to_those_who_have_not_answered_and_the_alternate_gets_the_question() -> None:
    room = company(alternates=[ADMINISTRATOR])
    digest = asked(room)
    room.says(BUSINESS, "release approve")
    rings(room.ports, "remind")
    sent = room.tell_one("REL-1", newest(room))
    line = f"entry:REL-1:{newest(room)}"
    assert {f"{line}@{QA}", f"{line}@{OTHER_QA}", f"{line}@{BOTH_SEATS}", line} <= set(sent)
    assert f"{line}@{BUSINESS}" not in sent
    assert "QA has not answered since" in words_of(room.posts[f"{line}@{QA}"].message)
    rings(room.ports, "alternates")
    assert f"approval:REL-1:qa:{digest}@{ADMINISTRATOR}" in room.tell_one("REL-1", newest(room))
    question = room.clicks(ADMINISTRATOR, "Answer…", room.posts[f"entry:REL-1:{newest(room)}@{ADMINISTRATOR}"].message)
    assert "QA is asked to approve" in words_of(question)
    rings(room.ports, "manager")
    assert f"entry:REL-1:{newest(room)}@{MANAGER}" in room.tell_one("REL-1", newest(room))
    assert "@Anna Weiss is told" in words_of(room.posts[f"entry:REL-1:{newest(room)}@{MANAGER}"].message)


def newest(room: Room) -> int:
    from tests.release_core.builders import entries

    return entries(room.ports, "REL-1")[-1].number


@pytest.mark.parametrize(
    ("text", "starts", "ends", "deputy"),
    [
        ("away until Fri 18:00 Berlin", NOW, timedelta(days=4, hours=8), ""),
        (
            "away from Tue 9:00 until Thu 18:00 for <@UQA2>",
            NOW + timedelta(hours=23),
            timedelta(days=3, hours=8),
            OTHER_QA,
        ),
        ("away for 2d <@UQA2> -- skiing", NOW, timedelta(days=2), OTHER_QA),
        ("away at in 1h for 1h", NOW + timedelta(hours=1), timedelta(hours=2), ""),
    ],
)
def test_an_absence_is_said_in_many_ways(text: str, starts: Any, ends: timedelta, deputy: str) -> None:
    room = company()
    room.says(QA, f"release {text}")
    told = last(room.ports, absences.stream_of(QA), Kind.ABSENCE_SET).details
    assert told["starts_at"] == starts.isoformat()
    assert told["ends_at"] == (NOW + ends).isoformat()
    assert told["stand_in"] == deputy
    room.tell()
    assert "@Quinn Adler is away from" in words_of(room.posts[f"entry:{absences.stream_of(QA)}:1"].message)


@pytest.mark.parametrize(
    "text", ["away tomorrow", "away from Mon 9:00", "away at in 3h until in 2h", "away skiing until Fri 18:00"]
)
def test_an_absence_that_is_not_understood_is_answered_with_how_to_say_it(text: str) -> None:
    room = company()
    assert isinstance(room.refuses(QA, f"release {text}").error, Unclear)
    assert intents(room.ports, "absence_begins") == []


def test_who_is_away_is_not_asked_while_somebody_answers_for_them() -> None:
    room = company()
    form = room.is_asked(QA, "release away")
    room.submits(QA, form, until=NOW + timedelta(days=1), person=TESTER)
    digest = asked(room)
    assert f"approval:REL-1:qa:{digest}@{TESTER}" in room.posts
    assert f"approval:REL-1:qa:{digest}@{QA}" not in room.posts
    card = room.posts[f"approval:REL-1:qa:{digest}@{TESTER}"].message
    assert "@Quinn Adler is away until" in words_of(card)
    assert "@Tomás Novák answers meanwhile" in words_of(card)
    assert "approval for QA" in words_of(room.says(TESTER, "release todo"))
    room.clicks(TESTER, "Approve", card)
    room.tell()
    assert "approved by @Tomás Novák for @Quinn Adler" in words_of(room.post(f"approval:REL-1:qa:{digest}"))
    assert "back" in words_of(room.says(QA, "release back"))
    assert "You are not away" in words_of(room.says(QA, "release back"))


def test_what_changed_stands_on_the_new_question_and_in_the_withdrawal() -> None:
    room = company()
    digest = asked(room)
    room.says(QA, "release approve")
    row = a_package(room.ports, "REL-1", words="second", compared=False)
    room.tell()
    note_comparison(room.ports, row)
    room.tell()
    old = words_of(room.post(f"approval:REL-1:qa:{digest}"))
    assert "Withdrawn. The package changed: first.zip was replaced by second.zip." in old
    new = room.post(f"approval:REL-1:qa:{facts_of(room.ports, 'REL-1').digest}")
    assert "Since you were asked before:" in words_of(new)
    assert "Package: first.zip" in words_of(new)
    assert "[Approve]" in words_of(new)
    withdrawn = [p for slot, p in room.posts.items() if slot.startswith("entry:") and slot.endswith(f"@{QA}")]
    assert any("It holds the same parts, with other content." in words_of(p.message) for p in withdrawn)


def test_a_declined_seat_is_asked_again_by_a_form_that_asks_what_was_done() -> None:
    room = company()
    asked(room)
    room.says(QA, "release decline -- no test report")
    form = room.is_asked(MANAGER, "release ask")
    assert "What was done about the no of QA" in words_of(form)
    room.submits(MANAGER, form, note="the report is attached")
    room.tell()
    told = [p for slot, p in room.posts.items() if slot.startswith("entry:") and slot.endswith(f"@{QA}")]
    assert any("asks @Quinn Adler again, who declined: the report is attached" in words_of(p.message) for p in told)


def test_an_answer_is_taken_back_and_the_question_is_open_again() -> None:
    room = company()
    digest = asked(room)
    slot = f"approval:REL-1:qa:{digest}"
    room.clicks(QA, "Approve", room.post(slot))
    assert "[Approve]" not in words_of(room.post(slot))
    assert "the seat waits again" in words_of(room.says(QA, "release take back -- too early"))
    room.tell()
    assert "[Approve]" in words_of(room.post(slot))
    assert "took the yes for QA back: too early." in words_of(room.says(MANAGER, "release timeline"))


def test_what_somebody_saw_when_they_answered_is_kept_in_words() -> None:
    room = company()
    digest = asked(room)
    room.clicks(QA, "Approve", room.post(f"approval:REL-1:qa:{digest}"))
    room.says(BUSINESS, "release approve")
    answer = room.hears(MANAGER, "release audit export")
    packet = json.loads(answer.attachments[0].data)
    for given, title in zip(packet["approvals"], ("QA", "Business"), strict=True):
        assert f"REL-1 Autumn release: {title} is asked to approve." in given["seen"]["card"]
        assert "Package: first.zip" in given["seen"]["card"]
        assert "[Approve] [Decline…] [Package]" in given["seen"]["card"]
        assert not any("\ue000" <= letter <= "\uf8ff" for letter in given["seen"]["card"])


def test_a_card_as_text_has_names_and_instants_that_need_no_reader() -> None:
    room = company()
    digest = asked(room)
    text = as_text(room.post(f"approval:REL-1:qa:{digest}"), {QA: "Quinn Adler"})
    assert f"Quinn Adler ({QA})" in text
    assert "a reminder Mon 23 Nov 2026 13:00 UTC" in text


def test_somebody_who_is_asked_nothing_is_told_so_instead_of_being_asked() -> None:
    room = company()
    asked(room)
    absences.set_absence(room.ports, DEVELOPER, Interval(NOW, NOW + timedelta(days=1)), stand_in=QA)
    refusal = room.refuses(QA, "release answer")
    assert isinstance(refusal.error, NotFound)
    assert "took the place of somebody whose release REL-1 is" in room.refuses(QA, "release approve").words
    assert isinstance(room.says(STAKEHOLDER, "release away"), Form)
    assert isinstance(room.says(OTHER_QA, "release answer"), Message)
    approvals.answer(room.ports, OTHER_QA, "REL-1", yes=True)
