"""The alarm clock that wakes the engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.clockwork import AlarmClock
from bot.rehearsal.clock import MovableClock


class Bell:
    """Counts how often it rang."""

    def __init__(self) -> None:
        self.rung = threading.Semaphore(0)

    def __call__(self) -> None:
        self.rung.release()

    def rings_within(self, seconds: float) -> bool:
        """Whether it rings (once more) in time."""
        return self.rung.acquire(timeout=seconds)


@pytest.fixture
def clock() -> MovableClock:
    """A clock that is two days ahead of the machine's."""
    return MovableClock(timedelta(days=2))


@pytest.fixture
def due() -> Bell:
    """Rings when something is due."""
    return Bell()


@pytest.fixture
def sweep() -> Bell:
    """Rings at a steady beat."""
    return Bell()


@pytest.fixture
def alarm(clock: MovableClock, due: Bell, sweep: Bell) -> Iterator[AlarmClock]:
    """An alarm clock that runs."""
    alarm = AlarmClock(clock, on_due=due, on_sweep=sweep, sweep_every=0.3)
    alarm.start()
    yield alarm
    alarm.stop()


def test_it_rings_at_an_instant_of_a_clock_that_is_ahead(alarm: AlarmClock, clock: MovableClock, due: Bell) -> None:
    """The instant is the rehearsal's, not the machine's."""
    began = time.monotonic()
    alarm.set_to(clock.now() + timedelta(seconds=0.4))
    assert due.rings_within(30)
    assert time.monotonic() - began > 0.35
    assert not due.rings_within(0.3)


def test_a_new_alarm_takes_the_place_of_the_old(alarm: AlarmClock, clock: MovableClock, due: Bell) -> None:
    """It rings once, at the later instant."""
    alarm.set_to(clock.now() + timedelta(seconds=0.2))
    alarm.set_to(clock.now() + timedelta(seconds=0.6))
    assert not due.rings_within(0.4)
    assert due.rings_within(1)


def test_it_can_be_silenced(alarm: AlarmClock, clock: MovableClock, due: Bell) -> None:
    """None means that nothing is known to fall due, once or twice in a row."""
    alarm.set_to(clock.now() + timedelta(seconds=0.2))
    alarm.set_to(None)
    alarm.set_to(None)
    assert not due.rings_within(0.5)


def test_an_instant_in_the_past_rings_at_once(alarm: AlarmClock, clock: MovableClock, due: Bell) -> None:
    """Late is better than dropped."""
    alarm.set_to(clock.now() - timedelta(hours=1))
    assert due.rings_within(0.5)


def test_moving_the_clock_rings(alarm: AlarmClock, clock: MovableClock, due: Bell) -> None:
    """Whoever listens looks again, since what was tomorrow may be now."""
    alarm.set_to(clock.now() + timedelta(days=1))
    clock.advance(timedelta(days=1))
    assert due.rings_within(0.2)


def test_the_beat_is_steady(alarm: AlarmClock, sweep: Bell) -> None:
    """The sweep comes again and again."""
    assert all(sweep.rings_within(1) for _ in range(3))


def test_a_stopped_one_is_silent(alarm: AlarmClock, clock: MovableClock, due: Bell, sweep: Bell) -> None:
    """Neither the beat nor a moved clock wakes anybody any more."""
    alarm.stop()
    while sweep.rings_within(0):
        pass
    clock.advance(timedelta(days=1))
    assert not due.rings_within(0.1)
    assert not sweep.rings_within(0.5)
