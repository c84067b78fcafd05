"""Which of our direct messages a person wants."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal, get_args

from sqlmodel import Session, select

from release_core.errors import NotFound, Unclear
from release_core.lookups import nearest
from release_core.models import Muted
from release_core.ports import Ports
from release_core.timeline import draw_homes_anew

Topic = Literal["approvals", "work", "releases", "reminders", "incidents", "status"]
TOPICS: tuple[Topic, ...] = get_args(Topic)

WORDS: Mapping[Topic, tuple[str, str]] = {
    "approvals": ("Asks for my yes", "approvals and risks that wait for you"),
    "work": ("My items and tasks", "given to you, or the next one to do"),
    "releases": ("Releases I own", "the window opens, the soak is over"),
    "reminders": ("Reminders before due", "a proof lapses before the window, a promised word is due"),
    "incidents": ("Incident updates", "an incident begins or ends"),
    "status": ("Status updates", "the promised words for your audience"),
}
"""How people call a topic, with what falls under it."""


def wanted_by(session: Session, person_id: str) -> tuple[Topic, ...]:
    """The topics that a person gets, in their order."""
    muted = muted_by(session, person_id)
    return tuple(topic for topic in TOPICS if topic not in muted)


def muted_by(session: Session, person_id: str) -> frozenset[str]:
    """The topics that a person switched off."""
    return frozenset(session.exec(select(Muted.topic).where(Muted.person_id == person_id)).all())


def find_topic(said: str) -> Topic:
    """The topic with a name; NotFound names the others."""
    found = next((topic for topic in TOPICS if topic == said.casefold()), None)
    if found is None:
        known = ", ".join(TOPICS)
        raise NotFound(f"There is no topic “{said}”. Topics: {known}.", nearest=nearest(said, TOPICS), field="topics")
    return found


def choose_topics(ports: Ports, person_id: str, wanted: Collection[str]) -> tuple[Topic, ...]:
    """Give a person exactly these topics from now on; returns them in their order."""
    chosen = {find_topic(topic) for topic in wanted}
    with ports.store.transaction() as session:
        return _keep(session, person_id, chosen, ports.clock.now())


def switch(ports: Ports, person_id: str, said: str, *, to: str) -> tuple[Topic, ...]:
    """Switch one topic, or "all" of them, "on" or "off"; returns what the person gets from now on."""
    if to not in ("on", "off"):
        raise Unclear("Say on or off: /release notify work off", field="topics")
    switched = set(TOPICS) if said.casefold() == "all" else {find_topic(said)}
    with ports.store.transaction() as session:
        before = set(wanted_by(session, person_id))
        chosen = before | switched if to == "on" else before - switched
        return _keep(session, person_id, chosen, ports.clock.now())


def _keep(session: Session, person_id: str, chosen: Collection[str], now: datetime) -> tuple[Topic, ...]:
    for topic in TOPICS:
        row = session.get(Muted, (person_id, topic))
        if topic in chosen and row is not None:
            session.delete(row)
        elif topic not in chosen and row is None:
            session.add(Muted(person_id=person_id, topic=topic))
    draw_homes_anew(session, f"notify:{person_id}:{now.isoformat()}", now=now)
    session.flush()
    return wanted_by(session, person_id)
