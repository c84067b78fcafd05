"""Who may run flows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlmodel import delete, select

from bot.leases import FENCED, folder_lock
from release_core.errors import Refused
from release_core.models import ExecutorLease, Intent
from release_core.store import Store
from tests.bot.postgres import Cluster
from tests.bot.processes import Replica, wait_until
from tests.bot.replica import HASTE, STEPS, Traces, fresh_store, put, read_intent, states

Replicas = Callable[[Store, Path], Replica]


def test_a_folder_has_one_owner_at_a_time(tmp_path: Path) -> None:
    """The second is refused by a sentence that names the folder; after the first has ended, another may own it."""
    with folder_lock(tmp_path), pytest.raises(Refused, match=str(tmp_path)) as refusal, folder_lock(tmp_path):
        pass
    assert refusal.value.code == "already_running"
    with folder_lock(tmp_path):
        pass


def test_a_second_bot_on_the_folder_does_not_start(tmp_path: Path, replicas: Replicas) -> None:
    """Also when it is another process."""
    store = fresh_store(f"sqlite:///{tmp_path}/app.sqlite")
    replicas(store, tmp_path)
    with pytest.raises(Refused), folder_lock(tmp_path):
        pass
    store.close()


@pytest.fixture
def shared(postgres: Cluster) -> Iterator[Store]:
    """A store that several replicas share."""
    store = fresh_store(postgres.database())
    yield store
    store.close()


def living(store: Store) -> set[str]:
    """The replicas that hold a lease."""
    with store.reading() as session:
        return set(session.exec(select(ExecutorLease.executor_id)))


def finished(store: Store, key: str) -> bool:
    """Whether an intent's flow ran to its end."""
    return states(store)[key] == "finished"


def test_a_frozen_replica_ends_itself(tmp_path: Path, shared: Store, replicas: Replicas) -> None:
    """Its work is taken over; when it thaws it finds that out and ends, without repeating anything."""
    frozen = replicas(shared, tmp_path)
    put(shared, "story", "test-story", lane="uat", name="s", rest=1.0)
    traces = Traces(tmp_path)
    wait_until(lambda: "create" in traces.read("s"))
    time.sleep(0.2)  # until it rests
    frozen.freeze()
    survivor = replicas(shared, tmp_path)
    wait_until(lambda: finished(shared, "story"))
    frozen.thaw()
    assert frozen.exit_status() == FENCED
    assert living(shared) == {survivor.executor_id}
    assert sorted(traces.read("s"), key=STEPS.index) == traces.read("s")
    assert read_intent(shared, "story").takeovers == 1


def test_a_replica_without_a_lease_ends_itself(tmp_path: Path, shared: Store, replicas: Replicas) -> None:
    """Declared dead by others, it believes them."""
    replica = replicas(shared, tmp_path)
    with shared.transaction() as session:
        session.exec(delete(ExecutorLease))
    assert replica.exit_status() == FENCED


def test_a_replica_that_is_asked_to_end_hands_its_work_over(tmp_path: Path, shared: Store, replicas: Replicas) -> None:
    """The others do not have to wait until its lease runs out."""
    leaving = replicas(shared, tmp_path)
    put(shared, "story", "test-story", lane="uat", name="s", rest=30.0)
    traces = Traces(tmp_path)
    wait_until(lambda: "create" in traces.read("s"))
    survivor = replicas(shared, tmp_path)
    assert leaving.terminate() == 0
    assert living(shared) == {survivor.executor_id}
    wait_until(lambda: read_intent(shared, "story").takeovers == 1)


def test_work_that_kills_its_replicas_is_given_up(tmp_path: Path, shared: Store, replicas: Replicas) -> None:
    """After so many take-overs somebody has to look; people are told, and the work is left alone."""
    doomed = replicas(shared, tmp_path)
    put(shared, "story", "test-story", lane="uat", name="s", rest=60.0)
    traces = Traces(tmp_path)
    wait_until(lambda: "create" in traces.read("s"))
    with shared.transaction() as session:
        session.get_one(Intent, "story").takeovers = HASTE.most_takeovers
    replicas(shared, tmp_path)
    doomed.kill()
    wait_until(lambda: states(shared)["story"] == "failed")
    problem = read_intent(shared, "story").problem
    assert "interrupted more than 5 times" in problem
    assert traces.read("story") == [f"failed: {problem}"]
