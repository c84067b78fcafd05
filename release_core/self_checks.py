"""What is no longer there as a release needs it: people who left, groups that emptied, channels that closed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from release_core.facts import ReleaseFacts, gather
from release_core.lookups import BEFORE_DEPLOYMENT, find_release, open_releases
from release_core.models import ChecklistItem, Intent, Person, Task, TimelineEntry
from release_core.permissions import others
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.readiness import SETTLED
from release_core.timeline import BOT, Kind, intend, record

FLOW = "self_check"
AT = time(8)
"""When it is looked through, every day, in the company's zone."""

Code = Literal[
    "owner_left",
    "approver_left",
    "item_owner_left",
    "task_owner_left",
    "commander_left",
    "group_empty",
    "channel_closed",
    "channel_renamed",
]


@dataclass(frozen=True)
class SeenChannel:
    """A channel as the chat shows it: its name; `closed` says why nothing can be said there, "" where it can."""

    name: str = ""
    closed: str = ""


@dataclass(frozen=True)
class SeenChat:
    """What was seen in the chat: people (ids) who left, groups (ids) without members, channels by id.

    `names` are the channels' names of the last time. What could not be looked at is in none of them.
    """

    left: Collection[str] = ()
    empty: Collection[str] = ()
    channels: Mapping[str, SeenChannel] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One thing that is not as a release needs it.

    `about` is a chat id (person, group, channel); `where` what it matters for (seat, number of an item or task, key of
    an incident, team, place in the policy); `said` what there is to say about it (the reason, the new name); `who`
    (chat ids) can act for it now.
    """

    code: Code
    about: str
    where: str = ""
    said: str = ""
    who: tuple[str, ...] = ()


def findings(facts: ReleaseFacts, policy: Policy, chat: SeenChat) -> list[Finding]:
    """Everything that is not as one open release needs it."""
    return [*_people(facts, policy, chat), *_groups(facts, policy, chat), *_channels(policy, chat)]


def _people(facts: ReleaseFacts, policy: Policy, chat: SeenChat) -> Iterator[Finding]:
    release, managers = facts.release, others(policy.holders_of("plan"), than=chat.left)
    if release.owner_id in chat.left:
        yield Finding("owner_left", release.owner_id, who=managers)
    for seat, people in facts.seats.items() if release.state in BEFORE_DEPLOYMENT else ():
        for person in (one for one in people if one in chat.left):
            yield Finding("approver_left", person, seat, who=others(people, than=chat.left))
    for item in facts.items:
        if item.owner_id in chat.left and item.state not in SETTLED:
            yield Finding("item_owner_left", item.owner_id, str(item.number), item.title, managers)
    for task in facts.tasks:
        if task.owner_id in chat.left and task.state not in SETTLED:
            yield Finding("task_owner_left", task.owner_id, str(task.number), task.title, managers)
    handlers = others(policy.holders_of("handle_incident"), than=chat.left)
    for incident in facts.incidents:
        if incident.commander_id in chat.left:
            yield Finding("commander_left", incident.commander_id, incident.key, incident.title, handlers)


def _groups(facts: ReleaseFacts, policy: Policy, chat: SeenChat) -> Iterator[Finding]:
    rows: list[ChecklistItem | Task] = [*facts.items, *facts.tasks]
    waiting = {row.team for row in rows if row.state not in SETTLED and not row.owner_id}
    if facts.release.state in BEFORE_DEPLOYMENT:
        waiting |= {team for seat in facts.seats for team in policy.seats[seat].teams}
    for team in sorted(waiting & set(policy.teams)):
        rule = policy.teams[team]
        if rule.group in chat.empty:
            yield Finding("group_empty", str(rule.group), team, rule.title, others(rule.people, than=chat.left))


def _channels(policy: Policy, chat: SeenChat) -> Iterator[Finding]:
    for channel, where in channels_named(policy).items():
        seen = chat.channels.get(channel)
        if seen is None:
            continue
        if seen.closed:
            yield Finding("channel_closed", channel, where, seen.closed)
        elif seen.name and chat.names.get(channel, seen.name) != seen.name:
            yield Finding("channel_renamed", channel, chat.names[channel], seen.name)


def channels_named(policy: Policy) -> dict[str, str]:
    """The channels that the policy names, each with the first place where it does."""
    named = [(policy.channels.releases, "channels: releases"), (policy.channels.incidents, "channels: incidents")]
    named += [(one, f"audiences: {key}") for key, rule in policy.audiences.items() for one in rule.channels]
    return dict(reversed(named))


def groups_named(policy: Policy) -> list[str]:
    """The user groups that the policy names."""
    return sorted({team.group for team in policy.teams.values() if team.group})


def concerned(ports: Ports, chat: SeenChat) -> list[str]:
    """The open releases (keys) about which something is to be told that was not told before."""
    with ports.store.reading() as session:
        return [release.key for release in open_releases(session) if _new(session, ports.policy, release.key, chat)]


def note_findings(ports: Ports, key: str, chat: SeenChat) -> None:
    """What is not as a release needs it stands in its timeline, each thing once."""
    with ports.store.transaction() as session:
        found = _new(session, ports.policy, key, chat)
        if not found:
            return
        owner = find_release(session, key).owner_id
        left = _left(session, chat)
        managers = [owner] if owner not in left else list(others(ports.policy.holders_of("plan"), than=left))
        details = {"findings": [asdict(one) for one in found], "managers": managers}
        record(session, Kind.CHECK_FOUND, stream=key, actor=BOT, at=ports.clock.now(), details=details)


def _new(session: Session, policy: Policy, key: str, chat: SeenChat) -> Sequence[Finding]:
    seen = SeenChat(_left(session, chat), chat.empty, chat.channels, chat.names)
    found = findings(gather(session, policy, find_release(session, key)), policy, seen)
    told = select(TimelineEntry).where(TimelineEntry.stream == key, TimelineEntry.kind == Kind.CHECK_FOUND)
    known = {_mark(one) for entry in session.exec(told) for one in entry.details["findings"]} if found else set()
    return [one for one in found if _mark(asdict(one)) not in known]


def _left(session: Session, chat: SeenChat) -> Collection[str]:
    """Everybody who is deactivated in the chat, by our own rows, which are read anew every few minutes."""
    return {*chat.left, *session.exec(select(Person.id).where(col(Person.deactivated)))}


def _mark(finding: Mapping[str, object]) -> tuple[object, ...]:
    # An item that changed its number is the same one, so is a channel that is closed for another reason.
    renamed = finding["said"] if finding["code"] == "channel_renamed" else ""
    return finding["code"], finding["about"], finding["where"], renamed


def plan_self_check(ports: Ports, names: Mapping[str, str] | None = None) -> None:
    """Have it looked through at the next morning, unless that is planned; `names` are the channels' names by now."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        planned = session.exec(select(Intent).where(Intent.flow == FLOW, Intent.state == "due")).first()
        if planned is None:
            due_at = next_morning(now, ports.policy.zone)
            intend(session, f"{FLOW}:{due_at.isoformat()}", FLOW, now=now, due_at=due_at, names=dict(names or {}))
        elif names is not None:
            planned.args = {**planned.args, "names": dict(names)}
            session.add(planned)


def next_morning(now: datetime, zone: str) -> datetime:
    """The next time that clocks in a zone show the hour of the check (aware UTC)."""
    here = now.astimezone(ZoneInfo(zone))
    morning = datetime.combine(here.date(), AT, here.tzinfo)
    if morning <= here:
        morning = datetime.combine(here.date() + timedelta(days=1), AT, here.tzinfo)
    return morning.astimezone(now.tzinfo)
