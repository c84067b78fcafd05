"""Planning a release, from its first line to its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from release_core import windows
from release_core.attaching import still_before_deployment
from release_core.broadcasts import end_broadcasts
from release_core.errors import Refused, Unclear
from release_core.facts import UNDER_WAY, ReleaseFacts, Standing, gather, next_org, stand, watched_until
from release_core.fitting import as_plain
from release_core.lookups import deployments_of, find_org, find_path, find_release, is_watched, next_key, state_of
from release_core.models import ChecklistItem, Intent, Release
from release_core.permissions import others, owner_named, require
from release_core.policy import ItemRule, Kind, Level, Policy, Strategy
from release_core.ports import Ports
from release_core.readiness import must_be_known, settle_state
from release_core.run_sheets import next_step, task_owners
from release_core.scheduling import book, withdraw_window
from release_core.task_plans import lay_out_tasks
from release_core.test_plans import must_be_allowed
from release_core.timeline import BOT, intend, record
from release_core.timeline import Kind as Fact
from release_core.ways_back import brings_back


@dataclass(frozen=True)
class Plan:
    """What the form for a new release asks; the window may be set later.

    A staged release goes along `path`, by its name in the policy, or through `orgs`; its `org` is not looked at.
    """

    name: str
    org: str
    kind: Kind
    owner_id: str
    strategy: Strategy = "validate_then_quick"
    window: windows.Interval | None = None
    contingency: str = ""
    path: str = ""
    orgs: tuple[str, ...] = ()
    test_level: Level | None = None


def plan_release(ports: Ports, actor: str, plan: Plan) -> str:
    """Create a release with the checklist of its kind; returns its key."""
    require(ports.policy, actor, "plan")
    path = _must_make_sense(ports.policy, plan)
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = _row(plan, path, next_key(session, "REL"), actor, now)
        session.add(release)
        session.flush()
        _lay_out_checklist(session, ports.policy, release)
        lay_out_tasks(session, ports.policy, release)
        details = _told(release)
        record(session, Fact.RELEASE_CREATED, stream=release.key, actor=actor, at=now, details=details)
        if plan.window:
            book(session, ports.policy, release, plan.window, actor=actor, now=now)
        settle_state(session, ports.policy, release, now)
        return release.key


def _must_make_sense(policy: Policy, plan: Plan) -> tuple[str, ...]:
    """The orgs it goes to, in their order; Unclear where the form does not fit together."""
    if not 3 <= len(plan.name.strip()) <= 80:
        raise Unclear("Give the release a name of 3 to 80 characters.", field="name")
    staged = plan.strategy == "staged"
    path = tuple(find_path(policy, named=plan.path, orgs=plan.orgs)) if staged else (find_org(policy, plan.org),)
    if policy.orgs[path[0]].kind != "production" and plan.kind == "emergency":
        raise Unclear("An emergency release goes to production; choose another kind for a sandbox.", field="kind")
    if plan.test_level:
        must_be_allowed(policy, path[0], plan.test_level)
    return path


def _row(plan: Plan, path: tuple[str, ...], key: str, actor: str, now: datetime) -> Release:
    return Release(
        key=key,
        name=plan.name.strip(),
        target_org=path[0],
        kind=plan.kind,
        strategy=plan.strategy,
        state="draft",
        owner_id=plan.owner_id,
        created_by=actor,
        created_at=now,
        contingency=plan.contingency,
        path=list(path) if plan.strategy == "staged" else [],
        test_level=plan.test_level or "",
    )


def _told(release: Release) -> dict[str, Any]:
    details: dict[str, Any] = {
        "name": release.name,
        "org": release.target_org,
        "kind": release.kind,
        "strategy": release.strategy,
        "owner": release.owner_id,
    }
    return {**details, "path": list(release.path)} if release.path else details


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
                evidence=rule.evidence,
                condition=as_plain(rule.when),
                state="open",
            )
        )


def _owner_of(policy: Policy, release: Release, rule: ItemRule) -> str:
    if rule.rule:
        return ""
    return owner_named(policy, release.owner_id, person=rule.person, role=rule.role, team=rule.team)


def cancel_release(ports: Ports, actor: str, key: str, reason: str) -> None:
    """Give a release up before it reached the org; of a staged one the rest, while what is live stays."""
    require(ports.policy, actor, "plan")
    if len(reason.strip()) < 3:
        raise Unclear("Say why the release is cancelled: /release cancel REL-1 -- reason", field="note")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        facts = gather(session, ports.policy, release)
        _must_not_be_watched_alone(ports.policy, facts)
        if not (release.state == "soaking" and facts.next_org):
            still_before_deployment(release, "be cancelled")
        must_be_known(facts)
        _must_not_be_going_back(facts)
        release.state, release.closed_at = "cancelled", now
        session.add(release)
        for attempt in deployments_of(session, release):
            stoppable = attempt.state in UNDER_WAY and attempt.purpose in ("deployment", "validation")
            if stoppable and not attempt.abort_requested_by:
                attempt.abort_requested_by = actor
                session.add(attempt)
        withdraw_window(session, release)
        end_broadcasts(session, release, now=now)
        details = {"reason": reason.strip(), "live": list(facts.live_orgs)}
        record(session, Fact.RELEASE_CANCELLED, stream=release.key, actor=actor, at=now, details=details)


def _must_not_be_watched_alone(policy: Policy, facts: Standing) -> None:
    """Refused with the way out where a release that was taken back is only watched where it still is."""
    key, orgs = facts.release.key, _watched_after_rollback(facts)
    if orgs:
        here = " and ".join(policy.title_of(org) for org in orgs)
        sentence = f"{key} is rolled back and goes no further. To end the watch in {here}: /release close {key}"
        raise Refused("too_late", sentence)


def close_release(ports: Ports, actor: str, key: str, *, by_timer: bool = False) -> bool:
    """End a release that has soaked; returns whether it was closed.

    An open incident on its org or a rollback keeps it open: by the timer, the soak then begins again. Of a staged
    release that was taken back in one org people end the watch over the others; it stays rolled back, which is False.
    """
    if not by_timer:
        require(ports.policy, actor, "plan")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        if not by_timer and (orgs := _watched_after_rollback(stand(session, ports.policy, release))):
            must_be_at_rest(ports.policy, gather(session, ports.policy, release))
            release.watch_ended_at = now
            session.add(release)
            details = {"orgs": list(orgs)}
            record(session, Fact.WATCH_ENDED, stream=release.key, actor=actor, at=now, details=details)
            return False
        try:
            must_be_done(session, ports.policy, release)
            _must_go_no_further(ports.policy, release)
        except Refused as refused:
            if not by_timer:
                raise
            soak_again(session, ports.policy, release, refused, now)
            return False
        if by_timer and came_early(session, ports.policy, release, now):
            return False
        release.state, release.closed_at = "closed", now
        session.add(release)
        end_broadcasts(session, release, now=now)
        record(session, Fact.RELEASE_CLOSED, stream=release.key, actor=actor, at=now)
        return True


def must_be_done(session: Session, policy: Policy, release: Release) -> None:
    """Refused while something keeps a release from being over in the org in which it soaks."""
    if release.state != "soaking":
        state = state_of(release)
        raise Refused("not_soaking", f"{release.key} is {state}; only a release that soaks can be closed.")
    facts = gather(session, policy, release)
    must_be_at_rest(policy, facts)
    if held := next_step(facts, "after"):
        sentence = f"Task {held.number} “{held.title}” comes first: /release task done {release.key} {held.number}"
        raise Refused("task_open", sentence, who=task_owners(held, facts))


def _watched_after_rollback(facts: Standing) -> Sequence[str]:
    """The orgs in which a staged release is looked after although it was taken back in another one."""
    return facts.live_orgs if facts.release.state == "rolled_back" and is_watched(facts.release) else ()


def must_be_at_rest(policy: Policy, facts: ReleaseFacts) -> None:
    """Refused while something about a release is open: an incident, a way back, an outcome that nobody knows."""
    release = facts.release
    must_be_known(facts)
    if facts.incidents:
        way_out = f"/incident resolve {facts.incidents[0].key} -- what was done"
        raise Refused("incident_open", f"{facts.incidents[0].key} is open on this org. Resolve it first: {way_out}")
    _must_not_be_going_back(facts)
    if facts.wished_back:
        wish, wished = facts.wished_back[0]
        what = f"Bringing {release.key} back" if wished.purpose == "rollback" else f"Going back to before {release.key}"
        sentence = f"{what} was asked for and waits for a second person. Decide that first."
        who = others(policy.holders_of("roll_back"), than=(wish.requested_by,))
        raise Refused("rollback_under_way", sentence, who=who)


def _must_not_be_going_back(facts: Standing) -> None:
    running = [d for d in facts.deployments if d.purpose == "rollback" and d.state in UNDER_WAY]
    if running:
        does = "bringing" if brings_back(facts, running[0]) else "taking"
        raise Refused("rollback_under_way", f"{running[0].key} is {does} {facts.release.key} back; wait for its end.")


def _must_go_no_further(policy: Policy, release: Release) -> None:
    following = policy.title_of(next_org(release))
    if following:
        here = policy.title_of(release.target_org)
        raise Refused(
            "goes_on",
            f"{release.key} goes on to {following} when it was watched long enough in {here}. "
            f"To give up the rest: /release cancel {release.key} -- reason",
        )


def came_early(session: Session, policy: Policy, release: Release, now: datetime) -> bool:
    """Whether a timer rings that is left from an org before, or from before a rollback that was undone.

    The timer of this watch is still to come; where the policy made the soak longer meanwhile, there is one from now on.
    """
    until = watched_until(stand(session, policy, release), policy)
    if until is None or now >= until:
        return False
    to_come = select(Intent.key).where(
        Intent.lane == release.key, Intent.state == "due", Intent.due_at >= until, col(Intent.key).startswith("soak:")
    )
    if session.exec(to_come).first() is None:
        key, flow = f"soak:{release.key}:until:{until.isoformat()}", "stage_end" if next_org(release) else "soak_end"
        intend(session, key, flow, now=now, lane=release.key, due_at=until, release=release.key)
    return True


def soak_again(session: Session, policy: Policy, release: Release, refused: Refused, now: datetime) -> None:
    """The soak of a release that may not be over yet begins again; one held by a task alone ends with that task."""
    if release.state != "soaking" or refused.code == "task_open":
        return
    key, flow = f"soak:{release.key}:again:{now.isoformat()}", "stage_end" if next_org(release) else "soak_end"
    due_at = now + policy.soak_of(release.target_org, release.risk_level)
    intend(session, key, flow, now=now, lane=release.key, due_at=due_at, release=release.key)
    details = {"org": release.target_org, "until": due_at.isoformat(), "because": str(refused)}
    record(session, Fact.WATCH_BEGAN_AGAIN, stream=release.key, actor=BOT, at=now, details=details)


def add_note(ports: Ports, actor: str, key: str, text: str) -> None:
    """Write a person's words into the timeline of a release."""
    require(ports.policy, actor, "note")
    if not text.strip():
        raise Unclear("Say what to note: /release note REL-1 -- text", field="note")
    with ports.store.transaction() as session:
        stream, now = find_release(session, key).key, ports.clock.now()
        record(session, Fact.NOTE_ADDED, stream=stream, actor=actor, at=now, details={"text": text.strip()})
