"""The chat methods: posting, editing, deleting."""

from __future__ import annotations

from typing import Any

from bot.rehearsal.workspace import cast, posting
from bot.rehearsal.workspace.blocks import check_blocks, fill_ids
from bot.rehearsal.workspace.checks import Finding, Findings
from bot.rehearsal.workspace.model import Channel, Json, Message
from bot.rehearsal.workspace.payloads import message_json
from bot.rehearsal.workspace.refusals import SlackError
from bot.rehearsal.workspace.views import check_view
from bot.rehearsal.workspace.web.arguments import Arguments, channel_by_id, invalid_arguments, reachable_channel
from bot.rehearsal.workspace.whole import MARKDOWN_TOTAL, ONE_TABLE, foreign_video, one_too_many, too_much_text
from bot.rehearsal.workspace.workspace import Workspace

TEXT_MOST = 40_000
ATTACHMENTS_MOST = 100
METADATA_MOST = 8_000
SAID = ("text", "blocks", "attachments", "markdown_text")
CANNOT_UPDATE = "cant_update_message"


def content(workspace: Workspace, arguments: Arguments) -> Json:
    """The checked text, blocks, attachments and metadata of a message to be; Slack's errors otherwise."""
    text = arguments.text("text")
    if len(text) > TEXT_MOST:
        raise SlackError("msg_too_long")
    blocks = _given_blocks(arguments)
    attachments = arguments.nested("attachments", "invalid_attachments")
    return {
        "text": text,
        "blocks": _checked_blocks(workspace, blocks) if blocks is not None else None,
        "attachments": _checked_attachments(workspace, attachments) if attachments is not None else None,
        "metadata": _checked_metadata(arguments.nested("metadata", "metadata_must_be_sent_as_json")),
    }


def _given_blocks(arguments: Arguments) -> Any:
    """The blocks; `markdown_text` stands for one of them and goes with nothing else."""
    markdown = arguments.text("markdown_text")
    if not markdown:
        return arguments.nested("blocks", "invalid_blocks_format")
    if "blocks" in arguments or "text" in arguments:
        raise SlackError("markdown_text_conflict")
    if len(markdown) > MARKDOWN_TOTAL:
        raise SlackError("msg_too_long")
    return [{"type": "markdown", "text": markdown}]


def _checked_blocks(workspace: Workspace, blocks: Any, at: str = "/blocks") -> list[Json]:
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if many := one_too_many(blocks, at):
        raise _invalid("invalid_attachments" if many.message == ONE_TABLE else "invalid_blocks", [many])
    found = check_blocks(blocks, "message", at)
    if not found and workspace.manifest.given:
        found = foreign_video(blocks, workspace.manifest.unfurl_domains, at)
    if found:
        raise _invalid("invalid_blocks", found)
    reason = too_much_text(blocks)
    if reason:
        raise SlackError("msg_blocks_too_long", errors=[f"{reason} [json-pointer:{at}]"])
    return fill_ids(blocks, workspace.fresh_name)


def _invalid(code: str, found: Findings) -> SlackError:
    error = invalid_arguments(found, code)
    error.fields["errors"] = [each.line() for each in found]
    return error


def _checked_attachments(workspace: Workspace, attachments: Any) -> list[Json]:
    if not isinstance(attachments, list) or not all(isinstance(each, dict) for each in attachments):
        raise SlackError("invalid_attachments")
    if len(attachments) > ATTACHMENTS_MOST:
        raise SlackError("too_many_attachments")
    checked = []
    for index, each in enumerate(attachments):
        given = each.get("blocks")
        more = {"blocks": _checked_blocks(workspace, given, f"/attachments/{index}/blocks")} if given else {}
        checked.append({"id": index + 1, "fallback": each.get("text", "[no preview available]"), **each, **more})
    return checked


def _checked_metadata(metadata: Any) -> Json | None:
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    if metadata and not (
        isinstance(metadata.get("event_type"), str) and isinstance(metadata.get("event_payload"), dict)
    ):
        raise SlackError("invalid_metadata_schema")
    if len(str(metadata)) > METADATA_MOST:
        raise SlackError("metadata_too_large")
    return metadata


def _open_for_bot(workspace: Workspace, channel: Channel, *, public: bool = False) -> None:
    if channel.archived:
        raise SlackError("is_archived")
    if cast.BOT_USER_ID not in channel.members and not (public and channel.kind == "public"):
        raise SlackError("not_in_channel")


def _said_something(parts: Json) -> None:
    if not parts["text"].strip() and not parts["blocks"] and not parts["attachments"]:
        raise SlackError("no_text")


def _thread(workspace: Workspace, channel: Channel, arguments: Arguments) -> str | None:
    thread = arguments.text("thread_ts") or None
    if thread is None:
        return None
    head = workspace.find_message(channel.id, thread)
    if head is None:
        raise SlackError("thread_not_found" if thread.replace(".", "").isdigit() else "invalid_thread_ts")
    return head.thread_ts or head.ts


def post_message(workspace: Workspace, arguments: Arguments) -> Json:
    """chat.postMessage"""
    channel = reachable_channel(workspace, arguments.text("channel"))
    _open_for_bot(workspace, channel, public="chat:write.public" in workspace.manifest.scopes)
    if channel.kind == "im" and any(not workspace.people[id_].active for id_ in channel.members):
        raise SlackError("channel_not_found")
    parts = content(workspace, arguments)
    _said_something(parts)
    thread = _thread(workspace, channel, arguments)
    message = Message(
        channel=channel.id,
        ts=workspace.next_ts(),
        user=cast.BOT_USER_ID,
        text=parts["text"],
        blocks=parts["blocks"] or [],
        attachments=parts["attachments"] or [],
        metadata=parts["metadata"] or None,
        thread_ts=thread,
        broadcast=bool(thread) and arguments.flag("reply_broadcast"),
        username=arguments.text("username") or None,
    )
    posting.post(workspace, message)
    shown = message_json(workspace, message, with_metadata=True)
    return {"channel": channel.id, "ts": message.ts, "message": shown}


def post_ephemeral(workspace: Workspace, arguments: Arguments) -> Json:
    """chat.postEphemeral"""
    channel = reachable_channel(workspace, arguments.text("channel"))
    _open_for_bot(workspace, channel)
    user = arguments.required("user")
    person = workspace.people.get(user)
    if person is None:
        raise SlackError("user_not_found")
    if user not in channel.members or not person.active:
        raise SlackError("user_not_in_channel")
    parts = content(workspace, arguments)
    _said_something(parts)
    message = Message(
        channel=channel.id,
        ts=workspace.next_ts(),
        user=cast.BOT_USER_ID,
        text=parts["text"],
        blocks=parts["blocks"] or [],
        attachments=parts["attachments"] or [],
        thread_ts=_thread(workspace, channel, arguments),
        only_for=user,
    )
    workspace.add_message(message)
    return {"message_ts": message.ts}


def _own_message(workspace: Workspace, arguments: Arguments, refusal: str) -> Message:
    channel = channel_by_id(workspace, arguments.text("channel"))
    message = workspace.find_message(channel.id, arguments.required("ts"))
    if message is None:
        raise SlackError("message_not_found")
    if channel.archived:
        raise SlackError("is_inactive" if refusal == CANNOT_UPDATE else "is_archived")
    if message.user != cast.BOT_USER_ID:
        raise SlackError(refusal)
    return message


def update(workspace: Workspace, arguments: Arguments) -> Json:
    """chat.update: text without blocks removes the blocks; metadata stays unless it is given."""
    message = _own_message(workspace, arguments, CANNOT_UPDATE)
    parts = content(workspace, arguments)
    if not any(name in arguments for name in (*SAID, "metadata")):
        raise SlackError("no_text")
    before = message_json(workspace, message, with_metadata=True)
    if any(name in arguments for name in SAID):
        _said_something(parts)
        message.text = parts["text"] if "text" in arguments else message.text
        message.blocks = parts["blocks"] or []
        message.attachments = parts["attachments"] or ([] if "attachments" in arguments else message.attachments)
        message.edited_ts = message.edited_ts if parts["blocks"] else workspace.next_ts()
    if "metadata" in arguments:
        message.metadata = parts["metadata"] or None
    posting.edit(workspace, message, before)
    shown = message_json(workspace, message, with_metadata=True)
    del shown["ts"]
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": shown}


def delete(workspace: Workspace, arguments: Arguments) -> Json:
    """chat.delete"""
    message = _own_message(workspace, arguments, "cant_delete_message")
    posting.delete(workspace, message)
    return {"channel": message.channel, "ts": message.ts}


def permalink(workspace: Workspace, arguments: Arguments) -> Json:
    """chat.getPermalink"""
    channel = channel_by_id(workspace, arguments.text("channel"))
    ts = arguments.required("message_ts")
    message = workspace.find_message(channel.id, ts)
    if message is None:
        raise SlackError("message_not_found")
    link = f"{workspace.base_url}/archives/{channel.id}/p{ts.replace('.', '')}"
    if message.thread_ts and message.thread_ts != ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def validate_blocks(workspace: Workspace, arguments: Arguments) -> Json:
    """blocks.validate: nothing when all is well, else what is wrong, with pointers into what was given."""
    given = {name: arguments.nested(name) for name in ("blocks", "message", "view") if name in arguments}
    if len(given) != 1:
        raise SlackError(
            "invalid_arguments",
            response_metadata={"messages": ["must provide exactly one of `blocks`, `view`, or `message`"]},
        )
    [(name, value)] = given.items()
    found = _findings(name, value)
    if found:
        raise SlackError(f"invalid_{name}", errors=[each.shown() for each in found])
    return {}


def _findings(name: str, value: Any) -> list[Finding]:
    if name == "blocks":
        return check_blocks(value, "message", "")
    if name == "message":
        return check_blocks(value.get("blocks", []) if isinstance(value, dict) else value, "message")
    kind = value.get("type") if isinstance(value, dict) else None
    return check_view(value, kind if kind in ("modal", "home") else "modal", "")
