"""Which tests a rollback runs that is not armed: the fewest that may do first, then more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from release_core.attempts import announce_request, details_of, new_attempt
from release_core.facts import UNDER_WAY, gather
from release_core.lookups import find_deployment, release_of
from release_core.metadata_types import Component, file_of
from release_core.models import Deployment
from release_core.packages import Package, is_test
from release_core.ports import JobStatus, Ports
from release_core.timeline import BOT, Kind, record

WAYS = ("RunSpecifiedTests", "RunRelevantTests", "RunLocalTests")
"""The test levels in the order in which they are tried."""
LEVEL_REFUSED = frozenset(("INVALID_OPERATION", "INVALID_TEST_LEVEL", "UNKNOWN_TEST_LEVEL"))
"""Codes with which an org refuses a test level as such, before anything has begun."""

_NOT_CODE = re.compile(r"/\*.*?\*/|//[^\n]*|'(?:\\.|[^'\\\n])*'", re.DOTALL)
_TRIGGER_ON = re.compile(r"\btrigger\s+\w+\s+on\s+(\w+)", re.IGNORECASE)


def mentioning_tests(back: Package, package: Package, snapshot: Package) -> tuple[str, ...]:
    """The test classes that mention the Apex which `back` restores; () unless each class and trigger is mentioned.

    `package` is what was deployed, `snapshot` what was there before: together with `back` they hold the tests that
    will be there. A trigger counts as mentioned with the object that it is on, too.
    """
    tests = _tests_there(back, package, snapshot)
    words = {name: {word.lower() for word in re.findall(r"\w+", source)} for name, source in tests.items()}
    chosen: set[str] = set()
    for component in back.components:
        if component.type not in ("ApexClass", "ApexTrigger") or component.name in tests:
            continue
        names = set(_names_of(component, back))
        mentioning = {test for test, said in words.items() if names & said}
        if not mentioning:
            return ()
        chosen |= mentioning
    return tuple(sorted(chosen))


def next_way(tried: Sequence[str], tests: Sequence[str]) -> str:
    """The test level to try next, "" when there is none left; named tests are a way only where there are some."""
    return next((way for way in WAYS if way not in tried and (way != "RunSpecifiedTests" or tests)), "")


def refused_for_tests(status: JobStatus) -> bool:
    """Whether an org refused a job for which tests ran or what they covered, with nothing wrong with what it brings."""
    if status.success or status.test_failures or any(not outcome.success for outcome in status.outcomes):
        return False
    said = f"{status.error_code} {status.error_message}".lower()
    return bool(status.coverage_warnings) or "coverage" in said or status.error_code in LEVEL_REFUSED


def tried_before(ports: Ports, deployment_id: int) -> list[str]:
    """The test levels that were tried on this way back and did not do."""
    with ports.store.reading() as session:
        return list(find_deployment(session, deployment_id).result.get("tried", []))


def take_proof(ports: Ports, deployment_id: int) -> None:
    """A rollback that waited in the org's queue while its way back was being proven goes by that proof."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        rollback = find_deployment(session, deployment_id)
        if rollback.state not in UNDER_WAY or rollback.job_id or rollback.validated_job_id or rollback.test_level:
            return
        facts = gather(session, ports.policy, release_of(session, rollback))
        armed = facts.armed(now, rollback.org, leave=rollback.leave)
        if armed and armed.undoes_id == rollback.undoes_id:
            rollback.validated_job_id, rollback.archive_digest = armed.job_id, armed.archive_digest
            session.add(rollback)


def take_way(ports: Ports, deployment_id: int, level: str, tests: Sequence[str], *, because: str = "") -> None:
    """A rollback goes the long way: a deployment with the tests of a level. `because` says why not another one."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        rollback = find_deployment(session, deployment_id)
        if rollback.state not in UNDER_WAY or rollback.job_id or rollback.test_level == level:
            return
        rollback.test_level, rollback.validated_job_id = level, ""
        rollback.run_tests = list(tests) if level == "RunSpecifiedTests" else []
        session.add(rollback)
        details = details_of(rollback, level=level, tests=rollback.run_tests, because=because)
        record(session, Kind.ROLLBACK_WAY, stream=release_of(session, rollback).key, actor=BOT, at=now, details=details)


def note_refused_way(ports: Ports, deployment_id: int) -> bool:
    """The org refused the test level that was chosen last; returns whether there is another way."""
    with ports.store.transaction() as session:
        rollback = find_deployment(session, deployment_id)
        tried = list(dict.fromkeys([*rollback.result.get("tried", []), rollback.test_level]))
        rollback.result = {**rollback.result, "tried": tried}
        session.add(rollback)
        return bool(next_way(tried, ()))


def try_next_way(session: Session, rollback: Deployment, status: JobStatus, now: datetime) -> bool:
    """Whether a rollback that failed for its tests alone is tried with more of them, as an attempt of its own."""
    tried = [*rollback.result.get("tried", []), rollback.test_level]
    if not rollback.test_level or not refused_for_tests(status) or not next_way(tried, ()):
        return False
    release = release_of(session, rollback)
    following = new_attempt(
        session, release, purpose="rollback", org=rollback.org, actor=rollback.requested_by, now=now
    )
    for name in ("archive_digest", "undoes_id", "package_id", "incident_id", "leave"):
        setattr(following, name, getattr(rollback, name))
    kept = ("overwrite", "confirmed_by", "request")
    following.result = {name: rollback.result[name] for name in kept if name in rollback.result} | {"tried": tried}
    details = details_of(rollback, problem=rollback.problem, next=following.key)
    record(session, Kind.ROLLBACK_WAY, stream=release.key, actor=BOT, at=now, details=details)
    announce_request(session, Kind.ROLLBACK_STARTED, release, following)
    return True


def _tests_there(back: Package, package: Package, snapshot: Package) -> Mapping[str, str]:
    """Name -> source, without comments and strings, of the test classes that the org holds after going back."""
    found: dict[str, str] = {}
    gone = set(back.deletions)
    for held in (snapshot, package, back):  # what is restored counts last
        for component in held.components:
            if component.type == "ApexClass" and component not in gone:
                source = held.files.get(file_of(component), b"").decode("utf-8", "replace")
                if is_test(source):
                    found[component.name] = _NOT_CODE.sub(" ", source)
    return found


def _names_of(component: Component, back: Package) -> Iterator[str]:
    yield component.name.lower()
    if component.type == "ApexTrigger":
        source = back.files.get(file_of(component), b"").decode("utf-8", "replace")
        yield from (name.lower() for name in _TRIGGER_ON.findall(_NOT_CODE.sub(" ", source))[:1])
