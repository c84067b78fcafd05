"""What people leave out or write their own way: names for keys, times without “at”, words nobody asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import col, select

from handlers.conversation import Form, Message, Place
from handlers.grammar import SeveralTimes
from handlers.phrases import WhichOne
from handlers.slack.clicks import pack_args, unpack_args
from handlers.slack.refusals import explain
from release_core import incidents
from release_core.errors import NotFound, Unclear
from release_core.lookups import find_org
from release_core.models import Broadcast, Post
from release_core.org_locks import lock_org
from tests.handlers.room import Room, words_of
from tests.release_core.builders import (
    ADMINISTRATOR,
    MANAGER,
    NOW,
    PRODUCTION,
    STAKEHOLDER,
    TESTER,
    a_policy,
    a_release,
    a_soaking_release,
    facts_of,
    kinds,
)


@pytest.fixture
def planned(room: Room) -> Room:
    """Two releases: REL-1 Discount approvals, REL-2 Quote layout."""
    a_release(room.ports, name="Discount approvals")
    a_release(room.ports, name="Quote layout")
    return room


@pytest.mark.parametrize("said", ["Quote layout", "quote LAYOUT", "layout", "2", "#2", "rel 2", "“Quote layout”"])
def test_a_release_may_be_called_by_its_name_or_number(planned: Room, said: str) -> None:
    assert words_of(planned.hears(MANAGER, f"status {said}")).startswith("REL-2")


def test_a_part_of_several_names_asks_which(planned: Room) -> None:
    a_release(planned.ports, name="Quote totals")
    asked = planned.hears(MANAGER, "status quote")
    assert "[REL-2 Quote layout]" in words_of(asked)
    assert "[REL-3 Quote totals]" in words_of(asked)
    assert "REL-1" not in words_of(asked)


def test_a_name_may_stand_before_an_item(planned: Room) -> None:
    assert "REL-2: item 1" in words_of(planned.hears(MANAGER, "tick Quote layout 1"))


def test_nothing_is_done_for_a_name_that_no_release_has(planned: Room) -> None:
    refusal = planned.refuses(MANAGER, "close Discnt")
    assert isinstance(refusal.error, NotFound)
    assert "REL-1 Discount approvals" in refusal.words


def test_words_beside_a_note_are_never_left_out_unsaid(planned: Room) -> None:
    promised = planned.hears(MANAGER, "update REL-1 by 22:00 -- we begin")
    assert "goes out at" in words_of(promised)
    assert "broadcast_scheduled" in kinds(planned.ports, "REL-1")
    refusal = planned.refuses(MANAGER, "update foo -- we begin")
    assert "No open release is called “foo”" in refusal.words


@pytest.mark.parametrize("said", ["window REL-1 Fri, at the office", "update REL-1 sometime -- we begin"])
def test_what_belongs_to_nothing_is_refused_rather_than_left_out(planned: Room, said: str) -> None:
    before = kinds(planned.ports, "REL-1")
    assert isinstance(planned.refuses(MANAGER, said).error, Unclear)
    assert kinds(planned.ports, "REL-1") == before


def test_a_day_may_stand_apart_from_its_time(planned: Room) -> None:
    for said in ("window REL-1 Fri at 22:00", "window REL-1 on Friday between 22:00 and 23:00"):
        assert "Understood: Fri 27 Nov 2026 22:00" in words_of(planned.hears(MANAGER, said))
    refusal = planned.refuses(MANAGER, "window at 22:00 REL-1 tomorrow")
    assert "what “tomorrow” belongs to" in refusal.words


@pytest.mark.parametrize(
    "said", ["we start at 22:00", "we meet in the office", "wait until Friday for QA", "look at it from 22:00 to 23:00"]
)
def test_a_note_keeps_words_that_would_be_a_time_or_an_org_elsewhere(planned: Room, said: str) -> None:
    planned.says(MANAGER, f"note REL-1 {said}")
    assert said in words_of(planned.hears(MANAGER, "timeline REL-1"))


def test_an_incident_may_be_described_without_a_dash(planned: Room) -> None:
    form = planned.is_asked(TESTER, "incident open Quotes fail at checkout since 22:00 in prod")
    assert {field.name: getattr(field, "value", "") for field in form.fields}["title"] == (
        "Quotes fail at checkout since 22:00"
    )


def test_a_freeze_from_now_on_lasts_as_long_as_was_said(planned: Room) -> None:
    told = words_of(planned.hears(ADMINISTRATOR, "freeze prod for 2 days -- year end"))
    assert "nothing may start on PRODUCTION from Mon 23 Nov 2026 10:00 CET to Wed 25 Nov 2026 10:00 CET" in told


def test_a_rhythm_is_kept(planned: Room) -> None:
    planned.says(MANAGER, "update REL-1 every 30m -- all good")
    with planned.ports.store.reading() as session:
        [promised] = session.exec(select(Broadcast).where(col(Broadcast.text) == "all good")).all()
    assert promised.every_minutes == 30


def test_an_org_may_be_said_without_in_and_by_its_beginning(planned: Room) -> None:
    assert "Lock PRODUCTION" in words_of(planned.is_asked(ADMINISTRATOR, "lock prod"))
    assert "PRODUCTION is locked: disk full" in words_of(planned.hears(ADMINISTRATOR, "lock Production -- disk full"))
    assert isinstance(planned.refuses(ADMINISTRATOR, "lock in prd -- disk full").error, NotFound)


def test_the_beginning_of_two_orgs_is_none_of_them() -> None:
    one = a_policy().orgs[PRODUCTION]
    twins = {
        "prod-eu": one.model_copy(update={"title": "PROD EU"}),
        "prod-us": one.model_copy(update={"title": "PROD US"}),
    }
    policy = a_policy().model_copy(update={"orgs": twins})
    assert find_org(policy, "prod eu") == find_org(policy, "PROD-EU") == "prod-eu"
    with pytest.raises(NotFound, match="PROD EU, PROD US"):
        find_org(policy, "prod")


def test_an_understood_time_is_told_back_with_its_zone(planned: Room) -> None:
    answer = planned.hears(MANAGER, "window REL-1 Fri 6pm New York for 90m")
    assert "Understood: Fri 27 Nov 2026 18:00 EST (America/New_York), for you" in words_of(answer)
    window = facts_of(planned.ports, "REL-1").window
    assert window is not None
    assert (window.starts_at, window.ends_at) == (
        datetime(2026, 11, 27, 23, 0, tzinfo=UTC),
        datetime(2026, 11, 28, 0, 30, tzinfo=UTC),
    )


def test_a_form_tells_how_a_typed_time_was_understood_before_it_is_sent(planned: Room) -> None:
    form = planned.is_asked(MANAGER, "new Winter at tomorrow 22:00")
    assert "Understood: Tue 24 Nov 2026 22:00 CET (Europe/Berlin)." in words_of(form)


def test_a_range_sets_both_ends(planned: Room) -> None:
    answer = planned.hears(MANAGER, "window REL-1 22:00-02:00")
    assert "Understood: Mon 23 Nov 2026 22:00 CET (Europe/Berlin) to Tue 24 Nov 2026 02:00 CET" in words_of(answer)
    window = facts_of(planned.ports, "REL-1").window
    assert window is not None
    assert window.ends_at - window.starts_at == timedelta(hours=4)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("2027-10-31 02:30", "(the first of two, the clocks go back)"),
        ("2027-03-28 02:30", "03:00 CEST (Europe/Berlin) (when the clocks go forward)"),
    ],
)
def test_a_clock_change_is_told(planned: Room, said: str, told: str) -> None:
    assert told in words_of(planned.hears(MANAGER, f"window REL-1 at {said}"))


def test_a_time_of_two_meanings_changes_nothing_until_one_is_pressed(planned: Room) -> None:
    refusal = planned.refuses(MANAGER, "window REL-1 12/5 10pm for 2h")
    assert isinstance(refusal.error, SeveralTimes)
    assert facts_of(planned.ports, "REL-1").window is None
    answer = planned.clicks(MANAGER, "Sat 5 Dec 2026 22:00 CET (Europe/Berlin)", refusal.message)
    assert isinstance(answer, Message)
    assert "Understood: Sat 5 Dec 2026 22:00 CET (Europe/Berlin)." in words_of(answer)
    window = facts_of(planned.ports, "REL-1").window
    assert window is not None
    assert window.starts_at == datetime(2026, 12, 5, 21, 0, tzinfo=UTC)


def test_a_misspelt_verb_is_done_by_its_button(planned: Room) -> None:
    refusal = planned.refuses(MANAGER, "notee REL-1 -- the load job is slow")
    planned.clicks(MANAGER, "/release note", refusal.message)
    assert "note_added" in kinds(planned.ports, "REL-1")


def test_a_suggested_verb_says_who_may_to_those_who_may_not(planned: Room) -> None:
    refusal = planned.refuses(STAKEHOLDER, "closee REL-1")
    told = planned.is_refused_the_click(STAKEHOLDER, "/release close", refusal.message)
    assert "Who may" in told.words


@pytest.mark.parametrize("typed", ["pick", "parts", "prove", "remember", "confirm rollback"])
def test_what_has_buttons_only_cannot_be_typed(planned: Room, typed: str) -> None:
    with pytest.raises(NotFound, match=r"I know no “\w+”"):
        planned.says(MANAGER, f"{typed} REL-1")


def test_go_weighs_everything_and_starts_nothing(planned: Room) -> None:
    assert "may not go now" in words_of(planned.hears(MANAGER, "go REL-1"))


def test_a_long_note_is_kept_by_the_question_which_release_it_is_for(planned: Room) -> None:
    text = "All branches wait. " * 300
    form = planned.is_asked(MANAGER, f"note -- {text}")
    assert isinstance(form, Form)
    told = planned.submits(MANAGER, form, release="REL-2")
    assert "REL-2" in words_of(told)
    assert "note_added" in kinds(planned.ports, "REL-2")


def test_which_of_many_releases_names_a_few(planned: Room) -> None:
    several = WhichOne("release", {f"REL-{n}": "" for n in range(500)})
    assert str(several).endswith("REL-9 and 490 more.")


def test_an_instant_keeps_its_zone_in_a_button(planned: Room) -> None:
    typed = planned.is_asked(MANAGER, "new Winter at Fri 6pm New York")
    assert "EST (America/New_York)" in words_of(typed)
    instant = NOW.astimezone(ZoneInfo("America/New_York"))
    back = unpack_args(pack_args({"at": instant}))["at"]
    assert (back, str(back.tzinfo)) == (instant, "America/New_York")
    assert unpack_args(pack_args({"at": NOW}))["at"].tzinfo is UTC
    with pytest.raises(Unclear):
        unpack_args({"at": {"at": NOW.isoformat(), "in": "Mars/Base"}})


def test_a_refusal_tells_how_the_time_was_understood() -> None:
    message = explain(Unclear("The window lies in the past."), understood="Understood: Sun 22 Nov 2026 10:00 CET.")
    assert "Understood: Sun 22 Nov 2026 10:00 CET." in message.summary


def test_locking_by_its_key_still_works(planned: Room) -> None:
    lock_org(planned.ports, ADMINISTRATOR, PRODUCTION, "disk full")
    assert "PRODUCTION is locked" in words_of(planned.hears(STAKEHOLDER, "calendar"))


@pytest.fixture
def broken(room: Room) -> tuple[Room, Place]:
    """INC-1 that suspects REL-1, with its thread; REL-2 is open besides."""
    a_soaking_release(room.ports)
    incidents.open_incident(room.ports, TESTER, title="Quotes cannot be saved", severity=2, org=PRODUCTION)
    a_release(room.ports, name="Quote layout")
    room.tell()
    with room.ports.store.reading() as session:
        post = session.exec(select(Post).where(col(Post.slot) == "incident:INC-1")).one()
    return room, Place(post.channel, post.ts)


def test_words_in_the_thread_of_an_incident_are_about_it(broken: tuple[Room, Place]) -> None:
    room, thread = broken
    assert words_of(room.says(STAKEHOLDER, "status", thread)).startswith("INC-1 is open")
    assert "Posted on INC-1" in words_of(room.says(TESTER, "update -- we look into it", thread))
    assert words_of(room.says(STAKEHOLDER, "", thread)).startswith("Incidents")
    assert words_of(room.says(STAKEHOLDER, "release status REL-2", thread)).startswith("REL-2")


def test_a_release_asked_about_in_the_thread_of_an_incident_is_its_suspect(broken: tuple[Room, Place]) -> None:
    room, thread = broken
    assert "REL-1" in words_of(room.says(STAKEHOLDER, "why", thread))
    assert "REL-2" in words_of(room.says(STAKEHOLDER, "why REL-2", thread))


def test_another_release_may_be_named_in_the_thread_of_one(room: Room) -> None:
    a_release(room.ports, name="Discount approvals")
    a_release(room.ports, name="Quote layout")
    room.tell()
    with room.ports.store.reading() as session:
        post = session.exec(select(Post).where(col(Post.slot) == "headline:REL-1")).one()
    thread = Place(post.channel, post.ts)
    assert words_of(room.says(STAKEHOLDER, "status", thread)).startswith("REL-1")
    assert words_of(room.says(STAKEHOLDER, "status rel 2", thread)).startswith("REL-2")
