"""What a person sees on their own page; what they owe."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from handlers.conversation import (
    Actions,
    Actor,
    Answer,
    Button,
    Heading,
    Home,
    Listing,
    Message,
    Note,
    Paragraph,
    Part,
    Request,
    Rule,
    at,
    bold,
)
from handlers.days import Day, day_of
from handlers.notifications import switches_words
from handlers.owing import Owed, concerned, owed
from handlers.phrases import count, do, incident_line, lock_line, org_title, plainly, release_line
from release_core.facts import gather
from release_core.lookups import BEFORE_DEPLOYMENT, FINAL_STATES, open_incidents, open_releases
from release_core.models import DeploymentWindow, Incident, OrgLock, Release
from release_core.notifications import Topic, wanted_by
from release_core.org_locks import standing_locks
from release_core.permissions import may
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.scheduling import freezes_ahead
from release_core.windows import FrozenSpan

PAGE = 20
"""How many lines of each kind the page shows at once: with their buttons all of them stay below 100 blocks."""
PAGE_OF_MESSAGE = 12
"""How many of them a message holds, within 10 KB."""
MOST_READ = 200
"""How many of the releases that concern somebody are looked through."""
AHEAD = 10


@dataclass(frozen=True)
class _Owing:
    """What waits for somebody, read at one moment; `unread` counts releases that were not looked through."""

    owes: Sequence[Owed]
    unread: int


def _owing(session: Session, ports: Ports, person_id: str) -> _Owing:
    mine = concerned(session, ports.policy, person_id)
    facts = [gather(session, ports.policy, release) for release in mine[:MOST_READ]]
    owes = owed(session, ports.policy, person_id, ports.clock.now(), facts)
    return _Owing(owes, max(0, len(mine) - MOST_READ))


@dataclass(frozen=True)
class _Seen:
    """What a page is drawn from, read at one moment."""

    policy: Policy
    now: datetime
    owing: _Owing
    releases: Sequence[Release]
    windows: Sequence[tuple[Release, DeploymentWindow]]
    incidents: Sequence[Incident]
    frozen: Sequence[FrozenSpan]
    locks: Sequence[OrgLock]
    wanted: Sequence[Topic]


def _look(ports: Ports, person_id: str) -> _Seen:
    now = ports.clock.now()
    with ports.store.reading() as session:
        return _Seen(
            ports.policy,
            now,
            _owing(session, ports, person_id),
            open_releases(session),
            _windows_ahead(session, now),
            open_incidents(session),
            freezes_ahead(session, ports.policy, now),
            standing_locks(session),
            wanted_by(session, person_id),
        )


def _windows_ahead(session: Session, now: datetime) -> Sequence[tuple[Release, DeploymentWindow]]:
    query = (
        select(Release, DeploymentWindow)
        .join(DeploymentWindow, col(DeploymentWindow.release_id) == col(Release.id))
        .where(col(Release.state).not_in(FINAL_STATES), col(DeploymentWindow.state).in_(("booked", "open")))
        .where(col(DeploymentWindow.ends_at) > now)
        .order_by(col(DeploymentWindow.starts_at))
    )
    return session.exec(query).all()


def todo(ports: Ports, request: Request) -> Answer:
    """`/release todo`: what the asker owes, across releases."""
    with ports.store.reading() as session:
        seen = _owing(session, ports, request.actor.id)
    if not seen.owes:
        return plainly("You owe nothing.", "good")
    sentence = f"You owe {count(len(seen.owes), 'thing')}."
    start = _start(str(request.args.get("from") or ""), len(seen.owes), PAGE_OF_MESSAGE)
    shown = seen.owes[start : start + PAGE_OF_MESSAGE]
    parts: list[Part] = [Paragraph(bold(sentence)), *(Paragraph(one.line, one.button) for one in shown)]
    if left := len(seen.owes) - start - len(shown):
        turn = do(f"Next {min(left, PAGE_OF_MESSAGE)}", "release_todo", **{"from": str(start + PAGE_OF_MESSAGE)})
        parts.append(Actions([turn]))
    return Message(sentence, [*parts, *_unread(seen)])


def turn(ports: Ports, request: Request) -> Answer:
    """`/release home`: the asker's own page made anew, with the lines that were asked for."""
    return home(ports, request.actor, str(request.args.get("page") or ""))


def home(ports: Ports, actor: Actor, page: str = "") -> Home:
    """A person's own page: what they owe, today in their zone, what is live, which messages they get.

    `page` says which lines are shown of what is too long for one page: "owed:20", "releases:40"; "" for the first.
    """
    seen = _look(ports, actor.id)
    first = [do("New release…", "release_new")] if may(ports.policy, actor.id, "plan") else []
    first += [do("Everything…", "release_menu"), do("Incidents…", "incident_menu")]
    first.append(do("Calendar", "release_calendar"))
    parts: list[Part] = [Actions(first)]
    parts += [*_owed(seen, page), Rule(), *_today(seen, day_of(seen.now, actor.zone)), Rule()]
    parts += [*_incidents(seen, page), *_releases(seen, page), Rule(), *_switches(seen)]
    return Home([*parts, Note(f"As of {at(seen.now)}.")], page)


def shows(home: Home) -> str:
    """A digest of what a page shows, whenever it was drawn."""
    # The last line only says when that was.
    return hashlib.sha256(repr((home.parts[:-1], home.page)).encode()).hexdigest()


def _owed(seen: _Seen, page: str) -> list[Part]:
    lines = [Paragraph(one.line, one.button) for one in seen.owing.owes]
    return [*_paged("owed", "What you owe", lines, page, nothing="Nothing."), *_unread(seen.owing)]


def _unread(seen: _Owing) -> list[Part]:
    return [Note(f"{seen.unread} more of your releases were not looked through.")] if seen.unread else []


def _releases(seen: _Seen, page: str) -> list[Part]:
    lines = [Paragraph(release_line(release, seen.policy), _look_at(release)) for release in seen.releases]
    return _paged("releases", "Releases", lines, page, nothing="No release is open.")


def _look_at(release: Release) -> Button:
    if release.state in BEFORE_DEPLOYMENT:
        return do("May we go?", "release_why", release=release.key)
    return do("Status", "release_status", release=release.key)


def _incidents(seen: _Seen, page: str) -> list[Part]:
    lines = [
        Paragraph(incident_line(one, seen.policy), do("Status", "incident_status", incident=one.key))
        for one in seen.incidents
    ]
    return _paged("incidents", "Incidents", lines, page, nothing="") if lines else []


def _paged(name: str, title: str, lines: Sequence[Part], page: str, *, nothing: str) -> list[Part]:
    """The lines of one kind that a page shows, with buttons to those before and after them."""
    said, _, number = page.partition(":")
    start = _start(number if said == name else "", len(lines), PAGE)
    shown, before, after = lines[start : start + PAGE], min(start, PAGE), min(len(lines) - start - PAGE, PAGE)
    where = f" ({start + 1} to {start + len(shown)} of {len(lines)})" if len(lines) > PAGE else ""
    turns = [do(f"Back {before}", "release_home", page=f"{name}:{start - before}")] if before else []
    turns += [do(f"Next {after}", "release_home", page=f"{name}:{start + PAGE}")] if after > 0 else []
    head = Heading(f"{title}{where}")
    return [head, *(shown or [Listing([nothing])]), *([Actions(turns)] if turns else [])]


def _start(said: str, length: int, size: int) -> int:
    """The first line to show: the one that was asked for, as long as there are that many."""
    asked = int(said) if said.isdecimal() and len(said) < 9 else 0
    return min(asked, max(0, (length - 1) // size * size))


def _today(seen: _Seen, day: Day) -> list[Part]:
    """Windows, freezes and locks of the day in the reader's zone, then what comes after it."""
    dated = [*_windows(seen), *_freezes(seen)]
    now = [line for starts, ends, line in dated if day.meets(starts, ends)]
    later = [line for starts, _, line in sorted(dated, key=lambda one: one[0]) if starts >= day.ends_at]
    locks = [lock_line(lock, seen.policy) for lock in seen.locks]
    parts: list[Part] = [Heading(f"Today, {day.title}")]
    parts.append(Listing([*locks, *now] or ["No window, no freeze."]))
    if later:
        parts += [Paragraph(bold("Ahead")), Listing(later[:AHEAD])]
    return parts


def _windows(seen: _Seen) -> list[tuple[datetime, datetime, str]]:
    return [
        (
            window.starts_at,
            window.ends_at,
            f"{bold(release.key)} {at(window.starts_at)} to {at(window.ends_at)}, "
            f"{org_title(seen.policy, release.target_org)}",
        )
        for release, window in seen.windows
    ]


def _freezes(seen: _Seen) -> list[tuple[datetime, datetime, str]]:
    return [
        (
            span.starts_at,
            span.ends_at,
            f"Freeze {span.key} “{span.name}” on {org_title(seen.policy, span.org)}, "
            f"{at(span.starts_at)} to {at(span.ends_at)}",
        )
        for span in seen.frozen
    ]


def _switches(seen: _Seen) -> list[Part]:
    return [Heading("My direct messages"), Paragraph(switches_words(seen.wanted), do("Change…", "release_notify"))]
