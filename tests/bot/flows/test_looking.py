"""What watching a deployment costs, with how soon its end is seen, on a clock that the test moves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.flows.looking import Look, next_look_after
from tests.bot.flows.curves import ANSWERS_IN, HOUR, LINEAR, MINUTE, Curve, job, watch

AT_MOST = 135
"""Looks in an hour; what else a deployment asks (snapshot, start, result, reading back) is about fifteen calls."""


def _failing(curve: Curve, errors_from: float) -> Curve:
    def at(second: float) -> Look:
        look = curve(second)
        return replace(look, components=(*look.components[:2], 3)) if second >= errors_from else look

    return at


def _without_finalizing(curve: Curve) -> Curve:
    return lambda second: replace(curve(second), state="InProgress")


COMPONENTS_FAST = job([(0, 0), (3 * MINUTE, 1)], [(3 * MINUTE, 0), (HOUR, 1)], sizes=(9_000, 12_000))
FINALIZING = job([(0, 0), (8 * MINUTE, 1)], [(8 * MINUTE, 0), (58 * MINUTE, 1)], sizes=(500, 800))
COARSE = job([(0, 0), (5 * MINUTE, 1)], [(5 * MINUTE, 0), (HOUR, 1)], sizes=(40, 22))
QUEUED = job(
    [(30 * MINUTE, 0), (40 * MINUTE, 1)], [(40 * MINUTE, 0), (90 * MINUTE, 1)], sizes=(800, 2_000), queue=30 * MINUTE
)
QUICK = job([(0, 0), (HOUR, 1)], [], sizes=(8_000, 0))
FASTER_AT_THE_END = job([(0, 0), (5 * MINUTE, 1)], [(5 * MINUTE, 0), (45 * MINUTE, 0.6), (HOUR, 1)], sizes=(900, 4_000))
STALLED_THEN_WENT_ON = job(
    [(0, 0), (5 * MINUTE, 1)], [(5 * MINUTE, 0), (20 * MINUTE, 0.5), (40 * MINUTE, 0.5), (HOUR, 1)], sizes=(900, 4_000)
)
FAILED_COMPONENTS = _failing(job([(0, 0), (HOUR, 1)], [], sizes=(9_000, 0)), 20 * MINUTE)

FORETOLD = [
    pytest.param(LINEAR, HOUR, id="linear"),
    pytest.param(_without_finalizing(LINEAR), HOUR, id="linear, before API version 65"),
    pytest.param(COMPONENTS_FAST, HOUR, id="components fast, then tests slow"),
    pytest.param(FINALIZING, HOUR, id="two minutes of Finalizing"),
    pytest.param(COARSE, HOUR, id="few tests that take minutes each"),
    pytest.param(QUEUED, 90 * MINUTE, id="half an hour in the queue before"),
    pytest.param(QUICK, HOUR, id="a quick deployment without tests"),
    pytest.param(FASTER_AT_THE_END, HOUR, id="faster tests at the end"),
    pytest.param(STALLED_THEN_WENT_ON, HOUR, id="a stall in the middle"),
    pytest.param(_without_finalizing(FAILED_COMPONENTS), HOUR, id="failed components"),
]


@pytest.mark.parametrize(("curve", "ends_at"), FORETOLD)
def test_an_end_that_the_counters_foretell_is_noticed_within_five_seconds(curve: Curve, ends_at: float) -> None:
    seen = watch(curve, ends_at)
    assert seen.late <= 5.0
    assert seen.looks < AT_MOST * max(1.0, ends_at / HOUR)


def test_tests_that_are_much_quicker_than_last_time_are_noticed_all_the_same() -> None:
    """What the counters say is newer than what it took before."""
    quicker = job([(0, 0), (2 * MINUTE, 1)], [(2 * MINUTE, 0), (7 * MINUTE, 1)], sizes=(900, 4_000))
    seen = watch(quicker, 7 * MINUTE, took_before=HOUR)
    assert seen.late <= 5.0
    assert seen.looks < 60


@pytest.mark.parametrize("took_before", [0.0, 0.13, HOUR])
def test_an_hour_of_few_parts_with_minutes_of_finalizing_is_noticed_whatever_it_took_before(took_before: float) -> None:
    """As the local org plays it: what took moments in an empty org foretells nothing of an hour."""
    few = job([(0, 0), (18 * MINUTE, 1)], [(18 * MINUTE, 0), (57 * MINUTE, 1)], sizes=(19, 12))
    seen = watch(few, HOUR, took_before=took_before)
    assert seen.late <= 5.0
    assert seen.looks < AT_MOST


def test_a_job_that_shows_no_counters_is_expected_when_it_ended_last_time() -> None:
    def silent(second: float) -> Look:
        return Look(second, "InProgress")

    knowing, guessing = watch(silent, HOUR + 10, took_before=HOUR), watch(silent, HOUR + 10)
    assert knowing.late <= 5.0 < guessing.late


STILL = job([(0, 0), (5 * MINUTE, 1)], [(5 * MINUTE, 0), (30 * MINUTE, 0.995)], sizes=(900, 4_000))


@pytest.mark.parametrize("minutes", [35, 45, 60, 120, 480])
def test_counters_that_stand_still_make_looks_ever_more_seldom_but_never_rarer_than_a_minute(minutes: int) -> None:
    seen = watch(STILL, minutes * MINUTE)
    assert seen.late <= 60 + 2 * ANSWERS_IN
    assert seen.looks < max(AT_MOST, 60 + 82 * minutes / 60)


def test_finalizing_for_long_becomes_seldom_too() -> None:
    stuck = job([(0, 0), (5 * MINUTE, 1)], [(5 * MINUTE, 0), (30 * MINUTE, 1)], sizes=(900, 4_000))
    seen = watch(stuck, HOUR)
    assert seen.late <= 60 + 2 * ANSWERS_IN
    assert seen.looks < AT_MOST


@pytest.mark.parametrize("seconds", [2, 10, 40])
def test_short_jobs_are_lively(seconds: int) -> None:
    """People watch the counters move."""
    third = seconds / 3
    short = job([(0, 0), (third, 1)], [(third, 0), (seconds, 1)], sizes=(18, 12))
    seen = watch(short, seconds)
    assert seen.late <= min(5.0, 1.0 + seconds / 3)
    assert seen.looks >= 3


def test_a_budget_that_runs_low_makes_it_look_once_a_minute() -> None:
    looks = [Look(second, "Finalizing", saving=True) for second in (0.0, 1.0)]
    assert next_look_after(looks) == 60
