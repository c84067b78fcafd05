"""The way back, proven before anybody needs it."""

from __future__ import annotations

from datetime import timedelta

from release_core import arming, releases
from release_core.ports import Ports
from release_core.timeline import Kind
from tests.release_core.builders import (
    MANAGER,
    NOW,
    a_failure,
    a_ready_release,
    a_soaking_release,
    a_started_deployment,
    arm,
    deployment,
    digest_of,
    facts_of,
    intents,
    kinds,
    land,
    last,
    later,
    newest,
    row_id,
)


def test_a_landed_release_is_armed_at_once(ports: Ports) -> None:
    key = a_soaking_release(ports, armed=False)
    attempt = newest(ports, key, "arming")
    assert (attempt.archive_digest, attempt.undoes_id) == (digest_of(b"way back"), row_id(ports, "DEP-2"))
    assert [(i.args, i.lane) for i in intents(ports, "arming")] == [({"deployment": attempt.id}, "org:production")]
    assert facts_of(ports, key).armed(NOW) is None
    arm(ports, key)
    armed = facts_of(ports, key).armed(NOW)
    assert armed is not None
    assert last(ports, key, Kind.ROLLBACK_ARMED).details["until"] == (NOW + timedelta(days=10)).isoformat()


def test_a_way_back_counts_for_ten_days(ports: Ports) -> None:
    key = a_soaking_release(ports)
    now = later(ports, days=10)
    assert facts_of(ports, key).armed(now) is None
    assert facts_of(ports, key).armed(now - timedelta(seconds=1)) is not None


def test_a_way_back_that_fails_its_tests_is_told(ports: Ports) -> None:
    key = a_soaking_release(ports, armed=False)
    arming.finish_arming(ports, newest(ports, key, "arming").id or 0, a_failure(message="expected 10, got 9"))
    told = last(ports, key, Kind.ROLLBACK_NOT_ARMED)
    assert told.details["problem"] == "DiscountTest.gives_ten_percent failed: expected 10, got 9"
    assert facts_of(ports, key).armed(NOW) is None


def test_a_way_back_that_cannot_be_tried_is_told(ports: Ports) -> None:
    key = a_soaking_release(ports, armed=False)
    arming.finish_arming(ports, newest(ports, key, "arming").id or 0, None, "PRODUCTION does not answer.")
    assert last(ports, key, Kind.ROLLBACK_NOT_ARMED).details["problem"] == "PRODUCTION does not answer."


def test_a_result_that_comes_twice_counts_once(ports: Ports) -> None:
    key = a_soaking_release(ports)
    arming.finish_arming(ports, newest(ports, key, "arming").id or 0, None, "PRODUCTION does not answer.")
    assert facts_of(ports, key).armed(NOW) is not None
    assert Kind.ROLLBACK_NOT_ARMED not in kinds(ports, key)


def test_without_a_way_back_nothing_is_armed_and_people_know_why(ports: Ports) -> None:
    key = a_ready_release(ports)
    land(ports, a_started_deployment(ports, key), way_back=False, note="Everything in it is new and cannot be deleted.")
    assert facts_of(ports, key).newest("arming") is None
    told = last(ports, key, Kind.ROLLBACK_NOT_ARMED)
    assert told.details["problem"] == "Everything in it is new and cannot be deleted."


def test_a_later_deployment_has_the_way_back_proven_again(ports: Ports) -> None:
    first = a_soaking_release(ports)
    earlier = newest(ports, first, "arming")
    second = a_ready_release(ports, name="Hotfix")
    land(ports, a_started_deployment(ports, second))
    assert deployment(ports, earlier.key).voided_because == "DEP-5 (REL-2) was deployed after it."
    again = newest(ports, first, "arming")
    assert (again.state, again.undoes_id) == ("requested", earlier.undoes_id)
    assert "It is being proven again" in last(ports, first, Kind.ROLLBACK_NOT_ARMED).details["problem"]
    assert facts_of(ports, first).armed(NOW) is None
    arm(ports, first)
    assert facts_of(ports, first).armed(NOW) is not None


def test_a_closed_release_is_not_armed_again(ports: Ports) -> None:
    first = a_soaking_release(ports)
    releases.close_release(ports, MANAGER, first)
    earlier = newest(ports, first, "arming")
    second = a_ready_release(ports, name="Hotfix")
    land(ports, a_started_deployment(ports, second))
    assert newest(ports, first, "arming").id == earlier.id
