"""The long way, with tests inside the window, is chosen by a person."""

from __future__ import annotations

import pytest

from release_core import deployments, strategies, validations
from release_core.errors import Conflict, NotAllowed, Refused, Unclear
from release_core.ports import Ports
from tests.release_core.builders import (
    DEVELOPER,
    MANAGER,
    PRODUCTION,
    a_package,
    a_ready_release,
    a_release,
    a_soaking_release,
    approve,
    blocked_by,
    deployment,
    gate,
    kinds,
    last,
    newest,
    release,
)
from tests.release_core.staged import a_staged_release, staged_ports


def test_another_way_is_approved_anew_and_told_with_who_chose_it_and_why(ports: Ports) -> None:
    key = a_ready_release(ports)
    strategies.choose_strategy(ports, MANAGER, key, "full", "the check was used up")
    assert release(ports, key).strategy == "full"
    chosen = last(ports, key, "strategy_chosen")
    assert (chosen.actor, chosen.details) == (
        MANAGER,
        {"was": "validate_then_quick", "strategy": "full", "reason": "the check was used up"},
    )
    assert blocked_by(ports, key) == {"approval_withdrawn"}
    approve(ports, key)
    attempt = deployments.request_deployment(ports, MANAGER, key)
    assert deployment(ports, attempt).validated_job_id == "", "it runs its tests itself"


def test_a_void_validation_holds_a_quick_deploy_until_a_person_chooses_the_long_way(ports: Ports) -> None:
    key = a_ready_release(ports)
    job = newest(ports, key, "validation").job_id
    validations.void(ports, PRODUCTION, job, "Somebody deployed after it.")
    assert blocked_by(ports, key) == {"validation_void"}
    with pytest.raises(deployments.NotReady):
        deployments.request_deployment(ports, MANAGER, key)
    strategies.choose_strategy(ports, MANAGER, key, "full", "no time for another check")
    approve(ports, key)
    assert blocked_by(ports, key) == set()
    assert gate(ports, key, "validated_once").because.endswith(
        "passed once in PRODUCTION; its tests run again inside the window."
    )


def test_a_full_deploy_still_needs_this_package_to_have_passed_once(ports: Ports) -> None:
    key = a_ready_release(ports, strategy="full")
    assert blocked_by(ports, key) == set()
    a_package(ports, key, words="another")
    assert "validated_another" in blocked_by(ports, key)


def test_only_who_plans_chooses_with_a_reason_what_is_not_chosen_already(ports: Ports) -> None:
    key = a_release(ports)
    with pytest.raises(NotAllowed):
        strategies.choose_strategy(ports, DEVELOPER, key, "full", "no time")
    with pytest.raises(Unclear, match="Say why"):
        strategies.choose_strategy(ports, MANAGER, key, "full", "")
    with pytest.raises(Conflict, match="goes by a quick deploy of what was validated already"):
        strategies.choose_strategy(ports, MANAGER, key, "validate_then_quick", "no time")
    with pytest.raises(Refused, match="its orgs were planned with it"):
        strategies.choose_strategy(ports, MANAGER, key, "staged", "three orgs")
    assert "strategy_chosen" not in kinds(ports, key)


def test_a_staged_release_keeps_its_way() -> None:
    ports = staged_ports()
    key = a_staged_release(ports)
    with pytest.raises(Refused, match="its orgs were planned with it"):
        strategies.choose_strategy(ports, MANAGER, key, "full", "no time")


def test_what_is_live_has_gone_its_way(ports: Ports) -> None:
    key = a_soaking_release(ports)
    with pytest.raises(Refused, match="how it goes is settled"):
        strategies.choose_strategy(ports, MANAGER, key, "full", "no time")
