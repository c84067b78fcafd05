"""Releases, packages, windows and freezes to tell short stories with.

Each builder uses the actions that people use, so that what it leaves behind is what they would find.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import select

from release_core import (
    approvals,
    arming,
    attaching,
    attempts,
    checklists,
    comparing,
    deployments,
    releases,
    rollback_outcomes,
    scheduling,
    validations,
)
from release_core.comparing import Look
from release_core.differences import Difference, LastChange, write_differences
from release_core.errors import NotFound
from release_core.facts import ReleaseFacts, gather
from release_core.lookups import find_release, release_of
from release_core.metadata_types import Component
from release_core.models import Deployment, Intent, Release, ReleasePackage, TimelineEntry
from release_core.packages import Package
from release_core.policy import Kind, Policy, Strategy
from release_core.ports import ComponentOutcome, Coverage, JobStatus, KeptFile, Ports, TestFailure
from release_core.readiness import Gate, blocking, gates
from release_core.store import Store, migrate, open_store
from release_core.timeline import read_stream
from release_core.verdicts import Judgement, Verdict
from release_core.windows import Interval

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""A Monday morning; where every story begins."""

MANAGER, SECOND_MANAGER, DEVELOPER, OTHER_DEVELOPER = "UMANAGER", "UMANAGER2", "UDEVELOPER", "UDEVELOPER2"
TESTER, ADMINISTRATOR, ANALYST, STAKEHOLDER = "UTESTER", "UADMIN", "UANALYST", "USTAKEHOLDER"
QA, OTHER_QA, BUSINESS, BOTH_SEATS, DIRECTOR = "UQA", "UQA2", "UBUSINESS", "UBOTHSEATS", "UDIRECTOR"
PRODUCTION, UAT = "production", "uat"

_LOGIN = {"method": "access_token", "instance_url": "https://example.my.salesforce.com", "access_token_env": "TOKEN"}
_POLICY: dict[str, Any] = {
    "zone": "Europe/Berlin",
    "channels": {"releases": "C0RELEASES", "incidents": "C0INCIDENTS"},
    "orgs": {
        UAT: {"title": "UAT", "kind": "sandbox", "login": _LOGIN},
        PRODUCTION: {"title": "PRODUCTION", "kind": "production", "login": _LOGIN, "validate_first": [UAT]},
    },
    "people": {
        "release_manager": [MANAGER, SECOND_MANAGER],
        "developer": [DEVELOPER, OTHER_DEVELOPER],
        "tester": [TESTER],
        "administrator": [ADMINISTRATOR],
        "analyst": [ANALYST],
        "stakeholder": [STAKEHOLDER],
    },
    "teams": {"qa": {"title": "QA team", "people": [QA, OTHER_QA], "group": "S0QA"}},
    "seats": {
        "qa": {"title": "QA", "teams": ["qa"], "people": [BOTH_SEATS, OTHER_DEVELOPER]},
        "business": {"title": "Business", "people": [BUSINESS, BOTH_SEATS]},
    },
    "approvals": {"standard": ["qa", "business"], "hotfix": ["qa"], "emergency": []},
    "checklists": {
        "standard": [
            {"title": "Release notes written", "role": "release_manager", "due": "1d"},
            {"title": "Smoke test agreed", "team": "qa"},
            {"title": "Data load rehearsed", "person": ADMINISTRATOR, "required": False},
            {"title": "Validation passed", "rule": "validated"},
            {"title": "Snapshot taken", "rule": "snapshot"},
        ],
    },
    "rights": {"waive_freeze": [DIRECTOR]},
    "audiences": {
        "business": {"tier": "business", "channels": ["C0STAKEHOLDERS"], "every": "30m"},
        "executive": {"tier": "executive", "people": [DIRECTOR], "every": "2h"},
    },
}


class SettableClock:
    """A clock that stands still until somebody moves it."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def set(self, instant: datetime) -> None:
        self._now = instant


class ArtifactsInMemory:
    """Keeps bytes under their digest for as long as the test lasts."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self.saved_at: dict[str, datetime] = {}

    def save(self, data: bytes) -> str:
        digest = digest_of(data)
        self._kept[digest] = data
        self.saved_at[digest] = NOW
        return digest

    def kept(self) -> Sequence[KeptFile]:
        return [KeptFile(digest, len(data), self.saved_at[digest]) for digest, data in self._kept.items()]

    def delete(self, digest: str, *, saved_by: datetime | None = None) -> bool:
        if digest in self._kept and saved_by is not None and self.saved_at[digest] > saved_by:
            return False
        self._kept.pop(digest, None)
        return True

    def clear_unfinished(self, before: datetime) -> None:
        """Memory holds nothing that is half saved."""

    def load(self, digest: str) -> bytes:
        if digest not in self._kept:
            raise NotFound(f"Nothing is kept under {digest}.")
        return self._kept[digest]


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def a_policy(**changes: Any) -> Policy:
    """The usual policy; each keyword replaces one of its sections."""
    return Policy.model_validate({**_POLICY, **changes})


def a_store(url: str = "sqlite://") -> Store:
    """An empty store with its tables; connections are let go of when nobody holds it any more."""
    store = open_store(url)
    weakref.finalize(store, store.engine.dispose)
    migrate(store)
    return store


def ports(*, store: Store | None = None, policy: Policy | None = None, now: datetime = NOW) -> Ports:
    """Everything an action needs: SQLite in memory, a clock that stands, files in memory."""
    return Ports(store or a_store(), policy or a_policy(), SettableClock(now), ArtifactsInMemory())


def go_to(ports: Ports, instant: datetime) -> datetime:
    """Set the clock."""
    assert isinstance(ports.clock, SettableClock)
    ports.clock.set(instant)
    return instant


def later(ports: Ports, **span: float) -> datetime:
    """Let time pass (`hours=2`); returns the new present."""
    return go_to(ports, ports.clock.now() + timedelta(**span))


def a_window(start: float = 1, hours: float = 2) -> Interval:
    """A window that starts so many hours after NOW."""
    starts_at = NOW + timedelta(hours=start)
    return Interval(starts_at, starts_at + timedelta(hours=hours))


def a_release(
    ports: Ports,
    *,
    name: str = "Autumn release",
    org: str = PRODUCTION,
    kind: Kind = "standard",
    strategy: Strategy = "validate_then_quick",
    window: Interval | None = None,
) -> str:
    """A release planned by its manager; returns its key."""
    plan = releases.Plan(name=name, org=org, kind=kind, owner_id=MANAGER, strategy=strategy, window=window)
    return releases.plan_release(ports, MANAGER, plan)


def contents(words: str = "first", components: Sequence[Component] = ()) -> Package:
    """A package as it was read; other words, another digest."""
    held = tuple(components) or (Component("ApexClass", "Discount"), Component("CustomField", "Account.Tier__c"))
    return Package(digest=digest_of(words.encode()), size=1234, api_version="64.0", files={}, components=held)


def a_package(ports: Ports, key: str, *, author: str = DEVELOPER, words: str = "first", compared: bool = True) -> int:
    """A package that was attached, read and compared with its target, which holds nothing of it; returns its row id."""
    package = attaching.attach_package(ports, author, key, file_id="F1", file_name=f"{words}.zip")
    attaching.accept_package(ports, package, contents(words))
    if compared:
        note_comparison(ports, package)
    return package


def note_comparison(ports: Ports, package: int, *verdicts: tuple[str, str, Verdict], again: bool = False) -> None:
    """A package was compared with its target; without verdicts each part is new and goes away exactly."""
    with ports.store.reading() as session:
        row = session.get(ReleasePackage, package)
        assert row is not None
        org = release_of(session, row).target_org
        told = verdicts or [(kind, name, "exact") for kind, name in row.components]
    judged = [
        Judgement(
            Component(kind, name), verdict, f"It is {verdict}.", "" if verdict == "exact" else "Act by hand.", "MDAPI"
        )
        for kind, name, verdict in told
    ]
    changes = [(kind, name, "new" if verdict == "exact" else "changed") for kind, name, verdict in told]
    comparing.note_comparison(ports, package, changes, judged, Look(org, "", (), again))
    has_run(ports, "comparison")


def has_run(ports: Ports, flow: str) -> None:
    """The engine has carried out every flow of a kind that was due."""
    with ports.store.transaction() as session:
        for intent in session.exec(select(Intent).where(Intent.flow == flow, Intent.state == "due")):
            intent.state = "finished"
            session.add(intent)


LOST: tuple[str, str, Verdict] = ("CustomField", "Account.Tier__c", "impossible")
"""A part of the usual package that cannot come back."""


def differing(ports: Ports, package: int, *, diff: str = "-    <type>Text</type>\n+    <type>Number</type>") -> None:
    """A package was compared with a target in which Mei Tan changed one of its fields two days ago."""
    field = Component("CustomField", "Account.Tier__c")
    changed = LastChange(
        field, "Mei Tan", ports.clock.now() - timedelta(days=2), "objects/Account.object", "in the last 14 days"
    )
    text = write_differences(["REL-1"], [Difference(field, "changed", ["It was changed."], diff)])
    look = Look(PRODUCTION, ports.artifacts.save(text.encode()), [changed.as_row()])
    changes = [("ApexClass", "Discount", "identical"), (field.type, field.name, "changed")]
    judged = [
        Judgement(Component("ApexClass", "Discount"), "exact", "It is there already."),
        Judgement(field, "manual", "It needs a person.", "Act by hand.", "MDAPI"),
    ]
    comparing.note_comparison(ports, package, changes, judged, look)


def a_success(*, at: datetime | None = None, created: Sequence[Component] = ()) -> JobStatus:
    """A job that the org carried out."""
    outcomes = [
        ComponentOutcome(c.type, c.name, f"{c.name}.cls", created=True, changed=True, deleted=False, success=True)
        for c in created
    ]
    return JobStatus("0Af1", "Succeeded", True, True, False, completed_at=at, tests_done=3, outcomes=outcomes)


def a_failure(*, message: str = "Assertion Failed") -> JobStatus:
    """A job whose Apex tests failed."""
    failure = TestFailure("DiscountTest", "gives_ten_percent", message, "Class.DiscountTest: line 12, column 1")
    coverage = [Coverage("Discount", 40, 10)]
    return JobStatus("0Af2", "Failed", True, False, False, test_errors=1, test_failures=[failure], coverage=coverage)


def a_cancellation() -> JobStatus:
    """A job that was cancelled in the org."""
    return JobStatus("0Af3", "Canceled", True, False, False)


def a_passed_validation(ports: Ports, key: str, *, org: str = PRODUCTION) -> str:
    """A check-only run with tests that passed in one org; returns its key."""
    attempt = row_id(ports, validations.request_validation(ports, DEVELOPER, key, org=org))
    attempts.note_job(ports, attempt, f"0AfV{attempt}")
    validations.finish_validation(ports, attempt, a_success())
    return deployment(ports, attempt).key


def settle_checklist(ports: Ports, key: str) -> None:
    """Tick what people have to tick."""
    for item in facts_of(ports, key).items:
        if not item.rule and item.state != "done":
            checklists.tick(ports, MANAGER, key, str(item.number))


def approve(ports: Ports, key: str) -> None:
    """Every seat says yes."""
    for seat in facts_of(ports, key).seats:
        approvals.answer(ports, {"qa": QA, "business": BUSINESS}[seat], key, yes=True, seat=seat)


def a_ready_release(ports: Ports, *, strategy: Strategy = "validate_then_quick", name: str = "Autumn release") -> str:
    """A release whose every gate is open now."""
    now = ports.clock.now()
    key = a_release(ports, strategy=strategy, name=name, window=Interval(now, now + timedelta(hours=2)))
    a_package(ports, key, words=f"{name} {key}")
    a_passed_validation(ports, key)
    settle_checklist(ports, key)
    approve(ports, key)
    return key


def a_started_deployment(ports: Ports, key: str) -> int:
    """A deployment that the org is carrying out; returns its row id."""
    attempt = row_id(ports, deployments.request_deployment(ports, MANAGER, key))
    assert not deployments.hold_if_blocked(ports, attempt)
    deployments.note_snapshot(ports, attempt, digest_of(b"before"))
    attempts.note_asking(ports, attempt, "deploying")
    attempts.note_job(ports, attempt, f"0AfD{attempt}")
    return attempt


def land(ports: Ports, attempt: int, *, way_back: bool = True, note: str = "") -> None:
    """The org carried a deployment out, and it was read back."""
    deployments.finish_deployment(ports, attempt, a_success())
    digest = digest_of(b"way back") if way_back else ""
    deployments.note_verified(ports, attempt, differences=(), rollback_digest=digest, note=note)


def arm(ports: Ports, key: str) -> int:
    """The way back of a release passed its check-only run; returns the attempt's row id."""
    attempt = newest(ports, key, "arming")
    assert attempt.id is not None
    attempts.note_job(ports, attempt.id, f"0AfA{attempt.id}")
    arming.finish_arming(ports, attempt.id, a_success())
    return attempt.id


def a_soaking_release(ports: Ports, *, armed: bool = True, name: str = "Autumn release") -> str:
    """A release that is in production, perhaps with its way back proven."""
    key = a_ready_release(ports, name=name)
    land(ports, a_started_deployment(ports, key))
    if armed:
        arm(ports, key)
    return key


def a_freeze(
    ports: Ports, *, org: str = PRODUCTION, start: float = 0, hours: float = 4, name: str = "Month end"
) -> str:
    """A freeze that starts so many hours after NOW; returns its key."""
    during = a_window(start, hours)
    return scheduling.set_freeze(ports, ADMINISTRATOR, org=org, name=name, during=during, reason="the books close")


@dataclass(frozen=True)
class Told:
    """One fact of a timeline, as a reader sees it."""

    kind: str
    actor: str
    details: dict[str, Any]


def told(ports: Ports, stream: str) -> list[Told]:
    """The facts of a stream, oldest first."""
    return [Told(entry.kind, entry.actor, entry.details) for entry in entries(ports, stream)]


def kinds(ports: Ports, stream: str) -> list[str]:
    """The kinds of a stream's facts, oldest first."""
    return [fact.kind for fact in told(ports, stream)]


def last(ports: Ports, stream: str, kind: str) -> Told:
    """The newest fact of a kind in a stream."""
    return [fact for fact in told(ports, stream) if fact.kind == kind][-1]


def entries(ports: Ports, stream: str) -> Sequence[TimelineEntry]:
    """The rows of a stream, oldest first."""
    with ports.store.reading() as session:
        return read_stream(session, stream)


def facts_of(ports: Ports, key: str) -> ReleaseFacts:
    """Everything known about a release now."""
    with ports.store.reading() as session:
        return gather(session, ports.policy, find_release(session, key))


def all_gates(ports: Ports, key: str) -> list[Gate]:
    """Every gate of a release now."""
    return gates(facts_of(ports, key), ports.policy, ports.clock.now())


def blocked_by(ports: Ports, key: str) -> set[str]:
    """The codes of the gates that say no now."""
    return {gate.code for gate in blocking(facts_of(ports, key), ports.policy, ports.clock.now())}


def gate(ports: Ports, key: str, code: str) -> Gate:
    """The first gate with a code."""
    return next(gate for gate in all_gates(ports, key) if gate.code == code)


def release(ports: Ports, key: str) -> Release:
    """A release's row."""
    with ports.store.reading() as session:
        return find_release(session, key)


def deployment(ports: Ports, attempt: int | str) -> Deployment:
    """An attempt's row, by its row id or its key."""
    column = Deployment.id if isinstance(attempt, int) else Deployment.key
    with ports.store.reading() as session:
        return session.exec(select(Deployment).where(column == attempt)).one()


def row_id(ports: Ports, key: str) -> int:
    """The row id of an attempt."""
    found = deployment(ports, key).id
    assert found is not None
    return found


def newest(ports: Ports, key: str, purpose: str) -> Deployment:
    """The newest attempt of a release with a purpose."""
    found = facts_of(ports, key).newest(purpose)
    assert found is not None
    return found


def intents(ports: Ports, flow: str, *, state: str = "due") -> list[Intent]:
    """The flows of a kind that must still run, earliest first."""
    with ports.store.reading() as session:
        found = session.exec(select(Intent).where(Intent.flow == flow, Intent.state == state)).all()
    return sorted(found, key=lambda intent: (intent.due_at, intent.key))


def note_returned(
    ports: Ports, rollback: int, differences: Sequence[str] = (), *, undo_digest: str = "", note: str = ""
) -> None:
    """The org was read back after a rollback (its row id) and compared."""
    rollback_outcomes.note_read_back(ports, rollback, rollback_outcomes.Returned(differences, undo_digest, note))
