"""Orgs in memory, packages to deploy to them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest
import requests

from bot.rehearsal.clock import MovableClock
from bot.rehearsal.org.identity import Settings
from bot.rehearsal.org.jobs import Job
from bot.rehearsal.org.manifests import write_manifest
from bot.rehearsal.org.org import Org
from bot.rehearsal.org.results import DeployOptions, Row
from bot.rehearsal.org.seeding import seeded_org
from bot.rehearsal.org.serve import RunningOrg, running

Members = Mapping[str, list[str]]
CLASS_META = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ApexClass xmlns="http://soap.sforce.com/2006/04/metadata">\n'
    "    <apiVersion>62.0</apiVersion>\n    <status>Active</status>\n</ApexClass>\n"
)


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def manifest(members: Members | None = None) -> bytes:
    return write_manifest([(kind, name) for kind, names in (members or {}).items() for name in names], "62.0")


def package(
    members: Members | None = None,
    files: Mapping[str, str | bytes] | None = None,
    *,
    pre: Members | None = None,
    post: Members | None = None,
) -> bytes:
    """A metadata-format zip; `pre` and `post` are what it deletes."""
    inside: dict[str, str | bytes] = {"package.xml": manifest(members), **(files or {})}
    if pre:
        inside["destructiveChangesPre.xml"] = manifest(pre)
    if post:
        inside["destructiveChangesPost.xml"] = manifest(post)
    return zipped(inside)


def apex(**classes: str) -> bytes:
    """A package of Apex classes by name."""
    files = {f"classes/{name}.cls": source for name, source in classes.items()}
    files |= {f"classes/{name}.cls-meta.xml": CLASS_META for name in classes}
    return package({"ApexClass": list(classes)}, files)


def metadata(root: str, body: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="http://soap.sforce.com/2006/04/metadata">\n{body}\n</{root}>\n'


@dataclass
class Bench:
    """An org with short ways to use it."""

    org: Org
    clock: MovableClock

    def deploy(self, archive: bytes, **options: object) -> Job:
        """Deploy and wait; what is not said is what a careful client sends."""
        given = DeployOptions(**({"rollback_on_error": True, "single_package": True} | options))  # type: ignore[arg-type]
        job = self.org.deploy(self.org.users[0].id, archive, given)
        return self.org.job(job.id)

    def validate(self, archive: bytes, level: str = "RunLocalTests", **options: object) -> Job:
        return self.deploy(archive, check_only=True, test_level=level, **options)

    def files(self, type_name: str, name: str) -> dict[str, bytes]:
        found = self.org.inventory.get(type_name, name)
        assert found is not None, f"no {type_name} {name}"
        return self.org.inventory.whole_file(found)

    def has(self, type_name: str, name: str) -> bool:
        return self.org.inventory.get(type_name, name) is not None


def row(job: Job, name: str) -> Row:
    assert job.outcome is not None
    return next(each for each in job.outcome.rows if each.name == name)


def problems(job: Job) -> dict[str, str | None]:
    assert job.outcome is not None
    return {each.name: each.problem for each in job.outcome.errors}


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def production(clock: MovableClock) -> Bench:
    return Bench(seeded_org("production", clock, settings=Settings(pace=0.0)), clock)


@pytest.fixture
def sandbox(clock: MovableClock) -> Bench:
    return Bench(seeded_org("sandbox", clock, settings=Settings(pace=0.0)), clock)


@pytest.fixture
def slow(clock: MovableClock) -> Bench:
    """A production org whose jobs take hours, so that the clock decides where they are."""
    return Bench(seeded_org("production", clock, settings=Settings(pace=3600.0)), clock)


@pytest.fixture
def served() -> Iterator[RunningOrg]:
    with running("production", pace=0.0) as org:
        yield org


@pytest.fixture
def session(served: RunningOrg) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {served.access_token}"
        session.trust_env = False
        yield session


Build = Callable[..., bytes]
