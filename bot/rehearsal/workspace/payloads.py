"""The JSON in which Slack shows people, channels, messages, files and views to an app."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.rehearsal.workspace import cast
from bot.rehearsal.workspace.model import Channel, Json, Message, Person, StoredFile, Usergroup, View
from bot.rehearsal.workspace.workspace import Workspace

CREATED = 1_700_000_000
CHANNEL_TYPES = {"public": "channel", "private": "group", "im": "im"}


def user_json(workspace: Workspace, person: Person, *, with_email: bool) -> Json:
    """A user as users.info gives it."""
    offset = datetime.now(UTC).astimezone(ZoneInfo(person.zone)).utcoffset()
    profile = {
        "real_name": person.name,
        "real_name_normalized": person.name,
        "display_name": person.handle,
        "display_name_normalized": person.handle,
        "title": person.title,
        "team": cast.TEAM_ID,
        "image_48": f"{workspace.base_url}/avatar/{person.id}.png",
    }
    if with_email and person.email:
        profile["email"] = person.email
    if person.id == cast.BOT_USER_ID:
        profile |= {"api_app_id": cast.APP_ID, "bot_id": cast.BOT_ID}
    user: Json = {
        "id": person.id,
        "team_id": cast.TEAM_ID,
        "name": person.handle,
        "deleted": not person.active,
        "profile": profile,
        "is_bot": person.id == cast.BOT_USER_ID,
        "is_app_user": False,
        "updated": CREATED,
    }
    if person.active:
        user |= {
            "real_name": person.name,
            "tz": person.zone,
            "tz_label": person.zone,
            "tz_offset": int(offset.total_seconds()) if offset else 0,
            "is_admin": person.role == "administrator",
            "is_owner": False,
            "is_restricted": False,
        }
    return user


def members_of(workspace: Workspace, group: Usergroup) -> list[str]:
    """Who is in a user group: nobody stays in it who was deactivated."""
    return [id_ for id_ in group.members if workspace.people[id_].active]


def usergroup_json(workspace: Workspace, group: Usergroup, *, with_users: bool) -> Json:
    """A user group as usergroups.list gives it."""
    members = members_of(workspace, group)
    shown: Json = {
        "id": group.id,
        "team_id": cast.TEAM_ID,
        "is_usergroup": True,
        "name": group.name,
        "handle": group.handle,
        "description": "",
        "is_external": False,
        "date_create": CREATED,
        "date_delete": 0,
        "user_count": len(members),
        "prefs": {"channels": [], "groups": []},
    }
    return shown | ({"users": members} if with_users else {})


def channel_json(workspace: Workspace, channel: Channel) -> Json:
    """A conversation as conversations.info gives it to the bot."""
    shown: Json = {
        "id": channel.id,
        "created": CREATED,
        "is_archived": channel.archived,
        "is_im": channel.kind == "im",
        "is_org_shared": False,
        "context_team_id": cast.TEAM_ID,
        "updated": CREATED * 1000,
    }
    if channel.kind == "im":
        other = next((id_ for id_ in channel.members if id_ != cast.BOT_USER_ID), cast.BOT_USER_ID)
        deleted = not workspace.people[other].active
        return shown | {"user": other, "is_user_deleted": deleted, "is_open": True, "priority": 0}
    text = {"value": channel.topic, "creator": cast.RELEASE_MANAGER, "last_set": CREATED}
    return shown | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": True,
        "is_group": False,
        "is_mpim": False,
        "is_private": channel.kind == "private",
        "is_general": channel.id == "C0GENERAL",
        "is_shared": False,
        "is_member": cast.BOT_USER_ID in channel.members,
        "creator": cast.RELEASE_MANAGER,
        "num_members": len(channel.members),
        "topic": text,
        "purpose": text,
        "unlinked": 0,
        "previous_names": [],
    }


def file_json(workspace: Workspace, file: StoredFile) -> Json:
    """A file as files.info gives it."""
    kind = file.name.rsplit(".", 1)[-1].lower() if "." in file.name else "binary"
    base = f"{workspace.base_url}/files-pri/{cast.TEAM_ID}-{file.id}"
    kinds = {channel: workspace.channels[channel].kind for channel in file.channels}
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": file.mimetype,
        "filetype": kind,
        "pretty_type": kind.upper(),
        "user": file.user,
        "user_team": cast.TEAM_ID,
        "editable": False,
        "size": file.size,
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "is_starred": False,
        "has_rich_preview": False,
        "media_display_type": "unknown",
        "is_public": "public" in kinds.values(),
        "url_private": f"{base}/{file.name}",
        "url_private_download": f"{base}/download/{file.name}",
        "permalink": f"{workspace.base_url}/files/{file.user}/{file.id}/{file.name}",
        "permalink_public": f"{workspace.base_url}/files-public/{cast.TEAM_ID}-{file.id}",
        "channels": [id_ for id_, each in kinds.items() if each == "public"],
        "groups": [id_ for id_, each in kinds.items() if each == "private"],
        "ims": [id_ for id_, each in kinds.items() if each == "im"],
        "file_access": "visible",
    }


def message_json(workspace: Workspace, message: Message, *, with_metadata: bool = False) -> Json:
    """A message as conversations.history and `message` events give it."""
    shown: Json = {"type": "message", "user": message.user, "text": message.text, "ts": message.ts}
    shown["team"] = cast.TEAM_ID
    if message.user == cast.BOT_USER_ID:
        shown |= {"bot_id": cast.BOT_ID, "app_id": cast.APP_ID, "bot_profile": _bot_profile(workspace)}
    if message.username:
        shown |= {"subtype": "bot_message", "username": message.username}
    if message.client_msg_id:
        shown["client_msg_id"] = message.client_msg_id
    if message.blocks:
        shown["blocks"] = message.blocks
    if message.attachments:
        shown["attachments"] = message.attachments
    if message.files:
        shown["files"] = [file_json(workspace, workspace.files[id_]) for id_ in message.files]
        shown["upload"] = True
    if message.metadata and with_metadata:
        shown["metadata"] = message.metadata
    if message.edited_ts:
        shown["edited"] = {"user": message.user, "ts": message.edited_ts}
    if message.reactions:
        shown["reactions"] = [
            {"name": name, "users": users, "count": len(users)} for name, users in message.reactions.items()
        ]
    return shown | _thread_facts(workspace, message)


def _thread_facts(workspace: Workspace, message: Message) -> Json:
    if message.thread_ts and message.thread_ts != message.ts:
        head = workspace.find_message(message.channel, message.thread_ts)
        facts: Json = {"thread_ts": message.thread_ts, "parent_user_id": head.user if head else None}
        return facts | ({"subtype": "thread_broadcast"} if message.broadcast else {})
    replies = workspace.replies(message.channel, message.ts)
    if not replies:
        return {}
    users = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users_count": len(users),
        "latest_reply": replies[-1].ts,
        "reply_users": users[:5],
        "is_locked": False,
        "subscribed": False,
    }


def _bot_profile(workspace: Workspace) -> Json:
    return {
        "id": cast.BOT_ID,
        "app_id": cast.APP_ID,
        "name": workspace.bot.name,
        "deleted": False,
        "updated": CREATED,
        "team_id": cast.TEAM_ID,
        "icons": {f"image_{size}": f"{workspace.base_url}/avatar/{cast.BOT_ID}.png" for size in (36, 48, 72)},
    }


def view_json(workspace: Workspace, view: View) -> Json:
    """A view as views.open answers and as interactions carry it."""
    return {
        "id": view.id,
        "team_id": cast.TEAM_ID,
        "type": view.type,
        "blocks": view.blocks,
        "private_metadata": view.private_metadata,
        "callback_id": view.callback_id,
        "state": {"values": view.values},
        "hash": view.hash,
        "title": view.title or {"type": "plain_text", "text": "View Title", "emoji": True},
        "clear_on_close": view.clear_on_close,
        "notify_on_close": view.notify_on_close,
        "close": view.close,
        "submit": view.submit,
        "previous_view_id": view.previous_view_id,
        "root_view_id": view.root_view_id,
        "app_id": cast.APP_ID,
        "external_id": view.external_id,
        "app_installed_team_id": cast.TEAM_ID,
        "bot_id": cast.BOT_ID,
    }


# What each kind of interaction says of a person besides the id and the team; Slack does it differently each time.
_NAMED_BY = {"shortcut": ("username",), "block_suggestion": ("name",)}
_WITHOUT_TRIGGER = ("view_closed", "block_suggestion")
_WITHOUT_APP = ("shortcut", "message_action")


def interaction(workspace: Workspace, kind: str, person: Person) -> Json:
    """What an interaction carries: who, where from; a fresh trigger where something can be opened."""
    named = _NAMED_BY.get(kind, ("username", "name"))
    shown: Json = {
        "type": kind,
        "team": {"id": cast.TEAM_ID, "domain": cast.TEAM_DOMAIN},
        "user": {"id": person.id, **dict.fromkeys(named, person.handle), "team_id": cast.TEAM_ID},
        "token": "rehearsal-verification-token",
        "enterprise": None,
        "is_enterprise_install": False,
    }
    if kind not in _WITHOUT_APP:
        shown["api_app_id"] = cast.APP_ID
    if kind not in _WITHOUT_TRIGGER:
        shown["trigger_id"] = workspace.new_trigger(person.id)
    return shown


def channel_in_payload(channel: Channel) -> Json:
    """The `channel` of an interaction."""
    names = {"im": "directmessage", "private": "privategroup"}
    return {"id": channel.id, "name": names.get(channel.kind, channel.name)}
