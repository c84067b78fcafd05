"""What of a release can still be undone: in which org, until when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from release_core.facts import UNDER_WAY, Standing
from release_core.lookups import FINAL_STATES
from release_core.models import Deployment


@dataclass(frozen=True)
class Reach:
    """How far back going back reaches, for one release.

    `others` is, by org, the row id of the newest deployment of another release that is live there. Over an org that
    nothing came to since, a release that is over can be undone for ever, elsewhere for `keep_for`, as long as its files
    are kept.
    """

    others: Mapping[str, int]
    keep_for: timedelta


def standing_in(facts: Standing, org: str | None = None) -> Deployment | None:
    """What going back would undo in an org, else where the release came last: what is live, else its rollback."""
    live = facts.live if org is None else facts.live_in(org)
    return live or rollback_to_undo(facts, org)


def rollback_to_undo(facts: Standing, org: str | None = None) -> Deployment | None:
    """The rollback that took a release out of an org (else the newest), when bringing the release back is possible.

    The org decides, not the release's state: brought back in a later org, it may still come back in an earlier one.
    """
    # A wish to bring it back that failed is a rollback too; it changed nothing and may be asked for again.
    landed = [
        d for d in facts.deployments if d.purpose == "rollback" and d.state == "succeeded" and org in (None, d.org)
    ]
    out = [back for back in landed if facts.live_in(back.org) is None]
    return out[-1] if out and out[-1].rollback_digest else None


def brings_back(facts: Standing, rollback: Deployment) -> bool:
    """Whether a rollback undoes another one, so that the release comes into the org again."""
    return any(d.id == rollback.undoes_id and d.purpose == "rollback" for d in facts.deployments)


def undoable(facts: Standing, reach: Reach, now: datetime, org: str | None = None) -> Deployment | None:
    """What may be undone now, as in `standing_in`: there is a package for it, whose files are kept.

    People are asked by this rule, and files are deleted by it (`release_core.retention`), so that neither side knows
    less than the other.
    """
    standing = standing_in(facts, org)
    if standing is None or not standing.rollback_digest:
        return None
    until = undoable_until(facts, reach, standing.org)
    return standing if until is None or now < until else None


def undoable_until(facts: Standing, reach: Reach, org: str) -> datetime | None:
    """When it becomes too late to undo what stands in an org; None when there is no such instant yet."""
    over_since = facts.release.closed_at if facts.release.state in FINAL_STATES else None
    if over_since is None or reach.others.get(org, 0) < _last_landed(facts, org):
        return None
    return over_since + reach.keep_for


def needs_its_files(facts: Standing, reach: Reach, now: datetime) -> bool:
    """Whether a rollback or an undo of a release goes on, may turn out to go on, or may be asked for now."""
    unsettled = ("unknown", *UNDER_WAY)
    if any(attempt.state in unsettled for attempt in facts.deployments):
        return True
    return any(undoable(facts, reach, now, org) for org in _orgs(facts))


def _orgs(facts: Standing) -> Iterator[str]:
    yield from dict.fromkeys(attempt.org for attempt in facts.deployments)


def _last_landed(facts: Standing, org: str) -> int:
    """The row id of what of a release came last into an org, or out of it."""
    landed = (d for d in facts.deployments if d.org == org and d.state in ("succeeded", "rolled_back"))
    return max((d.id or 0 for d in landed if d.purpose in ("deployment", "rollback")), default=0)
