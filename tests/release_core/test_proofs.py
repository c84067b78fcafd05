"""What becomes of a check-only run: how long it counts, what voids it, who is told, when it is made anew."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from release_core import arming, proofs, releases, scheduling
from release_core.arming import void_validations
from release_core.models import Deployment, Intent, OrgWatch
from release_core.ports import Ports
from release_core.proofs import Landing
from release_core.timeline import BOT, Kind
from release_core.windows import Interval
from tests.release_core.builders import (
    MANAGER,
    NOW,
    PRODUCTION,
    UAT,
    a_failure,
    a_package,
    a_passed_validation,
    a_policy,
    a_ready_release,
    a_release,
    a_soaking_release,
    a_started_deployment,
    arm,
    blocked_by,
    deployment,
    entries,
    facts_of,
    gate,
    go_to,
    intents,
    kinds,
    land,
    last,
    later,
    newest,
)
from tests.release_core.builders import ports as fresh_ports

TEN_DAYS = timedelta(days=10)


def a_landing(*, after: timedelta = timedelta(minutes=1), job: str = "0AfFOREIGN0000001") -> Landing:
    return Landing(job, "mei@acme.test", NOW + after, f"mei@acme.test deployed after it (job {job}).")


def watch(ports: Ports, *landed: Landing) -> None:
    proofs.note_watched(ports, PRODUCTION, landed, at=ports.clock.now())


def a_validated_release(ports: Ports, *, opens_in: timedelta, lasts: timedelta = timedelta(hours=2)) -> str:
    """A release validated now, whose window opens later."""
    key = a_release(ports, window=Interval(NOW + opens_in, NOW + opens_in + lasts))
    a_package(ports, key)
    a_passed_validation(ports, key)
    return key


def due(ports: Ports, flow: str) -> list[Intent]:
    return [intent for intent in intents(ports, flow) if intent.due_at <= ports.clock.now()]


# The watch


def test_an_org_in_which_something_counts_is_looked_at_every_five_minutes(ports: Ports) -> None:
    a_soaking_release(ports)
    (intent,) = intents(ports, "org_watch")
    assert (intent.args, intent.due_at) == ({"org": PRODUCTION}, NOW + timedelta(minutes=5))


def test_the_policy_says_how_often() -> None:
    ports = fresh_ports(policy=a_policy(watch_every="1m"))
    a_soaking_release(ports)
    assert intents(ports, "org_watch")[0].due_at == NOW + timedelta(minutes=1)


def test_nobody_watches_an_org_that_a_package_only_passes_through(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key)
    a_passed_validation(ports, key, org=UAT)
    assert intents(ports, "org_watch") == []


def test_what_somebody_landed_voids_what_was_proven_before_it(ports: Ports) -> None:
    waiting, live = a_ready_release(ports, name="Hotfix"), a_soaking_release(ports)
    validation, proof = newest(ports, live, "validation"), newest(ports, live, "arming")
    later(ports, minutes=5)
    watch(ports, a_landing())
    assert "mei@acme.test deployed after it" in deployment(ports, proof.key).voided_because
    assert "It is being proven again" in last(ports, live, Kind.ROLLBACK_NOT_ARMED).details["problem"]
    assert newest(ports, live, "arming").id != proof.id
    assert deployment(ports, validation.key).voided_because
    assert blocked_by(ports, waiting) >= {"validation_void"}


def test_what_landed_before_a_proof_leaves_it_alone(ports: Ports) -> None:
    key = a_soaking_release(ports)
    watch(ports, a_landing(after=timedelta(minutes=-1)), a_landing(after=timedelta()))
    assert facts_of(ports, key).armed(NOW) is not None


def test_our_own_deployments_are_not_taken_for_somebody_elses(ports: Ports) -> None:
    key = a_soaking_release(ports)
    ours = deployment(ports, "DEP-2").job_id
    watch(ports, Landing(f"{ours}"[:15], "us", NOW + timedelta(minutes=1), "us"))
    assert facts_of(ports, key).armed(NOW) is not None


def test_a_look_that_failed_is_made_up_for_by_the_next(ports: Ports) -> None:
    a_soaking_release(ports)
    later(ports, minutes=5)
    watch(ports)
    seen = proofs.watch_since(ports, PRODUCTION)
    later(ports, minutes=5)
    proofs.note_not_watched(ports, PRODUCTION, "PRODUCTION does not answer.")
    assert proofs.watch_since(ports, PRODUCTION) == seen
    with ports.store.reading() as session:
        assert session.exec(select(OrgWatch)).one().problem == "PRODUCTION does not answer."


def test_an_org_is_watched_until_nothing_in_it_matters(ports: Ports) -> None:
    key = a_soaking_release(ports)
    with ports.store.transaction() as session:
        for intent in session.exec(select(Intent).where(Intent.flow == "org_watch")):
            intent.state = "finished"
            session.add(intent)
    releases.close_release(ports, MANAGER, key)
    proofs.go_on_watching(ports, PRODUCTION)
    assert intents(ports, "org_watch") == []
    assert proofs.watch_since(ports, PRODUCTION) is None


# The way back


def test_a_proof_is_made_anew_a_day_before_it_lapses_while_the_release_is_watched(ports: Ports) -> None:
    key = a_soaking_release(ports)
    proof = newest(ports, key, "arming")
    (renewal,) = intents(ports, "arming_renewal")
    assert renewal.due_at == NOW + TEN_DAYS - timedelta(days=1)
    go_to(ports, renewal.due_at)
    proofs.renew_arming(ports, renewal.args["attempt"])
    again = newest(ports, key, "arming")
    assert (again.state, again.undoes_id) == ("requested", proof.undoes_id)
    armed = facts_of(ports, key).armed(ports.clock.now())
    assert armed is not None
    assert armed.id == proof.id, "the older one counts until the newer one has passed"
    arm(ports, key)
    armed = facts_of(ports, key).armed(NOW + TEN_DAYS)
    assert armed is not None


def test_a_proof_that_lapses_is_told_as_not_armed(ports: Ports) -> None:
    key = a_soaking_release(ports)
    proof = newest(ports, key, "arming").id or 0
    proofs.lapse(ports, proof)
    assert Kind.ROLLBACK_NOT_ARMED not in kinds(ports, key)
    later(ports, days=10)
    proofs.lapse(ports, proof)
    assert "ten days old" in last(ports, key, Kind.ROLLBACK_NOT_ARMED).details["problem"]


def test_an_org_that_was_away_is_asked_again_ever_more_seldom(ports: Ports) -> None:
    key = a_soaking_release(ports, armed=False)
    for minutes in (2, 4, 8):
        attempt = newest(ports, key, "arming").id or 0
        arming.finish_arming(ports, attempt, None, "PRODUCTION does not answer.", again=True)
        again = intents(ports, "arming_again")[-1]
        assert again.due_at == ports.clock.now() + timedelta(minutes=minutes)
        go_to(ports, again.due_at)
        proofs.renew_arming(ports, again.args["attempt"])
    assert arm(ports, key)
    assert facts_of(ports, key).armed(ports.clock.now()) is not None


def test_a_way_back_that_fails_its_tests_is_not_tried_again_by_itself(ports: Ports) -> None:
    key = a_soaking_release(ports, armed=False)
    arming.finish_arming(ports, newest(ports, key, "arming").id or 0, a_failure())
    assert intents(ports, "arming_again") == []


def test_nothing_is_proven_again_once_the_watch_over_the_release_has_ended(ports: Ports) -> None:
    key = a_soaking_release(ports, armed=False)
    attempt = newest(ports, key, "arming").id or 0
    arming.finish_arming(ports, attempt, None, "PRODUCTION does not answer.", again=True)
    releases.close_release(ports, MANAGER, key)
    proofs.renew_arming(ports, attempt)
    assert newest(ports, key, "arming").id == attempt


# The validation's clock


def test_the_gate_says_that_a_validation_lasts_longer_than_the_window(ports: Ports) -> None:
    key = a_validated_release(ports, opens_in=timedelta(days=2))
    assert "longer than the window" in gate(ports, key, "validated").because


@pytest.mark.parametrize(
    ("opens_in", "words"),
    [(timedelta(days=11), "before the window opens"), (TEN_DAYS - timedelta(hours=1), "start before")],
)
def test_the_gate_says_that_a_validation_does_not_cover_the_window(
    ports: Ports, opens_in: timedelta, words: str
) -> None:
    key = a_validated_release(ports, opens_in=opens_in)
    shown = gate(ports, key, "validated")
    assert words in shown.because
    assert shown.instants[0] == NOW + TEN_DAYS
    assert shown.passes


def test_whoever_owns_the_release_is_told_a_day_before_a_validation_lapses_ahead_of_its_window(ports: Ports) -> None:
    key = a_validated_release(ports, opens_in=timedelta(days=11))
    (reminder,) = intents(ports, "validation_reminder")
    assert reminder.due_at == NOW + timedelta(days=9)
    go_to(ports, reminder.due_at)
    proofs.remind_of_lapse(ports, reminder.args["attempt"])
    told = last(ports, key, Kind.VALIDATION_LAPSES)
    assert told.details["until"] == (NOW + TEN_DAYS).isoformat()


def test_a_validation_that_lasts_reminds_nobody(ports: Ports) -> None:
    a_validated_release(ports, opens_in=timedelta(days=2))
    assert intents(ports, "validation_reminder") == []


def test_moving_the_window_moves_the_reminder(ports: Ports) -> None:
    key = a_validated_release(ports, opens_in=timedelta(days=2))
    moved = Interval(NOW + timedelta(days=11), NOW + timedelta(days=11, hours=1))
    scheduling.set_window(ports, MANAGER, key, moved)
    (reminder,) = intents(ports, "validation_reminder")
    assert reminder.due_at == NOW + timedelta(days=9)
    nearer = Interval(NOW + timedelta(days=1), NOW + timedelta(days=1, hours=1))
    scheduling.set_window(ports, MANAGER, key, nearer)
    assert intents(ports, "validation_reminder") == []
    assert [one.due_at for one in intents(ports, "revalidation")] == [nearer.starts_at - timedelta(hours=2)]


def test_a_reminder_says_nothing_once_a_newer_validation_counts(ports: Ports) -> None:
    key = a_validated_release(ports, opens_in=timedelta(days=11))
    (reminder,) = intents(ports, "validation_reminder")
    go_to(ports, reminder.due_at)
    a_passed_validation(ports, key)
    proofs.remind_of_lapse(ports, reminder.args["attempt"])
    assert Kind.VALIDATION_LAPSES not in kinds(ports, key)


def test_a_validation_that_lapses_is_told_and_closes_the_gate(ports: Ports) -> None:
    key = a_validated_release(ports, opens_in=timedelta(days=11))
    (alarm,) = intents(ports, "proof_lapse")
    go_to(ports, alarm.due_at)
    proofs.lapse(ports, alarm.args["attempt"])
    assert "lapsed" in last(ports, key, Kind.VALIDATION_VOIDED).details["because"]
    assert "validation_lapsed" in blocked_by(ports, key)


def test_what_lapses_in_an_org_that_comes_first_alarms_nobody(ports: Ports) -> None:
    key = a_validated_release(ports, opens_in=timedelta(days=11))
    with ports.store.transaction() as session:
        (first,) = session.exec(select(Deployment).where(Deployment.purpose == "validation")).all()
        first.org = "uat"
        session.add(first)
        attempt = first.id or 0
    later(ports, days=10, hours=1)
    proofs.lapse(ports, attempt)
    assert Kind.VALIDATION_VOIDED not in kinds(ports, key)


def test_a_package_is_validated_again_two_hours_before_its_window_when_its_validation_was_voided(ports: Ports) -> None:
    key = a_validated_release(ports, opens_in=timedelta(days=2))
    later(ports, hours=1)
    watch(ports, a_landing())
    (alarm,) = intents(ports, "revalidation")
    assert alarm.due_at == NOW + timedelta(days=2, hours=-2)
    assert due(ports, "revalidation") == [], "not before that"
    go_to(ports, alarm.due_at)
    assert proofs.revalidate(ports, key, alarm.args["number"])
    again = newest(ports, key, "validation")
    assert (again.state, again.org, again.requested_by) == ("requested", PRODUCTION, BOT)


def test_what_lasts_through_the_window_is_not_validated_again(ports: Ports) -> None:
    key = a_validated_release(ports, opens_in=timedelta(days=2))
    (alarm,) = intents(ports, "revalidation")
    go_to(ports, alarm.due_at)
    assert proofs.revalidate(ports, key, alarm.args["number"]) == ""


def test_what_was_never_validated_is_not_validated_by_itself(ports: Ports) -> None:
    key = a_release(ports, window=Interval(NOW + timedelta(hours=1), NOW + timedelta(hours=2)))
    a_package(ports, key)
    assert proofs.revalidate(ports, key, 1) == ""


def test_what_is_voided_within_those_two_hours_is_validated_again_at_once(ports: Ports) -> None:
    key = a_validated_release(ports, opens_in=timedelta(hours=1))
    later(ports, minutes=5)
    watch(ports, a_landing())
    assert [intent.args["release"] for intent in due(ports, "revalidation")][-1] == key


def test_a_policy_may_leave_it_to_people(ports: Ports) -> None:
    own = fresh_ports(policy=a_policy(revalidate_before="0m"))
    a_validated_release(own, opens_in=timedelta(hours=1))
    later(own, minutes=5)
    watch(own, a_landing())
    assert intents(own, "revalidation") == []


def test_a_release_that_landed_is_not_reminded_or_validated_again(ports: Ports) -> None:
    key = a_ready_release(ports)
    land(ports, a_started_deployment(ports, key))
    validation = newest(ports, key, "validation")
    later(ports, days=10)
    proofs.lapse(ports, validation.id or 0)
    proofs.remind_of_lapse(ports, validation.id or 0)
    assert proofs.revalidate(ports, key, 1) == ""
    assert {Kind.VALIDATION_LAPSES, Kind.VALIDATION_VOIDED}.isdisjoint(kinds(ports, key))


def test_a_choice_of_parts_is_not_proven_again_by_itself(ports: Ports) -> None:
    key = a_soaking_release(ports)
    with ports.store.transaction() as session:
        whole = newest(ports, key, "arming")
        whole.leave = [["ApexClass", "Discount"]]
        session.merge(whole)
    watch(ports, a_landing())
    assert newest(ports, key, "arming").id == whole.id


def test_a_validation_that_does_not_last_says_when_it_is_made_anew(ports: Ports) -> None:
    key = a_validated_release(ports, opens_in=timedelta(days=11))
    shown = gate(ports, key, "validated")
    assert shown.because.endswith("; it is validated again by itself at {1}.")
    assert shown.instants[1] == NOW + timedelta(days=11) - ports.policy.revalidate_before
    (reminder,) = intents(ports, "validation_reminder")
    go_to(ports, reminder.due_at)
    proofs.remind_of_lapse(ports, reminder.args["attempt"])
    again_at = last(ports, key, Kind.VALIDATION_LAPSES).details["again_at"]
    assert again_at == shown.instants[1].isoformat()


def test_only_the_validation_that_counted_is_told_to_be_void(ports: Ports) -> None:
    key = a_validated_release(ports, opens_in=timedelta(days=20))
    later(ports, days=11)
    newer = a_passed_validation(ports, key)
    with ports.store.transaction() as session:
        void_validations(session, ports.policy, PRODUCTION, "somebody deployed.", ports.clock.now())
    told = [entry.details["key"] for entry in entries(ports, key) if entry.kind == Kind.VALIDATION_VOIDED]
    assert told == [newer]
