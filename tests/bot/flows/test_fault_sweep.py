"""A fault of the org comes once in each stage of a release's life, aimed at one operation; nothing happens twice.

People go on as people do: they look what became of what was lost, they ask again for what did not happen.
ROLLCALL_EVERY_FAULT=1 aims every fault that there is at every operation, which takes about half an hour.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from types import ModuleType

import pytest

from bot.flows import checks, deployment, jobs, org_watch, rollback
from bot.rehearsal.org.exporting import export
from bot.rehearsal.org.faults import ANSWERS, KINDS
from bot.rehearsal.org.jobs import Job
from release_core import attempts, clarifying, rollback_requests, validations
from release_core.errors import OrgProblem, Refused
from release_core.models import Deployment
from tests.bot.flows.scenes import Scene
from tests.release_core import builders
from tests.release_core.builders import DEVELOPER, MANAGER, PRODUCTION, SECOND_MANAGER

IN_JOBS = ("already_in_process", "sharing_recalculation", "finalizing_failed", "unable_to_lock_row")
ASKED = ("deploy", "status", "query", "retrieve", "other")  # "other" holds limits, describe, who we are
ENDED = ("validated", "succeeded", "failed", "unknown")
SHUTS = "rest_not_allowed"  # after it, the org is asked nothing for a minute, as its sentence says
A_MINUTE = timedelta(minutes=1)
MORE_TRIES = 2  # what failed may have used its validation up, which shows at the next try
WITHHELD_FOR = 6.0  # seconds; a scene waits five for an answer

SAMPLE = (
    ("drop_connection", "deploy"),
    ("invalid_session", "deploy"),
    ("bad_gateway", "query"),
    ("insufficient_access", "retrieve"),
    ("finalizing_failed", ""),
)
EVERY = [
    (kind, on)
    for kind in sorted(KINDS)
    for on in (("",) if kind in IN_JOBS or kind == "invalid_cross_reference_key" else ASKED)
]
SWEPT = EVERY if os.environ.get("ROLLCALL_EVERY_FAULT") else SAMPLE
STOPPED = sorted(ANSWERS) if os.environ.get("ROLLCALL_EVERY_FAULT") else ["gateway_timeout"]


@dataclass
class Life:
    """A release, with the fault that comes once in each of its stages."""

    scene: Scene
    kind: str
    on: str
    key: str = ""
    met: list[str] = field(default_factory=list)

    @contextmanager
    def fault(self, stage: str) -> Iterator[None]:
        """Within the block the fault is ahead; afterwards it is called off, and whether it came is remembered."""
        faults = self.scene.production.org.faults
        faults.ask_for(self.kind, 1, self.on, WITHHELD_FOR)
        try:
            with self.scene.time_flies() if self.kind in IN_JOBS else nullcontext():
                yield
        finally:
            if self.kind not in faults.armed:
                self.met.append(stage)
            faults.ask_for(self.kind, 0)
            if self.kind == SHUTS:
                self.scene.clock.advance(A_MINUTE)

    def tried(self, stage: str, ask: Callable[[], int], flow: ModuleType) -> Deployment:
        """One stage to its success, in the third try at the latest, with each of its attempts counted."""
        with self.fault(stage):
            done = self._carried_out(ask(), flow)
        for _ in range(MORE_TRIES):
            if done.state in ("failed", "unknown"):
                assert self.met[-1:] == [stage], (stage, done.problem)
                done = self._carried_out(ask(), flow)
        assert done.state in ("validated", "succeeded"), (stage, done.problem, done.result)
        return done

    def _carried_out(self, attempt: int, flow: ModuleType) -> Deployment:
        org = self.scene.production.org
        taken, held = len(org.jobs), export(org, history=False)
        run(self.scene, attempt, flow)
        counted(self.scene.attempt(attempt), org.jobs[taken:])
        if self.scene.attempt(attempt).state == "unknown":
            look_what_became_of_it(self.scene, self.key, attempt, org.jobs[taken:])
        done = self.scene.attempt(attempt)
        if done.state != "succeeded":
            assert export(org, history=False) == held
        following = builders.newest(self.scene.ports, self.key, done.purpose).id or 0
        return self._carried_out(following, flow) if following != attempt else done


def run(scene: Scene, attempt: int, flow: ModuleType) -> None:
    """The flow of an attempt; an org that refuses what it has to answer is asked again, as the engine does."""
    tale = getattr(flow, scene.attempt(attempt).purpose)
    try:
        tale({"deployment": attempt})
    except OrgProblem:
        _go_on(scene, attempt, flow)


def _go_on(scene: Scene, attempt: int, flow: ModuleType) -> None:
    row = scene.attempt(attempt)
    assert row.job_id, "nobody waits patiently for an org that was asked for nothing"
    if row.state == "verifying":
        flow.read_back(attempt)
    elif flow is checks:
        jobs.watch(attempt)
        checks.conclude(attempt)
    else:
        flow.follow(attempt)


def counted(done: Deployment, taken: list[Job]) -> None:
    """Every job that the org took is known to the attempt, in order; what landed did so once, and it is told."""
    assert done.state in ENDED
    assert done.state in ("validated", "succeeded") or done.problem or done.result
    ids = [job.id for job in taken]
    if done.state == "unknown":
        assert len(ids) <= 1 + done.resubmitted
    else:
        # An attempt that was not asked for again has its last job as its result.
        assert ids == list(dict.fromkeys([*done.progress.get("jobs", []), *filter(None, [done.job_id])]))
    landed = [job for job in taken if job.status == "Succeeded"]
    assert len(landed) <= 1
    if done.state != "unknown":
        assert (done.state in ("validated", "succeeded")) == bool(landed)


def look_what_became_of_it(scene: Scene, key: str, attempt: int, taken: list[Job]) -> None:
    """A person looks into Deployment Status, says what is there; what arrived is followed to its end."""
    if taken:
        clarifying.clarify(scene.ports, MANAGER, key, found="arrived", job_id=taken[-1].id, note="seen there")
        {"deployment": deployment, "rollback": rollback}[scene.attempt(attempt).purpose].follow(attempt)
    else:
        clarifying.clarify(scene.ports, MANAGER, key, found="never_arrived", note="nothing is there")


# --- what people do in each stage


def ask_validation(life: Life) -> int:
    """The developer wants to know whether it could go."""
    ports = life.scene.ports
    return builders.row_id(ports, validations.request_validation(ports, DEVELOPER, life.key, org=PRODUCTION))


def ask_deployment(life: Life) -> int:
    """The manager presses the button, after another validation where the one before is used up."""
    try:
        return life.scene.asked(life.key)
    except Refused:
        checks.validation({"deployment": ask_validation(life)})
        return life.scene.asked(life.key)


def ask_proof(life: Life) -> int:
    """The proof that was made due last."""
    return builders.newest(life.scene.ports, life.key, "arming").id or 0


def arm(life: Life) -> None:
    """The way back is proven, or people read why not."""
    scene, org = life.scene, life.scene.production.org
    attempt, taken = ask_proof(life), len(org.jobs)
    with life.fault("arm"):
        run(scene, attempt, checks)
    counted(scene.attempt(attempt), org.jobs[taken:])
    said = scene.said(life.key)
    assert "rollback_armed" in said or "rollback_not_armed" in said


def ask_way_back(life: Life) -> int:
    """Two people want to go back; what the org holds is looked at meanwhile."""
    ports = life.scene.ports
    request = rollback_requests.ask_rollback(ports, MANAGER, life.key, "it broke")
    life.scene.look(request)
    rollback_requests.decide_rollback(ports, SECOND_MANAGER, request, yes=True)
    return builders.newest(ports, life.key, "rollback").id or 0


@pytest.mark.parametrize(("kind", "on"), SWEPT)
def test_a_fault_in_each_stage_of_a_life_never_makes_two_jobs(scene: Scene, kind: str, on: str) -> None:
    """Validated, deployed, armed, watched, looked at, taken back, brought back again."""
    org = scene.production.org
    before = export(org, history=False)
    life = Life(scene, kind, on, scene.planned())
    life.tried("validate", lambda: ask_validation(life), checks)
    builders.settle_checklist(scene.ports, life.key)
    builders.approve(scene.ports, life.key)
    life.tried("deploy", lambda: ask_deployment(life), deployment)
    arm(life)
    with life.fault("watch"):
        org_watch.org_watch({"org": PRODUCTION})
    life.tried("go back", lambda: ask_way_back(life), rollback)
    assert export(org, history=False) == before
    life.tried("undo", lambda: ask_way_back(life), rollback)
    assert export(org, history=False) != before
    assert life.met or on in ("other", "cancel")
    assert set(scene.said(life.key)) >= {"rollback_succeeded", "rollback_undone"}


@pytest.mark.parametrize("kind", STOPPED)
def test_a_fault_while_a_job_is_stopped_leaves_one_job_that_is_stopped(scene: Scene, kind: str) -> None:
    key = scene.ready(strategy="full")
    attempt, taken = scene.asked(key), len(scene.production.org.jobs)
    deployment.take_snapshot(attempt)
    # Nobody asks a shut org before its minute is over: the job has to last longer than that.
    scene.production.org.settings.pace = 10_000.0 if kind == SHUTS else 1.0
    jobs.start(attempt, check_only=False)
    attempts.request_cancel(scene.ports, MANAGER, key)
    scene.fault(kind, on="cancel")
    with scene.time_flies() if kind == SHUTS else nullcontext():
        _go_on(scene, attempt, deployment)
    (job,) = scene.production.org.jobs[taken:]
    assert job.status == "Canceled"
    assert kind not in scene.production.org.faults.armed
    assert (scene.attempt(attempt).state, scene.attempt(attempt).job_id) == ("cancelled", job.id)
