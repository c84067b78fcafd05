"""The history: complete, in order, telling people, and showing when somebody changed it."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlmodel import select

from release_core import approvals, releases
from release_core.errors import NotAllowed
from release_core.models import Intent, TimelineEntry
from release_core.ports import Ports
from release_core.timeline import Kind, digest_of, first_broken, intend, record, withdraw_intents
from tests.release_core.builders import (
    DEVELOPER,
    MANAGER,
    NOW,
    TESTER,
    a_package,
    a_release,
    a_soaking_release,
    entries,
    intents,
    kinds,
    later,
    told,
)


@pytest.fixture
def key(ports: Ports) -> str:
    """A release with three facts."""
    key = a_release(ports)
    a_package(ports, key, compared=False)
    return key


def test_facts_are_numbered_and_chained(ports: Ports, key: str) -> None:
    rows = entries(ports, key)
    assert [row.number for row in rows] == [1, 2, 3]
    assert [row.previous_hash for row in rows] == ["", rows[0].hash, rows[1].hash]
    assert all(row.hash == digest_of(row) for row in rows)
    assert first_broken(rows) is None


def test_a_whole_release_leaves_a_whole_chain(ports: Ports) -> None:
    rows = entries(ports, a_soaking_release(ports))
    assert len(rows) > 12
    assert first_broken(rows) is None
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'UINTRUDER'",
        "kind = 'declined'",
        "at = '2026-01-01 00:00:00.000000'",
        """details = '{"package": 9}'""",
        "hash = 'f00'",
        "previous_hash = 'f00'",
        "number = 7",
        "subject = 'REL-9'",
    ],
)
def test_a_fact_that_somebody_changed_is_found(ports: Ports, key: str, change: str) -> None:
    with ports.store.transaction() as session:
        session.execute(text(f"UPDATE timelineentry SET {change} WHERE stream = 'REL-1' AND number = 2"))
    assert first_broken(entries(ports, key)) in (2, 3)


def test_a_fact_that_somebody_removed_is_found(ports: Ports, key: str) -> None:
    with ports.store.transaction() as session:
        session.execute(text("DELETE FROM timelineentry WHERE stream = 'REL-1' AND number = 2"))
    assert first_broken(entries(ports, key)) == 3


def test_a_fact_that_was_made_to_fit_breaks_the_one_after(ports: Ports, key: str) -> None:
    with ports.store.transaction() as session:
        entry = session.exec(select(TimelineEntry).where(TimelineEntry.number == 2)).one()
        entry.actor = "UINTRUDER"
        entry.hash = digest_of(entry)
        session.add(entry)
    assert first_broken(entries(ports, key)) == 3


def test_every_fact_is_told_once(ports: Ports, key: str) -> None:
    tells = intents(ports, "tell")
    assert [(i.key, i.lane, i.args) for i in tells] == [
        (f"tell:{key}:{n}", key, {"stream": key, "number": n}) for n in (1, 2, 3)
    ]


def test_a_refused_action_leaves_neither_fact_nor_telling(ports: Ports, key: str) -> None:
    before = (kinds(ports, key), len(intents(ports, "tell")))
    with pytest.raises(NotAllowed):
        approvals.answer(ports, DEVELOPER, key, yes=True)
    assert (kinds(ports, key), len(intents(ports, "tell"))) == before


def test_what_follows_a_fact_is_lost_with_it(ports: Ports) -> None:
    def fail_after_recording() -> None:
        with ports.store.transaction() as session:
            record(session, Kind.NOTE_ADDED, stream="REL-9", actor=MANAGER, at=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_recording()
    assert entries(ports, "REL-9") == []
    assert intents(ports, "tell") == []


def test_facts_are_read_as_they_were_written(ports: Ports, key: str) -> None:
    later(ports, microseconds=7)
    releases.add_note(ports, TESTER, key, "“ready?” – Ümläut {0} 🚀")
    fact, row = told(ports, key)[-1], entries(ports, key)[-1]
    assert (fact.actor, fact.details) == (TESTER, {"text": "“ready?” – Ümläut {0} 🚀"})
    assert row.at == ports.clock.now()
    assert row.at.utcoffset() == NOW.utcoffset()
    assert first_broken(entries(ports, key)) is None


def test_streams_do_not_meet(ports: Ports, key: str) -> None:
    other = a_release(ports, name="Other")
    assert [row.number for row in entries(ports, other)] == [1]
    assert entries(ports, other)[0].previous_hash == ""


def test_an_intent_is_withdrawn_only_before_it_started(ports: Ports) -> None:
    with ports.store.transaction() as session:
        intend(session, "a", "broadcast", now=NOW)
        intend(session, "b", "broadcast", now=NOW)
        session.flush()
        session.get_one(Intent, "b").state = "started"
        withdraw_intents(session, ["a", "b", "c"])
    assert [i.key for i in intents(ports, "broadcast", state="withdrawn")] == ["a"]
    assert [i.key for i in intents(ports, "broadcast", state="started")] == ["b"]
