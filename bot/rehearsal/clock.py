"""The clock that a rehearsal runs on: real time plus an offset that people may move forward."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class MovableClock:
    """Aware UTC instants that tick like real time and can be moved forward, never back.

    One clock is shared by the workspace, the orgs and the bot of a rehearsal; it is safe to use from any thread.
    """

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self._offset = offset
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    @property
    def offset(self) -> timedelta:
        """How far this clock is ahead of the machine's."""
        return self._offset

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        return datetime.now(UTC) + self._offset

    def move_to(self, instant: datetime) -> datetime:
        """Move forward to an aware instant and tell the listeners; ValueError when it lies in the past."""
        with self._lock:
            ahead = instant - self.now()
            if ahead < timedelta():
                raise ValueError(f"the clock can only move forward; it is already {self.now():%Y-%m-%d %H:%M:%S} UTC")
            self._offset += ahead
        for listener in list(self._listeners):
            listener()
        return self.now()

    def advance(self, span: timedelta) -> datetime:
        """Move forward by a span."""
        return self.move_to(self.now() + span)

    def on_move(self, listener: Callable[[], None]) -> None:
        """Call `listener` (from the mover's thread) after each move."""
        self._listeners.append(listener)
