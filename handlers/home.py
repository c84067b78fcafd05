"""What a person sees on their own page; what they owe."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from handlers.conversation import (
    Actions,
    Answer,
    Home,
    Listing,
    Message,
    Note,
    Paragraph,
    Part,
    Request,
    at,
    bold,
)
from handlers.phrases import count, do, incident_line, lock_line, org_title, plainly, release_line
from release_core.acceptances import RISKS
from release_core.facts import ReleaseFacts, gather
from release_core.lookups import open_incidents, open_releases
from release_core.org_locks import standing_locks
from release_core.permissions import may
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.readiness import SETTLED, item_owners, who_may_answer
from release_core.risks import is_open, who_may_accept
from release_core.rollback_requests import waiting_for
from release_core.run_sheets import holding, phase_now, steps, task_owners
from release_core.scheduling import freezes_ahead


def todo(ports: Ports, request: Request) -> Answer:
    """`/release todo`: what the asker owes, across releases."""
    with ports.store.reading() as session:
        lines = owed(session, ports.policy, request.actor.id, ports.clock.now())
    if not lines:
        return plainly("You owe nothing.", "good")
    sentence = f"You owe {count(len(lines), 'thing')}."
    return Message(sentence, [Paragraph(bold(sentence)), Listing(lines)])


def owed(session: Session, policy: Policy, person_id: str, now: datetime) -> list[str]:
    """One line for each thing that waits for a person."""
    lines = [
        f"{bold(release.key)} yes or no to its rollback, until {at(until)}"
        for release, until in waiting_for(session, policy, person_id, now)
    ]
    for release in open_releases(session)[:40]:
        facts = gather(session, policy, release)
        lines += [*_items_owed(facts, policy, person_id, now), *_answers_owed(facts, policy, person_id)]
        lines += _tasks_owed(facts, person_id)
        lines += _acceptances_owed(facts, person_id, now)
    return lines


def _items_owed(facts: ReleaseFacts, policy: Policy, person_id: str, now: datetime) -> list[str]:
    loose = [item for item in facts.items if not item.rule and item.state not in SETTLED]
    mine = [item for item in loose if person_id in item_owners(item, facts, policy)]
    return [
        f"{bold(facts.release.key)} item {item.number} “{item.title}”"
        + (f", due {at(item.due_at)}{' (overdue)' if item.due_at < now else ''}" if item.due_at else "")
        for item in mine
    ]


def _tasks_owed(facts: ReleaseFacts, person_id: str) -> list[str]:
    """The tasks of the phase that it is in: the one whose turn it is first, the others as what comes."""
    phase, held = phase_now(facts), holding(facts)
    loose = [task for task in steps(facts, phase) if task.state not in SETTLED] if phase else []
    return [
        f"{bold(facts.release.key)} task {task.number} “{task.title}”, "
        + ("your turn" if task == held else f"after task {held.number}" if held else "to come")
        for task in loose
        if person_id in task_owners(task, facts)
    ]


def _answers_owed(facts: ReleaseFacts, policy: Policy, person_id: str) -> list[str]:
    if not facts.release.asked_digest or facts.release.asked_digest != facts.digest:
        return []
    waiting = [seat for seat in facts.seats if facts.approval(seat) is None]
    seats = [seat for seat in waiting if person_id in who_may_answer(facts, seat)]
    return [f"{bold(facts.release.key)} approval for {policy.seats[seat].title}" for seat in seats]


def _acceptances_owed(facts: ReleaseFacts, person_id: str, now: datetime) -> list[str]:
    asked = facts.release.asked_digest and facts.release.asked_digest == facts.digest
    told = {"impossible": "what cannot come back", "no_snapshot": "going without a way back"}
    wanted = [risk for risk in RISKS if is_open(facts, risk, now) and (asked or risk == "no_snapshot")]
    mine = [risk for risk in wanted if person_id in who_may_accept(facts, risk)]
    return [f"{bold(facts.release.key)} yes or no to {told[risk]}, in writing" for risk in mine]


def home(ports: Ports, person_id: str) -> Home:
    """A person's own page: what they owe, what is live, windows and freezes ahead."""
    now = ports.clock.now()
    with ports.store.reading() as session:
        owes = owed(session, ports.policy, person_id, now)
        every = [gather(session, ports.policy, release) for release in open_releases(session)[:20]]
        incidents = [incident_line(incident, ports.policy) for incident in open_incidents(session)[:10]]
        frozen = freezes_ahead(session, ports.policy, now)[:10]
        locks = [lock_line(lock, ports.policy) for lock in standing_locks(session)]
    parts: list[Part] = [Paragraph(bold("What you owe")), Listing(owes[:30] or ["Nothing."])]
    parts += [Paragraph(bold("Releases")), *_release_parts(every, ports.policy)]
    if incidents:
        parts += [Paragraph(bold("Incidents")), Listing(incidents)]
    if locks:
        parts += [Paragraph(bold("Locks")), Listing(locks)]
    windows = [
        f"{bold(f.release.key)} {at(f.window.starts_at)} to {at(f.window.ends_at)}"
        for f in every
        if f.window and f.window.ends_at > now
    ]
    freezes = [
        f"{s.key} “{s.name}” on {org_title(ports.policy, s.org)}, {at(s.starts_at)} to {at(s.ends_at)}" for s in frozen
    ]
    parts += [Paragraph(bold("Windows ahead")), Listing(windows or ["No window is set."])]
    parts += [Paragraph(bold("Freezes")), Listing(freezes or ["No freeze is set."]), Note(f"As of {at(now)}.")]
    if may(ports.policy, person_id, "plan"):
        parts.insert(0, Actions([do("New release…", "release_new")]))
    return Home(parts)


def _release_parts(every: Sequence[ReleaseFacts], policy: Policy) -> list[Part]:
    if not every:
        return [Listing(["No release is open."])]
    return [
        Paragraph(
            release_line(f.release, policy),
            do("May we go?", "release_why", release=f.release.key),
        )
        for f in every
    ]
