"""Lengths of time as people say them."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta

from release_core.errors import Unclear

LONGEST = timedelta(days=3660)
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)([a-z]+)")
_UNITS = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), timedelta(minutes=1)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "days"), timedelta(days=1)),
    **dict.fromkeys(("w", "week", "weeks"), timedelta(weeks=1)),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), timedelta(seconds=1)),
}
_FIRST_TEN = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = dict(zip(_FIRST_TEN, range(1, 11), strict=True)) | {"eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20}
_NUMBERS |= {"thirty": 30, "forty": 40, "sixty": 60, "ninety": 90}
_NUMBER = re.compile(rf"\b({'|'.join(_NUMBERS)})\b(?=\s*[a-z])")


def understand_duration(words: str) -> timedelta:
    """The duration that words like "2h", "90m", "1h30", "two hours" or "2 days" name; Unclear when they name none."""
    text = _without_words(unicodedata.normalize("NFKC", words).lower())
    total, position = timedelta(), 0
    for found in _AMOUNT.finditer(text):
        unit = _UNITS.get(found[2])
        if unit is None or found.start() != position or len(found[1]) > 6:
            break
        total, position = total + float(found[1]) * unit, found.end()
    if not text or position != len(text) or not timedelta() < total <= LONGEST:
        shown = " ".join(words.split())[:80]
        raise Unclear(
            f"“{shown}” is no duration that I know. Say it like “2h”, “90m”, “1h30m” or “2 days”.", field="for"
        )
    return total


def is_duration(words: str) -> bool:
    """Whether words name a duration."""
    try:
        understand_duration(words)
    except Unclear:
        return False
    return True


def _without_words(text: str) -> str:
    """Numbers with units alone: "an hour and a half" becomes "1hour30m"."""
    text = re.sub(r"\bhalf an? hour\b", "30m", text)
    text = re.sub(r"\bquarter of an hour\b", "15m", text)
    text = re.sub(r"\b(hours?|days?|weeks?) and a half\b", r".5\1", text)
    text = re.sub(r"\band\b(?=\s*\S)", " ", text)
    text = re.sub(r"\ba (?:couple of|couple)\b", "2", text)
    text = _NUMBER.sub(lambda found: str(_NUMBERS[found[1]]), text)
    text = re.sub(r"\ban? (?=[.a-z])", "1", text)
    text = re.sub(r"(?<=[0-9]),(?=[0-9])", ".", text)
    # “1h30” is as good as “1h30m”.
    text = re.sub(r"(?<=[0-9])\s*h(?:ours?|rs?)?\s*([0-5][0-9])$", r"h\1m", text)
    return re.sub(r"[\s,]+", "", text)
