"""What people say about items of a checklist."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from handlers.checklist_cards import checklist_card, item_card
from handlers.conversation import (
    Answer,
    ChoiceField,
    Form,
    InstantField,
    Message,
    Option,
    Paragraph,
    PeopleField,
    Request,
    TextField,
    at,
    person,
)
from handlers.phrases import item_argument, plainly, release_argument
from handlers.releases import facts_of
from release_core import checklists, scheduling
from release_core.facts import gather
from release_core.lookups import find_freeze, find_item, find_release
from release_core.models import ChecklistItem
from release_core.permissions import require
from release_core.ports import Ports

_LASTS = (
    Option("usual", "As the policy says, past the window in any case"),
    Option("day", "1 day"),
    Option("days", "3 days"),
    Option("month", "30 days"),
)
_SPANS = {"day": timedelta(days=1), "days": timedelta(days=3), "month": timedelta(days=30)}
READ_BY_ALL = "Everybody who follows the release reads this."


def show(ports: Ports, request: Request) -> Answer:
    """`/release checklist`: every item."""
    return checklist_card(facts_of(ports, release_argument(ports, request)), ports.policy)


def tick(ports: Ports, request: Request) -> Answer:
    """`/release tick`: an item is done."""
    key = release_argument(ports, request)
    item, note = item_argument(ports, request, key)
    if not note and (needs := _evidence_of(ports, key, item)):
        return _ask_for_evidence(ports, key, item, needs)
    return _said(checklists.tick(ports, request.actor.id, key, item, evidence=note), key, "is done")


def _evidence_of(ports: Ports, key: str, item: str) -> str:
    with ports.store.reading() as session:
        row = find_item(session, find_release(session, key), item)
    return row.evidence if row.state != "done" else ""


def _ask_for_evidence(ports: Ports, key: str, item: str, needs: str) -> Form:
    with ports.store.reading() as session:
        row = find_item(session, find_release(session, key), item)
    hint = "A link that shows it, such as https://…" if needs == "link" else "What was done or found."
    fields = (TextField("note", "Evidence", long=True, hint=f"{hint} {READ_BY_ALL}"),)
    args = {"release": key, "item": str(row.number)}
    return Form(f"Tick item {row.number}", "release_tick", fields, "Tick", args, [Paragraph(f"{key}: {row.title}")])


def snooze(ports: Ports, request: Request) -> Answer:
    """`/release snooze`: no reminder of an item for a while."""
    key = release_argument(ports, request)
    item, _ = item_argument(ports, request, key)
    until = request.args.get("until") or request.args.get("at")
    if until is None and "for" in request.args:
        until = ports.clock.now() + request.args["for"]
    if until is None:
        with ports.store.reading() as session:
            row = find_item(session, find_release(session, key), item)
        fields = (InstantField("until", "No reminder before", hint="It stays due when it was."),)
        args, intro = {"release": key, "item": str(row.number)}, [Paragraph(f"{key}: {row.title}")]
        return Form(f"Snooze item {row.number}", "release_snooze", fields, "Snooze", args, intro)
    row = checklists.snooze(ports, request.actor.id, key, item, until)
    return _said(row, key, f"is asked about again {at(until)}, not before")


def start(ports: Ports, request: Request) -> Answer:
    """`/release start`: somebody works on an item."""
    key = release_argument(ports, request)
    item, _ = item_argument(ports, request, key)
    return _said(checklists.start(ports, request.actor.id, key, item), key, "is in progress")


def block(ports: Ports, request: Request) -> Answer:
    """`/release block`: an item cannot be done."""
    key = release_argument(ports, request)
    item, reason = item_argument(ports, request, key)
    if not reason:
        return _ask(ports, key, item, "release_block", "Block")
    return _said(checklists.block(ports, request.actor.id, key, item, reason), key, "is blocked")


def reopen(ports: Ports, request: Request) -> Answer:
    """`/release reopen`: an item has to be settled again."""
    key = release_argument(ports, request)
    item, reason = item_argument(ports, request, key)
    return _said(checklists.reopen(ports, request.actor.id, key, item, reason), key, "is open again")


def waive(ports: Ports, request: Request) -> Answer:
    """`/release waive`: let a release go without an item, or through a freeze, by name."""
    key = release_argument(ports, request)
    freeze, reason = _freeze_argument(ports, request)
    if freeze:
        return _waive_freeze(ports, request, key, freeze, reason)
    item, reason = item_argument(ports, request, key)
    if not reason:
        lasts = ChoiceField("lasts", "For how long", _LASTS, ("usual",))
        form = _ask(ports, key, item, "release_waive", "Waive")
        return replace(form, fields=(*form.fields, lasts))
    until = request.args.get("until")
    if until is None and (span := _SPANS.get(str(request.args.get("lasts")), request.args.get("for"))):
        until = ports.clock.now() + span
    row = checklists.waive_item(ports, request.actor.id, key, item, reason, until=until)
    ends = f" until {at(row.waived_until)}" if row.waived_until else ""
    return _said(row, key, f"is waived{ends}")


def _waive_freeze(ports: Ports, request: Request, key: str, freeze: str, reason: str) -> Answer:
    require(ports.policy, request.actor.id, "waive_freeze")
    with ports.store.reading() as session:
        name = find_freeze(session, ports.policy, freeze)
    if not reason:
        fields = (TextField("note", "Why", long=True, hint=f"At least 10 characters. {READ_BY_ALL}"),)
        return Form(f"Waive {name}"[:24], "release_waive", fields, "Waive", {"release": key, "freeze": name})
    scheduling.waive_freeze(ports, request.actor.id, key, name, reason)
    return plainly(f"{key} may go through the freeze {name}. Other freezes still hold.", "good")


def _freeze_argument(ports: Ports, request: Request) -> tuple[str, str]:
    """The freeze that was said, with what follows: "FRZ-1 -- reason", "freeze FRZ-1 -- reason"; "" for an item."""
    words = [str(word) for word in request.args.get("words", [])]
    note = str(request.args.get("note") or "")
    if said := request.args.get("freeze"):
        return str(said), note or " ".join(words)
    if "item" in request.args or not words:
        return "", ""
    announced = words[0].casefold() == "freeze" and len(words) > 1
    name, *rest = words[1:] if announced else words
    is_one = announced or name.casefold().startswith("frz-") or name in ports.policy.freezes
    return (name, note or " ".join(rest)) if is_one else ("", "")


def assign(ports: Ports, request: Request) -> Answer:
    """`/release assign`: an item belongs to somebody."""
    key = release_argument(ports, request)
    item, _ = item_argument(ports, request, key)
    people = request.args.get("people") or request.args.get("person")
    if not people:
        with ports.store.reading() as session:
            row = find_item(session, find_release(session, key), item)
        args = {"release": key, "item": str(row.number)}
        fields = (PeopleField("person", "Who"),)
        intro = [Paragraph(f"{key}: {row.title}")]
        return Form(f"Assign item {row.number}", "release_assign", fields, "Assign", args, intro)
    holder = people[0] if isinstance(people, list) else str(people)
    row = checklists.assign(ports, request.actor.id, key, item, holder)
    return _said(row, key, f"belongs to {person(holder)}")


def item(ports: Ports, request: Request) -> Answer:
    """One item with everything that can be done about it."""
    key = release_argument(ports, request)
    number, _ = item_argument(ports, request, key)
    with ports.store.reading() as session:
        release = find_release(session, key)
        row, facts = find_item(session, release, number), gather(session, ports.policy, release)
    return item_card(facts, ports.policy, row)


def _ask(ports: Ports, key: str, item: str, verb: str, submit: str) -> Form:
    with ports.store.reading() as session:
        row = find_item(session, find_release(session, key), item)
    fields = (TextField("note", "Why", long=True, hint=READ_BY_ALL),)
    args = {"release": key, "item": str(row.number)}
    return Form(f"{submit} item {row.number}", verb, fields, submit, args, [Paragraph(f"{key}: {row.title}")])


def _said(item: ChecklistItem, key: str, what: str) -> Message:
    return plainly(f"{key}: item {item.number} “{item.title}” {what}.", "good")
