"""Who may do what."""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import Session, select

from release_core.errors import NotAllowed, Refused
from release_core.models import Person, TeamMember
from release_core.policy import Policy, Right, Role

WORDS: dict[Right, str] = {
    "plan": "plan a release",
    "attach": "attach a package",
    "settle_any_item": "settle an item of the checklist that is not theirs",
    "validate": "validate",
    "set_window": "set the window",
    "set_freeze": "set or lift a freeze",
    "waive_freeze": "waive a freeze",
    "deploy": "deploy",
    "roll_back": "roll back",
    "lock_org": "lock or unlock an org",
    "broadcast": "send or schedule a status",
    "handle_incident": "handle an incident",
    "note": "write into a timeline",
    "read": "look at releases",
}


def may(policy: Policy, person_id: str, right: Right) -> bool:
    """Whether a person holds a right."""
    return person_id in policy.holders_of(right)


def require(policy: Policy, person_id: str, right: Right) -> None:
    """NotAllowed, naming who may, unless the person holds the right."""
    if may(policy, person_id, right):
        return
    who = policy.holders_of(right)
    ending = "" if who else " Nobody may yet: an administrator names somebody under rights in the policy."
    raise NotAllowed(f"You may not {WORDS[right]} here; nothing was changed.{ending}", who_may=who)


def team_people(session: Session, policy: Policy, team: str) -> tuple[str, ...]:
    """The people of a team: those the policy names, then the members of its chat user group."""
    rule = policy.teams[team]
    found = list(rule.people)
    if rule.group:
        found += session.exec(select(TeamMember.person_id).where(TeamMember.team_id == rule.group)).all()
    return tuple(dict.fromkeys(found))


def seat_people(session: Session, policy: Policy, seat: str) -> tuple[str, ...]:
    """The people who sit in a seat, those who must be heard first."""
    rule = policy.seats[seat]
    found = [*rule.mandatory, *rule.people]
    for team in rule.teams:
        found += team_people(session, policy, team)
    return tuple(dict.fromkeys(found))


def owner_named(policy: Policy, manager: str, *, person: str | None, role: Role | None, team: str | None) -> str:
    """Who owns what a template gives to a person, role or team: a chat id; "" for a team, which owns it together.

    A role means the release's own manager while they fill it; what is given to nobody is theirs.
    """
    if team:
        return ""
    if person:
        return person
    if role and manager not in policy.people.get(role, ()):
        return next(iter(policy.people.get(role, ())), manager)
    return manager


def must_be_in_chat(session: Session, person: str, way_out: str) -> None:
    """Refused for somebody who is deactivated in the chat: nothing would reach them. `way_out` is what to type."""
    known = session.get(Person, person)
    if known is not None and known.deactivated:
        sentence = f"{known.name or person} is deactivated in the chat and can do nothing; nothing was changed."
        raise Refused("person_left", f"{sentence} Name somebody else: {way_out}")


def others(people: Collection[str], *, than: Collection[str]) -> tuple[str, ...]:
    """The people who are not among those left out."""
    return tuple(person for person in people if person not in than)
