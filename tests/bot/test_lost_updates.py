"""Many who change the same row at the same moment."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from release_core.models import Counter
from release_core.store import Contended, Store
from tests.bot.postgres import Cluster
from tests.bot.replica import fresh_store

WRITERS, EACH = 5, 12


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store with a counter, on each database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/app.sqlite"
    else:
        cluster = request.getfixturevalue("postgres")
        assert isinstance(cluster, Cluster)
        url = cluster.database()
    store = fresh_store(url)
    with store.transaction() as session:
        session.add(Counter(kind="REL"))
    yield store
    store.close()


def test_no_update_is_lost(store: Store) -> None:
    """Everybody reads, adds one and writes; whoever met somebody is told so and tries again; the sum is right."""

    def add_often(_: int) -> None:
        left = EACH
        while left:
            try:
                with store.transaction() as session:
                    session.get_one(Counter, "REL").last += 1
            except Contended:
                continue
            left -= 1

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(add_often, range(WRITERS)))
    with store.reading() as session:
        assert session.get_one(Counter, "REL").last == WRITERS * EACH
