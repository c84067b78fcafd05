"""Where releases are in each other's way: found, told to both owners, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release_core import releases, scheduling
from release_core.conflicts import Planned, conflicts
from release_core.metadata_types import Component
from release_core.ports import Ports
from release_core.windows import Interval
from tests.release_core import builders
from tests.release_core.builders import MANAGER, NOW, SECOND_MANAGER, a_package, a_release, a_window

DISCOUNT, TIER = Component("ApexClass", "Discount"), Component("CustomField", "Account.Tier__c")
RATING = Component("CustomField", "Account.Rating__c")


def one(
    key: str, *parts: Component, org: str = "production", owner: str = "U1", window: Interval | None = None
) -> Planned:
    return Planned(key, key, owner, frozenset([org]), frozenset(parts), window)


def found(first: Planned, second: Planned) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.about, each.what) for each in conflicts(first, [second])]


def test_the_same_component_is_in_the_way_in_the_same_org_alone() -> None:
    assert found(one("A", DISCOUNT, TIER), one("B", DISCOUNT)) == [("components", ("ApexClass Discount",))]
    assert found(one("A", DISCOUNT), one("B", DISCOUNT, org="uat")) == []


def test_other_parts_of_one_object_are_told_apart_from_the_same_part() -> None:
    assert found(one("A", TIER), one("B", RATING)) == [("records", ("Account",))]
    assert found(one("A", TIER), one("B", TIER)) == [("components", ("CustomField Account.Tier__c",))]


def test_two_windows_are_in_the_way_when_they_share_an_instant() -> None:
    first, touching, later = a_window(1, 2), a_window(3, 2), a_window(2, 2)
    assert found(one("A", window=first), one("B", window=touching)) == []
    ((about, what),) = found(one("A", window=first), one("B", window=later, owner="U2"))
    assert about == "window"
    assert what == ((NOW + timedelta(hours=2)).isoformat(), (NOW + timedelta(hours=3)).isoformat())


def test_an_owner_is_needed_twice_only_in_two_orgs_at_once() -> None:
    first, second = a_window(1, 2), a_window(2, 2)
    assert [about for about, _ in found(one("A", window=first), one("B", org="uat", window=second))] == ["owner"]
    assert found(one("A", window=first), one("B", org="uat", owner="U2", window=second)) == []


@given(
    st.frozensets(st.sampled_from([DISCOUNT, TIER, RATING])), st.frozensets(st.sampled_from([DISCOUNT, TIER, RATING]))
)
def test_whoever_is_in_the_way_of_another_has_the_other_in_the_way(ours, theirs) -> None:
    first, second = one("A", *ours), one("B", *theirs)
    assert found(first, second) == found(second, first)
    assert not found(first, first)


# Told


@pytest.fixture
def held() -> Ports:
    return builders.ports()


def told(held: Ports, key: str) -> list[tuple[str, str]]:
    return [
        (entry.details["about"], entry.details["with"])
        for entry in builders.entries(held, key)
        if entry.kind == "conflict_found"
    ]


def test_both_threads_hear_of_it_once(held: Ports) -> None:
    first, second = a_release(held, name="Autumn"), a_release(held, name="Winter")
    a_package(held, first)
    assert told(held, first) == []
    a_package(held, second)
    assert told(held, first) == [("components", second)]
    assert told(held, second) == [("components", first)]
    a_package(held, second, words="the same components in other bytes")
    assert told(held, second) == [("components", first)], "nothing new"


def test_windows_that_come_to_overlap_are_told_each_time_they_are_moved(held: Ports) -> None:
    first, second = a_release(held, window=a_window(1, 2)), a_release(held, name="Winter", window=a_window(5, 2))
    assert told(held, first) == []
    scheduling.set_window(held, SECOND_MANAGER, second, a_window(2, 2))
    scheduling.set_window(held, SECOND_MANAGER, second, a_window(2.5, 2))
    assert told(held, first) == [("window", second), ("window", second)]


def test_a_release_that_was_given_up_is_in_nobodys_way(held: Ports) -> None:
    first, second = a_release(held, name="Autumn"), a_release(held, name="Winter")
    a_package(held, first)
    releases.cancel_release(held, MANAGER, first, "not needed any more")
    a_package(held, second)
    assert told(held, second) == []


def test_what_is_identical_in_the_target_is_in_nobodys_way(held: Ports) -> None:
    first, second = a_release(held, name="Autumn"), a_release(held, name="Winter")
    a_package(held, first)
    package = a_package(held, second, compared=False)
    builders.comparing.note_comparison(
        held, package, [("ApexClass", "Discount", "identical"), ("CustomField", "Account.Tier__c", "identical")], []
    )
    assert told(held, second) == []
