"""Every implemented Web API method with its scopes and rate tier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.rehearsal.workspace.model import Json
from bot.rehearsal.workspace.web import chat, conversations, files, marks, people, unfurling, views
from bot.rehearsal.workspace.web.arguments import Arguments
from bot.rehearsal.workspace.workspace import Workspace

BY_KIND = "by kind of channel"


@dataclass(frozen=True)
class Method:
    """How a method is answered; `scope` may be `BY_KIND` followed by what is done (`read`, `history`, `write`).

    `tier` is 2, 3 or 4; 0 for posts, which are limited per channel; None for no limit.
    """

    answer: Callable[[Workspace, Arguments], Json]
    scope: str | None
    tier: int | None


def _by_kind(what: str) -> str:
    return f"{BY_KIND}:{what}"


METHODS = {
    "api.test": Method(people.api_test, None, None),
    "auth.test": Method(people.auth_test, None, None),
    "blocks.validate": Method(chat.validate_blocks, None, None),
    "bookmarks.add": Method(marks.add_bookmark, "bookmarks:write", 2),
    "bookmarks.list": Method(marks.list_bookmarks, "bookmarks:read", 3),
    "bots.info": Method(people.bot_info, "users:read", 3),
    "chat.delete": Method(chat.delete, "chat:write", 3),
    "chat.getPermalink": Method(chat.permalink, None, None),
    "chat.postEphemeral": Method(chat.post_ephemeral, "chat:write", 4),
    "chat.postMessage": Method(chat.post_message, "chat:write", 0),
    "chat.unfurl": Method(unfurling.unfurl, "links:write", 3),
    "chat.update": Method(chat.update, "chat:write", 3),
    "conversations.history": Method(conversations.history, _by_kind("history"), 3),
    "conversations.info": Method(conversations.info, _by_kind("read"), 3),
    "conversations.join": Method(conversations.join, "channels:join", 3),
    "conversations.list": Method(conversations.listing, _by_kind("read"), 2),
    "conversations.members": Method(conversations.members, _by_kind("read"), 4),
    "conversations.open": Method(conversations.open_direct, "im:write", 3),
    "conversations.replies": Method(conversations.replies, _by_kind("history"), 3),
    "files.completeUploadExternal": Method(files.complete_upload, "files:write", 4),
    "files.getUploadURLExternal": Method(files.upload_url, "files:write", 4),
    "files.info": Method(files.info, "files:read", 4),
    "files.list": Method(files.listing, "files:read", 3),
    "pins.add": Method(marks.add_pin, "pins:write", 2),
    "pins.remove": Method(marks.remove_pin, "pins:write", 2),
    "reactions.add": Method(marks.add_reaction, "reactions:write", 3),
    "reactions.remove": Method(marks.remove_reaction, "reactions:write", 2),
    "team.info": Method(people.team_info, "team:read", 3),
    "usergroups.list": Method(people.usergroups, "usergroups:read", 2),
    "usergroups.users.list": Method(people.usergroup_users, "usergroups:read", 2),
    "users.conversations": Method(conversations.mine, _by_kind("read"), 3),
    "users.info": Method(people.info, "users:read", 4),
    "users.list": Method(people.listing, "users:read", 2),
    "users.lookupByEmail": Method(people.by_email, "users:read.email", 3),
    "views.open": Method(views.open_view, None, 4),
    "views.publish": Method(views.publish_view, None, 4),
    "views.push": Method(views.push_view, None, 4),
    "views.update": Method(views.update_view, None, 4),
}
