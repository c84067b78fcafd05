"""What people type, understood: one grammar for commands, mentions and direct messages.

    <verb> [REL-n|INC-n] [in ORG] [at TIME] [until TIME] [for DURATION] [as SEAT] [to CHANNEL] [-- note]

After the verb the clauses come in any order. What belongs to none of them is kept, in order, as `words`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Literal, Protocol

from handlers.clauses import ROOT_OF_KEY, clauses_of, key_in, read_clauses
from handlers.conversation import Button
from handlers.times import Ambiguous, Span, span_words
from handlers.words import Word, take_apart
from release_core.errors import NotFound, ReleaseError, Unclear

Root = Literal["release", "incident"]
MENU = "menu"
MOST_MEANT = 5

_POLITE = frozenset(("please", "pls", "hey", "hi", "hello", "ok", "okay", "kindly", "thanks", "thx"))
_ROOT_NAMES: Mapping[Root, tuple[str, str]] = {
    "release": ("release", "releases"),
    "incident": ("incident", "incidents"),
}


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
        super().__init__(f"{several} Which one? It can be written in full, like 2026-12-01 22:00.", field=several.field)
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
    key = words.pop(0) if len(words) > 1 and key_in(words[0]) and words[1].kind == "word" else None
    alone = key_in(words[0]) if len(words) == 1 else None
    if typed.verb:
        name, taken = typed.verb, 1
    elif alone and (status := _named("status", ROOT_OF_KEY[alone[1]], typed.verbs)):
        name, taken = status, 0
    elif not words or words[0].kind == "note":
        name, taken = _menu(typed.root, typed.verbs), 0
    else:
        name, taken = _verb(typed, words)
    takes = clauses_of(typed.verbs[name].usage if name in typed.verbs else "")
    args = read_clauses([*([key] if key else []), *words[taken:]], typed.zone, typed.now, typed.times, takes)
    return _as_meant(name, typed, args), args


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
        if joined and joined[-1].bare in ROOT_OF_KEY and re.fullmatch("#?[0-9]{1,9}", word.bare):
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
    about_incident = any((found := key_in(word)) and found[1] == "inc" for word in words[:3])
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
