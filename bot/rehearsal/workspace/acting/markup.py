"""Turning what a person types into Slack's markup, as Slack's client does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.rehearsal.workspace.model import Json
from bot.rehearsal.workspace.plain import escape, unescape
from bot.rehearsal.workspace.workspace import Workspace

_READY = re.compile(r"(<(?:[@#!][^<>\s]+(?:\|[^<>]*)?|(?:https?://|mailto:)[^<>]+)>)")
_TYPED = re.compile(
    r"(?P<url>https?://[^\s<>|]+)"
    r"|(?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?<![\w/])@(?P<at>[\w-]+(?:\.[\w-]+)*)"
    r"|(?<![\w/&])#(?P<room>[\w-]+)"
)
_TOKEN = re.compile(r"<([^<>]+)>")


def to_markup(workspace: Workspace, text: str, *, labels: bool = False) -> str:
    """Typed text with people, groups, channels and links resolved, the rest escaped; markup already there stays.

    With `labels` people come as `<@U…|handle>`, the way a slash command with `should_escape` gets them.
    """
    return "".join(part if _READY.fullmatch(part) else _resolve(workspace, part, labels) for part in _READY.split(text))


def _resolve(workspace: Workspace, text: str, labels: bool) -> str:
    pieces, end = [], 0
    for match in _TYPED.finditer(text):
        pieces += [escape(text[end : match.start()]), _one(workspace, match, labels)]
        end = match.end()
    return "".join([*pieces, escape(text[end:])])


def _one(workspace: Workspace, match: re.Match[str], labels: bool) -> str:
    whole = match.group(0)
    if match["url"]:
        return f"<{escape(whole)}>"
    if match["email"]:
        return f"<mailto:{whole}|{whole}>"
    if match["at"]:
        return _mention(workspace, match["at"], labels) or escape(whole)
    for channel in workspace.channels.values():
        if channel.name and match["room"] in (channel.name, channel.id):
            return f"<#{channel.id}|{channel.name}>"
    return escape(whole)


def _mention(workspace: Workspace, name: str, labels: bool) -> str | None:
    if name in ("here", "channel", "everyone"):
        return f"<!{name}>"
    for person in workspace.people.values():
        if name in (person.handle, person.id):
            return f"<@{person.id}|{person.handle}>" if labels else f"<@{person.id}>"
    for group in workspace.usergroups.values():
        if name in (group.handle, group.id):
            return f"<!subteam^{group.id}|@{group.handle}>" if labels else f"<!subteam^{group.id}>"
    return None


def rich_text(workspace: Workspace, markup: str) -> list[Json]:
    """The rich_text block that Slack's client sends along with a typed message."""
    elements = list(_elements(markup))
    if not elements:
        return []
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": workspace.fresh_name(), "elements": [section]}]


def _elements(markup: str) -> Iterator[Json]:
    end = 0
    for match in _TOKEN.finditer(markup):
        if match.start() > end:
            yield {"type": "text", "text": unescape(markup[end : match.start()])}
        yield _element(match.group(1))
        end = match.end()
    if end < len(markup):
        yield {"type": "text", "text": unescape(markup[end:])}


def _element(token: str) -> Json:
    target, _, label = token.partition("|")
    if target.startswith("@"):
        return {"type": "user", "user_id": target[1:]}
    if target.startswith("#"):
        return {"type": "channel", "channel_id": target[1:]}
    if target.startswith("!subteam^"):
        return {"type": "usergroup", "usergroup_id": target.removeprefix("!subteam^")}
    if target.startswith("!"):
        return {"type": "broadcast", "range": target[1:]}
    return {"type": "link", "url": unescape(target), **({"text": label} if label else {})}
