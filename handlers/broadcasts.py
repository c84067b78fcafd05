"""What people say about status for those who only read."""

from __future__ import annotations

from handlers.conversation import (
    Answer,
    ChoiceField,
    Form,
    InstantField,
    Message,
    Option,
    Paragraph,
    Request,
    TextField,
    at,
)
from handlers.phrases import count, note_argument, release_argument
from handlers.releases import facts_of
from release_core import broadcasts
from release_core.errors import Refused
from release_core.permissions import require
from release_core.ports import Ports


def update(ports: Ports, request: Request) -> Answer:
    """`/release update`: a status now, or promised for a time."""
    require(ports.policy, request.actor.id, "broadcast")
    key, text = release_argument(ports, request), note_argument(request)
    audience = str(request.args.get("audience") or next(iter(ports.policy.audiences), ""))
    if not audience:
        raise Refused("no_audience", "The policy names no audience to tell. An administrator adds one under audiences.")
    if not text and not {"submitted", "at"} & set(request.args):
        return _form(ports, key, audience)
    due_at = request.args.get("at")
    every = request.args.get("for")
    promised = broadcasts.schedule(
        ports, request.actor.id, key, audience=audience, due_at=due_at, text=text, every=every
    )
    reach = reach_words(ports, audience)
    when = f"goes out at {at(promised.due_at)}" if due_at else "goes out now"
    sentence = f"The status of {key} {when} to {audience} ({reach})."
    return Message(sentence, [Paragraph(sentence)], tone="good")


def reach_words(ports: Ports, audience: str) -> str:
    """How many channels and people a message reaches."""
    rule = ports.policy.audiences[audience]
    return f"{count(len(rule.channels), 'channel')}, {count(len(rule.people), 'person', 'people')}"


def _form(ports: Ports, key: str, audience: str) -> Form:
    facts_of(ports, key)
    options = [
        Option(name, name, f"{rule.tier}, {reach_words(ports, name)}") for name, rule in ports.policy.audiences.items()
    ]
    fields = (
        ChoiceField("audience", "Who reads it", options, [audience]),
        TextField(
            "note", "Text", long=True, rich=True, optional=True, hint="Empty: Rollcall writes it from the facts."
        ),
        InstantField("at", "When", optional=True, hint="Empty: now."),
    )
    return Form(f"Status of {key}", "release_update", fields, "Send", {"release": key, "submitted": "yes"})
