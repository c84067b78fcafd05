"""Bringing the pages that people opened: only what became untrue, in whatever order things happen meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from bot.chat_problems import PersonUnreachable
from bot.flows import homes as flow
from bot.outside import Outside, within
from handlers.conversation import Actor, Home
from handlers.desk import Desk
from release_core import checklists, homes
from release_core.models import Person
from tests.handlers.room import words_of
from tests.release_core.builders import QA, TESTER, a_release, intents, later, ports

SHOWN = "item 2"


@dataclass
class ChatOfPages:
    """Remembers what was brought; `meanwhile` happens while the first page is on its way, `trouble` stops all."""

    brought: list[str] = field(default_factory=list)
    meanwhile: Callable[[], None] | None = None
    trouble: Exception | None = None

    def publish(self, user: str, home: Home, zone: str, name_of: Callable[[str], str]) -> None:
        happens, self.meanwhile = self.meanwhile, None
        if happens:
            happens()
        if self.trouble:
            raise self.trouble
        self.brought.append(words_of(home))


@dataclass
class Opened:
    """Somebody's page, brought when they opened it."""

    chat: ChatOfPages = field(default_factory=ChatOfPages)

    def __post_init__(self) -> None:
        self.ports = ports()
        self.desk = Desk(self.ports, lambda: None)
        self.open()

    def open(self) -> None:
        actor = Actor(QA, "Quinn", "Europe/Berlin")
        self.desk.home_shown(actor, self.desk.home(actor))

    @contextmanager
    def outside(self) -> Iterator[None]:
        with within(Outside(self.ports, None, self.chat)):  # type: ignore[arg-type]
            yield

    def bring(self) -> list[str]:
        with self.outside():
            flow.bring(QA)
        return self.chat.brought


def tick(opened: Opened, key: str) -> None:
    checklists.tick(opened.ports, QA, key, "2")


@pytest.fixture
def opened() -> Opened:
    return Opened()


def test_only_a_page_that_became_untrue_is_brought(opened: Opened) -> None:
    assert opened.bring() == []
    a_release(opened.ports)
    assert SHOWN in opened.bring()[-1]
    assert len(opened.bring()) == 1, "it says so already"


def test_the_last_page_brought_is_true_although_something_happened_while_one_was_on_its_way(opened: Opened) -> None:
    key = a_release(opened.ports)
    opened.chat.meanwhile = lambda: tick(opened, key)
    brought = opened.bring()
    assert [SHOWN in words for words in brought] == [True, False]


def test_whoever_brings_a_page_late_is_given_it_anew(opened: Opened) -> None:
    actor = Actor(QA, "Quinn", "Europe/Berlin")
    old = opened.desk.home(actor)
    a_release(opened.ports)
    assert SHOWN in opened.bring()[-1]
    anew = opened.desk.home_shown(actor, old)
    assert anew is not None
    assert SHOWN in words_of(anew)
    assert opened.desk.home_shown(actor, anew) is None


def test_what_happened_up_to_now_is_looked_at_once(opened: Opened) -> None:
    for number in range(3):
        a_release(opened.ports, name=f"Number {number}")
    waiting = intents(opened.ports, "homes")
    assert len(waiting) >= 3
    assert all((intent.due_at - intent.created_at).total_seconds() == 1 for intent in waiting)
    with opened.outside():
        flow.gather_up()
    assert intents(opened.ports, "homes") == []
    tick(opened, "REL-1")
    assert len(intents(opened.ports, "homes")) == 1, "what comes later is looked at later"


def test_nothing_waits_while_nobody_has_opened_a_page() -> None:
    alone = ports()
    a_release(alone)
    assert intents(alone, "homes") == []


def test_pages_are_looked_through_while_they_may_be_looked_at(opened: Opened) -> None:
    with opened.outside():
        assert flow.looked_at() == [QA]
        later(opened.ports, hours=71)
        tester = Actor(TESTER, "Tomás", "UTC")
        opened.desk.home_shown(tester, opened.desk.home(tester))
        assert flow.looked_at() == [TESTER, QA], "who opened it last comes first"
        later(opened.ports, hours=2)
        assert flow.looked_at() == [TESTER]
        opened.open()
        assert flow.looked_at() == [QA, TESTER]


def test_a_person_whom_the_chat_does_not_know_any_more_is_left_alone(opened: Opened) -> None:
    a_release(opened.ports)
    opened.chat.trouble = PersonUnreachable("Nobody there.", code="user_not_found")
    assert opened.bring() == []
    assert homes.shown(opened.ports, QA) is None


def test_nothing_is_brought_to_somebody_who_is_deactivated(opened: Opened) -> None:
    with opened.ports.store.transaction() as session:
        session.add(Person(id=QA, name="Quinn", deactivated=True, seen_at=opened.ports.clock.now()))
    a_release(opened.ports)
    assert opened.bring() == []


@pytest.mark.parametrize("page", ["owed:20", "releases:40"])
def test_the_part_of_a_page_that_was_turned_to_is_kept(opened: Opened, page: str) -> None:
    actor = Actor(QA, "Quinn", "Europe/Berlin")
    opened.desk.home_shown(actor, opened.desk.home(actor, page))
    shown = homes.shown(opened.ports, QA)
    assert shown is not None
    assert shown.page == page


def test_a_part_that_nobody_can_turn_to_is_not_kept(opened: Opened) -> None:
    actor = Actor(QA, "Quinn", "Europe/Berlin")
    opened.desk.home_shown(actor, opened.desk.home(actor, "x" * 5000))
    shown = homes.shown(opened.ports, QA)
    assert shown is not None
    assert shown.page == ""


def test_nothing_is_kept_of_somebody_whom_we_do_not_serve(opened: Opened) -> None:
    stranger = Actor("USTRANGER", "", "UTC")
    assert opened.desk.home_shown(stranger, opened.desk.home(stranger)) is None
    assert homes.shown(opened.ports, "USTRANGER") is None
