"""What somebody wrote in the chat, kept in a timeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from release_core.errors import Conflict, Unclear
from release_core.lookups import find_incident, find_release, open_incidents
from release_core.models import TimelineEntry
from release_core.permissions import require
from release_core.policy import Right
from release_core.ports import Ports
from release_core.timeline import Kind, record

LONGEST = 1200
"""How many characters of a message are kept, as many as a form can carry; its link leads to the rest."""


@dataclass(frozen=True)
class Quote:
    """A message of the chat: its words, who wrote it (chat id, "" for a program), where it stands, when it was said.

    `message` names it in its channel, as the chat does; `link` is its address, "" when that is not known; `program` is
    how the program that wrote it is called; with `reported` an incident was opened because of it.
    """

    text: str
    author: str = ""
    channel: str = ""
    message: str = ""
    link: str = ""
    said_at: datetime | None = None
    program: str = ""
    reported: bool = False


def right_for(key: str) -> Right:
    """What somebody must be allowed to do who writes into the timeline of a release or an incident."""
    return "handle_incident" if key.upper().startswith("INC-") else "note"


def keep_quote(ports: Ports, actor: str, key: str, quote: Quote) -> str:
    """Put a message into the timeline of a release or incident, open or not; returns its key.

    Conflict when it is there already.
    """
    require(ports.policy, actor, right_for(key))
    text = quote.text.strip()
    if not text:
        raise Unclear("The message has no words that could be kept. Note what it shows instead.", field="text")
    with ports.store.transaction() as session:
        is_incident = right_for(key) == "handle_incident"
        stream = find_incident(session, key).key if is_incident else find_release(session, key).key
        _must_be_new(session, stream, quote)
        details = {
            "text": text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…",
            "author": quote.author,
            "channel": quote.channel,
            "message": quote.message,
            "link": quote.link,
            "said_at": quote.said_at.isoformat() if quote.said_at else "",
            **({"program": quote.program} if quote.program else {}),
            **({"reported": True} if quote.reported else {}),
        }
        record(session, Kind.MESSAGE_KEPT, stream=stream, actor=actor, at=ports.clock.now(), details=details)
    return stream


def _must_be_new(session: Session, stream: str, quote: Quote) -> None:
    kept = select(TimelineEntry).where(TimelineEntry.stream == stream, TimelineEntry.kind == Kind.MESSAGE_KEPT)
    for entry in session.exec(kept) if quote.message else ():
        if (entry.details.get("channel"), entry.details.get("message")) == (quote.channel, quote.message):
            sentence = f"The timeline of {stream} has this message already."
            raise Conflict(sentence, by=entry.actor, at=entry.at, did="Kept by")


def must_be_unreported(ports: Ports, channel: str, message: str) -> None:
    """Conflict when an incident that is still open was opened because of a message."""
    with ports.store.reading() as session:
        streams = [incident.key for incident in open_incidents(session)]
        kept = select(TimelineEntry).where(
            TimelineEntry.kind == Kind.MESSAGE_KEPT, col(TimelineEntry.stream).in_(streams)
        )
        for entry in session.exec(kept) if message else ():
            about = (entry.details.get("channel"), entry.details.get("message"))
            if entry.details.get("reported") and about == (channel, message):
                sentence = f"This message was reported already: {entry.stream} is open because of it."
                raise Conflict(sentence, by=entry.actor, at=entry.at, did="Reported by")
