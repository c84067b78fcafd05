"""Answers given before, given again while nothing they rest on has changed.

An answer rests on the facts in the database, on what was asked by whom, on time. A question is looked up by who asked
what where. The facts are compared as `release_core.moments` says, after the question came: by their moment, which
changes with every commit of anybody, then by the rows that the answer was made of, asked for once more. Time is
compared with `true_until`, which the answer itself brings. The policy, as well as this program, stays the same for as
long as the process lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from handlers.conversation import Message
from handlers.slack.asking import Desk, Heard
from release_core.moments import Reads, recorded

T = TypeVar("T")

MOST = 500
"""How many answers are kept; one is a few KB."""


@dataclass
class Look:
    """A question that was looked up: the answer that stands, or "" where one has to be made.

    `made` is one that may be given again, with the instant until which it is true.
    """

    answer: str = ""
    made: tuple[str, datetime] | None = None

    def keep(self, heard: Heard, answer: str) -> None:
        """Have this answer given again where that is right."""
        said = heard.answer
        until = said.true_until if isinstance(said, Message) and not said.attachments else None
        # Words that name no instant mean the same later.
        if until and not heard.error and all(isinstance(value, str) for value in heard.args.values()):
            self.made = answer, until


@dataclass
class _Kept:
    """An answer that was true at `moment`; it still is while `reads` give rows of the same digest."""

    answer: str
    since: datetime
    until: datetime
    moment: Hashable
    reads: Reads
    rows: Hashable


class Recall:
    """Remembers answers as they were sent; `now` is the clock by which they are made.

    `patience` is for how many seconds somebody waits for a moment, or for an answer that is being made, before they are
    answered by themselves.
    """

    patience = 0.25

    def __init__(self, desk: Desk, now: Callable[[], datetime]) -> None:
        self._desk = desk
        self._now = now
        self._kept: dict[Hashable, _Kept] = {}
        self._making: dict[Hashable, asyncio.Event] = {}
        # Whoever asks whether anything changed need not wait for those who ask what.
        self._moments = ThreadPoolExecutor(1, thread_name_prefix="moment")
        self._rows = ThreadPoolExecutor(1, thread_name_prefix="rows")
        self._next: asyncio.Task[Hashable | None] | None = None
        self._asking = asyncio.Lock()

    @asynccontextmanager
    async def look(self, question: Hashable) -> AsyncIterator[Look]:
        """Look a question up, now that it came; what is made of it in the block is remembered."""
        moment = self._desk.moment() if self._desk.at_once else await self._next_moment()
        if moment is None:
            yield Look()
        elif answer := self._standing(question, moment):
            yield Look(answer)
        elif making := self._making.get((question, moment)):
            # Somebody makes the very same answer from the very same facts.
            await self._patiently(making.wait())
            yield Look(self._standing(question, moment))
        else:
            made = self._making[question, moment] = asyncio.Event()
            try:
                async with self._made(question, moment) as look:
                    yield look
            finally:
                del self._making[question, moment]
                made.set()

    def _standing(self, question: Hashable, moment: Hashable) -> str:
        kept = self._kept.get(question)
        return kept.answer if kept and kept.moment == moment and kept.since <= self._now() < kept.until else ""

    @asynccontextmanager
    async def _made(self, question: Hashable, moment: Hashable) -> AsyncIterator[Look]:
        if await self._renew(question, moment):
            yield Look(self._standing(question, moment))
            return
        with recorded() as reads:
            yield (look := Look())
        if not look.made:
            return
        answer, until = look.made
        since = self._now()
        # Had anything been committed since the moment, these might not be the rows that the answer was made of.
        rows = await self._database(lambda: self._rows_at(moment, reads))
        if rows is not None:
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[question] = _Kept(answer, since, until, moment, reads, rows)

    async def _renew(self, question: Hashable, moment: Hashable) -> bool:
        """Whether what was kept is still true at a moment, which was asked for before this."""
        kept = self._kept.get(question)
        if kept is None or not kept.since <= self._now() < kept.until:
            return False
        if await self._database(lambda: self._desk.rows(kept.reads)) == kept.rows:
            kept.moment = moment
            return True
        return False

    def _rows_at(self, moment: Hashable, reads: Reads) -> Hashable | None:
        rows = self._desk.rows(reads)
        return rows if self._desk.moment() == moment else None

    async def _database(self, ask: Callable[[], Hashable | None]) -> Hashable | None:
        if self._desk.at_once:
            return ask()
        return await self._patiently(asyncio.get_running_loop().run_in_executor(self._rows, ask))

    async def _next_moment(self) -> Hashable | None:
        """The moment, asked for from now on: many who come at once share it."""
        if self._next is None:
            self._next = asyncio.create_task(self._ask())
        return await self._patiently(asyncio.shield(self._next))

    async def _ask(self) -> Hashable | None:
        async with self._asking:
            # Whoever comes once the database was asked may not rest on its answer, so they wait for the next one.
            self._next = None
            return await asyncio.get_running_loop().run_in_executor(self._moments, self._desk.moment)

    async def _patiently(self, waited_for: Awaitable[T]) -> T | None:
        try:
            async with asyncio.timeout(self.patience):
                return await waited_for
        except TimeoutError:
            return None
