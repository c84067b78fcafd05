"""Slack's rich_text block as HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from bot.rehearsal.pages.emoji import draw_emoji, draw_text
from bot.rehearsal.pages.mrkdwn import draw_channel, draw_date, draw_link, draw_person
from bot.rehearsal.pages.reader import Reader

Part = Mapping[str, Any]

_STYLES = (("code", "code"), ("bold", "strong"), ("italic", "em"), ("strike", "s"), ("underline", "u"))


def draw_rich_text(block: Part, reader: Reader) -> Markup:
    """Draw a rich_text block: sections, lists, preformatted text, quotes."""
    return Markup("").join(_draw_part(part, reader) for part in parts_of(block, "elements"))


def parts_of(parent: Part, key: str) -> Sequence[Part]:
    """The mappings in a list field; anything malformed is left out, for a page must not fall over it."""
    found = parent.get(key)
    return [part for part in found if isinstance(part, Mapping)] if isinstance(found, list) else []


def _draw_part(part: Part, reader: Reader) -> Markup:
    kind = part.get("type")
    if kind == "rich_text_list":
        return _draw_list(part, reader)
    inner = _draw_elements(part, reader)
    if kind == "rich_text_preformatted":
        return Markup("<pre><code>{}</code></pre>").format(inner)
    if kind == "rich_text_quote":
        return Markup("<blockquote>{}</blockquote>").format(inner)
    return Markup('<p class="rich">{}</p>').format(inner)


def _draw_list(part: Part, reader: Reader) -> Markup:
    tag = "ol" if part.get("style") == "ordered" else "ul"
    indent = min(int(part.get("indent") or 0), 6)
    items = Markup("").join(
        Markup("<li>{}</li>").format(_draw_elements(item, reader)) for item in parts_of(part, "elements")
    )
    start = Markup(' start="{}"').format(int(part["offset"]) + 1) if part.get("offset") else ""
    return Markup('<{0} class="indent-{1}"{2}>{3}</{0}>').format(tag, indent, start, items)


def _draw_elements(part: Part, reader: Reader) -> Markup:
    return Markup("").join(_draw_element(element, reader) for element in parts_of(part, "elements"))


def _draw_element(element: Part, reader: Reader) -> Markup:
    draw = _ELEMENTS.get(str(element.get("type")), _draw_words)
    drawn = draw(element, reader)
    style = element.get("style")
    for name, tag in _STYLES:
        if isinstance(style, Mapping) and style.get(name):
            drawn = Markup("<{0}>{1}</{0}>").format(tag, drawn)
    return drawn


def _draw_words(element: Part, _reader: Reader) -> Markup:
    lines = str(element.get("text") or "").split("\n")
    return Markup("<br>").join(draw_text(line) for line in lines)


def _draw_group(element: Part, reader: Reader) -> Markup:
    group = str(element.get("usergroup_id"))
    return Markup('<span class="mention">@{}</span>').format(reader.groups.get(group, group))


_ELEMENTS: dict[str, Callable[[Part, Reader], Markup]] = {
    "link": lambda element, _: draw_link(str(element.get("url")), draw_text(str(element.get("text") or ""))),
    "user": lambda element, reader: draw_person(str(element.get("user_id")), reader),
    "channel": lambda element, reader: draw_channel(str(element.get("channel_id")), reader),
    "usergroup": _draw_group,
    "emoji": lambda element, _: draw_emoji(str(element.get("name"))),
    "broadcast": lambda element, _: Markup('<span class="mention loud">@{}</span>').format(element.get("range")),
    "color": lambda element, _: Markup("<code>{}</code>").format(element.get("value")),
    "date": lambda element, reader: draw_date(
        str(element.get("timestamp")), str(element.get("format")), str(element.get("fallback") or ""), reader
    ),
    "text": _draw_words,
}


def draw_cell(cell: Part, reader: Reader) -> Markup:
    """Draw one cell of a table block: raw text, a number or rich text."""
    if cell.get("type") == "rich_text":
        return draw_rich_text(cell, reader)
    return draw_text(str(cell.get("text", cell.get("value", ""))))
