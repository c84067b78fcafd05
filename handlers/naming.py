"""Releases called by their name or number alone, times said without “at”: what people leave out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlmodel import col, select

from handlers.conversation import Button, Request
from handlers.grammar import SeveralTimes
from handlers.phrases import WhichOne
from handlers.times import Ambiguous, read_span, span_words
from handlers.verb import Verb
from release_core.errors import NotFound, Unclear
from release_core.lookups import FINAL_STATES
from release_core.models import Release
from release_core.ports import Ports

SHORTEST_PART = 3
"""Fewer letters of a name could be anybody's."""
MOST_LOOKED_AT = 500


def completed(ports: Ports, verb: Verb, request: Request) -> Request:
    """The request with its loose words read as the verb wants them: a release's name, a time."""
    if not request.args.get("words"):
        return request
    if verb.usage.startswith("[REL-1]") and "release" not in request.args:
        request = _with_release(ports, verb, request)
    if verb.loose_time != "never" and "at" not in request.args and request.args.get("words"):
        request = _with_time(ports, verb, request)
    return request


def _with_time(ports: Ports, verb: Verb, request: Request) -> Request:
    """The loose words as the start, perhaps with the end: people leave out the “at”."""
    words = " ".join(_words(request))
    rest = {name: value for name, value in request.args.items() if name != "words"}
    try:
        start, end = read_span(words, zone=request.actor.zone, now=ports.clock.now())
    except Ambiguous as several:
        instead = [
            Button(
                span_words((start, end)),
                request.verb,
                rest | _bounds(start.at.astimezone(start.zone), end and end.at.astimezone(end.zone)),
            )
            for start, end in several.readings
        ]
        raise SeveralTimes(several, instead) from None
    except Unclear:
        if verb.loose_time == "always":
            raise
        return request
    return replace(request, args=rest | _bounds(start.at.astimezone(start.zone), end and end.at.astimezone(end.zone)))


def _bounds(start: object, end: object) -> dict[str, object]:
    return {"at": start} | ({"until": end} if end else {})


def _with_release(ports: Ports, verb: Verb, request: Request) -> Request:
    """The release whose name or number the words begin with; a part of a name where nothing else is asked for."""
    words = _words(request)
    known = _known(ports)
    alone = verb.usage.strip() == "[REL-1]"
    if alone and len(words) == 1 and (found := re.fullmatch(r"#?([0-9]{1,9})", words[0])):
        return _about(request, f"REL-{int(found[1])}", ())
    for length in range(len(words), 0, -1):
        said = " ".join(words[:length]).casefold()
        keys = [key for key, name in known.items() if name.casefold() == said]
        if len(keys) == 1:
            return _about(request, keys[0], words[length:])
    if not alone:
        return request
    return _by_part(request, verb, known, [word.casefold() for word in words])


def _by_part(request: Request, verb: Verb, known: Mapping[str, str], words: Sequence[str]) -> Request:
    long = [word for word in words if len(word) >= SHORTEST_PART]
    found = {key: name for key, name in known.items() if long and all(word in name.casefold() for word in long)}
    if len(found) == 1:
        return _about(request, next(iter(found)), ())
    if found:
        raise WhichOne("release", {key: f"{key} {name}" for key, name in found.items()})
    if verb.right == "read" and verb.may is None:
        return request  # somebody who only looks sees which release it is
    said = " ".join(_words(request))[:60]
    names = list(known)[:5]
    hint = f" Open: {', '.join(f'{key} {known[key]}' for key in names)}." if names else ""
    raise NotFound(f"No open release is called “{said}”.{hint}", nearest=names, field="release")


def _about(request: Request, key: str, words: Sequence[str]) -> Request:
    args = {name: value for name, value in request.args.items() if name != "words"}
    return replace(request, args={**args, "release": key, **({"words": list(words)} if words else {})})


def _words(request: Request) -> list[str]:
    return [str(word) for word in request.args.get("words", [])]


def _known(ports: Ports) -> dict[str, str]:
    """Open releases by key, newest first."""
    query = select(Release.key, Release.name).where(col(Release.state).not_in(FINAL_STATES))
    with ports.store.reading() as session:
        rows = session.exec(query.order_by(col(Release.id).desc()).limit(MOST_LOOKED_AT)).all()
    return dict(rows)
