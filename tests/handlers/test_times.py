from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.spans import read_span
from handlers.times import (
    Ambiguous,
    named_zone,
    read_moment,
    understand_duration,
    understand_time,
    wall_clock,
)
from release_core.errors import ReleaseError, Unclear

BERLIN = "Europe/Berlin"
# A Sunday, 21:00 in Berlin.
NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


def utc(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "instant"),
    [
        ("tomorrow 22:00", utc(2026, 11, 23, 21)),
        ("Fri 6pm Berlin", utc(2026, 11, 27, 17)),
        ("on Friday at 6:30pm", utc(2026, 11, 27, 17, 30)),
        ("in 2h", utc(2026, 11, 22, 22)),
        ("in 2 days", utc(2026, 11, 24, 20)),
        ("2026-12-01 22:00", utc(2026, 12, 1, 21)),
        ("2026-12-01T22:00+02:00", utc(2026, 12, 1, 20)),
        ("2026-12-01T22:00Z", utc(2026, 12, 1, 22)),
        ("2026-12-01 22:00+05:30", utc(2026, 12, 1, 16, 30)),
        ("2026-12-01 22:00Z", utc(2026, 12, 1, 22)),
        ("yesterday 10:00", utc(2026, 11, 21, 9)),
        ("1 Dec 18:00", utc(2026, 12, 1, 17)),
        ("1 Jan 18:00", utc(2027, 1, 1, 17)),
        ("1 Dec 2027 08:00", utc(2027, 12, 1, 7)),
        ("Dec 1 6 pm New York", utc(2026, 12, 1, 23)),
        ("1.12.2026 18:00", utc(2026, 12, 1, 17)),
        ("noon Asia/Tokyo", utc(2026, 11, 23, 3)),
        ("22:00 +05:30", utc(2026, 11, 23, 16, 30)),
        ("29 Feb 08:00", utc(2028, 2, 29, 7)),
        ("now", NOW),
    ],
)
def test_natural_words_name_an_instant_in_the_speakers_zone(words: str, instant: datetime) -> None:
    assert understand_time(words, zone=BERLIN, now=NOW) == instant


def test_a_time_without_a_day_is_the_next_such_time() -> None:
    assert understand_time("22:00", zone=BERLIN, now=NOW) == utc(2026, 11, 22, 21)
    assert understand_time("20:59", zone=BERLIN, now=NOW) == utc(2026, 11, 23, 19, 59)


def test_a_weekday_whose_time_has_passed_is_a_week_away() -> None:
    assert understand_time("Sun 20:00", zone=BERLIN, now=NOW) == utc(2026, 11, 29, 19)
    assert understand_time("Sun 22:00", zone=BERLIN, now=NOW) == utc(2026, 11, 22, 21)
    assert understand_time("next Sun 22:00", zone=BERLIN, now=NOW) == utc(2026, 11, 29, 21)


def test_today_depends_on_the_zone_that_was_named() -> None:
    assert understand_time("today 09:00 Tokyo", zone=BERLIN, now=NOW) == utc(2026, 11, 23, 0)


def test_a_skipped_wall_clock_time_moves_to_the_end_of_the_gap() -> None:
    assert understand_time("2026-03-29 02:30", zone=BERLIN, now=NOW) == utc(2026, 3, 29, 1)
    # Lord Howe Island moves by half an hour.
    assert wall_clock(datetime(2026, 10, 4, 2, 10), ZoneInfo("Australia/Lord_Howe")) == utc(2026, 10, 3, 15, 30)


def test_a_repeated_wall_clock_time_means_the_first() -> None:
    assert understand_time("2026-10-25 02:30", zone=BERLIN, now=NOW) == utc(2026, 10, 25, 0, 30)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("20:30 Brlin", "“Brlin” is no time zone that I know. Did you mean Europe/Berlin"),
        ("Fri 18:00 CST", "“CST” is no time zone"),
        ("12/01 18:00", "could be read in two ways"),
        ("tomorrow", "names a day but no time"),
        ("25:00", "no time that I understand"),
        ("2026-02-30 10:00", "no time that I understand"),
        ("13pm", "no time that I understand"),
        ("whenever", "tomorrow 22:00"),
        ("", "At what time?"),
        ("in 2 parsecs", "no duration"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_way_out(words: str, told: str) -> None:
    with pytest.raises(Unclear, match=r".") as refused:
        understand_time(words, zone=BERLIN, now=NOW)
    assert told in str(refused.value)
    assert refused.value.field in ("at", "for")


def test_an_end_is_the_first_such_time_after_the_start() -> None:
    start = read_moment("tomorrow 22:00 New York", zone=BERLIN, now=NOW)
    end = read_moment("01:00", zone=start.zone, now=NOW, after=start.at)
    assert end.at - start.at == timedelta(hours=3)


@pytest.mark.parametrize(
    ("words", "length"),
    [
        ("2h", timedelta(hours=2)),
        ("90m", timedelta(minutes=90)),
        ("1h30m", timedelta(minutes=90)),
        ("1 h and 30 min", timedelta(minutes=90)),
        ("2 days", timedelta(days=2)),
        ("1.5h", timedelta(minutes=90)),
        ("an hour", timedelta(hours=1)),
        ("half an hour", timedelta(minutes=30)),
    ],
)
def test_durations_are_understood(words: str, length: timedelta) -> None:
    assert understand_duration(words) == length


@pytest.mark.parametrize("words", ["", "soon", "0h", "2", "2h and", "h2", "9999999h", "2h 3"])
def test_durations_that_are_none_are_refused(words: str) -> None:
    with pytest.raises(Unclear, match="no duration"):
        understand_duration(words)


def test_zones_are_known_by_name_and_by_city() -> None:
    assert named_zone("europe/berlin").key == named_zone("Berlin").key == BERLIN
    assert named_zone("new york").key == "America/New_York"


@given(st.text(max_size=60))
def test_any_words_end_in_an_instant_or_a_sentence(words: str) -> None:
    with suppress(ReleaseError):
        assert understand_time(words, zone=BERLIN, now=NOW).tzinfo is UTC


PARTS = [
    "tomorrow",
    "Fri",
    "22:00",
    "6",
    "pm",
    "6pm",
    "Berlin",
    "UTC",
    "1",
    "Dec",
    "2026-12-01",
    "31.2.",
    "in",
    "next",
    "29",
]


@given(st.lists(st.sampled_from(PARTS), max_size=6))
def test_any_order_of_time_words_ends_in_an_instant_or_a_sentence(parts: list[str]) -> None:
    with suppress(ReleaseError):
        assert understand_time(" ".join(parts), zone=BERLIN, now=NOW).tzinfo is UTC


# A Monday, 10:00 in Berlin.
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def berlin(day: int, hour: int, minute: int = 0, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(BERLIN)).astimezone(UTC)


@pytest.mark.parametrize(
    ("words", "instant"),
    [
        ("tonight at 10", berlin(23, 22)),
        ("tonight 1am", berlin(24, 1)),
        ("tonight 9:30", berlin(23, 21, 30)),
        ("22h", berlin(23, 22)),
        ("22h30", berlin(23, 22, 30)),
        ("22.30", berlin(23, 22, 30)),
        ("2200", berlin(23, 22)),
        ("18 Uhr", berlin(23, 18)),
        ("1800Z", berlin(23, 19)),
        ("24:00", berlin(24, 0)),
        ("tomorrow 24:00", berlin(25, 0)),
        ("12 noon", berlin(23, 12)),
        ("6 p.m.", berlin(23, 18)),
        ("10:00pm sharp", berlin(23, 22)),
        ("half past 6 in the evening", berlin(23, 18, 30)),
        ("quarter to 10pm", berlin(23, 21, 45)),
        ("9 in the morning", berlin(24, 9)),
        ("tomorrow evening at 8", berlin(24, 20)),
        ("day after tomorrow 9:00", berlin(25, 9)),
        ("tmrw 22:00", berlin(24, 22)),
        ("Monday next week 9:00", berlin(30, 9)),
        ("this Friday 18:00", berlin(27, 18)),
        ("Sat 5 Dec 22:00", berlin(5, 22, month=12)),
        ("Saturday December 5, 2026 at 10:00 PM CET", berlin(5, 22, month=12)),
        ("the 5th of December at 10 in the evening", berlin(5, 22, month=12)),
        ("05.12. 22:00", berlin(5, 22, month=12)),
        ("5.12.26 22 Uhr", berlin(5, 22, month=12)),
        ("25/12 22:00", berlin(25, 22, month=12)),
        ("2026/12/05 22:00", berlin(5, 22, month=12)),
        ("on the 5th at 10pm", berlin(5, 22, month=12)),
        ("in 1h30", berlin(23, 11, 30)),
        ("in 2,5h", berlin(23, 12, 30)),
        ("in two hours", berlin(23, 12)),
        ("2 hours from now", berlin(23, 12)),
        ("90 minutes", berlin(23, 11, 30)),
        ("in 3 days at 10:00", berlin(26, 10)),
        ("asap", MONDAY),
        ("6pm PST", berlin(24, 3)),
        ("6pm ET", berlin(24, 0)),
        ("6pm NYC", berlin(24, 0)),
        ("Fri 6pm (Berlin)", berlin(27, 18)),
        ("6pm Berlin, Germany", berlin(23, 18)),
        ("6pm my time", berlin(23, 18)),
        ("6pm Sydney time", berlin(24, 8)),
        ("6pm Bangalore", berlin(23, 13, 30)),
        ("２２：００", berlin(23, 22)),
        ("٢٢:٠٠", berlin(23, 22)),
        ("10\u202fPM", berlin(23, 22)),
        ("tomorrow @22:00", berlin(24, 22)),
    ],
)
def test_times_are_read_as_people_write_them(words: str, instant: datetime) -> None:
    assert understand_time(words, zone=BERLIN, now=MONDAY) == instant


@pytest.mark.parametrize(
    ("words", "readings"),
    [
        ("12/5 10pm", [berlin(5, 22, month=12), berlin(12, 22, month=5, year=2027)]),
        ("tomorrow at 10", [berlin(24, 10), berlin(24, 22)]),
        ("half past 6", [berlin(23, 18, 30), berlin(24, 6, 30)]),
        ("next Friday 18:00", [berlin(27, 18), berlin(4, 18, month=12)]),
        ("2h", [berlin(23, 12), berlin(24, 2)]),
        ("6pm PDT", [berlin(24, 2), berlin(24, 3)]),
        ("6pm CST", [berlin(24, 1), berlin(23, 11)]),
    ],
)
def test_what_could_mean_two_instants_is_given_back_with_both(words: str, readings: list[datetime]) -> None:
    with pytest.raises(Ambiguous) as several:
        understand_time(words, zone=BERLIN, now=MONDAY)
    assert {start.at for start, _ in several.value.readings} == set(readings)
    assert "Berlin" in str(several.value) or "UTC" in str(several.value) or "America" in str(several.value)


def test_next_friday_means_one_day_once_this_week_has_none() -> None:
    saturday = MONDAY + timedelta(days=5)
    assert understand_time("next Friday 18:00", zone=BERLIN, now=saturday) == berlin(4, 18, month=12)


def test_an_abbreviation_means_what_it_means_where_the_speaker_lives() -> None:
    assert understand_time("6pm IST", zone="Asia/Kolkata", now=MONDAY) == datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
    assert understand_time("6pm IST", zone="Asia/Jerusalem", now=MONDAY) == datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    with pytest.raises(Ambiguous, match="“IST” is no time zone that says one thing"):
        understand_time("6pm IST", zone=BERLIN, now=MONDAY)


@pytest.mark.parametrize(
    ("words", "start", "end"),
    [
        ("22:00-02:00", berlin(23, 22), berlin(24, 2)),
        ("22:00 – 02:00", berlin(23, 22), berlin(24, 2)),
        ("Fri 22:00-02:00", berlin(27, 22), berlin(28, 2)),
        ("from 22:00 to 02:00", berlin(23, 22), berlin(24, 2)),
        ("between 22:00 and 23:30 tomorrow", berlin(24, 22), berlin(24, 23, 30)),
        ("tomorrow 22:00 - tomorrow 23:30", berlin(24, 22), berlin(24, 23, 30)),
        ("10-11pm", berlin(23, 22), berlin(23, 23)),
        ("10pm-2am", berlin(23, 22), berlin(24, 2)),
        ("18:00–20:00 Fri", berlin(27, 18), berlin(27, 20)),
        ("6pm-8pm PST", berlin(24, 3), berlin(24, 5)),
        ("2026-12-05 22:00 to 23:30", berlin(5, 22, month=12), berlin(5, 23, 30, month=12)),
    ],
)
def test_a_range_is_a_start_with_its_end(words: str, start: datetime, end: datetime) -> None:
    begins, ends = read_span(words, zone=BERLIN, now=MONDAY)
    assert (begins.at, ends and ends.at) == (start, end)


def test_a_day_behind_a_range_over_midnight_may_be_that_of_either_end() -> None:
    with pytest.raises(Ambiguous) as several:
        read_span("22:00 – 02:00 Fri", zone=BERLIN, now=MONDAY)
    assert [start.at for start, _ in several.value.readings] == [berlin(26, 22), berlin(27, 22)]
    with pytest.raises(Unclear, match="offset from UTC"):
        read_span("2026-12-05 22:00-02:00", zone=BERLIN, now=MONDAY)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("EOD", "another hour for everybody"),
        ("Mon-Wed", "names days but no times"),
        ("Fri 5 Dec 22:00", "5 Dec 2026 is a Saturday, not a Friday"),
        ("this evening", "names a part of the day but no time"),
        ("Wensday 18:00", "did you mean Wednesday"),
        ("last Friday 10:00", "do not understand “last”"),
        ("half nine", "no time that I understand"),
    ],
)
def test_a_refusal_names_the_word_that_was_not_understood(words: str, told: str) -> None:
    with pytest.raises(Unclear, match=r".") as refused:
        understand_time(words, zone=BERLIN, now=MONDAY)
    assert told in str(refused.value)
