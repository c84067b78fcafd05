"""Who sits in the seats of a release: who may answer, who has, what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from release_core.facts import ReleaseFacts, Standing
from release_core.models import Absence, Approval
from release_core.permissions import others
from release_core.policy import Policy
from release_core.risks import acceptance
from release_core.seating import Seated, SeatNeed, Voice, seated


def seating(facts: Standing, policy: Policy, now: datetime) -> list[Seated]:
    """How every seat stands."""
    may = {seat: may_answer(facts, policy, seat, now) for seat in facts.seats}
    return seated(needs(facts, policy, now), voices(facts, policy, now), may)


def needs(facts: Standing, policy: Policy, now: datetime) -> list[SeatNeed]:
    """What every seat asks for; who may not approve is not waited for, somebody else of the seat is."""
    not_them = barred(facts, now)
    found = []
    for seat, people in facts.seats.items():
        rule = policy.seats[seat]
        must = people if rule.quorum == "all" else rule.mandatory
        found.append(SeatNeed(seat, rule.places, others(must, than=not_them)))
    return found


def voices(facts: Standing, policy: Policy, now: datetime) -> list[Voice]:
    """The answers that count now, the newest of each person, in the order in which they were given."""
    not_them = barred(facts, now)
    newest = {a.person_id: a for a in standing_answers(facts, now) if a.person_id not in not_them}
    found = (_voice(facts, policy, answer) for answer in sorted(newest.values(), key=lambda a: a.id or 0))
    heard = [voice for voice in found if voice is not None]
    # Who answers meanwhile may think better of a no, too: it is theirs as long as its giver is away.
    later = {one: at for at, voice in enumerate(heard) for one in voice.speaks_for}
    return [voice for at, voice in enumerate(heard) if voice.yes or later[voice.person] == at]


def standing_answers(facts: Standing, now: datetime) -> list[Approval]:
    """The answers to what would be deployed now that nobody took back and that have not expired, oldest first."""
    given = (a for a in facts.approvals if a.state == "standing" and a.digest == facts.digest)
    return [one for one in given if not has_expired(one, now) and _risk_is_the_same(facts, one, now)]


def _risk_is_the_same(facts: Standing, answer: Approval, now: datetime) -> bool:
    """A yes that was given because somebody had taken the risk upon themselves does not outlive that for another's."""
    seen = (answer.seen.get("bound") or {}).get("accepted") or []
    here = facts.release.target_org
    if not seen or seen[2] != here or not isinstance(facts, ReleaseFacts):
        return True  # the next org of a path has risks, and people who take them, of its own
    stands = acceptance(facts, "impossible", now)
    return stands is None or [stands.by, stands.digest, here] == list(seen)


def has_expired(answer: Approval, now: datetime) -> bool:
    """Whether a yes is too old to count."""
    return answer.expires_at is not None and now >= answer.expires_at


def _voice(facts: Standing, policy: Policy, answer: Approval) -> Voice | None:
    speaks_for = (answer.person_id, *(str(person) for person in answer.for_people))
    own = [seat for seat, people in facts.seats.items() if set(speaks_for) & set(people)]
    seats = tuple(s for s in facts.seats if s in own or answer.person_id in policy.seats[s].alternates)
    if not seats:
        return None  # it left with the person who gave it
    seat = answer.seat if answer.seat in seats else seats[0]
    return Voice(answer.person_id, answer.yes, seat, seats, speaks_for)


def may_answer(facts: Standing, policy: Policy, seat: str, now: datetime) -> tuple[str, ...]:
    """The people who could answer for a seat now: those who sit there, who stands in for them, alternates in time."""
    found = list(facts.seats.get(seat, ()))
    found += [deputy for person in facts.seats.get(seat, ()) for deputy in stand_ins(facts.absences, person, now)]
    if facts.asking is not None and now >= facts.asking.alternates_at:
        found += policy.seats[seat].alternates
    return others(tuple(dict.fromkeys(found)), than=barred(facts, now))


def who_may_answer(facts: Standing, policy: Policy, seat: str, now: datetime) -> tuple[str, ...]:
    """The people whose yes would bring a seat further now."""
    one = next((one for one in seating(facts, policy, now) if one.seat == seat), None)
    return who_can_clear(facts, one, now) if one else ()


def who_can_clear(facts: Standing, one: Seated, now: datetime) -> tuple[str, ...]:
    """The people whose yes would bring a seat further, those who are away after those who answer for them."""
    awaited = [*one.must, *one.can] if not one.declined_by else [*one.declined_by]
    deputies = [deputy for person in (one.declined_by or one.must) for deputy in stand_ins(facts.absences, person, now)]
    found = others(tuple(dict.fromkeys([*awaited, *deputies])), than=barred(facts, now))
    away = [person for person in found if stand_ins(facts.absences, person, now)]
    return (*others(found, than=away), *away)


def whom_to_ask(facts: Standing, policy: Policy, seat: str, now: datetime) -> tuple[str, ...]:
    """The people whom a seat's question goes to: nobody is asked who is away while somebody answers for them."""
    found = who_may_answer(facts, policy, seat, now)
    return tuple(person for person in found if not stand_ins(facts.absences, person, now)) or found


def waiting_seats(facts: Standing, policy: Policy, now: datetime) -> list[str]:
    """The seats that have not said all they were asked for; one that declined has answered."""
    return [one.seat for one in seating(facts, policy, now) if not one.complete and not one.declined_by]


def absence_of(absences: Sequence[Absence], person: str, now: datetime) -> Absence | None:
    """The absence in which somebody is now, the one that was said last."""
    found = [a for a in absences if a.person_id == person and a.starts_at <= now < a.ends_at and a.ended_at is None]
    return found[-1] if found else None


def stand_ins(absences: Sequence[Absence], person: str, now: datetime) -> tuple[str, ...]:
    """Who answers for somebody who is away, and for that one when they are away, too."""
    return tuple(_deputies(absences, person, now))


def _deputies(absences: Sequence[Absence], person: str, now: datetime) -> Iterator[str]:
    seen = {person}
    absence = absence_of(absences, person, now)
    while absence is not None and absence.stand_in and absence.stand_in not in seen:
        seen.add(absence.stand_in)
        yield absence.stand_in
        absence = absence_of(absences, absence.stand_in, now)


def stands_in_for(facts: Standing, person: str, now: datetime) -> tuple[str, ...]:
    """The people of the seats for whom somebody answers now."""
    sitting = dict.fromkeys(held for people in facts.seats.values() for held in people)
    return tuple(held for held in sitting if person in stand_ins(facts.absences, held, now))


def barred(facts: Standing, now: datetime) -> dict[str, str]:
    """People who may not approve, each with what they did, to complete "You …, so somebody else has to approve it".

    A release is approved by others than those who want it: who attached the package, who planned, owns or asked for the
    release, and whoever stands in for one of them.
    """
    release, package = facts.release, facts.package
    found: dict[str, str] = {}
    # A standing alone does not know the authors; what it draws was answered by people who were none.
    for author in facts.authors if isinstance(facts, ReleaseFacts) else ():
        found[author] = f"attached {package.file_name if package else 'the package'}"
    asked = facts.asking.asked_by if facts.asking and facts.asking.digest == facts.digest else ""
    wants = ((release.created_by, "planned"), (release.owner_id, "took over"), (asked, "asked for the approval of"))
    for person, does in wants:
        if person:
            found.setdefault(person, f"{does} {release.key}")
    for person in tuple(found):
        for deputy in stand_ins(facts.absences, person, now):
            found.setdefault(deputy, f"took the place of somebody whose release {release.key} is")
    return found
