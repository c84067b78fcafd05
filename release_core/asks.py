"""Asking the seats of a release, and asking on when they do not answer: reminder, alternates, the release's owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, get_args

from sqlmodel import Session, col, select

from release_core.bindings import bound, changes
from release_core.facts import ReleaseFacts, asking_of, gather
from release_core.lookups import BEFORE_DEPLOYMENT, window_of
from release_core.models import Asking, Intent, Release, ReleasePackage, TimelineEntry
from release_core.policy import AskRule, Policy
from release_core.ports import Ports
from release_core.seats import stand_ins, waiting_seats, whom_to_ask
from release_core.timeline import BOT, Kind, intend, record, withdraw_intents

Step = Literal["remind", "alternates", "manager"]
STEPS: tuple[Step, ...] = get_args(Step)
SHORTEST = timedelta(hours=1)
"""Into how short a time the three steps are pressed at most, however near the window is."""


def rounds(rule: AskRule, asked_at: datetime, starts_at: datetime | None) -> Mapping[Step, datetime]:
    """When a seat that does not answer is asked on; the last step leaves a quarter of the time before the window."""
    after = {"remind": rule.remind_after, "alternates": rule.alternates_after, "manager": rule.manager_after}
    share = 1.0
    if starts_at is not None:
        share = min(1.0, 0.75 * max(starts_at - asked_at, SHORTEST) / rule.manager_after)
    return {step: asked_at + after[step] * share for step in STEPS}


def ask_seats(
    session: Session, policy: Policy, facts: ReleaseFacts, seats: Sequence[str], actor: str, now: datetime
) -> Asking:
    """Ask these seats for a yes to what is attached now; whatever is other than last time is part of the question."""
    release, before = facts.release, facts.asking
    meant = bound(facts, now)
    window = window_of(session, release)
    at = rounds(policy.asks, now, window.starts_at if window else None)
    asking = Asking(
        release_id=release.id or 0, number=before.number + 1 if before else 1, digest=facts.digest, bound=meant,
        changes=told_changes(session, policy, before.bound, meant) if before else [],
        seats=list(dict.fromkeys([*(before.seats if before and before.digest == facts.digest else []), *seats])),
        asked_by=before.asked_by if before and actor == BOT else actor,
        asked_at=now, remind_at=at["remind"], alternates_at=at["alternates"], manager_at=at["manager"],
    )  # fmt: skip
    session.add(asking)
    release.asked_digest = facts.digest
    session.add(release)
    session.flush()
    _forget_rounds(session, release)
    for step in STEPS:
        _set_round(session, release, asking, step, now)
    details = {"seats": list(seats), "digest": facts.digest, **({"changes": asking.changes} if asking.changes else {})}
    record(session, Kind.APPROVALS_ASKED, stream=release.key, actor=actor, at=now, details=details)
    return asking


def ask_the_others(session: Session, policy: Policy, release: Release, now: datetime) -> None:
    """Ask the seats that are needed only since more is known of what was asked about: nobody has asked them yet."""
    session.flush()
    facts = gather(session, policy, release)
    if facts.asking is None or facts.asking.digest != facts.digest or release.state not in BEFORE_DEPLOYMENT:
        return
    waiting = [seat for seat in waiting_seats(facts, policy, now) if seat not in facts.asking.seats]
    if waiting:
        ask_seats(session, policy, facts, waiting, BOT, now)


def told_changes(
    session: Session, policy: Policy, before: Mapping[str, object], after: Mapping[str, object]
) -> list[str]:
    """What is other than it was, in sentences."""
    ids = [some["package"][0] for some in (before, after) if isinstance(some.get("package"), list) and some["package"]]  # type: ignore[index]
    rows = session.exec(select(ReleasePackage).where(col(ReleasePackage.id).in_(ids))).all()
    return changes(before, after, {row.id or 0: row for row in rows}, policy)


def move_rounds(session: Session, policy: Policy, release: Release, now: datetime) -> None:
    """The window was set anew: what is still to come of an asking comes at its new time."""
    asking, window = asking_of(session, release), window_of(session, release)
    if asking is None or asking.digest != release.asked_digest or window is None:
        return
    at = rounds(policy.asks, asking.asked_at, window.starts_at)
    _forget_rounds(session, release)
    for step in STEPS:
        if due_of(asking, step) > now:
            setattr(asking, f"{step}_at", max(now, at[step]))
            _set_round(session, release, asking, step, now)
    session.add(asking)


def due_of(asking: Asking, step: Step) -> datetime:
    """When a step of an asking comes."""
    return {"remind": asking.remind_at, "alternates": asking.alternates_at, "manager": asking.manager_at}[step]


def _set_round(session: Session, release: Release, asking: Asking, step: Step, now: datetime) -> None:
    due_at = due_of(asking, step)
    key = f"seat_round:{release.key}:{asking.number}:{step}:{due_at.isoformat()}"
    if session.get(Intent, key) is None:
        intend(
            session, key, "seat_round", now=now, lane=release.key, due_at=due_at,
            release=release.key, asking=asking.number, step=step,
        )  # fmt: skip


def _forget_rounds(session: Session, release: Release) -> None:
    query = select(Intent.key).where(Intent.flow == "seat_round", Intent.lane == release.key, Intent.state == "due")
    withdraw_intents(session, session.exec(query).all())


def ask_on(ports: Ports, key: str, number: int, step: Step) -> None:
    """A seat was asked a while ago: whoever has not answered is reminded, then others are asked, then the owner told.

    After a standstill the last step alone is told.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = session.exec(select(Release).where(Release.key == key)).one()
        facts = gather(session, ports.policy, release)
        asking = facts.asking
        if asking is None or asking.number != number or release.state not in BEFORE_DEPLOYMENT:
            return
        if asking.digest != facts.digest or release.asked_digest != facts.digest:
            return
        waiting = waiting_seats(facts, ports.policy, now)
        overtaken = any(due_of(asking, later) <= now for later in STEPS[STEPS.index(step) + 1 :])
        if not waiting or overtaken or due_of(asking, step) > now:
            return
        if step == "alternates" and not any(ports.policy.seats[seat].alternates for seat in waiting):
            return
        if _was_told(session, release, number, step):
            return
        people = [person for seat in waiting for person in whom_to_ask(facts, ports.policy, seat, now)]
        details = {
            "asking": number,
            "step": step,
            "seats": waiting,
            "people": list(dict.fromkeys(people)),
            "digest": asking.digest,
            "asked_at": asking.asked_at.isoformat(),
            "owner": release.owner_id,
            "deputies": list(stand_ins(facts.absences, release.owner_id, now)),
        }
        record(session, Kind.SEATS_REMINDED, stream=release.key, actor=BOT, at=now, details=details)


def _was_told(session: Session, release: Release, number: int, step: Step) -> bool:
    told = select(TimelineEntry).where(TimelineEntry.stream == release.key, TimelineEntry.kind == Kind.SEATS_REMINDED)
    return any((one.details.get("asking"), one.details["step"]) == (number, step) for one in session.exec(told))


def set_expiry(session: Session, release: Release, approval_id: int, expires_at: datetime, now: datetime) -> None:
    """A yes counts for a while only: see to it that its end is told."""
    key = f"approval_expiry:{release.key}:{approval_id}"
    intend(session, key, "approval_expiry", now=now, lane=release.key, due_at=expires_at, approval=approval_id)
