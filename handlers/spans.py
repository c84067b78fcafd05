"""Ranges of two times, as people write them: a day, a zone or a half of the day said once counts for both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta, tzinfo

from handlers.clocks import Said, sort_words
from handlers.times import Span, only, readings_of, resolved, shown, unclear
from handlers.zones import named_zone
from release_core.errors import Unclear

_CLOCK_LIKE = r"[0-9]{1,2}(?:[:.][0-9]{2})?(?:\s?[ap]\.?m\.?|h|\s?uhr|z)?"
_BETWEEN = re.compile(r"(?<!quarter)\s+(?:to|till|until|through|[-–—])\s+", re.IGNORECASE)
_GLUED = re.compile(
    rf"(?<![0-9/.-])({_CLOCK_LIKE}|noon)\s*[-–—]\s*({_CLOCK_LIKE}|noon|midnight)(?![0-9/.-])", re.IGNORECASE
)
_ISO_OFFSET = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ tT][0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?-[0-9]{1,2}:[0-9]{2}")


def read_span(words: str, *, zone: str | tzinfo, now: datetime) -> Span:
    """A time, or a range of two: "Fri 22:00-02:00", "from 22:00 to 23:30", "between 9 and 11pm"."""
    home = named_zone(zone) if isinstance(zone, str) else zone
    first, last = _two_times(words)
    if not last:
        return only(words, [(moment, None) for moment in readings_of(first, home, now, now)])
    return only(words, list(_spans(words, first, last, home, now)))


def _two_times(words: str) -> tuple[str, str]:
    """The words of the start, those of the end ("" when only one time was said)."""
    text = re.sub(r"\b(?:from(?!\s+now)|starting)\b", " ", " ".join(words.split()), flags=re.IGNORECASE).strip()
    if found := re.fullmatch(r"(.*?)\bbetween\s+(.+?)\s+and\s+(.+)", text, re.IGNORECASE):
        return f"{found[1]} {found[2]}".strip(), found[3]
    if _ISO_OFFSET.search(text):
        raise Unclear(
            f"“{shown(words)}” could be read in two ways: up to a second time, or at an offset from UTC. "
            "Write “2026-12-01 22:00 to 23:30”, or “2026-12-01 22:00 UTC-05:00”.",
            field="at",
        )
    if (found := _BETWEEN.search(text)) and found.start():
        return text[: found.start()], text[found.end() :]
    if found := _GLUED.search(text):
        return f"{text[: found.start()]}{found[1]}", f"{found[2]}{text[found.end() :]}"
    return text, ""


def _spans(words: str, first: str, last: str, home: tzinfo, now: datetime) -> Iterator[Span]:
    """Every reading of a range; a day, a zone or a half of the day that was said once counts for both ends."""
    try:
        start, end = sort_words(first, now, home), sort_words(last, now, home)
        if _is_hour_only(start) and end.clocks and re.search(r"[ap]\.?m\b", last, re.IGNORECASE):
            start.clocks = [replace(clock, time=_at_half(clock.time, end)) for clock in start.clocks]
    except (OverflowError, ValueError):
        raise unclear(words) from None
    zones = start.zones or end.zones
    start.zones, end.zones = zones, end.zones or zones
    for opening in _late_days(start, end, words, home, now):
        for begins in resolved(opening, words, home, now, now):
            is_dated = end.names_day and opening is start
            ends = end if is_dated else replace(end, days=[], weekday=None, next_one=False, next_week=False)
            following = resolved(ends, words, begins.zone, now, begins.at)
            yield begins, min(following, key=lambda moment: moment.at)


def _is_hour_only(said: Said) -> bool:
    return bool(said.clocks) and all(clock.bare for clock in said.clocks)


def _at_half(hour: time, end: Said) -> time:
    """An hour without its half before one that has it: "10-11pm" begins at 22:00, "10-2am" does, too."""
    last = end.clocks[0].time
    late = hour.replace(hour=hour.hour % 12 + 12)
    early = hour.replace(hour=hour.hour % 12)
    return min((early, late), key=lambda each: (last.hour * 60 + last.minute - each.hour * 60 - each.minute - 1) % 1440)


def _late_days(start: Said, end: Said, words: str, home: tzinfo, now: datetime) -> Iterator[Said]:
    """The start with its day; one that was said behind the end alone may be the day of either."""
    if start.names_day or not end.names_day:
        yield start
        return
    yield replace(start, days=end.days, weekday=end.weekday, next_one=end.next_one, next_week=end.next_week)
    if start.clocks and end.clocks and start.clocks[0].time >= end.clocks[0].time and end.clocks[0].days == 0:
        yield replace(
            start,
            days=[replace(day, date=day.date - timedelta(days=1)) for day in end.days],
            weekday=None if end.weekday is None else (end.weekday - 1) % 7,
        )
