"""How long to wait until the next look at a running job, so that long jobs cost few calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Seconds, unless they say otherwise.
FIRST = 0.5
SELDOM = 60.0
SOON = 4.5
FOR_HOPE = 180.0  # how long Finalizing is looked at closely
APPROACH = 0.4  # of the time that is left
GROWTH = 1 / 3  # of the time that has passed
OVERDUE = 1 / 8  # of the time since the end was foretold for
FREE_LOOKS, LOOKS_PER_MINUTE = 53, 1.35
OVER_BUDGET = 60 / LOOKS_PER_MINUTE

_ENDING = ("Finalizing", "Canceling")


@dataclass(frozen=True)
class Look:
    """One look at a job: when (seconds, on any clock), its state, (done, total, errors) of components and of tests.

    `saving` says that the org's budget of API calls has run into its reserve.
    """

    at: float
    state: str
    components: tuple[int, int, int] = (0, 0, 0)
    tests: tuple[int, int, int] = (0, 0, 0)
    saving: bool = False

    @classmethod
    def read(cls, seen: Mapping[str, Any]) -> Look:
        """From the plain values of a step."""
        components, tests = tuple(seen["components"]), tuple(seen["tests"])
        return cls(seen["at"], seen["state"], components, tests, seen["saving"])


def next_look_after(looks: Sequence[Look], took_before: float = 0.0) -> float:
    """Seconds until the next look, from all looks so far, oldest first; `took_before` is 0 or what it took last time.

    Promised: a job of 60 minutes is looked at fewer than 135 times, whatever it does, and 81 times more for each
    further hour. Its end is noticed within 5 seconds when its counters foretell it (they move evenly towards it, or
    it comes within 35 seconds of when they said), or while it is Finalizing for up to three minutes. Past that the
    pause is an eighth of the time that the end is overdue, 60 seconds at most. Short jobs are looked at from half a
    second on.
    """
    now = looks[-1]
    if now.saving and now.state != "Canceling":
        return SELDOM
    passed = now.at - looks[0].at
    pause = min(SELDOM, max(FIRST, passed * GROWTH))
    left = _left(looks, took_before)
    if now.state in _ENDING:
        begun = next(look.at for look in looks if look.state in _ENDING)
        pause = min(pause, SOON + max(0.0, now.at - begun - FOR_HOPE) * OVERDUE)
    elif left is not None:
        pause = min(pause, max(SOON, left * APPROACH if left > 0 else -left * OVERDUE))
    if len(looks) >= FREE_LOOKS + passed / 60 * LOOKS_PER_MINUTE:
        pause = max(pause, OVER_BUDGET)
    return pause


def _left(looks: Sequence[Look], took_before: float) -> float | None:
    """Seconds until the end as foretold, negative when it is overdue; None when nothing foretells it."""
    now = looks[-1]
    if now.tests[1]:
        ends_at = _ends_at([(look.at, look.tests[0]) for look in looks], now.tests[1])
    elif now.components[1]:
        # Without tests, as far as one knows, the last component is the end.
        ends_at = _ends_at([(look.at, look.components[0]) for look in looks], now.components[1])
    else:
        ends_at = None
    if now.components[2] and now.tests[0] == 0:
        # A failed component ends the job when the last one has been tried.
        ends_at = _ends_at([(look.at, look.components[0]) for look in looks], now.components[1])
    if ends_at is None and took_before:
        begun = next((look.at for look in looks if look.state != "Pending"), None)
        # What lasts more than twice as long as it did foretells nothing any more.
        ends_at = begun + took_before if begun is not None and now.at - begun <= 2 * took_before else None
    return None if ends_at is None else ends_at - now.at


def _ends_at(points: Sequence[tuple[float, int]], total: int) -> float | None:
    """When a counter reaches its total, as it last moved; None before it has moved twice.

    The fastest of several stretches counts: to look too early costs a call, to look too late is a promise broken.
    """
    moved = [0, *(turn for turn in range(1, len(points)) if points[turn][1] != points[turn - 1][1])]
    if len(moved) < 2:
        return None
    # It moved at some instant since the look before, at the earliest right after that.
    last, seen_before = points[moved[-1]], points[moved[-1] - 1][0]
    if last[1] >= total:
        return last[0]
    starts = {moved[1] - 1, moved[len(moved) // 2], moved[len(moved) * 2 // 3]}
    rates = [
        (last[1] - points[start][1]) / (last[0] - points[start][0]) for start in starts if points[start][0] < last[0]
    ]
    return seen_before + (total - last[1]) / max(rates) if rates and max(rates) > 0 else None
