"""The daily look: each thing that left a release is found, told once, to whoever can act."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlmodel import select

from release_core import incidents, self_checks, task_plans
from release_core.models import Intent, Person, TimelineEntry
from release_core.ports import Ports
from release_core.releases import cancel_release
from release_core.self_checks import SeenChannel, SeenChat, findings, next_morning
from release_core.task_plans import NewTask
from release_core.timeline import Kind
from tests.release_core.builders import (
    ADMINISTRATOR,
    BOTH_SEATS,
    BUSINESS,
    DEVELOPER,
    MANAGER,
    PRODUCTION,
    QA,
    SECOND_MANAGER,
    TESTER,
    a_package,
    a_policy,
    a_release,
    a_soaking_release,
    facts_of,
    intents,
    later,
    ports,
    settle_checklist,
)

ALL_WELL = SeenChat(channels={"C0RELEASES": SeenChannel("releases")})


def codes(room: Ports, key: str = "REL-1", **seen: object) -> list[tuple[str, str, str]]:
    found = findings(facts_of(room, key), room.policy, SeenChat(**seen))  # type: ignore[arg-type]
    return [(one.code, one.about, one.where) for one in found]


def leaves(room: Ports, person: str) -> None:
    with room.store.transaction() as session:
        session.merge(Person(id=person, name="Somebody", deactivated=True, seen_at=room.clock.now()))


def told(room: Ports, key: str = "REL-1") -> list[dict[str, object]]:
    with room.store.reading() as session:
        entries = select(TimelineEntry).where(TimelineEntry.stream == key, TimelineEntry.kind == Kind.CHECK_FOUND)
        return [entry.details for entry in session.exec(entries)]


def test_nothing_is_found_where_all_is_well() -> None:
    room = ports()
    a_release(room)
    assert codes(room) == []
    assert self_checks.concerned(room, ALL_WELL) == []


def test_everybody_who_left_is_found_with_what_they_left() -> None:
    room = ports()
    a_release(room)
    task_plans.add_task(room, MANAGER, "REL-1", NewTask("Pause the import", "before", DEVELOPER))
    incidents.open_incident(room, TESTER, title="Quotes cannot be saved", severity=2, org=PRODUCTION)
    left = {MANAGER, ADMINISTRATOR, DEVELOPER, TESTER, BUSINESS, BOTH_SEATS}
    assert codes(room, left=left) == [
        ("owner_left", MANAGER, ""),
        ("approver_left", BOTH_SEATS, "qa"),
        ("approver_left", BUSINESS, "business"),
        ("approver_left", BOTH_SEATS, "business"),
        ("item_owner_left", MANAGER, "1"),
        ("item_owner_left", ADMINISTRATOR, "3"),
        ("task_owner_left", DEVELOPER, "1"),
        ("commander_left", TESTER, "INC-1"),
    ]


def test_who_can_act_instead_is_named() -> None:
    room = ports()
    a_release(room)
    facts = facts_of(room, "REL-1")
    [owner, *_] = findings(facts, room.policy, SeenChat(left={MANAGER}))
    assert owner.who == (SECOND_MANAGER,)
    nobody = findings(facts, room.policy, SeenChat(left={BUSINESS, BOTH_SEATS}))
    assert [one.who for one in nobody if one.where == "business"] == [(), ()]


def test_what_is_settled_needs_nobody_any_more() -> None:
    room = ports()
    key = a_soaking_release(room)
    settle_checklist(room, key)
    assert codes(room, left={ADMINISTRATOR, BUSINESS, QA}) == []


def test_a_group_without_members_is_found_where_something_waits_for_it() -> None:
    room = ports()
    a_release(room)
    assert codes(room, empty=["S0QA"]) == [("group_empty", "S0QA", "qa")]
    assert codes(room, empty=["S0OTHER"]) == []
    loose = ports(policy=a_policy(checklists={}, seats={"qa": {"title": "QA", "people": [QA]}}, approvals={}))
    a_release(loose)
    assert codes(loose, empty=["S0QA"]) == [], "nothing of it waits for that team"


def test_channels_are_found_closed_or_renamed() -> None:
    room = ports()
    a_release(room)
    seen = {
        "C0RELEASES": SeenChannel("releases-new"),
        "C0INCIDENTS": SeenChannel("incidents", "is_archived"),
        "C0STAKEHOLDERS": SeenChannel("stakeholders"),
    }
    names = {"C0RELEASES": "releases", "C0STAKEHOLDERS": "stakeholders"}
    assert codes(room, channels=seen, names=names) == [
        ("channel_closed", "C0INCIDENTS", "channels: incidents"),
        ("channel_renamed", "C0RELEASES", "releases"),
    ]
    assert codes(room, channels={"C0RELEASES": SeenChannel("releases-new")}) == [], "seen for the first time"


def test_each_thing_is_told_once_to_the_releases_manager() -> None:
    room = ports()
    key = a_release(room)
    leaves(room, BUSINESS)
    for _ in range(2):
        assert self_checks.concerned(room, ALL_WELL) == ([key] if not told(room) else [])
        self_checks.note_findings(room, key, ALL_WELL)
        later(room, hours=24)
    assert len(told(room)) == 1
    assert told(room)[0]["managers"] == [MANAGER]
    leaves(room, ADMINISTRATOR)
    self_checks.note_findings(room, key, ALL_WELL)
    found = told(room)[1]["findings"]
    assert isinstance(found, list)
    assert [one["about"] for one in found] == [ADMINISTRATOR], "what was told is not told again"


def test_when_the_manager_left_the_others_are_told() -> None:
    room = ports()
    key = a_release(room)
    leaves(room, MANAGER)
    self_checks.note_findings(room, key, ALL_WELL)
    assert told(room)[0]["managers"] == [SECOND_MANAGER]


def test_only_open_releases_are_looked_through() -> None:
    room = ports()
    a_release(room)
    a_package(room, "REL-1")
    cancel_release(room, MANAGER, "REL-1", "not wanted")
    leaves(room, MANAGER)
    assert self_checks.concerned(room, ALL_WELL) == []


@pytest.mark.parametrize(
    ("now", "zone", "morning"),
    [
        ("2026-11-23T06:59", "Europe/Berlin", "2026-11-23T07:00"),
        ("2026-11-23T07:00", "Europe/Berlin", "2026-11-24T07:00"),
        ("2026-03-28T12:00", "Europe/Berlin", "2026-03-29T06:00"),
        ("2026-10-24T12:00", "Europe/Berlin", "2026-10-25T07:00"),
        ("2026-11-23T12:00", "Pacific/Auckland", "2026-11-23T19:00"),
        ("2026-11-23T12:00", "America/Los_Angeles", "2026-11-23T16:00"),
    ],
)
def test_it_is_morning_when_clocks_there_say_so(now: str, zone: str, morning: str) -> None:
    as_utc = [datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (now, morning)]
    assert next_morning(as_utc[0], zone) == as_utc[1]


def test_it_is_planned_once_and_remembers_how_channels_were_called() -> None:
    room = ports()
    self_checks.plan_self_check(room)
    self_checks.plan_self_check(room, {"C0RELEASES": "releases"})
    self_checks.plan_self_check(room)
    [planned] = intents(room, "self_check")
    assert planned.args == {"names": {"C0RELEASES": "releases"}}
    assert isinstance(planned, Intent)
