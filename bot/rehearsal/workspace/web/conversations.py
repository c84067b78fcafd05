"""The conversations methods."""

from __future__ import annotations

from bot.rehearsal.workspace import cast, posting
from bot.rehearsal.workspace.model import Channel, Json, Message
from bot.rehearsal.workspace.payloads import channel_json, message_json
from bot.rehearsal.workspace.refusals import SlackError
from bot.rehearsal.workspace.web.arguments import Arguments, channel_by_id, page
from bot.rehearsal.workspace.workspace import Workspace

KINDS = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}


def _listed(workspace: Workspace, arguments: Arguments, *, only_member: bool) -> list[Channel]:
    types = [each.strip() for each in arguments.text("types", "public_channel").split(",")]
    if not set(types) <= set(KINDS):
        raise SlackError("invalid_types")
    kinds = {KINDS[each] for each in types}
    return [
        channel
        for channel in workspace.channels.values()
        if channel.kind in kinds
        and workspace.may_see(cast.BOT_USER_ID, channel)
        and (not only_member or cast.BOT_USER_ID in channel.members)
        and not (channel.archived and arguments.flag("exclude_archived"))
    ]


def listing(workspace: Workspace, arguments: Arguments) -> Json:
    """conversations.list"""
    rows, cursor = page(_listed(workspace, arguments, only_member=False), arguments)
    return {
        "channels": [channel_json(workspace, each) for each in rows],
        "response_metadata": {"next_cursor": cursor},
    }


def mine(workspace: Workspace, arguments: Arguments) -> Json:
    """users.conversations, for the bot itself: without what membership would tell"""
    rows, cursor = page(_listed(workspace, arguments, only_member=True), arguments)
    shown = [channel_json(workspace, each) for each in rows]
    for each in shown:
        each.pop("is_member", None)
        each.pop("num_members", None)
    return {
        "channels": shown,
        "response_metadata": {"next_cursor": cursor},
    }


def info(workspace: Workspace, arguments: Arguments) -> Json:
    """conversations.info"""
    channel = channel_by_id(workspace, arguments.text("channel"))
    shown = channel_json(workspace, channel)
    if not arguments.flag("include_num_members"):
        shown.pop("num_members", None)
    return {"channel": shown}


def _between(messages: list[Message], arguments: Arguments) -> list[Message]:
    oldest, latest = arguments.text("oldest", "0"), arguments.text("latest", "9999999999.999999")
    inclusive = arguments.flag("inclusive")
    try:
        low, high = float(oldest), float(latest)
    except ValueError:
        raise SlackError("invalid_ts_oldest") from None
    return [
        message
        for message in messages
        if low < float(message.ts) < high or (inclusive and float(message.ts) in (low, high))
    ]


def history(workspace: Workspace, arguments: Arguments) -> Json:
    """conversations.history: newest first"""
    channel = channel_by_id(workspace, arguments.text("channel"))
    if cast.BOT_USER_ID not in channel.members:
        raise SlackError("not_in_channel")
    found = _between(list(workspace.public_messages(channel.id)), arguments)
    rows, cursor = page(found[::-1], arguments, most=999)
    with_metadata = arguments.flag("include_all_metadata")
    answer: Json = {
        "messages": [message_json(workspace, each, with_metadata=with_metadata) for each in rows],
        "has_more": bool(cursor),
        "pin_count": sum(message.pinned for message in workspace.messages.get(channel.id, [])),
    }
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def replies(workspace: Workspace, arguments: Arguments) -> Json:
    """conversations.replies: the head first, then the replies, oldest first"""
    channel = channel_by_id(workspace, arguments.text("channel"))
    if cast.BOT_USER_ID not in channel.members:
        raise SlackError("not_in_channel")
    asked = workspace.find_message(channel.id, arguments.required("ts"))
    if asked is None:
        raise SlackError("thread_not_found")
    head = workspace.find_message(channel.id, asked.thread_ts or asked.ts)
    found = _between(workspace.replies(channel.id, asked.thread_ts or asked.ts), arguments)
    rows, cursor = page([*([head] if head else []), *found], arguments, most=1000)
    with_metadata = arguments.flag("include_all_metadata")
    answer: Json = {
        "messages": [message_json(workspace, each, with_metadata=with_metadata) for each in rows],
        "has_more": bool(cursor),
    }
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def members(workspace: Workspace, arguments: Arguments) -> Json:
    """conversations.members"""
    channel = channel_by_id(workspace, arguments.text("channel"))
    rows, cursor = page(channel.members, arguments)
    return {"members": list(rows), "response_metadata": {"next_cursor": cursor}}


def open_direct(workspace: Workspace, arguments: Arguments) -> Json:
    """conversations.open: one person only; the workspace has no group messages"""
    if arguments.text("channel"):
        channel = channel_by_id(workspace, arguments.text("channel"))
        if channel.kind != "im":
            raise SlackError("method_not_supported_for_channel_type")
        shown = channel_json(workspace, channel) if arguments.flag("return_im") else {"id": channel.id}
        return {"channel": shown, "no_op": True, "already_open": True}
    users = [each.strip() for each in arguments.text("users").split(",") if each.strip()]
    if not users:
        raise SlackError("users_list_not_supplied")
    if len(users) > 1:
        raise SlackError("method_not_supported_for_channel_type")
    person = workspace.people.get(users[0])
    if person is None:
        raise SlackError("user_not_found")
    if not person.active:
        raise SlackError("user_disabled")
    if person.bot:
        raise SlackError("cannot_dm_bot")
    channel = workspace.direct_channel(person.id, cast.BOT_USER_ID)
    shown = channel_json(workspace, channel) if arguments.flag("return_im") else {"id": channel.id}
    return {"channel": shown}


def join(workspace: Workspace, arguments: Arguments) -> Json:
    """conversations.join"""
    channel = channel_by_id(workspace, arguments.text("channel"))
    if channel.kind != "public":
        raise SlackError("method_not_supported_for_channel_type")
    if channel.archived:
        raise SlackError("is_archived")
    fresh = posting.join(workspace, cast.BOT_USER_ID, channel)
    shown = channel_json(workspace, channel)
    del shown["num_members"]
    answer: Json = {"channel": shown}
    return answer if fresh else answer | {"warning": "already_in_channel"}
