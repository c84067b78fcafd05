"""What else goes on in the org, as a gate: each answer with its age."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from release_core import org_readings
from release_core.ports import Ports
from tests.release_core import builders
from tests.release_core.builders import NOW, PRODUCTION, a_policy, a_ready_release, a_release, later

CALM: dict[str, Any] = {"jobs": [], "changes": [], "limits": {"DailyApiRequests": [15000, 14000]}}


@pytest.fixture
def ports() -> Ports:
    return builders.ports()


def told(ports: Ports, **found: Any) -> None:
    """Production told this now."""
    with ports.store.reading() as session:
        since = org_readings.changes_wanted_since(session, PRODUCTION)
    org_readings.note_reading(ports, PRODUCTION, {**CALM, **found}, since)


def gate(ports: Ports, key: str, code: str) -> Any:
    return next((one for one in builders.all_gates(ports, key) if one.code == code), None)


def test_what_is_not_known_is_said_and_holds_nobody(ports: Ports) -> None:
    key = a_ready_release(ports)
    found = gate(ports, key, "org_not_asked")
    assert found.passes
    assert "is not known yet; it is asked before the start" in found.because


def test_without_a_package_there_is_nothing_to_ask(ports: Ports) -> None:
    assert gate(ports, a_release(ports), "org_not_asked") is None


def test_a_calm_org_is_told_with_the_moment_it_was_asked(ports: Ports) -> None:
    key = a_ready_release(ports)
    told(ports)
    found = gate(ports, key, "apex_jobs")
    assert found.passes
    assert found.because == "No Apex job in PRODUCTION uses what is replaced (asked {0})."
    assert found.instants == (NOW,)
    assert builders.blocked_by(ports, key) == set()


def test_a_job_on_a_class_that_is_replaced_holds_it(ports: Ports) -> None:
    key = a_ready_release(ports)
    told(ports, jobs=[["Discount", "ScheduledApex", "Queued", ""], ["Other", "BatchApex", "Queued", ""]])
    found = gate(ports, key, "apex_jobs")
    assert not found.passes
    assert "wait or run with Discount, which is replaced" in found.because
    assert found.who == ("UADMIN",)
    assert "Scheduled Jobs" in found.way_out
    assert builders.release(ports, key).state == "ready", "it opens again without anybody of ours"


def test_jobs_on_other_classes_hold_nothing(ports: Ports) -> None:
    key = a_ready_release(ports)
    told(ports, jobs=[["Other", "BatchApex", "Queued", ""]])
    assert gate(ports, key, "apex_jobs").passes


def test_an_org_that_replaces_classes_of_pending_jobs_is_only_told_of() -> None:
    ports = builders.ports(policy=a_policy(apex_jobs="tell"))
    key = a_ready_release(ports)
    told(ports, jobs=[["Discount", "BatchApex", "Processing", ""]])
    assert gate(ports, key, "apex_jobs").passes
    assert "Discount" in gate(ports, key, "apex_jobs").because


@pytest.mark.parametrize(("rule", "passes"), [("tell", True), ("block", False)])
def test_what_others_changed_since_the_validation_is_named(rule: str, passes: bool) -> None:
    ports = builders.ports(policy=a_policy(drift=rule))
    key = a_ready_release(ports)
    before, after = (NOW - timedelta(hours=1)).isoformat(), (NOW + timedelta(minutes=5)).isoformat()
    later(ports, minutes=10)
    told(
        ports,
        changes=[[before, "early@acme.example", "Earlier"], [after, "mei@acme.example", "Changed {0} field Tier"]],
    )
    found = gate(ports, key, "drift")
    assert found.passes is passes
    assert "mei@acme.example changed the setup of PRODUCTION once" in found.because
    assert found.because.endswith("Last: Changed (0) field Tier"), "somebody's braces are no instants of ours"
    assert found.way_out == f"/release validate {key}"


def test_what_was_asked_before_the_validation_says_nothing_of_what_came_after_it(ports: Ports) -> None:
    key = a_ready_release(ports)
    since = NOW - timedelta(hours=1)
    org_readings.note_reading(ports, PRODUCTION, CALM, since)
    assert gate(ports, key, "drift") is None, "asked at the very moment at which it passed"
    later(ports, minutes=1)
    org_readings.note_reading(ports, PRODUCTION, CALM, since)
    assert gate(ports, key, "drift").passes


def test_too_few_api_calls_hold_it(ports: Ports) -> None:
    key = a_ready_release(ports)
    told(ports, limits={"DailyApiRequests": [15000, 149]})
    found = gate(ports, key, "api_calls")
    assert not found.passes
    assert "149 of 15,000 API calls left" in found.because
    told(ports, limits={"DailyApiRequests": [15000, 150]})
    assert gate(ports, key, "api_calls").passes


def test_storage_that_is_almost_full_is_told(ports: Ports) -> None:
    key = a_ready_release(ports)
    told(ports, limits={"DataStorageMB": [1000, 19], "FileStorageMB": [1000, 20]})
    assert "The data storage of PRODUCTION is almost full: 19 MB left" in gate(ports, key, "storage").because


def test_an_old_answer_says_that_it_is_old_and_holds_nobody(ports: Ports) -> None:
    key = a_ready_release(ports)
    told(ports, jobs=[["Discount", "BatchApex", "Queued", ""]])
    later(ports, minutes=89)
    assert "apex_jobs" in builders.blocked_by(ports, key)
    later(ports, minutes=1)
    assert "apex_jobs" not in builders.blocked_by(ports, key)
    found = gate(ports, key, "org_reading_old")
    assert found.passes
    assert found.instants == (NOW,)
    org_readings.note_unread(ports, PRODUCTION, "PRODUCTION cannot be reached.")
    assert "The last try failed: PRODUCTION cannot be reached." in gate(ports, key, "org_reading_old").because


@pytest.mark.parametrize(("opens_in", "minutes"), [(24, 60), (4.5, 60), (2, 10)])
def test_an_org_is_asked_again_after_an_hour_and_sooner_when_a_window_is_near(
    ports: Ports, opens_in: float, minutes: int
) -> None:
    a_release(ports, window=builders.a_window(opens_in))
    assert org_readings.is_due(ports, PRODUCTION)
    told(ports)
    later(ports, minutes=minutes - 1)
    assert not org_readings.is_due(ports, PRODUCTION)
    later(ports, minutes=1)
    assert org_readings.is_due(ports, PRODUCTION)
