"""Whose yes fills which seat: the best assignment of people to places, as a question about plain values.

A seat has as many places as its quorum asks for; one person fills one place. Who sits in two seats is moved to the one
where nobody else can help, so that such a person never keeps a release waiting for a yes that others could give.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

Place = tuple[str, int]


@dataclass(frozen=True)
class SeatNeed:
    """What one seat asks for: so many people of its own (`places`), with the yes of everybody in `must`.

    The yes of somebody in `must` counts wherever it fills a place: who is needed by two seats says yes once.
    """

    seat: str
    places: int = 1
    must: tuple[str, ...] = ()


@dataclass(frozen=True)
class Voice:
    """One person's newest answer: the seat they named, the seats in which it can count, whom it speaks for.

    `speaks_for` holds the person, with everybody they stand in for.
    """

    person: str
    yes: bool
    seat: str
    seats: tuple[str, ...]
    speaks_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seated:
    """How one seat stands.

    `filled_by` are the people counted here; `missing` counts its empty places; `must` are people whose own yes is
    missing; `declined_by` said no for it. One more yes from any of the seats `open_to` fills an empty place, since
    whoever sits in both moves over; `can` are the people who may give it. `impossible`: not even the yes of everybody
    who may answer would fill it.
    """

    seat: str
    places: int
    filled_by: tuple[str, ...] = ()
    missing: int = 0
    must: tuple[str, ...] = ()
    declined_by: tuple[str, ...] = ()
    open_to: tuple[str, ...] = ()
    can: tuple[str, ...] = ()
    impossible: bool = False

    @property
    def complete(self) -> bool:
        """Whether this seat asks for nothing more."""
        return not (self.missing or self.must or self.declined_by)


def seated(needs: Sequence[SeatNeed], voices: Sequence[Voice], may: Mapping[str, Sequence[str]]) -> list[Seated]:
    """How every seat stands after these answers, each person's newest one; `may`: seat -> who could still answer."""
    matching = _assign(needs, voices)
    said = {person for voice in voices if voice.yes for person in (voice.person, *voice.speaks_for)}
    found = [_one(need, voices, said, matching) for need in needs]
    if all(one.complete for one in found):
        return found
    hoped = _assign(needs, [*voices, *_hopes(may, {voice.person for voice in voices if voice.yes})])
    return [_with_help(one, needs, voices, may, matching, hoped) for one in found]


def adds(needs: Sequence[SeatNeed], voices: Sequence[Voice], one: Voice) -> str | None:
    """The seat that one more yes fills a place of; None when it changes nothing.

    A yes that somebody's `must` waits for counts for the seat that it names.
    """
    before, after = _assign(needs, voices), _assign(needs, [*voices, one])
    if len(after) > len(before):
        return next(place[0] for place, person in after.items() if person == one.person)
    said = {person for voice in voices if voice.yes for person in (voice.person, *voice.speaks_for)}
    awaited = any(set(one.speaks_for) & set(need.must) - said for need in needs)
    return one.seat if awaited else None


def _one(need: SeatNeed, voices: Sequence[Voice], said: Collection[str], matching: Mapping[Place, str]) -> Seated:
    counted = tuple(matching[place] for place in _places([need]) if place in matching)
    # Whoever had to be heard stands with those who fill a place, unless another seat counts them.
    elsewhere = {person for place, person in matching.items() if place[0] != need.seat}
    heard = [v.person for v in voices if v.yes and set(v.speaks_for) & set(need.must) and v.person not in elsewhere]
    return Seated(
        seat=need.seat,
        places=need.places,
        filled_by=tuple(dict.fromkeys((*counted, *heard))),
        missing=need.places - len(counted),
        must=tuple(person for person in need.must if person not in said),
        declined_by=tuple(voice.person for voice in voices if not voice.yes and voice.seat == need.seat),
    )


def _with_help(
    one: Seated,
    needs: Sequence[SeatNeed],
    voices: Sequence[Voice],
    may: Mapping[str, Sequence[str]],
    matching: Mapping[Place, str],
    hoped: Mapping[Place, str],
) -> Seated:
    if one.complete:
        return one
    spoken = {voice.person for voice in voices if voice.yes}
    open_to = _reachable(one.seat, needs, voices, matching) if one.missing else ()
    can = dict.fromkeys(person for seat in open_to for person in may.get(seat, ()) if person not in spoken)
    filled = sum(place[0] == one.seat for place in hoped)
    return replace(one, open_to=open_to, can=tuple(can), impossible=filled < one.places)


def _hopes(may: Mapping[str, Sequence[str]], spoken: Collection[str]) -> Iterator[Voice]:
    people = dict.fromkeys(person for holders in may.values() for person in holders if person not in spoken)
    for person in people:
        seats = tuple(seat for seat, holders in may.items() if person in holders)
        yield Voice(person, True, seats[0], seats, (person,))


def _places(needs: Sequence[SeatNeed]) -> list[Place]:
    return [(need.seat, number) for need in needs for number in range(need.places)]


def _assign(needs: Sequence[SeatNeed], voices: Sequence[Voice]) -> dict[Place, str]:
    """As many places as can be filled, each by one person: augmenting paths, in the order in which people answered.

    Whoever has a place keeps one; they are moved only where that lets somebody else in.
    """
    places, taken = _places(needs), dict[Place, str]()
    wishes = {voice.person: _wished(voice, places) for voice in voices if voice.yes}
    for person in wishes:
        _sit_down(person, wishes, taken, set())
    return taken


def _wished(voice: Voice, places: Sequence[Place]) -> list[Place]:
    """The places that a yes can fill, those of the seat that was named first."""
    return sorted((place for place in places if place[0] in voice.seats), key=lambda place: place[0] != voice.seat)


def _sit_down(person: str, wishes: Mapping[str, Sequence[Place]], taken: dict[Place, str], tried: set[Place]) -> bool:
    free = next((place for place in wishes[person] if place not in taken), None)
    if free is not None:
        taken[free] = person
        return True
    for place in wishes[person]:
        if place not in tried:
            tried.add(place)
            if _sit_down(taken[place], wishes, taken, tried):
                taken[place] = person
                return True
    return False


def _reachable(
    seat: str, needs: Sequence[SeatNeed], voices: Sequence[Voice], matching: Mapping[Place, str]
) -> tuple[str, ...]:
    """The seats from which one more yes fills an empty place of this one, because people move along."""
    can_sit = {voice.person: voice.seats for voice in voices if voice.yes}
    reached = [seat]
    for here in reached:  # grows while it is walked through
        for (there, _), person in matching.items():
            if there not in reached and here in can_sit[person]:
                reached.append(there)
    order = [need.seat for need in needs]
    return tuple(sorted(reached, key=lambda name: (name != seat, order.index(name))))
