"""What people say about being away."""

from __future__ import annotations

from datetime import datetime

from handlers.conversation import Answer, Form, InstantField, PeopleField, Request, TextField, at, person
from handlers.phrases import plainly
from handlers.times import understand_time
from release_core import absences
from release_core.errors import Unclear
from release_core.ports import Ports
from release_core.windows import Interval

USAGE = "/release away from Mon 9:00 until Fri 18:00 for @person -- why"


def away(ports: Ports, request: Request) -> Answer:
    """`/release away`: the asker is away, perhaps with somebody who answers for them."""
    now, until = ports.clock.now(), _end(ports, request)
    if until is None:
        return _form()
    start = request.args.get("at") or _said_start(ports, request) or now
    if until <= start:
        raise Unclear(f"It ends before it begins. Say it like this: {USAGE}", field="until")
    deputy = _deputy(request)
    note = str(request.args.get("note") or "")
    absence = absences.set_absence(ports, request.actor.id, Interval(start, until), stand_in=deputy, note=note)
    meanwhile = f"{person(deputy)} answers for you meanwhile" if deputy else "nobody answers for you meanwhile"
    sentence = f"You are away from {at(absence.starts_at)} until {at(absence.ends_at)}; {meanwhile}."
    return plainly(f"{sentence} To end it earlier: /release back", "good")


def _form() -> Form:
    fields = (
        InstantField("at", "From", hint="Empty: from now on.", optional=True),
        InstantField("until", "Until"),
        PeopleField("person", "Who answers for me meanwhile", optional=True, hint="Not somebody whose release it is."),
        TextField("note", "Why", optional=True, hint="Everybody in the channel reads this."),
    )
    return Form("I am away", "release_away", fields, "I am away")


def _end(ports: Ports, request: Request) -> datetime | None:
    until: datetime | None = request.args.get("until")
    lasts = request.args.get("for")
    if until is None and lasts is not None:
        start: datetime = request.args.get("at") or _said_start(ports, request) or ports.clock.now()
        until = start + lasts
    if until is None and (request.args.get("words") or request.args.get("at")):
        raise Unclear(f"Say until when: {USAGE}", field="until")
    return until


def _said_start(ports: Ports, request: Request) -> datetime | None:
    """What was said after “from”, which elsewhere leads to an org or a ref."""
    words = [str(word) for word in request.args.get("words", []) if str(word).casefold() != "for"]
    if not words:
        return None
    if words[0].casefold() != "from":
        raise Unclear(f"“{' '.join(words)}” was not understood. Say it like this: {USAGE}", field="at")
    return understand_time(" ".join(words[1:]), zone=request.actor.zone, now=ports.clock.now())


def _deputy(request: Request) -> str:
    named = request.args.get("people") or request.args.get("person") or ""
    people = [named] if isinstance(named, str) else [str(one) for one in named]
    if len(people) > 1:
        raise Unclear("Name one person who answers for you.", field="person")
    return people[0] if people else ""


def back(ports: Ports, request: Request) -> Answer:
    """`/release back`: the asker is there again."""
    if not absences.end_absence(ports, request.actor.id):
        return plainly("You are not away, nor will you be: nothing was changed.")
    return plainly("You are back: what waits for you is asked of you again. /release todo lists it.", "good")
