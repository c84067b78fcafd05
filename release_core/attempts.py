"""What every attempt on an org shares, whatever its purpose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, desc, select

from release_core.errors import Conflict, NotAllowed, NotFound, Refused
from release_core.facts import UNDER_WAY, ReleaseFacts, gather
from release_core.job_results import problem_of, result_of
from release_core.lookups import find_deployment, find_release, next_key, release_of
from release_core.models import Deployment, Incident, Release, TimelineEntry
from release_core.permissions import may
from release_core.policy import Policy
from release_core.ports import JobStatus, Ports
from release_core.progress import counters, next_edit, phases, wait_for_edit
from release_core.readiness import settle_state
from release_core.timeline import BOT, Kind, intend, record


def new_attempt(session: Session, release: Release, *, purpose: str, org: str, actor: str, now: datetime) -> Deployment:
    """A new attempt of a release on an org, with the errand that carries it out.

    The purpose is the flow's name: validation, deployment, arming or rollback. Attempts on one org go one at a time.
    """
    deployment = Deployment(
        key=next_key(session, "DEP"),
        release_id=release.id or 0,
        purpose=purpose,
        org=org,
        state="requested",
        requested_by=actor,
        requested_at=now,
    )
    session.add(deployment)
    session.flush()
    key = f"{purpose}:{release.key}:{deployment.key}"
    intend(session, key, purpose, now=now, lane=f"org:{org}", deployment=deployment.id)
    return deployment


def announce_request(session: Session, kind: Kind, release: Release, attempt: Deployment, **more: Any) -> None:
    """Record that somebody asked for an attempt, once it is filled in; `more` stands in the fact."""
    session.add(attempt)
    by, at = attempt.requested_by, attempt.requested_at
    record(session, kind, stream=release.key, actor=by, at=at, details=details_of(attempt, **more))


def details_of(deployment: Deployment, **more: Any) -> dict[str, Any]:
    """What every fact about an attempt says: its row id, key and org, with `more` about this one."""
    return {"deployment": deployment.id, "key": deployment.key, "org": deployment.org, **more}


def deployment_with_release(session: Session, deployment_id: int) -> tuple[Deployment, Release]:
    """An attempt by its row id, with its release; NotFound when there is none."""
    deployment = find_deployment(session, deployment_id)
    return deployment, release_of(session, deployment)


def note_asking(ports: Ports, deployment_id: int, state: str) -> datetime:
    """We are about to ask the org to start; from this instant on its history is searched for our job."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        deployment = find_deployment(session, deployment_id)
        if deployment.asked_at is None:
            deployment.asked_at, deployment.state = now, state
            session.add(deployment)
        return deployment.asked_at or now


def note_job(ports: Ports, deployment_id: int, job_id: str) -> None:
    """The org accepted the job."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        deployment, release = deployment_with_release(session, deployment_id)
        if deployment.job_id:
            return
        deployment.job_id, deployment.started_at = job_id, now
        session.add(deployment)
        if deployment.purpose == "deployment":
            # Told at once, so what the first looks bring waits for its turn.
            deployment.progress = {**deployment.progress, "edit_at": now.isoformat()}
            details = details_of(deployment, job=job_id)
            record(session, Kind.DEPLOYMENT_STARTED, stream=release.key, actor=BOT, at=now, details=details)


def known_jobs(session: Session, org: str) -> list[str]:
    """Ids of the jobs that we know to be ours in an org, those included after which it was asked again."""
    now = session.exec(select(Deployment.job_id).where(Deployment.org == org, Deployment.job_id != "")).all()
    again = select(Deployment.progress).where(Deployment.org == org, Deployment.resubmitted > 0)
    return [*now, *(job for progress in session.exec(again) for job in progress.get("jobs", []))]


def note_progress(ports: Ports, deployment_id: int, status: JobStatus, *, ahead: int | None = None) -> None:
    """Keep the counters; when they moved, the post that shows them is drawn anew, every three seconds at most.

    `ahead` is how many jobs of anybody go before ours while it waits.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        deployment, release = deployment_with_release(session, deployment_id)
        _answers_again(session, deployment, release, now)
        known = deployment.progress
        lasted = now - (deployment.started_at or now)
        shown = counters(status, ahead, lasted)
        if {name: known.get(name) for name in shown} == shown:
            return
        deployment.progress = {**known, **phases(known, status, now), **shown}
        edit_at = next_edit(known, now)
        if edit_at is not None:
            draw_again(session, deployment, release, at=edit_at, now=now)
        session.add(deployment)


def draw_again(session: Session, deployment: Deployment, release: Release, *, at: datetime, now: datetime) -> None:
    """Have the post of an attempt edited at an instant, whatever it shows by then."""
    number = deployment.progress.get("shown", 0) + 1
    deployment.progress = {**deployment.progress, "shown": number, "edit_at": at.isoformat()}
    session.add(deployment)
    key, slot = f"tell:{deployment.key}:{number}", f"deployment:{deployment.key}"
    intend(session, key, "tell", now=now, due_at=at, lane=release.key, stream=release.key, redraw=slot, edit=number)


def draw_headline_again(session: Session, release: Release, mark: str, now: datetime) -> None:
    """Have the headline of a release edited, after something that is no news but makes it untrue; once per `mark`."""
    key, slot = f"tell:{release.key}:{mark}", f"headline:{release.key}"
    intend(session, key, "tell", now=now, lane=release.key, stream=release.key, redraw=slot)


def edit_in(ports: Ports, key: str) -> float:
    """Seconds until the post of an attempt may be edited again; an edit that came late pushes the next one back."""
    with ports.store.reading() as session:
        known = session.exec(select(Deployment.progress).where(Deployment.key == key)).one()
    return wait_for_edit(known, ports.clock.now()).total_seconds()


def note_drawn(ports: Ports, key: str) -> None:
    """The post of an attempt was edited just now."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        deployment = session.exec(select(Deployment).where(Deployment.key == key)).one()
        deployment.progress = {**deployment.progress, "drawn_at": now.isoformat()}
        session.add(deployment)


def queue_position(ports: Ports, deployment_id: int) -> tuple[int | None, datetime | None]:
    """How many jobs went before ours when we last asked, with when that was."""
    with ports.store.reading() as session:
        ahead, asked_at = find_deployment(session, deployment_id).progress.get("queue", (None, None))
    return ahead, datetime.fromisoformat(asked_at) if asked_at else None


def note_queue_position(ports: Ports, deployment_id: int, ahead: int | None, now: datetime) -> None:
    """Remember how many jobs go before ours, so that the org is not asked too often."""
    with ports.store.transaction() as session:
        deployment = find_deployment(session, deployment_id)
        deployment.progress = {**deployment.progress, "queue": [ahead, now.isoformat()]}
        session.add(deployment)


def note_unreachable(ports: Ports, deployment_id: int, sentence: str) -> None:
    """The org cannot be reached in the middle of an attempt: people are told once, the attempt goes on."""
    with ports.store.transaction() as session:
        deployment, release = deployment_with_release(session, deployment_id)
        if deployment.progress.get("unreachable"):
            return
        now = ports.clock.now()
        deployment.progress = {**deployment.progress, "unreachable": True, "silent_since": now.isoformat()}
        draw_again(session, deployment, release, at=now, now=now)
        details = details_of(deployment, problem=sentence)
        record(session, Kind.ORG_UNREACHABLE, stream=release.key, actor=BOT, at=now, details=details)


def note_reachable(ports: Ports, deployment_id: int) -> None:
    """The org answers: who was told that it does not is told that it does again."""
    with ports.store.transaction() as session:
        deployment, release = deployment_with_release(session, deployment_id)
        _answers_again(session, deployment, release, ports.clock.now())


def _answers_again(session: Session, deployment: Deployment, release: Release, now: datetime) -> None:
    if not deployment.progress.get("unreachable"):
        return
    details = details_of(deployment, since=deployment.progress.get("silent_since", ""))
    deployment.progress = {**deployment.progress, "unreachable": False}
    draw_again(session, deployment, release, at=now, now=now)
    record(session, Kind.ORG_REACHABLE, stream=release.key, actor=BOT, at=now, details=details)


def took_before(ports: Ports, deployment_id: int) -> float:
    """Seconds that the newest successful job with the same package and tests took in the org; 0 for none."""
    with ports.store.reading() as session:
        now = find_deployment(session, deployment_id)
        query = (
            select(Deployment)
            .where(
                Deployment.org == now.org,
                Deployment.archive_digest == now.archive_digest,
                Deployment.id != now.id,
                col(Deployment.state).in_(("validated", "succeeded", "rolled_back")),
            )
            .order_by(desc(Deployment.id))
        )
        for before in session.exec(query):
            # A quick deployment runs no tests, so it tells nothing of one that does, nor the other way round.
            with_tests = [_runs_tests(before), _runs_tests(now)]
            if with_tests[0] == with_tests[1] and before.started_at and before.finished_at:
                return (before.finished_at - before.started_at).total_seconds()
    return 0.0


def _runs_tests(attempt: Deployment) -> bool:
    return not attempt.validated_job_id or attempt.purpose in ("validation", "arming")


def note_unknown(ports: Ports, deployment_id: int, sentence: str) -> None:
    """We asked, lost the answer, and did not find our job: a person looks."""
    with ports.store.transaction() as session:
        deployment = find_deployment(session, deployment_id)
        if deployment.state in UNDER_WAY:
            lose(session, ports.policy, deployment, sentence, ports.clock.now())


def lose(session: Session, policy: Policy, attempt: Deployment, sentence: str, now: datetime) -> None:
    """An attempt may or may not have changed its org; the sentence says why nobody knows."""
    release = release_of(session, attempt)
    attempt.state, attempt.problem, attempt.finished_at = "unknown", sentence, now
    session.add(attempt)
    details = details_of(attempt, problem=sentence, release=release.key)
    incident = session.get(Incident, attempt.incident_id) if attempt.incident_id else None
    for stream in [release.key, *([incident.key] if incident else [])]:
        record(session, Kind.DEPLOYMENT_UNKNOWN, stream=stream, actor=BOT, at=now, details=details)
    if attempt.purpose == "deployment":
        release.state = "failed"
        _distrust_validations(session, attempt)
    # A rollback in one org of a staged release that is lost holds it in the next one, too.
    settle_state(session, policy, release, now)


def only_checked(session: Session, policy: Policy, attempt: Deployment, status: JobStatus, now: datetime) -> bool:
    """Whether a person took a check-only job for the lost one: it changed nothing, so nothing is known yet."""
    if status.check_only:
        lose(session, policy, attempt, f"The job {status.id} was check-only: it put nothing into the org.", now)
    return status.check_only


def _distrust_validations(session: Session, lost: Deployment) -> None:
    # Nobody presses "Deploy" a second time on the strength of a check from before a deployment that may have landed.
    query = select(Deployment).where(
        Deployment.release_id == lost.release_id,
        Deployment.org == lost.org,
        Deployment.purpose == "validation",
        Deployment.voided_because == "",
    )
    for validation in session.exec(query).all():
        validation.voided_because = f"Nobody knows whether {lost.key} reached the org; look there, then validate again."
        session.add(validation)


def request_cancel(ports: Ports, actor: str, key: str) -> str:
    """Ask to stop what is under way for a release; returns the attempt's key. It may be too late."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        facts = gather(session, ports.policy, release)
        running = [d for d in facts.deployments if d.state in UNDER_WAY and d.purpose in ("deployment", "validation")]
        if not running:
            _must_not_go_back(facts, ports.policy)
            raise NotFound(f"Nothing is under way for {key}, so there is nothing to cancel.")
        attempt = running[-1]
        if not may(ports.policy, actor, "deploy") and actor != attempt.requested_by:
            who = tuple(dict.fromkeys((attempt.requested_by, *ports.policy.holders_of("deploy"))))
            raise NotAllowed(f"{attempt.key} was not started by you; nothing was cancelled.", who_may=who)
        if attempt.abort_requested_by:
            raise _asked_to_stop(session, release, attempt)
        _must_not_be_finalizing(ports.policy, attempt, key)
        attempt.abort_requested_by = actor
        session.add(attempt)
        record(session, Kind.CANCEL_REQUESTED, stream=release.key, actor=actor, at=now, details=details_of(attempt))
        return attempt.key


def _asked_to_stop(session: Session, release: Release, attempt: Deployment) -> Conflict:
    asked = select(TimelineEntry.at).where(
        TimelineEntry.stream == release.key, TimelineEntry.kind == Kind.CANCEL_REQUESTED
    )
    at = session.exec(asked.order_by(desc(TimelineEntry.number))).first()
    post = f"Its post in the thread of {release.key} says whether that was in time."
    sentence = f"{attempt.key} was already asked to stop. {post}"
    return Conflict(sentence, by=attempt.abort_requested_by, at=at)


def _must_not_go_back(facts: ReleaseFacts, policy: Policy) -> None:
    # Two people agreed to it; half of the way, an org is neither what it was nor what it became.
    for back in facts.deployments:
        if back.purpose == "rollback" and back.state in UNDER_WAY:
            title, key = policy.title_of(back.org), facts.release.key
            sentence = f"{back.key} takes {key} back in {title}. A rollback is not stopped; wait for its end."
            raise Refused("going_back", f"{sentence} It can be undone afterwards: /release rollback {key} -- reason")


def _must_not_be_finalizing(policy: Policy, attempt: Deployment, key: str) -> None:
    # Since API version 65 an org does not cancel what it is finalizing (Metadata API Developer Guide, cancelDeploy).
    if attempt.progress.get("state") != "Finalizing":
        return
    title = policy.title_of(attempt.org)
    if attempt.purpose == "validation":
        raise Refused("finalizing", f"Too late: {title} is finalizing the check {attempt.key}; it ends in moments.")
    undo = f"/release rollback {key} -- reason"
    raise Refused("finalizing", f"Too late: {title} is finalizing {attempt.key}, so it will land. To undo it: {undo}")


def has_ended(attempt: Deployment) -> bool:
    """Whether the result of an attempt's job is kept already; whoever repeats that after a crash changes nothing."""
    return attempt.state not in UNDER_WAY or attempt.state == "verifying"


def keep_result(deployment: Deployment, status: JobStatus, now: datetime) -> None:
    """Note that an attempt's job has ended, with what people act on."""
    deployment.finished_at = now
    deployment.result = result_of(status)
    deployment.problem = "" if status.success else problem_of(status)


@dataclass(frozen=True)
class Assignment:
    """What a flow needs to know about its attempt, as plain values."""

    key: str
    release: str
    org: str
    purpose: str
    resubmitted: int
    state: str
    archive_digest: str
    job_id: str
    validated_job_id: str
    asked_at: datetime | None
    requested_at: datetime
    abort: bool
    snapshot_digest: str
    undoes_id: int | None
    strategy: str
    created: tuple[tuple[str, str], ...]
    ended_as: str
    leave: tuple[tuple[str, str], ...] = ()
    test_level: str = ""
    run_tests: tuple[str, ...] = ()


def assignment(ports: Ports, deployment_id: int) -> Assignment:
    """Read what a flow needs to know about its attempt."""
    with ports.store.reading() as session:
        deployment, release = deployment_with_release(session, deployment_id)
        return Assignment(
            key=deployment.key,
            release=release.key,
            org=deployment.org,
            purpose=deployment.purpose,
            resubmitted=deployment.resubmitted,
            state=deployment.state,
            archive_digest=deployment.archive_digest,
            job_id=deployment.job_id,
            validated_job_id=deployment.validated_job_id,
            asked_at=deployment.asked_at,
            requested_at=deployment.requested_at,
            abort=bool(deployment.abort_requested_by),
            snapshot_digest=deployment.snapshot_digest,
            undoes_id=deployment.undoes_id,
            strategy=release.strategy,
            created=tuple((t, n) for t, n in deployment.result.get("created", [])),
            ended_as=deployment.result.get("state", ""),
            leave=tuple((t, n) for t, n in deployment.leave),
            test_level=deployment.test_level,
            run_tests=tuple(deployment.run_tests),
        )


def finished_at(ports: Ports, org: str, job_id: str) -> datetime | None:
    """When the attempt with that job ended, as far as we know."""
    with ports.store.reading() as session:
        query = select(Deployment.finished_at).where(Deployment.org == org, Deployment.job_id == job_id)
        return session.exec(query).first() if job_id else None


def note_archive(ports: Ports, deployment_id: int, digest: str) -> None:
    """The package that an attempt brings was made for it."""
    with ports.store.transaction() as session:
        deployment = find_deployment(session, deployment_id)
        deployment.archive_digest = deployment.archive_digest or digest
        session.add(deployment)


def forget_validation(ports: Ports, deployment_id: int) -> None:
    """An attempt goes the long way: its quick deploy is not possible any more."""
    with ports.store.transaction() as session:
        deployment = find_deployment(session, deployment_id)
        if not deployment.job_id:
            deployment.validated_job_id = ""
            session.add(deployment)
