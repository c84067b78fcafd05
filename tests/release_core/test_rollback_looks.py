"""A look at the org while people decide, the parts they choose, the way forward again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from release_core import incidents, org_locks
from release_core.errors import Conflict, NotAllowed, Refused
from release_core.facts import ReleaseFacts, watched_until
from release_core.models import RollbackRequest
from release_core.ports import Ports
from release_core.releases import close_release
from release_core.rollback_choices import choose_parts, prove_first
from release_core.rollback_looks import Look, drift_words, look_to_rely_on, note_look, note_not_looked
from release_core.rollback_outcomes import finish_rollback, hold_rollback, unsettled
from release_core.rollback_requests import AlreadyDecided, ask_rollback, decide_rollback, find_request
from release_core.timeline import Kind
from tests.release_core.builders import (
    ADMINISTRATOR,
    DEVELOPER,
    MANAGER,
    NOW,
    SECOND_MANAGER,
    TESTER,
    a_soaking_release,
    a_success,
    arm,
    deployment,
    digest_of,
    facts_of,
    go_to,
    intents,
    kinds,
    last,
    later,
    newest,
    note_returned,
    release,
    row_id,
)

CHANGED = ["ApexClass", "Discount", "changed", "Mei Tanaka", "2026-11-23T08:00:00+00:00"]
LEAVE = [["ApexClass", "Discount"]]


@pytest.fixture
def key(ports: Ports) -> str:
    """A release in production whose way back is proven."""
    return a_soaking_release(ports)


@pytest.fixture
def asked(ports: Ports, key: str) -> int:
    """A wish to take it back."""
    return ask_rollback(ports, MANAGER, key, "orders fail")


def look(ports: Ports, request: int, *drift: list[str]) -> None:
    note_look(ports, request, Look(ports.clock.now(), digest_of(b"live"), drift, ()))


def wish(ports: Ports, request: int) -> RollbackRequest:
    with ports.store.reading() as session:
        return find_request(session, request)


def confirm(ports: Ports, key: str, request: int, by: str = ADMINISTRATOR) -> int:
    decide_rollback(ports, by, request, yes=True)
    return newest(ports, key, "rollback").id or 0


def taken_back(ports: Ports, key: str) -> None:
    """The release was rolled back, and how to undo that is kept."""
    attempt = confirm(ports, key, ask_rollback(ports, MANAGER, key, "orders fail"))
    finish_rollback(ports, attempt, a_success())
    note_returned(ports, attempt, [], undo_digest=digest_of(b"forward"))


# The look


def test_whoever_asks_has_the_org_looked_at_at_once(ports: Ports, asked: int) -> None:
    (intent,) = intents(ports, "rollback_look")
    assert (intent.args, intent.due_at, intent.lane) == ({"request": asked}, NOW, ""), "it waits for no deployment"


def test_what_was_seen_is_told_and_kept(ports: Ports, key: str, asked: int) -> None:
    look(ports, asked, CHANGED)
    assert last(ports, key, Kind.ROLLBACK_LOOKED).details["drift"] == ["ApexClass Discount was changed by Mei Tanaka"]
    assert (wish(ports, asked).looked_at, wish(ports, asked).drift) == (NOW, [CHANGED])


def test_an_incident_hears_of_the_look_too(ports: Ports, key: str) -> None:
    incident = incidents.open_incident(ports, TESTER, title="Orders fail", severity=1, org="production")
    look(ports, ask_rollback(ports, MANAGER, key, "orders fail"))
    assert Kind.ROLLBACK_LOOKED in kinds(ports, incident)


def test_a_look_after_the_decision_changes_nothing(ports: Ports, key: str, asked: int) -> None:
    confirm(ports, key, asked)
    look(ports, asked, CHANGED)
    note_not_looked(ports, asked, "PRODUCTION does not answer.")
    assert wish(ports, asked).looked_at is None
    assert {Kind.ROLLBACK_LOOKED, Kind.ROLLBACK_NOT_LOOKED}.isdisjoint(kinds(ports, key))


def test_an_armed_way_back_relies_on_a_look_that_found_nothing(ports: Ports, key: str, asked: int) -> None:
    look(ports, asked)
    found = look_to_rely_on(ports, confirm(ports, key, asked))
    assert found is not None
    assert found.live_digest == digest_of(b"live")


def test_no_look_is_relied_on_without_a_proof(ports: Ports) -> None:
    key = a_soaking_release(ports, armed=False)
    request = ask_rollback(ports, MANAGER, key, "orders fail")
    look(ports, request)
    assert look_to_rely_on(ports, confirm(ports, key, request)) is None


def test_no_look_is_relied_on_for_ever(ports: Ports, key: str, asked: int) -> None:
    look(ports, asked)
    attempt = confirm(ports, key, asked)
    later(ports, minutes=61)
    assert look_to_rely_on(ports, attempt) is None


def test_a_rollback_without_a_look_looks_itself(ports: Ports, key: str, asked: int) -> None:
    assert look_to_rely_on(ports, confirm(ports, key, asked)) is None


# What people decide about it


def test_nobody_confirms_over_a_change_that_was_not_decided_about(ports: Ports, key: str, asked: int) -> None:
    look(ports, asked, CHANGED)
    with pytest.raises(Refused, match=r"ApexClass Discount.*Choose for each") as refused:
        confirm(ports, key, asked)
    assert refused.value.code == "drift_undecided"
    assert intents(ports, "rollback") == []


def test_leaving_it_decides(ports: Ports, key: str, asked: int) -> None:
    look(ports, asked, CHANGED)
    chosen = choose_parts(ports, SECOND_MANAGER, asked, LEAVE)
    attempt = deployment(ports, confirm(ports, key, chosen))
    assert (attempt.leave, attempt.archive_digest, attempt.validated_job_id) == (LEAVE, "", "")
    assert last(ports, key, Kind.ROLLBACK_ASKED).details["leave"] == LEAVE


def test_overwriting_it_decides_for_what_was_seen_and_no_more(ports: Ports, key: str, asked: int) -> None:
    look(ports, asked, CHANGED)
    attempt = confirm(ports, key, choose_parts(ports, SECOND_MANAGER, asked, []))
    newer = [*CHANGED[:4], "2026-11-23T10:00:00+00:00"]
    another = ["ApexClass", "Quote", "changed", "", ""]
    assert unsettled(ports, attempt, [CHANGED]) == []
    assert unsettled(ports, attempt, [newer, another]) == [newer, another]
    assert deployment(ports, attempt).validated_job_id, "the whole way back is armed"


def test_whoever_chose_may_not_confirm_it(ports: Ports, key: str, asked: int) -> None:
    chosen = choose_parts(ports, SECOND_MANAGER, asked, LEAVE)
    with pytest.raises(NotAllowed, match="somebody else has to confirm"):
        confirm(ports, key, chosen, SECOND_MANAGER)
    with pytest.raises(AlreadyDecided, match="replaced by another choice of parts"):
        confirm(ports, key, asked)
    assert confirm(ports, key, chosen, MANAGER)


def test_the_same_choice_twice_is_said_to_be_there_already(ports: Ports, asked: int) -> None:
    chosen = choose_parts(ports, MANAGER, asked, LEAVE)
    with pytest.raises(Conflict, match="asked for already"):
        choose_parts(ports, ADMINISTRATOR, chosen, LEAVE)


def test_only_those_who_may_roll_back_choose_or_prove(ports: Ports, asked: int) -> None:
    with pytest.raises(NotAllowed, match="You may not roll back here"):
        choose_parts(ports, DEVELOPER, asked, LEAVE)
    with pytest.raises(NotAllowed, match="You may not roll back here"):
        prove_first(ports, DEVELOPER, asked)


def test_a_choice_is_kept_for_the_time_that_a_wish_has(ports: Ports, asked: int) -> None:
    later(ports, minutes=20)
    chosen = choose_parts(ports, MANAGER, asked, LEAVE)
    assert wish(ports, chosen).expires_at == NOW + timedelta(minutes=50)
    later(ports, minutes=31)
    with pytest.raises(AlreadyDecided):
        choose_parts(ports, MANAGER, chosen, [])


def test_who_chooses_before_the_look_has_ended_is_asked_about_what_it_finds(ports: Ports, key: str, asked: int) -> None:
    chosen = choose_parts(ports, SECOND_MANAGER, asked, [["CustomField", "Account.Tier__c"]])
    assert [intent.args for intent in intents(ports, "rollback_look")] == [{"request": asked}, {"request": chosen}]
    look(ports, asked, CHANGED)
    assert (wish(ports, asked).looked_at, wish(ports, chosen).looked_at) == (None, None), "each has its own"
    look(ports, chosen, CHANGED)
    with pytest.raises(Refused, match="ApexClass Discount") as refused:
        confirm(ports, key, chosen)
    assert refused.value.code == "drift_undecided"


def test_what_nobody_was_shown_is_not_overwritten_by_a_choice_from_before(ports: Ports, key: str, asked: int) -> None:
    chosen = choose_parts(ports, SECOND_MANAGER, asked, [["CustomField", "Account.Tier__c"]])
    attempt = confirm(ports, key, chosen)
    assert unsettled(ports, attempt, [CHANGED]) == [CHANGED], "the way back looks itself"


def test_a_form_from_before_the_look_accepts_no_loss(ports: Ports, key: str, asked: int) -> None:
    look(ports, asked, CHANGED)
    with pytest.raises(Conflict, match=r"found after this form was opened\. Nothing was asked for; press Choose parts"):
        choose_parts(ports, SECOND_MANAGER, asked, [["CustomField", "Account.Tier__c"]], shown=False)
    assert wish(ports, asked).state == "asked"


def test_a_look_that_failed_is_made_again_for_another_choice(ports: Ports, asked: int) -> None:
    note_not_looked(ports, asked, "PRODUCTION does not answer.")
    chosen = choose_parts(ports, SECOND_MANAGER, asked, LEAVE)
    assert intents(ports, "rollback_look")[-1].args == {"request": chosen}
    assert wish(ports, chosen).look_problem == "", "nobody knows yet what the next one comes to"


def test_who_rolls_back_anyway_overwrites_without_a_look_too(ports: Ports, key: str) -> None:
    request = ask_rollback(ports, MANAGER, key, "orders fail", overwrite=True)
    attempt = confirm(ports, key, choose_parts(ports, SECOND_MANAGER, request, LEAVE))
    assert unsettled(ports, attempt, [["ApexClass", "Quote", "changed", "", ""]]) == []


# Proven first


def test_a_choice_is_proven_by_a_run_of_its_own(ports: Ports, key: str, asked: int) -> None:
    chosen = choose_parts(ports, MANAGER, asked, LEAVE)
    proof = row_id(ports, prove_first(ports, MANAGER, chosen))
    assert (deployment(ports, proof).leave, deployment(ports, proof).archive_digest) == (LEAVE, "")
    with pytest.raises(Conflict, match="proves it already"):
        prove_first(ports, ADMINISTRATOR, chosen)
    arm(ports, key)
    with pytest.raises(Conflict, match="proven already"):
        prove_first(ports, ADMINISTRATOR, chosen)
    attempt = deployment(ports, confirm(ports, key, chosen))
    assert attempt.validated_job_id == deployment(ports, proof).job_id


def test_proving_a_choice_leaves_the_whole_way_back_armed(ports: Ports, key: str, asked: int) -> None:
    whole = _armed(facts_of(ports, key))
    prove_first(ports, MANAGER, choose_parts(ports, MANAGER, asked, LEAVE))
    arm(ports, key)
    assert _armed(facts_of(ports, key)) == whole


def _armed(facts: ReleaseFacts) -> int | None:
    armed = facts.armed(NOW)
    return armed.id if armed else None


# Forward again


def test_a_rollback_is_undone_by_two_people_too(ports: Ports, key: str) -> None:
    taken_back(ports, key)
    request = ask_rollback(ports, MANAGER, key, "the cause was another")
    assert last(ports, key, Kind.ROLLBACK_ASKED).details["undo"] is True
    with pytest.raises(NotAllowed, match="somebody else has to confirm"):
        confirm(ports, key, request, MANAGER)
    undo = deployment(ports, confirm(ports, key, request))
    assert (undo.archive_digest, undo.undoes_id) == (digest_of(b"forward"), row_id(ports, "DEP-4"))


def test_what_was_undone_is_live_watched_and_armed_again(ports: Ports, key: str) -> None:
    taken_back(ports, key)
    attempt = confirm(ports, key, ask_rollback(ports, MANAGER, key, "the cause was another"))
    finish_rollback(ports, attempt, a_success())
    note_returned(ports, attempt, [])
    assert (release(ports, key).state, release(ports, key).closed_at) == ("soaking", None)
    live = facts_of(ports, key).live
    assert live is not None
    assert live.key == "DEP-2"
    assert [d.state for d in facts_of(ports, key).deployments if d.purpose == "rollback"] == [
        "rolled_back",
        "succeeded",
    ]
    assert newest(ports, key, "arming").state == "requested"
    assert intents(ports, "soak_end")[-1].due_at == NOW + timedelta(hours=2)
    assert Kind.ROLLBACK_UNDONE in kinds(ports, key)
    lock = facts_of(ports, key).lock
    assert lock is not None, "the org stays locked until somebody lifts it"
    org_locks.unlock_org(ports, ADMINISTRATOR, "production", "the cause is found")
    arm(ports, key)
    assert deployment(ports, confirm(ports, key, ask_rollback(ports, MANAGER, key, "after all"))).validated_job_id


def test_the_soak_from_before_a_rollback_that_was_undone_ends_nothing(ports: Ports, key: str) -> None:
    (first,) = intents(ports, "soak_end")
    later(ports, minutes=30)
    taken_back(ports, key)
    later(ports, minutes=30)
    attempt = confirm(ports, key, ask_rollback(ports, MANAGER, key, "the cause was another"))
    finish_rollback(ports, attempt, a_success())
    note_returned(ports, attempt, [])
    go_to(ports, first.due_at)
    assert not close_release(ports, "rollcall", key, by_timer=True)
    assert release(ports, key).state == "soaking"
    second = intents(ports, "soak_end")[-1]
    assert second.due_at == NOW + timedelta(hours=3)
    go_to(ports, second.due_at)
    assert close_release(ports, "rollcall", key, by_timer=True)


def test_a_rollback_that_was_held_does_not_shorten_the_watch_after_an_undo(ports: Ports, key: str) -> None:
    later(ports, minutes=30)
    taken_back(ports, key)
    attempt = confirm(ports, key, ask_rollback(ports, MANAGER, key, "the cause was another"))
    finish_rollback(ports, attempt, a_success())
    note_returned(ports, attempt, [])
    held = confirm(ports, key, ask_rollback(ports, MANAGER, key, "after all"))
    hold_rollback(ports, held, "PRODUCTION is at its limit.")
    assert watched_until(facts_of(ports, key), ports.policy) == NOW + timedelta(hours=2, minutes=30)


def test_undoing_is_not_proven_first(ports: Ports, key: str) -> None:
    taken_back(ports, key)
    with pytest.raises(Refused) as refused:
        prove_first(ports, MANAGER, ask_rollback(ports, MANAGER, key, "the cause was another"))
    assert refused.value.code == "not_provable"


def test_a_change_is_told_with_who_made_it() -> None:
    assert drift_words(CHANGED) == "ApexClass Discount was changed by Mei Tanaka"
    assert drift_words(["Layout", "A", "removed", "", ""]) == "Layout A was removed"
