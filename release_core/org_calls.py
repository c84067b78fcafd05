"""The API calls that we cost an org, whose day has a budget of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, desc, select, update

from release_core.attempts import deployment_with_release, details_of
from release_core.errors import Refused
from release_core.lookups import find_deployment
from release_core.models import Deployment, TimelineEntry
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.timeline import BOT, Kind, record


def left(used: int, allowed: int) -> float:
    """The percentage of an org's budget that is left; 100 when it has no limit."""
    return 100.0 * max(0, allowed - used) / allowed if allowed else 100.0


def must_have_spare(policy: Policy, org: str, usage: tuple[int, int] | None) -> None:
    """Refused("api_reserve") when what can wait has to wait, for the sake of deployments and rollbacks."""
    if usage is None or left(*usage) >= policy.api_reserve:
        return
    used, allowed = usage
    raise Refused(
        "api_reserve",
        f"{policy.title_of(org)} has {allowed - used:,} of {allowed:,} API calls left for this day; the last "
        f"{policy.api_reserve} % are kept for deployments and rollbacks. "
        "Repeat when calls of the last 24 hours have expired.",
    )


def count_call(ports: Ports, deployment_id: int) -> None:
    """One HTTP call more is made to the org for an attempt."""
    with ports.store.transaction() as session:
        one_more = update(Deployment).where(col(Deployment.id) == deployment_id)
        session.execute(one_more.values(calls=col(Deployment.calls) + 1))


def note_usage(ports: Ports, deployment_id: int, usage: tuple[int, int] | None) -> None:
    """Keep what the org last told of its budget; that it has run into the reserve is told once a day."""
    if usage is None:
        return
    with ports.store.transaction() as session:
        attempt = find_deployment(session, deployment_id)
        known = attempt.progress.get("usage")
        low = left(*usage) < ports.policy.api_reserve
        told = bool(attempt.progress.get("low"))
        if known == list(usage) and low == told:
            return
        attempt.progress = {**attempt.progress, "usage": list(usage), "low": told or low}
        session.add(attempt)
        _, release = deployment_with_release(session, deployment_id)
        if low and not told and not _told_today(session, ports.clock.now(), release.key, attempt.org):
            details = details_of(attempt, used=usage[0], allowed=usage[1], reserve=ports.policy.api_reserve)
            record(session, Kind.API_BUDGET_LOW, stream=release.key, actor=BOT, at=ports.clock.now(), details=details)


def _told_today(session: Session, now: datetime, stream: str, org: str) -> bool:
    """Whether a release's people know already that an org's budget is low; an attempt that follows is no news."""
    low = select(TimelineEntry).where(TimelineEntry.stream == stream, TimelineEntry.kind == Kind.API_BUDGET_LOW)
    newest = session.exec(low.order_by(desc(TimelineEntry.number))).first()
    return newest is not None and newest.details.get("org") == org and now - newest.at < timedelta(days=1)
