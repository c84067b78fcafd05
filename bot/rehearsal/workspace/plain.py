"""What a person reads: Slack's markup and Block Kit flattened to plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.rehearsal.workspace.model import Json, Person
from bot.rehearsal.workspace.workspace import Workspace

_TOKEN = re.compile(r"<([^<>]+)>")
_DATE_TOKEN = re.compile(r"\{(\w+)\}")


def unescape(text: str) -> str:
    """The three entities of Slack's markup undone."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def escape(text: str) -> str:
    """Text made safe for Slack's markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def read_markup(workspace: Workspace, reader: Person, text: str) -> str:
    """Markup with names and links resolved, dates in the reader's zone."""
    return unescape(_TOKEN.sub(lambda match: _resolve(workspace, reader, match.group(1)), text))


def _resolve(workspace: Workspace, reader: Person, token: str) -> str:
    target, _, label = token.partition("|")
    if target.startswith("@"):
        person = workspace.people.get(target[1:])
        return f"@{person.name}" if person else f"@{label or 'unknown'}"
    if target.startswith("#"):
        channel = workspace.channels.get(target[1:])
        return f"#{channel.name}" if channel and workspace.may_see(reader.id, channel) else f"#{label or 'private'}"
    if target.startswith("!subteam^"):
        group = workspace.usergroups.get(target.removeprefix("!subteam^"))
        return f"@{group.handle}" if group else label
    if target.startswith("!date^"):
        return _date(reader, target, label)
    if target.startswith("!"):
        return f"@{target[1:]}"
    return label or target.removeprefix("mailto:")


def _date(reader: Person, target: str, fallback: str) -> str:
    parts = target.split("^")
    if len(parts) < 3 or not parts[1].isdigit():
        return fallback
    return format_date(datetime.fromtimestamp(int(parts[1]), UTC), parts[2], ZoneInfo(reader.zone))


def format_date(instant: datetime, pattern: str, zone: ZoneInfo) -> str:
    """An instant in Slack's date format (`{date_short} {time}` …) on the zone's wall clock."""
    local = instant.astimezone(zone)
    long = f"{local:%A}, {local:%B} {local.day}, {local.year}"
    shapes = {
        "date_num": f"{local:%Y-%m-%d}",
        "date_slash": f"{local:%Y/%m/%d}",
        "date": f"{local:%B} {local.day}, {local.year}",
        "date_short": f"{local:%b} {local.day}, {local.year}",
        "date_long": long,
        "time": f"{local:%H:%M}",
        "time_secs": f"{local:%H:%M:%S}",
        "day_divider_pretty": long,
        "ago": f"{local:%b} {local.day}, {local:%H:%M}",
    }
    for name in ("date", "date_short", "date_long"):
        shapes[f"{name}_pretty"] = shapes[name]
    return _DATE_TOKEN.sub(lambda match: shapes.get(match.group(1), match.group(0)), pattern)


def read_blocks(workspace: Workspace, reader: Person, blocks: list[Json]) -> str:
    """All text of blocks, line by line, interactive elements as `[Label]`."""
    return "\n".join(line for block in blocks for line in _lines(_Reading(workspace, reader), block) if line)


class _Reading:
    def __init__(self, workspace: Workspace, reader: Person) -> None:
        self.workspace = workspace
        self.reader = reader

    def text(self, value: Any) -> str:
        """A text object, or a bare string."""
        if isinstance(value, dict):
            if value.get("type") == "rich_text":
                return self.rich(value)
            shown = str(value.get("text", ""))
            return read_markup(self.workspace, self.reader, shown) if value.get("type") == "mrkdwn" else shown
        return str(value or "")

    def element(self, element: Json) -> str:
        """An interactive element or image."""
        if element.get("type") in ("plain_text", "mrkdwn"):
            return self.text(element)
        if element.get("type") == "image":
            return ""
        if element.get("type") == "feedback_buttons":
            return " ".join(f"[{self.text(element[key]['text'])}]" for key in ("positive_button", "negative_button"))
        if element.get("type") in ("checkboxes", "radio_buttons"):
            return "\n".join(f"[ ] {self.text(option['text'])}" for option in element["options"])
        if element.get("visible_to_user_ids") and self.reader.id not in element["visible_to_user_ids"]:
            return ""
        return f"[{self.text(element.get('text') or element.get('placeholder') or element['type'])}]"

    def rich(self, value: Any) -> str:
        """A rich_text block or a part of one."""
        if isinstance(value, list):
            return "".join(self.rich(each) for each in value)
        kind = value.get("type")
        if kind in ("rich_text", "rich_text_list"):
            mark = "• " if kind == "rich_text_list" else ""
            return "\n".join(mark + self.rich(each) for each in value["elements"])
        if "elements" in value:
            return self.rich(value["elements"])
        tokens = {"user": "@", "channel": "#", "usergroup": "!subteam^"}
        if kind in tokens:
            return read_markup(self.workspace, self.reader, f"<{tokens[kind]}{value[f'{kind}_id']}>")
        if kind == "date":
            instant = datetime.fromtimestamp(value["timestamp"], UTC)
            return format_date(instant, value["format"], ZoneInfo(self.reader.zone))
        shown = {"broadcast": f"@{value.get('range')}", "emoji": f":{value.get('name')}:"}
        return shown.get(str(kind)) or str(value.get("text") or value.get("url") or value.get("value") or "")


def _lines(reading: _Reading, block: Json) -> Iterator[str]:
    kind = block["type"]
    if kind in ("context", "actions", "context_actions"):
        yield " ".join(filter(None, (reading.element(each) for each in block["elements"])))
    elif kind == "rich_text":
        yield reading.rich(block)
    elif kind in ("table", "data_table"):
        yield block.get("caption", "")
        yield from (" | ".join(reading.text(cell) for cell in row) for row in block["rows"])
    elif kind == "input":
        yield f"{block['label']['text']}: {reading.element(block['element'])}"
    elif kind == "task_card":
        yield f"{block['title']} ({block['status'].replace('_', ' ')})"
        yield from (reading.rich(block[key]) for key in ("details", "output") if block.get(key))
    else:
        yield from _other_lines(reading, block)


def _other_lines(reading: _Reading, block: Json) -> Iterator[str]:
    for key in ("title", "rich_text_title", "subtitle", "text", "body"):
        if block.get(key):
            yield reading.text(block[key])
    yield from (reading.text(field) for field in block.get("fields") or [])
    if block.get("accessory"):
        yield reading.element(block["accessory"])
    if block["type"] == "card":
        yield " ".join(reading.element(each) for each in block.get("actions") or [])
    elif block["type"] == "image":
        yield f"({block['alt_text']})"
    for key in ("child_blocks", "tasks", "elements"):
        for child in block.get(key) or []:
            yield from _lines(reading, child)
