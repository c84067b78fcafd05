"""Which posts a fact about seats touches: asking them, their answers, roll calls, absences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from handlers.touching import Teller, Told, Touched, again, weighed
from release_core.facts import gather
from release_core.lookups import find_release
from release_core.seats import whom_to_ask
from release_core.tallies import roll_members
from release_core.timeline import Kind


def _asked(told: Told) -> Iterable[Touched]:
    release = find_release(told.session, told.stream)
    facts = gather(told.session, told.policy, release)
    digest, now = told.detail("digest"), told.ports.clock.now()
    found = []
    for seat in told.entry.details.get("seats", []):
        slot = f"approval:{told.stream}:{seat}:{digest}"
        asked = whom_to_ask(facts, told.policy, seat, now) if seat in facts.seats else ()
        found += [Touched(slot), *(Touched(f"{slot}@{p}") for p in asked)]
    return [*found, *weighed(told)]


def _asked_on(told: Told) -> Iterable[Touched]:
    """Who has not answered is reminded in person; whoever is asked only now gets the question itself."""
    people, step = told.entry.details["people"], told.detail("step")
    cards = [f"approval:{told.stream}:{seat}:{told.detail('digest')}" for seat in told.entry.details["seats"]]
    copies = [Touched(f"{card}@{p}") for card in cards for p in people if step in ("alternates", "stand_in")]
    asked = [one for card in cards for one in again(told, card)]
    owner = [told.detail("owner"), *told.entry.details.get("deputies", [])]
    told_to = [*people, *(owner if step == "manager" else [])]
    lines = [Touched(f"{told.line}@{p}") for p in dict.fromkeys(told_to)]
    return [*copies, *asked, Touched(told.line), *lines]


def _roll_called(told: Told) -> Iterable[Touched]:
    facts, now = gather(told.session, told.policy, find_release(told.session, told.stream)), told.ports.clock.now()
    slot = f"rollcall:{told.stream}:{told.detail('number')}"
    people = dict.fromkeys(p for seat in told.entry.details["seats"] for p in roll_members(facts, seat, now))
    before = again(told, f"rollcall:{told.stream}")
    return [*before, Touched(slot), *(Touched(f"{slot}@{p}") for p in people), *weighed(told)]


def _roll_answered(told: Told) -> Iterable[Touched]:
    """Its card shows every answer; a no-go is said as well, since it holds the release."""
    line = [Touched(told.line)] if told.detail("said") == "no_go" else []
    return [*again(told, f"rollcall:{told.stream}:{told.detail('number')}"), *line, *weighed(told)]


def _roll_closed(told: Told) -> Iterable[Touched]:
    called = dict.fromkeys((told.detail("called_by"), told.detail("owner")))
    lines = [Touched(f"{told.line}@{person}") for person in called]
    cards = again(told, f"rollcall:{told.stream}:{told.detail('number')}")
    return [*cards, Touched(told.line), *lines, *weighed(told)]


def _absence(told: Told) -> Iterable[Touched]:
    """Everybody reads who answers meanwhile; whoever that is hears of it in person."""
    deputy = told.detail("stand_in")
    return [Touched(told.line), *([Touched(f"{told.line}@{deputy}")] if deputy else [])]


def _every_question(told: Told) -> Iterable[Touched]:
    """One answer less, or one no: the other seats of whoever sits in two may show it, too."""
    people = told.entry.details.get("people") or [told.detail("person")]
    lines = [Touched(f"{told.line}@{p}") for p in people if p]
    return [*again(told, f"approval:{told.stream}"), Touched(told.line), *lines, *weighed(told)]


def _answered(told: Told) -> Iterable[Touched]:
    # Whoever sits in two seats may have moved over: every question shows how it stands now.
    copies = again(told, f"approval:{told.stream}")
    declined = told.entry.kind == Kind.DECLINED
    return [*copies, *([Touched(told.line)] if declined or not copies else []), *weighed(told)]


def _withdrawn(told: Told) -> Iterable[Touched]:
    copies = again(told, f"approval:{told.stream}")
    lines = [Touched(told.line), *(Touched(f"{told.line}@{p}") for p in told.entry.details["people"])]
    return [*copies, *lines, *weighed(told)]


SEAT_TELLERS: Mapping[Kind, Teller] = {
    Kind.APPROVALS_ASKED: _asked,
    Kind.APPROVED: _answered,
    Kind.DECLINED: _answered,
    Kind.APPROVALS_WITHDRAWN: _withdrawn,
    Kind.ANSWER_TAKEN_BACK: _every_question,
    Kind.APPROVAL_EXPIRED: _every_question,
    Kind.REFUSAL_SET_ASIDE: _every_question,
    Kind.SEATS_REMINDED: _asked_on,
    Kind.ROLLCALL_CALLED: _roll_called,
    Kind.ROLLCALL_ANSWERED: _roll_answered,
    Kind.ROLLCALL_CLOSED: _roll_closed,
    Kind.ABSENCE_SET: _absence,
    Kind.ABSENCE_ENDED: _absence,
}
