"""What the daily look found, in words: the fact, and what to do about it, which works when it is typed."""

from __future__ import annotations

from release_core import incidents, self_checks, task_plans
from release_core.models import Person
from release_core.self_checks import SeenChannel, SeenChat
from release_core.task_plans import NewTask
from tests.handlers.room import Room, words_of
from tests.release_core.builders import (
    ADMINISTRATOR,
    BOTH_SEATS,
    BUSINESS,
    DEVELOPER,
    MANAGER,
    PRODUCTION,
    SECOND_MANAGER,
    TESTER,
    a_release,
    facts_of,
)


def looks(room: Room, *left: str, **seen: object) -> str:
    """What is told of a release after these people left."""
    with room.ports.store.transaction() as session:
        for person in left:
            row = session.get_one(Person, person)
            row.deactivated = True
            session.add(row)
    self_checks.note_findings(room.ports, "REL-1", SeenChat(**seen))  # type: ignore[arg-type]
    room.tell()
    slots = [slot for slot in room.posts if slot.startswith("entry:REL-1:") and "please look" in said(room, slot)]
    return said(room, slots[-1])


def said(room: Room, slot: str) -> str:
    return words_of(room.posts[slot].message)


def test_what_left_is_named_with_a_way_out_that_works(room: Room) -> None:
    a_release(room.ports)
    task_plans.add_task(room.ports, MANAGER, "REL-1", NewTask("Pause the import", "before", DEVELOPER))
    incidents.open_incident(room.ports, TESTER, title="Quotes cannot be saved", severity=2, org=PRODUCTION)
    words = looks(room, ADMINISTRATOR, DEVELOPER, TESTER)
    assert "@Anna Weiss, please look:" in words
    for way_out in (
        "/release assign REL-1 3 @person",
        "/release task assign REL-1 1 @person",
        "/incident update INC-1 @person -- what is known",
    ):
        assert way_out in words
        room.says(MANAGER, way_out.removeprefix("/").replace("@person", f"<@{SECOND_MANAGER}>"))
    facts = facts_of(room.ports, "REL-1")
    assert facts.items[2].owner_id == facts.tasks[0].owner_id == facts.incidents[0].commander_id == SECOND_MANAGER


def test_a_seat_says_who_is_left_or_that_nobody_is(room: Room) -> None:
    a_release(room.ports)
    words = looks(room, BOTH_SEATS)
    assert "@Bo Sandoval is deactivated and cannot answer for Business. @Bea Lindqvist can." in words
    alone = looks(room, BUSINESS)
    assert "Nobody else can: an administrator names somebody under seats: business in the policy." in alone
    assert "@Bo Sandoval is" not in alone


def test_a_manager_who_left_is_replaced_by_the_others(room: Room) -> None:
    a_release(room.ports)
    words = looks(room, MANAGER)
    assert "@Omar Haddad, please look: @Anna Weiss, who owns it, is deactivated" in words
    assert "@Omar Haddad may do everything that its owner may." in words


def test_a_group_without_members_says_what_to_do(room: Room) -> None:
    a_release(room.ports)
    words = looks(room, empty=["S0QA"])
    assert (
        "The user group of QA team (S0QA) has no members. @Quinn Adler and @Ravi Patel are still in the team" in words
    )


def test_a_channel_that_closed_says_which_place_in_the_policy_names_it(room: Room) -> None:
    a_release(room.ports)
    seen = {
        "C0INCIDENTS": SeenChannel("incidents", "not_in_channel"),
        "C0STAKEHOLDERS": SeenChannel("", "channel_not_found"),
    }
    words = looks(room, channels=seen)
    assert "does not have Rollcall as a member. Type `/invite @Rollcall` in it, or name another one under" in words
    assert "cannot be written to any more. Look whether it was deleted or made private, or name another one" in words
    assert "audiences: business" in words


def test_the_manager_is_told_alone_when_the_channel_of_releases_is_closed(room: Room) -> None:
    a_release(room.ports)
    room.tell()
    closed = SeenChat(channels={"C0RELEASES": SeenChannel("releases", "is_archived")})
    self_checks.note_findings(room.ports, "REL-1", closed)
    room.tell()
    told = [slot for slot in room.posts if slot.startswith("entry:REL-1:")]
    assert [slot.partition("@")[2] for slot in told] == [MANAGER]
