"""What others did in an org that makes a validation or an armed way back worthless."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.durable import fact, flow, step
from bot.flows.history import LANDED, MAY_TAKE
from bot.flows.org_reading import read_if_due
from bot.outside import current
from release_core import proofs
from release_core.errors import OrgProblem
from release_core.ports import DeployRequestRow, InstallRow
from release_core.proofs import Landing

CLOCKS_DIFFER_BY = timedelta(minutes=5)


@flow("org_watch")
def org_watch(args: dict[str, Any]) -> None:
    """Read the org's history once, and come back later while something in it matters."""
    try:
        look_at(args["org"])
    except OrgProblem as problem:
        say_not_watched(args["org"], str(problem))
    go_on(args["org"])


@step
def look_at(org: str) -> None:
    """Read what landed since the last look; package installs, which void as well, once in every hour."""
    outside = current()
    now, since = outside.ports.clock.now(), proofs.watch_since(outside.ports, org)
    if since is None:
        return
    gateway = outside.org(org)
    # A deployment is listed by when it was asked for, which may be long before it lands.
    landed = [_deployed(row) for row in gateway.deployments_since(since - MAY_TAKE) if _has_landed(row)]
    last = proofs.looked_at(outside.ports, org)
    if last is None or _hour(last) != _hour(now):
        landed += [_installed(row) for row in gateway.installs_since(since - timedelta(hours=1) - CLOCKS_DIFFER_BY)]
    proofs.note_watched(outside.ports, org, landed, at=now - CLOCKS_DIFFER_BY)
    read_if_due(outside, org)


@fact
def say_not_watched(org: str, sentence: str) -> None:
    """Remember that this look failed."""
    proofs.note_not_watched(current().ports, org, sentence)


@fact
def go_on(org: str) -> None:
    """Come back later, unless nothing matters any more."""
    proofs.go_on_watching(current().ports, org)


def _has_landed(row: DeployRequestRow) -> bool:
    return not row.check_only and row.state in LANDED and row.completed_at is not None


def _deployed(row: DeployRequestRow) -> Landing:
    assert row.completed_at is not None
    return Landing(row.id, row.created_by, row.completed_at, f"{row.created_by} deployed after it (job {row.id}).")


def _installed(row: InstallRow) -> Landing:
    return Landing(row.id, row.by, row.at, f"A package was installed after it (request {row.id} by user {row.by}).")


def _hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)
