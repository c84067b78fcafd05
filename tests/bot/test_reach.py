"""Whether Slack can reach the bot, watched: who is cut off for long ends, so that a supervisor starts it anew."""

from __future__ import annotations

import asyncio
import selectors
from typing import cast

import pytest

from bot.wiring import NO_SOCKET_FOR, _Reach
from handlers.slack.transport import Sockets

HURRY = 2000.0


class HurriedSelector(selectors.DefaultSelector):
    """Waits for a small part of the time that it is asked to."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready."""
        return super().select(timeout / HURRY if timeout else timeout)


class HurriedLoop(asyncio.SelectorEventLoop):
    """An event loop on which a minute lasts some hundredths of a second."""

    def time(self) -> float:
        """Seconds that pass two thousand times as fast."""
        return super().time() * HURRY


class Connections:
    """How many sockets live, look by look; the last figure stays."""

    def __init__(self, *alive: int) -> None:
        self.figures = [*alive]

    async def alive(self) -> int:
        """The next figure."""
        return self.figures.pop(0) if len(self.figures) > 1 else self.figures[0]


def watched(*alive: int, until_after: float) -> tuple[_Reach, float]:
    """Watch such connections for some seconds; also for how long it was watched."""
    reach = _Reach(cast(Sockets, Connections(*alive)))
    loop = HurriedLoop(HurriedSelector())

    async def watch() -> float:
        until, began = asyncio.Event(), loop.time()
        loop.call_later(until_after, until.set)
        await reach.watch(until)
        return loop.time() - began

    try:
        return reach, loop.run_until_complete(watch())
    finally:
        loop.close()


def test_who_is_cut_off_for_five_minutes_ends() -> None:
    with pytest.raises(ConnectionError, match="five minutes"):
        watched(2, 1, 0, until_after=4 * NO_SOCKET_FOR)


def test_one_connection_of_two_is_enough() -> None:
    reach, lasted = watched(2, 1, until_after=2 * NO_SOCKET_FOR)
    assert lasted >= 2 * NO_SOCKET_FOR
    assert reach.problem() == ""


def test_a_short_cut_is_told_and_survived() -> None:
    reach, lasted = watched(2, 0, 0, 1, 0, 0, 2, until_after=2 * NO_SOCKET_FOR)
    assert lasted >= 2 * NO_SOCKET_FOR
    assert reach.problem() == ""
    cut_off, _ = watched(2, 0, until_after=NO_SOCKET_FOR / 4)
    assert "No connection to Slack" in cut_off.problem()
