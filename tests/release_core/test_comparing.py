"""A package is compared with its target, again when people ask, and what was approved is not let go worse unseen."""

from __future__ import annotations

import pytest

from release_core import comparing
from release_core.approvals import ask_for_approvals
from release_core.comparing import Look
from release_core.errors import Conflict, NotAllowed, Refused
from release_core.metadata_types import Component
from release_core.models import ReleasePackage
from release_core.ports import Ports
from release_core.timeline import Kind
from release_core.verdicts import Judgement
from tests.release_core.builders import (
    LOST,
    MANAGER,
    PRODUCTION,
    STAKEHOLDER,
    TESTER,
    UAT,
    a_package,
    a_ready_release,
    a_release,
    a_soaking_release,
    approve,
    blocked_by,
    facts_of,
    gate,
    has_run,
    intents,
    kinds,
    last,
    note_comparison,
    release,
    settle_checklist,
)

CLASS = ("ApexClass", "Discount", "exact")
FIELD_BY_HAND = ("CustomField", "Account.Tier__c", "manual")


def test_where_it_comes_from_is_kept_with_each_verdict(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key)
    package = facts_of(ports, key).package
    assert package is not None
    assert package.compared_org == PRODUCTION
    assert package.verdicts[0] == ["ApexClass", "Discount", "exact", "It is exact.", "", "MDAPI"]


def test_a_package_that_nobody_compared_does_not_go(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key, compared=False)
    has_run(ports, "comparison")
    closed = gate(ports, key, "not_compared")
    assert not closed.passes
    assert "not compared with PRODUCTION yet" in closed.because
    assert closed.way_out == f"/release compare {key}"
    assert TESTER in closed.who


def test_a_comparison_with_another_org_says_nothing_about_this_one(ports: Ports) -> None:
    key = a_release(ports)
    package = a_package(ports, key, compared=False)
    judged = [Judgement(Component("ApexClass", "Discount"), "exact", "It is deleted.")]
    comparing.note_comparison(ports, package, [("ApexClass", "Discount", "new")], judged, Look(UAT))
    assert "not_compared" in blocked_by(ports, key)


def test_an_emergency_may_go_uncompared_but_says_so(ports: Ports) -> None:
    key = a_release(ports, kind="emergency")
    a_package(ports, key, compared=False)
    shown = gate(ports, key, "not_compared")
    assert shown.passes
    assert shown.because == (
        "An emergency need not wait for the comparison with PRODUCTION; how it would come back is not known yet."
    )  # a tick before "is not compared" would contradict itself


def test_it_is_compared_again_under_a_key_of_its_own(ports: Ports) -> None:
    key = a_release(ports)
    package = a_package(ports, key)
    comparing.request_comparison(ports, TESTER, key)
    (intent,) = intents(ports, "comparison")
    assert intent.args == {"package": package, "again": True}
    with pytest.raises(Conflict, match="is being compared now"):
        comparing.request_comparison(ports, MANAGER, key)
    note_comparison(ports, package, again=True)
    comparing.request_comparison(ports, MANAGER, key)
    assert kinds(ports, key).count(Kind.COMPARISON_REQUESTED) == 2


def test_only_who_may_validate_has_it_compared_and_only_before_the_deployment(ports: Ports) -> None:
    key = a_release(ports)
    with pytest.raises(Refused, match="no package to compare"):
        comparing.request_comparison(ports, MANAGER, key)
    with pytest.raises(NotAllowed):
        comparing.request_comparison(ports, STAKEHOLDER, key)
    live = a_soaking_release(ports, name="Another")
    with pytest.raises(Refused, match="is live and being watched"):
        comparing.request_comparison(ports, MANAGER, live)


def test_approvals_stay_when_a_second_look_finds_nothing_worse(ports: Ports) -> None:
    key = a_ready_release(ports)
    package = release(ports, key).package_id or 0
    note_comparison(ports, package, again=True)
    assert last(ports, key, Kind.PACKAGE_COMPARED).details["again"] == "the same"
    assert blocked_by(ports, key) == set()


def test_a_second_look_names_who_changed_what_in_between(ports: Ports) -> None:
    key = a_ready_release(ports)
    package = release(ports, key).package_id or 0
    with ports.store.reading() as session:
        row = session.get_one(ReleasePackage, package)
        changes, told = [tuple(one) for one in row.comparison], row.verdicts
    judged = [Judgement(Component(one[0], one[1]), one[2], one[3], one[4], one[5]) for one in told]
    changed = [["ApexClass", "Discount", "Omar Haddad", "2026-11-22T19:23:00+00:00", "classes/Discount.cls", ""]]
    comparing.note_comparison(ports, package, changes, judged, Look(PRODUCTION, "", changed, True))
    details = last(ports, key, Kind.PACKAGE_COMPARED).details
    assert (details["again"], details["since"]) == ("other", ["ApexClass Discount (Omar Haddad)"])
    # Only the warning about it is worded by the day of the look: the same change is not told twice.
    again = [[*changed[0][:5], "in the last 14 days"]]
    comparing.note_comparison(ports, package, changes, judged, Look(PRODUCTION, "", again, True))
    details = last(ports, key, Kind.PACKAGE_COMPARED).details
    assert (details["again"], details["since"]) == ("the same", [])


def test_approvals_are_withdrawn_when_a_second_look_finds_it_worse(ports: Ports) -> None:
    key = a_ready_release(ports)
    note_comparison(ports, release(ports, key).package_id or 0, CLASS, FIELD_BY_HAND, again=True)
    withdrawn = last(ports, key, Kind.APPROVALS_WITHDRAWN)
    assert (
        "A second look into PRODUCTION found that 1 part needs a person to come back (0 before)."
        in withdrawn.details["because"]
    )
    assert "approval_withdrawn" in blocked_by(ports, key)
    assert release(ports, key).state == "planned"


def test_approvals_stay_when_it_got_better_on_the_whole(ports: Ports) -> None:
    key = a_release(ports)
    package = a_package(ports, key, compared=False)
    note_comparison(ports, package, CLASS, LOST)
    approve(ports, key)
    note_comparison(ports, package, CLASS, FIELD_BY_HAND, again=True)
    assert Kind.APPROVALS_WITHDRAWN not in kinds(ports, key)


def test_who_has_to_accept_is_asked_when_the_comparison_comes_after_the_question(ports: Ports) -> None:
    key = a_release(ports)
    package = a_package(ports, key, compared=False)
    settle_checklist(ports, key)
    ask_for_approvals(ports, MANAGER, key)
    assert Kind.ACCEPTANCE_ASKED not in kinds(ports, key)
    note_comparison(ports, package, CLASS, LOST)
    assert last(ports, key, Kind.ACCEPTANCE_ASKED).details["parts"] == ["CustomField Account.Tier__c"]
