"""An attempt whose answer was lost, and the person who looks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from release_core import attempts, clarifying, deployments, releases
from release_core.errors import NotAllowed, Refused, Unclear
from release_core.ports import Ports
from tests.release_core.builders import (
    DEVELOPER,
    MANAGER,
    a_ready_release,
    a_success,
    blocked_by,
    deployment,
    gate,
    intents,
    kinds,
    newest,
    release,
    row_id,
)

JOB = "0Af5g00000AbCdEFGH"


def a_lost_deployment(ports: Ports) -> tuple[str, int]:
    """A release whose deployment may or may not be in the org."""
    key = a_ready_release(ports)
    attempt = row_id(ports, deployments.request_deployment(ports, MANAGER, key))
    attempts.note_asking(ports, attempt, "deploying")
    attempts.note_unknown(ports, attempt, "The connection broke after the package was sent.")
    return key, attempt


def test_what_nobody_knows_about_keeps_the_gate_closed_until_somebody_looks(ports: Ports) -> None:
    key, attempt = a_lost_deployment(ports)
    closed = gate(ports, key, "outcome_unknown")
    assert not closed.passes
    assert MANAGER in closed.who
    assert f"/release clarify {key}" in closed.way_out
    clarifying.clarify(ports, MANAGER, key, found="never_arrived", note="no such job at 21:40")
    assert "outcome_unknown" not in blocked_by(ports, key)
    assert deployment(ports, attempt).state == "failed"
    assert kinds(ports, key)[-1] == "deployment_clarified"


def test_a_job_that_is_there_is_followed_to_its_end(ports: Ports) -> None:
    key, attempt = a_lost_deployment(ports)
    clarifying.clarify(ports, MANAGER, key, found="arrived", job_id=JOB, note="it runs since 21:38")
    assert deployment(ports, attempt).job_id == JOB
    assert release(ports, key).state == "deploying"
    assert [intent.args["deployment"] for intent in intents(ports, "clarified")] == [attempt]
    deployments.finish_deployment(ports, attempt, a_success())
    assert deployment(ports, attempt).state == "verifying"


@pytest.mark.parametrize("job", ["", "0Af", "DEP-6", "09S5g00000AbCdEFGH"])
def test_a_job_without_its_id_cannot_be_followed(ports: Ports, job: str) -> None:
    key, _ = a_lost_deployment(ports)
    with pytest.raises(Unclear) as unclear:
        clarifying.clarify(ports, MANAGER, key, found="arrived", job_id=job, note="it is there")
    assert unclear.value.field == "job"


def test_what_was_seen_has_to_be_said(ports: Ports) -> None:
    key, _ = a_lost_deployment(ports)
    with pytest.raises(Unclear):
        clarifying.clarify(ports, MANAGER, key, found="never_arrived", note=" ")


def test_only_who_may_deploy_clarifies(ports: Ports) -> None:
    key, _ = a_lost_deployment(ports)
    with pytest.raises(NotAllowed):
        clarifying.clarify(ports, DEVELOPER, key, found="never_arrived", note="not there")


def test_what_is_known_needs_no_clarifying(ports: Ports) -> None:
    key = a_ready_release(ports)
    with pytest.raises(Refused) as refused:
        clarifying.clarify(ports, MANAGER, key, found="never_arrived", note="not there")
    assert refused.value.code == "nothing_unknown"


def test_an_attempt_may_be_lost_and_found_twice(ports: Ports) -> None:
    key, attempt = a_lost_deployment(ports)
    for _ in range(2):
        clarifying.clarify(ports, MANAGER, key, found="arrived", job_id=JOB, note="it is there")
        attempts.note_unknown(ports, attempt, "The org does not know this job.")
    assert [intent.args["deployment"] for intent in intents(ports, "clarified")] == [attempt, attempt]


def test_the_job_of_another_attempt_is_not_taken_for_the_lost_one(ports: Ports) -> None:
    key, attempt = a_lost_deployment(ports)
    earlier = newest(ports, key, "validation")
    with ports.store.transaction() as session:
        session.merge(earlier).job_id = JOB
    with pytest.raises(Unclear) as unclear:
        clarifying.clarify(ports, MANAGER, key, found="arrived", job_id=JOB[:15], note="it is there")
    assert unclear.value.field == "job"
    assert deployment(ports, attempt).state == "unknown"


def test_a_release_that_may_be_in_its_org_is_not_given_up(ports: Ports) -> None:
    key, _ = a_lost_deployment(ports)
    with pytest.raises(Refused) as refused:
        releases.cancel_release(ports, MANAGER, key, "not needed any more")
    assert refused.value.code == "outcome_unknown"


def test_a_check_only_job_is_not_taken_for_a_deployment(ports: Ports) -> None:
    key, attempt = a_lost_deployment(ports)
    clarifying.clarify(ports, MANAGER, key, found="arrived", job_id=JOB, note="it is there")
    deployments.finish_deployment(ports, attempt, replace(a_success(), check_only=True))
    assert deployment(ports, attempt).state == "unknown"
    assert "check-only" in deployment(ports, attempt).problem
    assert release(ports, key).state == "planned"
