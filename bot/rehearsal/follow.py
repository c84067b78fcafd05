"""A clock that follows a rehearsal's clock from another process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx

EVERY = 0.5  # seconds
WORTH_A_MOVE = timedelta(seconds=2)


class FollowingClock:
    """Real time plus the offset that a rehearsal's clock has; aware UTC."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._offset = timedelta()
        self._listeners: list[Callable[[], None]] = []
        self._stopped = threading.Event()
        self._look()
        threading.Thread(target=self._forever, name="rehearsal-clock", daemon=True).start()

    def now(self) -> datetime:
        """The rehearsal's present instant."""
        return datetime.now(UTC) + self._offset

    def on_move(self, listener: Callable[[], None]) -> None:
        """Call `listener` after the rehearsal's clock was moved."""
        self._listeners.append(listener)

    def stop(self) -> None:
        """Follow no more."""
        self._stopped.set()

    def _forever(self) -> None:
        while not self._stopped.wait(EVERY):
            if self._look():
                for listener in list(self._listeners):
                    listener()

    def _look(self) -> bool:
        try:
            ahead = httpx.get(self._url, timeout=5, trust_env=False).json()["ahead_seconds"]
        except (httpx.HTTPError, ValueError, KeyError):
            return False  # the rehearsal is restarting; its clock has not moved back
        offset = timedelta(seconds=float(ahead))
        moved = abs(offset - self._offset) > WORTH_A_MOVE
        self._offset = offset if moved else self._offset
        return moved
