"""How risky a release is: each part of the score, alone."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from release_core import attempts, comparing, risk_scores, rollback_outcomes, rollback_requests, validations
from release_core.comparing import Look
from release_core.facts import gather
from release_core.impacts import impact_of, object_of, readable
from release_core.lookups import find_release, package_of
from release_core.metadata_types import Component
from release_core.ports import ComponentOutcome, Coverage, Ports
from release_core.risk_scores import RiskScore, risk_score
from release_core.track_records import track_record
from release_core.verdicts import Judgement, Verdict
from release_core.windows import Interval
from tests.release_core import builders
from tests.release_core.builders import (
    DEVELOPER,
    MANAGER,
    PRODUCTION,
    SECOND_MANAGER,
    a_package,
    a_policy,
    a_release,
    a_soaking_release,
    a_success,
    facts_of,
    newest,
    note_returned,
    ports,
    release,
    row_id,
)

TRIGGER, FLOW = Component("ApexTrigger", "OrderTrigger"), Component("Flow", "Close_Case")
PROFILE, FIELD = Component("Profile", "Admin"), Component("CustomField", "Account.Tier__c")


def score_of(held: Ports, key: str) -> RiskScore:
    with held.store.reading() as session:
        release = find_release(session, key)
        found = risk_score(gather(session, held.policy, release), held.policy, track_record(session, release))
    assert found is not None
    return found


def part(score: RiskScore, code: str) -> tuple[int, str] | None:
    return next(((one.points, one.because) for one in score.parts if one.code == code), None)


def compared(
    *rows: tuple[Component, str], window: Interval | None = None, verdict: Verdict = "exact"
) -> tuple[Ports, str]:
    """A release with a package of exactly these parts, compared with production."""
    held = ports()
    key = a_release(held, window=window)
    package = a_package(held, key, compared=False)
    judged = [Judgement(one, verdict, "It is so.", "", "MDAPI") for one, kind in rows if kind != "identical"]
    changes = [(one.type, one.name, kind) for one, kind in rows]
    comparing.note_comparison(held, package, changes, judged, Look(PRODUCTION))
    return held, key


def checked(held: Ports, key: str, *, percent: int) -> None:
    """A check-only run passed, in which tests reached so much of the class Discount."""
    attempt = row_id(held, validations.request_validation(held, DEVELOPER, key, org=PRODUCTION))
    attempts.note_job(held, attempt, "0AfV1")
    outcome = ComponentOutcome("ApexClass", "Discount", "Discount.cls", False, True, False, True)
    passed = replace(a_success(), outcomes=[outcome], coverage=[Coverage("Discount", 100, 100 - percent)])
    validations.finish_validation(held, attempt, passed)


def taken_back(held: Ports) -> str:
    """A release that went to production and was rolled back; its key."""
    key = a_soaking_release(held)
    request = rollback_requests.ask_rollback(held, MANAGER, key, "it broke")
    rollback_requests.decide_rollback(held, SECOND_MANAGER, request, yes=True)
    back = newest(held, key, "rollback").id or 0
    rollback_outcomes.finish_rollback(held, back, a_success())
    note_returned(held, back, [])
    return key


def test_without_a_package_nothing_is_said() -> None:
    held = ports()
    key = a_release(held)
    with held.store.reading() as session:
        release = find_release(session, key)
        assert risk_score(gather(session, held.policy, release), held.policy, ()) is None


def test_what_is_identical_adds_nothing() -> None:
    held, key = compared((TRIGGER, "identical"), (PROFILE, "identical"))
    score = score_of(held, key)
    assert [one.code for one in score.parts] == ["not_validated"]
    assert (score.points, score.level) == (5, "low")


@pytest.mark.parametrize(
    ("rows", "code", "points", "because"),
    [
        ([(TRIGGER, "changed"), (FLOW, "new")], "automation", 6,
         "It touches what acts by itself when records are saved: ApexTrigger OrderTrigger, Flow Close_Case."),
        ([(PROFILE, "changed")], "permissions", 3, "It touches who may see or do what: Profile Admin."),
        ([(FIELD, "deleted")], "deletions", 3, "It deletes CustomField Account.Tier__c."),
        ([(Component("ApexClass", f"C{n}"), "new") for n in range(30)], "size", 4,
         "30 components become other in PRODUCTION."),
    ],
)  # fmt: skip
def test_each_kind_of_change_has_its_points_and_its_sentence(rows, code, points, because) -> None:
    held, key = compared(*rows)
    assert part(score_of(held, key), code) == (points, because)


def test_what_does_not_come_back_exactly_counts_by_how_badly() -> None:
    held, key = compared((FIELD, "changed"), verdict="impossible")
    assert part(score_of(held, key), "way_back") == (8, "Not every part comes back exactly: 1 cannot come back.")


def test_what_else_refers_to_it_counts_by_how_much_there_is() -> None:
    held, key = compared((FIELD, "changed"))
    with held.store.transaction() as session:
        package = package_of(session, find_release(session, key))
        assert package is not None
        package.dependents = {"number": 20, "names": [f"Flow F{n}" for n in range(20)], "asked": 1}
        session.add(package)
    assert part(score_of(held, key), "dependents") == (
        6, "Something else refers to what changes: Flow F0, Flow F1, Flow F2 and 17 more.",
    )  # fmt: skip


def test_until_it_is_compared_everything_in_the_package_counts() -> None:
    held = ports()
    key = a_release(held)
    a_package(held, key, compared=False)
    score = score_of(held, key)
    assert part(score, "not_compared") is not None
    assert part(score, "not_validated") is not None


def test_a_weak_class_is_named_with_its_coverage() -> None:
    held, key = compared((Component("ApexClass", "Discount"), "changed"))
    checked(held, key, percent=70)
    assert part(score_of(held, key), "coverage") == (
        10, "1 deployed class is below 85 % coverage; the least tested is Discount with 70 %.",
    )  # fmt: skip


def test_components_of_a_release_that_was_taken_back_count_with_its_key() -> None:
    held = ports()
    first = taken_back(held)
    second = a_release(held, name="The same again")
    a_package(held, second, words="second")
    points, because = part(score_of(held, second), "history") or (0, "")
    assert points == 5
    assert because.endswith(f"changed in {first} as well, which was taken back on {{0}}.")
    third = a_release(held, name="Another target", org=builders.UAT)
    a_package(held, third, words="third")
    assert part(score_of(held, third), "history") is None, "what went wrong in another org says nothing here"


def test_a_release_that_went_well_is_no_reason_for_worry() -> None:
    held = ports()
    a_soaking_release(held)
    second = a_release(held, name="The same again")
    a_package(held, second, words="second")
    assert part(score_of(held, second), "history") is None


@pytest.mark.parametrize(
    ("starts_at", "code"),
    [
        (datetime(2026, 11, 27, 13, tzinfo=UTC), "friday"),  # Friday 14:00 in Berlin
        (datetime(2026, 11, 27, 10, tzinfo=UTC), "working_hours"),  # Friday 11:00
        (datetime(2026, 11, 25, 16, 59, tzinfo=UTC), "working_hours"),  # Wednesday 17:59
        (datetime(2026, 11, 25, 17, tzinfo=UTC), ""),  # Wednesday 18:00: the day is over
        (datetime(2026, 11, 28, 10, tzinfo=UTC), ""),  # Saturday
    ],
)
def test_the_hour_counts_on_the_companys_own_clock(starts_at: datetime, code: str) -> None:
    held, key = compared((FIELD, "new"), window=Interval(starts_at, starts_at.replace(hour=starts_at.hour + 1)))
    found = {one.code for one in score_of(held, key).parts} & {"friday", "working_hours"}
    assert found == ({code} if code else set())


def test_a_freeze_soon_after_the_window_counts_and_a_far_one_does_not() -> None:
    window = builders.a_window(1, 2)
    held, key = compared((FIELD, "new"), window=window)
    assert part(score_of(held, key), "near_freeze") is None
    builders.a_freeze(held, start=20, hours=4)
    assert part(score_of(held, key), "near_freeze") is not None


def test_levels_begin_where_the_policy_says() -> None:
    policy = a_policy(risk={"medium": {"from": 5}, "high": {"from": 6}})
    assert [policy.risk.level_of(points) for points in (0, 4, 5, 6, 100)] == ["low", "low", "medium", "high", "high"]


def test_high_risk_must_begin_above_medium_risk() -> None:
    with pytest.raises(ValueError, match="more points than medium"):
        a_policy(risk={"medium": {"from": 50}, "high": {"from": 50}})


def test_a_seat_that_nobody_knows_is_a_mistake_of_the_policy() -> None:
    with pytest.raises(ValueError, match=r"risk.high.seats\[0\]"):
        a_policy(risk={"high": {"from": 60, "seats": ["security"]}})


def test_points_never_pass_a_hundred() -> None:
    parts = score_of(*compared((FIELD, "new"))).parts * 40
    assert RiskScore(parts, "high").points == 100


# What follows from it

RISKY = {"medium": {"from": 2, "seats": ["business"], "soak": "6h"}, "high": {"from": 8}}


def test_a_risky_release_needs_one_more_seat_and_a_longer_watch() -> None:
    held = ports(policy=a_policy(risk=RISKY))
    key = a_release(held, kind="hotfix")
    assert list(facts_of(held, key).seats) == ["qa"], "nothing is known of its risk yet"
    a_package(held, key)
    assert (release(held, key).risk_points, release(held, key).risk_level) == (5, "medium")
    assert list(facts_of(held, key).seats) == ["qa", "business"]
    assert any("Business" in one.because for one in builders.all_gates(held, key) if not one.passes)
    assert held.policy.soak_of(PRODUCTION, "medium") == timedelta(hours=6)
    assert held.policy.soak_of(PRODUCTION, "high") == held.policy.soak


def test_an_emergency_waits_for_no_more_seats_however_risky() -> None:
    held = ports(policy=a_policy(risk=RISKY))
    key = a_release(held, kind="emergency")
    a_package(held, key)
    assert release(held, key).risk_level == "medium"
    assert list(facts_of(held, key).seats) == []


def test_the_level_with_which_it_went_stays() -> None:
    held = ports(policy=a_policy(risk=RISKY))
    key = a_soaking_release(held)
    assert (release(held, key).risk_points, release(held, key).risk_level) == (5, "medium")
    builders.a_freeze(held, start=3)
    assert score_of(held, key).level == "high", "asked now, a freeze is near"
    assert release(held, key).risk_level == "medium"


# What it touches


@pytest.mark.parametrize(
    ("component", "name"),
    [
        (Component("CustomField", "Account.Tier__c"), "Account"),
        (Component("Layout", "Discount_Request__c-Discount Request Layout"), "Discount_Request__c"),
        (Component("WorkflowRule", "Case.Escalate"), "Case"),
        (Component("QuickAction", "NewLead"), ""),  # a global one
        (Component("QuickAction", "Lead.Call"), "Lead"),
        (Component("ApexClass", "Account.X"), ""),
    ],
)
def test_the_object_is_known_from_the_name(component: Component, name: str) -> None:
    assert object_of(component) == name


def test_impact_names_what_people_know() -> None:
    impact = impact_of([FIELD, TRIGGER, PROFILE, Component("CustomApplication", "Sales_Console")])
    assert impact.objects == ("Account",)
    assert impact.groups == ("Admin",)
    assert impact.apps == ("Sales Console",)
    assert impact.automation == (TRIGGER,)
    assert impact.code == 1


def test_api_names_are_read_as_people_say_them() -> None:
    assert [readable(name) for name in ("Discount_Request__c", "Opportunity", "Rate__mdt")] == [
        "Discount Request", "Opportunity", "Rate",
    ]  # fmt: skip


def test_the_policy_page_names_every_part_of_the_score_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "policy.md").read_text("utf-8")
    table = page.split("The parts of the score")[1].split("The points are ours")[0]
    told = set(re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))))
    assert told == set(re.findall(r'RiskPart\("([a-z_]+)"', inspect.getsource(risk_scores)))
