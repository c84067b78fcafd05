"""How the times that somebody typed were understood, told back in the zone in which they were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from handlers.conversation import Answer, Form, Message, Note, Request, at
from handlers.times import Moment, span_words
from handlers.zones import named_zone
from release_core.errors import Unclear

_TYPED = ("at", "until")


def in_utc(request: Request) -> Request:
    """The request as the core wants it: every instant in UTC."""
    args = {
        name: value.astimezone(UTC) if isinstance(value, datetime) else value for name, value in request.args.items()
    }
    return replace(request, args=args)


def understood_times(args: Mapping[str, Any], zone: str) -> str:
    """ "Understood: Fri 27 Nov 2026 18:00 CET (Europe/Berlin)."; "" where nobody typed a time.

    `zone` is the one the reader lives in: where it shows other hours, the start is told in theirs, too.
    """
    typed = [args[name] for name in _TYPED if isinstance(args.get(name), datetime) and args[name].tzinfo is not UTC]
    if not typed:
        return ""
    moments = [Moment(each.astimezone(UTC), _zone(each)) for each in typed]
    said = span_words((moments[0], moments[1] if len(moments) > 1 else None)) + "".join(
        dict.fromkeys(map(_clock_change, typed))
    )
    start = typed[0]
    theirs = _home(zone)
    elsewhere = theirs is not None and start.astimezone(theirs).utcoffset() != start.utcoffset()
    return f"Understood: {said}{f', for you {at(start)}' if elsewhere else ''}."


def with_times(answer: Answer, request: Request) -> Answer:
    """The answer, telling how the times in the request were understood."""
    told = understood_times(request.args, request.actor.zone)
    match answer:
        case Message() if told:
            return replace(answer, parts=[*answer.parts, Note(told)])
        case Form() if told:
            return replace(answer, intro=[Note(told), *answer.intro])
    return answer


def _zone(instant: datetime) -> tzinfo:
    assert instant.tzinfo is not None, "what is typed is read in a zone"
    return instant.tzinfo


def _home(zone: str) -> tzinfo | None:
    try:
        return named_zone(zone)
    except Unclear:
        return None


def _clock_change(instant: datetime) -> str:
    """What is worth knowing of a time that a clock change skips or brings twice."""
    zone, wall = _zone(instant), instant.replace(tzinfo=None)
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        return " (the first of two, the clocks go back)"
    before = (instant.astimezone(UTC) - timedelta(seconds=1)).astimezone(zone)
    return " (when the clocks go forward)" if before.utcoffset() != instant.utcoffset() else ""
