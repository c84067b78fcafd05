"""What people say with “Add to timeline” on a message."""

from __future__ import annotations

from typing import Any

from handlers.conversation import Answer, ChoiceField, Form, Option, Paragraph, Request, person
from handlers.phrases import plainly, shortened
from release_core import quotes
from release_core.errors import Refused, Unclear
from release_core.lookups import open_incidents, open_releases
from release_core.permissions import may, require
from release_core.ports import Ports
from release_core.quotes import LONGEST, Quote, right_for

OFFERED_AT_MOST = 100  # of one menu
CARRIED = ("author", "program", "channel", "message", "link", "said_at")
"""What a form takes along of a message beside its words; nobody edits what somebody else wrote."""


def remember(ports: Ports, request: Request) -> Answer:
    """ "Add to timeline": at once where the thread tells which timeline, else a form asks."""
    if "text" not in request.args and "message" not in request.args:
        raise Unclear("Press the button “Add to timeline” among the actions of a message: it takes the message along.")
    where = str(request.args.get("where") or request.args.get("incident") or request.args.get("release") or "")
    if not where:
        return _form(ports, request)
    require(ports.policy, request.actor.id, right_for(where))
    key = quotes.keep_quote(ports, request.actor.id, where, quoted(request))
    return plainly(f"The message is in the timeline of {key}.", "good")


def quoted(request: Request, *, reported: bool = False) -> Quote:
    """The message that a request takes along."""
    said = request.args
    return Quote(
        text=str(said.get("text") or ""),
        **{name: str(said.get(name) or "") for name in ("author", "program", "message", "link")},
        channel=str(said.get("channel") or request.place.channel),
        said_at=said.get("said_at"),
        reported=reported,
    )


def carried(request: Request) -> dict[str, Any]:
    """What a form takes along of the message that a request is about; {} where it is about none."""
    if not request.args.get("message"):
        return {}
    taken: dict[str, Any] = {name: request.args[name] for name in CARRIED if request.args.get(name)}
    taken.setdefault("channel", request.place.channel)
    taken["text"] = shortened(str(request.args.get("text") or ""), LONGEST)
    return taken


def _form(ports: Ports, request: Request) -> Form:
    options = _timelines(ports, request.actor.id)
    if not options:
        raise Refused("nothing_open", "No release and no incident is open whose timeline you may write into.")
    taken = carried(request) or {"text": shortened(str(request.args.get("text") or ""), LONGEST)}
    field = ChoiceField("where", "Timeline of", options, [options[0].value] if len(options) == 1 else [])
    author = f"{person(taken['author'])}: " if "author" in taken else ""
    intro = [Paragraph(f"{author}“{taken['text']}”")]
    return Form("Add to timeline", "release_remember", (field,), "Add", taken, intro)


def _timelines(ports: Ports, person_id: str) -> list[Option]:
    """The open incidents, then the open releases, as far as somebody may write into them."""
    with ports.store.reading() as session:
        found = [(one.key, one.title) for one in open_incidents(session)]
        found += [(one.key, one.name) for one in open_releases(session)]
    mine = [(key, name) for key, name in found if may(ports.policy, person_id, right_for(key))]
    return [Option(key, shortened(f"{key} {name}", 60)) for key, name in mine[:OFFERED_AT_MOST]]
