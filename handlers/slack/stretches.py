"""Parts of our messages as Block Kit, each in a form that can be shortened to the room there is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from handlers.conversation import (
    Actions,
    Facts,
    Heading,
    Listing,
    Note,
    Paragraph,
    Part,
    Rule,
    Step,
    Steps,
    StepState,
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
    PLAN_TASKS,
    PLAN_TITLE,
    SECTION,
    STEP_TITLE,
    STEP_TOLD,
    TABLE_COLUMNS,
    TABLE_ROWS,
    VIEW,
    Room,
)
from handlers.slack.mrkdwn import (
    EMPTY,
    Reader,
    mrkdwn_within,
    pieces,
    plain_within,
    size,
    split_mrkdwn,
    to_mrkdwn,
    to_plain,
)
from handlers.slack.rich_text import preformatted, rich_cell, rich_words

CELL = 300
Surface = Literal["message", "view"]
_STATUSES: Mapping[StepState, str] = {
    "waiting": "pending",
    "running": "in_progress",
    "done": "complete",
    "skipped": "complete",
    "failed": "error",
}
UNNAMED = "clicks-00"  # as long as the name that takes its place, so that what was measured stays true


@dataclass(frozen=True)
class Stretch:
    """One part as it can be shortened: `build(k)` draws its first `k` of `length` pieces, naming what is missing.

    At most `most` pieces can be drawn. `kept` parts get their room before the others do. `is_cut` tells that a piece
    was too long by itself.
    """

    length: int
    build: Callable[[int], list[Drawing]]
    most: int
    kept: bool = False
    is_cut: bool = False

    def within(self, room: Room, most: list[Drawing]) -> list[Drawing] | None:
        """As much as fits, at best `most`; None when not even the shortest drawing does."""
        low, best = 0, None
        high = min(self.length, self.most)
        if room.holds(cost(most)):
            return most
        while low <= high:
            middle = (low + high) // 2
            drawn = self.build(middle)
            if room.holds(cost(drawn)):
                best, low = drawn, middle + 1
            else:
                high = middle - 1
        return best


def cost(blocks: Sequence[Drawing]) -> Room:
    """What drawn blocks use up."""
    written = sum(len(json.dumps(block, ensure_ascii=False).encode()) + 2 for block in blocks)
    return Room(len(blocks), sum(_characters(block) for block in blocks), written)


def _characters(drawing: Any) -> int:
    match drawing:
        case dict():
            return sum(
                size(value) if key in ("text", "title") and isinstance(value, str) else _characters(value)
                for key, value in drawing.items()
            )
        case list():
            return sum(map(_characters, drawing))
    return 0


def stretches_of(parts: Sequence[Part], surface: Surface, reader: Reader) -> list[Stretch]:
    """The parts as they can be shortened. Slack takes one table in a message, none elsewhere: the others are lines."""
    tables = 1 if surface == "message" else 0
    found: list[Stretch] = []
    for part in parts:
        if isinstance(part, Steps):
            found += [_plan(part, reader)] if surface == "message" else _steps_as_lines(part)
        elif isinstance(part, Table) and part.rows and part.header:
            found.append(_table(part, reader) if tables else _lines(_rows_as_lines(part)))
            tables -= 1
        else:
            found.append(_stretch(part, reader))
    return [stretch for stretch in found if stretch.length]


def _stretch(part: Part, reader: Reader) -> Stretch:
    match part:
        case Heading():
            return _whole([_heading(part.text, reader)], is_cut=_exceeds(part.text, SECTION))
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
            return _whole([context(part.text)], is_cut=_exceeds(part.text, CONTEXT))
        case Rule():
            return _whole([{"type": "divider"}])
        case Table() | Steps():
            return _whole([context("Nothing to list.")])


def _whole(blocks: list[Drawing], *, is_cut: bool = False) -> Stretch:
    return Stretch(1, lambda count: [dict(block) for block in blocks[:count]], 1, kept=True, is_cut=is_cut)


def _exceeds(sentence: str, limit: int) -> bool:
    """Whether a sentence has to be cut to `limit` characters of markup."""
    return len(sentence) * 6 > limit and size(to_mrkdwn(sentence)) > limit


def _heading(text: str, reader: Reader) -> Drawing:
    """A header, or bold words where the title is too long for one or speaks of somebody."""
    simple = all(piece.kind in ("text", "bold", "code") for piece in pieces(text))
    words = plain_within(text, SECTION, reader)
    if simple and size(words) <= HEADER:
        return {"type": "header", "text": plain_text(text, HEADER, reader)}
    sentence = bold(words) if simple else text
    return {"type": "section", "text": mrkdwn_text(sentence, SECTION)}


def context(sentence: str) -> Drawing:
    """Small print."""
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
            blocks.extend(rows_of(beside))
        return blocks

    is_cut = len(part.text) > MESSAGE.characters * 4
    return Stretch(len(stretches), build, len(stretches), kept=bool(beside), is_cut=is_cut)


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

    is_cut = any(_exceeds(bold(label), 200) or _exceeds(value, FIELD - 210) for label, value in part.rows)
    return Stretch(len(fields), build, len(fields), is_cut=is_cut)


def _lines(lines: Sequence[str]) -> Stretch:
    drawn = [mrkdwn_within(line, SECTION // 2) for line in lines[: MESSAGE.characters * 4]]

    def build(count: int) -> list[Drawing]:
        return [_section(text) for text in _packed(drawn[:count])] + _more(len(lines) - count)

    is_cut = any(_exceeds(line, SECTION // 2) for line in lines)
    return Stretch(len(lines), build, len(drawn), is_cut=is_cut)


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

    cells = [cell for row in (part.header, *part.rows) for cell in row]
    is_cut = any(len(row) > width for row in part.rows) or any(size(to_plain(cell, reader)) > CELL for cell in cells)
    return Stretch(len(part.rows), build, TABLE_ROWS - 1, is_cut=is_cut)


def _plan(part: Steps, reader: Reader) -> Stretch:
    """Steps as task cards; their details are rich text, so that people and instants in them are what they are."""
    cards = [_card(number, step, reader) for number, step in enumerate(part.steps[:PLAN_TASKS], start=1)]

    def build(count: int) -> list[Drawing]:
        if not count:
            return _more(len(part.steps), "step", "steps")
        plan = {"type": "plan", "title": plain_within(part.title, PLAN_TITLE, reader), "tasks": cards[:count]}
        return [plan, *_more(len(part.steps) - count, "step", "steps")]

    is_cut = any(size(step.title) > STEP_TITLE or size(to_plain(step.told, reader)) > STEP_TOLD for step in part.steps)
    return Stretch(len(part.steps), build, PLAN_TASKS, is_cut=is_cut)


def _card(number: int, step: Step, reader: Reader) -> Drawing:
    card: Drawing = {
        "type": "task_card",
        "task_id": f"step-{number}",
        "title": plain_within(step.title, STEP_TITLE, reader),
        "status": _STATUSES[step.state],
    }
    return card | ({"details": rich_words(step.told, STEP_TOLD, reader)} if step.told else {})


def _steps_as_lines(part: Steps) -> list[Stretch]:
    """What surfaces without task cards show."""
    return [_whole([_section(mrkdwn_within(bold(part.title), SECTION))]), _lines([f"• {s.line}" for s in part.steps])]


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
        return rows_of(elements[:count]) + _more(len(elements) - count)

    return Stretch(len(elements), build, len(elements), kept=True)


def rows_of(elements: Sequence[Drawing]) -> list[Drawing]:
    """Things to click, as many in a block as Slack takes."""
    return [
        {"type": "actions", "block_id": UNNAMED, "elements": list(elements[start : start + ACTIONS])}
        for start in range(0, len(elements), ACTIONS)
    ]


def _more(count: int, one: str = "", many: str = "") -> list[Drawing]:
    if count <= 0:
        return []
    return [context(f"… and {count} more {one if count == 1 else many}".rstrip())]
