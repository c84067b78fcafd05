"""Times as people say them, read in a named zone.

Strict on purpose: what could mean two things is refused with an example of how to say it. Wall-clock times that a
clock change skips move to the first instant after it; times that happen twice mean the first.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from release_core.errors import Unclear

EXAMPLES = "“tomorrow 22:00”, “Fri 6pm Berlin”, “in 2h”, “2026-12-01 22:00 UTC”"
LONGEST = timedelta(days=3660)

_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(am|pm)?")
_TWELVE = re.compile(r"([0-9]{1,2})(am|pm)")
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})t([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.[0-9]+)?(z|[+-][0-9]{2}:?[0-9]{2})?"
)
_DOTTED = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})?")
_SLASHED = re.compile(r"[0-9]{1,4}[/.-][0-9]{1,2}([/.-][0-9]{1,4})?")
_DAY = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th|\.)?")
_OFFSET = re.compile(r"(?:utc|gmt)?([+-])([0-9]{1,2}):?([0-9]{2})?")
_WITH_OFFSET = re.compile(r"([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)(z|[+-][0-9]{1,2}:?[0-9]{2})", re.IGNORECASE)
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)([a-z]+)")
_UNITS = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), timedelta(minutes=1)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "days"), timedelta(days=1)),
    **dict.fromkeys(("w", "week", "weeks"), timedelta(weeks=1)),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), timedelta(seconds=1)),
}
_WEEKDAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)}
_WEEKDAYS |= {name[:length]: number for name, number in _WEEKDAYS.items() for length in (3, 4, 5)}
_MONTHS = {calendar.month_name[number].lower(): number for number in range(1, 13)}
_MONTHS |= {name[:length]: number for name, number in _MONTHS.items() for length in (3, 4)}
_FILLERS = frozenset(("at", "on", "the", "this", "of", "o'clock", "um", "time"))


@dataclass(frozen=True)
class Moment:
    """An understood instant (aware UTC) with the zone in which its words were read."""

    at: datetime
    zone: tzinfo


@dataclass
class _Said:
    """What the words have told so far."""

    words: str
    day: date | None = None
    weekday: int | None = None
    later: bool = False
    yearless: bool = False
    clock: time | None = None
    midnight: bool = False
    zone: tzinfo | None = None
    unread: list[str] = field(default_factory=list)


def understand_time(words: str, *, zone: str | tzinfo, now: datetime) -> datetime:
    """The instant (aware UTC) that `words` name for somebody who lives in `zone` (IANA name) at `now`.

    Unclear when there is no such date or zone, when it could mean two things, or when a date comes without a time.
    """
    return read_moment(words, zone=zone, now=now).at


def read_moment(words: str, *, zone: str | tzinfo, now: datetime, after: datetime | None = None) -> Moment:
    """`understand_time`, telling the zone too; a time without a day means the first one after `after` (or `now`)."""
    home = named_zone(zone) if isinstance(zone, str) else zone
    try:
        return _moment(words, home, now, after or now)
    except (OverflowError, ValueError):
        raise _unclear(words) from None


def understand_duration(words: str) -> timedelta:
    """The duration that words like "2h", "90m", "1h30m" or "2 days" name; Unclear when they name none."""
    text = re.sub(r"\band\b(?=\s*\S)", " ", words.lower())
    text = re.sub(r"\bhalf an? hour\b", "30m", text)
    text = re.sub(r"\ban? (?=[a-z])", "1", text)
    text = re.sub(r"[\s,]+", "", text)
    total, position = timedelta(), 0
    for found in _AMOUNT.finditer(text):
        unit = _UNITS.get(found[2])
        if unit is None or found.start() != position or len(found[1]) > 6:
            break
        total, position = total + float(found[1]) * unit, found.end()
    if not text or position != len(text) or not timedelta() < total <= LONGEST:
        raise Unclear(
            f"“{_shown(words)}” is no duration that I know. Say it like “2h”, “90m”, “1h30m” or “2 days”.", field="for"
        )
    return total


def named_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name or of the city in one, in any case; Unclear names the nearest zones."""
    known = _zone_names()
    found = known.get(_zone_key(name))
    if found is not None:
        try:
            return ZoneInfo(found)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    near = [known[key] for key in get_close_matches(_zone_key(name), known, n=3, cutoff=0.7)]
    hint = f"Did you mean {' or '.join(dict.fromkeys(near))}?" if near else "Use a name like Europe/Berlin or UTC."
    raise Unclear(f"“{_shown(name)}” is no time zone that I know. {hint}", field="at")


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


def _moment(words: str, home: tzinfo, now: datetime, after: datetime) -> Moment:
    text = " ".join(words.replace(",", " ").split())
    lowered = text.lower()
    if lowered == "now":
        return Moment(now.astimezone(UTC), home)
    if lowered.startswith(("in ", "+")) and (length := _relative(lowered)):
        return Moment((now + length).astimezone(UTC), home)
    said = _Said(text)
    _read_words(said, list(_apart(text.split())), now, home)
    zone = said.zone or home
    if said.clock is None:
        if said.day is None and said.weekday is None:
            raise _unclear(words)
        raise Unclear(
            f"“{_shown(words)}” names a day but no time. Say for example “{_shown(words)} 22:00”.", field="at"
        )
    return Moment(_resolve(said, said.clock, zone, now, after), zone)


def _apart(words: Sequence[str]) -> Iterator[str]:
    """The words, with an offset that is written right behind a clock time as a word of its own."""
    for word in words:
        if found := _WITH_OFFSET.fullmatch(word):
            yield from (found[1], "UTC" if found[2] in "zZ" else found[2])
        else:
            yield word


def _relative(text: str) -> timedelta | None:
    if text.startswith("+") and _OFFSET.fullmatch(text):
        return None
    return understand_duration(text.removeprefix("in ").removeprefix("+"))


def _resolve(said: _Said, clock: time, zone: tzinfo, now: datetime, after: datetime) -> datetime:
    """The instant: a day as said, or the first such day that is still ahead."""
    extra = timedelta(days=1) if said.midnight else timedelta()
    if said.day is not None and not said.yearless:
        return wall_clock(datetime.combine(said.day, clock) + extra, zone)
    today = after.astimezone(zone).date()
    if said.day is not None:
        for year in range(today.year, today.year + 9):
            instant = _in_year(said.day, year, clock, zone)
            if instant is not None and instant > now:
                return instant
        raise _unclear(said.words)
    for days in range(1 if said.later else 0, 15):
        day = today + timedelta(days=days)
        if said.weekday not in (None, day.weekday()):
            continue
        instant = wall_clock(datetime.combine(day, clock) + (extra if said.weekday is not None else timedelta()), zone)
        if instant > after:
            return instant
    raise _unclear(said.words)


def _in_year(day: date, year: int, clock: time, zone: tzinfo) -> datetime | None:
    if (day.month, day.day) == (2, 29) and not calendar.isleap(year):
        return None
    return wall_clock(datetime.combine(day.replace(year=year), clock), zone)


def _read_words(said: _Said, words: Sequence[str], now: datetime, home: tzinfo) -> None:
    """Fill `said` from the words; a zone is looked for first, because “today” depends on it."""
    rest = _without_zone(said, words)
    today = now.astimezone(said.zone or home).date()
    index = 0
    while index < len(rest):
        index += _read_one(said, rest, index, today)
    if said.unread:
        unread = " ".join(said.unread)
        if said.clock is not None and said.zone is None and re.fullmatch(r"[A-Za-z][A-Za-z_/+\- 0-9]*", unread):
            named_zone(unread)
        raise _unclear(said.words)


def _without_zone(said: _Said, words: Sequence[str]) -> list[str]:
    """The words without those that name a zone (up to three, for “America / New York” and the like)."""
    for length in (3, 2, 1):
        for start in range(len(words) - length + 1):
            name = " ".join(words[start : start + length])
            zone = None if _means_date(name) else _zone_or_none(name)
            if zone is not None:
                said.zone = zone
                return [*words[:start], *words[start + length :]]
    return list(words)


def _means_date(name: str) -> bool:
    # “Sat”, “Mon”, “EST5EDT” and the like: a weekday or month beats a zone of the same letters.
    return name.lower() in _WEEKDAYS or name.lower() in _MONTHS


def _zone_or_none(name: str) -> tzinfo | None:
    if found := _OFFSET.fullmatch(name.lower()):
        length = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        return timezone(length if found[1] == "+" else -length) if length < timedelta(hours=15) else None
    return named_zone(name) if _zone_key(name) in _zone_names() else None


def _read_one(said: _Said, words: Sequence[str], index: int, today: date) -> int:
    """Read what begins at `index`; returns how many words it took."""
    word = words[index].lower()
    following = words[index + 1].lower() if index + 1 < len(words) else ""
    if word in _FILLERS:
        return 1
    if said.clock is None and following in ("am", "pm") and _read_clock(said, word + following):
        return 2
    if said.clock is None and _read_clock(said, word):
        return 1
    if said.day is None and said.weekday is None and (taken := _read_day(said, word, following, today)):
        if said.yearless and index + 2 < len(words) and (year := re.fullmatch("[0-9]{4}", words[index + 2])):
            said.day, said.yearless = said.day and said.day.replace(year=int(year[0])), False
            return taken + 1
        return taken
    said.unread.append(words[index])
    return 1


def _read_clock(said: _Said, word: str) -> bool:
    if word == "noon":
        said.clock = time(12)
    elif word == "midnight":
        said.clock, said.midnight = time(0), True
    elif found := _CLOCK.fullmatch(word):
        said.clock = time(_hour(int(found[1]), found[4]), int(found[2]), int(found[3] or 0))
    elif found := _TWELVE.fullmatch(word):
        said.clock = time(_hour(int(found[1]), found[2]))
    elif (found := _ISO.fullmatch(word)) and said.day is None:
        said.day, said.clock = date.fromisoformat(found[1]), time.fromisoformat(found[2])
        if found[3]:
            said.zone = UTC if found[3] == "z" else _zone_or_none(found[3])
    else:
        return False
    return True


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if half == "pm" else 0)


def _read_day(said: _Said, word: str, following: str, today: date) -> int:
    """Read a day; returns how many words it took, 0 when there is none."""
    if word in ("today", "tonight"):
        said.day = today
    elif word == "yesterday":
        said.day = today - timedelta(days=1)
    elif word == "tomorrow":
        said.day = today + timedelta(days=1)
    elif word in _WEEKDAYS:
        said.weekday = _WEEKDAYS[word]
    elif word == "next" and following in _WEEKDAYS:
        said.weekday, said.later = _WEEKDAYS[following], True
        return 2
    elif found := _ISO_DATE.fullmatch(word):
        said.day = date(int(found[1]), int(found[2]), int(found[3]))
    elif found := _DOTTED.fullmatch(word):
        said.day = date(int(found[3] or 2000), int(found[2]), int(found[1]))
        said.yearless = not found[3]
    elif (found := _DAY.fullmatch(word)) and following in _MONTHS:
        said.day, said.yearless = date(2000, _MONTHS[following], int(found[1])), True
        return 2
    elif word in _MONTHS and (found := _DAY.fullmatch(following)):
        said.day, said.yearless = date(2000, _MONTHS[word], int(found[1])), True
        return 2
    else:
        return 0
    return 1


@cache
def _zone_names() -> dict[str, str]:
    """Keys people may type -> IANA name; a city shared by two zones of different names is left out."""
    names = available_timezones() - {"localtime", "posixrules", "Factory"}
    keys: dict[str, str] = {}
    cities: dict[str, list[str]] = {}
    for name in sorted(names):
        keys[_zone_key(name)] = name
        region, _, city = name.rpartition("/")
        if region and not region.startswith(("Etc", "SystemV", "posix", "right", "US")):
            cities.setdefault(_zone_key(city), []).append(name)
    for city, zones in cities.items():
        if len(zones) == 1:
            keys.setdefault(city, zones[0])
    return keys


def _zone_key(name: str) -> str:
    return re.sub(r"[\s_]+", "_", name.strip().lower())


def _shown(words: str) -> str:
    return " ".join(words.split())[:80]


def _unclear(words: str) -> Unclear:
    if not words.strip():
        return Unclear(f"At what time? Say it like {EXAMPLES}.", field="at")
    if _SLASHED.fullmatch(words.split()[0]) and not _ISO_DATE.fullmatch(words.split()[0]):
        return Unclear(
            f"“{_shown(words)}” could be read in two ways. Write the date as year-month-day, like 2026-12-01 22:00.",
            field="at",
        )
    return Unclear(f"“{_shown(words)}” is no time that I understand. Say it like {EXAMPLES}.", field="at")
