"""Which people have opened their own page, what each of these pages shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, desc, select

from release_core.models import Intent, Post
from release_core.permissions import WORDS, seat_people, team_people
from release_core.ports import Ports
from release_core.timeline import HOMES, HOMES_FLOW

_PAGE = re.compile("[a-z]{1,20}:[0-9]{1,8}")
OPEN_FOR = timedelta(days=3)
"""How long a page counts as looked at after its owner last opened it; opening it again draws it anew anyway."""


@dataclass(frozen=True)
class Page:
    """Somebody's page as it was last brought: which part of it, a digest of what it shows."""

    page: str
    drawn: str


def serves(ports: Ports, person: str) -> bool:
    """Whether the policy knows a person: they hold a role, sit in a seat, belong to a team, or are told of releases."""
    policy = ports.policy
    named = [*policy.people.values(), *(audience.people for audience in policy.audiences.values())]
    if any(person in people for people in (*named, *map(policy.holders_of, WORDS))):
        return True
    with ports.store.reading() as session:
        seats = (seat_people(session, policy, seat) for seat in policy.seats)
        teams = (team_people(session, policy, team) for team in policy.teams)
        return any(person in people for people in (*seats, *teams))


def note_shown(ports: Ports, person: str, page: str, drawn: str, *, opened: bool) -> None:
    """A person's page shows this now; with `opened` they looked at it just now."""
    page = page if _PAGE.fullmatch(page) else ""  # it came back from outside
    with ports.store.transaction() as session:
        known = session.get(Post, _slot(person))
        at = str(ports.clock.now().timestamp()) if opened or known is None else known.ts
        session.merge(Post(slot=_slot(person), channel=person, ts=at, thread=page, stream=HOMES, drawn=drawn))


def shown(ports: Ports, person: str) -> Page | None:
    """What a person's page shows; None when they never opened it."""
    with ports.store.reading() as session:
        known = session.get(Post, _slot(person))
        return Page(known.thread, known.drawn) if known else None


def forget(ports: Ports, person: str) -> None:
    """Nobody looks at this page any more."""
    with ports.store.transaction() as session:
        known = session.get(Post, _slot(person))
        if known is not None:
            session.delete(known)


def looked_at(session: Session, now: datetime) -> Sequence[str]:
    """The people who may have their page before them, those who opened it last first."""
    pages = session.exec(select(Post).where(Post.stream == HOMES).order_by(desc(col(Post.ts)))).all()
    return [page.channel for page in pages if now - _opened_at(page) < OPEN_FOR]


def gather_up(ports: Ports) -> None:
    """Whoever looks through the pages from now on does so for everything that happened up to now."""
    # What is committed later writes an intent of its own, so nothing that happens meanwhile is missed.
    with ports.store.transaction() as session:
        for intent in session.exec(select(Intent).where(Intent.flow == HOMES_FLOW, Intent.state == "due")):
            intent.state = "withdrawn"
            session.add(intent)


def _slot(person: str) -> str:
    return f"home:{person}"


def _opened_at(page: Post) -> datetime:
    return datetime.fromtimestamp(float(page.ts), UTC)
