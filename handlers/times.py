"""Times as people say them, read in a named zone.

Strict on purpose: what could mean two things is refused with both of them to choose from. Wall-clock times that a
clock change skips move to the first instant after it; times that happen twice mean the first.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from difflib import get_close_matches
from itertools import product

from handlers.clocks import WEEKDAYS, Clock, Day, Part, Said, simplified, sort_words
from handlers.lengths import is_duration, understand_duration
from handlers.zones import NamedZone, is_near_a_zone, named_zone, zone_words, zones_called
from release_core.errors import Unclear

__all__ = ["Ambiguous", "Moment", "named_zone", "read_moment", "understand_duration", "understand_time"]

EXAMPLES = "“tomorrow 22:00”, “Fri 6pm Berlin”, “in 2h”, “2026-12-01 22:00 UTC”"
MOST_READINGS = 4
_HALVES: dict[Part, range] = {"morning": range(12), "afternoon": range(12, 19), "evening": range(17, 24)}
_NIGHT_ENDS = 5
_AT_ONCE = frozenset(("now", "right now", "asap", "immediately", "straight away", "at once"))
_VAGUE = frozenset(("eod", "cob", "eob", "eow", "end of day", "close of business", "end of business", "end of week"))
_SPELLED = {name.lower(): name for name in (*calendar.day_name, *calendar.month_name) if name}
_SPELLED |= {name: name for name in ("tomorrow", "tonight", "midnight")}
_DAY_SPAN = re.compile(r"([a-z]{3,9})\s?[-–—]\s?([a-z]{3,9})")


@dataclass(frozen=True)
class Moment:
    """An understood instant (aware UTC) with the zone in which its words were read."""

    at: datetime
    zone: tzinfo

    @property
    def words(self) -> str:
        """Its full reading: "Fri 27 Nov 2026 18:00 CET (Europe/Berlin)"."""
        local = self.at.astimezone(self.zone)
        return f"{local:%a} {local.day} {local:%b %Y %H:%M} {zone_words(self.zone, self.at)}"


Span = tuple[Moment, Moment | None]
"""A start, with the end that was said in the same words."""


class Ambiguous(Unclear):
    """Words that mean several instants; `readings` are those, in order, for the person to choose from."""

    def __init__(self, words: str, readings: Sequence[Span], because: str = "") -> None:
        said = [span_words(span) for span in readings]
        ways = {2: "two", 3: "three"}.get(len(said), "several")
        told = because or f"“{shown(words)}” could be read in {ways} ways"
        super().__init__(f"{told}: {'; '.join(said[:-1])}; or {said[-1]}.", field="at")
        self.words = words
        self.readings = tuple(readings)


def span_words(span: Span) -> str:
    """A span as people read it."""
    start, end = span
    if end is None:
        return start.words
    opens, closes = start.at.astimezone(start.zone), end.at.astimezone(end.zone)
    if (opens.tzname(), opens.date()) == (closes.tzname(), closes.date()) and start.zone == end.zone:
        return start.words.replace(f"{opens:%H:%M} ", f"{opens:%H:%M} to {closes:%H:%M} ", 1)
    return f"{start.words} to {end.words}"


def understand_time(words: str, *, zone: str | tzinfo, now: datetime) -> datetime:
    """The instant (aware UTC) that `words` name for somebody who lives in `zone` (IANA name) at `now`.

    Unclear when there is no such date or zone, or when a date comes without a time; Ambiguous when it could mean two
    things.
    """
    return read_moment(words, zone=zone, now=now).at


def read_moment(words: str, *, zone: str | tzinfo, now: datetime, after: datetime | None = None) -> Moment:
    """`understand_time`, telling the zone too; a time without a day means the first one after `after` (or `now`)."""
    home = named_zone(zone) if isinstance(zone, str) else zone
    return only(words, [(moment, None) for moment in readings_of(words, home, now, after or now)])[0]


def wall_clock(local: datetime, zone: tzinfo) -> datetime:
    """The instant (aware UTC) of a wall-clock time: the first of two, or the end of the gap that skips it."""
    first = local.replace(tzinfo=zone, fold=0)
    instant = first.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local:
        return instant
    low, high = local.replace(tzinfo=zone, fold=1).astimezone(UTC), instant
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def only(words: str, readings: Sequence[Span]) -> Span:
    """The one reading there is; Ambiguous when there are several."""
    distinct: dict[tuple[datetime, datetime | None], Span] = {}
    for start, end in readings:
        distinct.setdefault((start.at, end.at if end else None), (start, end))
    found = sorted(distinct.values(), key=lambda span: span[0].at)
    if len(found) == 1:
        return found[0]
    raise Ambiguous(words, found[:MOST_READINGS])


def readings_of(words: str, home: tzinfo, now: datetime, after: datetime) -> Sequence[Moment]:
    """Every instant that words may name, for somebody who lives in `home`. Unclear when they name none."""
    text = simplified(words)
    if text.removeprefix("at ") in _AT_ONCE:
        return [Moment(now.astimezone(UTC), home)]
    try:
        relative = list(_relative(text, home, now))
        said = None if relative and not re.fullmatch(r"[0-9]{1,2}h([0-9]{2})?", text) else sort_words(words, now, home)
        if said is None:
            return relative
        return [*resolved(said, words, home, now, after), *relative]
    except (OverflowError, ValueError):
        raise unclear(words) from None


def _relative(text: str, home: tzinfo, now: datetime) -> Iterator[Moment]:
    """ "in 2h", "+30m", "2 hours from now", "90 minutes"; "2h" may be a time of day as well."""
    length = re.sub(r"\s(?:from now|later)$|^(?:in\s|\+(?![0-9]{1,2}:))", "", text)
    asked = length != text
    found = re.fullmatch(r"((?:[0-9a-z.]+ )+?(?:days?|weeks?|d|w)) (?:at )?(.+)", length)
    if asked and found and is_duration(found[1]):
        day = (now + understand_duration(found[1])).astimezone(home).date()
        yield from resolved(replace(sort_words(found[2], now, home), days=[Day(day)]), text, home, now, now)
        return
    *before, last = length.split() or [""]
    if asked and before and zones_called(last, home) and is_duration(" ".join(before)):
        length, home = " ".join(before), zones_called(last, home)[0].zone
    late = re.fullmatch(r"([0-9]{1,2})h([0-9]{2})?", text)
    if asked or (is_duration(length) and not (late and int(late[1]) > 12)):
        yield Moment((now + understand_duration(length)).astimezone(UTC), home)


def resolved(said: Said, words: str, home: tzinfo, now: datetime, after: datetime) -> Sequence[Moment]:
    """Every instant that sorted words may name."""
    _must_be_read(said, words)
    if not said.clocks:
        raise _without_clock(said, words)
    if said.days and said.next_week:
        raise unclear(words)
    days: Sequence[Day | None] = said.days or [None]
    found = []
    for day, clock, zone in product(days, _clocks(said), said.zones or [NamedZone(home)]):
        for instant in _instants(said, day, clock, zone.zone, now, after):
            for read_in in zone.readings(instant):
                again = _instants(said, day, clock, read_in, now, after)
                found += [Moment(each, read_in) for each in again]
    if not found:
        raise unclear(words)
    if len(said.zones) > 1 and len({moment.at for moment in found}) > 1:
        name = said.zone_name.upper()
        raise Ambiguous(words, [(moment, None) for moment in found], f"“{name}” is no time zone that says one thing")
    return found


def _clocks(said: Said) -> Iterator[Clock]:
    """The times of day: an hour without its half is both, a part of the day tells which."""
    for clock in said.clocks:
        early, late = clock, replace(clock, time=clock.time.replace(hour=clock.time.hour % 12 + 12))
        if clock.days:
            yield clock
        elif said.part:
            hours = _HALVES.get(said.part, _HALVES["evening"])
            fitting = [one for one in (early, late) if one.time.hour in hours]
            if (
                said.part in ("evening", "tonight")
                and early.time.hour < _NIGHT_ENDS
                and not (clock.bare and early.time.hour > 2)
            ):
                fitting = [replace(early, days=1)]
            yield fitting[0] if fitting else early
        elif clock.bare:
            yield replace(early, time=early.time.replace(hour=early.time.hour % 12)) if early.time.hour == 12 else early
            yield late
        else:
            yield clock


def _instants(
    said: Said, day: Day | None, clock: Clock, zone: tzinfo, now: datetime, after: datetime
) -> list[datetime]:
    """The instant: a day as said, or the first such day that is still ahead; two for a "next Friday" of this week."""
    extra = timedelta(days=clock.days)
    if day is not None:
        return [_dated(said, day, clock, zone, now)]
    today = after.astimezone(zone).date()
    if said.next_week:
        if said.weekday is None:
            return []
        monday = today + timedelta(days=7 - today.weekday())
        return [wall_clock(datetime.combine(monday + timedelta(days=said.weekday), clock.time) + extra, zone)]
    for days in range(1 if said.next_one else 0, 15):
        one = today + timedelta(days=days)
        if said.weekday not in (None, one.weekday()):
            continue
        later = extra if said.weekday is not None else timedelta()
        instant = wall_clock(datetime.combine(one, clock.time) + later, zone)
        if instant > after:
            is_this_week = said.next_one and today.weekday() + days <= 6
            following = wall_clock(datetime.combine(one + timedelta(days=7), clock.time) + later, zone)
            return [instant, following] if is_this_week else [instant]
    return []


def _dated(said: Said, day: Day, clock: Clock, zone: tzinfo, now: datetime) -> datetime:
    """The instant of a date; of the first that is still ahead where its year or month was left out."""
    for each in _dates(day, now.astimezone(zone).date()):
        instant = wall_clock(datetime.combine(each, clock.time) + timedelta(days=clock.days), zone)
        if not (day.yearless or day.monthless) or instant > now:
            if said.weekday not in (None, each.weekday()):
                told = f"{each.day} {each:%b %Y} is a {each:%A}, not a {calendar.day_name[said.weekday or 0]}."
                raise Unclear(f"{told} Say either of them.", field="at")
            return instant
    raise ValueError(said.words)


def _dates(day: Day, today: date) -> Iterator[date]:
    if day.yearless:
        for year in range(today.year, today.year + 9):
            if (day.date.month, day.date.day) != (2, 29) or calendar.isleap(year):
                yield day.date.replace(year=year)
    elif day.monthless:
        for months in range(13):
            year, month = divmod(today.year * 12 + today.month - 1 + months, 12)
            if day.date.day <= calendar.monthrange(year, month + 1)[1]:
                yield date(year, month + 1, day.date.day)
    else:
        yield day.date


def _must_be_read(said: Said, words: str) -> None:
    unread = " ".join(said.unread)
    if not unread:
        return
    if simplified(words) in _VAGUE or unread in _VAGUE:
        told = f"“{shown(words)}” is another hour for everybody. Say which one, for example “today 18:00”."
        raise Unclear(told, field="at")
    if (found := _DAY_SPAN.fullmatch(unread)) and {found[1], found[2]} <= WEEKDAYS.keys():
        raise Unclear(f"“{shown(words)}” names days but no times. Say “Mon 22:00 until Wed 06:00”.", field="at")
    if near := get_close_matches(unread, _SPELLED, n=1, cutoff=0.75):
        raise Unclear(f"In “{shown(words)}”, did you mean {_SPELLED[near[0]]} by “{unread}”?", field="at")
    is_name = re.fullmatch(r"[a-z][a-z_/+\- 0-9]*", unread)
    is_short = len(unread) <= 5 and unread.upper() in words.split()
    if said.clocks and not said.zones and is_name and (is_near_a_zone(unread) or is_short):
        named_zone(next((each for each in words.split() if each.lower() == unread), unread))
    if said.clocks and is_name:
        told = f"In “{shown(words)}” I do not understand “{unread}”. Say it like {EXAMPLES}."
        raise Unclear(f"{told} A time zone is a name like Europe/Berlin or UTC.", field="at")
    raise unclear(words)


def _without_clock(said: Said, words: str) -> Unclear:
    if not said.names_day and not said.part and not said.next_week:
        return unclear(words)
    named = "a day" if said.names_day or said.next_week else "a part of the day"
    example = " ".join(re.sub(r"(?i)\b(morning|evening|night|afternoon|at|this|in|the)\b", "", shown(words)).split())
    return Unclear(
        f"“{shown(words)}” names {named} but no time. Say for example “{example or 'today'} 22:00”.", field="at"
    )


def shown(words: str) -> str:
    """Words as a refusal quotes them."""
    return " ".join(words.split())[:80]


def unclear(words: str) -> Unclear:
    """The refusal of words that name no time."""
    if not words.strip():
        return Unclear(f"At what time? Say it like {EXAMPLES}.", field="at")
    if re.fullmatch(r"[0-9]{1,2}[/.-][0-9]{1,2}([/.-][0-9]{1,4})?", words.split()[0]):
        return Unclear(
            f"“{shown(words)}” could be read in two ways, or is no date. "
            "Write the date as year-month-day, like 2026-12-01 22:00.",
            field="at",
        )
    return Unclear(f"“{shown(words)}” is no time that I understand. Say it like {EXAMPLES}.", field="at")
