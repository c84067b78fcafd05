"""The files methods: the three steps of an upload, and looking at files."""

from __future__ import annotations

import mimetypes
import re

from bot.rehearsal.workspace import cast, posting
from bot.rehearsal.workspace.model import Channel, Json, Message, StoredFile
from bot.rehearsal.workspace.payloads import file_json
from bot.rehearsal.workspace.refusals import SlackError
from bot.rehearsal.workspace.web.arguments import Arguments, channel_by_id, page
from bot.rehearsal.workspace.workspace import Workspace

FILE_MOST = 1_000_000_000
_CHANNEL_ID = re.compile(r"[CDG][A-Z0-9]+")


def new_file(workspace: Workspace, user: str, name: str, size: int) -> StoredFile:
    """A file record whose bytes are still to come."""
    file = StoredFile(
        id=workspace.next_id("F"),
        name=name,
        title=name,
        user=user,
        size=size,
        created=int(workspace.clock.now().timestamp()),
        mimetype=mimetypes.guess_type(name)[0] or "application/octet-stream",
    )
    workspace.files[file.id] = file
    return file


def bot_may_see(workspace: Workspace, file: StoredFile) -> bool:
    """Whether the bot can get a file: its own, shared where it is a member, or given to it in a modal."""
    shared = any(cast.BOT_USER_ID in workspace.channels[id_].members for id_ in file.channels)
    return file.complete and (file.user == cast.BOT_USER_ID or file.shared_with_bot or shared)


def upload_url(workspace: Workspace, arguments: Arguments) -> Json:
    """files.getUploadURLExternal"""
    name, length = arguments.required("filename"), arguments.whole("length", 0)
    if length <= 0:
        raise SlackError("invalid_arguments")
    if length > FILE_MOST:
        raise SlackError("file_upload_size_restricted")
    file = new_file(workspace, cast.BOT_USER_ID, name, length)
    return {"upload_url": f"{workspace.base_url}/upload/v1/{file.id}", "file_id": file.id}


def complete_upload(workspace: Workspace, arguments: Arguments) -> Json:
    """files.completeUploadExternal: checks, then shares in a channel when one is named"""
    given = arguments.nested("files")
    if not isinstance(given, list) or not given or not all(isinstance(each, dict) for each in given):
        raise SlackError("invalid_arguments")
    files = [_uploaded(workspace, each) for each in given]
    names = [arguments.text("channel_id"), *arguments.text("channels").split(",")]
    channels = [_shared_in(workspace, name) for name in names if name]
    thread = arguments.text("thread_ts") or None
    if thread and any(workspace.find_message(channel.id, thread) is None for channel in channels):
        raise SlackError("invalid_thread_ts")
    for file, each in zip(files, given, strict=True):
        file.title = each.get("title") or file.name
        file.complete = True
    for channel in channels:
        message = Message(
            channel=channel.id,
            ts=workspace.next_ts(),
            user=cast.BOT_USER_ID,
            text=arguments.text("initial_comment"),
            thread_ts=thread,
            files=[file.id for file in files],
        )
        posting.post(workspace, message)
    return {"files": [file_json(workspace, file) for file in files]}


def _shared_in(workspace: Workspace, id_: str) -> Channel:
    if not _CHANNEL_ID.fullmatch(id_):
        raise SlackError("invalid_channel")
    channel = channel_by_id(workspace, id_)
    if cast.BOT_USER_ID not in channel.members:
        raise SlackError("not_in_channel")
    if channel.archived:
        raise SlackError("is_archived")
    return channel


def _uploaded(workspace: Workspace, given: Json) -> StoredFile:
    file = workspace.files.get(str(given.get("id")))
    if file is None or file.id not in workspace.contents or file.user != cast.BOT_USER_ID or file.complete:
        raise SlackError("file_not_found")
    return file


def info(workspace: Workspace, arguments: Arguments) -> Json:
    """files.info"""
    file = workspace.files.get(arguments.text("file"))
    if file is None or not bot_may_see(workspace, file):
        raise SlackError("file_not_found")
    return {"file": file_json(workspace, file), "comments": [], "response_metadata": {"next_cursor": ""}}


def listing(workspace: Workspace, arguments: Arguments) -> Json:
    """files.list"""
    wanted = [
        file
        for file in workspace.files.values()
        if bot_may_see(workspace, file)
        and arguments.text("user") in ("", file.user)
        and (not arguments.text("channel") or arguments.text("channel") in file.channels)
    ]
    rows, _ = page(wanted[::-1], Arguments({"limit": arguments.whole("count", 100)}))
    paging = {"count": len(rows), "total": len(wanted), "page": 1, "pages": 1}
    return {"files": [file_json(workspace, each) for each in rows], "paging": paging}
