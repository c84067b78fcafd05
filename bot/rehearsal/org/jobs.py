"""A deployment job as the org queues it: its plan in time, what one sees of it at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.rehearsal.org.deploying import Outcome
from bot.rehearsal.org.results import DeployOptions

TERMINAL = ("Succeeded", "SucceededPartial", "Failed", "Canceled", "FinalizingFailed")
VALIDATIONS_LAST_FOR = timedelta(days=10)
_FINALIZING_SINCE = 65.0  # API version


@dataclass(frozen=True)
class Plan:
    """How long each phase of a job takes."""

    components_for: timedelta
    tests_for: timedelta
    finalizing_for: timedelta

    @property
    def whole(self) -> timedelta:
        """From start to end."""
        return self.components_for + self.tests_for + self.finalizing_for


def plan_for(outcome: Outcome, pace: float, takes_seconds: float | None = None) -> Plan:
    """Phases in proportion to the work, times `pace`; a small job at pace 1 takes two to three seconds.

    With `takes_seconds` the whole takes exactly that long: 30 % for the components if tests follow, 5 % for Finalizing.
    """
    components, tests = len(outcome.components), len(outcome.tests.outcomes)
    if takes_seconds is not None:
        finalizing = 0.05 * takes_seconds
        first = (0.3 if tests else 0.95) * takes_seconds
        return _plan(first, takes_seconds - first - finalizing if tests else 0.0, finalizing)
    return _plan(pace * min(6.0, 0.6 + 0.03 * components), pace * min(15.0, 0.12 * tests), pace * 0.4)


def _plan(components: float, tests: float, finalizing: float) -> Plan:
    return Plan(timedelta(seconds=components), timedelta(seconds=tests), timedelta(seconds=finalizing))


@dataclass
class Job:
    """One DeployRequest; ids are 18 characters, instants aware UTC."""

    id: str
    by: str  # user id
    created_at: datetime
    options: DeployOptions
    archive: bytes
    zip_size: int
    quick_of: str | None = None  # the validation it replays
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    plan: Plan | None = None
    inventory_revision: int = -1  # of the org when the outcome was worked out
    cancel_asked_at: datetime | None = None
    cancelled_by: str | None = None
    status: str = "Pending"
    used: bool = False  # a validation is good for one quick deploy
    edge_shown: bool = False  # the cross-reference fault at the end of Pending was given
    kind: str = "Api"  # or Changeset, ApexApi
    change_set: str | None = None  # a change set's name
    takes_seconds: float | None = None  # from its start; None leaves it to the org's settings

    @property
    def done(self) -> bool:
        """Whether it has ended, however."""
        return self.status in TERMINAL

    @property
    def finalizing_at(self) -> datetime | None:
        """From when on it cannot be cancelled."""
        if self.started_at is None or self.plan is None:
            return None
        return self.started_at + self.plan.components_for + self.plan.tests_for


@dataclass(frozen=True)
class Progress:
    """What one sees of a job at an instant."""

    status: str
    components: int
    tests: int
    state_detail: str | None


def progress_at(job: Job, now: datetime, version: float) -> Progress:
    """Status and counters; Finalizing is shown only to clients of API version 65 and later."""
    waiting = Progress("Canceling" if job.cancel_asked_at and not job.done else job.status, 0, 0, None)
    if job.outcome is None:
        return waiting
    total, tests = len(job.outcome.components), job.outcome.tests.outcomes
    good = total - len(job.outcome.errors)
    if job.done:
        return Progress(
            job.status, 0 if job.status == "Canceled" else good, len(tests) - len(job.outcome.tests.failures), None
        )
    if job.started_at is None or job.plan is None:
        return waiting
    passed = now - job.started_at
    status = "Canceling" if job.cancel_asked_at else "InProgress"
    if passed < job.plan.components_for:
        share = passed / job.plan.components_for if job.plan.components_for else 1.0
        return Progress(status, int(good * share), 0, "Processing Type: metadata components")
    since = passed - job.plan.components_for
    if since < job.plan.tests_for:
        number = int(len(tests) * (since / job.plan.tests_for))
        running = tests[min(number, len(tests) - 1)]
        return Progress(status, good, number, f"Running Test: {running.class_name}.{running.method}")
    finalizing = version >= _FINALIZING_SINCE and status == "InProgress"
    return Progress("Finalizing" if finalizing else status, good, len(tests) - len(job.outcome.tests.failures), None)
