"""Who looks at the page: the names they can see and the time zone they live in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Reader:
    """One acting person, with what is needed to draw a text the way they see it.

    `people`, `channels` and `groups` map ids to display names (without `@` or `#`); `gone` are the ids that nobody
    may choose any more.
    """

    user_id: str
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    people: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()

    def local(self, instant: datetime) -> datetime:
        """The same instant on this person's wall clock."""
        return instant.astimezone(self.zone)
