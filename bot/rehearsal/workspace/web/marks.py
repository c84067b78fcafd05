"""The methods that mark messages and channels: reactions, pins, bookmarks."""

from __future__ import annotations

from bot.rehearsal.workspace import cast, posting
from bot.rehearsal.workspace.model import Json, Message
from bot.rehearsal.workspace.refusals import SlackError
from bot.rehearsal.workspace.web.arguments import Arguments, channel_by_id
from bot.rehearsal.workspace.workspace import Workspace


def _message(workspace: Workspace, arguments: Arguments) -> Message:
    channel = channel_by_id(workspace, arguments.text("channel"))
    message = workspace.find_message(channel.id, arguments.required("timestamp"))
    if message is None:
        raise SlackError("message_not_found")
    if channel.archived:
        raise SlackError("is_archived")
    if cast.BOT_USER_ID not in channel.members:
        raise SlackError("not_in_channel")
    return message


def add_reaction(workspace: Workspace, arguments: Arguments) -> Json:
    """reactions.add"""
    message, name = _message(workspace, arguments), arguments.text("name").strip(":")
    if not name:
        raise SlackError("invalid_name")
    if not posting.react(workspace, message, cast.BOT_USER_ID, name):
        raise SlackError("already_reacted")
    return {}


def remove_reaction(workspace: Workspace, arguments: Arguments) -> Json:
    """reactions.remove"""
    message, name = _message(workspace, arguments), arguments.text("name").strip(":")
    if not posting.react(workspace, message, cast.BOT_USER_ID, name, remove=True):
        raise SlackError("no_reaction")
    return {}


def add_pin(workspace: Workspace, arguments: Arguments) -> Json:
    """pins.add"""
    message = _message(workspace, arguments)
    if message.pinned:
        raise SlackError("already_pinned")
    message.pinned = True
    workspace.edited(message)
    return {}


def remove_pin(workspace: Workspace, arguments: Arguments) -> Json:
    """pins.remove"""
    message = _message(workspace, arguments)
    if not message.pinned:
        raise SlackError("no_pin")
    message.pinned = False
    workspace.edited(message)
    return {}


def add_bookmark(workspace: Workspace, arguments: Arguments) -> Json:
    """bookmarks.add: links only"""
    channel = channel_by_id(workspace, arguments.text("channel_id"))
    if cast.BOT_USER_ID not in channel.members:
        raise SlackError("not_in_channel")
    title, kind, link = arguments.required("title"), arguments.required("type"), arguments.text("link")
    if kind != "link":
        raise SlackError("invalid_bookmark_type")
    if not link.startswith(("http://", "https://")):
        raise SlackError("invalid_link")
    bookmark = {"id": workspace.next_id("Bk"), "channel_id": channel.id, "title": title, "link": link, "type": "link"}
    channel.bookmarks.append(bookmark)
    workspace.record("channel", channel=channel.id)
    return {"bookmark": bookmark}


def list_bookmarks(workspace: Workspace, arguments: Arguments) -> Json:
    """bookmarks.list"""
    return {"bookmarks": channel_by_id(workspace, arguments.text("channel_id")).bookmarks}
