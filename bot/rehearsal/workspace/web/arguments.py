"""The arguments of one Web API call, with Slack's errors for what is missing or malformed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.rehearsal.workspace import cast
from bot.rehearsal.workspace.checks import Finding, Findings
from bot.rehearsal.workspace.model import Channel
from bot.rehearsal.workspace.refusals import SlackError
from bot.rehearsal.workspace.workspace import Workspace

MISSING = object()


def read_json(text: str | bytes) -> Any:
    """JSON as Slack reads it; ValueError when it is none, or holds half a character that cannot be sent on."""
    value = json.loads(text)
    written = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if "\\ud" in written.lower():
        json.dumps(value, ensure_ascii=False).encode()
    return value


class Arguments:
    """Form or JSON arguments; nested ones may come as JSON strings, as forms carry them."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = {key: value for key, value in values.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str, default: str = "") -> str:
        """A string argument."""
        value = self.values.get(name, default)
        return value if isinstance(value, str) else str(value)

    def required(self, name: str) -> str:
        """A string argument that must be there: `invalid_arguments` otherwise."""
        value = self.text(name)
        if not value:
            raise invalid_arguments([Finding(f"/{name}", "missing_required_field", f"missing required field: {name}")])
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean argument: true, "true", "1"."""
        value = self.values.get(name, default)
        return value if isinstance(value, bool) else str(value).lower() in ("true", "1")

    def whole(self, name: str, default: int) -> int:
        """A number argument: `invalid_limit` or `invalid_arguments` when it is none."""
        value = self.values.get(name, default)
        try:
            return int(value)
        except (TypeError, ValueError):
            if name == "limit":
                raise SlackError("invalid_limit") from None
            raise invalid_arguments([Finding(f"/{name}", "invalid_type", "must be an integer")]) from None

    def nested(self, name: str, problem: str = "invalid_arguments") -> Any:
        """A list or object, given as such or as a JSON string; None when absent."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return read_json(value)
        except (ValueError, RecursionError):
            raise SlackError(problem) from None


def invalid_arguments(found: Findings, code: str = "invalid_arguments") -> SlackError:
    """The error that lists what is wrong with pointers, the way Slack does."""
    messages = [f"[ERROR] {each.line()}" for each in found]
    return SlackError(code, response_metadata={"messages": messages})


def reachable_channel(workspace: Workspace, name: str) -> Channel:
    """A channel the bot may know of, by id or `#name` or a person's id: `channel_not_found` otherwise."""
    channel = workspace.channels.get(name)
    if channel is None and name in workspace.people and workspace.people[name].role != "bot":
        channel = workspace.direct_channel(name, cast.BOT_USER_ID)
    if channel is None:
        wanted = name.removeprefix("#")
        named = [each for each in workspace.channels.values() if each.name and each.name == wanted]
        channel = named[0] if named else None
    if channel is None or not workspace.may_see(cast.BOT_USER_ID, channel):
        raise SlackError("channel_not_found")
    return channel


def channel_by_id(workspace: Workspace, id_: str) -> Channel:
    """A channel the bot may know of, by its id alone, as the methods want it that do not post: `channel_not_found`."""
    if id_ not in workspace.channels:
        raise SlackError("channel_not_found")
    return reachable_channel(workspace, id_)


def page(rows: list[Any], arguments: Arguments, most: int = 1000) -> tuple[list[Any], str]:
    """One page of rows and the cursor of the next ("" at the end)."""
    limit = arguments.whole("limit", 100) or 100
    if not 1 <= limit <= most:
        raise SlackError("invalid_limit")
    cursor = arguments.text("cursor")
    start = 0
    if cursor:
        if not cursor.startswith("at:") or not cursor[3:].isdigit():
            raise SlackError("invalid_cursor")
        start = int(cursor[3:])
    end = start + limit
    return rows[start:end], (f"at:{end}" if end < len(rows) else "")
