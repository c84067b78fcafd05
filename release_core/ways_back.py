"""What of a release can still be undone: in which org, where it came last."""

from __future__ import annotations

from release_core.facts import Standing
from release_core.models import Deployment


def standing_in(facts: Standing, org: str | None = None) -> Deployment | None:
    """What going back would undo in an org, else where the release came last: what is live, else its rollback."""
    live = facts.live if org is None else facts.live_in(org)
    return live or rollback_to_undo(facts, org)


def rollback_to_undo(facts: Standing, org: str | None = None) -> Deployment | None:
    """The rollback that took a release out of an org (else the newest), when bringing the release back is possible."""
    newest = facts.newest("rollback", org=org)
    if facts.release.state != "rolled_back" or newest is None or newest.state != "succeeded":
        return None
    return newest if newest.rollback_digest else None
