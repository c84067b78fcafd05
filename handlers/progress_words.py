"""How far a running job is, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from handlers.conversation import at, clean
from handlers.phrases import count, lasting, org_title
from release_core.facts import Standing
from release_core.models import Deployment
from release_core.policy import Policy
from release_core.progress import remaining

STATES = {
    "InProgress": "Under way",
    "Finalizing": "Finalizing: it cannot be stopped any more",
    "Canceling": "Being cancelled",
}


def progress_line(attempt: Deployment, now: datetime, usual: timedelta | None = None) -> str:
    """The live counters of a job, how long it has taken, how long it will; `usual` is what the same took before."""
    known = attempt.progress
    if not known.get("state"):
        return "Waiting for the org to begin."
    if known["state"] == "Pending":
        return f"{_queue_words(known)}{_time_words(attempt, now, None)}"
    state = STATES.get(known["state"], known["state"])
    counted = ", ".join(words for words in (_counted(known, "components"), _counted(known, "tests")) if words)
    line = f"{state}. {counted[:1].upper()}{counted[1:]}." if counted else f"{state}."
    detail = clean(str(known.get("detail") or "")).strip(" .")
    return f"{line}{f' {detail}.' if detail else ''}{_time_words(attempt, now, usual)}"


def silence_words(facts: Standing, policy: Policy, attempt: Deployment | None = None) -> list[str]:
    """A sentence for each running attempt (or for one) whose org does not answer: since when, what comes by itself."""
    known = facts.deployments if attempt is None else [attempt]
    silent = [one for one in known if one.finished_at is None and one.progress.get("unreachable")]
    return [_silent(one, org_title(policy, one.org)) for one in silent]


def _silent(attempt: Deployment, title: str) -> str:
    since = attempt.progress.get("silent_since", "")
    since_when = f" since {at(datetime.fromisoformat(since))}" if since else ""
    return (
        f"{title} has not answered{since_when}, so nobody knows how far {attempt.key} is. Rollcall keeps "
        "asking; it goes on by itself, and says so, when the org answers."
    )


def _queue_words(known: Mapping[str, Any]) -> str:
    ahead = known.get("ahead")
    if ahead is None:
        return "Waiting in the org's queue."
    if not ahead:
        return "Waiting in the org's queue: it is next."
    return f"Waiting in the org's queue: {count(ahead, 'deployment')} {'goes' if ahead == 1 else 'go'} before it."


def _counted(known: Mapping[str, Any], name: str) -> str:
    done, total, failed = known.get(name, [0, 0, 0])
    if not total:
        return ""
    share = f" ({100 * min(done, total) // total} %)"
    return f"{name} {done} of {total}{share}{f', {failed} failed' if failed else ''}"


def _time_words(attempt: Deployment, now: datetime, usual: timedelta | None) -> str:
    if attempt.started_at is None:
        return ""
    lasted = now - attempt.started_at
    so_far = f" {lasting(lasted)} so far" if lasted >= timedelta(minutes=1) else " Begun moments ago"
    state = attempt.progress.get("state")
    left = remaining(attempt.progress, attempt.started_at, now, usual) if state == "InProgress" else None
    if left is None:
        return f"{so_far}."
    minutes = round(left / timedelta(minutes=1))
    return f"{so_far}, about {lasting(timedelta(minutes=minutes))} left." if minutes else f"{so_far}, almost done."


def usual_length(facts: Standing, attempt: Deployment) -> timedelta | None:
    """How long the same package with the same tests took in the same org before; None when it never did."""
    if attempt.validated_job_id:
        return None  # a quick deploy runs no tests, which is what takes long
    same = [
        earlier
        for earlier in facts.deployments
        if earlier.org == attempt.org
        and earlier.archive_digest == attempt.archive_digest
        and (earlier.test_level, earlier.run_tests) == (attempt.test_level, attempt.run_tests)
        and earlier.state in ("validated", "succeeded")
        and earlier.started_at
        and earlier.finished_at
        and not earlier.validated_job_id
    ]
    last = same[-1] if same else None
    return last.finished_at - last.started_at if last and last.finished_at and last.started_at else None
