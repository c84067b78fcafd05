"""What the tests of the core share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import SQLModel

from release_core.ports import Ports
from release_core.store import Store, migrate, open_store
from tests.bot.postgres import Cluster, postgres
from tests.release_core import builders

__all__ = ["postgres"]


@pytest.fixture(scope="session")
def postgres_store(postgres: Cluster) -> Iterator[Store]:
    """One PostgreSQL database with its tables, for all tests in turn."""
    store = open_store(postgres.database())
    migrate(store)
    yield store
    store.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def ports(request: pytest.FixtureRequest) -> Ports:
    """Everything an action needs, on an empty database: SQLite in memory, then PostgreSQL where it is installed."""
    if request.param == "sqlite":
        return builders.ports()
    store = request.getfixturevalue("postgres_store")
    assert isinstance(store, Store)
    tables = ", ".join(f'"{table.name}"' for table in SQLModel.metadata.sorted_tables)
    with store.engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    return builders.ports(store=store)


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
