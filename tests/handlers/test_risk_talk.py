"""What people read about the risk of a release."""

from __future__ import annotations

from handlers.risks import risk_card
from release_core.risk_scores import RiskPart, RiskScore
from tests.handlers.room import Room, clickable, words_of
from tests.release_core.builders import (
    ANALYST,
    DEVELOPER,
    STAKEHOLDER,
    a_package,
    a_policy,
    a_release,
    facts_of,
    note_comparison,
)


def test_anybody_reads_how_risky_it_is_and_what_it_touches(room: Room) -> None:
    key = a_release(room.ports)
    package = a_package(room.ports, key, compared=False)
    note_comparison(room.ports, package, ("CustomField", "Account.Tier__c", "impossible"), ("Flow", "Close", "manual"))
    said = words_of(room.hears(ANALYST, "release risk"))
    assert f"{key}: low risk, 19 of 100." in said
    assert "11 · Not every part comes back exactly: 1 cannot come back, 1 only by hand." in said
    assert "3 · It touches what acts by itself when records are saved: Flow Close." in said
    assert "Records: Account." in said
    assert "What happens by itself in PRODUCTION: Flow Close." in said
    assert "Medium risk begins at 20 points, high risk at 45." in said


def test_the_summary_alone_says_level_and_points(room: Room) -> None:
    a_package(room.ports, a_release(room.ports))
    assert room.hears(STAKEHOLDER, "release impact").summary == "REL-1: low risk, 5 of 100."


def test_without_a_package_the_next_step_is_offered(room: Room) -> None:
    a_release(room.ports)
    answer = room.hears(DEVELOPER, "release risk")
    assert "has no package yet, so nothing can be said about its risk" in answer.summary
    assert clickable("Attach package", answer)


def test_what_a_level_asks_for_is_told(room: Room) -> None:
    key = a_release(room.ports)
    a_package(room.ports, key)
    policy = a_policy(risk={"high": {"from": 60, "seats": ["business"], "soak": "4h"}})
    score = RiskScore((RiskPart("size", 70, "It is large."),), "high")
    said = words_of(risk_card(facts_of(room.ports, key), policy, score))
    assert "High risk also needs the yes of Business and a watch of 4 h." in said


def test_names_of_people_s_own_cannot_dress_up_as_ours(room: Room) -> None:
    key = a_release(room.ports)
    package = a_package(room.ports, key, compared=False)
    note_comparison(room.ports, package, ("Flow", "<!channel>*x*", "manual"))
    answer = room.hears(ANALYST, "release risk")
    assert "<!channel>*x*" in words_of(answer)


def test_why_says_how_risky_it_is(room: Room) -> None:
    a_package(room.ports, a_release(room.ports))
    assert "Low risk, 5 of 100." in words_of(room.hears(STAKEHOLDER, "release why"))


def test_who_is_in_the_way_is_named_with_what_to_do(room: Room) -> None:
    first, second = a_release(room.ports, name="Autumn"), a_release(room.ports, name="Winter")
    a_package(room.ports, first)
    a_package(room.ports, second)
    said = words_of(room.hears(ANALYST, f"release risk {second}"))
    assert f"{first} “Autumn” of @Anna Weiss changes the same: ApexClass Discount, CustomField Account.Tier__c." in said
    told = words_of(room.hears(ANALYST, f"release timeline {first}"))
    assert f"{second} “Winter” (@Anna Weiss) changes the same: ApexClass Discount" in told
    assert "agree who takes the other's change along" in told
