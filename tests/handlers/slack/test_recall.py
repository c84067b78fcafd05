"""Answers that are given again: the same as if they were made anew, whatever happened meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import threading
import time
from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient
from sqlmodel import select

from handlers.conversation import Answer, Request
from handlers.desk import Desk
from handlers.slack.shell import RollcallApp, build_app
from handlers.verbs import VERBS
from release_core import releases, scheduling
from release_core.models import Person, Receipt, Release
from release_core.ports import Ports
from release_core.store import Store, migrate, open_store
from tests.bench.running import slack_stand_in
from tests.release_core import builders
from tests.release_core.builders import BOTH_SEATS, MANAGER, NOW, QA, STAKEHOLDER, TESTER
from tests.release_core.conftest import empty_store, postgres

__all__ = ["empty_store", "postgres"]

ZONES = {MANAGER: "Europe/Berlin", TESTER: "America/Los_Angeles", STAKEHOLDER: "Asia/Kolkata", QA: "nowhere"}


@dataclass
class ADeskThatCounts(Desk):
    """The desk itself, counting what it is asked; `forgetful`: it never tells its moment."""

    ports: Ports
    forgetful: bool = False
    asked: int = 0
    stuck: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(self.ports, lambda: None)
        self.stuck.set()

    def answer(self, request: Request) -> Answer:
        self.asked += 1
        return super().answer(request)

    def moment(self) -> Hashable | None:
        self.stuck.wait()
        return None if self.forgetful else super().moment()


@dataclass
class ADeskFarAway(ADeskThatCounts):
    """A desk whose database may keep everybody waiting."""

    @property
    def at_once(self) -> Collection[str]:
        return ()


@dataclass
class Bot:
    """A desk behind the door that Slack knocks on."""

    desk: ADeskThatCounts
    app: RollcallApp

    async def hears(self, person: str, text: str, channel: str = "C0RELEASES") -> str:
        """What Slack gets for `/release …`, as it is sent."""
        body = {"command": "/release", "text": text, "user_id": person, "channel_id": channel, "team_id": "T0TEAM"}
        answer = await self.app.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))
        assert answer.status == 200
        assert answer.headers["content-type"] == ["application/json;charset=utf-8"]
        return answer.body


def a_bot(desk: ADeskThatCounts) -> Bot:
    client = AsyncWebClient("xoxb-1", base_url=_api[-1])
    app = build_app(desk, verbs=VERBS, client=client, signing_secret="secret", now=desk.ports.clock.now)
    # However busy the machine is.
    app.recall.patience = 60.0
    return Bot(desk, app)


_api: list[str] = []


@pytest.fixture(autouse=True, scope="module")
def api() -> Iterator[None]:
    """An API that knows our token."""
    with slack_stand_in() as url:
        _api.append(url)
        yield


@pytest.fixture
def ports(empty_store: Store) -> Ports:
    """A database on each kind of server, in which four people live in zones of their own."""
    migrate(empty_store)
    ports = builders.ports(store=empty_store)
    with empty_store.transaction() as session:
        for person, zone in ZONES.items():
            session.add(Person(id=person, name=person.title(), zone=zone, seen_at=NOW))
    return ports


@pytest.fixture
def bot(ports: Ports) -> Bot:
    """A bot that remembers."""
    return a_bot(ADeskThatCounts(ports))


async def is_told_the_truth(bot: Bot, *texts: str, people: Collection[str] = tuple(ZONES)) -> None:
    """Everybody asks, twice, and hears what a bot without memory says."""
    fresh = a_bot(ADeskThatCounts(bot.desk.ports, forgetful=True))
    for person, text in itertools.product(people, texts):
        said = [await bot.hears(person, text), await bot.hears(person, text)]
        assert said == [await fresh.hears(person, text)] * 2


def rename(store: Store, key: str, name: str) -> None:
    with store.transaction() as session:
        session.exec(select(Release).where(Release.key == key)).one().name = name


def summary(answer: str) -> str:
    return str(json.loads(answer)["text"])


async def test_an_answer_is_given_again_without_asking_anybody(bot: Bot) -> None:
    key = builders.a_release(bot.desk.ports)
    first = await bot.hears(MANAGER, f"status {key}")
    assert [await bot.hears(MANAGER, f"status {key}") for _ in range(3)] == [first] * 3
    assert bot.desk.asked == 1
    assert await bot.hears(MANAGER, f"status {key}", channel="C0OTHER") == first
    assert bot.desk.asked == 2


async def test_whatever_happens_everybody_hears_what_they_would_hear_from_a_bot_without_memory(bot: Bot) -> None:
    ports = bot.desk.ports
    key = builders.a_release(ports)
    asked = (f"status {key}", "status", f"why {key}", "status REL-99", f"show {key}", "")
    await is_told_the_truth(bot, *asked)
    builders.a_package(ports, key)
    await is_told_the_truth(bot, *asked)
    builders.a_passed_validation(ports, key)
    await is_told_the_truth(bot, *asked)
    builders.settle_checklist(ports, key)
    await is_told_the_truth(bot, *asked)
    scheduling.set_window(ports, MANAGER, key, builders.a_window(1))
    await is_told_the_truth(bot, *asked)
    builders.a_release(ports, name="Another")
    await is_told_the_truth(bot, *asked)
    releases.cancel_release(ports, MANAGER, key, "not now")
    await is_told_the_truth(bot, *asked)


async def test_an_answer_is_never_older_than_the_last_commit_of_anybody(bot: Bot) -> None:
    """Several write at once, some of them through a connection of their own as another replica does."""
    ports, store = bot.desk.ports, bot.desk.ports.store
    keys = [builders.a_release(ports, name="000") for _ in range(3)]
    elsewhere = open_store(store.engine.url.render_as_string(hide_password=False))
    committed = dict.fromkeys(keys, 0)
    until = time.monotonic() + 2

    def write(key: str, through: Store) -> None:
        while time.monotonic() < until:
            rename(through, key, f"{committed[key] + 1:03}")
            committed[key] += 1
            time.sleep(random.random() / 5)

    async def ask(key: str) -> int:
        answers = 0
        while time.monotonic() < until:
            at_least = committed[key]
            assert int(summary(await bot.hears(MANAGER, f"status {key}")).split()[1].rstrip(":")) >= at_least
            answers += 1
        return answers

    writers = [threading.Thread(target=write, args=(key, elsewhere if n else store)) for n, key in enumerate(keys)]
    for writer in writers:
        writer.start()
    answers = sum(await asyncio.gather(*(ask(key) for key in keys * 4)))
    for writer in writers:
        writer.join()
    elsewhere.close()
    assert min(committed.values()) > 3
    assert bot.desk.asked < answers
    await is_told_the_truth(bot, *(f"status {key}" for key in keys))


@pytest.mark.parametrize("armed", [True, False])
async def test_time_that_passes_a_proofs_end_changes_the_answer(bot: Bot, armed: bool) -> None:
    key = builders.a_soaking_release(bot.desk.ports, armed=armed)
    for _ in range(40):
        await is_told_the_truth(bot, f"status {key}", people=(MANAGER,))
        builders.later(bot.desk.ports, seconds=random.choice((1, 59, 3600, 7200, 43_200, 86_399)))


async def test_an_answer_ends_at_the_very_instant_at_which_it_stops_being_true(bot: Bot) -> None:
    key = builders.a_soaking_release(bot.desk.ports)
    lapses_at = builders.newest(bot.desk.ports, key, "arming").lapses_at
    assert lapses_at is not None
    builders.go_to(bot.desk.ports, lapses_at - timedelta(microseconds=1))
    before = await bot.hears(MANAGER, f"status {key}")
    builders.go_to(bot.desk.ports, lapses_at)
    assert await bot.hears(MANAGER, f"status {key}") != before
    builders.go_to(bot.desk.ports, lapses_at - timedelta(microseconds=1))
    assert await bot.hears(MANAGER, f"status {key}") == before


async def test_a_time_in_the_question_is_read_anew_each_time(bot: Bot) -> None:
    key = builders.a_release(bot.desk.ports)
    for _ in range(2):
        await is_told_the_truth(bot, f"status {key} at 22:00", f"status {key} at today 9am", f"status {key} for 2h")
        builders.later(bot.desk.ports, hours=14)


async def test_who_left_the_workspace_is_not_told_what_they_heard_before(bot: Bot) -> None:
    key = builders.a_release(bot.desk.ports)
    assert key in await bot.hears(TESTER, f"status {key}")
    with bot.desk.ports.store.transaction() as session:
        session.get_one(Person, TESTER).deactivated = True
    assert "could not find you" in await bot.hears(TESTER, f"status {key}")
    assert key in await bot.hears(STAKEHOLDER, f"status {key}")


async def test_who_moves_to_another_zone_reads_their_own_time(bot: Bot) -> None:
    key = builders.a_release(bot.desk.ports, window=builders.a_window(1))
    await is_told_the_truth(bot, f"status {key}")
    with bot.desk.ports.store.transaction() as session:
        session.get_one(Person, MANAGER).zone = "Pacific/Auckland"
    await is_told_the_truth(bot, f"status {key}")


async def test_another_policy_has_a_memory_of_its_own(bot: Bot) -> None:
    ports = bot.desk.ports
    key = builders.a_release(ports)
    before = await bot.hears(MANAGER, f"status {key}")
    changed = builders.a_policy(seats={"qa": {"title": "Quality", "people": [QA]}, "business": {"title": "Trade",
                                "people": [BOTH_SEATS]}})  # fmt: skip
    reloaded = a_bot(ADeskThatCounts(Ports(ports.store, changed, ports.clock, ports.artifacts)))
    assert "Quality" in await reloaded.hears(MANAGER, f"status {key}")
    assert await bot.hears(MANAGER, f"status {key}") == before


async def test_what_was_read_while_somebody_wrote_is_not_remembered_as_newer_than_it_is(bot: Bot) -> None:
    """A commit that comes right after the facts were read must not be taken for one that came before."""
    key = builders.a_release(bot.desk.ports, name="old")
    desk, answer = bot.desk, bot.desk.answer

    def answer_and_be_overtaken(request: Request) -> Answer:
        made = answer(request)
        rename(desk.ports.store, key, "new")
        return made

    desk.answer = answer_and_be_overtaken  # type: ignore[method-assign]
    assert "old" in summary(await bot.hears(MANAGER, f"status {key}"))
    assert "new" in summary(await bot.hears(MANAGER, f"status {key}"))


async def test_a_commit_that_is_about_something_else_costs_no_new_answer(bot: Bot) -> None:
    key = builders.a_release(bot.desk.ports)
    first = await bot.hears(MANAGER, f"status {key}")
    for number in range(3):
        with bot.desk.ports.store.transaction() as session:
            session.add(Receipt(key=str(number), at=NOW))
        assert await bot.hears(MANAGER, f"status {key}") == first
    assert bot.desk.asked == 1
    rename(bot.desk.ports.store, key, "Renamed")
    assert "Renamed" in await bot.hears(MANAGER, f"status {key}")
    rename(bot.desk.ports.store, key, "Autumn release")
    assert await bot.hears(MANAGER, f"status {key}") == first


async def test_refusals_are_never_given_again(bot: Bot) -> None:
    for _ in range(2):
        assert "There is no release REL-5" in await bot.hears(MANAGER, "status REL-5")
    assert bot.desk.asked == 2


async def test_a_database_that_does_not_say_its_moment_keeps_nobody_waiting(ports: Ports) -> None:
    desk = ADeskFarAway(ports)
    bot = a_bot(desk)
    bot.app.recall.patience = 0.01
    key = builders.a_release(ports)
    desk.stuck.clear()
    try:
        assert key in await bot.hears(MANAGER, f"status {key}")
    finally:
        desk.stuck.set()


async def test_whoever_asks_while_the_database_is_asked_waits_for_the_next_look(ports: Ports) -> None:
    desk = ADeskFarAway(ports)
    bot = a_bot(desk)
    key = builders.a_release(ports, name="old")
    assert "old" in summary(await bot.hears(MANAGER, f"status {key}"))
    looks = threading.Semaphore(0)
    moment = Desk.moment

    def slow_moment() -> Hashable | None:
        found = moment(desk)
        looks.release()
        time.sleep(0.1)
        return found

    desk.moment = slow_moment  # type: ignore[method-assign]
    early = asyncio.create_task(bot.hears(MANAGER, f"status {key}"))
    assert await asyncio.to_thread(looks.acquire, timeout=5)
    rename(ports.store, key, "new")
    assert "new" in summary(await bot.hears(MANAGER, f"status {key}"))
    await early


async def test_one_answer_is_made_for_all_who_ask_the_same_at_once(ports: Ports) -> None:
    bot = a_bot(ADeskFarAway(ports))
    key = builders.a_release(ports)
    said = await asyncio.gather(*(bot.hears(MANAGER, f"status {key}") for _ in range(30)))
    assert len(set(said)) == 1
    assert bot.desk.asked == 1


async def test_whoever_waited_in_vain_for_an_answer_gets_one_of_their_own(ports: Ports) -> None:
    bot = a_bot(ADeskFarAway(ports))
    said = await asyncio.gather(*(bot.hears(MANAGER, "status REL-9") for _ in range(5)))
    assert all("There is no release REL-9" in one for one in said)


@pytest.fixture(autouse=True)
def _no_chance() -> None:
    random.seed(4)
