"""chat.unfurl: what an app shows under a link of its own."""

from __future__ import annotations

from typing import Any

from bot.rehearsal.workspace import cast, posting
from bot.rehearsal.workspace.links import shared_links, unfurl_id
from bot.rehearsal.workspace.model import Json, Message
from bot.rehearsal.workspace.payloads import message_json
from bot.rehearsal.workspace.refusals import SlackError
from bot.rehearsal.workspace.web.arguments import Arguments
from bot.rehearsal.workspace.web.chat import content
from bot.rehearsal.workspace.workspace import Workspace

SOURCES = ("conversations_history", "composer")


def unfurl(workspace: Workspace, arguments: Arguments) -> Json:
    """chat.unfurl: each link of a message once, each with a message's parts"""
    message = _message(workspace, arguments)
    unfurls = arguments.nested("unfurls", "invalid_unfurls_format")
    if not unfurls:
        raise SlackError("missing_unfurls")
    if not isinstance(unfurls, dict) or not all(isinstance(each, dict) for each in unfurls.values()):
        raise SlackError("invalid_unfurls_format")
    shown = {each.get("from_url") for each in message.attachments}
    ours = {each["url"] for each in shared_links(workspace, message)}
    if any(url not in ours or url in shown for url in unfurls):
        raise SlackError("cannot_unfurl_url")
    added = [_attachment(workspace, url, each) for url, each in unfurls.items()]
    before = message_json(workspace, message)
    message.attachments = [*message.attachments, *added]
    posting.edit(workspace, message, before)
    return {}


def _attachment(workspace: Workspace, url: str, given: Json) -> Json:
    parts: dict[str, Any] = content(workspace, Arguments({"attachments": [given]}))
    marks = {"from_url": url, "app_unfurl_url": url, "is_app_unfurl": True}
    return {**parts["attachments"][0], **marks, "app_id": cast.APP_ID, "bot_id": cast.BOT_ID}


def _message(workspace: Workspace, arguments: Arguments) -> Message:
    """The message that is meant: by `unfurl_id` with `source`, or by `channel` with `ts`."""
    if "unfurl_id" in arguments or "source" in arguments:
        return _by_unfurl_id(workspace, arguments.text("unfurl_id"), arguments.text("source"))
    for name in ("channel", "ts"):
        if not arguments.text(name):
            raise SlackError(f"missing_{name}")
    found = workspace.find_message(arguments.text("channel"), arguments.text("ts"))
    if found is None:
        raise SlackError("cannot_unfurl_message")
    return found


def _by_unfurl_id(workspace: Workspace, given: str, source: str) -> Message:
    if not given:
        raise SlackError("missing_unfurl_id")
    if not source:
        raise SlackError("missing_source")
    if source not in SOURCES:
        raise SlackError("invalid_source")
    channel, _, rest = given.partition(".")
    found = workspace.find_message(channel, rest.rpartition(".")[0])
    if found is None or unfurl_id(found) != given:
        raise SlackError("invalid_unfurl_id")
    return found
