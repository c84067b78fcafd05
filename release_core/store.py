"""Keeping facts: one database, transactions that lose nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import event, text
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, create_engine

from release_core.errors import Conflict
from release_core.moments import SMALL_CACHE, Moments, Reads

MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 7_265_002  # any number that nobody else in this database uses for advisory locks


class Contended(Conflict):
    """Somebody else was writing at the same moment; the same action may simply be tried again."""


class Store:
    """The database behind everything people were told.

    `transaction` gives a session that commits when its block ends and leaves nothing behind when it raises;
    `reading` gives one for questions.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        on_sqlite = engine.dialect.name == "sqlite"
        self._readers = engine.execution_options(
            reading=True, **({} if on_sqlite else {"isolation_level": "REPEATABLE READ"})
        )
        self._moments = Moments(engine)

    @property
    def is_sqlite(self) -> bool:
        """Whether one process alone may own this database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction; Contended when somebody was writing the same facts at the same moment."""
        with Session(self.engine, expire_on_commit=False) as session:
            try:
                yield session
                session.commit()
            except (IntegrityError, OperationalError, StaleDataError) as error:
                session.rollback()
                if isinstance(error, OperationalError) and not _is_contention(error):
                    raise
                raise Contended(
                    "Somebody changed this a moment ago. Look again, then repeat it if it is still needed."
                ) from error

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for questions; nothing written in it is kept."""
        with Session(self._readers, expire_on_commit=False) as session:
            yield session

    def moment(self) -> Hashable | None:
        """A value for what the database holds now, another one after every commit; None when it cannot be told.

        What was read after a moment is the truth for as long as the moment stays the same.
        """
        return self._moments.now()

    def rows(self, reads: Reads) -> Hashable | None:
        """A digest of the rows that the same questions give now; None when it cannot be told."""
        return self._moments.rows(reads)

    def close(self) -> None:
        """Let go of every connection."""
        self._moments.close()
        self.engine.dispose()


def open_store(url: str) -> Store:
    """The store at a database URL (sqlite:///… or postgresql+psycopg://…), without touching its tables."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return Store(_sqlite_engine(url, in_memory=parsed.database in (None, "", ":memory:")))
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return Store(create_engine(parsed, pool_pre_ping=True, isolation_level="SERIALIZABLE"))


def migrate(store: Store) -> None:
    """Bring the tables to the newest shape; of several replicas that start at once, one does it."""
    if _shape(store) == newest_shape():
        return
    # Ten megabytes, a fifth of a second: only for whoever has something to migrate.
    from alembic import command
    from alembic.config import Config

    with store.engine.connect() as connection, _alone(connection):
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def newest_shape() -> str:
    """The revision of the newest migration, with whose number its file begins."""
    return max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _shape(store: Store) -> str:
    """The revision that the database is at; "" when it is not known to be at any."""
    try:
        with store.engine.connect() as connection:
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    except (OperationalError, ProgrammingError):
        return ""  # it has no tables yet, or cannot be reached, which the migration says better
    return found[0] if len(found) == 1 else ""


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    if connection.dialect.name == "sqlite":
        yield
        return
    # In a transaction of its own: what the others made while we waited must be seen afterwards.
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _MIGRATION_LOCK})
        connection.commit()


def _is_contention(error: OperationalError) -> bool:
    cause = error.orig
    return getattr(cause, "sqlstate", None) in ("40001", "40P01") or "database is locked" in str(cause)


def _sqlite_engine(url: str, *, in_memory: bool) -> Engine:
    if in_memory:
        engine = create_engine(url, connect_args={"check_same_thread": False}, poolclass=StaticPool)
    else:
        # Whoever had to wait for a connection might be the event loop; the threads bound their number anyway.
        engine = create_engine(url, connect_args={"check_same_thread": False}, max_overflow=-1)

    # The driver's own transaction handling would read outside the transaction and lose updates without an error.
    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("busy_timeout=30000", "foreign_keys=ON", "synchronous=FULL", "journal_mode=WAL", SMALL_CACHE):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine
