"""All of a message of which the chat could show a part only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlmodel import col, select

from handlers.announcements import SHOW_ALL, draw
from handlers.conversation import Answer, Attachment, Button, Message, Paragraph, Request
from handlers.plain import whole_text
from handlers.verb import Verb
from handlers.zones import named_zone
from release_core.errors import Unclear
from release_core.models import Person, Post
from release_core.ports import Ports

ASKED = "whole_of"
"""The argument that names what was asked, when it was an answer that did not fit."""
LONGEST_NAME = 60


def of_answer(request: Request) -> Button:
    """A click for all of the answer to the same question."""
    return replace(SHOW_ALL, args={**request.args, ASKED: request.verb})


def whole(ports: Ports, request: Request, verbs: Mapping[str, Verb]) -> Answer:
    """All of the post that was clicked, or of the answer to a question asked once more, as a file of plain text."""
    asked = str(request.args.get(ASKED) or "")
    if asked:
        message = _answered(ports, request, verbs, asked)
        name = (
            f"{asked.removeprefix('release_')}-{request.args.get('release') or request.args.get('incident') or 'all'}"
        )
    else:
        message, name = _posted(ports, request)
    zone = named_zone(request.actor.zone or "UTC")
    data = whole_text(message, zone, lambda chat_id: _called(ports, chat_id)).encode()
    sentence = "All of it is in the file, as it stands now."
    file = Attachment(f"{name[:LONGEST_NAME].strip('-')}.txt", data, "All of it")
    return Message(sentence, [Paragraph(sentence)], attachments=[file])


def _answered(ports: Ports, request: Request, verbs: Mapping[str, Verb], asked: str) -> Message:
    verb = verbs.get(asked)
    if verb is None or not verb.only_looks:
        raise Unclear("Nothing more can be shown of this. Ask for it again.")
    args = {name: value for name, value in request.args.items() if name != ASKED}
    answer = verb.answer(ports, replace(request, verb=asked, args=args))
    if not isinstance(answer, Message):
        raise Unclear("Nothing more can be shown of this. Ask for it again.")
    return answer


def _posted(ports: Ports, request: Request) -> tuple[Message, str]:
    """The clicked post as it stands now, with a name for its file."""
    if not request.origin:
        raise Unclear("Press the button under the message that you want to see all of.")
    with ports.store.reading() as session:
        query = select(Post.slot).where(Post.channel == request.place.channel, col(Post.ts) == request.origin)
        slot = session.exec(query).first()
    drawn = draw(ports, slot) if slot else None
    if slot is None or drawn is None:
        raise Unclear("This message is not kept up to date any more. Press the button under a newer one.")
    return drawn.message, "-".join(slot.partition("@")[0].split(":")[:3])


def _called(ports: Ports, chat_id: str) -> str:
    with ports.store.reading() as session:
        person = session.get(Person, chat_id)
    return f"@{person.name}" if person and person.name else chat_id
