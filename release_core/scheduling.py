"""When a release may start: its window, the freezes over it, the waivers through them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, desc, func, select

from release_core.asks import ask_the_others, move_rounds
from release_core.broadcasts import schedule_for_window
from release_core.conflicts import note_conflicts
from release_core.errors import Conflict, Refused, Unclear
from release_core.facts import gather
from release_core.item_alarms import set_reminder
from release_core.lookups import (
    BEFORE_DEPLOYMENT,
    checklist,
    find_freeze,
    find_org,
    find_release,
    next_key,
    starts_by_itself,
    state_of,
    window_of,
)
from release_core.models import DeploymentWindow, Freeze, Release, Waiver
from release_core.permissions import require
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.proof_alarms import set_window_alarms, withdraw_window_alarms
from release_core.readiness import blocking, must_not_have_gone, settle_state
from release_core.tasks import announce_next
from release_core.timeline import BOT, Kind, intend, record, withdraw_intents
from release_core.windows import FrozenSpan, Interval, frozen_spans, is_inside_windows, next_open

LONGEST_WINDOW = timedelta(days=2)


def set_window(ports: Ports, actor: str, key: str, window: Interval) -> None:
    """Book the interval in which a release's deployment may start; it replaces the one before."""
    require(ports.policy, actor, "set_window")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        must_not_have_gone(session, ports.policy, release, "its window cannot be moved.", now)
        book(session, ports.policy, release, window, actor=actor, now=now)
        settle_state(session, ports.policy, release, now)
        ask_the_others(session, ports.policy, release, now)


def book(session: Session, policy: Policy, release: Release, window: Interval, *, actor: str, now: datetime) -> None:
    """Write a window down with the alarms at its start and end, and the broadcasts around it."""
    if window.ends_at <= now:
        raise Unclear("The window lies in the past. Give a start that is still to come.", field="at")
    if window.ends_at - window.starts_at > LONGEST_WINDOW:
        raise Unclear("A window lasts two days at most. Give an earlier end.", field="until")
    _must_be_legal(session, policy, release, window, now)
    was_booked = starts_by_itself(release, window_of(session, release))
    withdraw_window(session, release)
    count = select(func.count()).where(DeploymentWindow.release_id == release.id)
    row = DeploymentWindow(
        release_id=release.id or 0,
        number=session.exec(count).one() + 1,
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        zone=policy.zone,
        set_by=actor,
        set_at=now,
        state="booked",
    )
    session.add(row)
    for flow, due_at in (("window_opening", row.starts_at), ("window_closing", row.ends_at)):
        key = f"{flow}:{release.key}:{row.number}"
        intend(session, key, flow, now=now, lane=release.key, due_at=due_at, release=release.key, number=row.number)
    set_window_alarms(session, policy, release, row, now)
    _date_items(session, policy, release, window, now)
    move_rounds(session, policy, release, now)
    span = {"starts_at": window.starts_at.isoformat(), "ends_at": window.ends_at.isoformat()}
    details = {"number": row.number, **span, **({"unbooked": True} if was_booked else {})}
    record(session, Kind.WINDOW_SET, stream=release.key, actor=actor, at=now, details=details)
    schedule_for_window(session, policy, release, window, now=now)
    note_conflicts(session, release, now)


def withdraw_window(session: Session, release: Release) -> None:
    """Take back the release's window, if one is to come or open, with its alarms."""
    window = window_of(session, release)
    if window and window.state in ("booked", "open"):
        window.state = "withdrawn"
        session.add(window)
        withdraw_window_alarms(session, release)
        withdraw_intents(
            session, [f"{flow}:{release.key}:{window.number}" for flow in ("window_opening", "window_closing")]
        )


def _date_items(session: Session, policy: Policy, release: Release, window: Interval, now: datetime) -> None:
    before = {rule.title: rule.due for rule in policy.checklist_of(release.kind)}
    for item in checklist(session, release):
        item.due_at = max(now, window.starts_at - before.get(item.title, timedelta()))
        set_reminder(session, policy, release, item, now)


def _must_be_legal(session: Session, policy: Policy, release: Release, window: Interval, now: datetime) -> None:
    if is_inside_windows(window, release.target_org, policy.windows):
        return
    freezes = session.exec(select(Freeze).where(col(Freeze.lifted_at).is_(None))).all()
    legal = next_open(now, release.target_org, policy.windows, frozen_spans(policy.freezes, freezes))
    title = policy.title_of(release.target_org)
    raise Refused(
        "window_illegal",
        f"The policy does not let {title} be deployed to during all of that window.",
        passes_at=legal.starts_at if legal else None,
    )


def open_window(ports: Ports, key: str, number: int) -> bool:
    """The start of a window has come; returns whether it is still the release's window."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        window = window_of(session, release)
        if window is None or window.number != number or window.state != "booked":
            return False
        _turn(session, ports.policy, release, window, now)
        return True


def close_window(ports: Ports, key: str, number: int) -> None:
    """The end of a window has come: what has not started may not start any more.

    After a standstill both alarms of a window ring together; whichever comes first says that it was missed.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        window = window_of(session, release)
        if window and window.number == number and window.state in ("open", "booked"):
            _turn(session, ports.policy, release, window, now)


def _turn(session: Session, policy: Policy, release: Release, window: DeploymentWindow, now: datetime) -> None:
    """Move a window on to what it is now; people hear of it while the release still waits for it."""
    waits = release.state in ("draft", "planned", "ready")
    if now < window.ends_at:
        window.state, kind = "open", Kind.WINDOW_OPENED
    elif window.state == "booked" and waits:
        window.state, kind = "missed", Kind.WINDOW_MISSED
    else:
        window.state, kind = "closed", Kind.WINDOW_CLOSED
    session.add(window)
    if waits:
        reasons = [gate.code for gate in blocking(gather(session, policy, release), policy, now)]
        details = {"number": window.number, "blocked_by": reasons, "starts_at": window.starts_at.isoformat()}
        record(session, kind, stream=release.key, actor=BOT, at=now, details=details)
        settle_state(session, policy, release, now)
        if kind is Kind.WINDOW_OPENED:
            announce_next(session, policy, release, now)


def set_freeze(ports: Ports, actor: str, *, org: str, name: str, during: Interval, reason: str) -> str:
    """Say when nothing may start on an org ("*": any); returns the freeze's key."""
    require(ports.policy, actor, "set_freeze")
    now = ports.clock.now()
    if during.ends_at <= now:
        raise Unclear("The freeze would be over already. Give an end that is still to come.", field="until")
    if len(reason.strip()) < 3:
        raise Unclear("Say why, so that people know whom the freeze protects.", field="note")
    org = "*" if org in ("*", "all") else find_org(ports.policy, org)
    with ports.store.transaction() as session:
        freeze = Freeze(
            key=next_key(session, "FRZ"),
            name=name.strip() or reason.strip()[:60],
            org=org,
            starts_at=during.starts_at,
            ends_at=during.ends_at,
            reason=reason.strip(),
            set_by=actor,
            set_at=now,
        )
        session.add(freeze)
        details = {
            "freeze": freeze.key,
            "org": org,
            "reason": freeze.reason,
            "starts_at": freeze.starts_at.isoformat(),
            "ends_at": freeze.ends_at.isoformat(),
        }
        record(session, Kind.FREEZE_SET, stream=freeze.key, actor=actor, at=now, details=details)
        return freeze.key


def lift_freeze(ports: Ports, actor: str, key: str, reason: str) -> None:
    """End one freeze now; others over the same time stay."""
    require(ports.policy, actor, "set_freeze")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        key = find_freeze(session, ports.policy, key)
        freeze = session.exec(select(Freeze).where(Freeze.key == key)).first()
        if freeze is None:
            raise Refused("freeze_in_policy", f"The freeze {key} stands in the policy file and is lifted there.")
        if freeze.ends_at <= now:
            raise Refused("freeze_over", f"The freeze {key} is over already; there is nothing to lift.")
        freeze.lifted_by, freeze.lifted_at = actor, now
        session.add(freeze)
        details = {"freeze": key, "reason": reason.strip()}
        record(session, Kind.FREEZE_LIFTED, stream=freeze.key, actor=actor, at=now, details=details)


def waive_freeze(ports: Ports, actor: str, key: str, freeze: str, reason: str) -> None:
    """Let one release through one freeze in its target, by name, with a reason; it lapses with the freeze."""
    require(ports.policy, actor, "waive_freeze")
    if len(reason.strip()) < 10:
        raise Unclear("A waiver needs a reason of at least 10 characters; it is shown to everybody.", field="note")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        if release.state not in BEFORE_DEPLOYMENT:
            raise Refused("too_late", f"{release.key} is {state_of(release)}; no freeze is in its way.")
        facts = gather(session, ports.policy, release)
        freeze_key = find_freeze(session, ports.policy, freeze)
        span = next((span for span in facts.freezes if span.key == freeze_key), None)
        if span is None:
            raise Refused("freeze_elsewhere", f"The freeze {freeze_key} does not concern {release.key}.")
        if span.ends_at <= now:
            raise Refused("freeze_over", f"The freeze {freeze_key} is over already; nothing needs to be waived.")
        if freeze_key in facts.waived_freezes(now):
            raise _waived_already(session, release, freeze_key)
        waiver = Waiver(
            release_id=release.id or 0,
            about=f"freeze:{freeze_key}",
            by=actor,
            reason=reason.strip(),
            at=now,
            expires_at=span.ends_at,
            org=release.target_org,
        )
        session.add(waiver)
        details = {"freeze": freeze_key, "name": span.name, "reason": reason.strip()}
        if release.path:
            details["org"] = release.target_org
        record(session, Kind.FREEZE_WAIVED, stream=release.key, actor=actor, at=now, details=details)
        settle_state(session, ports.policy, release, now)


def _waived_already(session: Session, release: Release, freeze: str) -> Conflict:
    about = (Waiver.release_id == release.id, Waiver.about == f"freeze:{freeze}")
    waiver = session.exec(select(Waiver).where(*about).order_by(desc(Waiver.id))).first()
    sentence = f"The freeze {freeze} is already waived for {release.key}."
    return Conflict(sentence, by=waiver.by if waiver else "", at=waiver.at if waiver else None, did="Waived by")


def freezes_ahead(session: Session, policy: Policy, now: datetime) -> list[FrozenSpan]:
    """Freezes that hold now or later, on any org, earliest first."""
    rows = session.exec(select(Freeze).where(col(Freeze.lifted_at).is_(None))).all()
    return [span for span in frozen_spans(policy.freezes, rows) if now < span.ends_at]
