"""Telling whether anything was committed since one looked last."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Hashable
from typing import Any

from sqlalchemy.engine import Engine

# The pragma's value changes on a connection whenever another one commits to the file (sqlite.org/pragma.html). On
# PostgreSQL the value is which transactions a reader sees, whole: it is another one after every commit that wrote
# something, in whatever process, and no value comes back once a commit lies between.
_ASKED = {"sqlite": "PRAGMA data_version", "postgresql": "SELECT pg_current_snapshot()::text"}


class Moments:
    """A value for the present state of a database: equal values, equal contents.

    It is read on a connection that writes nothing and is used for nothing else. The rule for whoever remembers what was
    read: ask for the moment first, read after that, and believe it only while the moment is the same.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Any = None
        self._opened = 0
        self._lock = threading.Lock()
        # A database in memory has one connection for everybody, which does not notice its own commits.
        self._known = engine.url.get_backend_name() == "postgresql" or engine.url.database not in (None, "", ":memory:")

    def now(self) -> Hashable | None:
        """The present moment; None when it cannot be told, which equals nothing."""
        if not self._known:
            return None
        with self._lock:
            try:
                value = self._asked()
            except self._engine.dialect.loaded_dbapi.Error:
                # Whoever reads the database next meets the same trouble, with words for it.
                self._drop()
                return None
            return self._opened, value

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._drop()

    def _asked(self) -> Hashable:
        if self._connection is None:
            # Values of one connection to a file mean nothing on another.
            self._opened += 1
            self._connection = self._connect()
        cursor = self._connection.execute(_ASKED[self._engine.dialect.name])
        (found,) = cursor.fetchone()
        cursor.close()
        return found  # type: ignore[no-any-return]

    def _connect(self) -> Any:
        dialect = self._engine.dialect
        words, named = dialect.create_connect_args(self._engine.url)
        if dialect.name == "sqlite":
            return dialect.connect(*words, **{**named, "check_same_thread": False, "isolation_level": None})
        return dialect.connect(*words, **{**named, "autocommit": True, "prepare_threshold": 0})

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(self._engine.dialect.loaded_dbapi.Error):
                connection.close()
