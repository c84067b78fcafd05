"""What somebody may do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from handlers.conversation import Listing, Message, Note, Paragraph, Part, bold, code
from handlers.verb import Verb
from release_core.ports import Ports

HOW_TO_ASK = (
    "Times: “tomorrow 22:00”, “Fri 6pm Berlin”, “Fri 22:00-02:00”, “in 2h”. The same words work after a mention in a "
    "thread and in a direct message. The release is taken from the thread, or the only one open; its name will do, too."
)


def what_you_may(ports: Ports, person_id: str, root: Literal["release", "incident"], verbs: Iterable[Verb]) -> Message:
    """Every verb of a command that a person may use, as they would type it."""
    typed = [verb for verb in verbs if verb.root == root and verb.typed and not verb.is_menu]
    allowed = [verb for verb in typed if verb.is_for(ports, person_id)]
    lines = [f"{code(verb.as_typed)} {verb.summary}" for verb in allowed]
    parts: list[Part] = [Paragraph(bold(f"What you may do with /{root}")), Listing(lines), Note(HOW_TO_ASK)]
    if len(allowed) < len(typed):
        parts.append(Note(f"{len(typed) - len(allowed)} more are for others; asking anyway tells you who may."))
    return Message(f"{len(lines)} things you may do with /{root}", parts)
