"""A package goes through a local sandbox into a local production, with manual steps around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot import outside
from bot.flows import checks, comparison, rollback, stages
from bot.rehearsal.clock import MovableClock
from bot.rehearsal.org import serve
from bot.rehearsal.org.exporting import export
from bot.rehearsal.org.jobs import Job
from bot.rehearsal.packages import sample_package
from bot.salesforce import connect
from release_core import attaching, deployments, releases, rollback_requests, scheduling, task_plans, tasks, validations
from release_core.errors import Refused
from release_core.logins import AccessTokenLogin
from release_core.models import Deployment
from release_core.packages import read_package
from release_core.ports import OrgGateway, Ports
from release_core.task_plans import NewTask
from release_core.windows import Interval
from tests.bot.flows.scenes import HASTY, Scene
from tests.release_core import builders
from tests.release_core.builders import (
    DEVELOPER,
    MANAGER,
    PRODUCTION,
    SECOND_MANAGER,
    TESTER,
    UAT,
    ArtifactsInMemory,
    a_policy,
    a_store,
)

WAY = (UAT, PRODUCTION)


@dataclass
class Path(Scene):
    """A scene with a sandbox before production."""

    sandbox: serve.RunningOrg = field(kw_only=True)
    gateways: dict[str, OrgGateway] = field(kw_only=True)

    def org(self, key: str) -> OrgGateway:
        """The way to either org."""
        return self.gateways[key]

    def done_in(self, key: str) -> list[Job]:
        """The deployments that an org took, checks left out."""
        running = {UAT: self.sandbox, PRODUCTION: self.production}[key]
        return [job for job in running.org.jobs if not job.options.check_only]

    # --- what people do

    def begun(self) -> str:
        """A staged release with its package, approved; its key."""
        plan = releases.Plan("Discounts", "", "standard", MANAGER, strategy="staged", orgs=WAY)
        key = releases.plan_release(self.ports, MANAGER, plan)
        self.attach(key, "mended")
        builders.settle_checklist(self.ports, key)
        builders.approve(self.ports, key)
        return key

    def attach(self, key: str, variant: str) -> None:
        """Somebody sends a package."""
        archive = sample_package(variant)  # type: ignore[arg-type]
        self.ports.artifacts.save(archive)
        package = attaching.attach_package(self.ports, DEVELOPER, key, file_id="F1", file_name=f"{variant}.zip")
        attaching.accept_package(self.ports, package, read_package(archive))
        comparison.comparison({"package": package})
        builders.has_run(self.ports, "comparison")

    def make_ready(self, key: str) -> None:
        """A window that is open, a check in the org that is next."""
        now = self.clock.now()
        scheduling.set_window(self.ports, MANAGER, key, Interval(now, now + timedelta(hours=4)))
        attempt = validations.request_validation(self.ports, DEVELOPER, key)
        checks.validation({"deployment": builders.row_id(self.ports, attempt)})

    # --- what flows do

    def go(self, key: str) -> Deployment:
        """Somebody presses "Deploy"; the way back is armed after it landed."""
        done = self.deploy(key)
        if done.state == "succeeded":
            self.arm(key)
        return done

    def soak(self, key: str) -> None:
        """The time in the org where it is passes, its timer rings."""
        self.clock.advance(self.ports.policy.soak + timedelta(seconds=1))
        self.stage_ends(key)

    def stage_ends(self, key: str) -> None:
        """The release goes on if it may; the org that is next then is compared."""
        stages.stage_end({"release": key})
        for intent in builders.intents(self.ports, "comparison"):
            comparison.comparison(intent.args)


@pytest.fixture
def path() -> Iterator[Path]:
    """Two orgs on their first day, every job done at once."""
    clock = MovableClock()
    ports = Ports(a_store(), a_policy(), clock, ArtifactsInMemory())
    with (
        serve.running("sandbox", clock=clock, pace=0) as sandbox,
        serve.running("production", clock=clock, pace=0) as production,
    ):
        ways = {}
        for key, org in ((UAT, sandbox), (PRODUCTION, production)):
            login = AccessTokenLogin(instance_url=org.instance_url, access_token_env="T")
            ways[key] = connect(login, clock=clock, patience=HASTY, environ={"T": org.access_token})
        scene = Path(production, ways[PRODUCTION], ports, clock, sandbox=sandbox, gateways=dict(ways))
        with outside.within(scene.outside):
            yield scene
        for way in ways.values():
            way.close()


def test_one_package_goes_through_both_orgs_with_manual_steps_before_and_after(path: Path) -> None:
    key = path.begun()
    task_plans.add_task(path.ports, MANAGER, key, NewTask("Pause the import", "before", DEVELOPER, org=PRODUCTION))
    task_plans.add_task(path.ports, MANAGER, key, NewTask("Tell the branches", "before", TESTER, org=PRODUCTION))
    task_plans.add_task(path.ports, MANAGER, key, NewTask("Smoke test", "after", TESTER, org=UAT))

    path.make_ready(key)
    assert path.go(key).state == "succeeded"
    path.soak(key)
    assert path.release(key).target_org == UAT, "the smoke test holds it"
    tasks.finish(path.ports, TESTER, key, "1", note="green")
    path.stage_ends(key)
    assert path.release(key).target_org == PRODUCTION

    path.make_ready(key)
    with pytest.raises(Refused, match="Task 2 “Pause the import” comes first"):
        tasks.finish(path.ports, TESTER, key, "3")
    with pytest.raises(deployments.NotReady, match="Pause the import"):
        path.go(key)
    tasks.finish(path.ports, DEVELOPER, key, "2")
    tasks.finish(path.ports, TESTER, key, "3")
    assert path.go(key).state == "succeeded"

    done = [d for d in builders.facts_of(path.ports, key).deployments if d.purpose == "deployment"]
    assert [d.org for d in done] == list(WAY)
    assert len({d.archive_digest for d in done}) == 1
    assert len({d.snapshot_at for d in done if d.snapshot_digest}) == 2, "a snapshot is taken in each org"
    assert [job.quick_of for org in WAY for job in path.done_in(org)] == [d.validated_job_id for d in done]
    assert path.release(key).state == "soaking"


def test_what_it_would_do_is_compared_with_the_next_org(path: Path) -> None:
    """Two orgs differ: what UAT has already is still to come in production."""
    key = path.begun()
    path.make_ready(key)
    path.go(key)
    path.soak(key)
    package = builders.facts_of(path.ports, key).package
    assert package is not None
    assert {"new", "changed"} & {row[2] for row in package.comparison}
    assert package.verdicts


def test_a_foreign_package_is_refused_on_the_way(path: Path) -> None:
    key = path.begun()
    path.make_ready(key)
    path.go(key)
    path.soak(key)
    with pytest.raises(Refused, match=r"under way through its orgs \(UAT got its package\)"):
        path.attach(key, "changed")
    package = builders.facts_of(path.ports, key).package
    assert package is not None
    assert package.file_name == "mended.zip"


def test_a_stage_that_fails_leaves_the_org_before_as_it_is(path: Path) -> None:
    key = path.begun()
    path.make_ready(key)
    path.go(key)
    path.soak(key)
    path.make_ready(key)
    before = path.production.org.jobs[-1].id
    path.somebody_else_deploys()  # which makes the check worthless, just before the click
    failed = path.go(key)
    assert failed.state == "failed"
    assert "Validate again" in failed.problem
    assert path.done_in(PRODUCTION)[-1].id != before, "only the colleague's deployment"
    assert builders.facts_of(path.ports, key).live_orgs == (UAT,)
    path.make_ready(key)
    assert path.go(key).state == "succeeded", "it may be tried again"


def test_the_first_stage_goes_back_alone_and_the_rest_is_not_continued(path: Path) -> None:
    before = export(path.sandbox.org, history=False)
    key = path.begun()
    path.make_ready(key)
    path.go(key)
    path.soak(key)
    back = path.roll_back(key)
    assert (back.state, back.org) == ("succeeded", UAT)
    assert export(path.sandbox.org, history=False) == before
    assert path.done_in(PRODUCTION) == []
    assert path.release(key).state == "rolled_back"
    with pytest.raises(Refused, match="rolled back"):
        path.make_ready(key)


def test_a_named_org_goes_back_while_production_keeps_it(path: Path) -> None:
    key = path.begun()
    for _ in WAY[1:]:
        path.make_ready(key)
        path.go(key)
        path.soak(key)
    path.make_ready(key)
    path.go(key)

    request = rollback_requests.ask_rollback(path.ports, MANAGER, key, "UAT is needed for others", org=UAT)
    rollback_requests.decide_rollback(path.ports, SECOND_MANAGER, request, yes=True)

    attempt = builders.newest(path.ports, key, "rollback")
    rollback.rollback({"deployment": attempt.id})
    assert builders.facts_of(path.ports, key).live_orgs == (PRODUCTION,)
