"""Settling the items of a release's checklist."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from release_core.errors import Conflict, NotAllowed, Refused, Unclear
from release_core.facts import gather
from release_core.lookups import find_item, find_release
from release_core.models import ChecklistItem, Release
from release_core.permissions import may, team_people
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.readiness import item_owners, settle_state
from release_core.timeline import Kind, record

Change = Callable[[ChecklistItem], Kind]


def tick(ports: Ports, actor: str, key: str, item: str, *, evidence: str = "") -> ChecklistItem:
    """An item is done, perhaps with evidence (a link or a note)."""

    def done(row: ChecklistItem) -> Kind:
        if row.state == "done":
            raise AlreadySettled(row)
        row.state, row.note = "done", evidence.strip()
        return Kind.ITEM_DONE

    return _settle(ports, actor, key, item, done)


def start(ports: Ports, actor: str, key: str, item: str) -> ChecklistItem:
    """Somebody works on an item."""

    def started(row: ChecklistItem) -> Kind:
        row.state = "in_progress"
        return Kind.ITEM_STARTED

    return _settle(ports, actor, key, item, started)


def block(ports: Ports, actor: str, key: str, item: str, reason: str) -> ChecklistItem:
    """An item cannot be done, with the reason."""
    _must_explain(reason, f"/release block {key} {item} -- reason")

    def blocked(row: ChecklistItem) -> Kind:
        row.state, row.note = "blocked", reason.strip()
        return Kind.ITEM_BLOCKED

    return _settle(ports, actor, key, item, blocked)


def reopen(ports: Ports, actor: str, key: str, item: str, reason: str = "") -> ChecklistItem:
    """An item has to be settled again."""

    def reopened(row: ChecklistItem) -> Kind:
        row.state, row.note = "open", reason.strip()
        return Kind.ITEM_REOPENED

    return _settle(ports, actor, key, item, reopened)


def waive_item(ports: Ports, actor: str, key: str, item: str, reason: str) -> ChecklistItem:
    """The release may go without an item, with the reason."""
    _must_explain(reason, f"/release waive {key} {item} -- reason")

    def waived(row: ChecklistItem) -> Kind:
        if row.rule == "validated":
            raise Refused(
                "not_waivable", "The validation cannot be waived: production would be the first to run the tests."
            )
        row.state, row.note = "waived", reason.strip()
        return Kind.ITEM_WAIVED

    return _settle(ports, actor, key, item, waived, by_release_manager=True)


def assign(ports: Ports, actor: str, key: str, item: str, person: str) -> ChecklistItem:
    """An item belongs to a person from now on."""

    def assigned(row: ChecklistItem) -> Kind:
        row.owner_id, row.team = person, ""
        return Kind.ITEM_ASSIGNED

    return _settle(ports, actor, key, item, assigned)


class AlreadySettled(Conflict):
    """An item was done before: by whom, when."""

    def __init__(self, item: ChecklistItem) -> None:
        super().__init__(f"Item {item.number} “{item.title}” is already done.", by=item.changed_by, at=item.changed_at)


def _must_explain(reason: str, usage: str) -> None:
    if len(reason.strip()) < 3:
        raise Unclear(f"Say why: {usage}", field="note")


def _settle(
    ports: Ports, actor: str, key: str, item: str, change: Change, *, by_release_manager: bool = False
) -> ChecklistItem:
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        row = find_item(session, release, item)
        _must_be_changeable(release, row)
        if row.rule and not by_release_manager:
            raise Refused("settles_itself", f"Item {row.number} “{row.title}” settles itself; nobody ticks it.")
        _must_be_theirs(session, ports.policy, actor, release, row, by_release_manager)
        kind = change(row)
        row.changed_by, row.changed_at = actor, now
        session.add(row)
        _note(session, kind, release, row, actor, now)
        settle_state(session, ports.policy, release, now)
        return row


def _must_be_changeable(release: Release, row: ChecklistItem) -> None:
    if release.state in ("closed", "cancelled", "rolled_back"):
        raise Refused("over", f"{release.key} is {release.state.replace('_', ' ')}; item {row.number} stays as it is.")


def _must_be_theirs(
    session: Session, policy: Policy, actor: str, release: Release, row: ChecklistItem, by_release_manager: bool
) -> None:
    if may(policy, actor, "settle_any_item"):
        return
    owners = item_owners(row, gather(session, policy, release), policy)
    team = team_people(session, policy, row.team) if row.team else ()
    managers = policy.holders_of("settle_any_item")
    if by_release_manager:
        raise NotAllowed("Only a release manager may waive an item; nothing was changed.", who_may=managers)
    if actor not in (*owners, *team):
        sentence = f"Item {row.number} “{row.title}” is not yours; nothing was changed."
        raise NotAllowed(sentence, who_may=tuple(dict.fromkeys((*owners, *team, *managers))))


def _note(session: Session, kind: Kind, release: Release, row: ChecklistItem, actor: str, now: datetime) -> None:
    details = {"item": row.number, "title": row.title, "note": row.note, "owner": row.owner_id}
    record(session, kind, stream=release.key, actor=actor, at=now, details=details)
