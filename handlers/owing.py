"""What waits for somebody: a line for each thing, with the button that settles it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, and_, col, desc, or_, select

from handlers.conversation import Button, at, bold, clean
from handlers.phrases import age, do, incident_line
from release_core.acceptances import RISKS
from release_core.conditions import asked_items, is_settled
from release_core.facts import ReleaseFacts
from release_core.lookups import FINAL_STATES, open_incidents, open_releases
from release_core.models import Absence, Broadcast, ChecklistItem, Deployment, Release, RollCall, Task, TimelineEntry
from release_core.permissions import seat_people, team_people
from release_core.policy import Policy
from release_core.readiness import SETTLED, item_owners
from release_core.risks import is_open, who_may_accept
from release_core.rollback_requests import waiting_for
from release_core.run_sheets import holding, phase_now, steps, task_owners
from release_core.seats import waiting_seats, whom_to_ask
from release_core.tallies import counting_call, result_of, roll_members, seat_title

ROLLBACK, INCIDENT, ANSWER, MY_TURN, ITEM, PROMISE, TO_COME = range(7)
"""How pressing the kinds are, the most pressing first."""


@dataclass(frozen=True)
class Owed:
    """One thing that waits for a person; `by` is when it is due, where that is known."""

    rank: int
    line: str
    button: Button
    by: datetime | None = None


def concerned(session: Session, policy: Policy, person_id: str) -> list[Release]:
    """The open releases in which something may wait for a person, newest first: few of many, found without reading all.

    Whether something does is to be told from the facts of each.
    """
    teams = [team for team in policy.teams if person_id in team_people(session, policy, team)]
    found: set[int | None] = set()
    for row in (ChecklistItem, Task):
        nobodys = and_(col(row.owner_id) == "", col(Release.owner_id) == person_id)
        mine = or_(col(row.owner_id) == person_id, col(row.team).in_(teams), nobodys)
        loose = select(row.release_id).join(Release, col(Release.id) == col(row.release_id))
        found.update(session.exec(loose.where(mine, col(row.state).not_in(SETTLED)).distinct()).all())
    if answers_for_seats(session, policy, person_id):
        found.update(session.exec(select(Release.id).where(col(Release.asked_digest) != "")).all())
        failed = (Deployment.purpose == "deployment", Deployment.state == "failed")
        found.update(session.exec(select(Deployment.release_id).where(*failed).distinct()).all())
    found.update(session.exec(select(RollCall.release_id).where(RollCall.state == "open").distinct()).all())
    return [release for release in open_releases(session) if release.id in found]


def answers_for_seats(session: Session, policy: Policy, person_id: str) -> bool:
    """Whether somebody may be asked for a yes: they sit in a seat, are its alternate, or somebody's stand-in."""
    if any(person_id in (*rule.alternates, *seat_people(session, policy, seat)) for seat, rule in policy.seats.items()):
        return True
    standing = select(Absence.id).where(Absence.stand_in == person_id, col(Absence.ended_at).is_(None))
    return session.exec(standing).first() is not None


def owed(session: Session, policy: Policy, person_id: str, now: datetime, every: Sequence[ReleaseFacts]) -> list[Owed]:
    """Everything that waits for a person in these releases and beside them, the most pressing first."""
    found = [*_rollbacks(session, policy, person_id, now), *_incidents(session, policy, person_id, now)]
    for facts in every:
        found += [*_items(facts, policy, person_id, now), *_answers(facts, policy, person_id, now)]
        found += [*_tasks(facts, person_id), *_acceptances(facts, person_id, now)]
        found += _roll_calls(facts, policy, person_id, now)
    found += _promises(session, person_id)
    # What is due at no time comes after what is, in the order in which it was found.
    return sorted(found, key=lambda one: (one.rank, one.by is None, one.by or now))


def _rollbacks(session: Session, policy: Policy, person_id: str, now: datetime) -> Iterator[Owed]:
    for release, wish in waiting_for(session, policy, person_id, now):
        line = f"{bold(release.key)} yes or no to its rollback, until {at(wish.expires_at)}"
        button = Button("Answer…", "release_answer", {"release": release.key, "request": str(wish.id)}, weight="danger")
        yield Owed(ROLLBACK, line, button, wish.expires_at)


def _incidents(session: Session, policy: Policy, person_id: str, now: datetime) -> Iterator[Owed]:
    """The incidents that a person commands: people wait for what they know."""
    for incident in open_incidents(session):
        if incident.commander_id == person_id:
            said = _last_word(session, incident.key) or incident.opened_at
            due = incident.word_due_at
            promised = f", next word {at(due)}{' (overdue)' if due <= now else ''}" if due else ""
            line = f"{incident_line(incident, policy)}; you command it, last word {age(said, now)}{promised}"
            yield Owed(INCIDENT, line, do("Update…", "incident_update", incident=incident.key), due or said)


def _last_word(session: Session, key: str) -> datetime | None:
    """When something was last said about an incident."""
    noted = select(TimelineEntry.at).where(TimelineEntry.stream == key, TimelineEntry.kind == "incident_noted")
    return session.exec(noted.order_by(desc(TimelineEntry.number)).limit(1)).first()


def _answers(facts: ReleaseFacts, policy: Policy, person_id: str, now: datetime) -> Iterator[Owed]:
    for seat in seats_waiting_for(facts, policy, person_id, now):
        line = f"{bold(facts.release.key)} approval for {policy.seats[seat].title}"
        yield Owed(ANSWER, line, do("Answer…", "release_answer", release=facts.release.key, seat=seat))


def _roll_calls(facts: ReleaseFacts, policy: Policy, person_id: str, now: datetime) -> Iterator[Owed]:
    called = counting_call(facts)
    if called is None or called.state == "closed" or now >= called.due_at:
        return
    for seat in result_of(facts, called, now).silent:
        if person_id in roll_members(facts, seat, now):
            line = f"{bold(facts.release.key)} go or no-go for {seat_title(policy, seat)}, until {at(called.due_at)}"
            button = do("Answer…", "release_vote", release=facts.release.key, seat=seat)
            yield Owed(ANSWER, line, button, called.due_at)


def seats_waiting_for(facts: ReleaseFacts, policy: Policy, person_id: str, now: datetime) -> list[str]:
    """The seats that were asked, have not answered, and may be answered for by this person."""
    if not facts.release.asked_digest or facts.release.asked_digest != facts.digest:
        return []
    waiting = waiting_seats(facts, policy, now)
    return [seat for seat in waiting if person_id in whom_to_ask(facts, policy, seat, now)]


def _acceptances(facts: ReleaseFacts, person_id: str, now: datetime) -> Iterator[Owed]:
    asked = facts.release.asked_digest and facts.release.asked_digest == facts.digest
    told = {"impossible": "what cannot come back", "no_snapshot": "going without a way back"}
    for risk in (risk for risk in RISKS if asked or risk == "no_snapshot"):
        if is_open(facts, risk, now) and person_id in who_may_accept(facts, risk):
            line = f"{bold(facts.release.key)} yes or no to {told[risk]}, in writing"
            yield Owed(ANSWER, line, do("Accept…", "release_accept", release=facts.release.key, about=risk))


def _tasks(facts: ReleaseFacts, person_id: str) -> Iterator[Owed]:
    """The tasks of the phase that it is in: the one whose turn it is first, the others as what comes."""
    key, phase, held = facts.release.key, phase_now(facts), holding(facts)
    loose = [task for task in steps(facts, phase) if task.state not in SETTLED] if phase else []
    for task in (task for task in loose if person_id in task_owners(task, facts)):
        named = f"{bold(key)} task {task.number} “{clean(task.title)}”, "
        if task == held:
            done = do("Done", "release_task_done", release=key, task=f"id:{task.id}")
            yield Owed(MY_TURN, f"{named}your turn", done)
        else:
            after = f"after task {held.number}" if held else "to come"
            yield Owed(TO_COME, f"{named}{after}", do("Run-sheet", "release_tasks", release=key))


def _items(facts: ReleaseFacts, policy: Policy, person_id: str, now: datetime) -> Iterator[Owed]:
    key = facts.release.key
    loose = [item for item in asked_items(facts) if not item.rule and not is_settled(item, now)]
    for item in (item for item in loose if person_id in item_owners(item, facts, policy)):
        due = f", due {at(item.due_at)}{' (overdue)' if item.due_at < now else ''}" if item.due_at else ""
        tick = do("Tick", "release_tick", release=key, item=str(item.number))
        yield Owed(ITEM, f"{bold(key)} item {item.number} “{clean(item.title)}”{due}", tick, item.due_at)


def _promises(session: Session, person_id: str) -> Iterator[Owed]:
    """The statuses that a person promised for a time."""
    query = (
        select(Release.key, Broadcast)
        .join(Release, col(Release.id) == col(Broadcast.release_id))
        .where(Broadcast.by == person_id, Broadcast.state == "due", col(Release.state).not_in(FINAL_STATES))
    )
    for key, promised in session.exec(query):
        words = "with your words" if promised.text else "in Rollcall's words"
        line = f"{bold(key)} status for {promised.audience}, promised for {at(promised.due_at)}, {words}"
        button = do("Status…", "release_update", release=key, audience=promised.audience)
        yield Owed(PROMISE, line, button, promised.due_at)
