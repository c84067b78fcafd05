"""The seams to the outside: clock, files, orgs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from release_core.policy import Policy
    from release_core.store import Store


class Clock(Protocol):
    """Tells the present instant."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        ...


class Artifacts(Protocol):
    """Keeps bytes under their SHA-256 digest (64 hexadecimal digits), outside the database."""

    def save(self, data: bytes) -> str:
        """Keep `data` and return its digest; saving the same bytes twice is harmless."""
        ...

    def load(self, digest: str) -> bytes:
        """The bytes kept under `digest`; NotFound when they are gone."""
        ...

    def kept(self) -> Sequence[KeptFile]:
        """Everything that is kept."""
        ...

    def delete(self, digest: str, *, saved_by: datetime | None = None) -> bool:
        """Forget the bytes under `digest`, unless they were saved anew after `saved_by`; whether they are gone now."""
        ...

    def clear_unfinished(self, before: datetime) -> None:
        """Forget what a crash left of bytes that were being saved before an instant."""
        ...


@dataclass(frozen=True)
class KeptFile:
    """One artifact: its digest, its size in bytes, when its bytes were last saved (aware UTC)."""

    digest: str
    size: int
    saved_at: datetime


@dataclass(frozen=True)
class Ports:
    """What an action or question needs from outside: facts, rules, time, files."""

    store: Store
    policy: Policy
    clock: Clock
    artifacts: Artifacts


TestLevel = Literal["NoTestRun", "RunSpecifiedTests", "RunLocalTests", "RunAllTestsInOrg", "RunRelevantTests"]
JobState = Literal[
    "Pending",
    "InProgress",
    "Finalizing",
    "FinalizingFailed",
    "Succeeded",
    "SucceededPartial",
    "Failed",
    "Canceling",
    "Canceled",
]


Busy = Literal["setup_lock", "row_lock", "sharing"]
"""Why an org could not carry out a job for a while: its setup, a record, or its sharing was locked by somebody else."""


@dataclass(frozen=True)
class DeployOptions:
    """What we ask of a deployment; `test_level` None leaves the choice to the org.

    Without `ignore_warnings` a warning, such as one for deleting what is not there, fails the whole deployment.
    `single_package` False: each top folder of the zip is a package with its own package.xml.
    """

    check_only: bool
    test_level: TestLevel | None = None
    run_tests: Sequence[str] = ()
    ignore_warnings: bool = False
    single_package: bool = True


@dataclass(frozen=True)
class ComponentOutcome:
    """What one component met in a deployment; `line` and `column` count from 1, None when the org named none."""

    type: str
    name: str
    file: str
    created: bool
    changed: bool
    deleted: bool
    success: bool
    problem: str = ""
    problem_type: str = ""
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True)
class TestFailure:
    """One Apex test that failed."""

    __test__ = False

    class_name: str
    method: str
    message: str
    stack_trace: str


@dataclass(frozen=True)
class Coverage:
    """How many lines of one class or trigger the tests ran through; `missed` are the numbers of the others."""

    name: str
    lines: int
    uncovered: int
    missed: Sequence[int] = ()


@dataclass(frozen=True)
class JobStatus:
    """A deployment job as the org sees it; `outcomes` to `coverage_warnings` only when details were asked for.

    `cancelled_by` is the name, in the org, of whoever had it cancelled there.
    """

    id: str
    state: JobState
    done: bool
    success: bool
    check_only: bool
    components_done: int = 0
    components_total: int = 0
    component_errors: int = 0
    tests_done: int = 0
    tests_total: int = 0
    test_errors: int = 0
    state_detail: str = ""
    error_message: str = ""
    error_code: str = ""
    completed_at: datetime | None = None
    outcomes: Sequence[ComponentOutcome] = field(default=())
    test_failures: Sequence[TestFailure] = field(default=())
    coverage: Sequence[Coverage] = field(default=())
    coverage_warnings: Sequence[str] = field(default=())
    cancelled_by: str = ""


@dataclass(frozen=True)
class Retrieved:
    """What a retrieve brought: a metadata-format zip, who changed what last, what was missing."""

    archive: bytes
    properties: Sequence[FileProperty]
    messages: Sequence[str]


@dataclass(frozen=True)
class FileProperty:
    """Who last changed one component in the org, with when."""

    type: str
    name: str
    file: str
    changed_by: str
    changed_at: datetime | None
    id: str = ""


@dataclass(frozen=True)
class Dependent:
    """A component that refers to another one: its own id, type and name (without its object), the id of the other."""

    id: str
    type: str
    name: str
    of: str


@dataclass(frozen=True)
class OrgIdentity:
    """Who we are in an org, with what kind of org it is."""

    org_id: str
    name: str
    is_sandbox: bool
    username: str
    user_id: str
    api_version: str


@dataclass(frozen=True)
class DeployRequestRow:
    """One row of the org's own deployment history."""

    id: str
    state: str
    check_only: bool
    created_at: datetime
    completed_at: datetime | None
    created_by: str
    zip_size: int
    validation_id: str | None


Members = Mapping[str, Sequence[str]]


class OrgGateway(Protocol):
    """One Salesforce org that we may look at or deploy to.

    Every method may raise OrgUnavailable (repeat later) or OrgRefused (an administrator acts); the methods that start
    something may raise OutcomeUnknown when the answer was lost.
    """

    @property
    def api_usage(self) -> tuple[int, int] | None:
        """API calls used and allowed in the org's 24 hours, as its last answer told; None before the first."""
        ...

    def identity(self) -> OrgIdentity:
        """Who we are there."""
        ...

    def deploy(self, archive: bytes, options: DeployOptions) -> str:
        """Start a deployment of a metadata-format zip; returns the job id (18 characters)."""
        ...

    def quick_deploy(self, validation_id: str) -> str:
        """Start the deployment of what was validated; returns the NEW job id, or OrgRefused when it lapsed."""
        ...

    def status(self, job_id: str, *, details: bool = False) -> JobStatus:
        """The job's present state."""
        ...

    def find_deployment(
        self,
        *,
        since: datetime,
        check_only: bool,
        zip_size: int | None = None,
        else_size: int | None = None,
        validation_id: str | None = None,
        not_ids: Collection[str] = (),
    ) -> str | None:
        """The job that we ourselves started since an instant, by size of its zip or by the validation it used.

        `else_size` is a size that counts when no job has the first one.
        """
        ...

    def cancel(self, job_id: str) -> None:
        """Ask the org to cancel; it may be too late."""
        ...

    def retrieve(self, members: Members) -> Retrieved:
        """Bring the named components (type -> full names) as they are now; waits until the org has packed them."""
        ...

    def list_metadata(self, types: Sequence[str]) -> Sequence[FileProperty]:
        """All components of the given types, with who last changed each; types in folders give nothing."""
        ...

    def deployments_since(self, since: datetime) -> Sequence[DeployRequestRow]:
        """The org's deployment history from an instant on, oldest first, everybody's."""
        ...

    def installs_since(self, since: datetime) -> Sequence[InstallRow]:
        """The packages that arrived in the org from an instant on, oldest first."""
        ...

    def changes_since(self, since: datetime) -> Sequence[AuditRow]:
        """The org's setup audit trail from an instant on, oldest first."""
        ...

    def limits(self) -> Mapping[str, tuple[int, int]]:
        """Name -> (max, remaining)."""
        ...

    def dependents(self, ids: Sequence[str]) -> Sequence[Dependent]:
        """What refers to components, by their ids; Salesforce calls this beta, and leaves reports out."""
        ...

    def pending_jobs(self) -> Sequence[PendingJob]:
        """The Apex jobs, scheduled ones too, that wait or run now."""
        ...


@dataclass(frozen=True)
class InstallRow:
    """One package that was installed or upgraded in an org; `at` is when it was done, `by` the id of who asked."""

    id: str
    at: datetime
    by: str


@dataclass(frozen=True)
class PendingJob:
    """Apex that waits or runs in an org: the class, its kind ("BatchApex" …), its state, since when."""

    apex_class: str
    kind: str
    state: str
    since: datetime | None


@dataclass(frozen=True)
class AuditRow:
    """One change made in the org's setup."""

    at: datetime
    by: str
    action: str
    section: str
    display: str
