"""A release that goes through UAT, EMEA and PRODUCTION."""

from __future__ import annotations

from datetime import timedelta

from release_core import releases, scheduling, stages
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.windows import Interval
from tests.release_core import builders
from tests.release_core.builders import MANAGER, PRODUCTION, UAT

EMEA = "emea"
PATH = [UAT, EMEA, PRODUCTION]
_LOGIN = builders._LOGIN


def a_staged_policy(**changes: object) -> Policy:
    """The usual company with one org more, in which releases are watched for a shorter time."""
    orgs = {
        UAT: {"title": "UAT", "kind": "sandbox", "login": _LOGIN, "soak": "1h"},
        EMEA: {"title": "EMEA", "kind": "production", "login": _LOGIN},
        PRODUCTION: {"title": "PRODUCTION", "kind": "production", "login": _LOGIN},
    }
    return builders.a_policy(**{"orgs": orgs, "paths": {"all-the-way": PATH}, **changes})


def staged_ports(**changes: object) -> Ports:
    """Everything an action needs in that company."""
    return builders.ports(policy=a_staged_policy(**changes))


def a_staged_release(ports: Ports, *, path: str = "all-the-way", orgs: tuple[str, ...] = ()) -> str:
    """A release planned along a path; its key."""
    plan = releases.Plan("Autumn release", "", "standard", MANAGER, strategy="staged", path=path, orgs=orgs)
    return releases.plan_release(ports, MANAGER, plan)


def book(ports: Ports, key: str, hours: float = 2) -> None:
    """A window that is open now."""
    now = ports.clock.now()
    scheduling.set_window(ports, MANAGER, key, Interval(now, now + timedelta(hours=hours)))


def make_ready(ports: Ports, key: str) -> None:
    """Everything that the org which is next asks for."""
    book(ports, key)
    package = builders.facts_of(ports, key).package
    if package and package.compared_at is None:
        builders.note_comparison(ports, package.id or 0)
    builders.a_passed_validation(ports, key, org=builders.release(ports, key).target_org)
    builders.settle_checklist(ports, key)
    if not builders.facts_of(ports, key).approvals:
        builders.approve(ports, key)


def a_ready_staged_release(ports: Ports) -> str:
    """A release that may go to the first org of its path now; its key."""
    key = a_staged_release(ports)
    builders.a_package(ports, key)
    make_ready(ports, key)
    return key


def land_stage(ports: Ports, key: str) -> None:
    """The org that is next has it, with its way back armed."""
    builders.land(ports, builders.a_started_deployment(ports, key))
    builders.arm(ports, key)


def soak(ports: Ports, key: str) -> str:
    """Time passes until the soak of the org it is in is over; returns the org that is next."""
    org = builders.release(ports, key).target_org
    builders.go_to(ports, ports.clock.now() + ports.policy.soak_of(org))
    return stages.move_on(ports, key)
