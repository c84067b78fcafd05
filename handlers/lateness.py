"""Who was faster: what brought a release to where it is, for people who come too late."""

from __future__ import annotations

from collections.abc import Mapping

from handlers.conversation import Request, at
from handlers.phrases import who
from release_core.errors import NotFound, Refused
from release_core.lookups import find_release
from release_core.ports import Ports
from release_core.timeline import BOT, Kind, newest_fact

CODES = frozenset(("too_late", "over", "not_soaking"))
"""The refusals that say how far a release is by now."""

_BROUGHT: Mapping[str, tuple[Kind, str]] = {
    "deploying": (Kind.DEPLOYMENT_REQUESTED, "Its deployment was started by"),
    "soaking": (Kind.DEPLOYMENT_REQUESTED, "Its deployment was started by"),
    "rolled_back": (Kind.ROLLBACK_CONFIRMED, "Its rollback was confirmed by"),
    "cancelled": (Kind.RELEASE_CANCELLED, "Cancelled by"),
    "closed": (Kind.RELEASE_CLOSED, "Closed by"),
}


def how_it_went(ports: Ports, key: str) -> str:
    """ "Cancelled by @Anna, Mon 23 Nov 12:00." for a release that has gone or is over; "" for any other."""
    try:
        with ports.store.reading() as session:
            release = find_release(session, key)
            kind, words = _BROUGHT.get(release.state, (None, ""))
            fact = newest_fact(session, release.key, [kind]) if kind else None
    except NotFound:
        return ""
    if fact is None:
        return ""
    return f"Its watch ended {at(fact.at)}." if fact.actor == BOT else f"{words} {who(fact.actor)}, {at(fact.at)}."


def told(ports: Ports, request: Request, refused: Refused) -> Refused:
    """The refusal with who was faster, as far as it is about a release."""
    went = how_it_went(ports, str(request.args.get("release") or ""))
    sentence = f"{refused} {went}".strip()
    return Refused(refused.code, sentence, passes_at=refused.passes_at, who=refused.who)
