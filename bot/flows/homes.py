"""The pages that people have opened are drawn anew after what changes them, one person after the other."""

from __future__ import annotations

import time
from typing import Any

import structlog

from bot.chat_problems import ChatProblem, ChatUnavailable, PersonUnreachable, TokenEnded
from bot.durable import fact, flow, pause, step
from bot.outside import Outside, current
from handlers.conversation import Actor, Home
from handlers.home import home, shows
from release_core import homes as pages
from release_core.models import Person

log = structlog.get_logger(__name__)

TRIES_A_PAGE = 3
# Where hundreds of releases are open a page takes a while to draw; people who ask for something go before it.
SHORT, REST, LONGEST_REST = 0.1, 3.0, 5.0
FOR_AN_HOUR = 64
"""How often a page is tried while the chat is away, a minute between two tries in the end."""


@flow("homes", queue="tell")
def homes(args: dict[str, Any]) -> None:
    """Look through the pages that people may have before them; bring those that became untrue."""
    gather_up()
    for person in looked_at():
        try:
            took = bring(person)
        except ChatProblem as problem:
            log.error("chat.home_not_shown", person=person, problem=str(problem))
            continue
        if took > SHORT:
            pause(min(REST * took, LONGEST_REST))


@fact
def gather_up() -> None:
    """What happened up to now needs no look of its own."""
    pages.gather_up(current().ports)


@step
def looked_at() -> list[str]:
    """Whose pages may be looked at."""
    ports = current().ports
    with ports.store.reading() as session:
        return list(pages.looked_at(session, ports.clock.now()))


@step(tries=FOR_AN_HOUR, on=(ChatUnavailable, TokenEnded))
def bring(person: str) -> float:
    """Make one page show what is true now; nothing is sent when it does already. Returns the seconds it took."""
    outside, began = current(), time.monotonic()
    # Its owner may turn it over, or something may happen, while it is on its way: so it is looked at again after it.
    for _ in range(TRIES_A_PAGE):
        known, actor = pages.shown(outside.ports, person), _actor(outside, person)
        if known is None or actor is None:
            break
        anew = home(outside.ports, actor, known.page)
        if shows(anew) == known.drawn:
            break
        _publish(outside, actor, anew)
    return time.monotonic() - began


def _publish(outside: Outside, actor: Actor, anew: Home) -> None:
    try:
        outside.chat.publish(actor.id, anew, actor.zone, lambda person: _name_of(outside, person))
    except PersonUnreachable:
        pages.forget(outside.ports, actor.id)
        return
    pages.note_shown(outside.ports, actor.id, anew.page, shows(anew), opened=False)


def _actor(outside: Outside, person: str) -> Actor | None:
    with outside.ports.store.reading() as session:
        known = session.get(Person, person)
    if known is None:
        return Actor(person, "", outside.ports.policy.zone)
    return None if known.deactivated else Actor(person, known.name, known.zone)


def _name_of(outside: Outside, person: str) -> str:
    actor = _actor(outside, person)
    return f"@{actor.name}" if actor and actor.name else f"@{person}"
