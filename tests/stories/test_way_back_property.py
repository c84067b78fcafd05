"""What was judged "exact" comes back to the byte, whatever releases and people did: random sequences, from a seed.

`ROLLCALL_SEQUENCES=100` plays that many; a failure names its seed, `ROLLCALL_SEED=<seed>` plays that one alone.
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from bot.rehearsal.clock import MovableClock
from bot.rehearsal.org.jobs import Job
from bot.rehearsal.org.manifests import Manifest
from bot.rehearsal.org.org import Org, Settings
from bot.rehearsal.org.requirements import missing
from bot.rehearsal.org.results import DeployOptions
from bot.rehearsal.org.retrieving import RetrieveRequest
from bot.rehearsal.org.seeding import seeded_org
from release_core.comparison import three_way
from release_core.errors import Refused
from release_core.metadata_types import Component
from release_core.packages import Package, footprint, read_package, read_retrieved
from release_core.rollbacks import build_rollback
from release_core.verdicts import Judgement, judge
from tests.stories.random_releases import POOL, VARIANTS, Piece, archive_of, files_of

SEQUENCES = int(os.environ.get("ROLLCALL_SEQUENCES", "1000"))
SEEDS = [int(os.environ["ROLLCALL_SEED"])] if "ROLLCALL_SEED" in os.environ else range(SEQUENCES)
STEPS = 6
_GRANTING = ("Profile", "PermissionSet")  # the platform takes out of them what mentions something that goes
Key = tuple[str, str, str]  # type, name, path
Content = dict[Key, bytes]


@pytest.fixture(scope="module")
def first_day() -> Org:
    """A sandbox on its first day; each sequence plays on a copy."""
    return seeded_org("sandbox", MovableClock(), settings=Settings(pace=0))


@pytest.mark.timeout(1800)
def test_exact_releases_return_the_org_to_the_identical_bytes(first_day: Org) -> None:
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        try:
            seen += Sequence(first_day, seed).play()
        except AssertionError as failure:
            raise AssertionError(f"ROLLCALL_SEED={seed}: {failure}") from failure
    if len(SEEDS) > 1:  # the property must have had its chance
        share = len(SEEDS)
        assert seen["rolled back"] > share
        assert seen["all exact"] > share // 4
        assert seen["exact in a mixed release"] > share // 4
        assert seen["drifted"] > share // 10


@dataclass
class Landed:
    """A deployment that could be undone."""

    package: Package
    snapshot: Package
    judgements: tuple[Judgement, ...]
    created: list[Component] | None
    before: Content
    after: Content = field(default_factory=dict)

    @property
    def is_exact(self) -> bool:
        """Whether everything was judged exact."""
        return all(judgement.verdict == "exact" for judgement in self.judgements)


class Sequence:
    """Deployments, foreign changes, rollbacks, in the order that the seed says."""

    def __init__(self, first_day: Org, seed: int) -> None:
        self.chance = random.Random(seed)
        self.org = Org(first_day.identity, first_day.users, MovableClock(), Settings(pace=0))
        self.org.inventory = first_day.inventory.copy()
        self.landed: list[Landed] = []
        self.seen: Counter[str] = Counter()

    def play(self) -> Counter[str]:
        """Play to the end, then go all the way back; what happened how often."""
        for _ in range(STEPS):
            self.chance.choices((self.deploy, self.meddle, self.go_back), (5, 3, 2))[0]()
        while self.landed:
            self.go_back()
        return self.seen

    # --- what happens

    def deploy(self) -> None:
        """A random release, judged before it goes."""
        archive = self._release()
        package = read_package(archive)
        snapshot, before = self._retrieve(footprint(package)), content(self.org)
        judgements = judge(package, snapshot)
        job = self._deploy(archive)
        if job.status != "Succeeded":
            self.seen["refused"] += 1
            assert content(self.org) == before, "a deployment that failed changed something"
            return
        assert three_way(snapshot, package, self._retrieve(footprint(package))) == (), (
            "drift before anybody did a thing"
        )
        assert job.outcome is not None
        created = [Component(row.type, row.name) for row in job.outcome.rows if row.created]
        flags = created if self.chance.random() < 0.5 else None
        self.landed.append(Landed(package, snapshot, judgements, flags, before, content(self.org)))
        self.seen["deployed"] += 1

    def meddle(self) -> None:
        """Somebody changes or removes something in Setup."""
        touched = [each for each in POOL if self.landed and self.landed[-1].package.holds(each)]
        component = self.chance.choice(touched if touched and self.chance.random() < 0.5 else POOL)
        if component.type in ("Flow", "CustomObject"):
            return
        if "Shop__c" in component.name and not self._there(Component("CustomObject", "Shop__c")):
            return
        by, saved = self.org.users[1].id, self.org.inventory.copy()
        if self._there(component) and self.chance.random() < 0.2:
            self._deploy(archive_of([], self.chance, [component]), by=1)  # Setup asks for the same as a deployment
        else:
            files = files_of([Piece(component, self.chance.randrange(VARIANTS))], self.chance)
            self.org.change(by, component.type, component.name, files)
            if missing(self.org.inventory, self.org.inventory.components[component.type, component.name]):
                self.org.inventory = saved  # nobody can save that
        self.seen["meddled"] += 1

    def go_back(self) -> None:
        """Undo the newest deployment, then see whether what was promised is kept."""
        if not self.landed:
            return
        landed = self.landed.pop()
        now = content(self.org)
        drifted = {drift.component for drift in three_way(landed.snapshot, landed.package, self._live(landed))}
        self._check_drift_is_named(landed, now, drifted)
        leave = drifted if self.chance.random() < 0.5 else set()
        try:
            rollback = build_rollback(landed.package, landed.snapshot, landed.created, leave=leave)
        except Refused:
            status = "Succeeded"
        else:
            job = self._deploy(rollback, going_back=True)
            status = job.status
        since = {key for key in {*now, *landed.after} if now.get(key) != landed.after.get(key)}
        if landed.is_exact and not since:
            assert status == "Succeeded", f"the way back was refused: {_problems(job)}"
        if status != "Succeeded":
            self.seen["way back refused"] += 1
            return
        self._check_promises(landed, since, now, leave)

    # --- what must hold

    def _check_drift_is_named(self, landed: Landed, now: Content, drifted: set[Component]) -> None:
        for component in landed.package.components:
            states = [_of(each, component) for each in (landed.before, landed.after, now)]
            meant = [{path: _meaning(data) for path, data in state.items()} for state in states]
            if meant[2] not in meant[:2] and component.type not in _GRANTING:
                assert component in drifted, f"{component} was changed by somebody, but is not named as drift"
        self.seen["drifted"] += bool(drifted)

    def _check_promises(self, landed: Landed, since: set[Key], now: Content, leave: set[Component]) -> None:
        back = content(self.org)
        for judgement in landed.judgements:
            component = judgement.component
            if judgement.verdict != "exact" or component in leave:
                continue
            wanted = _of(landed.before, component)
            if not any(key[:2] == (component.type, component.name) for key in since):
                assert _of(back, component) == wanted, (
                    f"{judgement} did not come back: {wanted} → {_of(back, component)}"
                )
                self.seen["exact in a mixed release"] += not landed.is_exact
        if landed.is_exact and not leave:
            own = {(each.component.type, each.component.name) for each in landed.judgements}
            others = {key[:2] for key in since}
            differing = [
                key
                for key in sorted({*back, *now, *landed.before})
                if not (key[:2] in others and (key[:2] in own or key[0] in _GRANTING))
                and back.get(key) != (now if key in since else landed.before).get(key)
            ]
            assert not differing, f"all was judged exact, but there remain {differing}; {landed.judgements}"
            self.seen["all exact"] += 1
        self.seen["rolled back"] += 1

    # --- how

    def _release(self) -> bytes:
        chosen = self.chance.sample(POOL, self.chance.randint(1, 6))
        pieces, before, after = [], [], []
        for component in chosen:
            if self._there(component) and component.type not in ("Flow", "RecordType") and self.chance.random() < 0.25:
                (before if self.chance.random() < 0.5 else after).append(component)
            else:
                pieces.append(Piece(component, self.chance.randrange(VARIANTS)))
        shop, layout = Component("CustomObject", "Shop__c"), Component("Layout", "Shop__c-Shop Layout")
        if shop in chosen and not self._there(shop) and layout not in chosen:
            pieces.append(Piece(layout, 0))  # Salesforce makes one by itself, so there is never an object without
        return archive_of(pieces, self.chance, before, after)

    def _there(self, component: Component) -> bool:
        return self.org.inventory.get(component.type, component.name) is not None

    def _live(self, landed: Landed) -> Package:
        return self._retrieve(footprint(landed.package))

    def _retrieve(self, components: Iterable[Component]) -> Package:
        members = tuple((component.type, component.name) for component in components)
        job = self.org.retrieve(self.org.users[0].id, RetrieveRequest(Manifest(members)), "62.0")
        return read_retrieved(self.org.retrieval(job.id).zip or b"")

    def _deploy(self, archive: bytes, *, going_back: bool = False, by: int = 0) -> Job:
        options = DeployOptions(
            rollback_on_error=True, single_package=True, test_level="NoTestRun", ignore_warnings=going_back
        )
        return self.org.job(self.org.deploy(self.org.users[by].id, archive, options).id)


def content(org: Org) -> Content:
    """Every byte the org holds; a file whose last part went (an object's workflow) holds none."""
    components = org.inventory.components.values()
    return {(each.type, each.name, path): data for each in components for path, data in each.files.items() if data}


def _meaning(data: bytes) -> bytes:
    return re.sub(rb">\s+<", b"><", data)


def _of(held: Content, component: Component) -> dict[str, bytes]:
    return {key[2]: data for key, data in held.items() if key[:2] == (component.type, component.name)}


def _problems(job: Job) -> list[str]:
    assert job.outcome is not None
    return [f"{row.type} {row.name}: {row.problem}" for row in job.outcome.rows if row.problem]
