"""Going back: two persons, one rollback, a locked org."""

from __future__ import annotations

from datetime import timedelta

import pytest

from release_core import attempts, clarifying, deployments, incidents, org_locks, releases
from release_core.errors import Conflict, NotAllowed, NotFound, Refused, Unclear
from release_core.ports import JobState, JobStatus, Ports
from release_core.rollback_outcomes import (
    Returned,
    finish_rollback,
    hold_rollback,
    note_not_returned,
    note_read_back,
)
from release_core.rollback_requests import (
    AlreadyDecided,
    ask_rollback,
    decide_rollback,
    expire_request,
    find_request,
    pending_request,
)
from release_core.timeline import BOT, Kind
from tests.release_core.builders import (
    ADMINISTRATOR,
    DEVELOPER,
    MANAGER,
    NOW,
    SECOND_MANAGER,
    TESTER,
    a_failure,
    a_ready_release,
    a_soaking_release,
    a_started_deployment,
    a_success,
    arm,
    blocked_by,
    deployment,
    digest_of,
    facts_of,
    intents,
    kinds,
    land,
    last,
    later,
    newest,
    note_returned,
    release,
)


@pytest.fixture
def key(ports: Ports) -> str:
    """A release in production whose way back is proven."""
    return a_soaking_release(ports)


@pytest.fixture
def asked(ports: Ports, key: str) -> int:
    """A wish to take it back."""
    return ask_rollback(ports, MANAGER, key, "orders fail")


def a_rollback(ports: Ports, key: str, *, overwrite: bool = False) -> int:
    """A rollback that two people wanted; returns its row id."""
    request = ask_rollback(ports, MANAGER, key, "orders fail", overwrite=overwrite)
    decide_rollback(ports, ADMINISTRATOR, request, yes=True)
    return newest(ports, key, "rollback").id or 0


def return_to(ports: Ports, attempt: int, differences: tuple[str, ...] = ()) -> None:
    """The org carried the rollback out."""
    finish_rollback(ports, attempt, a_success())
    note_returned(ports, attempt, differences)


# Asking


def test_a_wish_to_go_back_waits_for_a_second_person(ports: Ports, key: str, asked: int) -> None:
    told = last(ports, key, Kind.ROLLBACK_ASKED)
    assert (told.actor, told.details["reason"], told.details["request"]) == (MANAGER, "orders fail", asked)
    (expiry,) = intents(ports, "rollback_expiry")
    assert (expiry.args, expiry.due_at) == ({"request": asked}, NOW + timedelta(minutes=30))
    assert intents(ports, "rollback") == []
    landed = deployment(ports, "DEP-2")
    with ports.store.reading() as session:
        pending = pending_request(session, landed)
    assert pending is not None
    assert pending.id == asked


def test_it_needs_a_reason_and_the_right(ports: Ports, key: str) -> None:
    with pytest.raises(Unclear, match="Say why: /release rollback"):
        ask_rollback(ports, MANAGER, key, " ")
    with pytest.raises(NotAllowed, match="You may not roll back here") as refused:
        ask_rollback(ports, DEVELOPER, key, "orders fail")
    assert refused.value.who_may == (MANAGER, SECOND_MANAGER, ADMINISTRATOR)
    assert Kind.ROLLBACK_ASKED not in kinds(ports, key)


def test_two_people_asking_make_one_wish(ports: Ports, key: str, asked: int) -> None:
    with pytest.raises(Conflict, match="was already asked for and waits for a second person"):
        ask_rollback(ports, ADMINISTRATOR, key, "orders fail")


def test_what_never_landed_cannot_be_taken_back(ports: Ports) -> None:
    with pytest.raises(Refused, match="REL-1 is not in its org") as refused:
        ask_rollback(ports, MANAGER, a_ready_release(ports), "orders fail")
    assert refused.value.code == "nothing_to_undo"


def test_what_has_no_way_back_says_why(ports: Ports) -> None:
    key = a_ready_release(ports)
    land(ports, a_started_deployment(ports, key), way_back=False, note="Everything in it is new.")
    with pytest.raises(Refused, match=r"REL-1 cannot be rolled back by Rollcall: Everything in it is new\.") as refused:
        ask_rollback(ports, MANAGER, key, "orders fail")
    assert refused.value.code == "no_way_back"


def test_nobody_goes_back_while_the_release_is_still_going(ports: Ports) -> None:
    key = a_ready_release(ports)
    a_started_deployment(ports, key)
    with pytest.raises(Conflict, match="DEP-2 is under way for REL-1; wait for its end"):
        ask_rollback(ports, MANAGER, key, "orders fail")


def test_a_closed_release_can_still_be_taken_back(ports: Ports, key: str) -> None:
    releases.close_release(ports, MANAGER, key)
    return_to(ports, a_rollback(ports, key))
    assert release(ports, key).state == "rolled_back"


# Deciding


def test_whoever_asked_may_not_confirm(ports: Ports, key: str, asked: int) -> None:
    with pytest.raises(NotAllowed, match="somebody else has to confirm it") as refused:
        decide_rollback(ports, MANAGER, asked, yes=True)
    assert refused.value.who_may == (SECOND_MANAGER, ADMINISTRATOR)
    assert intents(ports, "rollback") == []


def test_a_second_person_starts_the_quick_way_back(ports: Ports, key: str, asked: int) -> None:
    assert decide_rollback(ports, ADMINISTRATOR, asked, yes=True, comment="seen it too") == key
    rollback = newest(ports, key, "rollback")
    assert rollback.validated_job_id == newest(ports, key, "arming").job_id
    assert (rollback.archive_digest, rollback.org) == (digest_of(b"way back"), "production")
    assert (rollback.requested_by, rollback.result["confirmed_by"]) == (MANAGER, ADMINISTRATOR)
    assert [i.args for i in intents(ports, "rollback")] == [{"deployment": rollback.id}]
    assert last(ports, key, Kind.ROLLBACK_CONFIRMED).actor == ADMINISTRATOR
    assert last(ports, key, Kind.ROLLBACK_STARTED).actor == MANAGER


def test_a_way_back_that_is_not_proven_is_taken_the_long_way(ports: Ports) -> None:
    key = a_soaking_release(ports, armed=False)
    assert deployment(ports, a_rollback(ports, key)).validated_job_id == ""


def test_a_no_ends_the_wish_and_another_may_be_made(ports: Ports, key: str, asked: int) -> None:
    decide_rollback(ports, ADMINISTRATOR, asked, yes=False, comment="we mend it forward")
    assert last(ports, key, Kind.ROLLBACK_DECLINED).details["comment"] == "we mend it forward"
    assert intents(ports, "rollback") == []
    assert ask_rollback(ports, MANAGER, key, "it did not help") != asked


def test_whoever_asked_may_take_it_back(ports: Ports, key: str, asked: int) -> None:
    decide_rollback(ports, MANAGER, asked, yes=False)
    assert kinds(ports, key)[-1] == Kind.ROLLBACK_DECLINED


def test_only_those_who_may_roll_back_decide(ports: Ports, asked: int) -> None:
    with pytest.raises(NotAllowed, match="You may not roll back here"):
        decide_rollback(ports, TESTER, asked, yes=True)


def test_a_late_click_hears_who_decided_and_when(ports: Ports, key: str, asked: int) -> None:
    decide_rollback(ports, ADMINISTRATOR, asked, yes=True)
    later(ports, minutes=1)
    with pytest.raises(AlreadyDecided, match="already confirmed") as late:
        decide_rollback(ports, SECOND_MANAGER, asked, yes=True)
    assert (late.value.by, late.value.at) == (ADMINISTRATOR, NOW)
    assert len(intents(ports, "rollback")) == 1


def test_an_unknown_request_is_said_to_be(ports: Ports) -> None:
    with pytest.raises(NotFound, match="not known any more"), ports.store.reading() as session:
        find_request(session, 99)


# Expiry


def test_a_wish_that_nobody_confirms_expires(ports: Ports, key: str, asked: int) -> None:
    expire_request(ports, asked)
    assert Kind.ROLLBACK_EXPIRED not in kinds(ports, key)
    later(ports, minutes=30)
    for _ in range(2):
        expire_request(ports, asked)
    assert kinds(ports, key).count(Kind.ROLLBACK_EXPIRED) == 1
    with pytest.raises(AlreadyDecided, match="already expired"):
        decide_rollback(ports, ADMINISTRATOR, asked, yes=True)


def test_a_yes_at_the_moment_of_expiry_is_too_late(ports: Ports, key: str, asked: int) -> None:
    later(ports, minutes=30)
    with pytest.raises(AlreadyDecided, match="already expired") as late:
        decide_rollback(ports, ADMINISTRATOR, asked, yes=True)
    assert (late.value.by, late.value.at) == ("", NOW + timedelta(minutes=30))
    assert intents(ports, "rollback") == []


def test_a_wish_whose_time_is_over_stands_in_nobodys_way(ports: Ports, key: str, asked: int) -> None:
    later(ports, minutes=30)
    again = ask_rollback(ports, ADMINISTRATOR, key, "orders still fail")
    decide_rollback(ports, MANAGER, again, yes=True)
    expire_request(ports, asked)
    assert kinds(ports, key).count(Kind.ROLLBACK_EXPIRED) == 1
    assert len(intents(ports, "rollback")) == 1


# Held


def test_what_somebody_changed_since_is_asked_about(ports: Ports, key: str) -> None:
    attempt = a_rollback(ports, key)
    drift = ["ApexClass Discount was changed"]
    hold_rollback(ports, attempt, "Somebody changed parts of this release since it was deployed.", drift)
    assert last(ports, key, Kind.ROLLBACK_HELD).details["drift"] == drift
    assert deployment(ports, attempt).state == "failed"
    assert release(ports, key).state == "soaking"
    overwriting = a_rollback(ports, key, overwrite=True)
    assert deployment(ports, overwriting).result["overwrite"]
    assert overwriting != attempt


def test_a_held_rollback_stays_held(ports: Ports, key: str) -> None:
    attempt = a_rollback(ports, key)
    for _ in range(2):
        hold_rollback(ports, attempt, "PRODUCTION does not answer.")
    finish_rollback(ports, attempt, a_success())
    assert deployment(ports, attempt).state == "failed"
    assert kinds(ports, key).count(Kind.ROLLBACK_HELD) == 1


# The end


def test_a_result_that_is_kept_again_after_a_crash_leaves_the_first_end(ports: Ports, key: str) -> None:
    attempt = a_rollback(ports, key)
    for _ in range(2):
        finish_rollback(ports, attempt, a_success())
        later(ports, hours=5)
    assert deployment(ports, attempt).finished_at == NOW


ENDS_THAT_TELL_LITTLE: list[JobState] = ["Canceled", "FinalizingFailed", "SucceededPartial"]


@pytest.mark.parametrize("state", ENDS_THAT_TELL_LITTLE)
def test_a_rollback_whose_end_tells_little_is_read_back_before_it_counts(
    ports: Ports, key: str, state: JobState
) -> None:
    attempt = a_rollback(ports, key)
    finish_rollback(ports, attempt, JobStatus("0AfR", state, True, False, False))
    assert (deployment(ports, attempt).state, attempts.assignment(ports, attempt).ended_as) == ("verifying", state)
    assert Kind.ROLLBACK_FAILED not in kinds(ports, key)
    note_not_returned(ports, attempt)
    assert (deployment(ports, attempt).state, release(ports, key).state) == ("failed", "soaking")
    assert last(ports, key, Kind.ROLLBACK_FAILED).details["unchanged"] is True


def test_a_rollback_that_landed_although_it_was_not_finished_counts_as_one(ports: Ports, key: str) -> None:
    attempt = a_rollback(ports, key)
    finish_rollback(ports, attempt, JobStatus("0AfR", "FinalizingFailed", True, False, False))
    note_read_back(ports, attempt, Returned(["CustomField Account.Tier__c"], landed=["ApexClass Discount"]))
    assert (deployment(ports, attempt).state, release(ports, key).state) == ("succeeded", "rolled_back")
    told = last(ports, key, Kind.ROLLBACK_SUCCEEDED).details
    assert (told["ended_as"], told["landed"]) == ("FinalizingFailed", ["ApexClass Discount"])
    assert "reached the org after it" in newest(ports, key, "arming").voided_because


def test_a_failed_rollback_is_told_and_may_be_tried_again(ports: Ports, key: str) -> None:
    attempt = a_rollback(ports, key)
    finish_rollback(ports, attempt, a_failure(message="expected 10, got 9"))
    assert "expected 10, got 9" in last(ports, key, Kind.ROLLBACK_FAILED).details["problem"]
    assert deployment(ports, attempt).result["confirmed_by"] == ADMINISTRATOR
    assert facts_of(ports, key).live is not None
    assert a_rollback(ports, key) != attempt


def test_production_returned_and_the_org_is_locked_with_a_reason(ports: Ports, key: str) -> None:
    attempt = a_rollback(ports, key)
    finish_rollback(ports, attempt, a_success())
    assert release(ports, key).state == "soaking"
    note_returned(ports, attempt, ["Layout Account-A"])
    assert release(ports, key).state == "rolled_back"
    assert deployment(ports, "DEP-2").state == "rolled_back"
    assert last(ports, key, Kind.ROLLBACK_SUCCEEDED).details["differences"] == ["Layout Account-A"]
    lock = facts_of(ports, key).lock
    assert lock is not None
    assert lock.reason == (
        "REL-1 was rolled back in PRODUCTION: orders fail. Asked by UMANAGER, confirmed by UADMIN. "
        "Find the cause before anything else goes in."
    )
    assert last(ports, key, Kind.ORG_LOCKED).actor == MANAGER


def test_a_rollback_has_its_own_way_back_neither_proven_nor_told(ports: Ports, key: str) -> None:
    proven = newest(ports, key, "arming")
    return_to(ports, a_rollback(ports, key))
    assert newest(ports, key, "arming").id == proven.id
    assert deployment(ports, proven.key).voided_because == "DEP-4 rolled back REL-1 after it."
    assert Kind.ROLLBACK_NOT_ARMED not in kinds(ports, key)


def test_a_rollback_has_the_way_back_of_others_proven_again(ports: Ports) -> None:
    older, newer = a_soaking_release(ports), a_soaking_release(ports, name="Hotfix")
    arm(ports, older)
    proven = newest(ports, older, "arming")
    return_to(ports, a_rollback(ports, newer))
    assert newest(ports, older, "arming").id != proven.id


def test_a_release_goes_back_once(ports: Ports, key: str) -> None:
    attempt = a_rollback(ports, key)
    return_to(ports, attempt)
    return_to(ports, attempt)
    assert kinds(ports, key).count(Kind.ROLLBACK_SUCCEEDED) == 1
    with pytest.raises(Refused, match="is not in its org") as refused:
        ask_rollback(ports, MANAGER, key, "again")
    assert refused.value.code == "nothing_to_undo"


def test_an_undo_that_failed_may_be_asked_for_again(ports: Ports, key: str) -> None:
    back = a_rollback(ports, key)
    attempts.note_asking(ports, back, "deploying")
    finish_rollback(ports, back, a_success())
    note_returned(ports, back, [], undo_digest=digest_of(b"undo"))
    hold_rollback(ports, a_rollback(ports, key), "The rollback did not start. PRODUCTION does not answer.")
    again = a_rollback(ports, key)
    assert deployment(ports, again).undoes_id == back


def test_a_locked_org_lets_nothing_in_until_a_named_person_opens_it(ports: Ports, key: str) -> None:
    return_to(ports, a_rollback(ports, key))
    following = a_ready_release(ports, name="Mended")
    assert blocked_by(ports, following) == {"org_locked"}
    with pytest.raises(deployments.NotReady):
        deployments.request_deployment(ports, MANAGER, following)
    org_locks.unlock_org(ports, ADMINISTRATOR, "production", "the trigger was the cause")
    assert deployments.request_deployment(ports, MANAGER, following)


def test_a_lost_answer_leaves_the_release_where_it_was(ports: Ports, key: str) -> None:
    attempt = a_rollback(ports, key)
    attempts.note_unknown(ports, attempt, "The answer was lost.")
    assert deployment(ports, attempt).state == "unknown"
    assert release(ports, key).state == "soaking"


def test_a_rollback_nobody_knows_about_is_not_repeated_blindly(ports: Ports, key: str) -> None:
    attempts.note_unknown(ports, a_rollback(ports, key), "The answer was lost.")
    with pytest.raises(Refused) as refused:
        ask_rollback(ports, MANAGER, key, "orders still fail")
    assert refused.value.code == "outcome_unknown"
    assert f"/release clarify {key}" in str(refused.value)
    clarifying.clarify(ports, MANAGER, key, found="never_arrived", note="no such job at 21:40")
    assert ask_rollback(ports, MANAGER, key, "orders still fail")


def test_a_release_whose_rollback_nobody_knows_about_is_not_closed(ports: Ports, key: str) -> None:
    attempts.note_unknown(ports, a_rollback(ports, key), "The answer was lost.")
    with pytest.raises(Refused) as refused:
        releases.close_release(ports, MANAGER, key)
    assert refused.value.code == "outcome_unknown"
    assert not releases.close_release(ports, BOT, key, by_timer=True)
    assert release(ports, key).state == "soaking"


# Within an incident


def test_an_incident_hears_of_everything_that_its_rollback_does(ports: Ports, key: str) -> None:
    incident = incidents.open_incident(ports, TESTER, title="Orders fail", severity=1, org="production")
    attempt = a_rollback(ports, key)
    return_to(ports, attempt)
    assert kinds(ports, incident) == [
        Kind.INCIDENT_OPENED,
        Kind.ROLLBACK_ASKED,
        Kind.ROLLBACK_CONFIRMED,
        Kind.ROLLBACK_SUCCEEDED,
    ]
    assert last(ports, incident, Kind.ROLLBACK_SUCCEEDED).actor == BOT
    lock = facts_of(ports, key).lock
    assert lock is not None
    assert f"({incident})" in lock.reason


def test_an_incident_hears_that_nobody_knows_what_became_of_its_rollback(ports: Ports, key: str) -> None:
    incident = incidents.open_incident(ports, TESTER, title="Orders fail", severity=1, org="production")
    attempts.note_unknown(ports, a_rollback(ports, key), "The answer was lost.")
    lost = last(ports, incident, Kind.DEPLOYMENT_UNKNOWN)
    assert (lost.details["release"], lost.details["problem"]) == (key, "The answer was lost.")
    assert Kind.DEPLOYMENT_UNKNOWN in kinds(ports, key)


def test_an_org_that_was_locked_before_keeps_its_reason(ports: Ports, key: str) -> None:
    org_locks.lock_org(ports, ADMINISTRATOR, "production", "the audit is here")
    return_to(ports, a_rollback(ports, key))
    lock = facts_of(ports, key).lock
    assert lock is not None
    assert lock.reason == "the audit is here"
    assert Kind.ORG_LOCKED not in kinds(ports, key)
