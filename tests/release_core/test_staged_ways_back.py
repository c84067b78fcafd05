"""A staged release is watched in each org that holds it; what was taken back there may come again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from release_core import (
    attempts,
    checklists,
    incidents,
    org_locks,
    proofs,
    releases,
    rollback_choices,
    stages,
    validations,
)
from release_core.arming import finish_arming
from release_core.errors import Conflict, NotAllowed, Refused
from release_core.ports import Ports
from release_core.proof_alarms import proofs_that_matter
from release_core.proofs import Landing
from release_core.rollback_outcomes import finish_rollback
from release_core.rollback_requests import ask_rollback, decide_rollback
from release_core.rollback_ways import take_proof
from release_core.timeline import BOT, Kind
from release_core.ways_back import rollback_to_undo, standing_in
from tests.release_core.builders import (
    ADMINISTRATOR,
    DEVELOPER,
    MANAGER,
    PRODUCTION,
    SECOND_MANAGER,
    UAT,
    a_failure,
    a_package,
    a_success,
    arm,
    blocked_by,
    deployment,
    digest_of,
    facts_of,
    gate,
    intents,
    kinds,
    last,
    later,
    newest,
    note_returned,
    release,
)
from tests.release_core.staged import (
    EMEA,
    a_ready_staged_release,
    a_staged_release,
    book,
    land_stage,
    make_ready,
    soak,
    staged_ports,
)


@pytest.fixture
def staged() -> Ports:
    return staged_ports()


@pytest.fixture
def key(staged: Ports) -> str:
    """A release that is live in UAT, armed there, with EMEA next."""
    key = a_ready_staged_release(staged)
    land_stage(staged, key)
    assert soak(staged, key) == EMEA
    return key


def in_two_orgs(ports: Ports, key: str) -> None:
    make_ready(ports, key)
    land_stage(ports, key)


def go_back(ports: Ports, key: str, org: str | None = None) -> None:
    """Somebody asks, somebody else agrees, the org did it; how to bring it back again is kept."""
    request = ask_rollback(ports, MANAGER, key, "it broke", org=org)
    decide_rollback(ports, SECOND_MANAGER, request, yes=True)
    attempt = newest(ports, key, "rollback").id or 0
    finish_rollback(ports, attempt, a_success())
    note_returned(ports, attempt, [], undo_digest=digest_of(b"forward"))


# The watch


def test_the_org_before_is_watched_while_the_release_waits_for_the_next(staged: Ports, key: str) -> None:
    with staged.store.reading() as session:
        assert [p.purpose for p in proofs_that_matter(session, UAT, staged.clock.now())] == ["arming"]
    later(staged, minutes=10)
    landed = Landing("0AfXX0000000001AAA", "Mei Tanaka", staged.clock.now(), "Mei Tanaka deployed to it.")
    proofs.note_watched(staged, UAT, [landed], at=staged.clock.now())
    assert "Mei Tanaka deployed to it." in last(staged, key, Kind.ROLLBACK_NOT_ARMED).details["problem"]
    assert newest(staged, key, "arming").state == "requested"


def test_a_proof_that_lapses_in_the_org_before_is_told(staged: Ports, key: str) -> None:
    proof = newest(staged, key, "arming").id or 0
    in_two_orgs(staged, key)
    assert facts_of(staged, key).armed(staged.clock.now(), EMEA) is not None
    later(staged, days=10)
    before = kinds(staged, key).count(Kind.ROLLBACK_NOT_ARMED)
    proofs.lapse(staged, proof)
    assert kinds(staged, key).count(Kind.ROLLBACK_NOT_ARMED) == before + 1


def test_a_proof_in_the_org_before_is_made_anew_though_a_later_org_has_one_of_its_own(staged: Ports, key: str) -> None:
    proof = newest(staged, key, "arming")
    in_two_orgs(staged, key)
    proofs.renew_arming(staged, proof.id or 0)
    again = newest(staged, key, "arming")
    assert (again.org, again.undoes_id, again.state) == (UAT, proof.undoes_id, "requested")


def test_after_a_rollback_in_one_org_the_way_back_of_the_others_is_watched_and_proven_again(
    staged: Ports, key: str
) -> None:
    in_two_orgs(staged, key)
    go_back(staged, key, EMEA)
    with staged.store.reading() as session:
        assert [p.org for p in proofs_that_matter(session, UAT, staged.clock.now())] == [UAT]
        assert proofs_that_matter(session, EMEA, staged.clock.now()) == []
    unarm_uat(staged)
    again = newest(staged, key, "arming")
    assert (again.org, again.state) == (UAT, "requested")
    proof = arm(staged, key)
    proofs.renew_arming(staged, proof)
    assert newest(staged, key, "arming").id != proof, "and before it lapses"


def test_no_way_back_is_proven_again_that_nobody_may_ask_for_any_more(staged: Ports, key: str) -> None:
    in_two_orgs(staged, key)
    go_back(staged, key, EMEA)
    another = a_ready_staged_release(staged)
    land_stage(staged, another)
    proof = facts_of(staged, key).armings(org=UAT)[-1]
    assert proof.state == "requested", "what came into UAT voided the one before"
    finish_arming(staged, proof.id or 0, a_success())
    later(staged, days=181)
    proofs.renew_arming(staged, proof.id or 0)
    assert facts_of(staged, key).armings(org=UAT)[-1].id == proof.id


def test_a_release_that_is_ready_stays_so_while_going_back_elsewhere_waits_for_a_yes(staged: Ports, key: str) -> None:
    make_ready(staged, key)
    assert release(staged, key).state == "ready"
    request = ask_rollback(staged, MANAGER, key, "it broke", org=UAT)
    assert blocked_by(staged, key) == {"stage_wished_back"}
    checklists.reopen(staged, MANAGER, key, "3")  # nothing waits for this item, but any change settles the state anew
    assert release(staged, key).state == "ready"
    decide_rollback(staged, SECOND_MANAGER, request, yes=False)
    assert (release(staged, key).state, blocked_by(staged, key)) == ("ready", set())


def test_a_rollback_that_is_lost_in_one_org_holds_the_next_one(staged: Ports, key: str) -> None:
    make_ready(staged, key)
    back = a_confirmed_way_back(staged, key, UAT)
    attempts.note_unknown(staged, back, "The answer was lost.")
    assert release(staged, key).state == "planned"
    assert blocked_by(staged, key) == {"outcome_unknown"}


def test_the_lock_names_the_org_and_who_took_it_back_and_why(staged: Ports, key: str) -> None:
    in_two_orgs(staged, key)
    go_back(staged, key, UAT)
    with staged.store.reading() as session:
        lock = org_locks.standing_lock(session, UAT)
        assert org_locks.standing_lock(session, EMEA) is None
    assert lock is not None
    assert lock.reason == (
        "REL-1 was rolled back in UAT: it broke. Asked by UMANAGER, confirmed by UMANAGER2. "
        "Find the cause before anything else goes in."
    )


def test_nothing_is_watched_any_more_once_the_release_was_given_up(staged: Ports, key: str) -> None:
    go_back(staged, key)
    with staged.store.reading() as session:
        assert proofs_that_matter(session, UAT, staged.clock.now()) == []


def test_the_watch_over_what_a_rollback_elsewhere_has_left_can_be_ended(staged: Ports, key: str) -> None:
    in_two_orgs(staged, key)
    go_back(staged, key, EMEA)
    assert gate(staged, key, "over").way_out.endswith(f"It is still watched in UAT; to end that: /release close {key}")
    with pytest.raises(Refused, match=f"To end the watch in UAT: /release close {key}"):
        releases.cancel_release(staged, MANAGER, key, "we give up")
    assert not releases.close_release(staged, BOT, key, by_timer=True), "no timer does it"
    assert release(staged, key).watch_ended_at is None
    with pytest.raises(NotAllowed):
        releases.close_release(staged, DEVELOPER, key)
    releases.close_release(staged, MANAGER, key)
    assert (release(staged, key).state, facts_of(staged, key).live_orgs) == ("rolled_back", (UAT,))
    assert last(staged, key, Kind.WATCH_ENDED).details == {"orgs": [UAT]}
    with staged.store.reading() as session:
        assert proofs_that_matter(session, UAT, staged.clock.now()) == []
    proof = facts_of(staged, key).armings(org=UAT)[-1]
    proofs.renew_arming(staged, proof.id or 0)
    assert facts_of(staged, key).armings(org=UAT)[-1].id == proof.id
    with pytest.raises(Refused, match="is rolled back; only a release that soaks can be closed"):
        releases.close_release(staged, MANAGER, key)
    go_back(staged, key, EMEA)
    with staged.store.reading() as session:
        assert proofs_that_matter(session, UAT, staged.clock.now()) != [], "it is watched again once it is back"


def test_the_watch_is_not_ended_while_something_is_open(staged: Ports, key: str) -> None:
    in_two_orgs(staged, key)
    go_back(staged, key, EMEA)
    request = ask_rollback(staged, MANAGER, key, "it broke", org=UAT)
    with pytest.raises(Refused, match="was asked for and waits for a second person"):
        releases.close_release(staged, MANAGER, key)
    decide_rollback(staged, SECOND_MANAGER, request, yes=True)
    with pytest.raises(Refused, match=f"is taking {key} back"):
        releases.close_release(staged, MANAGER, key)
    assert release(staged, key).watch_ended_at is None


def unarm_uat(ports: Ports) -> None:
    """Somebody else deploys to UAT, so its way back is being proven again."""
    later(ports, minutes=10)
    landed = Landing("0AfXX0000000001AAA", "Mei Tanaka", ports.clock.now(), "Mei Tanaka deployed to it.")
    proofs.note_watched(ports, UAT, [landed], at=ports.clock.now())


def a_confirmed_way_back(ports: Ports, key: str, org: str) -> int:
    request = ask_rollback(ports, MANAGER, key, "it broke", org=org)
    decide_rollback(ports, SECOND_MANAGER, request, yes=True)
    return newest(ports, key, "rollback").id or 0


def test_a_rollback_that_waited_goes_by_the_proof_of_its_own_org(staged: Ports, key: str) -> None:
    in_two_orgs(staged, key)
    unarm_uat(staged)
    back = a_confirmed_way_back(staged, key, UAT)
    assert deployment(staged, back).validated_job_id == ""
    proof = deployment(staged, arm(staged, key))
    assert proof.org == UAT
    take_proof(staged, back)
    assert deployment(staged, back).validated_job_id == proof.job_id


def test_the_proof_of_another_org_is_never_taken(staged: Ports, key: str) -> None:
    in_two_orgs(staged, key)
    unarm_uat(staged)
    back = a_confirmed_way_back(staged, key, UAT)
    assert facts_of(staged, key).armed(staged.clock.now(), EMEA) is not None
    take_proof(staged, back)
    assert deployment(staged, back).validated_job_id == ""


def test_a_proof_is_made_anew_while_the_release_goes_back_in_another_org(staged: Ports, key: str) -> None:
    in_two_orgs(staged, key)
    proof = newest(staged, key, "arming")
    assert proof.org == EMEA
    a_confirmed_way_back(staged, key, UAT)
    proofs.renew_arming(staged, proof.id or 0)
    again = newest(staged, key, "arming")
    assert (again.org, again.state) == (EMEA, "requested")


def test_a_validation_that_failed_in_an_org_before_it_passed_there_is_not_told_of_the_next(staged: Ports) -> None:
    key = a_staged_release(staged)
    a_package(staged, key)
    failed = validations.request_validation(staged, MANAGER, key)
    validations.finish_validation(staged, deployment(staged, failed).id or 0, a_failure())
    make_ready(staged, key)
    land_stage(staged, key)
    assert soak(staged, key) == EMEA
    assert gate(staged, key, "not_validated").because == "The package has not been validated in EMEA."


def test_a_wish_belongs_to_the_incident_in_its_own_org(staged: Ports, key: str) -> None:
    in_two_orgs(staged, key)
    incidents.open_incident(staged, MANAGER, title="quotes fail", severity=1, org="EMEA")
    ask_rollback(staged, MANAGER, key, "it broke", org=UAT)
    assert last(staged, key, Kind.ROLLBACK_ASKED).details["incident"] == ""
    ask_rollback(staged, MANAGER, key, "it broke", org=EMEA)
    assert last(staged, key, Kind.ROLLBACK_ASKED).details["incident"] == "INC-1"


# A choice of parts


def test_each_org_has_proofs_of_its_own_for_a_choice_of_parts(staged: Ports, key: str) -> None:
    in_two_orgs(staged, key)
    leave = [["ApexClass", "Discount"]]
    here = ask_rollback(staged, MANAGER, key, "it broke", leave=leave, org=UAT)
    attempt = rollback_choices.prove_first(staged, MANAGER, here)
    assert deployment(staged, attempt).org == UAT
    facts, now = facts_of(staged, key), staged.clock.now()
    assert (len(facts.armings(leave, UAT)), len(facts.armings(leave, EMEA))) == (1, 0)
    assert facts.armed(now, UAT) is not None
    decide_rollback(staged, SECOND_MANAGER, here, yes=True)
    assert newest(staged, key, "rollback").org == UAT


# Forward again


def test_what_was_taken_back_in_the_org_before_comes_again_and_the_release_goes_on_from_there(
    staged: Ports, key: str
) -> None:
    go_back(staged, key)
    assert release(staged, key).state == "rolled_back"
    org_locks.unlock_org(staged, ADMINISTRATOR, UAT, "the cause is found")
    go_back(staged, key)  # the same way again: now it undoes the rollback
    assert (release(staged, key).state, release(staged, key).target_org) == ("soaking", UAT)
    assert facts_of(staged, key).live_orgs == (UAT,)
    ends = intents(staged, "stage_end")[-1]
    assert ends.due_at == staged.clock.now() + timedelta(hours=1), "UAT has a soak of its own"
    later(staged, minutes=59)
    assert stages.move_on(staged, key) == ""
    later(staged, minutes=1)
    assert stages.move_on(staged, key) == EMEA
    assert "not_compared" in blocked_by(staged, key), "EMEA is compared once more"


def test_an_org_behind_that_holds_it_still_is_not_gone_to_again(staged: Ports, key: str) -> None:
    in_two_orgs(staged, key)
    go_back(staged, key, UAT)
    assert facts_of(staged, key).live_orgs == (EMEA,)
    undo = rollback_to_undo(facts_of(staged, key))
    assert undo is not None
    assert undo.org == UAT
    org_locks.unlock_org(staged, ADMINISTRATOR, UAT, "the cause is found")
    go_back(staged, key, UAT)
    assert last(staged, key, "rollback_undone").details["locked"] is False, "it was unlocked before"
    assert (release(staged, key).state, release(staged, key).target_org) == ("soaking", EMEA)
    assert set(facts_of(staged, key).live_orgs) == {UAT, EMEA}
    again = newest(staged, key, "arming")
    assert (again.org, again.state) == (UAT, "requested")
    arm(staged, key)
    assert facts_of(staged, key).armed(staged.clock.now(), UAT) is not None


def test_brought_back_in_a_later_org_it_may_still_come_back_in_an_earlier_one(staged: Ports, key: str) -> None:
    in_two_orgs(staged, key)
    go_back(staged, key, EMEA)
    go_back(staged, key, UAT)
    assert release(staged, key).state == "rolled_back"
    go_back(staged, key, EMEA)
    assert (release(staged, key).state, facts_of(staged, key).live_orgs) == ("soaking", (EMEA,))
    org_locks.unlock_org(staged, ADMINISTRATOR, EMEA, "the cause is found")
    later(staged, hours=2)
    assert stages.move_on(staged, key) == PRODUCTION
    book(staged, key)
    missing = gate(staged, key, "stage_missing")
    assert missing.because == "UAT comes first and does not hold it."
    assert missing.way_out == f"Bring it back there: /release rollback {key} in UAT -- reason"
    assert missing.who == (MANAGER, SECOND_MANAGER, ADMINISTRATOR)
    wish = ask_rollback(staged, MANAGER, key, "it was fine", org=UAT)
    waiting = gate(staged, key, "stage_wished_back").because
    assert waiting == "Bringing it back into UAT was asked for and waits for a second person until {0}."
    decide_rollback(staged, SECOND_MANAGER, wish, yes=True)
    undo = newest(staged, key, "rollback")
    assert gate(staged, key, "stage_going_back").because == f"{undo.key} brings it back into UAT."
    with pytest.raises(Refused, match=f"{undo.key} is bringing {key} back"):
        releases.cancel_release(staged, MANAGER, key, "we give up")
    finish_rollback(staged, undo.id or 0, a_success())
    note_returned(staged, undo.id or 0, [], undo_digest=digest_of(b"back again"))
    assert set(facts_of(staged, key).live_orgs) == {UAT, EMEA}
    assert (release(staged, key).state, release(staged, key).target_org) == ("soaking", EMEA), "EMEA is watched again"
    assert facts_of(staged, key).window is None, "it was that of PRODUCTION"
    assert rollback_to_undo(facts_of(staged, key)) is None
    later(staged, hours=2)
    assert stages.move_on(staged, key) == PRODUCTION
    assert "stage_missing" not in blocked_by(staged, key)


def test_what_was_closed_may_still_come_back_where_it_is_out(staged: Ports, key: str) -> None:
    for _ in (EMEA, PRODUCTION):
        make_ready(staged, key)
        land_stage(staged, key)
        soak(staged, key)
    go_back(staged, key, UAT)
    go_back(staged, key, PRODUCTION)
    go_back(staged, key, PRODUCTION)
    later(staged, hours=2)
    assert releases.close_release(staged, BOT, key, by_timer=True)
    go_back(staged, key, UAT)
    assert set(facts_of(staged, key).live_orgs) == {UAT, EMEA, PRODUCTION}
    later(staged, hours=2)
    assert releases.close_release(staged, BOT, key, by_timer=True), "it was watched once more"


def test_a_rest_that_was_given_up_does_not_come_to_life_again(staged: Ports, key: str) -> None:
    releases.cancel_release(staged, MANAGER, key, "the rest comes next year")
    go_back(staged, key, UAT)
    later(staged, hours=1)
    timers = len(intents(staged, "stage_end"))
    go_back(staged, key, UAT)
    row = release(staged, key)
    assert (row.state, row.closed_at, facts_of(staged, key).live_orgs) == ("cancelled", staged.clock.now(), (UAT,))
    assert len(intents(staged, "stage_end")) == timers
    later(staged, hours=2)
    assert stages.move_on(staged, key) == ""
    assert newest(staged, key, "arming").state == "requested", "its way back is proven once more"
    assert ask_rollback(staged, MANAGER, key, "it broke again", org=UAT)


def test_a_second_wish_to_undo_a_rollback_is_told_that_it_is_one_to_bring_it_back(staged: Ports, key: str) -> None:
    go_back(staged, key, UAT)
    ask_rollback(staged, MANAGER, key, "it was fine", org=UAT)
    with pytest.raises(Conflict, match="Bringing REL-1 back was already asked for"):
        ask_rollback(staged, MANAGER, key, "it was fine", org=UAT)


def test_without_an_org_what_is_live_goes_back_before_a_rollback_is_undone(staged: Ports, key: str) -> None:
    in_two_orgs(staged, key)
    go_back(staged, key, EMEA)
    facts = facts_of(staged, key)
    without, there = standing_in(facts), standing_in(facts, EMEA)
    assert without is not None
    assert there is not None
    assert (without.org, without.purpose) == (UAT, "deployment")
    assert (there.org, there.purpose) == (EMEA, "rollback")


def test_an_org_that_never_had_it_has_nothing_to_go_back_from(staged: Ports, key: str) -> None:
    with pytest.raises(Refused, match="is not in EMEA, so there is nothing to go back from"):
        ask_rollback(staged, MANAGER, key, "it broke", org=EMEA)
