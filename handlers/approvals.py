"""What people say about approvals."""

from __future__ import annotations

from handlers.acceptance_cards import seat_title
from handlers.conversation import Answer, Form, Request, TextField
from handlers.phrases import note_argument, plainly, release_argument
from handlers.releases import facts_of
from release_core import approvals
from release_core.ports import Ports
from release_core.risks import is_open


def ask(ports: Ports, request: Request) -> Answer:
    """`/release ask`: every seat is asked."""
    key = release_argument(ports, request)
    approvals.ask_for_approvals(ports, request.actor.id, key)
    facts = facts_of(ports, key)
    titles = [ports.policy.seats[seat].title for seat in facts.seats if facts.approval(seat) is None]
    asked = [f"{', '.join(titles)}: asked to approve {key}, in its thread and in direct messages."] if titles else []
    if is_open(facts, "impossible", ports.clock.now()):
        seat = seat_title(ports.policy, ports.policy.seat_that_accepts("impossible", facts.release.kind))
        asked.append(f"{seat}: asked to accept in writing what cannot come back.")
    return plainly(" ".join(asked), "wait")


def approve(ports: Ports, request: Request) -> Answer:
    """`/release approve`: a seat says yes."""
    return _answer(ports, request, yes=True)


def decline(ports: Ports, request: Request) -> Answer:
    """`/release decline`: a seat says no, with the reason."""
    if not note_argument(request):
        key, actor, seat = release_argument(ports, request), request.actor.id, request.args.get("seat")
        digest = str(request.args.get("digest") or "")
        approvals.must_be_answerable(ports, actor, key, yes=False, seat=seat, digest=digest)
        hidden = {name: str(request.args[name]) for name in ("seat", "digest") if name in request.args}
        fields = (TextField("note", "Why not", long=True, hint="The release manager acts on this."),)
        return Form(f"Decline {key}", "release_decline", fields, "Decline", {"release": key, **hidden})
    return _answer(ports, request, yes=False)


def _answer(ports: Ports, request: Request, *, yes: bool) -> Answer:
    key = release_argument(ports, request)
    seat = approvals.answer(
        ports,
        request.actor.id,
        key,
        yes=yes,
        seat=request.args.get("seat"),
        comment=note_argument(request),
        digest=str(request.args.get("digest") or ""),
    )
    title = ports.policy.seats[seat].title
    sentence = f"Your {'yes' if yes else 'no'} for {title} on {key} is recorded."
    return plainly(sentence, "good" if yes else "stop")
