"""The next word on an incident: promised, shown to everybody, asked for when it is due."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from release_core import incidents
from release_core.incidents import note_word_due
from release_core.models import Intent
from release_core.timeline import Kind
from tests.handlers.room import CAST, Room, words_of
from tests.release_core.builders import DEVELOPER, NOW, PRODUCTION, STAKEHOLDER, TESTER, kinds, later


@pytest.fixture
def broken(room: Room) -> Room:
    """A room in which Tomás commands INC-1."""
    incidents.open_incident(room.ports, TESTER, title="Quotes cannot be saved", severity=2, org=PRODUCTION)
    return room


def wake_ups(room: Room) -> list[tuple[str, str]]:
    """When the bot looks whether a word was said, by key."""
    with room.ports.store.reading() as session:
        found = session.exec(select(Intent).where(Intent.flow == "word_due")).all()
        return [(intent.key, intent.due_at.isoformat()) for intent in found]


def test_the_form_asks_when_the_next_word_comes_sooner_for_what_is_worse(room: Room) -> None:
    for severity in (1, 2, 3):
        incidents.open_incident(room.ports, TESTER, title=f"Trouble {severity}", severity=severity, org=PRODUCTION)
    chosen = [room.is_asked(TESTER, f"incident update INC-{n}").fields[1] for n in (1, 2, 3)]
    assert [list(getattr(field, "value", ())) for field in chosen] == [["30"], ["60"], ["none"]]


def test_a_promise_is_shown_to_everybody_and_kept_by_the_next_word(broken: Room) -> None:
    form = broken.is_asked(TESTER, "incident update")
    told = broken.submits(TESTER, form, note="looking at the trigger", next="30")
    assert "You promised the next word for Mon 23 Nov 2026 10:30 CET" in words_of(told)
    broken.tell()
    assert "Next word: Mon 23 Nov 2026 10:30 CET" in words_of(broken.post("incident:INC-1"))
    assert "The next word comes Mon 23 Nov 2026 10:30" in words_of(broken.says(STAKEHOLDER, "incident timeline"))
    assert "next word Mon 23 Nov 2026 10:30 CET" in words_of(broken.home(TESTER))
    broken.says(TESTER, "incident update -- found it")
    assert "Next word" not in words_of(broken.post("incident:INC-1"))


def test_it_is_promised_in_words_too(broken: Room) -> None:
    assert "10:45" in words_of(broken.says(TESTER, "incident update for 45m -- found it"))
    assert "11:30" in words_of(broken.says(TESTER, "incident update at 11:30 -- nearly"))
    refused = broken.refuses(TESTER, "incident update for 9 days -- later")
    assert "within a week" in refused.words


def test_a_word_that_is_due_is_asked_for_once(broken: Room) -> None:
    broken.says(TESTER, "incident update for 30m -- looking")
    [(_, due)] = wake_ups(broken)
    assert due == (NOW + timedelta(minutes=30)).isoformat()
    later(broken.ports, minutes=30)
    note_word_due(broken.ports, "INC-1", NOW + timedelta(minutes=30))
    slots = broken.tell()
    assert f"entry:INC-1:3@{TESTER}" in slots
    words = words_of(broken.posts[f"entry:INC-1:3@{TESTER}"].message)
    assert f"@{CAST[TESTER]}: say what is known" in words
    assert "[Update…]" in words
    assert "(overdue)" in words_of(broken.home(TESTER))


@pytest.mark.parametrize(
    "said", ["incident update -- found it", "incident update for 2h -- slower", "incident resolve -- ok it is"]
)
def test_a_word_that_was_said_or_promised_anew_is_not_asked_for(broken: Room, said: str) -> None:
    broken.says(TESTER, "incident update for 30m -- looking")
    broken.says(DEVELOPER, said)
    later(broken.ports, minutes=30)
    note_word_due(broken.ports, "INC-1", NOW + timedelta(minutes=30))
    assert Kind.WORD_OVERDUE not in kinds(broken.ports, "INC-1")


def test_whoever_wants_no_reminders_gets_none(broken: Room) -> None:
    broken.says(TESTER, "release notify reminders off")
    broken.says(TESTER, "incident update for 30m -- looking")
    note_word_due(broken.ports, "INC-1", NOW + timedelta(minutes=30))
    assert [slot for slot in broken.tell() if slot.endswith(f"@{TESTER}")] == []
    assert "say what is known" in words_of(broken.posts["entry:INC-1:3"].message), "the thread still says it"
