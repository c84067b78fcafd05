"""What people say about items of a checklist."""

from __future__ import annotations

from handlers.checklist_cards import checklist_card
from handlers.conversation import Answer, Form, Message, Paragraph, PeopleField, Request, TextField, person
from handlers.phrases import note_argument, numbered, release_argument
from handlers.releases import facts_of
from release_core import checklists, scheduling
from release_core.errors import NotFound, Unclear
from release_core.lookups import find_freeze
from release_core.models import ChecklistItem
from release_core.ports import Ports


def show(ports: Ports, request: Request) -> Answer:
    """`/release checklist`: every item."""
    return checklist_card(facts_of(ports, release_argument(ports, request)), ports.policy)


def tick(ports: Ports, request: Request) -> Answer:
    """`/release tick`: an item is done."""
    key = release_argument(ports, request)
    item, note = numbered(request)
    return _said(checklists.tick(ports, request.actor.id, key, item, evidence=note), key, "is done")


def start(ports: Ports, request: Request) -> Answer:
    """`/release start`: somebody works on an item."""
    key = release_argument(ports, request)
    item, _ = numbered(request)
    return _said(checklists.start(ports, request.actor.id, key, item), key, "is in progress")


def block(ports: Ports, request: Request) -> Answer:
    """`/release block`: an item cannot be done."""
    key = release_argument(ports, request)
    item, reason = numbered(request)
    if not reason:
        return _ask(f"Block item {item}", "release_block", key, item, "Block")
    return _said(checklists.block(ports, request.actor.id, key, item, reason), key, "is blocked")


def reopen(ports: Ports, request: Request) -> Answer:
    """`/release reopen`: an item has to be settled again."""
    key = release_argument(ports, request)
    item, reason = numbered(request)
    return _said(checklists.reopen(ports, request.actor.id, key, item, reason), key, "is open again")


def waive(ports: Ports, request: Request) -> Answer:
    """`/release waive`: let a release go without an item, or through a freeze, by name."""
    key = release_argument(ports, request)
    what = str(request.args.get("freeze") or "")
    reason = note_argument(request) if what else ""
    if not what:
        what, reason = numbered(request)
        if what.lower() == "freeze" and reason and "note" not in request.args:
            what, _, reason = reason.partition(" ")
        elif what.lower() == "freeze" and len(request.args.get("words", [])) > 1:
            what = request.args["words"][1]
    if _names_freeze(ports, what):
        if not reason:
            return _ask(f"Waive {what}", "release_waive", key, what, "Waive", name="freeze")
        scheduling.waive_freeze(ports, request.actor.id, key, what, reason)
        sentence = f"{key} may go through the freeze {what.upper() if what.lower().startswith('frz') else what}."
        return Message(sentence, [Paragraph(sentence)], tone="good")
    if not reason:
        return _ask(f"Waive item {what}", "release_waive", key, what, "Waive")
    return _said(checklists.waive_item(ports, request.actor.id, key, what, reason), key, "is waived")


def _names_freeze(ports: Ports, what: str) -> bool:
    if what.lower().startswith("frz"):
        return True
    with ports.store.reading() as session:
        try:
            return bool(find_freeze(session, ports.policy, what))
        except NotFound:
            return False


def assign(ports: Ports, request: Request) -> Answer:
    """`/release assign`: an item belongs to somebody."""
    key = release_argument(ports, request)
    item, _ = numbered(request)
    people = request.args.get("people") or request.args.get("person")
    if not people:
        fields = (PeopleField("people", "Who"),)
        return Form(f"Assign item {item}", "release_assign", fields, "Assign", {"release": key, "item": item})
    holder = people[0] if isinstance(people, list) else str(people)
    row = checklists.assign(ports, request.actor.id, key, item, holder)
    return _said(row, key, f"belongs to {person(holder)}")


def _ask(title: str, verb: str, key: str, item: str, submit: str, *, name: str = "item") -> Form:
    fields = (TextField("note", "Why", long=True, hint="Everybody who follows the release reads this."),)
    return Form(title[:24], verb, fields, submit, {"release": key, name: item})


def _said(item: ChecklistItem, key: str, what: str) -> Message:
    if not item.title:
        raise Unclear("Say which item.", field="item")
    sentence = f"{key}: item {item.number} “{item.title}” {what}."
    return Message(sentence, [Paragraph(sentence)], tone="good")
