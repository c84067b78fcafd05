"""The rules of one company: who may do what, where, when, and who is told.

A policy is validated as a whole; `handlers` and actions read it, nothing changes it while the bot runs. People are
named by chat member id (Slack shows it under a profile's "Copy member ID"), user groups by theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from release_core.logins import OrgLogin
from release_core.policy_references import NAMES_DISAGREE, disagreements, path_words
from release_core.policy_values import (
    ChannelId,
    ClockTime,
    InnerFolder,
    PersonId,
    PublicUrl,
    Quorum,
    Repository,
    Span,
    TeamId,
    WallInstant,
    Zone,
)

Role = Literal["release_manager", "developer", "tester", "administrator", "analyst", "stakeholder"]
Kind = Literal["standard", "hotfix", "emergency"]
Risk = Literal["impossible", "no_snapshot"]
RiskLevel = Literal["low", "medium", "high"]
Strategy = Literal["validate_then_quick", "full", "staged"]
Phase = Literal["before", "after"]
Level = Literal["RunLocalTests", "RunSpecifiedTests", "RunRelevantTests", "RunAllTestsInOrg", "NoTestRun", "OrgDefault"]
"""A test level of the Metadata API, or "OrgDefault": none is sent, the org decides."""
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
    "note",
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
    "note": ("release_manager", "developer", "tester", "administrator", "analyst"),
    "read": _EVERYBODY,
}


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OrgTests(_Rule):
    """Which tests run in an org where a release chose none, and which levels a release may choose there.

    Without `allowed` a release may choose any level that an org of that kind takes.
    """

    level: Level = "RunLocalTests"
    allowed: tuple[Level, ...] = ()


class OrgRule(_Rule):
    """One org: how it is called, what it is, how to log in, where a package is validated before it comes here.

    `soak` is how long a release is watched in this org; without it, the policy's own.
    """

    title: str
    kind: Literal["sandbox", "production"]
    login: OrgLogin
    validate_first: tuple[str, ...] = ()
    soak: Span | None = None
    tests: OrgTests | None = None


class Team(_Rule):
    """People who share work; `group` names a chat user group whose members belong too."""

    title: str
    people: tuple[PersonId, ...] = ()
    group: TeamId | None = None


class Seat(_Rule):
    """A role whose yes is needed: of anybody there, of a number of people, or of all.

    The yes of everybody who is `mandatory` is needed in any case. `alternates` may answer when those who sit here have
    not for a while; a yes counts for as long as it `lasts`.
    """

    title: str
    people: tuple[PersonId, ...] = ()
    teams: tuple[str, ...] = ()
    quorum: Quorum = "any"
    mandatory: tuple[PersonId, ...] = ()
    alternates: tuple[PersonId, ...] = ()
    lasts: Span | None = Field(default=None, ge=timedelta(minutes=1))

    @property
    def places(self) -> int:
        """How many people have to fill it, each by a yes of their own."""
        return self.quorum if isinstance(self.quorum, int) else 1


class AskRule(_Rule):
    """What happens when a seat that was asked does not answer: each time counts from when it was asked.

    Where the window begins earlier than the last of them, all of them move closer together.
    """

    remind_after: Span = Field(default=timedelta(hours=4), ge=timedelta(minutes=1))
    alternates_after: Span = Field(default=timedelta(hours=8), ge=timedelta(minutes=1))
    manager_after: Span = Field(default=timedelta(hours=12), ge=timedelta(minutes=1))

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.remind_after <= self.alternates_after <= self.manager_after:
            raise ValueError("expected remind_after, alternates_after and manager_after in this order")
        return self


class Condition(_Rule):
    """For which releases a line of a checklist is asked at all: everything that stands here has to be so."""

    types: tuple[str, ...] = ()
    deletions: bool = False
    cannot_come_back: bool = False
    components: int = Field(default=0, ge=0)
    orgs: tuple[str, ...] = ()
    risk: tuple[RiskLevel, ...] = ()


class ItemRule(_Rule):
    """One line of a checklist template; `due` counts back from the start of the window."""

    title: str = Field(min_length=3, max_length=80)
    rule: Literal["", "validated", "snapshot"] = ""
    role: Role | None = None
    person: PersonId | None = None
    team: str | None = None
    due: Span = timedelta(hours=2)
    required: bool = True
    evidence: Literal["", "note", "link"] = ""
    when: Condition | None = None

    @model_validator(mode="after")
    def _has_one_owner(self) -> Self:
        if sum(owner is not None for owner in (self.role, self.person, self.team)) > 1:
            raise ValueError("expected one of role, person or team, not several")
        return self


class MoreSeats(_Rule):
    """Seats that a release needs beside those of its kind, when its package is such; without `kinds` of any kind."""

    seats: tuple[str, ...] = Field(min_length=1)
    kinds: tuple[Kind, ...] = ()
    when: Condition


class ReminderRule(_Rule):
    """When the owner of an item that is not settled is reminded: before it is due, then when it is, and after that."""

    before: Span = Field(default=timedelta(hours=1), ge=timedelta(minutes=1))
    every: Span = Field(default=timedelta(hours=4), ge=timedelta(minutes=5))
    at_most: int = Field(default=3, ge=0, le=20)


class TaskRule(_Rule):
    """One line of a run-sheet template: work before or after the deployment; without `org`, in each org it goes to."""

    title: str = Field(min_length=3, max_length=80)
    phase: Phase
    role: Role | None = None
    person: PersonId | None = None
    team: str | None = None
    minutes: int = Field(default=15, ge=1, le=1440)
    org: str | None = None

    @model_validator(mode="after")
    def _has_one_owner(self) -> Self:
        if sum(owner is not None for owner in (self.role, self.person, self.team)) > 1:
            raise ValueError("expected one of role, person or team, not several")
        return self


class WindowRule(_Rule):
    """When deployments to an org may start, every week; `to` at or before `from` means on the next day."""

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
    every: Span = Field(default=timedelta(minutes=30), ge=timedelta(minutes=1))


class Channels(_Rule):
    """Where Rollcall speaks."""

    releases: ChannelId
    incidents: ChannelId


class GitRule(_Rule):
    """Where a git ref is looked up; `project` is the folder inside that holds package.xml or sfdx-project.json."""

    repository: Repository
    project: InnerFolder = "."


class Acceptances(_Rule):
    """The seats that may take a risk upon themselves in writing.

    `impossible`: parts that cannot come back; without it the first seat that the kind of release needs. `no_snapshot`:
    going without a way back; without it nobody may.
    """

    impossible: str | None = None
    no_snapshot: str | None = None


class RiskStep(_Rule):
    """What a release of one level of risk needs beyond its kind; `least` is the score from which on it has it."""

    least: int = Field(alias="from", ge=1, le=100)
    seats: tuple[str, ...] = ()
    soak: Span | None = None


class RiskRules(_Rule):
    """From how many points on a release is of medium or high risk, when people work in the orgs (Monday to Friday)."""

    medium: RiskStep = RiskStep.model_validate({"from": 20})
    high: RiskStep = RiskStep.model_validate({"from": 45})
    working_from: ClockTime = time(8)
    working_to: ClockTime = time(18)

    def level_of(self, points: int) -> RiskLevel:
        """The level of a score of 0 to 100."""
        return "high" if points >= self.high.least else "medium" if points >= self.medium.least else "low"

    def step_of(self, level: str) -> RiskStep | None:
        """What a level needs; None for low risk, which needs nothing more."""
        return {"medium": self.medium, "high": self.high}.get(level)

    def people_work(self, at: time) -> bool:
        """Whether people work at a time of day on a weekday."""
        return self.working_from <= at < self.working_to

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.high.least <= self.medium.least:
            raise ValueError("expected high to begin at more points than medium")
        return self


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
    tasks: dict[Kind, tuple[TaskRule, ...]] = Field(default_factory=dict)
    paths: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    rights: dict[Right, tuple[Role | PersonId, ...]] = Field(default_factory=dict)
    windows: tuple[WindowRule, ...] = ()
    freezes: dict[str, FreezeRule] = Field(default_factory=dict)
    audiences: dict[str, Audience] = Field(default_factory=dict)
    acceptances: Acceptances = Acceptances()
    asks: AskRule = AskRule()
    more_approvals: tuple[MoreSeats, ...] = ()
    reminders: ReminderRule = ReminderRule()
    waivers_last: Span = Field(default=timedelta(days=7), ge=timedelta(minutes=5))
    rollcalls: dict[Kind, tuple[str, ...]] = Field(default_factory=dict)
    risk: RiskRules = RiskRules()
    rollback_request_expires: Span = timedelta(minutes=30)
    soak: Span = timedelta(hours=2)
    automation: PersonId | None = None
    retrieve_from: tuple[str, ...] | None = None
    git: GitRule | None = None
    keep_artifacts: Span = Field(default=timedelta(days=180), ge=timedelta(days=30))
    api_reserve: int = Field(default=10, ge=0, le=90)
    watch_every: Span = Field(default=timedelta(minutes=5), ge=timedelta(minutes=1))
    drift: Literal["tell", "block"] = "tell"
    apex_jobs: Literal["tell", "block"] = "block"
    validation_reminder: Span = timedelta(days=1)
    revalidate_before: Span = timedelta(hours=2)
    public_url: PublicUrl = ""

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        found = disagreements(self.model_dump(by_alias=True))
        if found:
            told = "; ".join(f"{path_words(one.place)}: found {one.found}; expected {one.expected}" for one in found)
            raise PydanticCustomError(NAMES_DISAGREE, "{told}", {"told": told})
        return self

    def title_of(self, org: str) -> str:
        """How people call an org; its key when the policy does not name it any more."""
        return self.orgs[org].title if org in self.orgs else org

    def kind_of(self, org: str) -> str:
        """ "production", "sandbox", or "unknown" when the policy does not name the org any more."""
        return self.orgs[org].kind if org in self.orgs else "unknown"

    def tests_of(self, org: str) -> OrgTests:
        """Which tests run in an org by default."""
        return (self.orgs[org].tests if org in self.orgs else None) or OrgTests()

    def states_tests_of(self, org: str) -> bool:
        """Whether the policy says anything of the tests in an org."""
        return org in self.orgs and self.orgs[org].tests is not None

    def levels_of(self, org: str) -> tuple[Level, ...]:
        """The test levels that a release may choose in an org; production never takes NoTestRun."""
        levels = self.tests_of(org).allowed or get_args(Level)
        return tuple(level for level in levels if level != "NoTestRun" or self.kind_of(org) == "sandbox")

    @property
    def sources(self) -> tuple[str, ...]:
        """The orgs that a package may be retrieved from: those named for it, else every sandbox."""
        if self.retrieve_from is not None:
            return self.retrieve_from
        return tuple(key for key, rule in self.orgs.items() if rule.kind == "sandbox")

    def seats_of(self, kind: str, risk: str = "") -> tuple[str, ...]:
        """The seats whose yes a release of a kind needs at a level of risk; an emergency waits for no more of them."""
        usual = next((seats for name, seats in self.approvals.items() if name == kind), ())
        step = None if kind == "emergency" else self.risk.step_of(risk)
        return tuple(dict.fromkeys((*usual, *(step.seats if step else ()))))

    def roll_of(self, kind: str) -> tuple[str, ...]:
        """The seats that a roll call of a kind calls: those named for it, else those that approve it."""
        return next((seats for name, seats in self.rollcalls.items() if name == kind), self.seats_of(kind))

    def must_call_the_roll(self, kind: str) -> bool:
        """Whether a release of a kind goes only after a roll call."""
        return any(name == kind and seats for name, seats in self.rollcalls.items())

    def seat_that_accepts(self, risk: Risk, kind: str) -> str:
        """The seat that may accept a risk of a release of a kind in writing; "" when nobody may."""
        if risk == "no_snapshot":
            return self.acceptances.no_snapshot or ""
        usual = (*self.seats_of(kind), *(seat for seats in self.approvals.values() for seat in seats))
        return self.acceptances.impossible or next(iter(usual), "")

    def checklist_of(self, kind: str) -> tuple[ItemRule, ...]:
        """The template of the checklist of a kind."""
        return next((rules for name, rules in self.checklists.items() if name == kind), ())

    def tasks_of(self, kind: str) -> tuple[TaskRule, ...]:
        """The template of the run-sheet of a kind."""
        return next((rules for name, rules in self.tasks.items() if name == kind), ())

    def soak_of(self, org: str, risk: str = "") -> timedelta:
        """How long a release of a level of risk is watched in an org."""
        own = self.orgs[org].soak if org in self.orgs else None
        usual, step = self.soak if own is None else own, self.risk.step_of(risk)
        return max(usual, step.soak) if step and step.soak else usual

    def holders_of(self, right: Right) -> tuple[str, ...]:
        """The people who hold a right, by chat id, in the order of the policy."""
        granted = self.rights.get(right, DEFAULT_RIGHTS[right])
        found: list[str] = []
        for entry in granted:
            found += self.people.get(entry, ()) if entry in _EVERYBODY else (entry,)
        return tuple(dict.fromkeys(found))
