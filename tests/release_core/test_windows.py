"""Windows, freezes and clock changes, as people would check them against a calendar."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from release_core.errors import Unclear
from release_core.models import Freeze
from release_core.policy import WEEKDAYS, FreezeRule, WindowRule
from release_core.windows import (
    FrozenSpan,
    Interval,
    freezes_over,
    frozen_spans,
    is_inside_windows,
    next_open,
    occurrences,
    open_intervals,
    union,
    wall_instant,
    without,
    zone_named,
)

NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
ZONES = (NEW_YORK, BERLIN, "UTC", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def between(starts: str, ends: str) -> Interval:
    return Interval(utc(starts), utc(ends))


def a_rule(
    start: str, end: str, *, zone: str = "UTC", days: Iterable[str] = WEEKDAYS, org: str = "production"
) -> WindowRule:
    return WindowRule.model_validate({"org": org, "days": list(days), "from": start, "to": end, "zone": zone})


def a_freeze(
    starts: str, ends: str, *, key: str = "FRZ-1", org: str = "production", lifted_at: datetime | None = None
) -> Freeze:
    return Freeze(
        key=key,
        name="Quarter end",
        org=org,
        starts_at=utc(starts),
        ends_at=utc(ends),
        reason="books close",
        set_by="U0RELMGR",
        set_at=MONDAY,
        lifted_at=lifted_at,
    )


def a_span(starts: str, ends: str, *, key: str = "FRZ-1", org: str = "production") -> FrozenSpan:
    return FrozenSpan(key=key, name=key, org=org, starts_at=utc(starts), ends_at=utc(ends))


@pytest.mark.parametrize(
    ("local", "zone", "expected"),
    [
        ("2027-03-14T02:30", NEW_YORK, "2027-03-14T07:00"),  # skipped: 03:00 EDT is the first instant after the gap
        ("2027-03-14T01:59", NEW_YORK, "2027-03-14T06:59"),
        ("2027-03-14T03:00", NEW_YORK, "2027-03-14T07:00"),
        ("2026-11-01T01:30", NEW_YORK, "2026-11-01T05:30"),  # twice: the first, EDT
        ("2026-11-01T02:30", NEW_YORK, "2026-11-01T07:30"),
        ("2027-03-28T02:30", BERLIN, "2027-03-28T01:00"),  # skipped: 03:00 CEST
        ("2026-10-25T02:30", BERLIN, "2026-10-25T00:30"),  # twice: the first, CEST
        ("2026-10-25T03:30", BERLIN, "2026-10-25T02:30"),
        ("2026-11-23T22:00", "Asia/Kolkata", "2026-11-23T16:30"),
        ("2027-04-04T01:45", "Australia/Lord_Howe", "2027-04-03T14:45"),  # half an hour comes twice
        ("2026-10-04T02:10", "Australia/Lord_Howe", "2026-10-03T15:30"),  # half an hour is skipped
        ("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T10:00"),  # a whole day is skipped
    ],
)
def test_wall_time_becomes_the_instant_that_the_wall_shows_or_the_next_that_exists(
    local: str, zone: str, expected: str
) -> None:
    assert wall_instant(datetime.fromisoformat(local), zone) == utc(expected)


def test_fold_mark_on_a_wall_time_is_ignored_and_the_first_is_taken() -> None:
    assert wall_instant(datetime(2026, 11, 1, 1, 30, fold=1), NEW_YORK) == utc("2026-11-01T05:30")


@pytest.mark.parametrize("name", ["Europe/Berln", "", "../etc/passwd", "CEST+1", "Mars/Olympus"])
def test_unknown_zone_is_refused_and_never_read_as_utc(name: str) -> None:
    with pytest.raises(Unclear, match="There is no time zone") as refusal:
        wall_instant(datetime(2026, 11, 23, 22), name)
    assert refusal.value.field == "zone"


def test_misspelt_zone_is_answered_with_the_nearest_names() -> None:
    with pytest.raises(Unclear, match="Europe/Berlin"):
        zone_named("Europe/Berln")


def test_zone_is_found_whatever_its_letter_case() -> None:
    assert zone_named("europe/berlin").key == BERLIN


def test_year_beyond_the_calendar_is_refused_with_a_sentence() -> None:
    with pytest.raises(Unclear, match="out of range"):
        wall_instant(datetime(9999, 12, 31, 23, 30), NEW_YORK)


def test_aware_time_is_not_taken_for_a_wall_time() -> None:
    with pytest.raises(ValueError, match="no zone of its own"):
        wall_instant(MONDAY, BERLIN)


def test_interval_without_an_instant_is_refused() -> None:
    with pytest.raises(Unclear, match="later than the start"):
        Interval(MONDAY, MONDAY)


def test_interval_with_a_naive_end_is_a_bug() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        Interval(MONDAY, datetime(2026, 11, 24))


def test_interval_holds_its_start_and_not_its_end() -> None:
    interval = between("2026-11-23T22:00", "2026-11-24T02:00")
    assert interval.contains(interval.starts_at)
    assert not interval.contains(interval.ends_at)
    assert not interval.overlaps(Interval(interval.ends_at, interval.ends_at + timedelta(hours=1)))


def test_interval_keeps_utc_whatever_zone_it_was_given_in() -> None:
    local = datetime(2026, 11, 23, 22, tzinfo=ZoneInfo(BERLIN))
    assert Interval(local, local + timedelta(hours=1)).starts_at.isoformat() == "2026-11-23T21:00:00+00:00"


def test_overnight_window_ends_on_the_next_day() -> None:
    rule = a_rule("22:00", "02:00", zone=BERLIN, days=["fri"])
    found = list(occurrences(rule, between("2026-11-23T00:00", "2026-12-07T00:00")))
    assert found == [
        between("2026-11-27T21:00", "2026-11-28T01:00"),
        between("2026-12-04T21:00", "2026-12-05T01:00"),
    ]


def test_window_that_began_yesterday_is_still_found() -> None:
    rule = a_rule("22:00", "02:00", days=["sun"])
    assert list(occurrences(rule, between("2026-11-23T01:59", "2026-11-23T12:00"))) == [
        between("2026-11-22T22:00", "2026-11-23T02:00")
    ]


def test_window_that_ends_as_the_span_begins_is_not_found() -> None:
    rule = a_rule("22:00", "02:00", days=["sun"])
    assert list(occurrences(rule, between("2026-11-23T02:00", "2026-11-23T12:00"))) == []


@pytest.mark.parametrize(
    ("start", "end", "zone", "day", "starts_at", "ends_at"),
    [
        ("02:30", "04:00", NEW_YORK, date(2027, 3, 14), "2027-03-14T07:00", "2027-03-14T08:00"),
        ("01:30", "03:30", NEW_YORK, date(2027, 3, 14), "2027-03-14T06:30", "2027-03-14T07:30"),
        ("01:30", "02:30", NEW_YORK, date(2026, 11, 1), "2026-11-01T05:30", "2026-11-01T07:30"),
        ("02:30", "04:00", NEW_YORK, date(2026, 11, 1), "2026-11-01T07:30", "2026-11-01T09:00"),
        ("02:30", "04:00", BERLIN, date(2027, 3, 28), "2027-03-28T01:00", "2027-03-28T02:00"),
        ("02:30", "04:00", BERLIN, date(2026, 10, 25), "2026-10-25T00:30", "2026-10-25T03:00"),
        ("22:00", "04:00", BERLIN, date(2027, 3, 27), "2027-03-27T21:00", "2027-03-28T02:00"),
        ("22:00", "04:00", BERLIN, date(2026, 10, 24), "2026-10-24T20:00", "2026-10-25T03:00"),
    ],
)
def test_window_on_the_day_of_a_clock_change_occurs_once_and_keeps_its_promised_end(
    start: str, end: str, zone: str, day: date, starts_at: str, ends_at: str
) -> None:
    rule = a_rule(start, end, zone=zone, days=[WEEKDAYS[day.weekday()]])
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = list(occurrences(rule, Interval(midnight - timedelta(days=1), midnight + timedelta(days=2))))
    assert found == [between(starts_at, ends_at)]


def test_window_that_lies_wholly_in_a_gap_does_not_occur_that_day() -> None:
    rule = a_rule("02:10", "02:50", zone=NEW_YORK)
    found = list(occurrences(rule, between("2027-03-13T00:00", "2027-03-16T00:00")))
    assert [interval.starts_at.day for interval in found] == [13, 15]


def test_window_does_not_shift_by_an_hour_after_a_clock_change() -> None:
    rule = a_rule("22:00", "23:00", zone=BERLIN)
    found = list(occurrences(rule, between("2026-10-24T00:00", "2026-10-27T00:00")))
    assert [f"{interval.starts_at:%d %H:%M}" for interval in found] == ["24 20:00", "25 21:00", "26 21:00"]


def test_org_without_window_rules_is_inside_at_any_time() -> None:
    assert is_inside_windows(MONDAY, "uat", [a_rule("22:00", "23:00")])


def test_end_of_a_window_is_outside() -> None:
    rules = [a_rule("22:00", "23:00")]
    assert is_inside_windows(utc("2026-11-23T22:00"), "production", rules)
    assert not is_inside_windows(utc("2026-11-23T23:00"), "production", rules)


def test_interval_that_sticks_out_of_a_window_is_not_inside() -> None:
    rules = [a_rule("20:00", "23:00")]
    assert is_inside_windows(between("2026-11-23T20:00", "2026-11-23T23:00"), "production", rules)
    assert not is_inside_windows(between("2026-11-23T20:00", "2026-11-23T23:01"), "production", rules)


def test_windows_that_touch_count_as_one() -> None:
    whole_days = [a_rule("00:00", "00:00", zone=BERLIN)]
    assert is_inside_windows(between("2026-11-23T12:00", "2026-11-25T12:00"), "production", whole_days)


def test_freeze_beats_window() -> None:
    spans = [a_span("2026-11-23T21:00", "2026-11-24T06:00")]
    rules = [a_rule("20:00", "23:00")]
    assert next_open(utc("2026-11-23T21:30"), "production", rules, spans) == between(
        "2026-11-24T20:00", "2026-11-24T23:00"
    )


def test_freeze_that_lies_ahead_does_not_close_now_and_ends_the_open_interval() -> None:
    spans = [a_span("2026-11-23T22:00", "2026-11-24T06:00")]
    now = utc("2026-11-23T21:00")
    assert freezes_over(now, "production", spans) == []
    assert next_open(now, "production", [a_rule("20:00", "23:00")], spans) == Interval(now, utc("2026-11-23T22:00"))


def test_waiver_that_names_the_freeze_opens_what_only_that_freeze_closed() -> None:
    spans = [
        a_span("2026-11-23T00:00", "2026-11-24T00:00"),
        a_span("2026-11-23T20:30", "2026-11-23T21:00", key="FRZ-2"),
    ]
    rules = [a_rule("20:00", "23:00")]
    now = utc("2026-11-23T12:00")
    assert open_intervals(Interval(now, utc("2026-11-24T00:00")), "production", rules, spans, waived={"FRZ-1"}) == [
        between("2026-11-23T20:00", "2026-11-23T20:30"),
        between("2026-11-23T21:00", "2026-11-23T23:00"),
    ]


def test_freeze_on_every_org_closes_each_and_a_freeze_on_another_org_none() -> None:
    spans = [
        a_span("2026-11-23T00:00", "2026-11-24T00:00", org="*"),
        a_span("2026-11-23T00:00", "2026-11-24T00:00", org="uat"),
    ]
    assert [span.org for span in freezes_over(MONDAY, "production", spans)] == ["*"]


def test_lifting_one_of_two_freezes_leaves_the_org_frozen() -> None:
    freezes = [
        a_freeze("2026-11-23T00:00", "2026-11-30T00:00", lifted_at=utc("2026-11-24T00:00")),
        a_freeze("2026-11-23T00:00", "2026-11-27T00:00", key="FRZ-2"),
    ]
    spans = frozen_spans({}, freezes)
    assert [span.key for span in freezes_over(utc("2026-11-25T00:00"), "production", spans)] == ["FRZ-2"]
    opens = next_open(utc("2026-11-25T00:00"), "production", [], spans)
    assert opens is not None
    assert opens.starts_at == utc("2026-11-27T00:00")


def test_freeze_lifted_before_it_began_is_gone() -> None:
    assert frozen_spans({}, [a_freeze("2026-11-25T00:00", "2026-11-30T00:00", lifted_at=MONDAY)]) == []


def test_freeze_of_the_policy_is_read_on_its_own_wall_clock() -> None:
    rule = FreezeRule.model_validate(
        {
            "name": "Holidays",
            "org": "*",
            "from": "2026-12-24 18:00",
            "to": "2027-01-02 06:00",
            "zone": BERLIN,
            "reason": "r",
        }
    )
    (span,) = frozen_spans({"holidays": rule}, [])
    assert (span.key, span.who, span.interval) == ("holidays", "", between("2026-12-24T17:00", "2027-01-02T05:00"))


def test_nothing_within_the_horizon_is_said_to_be_nothing() -> None:
    spans = [a_span("2026-11-01T00:00", "2027-11-01T00:00", org="*")]
    assert next_open(MONDAY, "production", [], spans) is None


def test_open_org_without_windows_is_open_from_now_to_the_horizon() -> None:
    assert next_open(MONDAY, "uat", [], [], within=timedelta(days=1)) == Interval(MONDAY, MONDAY + timedelta(days=1))


minutes = st.integers(min_value=0, max_value=60 * 24 * 21)
intervals = st.tuples(minutes, st.integers(min_value=1, max_value=60 * 24 * 4)).map(
    lambda pair: Interval(MONDAY + timedelta(minutes=pair[0]), MONDAY + timedelta(minutes=pair[0] + pair[1]))
)
clock_times = st.tuples(st.integers(0, 23), st.sampled_from([0, 15, 30, 59])).map(lambda pair: time(*pair))
window_rules = st.builds(
    lambda start, end, days, zone: a_rule(f"{start:%H:%M}", f"{end:%H:%M}", days=sorted(days), zone=zone),
    clock_times,
    clock_times,
    st.sets(st.sampled_from(WEEKDAYS), min_size=1),
    st.sampled_from(ZONES),
)
spans_of_two_orgs = st.lists(
    st.builds(
        lambda interval, org, key: FrozenSpan(f"FRZ-{key}", "", org, interval.starts_at, interval.ends_at),
        intervals,
        st.sampled_from(["*", "production", "uat"]),
        st.integers(1, 3),
    ),
    max_size=4,
)


@given(st.datetimes(datetime(1995, 1, 1), datetime(2060, 1, 1)), st.sampled_from(ZONES))
def test_every_wall_time_is_shown_at_its_instant_or_was_skipped(local: datetime, zone: str) -> None:
    instant = wall_instant(local, zone)
    shown = instant.astimezone(ZoneInfo(zone))
    before = (instant - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
    if shown.replace(tzinfo=None) != local:
        assert before.replace(tzinfo=None) < local < shown.replace(tzinfo=None)
    assert shown.fold == 0


@given(
    st.datetimes(datetime(2026, 10, 24), datetime(2026, 11, 2))
    | st.datetimes(datetime(2027, 3, 13), datetime(2027, 4, 5)),
    st.timedeltas(timedelta(), timedelta(hours=30)),
    st.sampled_from(ZONES),
)
def test_later_wall_time_never_gives_an_earlier_instant(local: datetime, later: timedelta, zone: str) -> None:
    assert wall_instant(local, zone) <= wall_instant(local + later, zone)


@given(st.lists(intervals, max_size=6), st.lists(intervals, max_size=6), minutes)
def test_cutting_holes_keeps_exactly_the_instants_outside_them(
    windows: list[Interval], holes: list[Interval], minute: int
) -> None:
    instant = MONDAY + timedelta(minutes=minute)
    expected = any(w.contains(instant) for w in windows) and not any(h.contains(instant) for h in holes)
    assert any(part.contains(instant) for part in without(windows, holes)) == expected


@given(st.lists(intervals, max_size=8))
def test_union_is_in_order_and_leaves_a_gap_between_any_two(many: list[Interval]) -> None:
    merged = union(many)
    assert all(first.ends_at < second.starts_at for first, second in pairwise(merged))
    assert all(any(whole.covers(part) for whole in merged) for part in many)


@settings(deadline=None)
@given(st.lists(window_rules, max_size=2), spans_of_two_orgs, minutes, st.sets(st.sampled_from(["FRZ-1", "FRZ-2"])))
def test_next_open_is_the_first_minute_that_is_inside_a_window_outside_every_freeze(
    rules: list[WindowRule], spans: list[FrozenSpan], minute: int, waived: set[str]
) -> None:
    now = MONDAY + timedelta(minutes=minute)

    def is_open(instant: datetime) -> bool:
        frozen = freezes_over(instant, "production", spans, waived=waived)
        return not frozen and is_inside_windows(instant, "production", rules)

    found = next_open(now, "production", rules, spans, waived=waived, within=timedelta(days=2))
    checked = [now + timedelta(minutes=15 * step) for step in range(4 * 48)]
    assert [at for at in checked if is_open(at) and (found is None or at < found.starts_at)] == []
    if found is not None:
        assert is_open(found.starts_at)
        assert is_open(found.ends_at - timedelta(microseconds=1))
        assert found.starts_at == now or not is_open(found.starts_at - timedelta(microseconds=1))
