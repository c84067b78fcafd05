"""An org closed to releases until a named person opens it."""

from __future__ import annotations

import pytest

from release_core import org_locks
from release_core.errors import Conflict, NotAllowed, NotFound, Refused, Unclear
from release_core.ports import Ports
from release_core.timeline import Kind
from tests.release_core.builders import (
    ADMINISTRATOR,
    DEVELOPER,
    MANAGER,
    SECOND_MANAGER,
    a_ready_release,
    blocked_by,
    kinds,
    last,
    release,
)


def test_a_lock_has_a_reason_and_a_name(ports: Ports) -> None:
    assert org_locks.lock_org(ports, ADMINISTRATOR, "Production", " the audit is here ") == "production"
    locked = last(ports, org_locks.stream_of("production"), Kind.ORG_LOCKED)
    assert (locked.actor, locked.details["reason"]) == (ADMINISTRATOR, "the audit is here")


def test_an_org_is_locked_once(ports: Ports) -> None:
    org_locks.lock_org(ports, ADMINISTRATOR, "production", "the audit is here")
    with pytest.raises(Conflict, match="PRODUCTION is already locked: the audit is here"):
        org_locks.lock_org(ports, MANAGER, "production", "we are moving")


def test_unlocking_opens_the_way_and_says_why(ports: Ports) -> None:
    key = a_ready_release(ports)
    org_locks.lock_org(ports, ADMINISTRATOR, "production", "the audit is here")
    assert blocked_by(ports, key) == {"org_locked"}
    org_locks.unlock_org(ports, MANAGER, "production", "the audit has left")
    assert blocked_by(ports, key) == set()
    assert release(ports, key).state == "ready"
    unlocked = last(ports, org_locks.stream_of("production"), Kind.ORG_UNLOCKED)
    assert unlocked.details == {"org": "production", "reason": "the audit has left", "was": "the audit is here"}


def test_an_open_org_is_not_unlocked(ports: Ports) -> None:
    with pytest.raises(Refused, match="PRODUCTION is not locked") as refused:
        org_locks.unlock_org(ports, MANAGER, "production", "just to be sure")
    assert refused.value.code == "not_locked"


def test_a_lock_elsewhere_stops_nobody_here(ports: Ports) -> None:
    key = a_ready_release(ports)
    org_locks.lock_org(ports, ADMINISTRATOR, "uat", "it is being refreshed")
    assert blocked_by(ports, key) == set()


def test_both_ways_need_a_reason_an_org_and_the_right(ports: Ports) -> None:
    with pytest.raises(Unclear, match="Say why the org is locked"):
        org_locks.lock_org(ports, MANAGER, "production", "")
    with pytest.raises(Unclear, match="Say why it is safe to unlock"):
        org_locks.unlock_org(ports, MANAGER, "production", "ok")
    with pytest.raises(NotFound, match="There is no org “staging”"):
        org_locks.lock_org(ports, MANAGER, "staging", "the audit is here")
    with pytest.raises(NotAllowed, match="You may not lock or unlock an org here") as refused:
        org_locks.lock_org(ports, DEVELOPER, "production", "the audit is here")
    assert refused.value.who_may == (MANAGER, SECOND_MANAGER, ADMINISTRATOR)
    assert kinds(ports, org_locks.stream_of("production")) == []
