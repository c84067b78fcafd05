"""A release from its first line to its end, with the packages it carries."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from release_core import (
    attaching,
    comparing,
    deployments,
    incidents,
    releases,
    rollback_requests,
    scheduling,
    validations,
)
from release_core.errors import NotAllowed, NotFound, Refused, Unclear
from release_core.metadata_types import Component
from release_core.ports import Ports
from release_core.timeline import BOT, Kind
from release_core.verdicts import Judgement
from tests.release_core.builders import (
    DEVELOPER,
    MANAGER,
    NOW,
    STAKEHOLDER,
    TESTER,
    a_failure,
    a_package,
    a_policy,
    a_ready_release,
    a_release,
    a_soaking_release,
    a_started_deployment,
    a_success,
    a_window,
    contents,
    deployment,
    facts_of,
    go_to,
    intents,
    kinds,
    last,
    later,
    newest,
    release,
    row_id,
)

# Planning


def test_a_planned_release_has_a_key_an_owner_and_a_first_line(ports: Ports) -> None:
    key = a_release(ports, name="  Autumn release ")
    row = release(ports, key)
    assert (key, row.name, row.owner_id, row.state, row.created_at) == (
        "REL-1",
        "Autumn release",
        MANAGER,
        "draft",
        NOW,
    )
    assert kinds(ports, key) == [Kind.RELEASE_CREATED]


def test_keys_are_counted_and_a_refusal_burns_none(ports: Ports) -> None:
    assert a_release(ports) == "REL-1"
    with pytest.raises(Unclear):
        a_release(ports, window=a_window(start=-9, hours=1))
    assert a_release(ports) == "REL-2"


def test_the_org_may_be_named_by_its_title(ports: Ports) -> None:
    assert release(ports, a_release(ports, org="Production")).target_org == "production"


@pytest.mark.parametrize("name", ["", "ab", "   a   ", "x" * 81])
def test_a_name_has_three_to_eighty_characters(ports: Ports, name: str) -> None:
    with pytest.raises(Unclear, match="a name of 3 to 80 characters") as unclear:
        a_release(ports, name=name)
    assert unclear.value.field == "name"


def test_an_unknown_org_is_answered_with_the_nearest(ports: Ports) -> None:
    with pytest.raises(NotFound, match=r"There is no org “producton”\. Known orgs: UAT, PRODUCTION") as missing:
        a_release(ports, org="producton")
    assert (missing.value.nearest, missing.value.field) == (("PRODUCTION",), "org")


def test_an_emergency_goes_to_production(ports: Ports) -> None:
    with pytest.raises(Unclear, match="An emergency release goes to production") as unclear:
        a_release(ports, org="uat", kind="emergency")
    assert unclear.value.field == "kind"


def test_an_unknown_release_is_answered_with_the_open_ones(ports: Ports) -> None:
    with pytest.raises(NotFound, match=r"There is no release REL-9\. No release is open; /release new plans one"):
        facts_of(ports, "rel-9")
    a_release(ports)
    with pytest.raises(NotFound, match=r"There is no release REL-9\. Open releases: REL-1") as missing:
        facts_of(ports, "rel-9")
    assert missing.value.nearest == ("REL-1",)


# Packages


def test_an_attached_package_is_read_by_a_flow(ports: Ports) -> None:
    key = a_release(ports)
    package = attaching.attach_package(ports, DEVELOPER, key, file_id="F1", file_name="a.zip")
    (intake,) = intents(ports, "intake")
    assert (intake.args, intake.due_at) == ({"package": package}, NOW)
    assert facts_of(ports, key).package is None


def test_an_accepted_package_counts_and_is_compared(ports: Ports) -> None:
    key = a_release(ports)
    package = a_package(ports, key, compared=False)
    counted = facts_of(ports, key).package
    assert counted is not None
    assert (counted.id, counted.digest, counted.author_id) == (package, contents().digest, DEVELOPER)
    assert [intent.args for intent in intents(ports, "comparison")] == [{"package": package}]
    accepted = last(ports, key, Kind.PACKAGE_ACCEPTED)
    assert (accepted.details["components"], accepted.details["deletions"]) == (2, 0)


def test_a_package_that_cannot_be_read_leaves_the_one_before(ports: Ports) -> None:
    key = a_release(ports)
    first = a_package(ports, key)
    second = attaching.attach_package(ports, DEVELOPER, key, file_id="F2", file_name="photo.zip")
    attaching.refuse_package(ports, second, "photo.zip is no zip.")
    counted = facts_of(ports, key).package
    assert counted is not None
    assert counted.id == first
    assert last(ports, key, Kind.PACKAGE_REFUSED).details["problem"] == "photo.zip is no zip."


def test_a_slow_upload_does_not_replace_a_newer_package(ports: Ports) -> None:
    key = a_release(ports)
    slow = attaching.attach_package(ports, DEVELOPER, key, file_id="F1", file_name="old.zip")
    fresh = a_package(ports, key, words="new")
    attaching.accept_package(ports, slow, contents("old"))
    counted = facts_of(ports, key).package
    assert counted is not None
    assert counted.id == fresh
    assert "new.zip was attached after it" in last(ports, key, Kind.PACKAGE_REFUSED).details["problem"]


def test_a_package_read_after_the_start_is_refused_aloud(ports: Ports) -> None:
    key = a_ready_release(ports)
    late = attaching.attach_package(ports, DEVELOPER, key, file_id="F9", file_name="late.zip")
    a_started_deployment(ports, key)
    attaching.accept_package(ports, late, contents("late"))
    refused = last(ports, key, Kind.PACKAGE_REFUSED)
    assert refused.details["problem"] == "REL-1 is being deployed; a package comes too late."
    assert refused.actor == DEVELOPER


def test_a_package_is_read_once(ports: Ports) -> None:
    key = a_release(ports)
    package = a_package(ports, key)
    attaching.accept_package(ports, package, contents("other"))
    attaching.refuse_package(ports, package, "This is no zip.")
    assert kinds(ports, key).count(Kind.PACKAGE_ACCEPTED) == 1
    assert Kind.PACKAGE_REFUSED not in kinds(ports, key)


def test_what_a_package_would_do_is_kept_with_its_way_back(ports: Ports) -> None:
    key = a_release(ports)
    package = a_package(ports, key, compared=False)
    judgement = Judgement(Component("ApexClass", "Discount"), "exact", "It is in the snapshot.")
    for _ in range(2):
        comparing.note_comparison(ports, package, [("ApexClass", "Discount", "changed")], [judgement])
    counted = facts_of(ports, key).package
    assert counted is not None
    assert counted.comparison == [["ApexClass", "Discount", "changed"]]
    assert counted.verdicts == [["ApexClass", "Discount", "exact", "It is in the snapshot.", "", ""]]
    assert kinds(ports, key).count(Kind.PACKAGE_COMPARED) == 1


def test_an_org_that_cannot_be_asked_is_told(ports: Ports) -> None:
    key = a_release(ports)
    comparing.note_comparison_failed(ports, a_package(ports, key), "PRODUCTION does not answer.")
    assert last(ports, key, Kind.PACKAGE_NOT_COMPARED).details["problem"] == "PRODUCTION does not answer."


def test_no_package_is_taken_after_the_deployment(ports: Ports) -> None:
    key = a_soaking_release(ports)
    with pytest.raises(Refused, match="is live and being watched and cannot take another package") as refused:
        attaching.attach_package(ports, DEVELOPER, key, file_id="F1", file_name="a.zip")
    assert refused.value.code == "too_late"


# A failed deployment


@pytest.fixture
def failed(ports: Ports) -> str:
    """A release whose deployment failed."""
    key = a_ready_release(ports)
    deployments.finish_deployment(ports, a_started_deployment(ports, key), a_failure())
    return key


def test_a_failed_release_says_so_until_somebody_acts(ports: Ports, failed: str) -> None:
    assert release(ports, failed).state == "failed"


def test_a_mended_package_brings_a_failed_release_back(ports: Ports, failed: str) -> None:
    a_package(ports, failed, words="mended")
    assert release(ports, failed).state == "planned"


def test_a_failed_release_may_be_cancelled(ports: Ports, failed: str) -> None:
    releases.cancel_release(ports, MANAGER, failed, "we try again next month")
    assert release(ports, failed).state == "cancelled"


def test_a_failed_release_may_get_a_new_window_or_validation(ports: Ports, failed: str) -> None:
    scheduling.set_window(ports, MANAGER, failed, a_window(start=24))
    assert release(ports, failed).state == "planned", "its validation was good for one quick deploy"
    assert validations.request_validation(ports, DEVELOPER, failed) == "DEP-3"


# Cancelling


def test_a_cancelled_release_is_over_with_its_reason(ports: Ports) -> None:
    key = a_release(ports, window=a_window())
    releases.cancel_release(ports, MANAGER, key, " not needed any more ")
    row = release(ports, key)
    assert (row.state, row.closed_at) == ("cancelled", NOW)
    assert facts_of(ports, key).window is None
    assert last(ports, key, Kind.RELEASE_CANCELLED).details["reason"] == "not needed any more"


def test_cancelling_needs_a_reason_and_the_right(ports: Ports) -> None:
    key = a_release(ports)
    with pytest.raises(Unclear, match="Say why the release is cancelled"):
        releases.cancel_release(ports, MANAGER, key, "")
    with pytest.raises(NotAllowed, match="You may not plan a release here"):
        releases.cancel_release(ports, DEVELOPER, key, "not needed any more")
    assert release(ports, key).state == "draft"


def test_a_cancelled_release_is_not_cancelled_again(ports: Ports) -> None:
    key = a_release(ports)
    releases.cancel_release(ports, MANAGER, key, "not needed any more")
    with pytest.raises(Refused, match=r"REL-1 is cancelled and cannot be cancelled\. It is over"):
        releases.cancel_release(ports, MANAGER, key, "really")


def test_what_runs_is_not_cancelled_with_the_plan(ports: Ports) -> None:
    key = a_ready_release(ports)
    a_started_deployment(ports, key)
    with pytest.raises(Refused, match=r"is being deployed and cannot be cancelled\. Use /release status"):
        releases.cancel_release(ports, MANAGER, key, "too risky")


def test_a_check_that_runs_for_a_cancelled_release_is_asked_to_stop_and_goes_no_further(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key)
    attempt = row_id(ports, validations.request_validation(ports, DEVELOPER, key))
    releases.cancel_release(ports, MANAGER, key, "not needed any more")
    assert deployment(ports, attempt).abort_requested_by == MANAGER
    validations.finish_validation(ports, attempt, a_success())
    assert newest(ports, key, "validation").id == attempt


# Soaking and closing


def test_a_release_closes_after_its_soak(ports: Ports) -> None:
    key = a_soaking_release(ports)
    (soak,) = intents(ports, "soak_end")
    assert soak.due_at == NOW + timedelta(hours=2)
    go_to(ports, soak.due_at)
    assert releases.close_release(ports, BOT, key, by_timer=True)
    assert release(ports, key).state == "closed"
    assert not releases.close_release(ports, BOT, key, by_timer=True)
    assert kinds(ports, key).count(Kind.RELEASE_CLOSED) == 1


def test_a_soak_that_the_policy_made_longer_meanwhile_ends_later(ports: Ports) -> None:
    key = a_soaking_release(ports)
    longer = replace(ports, policy=a_policy(soak="5h"))
    later(ports, hours=2)
    assert not releases.close_release(longer, BOT, key, by_timer=True)
    assert not releases.close_release(longer, BOT, key, by_timer=True), "it asks for one more timer only"
    assert [soak.due_at for soak in intents(ports, "soak_end")][1:] == [NOW + timedelta(hours=5)]
    later(ports, hours=3)
    assert releases.close_release(longer, BOT, key, by_timer=True)


def test_an_open_incident_starts_the_soak_again(ports: Ports) -> None:
    key = a_soaking_release(ports)
    incident = incidents.open_incident(ports, TESTER, title="Orders fail", severity=2, org="production")
    later(ports, hours=2)
    assert not releases.close_release(ports, BOT, key, by_timer=True)
    assert intents(ports, "soak_end")[-1].due_at == NOW + timedelta(hours=4)
    incidents.resolve_incident(ports, TESTER, incident, "a restart")
    later(ports, hours=2)
    assert releases.close_release(ports, BOT, key, by_timer=True)


def test_a_person_is_told_which_incident_keeps_a_release_open(ports: Ports) -> None:
    key = a_soaking_release(ports)
    incidents.open_incident(ports, TESTER, title="Orders fail", severity=2, org="production")
    with pytest.raises(Refused, match="INC-1 is open on this org") as refused:
        releases.close_release(ports, MANAGER, key)
    assert refused.value.code == "incident_open"


def test_a_release_on_its_way_back_is_not_closed(ports: Ports) -> None:
    key = a_soaking_release(ports)
    request = rollback_requests.ask_rollback(ports, MANAGER, key, "orders fail")
    with pytest.raises(Refused, match="waits for a second person") as refused:
        releases.close_release(ports, MANAGER, key)
    assert refused.value.code == "rollback_under_way"
    rollback_requests.decide_rollback(ports, "UADMIN", request, yes=True)
    later(ports, hours=2)
    assert not releases.close_release(ports, BOT, key, by_timer=True)
    assert release(ports, key).state == "soaking"


def test_only_what_soaks_can_be_closed(ports: Ports) -> None:
    with pytest.raises(Refused, match="REL-1 is draft; only a release that soaks can be closed") as refused:
        releases.close_release(ports, MANAGER, a_release(ports))
    assert refused.value.code == "not_soaking"


def test_only_planners_close_by_hand(ports: Ports) -> None:
    key = a_soaking_release(ports)
    with pytest.raises(NotAllowed):
        releases.close_release(ports, DEVELOPER, key)


# Notes


def test_who_takes_part_may_note(ports: Ports) -> None:
    key = a_release(ports)
    releases.add_note(ports, TESTER, key, " the shop is closed that day ")
    noted = last(ports, key, Kind.NOTE_ADDED)
    assert (noted.actor, noted.details["text"]) == (TESTER, "the shop is closed that day")


def test_a_stranger_notes_nothing_and_nobody_notes_silence(ports: Ports) -> None:
    key = a_release(ports)
    for reader in ("USTRANGER", STAKEHOLDER):
        with pytest.raises(NotAllowed, match="You may not write into a timeline here"):
            releases.add_note(ports, reader, key, "hello")
    with pytest.raises(NotFound):
        releases.add_note(ports, MANAGER, "REL-9", "hello")
    with pytest.raises(Unclear, match="Say what to note"):
        releases.add_note(ports, MANAGER, key, "  ")
    assert Kind.NOTE_ADDED not in kinds(ports, key)
