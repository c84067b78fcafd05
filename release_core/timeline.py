"""What happened, for ever: immutable facts in streams, chained by hashes.

A stream is the key of a release, an incident, a freeze or an org ("ORG:production"). Recording a fact also writes
the intent that tells people of it, in the same transaction, so nothing is said that did not happen, while nothing that
happened stays unsaid.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlmodel import Session, col, desc, select

from release_core.errors import Conflict
from release_core.models import Intent, Post, TimelineEntry


class Kind(StrEnum):
    """Everything that can happen; `handlers.announcements` has words for each."""

    RELEASE_CREATED = "release_created"
    RELEASE_CANCELLED = "release_cancelled"
    RELEASE_CLOSED = "release_closed"
    RELEASE_MOVED_ON = "release_moved_on"
    WATCH_BEGAN_AGAIN = "watch_began_again"
    WATCH_ENDED = "watch_ended"
    STRATEGY_CHOSEN = "strategy_chosen"
    NOTE_ADDED = "note_added"
    MESSAGE_KEPT = "message_kept"
    PACKAGE_ATTACHED = "package_attached"
    PACKAGE_REFUSED = "package_refused"
    PACKAGE_ACCEPTED = "package_accepted"
    PACKAGE_COMPARED = "package_compared"
    PACKAGE_NOT_COMPARED = "package_not_compared"
    COMPONENTS_LISTED = "components_listed"
    COMPONENTS_NOT_LISTED = "components_not_listed"
    ARTIFACTS_DELETED = "artifacts_deleted"
    CONFLICT_FOUND = "conflict_found"
    COMPARISON_REQUESTED = "comparison_requested"
    ACCEPTANCE_ASKED = "acceptance_asked"
    RISK_ACCEPTED = "risk_accepted"
    SNAPSHOT_SKIPPED = "snapshot_skipped"
    ITEM_STARTED = "item_started"
    ITEM_DONE = "item_done"
    ITEM_BLOCKED = "item_blocked"
    ITEM_WAIVED = "item_waived"
    ITEM_REOPENED = "item_reopened"
    ITEM_ASSIGNED = "item_assigned"
    ITEM_SNOOZED = "item_snoozed"
    ITEM_REMINDED = "item_reminded"
    ITEM_WAIVER_ENDED = "item_waiver_ended"
    TASK_ADDED = "task_added"
    TASK_DUE = "task_due"
    TASK_STARTED = "task_started"
    TASK_DONE = "task_done"
    TASK_WAIVED = "task_waived"
    TASK_REOPENED = "task_reopened"
    TASK_ASSIGNED = "task_assigned"
    TASK_MOVED = "task_moved"
    TASK_DELETED = "task_deleted"
    TESTS_CHOSEN = "tests_chosen"
    APPROVALS_ASKED = "approvals_asked"
    APPROVED = "approved"
    DECLINED = "declined"
    APPROVALS_WITHDRAWN = "approvals_withdrawn"
    ANSWER_TAKEN_BACK = "answer_taken_back"
    APPROVAL_EXPIRED = "approval_expired"
    REFUSAL_SET_ASIDE = "refusal_set_aside"
    SEATS_REMINDED = "seats_reminded"
    ROLLCALL_CALLED = "rollcall_called"
    ROLLCALL_ANSWERED = "rollcall_answered"
    ROLLCALL_CLOSED = "rollcall_closed"
    ABSENCE_SET = "absence_set"
    ABSENCE_ENDED = "absence_ended"
    WINDOW_SET = "window_set"
    WINDOW_OPENED = "window_opened"
    WINDOW_CLOSED = "window_closed"
    WINDOW_MISSED = "window_missed"
    START_BOOKED = "start_booked"
    START_SKIPPED = "start_skipped"
    START_AHEAD = "start_ahead"
    START_WAITS = "start_waits"
    RELEASE_HELD = "release_held"
    RELEASE_RESUMED = "release_resumed"
    FREEZE_SET = "freeze_set"
    FREEZE_LIFTED = "freeze_lifted"
    FREEZE_WAIVED = "freeze_waived"
    VALIDATION_REQUESTED = "validation_requested"
    VALIDATION_PASSED = "validation_passed"
    VALIDATION_FAILED = "validation_failed"
    VALIDATION_STOPPED = "validation_stopped"
    VALIDATION_VOIDED = "validation_voided"
    VALIDATION_LAPSES = "validation_lapses"
    DEPLOYMENT_REQUESTED = "deployment_requested"
    DEPLOYMENT_HELD = "deployment_held"
    SNAPSHOT_TAKEN = "snapshot_taken"
    DEPLOYMENT_STARTED = "deployment_started"
    DEPLOYMENT_SUCCEEDED = "deployment_succeeded"
    DEPLOYMENT_FAILED = "deployment_failed"
    DEPLOYMENT_CANCELLED = "deployment_cancelled"
    DEPLOYMENT_UNKNOWN = "deployment_unknown"
    DEPLOYMENT_CLARIFIED = "deployment_clarified"
    CANCEL_REQUESTED = "cancel_requested"
    ROLLBACK_ARMED = "rollback_armed"
    ROLLBACK_NOT_ARMED = "rollback_not_armed"
    ROLLBACK_ASKED = "rollback_asked"
    ROLLBACK_LOOKED = "rollback_looked"
    ROLLBACK_NOT_LOOKED = "rollback_not_looked"
    ROLLBACK_CONFIRMED = "rollback_confirmed"
    ROLLBACK_DECLINED = "rollback_declined"
    ROLLBACK_EXPIRED = "rollback_expired"
    ROLLBACK_HELD = "rollback_held"
    ROLLBACK_STARTED = "rollback_started"
    ROLLBACK_WAY = "rollback_way"
    ROLLBACK_SUCCEEDED = "rollback_succeeded"
    ROLLBACK_UNDONE = "rollback_undone"
    ROLLBACK_FAILED = "rollback_failed"
    ORG_UNREACHABLE = "org_unreachable"
    ORG_REACHABLE = "org_reachable"
    ORG_BUSY = "org_busy"
    API_BUDGET_LOW = "api_budget_low"
    ORG_LOCKED = "org_locked"
    ORG_UNLOCKED = "org_unlocked"
    BROADCAST_SCHEDULED = "broadcast_scheduled"
    BROADCAST_SENT = "broadcast_sent"
    BROADCAST_MISSED = "broadcast_missed"
    BROADCASTS_ENDED = "broadcasts_ended"
    INCIDENT_OPENED = "incident_opened"
    INCIDENT_NOTED = "incident_noted"
    WORD_OVERDUE = "word_overdue"
    INCIDENT_RESOLVED = "incident_resolved"
    AUDIT_EXPORTED = "audit_exported"
    CHECK_FOUND = "check_found"


BOT = "rollcall"
HOMES = "HOME"
"""The stream of people's own pages among the posts; no fact is recorded in it."""
HOMES_FLOW = "homes"
HOMES_AFTER = timedelta(seconds=1)
"""How long what happens is gathered before the pages that people opened are drawn anew."""


def record(
    session: Session, kind: Kind, *, stream: str, actor: str, at: datetime, details: Mapping[str, Any] | None = None
) -> TimelineEntry:
    """Add a fact to a stream, with the intent that tells people of it.

    Two writers of one stream collide on its next number, and one of them is asked to try again.
    """
    before = session.exec(
        select(TimelineEntry).where(TimelineEntry.stream == stream).order_by(desc(TimelineEntry.number)).limit(1)
    ).first()
    entry = TimelineEntry(
        stream=stream,
        number=before.number + 1 if before else 1,
        kind=kind,
        at=at,
        actor=actor,
        subject=stream,
        details=dict(details or {}),
        previous_hash=before.hash if before else "",
        hash="",
    )
    entry.hash = digest_of(entry)
    session.add(entry)
    intend(session, f"tell:{stream}:{entry.number}", "tell", now=at, lane=stream, stream=stream, number=entry.number)
    draw_homes_anew(session, f"{stream}:{entry.number}", now=at)
    session.flush()
    return entry


def draw_homes_anew(session: Session, because: str, *, now: datetime) -> None:
    """Have the pages that people opened drawn anew in a moment; `because` is a key for what changed them."""
    if session.exec(select(Post.slot).where(Post.stream == HOMES).limit(1)).first() is not None:
        intend(session, f"{HOMES_FLOW}:{because}", HOMES_FLOW, now=now, lane=HOMES, due_at=now + HOMES_AFTER)


def intend(
    session: Session, key: str, flow: str, *, now: datetime, lane: str = "", due_at: datetime | None = None, **args: Any
) -> None:
    """Write down that a flow must run once under `key`, at `due_at` or at once."""
    session.add(Intent(key=key, flow=flow, args=args, lane=lane, due_at=due_at or now, state="due", created_at=now))


def withdraw_intents(session: Session, keys: Iterable[str]) -> None:
    """Take back intents that have not started."""
    for intent in session.exec(select(Intent).where(col(Intent.key).in_(list(keys)), Intent.state == "due")):
        intent.state = "withdrawn"
        session.add(intent)


def digest_of(entry: TimelineEntry) -> str:
    """The SHA-256 of an entry's meaning together with the hash of the one before."""
    meaning = [
        entry.previous_hash,
        entry.stream,
        entry.number,
        str(entry.kind),
        entry.at.isoformat(),
        entry.actor,
        entry.subject,
        entry.details,
    ]
    return hashlib.sha256(json.dumps(meaning, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def newest_fact(session: Session, stream: str, kinds: Collection[Kind]) -> TimelineEntry | None:
    """The latest fact of some kinds in a stream."""
    query = select(TimelineEntry).where(TimelineEntry.stream == stream, col(TimelineEntry.kind).in_(list(kinds)))
    return session.exec(query.order_by(desc(TimelineEntry.number)).limit(1)).first()


CHANGES = (Kind.PACKAGE_ACCEPTED, Kind.STRATEGY_CHOSEN, Kind.TESTS_CHOSEN)
"""The facts that make of a release something else than what people were asked to approve."""


def first_change(session: Session, key: str, *, after: int) -> TimelineEntry | None:
    """The first of the facts after an entry (its number) that made of a release something else."""
    changes = (TimelineEntry.stream == key, col(TimelineEntry.kind).in_(CHANGES), TimelineEntry.number > after)
    return session.exec(select(TimelineEntry).where(*changes).order_by(col(TimelineEntry.number)).limit(1)).first()


def changed_since(session: Session, key: str, sentence: str) -> Conflict:
    """What was asked about is not what a release is now: the sentence, with who changed it when."""
    change = newest_fact(session, key, CHANGES)
    return Conflict(sentence, by=change.actor, at=change.at, did="Changed by") if change else Conflict(sentence)


def read_stream(session: Session, stream: str) -> Sequence[TimelineEntry]:
    """The facts of a stream, oldest first."""
    return session.exec(
        select(TimelineEntry).where(TimelineEntry.stream == stream).order_by(col(TimelineEntry.number))
    ).all()


def first_broken(entries: Sequence[TimelineEntry]) -> int | None:
    """The number of the first entry that does not follow from the one before; None when the chain is whole."""
    previous = ""
    for expected, entry in enumerate(entries, start=1):
        if entry.number != expected or entry.previous_hash != previous or entry.hash != digest_of(entry):
            return entry.number
        previous = entry.hash
    return None
