"""Home: everything that is mine with the button that settles it, paged, in my zone, nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from handlers.conversation import Actions, Actor, Button, Form, Home, Message, Paragraph, Part, Request
from handlers.days import day_of
from handlers.home import PAGE, PAGE_OF_MESSAGE
from handlers.slack.blocks import draw_home
from release_core import approvals, broadcasts, incidents, org_locks, rollback_requests, task_plans
from release_core.task_plans import NewTask
from tests.handlers.room import CAST, READER, Room, words_of
from tests.release_core.builders import (
    ADMINISTRATOR,
    BOTH_SEATS,
    DEVELOPER,
    MANAGER,
    NOW,
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


def button_beside(line: str, on: Home | Message) -> str:
    """The label of the button that stands beside a line."""
    found = [part for part in on.parts if isinstance(part, Paragraph) and line in words_of(Home([part]))]
    assert found, f"no line says “{line}”: {words_of(on)}"
    beside = found[0].beside
    assert isinstance(beside, Button)
    return beside.label


def busy(questions: int = 15, releases: int = 12) -> Room:
    """A room in which one person owes more than a page holds."""
    rules = [{"title": f"Question number {n}", "person": QA} for n in range(1, questions + 1)]
    room = Room(ports(policy=a_policy(checklists={"standard": rules})))
    for number in range(releases):
        a_release(room.ports, name=f"Release number {number}")
    return room


def test_every_kind_of_thing_that_waits_has_its_line_and_the_button_that_settles_it(room: Room) -> None:
    a_soaking_release(room.ports)
    rollback_requests.ask_rollback(room.ports, MANAGER, "REL-1", "Quotes fail since")
    a_release(room.ports, name="Winter", window=a_window(4, 2))
    a_package(room.ports, "REL-2")
    approvals.ask_for_approvals(room.ports, MANAGER, "REL-2")
    task_plans.add_task(room.ports, MANAGER, "REL-2", NewTask("Pause the import", "before", DEVELOPER))
    task_plans.add_task(room.ports, MANAGER, "REL-2", NewTask("Tell sales", "before", DEVELOPER))
    at = NOW + timedelta(hours=6)
    broadcasts.schedule(room.ports, MANAGER, "REL-2", audience="business", due_at=at, text="", every=None)
    incidents.open_incident(room.ports, TESTER, title="Quotes cannot be saved", severity=2, org=PRODUCTION)
    expected = [
        (SECOND_MANAGER, "REL-1 yes or no to its rollback", "Answer…"),
        (QA, "REL-2 approval for QA", "Answer…"),
        (QA, "REL-2 item 2", "Tick"),
        (DEVELOPER, "REL-2 task 1 “Pause the import”, your turn", "Done"),
        (DEVELOPER, "REL-2 task 2 “Tell sales”, after task 1", "Run-sheet"),
        (TESTER, "INC-1 sev 2 on PRODUCTION: Quotes cannot be saved; you command it", "Update…"),
        (MANAGER, "REL-2 status for business, promised for", "Status…"),
    ]
    for person, line, label in expected:
        assert button_beside(line, room.home(person)) == label
        assert line not in words_of(room.home(STAKEHOLDER)), "it is nobody else's"


def test_the_buttons_of_home_settle_what_they_stand_beside(room: Room) -> None:
    a_release(room.ports, name="Winter", window=a_window(4, 2))
    a_package(room.ports, "REL-1")
    approvals.ask_for_approvals(room.ports, MANAGER, "REL-1")
    question = room.clicks(QA, "Answer…", room.home(QA))
    assert isinstance(question, Message)
    assert "QA is asked to approve" in words_of(question)
    assert "Your yes for QA" in words_of(room.clicks(QA, "Approve", question))
    assert "approval for QA" not in words_of(room.home(QA))
    assert "is done" in words_of(room.clicks(QA, "Tick", room.home(QA)))
    assert "REL-1 item 2" not in words_of(room.home(QA))


def test_a_rollback_is_answered_from_home(room: Room) -> None:
    a_soaking_release(room.ports)
    rollback_requests.ask_rollback(room.ports, MANAGER, "REL-1", "Quotes fail since")
    question = room.clicks(SECOND_MANAGER, "Answer…", room.home(SECOND_MANAGER))
    assert isinstance(question, Message)
    assert "Quotes fail since" in words_of(question)
    assert "declined" in words_of(room.clicks(SECOND_MANAGER, "Decline", question))
    assert "Nothing of REL-1 waits for your yes or no" in room.refuses(SECOND_MANAGER, "release answer REL-1").words


def test_what_was_asked_of_two_seats_of_one_person_is_offered_to_choose_from(room: Room) -> None:
    a_release(room.ports, window=a_window(4, 2))
    a_package(room.ports, "REL-1")
    approvals.ask_for_approvals(room.ports, MANAGER, "REL-1")
    several = room.hears(BOTH_SEATS, "release answer")
    assert "questions of REL-1 wait for you" in words_of(several)
    assert "QA is asked to approve" in words_of(room.clicks(BOTH_SEATS, "QA", several))
    assert "QA is asked to approve" in words_of(room.says(BOTH_SEATS, "release answer as QA"))


def test_what_is_too_long_for_one_page_is_turned_over_and_back() -> None:
    room = busy()
    first = room.home(QA)
    assert f"What you owe (1 to {PAGE} of 180)" in words_of(first)
    second = room.clicks(QA, f"Next {PAGE}", first)
    assert isinstance(second, Home)
    assert f"What you owe ({PAGE + 1} to {2 * PAGE} of 180)" in words_of(second)
    assert not set(lines_owed(first)) & set(lines_owed(second))
    again = room.clicks(QA, f"Back {PAGE}", second)
    assert isinstance(again, Home)
    assert lines_owed(again) == lines_owed(first)


def test_turning_pages_reaches_every_line() -> None:
    room = busy(releases=3)
    page, seen = room.home(QA), list[str]()
    for _ in range(3):
        seen += lines_owed(page)
        following = [f"Next {n}" for n in (PAGE, 5) if f"[Next {n}]" in words_of(page)]
        if following:
            turned = room.clicks(QA, following[0], page)
            assert isinstance(turned, Home)
            page = turned
    assert len(seen) == len(set(seen)) == 45


def test_three_hundred_things_among_two_hundred_releases_are_all_reached_and_settled_where_they_stand() -> None:
    room = busy(questions=15, releases=20)
    for number in range(180):
        a_release(room.ports, name=f"Small {number}", kind="hotfix")
    page, seen, releases = room.home(QA), list[str](), set[str]()
    while True:
        seen += lines_owed(page)
        assert len(draw_home(page, READER)["blocks"]) <= 100
        following = turn_to_next("owed", page)
        if following is None:
            break
        turned = room.desk.answer(Request(following.verb, Actor(QA), args=following.args))
        assert isinstance(turned, Home)
        page = turned
    assert len(seen) == len(set(seen)) == 300
    assert "is done" in words_of(room.clicks(QA, "Tick", page))
    after = room.desk.home(Actor(QA, zone="UTC"), page.page)
    assert "What you owe (281 to 299 of 299)" in words_of(after)
    page = room.home(QA)
    for _ in range(10):
        releases |= {words_of(Home([part])).split()[0] for part in page.parts if is_of_a_release(part)}
        following = turn_to_next("releases", page)
        if following:
            turned = room.desk.answer(Request(following.verb, Actor(QA), args=following.args))
            assert isinstance(turned, Home)
            page = turned
    assert len(releases) == 200


def turn_to_next(section: str, home: Home) -> Button | None:
    """The button that turns one section of a page over."""
    items = [item for part in home.parts if isinstance(part, Actions) for item in part.items]
    turns = [item for item in items if isinstance(item, Button) and str(item.args.get("page")).startswith(section)]
    return next((turn for turn in turns if turn.label.startswith("Next")), None)


def is_of_a_release(part: Part) -> bool:
    return (
        isinstance(part, Paragraph)
        and isinstance(part.beside, Button)
        and part.beside.verb
        in (
            "release_why",
            "release_status",
        )
    )


def lines_owed(home: Home) -> list[str]:
    return [part.text for part in home.parts if isinstance(part, Paragraph) and " item " in part.text]


@pytest.mark.parametrize("page", ["owed:99999999999", "owed:-3", "nothing:20", "owed:x", "releases:4000"])
def test_a_page_that_is_not_there_shows_one_that_is(page: str) -> None:
    room = busy(questions=3, releases=9)
    home = room.desk.home(Actor(QA, zone="UTC"), page)
    assert "Nothing." not in words_of(home)
    assert len(draw_home(home, READER)["blocks"]) <= 100


def test_the_fullest_page_stays_below_a_hundred_blocks() -> None:
    room = busy(questions=4, releases=45)
    for number in range(25):
        title = f"Trouble number {number}"
        incidents.open_incident(room.ports, TESTER, title=title, severity=3, org=PRODUCTION)
    for number in range(4):
        a_freeze(room.ports, start=20 + number, hours=4)
    for page in ("", "owed:20", "releases:40", "incidents:20"):
        drawn = draw_home(room.desk.home(Actor(QA, zone="UTC"), page), READER)
        assert len(drawn["blocks"]) <= 100
        assert "more parts" not in str(drawn)
        assert drawn.get("private_metadata", "") == page


def test_what_is_owed_is_paged_in_a_message_too() -> None:
    room = busy(questions=15, releases=2)
    first = room.hears(QA, "release todo")
    assert "You owe 30 things." in words_of(first)
    assert "… and" not in words_of(first)
    second = room.clicks(QA, f"Next {PAGE_OF_MESSAGE}", first)
    third = room.clicks(QA, "Next 6", second) if isinstance(second, Message) else None
    assert third is not None
    assert "You owe 30 things." in words_of(third)
    assert "[Next" not in words_of(third)


def test_home_shows_nothing_of_what_waits_for_others(room: Room) -> None:
    a_release(room.ports, window=a_window(4, 2))
    a_package(room.ports, "REL-1")
    approvals.ask_for_approvals(room.ports, MANAGER, "REL-1")
    for person in CAST:
        owes = words_of(room.home(person)).partition("Today")[0]
        mine = words_of(room.says(person, "release todo"))
        assert ("Nothing." in owes) == ("You owe nothing." in mine)
        assert ("approval for QA" in owes) == ("approval for QA" in mine)


def test_today_is_the_readers_own_day(room: Room) -> None:
    a_release(room.ports, name="Tonight", window=a_window(2, 2))
    a_freeze(room.ports, start=48, hours=4)
    org_locks.lock_org(room.ports, ADMINISTRATOR, PRODUCTION, "disk full")
    words = words_of(room.home(QA))
    today = words.partition("Today, ")[2].partition("Ahead")[0]
    assert day_of(NOW, "Europe/Berlin").title in words
    assert "REL-1" in today
    assert "PRODUCTION is locked since" in today
    assert "Freeze FRZ-1 “Month end”" in words.partition("Ahead")[2]
    # Twelve hours east of Berlin it is tomorrow already.
    kiritimati = words_of(room.desk.home(Actor(QA, zone="Pacific/Kiritimati")))
    assert day_of(NOW, "Pacific/Kiritimati").title in kiritimati


def test_a_day_has_as_many_hours_as_its_clocks_show() -> None:
    spring = day_of(datetime(2026, 3, 29, 12, tzinfo=UTC), "Europe/Berlin")
    autumn = day_of(datetime(2026, 10, 25, 12, tzinfo=UTC), "Europe/Berlin")
    as_utc = [(day.ends_at.astimezone(UTC) - day.starts_at.astimezone(UTC)) for day in (spring, autumn)]
    assert as_utc == [timedelta(hours=23), timedelta(hours=25)]
    assert day_of(NOW, "Nowhere/None").title.endswith("(UTC)")


@pytest.mark.parametrize(
    ("now", "zone", "title", "starts", "shown"),
    [
        # Clocks in Berlin go forward at 2:00 on 29 March; the day ends an hour earlier in UTC.
        ("2026-03-29T08:00", "Europe/Berlin", "Sun 29 Mar", "2026-03-29T21:30", True),
        ("2026-03-29T08:00", "Europe/Berlin", "Sun 29 Mar", "2026-03-29T22:30", False),
        # They go back at 3:00 on 25 October; the day has 25 hours.
        ("2026-10-25T08:00", "Europe/Berlin", "Sun 25 Oct", "2026-10-25T22:30", True),
        ("2026-10-25T08:00", "Europe/Berlin", "Sun 25 Oct", "2026-10-25T23:30", False),
        ("2026-11-01T12:00", "America/New_York", "Sun 1 Nov", "2026-11-02T04:30", True),
        ("2026-11-01T12:00", "America/New_York", "Sun 1 Nov", "2026-11-02T05:30", False),
        ("2026-10-04T00:00", "Australia/Lord_Howe", "Sun 4 Oct", "2026-10-04T12:30", True),
        ("2026-10-04T00:00", "Australia/Lord_Howe", "Sun 4 Oct", "2026-10-04T13:30", False),
    ],
)
def test_todays_freezes_are_those_of_the_readers_day_when_clocks_change(
    now: str, zone: str, title: str, starts: str, shown: bool
) -> None:
    instant = datetime.fromisoformat(now).replace(tzinfo=UTC)
    room = Room(ports(now=instant))
    begins = datetime.fromisoformat(starts).replace(tzinfo=UTC)
    a_freeze(room.ports, start=(begins - NOW).total_seconds() / 3600, hours=0.25)
    words = words_of(room.desk.home(Actor(QA, zone=zone)))
    today, _, ahead = words.partition("Today, ")[2].partition("Ahead")
    assert title in today
    assert ("FRZ-1" in today) == shown
    assert ("FRZ-1" in ahead) != shown


def test_a_window_that_is_over_is_not_shown(room: Room) -> None:
    a_release(room.ports, window=a_window(1, 1))
    later(room.ports, hours=3)
    assert "REL-1 Mon" not in words_of(room.home(QA)).partition("Today")[2].partition("Releases")[0]


def test_everybody_reaches_their_switches_from_home(room: Room) -> None:
    assert "On: Asks for my yes, My items and tasks" in words_of(room.home(STAKEHOLDER))
    form = room.clicks(STAKEHOLDER, "Change…", room.home(STAKEHOLDER))
    assert isinstance(form, Form)
    room.submits(STAKEHOLDER, form, topics=["status"])
    assert "On: Status updates." in words_of(room.home(STAKEHOLDER))
    assert "On: Asks for my yes" in words_of(room.home(QA))
