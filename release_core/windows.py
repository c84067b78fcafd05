"""When a deployment may start: weekly windows, freezes that beat them, the next legal time.

People speak in wall clock with a zone name; here everything becomes half-open UTC intervals [starts_at, ends_at), on
which the rules are plain set algebra: what is open is the union of the windows minus the union of the freezes. Lifting
or waiving one freeze therefore never opens what another one still covers.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from release_core.errors import Unclear
from release_core.policy import WEEKDAYS

if TYPE_CHECKING:
    from release_core.models import Freeze
    from release_core.policy import FreezeRule, WindowRule

HORIZON = timedelta(days=90)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, order=True)
class Interval:
    """The instants from `starts_at` up to, without, `ends_at`; both are aware and become UTC.

    Raises Unclear when it would hold no instant, ValueError when an instant has no zone.
    """

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts_at", _utc(self.starts_at))
        object.__setattr__(self, "ends_at", _utc(self.ends_at))
        if self.ends_at <= self.starts_at:
            raise Unclear("The end lies at or before the start. Give an end that is later than the start.", field="to")

    def contains(self, instant: datetime) -> bool:
        """Whether an instant lies in it; the start does, the end does not."""
        return self.starts_at <= instant < self.ends_at

    def overlaps(self, other: Interval) -> bool:
        """Whether the two share an instant; touching is not sharing."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def covers(self, other: Interval) -> bool:
        """Whether every instant of the other lies in it."""
        return self.starts_at <= other.starts_at and other.ends_at <= self.ends_at


@dataclass(frozen=True)
class FrozenSpan:
    """The instants in which no deployment to `org` ("*": any) may start.

    `key` is what a waiver names. `who` is the chat id of the person who set it, "" when it stands in the policy.
    """

    key: str
    name: str
    org: str
    starts_at: datetime
    ends_at: datetime
    reason: str = ""
    who: str = ""

    @property
    def interval(self) -> Interval:
        """From when to when."""
        return Interval(self.starts_at, self.ends_at)

    def concerns(self, org: str) -> bool:
        """Whether it closes this org."""
        return self.org in ("*", org)


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone of that name, letter case aside; Unclear, with the nearest names, when there is none."""
    found = _zone_names().get(name.strip().casefold())
    if found is not None:
        return ZoneInfo(found)
    near = difflib.get_close_matches(name.strip().casefold(), _zone_names(), n=3, cutoff=0.6)
    hint = ", ".join(_zone_names()[key] for key in near) or "Europe/Berlin or America/New_York"
    raise Unclear(f"There is no time zone “{name}”. Use a name such as {hint}.", field="zone")


def wall_instant(local: datetime, zone: str) -> datetime:
    """The instant (aware UTC) at which clocks on the walls of `zone` show `local` (naive).

    A time that a clock change skips means the first instant after the gap; one that comes twice means the first. So
    a later wall time never gives an earlier instant. Raises Unclear for an unknown zone or a year out of range.
    """
    if local.tzinfo is not None:
        raise ValueError(f"a wall clock time has no zone of its own: {local!r}")
    where = zone_named(zone)
    try:
        instant = local.replace(tzinfo=where, fold=0).astimezone(UTC)
        shown = instant.astimezone(where).replace(tzinfo=None)
    except OverflowError:
        raise Unclear(f"The year {local.year} is out of range. Use a date of this century.", field="date") from None
    return instant if shown == local else _end_of_gap(local, where)


def occurrences(rule: WindowRule, during: Interval) -> Iterator[Interval]:
    """The rule's windows that share an instant with `during`, whole and in order.

    `to` at or before `from` ends on the next day, so equal times last a whole day. A window is as long as its wall
    clock says, so on a day of a clock change it is longer or shorter in hours; one that lies in a gap does not occur.
    """
    where = zone_named(rule.zone)
    day = _first_day(during.starts_at, where)
    last = during.ends_at.astimezone(where).date()
    while day <= last:
        if WEEKDAYS[day.weekday()] in rule.days:
            window = _occurrence(rule, day)
            if window is not None and window.overlaps(during):
                yield window
        day += timedelta(days=1)


def frozen_spans(rules: Mapping[str, FreezeRule], freezes: Iterable[Freeze]) -> list[FrozenSpan]:
    """Every freeze as it holds: those of the policy by their key, those that people set; earliest first.

    A freeze that somebody lifted ends at that instant; one lifted before it began is gone.
    """
    spans = [
        FrozenSpan(
            key=key,
            name=rule.name,
            org=rule.org,
            starts_at=wall_instant(rule.start, rule.zone),
            ends_at=wall_instant(rule.end, rule.zone),
            reason=rule.reason,
        )
        for key, rule in rules.items()
    ]
    spans += [
        FrozenSpan(
            key=freeze.key,
            name=freeze.name,
            org=freeze.org,
            starts_at=_utc(freeze.starts_at),
            ends_at=_utc(min(freeze.ends_at, freeze.lifted_at or freeze.ends_at)),
            reason=freeze.reason,
            who=freeze.set_by,
        )
        for freeze in freezes
    ]
    held = [span for span in spans if span.starts_at < span.ends_at]
    return sorted(held, key=lambda span: (span.starts_at, span.ends_at, span.key))


def freezes_over(
    when: Interval | datetime, org: str, spans: Iterable[FrozenSpan], *, waived: Collection[str] = ()
) -> list[FrozenSpan]:
    """The freezes, without the waived keys, that close `org` at an instant or anywhere in an interval."""
    return [
        span
        for span in spans
        if span.concerns(org)
        and span.key not in waived
        and (span.interval.overlaps(when) if isinstance(when, Interval) else span.interval.contains(when))
    ]


def is_inside_windows(when: Interval | datetime, org: str, rules: Iterable[WindowRule]) -> bool:
    """Whether an instant or a whole interval lies in the org's weekly windows; an org without any is always inside.

    Windows that touch or overlap count as one. Freezes are not looked at.
    """
    interval = when if isinstance(when, Interval) else Interval(when, when + _SECOND / 1_000_000)
    return any(window.covers(interval) for window in _windows(interval, org, rules))


def open_intervals(
    during: Interval,
    org: str,
    rules: Iterable[WindowRule],
    spans: Iterable[FrozenSpan],
    *,
    waived: Collection[str] = (),
) -> list[Interval]:
    """The parts of `during` in which a deployment to `org` may start, in order, clipped to `during`."""
    windows = [
        Interval(max(window.starts_at, during.starts_at), min(window.ends_at, during.ends_at))
        for window in _windows(during, org, rules)
    ]
    return without(windows, [span.interval for span in freezes_over(during, org, spans, waived=waived)])


def next_open(
    now: datetime,
    org: str,
    rules: Iterable[WindowRule],
    spans: Iterable[FrozenSpan],
    *,
    waived: Collection[str] = (),
    within: timedelta = HORIZON,
) -> Interval | None:
    """The earliest interval from `now` on in which a deployment to `org` may start; None when there is none `within`.

    It starts at `now` when the org is open. It ends where a window closes or a freeze begins, at the latest at
    now + within.
    """
    found = open_intervals(Interval(now, now + within), org, rules, spans, waived=waived)
    return found[0] if found else None


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The same instants in as few intervals as possible, in order; touching ones become one."""
    merged: list[Interval] = []
    for interval in sorted(intervals):
        if merged and interval.starts_at <= merged[-1].ends_at:
            merged[-1] = Interval(merged[-1].starts_at, max(merged[-1].ends_at, interval.ends_at))
        else:
            merged.append(interval)
    return merged


def without(intervals: Iterable[Interval], holes: Sequence[Interval]) -> list[Interval]:
    """The instants of `intervals` that lie in none of the `holes`, in order."""
    left = union(intervals)
    for hole in union(holes):
        left = [part for interval in left for part in _cut(interval, hole)]
    return left


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs a zone: {instant!r}")
    return instant.astimezone(UTC)


@cache
def _zone_names() -> Mapping[str, str]:
    return {name.casefold(): name for name in sorted(available_timezones())}


def _end_of_gap(local: datetime, where: ZoneInfo) -> datetime:
    # In a gap the later fold reads with the offset after the change, which gives an instant before it, and the other
    # way round (PEP 495). The change lies between the two, on a whole second.
    before = local.replace(tzinfo=where, fold=1, microsecond=0).astimezone(UTC)
    after = local.replace(tzinfo=where, fold=0, microsecond=0).astimezone(UTC)
    old = before.astimezone(where).utcoffset()
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
        if middle.astimezone(where).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def _first_day(instant: datetime, where: ZoneInfo) -> date:
    # A window that began the day before may still be open, and a zone may have skipped a day.
    return instant.astimezone(where).date() - timedelta(days=2)


def _occurrence(rule: WindowRule, day: date) -> Interval | None:
    last = day if rule.end > rule.start else day + timedelta(days=1)
    starts_at = wall_instant(datetime.combine(day, rule.start), rule.zone)
    ends_at = wall_instant(datetime.combine(last, rule.end), rule.zone)
    return Interval(starts_at, ends_at) if starts_at < ends_at else None


def _windows(during: Interval, org: str, rules: Iterable[WindowRule]) -> list[Interval]:
    own = [rule for rule in rules if rule.org == org]
    if not own:
        return [during]
    return union(window for rule in own for window in occurrences(rule, during))


def _cut(interval: Interval, hole: Interval) -> list[Interval]:
    if not interval.overlaps(hole):
        return [interval]
    edges = [(interval.starts_at, hole.starts_at), (hole.ends_at, interval.ends_at)]
    return [Interval(starts_at, ends_at) for starts_at, ends_at in edges if starts_at < ends_at]
