"""What became of an attempt whose answer was lost: a person looked, and says so."""

from __future__ import annotations

import re
from typing import Literal

from release_core.attempts import details_of
from release_core.errors import Refused, Unclear
from release_core.facts import gather
from release_core.lookups import find_release
from release_core.permissions import require
from release_core.ports import Ports
from release_core.readiness import settle_state
from release_core.timeline import Kind, intend, record

Found = Literal["never_arrived", "arrived"]


def clarify(ports: Ports, actor: str, key: str, *, found: Found, job_id: str = "", note: str = "") -> str:
    """Say whether the org took the lost job; returns the attempt's key.

    One that never arrived counts as failed. One that did is watched to its end from here on, under its job id.
    """
    require(ports.policy, actor, "deploy")
    now = ports.clock.now()
    if found == "arrived" and not re.fullmatch(r"0Af[A-Za-z0-9]{12}([A-Za-z0-9]{3})?", job_id):
        raise Unclear(
            "Give the job's id, such as 0Af5g00000AbCdEFGH: Setup shows it in Deployment Status.", field="job"
        )
    if len(note.strip()) < 3:
        raise Unclear("Say what you saw in Deployment Status, and when.", field="note")
    with ports.store.transaction() as session:
        release = find_release(session, key)
        facts = gather(session, ports.policy, release)
        lost = [d for d in facts.deployments if d.state == "unknown" and d.purpose in ("deployment", "rollback")]
        if not lost:
            raise Refused("nothing_unknown", f"It is known what became of every attempt of {release.key}.")
        attempt = lost[-1]
        if found == "arrived":
            attempt.job_id, attempt.state, attempt.finished_at = job_id, "deploying", None
            if attempt.purpose == "deployment":
                release.state = "deploying"
            intend(
                session,
                f"clarified:{release.key}:{attempt.key}",
                "clarified",
                now=now,
                lane=f"org:{attempt.org}",
                deployment=attempt.id,
            )
        else:
            attempt.state, attempt.problem = "failed", f"The org never took it: {note.strip()}"
        session.add(attempt)
        session.add(release)
        details = details_of(attempt, found=found, note=note.strip())
        record(session, Kind.DEPLOYMENT_CLARIFIED, stream=release.key, actor=actor, at=now, details=details)
        settle_state(session, ports.policy, release, now)
        return attempt.key
