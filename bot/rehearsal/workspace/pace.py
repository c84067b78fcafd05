"""How often the bot may call, and how long things last; measured in real time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

TIERS = {2: 20, 3: 50, 4: 100}
POSTS_PER_SECOND = 1.0
POST_BURST = 5


@dataclass
class Pace:
    """The workspace's time limits, in real seconds; tests make them shorter."""

    ack_within: float = 3.0
    trigger_lives: float = 3.0
    response_url_lives: float = 1800.0
    response_url_uses: int = 5
    refreshed_within: float = 10.0
    retry_after: tuple[float, ...] = (0.0, 60.0, 300.0)
    quiet_for: float = 0.1
    rate_limits: bool = True


@dataclass
class _Bucket:
    left: float
    at: float


class RateLimits:
    """Token buckets, one per method (and per channel for posts)."""

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}

    def take(self, name: str, per_second: float, burst: int) -> int:
        """Take one call from a bucket; 0 when it was there, else the whole seconds to wait for the next."""
        now = time.monotonic()
        bucket = self._buckets.setdefault(name, _Bucket(burst, now))
        bucket.left = min(burst, bucket.left + (now - bucket.at) * per_second)
        bucket.at = now
        if bucket.left >= 1:
            bucket.left -= 1
            return 0
        return max(1, math.ceil((1 - bucket.left) / per_second))

    def take_tier(self, method: str, tier: int) -> int:
        """Take one call of a method in tier 2, 3 or 4."""
        per_minute = TIERS[tier]
        return self.take(method, per_minute / 60, per_minute)

    def take_post(self, method: str, channel: str) -> int:
        """Take one post into a channel."""
        return self.take(f"{method} {channel}", POSTS_PER_SECOND, POST_BURST)
