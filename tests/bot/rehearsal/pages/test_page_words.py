"""How the page says times, sizes and runs of messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.rehearsal.pages.conversation import draw_conversation, say_size
from bot.rehearsal.pages.reader import Reader
from bot.rehearsal.pages.scene import say_ahead
from bot.rehearsal.pages.times import say_distance, say_instant

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
READER = Reader("U0RELMGR", ZoneInfo("Asia/Tokyo"), NOON)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=-10), "just now"),
        (timedelta(minutes=-5), "5 minutes ago"),
        (timedelta(hours=2), "in 2 hours"),
        (timedelta(hours=1), "in 1 hour"),
        (timedelta(days=-3), "3 days ago"),
    ],
)
def test_distance_is_said_in_words(span: timedelta, words: str) -> None:
    """A distance is said as people say it, in either direction."""
    assert say_distance(span) == words


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=20), ""),
        (timedelta(minutes=15), "+15 min"),
        (timedelta(days=1, hours=2, minutes=3), "+1 d 2 h 3 min"),
    ],
)
def test_lead_of_the_clock_is_said_in_words(span: timedelta, words: str) -> None:
    """How far the rehearsal is ahead; nothing while it is not."""
    assert say_ahead(span) == words


def test_date_tokens_are_filled_and_unknown_ones_kept() -> None:
    """Every token is filled on the reader's wall clock: 12:00 UTC is 21:00 in Tokyo."""
    said = say_instant("{date_num} {time_secs} {date_long} {date_short} {ago} {nonsense}", NOON, READER)
    assert said == "2026-11-22 21:00:00 Sunday, 22 November 2026 22 Nov 2026 just now {nonsense}"
    assert say_instant("{date_short_pretty}", NOON - timedelta(days=1), READER) == "yesterday"
    assert say_instant("{date_short_pretty}", NOON + timedelta(hours=4), READER) == "tomorrow", (
        "it is past midnight there"
    )


def test_sizes_are_said_in_units() -> None:
    """Bytes below a kilobyte, one decimal above."""
    assert (say_size(12), say_size(2048), say_size(5_000_000)) == ("12 bytes", "2.0 KB", "4.8 MB")


def said_by(user: str, minute: int, **more: Any) -> dict[str, Any]:
    return {
        "ts": str((NOON + timedelta(minutes=minute)).timestamp()),
        "user": user,
        "channel": "C1",
        "text": "x",
        **more,
    }


def test_run_of_one_person_shows_the_name_once() -> None:
    """What somebody says within five minutes belongs together; another person, an hour or a card starts anew."""
    card = {"bot": True, "blocks": [{"type": "divider"}]}
    lines = draw_conversation(
        [said_by("U1", 0), said_by("U1", 2), said_by("U2", 3), said_by("U2", 60), said_by("U2", 61, **card)], READER
    )
    assert [line.continues for line in lines] == [False, True, False, False, False]


def test_new_day_is_announced_in_the_readers_zone() -> None:
    """Between 23:30 and 00:30 in Tokyo a new day begins, though in UTC it does not."""
    lines = draw_conversation([said_by("U1", 150), said_by("U1", 210)], READER)
    assert [line.day for line in lines] == ["Today", "Tomorrow"]
