"""A core action whose step is repeated after a crash."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session

from bot.once import once
from bot.outside import Outside, current, use
from bot.rehearsal.clock import MovableClock
from release_core.models import Counter
from release_core.ports import Ports
from release_core.store import Contended, Store
from tests.bot.postgres import Cluster
from tests.bot.replica import fresh_store


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store in use, on each database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/app.sqlite"
    else:
        cluster = request.getfixturevalue("postgres")
        assert isinstance(cluster, Cluster)
        url = cluster.database()
    store = fresh_store(url)
    use(Outside(Ports(store, None, MovableClock(), None), org=None, chat=None))  # type: ignore[arg-type]
    yield store
    store.close()


def add(session: Session, kind: str) -> int:
    """Add one to a counter."""
    counter = session.get(Counter, kind) or Counter(kind=kind)
    counter.last += 1
    session.add(counter)
    return counter.last


def act() -> int:
    """A core action."""
    with current().ports.store.transaction() as session:
        return add(session, "REL")


def last(store: Store, kind: str) -> int:
    """How far a counter is."""
    with store.reading() as session:
        counter = session.get(Counter, kind)
        return 0 if counter is None else counter.last


def test_a_repeated_action_gives_the_first_value(store: Store) -> None:
    """The second time nothing happens, and nobody can tell."""
    assert [once("k", act), once("k", act), once("other", act)] == [1, 1, 2]
    assert last(store, "REL") == 2


def test_an_action_that_raises_may_be_tried_again(store: Store) -> None:
    """What it had written is gone, and so is its receipt."""

    def half() -> int:
        act()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        once("k", half)
    assert last(store, "REL") == 0
    assert once("k", act) == 1


def test_a_clash_inside_an_action_can_be_answered(store: Store) -> None:
    """An action that finds its row already written goes on in the same transaction."""

    def answer() -> str:
        act()
        try:
            with current().ports.store.transaction() as session:
                session.add(Counter(kind="REL", last=99))
        except Contended:
            return "already there"
        return "written"

    with store.transaction() as session:
        add(session, "REL")
    assert once("k", answer) == "already there"
    assert last(store, "REL") == 2
