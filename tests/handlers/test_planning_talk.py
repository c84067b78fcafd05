"""Planning a release in words: its name, its package, its window, its freezes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handlers.conversation import ChoiceField, FileField, Form, InstantField, PeopleField, Place, TextField
from release_core.errors import NotFound, Refused, Unclear
from tests.handlers.room import Room, a_file, words_of
from tests.release_core.builders import (
    ADMINISTRATOR,
    DEVELOPER,
    DIRECTOR,
    MANAGER,
    NOW,
    PRODUCTION,
    STAKEHOLDER,
    UAT,
    a_freeze,
    a_package,
    a_release,
    a_window,
    facts_of,
    kinds,
    release,
)


def field(form: Form, name: str) -> TextField | ChoiceField | PeopleField | InstantField | FileField:
    return next(each for each in form.fields if each.name == name)


def test_a_release_is_planned_through_its_form(room: Room) -> None:
    form = room.is_asked(MANAGER, "release new")
    answer = room.submits(MANAGER, form, name="Discount approvals", contingency="Call Dana.")
    assert "REL-1 “Discount approvals” is planned. Next: attach its package." in words_of(answer)
    planned = release(room.ports, "REL-1")
    assert (planned.target_org, planned.kind, planned.owner_id) == (PRODUCTION, "standard", MANAGER)
    assert isinstance(answer := room.clicks(DEVELOPER, "Attach package", room.hears(MANAGER, "release status")), Form)
    assert answer.args == {"release": "REL-1"}


def test_what_was_typed_is_filled_in(room: Room) -> None:
    form = room.is_asked(MANAGER, "release new Discount approvals in uat at 2026-11-24 20:00 UTC for 3h")
    assert field(form, "name").value == "Discount approvals"
    assert field(form, "org").value == [UAT]
    starts_at = field(form, "at").value
    assert field(form, "until").value == starts_at + timedelta(hours=3)
    room.submits(MANAGER, form)
    window = facts_of(room.ports, "REL-1").window
    assert window is not None
    assert (window.starts_at, window.ends_at) == (starts_at, starts_at + timedelta(hours=3))


@pytest.mark.parametrize(
    ("values", "at_fault", "words"),
    [
        ({"name": "X"}, "name", "3 to 80 characters"),
        ({"name": "Discounts", "until": NOW + timedelta(hours=2)}, "at", "when the window opens"),
        ({"name": "Discounts", "at": NOW - timedelta(hours=5)}, "at", "in the past"),
        ({"name": "Discounts", "at": NOW + timedelta(hours=3), "until": NOW}, "until", "later end"),
        ({"name": "Discounts", "at": NOW + timedelta(hours=3), "until": NOW + timedelta(days=9)}, "until", "two days"),
        ({"name": "Discounts", "org": UAT, "kind": "emergency"}, "kind", "goes to production"),
    ],
)
def test_a_mistake_in_the_form_is_told_at_its_field(
    room: Room, values: dict[str, object], at_fault: str, words: str
) -> None:
    form = room.is_asked(MANAGER, "release new")
    refusal = room.is_refused_the_form(MANAGER, form, **values)
    assert isinstance(refusal.error, Unclear)
    assert refusal.error.field == at_fault
    assert at_fault in {each.name for each in form.fields}
    assert words in refusal.words
    assert kinds(room.ports, "REL-1") == []


def test_an_unknown_org_is_answered_with_those_there_are(room: Room) -> None:
    for text in (
        "new Discounts in stagging",
        "lock in stagging -- why not",
        "freeze in stagging at 9pm for 2h -- the books",
    ):
        person = MANAGER if text.startswith("new") else ADMINISTRATOR
        refusal = room.refuses(person, f"release {text}")
        assert isinstance(refusal.error, NotFound)
        assert "There is no org “stagging”. Known orgs: UAT, PRODUCTION." in refusal.words


def test_an_unknown_release_is_answered_with_those_that_are_open(room: Room) -> None:
    a_release(room.ports)
    for verb in ("status", "why", "checklist", "package", "timeline", "validate", "window", "attach", "cancel", "note"):
        refusal = room.refuses(MANAGER, f"release {verb} REL-99")
        assert isinstance(refusal.error, NotFound), verb
        assert "There is no release REL-99. Open releases: REL-1." in refusal.words


def test_without_any_release_people_hear_how_to_plan_one(room: Room) -> None:
    assert "No release is open. Plan one with /release new." in room.refuses(STAKEHOLDER, "release why").words


def test_several_open_releases_are_offered_to_choose_from(room: Room) -> None:
    a_release(room.ports, name="Autumn")
    a_release(room.ports, name="Winter")
    question = room.hears(MANAGER, "release window at 2026-11-24 20:00 UTC until 2026-11-24 22:00 UTC")
    assert "Which release?" in words_of(question)
    assert "Autumn" in words_of(question)
    answer = room.clicks(MANAGER, "REL-1 Autumn", question)
    assert "The window of REL-1" in words_of(answer)
    window = facts_of(room.ports, "REL-1").window
    assert window is not None
    assert window.ends_at - window.starts_at == timedelta(hours=2)
    assert facts_of(room.ports, "REL-2").window is None


def test_the_release_of_a_thread_is_meant_in_it(room: Room) -> None:
    a_release(room.ports, name="Autumn")
    a_release(room.ports, name="Winter")
    room.tell()
    head = next(iter(room.posts)).removeprefix("headline:")
    assert head in words_of(room.says(STAKEHOLDER, "why", Place("C0RELEASES", thread="1.0")))


def test_a_package_is_attached_through_a_form_or_a_file_sent(room: Room) -> None:
    a_release(room.ports)
    form = room.is_asked(DEVELOPER, "release attach")
    answer = room.submits(DEVELOPER, form, package=a_file())
    assert "discounts.zip is being read for REL-1." in words_of(answer)
    two = room.is_refused_the_form(DEVELOPER, form, package=[*a_file(), *a_file("other.zip")])
    assert "Send one zip" in two.words


def test_a_package_is_shown_with_what_it_would_do(room: Room) -> None:
    a_package(room.ports, a_release(room.ports), compared=False)
    card = words_of(room.says(STAKEHOLDER, "release package"))
    for word in ("SHA-256", "Discount", "Account.Tier__c", "2 components", "not compared yet"):
        assert word in card


def test_a_window_is_set_through_its_form_with_both_times(room: Room) -> None:
    a_release(room.ports)
    form = room.is_asked(MANAGER, "release window")
    starts_at = NOW + timedelta(hours=5)
    answer = room.submits(MANAGER, form, at=starts_at, until=starts_at + timedelta(hours=1))
    assert "The window of REL-1 is" in words_of(answer)
    again = room.is_asked(MANAGER, "release window")
    assert (field(again, "at").value, field(again, "until").value) == (starts_at, starts_at + timedelta(hours=1))


def test_a_window_under_a_freeze_is_set_with_a_warning(room: Room) -> None:
    a_release(room.ports)
    a_freeze(room.ports, start=4, hours=4)
    answer = room.hears(MANAGER, "release window at 2026-11-23 15:00 Berlin for 2h")
    assert "The freeze FRZ-1 “Month end” covers" in words_of(answer)
    assert answer.tone == "wait"


@pytest.mark.parametrize(
    ("text", "at_fault"),
    [
        ("release window at someday", "at"),
        ("release window at 2026-11-24 20:00 until 2026-11-24 19:00", "until"),
        ("release window at 2026-02-30 20:00", "at"),
        ("release window at 20:00 Mars/Olympus", "at"),
        ("release window at 2020-01-01 20:00", "at"),
    ],
)
def test_a_time_that_cannot_be_meant_is_refused(room: Room, text: str, at_fault: str) -> None:
    a_release(room.ports)
    refusal = room.refuses(MANAGER, text)
    assert isinstance(refusal.error, Unclear)
    assert refusal.error.field == at_fault
    assert facts_of(room.ports, "REL-1").window is None


def test_a_freeze_is_asked_for_what_was_not_said(room: Room) -> None:
    form = room.is_asked(ADMINISTRATOR, "release freeze in PRODUCTION")
    assert field(form, "org").value == [PRODUCTION]
    during = a_window(2, 4)
    answer = room.submits(ADMINISTRATOR, form, at=during.starts_at, until=during.ends_at, name="Year end", note="books")
    assert "FRZ-1: nothing may start on PRODUCTION" in words_of(answer)
    assert "Year end" in words_of(room.says(STAKEHOLDER, "release calendar"))
    everywhere = room.is_asked(ADMINISTRATOR, "release freeze")
    answer = room.submits(ADMINISTRATOR, everywhere, org="*", at=during.starts_at, until=during.ends_at, note="books")
    assert "nothing may start on every org" in words_of(answer)


@pytest.mark.parametrize(
    "text",
    [
        "release waive REL-1 FRZ-1 -- nothing of the books is touched",
        "release waive REL-1 freeze FRZ-1 -- nothing of the books is touched",
        "release waive freeze frz-1 nothing of the books is touched",
    ],
)
def test_a_freeze_is_waived_by_name_however_it_is_said(room: Room, text: str) -> None:
    a_release(room.ports)
    a_freeze(room.ports)
    assert "REL-1 may go through the freeze FRZ-1" in words_of(room.says(DIRECTOR, text))
    assert "nothing of the books is touched" in words_of(room.says(STAKEHOLDER, "release timeline"))


def test_a_waiver_without_a_reason_is_asked_for_it(room: Room) -> None:
    a_release(room.ports)
    a_freeze(room.ports)
    form = room.is_asked(DIRECTOR, "release waive REL-1 FRZ-1")
    assert "at least 10 characters" in room.is_refused_the_form(DIRECTOR, form, note="short").words
    assert "FRZ-1" in words_of(room.submits(DIRECTOR, form, note="nothing of the books is touched"))
    assert "already waived" in room.is_refused_the_form(DIRECTOR, form, note="nothing of the books is touched").words


def test_an_unknown_freeze_is_answered_with_those_there_are(room: Room) -> None:
    a_release(room.ports)
    a_freeze(room.ports)
    for person, text in ((DIRECTOR, "waive FRZ-9 -- nothing is touched"), (ADMINISTRATOR, "unfreeze FRZ-9 -- over")):
        refusal = room.refuses(person, f"release {text}")
        assert isinstance(refusal.error, NotFound)
        assert "FRZ-1" in refusal.words


def test_a_cancelled_release_asks_why_first(room: Room) -> None:
    a_release(room.ports)
    form = room.is_asked(MANAGER, "release cancel")
    assert "REL-1 is cancelled" in words_of(room.submits(MANAGER, form, note="merged into the next one"))
    assert isinstance(room.is_refused_the_form(MANAGER, form, note="merged into the next one").error, Refused)


def test_a_note_is_asked_for_and_kept_in_the_writers_words(room: Room) -> None:
    a_release(room.ports)
    form = room.is_asked(DEVELOPER, "release note")
    room.submits(DEVELOPER, form, note="Sales wants <b>bold</b> & {braces} {7} <!channel>")
    assert "{braces} {7} <!channel>" in words_of(room.says(STAKEHOLDER, "release timeline"))


def test_the_audit_is_a_file_that_anybody_can_check(room: Room) -> None:
    a_release(room.ports)
    answer = room.hears(STAKEHOLDER, "release audit export")
    assert [file.name for file in answer.attachments] == ["REL-1-audit.json"]
    assert b'"whole": true' in answer.attachments[0].data


def test_a_long_timeline_begins_with_the_newest_and_pages_back(room: Room) -> None:
    a_release(room.ports)
    for number in range(40):
        room.hears(MANAGER, f"release note -- word number {number} of forty")
    newest = room.hears(STAKEHOLDER, "release timeline")
    assert "word number 39 of" in words_of(newest)
    assert "word number 2 of" not in words_of(newest)
    earlier = next(each for each in words_of(newest).splitlines() if "Earlier" in each)
    older = room.clicks(STAKEHOLDER, earlier.strip(" []"), newest)
    assert "word number 2 of" in words_of(older)
    assert "word number 39 of" not in words_of(older)


def test_a_window_may_be_said_without_at(room: Room) -> None:
    a_release(room.ports)
    room.hears(MANAGER, "release window REL-1 2026-11-24 20:00 UTC for 3h")
    window = facts_of(room.ports, "REL-1").window
    assert window is not None
    assert window.ends_at - window.starts_at == timedelta(hours=3)
    assert "no time that I understand" in room.refuses(MANAGER, "release window REL-1 whenever it suits").words
