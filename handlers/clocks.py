"""The words of one time, sorted into day, clock, zone.

What can be read in several ways is kept as several days or clocks; nothing is decided here.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Literal

from handlers.zones import UTC_NAMED, NamedZone, zones_called

Part = Literal["", "morning", "afternoon", "evening", "tonight"]

_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(am?|pm?|h)?")
_TWELVE = re.compile(r"([0-9]{1,2})([ap])m?")
_HOURS = re.compile(r"([0-9]{1,2})h([0-5][0-9])?|([0-9]{2})([0-5][0-9])(?:h|hrs|z)")
_MILITARY = re.compile(r"([0-2][0-9])(00|15|30|45)")
_DOTTED_CLOCK = re.compile(r"([0-9]{1,2})\.([0-9]{2})")
_ISO_DATE = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})t([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.[0-9]+)?(z|[+-][0-9]{2}:?[0-9]{2})?"
)
_DOTTED = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4}|[0-9]{2})?")
_SLASHED = re.compile(r"([0-9]{1,2})[/-]([0-9]{1,2})(?:[/-]([0-9]{4}|[0-9]{2}))?")
_DAY = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th|\.)?")
_NTH = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)")
_WITH_OFFSET = re.compile(r"([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)(z|\+[0-9]{1,2}:?[0-9]{2}|-[0-9]{1,2}:?[0-9]{2})")
WEEKDAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)}
WEEKDAYS |= {name[:length]: number for name, number in WEEKDAYS.items() for length in (2, 3, 4, 5)}
WEEKDAYS |= {"weds": 2}
MONTHS = {calendar.month_name[number].lower(): number for number in range(1, 13)}
MONTHS |= {name[:length]: number for name, number in MONTHS.items() for length in (3, 4)}
_FILLERS = frozenset(
    ("at", "on", "the", "this", "of", "oclock", "um", "time", "uhr", "kl", "coming", "sharp", "in", "hrs")
)
_FILLERS |= {"by", "about", "around", "approx", "ca"}
_PARTS: dict[str, Part] = {"night": "evening", "evening": "evening", "morning": "morning", "afternoon": "afternoon"}
_TOMORROW = frozenset(("tomorrow", "tmrw", "tmr", "tmw", "tomorow", "tommorow", "tommorrow", "tomorrrow", "2moro"))


@dataclass(frozen=True)
class Day:
    """A day as it was named: without its year, or without its month as well, it is the next such day."""

    date: date
    yearless: bool = False
    monthless: bool = False


@dataclass(frozen=True)
class Clock:
    """A time of day, `days` later than the day that was named (midnight ends a day); `bare` when the half is open."""

    time: time
    days: int = 0
    bare: bool = False


@dataclass
class Said:
    """What the words have told; several days, clocks or zones are several readings."""

    words: str
    days: list[Day] = field(default_factory=list)
    weekday: int | None = None
    next_one: bool = False
    next_week: bool = False
    clocks: list[Clock] = field(default_factory=list)
    part: Part = ""
    zones: Sequence[NamedZone] = ()
    zone_name: str = ""
    unread: list[str] = field(default_factory=list)

    @property
    def names_day(self) -> bool:
        """Whether a day was said."""
        return bool(self.days) or self.weekday is not None


def simplified(words: str) -> str:
    """Words as they are compared: small, in ASCII digits, "p.m." as "pm", without what says nothing."""
    text = "".join(
        str(unicodedata.decimal(each)) if each.isdecimal() else each for each in unicodedata.normalize("NFKC", words)
    ).lower()
    text = re.sub(r"\b([ap])\.\s?m\b\.?", r"\1m", text.replace("’", "'"))
    text = re.sub(r"o'\s?clock", "oclock", text)
    text = re.sub(r"(?<=[0-9]),(?=[0-9]\s?[hdw])", ".", text)
    text = re.sub(r"[(),;~*`“”\"]|@(?=\s|[0-9])|(?<![a-z])_|_(?![a-z])", " ", text)
    return " ".join(text.split())


def sort_words(words: str, now: datetime, home: tzinfo) -> Said:
    """The words of one time, sorted. ValueError for a date or time that there is none of."""
    said = Said(words)
    rest = _without_zone(said, list(_apart(simplified(words).split())), home)
    today = now.astimezone(said.zones[0].zone if said.zones else home).date()
    index, later = 0, []
    while index < len(rest):
        taken = _read_one(said, rest, index, today)
        if not taken:
            later.append(rest[index])
        index += taken or 1
    for word in later:
        if not _read_leftover(said, word, today):
            said.unread.append(word)
    return said


def _apart(words: Sequence[str]) -> Iterator[str]:
    """The words, with an offset that is written right behind a clock time as a word of its own."""
    for word in words:
        if found := _WITH_OFFSET.fullmatch(word):
            yield from (found[1], "utc" if found[2] == "z" else found[2])
        else:
            yield word


def _without_zone(said: Said, words: list[str], home: tzinfo) -> list[str]:
    """The words without those that name a zone (up to three, for “America / New York” and the like)."""
    for length in (3, 2, 1):
        for start in range(len(words) - length + 1):
            name = " ".join(words[start : start + length])
            if name in WEEKDAYS or name in MONTHS:
                continue  # “Sat”, “Mar” and the like: a weekday or month beats a zone of the same letters
            if zones := zones_called(name, home):
                said.zones, said.zone_name = zones, name
                rest = [*words[:start], *words[start + length :]]
                return _without_country(rest, start, zones, home)
    return words


def _without_country(words: list[str], at: int, zones: Sequence[NamedZone], home: tzinfo) -> list[str]:
    """ "Berlin, Germany" names one zone twice."""
    if at < len(words) and [z.zone for z in zones_called(words[at], home)] == [z.zone for z in zones]:
        return [*words[:at], *words[at + 1 :]]
    return words


def _read_one(said: Said, words: Sequence[str], index: int, today: date) -> int:
    """Read what begins at `index`; returns how many words it took, 0 when it says nothing for now."""
    word, following, third = (*words[index:], "", "", "")[:3]
    if word in _FILLERS:
        return 1
    if word in _PARTS:
        said.part = said.part or _PARTS[word]
        return 1
    if not said.clocks:
        if following in ("am", "pm", "a", "p") and _read_clock(said, f"{word}{following[0]}m"):
            return 2
        if taken := _read_half(said, word, following, third) or _read_clock(said, word):
            return int(taken)
    if not said.days and (taken := _read_day(said, word, following, third, today)):
        return taken
    return _read_week(said, word, following)


def _read_half(said: Said, word: str, following: str, hour: str) -> int:
    """ "half past 6", "quarter to 10", "12 noon"."""
    if word == "12" and following in ("noon", "midnight"):
        _read_clock(said, following)
        return 2
    minutes = {("half", "past"): 30, ("quarter", "past"): 15, ("quarter", "to"): -15}.get((word, following))
    found = re.fullmatch(r"([0-9]{1,2})(?:([ap])m?)?", hour)
    if minutes is None or found is None:
        return 0
    start = _hour(int(found[1]), found[2])
    when = datetime.combine(date(2000, 1, 2), time(start)) + timedelta(minutes=minutes)
    said.clocks = [Clock(when.time(), bare=not found[2] and 1 <= start <= 12)]
    return 3


def _read_clock(said: Said, word: str) -> bool:
    if word == "noon":
        said.clocks = [Clock(time(12))]
    elif word == "midnight" or word in ("24:00", "24h"):
        said.clocks = [Clock(time(0), days=1)]
    elif found := _CLOCK.fullmatch(word):
        half = (found[4] or "").replace("h", "")[:1]
        said.clocks = [Clock(time(_hour(int(found[1]), half), int(found[2]), int(found[3] or 0)))]
    elif found := _TWELVE.fullmatch(word):
        said.clocks = [Clock(time(_hour(int(found[1]), found[2])))]
    elif found := _HOURS.fullmatch(word):
        said.clocks = [Clock(time(int(found[1] or found[3]), int(found[2] or found[4] or 0)))]
        if word.endswith("z"):
            said.zones = [UTC_NAMED]
    elif (found := _ISO.fullmatch(word)) and not said.days:
        said.days, said.clocks = [Day(date.fromisoformat(found[1]))], [Clock(time.fromisoformat(found[2]))]
        if found[3]:
            said.zones = [UTC_NAMED] if found[3] == "z" else zones_called(found[3], UTC_NAMED.zone)
    else:
        return False
    return True


def _hour(hour: int, half: str | None) -> int:
    if not half:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if half == "p" else 0)


def _read_day(said: Said, word: str, following: str, third: str, today: date) -> int:
    """Read a day; returns how many words it took, 0 when there is none."""
    if word in ("today", "tonight"):
        said.days, said.part = [Day(today)], "tonight" if word == "tonight" else said.part
    elif word == "yesterday":
        said.days = [Day(today - timedelta(days=1))]
    elif word == "day" and (following, third) == ("after", "tomorrow"):
        said.days = [Day(today + timedelta(days=2))]
        return 3
    elif word in _TOMORROW:
        said.days = [Day(today + timedelta(days=1))]
    elif days := _dates(word):
        said.days = days
    elif (found := _DAY.fullmatch(word)) and (
        month := MONTHS.get((third if following == "of" else following).strip("."))
    ):
        return _dated(said, month, int(found[1]), 3 if following == "of" else 2)
    elif (month := MONTHS.get(word.strip("."))) and (found := _DAY.fullmatch(following)):
        return _dated(said, month, int(found[1]), 2)
    else:
        return 0
    return 1


def _dates(word: str) -> list[Day]:
    """The dates that one word of digits may name: "12/5" may be two."""
    if found := _ISO_DATE.fullmatch(word):
        return [Day(date(int(found[1]), int(found[2]), int(found[3])))]
    if found := _DOTTED.fullmatch(word):
        return [_day(found[3], int(found[2]), int(found[1]))]
    if found := _SLASHED.fullmatch(word):
        pairs = {(int(found[1]), int(found[2])), (int(found[2]), int(found[1]))}
        days = [_day(found[3], month, day) for month, day in sorted(pairs) if month <= 12]
        if not days:
            raise ValueError(word)
        return days
    return []


def _day(year: str | None, month: int, day: int) -> Day:
    full = int(year) + (2000 if len(year) == 2 else 0) if year else 2000
    return Day(date(full, month, day), yearless=not year)


def _dated(said: Said, month: int, day: int, taken: int) -> int:
    said.days = [Day(date(2000, month, day), yearless=True)]
    return taken


def _read_week(said: Said, word: str, following: str) -> int:
    """A weekday, "next Tuesday", "next week"."""
    if word == "next" and following == "week":
        said.next_week = True
        return 2
    later = word == "next" and following.strip(".") in WEEKDAYS
    name = (following if later else word).strip(".")
    if name not in WEEKDAYS or said.weekday is not None:
        return 0
    said.weekday, said.next_one = WEEKDAYS[name], later
    return 2 if later else 1


def _read_leftover(said: Said, word: str, today: date) -> bool:
    """What only the rest of the words can tell: a year, a bare hour, a day of the month, "22.30"."""
    if re.fullmatch("2[0-9]{3}", word) and any(day.yearless for day in said.days):
        said.days = [Day(day.date.replace(year=int(word))) for day in said.days]
    elif (found := _NTH.fullmatch(word)) and not said.names_day:
        said.days = [Day(today.replace(day=1) + timedelta(days=int(found[1]) - 1), monthless=True)]
    elif (found := _DOTTED_CLOCK.fullmatch(word)) and (said.clocks or not _is_date(found[1], found[2])):
        return _read_dotted(said, found)
    elif said.clocks:
        return False
    elif found := _MILITARY.fullmatch(word):
        said.clocks = [Clock(time(int(found[1]), int(found[2])))]
    elif re.fullmatch("[0-9]{1,2}", word):
        said.clocks = [Clock(time(int(word)), bare=1 <= int(word) <= 12)]
    else:
        return False
    return True


def _read_dotted(said: Said, found: re.Match[str]) -> bool:
    if not said.clocks:
        said.clocks = [Clock(time(int(found[1]), int(found[2])))]
    elif not said.names_day and _is_date(found[1], found[2]):
        said.days = [_day(None, int(found[2]), int(found[1]))]
    else:
        return False
    return True


def _is_date(day: str, month: str) -> bool:
    return 1 <= int(day) <= 31 and 1 <= int(month) <= 12
