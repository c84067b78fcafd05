"""Answers given before, given again while nothing they rest on has changed.

An answer rests on the facts in the database, on what was asked by whom, on time. A question is looked up by who asked
what where. The facts are compared by their moment (`release_core.moments`), asked for after the question came: it
changes with every commit, whoever made it, and then everything is forgotten. Time is compared with `true_until`, which
the answer itself brings. The policy, as well as this program, stays the same for as long as the process lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from handlers.conversation import Message
from handlers.slack.asking import Desk, Heard

MOST = 500
"""How many answers are kept; one is a few KB."""

PATIENCE = 0.5
"""Seconds until a database that does not tell its moment is asked the question itself, which finds words for that."""


@dataclass(frozen=True)
class Look:
    """A question that was looked up: the answer that stands, or "" with the moment from which on one is made."""

    question: Hashable
    moment: Hashable | None
    answer: str = ""


@dataclass(frozen=True)
class _Kept:
    answer: str
    since: datetime
    until: datetime


class Recall:
    """Remembers answers as they were sent; `now` is the clock by which they are made."""

    def __init__(self, desk: Desk, now: Callable[[], datetime]) -> None:
        self._desk = desk
        self._now = now
        self._moment: Hashable | None = None
        self._kept: dict[Hashable, _Kept] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="moment")
        self._next: asyncio.Task[Hashable | None] | None = None
        self._asking = asyncio.Lock()

    async def look(self, question: Hashable) -> Look:
        """Look a question up, now that it came."""
        moment = self._desk.moment() if self._desk.at_once else await self._next_moment()
        if moment is None or moment != self._moment:
            self._moment = moment
            self._kept.clear()
        kept = self._kept.get(question)
        return Look(question, moment, kept.answer if kept and kept.since <= self._now() < kept.until else "")

    def keep(self, look: Look, heard: Heard, answer: str) -> None:
        """Remember the answer to a question that was looked up, where it may be given again."""
        said = heard.answer
        until = said.true_until if isinstance(said, Message) and not said.attachments else None
        # Words that name no instant mean the same later.
        timeless = all(isinstance(value, str) for value in heard.args.values())
        if until is None or heard.error or not timeless or look.moment is None or look.moment != self._moment:
            return
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[look.question] = _Kept(answer, self._now(), until)

    async def _next_moment(self) -> Hashable | None:
        """The moment, asked for from now on: many who come at once share it."""
        if self._next is None:
            self._next = asyncio.create_task(self._ask())
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(self._next)
        except TimeoutError:
            return None

    async def _ask(self) -> Hashable | None:
        async with self._asking:
            # Whoever comes once the database was asked may not rest on its answer, so they wait for the next one.
            self._next = None
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._desk.moment)
