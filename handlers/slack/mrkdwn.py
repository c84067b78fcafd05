"""Our sentences in Slack's markup, or as plain text where Slack has no markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from handlers.conversation import SEPARATOR, TOKEN, clean

PERSON = re.compile(r"[UW][A-Z0-9]{2,}")
TEAM = re.compile(r"S[A-Z0-9]{2,}")
CHANNEL = re.compile(r"[CG][A-Z0-9]{2,}")
WEB = re.compile(r"(?:https?://|mailto:)[^\s<>|]+", re.IGNORECASE)
LONGEST_MARK = 1000
EMPTY = "–"


@dataclass(frozen=True)
class Piece:
    """A stretch of a sentence: `text`, or one of the meanings in `handlers.conversation` with its values."""

    kind: str
    values: tuple[str, ...]

    @property
    def instant(self) -> datetime | None:
        """The instant an `at` names; None when it cannot be read."""
        try:
            return datetime.fromisoformat(self.values[0]).astimezone(UTC)
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True)
class Reader:
    """Who reads text that Slack does not resolve: their IANA zone, how they call people by id."""

    zone: str = "UTC"
    name_of: Callable[[str], str] = "@{}".format


EVERYBODY = Reader()


def pieces(sentence: str) -> Iterator[Piece]:
    """The sentence, cut where meaning begins or ends."""
    start = 0
    for found in TOKEN.finditer(sentence):
        if before := clean(sentence[start : found.start()]):
            yield Piece("text", (before,))
        yield Piece(found[1], tuple(found[2].split(SEPARATOR)))
        start = found.end()
    if rest := clean(sentence[start:]):
        yield Piece("text", (rest,))


def escape(text: str) -> str:
    """Text whose & < > mean themselves in Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def size(text: str) -> int:
    """Length as JavaScript counts it, which is the stricter reading of Slack's limits."""
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)


def to_mrkdwn(sentence: str) -> str:
    """The sentence in Slack's markup."""
    return "".join(escape(piece.values[0]) if piece.kind == "text" else _mark(piece) for piece in pieces(sentence))


def to_plain(sentence: str, reader: Reader = EVERYBODY) -> str:
    """The sentence where Slack knows no markup: buttons, options, titles, field errors."""
    return "".join(_plain(piece, reader) for piece in pieces(sentence))


def plain_within(sentence: str, limit: int, reader: Reader = EVERYBODY) -> str:
    """`to_plain` on one line, cut to `limit` characters, never empty."""
    text = " ".join(to_plain(sentence, reader).split()) or EMPTY
    return text if size(text) <= limit else _cut([*text], limit)


def mrkdwn_within(sentence: str, limit: int) -> str:
    """`to_mrkdwn`, cut to `limit` characters without breaking a mention, an instant or an escape; never empty."""
    whole = to_mrkdwn(sentence)
    return (whole if size(whole) <= limit else _cut(_units(sentence), limit)) or EMPTY


def split_mrkdwn(sentence: str, limit: int) -> list[str]:
    """`to_mrkdwn` in stretches of at most `limit` characters, broken at lines or words where possible."""
    if size(whole := to_mrkdwn(sentence)) <= limit:
        return [whole.strip()] if whole.strip() else []
    stretches: list[str] = []
    current: list[str] = []
    used = 0
    for unit in _units(sentence):
        if used + size(unit) > limit:
            current, carried = _break(current)
            stretches.append("".join(current).strip())
            current, used = carried, sum(map(size, carried))
        current.append(unit)
        used += size(unit)
    stretches.append("".join(current).strip())
    return [stretch for stretch in stretches if stretch]


def _break(units: list[str]) -> tuple[list[str], list[str]]:
    for blank in ("\n", " "):
        places = [index for index, unit in enumerate(units) if unit == blank and index > len(units) // 2]
        if places:
            return units[: places[-1]], units[places[-1] + 1 :]
    return units, []


def _cut(units: Iterator[str] | list[str], limit: int) -> str:
    kept: list[str] = []
    used = 0
    for unit in units:
        if used + size(unit) > limit:
            while kept and used > limit - 1:
                used -= size(kept.pop())
            return "".join(kept).rstrip() + "…"
        kept.append(unit)
        used += size(unit)
    return "".join(kept)


def _units(sentence: str) -> Iterator[str]:
    """What may not be broken: one escaped character, or one mark."""
    for piece in pieces(sentence):
        if piece.kind == "text":
            yield from map(escape, piece.values[0])
        else:
            yield _mark(piece)


def _mark(piece: Piece) -> str:
    value = piece.values[0]
    match piece.kind:
        case "person" if PERSON.fullmatch(value):
            return f"<@{value}>"
        case "person" if TEAM.fullmatch(value):
            return f"<!subteam^{value}>"
        case "channel" if CHANNEL.fullmatch(value):
            return f"<#{value}>"
        case "at" if (instant := piece.instant) is not None:
            return f"<!date^{int(instant.timestamp())}^{{date_short_pretty}} {{time}}|{_utc(instant)}>"
        case "bold":
            return _wrapped(value, "*")
        case "code":
            return _wrapped(value, "`")
        case "link" if WEB.fullmatch(value):
            return f"<{escape(value)}|{_inner(piece.values[-1], '|') or escape(value)}>"
    return escape(piece.values[-1][:LONGEST_MARK])


def _wrapped(text: str, mark: str) -> str:
    inner = _inner(text, mark)
    return f"{mark}{inner}{mark}" if inner else ""


def _inner(text: str, mark: str) -> str:
    words = " ".join(text.replace(mark, "").split())
    return escape(words if size(words) <= LONGEST_MARK else _cut([*words], LONGEST_MARK))


def _plain(piece: Piece, reader: Reader) -> str:
    match piece.kind:
        case "person":
            return reader.name_of(piece.values[0])
        case "at" if (instant := piece.instant) is not None:
            return in_zone(instant, reader.zone)
        case "channel":
            return f"#{piece.values[0]}"
    return piece.values[-1]


def in_zone(instant: datetime, zone: str) -> str:
    """An instant in words, in a zone: "Mon 23 Nov 2026 18:00 CET"; in UTC when the zone is unknown."""
    try:
        local = instant.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError, OverflowError):
        local = instant.astimezone(UTC)
    return f"{local:%a} {local.day} {local:%b %Y %H:%M} {local.tzname()}"


def _utc(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
