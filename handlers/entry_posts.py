"""How a fact looks that has a post of its own: the sentence, whom it calls, what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlmodel import Session, select

from handlers.conversation import (
    Message,
    Note,
    Paragraph,
    Part,
    Tone,
    at,
    people,
)
from handlers.drawing import Drawing, Placed
from handlers.entry_offers import offers
from handlers.narration import narrate
from handlers.settled import settled_by
from handlers.turns import turn_now, turn_over
from release_core.facts import gather
from release_core.lookups import find_incident, find_release
from release_core.models import TimelineEntry
from release_core.policy import Policy
from release_core.timeline import BOT, Kind


def entry_post(d: Drawing, *named: str) -> Placed:
    """One fact under its release or incident; an org's stream has a colon in its own name."""
    *names, number = named
    stream = ":".join(names)
    query = select(TimelineEntry).where(TimelineEntry.stream == stream, TimelineEntry.number == int(number))
    entry = d.session.exec(query).one()
    if entry.kind == Kind.TASK_DUE and (over := turn_over(d, entry)):
        return Message(f"{stream}: {over}", [Paragraph(over)]), *d.under(stream)
    sentence = (entry.kind == Kind.TASK_DUE and turn_now(d, entry)) or narrate(d.ports.policy, entry)
    called = people(whom_to_call(d.session, d.ports.policy, entry))
    said = sentence if called == "nobody" or called in sentence else f"{sentence} {called}"
    heard = f"{stream}: {said}" if stream.startswith(("REL-", "INC-")) else said
    if settled := settled_by(d.session, entry):
        # What was asked for was done: nobody is called any more.
        done = f"Settled {at(settled.at)}: {narrate(d.ports.policy, settled)}"
        return Message(f"{stream}: {done}", [Paragraph(sentence), Note(done)]), *d.under(stream)
    parts: list[Part] = [Paragraph(said), *offers(d, entry)]
    return Message(heard, parts, tone=ENTRY_TONES.get(Kind(entry.kind), "plain")), *d.under(stream)


ENTRY_TONES: Mapping[Kind, Tone] = {
    Kind.PACKAGE_REFUSED: "stop",
    Kind.COMPONENTS_NOT_LISTED: "stop",
    Kind.RISK_ACCEPTED: "good",
    Kind.SNAPSHOT_SKIPPED: "stop",
    Kind.ITEM_BLOCKED: "stop",
    Kind.ITEM_REMINDED: "wait",
    Kind.ITEM_WAIVER_ENDED: "wait",
    Kind.TASK_DUE: "wait",
    Kind.TASK_REOPENED: "stop",
    Kind.DECLINED: "declined",
    Kind.APPROVALS_WITHDRAWN: "withdrawn",
    Kind.APPROVAL_EXPIRED: "expired",
    Kind.REFUSAL_SET_ASIDE: "wait",
    Kind.SEATS_REMINDED: "wait",
    Kind.ROLLCALL_ANSWERED: "declined",
    Kind.VALIDATION_FAILED: "failed",
    Kind.VALIDATION_VOIDED: "withdrawn",
    Kind.DEPLOYMENT_HELD: "stop",
    Kind.DEPLOYMENT_FAILED: "failed",
    Kind.DEPLOYMENT_CANCELLED: "withdrawn",
    Kind.DEPLOYMENT_UNKNOWN: "stop",
    Kind.DEPLOYMENT_SUCCEEDED: "good",
    Kind.ROLLBACK_ARMED: "good",
    Kind.ROLLBACK_NOT_ARMED: "stop",
    Kind.VALIDATION_LAPSES: "wait",
    Kind.ROLLBACK_LOOKED: "stop",
    Kind.ROLLBACK_SUCCEEDED: "good",
    Kind.ROLLBACK_UNDONE: "good",
    Kind.ROLLBACK_HELD: "stop",
    Kind.ROLLBACK_FAILED: "failed",
    Kind.ROLLBACK_DECLINED: "declined",
    Kind.ROLLBACK_EXPIRED: "expired",
    Kind.RELEASE_CANCELLED: "withdrawn",
    Kind.WORD_OVERDUE: "wait",
    Kind.ORG_LOCKED: "stop",
    Kind.ORG_UNLOCKED: "good",
    Kind.ORG_UNREACHABLE: "wait",
    Kind.ORG_REACHABLE: "good",
    Kind.ORG_BUSY: "wait",
    Kind.API_BUDGET_LOW: "wait",
    Kind.WINDOW_MISSED: "expired",
    Kind.CHECK_FOUND: "wait",
    Kind.START_AHEAD: "wait",
    Kind.START_WAITS: "stop",
    Kind.RELEASE_HELD: "stop",
    Kind.RELEASE_RESUMED: "good",
}


OWNER_IS_CALLED = frozenset(
    {
        Kind.PACKAGE_NOT_COMPARED,
        Kind.SNAPSHOT_SKIPPED,
        Kind.ITEM_BLOCKED,
        Kind.DECLINED,
        Kind.ROLLCALL_ANSWERED,
        Kind.VALIDATION_FAILED,
        Kind.VALIDATION_VOIDED,
        Kind.VALIDATION_LAPSES,
        Kind.DEPLOYMENT_HELD,
        Kind.DEPLOYMENT_FAILED,
        Kind.DEPLOYMENT_CANCELLED,
        Kind.DEPLOYMENT_UNKNOWN,
        Kind.DEPLOYMENT_SUCCEEDED,
        Kind.ROLLBACK_NOT_ARMED,
        Kind.ROLLBACK_FAILED,
        Kind.ROLLBACK_HELD,
        Kind.ORG_UNREACHABLE,
        Kind.WINDOW_MISSED,
        Kind.WINDOW_CLOSED,
        Kind.START_AHEAD,
        Kind.START_WAITS,
        Kind.RELEASE_HELD,
        Kind.BROADCAST_MISSED,
        Kind.INCIDENT_OPENED,
    }
)


def whom_to_call(session: Session, policy: Policy, entry: TimelineEntry) -> Sequence[str]:
    """The people who should look at a fact now."""
    if entry.kind not in OWNER_IS_CALLED:
        return ()
    if entry.stream.startswith("INC-"):
        return (find_incident(session, entry.stream).commander_id,)
    if not entry.stream.startswith("REL-"):
        return ()
    release = find_release(session, entry.stream)
    facts = gather(session, policy, release)
    called = [release.owner_id]
    if facts.package and entry.kind == Kind.VALIDATION_FAILED:
        called.append(facts.package.author_id)
    # Whoever asked for an attempt waits for its end.
    called += [d.requested_by for d in facts.deployments if d.id == entry.details.get("deployment")]
    return tuple(dict.fromkeys(person for person in called if person != BOT))
