"""Messages as plain text: for files that hold all of what a chat shows a part of, for cards that are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

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
    Steps,
    Table,
    Verbatim,
    clean,
)
from handlers.times import Moment

LONGEST = 20_000
"""How many characters of one card are kept: more than Slack shows of any message."""

UTC_ZONE = ZoneInfo("UTC")

Named = Callable[[str], str]
"""How a person or channel is called, by chat id."""


def whole_text(message: Message, zone: ZoneInfo, named: Named) -> str:
    """Everything a message says, nothing cut; instants are told in `zone`."""
    blocks = ["\n".join(_lines(part)) for part in message.parts or (Paragraph(message.summary),)]
    written = "\n\n".join(block for block in blocks if block.strip())
    return f"{TOKEN.sub(lambda found: _plain(found[1], found[2].split(SEPARATOR), zone, named), written)}\n"


def as_text(message: Message, names: Mapping[str, str]) -> str:
    """Everything that a card says, buttons in brackets, as it is kept: names with chat ids, instants in UTC.

    `names` of people by chat id, as far as they are known.
    """
    said = [line for part in message.parts for line in (_offered(part) or _lines(part))]

    def named(chat_id: str) -> str:
        return f"{names[chat_id]} ({chat_id})" if chat_id in names else chat_id

    written = TOKEN.sub(lambda found: _plain(found[1], found[2].split(SEPARATOR), UTC_ZONE, named), "\n".join(said))
    return clean(written)[:LONGEST]


def _offered(part: Part) -> list[str]:
    """What can be clicked in a part; a file has nothing to click."""
    match part:
        case Actions(items):
            return [" ".join(f"[{item.label}]" for item in items)]
        case Paragraph(text, beside) if beside:
            return [f"{text} [{beside.label}]"]
    return []


def _lines(part: Part) -> Iterator[str]:
    match part:
        case Heading(text):
            yield from (text, "=" * min(len(text), 80))
        case Paragraph(text) | Note(text) | Verbatim(text):
            yield text
        case Facts(rows):
            yield from (f"{label}: {value}" for label, value in rows)
        case Listing(lines):
            yield from (f"- {line}" for line in lines)
        case Table(header, rows):
            yield from _table(header, rows)
        case Steps(title, steps):
            yield from (title, *(f"- {step.line}" for step in steps))
        case Rule():
            yield "-" * 20
        case Actions():
            return


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """One row below the other, tab between the cells: every spreadsheet reads it."""
    for row in (header, *rows):
        yield "\t".join(" ".join(cell.split()) for cell in row)


def _plain(kind: str, values: Sequence[str], zone: ZoneInfo, named: Named) -> str:
    match kind:
        case "person" | "channel":
            return named(values[0])
        case "at":
            return Moment(datetime.fromisoformat(values[0]), zone).words
        case "link" if values[0] != values[-1]:
            return f"{values[-1]} ({values[0]})"
    return values[-1]
