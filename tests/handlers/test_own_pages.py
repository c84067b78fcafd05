"""What is each person's own: help, what they owe, Home; and how the desk knows people, threads and repeated events."""

from __future__ import annotations

import pytest

from handlers.conversation import Place
from handlers.desk import REMEMBERED_FOR
from handlers.slack.blocks import draw_message
from handlers.verbs import VERBS
from release_core import approvals, incidents, rollback_requests
from release_core.models import Person
from tests.handlers.room import CAST, READER, STRANGER, Room, assert_nothing_leaks, words_of
from tests.release_core.builders import (
    ANALYST,
    DEVELOPER,
    DIRECTOR,
    MANAGER,
    PRODUCTION,
    QA,
    SECOND_MANAGER,
    STAKEHOLDER,
    TESTER,
    a_freeze,
    a_package,
    a_policy,
    a_release,
    a_soaking_release,
    a_window,
    later,
    ports,
)


@pytest.mark.parametrize("person", [*CAST, STRANGER])
def test_help_fits_and_offers_nothing_that_is_for_others(room: Room, person: str) -> None:
    a_release(room.ports)
    for root in ("release", "incident"):
        words = words_of(room.says(person, f"{root} help"))
        for verb in VERBS.values():
            if verb.root == root and verb.typed and not verb.is_menu:
                assert (f"{verb.as_typed} {verb.summary}" in words) == verb.is_for(room.ports, person), verb.name


def test_help_of_a_release_manager_shows_every_line_in_slack(room: Room) -> None:
    a_release(room.ports)
    drawn = str(draw_message(room.hears(MANAGER, "release help"), READER))
    for verb in ("status", "rollback", "unlock", "todo"):
        assert f"/release {verb}" in drawn
    assert "more parts" not in drawn


def test_what_somebody_owes_is_listed_across_releases(room: Room) -> None:
    a_release(room.ports, name="Autumn", window=a_window(2, 2))
    a_package(room.ports, "REL-1")
    approvals.ask_for_approvals(room.ports, MANAGER, "REL-1")
    a_release(room.ports, name="Winter")
    words = words_of(room.says(QA, "release todo"))
    assert "You owe 3 things." in words
    assert "REL-1 item 2 “Smoke test agreed”, due" in words
    assert "REL-2 item 2" in words
    assert "QA" in words
    assert "You owe nothing." in words_of(room.says(STAKEHOLDER, "release todo"))
    later(room.ports, hours=5)
    assert "(overdue)" in words_of(room.says(QA, "release todo"))


def test_a_rollback_is_owed_an_answer_by_those_who_may_confirm_it(room: Room) -> None:
    key = a_soaking_release(room.ports)
    rollback_requests.ask_rollback(room.ports, MANAGER, key, "Quotes fail since")
    line = f"{key} yes or no to its rollback, until"
    assert line in words_of(room.says(SECOND_MANAGER, "release todo"))
    for person in (MANAGER, STAKEHOLDER):  # one asked for it, the other may not
        assert line not in words_of(room.says(person, "release todo"))
    later(room.ports, hours=1)
    assert line not in words_of(room.says(SECOND_MANAGER, "release todo"))


def test_home_shows_what_is_mine_what_is_open_and_what_is_ahead(room: Room) -> None:
    a_soaking_release(room.ports)
    a_release(room.ports, name="Winter", window=a_window(4, 2))
    a_freeze(room.ports, start=20, hours=4)
    incidents.open_incident(room.ports, TESTER, title="Quotes cannot be saved", severity=2, org=PRODUCTION)
    words = words_of(room.home(QA))
    for said in ("REL-2 item 2", "REL-1 Autumn release", "INC-1 sev 2", "FRZ-1 “Month end”", "REL-2 Mon 23 Nov 2026"):
        assert said in words
    assert "[New release…]" not in words
    assert "[New release…]" in words_of(room.home(MANAGER))
    assert "May we go?" in words
    assert "REL-2 may not go now" in words_of(room.clicks(QA, "May we go?", room.home(QA)))


def test_home_of_a_busy_company_stays_within_slacks_limits() -> None:
    rules = [{"title": f"Question number {n}", "person": QA} for n in range(1, 16)]
    room = Room(ports(policy=a_policy(checklists={"standard": rules})))
    for number in range(12):
        a_release(room.ports, name=f"Release number {number}")
    words = words_of(room.home(QA))
    assert "Question number 1”" in words
    assert "Release number 11" in words


def test_what_somebody_types_cannot_forge_our_own_marks(room: Room) -> None:
    a_release(room.ports)
    forged = "\ue000person\ue001USTRANGER\ue002 and \ue000bold\ue001loud\ue002"
    room.says(DEVELOPER, f"release note -- {forged}")
    room.says(QA, f"release block 2 -- {forged}")
    room.tell()
    for text in ("release timeline", "release checklist", "release why"):
        drawn = draw_message(room.hears(STAKEHOLDER, text), READER)
        assert_nothing_leaks(drawn)
        assert "<@USTRANGER>" not in str(drawn)


def test_an_event_that_comes_twice_within_a_day_is_known(room: Room) -> None:
    assert not room.desk.seen_before("Ev1")
    assert room.desk.seen_before("Ev1")
    assert not room.desk.seen_before("Ev2")
    later(room.ports, seconds=REMEMBERED_FOR.total_seconds())
    assert not room.desk.seen_before("Ev1")


def test_people_are_known_by_name_and_zone(room: Room) -> None:
    known, new = room.desk.actor(QA), room.desk.actor(STRANGER)
    assert known is not None
    assert (known.name, known.zone) == ("Quinn Adler", "Europe/Berlin")
    assert new is not None
    assert (new.name, new.zone) == ("", "Europe/Berlin")
    with room.ports.store.transaction() as session:
        session.add(Person(id="UGONE", name="Gone", deactivated=True, seen_at=room.ports.clock.now()))
    assert room.desk.actor("UGONE") is None


def test_a_thread_stands_for_its_release_or_incident(room: Room) -> None:
    a_soaking_release(room.ports)
    incidents.open_incident(room.ports, TESTER, title="Quotes cannot be saved", severity=3, org=PRODUCTION)
    room.tell()
    subjects = [room.desk.subject_of("C0RELEASES", None), room.desk.subject_of("C0RELEASES", "999.0")]
    assert subjects == [{}, {}]
    heads = {slot: f"{n}.0" for n, slot in enumerate(room.posts, start=1)}
    assert room.desk.subject_of("C0RELEASES", heads["headline:REL-1"]) == {"release": "REL-1"}
    assert room.desk.subject_of("C0INCIDENTS", heads["incident:INC-1"]) == {"incident": "INC-1"}
    said = room.says(ANALYST, "incident update -- found it", Place("C0INCIDENTS", heads["incident:INC-1"]))
    assert "INC-1" in words_of(said)


def test_an_incident_is_opened_asked_about_and_ended(room: Room) -> None:
    a_soaking_release(room.ports)
    form = room.is_asked(TESTER, "incident open -- Quotes cannot be saved")
    wrong = room.is_refused_the_form(TESTER, form, severity="9")
    assert "Severity is 1" in wrong.words
    assert "INC-1 is open; you command it." in words_of(room.submits(TESTER, form, severity="1"))
    update = room.is_asked(DEVELOPER, "incident update")
    room.submits(DEVELOPER, update, note="it is the trigger")
    assert "it is the trigger" in words_of(room.says(STAKEHOLDER, "incident status INC-1"))
    note = room.is_asked(TESTER, "incident note")
    room.submits(TESTER, note, note="called {x}")
    end = room.is_asked(TESTER, "incident resolve")
    assert "INC-1 is resolved" in words_of(room.submits(TESTER, end, note="trigger switched off"))
    late = room.refuses(TESTER, "incident resolve INC-1 -- again")
    assert "INC-1 is resolved already: trigger switched off" in late.words
    assert "No incident is open. Open one with /incident open" in room.refuses(TESTER, "incident update -- x").words
    assert "There is no incident INC-9" in room.refuses(TESTER, "incident status INC-9").words


def test_an_incident_that_suspects_nothing_has_nothing_to_roll_back(room: Room) -> None:
    incidents.open_incident(room.ports, TESTER, title="Printer on fire", severity=4, org=PRODUCTION)
    room.tell()
    assert "no release of ours went there lately" in words_of(room.post("incident:INC-1"))
    assert "nothing to roll back" in room.refuses(MANAGER, "incident rollback -- fire").words


def test_several_open_incidents_are_offered_to_choose_from(room: Room) -> None:
    for title in ("Quotes cannot be saved", "Orders are late"):
        incidents.open_incident(room.ports, TESTER, title=title, severity=3, org=PRODUCTION)
    question = room.hears(TESTER, "incident resolve -- trigger off")
    assert "INC-1 is resolved" in words_of(room.clicks(TESTER, "INC-1 Quotes cannot be saved", question))


def test_people_who_only_read_are_told_who_may_for_every_right(room: Room) -> None:
    a_release(room.ports)
    for text, who in (
        ("new Discounts", "Anna Weiss or @Omar Haddad"),
        ("attach", "Priya Nair"),
        ("validate", "Tomás Novák"),
        ("lock in PRODUCTION -- x y z", "Mei Tanaka"),
        ("tick 2", "Quinn Adler"),
    ):
        assert who in room.refuses(STAKEHOLDER, f"release {text}").words


def test_a_right_that_nobody_holds_says_so() -> None:
    room = Room(ports(policy=a_policy(rights={})))
    a_release(room.ports)
    a_freeze(room.ports)
    words = room.refuses(DIRECTOR, "release waive FRZ-1 -- nothing of the books is touched").words
    assert "Nobody may yet: an administrator names somebody under rights in the policy." in words
