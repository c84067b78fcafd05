"""Who may run flows: one process per folder, or replicas that prove that they are alive."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import SQLAlchemyError

from release_core.errors import Refused

log = structlog.get_logger(__name__)

FENCED = 70  # the exit status of a replica that found itself declared dead (EX_SOFTWARE)
_JANITOR_LOCK = 7_265_001  # any number that nobody else in this database uses for advisory locks

TakeOver = Callable[[Callable[[], set[str]]], None]


@dataclass(frozen=True)
class LeaseTimes:
    """Seconds. A replica beats; without a beat for `fence_after` it ends itself, after `dead_after` others take over.

    Calls that change something outside must give up within `dead_after - fence_after`, so that a fenced replica cannot
    still be writing when its successor looks.
    """

    beat_every: float = 5.0
    fence_after: float = 20.0
    dead_after: float = 60.0
    janitor_every: float = 10.0

    @classmethod
    def scaled_to(cls, dead_after: float) -> LeaseTimes:
        """The usual proportions, for a replica that counts as dead after so many seconds."""
        usual = cls()
        share = dead_after / usual.dead_after
        return cls(usual.beat_every * share, usual.fence_after * share, dead_after, usual.janitor_every * share)


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Own `folder` until the block ends; Refused("already_running") when another process owns it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "engine.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(
                "already_running",
                f"Rollcall is already running on the folder {folder}, and two at once would run everything twice. "
                "Stop the other one first, or give this one a folder of its own.",
            ) from error
        yield


class _Repeated:
    """Something done again and again in a thread of its own, whatever becomes of each time."""

    def __init__(self, name: str, every: float, act: Callable[[], None], afterwards: Callable[[], None]) -> None:
        self._every = every
        self._act = act
        self._afterwards = afterwards
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._forever, name=name, daemon=True)

    def start(self) -> None:
        """Begin, after one interval."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the end."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _forever(self) -> None:
        while not self._ended.wait(self._every):
            try:
                self._act()
            except SQLAlchemyError as error:
                log.warning("lease.database_unreachable", during=self._thread.name, problem=str(error))
            except Exception:
                # A replica that stopped watching without a word would strand the work of others.
                log.exception("lease.failed", during=self._thread.name)
            self._afterwards()


class Lease:
    """This replica's proof of life in the database, by the database's own clock.

    `take_over` is called in whichever replica is janitor at the moment, with a question that names the living replicas;
    it has to look for work before it asks, because a replica announces itself before it works.
    """

    def __init__(self, url: URL, executor_id: str, version: str, take_over: TakeOver, times: LeaseTimes) -> None:
        self.executor_id = executor_id
        self._version = version
        self._take_over = take_over
        self._times = times
        # A pool of its own: a busy application must not keep a replica from proving that it lives.
        waits = {"connect_timeout": 3, "options": "-c statement_timeout=3000", "tcp_user_timeout": 3000}
        self._engine = create_engine(url, pool_size=3, max_overflow=0, pool_pre_ping=True, connect_args=waits)
        self._beaten_at = time.monotonic()
        self._beats = _Repeated("lease-beat", times.beat_every, self._beat, self.must_hold)
        self._janitor = _Repeated("lease-janitor", times.janitor_every, self._sweep, self.must_hold)

    def take(self) -> None:
        """Announce this replica and begin to beat; to be called before it works."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO executorlease (executor_id, heartbeat, host, pid, version) "
                    "VALUES (:id, extract(epoch from clock_timestamp()), :host, :pid, :version)"
                ),
                {"id": self.executor_id, "host": socket.gethostname(), "pid": os.getpid(), "version": self._version},
            )
        self._beaten_at = time.monotonic()
        self._beats.start()

    def watch(self) -> None:
        """Begin to look after dead replicas; to be called once this one can take work over."""
        self._janitor.start()

    def unwatch(self) -> None:
        """Leave dead replicas to others; to be called before this one stops being able to take work over."""
        self._janitor.stop()

    def let_go(self, *, parked: bool) -> None:
        """Stop beating. With all work `parked` the others take it over at once, else only after `dead_after`."""
        self.unwatch()
        self._beats.stop()
        if parked:
            with self._engine.begin() as connection:
                self._delete(connection, self.executor_id)
        self._engine.dispose()

    def must_hold(self) -> None:
        """End the process when it has not proved its life for so long that others may have taken its work over."""
        if time.monotonic() - self._beaten_at > self._times.fence_after:
            self._fence("this replica could not prove its life to the database in time")

    def _beat(self) -> None:
        with self._engine.begin() as connection:
            beaten = connection.execute(
                text(
                    "UPDATE executorlease SET heartbeat = extract(epoch from clock_timestamp()) "
                    "WHERE executor_id = :id AND heartbeat > extract(epoch from clock_timestamp()) - :dead_after"
                ),
                {"id": self.executor_id, "dead_after": self._times.dead_after},
            )
        if beaten.rowcount == 0:
            self._fence("this replica was declared dead while it was not running")
        self._beaten_at = time.monotonic()

    def _sweep(self) -> None:
        with self._engine.begin() as connection:
            if not connection.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _JANITOR_LOCK}):
                return
            # The engine is called inside this transaction, which holds nothing but the lock that makes one janitor.
            dead = self._leases(connection, "<=")
            self._take_over(self._living)
            for executor_id in dead:
                log.warning("lease.replica_died", executor_id=executor_id)
                self._delete(connection, executor_id)

    def _living(self) -> set[str]:
        with self._engine.connect() as connection:
            return self._leases(connection, ">")

    def _leases(self, connection: Connection, comparison: str) -> set[str]:
        query = (
            f"SELECT executor_id FROM executorlease "  # noqa: S608 -- the comparison is one of two literals above
            f"WHERE heartbeat {comparison} extract(epoch from clock_timestamp()) - :dead_after"
        )
        return set(connection.scalars(text(query), {"dead_after": self._times.dead_after}))

    @staticmethod
    def _delete(connection: Connection, executor_id: str) -> None:
        connection.execute(text("DELETE FROM executorlease WHERE executor_id = :id"), {"id": executor_id})

    def _fence(self, reason: str) -> None:
        log.critical("lease.fenced", executor_id=self.executor_id, reason=reason)
        # Not sys.exit: nothing may run on, not even a `finally`, in a process whose work belongs to another.
        os._exit(FENCED)
