"""Telling whether what was read from the database is still what it holds.

The rule for whoever remembers something: ask for the moment first, read after that; believe it while the moment is the
same. Where the moment is another one, ask what was asked before once more: the same rows give the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

# The pragma's value changes on a connection whenever another one commits to the file (sqlite.org/pragma.html). On
# PostgreSQL the value is which transactions a reader sees, whole: it is another one after every commit that wrote
# something, in whatever process, and no value comes back once a commit lies between.
_ASKED = {"sqlite": "PRAGMA data_version", "postgresql": "SELECT pg_current_snapshot()::text"}
_BEGIN = {"sqlite": "BEGIN", "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}

# In KB, a quarter of SQLite's own: there are many connections, and the system keeps the file's pages for all of them.
SMALL_CACHE = "cache_size=-500"


@dataclass
class Reads:
    """What was asked of the database, in order, as its driver was told; None once something else was done there."""

    asked: list[tuple[str, Any]] | None = field(default_factory=list)


_recorded: ContextVar[Reads | None] = ContextVar("reads", default=None)


@contextlib.contextmanager
def recorded() -> Iterator[Reads]:
    """What is asked of databases within the block, in its thread and those that it hands its context to."""
    token = _recorded.set(reads := Reads())
    try:
        yield reads
    finally:
        _recorded.reset(token)


def _record(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
    reads = _recorded.get()
    if reads is None or reads.asked is None or statement == "BEGIN":
        return
    if many or not statement.startswith("SELECT"):
        reads.asked = None
    else:
        reads.asked.append((statement, parameters))


class Moments:
    """A value for the present state of a database: equal values, equal contents.

    It is read on a connection that writes nothing and is used for nothing else; rows are read on another one.
    """

    def __init__(self, engine: Engine) -> None:
        self._dialect = engine.dialect.name
        self._moments, self._rows = _Line(engine), _Line(engine)
        # A database in memory has one connection for everybody, which does not notice its own commits.
        self._known = engine.url.get_backend_name() == "postgresql" or engine.url.database not in (None, "", ":memory:")
        event.listen(engine, "before_cursor_execute", _record)

    def now(self) -> Hashable | None:
        """The present moment; None when it cannot be told, which equals nothing."""
        return self._moments.ask(self._moment) if self._known else None

    def rows(self, reads: Reads) -> Hashable | None:
        """A digest of the rows that the same questions give now, read at one instant; None when it cannot be told."""
        asked = reads.asked
        return self._rows.ask(lambda connection, _: self._digest(connection, asked)) if asked and self._known else None

    def close(self) -> None:
        """Let go of the connections."""
        self._moments.close()
        self._rows.close()

    def _moment(self, connection: Any, opened: int) -> Hashable:
        # Values of one connection to a file mean nothing on another.
        return opened, *connection.execute(_ASKED[self._dialect]).fetchall()

    def _digest(self, connection: Any, asked: Sequence[tuple[str, Any]]) -> Hashable:
        on_postgres = self._dialect == "postgresql"
        # There, all goes to the server in one go.
        with connection.pipeline() if on_postgres else contextlib.nullcontext():
            connection.execute(_BEGIN[self._dialect])
            cursors = [connection.execute(statement, parameters) for statement, parameters in asked]
            rows = [] if on_postgres else [cursor.fetchall() for cursor in cursors]
            connection.execute("COMMIT")
        rows = rows or [cursor.fetchall() for cursor in cursors]
        return hashlib.blake2b(repr(rows).encode(), digest_size=16).digest()


class _Line:
    """A connection that is opened when somebody asks, one question at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Any = None
        self._opened = 0
        self._closed = False
        self._lock = threading.Lock()

    def ask(self, question: Callable[[Any, int], Hashable]) -> Hashable | None:
        """What a question to the connection gives, told how many were opened so far; None when it is lost."""
        with self._lock:
            if self._closed:
                return None  # whoever still asked when the store was let go of must not open it again
            try:
                if self._connection is None:
                    self._opened += 1
                    self._connection = self._connect()
                return question(self._connection, self._opened)
            except self._engine.dialect.loaded_dbapi.Error:
                # Whoever reads the database next meets the same trouble, with words for it.
                self._drop()
                return None
            except BaseException:
                # It may be in the middle of a transaction, in which time stands still.
                self._drop()
                raise

    def close(self) -> None:
        """Let go of the connection, for good."""
        with self._lock:
            self._closed = True
            self._drop()

    def _connect(self) -> Any:
        dialect = self._engine.dialect
        words, named = dialect.create_connect_args(self._engine.url)
        if dialect.name == "sqlite":
            connection = dialect.connect(*words, **{**named, "check_same_thread": False, "isolation_level": None})
            connection.execute(f"PRAGMA {SMALL_CACHE}")
            return connection
        return dialect.connect(*words, **{**named, "autocommit": True, "prepare_threshold": 0})

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(self._engine.dialect.loaded_dbapi.Error):
                connection.close()
