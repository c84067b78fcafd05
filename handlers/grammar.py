"""What people type, understood: one grammar for commands, mentions and direct messages.

    <verb> [REL-n|INC-n] [in ORG] [at TIME] [until TIME] [for DURATION] [as SEAT] [to CHANNEL] [-- note]

After the verb the clauses come in any order. What belongs to none of them is kept, in order, as `words`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Literal, Protocol

from handlers.conversation import Button
from handlers.lengths import is_duration, understand_duration
from handlers.times import Ambiguous, Moment, Span, read_moment, read_span, span_words
from handlers.words import Word, take_apart
from release_core.errors import NotFound, ReleaseError, Unclear

Root = Literal["release", "incident"]
MENU = "menu"
MOST_MEANT = 5
HALF_A_DAY = timedelta(hours=12)

_KEY = re.compile(r"(?:#|https?://\S+/[ri]/)?(rel|inc)[-_\u2010-\u2015]?([0-9]{1,9})")
_CLAUSES = frozenset(("in", "at", "until", "till", "for", "as", "to", "from", "between", "every"))
_POLITE = frozenset(("please", "pls", "hey", "hi", "hello", "ok", "okay", "kindly", "thanks", "thx"))
_ROOT_NAMES: Mapping[Root, tuple[str, str]] = {
    "release": ("release", "releases"),
    "incident": ("incident", "incidents"),
}
_ROOT_OF_KEY = {"rel": "release", "inc": "incident"}


class Verb(Protocol):
    """What the grammar has to know of a verb."""

    @property
    def name(self) -> str:
        """Unique over both roots; a leading "release_" or "incident_" is not typed."""
        ...

    @property
    def root(self) -> str:
        """The command it belongs to."""
        ...

    @property
    def aliases(self) -> Sequence[str]:
        """Other words for it."""
        ...

    @property
    def usage(self) -> str:
        """How to say it."""
        ...


class UnknownVerb(NotFound):
    """No verb of ours; `instead` asks for the same with each that may have been meant."""

    def __init__(self, sentence: str, nearest: Sequence[str], instead: Sequence[Button]) -> None:
        super().__init__(sentence, nearest=nearest, field="verb")
        self.instead = tuple(instead)


class SeveralTimes(Unclear):
    """A time that could be read in several ways; `instead` asks for the same with each of them."""

    def __init__(self, several: Ambiguous, instead: Sequence[Button]) -> None:
        super().__init__(f"{several} Which one?", field=several.field)
        self.instead = tuple(instead)


@dataclass(frozen=True)
class Typed:
    """A line as it was typed, by whom: `zone` they live in, `now`; `times` and `verb` are what they chose since."""

    root: Root
    text: str
    zone: str | tzinfo
    now: datetime
    verbs: Mapping[str, Verb]
    times: Mapping[str, Span] = field(default_factory=dict)
    verb: str = ""


@dataclass
class _Reading:
    """What has been understood so far, with the words still to read."""

    words: list[Word]
    zone: str | tzinfo
    now: datetime
    times: Mapping[str, Span] = field(default_factory=dict)
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


def parse(
    root: Root, text: str, *, zone: str | tzinfo, now: datetime, verbs: Mapping[str, Verb]
) -> tuple[str, dict[str, Any]]:
    """The verb's name with its arguments, each present only when said.

    "release" ("REL-1"), "incident" ("INC-1"), "org", "seat", "note": str; "at", "until": aware, in the zone in which
    they were read; "for": timedelta;
    "people", "teams", "channels": chat ids; "words": what is left, quoted strings whole. No words at all ask for the
    menu. Raises NotFound for an unknown verb, Unclear for a clause that cannot be read.
    """
    typed = Typed(root, text, zone, now, verbs)
    try:
        return _understood(typed)
    except Ambiguous as several:
        raise SeveralTimes(several, _with_times(typed, several)) from None


def _understood(typed: Typed) -> tuple[str, dict[str, Any]]:
    words = _begun(typed)
    key = words.pop(0) if len(words) > 1 and _key(words[0]) and words[1].kind == "word" else None
    alone = _key(words[0]) if len(words) == 1 else None
    if typed.verb:
        name, taken = typed.verb, 1
    elif alone and (status := _named("status", _ROOT_OF_KEY[alone[1]], typed.verbs)):
        name, taken = status, 0
    elif not words or words[0].kind == "note":
        name, taken = _menu(typed.root, typed.verbs), 0
    else:
        name, taken = _verb(typed, words)
    reading = _Reading([*([key] if key else []), *words[taken:]], typed.zone, typed.now, typed.times)
    while reading.words:
        _read(reading)
    if reading.until is not None:
        _read_until(reading, reading.until)
    return _as_meant(name, typed, reading.args), reading.args


def _as_meant(name: str, typed: Typed, args: Mapping[str, Any]) -> str:
    """The verb of the other command where only its key was said: “/release status INC-1”."""
    other: Root = "incident" if typed.root == "release" else "release"
    if name not in typed.verbs or other not in args or typed.root in args:
        return name
    return _phrases(other, typed.verbs).get(typed_name(typed.verbs[name]), name)


def _begun(typed: Typed) -> list[Word]:
    """The words from where the request begins: without what is said before it, the command's own name included."""
    words = _greeted(typed.text)
    while words and _is_command(words, typed):
        words.pop(0)
    return words


def _greeted(text: str) -> list[Word]:
    """The words without emoji or politeness before them."""
    words = _joined(take_apart(text))
    while words and (words[0].is_picture or words[0].bare in _POLITE):
        words.pop(0)
    return words


def _is_command(words: Sequence[Word], typed: Typed) -> bool:
    return words[0].bare.lstrip("/") == typed.root and not _spoken(typed.root, words[:1], typed.verbs)


def _joined(words: Sequence[Word]) -> list[Word]:
    """The words, with “rel 1” as one."""
    joined: list[Word] = []
    for word in words:
        if joined and joined[-1].bare in _ROOT_OF_KEY and re.fullmatch("#?[0-9]{1,9}", word.bare):
            joined[-1] = Word(f"{joined[-1].bare}-{word.bare.lstrip('#')}")
        else:
            joined.append(word)
    return joined


def _with_times(typed: Typed, several: Ambiguous) -> list[Button]:
    """A button for each reading of a time; each asks for all that was typed."""
    buttons = []
    for reading in several.readings:
        try:
            name, args = _understood(replace(typed, times={**typed.times, several.words: reading}))
        except ReleaseError:
            continue
        buttons.append(Button(span_words(reading), name, args))
    return buttons


def parse_said(
    text: str, *, zone: str | tzinfo, now: datetime, verbs: Mapping[str, Verb], about: Root = "release"
) -> tuple[str, dict[str, Any]]:
    """`parse` for a mention or direct message, where "release" or "incident" may come first but need not.

    `about` is what the thread is about: words that both know mean that.
    """
    words = _greeted(text)
    first = words[0].bare.lstrip("/") if words else ""
    for root, names in _ROOT_NAMES.items():
        if first in names:
            rest = re.sub(rf"^.*?/?{first}\b[:,]?", "", text, count=1, flags=re.IGNORECASE | re.DOTALL)
            return parse(root, rest, zone=zone, now=now, verbs=verbs)
    about_incident = any((found := _key(word)) and found[1] == "inc" for word in words[:3])
    there = not words if about == "incident" else False
    there = there or (
        bool(_spoken("incident", words, verbs)) and (about == "incident" or not _spoken("release", words, verbs))
    )
    return parse("incident" if about_incident or there else "release", text, zone=zone, now=now, verbs=verbs)


def typed_name(verb: Verb) -> str:
    """The words by which a verb is typed after its root."""
    return _phrase(verb.name.removeprefix(verb.root).lstrip("_-. ") or verb.name)


@lru_cache(512)
def _phrase(name: str) -> str:
    return re.sub(r"[\s_.\-]+", " ", name).strip().casefold()


def _menu(root: Root, verbs: Mapping[str, Verb]) -> str:
    return _named(MENU, root, verbs) or MENU


def _named(said: str, root: str, verbs: Mapping[str, Verb]) -> str:
    """The verb of a root that is typed so; "" when there is none."""
    return next((verb.name for verb in verbs.values() if verb.root == root and typed_name(verb) == said), "")


def _phrases(root: Root, verbs: Mapping[str, Verb]) -> dict[str, str]:
    """Everything that can be typed after a root -> the verb's name."""
    # What has buttons only cannot be asked for by a typing mistake.
    ours = [verb for verb in verbs.values() if verb.root == root and getattr(verb, "typed", True)]
    phrases = {_phrase(alias): verb.name for verb in ours for alias in verb.aliases}
    return phrases | {typed_name(verb): verb.name for verb in ours}


def _spoken(root: Root, words: Sequence[Word], verbs: Mapping[str, Verb]) -> tuple[str, int] | None:
    """The verb that the first words name in full, with how many they were: the longest such name."""
    phrases = _phrases(root, verbs)
    typed = [word.bare for word in words[:3]]
    for length in range(len(typed), 0, -1):
        if all(typed[:length]) and (name := phrases.get(_phrase(" ".join(typed[:length])))):
            return name, length
    return None


def _verb(typed: Typed, words: Sequence[Word]) -> tuple[str, int]:
    root = typed.root
    if spoken := _spoken(root, words, typed.verbs):
        return spoken
    phrases = _phrases(root, typed.verbs)
    said = _phrase(words[0].bare or words[0].text)
    begun = sorted(phrase for phrase in phrases if said and phrase.startswith(said))
    if len({phrases[phrase] for phrase in begun}) == 1:
        return phrases[begun[0]], 1
    later = [word.bare for word in words[1:] if word.bare in phrases]
    nearest = begun or get_close_matches(said, phrases, n=3, cutoff=0.6) or later[:MOST_MEANT]
    # Of several words for one verb, only the first is worth showing.
    nearest = list({phrases[phrase]: phrase for phrase in reversed(nearest)}.values())[::-1]
    hint = f" Did you mean {_either(f'`/{root} {phrase}`' for phrase in nearest)}?" if nearest else ""
    shown = words[0].text[:60].replace("`", "")
    sentence = f"I know no “{shown}”.{hint} `/{root} help` lists what you can say."
    raise UnknownVerb(sentence, nearest, list(_with_verbs(typed, nearest, phrases)))


def _with_verbs(typed: Typed, nearest: Sequence[str], phrases: Mapping[str, str]) -> Iterator[Button]:
    """A button for each verb that may have been meant; each asks for it with all the other words."""
    for phrase in nearest[:MOST_MEANT]:
        try:
            name, args = _understood(replace(typed, verb=phrases[phrase]))
        except ReleaseError:
            continue
        yield Button(f"/{typed.root} {phrase}", name, args)


def _either(names: Iterator[str]) -> str:
    *before, last = names
    return f"{', '.join(before)} or {last}" if before else last


def _key(word: Word) -> re.Match[str] | None:
    return _KEY.fullmatch(word.bare)


def _read(reading: _Reading) -> None:
    """Read the next clause."""
    word = reading.words.pop(0)
    if word.kind == "note":
        reading.put("note", word.text, "--")
    elif word.kind in ("person", "team", "channel"):
        reading.gather({"person": "people", "team": "teams", "channel": "channels"}[word.kind], word.text)
    elif found := _key(word):
        _read_key(reading, found, word)
    elif word.bare in _CLAUSES and _read_clause(reading, word.bare):
        return
    else:
        reading.gather("words", word.text)


def _read_key(reading: _Reading, found: re.Match[str], word: Word) -> None:
    name = _ROOT_OF_KEY[found[1]]
    if name in reading.args:
        reading.gather("words", word.text)
    else:
        reading.args[name] = f"{found[1].upper()}-{int(found[2])}"


def _read_clause(reading: _Reading, clause: str) -> bool:
    """Read what a clause's first word announces; False when it was an ordinary word after all."""
    following = reading.words[0] if reading.words else None
    match clause:
        case "at":
            _read_at(reading)
        case "until" | "till":
            if reading.until is not None:
                raise Unclear("“until” was said twice. Say it once.", field="until")
            reading.until = _time_words(reading)
        case "in" if length := _length(reading):
            reading.start = read_moment(f"in {_take(reading, length)}", zone=reading.zone, now=reading.now)
            _put_at(reading)
        case "in":
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
        if word.kind != "word" or word.bare in _CLAUSES or _key(word):
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
    if reading.words and reading.words[0].kind in ("word", "quoted") and not _key(reading.words[0]):
        word = reading.words.pop(0)
        return word.text if word.kind == "quoted" else word.text.rstrip(",;.:!?") or word.text
    raise Unclear(f"“{said}” must be followed by the name of the {argument}, for example {example}.", field=argument)
