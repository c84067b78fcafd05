"""The sentences about seats: asking them, their answers, roll calls, absences."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handlers.conversation import clean, people, person
from handlers.telling import Telling
from release_core.tallies import SAID_WORDS
from release_core.timeline import Kind


def _withdrawn(t: Telling) -> str:
    told = people(t.names("people"))
    changes = "".join(f" {line}" for line in t.names("changes"))
    return f"The approvals of {told} are withdrawn. {t.get('because')}{changes} They have to approve again."


def _approved(t: Telling) -> str:
    for_them = f" in place of {people(t.names('for'))}" if t.names("for") else ""
    return f"{t.by} approved for {t.get('title')}{for_them}{t.after('comment')}."


def _asked(t: Telling) -> str:
    changes = f" Changed since: {' '.join(t.names('changes'))}" if t.names("changes") else ""
    return f"{t.by} asked for approval: {', '.join(t.seat(name) for name in t.names('seats'))}.{changes}"


def _reminded(t: Telling) -> str:
    titles = " and ".join(t.seat(name) for name in t.names("seats"))
    waits = f"{titles} {'have' if len(t.names('seats')) > 1 else 'has'} not answered since {t.instant('asked_at')}"
    who = people(t.names("people"), last="or")
    match t.get("step"):
        case "alternates":
            return f"{waits}. From now on {who} may answer."
        case "manager":
            return f"{waits}. {who} may answer; {person(t.get('owner'))} is told."
        case "stand_in":
            return f"{person(t.get('away'))} is away. {who} may answer for {titles} meanwhile."
    return f"{waits}: {who} may answer."


def _called(t: Telling) -> str:
    titles = ", ".join(t.seat(name) for name in t.names("seats"))
    return f"{t.by} called the roll until {t.instant('due_at')}, {titles}{t.after('question')}"


def _roll_result(t: Telling) -> str:
    lines = [line for line in t.entry.details.get("lines", []) if isinstance(line, list)]
    said = [
        f"{t.seat(seat)} {SAID_WORDS.get(word, word)} ({person(by)}{f': {clean(why)}' if why else ''})"
        for seat, word, by, why, _ in lines
    ]
    said += [f"{t.seat(seat)} no answer" for seat in t.names("silent")]
    verdict = {"go": "go", "no_go": "no-go", "silent": "no go, not every seat answered"}.get(t.get("verdict"))
    return f"Roll call {t.get('number')} came to {verdict or 'no go, nobody said go'}: {', '.join(said)}."


def _absent(t: Telling) -> str:
    deputy = f" {person(t.get('stand_in'))} answers meanwhile." if t.get("stand_in") else ""
    note = t.after("note")
    return f"{t.by} is away from {t.instant('starts_at')} until {t.instant('ends_at')}{note.rstrip('.')}.{deputy}"


def _taken_back(t: Telling) -> str:
    word = "yes" if t.entry.details.get("yes") else "no"
    return f"{t.by} took the {word} for {t.get('title')} back{t.after('reason').rstrip('.')}."


SEAT_WORDS: Mapping[Kind, Callable[[Telling], str]] = {
    Kind.APPROVALS_ASKED: _asked,
    Kind.APPROVED: _approved,
    Kind.ANSWER_TAKEN_BACK: _taken_back,
    Kind.APPROVAL_EXPIRED: lambda t: (
        f"The yes of {person(t.get('person'))} for {t.seat(t.get('seat'))}, given {t.instant('given_at')}, "
        "has counted for as long as the policy lets it. The seat has to answer again."
    ),
    Kind.REFUSAL_SET_ASIDE: lambda t: (
        f"{t.by} asks {people(t.names('people'))} again, who declined: {t.get('because')}"
    ),
    Kind.SEATS_REMINDED: _reminded,
    Kind.ROLLCALL_CALLED: _called,
    Kind.ROLLCALL_ANSWERED: lambda t: (
        f"{t.by} says {SAID_WORDS.get(t.get('said'), t.get('said'))} for {t.get('title')}{t.after('reason')}."
    ),
    Kind.ROLLCALL_CLOSED: _roll_result,
    Kind.ABSENCE_SET: _absent,
    Kind.ABSENCE_ENDED: lambda t: f"{t.by} is back.",
    Kind.DECLINED: lambda t: f"{t.by} declined for {t.get('title')}: {t.get('comment')}",
    Kind.APPROVALS_WITHDRAWN: _withdrawn,
}
