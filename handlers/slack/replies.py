"""Bringing an answer to the person who asked, by whichever way Slack leaves open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from handlers.conversation import Attachment, Message, Note, Paragraph, Place, code
from handlers.slack.blocks import draw_message
from handlers.slack.mrkdwn import Reader
from handlers.slack.refusals import apology, new_reference
from handlers.slack.tasks import Tasks

log = logging.getLogger(__name__)

# With these, the channel is closed to us or to the person, or the thread is gone; a direct message still reaches them.
_ELSEWHERE = frozenset(
    (
        "channel_not_found",
        "not_in_channel",
        "user_not_in_channel",
        "is_archived",
        "messages_tab_disabled",
        "no_permission",
        "thread_not_found",
        "invalid_thread_ts",
    )
)
OPENED_WITHIN = 0.8  # seconds; with `HEARD_WITHIN` of the shell, less than the three that Slack gives us
# The trigger is over, or what stood open was closed meanwhile.
TOO_LATE = frozenset(
    (
        "expired_trigger_id",
        "exchanged_trigger_id",
        "invalid_trigger_id",
        "trigger_expired",
        "not_found",
        "push_limit_reached",
    )
)
# The person closed the modal, or it shows something newer by now.
_LEFT = frozenset(("not_found", "view_not_found", "hash_conflict"))
PERMALINK_WITHIN = 0.6


@dataclass(frozen=True)
class Opening:
    """How a modal may be opened: by a trigger, on top of the modal with id `over` or instead of it."""

    trigger_id: str
    over: str = ""
    instead: bool = False


@dataclass(frozen=True)
class Opened:
    """A modal that a person sees, as it was when it was opened."""

    view_id: str
    hash: str


class Replies:
    """Tells people things: privately in the place where they asked, else directly."""

    def __init__(self, client: AsyncWebClient, tasks: Tasks) -> None:
        self._client = client
        self._tasks = tasks

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Let work go on after the acknowledgement."""
        self._tasks.start(work, name)

    def tell_later(self, user_id: str, place: Place, message: Message, reader: Reader) -> None:
        """Tell them without keeping the acknowledgement waiting."""
        self._tasks.start(self.tell(user_id, place, message, reader), f"telling {user_id}")

    async def tell(self, user_id: str, place: Place, message: Message, reader: Reader) -> None:
        """Tell them now: a private message in the place, a plain one in a direct conversation."""
        self.send_files_later(user_id, message.attachments)
        drawn = draw_message(announcing_files(message), reader)
        if place.channel and await self._reached(user_id, place, drawn):
            return
        await self._client.chat_postMessage(channel=await self._direct(user_id), **drawn, **_QUIET)

    async def open(self, opening: Opening, view: Mapping[str, Any]) -> Opened | None:
        """Open a modal; None when Slack's three seconds for it are over, or would be soon."""
        try:
            answer = await asyncio.wait_for(self._opened(opening, dict(view)), OPENED_WITHIN)
        except TimeoutError:
            return None
        except SlackApiError as error:
            if error_code(error) in TOO_LATE:
                return None
            raise
        return Opened(str(answer["view"]["id"]), str(answer["view"].get("hash") or ""))

    async def _opened(self, opening: Opening, view: dict[str, Any]) -> AsyncSlackResponse:
        if opening.over and opening.instead:
            return await self._client.views_update(view_id=opening.over, view=view)
        if opening.over:
            return await self._client.views_push(trigger_id=opening.trigger_id, view=view)
        return await self._client.views_open(trigger_id=opening.trigger_id, view=view)

    async def fill(self, opened: Opened, view: Mapping[str, Any]) -> bool:
        """Put something else into a modal that was opened; False when the person has left it meanwhile."""
        try:
            await self._client.views_update(view_id=opened.view_id, hash=opened.hash or None, view=dict(view))
        except SlackApiError as error:
            if error_code(error) in _LEFT:
                return False
            raise
        return True

    async def permalink(self, channel: str, ts: str) -> str:
        """The address of a message, "" when Slack does not give it soon: its words are worth keeping without it."""
        try:
            asked = self._client.chat_getPermalink(channel=channel, message_ts=ts)
            return str((await asyncio.wait_for(asked, PERMALINK_WITHIN))["permalink"])
        except (TimeoutError, SlackApiError, ClientError) as error:
            log.info("No address of %s in %s: %s", ts, channel, error)
            return ""

    def send_files_later(self, user_id: str, attachments: Sequence[Attachment]) -> None:
        """Hand the files over in the direct conversation with the person."""
        if attachments:
            self._tasks.start(self._send_files(user_id, attachments), f"sending files to {user_id}")

    async def _send_files(self, user_id: str, attachments: Sequence[Attachment]) -> None:
        direct = await self._direct(user_id)
        for attachment in attachments:
            try:
                await self._client.files_upload_v2(
                    channel=direct,
                    file=attachment.data,
                    filename=attachment.name,
                    title=attachment.title or attachment.name,
                )
            except SlackApiError as error:
                reference = new_reference()
                log.exception("Slack refused the file %s (%s)", attachment.name, reference)
                told = f"Slack refused the file {code(attachment.name)} with {code(error_code(error))}."
                drawn = draw_message(Message(f"{told} {apology(reference).summary}", tone="stop"))
                await self._client.chat_postMessage(channel=direct, **drawn)

    async def _reached(self, user_id: str, place: Place, drawn: Mapping[str, Any]) -> bool:
        channel, thread = place.channel, place.thread
        try:
            if place.direct:
                await self._client.chat_postMessage(channel=channel, thread_ts=thread, **drawn, **_QUIET)
            else:
                await self._client.chat_postEphemeral(channel=channel, thread_ts=thread, user=user_id, **drawn)
        except SlackApiError as error:
            if error_code(error) in _ELSEWHERE:
                return False
            raise
        return True

    async def _direct(self, user_id: str) -> str:
        opened = await self._client.conversations_open(users=user_id)
        return str(opened["channel"]["id"])


_QUIET: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}


def announcing_files(message: Message) -> Message:
    """The message, saying where its files are handed over."""
    if not message.attachments:
        return message
    names = ", ".join(code(attachment.name) for attachment in message.attachments)
    parts = message.parts or (Paragraph(message.summary),)
    return replace(message, parts=[*parts, Note(f"I send you {names} in our direct messages.")])


def error_code(error: SlackApiError) -> str:
    """Slack's own word for what was wrong."""
    response = error.response
    return str(response.get("error", "")) if hasattr(response, "get") else ""
