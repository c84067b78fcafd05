"""A typed line, taken apart into words as a person meant them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from handlers.conversation import clean

Kind = Literal["word", "quoted", "person", "team", "channel", "note"]

_QUOTES = {'"': '"', "“": "”“", "”": "”", "„": "“”", "«": "»", "'": "'", "‘": "’", "’": "’"}
_DOUBLE = frozenset('"“”„«')
_DASHES = ("--", "—", "–", "―")
_INVISIBLE = re.compile(
    "[\u200b-\u200f\u2060-\u2069\u061c\u180e\ufe0e\ufe0f\ufeff\u00ad\u202a-\u202e\x00-\x08\x0e-\x1f\x7f]"
)
# What a chat draws as weight or code, where a word begins or ends with it.
_ORNAMENT = "*`"
_EMOJI = re.compile(r":[\w+'-]+:(?::skin-tone-\d:)?")
# “22:00 – 02:00” is one range, not a time with a note.
_TIME_BEFORE = re.compile(
    r"(?:\b[0-9]{1,2}(?:[:.][0-9]{2}\s?(?:[ap]m)?|\s?[ap]m|h)|\bnoon)(?:\s\w+)?\s*$", re.IGNORECASE
)
_TIME_AFTER = re.compile(
    r"\s*(?:(?:[a-z]+\s)?[0-9]{1,2}(?:[:.][0-9]{2}|\s?[ap]m|h\b)|noon\b|midnight\b)", re.IGNORECASE
)
_ENTITY = re.compile(r"<([@#!]?)([^<>|\s]*)(?:\|([^<>]*))?>")


@dataclass(frozen=True)
class Word:
    """One word; `text` is what was said, or the chat id of a person, team or channel."""

    text: str
    kind: Kind = "word"

    @property
    def bare(self) -> str:
        """The word for comparing: without case, width or the punctuation that ends a clause; empty unless a word."""
        if self.kind != "word":
            return ""
        text = self.text if self.text.isascii() else unicodedata.normalize("NFKC", self.text)
        return text.rstrip(",;.:!?").casefold()

    @property
    def is_picture(self) -> bool:
        """Whether it says nothing in words: an emoji, a bullet."""
        return self.kind == "word" and bool(_EMOJI.fullmatch(self.text) or not re.search(r"[\w-]", self.text))


def take_apart(text: str) -> list[Word]:
    """The words of a line, the note (everything after a lone dash) last.

    Quotes of any style hold words together; one that never ends is read as a character. Slack's wrapped people, teams,
    channels and links are unwrapped.
    """
    line = clean(_INVISIBLE.sub("", text))
    return list(_words(line))


def as_read(text: str) -> str:
    """Text with Slack's wrapping undone, as the person who typed it saw it."""
    return _unescape(_ENTITY.sub(_readable, text)).strip()


def _words(line: str) -> Iterator[Word]:
    position = 0
    while position < len(line):
        if line[position].isspace():
            position += 1
        elif (note := _note(line, position)) is not None:
            if note:
                yield Word(note, "note")
            return
        elif (entity := _ENTITY.match(line, position)) and (word := _entity(entity)):
            yield word
            position = entity.end()
        elif (end := _closing(line, position)) is not None:
            yield Word(as_read(line[position + 1 : end]), "quoted")
            position = end + 1
        else:
            end = _word_end(line, position)
            yield Word(_unescape(_unadorned(line[position:end])))
            position = end


def _note(line: str, position: int) -> str | None:
    """What follows when a dash stands here; None when none does. Phones turn -- into — and glue it to the word."""
    for dash in _DASHES:
        if line.startswith(dash, position):
            rest = line[position + len(dash) :]
            if dash != "--" and _TIME_BEFORE.search(line[:position]) and _TIME_AFTER.match(rest):
                return None
            return as_read(rest.lstrip("-—–― ")) if not rest or not rest[0].isdigit() else None
    return None


def _closing(line: str, position: int) -> int | None:
    """Where the quote that opens here is closed: before a blank, a dash or the end; None when nothing is quoted."""
    closers = _QUOTES.get(line[position])
    if closers is None:
        return None
    for index in range(position + 1, len(line)):
        after = line[index + 1 : index + 2]
        ends = not after or after.isspace() or after in ",;.:" or line[position] in _DOUBLE
        if line[index] in closers and ends:
            return index
    return None


def _unadorned(word: str) -> str:
    """A word as it was meant where it was written *bold*, _slanted_, ~struck~ or `as code`."""
    bare = word.strip(_ORNAMENT)
    if len(bare) > 2 and bare[0] == bare[-1] and bare[0] in "_~":
        bare = bare.strip(bare[0])
    return bare or word


def _word_end(line: str, position: int) -> int:
    end = position + 1
    while end < len(line) and not line[end].isspace() and not _ENTITY.match(line, end):
        end += 1
    return end


def _entity(found: re.Match[str]) -> Word | None:
    sigil, value, label = found.groups()
    if sigil == "@" and value:
        return Word(value, "person")
    if sigil == "#" and value:
        return Word(value, "channel")
    if sigil == "!" and value.startswith("subteam^"):
        return Word(value.removeprefix("subteam^"), "team")
    if sigil == "!" and value:
        return Word(f"@{_unescape(label or value).lstrip('@')}")
    if not sigil and value:
        return Word(_unescape(value.removeprefix("mailto:")))
    return None


def _readable(found: re.Match[str]) -> str:
    sigil, value, label = found.groups()
    if not value:
        return found[0]
    name = str(label or value.removeprefix("subteam^").removeprefix("mailto:"))
    if not sigil:
        return name if not label or label in value else f"{label} ({value})"
    return ("#" if sigil == "#" else "@") + name.lstrip("@#")


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
