"""When the owner of an item is reminded, and when a waiver ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, select

from release_core.conditions import applies
from release_core.facts import ReleaseFacts, gather
from release_core.lookups import FINAL_STATES, release_of
from release_core.models import ChecklistItem, Intent, Release
from release_core.policy import Policy, ReminderRule
from release_core.ports import Ports
from release_core.readiness import item_owners, settle_state
from release_core.run_sheets import SETTLED
from release_core.seats import stand_ins
from release_core.timeline import BOT, Kind, intend, record


def reminders(item: ChecklistItem, rule: ReminderRule) -> Sequence[datetime]:
    """Every instant at which somebody is reminded of an item while it is not settled: before, when due, afterwards."""
    if item.due_at is None or item.rule:
        return ()
    return (item.due_at - rule.before, *(item.due_at + turn * rule.every for turn in range(rule.at_most)))


def next_reminder(item: ChecklistItem, rule: ReminderRule, now: datetime) -> datetime | None:
    """When somebody is reminded next; what falls into a snooze comes once, at its end. None when no more is to come."""
    if item.state in SETTLED:
        return None
    snoozed = item.snoozed_until if item.snoozed_until and item.snoozed_until > now else None
    if snoozed is not None:
        return snoozed
    return next((at for at in reminders(item, rule) if at > now), None)


def set_reminder(session: Session, policy: Policy, release: Release, item: ChecklistItem, now: datetime) -> None:
    """Something about an item has changed: its next reminder comes when it is due now, and no other."""
    session.flush()
    item.remind_at = next_reminder(item, policy.reminders, now)
    session.add(item)
    for intent in session.exec(select(Intent).where(Intent.flow == "item_reminder", Intent.lane == release.key)):
        if intent.state == "due" and intent.args.get("item") == item.id:
            intent.state = "withdrawn"
            session.add(intent)
    if item.remind_at is not None:
        key = f"item_reminder:{release.key}:{item.id}:{item.remind_at.isoformat()}"
        _intend_again(session, key, "item_reminder", release, item, item.remind_at, now)


def set_waiver_end(session: Session, release: Release, item: ChecklistItem, now: datetime) -> None:
    """An item was waived for a while: it is open again at the end."""
    if item.waived_until is not None:
        key = f"waiver_end:{release.key}:{item.id}:{item.waived_until.isoformat()}"
        _intend_again(session, key, "waiver_end", release, item, item.waived_until, now)


def _intend_again(
    session: Session, key: str, flow: str, release: Release, item: ChecklistItem, due_at: datetime, now: datetime
) -> None:
    """One alarm for an instant, however often it was set for it and taken back."""
    known = session.get(Intent, key)
    if known is None:
        intend(session, key, flow, now=now, lane=release.key, due_at=due_at, item=item.id)
    elif known.state == "withdrawn":
        known.state = "due"
        session.add(known)


def remind(ports: Ports, item_id: int) -> None:
    """It is time to remind somebody of an item, unless it was settled, moved or snoozed meanwhile."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        item = session.get(ChecklistItem, item_id)
        if item is None or item.remind_at is None or now < item.remind_at or item.state in SETTLED:
            return
        release = release_of(session, item)
        if release.state in FINAL_STATES:
            return
        facts = gather(session, ports.policy, release)
        following = next_reminder(item, ports.policy.reminders, now)
        if applies(item, facts):
            details = _told(item, facts, ports.policy, now) | {"last": following is None}
            record(session, Kind.ITEM_REMINDED, stream=release.key, actor=BOT, at=now, details=details)
        set_reminder(session, ports.policy, release, item, now)


def _told(item: ChecklistItem, facts: ReleaseFacts, policy: Policy, now: datetime) -> dict[str, object]:
    owners = item_owners(item, facts, policy)
    deputies = [deputy for owner in owners for deputy in stand_ins(facts.absences, owner, now)]
    return {
        "item": item.number,
        "title": item.title,
        "people": list(dict.fromkeys((*owners, *deputies))),
        "owner": facts.release.owner_id,
        "due_at": item.due_at.isoformat() if item.due_at else "",
        "overdue": item.due_at is not None and item.due_at <= now,
    }


def end_waiver(ports: Ports, item_id: int) -> None:
    """A waiver has lasted as long as it was given for: the item has to be settled again."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        item = session.get(ChecklistItem, item_id)
        if item is None or item.state != "waived" or item.waived_until is None or now < item.waived_until:
            return
        release = release_of(session, item)
        if release.state in (*FINAL_STATES, "soaking"):
            return
        details = {
            **_told(item, gather(session, ports.policy, release), ports.policy, now),
            "by": item.changed_by,
            "note": item.note,
        }
        item.state, item.waived_until = "open", None
        set_reminder(session, ports.policy, release, item, now)
        record(session, Kind.ITEM_WAIVER_ENDED, stream=release.key, actor=BOT, at=now, details=details)
        settle_state(session, ports.policy, release, now)
