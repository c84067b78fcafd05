"""A release whose flows run in this thread, against a real local org, on facts in memory."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot import outside
from bot.flows import checks, comparison, deployment, rollback, rollback_look
from bot.outside import Outside
from bot.rehearsal.clock import MovableClock
from bot.rehearsal.org import serve
from bot.rehearsal.org.jobs import Job
from bot.rehearsal.org.results import DeployOptions
from bot.rehearsal.packages import Variant, sample_package
from bot.salesforce import Patience, SalesforceOrg, connect
from release_core import attaching, deployments, rollback_requests, validations
from release_core.errors import OrgRefused, OrgUnavailable
from release_core.logins import AccessTokenLogin
from release_core.models import Deployment, Release
from release_core.packages import read_package
from release_core.policy import Policy, Strategy
from release_core.ports import DeployRequestRow, Members, OrgGateway, Ports, Retrieved
from release_core.store import Store
from release_core.windows import Interval
from tests.release_core import builders
from tests.release_core.builders import (
    DEVELOPER,
    MANAGER,
    PRODUCTION,
    SECOND_MANAGER,
    ArtifactsInMemory,
    a_policy,
    a_release,
    a_store,
)

HASTY = Patience(
    connect_for=2, answer_for=5, upload_for=5, retrieve_for=5, pauses=(0, 0, 0, 0), first_look_after=0.01,
    looks_at_most_every=0.02,
)  # fmt: skip


@dataclass
class Chat:
    """A chat that remembers what was placed; `away` holds errors that come first."""

    files: dict[str, bytes] = field(default_factory=dict)
    away: list[Exception] = field(default_factory=list)
    posts: list[tuple[str, str]] = field(default_factory=list)

    def place(self, slot: str, channel: str, message: object, **_: Any) -> str:
        """Remember a post."""
        self._may_be_away()
        self.posts.append((slot, channel))
        return f"{len(self.posts)}.0"

    def open_direct(self, person: str) -> str:
        """A direct conversation is called like its person."""
        self._may_be_away()
        return f"D{person}"

    def fetch_file(self, file_id: str, limit: int) -> bytes:
        """A file that somebody sent."""
        self._may_be_away()
        return self.files[file_id]

    def _may_be_away(self) -> None:
        if self.away:
            raise self.away.pop(0)


class Deaf:
    """An org that does everything but packing components for us before a deployment; afterwards it does."""

    def __init__(self, gateway: SalesforceOrg) -> None:
        self._gateway = gateway

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def retrieve(self, members: Members) -> Retrieved:
        """Refused while no deployment of ours has landed."""
        if not any(row.state == "Succeeded" and not row.check_only for row in self._ours()):
            raise OrgRefused("PRODUCTION packs nothing today. An administrator looks at its limits.")
        return self._gateway.retrieve(members)

    def _ours(self) -> Sequence[DeployRequestRow]:
        return self._gateway.deployments_since(datetime(2000, 1, 1, tzinfo=UTC))


@dataclass
class Scene:
    """Production with the bot's gateway to it; `away`: the org cannot be reached at all, `deaf`: it packs nothing."""

    production: serve.RunningOrg
    gateway: SalesforceOrg
    ports: Ports
    clock: MovableClock
    chat: Chat = field(default_factory=Chat)
    away: bool = False
    deaf: bool = False

    def org(self, key: str) -> OrgGateway:
        """The way to production, while there is one."""
        assert key == PRODUCTION
        if self.deaf:
            return Deaf(self.gateway)
        if self.away:
            raise OrgUnavailable("PRODUCTION cannot be reached. Check the network, then repeat.")
        return self.gateway

    @property
    def outside(self) -> Outside:
        """What the flows reach."""
        return Outside(self.ports, self.org, self.chat)

    # --- what people do

    def planned(
        self,
        variant: Variant = "mended",
        *,
        strategy: Strategy = "validate_then_quick",
        archive: bytes = b"",
    ) -> str:
        """A release with the sample package, or with the one given; its key."""
        now = self.clock.now()
        key = a_release(self.ports, strategy=strategy, window=Interval(now, now + timedelta(hours=40)))
        archive = archive or sample_package(variant)
        self.ports.artifacts.save(archive)
        package = attaching.attach_package(self.ports, DEVELOPER, key, file_id="F1", file_name="sample.zip")
        attaching.accept_package(self.ports, package, read_package(archive))
        comparison.comparison({"package": package})
        builders.has_run(self.ports, "comparison")
        return key

    def ready(self, *, strategy: Strategy = "validate_then_quick") -> str:
        """A release that was validated and approved; its key."""
        key = self.planned(strategy=strategy)
        assert self.validate(key).state == "validated"
        builders.settle_checklist(self.ports, key)
        builders.approve(self.ports, key)
        return key

    def asked(self, key: str) -> int:
        """Somebody pressed "Deploy"; the attempt's row id."""
        return builders.row_id(self.ports, deployments.request_deployment(self.ports, MANAGER, key))

    def live(self) -> str:
        """A release that is in production with its way back armed; its key."""
        key = self.ready()
        assert self.deploy(key).state == "succeeded"
        assert self.arm(key).state == "validated"
        return key

    def wish_back(self, key: str, *, overwrite: bool = False) -> int:
        """Two people want to go back; the attempt's row id."""
        request = rollback_requests.ask_rollback(self.ports, MANAGER, key, "it broke", overwrite=overwrite)
        rollback_requests.decide_rollback(self.ports, SECOND_MANAGER, request, yes=True)
        return self._newest(key, "rollback")

    # --- what flows do

    def validate(self, key: str) -> Deployment:
        """The check-only run of a release, to its end."""
        attempt = builders.row_id(
            self.ports, validations.request_validation(self.ports, DEVELOPER, key, org=PRODUCTION)
        )
        checks.validation({"deployment": attempt})
        return self.attempt(attempt)

    def deploy(self, key: str) -> Deployment:
        """The deployment of a release, to its end."""
        attempt = self.asked(key)
        deployment.deployment({"deployment": attempt})
        return self.attempt(attempt)

    def arm(self, key: str) -> Deployment:
        """The proof of the way back, to its end."""
        attempt = self._newest(key, "arming")
        checks.arming({"deployment": attempt})
        return self.attempt(attempt)

    def roll_back(self, key: str, *, overwrite: bool = False) -> Deployment:
        """The way back, to its end."""
        return self.go_back(key, self.wish_back(key, overwrite=overwrite))

    def go_back(self, key: str, attempt: int) -> Deployment:
        """A rollback that was confirmed, with every further attempt that it leads to; the last one."""
        rollback.rollback({"deployment": attempt})
        following = self._newest(key, "rollback")
        return self.go_back(key, following) if following != attempt else self.attempt(attempt)

    def look(self, request: int) -> None:
        """Somebody asked to go back: what the org holds is compared meanwhile."""
        rollback_look.rollback_look({"request": request})

    def _newest(self, key: str, purpose: str) -> int:
        found = builders.newest(self.ports, key, purpose).id
        assert found is not None
        return found

    # --- what can be seen

    def attempt(self, attempt: int) -> Deployment:
        """An attempt's row."""
        return builders.deployment(self.ports, attempt)

    def release(self, key: str) -> Release:
        """A release's row."""
        return builders.release(self.ports, key)

    def said(self, key: str) -> list[str]:
        """The kinds of what was told."""
        return builders.kinds(self.ports, key)

    @property
    def jobs(self) -> list[Job]:
        """The deployments that the org took, checks left out."""
        return [job for job in self.production.org.jobs if not job.options.check_only]

    # --- what others do

    def fault(self, kind: str, count: int = 1, *, on: str = "") -> None:
        """Have the org answer badly, to one operation alone when `on` names it."""
        self.production.org.faults.ask_for(kind, count, on)

    @contextmanager
    def time_flies(self) -> Iterator[None]:
        """Minutes pass like moments, within the block."""
        over = threading.Event()

        def fly() -> None:
            while not over.wait(0.02):
                self.clock.advance(timedelta(seconds=20))

        flying = threading.Thread(target=fly, daemon=True)
        flying.start()
        try:
            yield
        finally:
            over.set()
            flying.join()

    def somebody_else_deploys(self, *, pace: float = 0, check_only: bool = False) -> Job:
        """A colleague deploys by other means; `pace` over 0 keeps it under way."""
        org = self.production.org
        self.clock.advance(timedelta(seconds=5))
        org.settings.pace = pace
        colleague = org.users[1].id
        options = DeployOptions(
            check_only=check_only, test_level="RunLocalTests", rollback_on_error=True, single_package=True
        )
        job = org.deploy(colleague, _something_small(), options)
        org.settle()
        assert pace or job.status == "Succeeded"
        return job


def a_part_of_a_profile() -> bytes:
    """A package that gives one profile the right to one new class, and says nothing else of it."""
    access = "<classAccesses><apexClass>Greeter</apexClass><enabled>true</enabled></classAccesses>"
    with zipfile.ZipFile(io.BytesIO(_something_small())) as small:
        files = {path: small.read(path).decode() for path in small.namelist()}
    named = "<types><members>Admin</members><name>Profile</name></types><version>"
    files["package.xml"] = files["package.xml"].replace("<version>", named, 1)
    return _packed(files | {"profiles/Admin.profile": _xml("Profile", access)})


def _something_small() -> bytes:
    """A class with its test, which has nothing to do with the release."""
    meta = "<apiVersion>62.0</apiVersion><status>Active</status>"
    files = {
        "package.xml": _xml(
            "Package",
            "<types><members>Greeter</members><members>GreeterTest</members><name>ApexClass</name></types>"
            "<version>62.0</version>",
        ),
        "classes/Greeter.cls": "public class Greeter { public static Integer two() { return 2; } }",
        "classes/Greeter.cls-meta.xml": _xml("ApexClass", meta),
        "classes/GreeterTest.cls": "@IsTest private class GreeterTest { @IsTest static void countsToTwo() "
        "{ System.assertEquals(2, Greeter.two()); } }",
        "classes/GreeterTest.cls-meta.xml": _xml("ApexClass", meta),
    }
    return _packed(files)


def _packed(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return packed.getvalue()


def _xml(name: str, inner: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><{name} xmlns="http://soap.sforce.com/2006/04/metadata">{inner}</{name}>'


@contextmanager
def a_scene(store: Store | None = None, *, policy: Policy | None = None) -> Iterator[Scene]:
    """Production on its first day, every job done at once; within the block, flows of this thread reach it."""
    clock = MovableClock()
    ports = Ports(store or a_store(), policy or a_policy(), clock, ArtifactsInMemory())
    with serve.running("production", clock=clock, pace=0) as production:
        login = AccessTokenLogin(instance_url=production.instance_url, access_token_env="T")
        gateway = connect(login, clock=clock, patience=HASTY, environ={"T": production.access_token})
        scene = Scene(production, gateway, ports, clock)
        with outside.within(scene.outside):
            yield scene
        gateway.close()
