"""What people say about when a release starts: by itself, not now, go on."""

from __future__ import annotations

from handlers.conversation import Actions, Answer, Form, Message, Paragraph, Request, TextField, at
from handlers.phrases import do, note_argument, org_title, plainly, release_argument
from handlers.releases import facts_of
from release_core import starting
from release_core.ports import Ports


def book(ports: Ports, request: Request) -> Answer:
    """`/release book`: it starts by itself when its window is open."""
    key = release_argument(ports, request)
    starts_at = starting.book_start(ports, request.actor.id, key)
    title = org_title(ports.policy, facts_of(ports, key).release.target_org)
    sentence = (
        f"{key} goes to {title} by itself at {at(starts_at)} (in your own time zone), in your name, if every gate is "
        "open then. People are told 3 hours and 15 minutes before."
    )
    buttons = [
        do("Skip this one", "release_skip", release=key),
        do("Hold…", "release_hold", release=key),
        do("May we go?", "release_why", release=key),
    ]
    return Message(sentence, [Paragraph(sentence), Actions(buttons)], tone="wait")


def skip(ports: Ports, request: Request) -> Answer:
    """`/release skip`: it does not start by itself in this window."""
    key = release_argument(ports, request)
    starting.skip_start(ports, request.actor.id, key)
    return plainly(f"{key} does not start by itself any more. Inside its window the button starts it.", "good")


def hold(ports: Ports, request: Request) -> Answer:
    """`/release hold`: it does not start, however open its gates are."""
    key, reason = release_argument(ports, request), note_argument(request)
    if not reason:
        facts_of(ports, key)
        return Form(f"Hold {key}", "release_hold", (TextField("note", "Why", long=True),), "Hold", {"release": key})
    starting.hold(ports, request.actor.id, key, reason)
    sentence = f"{key} is held: it does not start until somebody resumes it."
    return Message(sentence, [Paragraph(sentence), Actions([do("Resume", "release_resume", release=key)])], tone="stop")


def resume(ports: Ports, request: Request) -> Answer:
    """`/release resume`: it may go again."""
    key = release_argument(ports, request)
    starting.resume(ports, request.actor.id, key, note_argument(request))
    sentence = f"{key} is not held any more."
    return Message(
        sentence, [Paragraph(sentence), Actions([do("May we go?", "release_why", release=key)])], tone="good"
    )
