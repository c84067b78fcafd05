"""An org's budget of API calls, as a release's people hear of it."""

from __future__ import annotations

from release_core import org_calls
from release_core.ports import Ports
from release_core.timeline import Kind
from tests.release_core.builders import a_ready_release, a_started_deployment, kinds, land, later, newest


def test_a_low_budget_is_told_once_a_day_however_many_attempts_follow(ports: Ports) -> None:
    key = a_ready_release(ports)
    deployment = a_started_deployment(ports, key)
    org_calls.note_usage(ports, deployment, (950, 1000))
    land(ports, deployment)
    proof = newest(ports, key, "arming").id or 0
    org_calls.note_usage(ports, proof, (960, 1000))
    assert kinds(ports, key).count(Kind.API_BUDGET_LOW) == 1
    assert newest(ports, key, "arming").progress["usage"] == [960, 1000], "the card still says what is left"
    later(ports, days=1)
    with ports.store.transaction() as session:
        again = newest(ports, key, "arming")
        again.progress = {}
        session.merge(again)
    org_calls.note_usage(ports, proof, (970, 1000))
    assert kinds(ports, key).count(Kind.API_BUDGET_LOW) == 2
