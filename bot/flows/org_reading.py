"""What an org tells of what bears on a deployment: jobs on its classes, changes by others, limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.outside import Outside
from release_core import comparing, org_readings
from release_core.errors import OrgProblem
from release_core.ports import OrgGateway

_LIMITS = ("DailyApiRequests", "DataStorageMB", "FileStorageMB")


def read_if_due(outside: Outside, org: str) -> None:
    """Ask an org again where what it told is some minutes old; that it cannot be asked is kept, and stops nothing."""
    if org_readings.is_due(outside.ports, org):
        read(outside, org)


def read(outside: Outside, org: str) -> None:
    """Ask an org now; that it cannot be asked is kept, and stops nothing: the gates say how old their answers are."""
    with outside.ports.store.reading() as session:
        since = org_readings.changes_wanted_since(session, org)
        ours = comparing.our_spans(session, org)
    try:
        gateway = outside.org(org)
        me = gateway.identity().username
        trail = gateway.changes_since(since) if since else ()
        found: dict[str, Any] = {
            "jobs": list(_jobs(gateway)),
            "changes": [
                [row.at.isoformat(), row.by, row.display]
                for row in trail
                if row.by != me and not any(begun <= row.at <= ended for begun, ended in ours)
            ][-org_readings.KEPT :],
            "limits": {name: list(pair) for name, pair in gateway.limits().items() if name in _LIMITS},
        }
    except OrgProblem as problem:
        org_readings.note_unread(outside.ports, org, str(problem))
    else:
        org_readings.note_reading(outside.ports, org, found, since)


def _jobs(gateway: OrgGateway) -> Iterator[list[str]]:
    for job in gateway.pending_jobs():
        yield [job.apex_class, job.kind, job.state, job.since.isoformat() if job.since else ""]
