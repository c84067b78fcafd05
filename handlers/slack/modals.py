"""Modals: where each goes, what stands in it while its content is still being read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from handlers.conversation import Answer, Form, Message, Paragraph
from handlers.slack import incoming
from handlers.slack.asking import Heard, Hearing
from handlers.slack.blocks import draw_notice
from handlers.slack.forms import draw_form
from handlers.slack.homes import Homes
from handlers.slack.incoming import Carried, Payload
from handlers.slack.limits import MODAL_DEPTH
from handlers.slack.mrkdwn import Reader
from handlers.slack.replies import Opened, Opening, Replies, announcing_files

LOADING = Message("Loading…", [Paragraph("Loading… This may take a few seconds.")])
"""What a person sees while a form is being read."""


def view_of(answer: Message | Form, carried: Carried, reader: Reader) -> dict[str, Any]:
    """A form or a message as a modal that carries where it belongs."""
    if isinstance(answer, Form):
        asked = replace(carried, verb=answer.verb, args=answer.args)
        return draw_form(answer, private_metadata=asked.written(), reader=reader)
    return draw_notice(announcing_files(answer), private_metadata=carried.written(), reader=reader)


def place_of(body: Payload, depth: int, answer: Answer) -> tuple[Opening, int]:
    """Where a modal goes, with its depth: a notice replaces a notice, the rest is stacked while Slack has room."""
    trigger_id, view = str(body.get("trigger_id", "")), body.get("view") or {}
    if view.get("type") != "modal":
        return Opening(trigger_id), 1
    instead = depth >= MODAL_DEPTH or (not view.get("callback_id") and isinstance(answer, Message))
    return Opening(trigger_id, str(view.get("id", "")), instead), depth if instead else depth + 1


class Loading:
    """Modals that are opened first, then filled by id when what they show has been read."""

    def __init__(self, replies: Replies, homes: Homes) -> None:
        self._replies = replies
        self._homes = homes

    async def begins(self, body: Payload, hearing: Hearing, asked: asyncio.Future[Heard]) -> bool:
        """Open a modal for what is being read, to be filled when it has been; False when none could be opened."""
        view = body.get("view") or {}
        depth = incoming.read_carried(view).depth if view.get("type") == "modal" else 1
        # Placed as the form will be that takes its place: on top of what the person sees.
        opening, depth = place_of(body, depth, Form("", "", (), ""))
        placed = Carried("", {}, hearing.place, depth, home=incoming.page_of(view))
        opened = await self._replies.open(opening, view_of(LOADING, placed, Reader()))
        if opened is None:
            return False
        self._replies.start(
            self._fill_when_heard(asked, hearing, placed, opened), f"filling a form for {hearing.user_id}"
        )
        return True

    async def _fill_when_heard(
        self, asked: Awaitable[Heard], hearing: Hearing, carried: Carried, opened: Opened
    ) -> None:
        heard = await asked
        filled = await self._replies.fill(opened, view_of(heard.answer, carried, heard.reader))
        if isinstance(heard.answer, Message):
            if filled:
                self._replies.send_files_later(hearing.user_id, heard.answer.attachments)
            else:
                await self._replies.tell(hearing.user_id, hearing.place, heard.answer, heard.reader)
            if carried.home is not None:
                self._homes.refresh_later(hearing.user_id, carried.home)
