"""What became of an attempt whose answer was lost: a person looked, and says so."""

from __future__ import annotations

import re
from typing import Literal

from sqlmodel import Session

from release_core.attempts import details_of, known_jobs
from release_core.errors import Refused, Unclear
from release_core.facts import gather
from release_core.lookups import find_release
from release_core.models import Deployment
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
        if not facts.lost:
            raise Refused("nothing_unknown", f"It is known what became of every attempt of {release.key}.")
        attempt = facts.lost[-1]
        details = details_of(attempt, found=found, note=note.strip())
        if found == "arrived":
            _must_not_be_anothers(session, attempt, job_id)
            attempt.job_id, attempt.state, attempt.finished_at = job_id, "deploying", None
            if attempt.purpose == "deployment":
                release.state = "deploying"
        else:
            attempt.state, attempt.problem = "failed", f"The org never took it: {note.strip()}"
        session.add(attempt)
        session.add(release)
        fact = record(session, Kind.DEPLOYMENT_CLARIFIED, stream=release.key, actor=actor, at=now, details=details)
        if found == "arrived":
            # One attempt may be lost a second time, so the fact names the errand.
            flow = f"clarified:{release.key}:{fact.number}"
            intend(session, flow, "clarified", now=now, lane=f"org:{attempt.org}", deployment=attempt.id)
        settle_state(session, ports.policy, release, now)
        return attempt.key


def _must_not_be_anothers(session: Session, attempt: Deployment, job_id: str) -> None:
    # The first 15 characters name the job; the other three only guard against a change of case.
    known = {job[:15] for job in known_jobs(session, attempt.org)} - {attempt.job_id[:15]}
    if job_id[:15] in known:
        raise Unclear(f"{job_id} is another job of ours. Give the id of the one {attempt.key} started.", field="job")
