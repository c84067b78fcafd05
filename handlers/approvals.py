"""What people say about approvals."""

from __future__ import annotations

from handlers.acceptance_cards import seat_title
from handlers.approval_cards import Asked, approval_card
from handlers.conversation import Answer, Form, Request, TextField
from handlers.owing import seats_waiting_for
from handlers.phrases import note_argument, plainly, release_argument
from handlers.plain import as_text
from handlers.releases import facts_of
from release_core import approvals
from release_core.facts import ReleaseFacts
from release_core.permissions import may
from release_core.ports import Ports
from release_core.risks import is_open
from release_core.seats import seating, waiting_seats


def ask(ports: Ports, request: Request) -> Answer:
    """`/release ask`: every seat is asked; one that declined is told what was done about it."""
    key, reason = release_argument(ports, request), note_argument(request)
    facts, now = facts_of(ports, key), ports.clock.now()
    declined = [policy_title(ports, one.seat) for one in seating(facts, ports.policy, now) if one.declined_by]
    if declined and not reason and may(ports.policy, request.actor.id, "plan"):
        hint = "Whoever declined reads this, and is asked again."
        fields = (TextField("note", f"What was done about the no of {' and '.join(declined)}", long=True, hint=hint),)
        return Form(f"Ask again about {key}", "release_ask", fields, "Ask again", {"release": key})
    approvals.ask_for_approvals(ports, request.actor.id, key, reason)
    facts = facts_of(ports, key)
    titles = [policy_title(ports, seat) for seat in waiting_seats(facts, ports.policy, now)]
    asked = [f"{', '.join(titles)}: asked to approve {key}, in its thread and in direct messages."] if titles else []
    if is_open(facts, "impossible", now):
        seat = seat_title(ports.policy, ports.policy.seat_that_accepts("impossible", facts.release.kind))
        asked.append(f"{seat}: asked to accept in writing what cannot come back.")
    return plainly(" ".join(asked), "wait")


def policy_title(ports: Ports, seat: str) -> str:
    """How people call a seat."""
    return ports.policy.seats[seat].title


def approve(ports: Ports, request: Request) -> Answer:
    """`/release approve`: a seat says yes."""
    return _answer(ports, request, yes=True)


def decline(ports: Ports, request: Request) -> Answer:
    """`/release decline`: a seat says no, with the reason."""
    if not note_argument(request):
        key, actor, seat = release_argument(ports, request), request.actor.id, request.args.get("seat")
        digest = str(request.args.get("digest") or "")
        approvals.must_be_answerable(ports, actor, key, yes=False, seat=seat, digest=digest)
        # Whoever opened the form says no to what they saw then, not to what was attached meanwhile.
        seen = digest or facts_of(ports, key).digest
        hidden = {"digest": seen} | ({"seat": str(seat)} if seat else {})
        fields = (TextField("note", "Why not", long=True, hint="The release manager acts on this."),)
        return Form(f"Decline {key}", "release_decline", fields, "Decline", {"release": key, **hidden})
    return _answer(ports, request, yes=False)


def take_back(ports: Ports, request: Request) -> Answer:
    """`/release withdraw`: one's own answer does not stand any more."""
    key = release_argument(ports, request)
    seat = approvals.take_back(ports, request.actor.id, key, note_argument(request))
    return plainly(f"Your answer for {policy_title(ports, seat)} on {key} is taken back; the seat waits again.", "good")


def _answer(ports: Ports, request: Request, *, yes: bool) -> Answer:
    key = release_argument(ports, request)
    digest, shown = _as_shown(ports, request, key)
    seat = approvals.answer(
        ports,
        request.actor.id,
        key,
        yes=yes,
        seat=request.args.get("seat"),
        comment=note_argument(request),
        digest=digest,
        shown=shown,
    )
    sentence = f"Your {'yes' if yes else 'no'} for {policy_title(ports, seat)} on {key} is recorded."
    return plainly(sentence, "good" if yes else "stop")


def _as_shown(ports: Ports, request: Request, key: str) -> tuple[str, str]:
    """What the answer is about, with the words of its card as they stand now: that is kept with the answer.

    Whoever types sees no card; what it would have said is kept all the same.
    """
    facts, now = facts_of(ports, key), ports.clock.now()
    digest = str(request.args.get("digest") or "")
    seat = _seat_shown(facts, ports, request)
    if not seat or facts.package is None or digest not in ("", facts.digest):
        return digest, ""
    return facts.digest, as_text(approval_card(facts, ports.policy, Asked(seat, facts.digest), now), facts.names)


def _seat_shown(facts: ReleaseFacts, ports: Ports, request: Request) -> str:
    said = str(request.args.get("seat") or "").casefold()
    named = [s for s in facts.seats if said in (s.casefold(), policy_title(ports, s).casefold())]
    waiting = seats_waiting_for(facts, ports.policy, request.actor.id, ports.clock.now())
    return next(iter([*named, *waiting, *facts.seats]), "")
