"""What somebody may do that no single right tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlmodel import col, select

from handlers.owing import answers_for_seats
from release_core.acceptances import RISKS
from release_core.lookups import FINAL_STATES
from release_core.models import ChecklistItem, Release, Task
from release_core.permissions import may, seat_people, team_people
from release_core.policy import Right
from release_core.ports import Ports

Question = Callable[[Ports, str], bool]


def any_of(*rights: Right) -> Question:
    """Whether somebody holds one of several rights."""
    return lambda ports, person_id: any(may(ports.policy, person_id, right) for right in rights)


def anybody(ports: Ports, person_id: str) -> bool:
    """What is somebody's own is theirs whoever they are."""
    return True


def is_asked(ports: Ports, person_id: str) -> bool:
    """Whether somebody's yes or no may be wanted: they sit in a seat, or may agree to going back."""
    return (
        may(ports.policy, person_id, "roll_back") or fills_a_seat(ports, person_id) or accepts_risks(ports, person_id)
    )


def settles_items(ports: Ports, person_id: str) -> bool:
    """Whether somebody answers for an item of an open release, or for all of them."""
    query = (
        select(ChecklistItem.owner_id, ChecklistItem.team, Release.owner_id)
        .join(Release, col(Release.id) == col(ChecklistItem.release_id))
        .where(col(Release.state).not_in(FINAL_STATES), ChecklistItem.rule == "")
        .distinct()
    )
    return _answers_for(ports, person_id, query)


def does_tasks(ports: Ports, person_id: str) -> bool:
    """Whether somebody answers for a task of an open release, or for all of them."""
    query = (
        select(Task.owner_id, Task.team, Release.owner_id)
        .join(Release, col(Release.id) == col(Task.release_id))
        .where(col(Release.state).not_in(FINAL_STATES))
        .distinct()
    )
    return _answers_for(ports, person_id, query)


def _answers_for(ports: Ports, person_id: str, query: Any) -> bool:
    """Whether somebody is among those for whom the rows (owner, team, manager) are, or may settle whatever there is."""
    policy = ports.policy
    if may(policy, person_id, "settle_any_item"):
        return True
    with ports.store.reading() as session:
        people_of = {team: team_people(session, policy, team) for team in policy.teams}
        held = session.exec(query).all()
    return any(person_id in ((owner,) if owner else people_of.get(team) or (manager,)) for owner, team, manager in held)


def fills_a_seat(ports: Ports, person_id: str) -> bool:
    """Whether somebody may approve or decline for a seat."""
    with ports.store.reading() as session:
        return answers_for_seats(session, ports.policy, person_id)


def is_called(ports: Ports, person_id: str) -> bool:
    """Whether somebody may be called in a roll call."""
    policy = ports.policy
    if fills_a_seat(ports, person_id):
        return True
    called = {seat for kind in policy.approvals for seat in policy.roll_of(kind)}
    with ports.store.reading() as session:
        return any(person_id in seat_people(session, policy, seat) for seat in called)


def accepts_risks(ports: Ports, person_id: str) -> bool:
    """Whether somebody sits in a seat that may take a risk in writing."""
    policy = ports.policy
    found = {policy.seat_that_accepts(risk, kind) for kind in policy.approvals for risk in RISKS} - {""}
    with ports.store.reading() as session:
        return any(person_id in seat_people(session, policy, seat) for seat in found)
