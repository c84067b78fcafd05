"""A Salesforce org in memory: its state with the rules that guard it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta

from bot.rehearsal.clock import MovableClock
from bot.rehearsal.org import flows, testing
from bot.rehearsal.org.answers import deploy_result
from bot.rehearsal.org.budget import Budget
from bot.rehearsal.org.faults import Faults
from bot.rehearsal.org.identifiers import IdMint, same_id
from bot.rehearsal.org.identity import Identity, Settings
from bot.rehearsal.org.installing import Act, put_files
from bot.rehearsal.org.inventory import Inventory
from bot.rehearsal.org.jobs import TERMINAL, VALIDATIONS_LAST_FOR, Job, plan_for
from bot.rehearsal.org.people import User
from bot.rehearsal.org.results import DeployOptions, Refusal, TestReport, refuse_options
from bot.rehearsal.org.retrieving import Retrieval, RetrieveRequest, carry_out
from bot.rehearsal.org.trail import AuditRow, Trail
from bot.rehearsal.org.working import outcome_of

_KEEPS_ZIPS_FOR = timedelta(days=11)


class Org:
    """One org; every public method takes the lock, so threads may share it."""

    def __init__(
        self, identity: Identity, users: list[User], clock: MovableClock, settings: Settings | None = None
    ) -> None:
        self.identity = identity
        self.users = users
        self.clock = clock
        self.settings = settings or Settings()
        self.lock: AbstractContextManager[object] = threading.RLock()
        self.mint = IdMint("Kd" if identity.kind == "production" else "Ua")
        self.inventory = Inventory()
        self.jobs: list[Job] = []
        self.retrievals: list[Retrieval] = []
        self.faults = Faults()
        self.trail = Trail()
        self.installs: list[dict[str, object]] = []
        self.records: dict[str, list[dict[str, object]]] = {}
        self.budget = Budget()
        self.disrupted_at: datetime | None = None  # the last commit; validations from before are void
        self.last_tests = TestReport()
        self.revision = 0
        self.inventory_revision = 0
        self._free_at: datetime | None = None

    @property
    def production(self) -> bool:
        """Whether the rules of production hold."""
        return self.identity.kind == "production"

    @property
    def names(self) -> dict[str, str]:
        """Users' full names by id."""
        return {user.id: user.name for user in self.users}

    def user(self, user_id: str) -> User | None:
        """A user by id, in either length."""
        return next((user for user in self.users if same_id(user.id, user_id)), None)

    def has_object(self, name: str) -> bool:
        """Whether an org of this kind has an object: production lists its sandboxes, a sandbox tracks its source."""
        return name != ("SourceMember" if self.production else "SandboxProcess")

    def permit(self, user: User, lacks: tuple[str, ...]) -> None:
        """Set what a user lacks."""
        with self.lock:
            self.users = [replace(each, lacks=lacks) if each.id == user.id else each for each in self.users]
            self.revision += 1

    # ----- deployments

    def deploy(self, by: str, archive: bytes, options: DeployOptions) -> Job:
        """Queue a deployment; Refusal when the options are not allowed here."""
        with self.lock:
            refuse_options(options, production=self.production)
            self.settle()
            return self._queue(Job(self.mint.mint("0Af"), by, self.clock.now(), options, archive, len(archive)))

    def deploy_for_somebody(self, job: Job) -> Job:
        """Queue a job that comes from elsewhere, such as a change set."""
        with self.lock:
            self.settle()
            return self._queue(job)

    def _queue(self, job: Job) -> Job:
        self.jobs.append(job)
        self.revision += 1
        return job

    def quick_deploy(self, by: str, validation_id: str) -> Job:
        """Queue the deployment of a validation without its tests; Refusal when it does not qualify."""
        with self.lock:
            self.settle()
            validation = self.find_job(validation_id)
            if validation is None or not self.qualifies(validation):
                raise Refusal(
                    "INVALID_ID_FIELD",
                    f"invalid id: {validation_id}. No recent validation qualifies for quick deploy under it.",
                    404,
                )
            validation.used = True
            options = replace(validation.options, check_only=False, test_level="NoTestRun", run_tests=())
            job = Job(
                self.mint.mint("0Af"),
                by,
                self.clock.now(),
                options,
                validation.archive,
                validation.zip_size,
                validation.id,
            )
            return self._queue(job)

    def qualifies(self, validation: Job) -> bool:
        """Whether a quick deploy may replay it now: passed, with tests, young enough, undisturbed, unused."""
        if (
            not (validation.options.check_only and validation.status == "Succeeded")
            or validation.used
            or not validation.ended_at
        ):
            return False
        if not (validation.outcome and validation.outcome.tests.ran and validation.outcome.tests.outcomes):
            return False
        fresh = self.clock.now() - validation.ended_at <= VALIDATIONS_LAST_FOR
        return fresh and (self.disrupted_at is None or self.disrupted_at <= validation.ended_at)

    def cancel(self, by: str, job_id: str) -> Job:
        """Ask a deployment to stop; Refusal when it is over or finalizing."""
        with self.lock:
            job = self.job(job_id)
            now = self.clock.now()
            if job.done:
                raise Refusal("INVALID_ID_FIELD", f"Deployment already completed: {job.id}")
            if job.finalizing_at is not None and now >= job.finalizing_at:
                raise Refusal("INVALID_OPERATION", f"Deployment {job.id} is finalizing and can no longer be canceled")
            if job.cancel_asked_at is None:
                job.cancel_asked_at, job.cancelled_by = now, by
                self.revision += 1
            self.settle()
            return job

    def find_job(self, job_id: str) -> Job | None:
        """A deployment by id, in either length."""
        return next((job for job in self.jobs if same_id(job.id, job_id)), None)

    def job(self, job_id: str) -> Job:
        """The same after settling; Refusal for an id nobody knows."""
        with self.lock:
            self.settle()
            found = self.find_job(job_id)
            if found is None:
                raise Refusal("INVALID_CROSS_REFERENCE_KEY", f"invalid cross reference id: {job_id}", 404)
            return found

    def just_accepted(self, job: Job, version: float) -> dict[str, object]:
        """DeployResult at the moment of acceptance: nothing has been begun."""
        with self.lock:
            return deploy_result(job, self.inventory, self.names, (job.created_at, version, False))

    def result(self, job_id: str, version: float, *, details: bool) -> dict[str, object]:
        """DeployResult of a job as it stands now."""
        with self.lock:
            job = self.job(job_id)
            return deploy_result(job, self.inventory, self.names, (self.clock.now(), version, details))

    def settle(self) -> None:
        """Bring every job to where it should be by now, in the order of the queue."""
        with self.lock:
            now = self.clock.now()
            for job in self.jobs:
                if not job.done and not self._advance(job, now):
                    break

    def _advance(self, job: Job, now: datetime) -> bool:
        """Move one job on; False when the queue has to wait for it."""
        starts_at = job.started_at or max(
            job.created_at + timedelta(seconds=0.4 * self.settings.pace), self._free_at or job.created_at
        )
        if job.cancel_asked_at and job.started_at is None and job.cancel_asked_at <= starts_at:
            self._end(job, "Canceled", job.cancel_asked_at)
            return True
        if now < starts_at:
            return False
        if job.outcome is None:
            self._start(job, starts_at)
        assert job.plan is not None
        assert job.started_at is not None
        assert job.finalizing_at is not None
        if job.cancel_asked_at and job.cancel_asked_at < job.finalizing_at:
            stops_at = job.cancel_asked_at + timedelta(seconds=0.3 * self.settings.pace)
            if now < stops_at:
                return False
            self._end(job, "Canceled", stops_at)
            return True
        ends_at = job.started_at + job.plan.whole
        if now < ends_at:
            return False
        self._finish(job, ends_at)
        return True

    def _start(self, job: Job, at: datetime) -> None:
        job.started_at, job.status = at, "InProgress"
        self._work_out(job, at)
        assert job.outcome is not None
        takes = job.takes_seconds if job.takes_seconds is not None else self.settings.takes_seconds
        job.plan = plan_for(job.outcome, self.settings.pace, takes)

    def _work_out(self, job: Job, at: datetime) -> None:
        job.inventory_revision = self.inventory_revision
        job.outcome = outcome_of(self, job, at)

    def _finish(self, job: Job, at: datetime) -> None:
        assert job.outcome is not None
        if job.inventory_revision != self.inventory_revision and job.outcome.error_code is None:
            self._work_out(job, job.started_at or at)  # somebody changed the org by hand meanwhile
        outcome = job.outcome
        if outcome.tests.ran:
            outcome.tests.at = at
            self.last_tests = outcome.tests
        if outcome.after is not None and not job.options.check_only:
            self.inventory = outcome.after
            self.inventory_revision += 1
            self.disrupted_at = at
            self.trail.deployed(outcome.rows, job.by, at, self.mint)
        outcome.after = None
        self._end(job, outcome.status, at)

    def _end(self, job: Job, status: str, at: datetime) -> None:
        assert status in TERMINAL
        job.status, job.ended_at = status, at
        self._free_at = at if self._free_at is None else max(at, self._free_at)
        if not job.options.check_only:
            job.archive = b""
        for old in self.jobs:
            if old.done and old.ended_at and at - old.ended_at > _KEEPS_ZIPS_FOR:
                old.archive = b""
        self.revision += 1

    # ----- retrieves

    def retrieve(self, by: str, request: RetrieveRequest, version: str) -> Retrieval:
        """Queue a retrieve."""
        with self.lock:
            now = self.clock.now()
            ready_at = now + timedelta(seconds=0.6 * self.settings.pace)
            retrieval = Retrieval(self.mint.mint("09S"), now, ready_at, request, by, version)
            self.retrievals.append(retrieval)
            del self.retrievals[:-50]
            return retrieval

    def retrieval(self, retrieve_id: str) -> Retrieval:
        """A retrieve as it stands now; Refusal for an id nobody knows."""
        with self.lock:
            self.settle()
            found = next((each for each in self.retrievals if same_id(each.id, retrieve_id)), None)
            if found is None:
                raise Refusal("INVALID_CROSS_REFERENCE_KEY", f"invalid cross reference id: {retrieve_id}", 404)
            if not found.done and self.clock.now() >= found.ready_at:
                carry_out(found, self.inventory, self.names)
            return found

    # ----- changes by hand

    def change(self, by: str, type_name: str, full_name: str, files: dict[str, bytes] | None) -> AuditRow:
        """Somebody edits a component in Setup (None deletes it); validations stay good, the audit trail gets a row."""
        with self.lock:
            self.settle()
            now = self.clock.now()
            old = self.inventory.get(type_name, full_name)
            if files is None:
                if old is None:
                    raise Refusal("NOT_FOUND", f"There is no {type_name} named {full_name} to delete.", 404)
                self.inventory.remove(type_name, full_name)
            else:
                self._edit(by, type_name, full_name, files)
            word = "deleted" if files is None else ("changed" if old else "created")
            self.inventory_revision += 1
            self.revision += 1
            return self.trail.by_hand(word, type_name, full_name, (by, now), self.mint)

    def _edit(self, by: str, type_name: str, full_name: str, files: dict[str, bytes]) -> None:
        put_files(self.inventory, type_name, full_name, files, Act(by, self.clock.now(), self.mint))

    def activate_flow(self, by: str, name: str, number: int) -> None:
        """What the Tooling API does with FlowDefinition.Metadata.activeVersionNumber; 0 deactivates."""
        with self.lock:
            self.settle()
            versions = self.inventory.flows.get(name, [])
            if number not in {0, *(version.number for version in versions)}:
                raise Refusal("FIELD_INTEGRITY_EXCEPTION", f"The flow {name} has no version {number}")
            flows.activate(self.inventory, name, number)
            now = self.clock.now()
            self.inventory.put(flows.refresh(self.inventory, self.inventory.components["Flow", name], by, now))
            self.inventory_revision += 1
            self.revision += 1
            self.trail.by_hand("activated" if number else "deactivated", "Flow", name, (by, now), self.mint)

    def delete_flow_version(self, by: str, version_id: str) -> None:
        """Delete one version; Refusal while it is active."""
        with self.lock:
            self.settle()
            for name, versions in list(self.inventory.flows.items()):
                for version in versions:
                    if not same_id(version.id, version_id):
                        continue
                    if version.status == "Active":
                        raise Refusal(
                            "DELETE_FAILED",
                            f"The flow version {name}-{version.number} is active. Deactivate it before you delete it.",
                        )
                    flows.remove_version(self.inventory, name, version.number)
                    self.inventory_revision += 1
                    self.revision += 1
                    self.trail.by_hand("deleted", "Flow", f"{name}-{version.number}", (by, self.clock.now()), self.mint)
                    return
            raise Refusal("NOT_FOUND", "Provided external ID field does not exist or is not accessible", 404)

    def install_package(self, by: str, name: str, version: str) -> dict[str, object]:
        """A managed package arrives; every outstanding validation is void."""
        with self.lock:
            self.settle()
            now = self.clock.now()
            row: dict[str, object] = {
                "Id": self.mint.mint("0Hf"),
                "Status": "SUCCESS",
                "PackageName": name,
                "PackageVersion": version,
                "CreatedDate": now,
                "SystemModstamp": now,
                "CreatedById": by,
            }
            self.installs.append(row)
            self.disrupted_at = now
            self.revision += 1
            self.trail.by_hand("installed", "Package", f"{name} {version}", (by, now), self.mint)
            return row

    # ----- measurements

    def run_all_tests(self, only: list[str] | None = None) -> TestReport:
        """Run tests outside of a deployment; all classes unless some are named."""
        with self.lock:
            code = testing.code_of(self.inventory)
            known = {name.lower(): name for name in code.test_classes()}
            names = (
                list(known.values())
                if only is None
                else [known[name.lower()] for name in only if name.lower() in known]
            )
            self.last_tests = code.run(names)
            self.last_tests.at = self.clock.now()
            self.revision += 1
            return self.last_tests

    def coverage(self) -> TestReport:
        """Coverage of everything as it stands, from a run of all tests."""
        with self.lock:
            self.settle()
            code = testing.code_of(self.inventory)
            return code.run(code.test_classes())

    def resume(self) -> None:
        """After reading from a file: what was under way is worked out again, from when it started."""
        for job in self.jobs:
            if job.done:
                self._free_at = max(filter(None, (self._free_at, job.ended_at)), default=None)
            elif job.started_at is not None:
                self._start(job, job.started_at)

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """A function that calls `changed` whenever something happened since it was last called."""
        seen = [self.revision]

        def look() -> None:
            if self.revision != seen[0]:
                seen[0] = self.revision
                changed()

        return look
