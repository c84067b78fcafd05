"""What became of a rollback that was confirmed: held, refused by the org, carried out, read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from release_core.arming import request_arming, void_validations
from release_core.attempts import details_of, has_ended, keep_result, only_checked
from release_core.broadcasts import end_broadcasts, tell_once
from release_core.deployments import MAY_HAVE_LANDED
from release_core.facts import UNDER_WAY, names_of, next_org, stand
from release_core.lookups import find_deployment, release_of
from release_core.models import Deployment, Incident, Release, ReleasePackage, RollbackRequest, TimelineEntry
from release_core.org_locks import close, standing_lock
from release_core.policy import Policy
from release_core.ports import JobStatus, Ports
from release_core.rollback_requests import Parts, tell_both, undecided
from release_core.rollback_ways import try_next_way
from release_core.scheduling import withdraw_window
from release_core.timeline import BOT, Kind, intend

FILES_LOST = "files_lost"
"""The code of a refusal after which the only way back left is by hand."""


def hold_rollback(
    ports: Ports, deployment_id: int, sentence: str, drift: Sequence[str] = (), *, by_hand: bool = False
) -> None:
    """A rollback stops before it changed anything; `drift` names components that somebody changed since.

    With `by_hand` people are told what each part of the package did, and how it would have come back.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        rollback = find_deployment(session, deployment_id)
        if rollback.state not in UNDER_WAY:
            return
        rollback.state, rollback.problem, rollback.finished_at = "failed", sentence, now
        rollback.result = {**rollback.result, "drift": list(drift)}
        session.add(rollback)
        release = release_of(session, rollback)
        incident = session.get(Incident, rollback.incident_id) if rollback.incident_id else None
        details = details_of(rollback, problem=sentence, drift=list(drift), staged=bool(release.path))
        if by_hand:
            undo = find_deployment(session, rollback.undoes_id or 0).purpose == "rollback"
            parts = [] if undo else _parts_by_hand(session, rollback)
            details |= {"undo": undo, "parts": parts, "people": ports.policy.holders_of("roll_back")}
        tell_both(session, Kind.ROLLBACK_HELD, (release, incident), BOT, now, **details)


def _parts_by_hand(session: Session, rollback: Deployment) -> list[list[str]]:
    """Rows [type, name, what the package did with it, verdict, to do]; "" where that is not known of this org."""
    package = session.get(ReleasePackage, rollback.package_id) if rollback.package_id else None
    if package is None:
        return []
    known = package.compared_org == rollback.org
    did = {tuple(row[:2]): row[2] for row in package.comparison} if known else {}
    told = {tuple(row[:2]): (row[2], row[4]) for row in package.verdicts} if known else {}
    named = [*package.components, *([*row, "deleted"] for row in (*package.before, *package.after))]
    rows = [[row[0], row[1], did.get((row[0], row[1]), "".join(row[2:]))] for row in named]
    return [[*row, *told.get((row[0], row[1]), ("", ""))] for row in rows if row[2] not in ("identical", "absent")]


def finish_rollback(ports: Ports, deployment_id: int, status: JobStatus) -> None:
    """The org has ended a rollback: what may have landed is read back, what failed changed nothing."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        rollback = find_deployment(session, deployment_id)
        if has_ended(rollback) or only_checked(session, ports.policy, rollback, status, now):
            return
        keep = rollback.result
        keep_result(rollback, status, now)
        rollback.result = {**keep, **rollback.result}
        if status.success:
            rollback.state = "verifying"
            because = f"{rollback.key} rolled back {release_of(session, rollback).key} after it."
            void_validations(session, ports.policy, rollback.org, because, now)
        elif status.state in MAY_HAVE_LANDED:
            rollback.state = "verifying"
        else:
            rollback.state = "failed"
            session.add(rollback)
            if try_next_way(session, rollback, status, now):
                return
            _tell_of_failure(session, rollback, now)
        session.add(rollback)


def _tell_of_failure(session: Session, rollback: Deployment, now: datetime) -> None:
    release = release_of(session, rollback)
    incident = session.get(Incident, rollback.incident_id) if rollback.incident_id else None
    unchanged = bool(rollback.result.get("unchanged"))
    details = details_of(rollback, problem=rollback.problem, staged=bool(release.path), unchanged=unchanged)
    tell_both(session, Kind.ROLLBACK_FAILED, (release, incident), BOT, now, **details)


def note_not_returned(ports: Ports, deployment_id: int) -> None:
    """The org was read back after a rollback that was cancelled or not finished: it holds what it held before."""
    with ports.store.transaction() as session:
        rollback = find_deployment(session, deployment_id)
        if rollback.state != "verifying":
            return
        rollback.state, rollback.result = "failed", {**rollback.result, "unchanged": True}
        session.add(rollback)
        _tell_of_failure(session, rollback, ports.clock.now())


@dataclass(frozen=True)
class Returned:
    """What was found in the org after a rollback.

    `differences` names what does not look as it did before the release; `not_compared` is the sentence that says why
    nobody could look. `undo_digest` is the package that brings the release back, `note` says why there is none.
    `landed` names what has changed since the snapshot, read only where the org's own answer does not tell.
    """

    differences: Sequence[str] = ()
    undo_digest: str = ""
    note: str = ""
    not_compared: str = ""
    landed: Sequence[str] = ()


def note_read_back(ports: Ports, deployment_id: int, found: Returned) -> None:
    """A rollback is done, with what could be read back; its org is locked until a person lifts it.

    A rollback that undid another one brings its release back to life.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        rollback = find_deployment(session, deployment_id)
        if rollback.state != "verifying":
            return
        if rollback.result.get("state") in MAY_HAVE_LANDED:
            reached = f"{rollback.key} ({release_of(session, rollback).key}) reached the org after it."
            void_validations(session, ports.policy, rollback.org, reached, now)
        undone = find_deployment(session, rollback.undoes_id or 0)
        rollback.state, undone.state, rollback.rollback_digest = "succeeded", "rolled_back", found.undo_digest
        kept = {"differences": list(found.differences), "rollback_note": found.note}
        unknown = {"not_compared": found.not_compared} if found.not_compared else {}
        rollback.result = {**rollback.result, **kept, **unknown, "landed": list(found.landed)}
        for row in (rollback, undone):
            session.add(row)
        if undone.purpose == "rollback":
            _bring_back(session, ports.policy, rollback, undone, now)
        else:
            _take_out(session, ports.policy, rollback, now)


def _found(rollback: Deployment) -> dict[str, object]:
    """What a fact says of how the org was read back."""
    result = rollback.result
    told = {"not_compared": result["not_compared"]} if result.get("not_compared") else {}
    if result.get("state") in MAY_HAVE_LANDED:
        told |= {"ended_as": result["state"], "landed": result["landed"]}
    return {"differences": result["differences"], "left": rollback.leave, **told}


def _take_out(session: Session, policy: Policy, rollback: Deployment, now: datetime) -> None:
    release = release_of(session, rollback)
    incident = session.get(Incident, rollback.incident_id) if rollback.incident_id else None
    release.state, release.closed_at = "rolled_back", now
    session.add(release)
    withdraw_window(session, release)  # where it has not been yet, a staged release does not go any more
    details = details_of(rollback, **_found(rollback))
    tell_both(session, Kind.ROLLBACK_SUCCEEDED, (release, incident), BOT, now, **details)
    reason = _why_locked(session, policy, rollback, release, incident)
    close(session, rollback.org, reason, actor=rollback.requested_by, now=now, stream=release.key)
    end_broadcasts(session, release, now=now, audiences=policy.audiences)


def _why_locked(
    session: Session, policy: Policy, rollback: Deployment, release: Release, incident: Incident | None
) -> str:
    """Which org, by whose wish with whose yes, for what reason: whoever comes to the lock later asks them."""
    wish = session.get(RollbackRequest, rollback.result.get("request") or 0)
    about = f" ({incident.key})" if incident else ""
    where = f"{release.key} was rolled back in {policy.title_of(rollback.org)}{about}"
    if wish is None:
        return f"{where}. Find the cause before anything else goes in."
    names = names_of(session, (wish.requested_by, wish.decided_by))
    asker, confirmer = (names.get(each) or each for each in (wish.requested_by, wish.decided_by))
    return (
        f"{where}: {wish.reason.rstrip('.')}. Asked by {asker}, confirmed by {confirmer}. "
        "Find the cause before anything else goes in."
    )


def _bring_back(session: Session, policy: Policy, undo: Deployment, rollback: Deployment, now: datetime) -> None:
    """A rollback was undone: what it had taken back is live again, watched and armed; a lock stays for its person.

    A staged release whose rest was given up stays given up: it is live there again, and that is all.
    """
    release, original = release_of(session, undo), find_deployment(session, rollback.undoes_id or 0)
    given_up = _was_given_up(session, release)
    original.state, release.state, release.closed_at = "succeeded", "soaking", None
    release.watch_ended_at = None
    if given_up:
        release.state, release.closed_at = "cancelled", now
    for row in (original, release):
        session.add(row)
    if not given_up:
        _stand_again(session, policy, release, original)
    incident = session.get(Incident, undo.incident_id) if undo.incident_id else None
    details = details_of(undo, **_found(undo))
    details |= {"locked": standing_lock(session, undo.org) is not None, "given_up": given_up}
    tell_both(session, Kind.ROLLBACK_UNDONE, (release, incident), BOT, now, **details)
    if not given_up:
        flow, due_at = (
            "stage_end" if next_org(release) else "soak_end",
            now + policy.soak_of(release.target_org, release.risk_level),
        )
        intend(session, f"soak:{undo.key}", flow, now=now, lane=release.key, due_at=due_at, release=release.key)
    request_arming(session, original, release, now)
    tell_once(session, release, policy.audiences, now=now)


def _was_given_up(session: Session, release: Release) -> bool:
    """Whether the rest of a release was cancelled, which nobody can take back."""
    cancelled = select(TimelineEntry.id).where(
        TimelineEntry.stream == release.key, TimelineEntry.kind == Kind.RELEASE_CANCELLED
    )
    return session.exec(cancelled).first() is not None


def _stand_again(session: Session, policy: Policy, release: Release, original: Deployment) -> None:
    """A staged release that was brought back goes on from there, past the orgs behind it that hold it still."""
    if not release.path:
        return
    session.flush()
    withdraw_window(session, release)  # one that was set for an org further on is not that of this one
    facts, release.target_org = stand(session, policy, release), original.org
    while facts.live_in(next_org(release)):
        release.target_org = next_org(release)
    session.add(release)


def unsettled(ports: Ports, deployment_id: int, drift: Parts) -> list[list[str]]:
    """What of `drift` stops a rollback: nobody chose to leave it or accepted to lose it."""
    with ports.store.reading() as session:
        rollback = find_deployment(session, deployment_id)
        wish = session.get(RollbackRequest, rollback.result.get("request") or 0)
        if wish is not None:
            return undecided(wish, drift)
        return [] if rollback.result.get("overwrite") else [list(row) for row in drift]


def note_drift(ports: Ports, deployment_id: int, drift: Parts) -> None:
    """A rollback found changes that nobody had decided about: the next wish asks about them."""
    with ports.store.transaction() as session:
        wish = session.get(RollbackRequest, find_deployment(session, deployment_id).result.get("request") or 0)
        if wish is not None and drift:
            anew = {tuple(row[:2]) for row in drift}
            wish.drift = [*(row for row in wish.drift if tuple(row[:2]) not in anew), *(list(row) for row in drift)]
            session.add(wish)
