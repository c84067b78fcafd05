"""What Rollcall says by itself: which posts a fact touches, as they look now.

A slot names one post for ever: "headline:REL-1", "deployment:DEP-3", "approval:REL-1:qa:<digest>@U0TESTER". After the
`@` stands the channel or person that this copy is for; without it the post goes to the usual channel of its kind. A
post is drawn from the facts of the moment it is sent, so a late post is never a stale one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from sqlmodel import select

from handlers.conversation import Button, Message
from handlers.drawing import Drawing
from handlers.posts import DRAWINGS
from handlers.tellers import touched_by
from handlers.touching import Told, Touched
from release_core.models import TimelineEntry
from release_core.ports import Ports

__all__ = ["LOOK_BACK", "Announcement", "Touched", "draw", "touched"]

SHOW_ALL = Button("Show all", "release_whole")
"""What stands under a post of which the chat shows a part only."""
LOOK_BACK = timedelta(days=7)
"""How far back a post of ours is looked for when we do not know whether it was sent."""


@dataclass(frozen=True)
class Announcement:
    """One post as it looks now, for a channel or (`person`) for somebody alone; `under` is the slot of its thread."""

    slot: str
    to: str
    message: Message
    under: str | None = None
    person: bool = False


def touched(ports: Ports, stream: str, number: int) -> list[Touched]:
    """The posts that a fact touches, in the order in which they must be sent."""
    with ports.store.reading() as session:
        query = select(TimelineEntry).where(TimelineEntry.stream == stream, TimelineEntry.number == number)
        return touched_by(Told(session, ports, session.exec(query).one()))


def draw(ports: Ports, slot: str) -> Announcement | None:
    """One post as it looks now; None when there is nothing to show."""
    named, _, to = slot.partition("@")
    kind, *names = named.split(":")
    with ports.store.reading() as session:
        placed = DRAWINGS[kind](Drawing(session, ports), *names)
    if placed is None:
        return None
    message, channel, under = placed
    is_person = to.startswith(("U", "W"))
    message = replace(message, whole=SHOW_ALL)
    return Announcement(slot, to or channel, message, None if to else under, is_person)
