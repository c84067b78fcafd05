"""What the bot says in acks and through response URLs, put into the conversation."""

from __future__ import annotations

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.rehearsal.workspace import cast, posting
from bot.rehearsal.workspace.model import Json, Message, ResponseUrl
from bot.rehearsal.workspace.payloads import message_json
from bot.rehearsal.workspace.refusals import SlackError
from bot.rehearsal.workspace.web.arguments import Arguments
from bot.rehearsal.workspace.web.chat import content
from bot.rehearsal.workspace.web.dispatch import BODY_MOST, limited_body, read_arguments
from bot.rehearsal.workspace.workspace import Workspace


def speak(workspace: Workspace, given: Json, user: str, channel: str, thread_ts: str | None = None) -> Message:
    """Post what an ack or a response URL said: only for `user` unless `response_type` is `in_channel`.

    SlackError when it holds something that Slack would refuse.
    """
    parts = content(workspace, Arguments(given))
    if not (parts["text"].strip() or parts["blocks"] or parts["attachments"]):
        raise SlackError("no_text")
    public = given.get("response_type") == "in_channel"
    message = Message(
        channel=channel,
        ts=workspace.next_ts(),
        user=cast.BOT_USER_ID,
        text=parts["text"],
        blocks=parts["blocks"] or [],
        attachments=parts["attachments"] or [],
        metadata=parts["metadata"] if public else None,
        thread_ts=Arguments(given).text("thread_ts") or thread_ts,
        only_for=None if public else user,
    )
    return posting.post(workspace, message)


def says_something(payload: Any) -> bool:
    """Whether an ack's payload is a message."""
    return isinstance(payload, dict) and any(payload.get(key) for key in ("text", "blocks", "attachments"))


class ResponseUrls:
    """Answers `/actions/…`: posts without a token, five times within 30 minutes."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    async def endpoint(self, request: Request) -> Response:
        """The route's endpoint; plain `ok`, or Slack's error as JSON with 4xx."""
        url = self.workspace.response_urls.get(request.path_params["key"])
        if url is None or time.monotonic() > url.expires:
            return _no("expired_url" if url else "invalid_url", 404)
        if url.uses >= self.workspace.pace.response_url_uses:
            return _no("used_url", 404)
        if await limited_body(request, BODY_MOST) is None:
            return _no("request_too_large", 413)
        try:
            given = _payload(await read_arguments(request))
            self._answer(url, given)
        except SlackError as error:
            return _no(error.code, 400 if error.status == 200 else error.status, **error.fields)
        url.uses += 1
        return PlainTextResponse("ok")

    def _answer(self, url: ResponseUrl, given: Json) -> None:
        arguments = Arguments(given)
        original = self._original(url)
        if arguments.flag("delete_original"):
            if original is None:
                raise SlackError("message_not_found")
            _take_away(self.workspace, original)
        elif arguments.flag("replace_original") and original is not None:
            self._replace(original, given)
        else:
            thread = url.thread_ts if url.ts else None
            message = speak(self.workspace, given, url.user, url.channel, thread)
            url.ts = url.ts or message.ts

    def _original(self, url: ResponseUrl) -> Message | None:
        return self.workspace.find_message(url.channel, url.ts, ephemeral=True) if url.ts else None

    def _replace(self, message: Message, given: Json) -> None:
        parts = content(self.workspace, Arguments(given))
        before = message_json(self.workspace, message)
        message.text = parts["text"]
        message.blocks = parts["blocks"] or []
        message.attachments = parts["attachments"] or []
        posting.edit(self.workspace, message, before)


def _take_away(workspace: Workspace, message: Message) -> None:
    if message.only_for:
        workspace.remove_message(message)
    else:
        posting.delete(workspace, message)


def _payload(arguments: Arguments) -> Json:
    nested = arguments.nested("payload")
    return nested if isinstance(nested, dict) else arguments.values


def _no(code: str, status: int, **fields: Any) -> Response:
    return JSONResponse({"ok": False, "error": code, **fields}, status_code=status)
