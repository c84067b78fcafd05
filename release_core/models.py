"""The facts we keep, as tables.

Every instant is aware UTC. Keys that people read (`REL-1`, `DEP-3`, `INC-1`, `FRZ-2`) are counted per table.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Dialect, Text, TypeDecorator, UniqueConstraint, text
from sqlmodel import Field, SQLModel


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, on databases with and without zones; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database: UTC; SQLite keeps it without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an instant needs a zone: {value!r}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database: aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _instant(*, optional: bool = False, index: bool = False) -> Any:
    default: Any = None if optional else ...
    return Field(default=default, sa_type=Instant, nullable=optional, index=index)


# A column that came later has its default in the database too, so that the rows from before it stay readable.


def _document(*, later: bool = False) -> Any:
    return Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False, server_default=text("'{}'") if later else None)
    )


def _list(*, later: bool = False) -> Any:
    return Field(
        default_factory=list, sa_column=Column(JSON, nullable=False, server_default=text("'[]'") if later else None)
    )


def _words(*, later: bool = False) -> Any:
    return Field(default="", sa_column=Column(Text, nullable=False, server_default=text("''") if later else None))


def _later(default: str | int) -> Any:
    written = f"'{default}'" if isinstance(default, str) else str(default)
    return Field(default=default, sa_column_kwargs={"server_default": text(written)})


class Release(SQLModel, table=True):
    """A named set of changes meant to reach an org together.

    `test_level` "" leaves the level to the policy; `run_tests` names the test classes of RunSpecifiedTests. `path`
    lists the orgs of a staged release in their order (policy keys), of which `target_org` is the one that is next; it
    is empty for a release into one org. `watch_ended_at` is when people ended the watch over the orgs that still hold
    a staged release after it was taken back in another one. `risk_points` (0 to 100) with `risk_level` ("" while
    nothing is known) are what it scored when something about it last changed before it went. `held_by` (chat id) keeps
    it from starting since `held_at`; `starts_by` booked that it starts by itself in the window with the number
    `starts_window`.
    """

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    name: str
    target_org: str
    kind: str
    strategy: str
    state: str = Field(index=True)
    owner_id: str
    created_by: str
    created_at: datetime = _instant()
    contingency: str = _words()
    package_id: int | None = None
    asked_digest: str = ""
    closed_at: datetime | None = _instant(optional=True)
    test_level: str = _later("")
    run_tests: list[Any] = _list(later=True)
    path: list[Any] = _list(later=True)
    watch_ended_at: datetime | None = _instant(optional=True)
    risk_points: int = _later(0)
    risk_level: str = _later("")
    held_by: str = _later("")
    held_because: str = _words(later=True)
    held_at: datetime | None = _instant(optional=True)
    starts_by: str = _later("")
    starts_window: int = _later(0)


class ReleasePackage(SQLModel, table=True):
    """One package attached to a release; the newest accepted one counts.

    State: reading, accepted, refused. `components`, `before` and `after` are lists of [type, full name];
    `comparison` holds rows [type, name, kind]; `verdicts` holds rows [type, name, verdict, reason, to do, source].
    `source` says where it comes from (upload, file, url, org, git) and `source_ref` which one it was; `manifest` is
    what was asked of an org (type -> full names). `last_changed` tells who changed what last in
    the target (see `release_core.differences.LastChange`); `diff_digest` is the artifact with the readable differences;
    `compared_org` is the org it was compared with; `earlier_diffs` holds rows [org, artifact] for the orgs of a staged
    release from before. `dependents` tells what else in the target refers to what changes: the `number` of components,
    the first `names`, how many of the changed components were `asked` about; {} while nobody asked.
    """

    id: int | None = Field(default=None, primary_key=True)
    release_id: int = Field(foreign_key="release.id", index=True)
    number: int
    state: str
    file_id: str = ""
    file_name: str
    author_id: str
    attached_at: datetime = _instant()
    problem: str = _words()
    digest: str = ""
    size: int = 0
    components: list[Any] = _list()
    before: list[Any] = _list()
    after: list[Any] = _list()
    tests: list[Any] = _list()
    warnings: list[Any] = _list()
    compared_at: datetime | None = _instant(optional=True)
    comparison: list[Any] = _list()
    verdicts: list[Any] = _list()
    source: str = _later("upload")
    source_ref: str = _words(later=True)
    manifest: dict[str, Any] = _document(later=True)
    last_changed: list[Any] = _list(later=True)
    diff_digest: str = _later("")
    compared_org: str = _later("")
    earlier_diffs: list[Any] = _list(later=True)
    dependents: dict[str, Any] = _document(later=True)

    __table_args__ = (UniqueConstraint("release_id", "number"),)


class DeploymentWindow(SQLModel, table=True):
    """The half-open interval [starts_at, ends_at) in which a release's deployment may start.

    State: booked, open, closed, missed, withdrawn.
    """

    id: int | None = Field(default=None, primary_key=True)
    release_id: int = Field(foreign_key="release.id", index=True)
    number: int
    starts_at: datetime = _instant()
    ends_at: datetime = _instant()
    zone: str
    set_by: str
    set_at: datetime = _instant()
    state: str = Field(index=True)

    __table_args__ = (UniqueConstraint("release_id", "number"),)


class ChecklistItem(SQLModel, table=True):
    """A question to settle before a release may go; state: open, in_progress, blocked, done, waived.

    `rule` names what settles it by itself: "" for people, else "validated" or "snapshot". `evidence` says what a tick
    has to bring ("", "note" or "link"), `condition` for which packages there is such a question at all
    (`release_core.conditions`). At `waived_until` a waiver ends; `remind_at` is when its owner is reminded next, not
    before `snoozed_until`.
    """

    id: int | None = Field(default=None, primary_key=True)
    release_id: int = Field(foreign_key="release.id", index=True)
    number: int
    title: str
    rule: str = ""
    required: bool = True
    owner_id: str = ""
    team: str = ""
    due_at: datetime | None = _instant(optional=True)
    state: str
    note: str = _words()
    changed_by: str = ""
    changed_at: datetime | None = _instant(optional=True)
    evidence: str = _later("")
    condition: dict[str, Any] = _document(later=True)
    waived_until: datetime | None = _instant(optional=True)
    remind_at: datetime | None = _instant(optional=True)
    snoozed_until: datetime | None = _instant(optional=True)

    __table_args__ = (UniqueConstraint("release_id", "number"),)


class Approval(SQLModel, table=True):
    """One person's recorded yes or no for a seat, bound to the digest of what was approved.

    State: standing, withdrawn, expired. `seen` is what its giver saw at that moment, with the words of the card;
    `for_people` are those whom they stood in for then; at `expires_at` it counts no more.
    """

    id: int | None = Field(default=None, primary_key=True)
    release_id: int = Field(foreign_key="release.id", index=True)
    seat: str
    person_id: str
    yes: bool
    digest: str
    comment: str = _words()
    at: datetime = _instant()
    state: str
    seen: dict[str, Any] = _document()
    withdrawn_because: str = _words()
    for_people: list[Any] = _list(later=True)
    expires_at: datetime | None = _instant(optional=True)


class Asking(SQLModel, table=True):
    """The seats of a release, asked once to approve; the newest asking counts.

    `digest` is what they were asked to say yes to, `bound` the same in parts that can be compared
    (`release_core.bindings`); `changes` says what is other than when they were asked before; `seats` were asked so
    far. At `remind_at` who has not
    answered is asked again, at `alternates_at` others too, at `manager_at` the release's owner is told.
    """

    id: int | None = Field(default=None, primary_key=True)
    release_id: int = Field(foreign_key="release.id", index=True)
    number: int
    digest: str
    bound: dict[str, Any] = _document()
    changes: list[Any] = _list()
    seats: list[Any] = _list()
    asked_by: str
    asked_at: datetime = _instant()
    remind_at: datetime = _instant()
    alternates_at: datetime = _instant()
    manager_at: datetime = _instant()

    __table_args__ = (UniqueConstraint("release_id", "number"),)


class RollCall(SQLModel, table=True):
    """Named seats of a release asked for go or no-go until `due_at`; the newest counts; state: open, closed.

    `seats` lists them; `digest` is what would be deployed to `org` when it was called: about anything else it says
    nothing. `result` is what it came to, frozen when it closed (`release_core.tallies`).
    """

    id: int | None = Field(default=None, primary_key=True)
    release_id: int = Field(foreign_key="release.id", index=True)
    number: int
    org: str
    digest: str
    question: str = _words()
    seats: list[Any] = _list()
    called_by: str
    called_at: datetime = _instant()
    due_at: datetime = _instant()
    state: str
    result: dict[str, Any] = _document()

    __table_args__ = (UniqueConstraint("release_id", "number"),)


class RollCallVoice(SQLModel, table=True):
    """What somebody said for a seat in a roll call: go, no_go or abstain; the newest of a seat counts."""

    id: int | None = Field(default=None, primary_key=True)
    roll_call_id: int = Field(foreign_key="rollcall.id", index=True)
    seat: str
    person_id: str
    said: str
    reason: str = _words()
    at: datetime = _instant()


class Absence(SQLModel, table=True):
    """When somebody is away, [starts_at, ends_at), with who answers for them meanwhile ("" for nobody).

    `ended_at` is when they said that they are back earlier, or made other plans.
    """

    id: int | None = Field(default=None, primary_key=True)
    person_id: str = Field(index=True)
    starts_at: datetime = _instant()
    ends_at: datetime = _instant()
    stand_in: str = ""
    note: str = _words()
    set_at: datetime = _instant()
    ended_at: datetime | None = _instant(optional=True)


class Waiver(SQLModel, table=True):
    """A named person lets a gate or item pass; `about` is "freeze:FRZ-1" or "gate:<code>".

    `org` is where the release was going then: what may be risked in a sandbox may not in production. "" means any.
    """

    id: int | None = Field(default=None, primary_key=True)
    release_id: int = Field(foreign_key="release.id", index=True)
    about: str
    by: str
    reason: str = _words()
    at: datetime = _instant()
    expires_at: datetime = _instant()
    org: str = _later("")


class Freeze(SQLModel, table=True):
    """The half-open interval [starts_at, ends_at) in which no deployment to `org` ("*": any) may start."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    name: str
    org: str
    starts_at: datetime = _instant()
    ends_at: datetime = _instant()
    reason: str = _words()
    set_by: str
    set_at: datetime = _instant()
    lifted_by: str = ""
    lifted_at: datetime | None = _instant(optional=True)


class Deployment(SQLModel, table=True):
    """One attempt to put one package on one org; never reused.

    Purpose: validation, deployment, arming, rollback. State: requested, validating, validated,
    deploying, verifying, succeeded, failed, cancelled, unknown, rolled_back. `progress` holds the counters shown
    live; `result` holds what a person acts on (failures, coverage). `validated_job_id` is the check-only job that a
    quick deploy used; `then` the orgs to validate in next.
    `undoes_id` links a rollback or its arming to the deployment undone; `leave` lists the components
    ([type, full name]) that a rollback does not touch. `calls` counts the API calls the attempt has cost; `resubmitted`
    how often the org was asked again because it had been busy.
    """

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    release_id: int = Field(foreign_key="release.id", index=True)
    package_id: int | None = None
    purpose: str = Field(index=True)
    org: str = Field(index=True)
    state: str = Field(index=True)
    requested_by: str
    requested_at: datetime = _instant()
    archive_digest: str = ""
    approval_digest: str = ""
    test_level: str = ""
    run_tests: list[Any] = _list(later=True)
    job_id: str = ""
    validated_job_id: str = ""
    asked_at: datetime | None = _instant(optional=True)
    started_at: datetime | None = _instant(optional=True)
    finished_at: datetime | None = _instant(optional=True)
    lapses_at: datetime | None = _instant(optional=True)
    voided_because: str = _words()
    abort_requested_by: str = ""
    then: list[Any] = _list()
    undoes_id: int | None = None
    incident_id: int | None = None
    snapshot_digest: str = ""
    snapshot_at: datetime | None = _instant(optional=True)
    rollback_digest: str = ""
    leave: list[Any] = _list(later=True)
    calls: int = _later(0)
    resubmitted: int = _later(0)
    progress: dict[str, Any] = _document()
    result: dict[str, Any] = _document()
    problem: str = _words()


class RollbackRequest(SQLModel, table=True):
    """One person's wish to go back, until a second one agrees; state: asked, confirmed, declined, expired, replaced.

    `leave` lists the components ([type, full name]) that are not to be taken back. `looked_at` is when the live org
    was last compared for it, `drift` what somebody had changed since the deployment (rows [type, name, kind, by, ISO
    instant or ""]), `live_digest` the artifact with what the org held then, `seen` the latest rows of the org's setup
    audit trail at that moment ([ISO instant, by, action, display]). `look_problem` says why the org could not be looked
    at. With `overwrite` what the look found, and `leave` does not name, may be lost.
    """

    id: int | None = Field(default=None, primary_key=True)
    deployment_id: int = Field(foreign_key="deployment.id", index=True)
    number: int
    incident_id: int | None = None
    state: str
    reason: str = _words()
    requested_by: str
    requested_at: datetime = _instant()
    expires_at: datetime = _instant()
    decided_by: str = ""
    decided_at: datetime | None = _instant(optional=True)
    overwrite: bool = False
    leave: list[Any] = _list(later=True)
    looked_at: datetime | None = _instant(optional=True)
    drift: list[Any] = _list(later=True)
    live_digest: str = _later("")
    seen: list[Any] = _list(later=True)
    look_problem: str = _words(later=True)

    __table_args__ = (UniqueConstraint("deployment_id", "number"),)


class OrgLock(SQLModel, table=True):
    """An org closed to releases until a named person lifts it."""

    id: int | None = Field(default=None, primary_key=True)
    org: str = Field(index=True)
    reason: str = _words()
    locked_by: str
    locked_at: datetime = _instant()
    lifted_by: str = ""
    lifted_at: datetime | None = _instant(optional=True)
    lifted_because: str = _words()


class OrgWatch(SQLModel, table=True):
    """How far we have read what others did in an org.

    `seen_until` is the instant up to which its deployment history was read; `looked_at` when that was; `problem` is the
    sentence of the last failed look, "" after a good one.
    """

    org: str = Field(primary_key=True)
    looked_at: datetime | None = _instant(optional=True)
    seen_until: datetime | None = _instant(optional=True)
    problem: str = _words()


class OrgReading(SQLModel, table=True):
    """What an org last told of what bears on a deployment; `asked_at` is when it was asked.

    `found` holds `jobs` (rows [class, kind of job, state, ISO instant or ""] of Apex that waits or runs), `changes`
    (rows [ISO instant, by, display] of its setup audit trail by others than us, since `changes_since`), `limits` (name
    -> [most, left]). `problem` is why it could not be asked, "" after a good reading; `found` then is from before.
    """

    org: str = Field(primary_key=True)
    asked_at: datetime = _instant()
    changes_since: datetime | None = _instant(optional=True)
    found: dict[str, Any] = _document()
    problem: str = _words()


class Acceptance(SQLModel, table=True):
    """A named person takes a risk upon themselves in writing, for a seat; state: standing, withdrawn.

    `about` is "impossible" (parts that cannot come back) or "no_snapshot"; `digest` is the SHA-256 of exactly what was
    accepted, so that anything else is accepted anew.
    """

    id: int | None = Field(default=None, primary_key=True)
    release_id: int = Field(foreign_key="release.id", index=True)
    about: str
    digest: str
    seat: str
    by: str
    reason: str = _words()
    at: datetime = _instant()
    state: str


class Task(SQLModel, table=True):
    """Work for a person or team before or after a deployment, which holds the next step until it is done.

    `phase` is "before" or "after"; `number` gives the order within the release; `org` is the one org of a staged
    release that it belongs to ("" where a release has one org alone). State: open, in_progress, done, waived. Minutes
    are whole minutes of work.
    """

    id: int | None = Field(default=None, primary_key=True)
    release_id: int = Field(foreign_key="release.id", index=True)
    number: int
    title: str
    phase: str
    org: str = ""
    owner_id: str = ""
    team: str = ""
    state: str
    note: str = _words()
    planned_minutes: int = 0
    started_at: datetime | None = _instant(optional=True)
    finished_at: datetime | None = _instant(optional=True)
    changed_by: str = ""
    changed_at: datetime | None = _instant(optional=True)

    __table_args__ = (UniqueConstraint("release_id", "number"),)


class Incident(SQLModel, table=True):
    """Something broken that people are handling; state: open, resolved; severity 1 (worst) to 4.

    `word_due_at` is when its commander promised to say next what is known.
    """

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    title: str
    severity: int
    org: str
    state: str = Field(index=True)
    commander_id: str
    opened_by: str
    opened_at: datetime = _instant()
    release_id: int | None = None
    deployment_id: int | None = None
    resolution: str = _words()
    resolved_by: str = ""
    resolved_at: datetime | None = _instant(optional=True)
    word_due_at: datetime | None = _instant(optional=True)


class Broadcast(SQLModel, table=True):
    """A status for an audience; state: due, sent, missed, withdrawn. `every_minutes` 0 means once."""

    id: int | None = Field(default=None, primary_key=True)
    release_id: int = Field(foreign_key="release.id", index=True)
    number: int
    audience: str
    due_at: datetime = _instant()
    every_minutes: int = 0
    state: str = Field(index=True)
    text: str = _words()
    by: str
    sent_at: datetime | None = _instant(optional=True)

    __table_args__ = (UniqueConstraint("release_id", "number"),)


class TimelineEntry(SQLModel, table=True):
    """An immutable fact in a stream (a release, an incident, a freeze, an org), chained by hashes."""

    id: int | None = Field(default=None, primary_key=True)
    stream: str = Field(index=True)
    number: int
    kind: str
    at: datetime = _instant()
    actor: str
    subject: str
    details: dict[str, Any] = _document()
    previous_hash: str
    hash: str

    __table_args__ = (UniqueConstraint("stream", "number"),)


class Intent(SQLModel, table=True):
    """A flow that must run, once, under `key`; state: due, started, finished, failed, withdrawn.

    `problem` is the sentence of a failed one; `takeovers` counts how often a dead replica's run was taken over.
    """

    key: str = Field(primary_key=True)
    flow: str
    args: dict[str, Any] = _document()
    lane: str = ""
    due_at: datetime = _instant(index=True)
    state: str = Field(index=True)
    created_at: datetime = _instant()
    finished_at: datetime | None = _instant(optional=True)
    problem: str = _words()
    takeovers: int = 0


class Post(SQLModel, table=True):
    """A message of ours in the chat, by the slot that it fills, so that it can be edited for ever."""

    slot: str = Field(primary_key=True)
    channel: str = Field(index=True)
    ts: str = Field(index=True)
    thread: str = ""
    stream: str = Field(index=True)
    drawn: str = ""


class Receipt(SQLModel, table=True):
    """Something that must be handled once: an event from outside, or a flow's fact with its `outcome`."""

    key: str = Field(primary_key=True)
    at: datetime = _instant(index=True)
    outcome: dict[str, Any] = _document()


class Person(SQLModel, table=True):
    """Somebody in the chat, as last seen there."""

    id: str = Field(primary_key=True)
    handle: str = ""
    name: str = ""
    zone: str = "UTC"
    deactivated: bool = False
    seen_at: datetime = _instant()


class Muted(SQLModel, table=True):
    """A topic of our direct messages that a person does not want; without a row they want it."""

    person_id: str = Field(primary_key=True)
    topic: str = Field(primary_key=True)


class TeamMember(SQLModel, table=True):
    """A person in a chat user group, as last seen there."""

    team_id: str = Field(primary_key=True)
    person_id: str = Field(primary_key=True)


class ExecutorLease(SQLModel, table=True):
    """A replica of the bot that is alive as long as it beats; `heartbeat` is epoch seconds by the database clock."""

    executor_id: str = Field(primary_key=True)
    heartbeat: float
    host: str
    pid: int
    version: str


class Counter(SQLModel, table=True):
    """The last number given out for keys of one kind ("REL", "DEP", "INC", "FRZ")."""

    kind: str = Field(primary_key=True)
    last: int = 0
