"""Releases called by their name or number alone, times said without “at”: what people leave out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from sqlmodel import col, select

from handlers.conversation import Button, Request
from handlers.grammar import SeveralTimes
from handlers.phrases import WhichOne
from handlers.spans import read_span
from handlers.times import Ambiguous, span_words
from handlers.verb import Verb
from release_core.errors import NotFound, Unclear
from release_core.lookups import FINAL_STATES, find_org
from release_core.models import Release
from release_core.ports import Ports

SHORTEST_PART = 3
"""Fewer letters of a name could be anybody's."""
MOST_LOOKED_AT = 500
_CLAUSES = re.compile(
    r"\[?(?:REL-1|INC-1|in ORG|as SEAT|at TIME(?: ?\|for \w+)?|until TIME\|for \w+|-- [^\]]*)\]?|at TIME|^export"
)
_POLITE = frozenset(("please", "pls", "now", "not", "it", "this"))


def completed(ports: Ports, verb: Verb, request: Request) -> Request:
    """The request with its loose words read as the verb wants them: an org, a time, a release's name.

    A `note` keeps the loose words free for these; without one they may be the note. NotFound when they are none of them
    and would be left out unsaid.
    """
    if "[in ORG]" in verb.usage or verb.usage.startswith("in ORG"):
        request = _with_org(ports, request)
    if _loose(request) and "[REL-1]" in verb.usage and "release" not in request.args:
        request = _with_name(ports, request)
    if (
        _loose(request)
        and "at" not in request.args
        and (verb.loose_time == "always" or (verb.loose_time == "perhaps" and "note" in request.args))
    ):
        request = _with_time(ports, verb, request)
    if _loose(request) and "[REL-1]" in verb.usage and "release" not in request.args and _asks_no_words(verb, request):
        request = _with_part(ports, verb, request)
    _must_be_used(verb, request)
    return request


def _must_be_used(verb: Verb, request: Request) -> None:
    """Refuse what would do something else than was said: words that belong to nothing."""
    words = [word for word in _loose(request) if word.casefold() not in _POLITE]
    is_one_time = verb.loose_time == "always" and "at" in request.args
    is_one_note = verb.loose_time == "perhaps" and "note" in request.args and _asks_no_words(verb, request)
    if words and (is_one_time or is_one_note):
        told = f"I do not understand what “{' '.join(words)[:80]}” belongs to, so nothing was done."
        raise Unclear(
            f"{told} Say a time in one piece, like “at tomorrow 22:00”, and your own words after “--”.", field="at"
        )


def _loose(request: Request) -> list[str]:
    return [str(word) for word in request.args.get("words", [])]


def _asks_no_words(verb: Verb, request: Request) -> bool:
    """Whether loose words can be nothing but the name of a release."""
    rest = _CLAUSES.sub("", verb.usage)
    return not rest.strip() and ("--" not in verb.usage or "note" in request.args)


def _with_org(ports: Ports, request: Request) -> Request:
    """An org that was said without its “in”, where it cannot be part of a note."""
    words = _loose(request)
    alone = len(words) == 1 or "note" in request.args
    if "org" in request.args or not alone or not words or len(words[0]) < SHORTEST_PART:
        return request
    try:
        return _about(request, "org", find_org(ports.policy, words[0]), words[1:])
    except NotFound:
        return request


def _with_time(ports: Ports, verb: Verb, request: Request) -> Request:
    """The loose words as the start, perhaps with the end: people leave out the “at”."""
    words = " ".join(_loose(request))
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


def _with_name(ports: Ports, request: Request) -> Request:
    """The open release whose whole name the words begin with."""
    words, known = _loose(request), _known(ports)
    for length in range(len(words), 0, -1):
        said = " ".join(words[:length]).casefold()
        keys = [key for key, name in known.items() if name.casefold() == said]
        if len(keys) == 1:
            return _about(request, "release", keys[0], words[length:])
    return request


def _with_part(ports: Ports, verb: Verb, request: Request) -> Request:
    """The release by its number alone, or by a part of its name."""
    words, known = [word for word in _loose(request) if word.casefold() not in _POLITE], _known(ports)
    if len(words) == 1 and (found := re.fullmatch(r"#?([0-9]{1,9})", words[0])):
        return _about(request, "release", f"REL-{int(found[1])}", ())
    parts = [word.casefold() for word in words if len(word) >= SHORTEST_PART]
    named = {key: name for key, name in known.items() if parts and all(part in name.casefold() for part in parts)}
    if len(named) == 1:
        return _about(request, "release", next(iter(named)), ())
    if named:
        raise WhichOne("release", {key: f"{key} {name}" for key, name in named.items()})
    if not words or (verb.right == "read" and verb.may is None):
        return request  # somebody who only looks sees which release it is
    said, first = " ".join(words)[:60], [f"{key} {name}" for key, name in known.items()][:5]
    hint = f" Open: {', '.join(first)}." if first else " No release is open."
    raise NotFound(
        f"No open release is called “{said}”, so nothing was done.{hint}", nearest=list(known)[:5], field="release"
    )


def _about(request: Request, name: str, value: str, words: Sequence[str]) -> Request:
    args = {said: held for said, held in request.args.items() if said != "words"}
    return replace(request, args={**args, name: value, **({"words": list(words)} if words else {})})


def _known(ports: Ports) -> dict[str, str]:
    """Open releases by key, newest first."""
    query = select(Release.key, Release.name).where(col(Release.state).not_in(FINAL_STATES))
    with ports.store.reading() as session:
        rows = session.exec(query.order_by(col(Release.id).desc()).limit(MOST_LOOKED_AT)).all()
    return dict(rows)
