"""Keeping below the rates that Slack allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rate:
    """So many calls per second in the long run, so many at once."""

    per_second: float
    burst: int


POSTS_PER_CHANNEL = Rate(1.0, 3)
# Slack takes "several hundred messages per minute" of a workspace besides; we read that as three hundred
# (docs.slack.dev/apis/web-api/rate-limits).
POSTS = Rate(5.0, 15)
EDITS = Rate(50 / 60, 20)
# Of these, so many may show how far jobs are: the rest is for what people decided or wait for.
PROGRESS = Rate(40 / 60, 10)
# Slack takes about a hundred a minute (tier 4); the rest is left to people who open their page or turn it over.
HOMES = Rate(60 / 60, 20)


@dataclass
class Pace:
    """Makes callers wait for their turn, one bucket per key; safe to use from many threads.

    `clock` counts seconds, `sleep` waits for some. `share` is how much of each wait is kept: less than all of it only
    where the rates are not Slack's own.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    share: float = 1.0
    _next: dict[str, float] = field(default_factory=dict)
    _held: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_for(self, key: str, rate: Rate) -> None:
        """Wait until one more call of this kind is within the rate."""
        step = self.share / rate.per_second
        with self._lock:
            now = self.clock()
            # The virtual instant at which the bucket would be full again; one call moves it by one step.
            full_at = max(self._next.get(key, now), now)
            self._next[key] = full_at + step
            wait = max(full_at - now - (rate.burst - 1) * step, self._held.get(key, now) - now)
        if wait > 0:
            self.sleep(wait)

    def has_room(self, key: str, rate: Rate) -> bool:
        """Whether one more call of this kind is within the rate now, which then counts; nobody waits."""
        step = self.share / rate.per_second
        with self._lock:
            now = self.clock()
            full_at = max(self._next.get(key, now), now)
            if full_at - now > (rate.burst - 1) * step:
                return False
            self._next[key] = full_at + step
            return True

    def hold(self, key: str, seconds: float) -> None:
        """Slack said to wait: nobody calls under this key before it is over; returns after it."""
        with self._lock:
            self._held[key] = max(self._held.get(key, 0.0), self.clock() + seconds)
        self.sleep(seconds)
