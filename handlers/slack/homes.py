"""Each person's own page, published in the order in which it was drawn."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

from slack_sdk.web.async_client import AsyncWebClient

from handlers.conversation import Home
from handlers.slack.asking import Asker
from handlers.slack.blocks import draw_home
from handlers.slack.mrkdwn import Reader
from handlers.slack.tasks import Tasks

TRIES = 3


class Homes:
    """Draws pages anew and brings them to their owners; nobody's page is ever brought to somebody else."""

    def __init__(self, client: AsyncWebClient, asker: Asker, tasks: Tasks) -> None:
        self._client = client
        self._asker = asker
        self._tasks = tasks
        # Two drawings of one page at the same moment could arrive in the wrong order, the older one last.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def refresh_later(self, user_id: str, page: str) -> None:
        """Draw a page anew, without keeping the acknowledgement waiting."""
        self._tasks.start(self._refresh(user_id, page), f"publishing Home for {user_id}")

    def show_later(self, user_id: str, home: Home, reader: Reader) -> None:
        """Bring a page that was drawn already."""
        self._tasks.start(self._show(user_id, home, reader), f"publishing Home for {user_id}")

    async def _refresh(self, user_id: str, page: str) -> None:
        async with self._turn_of(user_id):
            home, reader = await self._asker.home(user_id, page)
            await self._publish(user_id, home, reader)

    async def _show(self, user_id: str, home: Home, reader: Reader) -> None:
        async with self._turn_of(user_id):
            await self._publish(user_id, home, reader)

    async def _publish(self, user_id: str, home: Home, reader: Reader) -> None:
        """Bring a page, and again when something happened meanwhile: that may have been brought by a flow before it."""
        anew: Home | None = home
        for _ in range(TRIES):
            if anew is None:
                return
            await self._client.views_publish(user_id=user_id, view=draw_home(anew, reader))
            anew = await self._asker.home_shown(user_id, anew)

    def _turn_of(self, user_id: str) -> asyncio.Lock:
        return self._turns.setdefault(user_id, asyncio.Lock())
