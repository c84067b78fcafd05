"""What a monitor sees of the bot."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlmodel import SQLModel

from bot.web import Check, nudge_route, web_app
from bot.wiring import listen_on
from release_core.models import Intent, Release
from release_core.store import Store, open_store

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class StandingClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        """The instant of every test here."""
        return NOW


@pytest.fixture
def store() -> Iterator[Store]:
    """An empty database in memory."""
    store = open_store("sqlite://")
    SQLModel.metadata.create_all(store.engine)
    yield store
    store.close()


async def get(store: Store, path: str, checks: Mapping[str, Check] | None = None) -> httpx.Response:
    transport = httpx.ASGITransport(app=web_app(store, StandingClock(), checks or {}))
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        return await client.get(path)


def keep_release(store: Store, key: str, state: str) -> None:
    with store.transaction() as session:
        session.add(
            Release(
                key=key,
                name="Autumn",
                target_org="production",
                kind="standard",
                strategy="full",
                state=state,
                owner_id="U0RELMGR",
                created_by="U0RELMGR",
                created_at=NOW,
            )
        )


def keep_intent(store: Store, key: str, state: str, due_at: datetime) -> None:
    with store.transaction() as session:
        session.add(Intent(key=key, flow="deploy", due_at=due_at, state=state, created_at=NOW))


async def test_health_only_says_that_the_process_answers(store: Store) -> None:
    answer = await get(store, "/health", {"slack": lambda: "Slack is away."})
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_ready_when_every_part_works(store: Store) -> None:
    answer = await get(store, "/ready", {"slack": lambda: ""})
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "problems": {}})


async def test_not_ready_names_the_part_at_fault(store: Store) -> None:
    answer = await get(store, "/ready", {"slack": lambda: "Slack is away.", "engine": lambda: ""})
    assert answer.status_code == 503
    assert answer.json()["problems"] == {"slack": "Slack is away."}


async def test_not_ready_without_a_database_says_where_to_look() -> None:
    away = open_store("postgresql://127.0.0.1:1/none?connect_timeout=1")
    answer = await get(away, "/ready")
    assert answer.status_code == 503
    assert "DATABASE_URL" in answer.json()["problems"]["database"]


async def test_metrics_without_tables_are_refused_not_invented() -> None:
    bare = open_store("sqlite://")
    assert (await get(bare, "/metrics")).status_code == 503
    bare.close()


async def test_metrics_count_releases_by_state_with_zero_for_the_rest(store: Store) -> None:
    keep_release(store, "REL-1", "planned")
    keep_release(store, "REL-2", "planned")
    answer = await get(store, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert 'rollcall_releases{state="planned"} 2' in lines
    assert 'rollcall_releases{state="closed"} 0' in lines


async def test_metrics_say_how_long_the_oldest_due_flow_has_waited(store: Store) -> None:
    keep_intent(store, "a", "due", NOW - timedelta(seconds=90))
    keep_intent(store, "b", "due", NOW - timedelta(seconds=30))
    keep_intent(store, "c", "finished", NOW - timedelta(hours=9))
    lines = (await get(store, "/metrics")).text.splitlines()
    assert 'rollcall_intents{state="due"} 2' in lines
    assert "rollcall_oldest_due_intent_seconds 90.000" in lines


async def test_flow_that_is_due_later_is_not_late(store: Store) -> None:
    keep_intent(store, "a", "due", NOW + timedelta(hours=1))
    assert "rollcall_oldest_due_intent_seconds 0.000" in (await get(store, "/metrics")).text


async def test_metrics_are_what_prometheus_reads(store: Store) -> None:
    body = (await get(store, "/metrics")).text
    assert body.endswith("\n")
    for line in body.splitlines():
        if not line.startswith(("# HELP ", "# TYPE ")):
            name, value = line.rsplit(" ", 1)
            assert name.startswith("rollcall_")
            assert float(value) >= 0


async def test_a_nudge_makes_the_engine_look_and_nothing_else(store: Store) -> None:
    nudges: list[str] = []
    web = web_app(store, StandingClock(), {})
    web.routes.append(nudge_route(lambda: nudges.append("nudged")))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=web), base_url="http://bot") as client:
        assert (await client.post("/nudge")).status_code == 204
        assert (await client.get("/nudge")).status_code == 405
    assert nudges == ["nudged"]


class TwoOrgs:
    """Production answers, UAT does not."""

    def problems(self) -> Mapping[str, str]:
        """What is wrong."""
        return {"uat": "No connection could be made."}

    def usage(self) -> Mapping[str, tuple[int, int]]:
        """What was used."""
        return {"production": (1_335, 15_000)}


async def get_with_orgs(store: Store, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=web_app(store, StandingClock(), {}, TwoOrgs()))
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        return await client.get(path)


async def test_an_org_that_is_away_is_told_and_makes_the_bot_no_less_ready(store: Store) -> None:
    answer = await get_with_orgs(store, "/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "problems": {}, "orgs": {"uat": "No connection could be made."}}


async def test_each_orgs_calls_used_and_left_can_be_watched(store: Store) -> None:
    lines = (await get_with_orgs(store, "/metrics")).text.splitlines()
    assert 'rollcall_org_api_calls_used{org="production"} 1335' in lines
    assert 'rollcall_org_api_calls_left{org="production"} 13665' in lines


def test_both_halves_of_an_answer_are_sent_at_once() -> None:
    """Otherwise every answer waits 40 ms for the acknowledgement of its own first half."""
    with listen_on("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()) as asker:
        answering, _ = listener.accept()
        with answering:
            assert answering.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert asker.recv(1) == b""
