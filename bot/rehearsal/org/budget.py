"""The daily budget of API calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from bot.rehearsal.org.results import Refusal

USUAL = 15_000


@dataclass
class Budget:
    """Calls used on a UTC day of the org's clock; a real org counts the last 24 hours instead."""

    used: int = 0
    most: int = USUAL
    day: date | None = None

    def spend(self, now: datetime) -> None:
        """Count one call; Refusal when the day's budget is used up."""
        self.turn(now)
        if self.used >= self.most:
            raise Refusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403)
        self.used += 1

    def turn(self, now: datetime) -> None:
        """Begin anew when a new day has begun."""
        if self.day != now.date():
            self.used = 0 if self.day is not None else self.used
            self.day = now.date()

    @property
    def left(self) -> int:
        """Calls that are still allowed today."""
        return max(0, self.most - self.used)

    @property
    def header(self) -> str:
        """What Sforce-Limit-Info says, e.g. `api-usage=18/15000`."""
        return f"api-usage={self.used}/{self.most}"
