"""What people type, understood: one grammar for commands, mentions and direct messages.

    <verb> [REL-n|INC-n] [in ORG] [at TIME] [until TIME] [for DURATION] [as SEAT] [to CHANNEL] [-- note]

After the verb the clauses come in any order. What belongs to none of them is kept, in order, as `words`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Literal, Protocol

from handlers.times import Moment, read_moment, understand_duration
from handlers.words import Word, take_apart
from release_core.errors import NotFound, Unclear

Root = Literal["release", "incident"]
MENU = "menu"

_KEY = re.compile(r"#?(rel|inc)-?([0-9]{1,9})")
_CLAUSES = frozenset(("in", "at", "until", "till", "for", "as", "to"))
_LENGTH = re.compile(r"[0-9][0-9.a-z]*|an?|half")
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


@dataclass
class _Reading:
    """What has been understood so far, with the words still to read."""

    words: list[Word]
    zone: str | tzinfo
    now: datetime
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

    "release" ("REL-1"), "incident" ("INC-1"), "org", "seat", "note": str; "at", "until": aware UTC; "for": timedelta;
    "people", "teams", "channels": chat ids; "words": what is left, quoted strings whole. No words at all ask for the
    menu. Raises NotFound for an unknown verb, Unclear for a clause that cannot be read.
    """
    words = take_apart(text)
    key = words.pop(0) if len(words) > 1 and _key(words[0]) and words[1].kind == "word" else None
    if not words or words[0].kind == "note":
        name, taken = _menu(root, verbs), 0
    else:
        name, taken = _verb(root, words, verbs)
    reading = _Reading([*([key] if key else []), *words[taken:]], zone, now)
    while reading.words:
        _read(reading)
    if reading.until is not None:
        _read_until(reading, reading.until)
    return name, reading.args


def parse_said(
    text: str, *, zone: str | tzinfo, now: datetime, verbs: Mapping[str, Verb]
) -> tuple[str, dict[str, Any]]:
    """`parse` for a mention or direct message, where "release" or "incident" may come first but need not."""
    first, _, rest = text.strip().partition(" ")
    match first.casefold().lstrip("/"):
        case "release" | "releases":
            return parse("release", rest, zone=zone, now=now, verbs=verbs)
        case "incident" | "incidents":
            return parse("incident", rest, zone=zone, now=now, verbs=verbs)
    words = take_apart(text)
    about_incident = any((found := _key(word)) and found[1] == "inc" for word in words[:3])
    only_there = words and not _spoken("release", words, verbs) and _spoken("incident", words, verbs)
    root: Root = "incident" if about_incident or only_there else "release"
    return parse(root, text, zone=zone, now=now, verbs=verbs)


def typed_name(verb: Verb) -> str:
    """The words by which a verb is typed after its root."""
    return _phrase(verb.name.removeprefix(verb.root).lstrip("_-. ") or verb.name)


@lru_cache(512)
def _phrase(name: str) -> str:
    return re.sub(r"[\s_.\-]+", " ", name).strip().casefold()


def _menu(root: Root, verbs: Mapping[str, Verb]) -> str:
    own = [verb.name for verb in verbs.values() if verb.root == root and typed_name(verb) == MENU]
    return own[0] if own else MENU


def _phrases(root: Root, verbs: Mapping[str, Verb]) -> dict[str, str]:
    """Everything that can be typed after a root -> the verb's name."""
    ours = [verb for verb in verbs.values() if verb.root == root]
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


def _verb(root: Root, words: Sequence[Word], verbs: Mapping[str, Verb]) -> tuple[str, int]:
    if spoken := _spoken(root, words, verbs):
        return spoken
    phrases = _phrases(root, verbs)
    typed = _phrase(words[0].bare or words[0].text)
    begun = sorted(phrase for phrase in phrases if typed and phrase.startswith(typed))
    if len({phrases[phrase] for phrase in begun}) == 1:
        return phrases[begun[0]], 1
    nearest = begun or get_close_matches(typed, phrases, n=3, cutoff=0.6)
    # Of several words for one verb, only the first is worth showing.
    nearest = list({phrases[phrase]: phrase for phrase in reversed(nearest)}.values())[::-1]
    hint = f" Did you mean {_either(f'`/{root} {phrase}`' for phrase in nearest)}?" if nearest else ""
    shown = words[0].text[:60].replace("`", "")
    raise NotFound(f"I know no “{shown}”.{hint} `/{root} help` lists what you can say.", nearest=nearest, field="verb")


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
        case "in" if following and _LENGTH.fullmatch(following.bare) and _is_length(reading):
            reading.words.insert(0, Word("in"))
            _read_at(reading)
        case "in":
            reading.put("org", _name(reading, "in", "org", "`in uat`"), "in")
        case "as":
            reading.put("seat", _name(reading, "as", "seat", "`as qa`"), "as")
        case "for" if following and _LENGTH.fullmatch(following.bare):
            reading.put("for", understand_duration(_clause_words(reading)), "for")
        case "to" if following and following.kind == "channel":
            reading.gather("channels", reading.words.pop(0).text)
        case _:
            return False
    return True


def _read_at(reading: _Reading) -> None:
    reading.start = read_moment(_time_words(reading), zone=reading.zone, now=reading.now)
    reading.put("at", reading.start.at, "at")


def _read_until(reading: _Reading, words: str) -> None:
    """The end is read last: “at 22:00 Berlin until 23:30” means the first 23:30 in Berlin after the start."""
    start = reading.start
    try:
        end = read_moment(
            words,
            zone=start.zone if start else reading.zone,
            now=reading.now,
            after=start.at if start else None,
        )
    except Unclear as error:
        raise Unclear(str(error), field="until") from None
    reading.args["until"] = end.at


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


def _is_length(reading: _Reading) -> bool:
    """Whether “in …” goes on with a duration, not with an org's name."""
    ahead = _Reading(list(reading.words), reading.zone, reading.now)
    try:
        return understand_duration(_clause_words(ahead)) > timedelta()
    except Unclear:
        return False


def _name(reading: _Reading, said: str, argument: str, example: str) -> str:
    if reading.words and reading.words[0].kind in ("word", "quoted") and not _key(reading.words[0]):
        word = reading.words.pop(0)
        return word.text if word.kind == "quoted" else word.text.rstrip(",;.:!?") or word.text
    raise Unclear(f"“{said}” must be followed by the name of the {argument}, for example {example}.", field=argument)
