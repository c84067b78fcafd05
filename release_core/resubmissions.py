"""Asking an org again for a job that it was only too busy to carry out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from release_core.attempts import deployment_with_release, details_of
from release_core.deployments import reasons_against
from release_core.facts import UNDER_WAY
from release_core.lookups import find_deployment
from release_core.models import Deployment
from release_core.ports import Busy, Ports
from release_core.timeline import BOT, Kind, record

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Insistence:
    """The waits before each repetition, with the fact that made it necessary."""

    waits: tuple[timedelta, ...]
    because: str


INSISTENCE: Mapping[Busy, Insistence] = {
    "setup_lock": Insistence(
        tuple(minutes * _MINUTE for minutes in (1, 2, 4, 8, 8)), "another change to the org's setup was in progress"
    ),
    "row_lock": Insistence((_MINUTE / 2,), "its tests met a record that somebody else had locked"),
    "sharing": Insistence((5 * _MINUTE,) * 12, "a sharing recalculation held the org's setup"),
}


def note_busy(ports: Ports, deployment_id: int, busy: Busy) -> float:
    """An attempt's job has ended because the org was busy: seconds to wait before it is asked again, 0 for not again.

    The job that ended stays the attempt's until `take_up_again`, so that it is what counts if nothing follows.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        attempt, release = deployment_with_release(session, deployment_id)
        how = INSISTENCE[busy]
        number: int = attempt.progress.get("busy", []).count(busy)
        if attempt.state not in UNDER_WAY or attempt.abort_requested_by:
            return 0.0
        if number >= len(how.waits):
            _end(attempt, f"It was asked again {len(how.waits)} times, which is as often as Rollcall does.")
            session.add(attempt)
            return 0.0
        again = {
            "number": number + 1,
            "of": len(how.waits),
            "because": how.because,
            "due_at": (now + how.waits[number]).isoformat(),
        }
        so_far = [*attempt.progress.get("busy", []), busy]
        # The counters of the job that ended say nothing of the one to come.
        known = {name: value for name, value in attempt.progress.items() if name != "tests_since"}
        attempt.progress = {**known, "busy": so_far, "again": again, "state": "", "detail": ""}
        session.add(attempt)
        details = details_of(attempt, job=attempt.job_id, **again)
        record(session, Kind.ORG_BUSY, stream=release.key, actor=BOT, at=now, details=details)
        wait: timedelta = how.waits[number]
        return wait.total_seconds()


def take_up_again(ports: Ports, deployment_id: int) -> bool:
    """Whether the org may be asked again now; then the job that ended is remembered, and the attempt holds none."""
    with ports.store.transaction() as session:
        attempt = find_deployment(session, deployment_id)
        reasons = ["Somebody asked to stop it."] if attempt.abort_requested_by else []
        if attempt.purpose == "deployment":
            reasons += reasons_against(session, ports.policy, attempt, ports.clock.now())
        if reasons:
            _end(attempt, f"The org was not asked again. {' '.join(reasons)}")
        else:
            attempt.progress = {**attempt.progress, "jobs": [*attempt.progress.get("jobs", []), attempt.job_id]}
            attempt.job_id, attempt.asked_at, attempt.resubmitted = "", None, attempt.resubmitted + 1
        session.add(attempt)
        return not reasons


def return_to_last(ports: Ports, deployment_id: int, sentence: str) -> None:
    """The org did not take the repetition: what counts is the job that ended before."""
    with ports.store.transaction() as session:
        attempt = find_deployment(session, deployment_id)
        if not attempt.job_id:
            attempt.job_id = attempt.progress["jobs"][-1]
            _end(attempt, sentence)
            session.add(attempt)


def _end(attempt: Deployment, sentence: str) -> None:
    attempt.progress = {**attempt.progress, "not_again": sentence}
