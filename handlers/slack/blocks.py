"""Our messages in Block Kit, within every limit of Slack's.

Long text is split over several blocks; what still does not fit is cut with "… and N more", never refused. Things to
click are kept before anything else is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from handlers.conversation import (
    Actions,
    Facts,
    Heading,
    Home,
    Listing,
    Message,
    Note,
    Paragraph,
    Part,
    Rule,
    Table,
    Verbatim,
    bold,
)
from handlers.slack.elements import Drawing, draw_elements, mrkdwn_text, plain_text
from handlers.slack.limits import (
    ACTIONS,
    CONTEXT,
    FIELD,
    FIELDS,
    HEADER,
    MESSAGE,
    MODAL_BUTTON,
    MODAL_TITLE,
    NOTHING,
    SECTION,
    TABLE_COLUMNS,
    TABLE_ROWS,
    VIEW,
    Room,
)
from handlers.slack.mrkdwn import (
    EMPTY,
    EVERYBODY,
    Reader,
    mrkdwn_within,
    pieces,
    plain_within,
    size,
    split_mrkdwn,
)
from handlers.slack.rich_text import preformatted, rich_cell

SUMMARY = 1000
CELL = 300
TONES = {
    "good": "✅ ",
    "wait": "⏳ ",
    "stop": "⛔ ",
    "declined": "👎 ",
    "withdrawn": "↩️ ",
    "expired": "⏰ ",
    "failed": "❌ ",
    "plain": "",
}
Surface = Literal["message", "view"]
UNNAMED = "clicks-00"  # as long as the name that takes its place, so that what was measured stays true


@dataclass(frozen=True)
class Stretch:
    """One part as it can be shortened: `build(k)` draws its first `k` of `length` pieces, naming what is missing.

    At most `most` pieces can be drawn. `kept` parts get their room before the others do.
    """

    length: int
    build: Callable[[int], list[Drawing]]
    most: int
    kept: bool = False

    def within(self, room: Room) -> list[Drawing] | None:
        """As much as fits; None when not even the shortest drawing does."""
        low, best = 0, None
        high = min(self.length, self.most)
        if high == self.length and room.holds(cost(whole := self.build(high))):
            return whole
        while low <= high:
            middle = (low + high) // 2
            drawn = self.build(middle)
            if room.holds(cost(drawn)):
                best, low = drawn, middle + 1
            else:
                high = middle - 1
        return best


def draw_message(message: Message, reader: Reader = EVERYBODY) -> dict[str, Any]:
    """`{"text", "blocks"}` for chat.postMessage and its kin: at most 8,000 characters, 10 KB of JSON, 50 blocks."""
    mark = TONES[message.tone]
    text = mrkdwn_within(mark + message.summary, SUMMARY)
    parts = _marked(message.parts or (Paragraph(message.summary),), mark)
    room = MESSAGE - Room(0, 0, len(json.dumps(text, ensure_ascii=False).encode()))
    return {"text": text, "blocks": draw_parts(parts, room, "message", reader)}


def draw_home(home: Home, reader: Reader = EVERYBODY) -> Drawing:
    """A view for views.publish."""
    blocks = draw_parts(home.parts, VIEW, "view", reader)
    return {"type": "home", "blocks": blocks, **({"private_metadata": home.page} if home.page else {})}


def draw_notice(message: Message, *, private_metadata: str, reader: Reader = EVERYBODY) -> Drawing:
    """A message as a modal, for people who clicked where no message can be shown."""
    parts = _marked(message.parts or (Paragraph(message.summary),), TONES[message.tone])
    return {
        "type": "modal",
        "title": plain_text("Rollcall", MODAL_TITLE, reader),
        "close": plain_text("Close", MODAL_BUTTON, reader),
        "private_metadata": private_metadata,
        "blocks": draw_parts(parts, VIEW, "view", reader),
    }


def draw_parts(parts: Sequence[Part], room: Room, surface: Surface, reader: Reader) -> list[Drawing]:
    """The parts in order, within the room; a last line tells how many parts found none."""
    last_line = [_context("… and 9999 more parts.")]
    left = room - cost(last_line)
    stretches = _stretches(parts, surface, reader)
    needs = [cost(each.build(each.length)) if each.kept else NOTHING for each in stretches]
    reserved = sum(needs, NOTHING)
    blocks: list[Drawing] = []
    missing = 0
    for stretch, need in zip(stretches, needs, strict=True):
        reserved = reserved - need
        drawn = stretch.within(left if stretch.kept else left - reserved)
        if drawn is None:
            missing += 1
            continue
        left = left - cost(drawn)
        blocks.extend(drawn)
    if missing:
        blocks.append(_context(f"… and {missing} more parts." if missing > 1 else "… and one more part."))
    return _named(blocks)


def _named(blocks: list[Drawing]) -> list[Drawing]:
    """The blocks with names that an edit keeps, so that a click counts although the message was edited under it."""
    clickable = [block for block in blocks if block.get("block_id") == UNNAMED]
    for number, block in enumerate(clickable, start=1):
        block["block_id"] = f"clicks-{number:02}"
    return blocks


def cost(blocks: Sequence[Drawing]) -> Room:
    """What drawn blocks use up."""
    written = sum(len(json.dumps(block, ensure_ascii=False).encode()) + 2 for block in blocks)
    return Room(len(blocks), sum(_characters(block) for block in blocks), written)


def _characters(drawing: Any) -> int:
    match drawing:
        case dict():
            return sum(
                size(value) if key == "text" and isinstance(value, str) else _characters(value)
                for key, value in drawing.items()
            )
        case list():
            return sum(map(_characters, drawing))
    return 0


def _marked(parts: Sequence[Part], mark: str) -> Sequence[Part]:
    """The parts with the tone's mark before the first words."""
    match parts[0]:
        case Heading() | Paragraph() | Note() as first if mark:
            return (replace(first, text=mark + first.text), *parts[1:])
    return parts


def _stretches(parts: Sequence[Part], surface: Surface, reader: Reader) -> list[Stretch]:
    # Slack takes one table in a message and none on other surfaces; the others become lines.
    tables = 1 if surface == "message" else 0
    stretches = []
    for part in parts:
        if isinstance(part, Table) and part.rows and part.header:
            stretches.append(_table(part, reader) if tables else _lines(_rows_as_lines(part)))
            tables -= 1
        else:
            stretches.append(_stretch(part, reader))
    return [stretch for stretch in stretches if stretch.length]


def _stretch(part: Part, reader: Reader) -> Stretch:
    match part:
        case Heading():
            return _whole([_heading(part.text, reader)])
        case Paragraph():
            return _paragraph(part, reader)
        case Facts():
            return _facts(part)
        case Listing():
            return _lines([f"• {line}" for line in part.lines])
        case Verbatim():
            return _verbatim(part.text)
        case Actions():
            return _actions(part, reader)
        case Note():
            return _whole([_context(part.text)])
        case Rule():
            return _whole([{"type": "divider"}])
        case Table():
            return _whole([_context("Nothing to list.")])


def _whole(blocks: list[Drawing]) -> Stretch:
    return Stretch(1, lambda count: blocks[:count], 1, kept=True)


def _heading(text: str, reader: Reader) -> Drawing:
    """A header, or bold words where the title is too long for one or speaks of somebody."""
    simple = all(piece.kind in ("text", "bold", "code") for piece in pieces(text))
    words = plain_within(text, SECTION, reader)
    if simple and size(words) <= HEADER:
        return {"type": "header", "text": plain_text(text, HEADER, reader)}
    sentence = bold(words) if simple else text
    return {"type": "section", "text": mrkdwn_text(sentence, SECTION)}


def _context(sentence: str) -> Drawing:
    return {"type": "context", "elements": [mrkdwn_text(sentence, CONTEXT)]}


def _section(drawn: str) -> Drawing:
    return {"type": "section", "text": {"type": "mrkdwn", "text": drawn}}


def _paragraph(part: Paragraph, reader: Reader) -> Stretch:
    stretches = split_mrkdwn(part.text[: MESSAGE.characters * 4], SECTION)
    beside = draw_elements([part.beside], reader) if part.beside is not None else []
    if beside and not stretches:
        stretches = [EMPTY]

    def build(count: int) -> list[Drawing]:
        shown = stretches[:count]
        if count < len(stretches):
            shown = [*shown, mrkdwn_within(part.text, 500) if not shown else "…"]
        blocks = [_section(stretch) for stretch in shown]
        if len(beside) == 1 and blocks:
            blocks[0] |= {"accessory": beside[0], "block_id": UNNAMED}
        elif beside:
            blocks.extend(_rows_of(beside))
        return blocks

    return Stretch(len(stretches), build, len(stretches), kept=bool(beside))


def _facts(part: Facts) -> Stretch:
    fields = []
    for label, value in part.rows:
        title = mrkdwn_within(bold(label), 200)
        fields.append({"type": "mrkdwn", "text": f"{title}\n{mrkdwn_within(value, FIELD - 210)}"})

    def build(count: int) -> list[Drawing]:
        blocks = [
            {"type": "section", "fields": fields[start : min(start + FIELDS, count)]}
            for start in range(0, count, FIELDS)
        ]
        return blocks + _more(len(fields) - count)

    return Stretch(len(fields), build, len(fields))


def _lines(lines: Sequence[str]) -> Stretch:
    drawn = [mrkdwn_within(line, SECTION // 2) for line in lines[: MESSAGE.characters * 4]]

    def build(count: int) -> list[Drawing]:
        return [_section(text) for text in _packed(drawn[:count])] + _more(len(lines) - count)

    return Stretch(len(lines), build, len(drawn))


def _packed(lines: Sequence[str]) -> Iterator[str]:
    """Lines joined into texts that a section can hold."""
    gathered: list[str] = []
    used = 0
    for line in lines:
        if gathered and used + size(line) + 1 > SECTION:
            yield "\n".join(gathered)
            gathered, used = [], 0
        gathered.append(line)
        used += size(line) + 1
    if gathered:
        yield "\n".join(gathered)


def _table(part: Table, reader: Reader) -> Stretch:
    width = min(TABLE_COLUMNS, max(len(part.header), *(len(row) for row in part.rows)))
    header = [{"type": "raw_text", "text": plain_within(_at(part.header, i), CELL, reader)} for i in range(width)]
    rows = [[rich_cell(_at(row, index), CELL, reader) for index in range(width)] for row in part.rows[: TABLE_ROWS - 1]]
    settings = [{"is_wrapped": True} for _ in range(width)]

    def build(count: int) -> list[Drawing]:
        if not count:
            return _more(len(part.rows))
        table = {"type": "table", "column_settings": settings, "rows": [header, *rows[:count]]}
        return [table, *_more(len(part.rows) - count)]

    return Stretch(len(part.rows), build, TABLE_ROWS - 1)


def _at(row: Sequence[str], index: int) -> str:
    return row[index] if index < len(row) else ""


def _rows_as_lines(part: Table) -> list[str]:
    lines = []
    for row in part.rows:
        first, *rest = row or ("",)
        labelled = [f"{label}: {cell}" for label, cell in zip(part.header[1:], rest, strict=False) if cell]
        lines.append(f"• {' · '.join([first, *labelled])}")
    return lines


def _verbatim(text: str) -> Stretch:
    shown = text.replace("\x00", "").rstrip()[: VIEW.characters]

    def build(count: int) -> list[Drawing]:
        if count >= len(text.rstrip()):
            return [preformatted(shown)]
        cut = shown[:count]
        cut = cut[: cut.rfind("\n") + 1].rstrip() or cut
        missing = text.rstrip().count("\n") + 1 - (cut.count("\n") + 1 if cut else 0)
        return ([preformatted(cut)] if cut else []) + _more(max(missing, 1), "line", "lines")

    return Stretch(len(text.rstrip()), build, len(shown))


def _actions(part: Actions, reader: Reader) -> Stretch:
    elements = draw_elements(part.items, reader)

    def build(count: int) -> list[Drawing]:
        return _rows_of(elements[:count]) + _more(len(elements) - count)

    return Stretch(len(elements), build, len(elements), kept=True)


def _rows_of(elements: Sequence[Drawing]) -> list[Drawing]:
    return [
        {"type": "actions", "block_id": UNNAMED, "elements": list(elements[start : start + ACTIONS])}
        for start in range(0, len(elements), ACTIONS)
    ]


def _more(count: int, one: str = "", many: str = "") -> list[Drawing]:
    if count <= 0:
        return []
    return [_context(f"… and {count} more {one if count == 1 else many}".rstrip())]
