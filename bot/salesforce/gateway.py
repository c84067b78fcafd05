"""One Salesforce org that we may look at or deploy to.

Deployments go through REST, retrieves through SOAP. simple-salesforce's own `deploy` and `mdapi` are not used: they
leave rollbackOnError off for sandboxes, write "None" into the envelope, and change the headers of every later call.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.salesforce import history, inventory
from bot.salesforce.connection import Connection, SystemClock
from bot.salesforce.failures import Unreadable
from bot.salesforce.replies import fields_of, full_id, job_id, job_status, listed, truth, whole, words
from bot.salesforce.session import Patience
from release_core.errors import OrgProblem, OrgRefused
from release_core.logins import OrgLogin
from release_core.ports import (
    AuditRow,
    Clock,
    Dependent,
    DeployOptions,
    DeployRequestRow,
    FileProperty,
    InstallRow,
    JobStatus,
    Members,
    OrgIdentity,
    PendingJob,
    Retrieved,
)

API_VERSION = "67.0"

_NO_SUCH_ID = frozenset({"NOT_FOUND", "INVALID_ID_FIELD", "INVALID_CROSS_REFERENCE_KEY"})
_JOBS = "metadata/deployRequest"
_ORGANIZATION = "SELECT Id, Name, IsSandbox FROM Organization"


def connect(
    login: OrgLogin,
    *,
    api_version: str = API_VERSION,
    clock: Clock | None = None,
    patience: Patience | None = None,
    environ: Mapping[str, str] | None = None,
    title: str = "",
) -> SalesforceOrg:
    """The org behind a login, called by its title where it has one.

    Nothing is asked and no secret is read before the first call.
    """
    return SalesforceOrg(
        Connection(
            login,
            api_version=api_version,
            clock=clock or SystemClock(),
            patience=patience or Patience(),
            environ=os.environ if environ is None else environ,
            title=title,
        )
    )


class SalesforceOrg:
    """An OrgGateway over Salesforce's own APIs; safe to use from several threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._identity: OrgIdentity | None = None
        self._seen_jobs: set[str] = set()
        self._remembering = threading.Lock()

    @property
    def calls(self) -> int:
        """How many HTTP calls we have made to this org."""
        return self._connection.session.calls

    @property
    def api_usage(self) -> tuple[int, int] | None:
        """Calls used and allowed in the org's 24 hours, by everybody, as its last answer told; costs no call."""
        return self._connection.api_usage

    @property
    def clock_ahead(self) -> timedelta | None:
        """How far the org's clock was ahead of ours at its last answer; None before the first."""
        return self._connection.session.clock_ahead

    def api_versions(self) -> Sequence[str]:
        """The API versions that the org offers, oldest first."""
        return self._connection.api_versions()

    def permissions(self, names: Sequence[str]) -> Mapping[str, bool]:
        """Which of the named fields of UserPermissionAccess our own user has (REST API, since version 41.0)."""
        rows = self._connection.query(
            f"SELECT {', '.join(names)} FROM UserPermissionAccess",  # noqa: S608 - names of our own
            lambda row: {name: truth(row.get(name)) for name in names},
            "tell what our user may do",
        )
        if not rows:
            raise OrgRefused(f"{self._connection.where} did not tell what our user may do: it answered with no row.")
        return rows[0]

    def close(self) -> None:
        """Give the connections to the org back."""
        self._connection.session.close()

    def identity(self) -> OrgIdentity:
        """Who we are there; asked once, then remembered."""
        if self._identity is None:
            user_id, username = self._connection.user()
            rows = self._connection.query(_ORGANIZATION, dict, "tell which org it is")
            if not rows:
                raise OrgRefused(
                    f"{self._connection.where} does not let our user read its organization. Grant the user "
                    '"View Setup and Configuration", then repeat.'
                )
            self._identity = OrgIdentity(
                org_id=full_id(words(rows[0].get("Id"))),
                name=words(rows[0].get("Name")),
                is_sandbox=truth(rows[0].get("IsSandbox")),
                username=username,
                user_id=full_id(user_id),
                api_version=self._connection.api_version,
            )
        return self._identity

    def deploy(self, archive: bytes, options: DeployOptions) -> str:
        """Start a deployment of a metadata-format zip, all or nothing; returns the job id (18 characters).

        Raises OutcomeUnknown when the answer was lost: `find_deployment` tells whether the job began.
        """
        asked = json.dumps({"deployOptions": self._deploy_options(options)})
        files = [
            ("entity_content", ("deployOptions.json", asked, "application/json")),
            ("file", ("package.zip", archive, "application/zip")),
        ]
        patience = self._connection.patience
        return self._start(
            "start the deployment",
            # None lets requests write the multipart boundary; the JSON type would be sent otherwise.
            headers={"Content-Type": None},
            files=files,
            timeout=(patience.connect_for, patience.upload_for),
        )

    def quick_deploy(self, validation_id: str) -> str:
        """Start the deployment of what was validated; returns the NEW job id.

        Raises OrgRefused with the code `validation_gone` when the validation no longer qualifies.
        """
        try:
            return self._start("start the quick deployment", json={"validatedDeployRequestId": full_id(validation_id)})
        except OrgRefused as refusal:
            if refusal.code not in _NO_SUCH_ID:
                raise
            raise OrgRefused(
                f"{self._connection.where} no longer takes validation {full_id(validation_id)} for a quick deployment: "
                "it is older than 10 days, was used already, ran no tests, or something was deployed after it. "
                "Validate again, or deploy in full.",
                code="validation_gone",
            ) from refusal

    def status(self, job_id: str, *, details: bool = False) -> JobStatus:
        """The job's present state; `details` (what each component and test met) make the answer long."""
        job = full_id(job_id)
        params = {"includeDetails": "true"} if details else {}
        try:
            found = self._connection.rest(f"{_JOBS}/{job}", job_status, "tell the state of the job", params=params)
        except OrgProblem as problem:
            if problem.code in _NO_SUCH_ID and job not in self._seen_jobs:
                raise OrgRefused(
                    f"{self._connection.where} knows no job {job}. Check the id; it may belong to another org.",
                    code=problem.code,
                ) from problem
            raise
        self._remember(job)
        return found

    def cancel(self, job_id: str) -> None:
        """Ask the org to cancel; it may be too late, so look at the status afterwards."""
        self._connection.rest(
            f"{_JOBS}/{full_id(job_id)}",
            _nothing,
            "cancel the job",
            manner="change",
            method="PATCH",
            json={"deployResult": {"status": "Canceling"}},
        )

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
        """The newest job that our own user started at `since` (aware UTC, a minute of tolerance) or later.

        For use after a lost answer or a crash. `zip_size` in bytes; `else_size` counts when no job has that one, for
        orgs that report another; `validation_id` for a quick deployment; `not_ids` are jobs that we know already. None
        when the org has no such job.
        """
        known = {full_id(one) for one in not_ids}
        source = full_id(validation_id) if validation_id else None

        def is_wanted(row: DeployRequestRow) -> bool:
            return row.id not in known and row.check_only == check_only and row.validation_id == source

        found = history.find_deployments(self._connection, self.identity().user_id, since, is_wanted)
        # A quick deployment sends no archive, so there the size says nothing.
        any_size = source is not None or zip_size is None
        sizes = [{zip_size}, {0, else_size if else_size is not None else zip_size}]
        by_size = [row for wanted in sizes for row in found if any_size or row.zip_size in wanted]
        return by_size[0].id if by_size else None

    def retrieve(self, members: Members) -> Retrieved:
        """Bring the named components (type -> full names) as they are now; waits until the org has packed them."""
        return inventory.retrieve(self._connection, members)

    def list_metadata(self, types: Sequence[str]) -> Sequence[FileProperty]:
        """All components of the given types, with who last changed each."""
        return inventory.list_metadata(self._connection, types)

    def describe(self) -> Sequence[inventory.MetadataType]:
        """All kinds of components that the org knows."""
        return inventory.describe(self._connection)

    def deployments_since(self, since: datetime) -> Sequence[DeployRequestRow]:
        """The org's deployment history from an instant on, oldest first, everybody's."""
        return history.deployments_since(self._connection, since)

    def installs_since(self, since: datetime) -> Sequence[InstallRow]:
        """The packages that arrived in the org from an instant on, oldest first."""
        return history.installs_since(self._connection, since)

    def changes_since(self, since: datetime) -> Sequence[AuditRow]:
        """The org's setup audit trail from an instant on, oldest first."""
        return history.changes_since(self._connection, since)

    def limits(self) -> Mapping[str, tuple[int, int]]:
        """Name -> (max, remaining)."""
        return self._connection.rest("limits", _limits, "tell its limits")

    def org_wide_coverage(self) -> int | None:
        """The percentage of all Apex that the last tests ran through; None while none has ever run."""
        return history.org_wide_coverage(self._connection)

    def dependents(self, ids: Sequence[str]) -> Sequence[Dependent]:
        """What refers to components, by their ids."""
        return history.dependents(self._connection, ids)

    def pending_jobs(self) -> Sequence[PendingJob]:
        """The Apex jobs, scheduled ones too, that wait or run now."""
        return history.pending_jobs(self._connection)

    def _start(self, act: str, **request: Any) -> str:
        self._connection.freshen()
        job = self._connection.rest(_JOBS, job_id, act, manner="start", method="POST", **request)
        self._remember(job)
        return job

    def _remember(self, job: str) -> None:
        with self._remembering:
            self._seen_jobs.add(job)

    def _deploy_options(self, options: DeployOptions) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "allowMissingFiles": False,
            "autoUpdatePackage": False,
            "checkOnly": options.check_only,
            "ignoreWarnings": options.ignore_warnings,
            "performRetrieve": False,
            "purgeOnDelete": False,
            "rollbackOnError": True,
            "singlePackage": options.single_package,
        }
        level = options.test_level
        if level == "NoTestRun" and not self.identity().is_sandbox:
            # Production refuses the words even where no test would run; saying nothing has the same effect.
            level = None
        if level is not None:
            asked["testLevel"] = level
        if options.run_tests:
            asked["runTests"] = list(options.run_tests)
        return asked


def _nothing(_answer: object) -> None:
    """Reads nothing: that the org answered is enough."""


def _limits(answer: object) -> Mapping[str, tuple[int, int]]:
    """Some limits hold others by package; each has its own Max and Remaining."""
    found = {}
    for name, one in fields_of(answer, "limits").items():
        for limit in listed(one):
            if "Max" in limit:
                found[name] = (whole(limit.get("Max")), whole(limit.get("Remaining")))
    if not found:
        raise Unreadable("the answer has no limits")
    return found
