"""What a job comes to, with the org's settings as well as the faults that were asked for."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bot.rehearsal.org import permissions
from bot.rehearsal.org.deploying import Ground, Outcome, work_out
from bot.rehearsal.org.faults import finalizing_fails, lock_a_row, setup_is_locked, sharing_is_recalculated
from bot.rehearsal.org.installing import Act
from bot.rehearsal.org.jobs import Job

if TYPE_CHECKING:
    from bot.rehearsal.org.org import Org

_HOLDING = ("Holding", "Queued", "Preparing", "Processing")


def outcome_of(org: Org, job: Job, at: datetime) -> Outcome:
    """The outcome of a job that starts at `at`; a fault that hits it is used up."""
    if org.faults.take("already_in_process"):
        return setup_is_locked()
    if org.faults.take("sharing_recalculation"):
        return sharing_is_recalculated()
    source = org.find_job(job.quick_of) if job.quick_of else None
    if source and source.ended_at and org.disrupted_at and org.disrupted_at > source.ended_at:
        text = f"INVALID_ID_FIELD: {source.id} can no longer be quick-deployed"
        return Outcome(error_code="INVALID_ID_FIELD", error_message=text)
    outcome = _worked_out(org, job, at)
    if outcome.tests.outcomes and org.faults.take("unable_to_lock_row"):
        lock_a_row(outcome)
    if outcome.after is not None and org.faults.take("finalizing_failed"):
        finalizing_fails(outcome)
    return outcome


def _worked_out(org: Org, job: Job, at: datetime) -> Outcome:
    act = Act(job.by, at, org.mint, _flows_arrive_active(org))
    try:
        return work_out(org.inventory, job.archive, job.options, act, _ground(org, job))
    except RecursionError:  # files nested thousands deep: an org gives up on them, it does not stand still
        text = "UNKNOWN_EXCEPTION: The files nest too deeply"
        return Outcome(error_code="UNKNOWN_EXCEPTION", error_message=text)


def _ground(org: Org, job: Job) -> Ground:
    author = org.user(job.by)
    return Ground(
        production=org.production,
        flows_need_own_deployment=org.settings.flows_need_own_deployment,
        may_author_apex=author is None or permissions.has_any(author, "AuthorApex"),
        busy=frozenset() if org.settings.deploy_with_pending_jobs else _busy_classes(org),
    )


def _busy_classes(org: Org) -> frozenset[str]:
    """Classes that `records` of jobs which wait or run name."""
    rows = org.records.get("AsyncApexJob", [])
    return frozenset(str(row.get("ApexClass.Name")) for row in rows if row.get("Status") in _HOLDING)


def _flows_arrive_active(org: Org) -> bool:
    """Production needs a setting for flows to be deployed active; other orgs always take them so."""
    setting = org.inventory.get("Settings", "Flow")
    return not org.production or bool(setting and "<enableFlowDeployAsActiveEnabled>true<" in setting.source)
