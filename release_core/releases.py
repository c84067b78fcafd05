"""Planning a release, from its first line to its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, func, select

from release_core import windows
from release_core.approvals import withdraw_approvals
from release_core.broadcasts import end_broadcasts
from release_core.errors import Refused, Unclear
from release_core.facts import UNDER_WAY, gather
from release_core.lookups import BEFORE_DEPLOYMENT, FINAL_STATES, deployments_of, find_org, find_release, next_key
from release_core.models import ChecklistItem, Release, ReleasePackage
from release_core.packages import Package
from release_core.permissions import require
from release_core.policy import ItemRule, Kind, Level, Policy, Strategy
from release_core.ports import Ports
from release_core.readiness import must_be_known, settle_state
from release_core.rollback_requests import pending_request
from release_core.scheduling import book, withdraw_window
from release_core.test_plans import must_be_allowed
from release_core.timeline import Kind as Fact
from release_core.timeline import intend, record
from release_core.verdicts import Judgement


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


def attach_package(ports: Ports, actor: str, key: str, *, file_id: str, file_name: str) -> int:
    """Note that somebody sent a package for a release; a flow fetches and reads it. Returns the package's row id."""
    require(ports.policy, actor, "attach")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        _still_before_deployment(release, "take another package")
        number = session.exec(select(func.count()).where(ReleasePackage.release_id == release.id)).one() + 1
        package = ReleasePackage(
            release_id=release.id or 0,
            number=number,
            state="reading",
            file_id=file_id,
            file_name=file_name,
            author_id=actor,
            attached_at=now,
        )
        session.add(package)
        session.flush()
        record(
            session,
            Fact.PACKAGE_ATTACHED,
            stream=release.key,
            actor=actor,
            at=now,
            details={"package": package.id, "file": file_name},
        )
        intend(session, f"intake:{release.key}:{number}", "intake", now=now, lane=release.key, package=package.id)
        assert package.id is not None
        return package.id


def refuse_package(ports: Ports, package_id: int, sentence: str) -> None:
    """A package could not be read; the one that counted before still counts."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        package, release = _package_with_release(session, package_id)
        if package.state != "reading":
            return
        _refuse(session, package, release, sentence, now)


def _refuse(session: Session, package: ReleasePackage, release: Release, sentence: str, now: datetime) -> None:
    package.state, package.problem = "refused", sentence
    session.add(package)
    details = {"package": package.id, "file": package.file_name, "problem": sentence}
    record(session, Fact.PACKAGE_REFUSED, stream=release.key, actor=package.author_id, at=now, details=details)


def _why_too_late(package: ReleasePackage, earlier: ReleasePackage | None, release: Release) -> str:
    if release.state not in BEFORE_DEPLOYMENT:
        return f"{release.key} is {release.state.replace('_', ' ')}; a package comes too late."
    if earlier and earlier.number > package.number:
        return f"{earlier.file_name} was attached after it and counts already."
    return ""


def accept_package(ports: Ports, package_id: int, content: Package) -> None:
    """A package was read and kept: it counts from now on; what was approved or validated before does not."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        package, release = _package_with_release(session, package_id)
        if package.state != "reading":
            return
        earlier = session.get(ReleasePackage, release.package_id) if release.package_id else None
        problem = _why_too_late(package, earlier, release)
        if problem:
            _refuse(session, package, release, problem, now)
            return
        _fill_in(package, content)
        session.add(package)
        release.package_id = package.id
        session.add(release)
        details = {
            "package": package.id,
            "file": package.file_name,
            "digest": package.digest,
            "components": len(package.components),
            "deletions": len(package.before) + len(package.after),
        }
        record(session, Fact.PACKAGE_ACCEPTED, stream=release.key, actor=package.author_id, at=now, details=details)
        if earlier and earlier.digest != package.digest:
            because = f"The package changed: {earlier.file_name} was replaced by {package.file_name}."
            withdraw_approvals(session, release, because, actor=package.author_id, now=now)
        settle_state(session, ports.policy, release, now)
        intend(
            session,
            f"comparison:{release.key}:{package.number}",
            "comparison",
            now=now,
            lane=release.key,
            package=package.id,
        )


def _fill_in(package: ReleasePackage, content: Package) -> None:
    package.state = "accepted"
    package.digest, package.size = content.digest, content.size
    package.components = [[c.type, c.name] for c in content.components]
    package.before = [[c.type, c.name] for c in content.deletions_before]
    package.after = [[c.type, c.name] for c in content.deletions_after]
    package.tests = list(content.tests)
    package.warnings = list(content.warnings)


def note_comparison(
    ports: Ports, package_id: int, changes: Sequence[tuple[str, str, str]], judgements: Sequence[Judgement]
) -> None:
    """What a package would do in the target (type, name, kind), with how each part would come back."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        package, release = _package_with_release(session, package_id)
        if package.compared_at is not None:
            return
        package.compared_at = now
        package.comparison = [list(row) for row in changes]
        package.verdicts = [[j.component.type, j.component.name, j.verdict, j.reason, j.todo] for j in judgements]
        session.add(package)
        record(
            session,
            Fact.PACKAGE_COMPARED,
            stream=release.key,
            actor="rollcall",
            at=now,
            details={"package": package.id},
        )


def note_comparison_failed(ports: Ports, package_id: int, sentence: str) -> None:
    """The target could not be asked what the package would do there."""
    with ports.store.transaction() as session:
        package, release = _package_with_release(session, package_id)
        details = {"package": package.id, "problem": sentence}
        record(
            session,
            Fact.PACKAGE_NOT_COMPARED,
            stream=release.key,
            actor="rollcall",
            at=ports.clock.now(),
            details=details,
        )


def cancel_release(ports: Ports, actor: str, key: str, reason: str) -> None:
    """Give a release up before it reached the org."""
    require(ports.policy, actor, "plan")
    if len(reason.strip()) < 3:
        raise Unclear("Say why the release is cancelled: /release cancel REL-1 -- reason", field="note")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        _still_before_deployment(release, "be cancelled")
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


def _still_before_deployment(release: Release, what: str) -> None:
    if release.state in BEFORE_DEPLOYMENT:
        return
    ending = "It is over." if release.state in FINAL_STATES else "Use /release status to see where it stands."
    raise Refused("too_late", f"{release.key} is {release.state.replace('_', ' ')} and cannot {what}. {ending}")


def _package_with_release(session: Session, package_id: int) -> tuple[ReleasePackage, Release]:
    package = session.get(ReleasePackage, package_id)
    assert package is not None, "packages are never deleted"
    release = session.get(Release, package.release_id)
    assert release is not None, "a foreign key keeps the release"
    return package, release
