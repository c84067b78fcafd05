"""What watching a 60-minute deployment costs: calls, and seconds until its end is noticed, on a simulated clock."""

from __future__ import annotations

from tests.bot.flows.curves import HOUR, LINEAR, MINUTE, Curve, job, watch

OTHER_CALLS = 15
"""What a deployment asks beside its looks: login, snapshot and reading back (retrieves), start, history, result."""

_TESTS_SLOW = job([(0, 0), (3 * MINUTE, 1)], [(3 * MINUTE, 0), (HOUR, 1)], sizes=(9_000, 12_000))
_FINALIZING = job([(0, 0), (8 * MINUTE, 1)], [(8 * MINUTE, 0), (58 * MINUTE, 1)], sizes=(500, 800))
_STALL = job(
    [(0, 0), (5 * MINUTE, 1)], [(5 * MINUTE, 0), (20 * MINUTE, 0.5), (40 * MINUTE, 0.5), (HOUR, 1)], sizes=(900, 4_000)
)
_CURVES: tuple[tuple[str, Curve], ...] = (
    ("even", LINEAR),
    ("components fast, tests slow", _TESTS_SLOW),
    ("two minutes of Finalizing", _FINALIZING),
    ("twenty minutes of standing still", _STALL),
)


def figures() -> str:
    """One line for each way that an hour can pass; the pace is the product's, the clock ours."""
    lines = ["A deployment of 60 minutes, watched (API calls in all; seconds until its end is seen):"]
    for name, curve in _CURVES:
        seen = watch(curve, HOUR)
        lines.append(f"  {name}: {seen.looks + OTHER_CALLS} calls, {seen.late:.1f} s")
    return "\n".join(lines)
