"""What waits for somebody's yes or no, shown with the buttons for it."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.acceptance_cards import AskedRisk, acceptance_card
from handlers.approval_cards import Asked, approval_card
from handlers.conversation import Actions, Answer, Button, Message, Paragraph, Request, at
from handlers.drawing import Drawing
from handlers.owing import seats_waiting_for
from handlers.phrases import release_argument, who
from handlers.roll_call_cards import roll_call_card
from handlers.rollback_cards import rollback_post
from release_core.acceptances import RISKS
from release_core.errors import NotFound
from release_core.lookups import find_release
from release_core.models import RollbackRequest
from release_core.ports import Ports
from release_core.risks import is_open, risk_digest, who_may_accept
from release_core.rollback_requests import waiting_for
from release_core.tallies import counting_call, result_of, roll_members

Question = tuple[Button, Message]
"""A button that asks for one question alone, with the question itself."""


def answer(ports: Ports, request: Request) -> Answer:
    """`/release answer`: the question that waits for the asker, or a choice among several."""
    key = release_argument(ports, request)
    with ports.store.reading() as session:
        find_release(session, key)
        drawing = Drawing(session, ports)
        found = list(_questions(drawing, key, request.actor.id))
        seat, wish = str(request.args.get("seat") or "").casefold(), str(request.args.get("request") or "")
        decided = _decided(drawing, key, seat, wish)
    asked = [one for one in found if _is_meant(one[0], seat, wish)]
    if not asked:
        meanwhile = decided or f"It may have been answered meanwhile: /release why {key}"
        sentence = f"Nothing of {key} waits for your yes or no. {meanwhile}"
        raise NotFound(sentence, field="release")
    if len(asked) == 1:
        return asked[0][1]
    sentence = f"{len(asked)} questions of {key} wait for you."
    return Message(sentence, [Paragraph(sentence), Actions([button for button, _ in asked])])


def _decided(d: Drawing, key: str, seat: str, wish: str) -> str:
    """Who was faster with what was asked about, as a sentence; "" when that is not known."""
    if wish.isdecimal():
        request = d.session.get(RollbackRequest, int(wish))
        if request is not None and request.decided_by and request.decided_at:
            return f"It was {request.state} by {who(request.decided_by)}, {at(request.decided_at)}."
        return ""
    facts = d.facts(key)
    for name in facts.seats:
        title, given = d.ports.policy.seats[name].title, facts.approval(name)
        if given and seat in (name.casefold(), title.casefold()):
            word = "approved" if given.yes else "declined"
            return f"{title}: {word} by {who(given.person_id)}, {at(given.at)}."
    return ""


def _is_meant(button: Button, seat: str, wish: str) -> bool:
    if wish:
        return button.args.get("request") == wish
    return not seat or seat in (str(button.args.get("seat") or "").casefold(), button.label.casefold())


def _questions(d: Drawing, key: str, person_id: str) -> Iterator[Question]:
    policy, now = d.ports.policy, d.ports.clock.now()
    for release, wish in waiting_for(d.session, policy, person_id, now):
        if release.key == key and (placed := rollback_post(d, key, str(wish.id))):
            yield Button("Rollback", "release_answer", {"release": key, "request": str(wish.id)}), placed[0]
    facts = d.facts(key)
    for seat in seats_waiting_for(facts, policy, person_id, now):
        button = Button(policy.seats[seat].title, "release_answer", {"release": key, "seat": seat})
        yield button, approval_card(facts, policy, Asked(seat, facts.digest), now)
    called = counting_call(facts)
    if called is not None and called.state == "open" and now < called.due_at:
        silent = result_of(facts, called, now).silent
        if any(person_id in roll_members(facts, seat, now) for seat in silent):
            yield Button("Roll call", "release_vote", {"release": key}), roll_call_card(facts, policy, called, now)
    for risk in RISKS:
        if is_open(facts, risk, now) and person_id in who_may_accept(facts, risk):
            button = Button("Accept a risk", "release_accept", {"release": key, "about": risk})
            yield button, acceptance_card(facts, policy, now, AskedRisk(risk, risk_digest(facts, risk)))
