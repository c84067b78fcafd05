"""A release whose org the policy does not name any more."""

from __future__ import annotations

from dataclasses import replace

from handlers.conversation import Actor, Message, Request
from handlers.desk import Desk
from release_core.ports import Ports
from tests.release_core.builders import MANAGER, a_policy, a_ready_release, all_gates, blocked_by, ports


def without_production(known: Ports) -> Ports:
    """The same facts under a policy that has lost an org."""
    policy = known.policy
    orgs = {key: rule.model_copy(update={"validate_first": ()}) for key, rule in policy.orgs.items()}
    left = {key: rule for key, rule in orgs.items() if rule.kind == "sandbox"}
    return replace(known, policy=policy.model_copy(update={"orgs": left, "windows": ()}))


def test_it_may_not_go_and_everybody_can_still_look_at_it() -> None:
    known = ports(policy=a_policy())
    key = a_ready_release(known)
    assert not blocked_by(known, key)
    lost = without_production(known)
    assert "org_unknown" in blocked_by(lost, key)
    gate = next(gate for gate in all_gates(lost, key) if gate.code == "org_unknown")
    assert "does not name the org" in gate.because
    desk = Desk(lost, lambda: None)
    for verb in ("release_status", "release_why", "release_package", "release_list", "release_calendar"):
        said = desk.answer(Request(verb, Actor(MANAGER), args={"release": key}))
        assert isinstance(said, Message)
    assert desk.home(Actor(MANAGER)).parts
