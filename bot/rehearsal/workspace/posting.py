"""What happens when somebody posts, edits or deletes: the message is kept, the bot's events follow."""

from __future__ import annotations

from bot.rehearsal.workspace import cast, links
from bot.rehearsal.workspace.model import Channel, Json, Message
from bot.rehearsal.workspace.payloads import CHANNEL_TYPES, message_json
from bot.rehearsal.workspace.workspace import Workspace

SUBSCRIPTIONS = {"public": "message.channels", "private": "message.groups", "im": "message.im"}


def post(workspace: Workspace, message: Message) -> Message:
    """Keep a message, tell the bot where it is a member."""
    workspace.add_message(message)
    if message.only_for is None:
        body = message_json(workspace, message, with_metadata=True)
        if message.files:
            body["subtype"] = "file_share"
        _tell(workspace, workspace.channels[message.channel], body | {"event_ts": message.ts})
        _mention(workspace, message, body)
        _share_files(workspace, message)
        links.tell(workspace, message)
    return message


def edit(workspace: Workspace, message: Message, before: Json) -> None:
    """Record an edit; `before` is the message's JSON as it was."""
    workspace.edited(message)
    after = message_json(workspace, message, with_metadata=True)
    _hidden(workspace, message, {"subtype": "message_changed", "message": after, "previous_message": before})


def delete(workspace: Workspace, message: Message) -> None:
    """Take a message away for everybody."""
    before = message_json(workspace, message, with_metadata=True)
    workspace.remove_message(message)
    _hidden(workspace, message, {"subtype": "message_deleted", "deleted_ts": message.ts, "previous_message": before})


def _hidden(workspace: Workspace, message: Message, body: Json) -> None:
    if message.only_for is None:
        ts = workspace.next_ts()
        _tell(
            workspace,
            workspace.channels[message.channel],
            {"type": "message", "hidden": True, "ts": ts, "event_ts": ts, **body},
        )


def _tell(workspace: Workspace, channel: Channel, body: Json) -> None:
    if cast.BOT_USER_ID not in channel.members:
        return
    event = body | {"channel": channel.id, "channel_type": CHANNEL_TYPES[channel.kind]}
    workspace.happened(SUBSCRIPTIONS[channel.kind], event)


def _mention(workspace: Workspace, message: Message, body: Json) -> None:
    channel = workspace.channels[message.channel]
    mentioned = f"<@{cast.BOT_USER_ID}>" in message.text or f"<@{cast.BOT_USER_ID}|" in message.text
    if not mentioned or message.user == cast.BOT_USER_ID or channel.kind == "im":
        return
    if cast.BOT_USER_ID in channel.members:
        kept = ("user", "text", "ts", "client_msg_id", "team", "blocks", "files", "thread_ts", "parent_user_id")
        event = {"type": "app_mention", "channel": channel.id, "event_ts": message.ts}
        workspace.happened("app_mention", event | {key: body[key] for key in kept if key in body})
    else:
        slackbot_says(
            workspace, message.user, channel.id, f"{workspace.bot.name} is not in this channel. /invite it first."
        )


def slackbot_says(workspace: Workspace, user: str, channel: str, text: str) -> Message:
    """Slackbot's own ephemeral remark to one person."""
    message = Message(channel=channel, ts=workspace.next_ts(), user=cast.SLACKBOT_ID, text=text, only_for=user)
    return workspace.add_message(message)


def _share_files(workspace: Workspace, message: Message) -> None:
    channel = workspace.channels[message.channel]
    for id_ in message.files:
        file = workspace.files[id_]
        if channel.id not in file.channels:
            file.channels.append(channel.id)
        if cast.BOT_USER_ID in channel.members:
            event = {
                "type": "file_shared",
                "channel_id": channel.id,
                "file_id": id_,
                "user_id": message.user,
                "file": {"id": id_},
                "event_ts": message.ts,
            }
            workspace.happened("file_shared", event)


def join(workspace: Workspace, user: str, channel: Channel, inviter: str | None = None) -> bool:
    """Make somebody a member; False when they already are."""
    if user in channel.members:
        return False
    channel.members.append(user)
    workspace.record("channel", channel=channel.id)
    if cast.BOT_USER_ID in channel.members:
        event: Json = {
            "type": "member_joined_channel",
            "user": user,
            "channel": channel.id,
            "channel_type": "C" if channel.kind == "public" else "G",
            "team": cast.TEAM_ID,
            "event_ts": workspace.next_ts(),
        }
        workspace.happened("member_joined_channel", event | ({"inviter": inviter} if inviter else {}))
    return True


def leave(workspace: Workspace, user: str, channel: Channel) -> None:
    """End somebody's membership."""
    channel.members.remove(user)
    workspace.record("channel", channel=channel.id)
    event = {
        "type": "member_left_channel",
        "user": user,
        "channel": channel.id,
        "channel_type": "C" if channel.kind == "public" else "G",
        "team": cast.TEAM_ID,
        "event_ts": workspace.next_ts(),
    }
    workspace.happened("member_left_channel", event)


def react(workspace: Workspace, message: Message, user: str, name: str, *, remove: bool = False) -> bool:
    """Add or remove one person's reaction; False when there was nothing to do."""
    users = message.reactions.setdefault(name, [])
    if (user in users) != remove:
        return False
    if remove:
        users.remove(user)
        if not users:
            del message.reactions[name]
    else:
        users.append(user)
    workspace.record("reaction", channel=message.channel, ts=message.ts, thread_ts=message.thread_ts)
    if cast.BOT_USER_ID in workspace.channels[message.channel].members:
        kind = "reaction_removed" if remove else "reaction_added"
        event = {
            "type": kind,
            "user": user,
            "reaction": name,
            "item": {"type": "message", "channel": message.channel, "ts": message.ts},
            "item_user": message.user,
            "event_ts": workspace.next_ts(),
        }
        workspace.happened(kind, event)
    return True
