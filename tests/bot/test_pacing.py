"""Waiting for one's turn, on a clock that only moves when somebody sleeps."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from bot.pacing import PROGRESS, Pace, Rate

ONE_A_SECOND = Rate(1.0, 3)


@dataclass
class Time:
    """Seconds that pass by sleeping."""

    seconds: float = 100.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        """Now."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.slept.append(round(seconds, 6))
        self.seconds += seconds


def test_a_burst_goes_at_once_then_one_a_second() -> None:
    time = Time()
    pace = Pace(time.clock, time.sleep)
    for _ in range(5):
        pace.wait_for("C1", ONE_A_SECOND)
    assert time.slept == [1.0, 1.0]


def test_the_burst_comes_back_after_a_rest() -> None:
    time = Time()
    pace = Pace(time.clock, time.sleep)
    for _ in range(3):
        pace.wait_for("C1", ONE_A_SECOND)
    time.seconds += 60
    for _ in range(3):
        pace.wait_for("C1", ONE_A_SECOND)
    assert time.slept == []


def test_other_keys_have_their_own_turn() -> None:
    time = Time()
    pace = Pace(time.clock, time.sleep)
    for key in ("C1", "C2", "C3") * 3:
        pace.wait_for(key, ONE_A_SECOND)
    assert time.slept == []


def test_nobody_goes_before_a_hold_is_over_whatever_the_burst() -> None:
    now = Time()
    holding, released = threading.Event(), threading.Event()

    def sleep(seconds: float) -> None:
        now.slept.append(seconds)
        if seconds == 30.0 and not holding.is_set():
            holding.set()
            assert released.wait(5)

    pace = Pace(now.clock, sleep)
    held = threading.Thread(target=pace.hold, args=("C1", 30.0))
    held.start()
    assert holding.wait(5)
    pace.wait_for("C2", ONE_A_SECOND)
    assert now.slept == [30.0]
    pace.wait_for("C1", ONE_A_SECOND)
    assert now.slept == [30.0, 30.0]
    released.set()
    held.join()


def test_what_need_not_be_said_is_left_out_when_there_is_no_room() -> None:
    time = Time()
    pace = Pace(time.clock, time.sleep)
    assert [pace.has_room("progress", PROGRESS) for _ in range(12)] == [True] * 10 + [False] * 2
    assert time.slept == [], "nobody waits for it"
    taken = 0
    for _ in range(60):
        time.sleep(1)
        taken += pace.has_room("progress", PROGRESS)
    assert taken == 40
    assert pace.has_room("other", PROGRESS)
