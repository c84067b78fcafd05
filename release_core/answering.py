"""For which seat somebody answers, and whether the answer changes anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from release_core.errors import Conflict, NotAllowed, Refused, Unclear
from release_core.facts import ReleaseFacts
from release_core.permissions import others
from release_core.policy import Policy
from release_core.seating import Voice, adds
from release_core.seats import barred, may_answer, needs, seating, standing_answers, stands_in_for, voices


def seat_for(facts: ReleaseFacts, policy: Policy, actor: str, wanted: str | None, now: datetime) -> str:
    """The seat that the actor answers for: the one they named, else the first of theirs that waits."""
    if wanted:
        by_name = {name.lower(): seat for seat in facts.seats for name in (seat, policy.seats[seat].title)}
        if wanted.lower() not in by_name:
            names = ", ".join(policy.seats[seat].title for seat in facts.seats)
            raise Unclear(f"{facts.release.key} has no seat “{wanted}”. Its seats: {names}.", field="seat")
        candidates = _also_through(facts, policy, actor, by_name[wanted.lower()], now)
    else:
        candidates = list(facts.seats)
    who = tuple(dict.fromkeys(p for seat in candidates for p in may_answer(facts, policy, seat, now)))
    if because := barred(facts, now).get(actor):
        raise NotAllowed(f"You {because}, so somebody else has to approve it.", who_may=others(who, than=(actor,)))
    mine = [seat for seat in candidates if actor in may_answer(facts, policy, seat, now)]
    if not mine:
        _must_not_be_early(facts, policy, actor, candidates)
        titles = " or ".join(policy.seats[seat].title for seat in candidates)
        raise NotAllowed(f"You do not sit in the seat of {titles}; nothing was recorded.", who_may=who)
    taken = next((voice.seat for voice in voices(facts, policy, now) if voice.person == actor), None)
    if taken and taken not in candidates:
        raise NotAllowed(
            f"You already answered for {policy.seats[taken].title}; one person fills one seat.",
            who_may=others(who, than=(actor,)),
        )
    if taken:
        return taken
    waiting = [one.seat for one in seating(facts, policy, now) if not one.complete and one.seat in mine]
    return (waiting or mine)[0]


def _also_through(facts: ReleaseFacts, policy: Policy, actor: str, wanted: str, now: datetime) -> list[str]:
    """The seats that a yes for one can be counted in: where somebody moves over, that of the actor's own."""
    one = next(one for one in seating(facts, policy, now) if one.seat == wanted)
    helps = actor in one.can and actor not in may_answer(facts, policy, wanted, now)
    return list(one.open_to) if helps else [wanted]


def _must_not_be_early(facts: ReleaseFacts, policy: Policy, actor: str, candidates: Sequence[str]) -> None:
    mine = [policy.seats[seat].title for seat in candidates if actor in policy.seats[seat].alternates]
    if mine and (asking := facts.asking):
        sentence = f"You answer for {mine[0]} when nobody who sits there has by then; nothing was recorded."
        raise Refused("alternates_later", sentence, passes_at=asking.alternates_at)


def must_matter(facts: ReleaseFacts, policy: Policy, actor: str, seat: str, *, yes: bool, now: datetime) -> str:
    """The seat that the answer counts for; AlreadyAnswered when it would change nothing."""
    said = {voice.person: voice for voice in voices(facts, policy, now)}
    mine, one = said.get(actor), next(one for one in seating(facts, policy, now) if one.seat == seat)
    if mine is not None and mine.yes != yes:
        return seat  # who answered may think better of it; only others may not overrule them
    if mine is not None:
        raise _already(facts, policy, seat, actor, now)
    speaks_for = (actor, *stands_in_for(facts, actor, now))
    if one.declined_by and not (yes and set(one.declined_by) <= set(speaks_for)):
        raise _already(facts, policy, seat, one.declined_by[-1], now)
    if not yes:
        # What somebody's stand-in said for them is theirs to take back.
        if one.complete and not any(actor in voice.speaks_for for voice in said.values() if voice.yes):
            raise _already(facts, policy, seat, one.filled_by[-1], now)
        return seat
    if one.declined_by:
        return seat
    own = tuple(name for name in facts.seats if actor in may_answer(facts, policy, name, now))
    voice = Voice(actor, True, seat, own, speaks_for)
    counts_for = adds(needs(facts, policy, now), list(said.values()), voice)
    if counts_for is None:
        raise _already(facts, policy, seat, next(iter(one.filled_by), actor), now)
    return counts_for


class AlreadyAnswered(Conflict):
    """A seat has answered: by whom, when."""

    def __init__(self, title: str, word: str, by: str, at: datetime) -> None:
        super().__init__(f"{title} has already {word} this.", by=by, at=at)


def _already(facts: ReleaseFacts, policy: Policy, seat: str, person: str, now: datetime) -> AlreadyAnswered:
    given = [answer for answer in standing_answers(facts, now) if answer.person_id == person][-1]
    return AlreadyAnswered(policy.seats[seat].title, "approved" if given.yes else "declined", person, given.at)
