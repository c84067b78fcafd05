"""Starting by itself in a window that was booked, holding, resuming."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from release_core.deployments import NotReady, request_deployment
from release_core.errors import Conflict, NotAllowed, Refused, Unclear
from release_core.facts import gather
from release_core.lookups import BEFORE_DEPLOYMENT, find_release, starts_by_itself, state_of, window_of
from release_core.models import DeploymentWindow, Release
from release_core.permissions import may, require
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.readiness import blocking, settle_state
from release_core.store import Contended
from release_core.timeline import BOT, Kind, intend, newest_fact, record

NOTICES = (timedelta(hours=3), timedelta(minutes=15))
"""So long before it starts by itself people are told, with a way to stop that."""

TRIED_EVERY = timedelta(minutes=5)
"""While its window is open and something is in the way, the start is tried again so often."""


@dataclass(frozen=True)
class Booking:
    """One booked start: the release's key, the number of its window, when it was booked (aware UTC)."""

    release: str
    number: int
    at: datetime


def book_start(ports: Ports, actor: str, key: str) -> datetime:
    """Have a release start by itself as soon as its window is open and every gate is; returns the window's start.

    It starts in the name of whoever booked it, so their right must still hold then.
    """
    require(ports.policy, actor, "deploy")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = _waiting(session, key)
        window = window_of(session, release)
        if window is None or window.state not in ("booked", "open") or now >= window.ends_at:
            raise Refused("no_window", f"{key} has no window ahead to start in. Set one first: /release window {key}")
        if starts_by_itself(release, window):
            sentence = f"The start of {key} is booked already."
            raise Conflict(sentence, by=release.starts_by, at=_booked_at(session, release))
        release.starts_by, release.starts_window = actor, window.number
        session.add(release)
        _set_alarms(session, release, window, now)
        details = {"number": window.number, "starts_at": window.starts_at.isoformat(), "org": release.target_org}
        record(session, Kind.START_BOOKED, stream=release.key, actor=actor, at=now, details=details)
        return window.starts_at


def _set_alarms(session: Session, release: Release, window: DeploymentWindow, now: datetime) -> None:
    # A start that was taken back and booked again has alarms of its own; the old ones find that they are over.
    booking = f"{release.key}:{window.number}:{now.isoformat()}"
    args = {"release": release.key, "number": window.number, "booked_at": now.isoformat()}
    for before in NOTICES:
        due_at, minutes = window.starts_at - before, int(before.total_seconds() // 60)
        if due_at > now:
            alarm = f"start_ahead:{booking}:{minutes}"
            intend(session, alarm, "start_ahead", now=now, lane=release.key, due_at=due_at, minutes=minutes, **args)
    due_at = max(now, window.starts_at)
    intend(session, f"start:{booking}", "start", now=now, lane=release.key, due_at=due_at, **args)


def skip_start(ports: Ports, actor: str, key: str) -> None:
    """Take back that a release starts by itself; somebody may still start it by hand."""
    require(ports.policy, actor, "deploy")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = _waiting(session, key)
        if not starts_by_itself(release, window_of(session, release)):
            raise Refused("not_booked", f"{key} does not start by itself; there is nothing to take back.")
        release.starts_by = ""
        session.add(release)
        record(session, Kind.START_SKIPPED, stream=release.key, actor=actor, at=now)


def hold(ports: Ports, actor: str, key: str, reason: str) -> None:
    """Keep a release from starting, however open its gates are, until somebody resumes it."""
    _must_hold_reins(ports.policy, actor)
    if len(reason.strip()) < 3:
        raise Unclear(f"Say why it is held: /release hold {key} -- reason", field="note")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = _waiting(session, key)
        if release.held_by:
            raise Conflict(f"{key} is held already: “{release.held_because}”.", by=release.held_by, at=release.held_at)
        release.held_by, release.held_because, release.held_at = actor, reason.strip(), now
        session.add(release)
        record(session, Kind.RELEASE_HELD, stream=release.key, actor=actor, at=now, details={"reason": reason.strip()})
        settle_state(session, ports.policy, release, now)


def resume(ports: Ports, actor: str, key: str, note: str = "") -> None:
    """Let a release that was held go again."""
    _must_hold_reins(ports.policy, actor)
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = _waiting(session, key)
        if not release.held_by:
            raise Refused("not_held", f"{key} is not held; there is nothing to resume.")
        details = {"note": note.strip(), "held_by": release.held_by}
        release.held_by, release.held_because, release.held_at = "", "", None
        session.add(release)
        record(session, Kind.RELEASE_RESUMED, stream=release.key, actor=actor, at=now, details=details)
        settle_state(session, ports.policy, release, now)


def note_start_ahead(ports: Ports, booking: Booking, minutes: int) -> None:
    """It starts by itself soon: people hear of it, with what is in the way by now."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, booking.release)
        window = _booked_window(session, release, booking)
        if window is None or now >= window.starts_at:
            return  # after a standstill the start itself has come
        left = window.starts_at - now
        if any(left <= notice < timedelta(minutes=minutes) for notice in NOTICES):
            return  # or the next notice has, which says how little time is left
        facts = gather(session, ports.policy, release)
        reasons = [gate.code for gate in blocking(facts, ports.policy, now) if gate.code != "window_ahead"]
        details = {
            "minutes": minutes, "starts_at": window.starts_at.isoformat(), "org": release.target_org,
            "blocked_by": reasons, "by": release.starts_by,
        }  # fmt: skip
        record(session, Kind.START_AHEAD, stream=release.key, actor=BOT, at=now, details=details)


def start_now(ports: Ports, booking: Booking, attempt: int = 0) -> str:
    """The time has come: start it, or say once why not, and try again until the window ends.

    Returns the key of the deployment, "" when none was started.
    """
    with ports.store.reading() as session:
        release = find_release(session, booking.release)
        if _booked_window(session, release, booking) is None:
            return ""
        booked_by = release.starts_by
    try:
        return request_deployment(ports, booked_by, booking.release, by_itself=True)
    except Contended:
        raise
    except (NotReady, NotAllowed, Conflict) as refusal:
        _wait(ports, booking, attempt, refusal)
        return ""


def _wait(ports: Ports, booking: Booking, attempt: int, refusal: NotReady | NotAllowed | Conflict) -> None:
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, booking.release)
        window = _booked_window(session, release, booking)
        if window is None:
            return
        codes = [gate.code for gate in refusal.gates] if isinstance(refusal, NotReady) else [type(refusal).__name__]
        details = {"problem": str(refusal), "codes": codes, "until": window.ends_at.isoformat()}
        if _told_last(session, booking) != codes:
            record(session, Kind.START_WAITS, stream=release.key, actor=BOT, at=now, details=details)
        due_at = now + TRIED_EVERY
        if due_at < window.ends_at:
            alarm = f"start:{release.key}:{booking.number}:{booking.at.isoformat()}:{attempt + 1}"
            args = {"release": release.key, "number": booking.number, "booked_at": booking.at.isoformat()}
            intend(session, alarm, "start", now=now, lane=release.key, due_at=due_at, attempt=attempt + 1, **args)


def _told_last(session: Session, booking: Booking) -> list[str] | None:
    """What was in the way when people were last told so of this booking."""
    last = newest_fact(session, booking.release, [Kind.START_WAITS])
    return last.details["codes"] if last and last.at >= booking.at else None


def _booked_window(session: Session, release: Release, booking: Booking) -> DeploymentWindow | None:
    """The window in which a release still starts by itself, as it was booked then; else None."""
    window = window_of(session, release)
    if window is None or window.number != booking.number or release.state not in BEFORE_DEPLOYMENT:
        return None
    stands = starts_by_itself(release, window) and _booked_at(session, release) == booking.at
    return window if stands else None


def _booked_at(session: Session, release: Release) -> datetime | None:
    last = newest_fact(session, release.key, [Kind.START_BOOKED])
    return last.at if last else None


def _must_hold_reins(policy: Policy, actor: str) -> None:
    """Whoever plans may hold, as well as whoever deploys."""
    if not may(policy, actor, "deploy"):
        require(policy, actor, "plan")


def _waiting(session: Session, key: str) -> Release:
    release = find_release(session, key)
    if release.state not in BEFORE_DEPLOYMENT:
        stop = f" To stop what is under way: /release stop {key}" if release.state == "deploying" else ""
        raise Refused("too_late", f"{key} is {state_of(release)}; its start is no question any more.{stop}")
    return release
