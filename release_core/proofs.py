"""What becomes of a check-only run that passed: voided by others, lapsed, made anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from release_core.arming import is_worth_proving, request_arming, void_validations
from release_core.attempts import deployment_with_release, details_of, draw_headline_again, known_jobs
from release_core.facts import counts, gather
from release_core.lookups import BEFORE_DEPLOYMENT, find_deployment, find_release, is_watched, window_of
from release_core.models import Deployment, OrgWatch
from release_core.ports import Ports
from release_core.proof_alarms import keep_watch, made_anew_at, proofs_that_matter, proven_at
from release_core.readiness import settle_state
from release_core.timeline import BOT, Kind, record
from release_core.validations import ask_for_validation


@dataclass(frozen=True)
class Landing:
    """Something that landed in an org: its id there, by whom, when (aware), said in words."""

    id: str
    by: str
    at: datetime
    words: str


def watch_since(ports: Ports, org: str) -> datetime | None:
    """From when on an org's history has to be read; None when nothing in it matters any more."""
    with ports.store.reading() as session:
        proofs = proofs_that_matter(session, org, ports.clock.now())
        if not proofs:
            return None
        watch = session.get(OrgWatch, org)
        oldest = min(filter(None, map(proven_at, proofs)))
        return max(watch.seen_until, oldest) if watch and watch.seen_until else oldest


def looked_at(ports: Ports, org: str) -> datetime | None:
    """When an org's history was last read."""
    with ports.store.reading() as session:
        watch = session.get(OrgWatch, org)
        return watch.looked_at if watch else None


def note_watched(ports: Ports, org: str, landed: Sequence[Landing], *, at: datetime) -> None:
    """An org's history was read up to `at`: what others landed there voids the check-only runs from before it."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        watch = session.get(OrgWatch, org) or OrgWatch(org=org)
        watch.looked_at, watch.seen_until, watch.problem = now, at, ""
        session.add(watch)
        ours = {job[:15] for job in known_jobs(session, org)}
        for landing in landed:
            if landing.id[:15] not in ours:
                void_validations(session, ports.policy, org, landing.words, now, landed_at=landing.at)


def note_not_watched(ports: Ports, org: str, problem: str) -> None:
    """An org could not be looked at; the next look reads what this one did not, package installs included."""
    with ports.store.transaction() as session:
        watch = session.get(OrgWatch, org) or OrgWatch(org=org)
        watch.problem = problem
        session.add(watch)


def go_on_watching(ports: Ports, org: str) -> None:
    """Look again in a while, as long as something matters."""
    with ports.store.transaction() as session:
        keep_watch(session, ports.policy, org, ports.clock.now())


def lapse(ports: Ports, attempt_id: int) -> None:
    """A check-only run is ten days old: it cannot become a quick deploy any more."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        proof, release = deployment_with_release(session, attempt_id)
        if proof.state != "validated" or proof.voided_because or proof.lapses_at is None or now < proof.lapses_at:
            return
        because = "It has lapsed, being ten days old."
        if proof.purpose == "arming":
            if not is_watched(release):
                draw_headline_again(session, release, f"{proof.key}:lapsed", now)
            elif gather(session, ports.policy, release).armed(now, proof.org) is None:
                details = details_of(proof, problem=because)
                record(session, Kind.ROLLBACK_NOT_ARMED, stream=release.key, actor=BOT, at=now, details=details)
        # Only the target's run is asked about at the gates: what lapsed in an org that comes first alarms nobody.
        elif proof.org != release.target_org:
            return
        elif release.state in BEFORE_DEPLOYMENT and _is_current(session, ports, proof):
            again_at = made_anew_at(session, ports.policy, release, now)
            details = details_of(proof, because=because, again_at=again_at)
            record(session, Kind.VALIDATION_VOIDED, stream=release.key, actor=BOT, at=now, details=details)
            settle_state(session, ports.policy, release, now)


def remind_of_lapse(ports: Ports, attempt_id: int) -> None:
    """A validation will lapse before its window ends: whoever owns the release is told in time."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        validation, release = deployment_with_release(session, attempt_id)
        window = window_of(session, release)
        if window is None or now >= window.ends_at or release.state not in BEFORE_DEPLOYMENT:
            return
        if not counts(validation, now) or not _is_current(session, ports, validation):
            return
        assert validation.lapses_at is not None, "it counts"
        if validation.lapses_at < window.ends_at:
            until, ends_at = validation.lapses_at.isoformat(), window.ends_at.isoformat()
            again_at = made_anew_at(session, ports.policy, release, now)
            details = details_of(validation, until=until, ends_at=ends_at, again_at=again_at)
            record(session, Kind.VALIDATION_LAPSES, stream=release.key, actor=BOT, at=now, details=details)


def revalidate(ports: Ports, key: str, number: int) -> str:
    """Validate again before window `number`, when what was validated does not last to its end.

    Returns the new attempt's key, "" when there is nothing to do: it lasts, or was never validated.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        window, facts = window_of(session, release), gather(session, ports.policy, release)
        newest = facts.newest("validation", org=release.target_org)
        if window is None or window.number != number or now >= window.ends_at:
            return ""
        if facts.package is None or newest is None or newest.archive_digest != facts.package.digest:
            return ""
        lasts = counts(newest, now) and newest.lapses_at is not None and newest.lapses_at >= window.ends_at
        if lasts or newest.state != "validated" or release.state not in BEFORE_DEPLOYMENT:
            return ""
        return ask_for_validation(session, ports.policy, release, BOT, [release.target_org], now=now)


def renew_arming(ports: Ports, attempt_id: int) -> None:
    """A way back is proven anew, before its proof lapses or because the org was away the last time."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        arming, release = deployment_with_release(session, attempt_id)
        undone = find_deployment(session, arming.undoes_id or 0)
        ours = gather(session, ports.policy, release).armings(arming.leave, arming.org)
        is_newest = bool(ours) and ours[-1].id == arming.id
        if is_newest and not arming.leave and is_worth_proving(session, ports.policy, undone, release, now):
            request_arming(session, undone, release, now)


def _is_current(session: Session, ports: Ports, validation: Deployment) -> bool:
    """Whether a validation is the newest one of the package that counts."""
    _, release = deployment_with_release(session, validation.id or 0)
    newest = gather(session, ports.policy, release).newest("validation", org=validation.org)
    return newest is not None and newest.id == validation.id and release.package_id == validation.package_id
