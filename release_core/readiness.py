"""May we go? One question, composed from everything that matters, each part with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from release_core.facts import ReleaseFacts, gather
from release_core.gate import Gate, Rule
from release_core.lookups import BEFORE_DEPLOYMENT
from release_core.models import Release
from release_core.org_gates import (
    OWN_ATTEMPT,
    must_be_known,
    must_not_have_gone,
    org_gate,
    outcome_gate,
    stages_gate,
    state_gate,
)
from release_core.package_gates import package_gate, target_validation, validation_gate, way_back_gate
from release_core.people_gates import (
    approvals_gate,
    hold_gate,
    item_owners,
    items_gate,
    roll_call_gate,
    tasks_gate,
)
from release_core.policy import Policy
from release_core.reading_gates import reading_gate
from release_core.risk_scores import risk_score
from release_core.run_sheets import SETTLED
from release_core.time_gates import freeze_gate, next_legal, window_gate
from release_core.track_records import track_record

# What actions and handlers ask about readiness they ask here, whichever gate knows it.
__all__ = [
    "OWN_ATTEMPT",
    "RULES",
    "SETTLED",
    "Gate",
    "blocking",
    "gates",
    "item_owners",
    "must_be_known",
    "must_not_have_gone",
    "next_legal",
    "settle_items",
    "settle_state",
]

RULES: Sequence[Rule] = (
    state_gate,
    outcome_gate,
    hold_gate,
    package_gate,
    stages_gate,
    items_gate,
    tasks_gate,
    validation_gate,
    approvals_gate,
    roll_call_gate,
    way_back_gate,
    window_gate,
    freeze_gate,
    org_gate,
    reading_gate,
)
DEPENDS_ON_TIME = (
    "window_ahead",
    "freeze",
    "org_locked",
    "incident_open",
    "org_busy",
    # What an org tells changes without anybody of ours.
    "apex_jobs",
    "api_calls",
    "drift",
    # A wish expires, a rollback ends, by themselves: asking, deciding and expiring need not settle a state that they
    # do not touch. The cards that show these gates are drawn again instead (`handlers.tellers`).
    "stage_wished_back",
    "stage_going_back",
)
"""The gates that a release which is ready waits behind: they open by themselves, so it stays ready meanwhile."""


def gates(facts: ReleaseFacts, policy: Policy, now: datetime) -> list[Gate]:
    """Every gate of a release at `now`, those that block first."""
    if over := state_gate(facts, policy, now):
        return list(over)  # nothing else matters any more
    found = [gate for rule in RULES for gate in rule(facts, policy, now)]
    return sorted(found, key=lambda gate: gate.passes)


def blocking(facts: ReleaseFacts, policy: Policy, now: datetime) -> list[Gate]:
    """The gates that say no."""
    return [gate for gate in gates(facts, policy, now) if not gate.passes]


def settle_state(session: Session, policy: Policy, release: Release, now: datetime) -> None:
    """Move a release that has not been deployed to draft, planned or ready, as its facts say."""
    if release.state not in BEFORE_DEPLOYMENT:
        return
    session.flush()
    facts = gather(session, policy, release)
    settle_items(session, facts, now)
    if _settle_risk(session, facts, policy):
        facts = gather(session, policy, release)  # another risk may need other seats
    timeless = [gate for gate in blocking(facts, policy, now) if gate.code not in DEPENDS_ON_TIME]
    if facts.window is None and not facts.live_orgs:
        release.state = "draft"
    else:
        release.state = "planned" if timeless or facts.window is None else "ready"
    session.add(release)


def _settle_risk(session: Session, facts: ReleaseFacts, policy: Policy) -> bool:
    """Keep what a release scores now; whether its level became another one."""
    release, before = facts.release, facts.release.risk_level
    score = risk_score(facts, policy, track_record(session, release))
    release.risk_points, release.risk_level = (score.points, score.level) if score else (0, "")
    session.add(release)
    return release.risk_level != before


def settle_items(session: Session, facts: ReleaseFacts, now: datetime) -> None:
    """Tick the items that settle themselves."""
    truths = {"validated": target_validation(facts, now) is not None, "snapshot": _has_snapshot(facts)}
    for item in facts.items:
        if item.rule and item.state != "waived":
            state = "done" if truths[item.rule] else "open"
            if item.state != state:
                item.state, item.changed_by, item.changed_at = state, "rollcall", now
                session.add(item)


def _has_snapshot(facts: ReleaseFacts) -> bool:
    attempts = (d for d in facts.deployments if d.purpose == "deployment" and d.org == facts.release.target_org)
    return any(d.snapshot_digest for d in attempts)
