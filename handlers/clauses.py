"""What follows a verb, read clause by clause into arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

from handlers.lengths import is_duration, understand_duration
from handlers.spans import read_span
from handlers.times import Ambiguous, Moment, Span, read_moment
from handlers.words import Word
from release_core.errors import ReleaseError, Unclear

HALF_A_DAY = timedelta(hours=12)
ROOT_OF_KEY = {"rel": "release", "inc": "incident"}
_KEY = re.compile(r"(?:#|https?://\S+/[ri]/)?(rel|inc)[-_\u2010-\u2015]?([0-9]{1,9})")
_TIMES = frozenset(("at", "until", "till", "from", "between", "for", "every"))
_CLAUSES = frozenset(("in", "at", "until", "till", "for", "as", "to", "from", "between", "every"))


@dataclass
class _Reading:
    """What has been understood so far, with the words still to read."""

    words: list[Word]
    zone: str | tzinfo
    now: datetime
    times: Mapping[str, Span] = field(default_factory=dict)
    takes: frozenset[str] = _CLAUSES
    args: dict[str, Any] = field(default_factory=dict)
    start: Moment | None = None
    until: str | None = None

    def put(self, name: str, value: Any, said: str) -> None:
        if name in self.args:
            raise Unclear(f"“{said}” was said twice. Say it once.", field=name)
        self.args[name] = value

    def gather(self, name: str, value: str) -> None:
        gathered = self.args.setdefault(name, [])
        if value not in gathered or name == "words":
            gathered.append(value)


def clauses_of(usage: str) -> frozenset[str]:
    """The words by which the clauses of a usage begin; all of them where it says nothing.

    Any other such word is an ordinary one: “tick 3 done at 22:00” has a note and no time.
    """
    if not usage:
        return _CLAUSES
    asked = {"TIME": _TIMES, "ORG": ("in",), "SEAT": ("as",), "for ": ("for",)}
    return frozenset(word for said, words in asked.items() if said in usage for word in words)


def read_clauses(
    words: Sequence[Word], zone: str | tzinfo, now: datetime, times: Mapping[str, Span], takes: frozenset[str]
) -> dict[str, Any]:
    """The arguments that words name, of the clauses that a verb `takes` (`clauses_of`).

    `times` holds the readings that somebody chose of words that have several.
    """
    reading = _Reading(list(words), zone, now, times, takes)
    while reading.words:
        _read(reading)
    if reading.until is not None:
        _read_until(reading, reading.until)
    return reading.args


def key_in(word: Word) -> re.Match[str] | None:
    """The key that a word is, in any writing: its kind in group 1, its number in group 2."""
    return _KEY.fullmatch(word.bare)


def _read(reading: _Reading) -> None:
    """Read the next clause."""
    word = reading.words.pop(0)
    if word.kind == "note":
        reading.put("note", word.text, "--")
    elif word.kind in ("person", "team", "channel"):
        reading.gather({"person": "people", "team": "teams", "channel": "channels"}[word.kind], word.text)
    elif found := key_in(word):
        _read_key(reading, found, word)
    elif word.bare in _CLAUSES and _read_clause(reading, word.bare):
        return
    else:
        reading.gather("words", word.text)


def _read_key(reading: _Reading, found: re.Match[str], word: Word) -> None:
    name = ROOT_OF_KEY[found[1]]
    if name in reading.args:
        reading.gather("words", word.text)
    else:
        reading.args[name] = f"{found[1].upper()}-{int(found[2])}"


def _read_clause(reading: _Reading, clause: str) -> bool:
    """Read what a clause's first word announces; False when it was an ordinary word after all."""
    following = reading.words[0] if reading.words else None
    is_taken = clause in reading.takes or clause == "to" or (clause == "in" and "at" in reading.takes)
    match clause if is_taken else "":
        case "at":
            _read_at(reading)
        case "until" | "till":
            if reading.until is not None:
                raise Unclear("“until” was said twice. Say it once.", field="until")
            reading.until = _time_words(reading)
        case "in" if "at" in reading.takes and (length := _length(reading)):
            reading.start = read_moment(f"in {_take(reading, length)}", zone=reading.zone, now=reading.now)
            _put_at(reading)
        case "in" if "in" in reading.takes:
            reading.put("org", _name(reading, "in", "org", "`in uat`"), "in")
        case "as":
            reading.put("seat", _name(reading, "as", "seat", "`as qa`"), "as")
        case "for" | "every" if following and _counts(following):
            length = _length(reading)
            words = _take(reading, length) if length else _clause_words(reading)
            reading.put("for", understand_duration(words), "for")
        case "to" if following and following.kind == "channel":
            reading.gather("channels", reading.words.pop(0).text)
        case "to" if reading.start and reading.until is None and following and following.kind == "word":
            reading.until = _time_words(reading)
        case "from" | "between" if "at" not in reading.args and _is_time(reading, clause):
            _read_at(reading, clause)
        case _:
            return False
    return True


def _read_at(reading: _Reading, clause: str = "at") -> None:
    words = _time_words(reading)
    if clause != "at":
        # The end of a range belongs to it: “from 22:00 to 02:00”.
        if reading.words and reading.words[0].bare in ("to", "until", "till") and clause == "from":
            reading.words.pop(0)
            words = f"{words} to {_clause_words(reading)}"
        words = f"{clause} {words}"
    reading.start, end = _with_day_before(reading, words) or _span(reading, words)
    _put_at(reading)
    if end is not None:
        reading.put("until", end.at.astimezone(end.zone), "until")


def _span(reading: _Reading, words: str) -> Span:
    return reading.times.get(words) or read_span(words, zone=reading.zone, now=reading.now)


def _with_day_before(reading: _Reading, words: str) -> Span | None:
    """The time together with the loose words before it: “tomorrow at 22:00”, “on Friday between 22:00 and 23:00”."""
    loose = list(reading.args.get("words", []))
    for number in range(len(loose), 0, -1):
        try:
            found = _span(reading, " ".join([*loose[-number:], words]))
        except Ambiguous:
            raise
        except ReleaseError:
            continue
        reading.args["words"] = loose[:-number]
        if not loose[:-number]:
            del reading.args["words"]
        return found
    return None


def _put_at(reading: _Reading) -> None:
    """The start, in the zone in which it was read, so that it can be told in that zone."""
    assert reading.start is not None
    reading.put("at", reading.start.at.astimezone(reading.start.zone), "at")


def _is_time(reading: _Reading, clause: str) -> bool:
    """Whether “from …” goes on with a time, not with an org, a branch or any other word."""
    ahead = _Reading(list(reading.words), reading.zone, reading.now)
    try:
        _read_at(ahead, clause)
    except Ambiguous:
        return True
    except ReleaseError:
        return False
    return True


def _read_until(reading: _Reading, words: str) -> None:
    """The end is read last: “at 22:00 Berlin until 23:30” means the first 23:30 in Berlin after the start."""
    start = reading.start
    chosen = reading.times.get(words)
    try:
        end = chosen[0] if chosen else _end(words, start, reading)
    except Ambiguous as several:
        several.field = "until"
        raise
    except Unclear as error:
        raise Unclear(str(error), field="until") from None
    reading.args["until"] = end.at.astimezone(end.zone)


def _end(words: str, start: Moment | None, reading: _Reading) -> Moment:
    start = start or _loose_start(reading)
    zone, after = (start.zone, start.at) if start else (reading.zone, None)
    try:
        return read_moment(words, zone=zone, now=reading.now, after=after)
    except Ambiguous as several:
        ahead = [moment for moment, _ in several.readings if start and start.at < moment.at]
        # “until 2” after 22:00 is the next two o'clock; nobody means the one half a day later.
        if ahead and start and ahead[0].at - start.at <= HALF_A_DAY and len(ahead) == len(several.readings):
            return ahead[0]
        raise


def _loose_start(reading: _Reading) -> Moment | None:
    """The start that was said without its “at”, among the loose words."""
    words = " ".join(map(str, reading.args.get("words", [])))
    try:
        return read_span(words, zone=reading.zone, now=reading.now)[0] if words else None
    except Ambiguous as several:
        return several.readings[0][0]
    except Unclear:
        return None


def _time_words(reading: _Reading) -> str:
    """The words of a time; a leading “in” (“in 2h”) belongs to it, the next clause does not."""
    if reading.words and reading.words[0].kind == "quoted":
        return reading.words.pop(0).text
    lead = []
    if reading.words and reading.words[0].bare in ("in", "at"):
        lead.append(reading.words.pop(0).text)
    return " ".join([*lead, _clause_words(reading)])


def _clause_words(reading: _Reading) -> str:
    taken = []
    while reading.words:
        word = reading.words[0]
        if word.kind != "word" or word.bare in _CLAUSES or key_in(word):
            break
        taken.append(reading.words.pop(0).text)
    return " ".join(taken)


def _length(reading: _Reading) -> int:
    """How many of the next words name a duration: as many as do together; 0 when an ordinary word comes."""
    words = _clause_words(_Reading(list(reading.words), reading.zone, reading.now)).split()
    return next((n for n in range(min(len(words), 7), 0, -1) if is_duration(" ".join(words[:n]))), 0)


def _counts(word: Word) -> bool:
    return word.kind == "word" and (
        word.bare[:1].isdigit() or word.bare in ("a", "an", "half") or is_duration(f"{word.bare} h")
    )


def _take(reading: _Reading, number: int) -> str:
    return " ".join(reading.words.pop(0).text for _ in range(number))


def _name(reading: _Reading, said: str, argument: str, example: str) -> str:
    if reading.words and reading.words[0].kind in ("word", "quoted") and not key_in(reading.words[0]):
        word = reading.words.pop(0)
        return word.text if word.kind == "quoted" else word.text.rstrip(",;.:!?") or word.text
    raise Unclear(f"“{said}” must be followed by the name of the {argument}, for example {example}.", field=argument)
