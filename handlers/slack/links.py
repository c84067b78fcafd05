"""Links of ours that people post, shown with what they lead to."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from handlers.conversation import Message
from handlers.slack import incoming
from handlers.slack.asking import Asker
from handlers.slack.blocks import draw_message
from handlers.slack.tasks import Tasks

log = logging.getLogger(__name__)

MOST_LINKS = 5


class Links:
    """Answers `link_shared`, which Slack sends where the manifest names our domain (docs/slack.md)."""

    def __init__(self, client: AsyncWebClient, asker: Asker, tasks: Tasks) -> None:
        self._client = client
        self._asker = asker
        self._tasks = tasks

    async def on_link(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """Somebody posted links of ours."""
        # In a channel that is shared with another company, its people would read the card as well.
        if body.get("is_ext_shared_channel") or await self._asker.seen(body):
            return
        urls = list(dict.fromkeys(str(each.get("url") or "") for each in event.get("links") or ()))
        self._tasks.start(self._unfurl(event, urls[:MOST_LINKS]), f"showing links in {event.get('channel')}")

    async def _unfurl(self, event: dict[str, Any], urls: list[str]) -> None:
        cards = await self._asker.cards_behind(incoming.asker(event), urls)
        if not cards:
            return
        unfurls = {url: {"blocks": draw_message(card)["blocks"]} for url, card in _each_once(cards).items()}
        if await self._shown(event, unfurls) or len(unfurls) == 1:
            return
        # After an edit some of them are shown already, and Slack takes all of a call or nothing.
        for url, unfurl in unfurls.items():
            await self._shown(event, {url: unfurl})

    async def _shown(self, event: dict[str, Any], unfurls: Mapping[str, Any]) -> bool:
        """Show links under what was posted; False when one of them cannot be shown, so that none is."""
        try:
            await self._client.chat_unfurl(unfurls=dict(unfurls), **_where(event))
        except SlackApiError as error:
            # The message was taken back meanwhile, or shows the link already: nobody waits for it.
            log.info("Links were not shown: %s", error.response.get("error"))
            return bool(error.response.get("error") != "cannot_unfurl_url")
        return True


def _each_once(cards: Mapping[str, Message]) -> Mapping[str, Message]:
    """The cards without those that another link of the same message leads to as well."""
    found: dict[str, Message] = {}
    for url, card in cards.items():
        if card not in found.values():
            found[url] = card
    return found


def _where(event: dict[str, Any]) -> dict[str, Any]:
    if event.get("unfurl_id") and event.get("source"):
        return {"unfurl_id": str(event["unfurl_id"]), "source": str(event["source"])}
    return {"channel": str(event.get("channel")), "ts": str(event.get("message_ts"))}
