"""Tests that end the bot without warning, anywhere, to see it carry on."""

from __future__ import annotations

import random
import time
from collections import Counter as Count
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from release_core.models import Counter
from release_core.store import Store
from tests.bot.postgres import Cluster
from tests.bot.processes import Replica, wait_until
from tests.bot.replica import STEPS, Traces, fresh_store, put, states

STORIES = [f"s{number}" for number in range(4)]


def assert_each_story_was_told_once(store: Store, traces: Traces) -> None:
    for name in STORIES:
        did = traces.read(name)
        # A step that is interrupted may be repeated; one that was completed never is, so the order never goes back.
        assert [STEPS.index(one) for one in did] == sorted(STEPS.index(one) for one in did), (name, did)
        assert set(did) == set(STEPS)
        assert Count(did)["create"] == 1
        with store.reading() as session:
            assert session.get_one(Counter, name).last == 1


def test_a_bot_killed_at_random_moments_carries_on(tmp_path: Path, replicas: Callable[..., Replica]) -> None:
    """However often the process dies, every step that was completed stays done and the rest follows."""
    store = fresh_store(f"sqlite:///{tmp_path}/app.sqlite")
    traces = Traces(tmp_path)
    for number, name in enumerate(STORIES):
        put(store, f"story:{name}", "test-story", lane=f"org-{number % 2}", name=name, rest=0.4)
    kills = 0
    while kills < 6 and set(states(store).values()) != {"finished"}:
        bot = replicas(store, tmp_path)
        time.sleep(random.uniform(0.05, 1.5))
        bot.kill()
        kills += 1
    bot = replicas(store, tmp_path)
    wait_until(lambda: set(states(store).values()) == {"finished"})
    assert bot.terminate() == 0
    assert kills >= 2
    assert_each_story_was_told_once(store, traces)
    assert all(traces.read(f"word:{name}") for name in STORIES)
    store.close()


@pytest.fixture
def shared(postgres: Cluster) -> Iterator[Store]:
    """A store that several replicas share."""
    store = fresh_store(postgres.database())
    yield store
    store.close()


def test_two_replicas_run_each_intent_once(tmp_path: Path, shared: Store, replicas: Callable[..., Replica]) -> None:
    """Both look for due work at the same moments, and nothing runs twice."""
    for _ in range(2):
        replicas(shared, tmp_path)
    for number in range(40):
        put(shared, f"word:{number}", "test-word", lane=f"lane-{number % 5}", name=str(number))
    for name in STORIES:
        put(shared, f"story:{name}", "test-story", lane=name, name=name)
    wait_until(lambda: set(states(shared).values()) == {"finished"})
    traces = Traces(tmp_path)
    assert [traces.read(f"word:{number}") for number in range(40)] == [["say"]] * 40
    assert_each_story_was_told_once(shared, traces)


def test_a_killed_replicas_work_is_taken_over(tmp_path: Path, shared: Store, replicas: Callable[..., Replica]) -> None:
    """The survivor carries the dead replica's flows on from where they were."""
    doomed = replicas(shared, tmp_path)
    for name in STORIES:
        put(shared, f"story:{name}", "test-story", lane=name, name=name, rest=1.0)
    traces = Traces(tmp_path)
    wait_until(lambda: len(traces.read()) >= len(STORIES))
    replicas(shared, tmp_path)
    doomed.kill()
    wait_until(lambda: set(states(shared).values()) == {"finished"})
    assert_each_story_was_told_once(shared, traces)
