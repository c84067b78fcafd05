"""Deployments as their counters show them over time, with what watching them costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from bot.flows.looking import Look, next_look_after

Curve = Callable[[float], Look]
"""Seconds since the start -> what one sees then."""

ANSWERS_IN = 0.3  # seconds; what a call to an org takes
MINUTE = 60.0


@dataclass(frozen=True)
class Watched:
    """How many looks it took to see the end, with how many seconds after it."""

    looks: int
    late: float


def watch(curve: Curve, ends_at: float, *, took_before: float = 0.0) -> Watched:
    """Look as the flow does, on a clock that we move, until the end has been seen."""
    now, looks = 0.0, list[Look]()
    while True:
        asked_at = now
        now += ANSWERS_IN
        if asked_at >= ends_at:
            return Watched(len(looks) + 1, now - ends_at)
        looks.append(curve(asked_at))
        now += next_look_after(looks, took_before)


def job(
    components: list[tuple[float, float]],
    tests: list[tuple[float, float]],
    *,
    sizes: tuple[int, int],
    queue: float = 0.0,
) -> Curve:
    """A job whose counters go through points (second, share done), straight between them.

    `sizes` are how many components and tests there are; `queue` seconds of waiting come before all.
    """

    def at(second: float) -> Look:
        if second < queue:
            return Look(second, "Pending")
        compiled, tested = _share(components, second), _share(tests, second)
        begun = bool(tests) and second >= tests[0][0]
        counted = (int(tested * sizes[1]), sizes[1], 0) if begun else (0, 0, 0)
        state = "Finalizing" if compiled >= 1 and (tested >= 1 if tests else True) else "InProgress"
        return Look(second, state, (int(compiled * sizes[0]), sizes[0], 0), counted)

    return at


def _share(points: list[tuple[float, float]], second: float) -> float:
    if not points or second <= points[0][0]:
        return 0.0
    for (before, low), (after, high) in pairwise(points):
        if second < after:
            return low + (high - low) * (second - before) / (after - before)
    return points[-1][1]


HOUR = 60 * MINUTE
LINEAR = job([(0, 0), (10 * MINUTE, 1)], [(10 * MINUTE, 0), (HOUR, 1)], sizes=(2_000, 3_000))
"""Ten minutes of components, then fifty of tests, all even: the ordinary 60-minute deployment."""
