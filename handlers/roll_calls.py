"""What people say in a roll call."""

from __future__ import annotations

from datetime import datetime
from typing import get_args

from handlers.conversation import Answer, ChoiceField, Form, InstantField, Option, Request, TextField, at
from handlers.phrases import plainly, release_argument
from handlers.releases import facts_of
from release_core import roll_calls
from release_core.errors import Conflict, Unclear
from release_core.permissions import require
from release_core.ports import Ports
from release_core.tallies import SAID_WORDS, Said, seat_title

_SAID: dict[str, Said] = {
    **dict.fromkeys(("go", "yes"), "go"),
    **dict.fromkeys(("no-go", "nogo", "no_go", "no"), "no_go"),
    **dict.fromkeys(("abstain", "abstains", "none"), "abstain"),
}
_USAGE = "/release vote go|no-go|abstain -- reason"


def call(ports: Ports, request: Request) -> Answer:
    """`/release rollcall`: the seats are asked for go or no-go."""
    require(ports.policy, request.actor.id, "plan")
    key, until = release_argument(ports, request), _until(ports, request)
    if until is None:
        fields = (
            InstantField("until", "Answers until"),
            TextField("note", "What to weigh", optional=True, long=True, hint="Everybody who is called reads this."),
        )
        return Form(f"Roll call for {key}", "release_rollcall", fields, "Call the roll", {"release": key})
    note = str(request.args.get("note") or "")
    called = roll_calls.call_roll(ports, request.actor.id, key, until, note)
    titles = ", ".join(seat_title(ports.policy, str(seat)) for seat in called.seats)
    return plainly(f"{titles}: asked for go or no-go on {key} until {at(until)}.", "wait")


def _until(ports: Ports, request: Request) -> datetime | None:
    until: datetime | None = request.args.get("until") or request.args.get("at")
    if until is None and (lasts := request.args.get("for")) is not None:
        until = ports.clock.now() + lasts
    return until


def vote(ports: Ports, request: Request) -> Answer:
    """`/release vote`: go, no-go or abstain, for a seat."""
    key, (said, rest) = release_argument(ports, request), _said(request)
    _must_be_the_newest(ports, request, key)
    seat, reason = str(request.args.get("seat") or ""), str(request.args.get("note") or rest)
    if said is None or (said == "no_go" and not reason):
        return _form(key, said, seat)
    answered = roll_calls.speak(ports, request.actor.id, key, said, seat=seat, reason=reason)
    sentence = f"Your “{SAID_WORDS[said]}” for {seat_title(ports.policy, answered)} on {key} is recorded."
    return plainly(sentence, "stop" if said == "no_go" else "good")


def _said(request: Request) -> tuple[Said | None, str]:
    words = [str(word) for word in request.args.get("words", [])]
    if chosen := request.args.get("said"):
        return _SAID.get(str(chosen)), ""
    if not words:
        return None, ""
    first = [word.casefold() for word in words[:2]]
    if first == ["no", "go"]:
        return "no_go", " ".join(words[2:])
    if first[0] not in _SAID:
        raise Unclear(f"“{words[0]}” is neither go nor no-go nor abstain. Say it like this: {_USAGE}", field="said")
    return _SAID[first[0]], " ".join(words[1:])


def _must_be_the_newest(ports: Ports, request: Request, key: str) -> None:
    shown, called = str(request.args.get("call") or ""), facts_of(ports, key).roll_call
    if shown and called is not None and shown != str(called.number):
        raise Conflict(f"The roll of {key} was called anew. Look at the newest call in its thread.")


def _form(key: str, said: Said | None, seat: str) -> Form:
    options = [Option(value, SAID_WORDS[value].capitalize()) for value in get_args(Said)]
    fields = (
        ChoiceField("said", "I say", options, (said,) if said else ()),
        TextField("note", "Why", long=True, optional=True, hint="A no-go needs a reason; everybody reads it."),
    )
    return Form(
        f"Roll call for {key}", "release_vote", fields, "Answer", {"release": key, **({"seat": seat} if seat else {})}
    )
