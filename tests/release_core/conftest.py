"""What the tests of the core share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from release_core.ports import Ports
from release_core.store import Store, open_store
from tests.bot.postgres import Cluster, postgres
from tests.release_core import builders

__all__ = ["postgres"]


@pytest.fixture
def ports() -> Ports:
    """Everything an action needs, on an empty database in memory."""
    return builders.ports()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database without tables: a SQLite file, then PostgreSQL where it is installed."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/rollcall.sqlite"
    else:
        cluster = request.getfixturevalue("postgres")
        assert isinstance(cluster, Cluster)
        url = cluster.database()
    store = open_store(url)
    yield store
    store.close()
