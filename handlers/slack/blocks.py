"""Our messages in Block Kit, within every limit of Slack's.

Long text is split over several blocks; what still does not fit is cut with "… and N more" over a click that hands over
all of it, never refused. Things to click are kept before anything else is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from handlers.conversation import (
    Button,
    Heading,
    Home,
    Message,
    Note,
    Paragraph,
    Part,
)
from handlers.slack.elements import Drawing, draw_elements, plain_text
from handlers.slack.limits import (
    MESSAGE,
    MODAL_BUTTON,
    MODAL_TITLE,
    NOTHING,
    VIEW,
    Room,
)
from handlers.slack.mrkdwn import (
    EVERYBODY,
    Reader,
    mrkdwn_within,
)
from handlers.slack.stretches import UNNAMED, Stretch, Surface, context, cost, rows_of, stretches_of

SUMMARY = 1000
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


def draw_message(message: Message, reader: Reader = EVERYBODY) -> dict[str, Any]:
    """`{"text", "blocks"}` for chat.postMessage and its kin: at most 8,000 characters, 10 KB of JSON, 50 blocks."""
    mark = TONES[message.tone]
    text = mrkdwn_within(mark + message.summary, SUMMARY)
    parts = _marked(message.parts or (Paragraph(message.summary),), mark)
    room = MESSAGE - Room(0, 0, len(json.dumps(text, ensure_ascii=False).encode()))
    return {"text": text, "blocks": draw_parts(parts, room, "message", reader, message.whole)}


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
        "blocks": draw_parts(parts, VIEW, "view", reader, message.whole),
    }


def draw_parts(
    parts: Sequence[Part], room: Room, surface: Surface, reader: Reader, whole: Button | None = None
) -> list[Drawing]:
    """The parts in order, within the room; a last line tells how many parts found none.

    Where anything had to be left out, `whole` stands below: the click that hands over all of it.
    """
    stretches = stretches_of(parts, surface, reader)
    blocks, is_cut = _within(stretches, room)
    way_to_the_rest = rows_of(draw_elements([whole], reader)) if is_cut and whole else []
    if way_to_the_rest:
        blocks, _ = _within(stretches, room - cost(way_to_the_rest))
    return _named([*blocks, *way_to_the_rest])


def _within(stretches: Sequence[Stretch], room: Room) -> tuple[list[Drawing], bool]:
    """The stretches within the room, and whether any of them had to be cut."""
    last_line = [context("… and 9999 more parts.")]
    left = room - cost(last_line)
    wholes = [each.build(min(each.length, each.most)) for each in stretches]
    needs = [cost(drawn) if each.kept else NOTHING for each, drawn in zip(stretches, wholes, strict=True)]
    reserved = sum(needs, NOTHING)
    blocks: list[Drawing] = []
    missing, is_cut = 0, False
    for stretch, uncut, need in zip(stretches, wholes, needs, strict=True):
        reserved = reserved - need
        drawn = stretch.within(left if stretch.kept else left - reserved, uncut)
        is_cut = is_cut or stretch.is_cut or drawn != uncut or stretch.length > stretch.most
        if drawn is None:
            missing += 1
            continue
        left = left - cost(drawn)
        blocks.extend(drawn)
    if missing:
        blocks.append(context(f"… and {missing} more parts." if missing > 1 else "… and one more part."))
    return blocks, is_cut


def _named(blocks: list[Drawing]) -> list[Drawing]:
    """The blocks with names that an edit keeps, so that a click counts although the message was edited under it."""
    clickable = [block for block in blocks if block.get("block_id") == UNNAMED]
    for number, block in enumerate(clickable, start=1):
        block["block_id"] = f"clicks-{number:02}"
    return blocks


def _marked(parts: Sequence[Part], mark: str) -> Sequence[Part]:
    """The parts with the tone's mark before the first words."""
    match parts[0]:
        case Heading() | Paragraph() | Note() as first if mark:
            return (replace(first, text=mark + first.text), *parts[1:])
    return parts
