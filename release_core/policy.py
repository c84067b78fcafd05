"""The rules of one company: who may do what, where, when, and who is told.

A policy is validated as a whole; `handlers` and actions read it, nothing changes it while the bot runs. People are
named by chat member id (Slack shows it under a profile's "Copy member ID"), user groups by theirs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from release_core.logins import OrgLogin

Role = Literal["release_manager", "developer", "tester", "administrator", "analyst", "stakeholder"]
Kind = Literal["standard", "hotfix", "emergency"]
Strategy = Literal["validate_then_quick", "full"]
Right = Literal[
    "plan",
    "attach",
    "settle_any_item",
    "validate",
    "set_window",
    "set_freeze",
    "waive_freeze",
    "deploy",
    "roll_back",
    "lock_org",
    "broadcast",
    "handle_incident",
    "read",
]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EVERYBODY: tuple[Role, ...] = (
    "release_manager",
    "developer",
    "tester",
    "administrator",
    "analyst",
    "stakeholder",
)
_MAKERS: tuple[Role, ...] = ("release_manager", "developer", "administrator")
DEFAULT_RIGHTS: Mapping[Right, tuple[Role, ...]] = {
    "plan": ("release_manager",),
    "attach": _MAKERS,
    "settle_any_item": ("release_manager",),
    "validate": (*_MAKERS, "tester"),
    "set_window": ("release_manager",),
    "set_freeze": ("release_manager", "administrator"),
    "waive_freeze": (),
    "deploy": ("release_manager",),
    "roll_back": ("release_manager", "administrator"),
    "lock_org": ("release_manager", "administrator"),
    "broadcast": ("release_manager",),
    "handle_incident": ("release_manager", "developer", "tester", "administrator", "analyst"),
    "read": _EVERYBODY,
}


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("expected an IANA zone name such as Europe/Berlin")
    return name


def _person_id(value: str) -> str:
    if not re.fullmatch(r"[UW][A-Z0-9]{2,}", value):
        raise ValueError("expected a chat member id such as U02ABCDEF (profile, 'Copy member ID')")
    return value


def _team_id(value: str) -> str:
    if not re.fullmatch(r"S[A-Z0-9]{2,}", value):
        raise ValueError("expected a chat user group id such as S02ABCDEF")
    return value


def _channel_id(value: str) -> str:
    if not re.fullmatch(r"[CG][A-Z0-9]{2,}", value):
        raise ValueError("expected a channel id such as C02ABCDEF (channel details, at the bottom)")
    return value


def _span(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*(?:(\d+)\s*d)?\s*(?:(\d+)\s*h)?\s*(?:(\d+)\s*m(?:in)?)?\s*", value)
    if not found or not any(found.groups()):
        raise ValueError("expected a length of time such as 30m, 2h or 1d")
    days, hours, minutes = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


def _clock_time(value: object) -> object:
    if isinstance(value, int) and 0 <= value < 24 * 60:  # YAML 1.1 reads 22:00 as 1320 (base 60)
        return time(value // 60, value % 60)
    if isinstance(value, str) and not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", value):
        raise ValueError("expected a time of day such as 22:00")
    return value


def _wall_instant(value: object) -> object:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 (wall clock; the zone stands beside it)
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("expected a date with a time such as 2026-12-24 18:00") from None
    return value


PersonId = Annotated[str, AfterValidator(_person_id)]
TeamId = Annotated[str, AfterValidator(_team_id)]
ChannelId = Annotated[str, AfterValidator(_channel_id)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Span = Annotated[timedelta, BeforeValidator(_span)]
ClockTime = Annotated[time, BeforeValidator(_clock_time)]
WallInstant = Annotated[datetime, BeforeValidator(_wall_instant)]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OrgRule(_Rule):
    """One org: how it is called, what it is, how to log in, where a package is validated before it comes here."""

    title: str
    kind: Literal["sandbox", "production"]
    login: OrgLogin
    validate_first: tuple[str, ...] = ()


class Team(_Rule):
    """People who share work; `group` names a chat user group whose members belong too."""

    title: str
    people: tuple[PersonId, ...] = ()
    group: TeamId | None = None


class Seat(_Rule):
    """A role whose yes is needed."""

    title: str
    people: tuple[PersonId, ...] = ()
    teams: tuple[str, ...] = ()


class ItemRule(_Rule):
    """One line of a checklist template; `due` counts back from the start of the window."""

    title: str = Field(min_length=3, max_length=80)
    rule: Literal["", "validated", "snapshot"] = ""
    role: Role | None = None
    person: PersonId | None = None
    team: str | None = None
    due: Span = timedelta(hours=2)
    required: bool = True


class WindowRule(_Rule):
    """When deployments to an org may start, every week; `to` earlier than `from` means over midnight."""

    org: str
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(min_length=1)
    start: ClockTime = Field(alias="from")
    end: ClockTime = Field(alias="to")
    zone: Zone


class FreezeRule(_Rule):
    """When no deployment to an org ("*": any) may start."""

    name: str
    org: str
    start: WallInstant = Field(alias="from")
    end: WallInstant = Field(alias="to")
    zone: Zone
    reason: str = ""

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.start.tzinfo is not None or self.end.tzinfo is not None:
            raise ValueError("expected 'from' and 'to' without an offset; the zone stands in 'zone'")
        if self.end <= self.start:
            raise ValueError("expected 'to' to be later than 'from'")
        return self


class Audience(_Rule):
    """The channels and people that one message goes to."""

    tier: Literal["technical", "business", "executive"]
    channels: tuple[ChannelId, ...] = ()
    people: tuple[PersonId, ...] = ()
    every: Span = timedelta(minutes=30)


class Channels(_Rule):
    """Where Rollcall speaks."""

    releases: ChannelId
    incidents: ChannelId


class Policy(_Rule):
    """All rules together."""

    zone: Zone
    channels: Channels
    orgs: dict[str, OrgRule] = Field(min_length=1)
    people: dict[Role, tuple[PersonId, ...]]
    teams: dict[str, Team] = Field(default_factory=dict)
    seats: dict[str, Seat]
    approvals: dict[Kind, tuple[str, ...]]
    checklists: dict[Kind, tuple[ItemRule, ...]]
    rights: dict[Right, tuple[Role | PersonId, ...]] = Field(default_factory=dict)
    windows: tuple[WindowRule, ...] = ()
    freezes: dict[str, FreezeRule] = Field(default_factory=dict)
    audiences: dict[str, Audience] = Field(default_factory=dict)
    rollback_request_expires: Span = timedelta(minutes=30)
    soak: Span = timedelta(hours=2)

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        mistakes = [*self._unknown_orgs(), *self._unknown_teams_and_seats()]
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    def _unknown_orgs(self) -> Sequence[str]:
        named = [(f"windows[{i}]", rule.org) for i, rule in enumerate(self.windows)]
        named += [(f"freezes.{key}", rule.org) for key, rule in self.freezes.items() if rule.org != "*"]
        named += [
            (f"orgs.{key}.validate_first", first) for key, org in self.orgs.items() for first in org.validate_first
        ]
        return [
            f"{where} names the org '{org}', which is not under orgs" for where, org in named if org not in self.orgs
        ]

    def _unknown_teams_and_seats(self) -> Sequence[str]:
        teams = [(f"seats.{key}", team) for key, seat in self.seats.items() for team in seat.teams]
        teams += [
            (f"checklists.{kind}[{i}]", item.team)
            for kind, items in self.checklists.items()
            for i, item in enumerate(items)
            if item.team
        ]
        mistakes = [
            f"{where} names the team '{team}', which is not under teams"
            for where, team in teams
            if team not in self.teams
        ]
        seats = [(f"approvals.{kind}", seat) for kind, needed in self.approvals.items() for seat in needed]
        return mistakes + [
            f"{where} names the seat '{seat}', which is not under seats"
            for where, seat in seats
            if seat not in self.seats
        ]

    def zone_info(self) -> ZoneInfo:
        """The zone in which the company lives."""
        return ZoneInfo(self.zone)

    def roles_of(self, person_id: str) -> tuple[Role, ...]:
        """The roles that a person fills."""
        return tuple(role for role, ids in self.people.items() if person_id in ids)

    def holders_of(self, right: Right) -> tuple[str, ...]:
        """The people who hold a right, by chat id, in the order of the policy."""
        granted = self.rights.get(right, DEFAULT_RIGHTS[right])
        found: list[str] = []
        for entry in granted:
            found += self.people.get(entry, ()) if entry in _EVERYBODY else (entry,)
        return tuple(dict.fromkeys(found))
