"""What is shown under a link of ours that somebody posted."""

from __future__ import annotations

from dataclasses import replace

from handlers.addresses import key_in
from handlers.conversation import Actions, Message, Note, at
from handlers.drawing import Drawing
from handlers.posts import DRAWINGS
from release_core.errors import NotFound
from release_core.ports import Ports


def card_behind(ports: Ports, url: str) -> Message | None:
    """The headline that a link leads to, as it stands now; None when the link is none of ours, or leads to nothing.

    It has nothing to click: it is not kept current, unlike the headline itself.
    """
    key = key_in(ports.policy, url)
    if not key:
        return None
    kind = "headline" if key.startswith("REL-") else "incident"
    try:
        with ports.store.reading() as session:
            placed = DRAWINGS[kind](Drawing(session, ports), key)
    except NotFound:
        return None
    if placed is None:
        return None
    parts = [part for part in placed[0].parts if not isinstance(part, Actions)]
    return replace(placed[0], parts=[*parts, Note(f"As of {at(ports.clock.now())}.")])
