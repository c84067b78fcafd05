"""Choosing the tests of a release, which is part of what approvers say yes to."""

from __future__ import annotations

from collections.abc import Sequence

from release_core.approvals import ask_anew, withdraw_approvals
from release_core.errors import Unclear
from release_core.lookups import find_release, package_of
from release_core.permissions import require
from release_core.policy import Level
from release_core.ports import Ports
from release_core.readiness import must_not_have_gone, settle_state
from release_core.test_plans import (
    ChosenTests,
    by_policy,
    is_same,
    must_be_allowed,
    must_have_classes,
    named,
    planned,
    read_classes,
)
from release_core.timeline import Kind, record


def choose_tests(ports: Ports, actor: str, key: str, level: Level | None, classes: Sequence[str] = ()) -> ChosenTests:
    """Choose a level, None for the policy's own, with classes for RunSpecifiedTests; returns what runs from now on.

    Approvals that were given are withdrawn; a check that ran other tests does not count any more.
    """
    require(ports.policy, actor, "plan")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        must_not_have_gone(session, ports.policy, release, "its tests are settled.", now)
        package = package_of(session, release)
        own = read_classes(classes, package)
        if own and level != "RunSpecifiedTests":
            raise Unclear("Classes are named with RunSpecifiedTests alone; leave them out.", field="classes")
        if level is not None:
            must_be_allowed(ports.policy, release.target_org, level)
            must_have_classes(named(level, own, package), release.key)
        before = planned(release, package, ports.policy, release.target_org)
        after = named(level, own, package) if level else by_policy(package, ports.policy, release.target_org)
        if is_same(before, after):
            return after
        release.test_level, release.run_tests = level or "", own
        session.add(release)
        details = {"tests": str(after), "before": str(before)}
        record(session, Kind.TESTS_CHOSEN, stream=release.key, actor=actor, at=now, details=details)
        because = f"The tests changed: {after} instead of {before}."
        withdraw_approvals(session, release, because, policy=ports.policy, actor=actor, now=now)
        ask_anew(session, ports.policy, release, now)
        settle_state(session, ports.policy, release, now)
        return after
