"""Settling the items of a release's checklist."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlmodel import Session

from release_core.errors import Conflict, NotAllowed, Refused, Unclear
from release_core.facts import ReleaseFacts, gather
from release_core.item_alarms import set_reminder, set_waiver_end
from release_core.lookups import FINAL_STATES, find_item, find_release, state_of, window_of
from release_core.models import ChecklistItem, Release
from release_core.permissions import may, must_be_in_chat
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.readiness import SETTLED, item_owners, settle_state
from release_core.timeline import Kind, record

Change = Callable[[ChecklistItem], Kind]
LONGEST_SNOOZE = timedelta(days=7)


def tick(ports: Ports, actor: str, key: str, item: str, *, evidence: str = "") -> ChecklistItem:
    """An item is done, perhaps with evidence (a link or a note)."""

    def done(row: ChecklistItem) -> Kind:
        _must_be_for_people(row)
        _must_not_be(row, "done")
        _must_bring(row, evidence, key)
        row.state, row.note = "done", evidence.strip()
        return Kind.ITEM_DONE

    return _settle(ports, actor, key, item, done)


def start(ports: Ports, actor: str, key: str, item: str) -> ChecklistItem:
    """Somebody works on an item; what is settled has to be reopened first."""

    def started(row: ChecklistItem) -> Kind:
        _must_be_for_people(row)
        _must_not_be(row, "in_progress", *SETTLED)
        row.state = "in_progress"
        return Kind.ITEM_STARTED

    return _settle(ports, actor, key, item, started)


def block(ports: Ports, actor: str, key: str, item: str, reason: str) -> ChecklistItem:
    """An item cannot be done, with the reason."""
    _must_explain(reason, f"/release block {key} {item} -- reason")

    def blocked(row: ChecklistItem) -> Kind:
        _must_be_for_people(row)
        row.state, row.note = "blocked", reason.strip()
        return Kind.ITEM_BLOCKED

    return _settle(ports, actor, key, item, blocked)


def reopen(ports: Ports, actor: str, key: str, item: str, reason: str = "") -> ChecklistItem:
    """An item has to be settled again."""

    def reopened(row: ChecklistItem) -> Kind:
        _must_be_for_people(row)
        _must_not_be(row, "open")
        row.state, row.note = "open", reason.strip()
        return Kind.ITEM_REOPENED

    return _settle(ports, actor, key, item, reopened)


def waive_item(
    ports: Ports, actor: str, key: str, item: str, reason: str, *, until: datetime | None = None
) -> ChecklistItem:
    """The release may go without an item until an instant, with the reason.

    Without `until` for as long as the policy says, or until the window is over when that is later.
    """
    _must_explain(reason, f"/release waive {key} {item} -- reason")
    if not may(ports.policy, actor, "settle_any_item"):
        managers = ports.policy.holders_of("settle_any_item")
        raise NotAllowed("Only a release manager may waive an item; nothing was changed.", who_may=managers)

    now = ports.clock.now()
    if until is not None and until <= now:
        raise Unclear("That time has passed. Give one that is still to come.", field="until")

    def waived(row: ChecklistItem) -> Kind:
        if row.rule == "validated":
            raise Refused(
                "not_waivable", "The validation cannot be waived: production would be the first to run the tests."
            )
        _must_be_for_people(row)
        _must_not_be(row, "waived")
        row.state, row.note, row.waived_until = "waived", reason.strip(), until
        return Kind.ITEM_WAIVED

    return _settle(ports, actor, key, item, waived)


def snooze(ports: Ports, actor: str, key: str, item: str, until: datetime) -> ChecklistItem:
    """Nobody is reminded of an item before an instant; it stays due when it was."""
    now = ports.clock.now()
    if not now < until <= now + LONGEST_SNOOZE:
        raise Unclear("Give a time within the next 7 days: /release snooze ITEM until TIME", field="until")

    def snoozed(row: ChecklistItem) -> Kind:
        _must_be_for_people(row)
        _must_not_be(row, *SETTLED)
        row.snoozed_until = until
        return Kind.ITEM_SNOOZED

    return _settle(ports, actor, key, item, snoozed)


def assign(ports: Ports, actor: str, key: str, item: str, person: str) -> ChecklistItem:
    """An item belongs to a person (chat id) from now on; what was said about it stays whose it was."""

    def assigned(row: ChecklistItem) -> Kind:
        _must_be_for_people(row)
        row.owner_id, row.team = person, ""
        return Kind.ITEM_ASSIGNED

    with ports.store.reading() as session:
        must_be_in_chat(session, person, f"/release assign {key} ITEM @person")
    return _settle(ports, actor, key, item, assigned)


class AlreadySettled(Conflict):
    """An item is already what it was to become: by whom, when."""

    def __init__(self, item: ChecklistItem) -> None:
        state = item.state.replace("_", " ")
        sentence = f"Item {item.number} “{item.title}” is already {state}."
        super().__init__(sentence, by=item.changed_by, at=item.changed_at)


def _must_explain(reason: str, usage: str) -> None:
    if len(reason.strip()) < 3:
        raise Unclear(f"Say why: {usage}", field="note")


def _must_be_for_people(row: ChecklistItem) -> None:
    if row.rule:
        raise Refused("settles_itself", f"Item {row.number} “{row.title}” settles itself; nobody ticks it.")


def _must_not_be(row: ChecklistItem, *states: str) -> None:
    if row.state in states:
        raise AlreadySettled(row)


def _settle(ports: Ports, actor: str, key: str, item: str, change: Change) -> ChecklistItem:
    """Change one item, named by its number or by words of its title, in one transaction with its fact."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        row = find_item(session, release, item)
        if release.state in FINAL_STATES:
            state = state_of(release)
            raise Refused("over", f"{release.key} is {state}; item {row.number} stays as it is.")
        _must_be_theirs(actor, row, gather(session, ports.policy, release), ports.policy)
        kind = change(row)
        if kind not in (Kind.ITEM_ASSIGNED, Kind.ITEM_SNOOZED):
            row.changed_by, row.changed_at, row.snoozed_until = actor, now, None
        _set_alarms(session, ports.policy, release, row, now)
        details = {"item": row.number, "title": row.title, "note": row.note, "owner": row.owner_id}
        until = {Kind.ITEM_WAIVED: row.waived_until, Kind.ITEM_SNOOZED: row.snoozed_until}.get(kind)
        if until is not None:
            details["until"] = until.isoformat()
        record(session, kind, stream=release.key, actor=actor, at=now, details=details)
        settle_state(session, ports.policy, release, now)
        return row


def _set_alarms(session: Session, policy: Policy, release: Release, row: ChecklistItem, now: datetime) -> None:
    if row.state != "waived":
        row.waived_until = None
    elif row.waived_until is None:
        # Nobody named an end: it lasts as the policy says, past the window in any case.
        window = window_of(session, release)
        row.waived_until = max(now + policy.waivers_last, window.ends_at if window else now)
    session.add(row)
    set_reminder(session, policy, release, row, now)
    set_waiver_end(session, release, row, now)


def _must_bring(row: ChecklistItem, evidence: str, key: str) -> None:
    if row.evidence == "link" and not re.search(r"https?://\S+", evidence):
        sentence = (
            f"Item {row.number} “{row.title}” is ticked with a link: /release tick {key} {row.number} -- https://…"
        )
        raise Unclear(sentence, field="note")
    if row.evidence == "note" and len(evidence.strip()) < 3:
        sentence = (
            f"Item {row.number} “{row.title}” is ticked with a note: /release tick {key} {row.number} -- what was found"
        )
        raise Unclear(sentence, field="note")


def _must_be_theirs(actor: str, row: ChecklistItem, facts: ReleaseFacts, policy: Policy) -> None:
    if row.rule or may(policy, actor, "settle_any_item"):
        return  # what settles itself is nobody's: the change says so
    owners = item_owners(row, facts, policy)
    if actor not in owners:
        sentence = f"Item {row.number} “{row.title}” is not yours; nothing was changed."
        managers = policy.holders_of("settle_any_item")
        raise NotAllowed(sentence, who_may=tuple(dict.fromkeys((*owners, *managers))))
