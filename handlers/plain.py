"""What a message says as plain text that is kept: with names, instants in UTC, buttons in brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from handlers.conversation import (
    SEPARATOR,
    TOKEN,
    Actions,
    Facts,
    Heading,
    Listing,
    Message,
    Note,
    Paragraph,
    Part,
    Rule,
    Table,
    Verbatim,
    clean,
)

LONGEST = 20_000
"""How many characters of one card are kept: more than Slack shows of any message."""


def as_text(message: Message, names: Mapping[str, str]) -> str:
    """Everything that a message says, line by line; `names` of people by chat id, as far as they are known."""
    lines = [line for part in message.parts for line in _lines(part)]
    return clean("\n".join(_worded(line, names) for line in lines))[:LONGEST]


def _lines(part: Part) -> Iterator[str]:
    match part:
        case Heading(text) | Note(text) | Verbatim(text):
            yield text
        case Paragraph(text, beside):
            yield f"{text} [{beside.label}]" if beside else text
        case Facts(rows):
            yield from (f"{label}: {value}" for label, value in rows)
        case Table(header, rows):
            yield from (" | ".join(row) for row in (header, *rows))
        case Listing(lines):
            yield from (f"- {line}" for line in lines)
        case Actions(items):
            yield " ".join(f"[{item.label}]" for item in items)
        case Rule():
            yield "---"


def _worded(sentence: str, names: Mapping[str, str]) -> str:
    return TOKEN.sub(lambda found: _word(found, names), sentence)


def _word(found: re.Match[str], names: Mapping[str, str]) -> str:
    kind, values = found[1], found[2].split(SEPARATOR)
    match kind:
        case "person":
            name = names.get(values[0])
            return f"{name} ({values[0]})" if name else values[0]
        case "at":
            return f"{datetime.fromisoformat(values[0]).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        case "link":
            return f"{values[-1]} ({values[0]})"
    return values[0]
