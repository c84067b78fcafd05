"""The alarm clock that wakes the engine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from release_core.ports import Clock


@runtime_checkable
class Movable(Protocol):
    """A clock that can be moved, and tells who wants to know."""

    def on_move(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each move."""
        ...


class _Scheduler(BackgroundScheduler):  # type: ignore[misc]  # APScheduler has no types
    """Ends quietly: shut down while an alarm rings, APScheduler looks in the wrong place for it and leaves a trace."""

    def remove_job(self, job_id: str, jobstore: str | None = None) -> None:
        """Remove an alarm, whether or not it is still there."""
        with suppress(JobLookupError):
            super().remove_job(job_id, jobstore)


class AlarmClock:
    """Calls `on_due` at a set instant and `on_sweep` at a steady beat; it decides nothing.

    The set instant is of `clock`, which may be ahead of the machine's own. When that clock is moved, `on_due` is called
    as well, and whoever listens sets the alarm anew.
    """

    def __init__(
        self, clock: Clock, *, on_due: Callable[[], None], on_sweep: Callable[[], None], sweep_every: float
    ) -> None:
        self._clock = clock
        self._on_due = on_due
        self._on_sweep = on_sweep
        self._sweep_every = sweep_every
        # Without the grace, an alarm that a busy machine serves a second late would be dropped.
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._scheduler = _Scheduler(timezone=UTC, job_defaults=defaults, daemon=True)

    def start(self) -> None:
        """Begin to tick."""
        self._scheduler.add_job(self._on_sweep, IntervalTrigger(seconds=self._sweep_every, timezone=UTC))
        self._scheduler.start()
        if isinstance(self._clock, Movable):
            self._clock.on_move(self._moved)

    def stop(self) -> None:
        """Be silent from now on."""
        if self._scheduler.running:
            self._scheduler.shutdown()

    def set_to(self, instant: datetime | None) -> None:
        """Ring at an instant of the clock (aware UTC) instead of the one set before; None for no alarm."""
        if instant is not None:
            at = datetime.now(UTC) + max(instant - self._clock.now(), timedelta())
            self._scheduler.add_job(self._on_due, DateTrigger(at, timezone=UTC), id="due", replace_existing=True)
            return
        self._scheduler.remove_job("due")

    def _moved(self) -> None:
        if self._scheduler.running:
            self._on_due()
