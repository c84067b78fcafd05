"""Planning a release, from its first line to its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from release_core import windows
from release_core.attaching import still_before_deployment
from release_core.broadcasts import end_broadcasts
from release_core.errors import Refused, Unclear
from release_core.facts import UNDER_WAY, gather
from release_core.lookups import deployments_of, find_org, find_release, next_key
from release_core.models import ChecklistItem, Release
from release_core.permissions import require
from release_core.policy import ItemRule, Kind, Level, Policy, Strategy
from release_core.ports import Ports
from release_core.readiness import must_be_known, settle_state
from release_core.rollback_requests import pending_request
from release_core.scheduling import book, withdraw_window
from release_core.test_plans import must_be_allowed
from release_core.timeline import Kind as Fact
from release_core.timeline import intend, record


@dataclass(frozen=True)
class Plan:
    """What the form for a new release asks; the window may be set later."""

    name: str
    org: str
    kind: Kind
    owner_id: str
    strategy: Strategy = "validate_then_quick"
    window: windows.Interval | None = None
    contingency: str = ""
    test_level: Level | None = None


def plan_release(ports: Ports, actor: str, plan: Plan) -> str:
    """Create a release with the checklist of its kind; returns its key."""
    require(ports.policy, actor, "plan")
    name = plan.name.strip()
    if not 3 <= len(name) <= 80:
        raise Unclear("Give the release a name of 3 to 80 characters.", field="name")
    org = find_org(ports.policy, plan.org)
    if ports.policy.orgs[org].kind != "production" and plan.kind == "emergency":
        raise Unclear("An emergency release goes to production; choose another kind for a sandbox.", field="kind")
    if plan.test_level:
        must_be_allowed(ports.policy, org, plan.test_level)
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = Release(
            key=next_key(session, "REL"),
            name=name,
            target_org=org,
            kind=plan.kind,
            strategy=plan.strategy,
            state="draft",
            owner_id=plan.owner_id,
            created_by=actor,
            created_at=now,
            contingency=plan.contingency,
            test_level=plan.test_level or "",
        )
        session.add(release)
        session.flush()
        _lay_out_checklist(session, ports.policy, release)
        details = {"name": name, "org": org, "kind": plan.kind, "strategy": plan.strategy, "owner": plan.owner_id}
        record(session, Fact.RELEASE_CREATED, stream=release.key, actor=actor, at=now, details=details)
        if plan.window:
            book(session, ports.policy, release, plan.window, actor=actor, now=now)
        settle_state(session, ports.policy, release, now)
        return release.key


def _lay_out_checklist(session: Session, policy: Policy, release: Release) -> None:
    for number, rule in enumerate(policy.checklist_of(release.kind), start=1):
        session.add(
            ChecklistItem(
                release_id=release.id or 0,
                number=number,
                title=rule.title,
                rule=rule.rule,
                required=rule.required,
                owner_id=_owner_of(policy, release, rule),
                team=rule.team or "",
                state="open",
            )
        )


def _owner_of(policy: Policy, release: Release, rule: ItemRule) -> str:
    if rule.rule or rule.team:
        return ""
    if rule.person:
        return rule.person
    if rule.role and release.owner_id not in policy.people.get(rule.role, ()):
        return next(iter(policy.people.get(rule.role, ())), release.owner_id)
    return release.owner_id


def cancel_release(ports: Ports, actor: str, key: str, reason: str) -> None:
    """Give a release up before it reached the org."""
    require(ports.policy, actor, "plan")
    if len(reason.strip()) < 3:
        raise Unclear("Say why the release is cancelled: /release cancel REL-1 -- reason", field="note")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        still_before_deployment(release, "be cancelled")
        must_be_known(gather(session, ports.policy, release))
        release.state, release.closed_at = "cancelled", now
        session.add(release)
        for attempt in deployments_of(session, release):
            if attempt.state in UNDER_WAY and not attempt.abort_requested_by:
                attempt.abort_requested_by = actor
                session.add(attempt)
        withdraw_window(session, release)
        end_broadcasts(session, release, now=now)
        record(
            session, Fact.RELEASE_CANCELLED, stream=release.key, actor=actor, at=now, details={"reason": reason.strip()}
        )


def close_release(ports: Ports, actor: str, key: str, *, by_timer: bool = False) -> bool:
    """End a release that has soaked; returns whether it was closed.

    An open incident on its org or a rollback keeps it open: by the timer, the soak then begins again.
    """
    if not by_timer:
        require(ports.policy, actor, "plan")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        try:
            _must_be_closable(session, ports.policy, release)
        except Refused:
            if not by_timer:
                raise
            if release.state == "soaking":
                _soak_again(session, ports.policy, release, now)
            return False
        release.state, release.closed_at = "closed", now
        session.add(release)
        end_broadcasts(session, release, now=now)
        record(session, Fact.RELEASE_CLOSED, stream=release.key, actor=actor, at=now)
        return True


def _must_be_closable(session: Session, policy: Policy, release: Release) -> None:
    if release.state != "soaking":
        state = release.state.replace("_", " ")
        raise Refused("not_soaking", f"{release.key} is {state}; only a release that soaks can be closed.")
    facts = gather(session, policy, release)
    must_be_known(facts)
    if facts.incidents:
        raise Refused("incident_open", f"{facts.incidents[0].key} is open on this org. Resolve it first, then close.")
    running = [d for d in facts.deployments if d.purpose == "rollback" and d.state in UNDER_WAY]
    if running:
        raise Refused("rollback_under_way", f"{running[0].key} is taking {release.key} back; wait for its end.")
    if facts.live and pending_request(session, facts.live):
        sentence = f"Going back to before {release.key} was asked for and waits for a second person. Decide that first."
        raise Refused("rollback_under_way", sentence)


def _soak_again(session: Session, policy: Policy, release: Release, now: datetime) -> None:
    key = f"soak:{release.key}:{now.isoformat()}"
    intend(session, key, "soak_end", now=now, lane=release.key, due_at=now + policy.soak, release=release.key)


def add_note(ports: Ports, actor: str, key: str, text: str) -> None:
    """Write a person's words into the timeline of a release."""
    require(ports.policy, actor, "note")
    if not text.strip():
        raise Unclear("Say what to note: /release note REL-1 -- text", field="note")
    with ports.store.transaction() as session:
        stream, now = find_release(session, key).key, ports.clock.now()
        record(session, Fact.NOTE_ADDED, stream=stream, actor=actor, at=now, details={"text": text.strip()})
