"""A day as somebody lives it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True)
class Day:
    """The half-open span [starts_at, ends_at) between two midnights of a zone, aware; not always 24 hours."""

    starts_at: datetime
    ends_at: datetime
    title: str

    def meets(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Whether something that lasts from one instant to the other touches this day."""
        return starts_at < self.ends_at and self.starts_at < ends_at


def day_of(now: datetime, zone: str) -> Day:
    """The day that `now` falls into in a zone (IANA name, UTC when there is none of that name): "Wed 25 Nov"."""
    here = _zone(zone)
    today = now.astimezone(here).date()
    starts, ends = (datetime.combine(day, time(), here) for day in (today, today + timedelta(days=1)))
    return Day(starts, ends, f"{today:%a} {today.day} {today:%b} ({here})")


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
