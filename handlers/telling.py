"""One fact with what is needed to word it."""

from __future__ import annotations

from datetime import datetime

from handlers.conversation import at, clean
from handlers.phrases import org_title, who
from handlers.times import Moment, span_words
from handlers.zones import named_zone
from release_core.models import TimelineEntry
from release_core.policy import Policy


class Telling:
    """One fact with what is needed to word it; what orgs and files say is kept free of our own marks."""

    def __init__(self, policy: Policy, entry: TimelineEntry) -> None:
        self.policy = policy
        self.entry = entry
        self.by = who(entry.actor)

    def get(self, name: str) -> str:
        """A detail as text, "" when it was not recorded."""
        value = self.entry.details.get(name)
        return "" if value is None else clean(str(value))

    def org(self) -> str:
        """The org that the fact is about."""
        return org_title(self.policy, self.get("org"))

    def instant(self, name: str) -> str:
        """A recorded instant, in each reader's zone."""
        return at(datetime.fromisoformat(self.get(name)))

    def company_time(self, first: str, last: str) -> str:
        """Two recorded instants in the company's zone, so that people of several zones name the same hours."""
        zone = named_zone(self.policy.zone)
        start, end = (datetime.fromisoformat(self.get(name)) for name in (first, last))
        return span_words((Moment(start, zone), Moment(end, zone)))

    def names(self, name: str) -> list[str]:
        """A recorded list."""
        return [clean(str(value)) for value in self.entry.details.get(name, [])]

    def seat(self, name: str) -> str:
        """How people call a seat."""
        return self.policy.seats[name].title if name in self.policy.seats else name

    def after(self, name: str, before: str = ": ") -> str:
        """A detail with what leads to it, nothing when it is empty."""
        return f"{before}{self.get(name)}" if self.get(name) else ""
