"""What may be asked for has its files: one rule says what can be undone and what is kept."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import select

from release_core import attempts, deployments, org_locks, releases
from release_core.errors import Refused, ReleaseError
from release_core.models import Deployment, Release
from release_core.ports import Ports
from release_core.retention import unneeded
from release_core.rollback_outcomes import finish_rollback
from release_core.rollback_requests import ask_rollback, decide_rollback, must_be_undoable
from release_core.scheduling import set_window
from release_core.windows import Interval
from tests.release_core import builders, staged
from tests.release_core.builders import (
    ADMINISTRATOR,
    MANAGER,
    SECOND_MANAGER,
    a_success,
    facts_of,
    later,
    newest,
    note_returned,
)

SEQUENCES, STEPS = 16, 14


class Story:
    """A company whose releases go in and out at random; every file is one of its own."""

    def __init__(self, seed: int) -> None:
        self.ports = staged.staged_ports()
        self.chance = random.Random(seed)
        self.keys: list[str] = []

    def step(self) -> None:
        """One thing happens; what a rule refuses does not."""
        happens: list[Callable[[], object]] = [
            self.plan, self.plan, self.deploy, self.deploy, self.deploy, self.go_back, self.go_back, self.end, self.wait
        ]  # fmt: skip
        try:
            self.chance.choice(happens)()
        except ReleaseError:
            later(self.ports, hours=1)

    def plan(self) -> None:
        along = self.chance.random() < 0.5
        key = staged.a_staged_release(self.ports) if along else builders.a_release(self.ports)
        self.keys.append(key)
        self.keep(f"package {key}")
        builders.a_package(self.ports, key, words=f"package {key}")

    def deploy(self) -> None:
        """A release goes into the org that is next, past every gate."""
        key = self.some()
        for lock in (staged.UAT, staged.EMEA, staged.PRODUCTION):
            with contextlib.suppress(Refused):
                org_locks.unlock_org(self.ports, ADMINISTRATOR, lock, "the cause is found")
        if builders.release(self.ports, key).state == "soaking":
            staged.soak(self.ports, key)
        now = self.ports.clock.now()
        set_window(self.ports, MANAGER, key, Interval(now, now + timedelta(hours=2)))
        staged.make_ready(self.ports, key)
        attempt = builders.row_id(self.ports, deployments.request_deployment(self.ports, MANAGER, key))
        deployments.note_snapshot(self.ports, attempt, self.keep(f"before {attempt}"))
        attempts.note_asking(self.ports, attempt, "deploying")
        attempts.note_job(self.ports, attempt, f"0AfD{attempt}")
        deployments.finish_deployment(self.ports, attempt, a_success())
        way_back = self.keep(f"way back {attempt}")
        deployments.note_verified(self.ports, attempt, differences=(), rollback_digest=way_back, note="")

    def go_back(self) -> None:
        """Back, or forward again."""
        key = self.some()
        org = self.chance.choice([None, staged.UAT, staged.EMEA, staged.PRODUCTION])
        request = ask_rollback(self.ports, MANAGER, key, "it broke", org=org)
        decide_rollback(self.ports, SECOND_MANAGER, request, yes=True)
        attempt = newest(self.ports, key, "rollback").id or 0
        if self.chance.random() < 0.2:
            return  # it takes long
        deployments.note_snapshot(self.ports, attempt, self.keep(f"before {attempt}"))
        finish_rollback(self.ports, attempt, a_success())
        note_returned(self.ports, attempt, [], undo_digest=self.keep(f"forward {attempt}"))

    def end(self) -> None:
        key = self.some()
        if self.chance.random() < 0.5:
            releases.close_release(self.ports, MANAGER, key)
        else:
            releases.cancel_release(self.ports, MANAGER, key, "not needed")

    def wait(self) -> None:
        later(self.ports, days=self.chance.choice([1, 40, 200, 500]))

    def some(self) -> str:
        if not self.keys:
            self.plan()
        return self.chance.choice(self.keys)

    def keep(self, words: str) -> str:
        return self.ports.artifacts.save(words.encode())

    # What is asked of it

    def gone(self) -> set[str]:
        with self.ports.store.reading() as session:
            kept = self.ports.artifacts.kept()
            return {file.digest for file in unneeded(session, self.ports.policy, kept, self.ports.clock.now()).files}

    def may_be_asked(self) -> list[Deployment]:
        """Every deployment and rollback that somebody could ask to undo now."""
        found = []
        for key in self.keys:
            for org in (None, staged.UAT, staged.EMEA, staged.PRODUCTION):
                with self.ports.store.reading() as session:
                    row = session.exec(select(Release).where(Release.key == key)).one()
                    try:
                        found.append(must_be_undoable(session, self.ports, row, org))
                    except ReleaseError:
                        continue
        return found

    def goes_on(self) -> list[Deployment]:
        """Rollbacks under way, with what they undo."""
        every = [d for key in self.keys for d in facts_of(self.ports, key).deployments]
        under_way = [d for d in every if d.purpose == "rollback" and d.state == "requested"]
        return [*under_way, *(d for d in every if d.id in {one.undoes_id for one in under_way})]


def test_whatever_may_be_asked_for_or_goes_on_has_its_files() -> None:
    asked, deleted, undos = 0, 0, 0
    for seed in range(SEQUENCES):
        story = Story(seed)
        for _ in range(STEPS):
            story.step()
            gone, may = story.gone(), story.may_be_asked()
            for one in (*may, *story.goes_on()):
                needed = {one.archive_digest, one.snapshot_digest, one.rollback_digest}
                assert not needed & gone, f"seed {seed}: {one.key} ({one.purpose}) would miss a file"
            asked, deleted = asked + len(may), deleted + len(gone)
            undos += sum(one.purpose == "rollback" for one in may)
    assert min(asked, deleted, undos) > 20, "each of them came often enough to tell something"


def test_an_undo_keeps_its_files_as_long_as_nothing_else_came_into_the_org(ports: Ports) -> None:
    key = taken_back(ports)
    later(ports, days=4000)
    assert gone(ports) == set()
    assert ask_rollback(ports, MANAGER, key, "it was fine")


def test_what_is_over_for_long_is_not_asked_for_once_something_else_came_into_the_org(ports: Ports) -> None:
    key = taken_back(ports)
    org_locks.unlock_org(ports, ADMINISTRATOR, builders.PRODUCTION, "the cause is found")
    builders.a_soaking_release(ports, name="Winter release")
    later(ports, days=179)
    assert gone(ports) == set()
    later(ports, days=1)
    assert gone(ports) != set()
    with pytest.raises(Refused, match="over for more than 180 days, and another release came to PRODUCTION since"):
        ask_rollback(ports, MANAGER, key, "it was fine")


def taken_back(ports: Ports) -> str:
    """A release that was rolled back, with the files to bring it back."""
    key = builders.a_soaking_release(ports)
    request = ask_rollback(ports, MANAGER, key, "it broke")
    decide_rollback(ports, SECOND_MANAGER, request, yes=True)
    attempt = newest(ports, key, "rollback").id or 0
    for words in (b"live", b"forward"):
        ports.artifacts.save(words)
    deployments.note_snapshot(ports, attempt, builders.digest_of(b"live"))
    finish_rollback(ports, attempt, a_success())
    note_returned(ports, attempt, [], undo_digest=builders.digest_of(b"forward"))
    return key


def gone(ports: Ports) -> set[str]:
    with ports.store.reading() as session:
        found = unneeded(session, ports.policy, ports.artifacts.kept(), ports.clock.now())
        return {file.digest for file in found.files}
