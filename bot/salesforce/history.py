"""What an org remembers: its deployments, its setup audit trail, what runs in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.salesforce.connection import Connection
from bot.salesforce.failures import Unreadable
from bot.salesforce.replies import Fields, full_id, instant, truth, whole, words
from release_core.ports import AuditRow, Dependent, DeployRequestRow, InstallRow, PendingJob

_DEPLOYMENTS = (
    "SELECT Id, Status, CheckOnly, CreatedDate, CompletedDate, CreatedById, CreatedBy.Username, ZipSize, "
    "SourceDeployRequestId FROM DeployRequest WHERE CreatedDate >= {since} ORDER BY CreatedDate ASC"
)
_CHANGES = (
    "SELECT CreatedDate, CreatedBy.Username, Action, Section, Display FROM SetupAuditTrail "
    "WHERE CreatedDate >= {since} ORDER BY CreatedDate ASC"
)
_INSTALLS = (
    "SELECT Id, Status, CreatedById, SystemModstamp FROM PackageInstallRequest "
    "WHERE SystemModstamp >= {since} ORDER BY SystemModstamp ASC"
)
_RUNNING = (
    "SELECT Id, JobType, Status, CreatedDate, ApexClass.Name FROM AsyncApexJob "
    "WHERE Status IN ('Holding', 'Queued', 'Preparing', 'Processing')"
)
# No filter by name, no operator but = and !=, 2,000 rows at most: Tooling API Developer Guide, on this object.
_DEPENDENTS = (
    "SELECT MetadataComponentId, MetadataComponentName, MetadataComponentType, RefMetadataComponentId "
    "FROM MetadataComponentDependency WHERE {either}"
)
_AT_ONCE = 50
_COVERAGE = "SELECT PercentCovered FROM ApexOrgWideCoverage"

# The org's clock and ours may differ a little; what we started just now may look older there.
_CLOCKS_DIFFER_BY = timedelta(minutes=1)


@dataclass(frozen=True)
class _Job:
    """A row of the history, with the id of who started it."""

    row: DeployRequestRow
    user_id: str


def deployments_since(connection: Connection, since: datetime) -> Sequence[DeployRequestRow]:
    """The deployments that began at `since` (aware) or later, oldest first; the org keeps about 30 days."""
    return tuple(job.row for job in _jobs(connection, since))


def find_deployments(
    connection: Connection, user_id: str, since: datetime, is_wanted: Callable[[DeployRequestRow], bool]
) -> Sequence[DeployRequestRow]:
    """The jobs that the user started since then and that are wanted, newest first."""
    jobs = reversed(_jobs(connection, since - _CLOCKS_DIFFER_BY))
    return [job.row for job in jobs if job.user_id == full_id(user_id) and is_wanted(job.row)]


def changes_since(connection: Connection, since: datetime) -> Sequence[AuditRow]:
    """The setup audit trail from `since` (aware) on, oldest first; the org keeps about 180 days."""
    return tuple(connection.query(_CHANGES.format(since=_literal(since)), _change, "show its setup audit trail"))


def installs_since(connection: Connection, since: datetime) -> Sequence[InstallRow]:
    """The packages whose install succeeded at `since` (aware) or later, oldest first."""
    soql, act = _INSTALLS.format(since=_literal(since)), "show its package installs"
    rows = connection.query(soql, dict, act, tooling=True)
    return tuple(
        InstallRow(full_id(words(row.get("Id"))), _instant_of(row, "SystemModstamp"), words(row.get("CreatedById")))
        for row in rows
        if words(row.get("Status")) == "SUCCESS"
    )


def pending_jobs(connection: Connection) -> Sequence[PendingJob]:
    """The Apex jobs that wait or run now; a class that one of them uses cannot be deployed (unless the org allows it).

    A scheduled job waits as a job of the type ScheduledApex until it runs.
    """
    return tuple(connection.query(_RUNNING, _pending, "tell which Apex jobs run"))


def dependents(connection: Connection, ids: Sequence[str]) -> Sequence[Dependent]:
    """What refers to the components with these ids; of fifty of them at most 2,000 references are told."""
    found: list[Dependent] = []
    for start in range(0, len(ids), _AT_ONCE):
        either = " OR ".join(f"RefMetadataComponentId = '{full_id(one)}'" for one in ids[start : start + _AT_ONCE])
        soql = _DEPENDENTS.format(either=either)
        found += connection.query(soql, _dependent, "tell what refers to the components", tooling=True)
    return tuple(found)


def org_wide_coverage(connection: Connection) -> int | None:
    """The percentage of all Apex that the last tests ran through; None while no test has ever run."""
    shares = connection.query(
        _COVERAGE, lambda row: whole(row.get("PercentCovered")), "tell its test coverage", tooling=True
    )
    return shares[0] if shares else None


def _jobs(connection: Connection, since: datetime) -> list[_Job]:
    soql = _DEPLOYMENTS.format(since=_literal(since))
    return connection.query(soql, _job, "show its deployment history", tooling=True)


def _job(row: Fields) -> _Job:
    user_id = full_id(words(row.get("CreatedById")))
    deployment = DeployRequestRow(
        id=full_id(words(row.get("Id"))),
        state=words(row.get("Status")),
        check_only=truth(row.get("CheckOnly")),
        created_at=_instant_of(row, "CreatedDate"),
        completed_at=instant(row.get("CompletedDate")),
        created_by=_username(row) or user_id,
        zip_size=whole(row.get("ZipSize")),
        validation_id=full_id(words(row.get("SourceDeployRequestId"))) or None,
    )
    return _Job(deployment, user_id)


def _change(row: Fields) -> AuditRow:
    return AuditRow(
        at=_instant_of(row, "CreatedDate"),
        by=_username(row),
        action=words(row.get("Action")),
        section=words(row.get("Section")),
        display=words(row.get("Display")),
    )


def _pending(row: Fields) -> PendingJob:
    apex = row.get("ApexClass")
    name = words(apex.get("Name")) if isinstance(apex, Mapping) else ""
    return PendingJob(name, words(row.get("JobType")), words(row.get("Status")), instant(row.get("CreatedDate")))


def _dependent(row: Fields) -> Dependent:
    kind, name = words(row.get("MetadataComponentType")), words(row.get("MetadataComponentName"))
    own, other = words(row.get("MetadataComponentId")), words(row.get("RefMetadataComponentId"))
    return Dependent(full_id(own), kind, name, full_id(other))


def _username(row: Fields) -> str:
    person = row.get("CreatedBy")
    return words(person.get("Username")) if isinstance(person, Mapping) else ""


def _instant_of(row: Fields, name: str) -> datetime:
    found = instant(row.get(name))
    if found is None:
        raise Unreadable(f"a row has no {name}")
    return found


def _literal(moment: datetime) -> str:
    """An instant as SOQL writes it, to the second, rounded down."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
