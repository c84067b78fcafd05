"""The truth table of seats and people, and what must hold for any of them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from release_core.seating import Seated, SeatNeed, Voice, adds, seated

Seats = Mapping[str, Sequence[str]]


def yes(person: str, seats: Seats, named: str = "", *, for_: str = "") -> Voice:
    """A yes of somebody who sits where the mapping says, given for the first of their seats unless another is named."""
    own = tuple(seat for seat, people in seats.items() if person in people)
    return Voice(person, True, named or own[0], own, (person, for_) if for_ else (person,))


def no(person: str, seats: Seats, named: str = "") -> Voice:
    return Voice(person, False, named or yes(person, seats).seat, yes(person, seats).seats, (person,))


def may(seats: Seats, *barred: str) -> dict[str, tuple[str, ...]]:
    return {seat: tuple(person for person in people if person not in barred) for seat, people in seats.items()}


TWO: Seats = {"qa": ("ada", "bo"), "biz": ("bo", "cem")}
"""bo sits in both."""


@dataclass(frozen=True)
class Row:
    """One row of the table: who said yes or no, and what every seat is left with."""

    name: str
    needs: tuple[SeatNeed, ...]
    seats: Seats
    said: str
    complete: str
    missing: Mapping[str, int]
    can: Mapping[str, str] | None = None


QA, BIZ = SeatNeed("qa"), SeatNeed("biz")
TABLE = [
    Row("nobody has answered", (QA, BIZ), TWO, "", "", {"qa": 1, "biz": 1}, {"qa": "ada bo", "biz": "bo cem"}),
    Row("one of each", (QA, BIZ), TWO, "ada cem", "qa biz", {"qa": 0, "biz": 0}),
    Row("who sits in both fills one", (QA, BIZ), TWO, "bo", "qa", {"qa": 0, "biz": 1}, {"biz": "cem ada"}),
    Row("the first of both moves over for the second", (QA, BIZ), TWO, "bo ada", "qa biz", {"qa": 0, "biz": 0}),
    Row("in the other order as well", (QA, BIZ), TWO, "bo cem", "qa biz", {"qa": 0, "biz": 0}),
    Row(
        "two of two in one seat, none in the other", (SeatNeed("qa", 2), BIZ), TWO, "ada bo", "qa", {"qa": 0, "biz": 1}
    ),
    Row(
        "one more other person from either",
        (SeatNeed("qa", 2), BIZ),
        {"qa": ("ada", "bo", "dan"), "biz": ("bo", "cem")},
        "ada bo",
        "qa",
        {"qa": 0, "biz": 1},
        {"biz": "cem dan"},
    ),
    Row("a no blocks its seat alone", (QA, BIZ), TWO, "!ada cem", "biz", {"qa": 1, "biz": 0}),
    Row("a no beside a yes blocks, too", (QA, BIZ), TWO, "bo !ada cem", "biz", {"qa": 0, "biz": 0}),
    Row("mandatory: another yes is not enough", (SeatNeed("qa", 1, ("ada",)), BIZ), TWO, "bo cem", "biz", {"qa": 0}),
    Row("mandatory: their yes is", (SeatNeed("qa", 1, ("ada",)), BIZ), TWO, "ada cem", "qa biz", {"qa": 0}),
    Row(
        "mandatory in both: one yes is heard by both, another person fills the other",
        (SeatNeed("qa", 1, ("bo",)), SeatNeed("biz", 1, ("bo",))),
        TWO,
        "bo cem",
        "qa biz",
        {"qa": 0, "biz": 0},
    ),
    Row("all: one is missing", (SeatNeed("qa", 1, ("ada", "bo")),), {"qa": ("ada", "bo")}, "ada", "", {"qa": 0}),
    Row("all: everybody", (SeatNeed("qa", 1, ("ada", "bo")),), {"qa": ("ada", "bo")}, "ada bo", "qa", {"qa": 0}),
    Row("two places, one person", (QA, BIZ), {"qa": ("ada",), "biz": ("ada",)}, "ada", "qa", {"qa": 0, "biz": 1}),
]


def said(row: Row) -> list[Voice]:
    return [no(word[1:], row.seats) if word.startswith("!") else yes(word, row.seats) for word in row.said.split()]


def by_seat(needs: Sequence[SeatNeed], voices: Sequence[Voice], may: Seats) -> dict[str, Seated]:
    return {one.seat: one for one in seated(needs, voices, may)}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_the_truth_table(row: Row) -> None:
    found = by_seat(row.needs, said(row), may(row.seats))
    assert {seat for seat, one in found.items() if one.complete} == set(row.complete.split())
    assert {seat: found[seat].missing for seat in row.missing} == row.missing
    for seat, people in (row.can or {}).items():
        assert found[seat].can == tuple(people.split())


def test_a_stand_in_is_heard_for_whom_they_stand_in_for() -> None:
    needs = (SeatNeed("qa", 1, ("ada",)),)
    seats: Seats = {"qa": ("ada", "dan")}
    assert not seated(needs, [yes("dan", seats)], may(seats))[0].complete
    assert seated(needs, [yes("dan", seats, for_="ada")], may(seats))[0].complete


def test_a_seat_that_nobody_could_fill_is_called_impossible() -> None:
    found = by_seat((SeatNeed("qa", 2), BIZ), [], may(TWO, "ada"))
    assert [found["qa"].impossible, found["biz"].impossible] == [True, False]
    assert not any(one.impossible for one in seated((QA, BIZ), [], may(TWO)))


def test_a_yes_that_changes_nothing_adds_nothing() -> None:
    assert adds((QA, BIZ), [yes("ada", TWO)], yes("cem", TWO)) == "biz"
    assert adds((QA, BIZ), [yes("bo", TWO)], yes("ada", TWO)) == "qa"
    assert adds((QA,), [yes("ada", TWO)], yes("bo", TWO)) is None
    assert adds((SeatNeed("qa", 1, ("bo",)),), [yes("ada", TWO)], yes("bo", TWO)) == "qa"


def places(needs: Sequence[SeatNeed]) -> list[str]:
    return [need.seat for need in needs for _ in range(need.places)]


def most_filled(needs: Sequence[SeatNeed], voices: Sequence[Voice]) -> int:
    """By trying every way of giving people places."""
    people = [voice for voice in voices if voice.yes]
    wanted = places(needs)
    size = min(len(people), len(wanted))
    return max(
        (
            sum(wanted[index] in voice.seats for voice, index in zip(some, order, strict=True))
            for some in itertools.combinations(people, size)
            for order in itertools.permutations(range(len(wanted)), size)
        ),
        default=0,
    )


@pytest.mark.parametrize("seed", range(60))
def test_for_any_people_and_seats_as_many_places_are_filled_as_can_be_and_the_way_out_works(seed: int) -> None:
    chance = random.Random(seed)
    people = ["ada", "bo", "cem", "dan", "eva"]
    seats = {name: tuple(chance.sample(people, chance.randint(1, 4))) for name in ("qa", "biz", "ops")}
    needs = [SeatNeed(name, chance.randint(1, 2)) for name in seats]
    sitting = [person for person in people if any(person in held for held in seats.values())]
    voices = [yes(person, seats) for person in chance.sample(sitting, chance.randint(0, min(3, len(sitting))))]
    found = seated(needs, voices, may(seats))
    filled = most_filled(needs, voices)
    assert sum(one.places - one.missing for one in found) == filled
    assert all(person in seats[one.seat] for one in found for person in one.filled_by)
    counted = [person for one in found for person in one.filled_by]
    assert len(counted) == len(set(counted)), "one person, one place"
    spoken = {voice.person for voice in voices}
    for one in (one for one in found if one.missing):
        for person in one.can:
            assert adds(needs, voices, yes(person, seats)) is not None, f"{person} is named and does not help"
    helps = {p for p in sitting if p not in spoken and most_filled(needs, [*voices, yes(p, seats)]) > filled}
    assert helps == {person for one in found for person in one.can}
