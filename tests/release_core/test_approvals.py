"""The yes and no of seats: who may give them, to what, how often."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import select

from release_core import approvals, attaching
from release_core.errors import Conflict, NotAllowed, Refused, Unclear
from release_core.models import Approval, TeamMember
from release_core.ports import Ports
from release_core.timeline import Kind
from tests.release_core import builders
from tests.release_core.builders import (
    BOTH_SEATS,
    BUSINESS,
    DEVELOPER,
    MANAGER,
    OTHER_DEVELOPER,
    OTHER_QA,
    QA,
    STAKEHOLDER,
    a_package,
    a_passed_validation,
    a_policy,
    a_release,
    a_soaking_release,
    a_window,
    blocked_by,
    facts_of,
    kinds,
    last,
    later,
    release,
)


@pytest.fixture
def key(ports: Ports) -> str:
    """A release with a package."""
    key = a_release(ports, window=a_window())
    a_package(ports, key)
    return key


def test_asking_names_the_seats_and_what_is_asked_about(ports: Ports, key: str) -> None:
    approvals.ask_for_approvals(ports, MANAGER, key)
    asked = last(ports, key, Kind.APPROVALS_ASKED)
    assert asked.details == {"seats": ["qa", "business"], "digest": facts_of(ports, key).digest}


def test_nobody_is_asked_to_approve_nothing(ports: Ports) -> None:
    key = a_release(ports)
    with pytest.raises(Refused, match="Attach the package first") as refused:
        approvals.ask_for_approvals(ports, MANAGER, key)
    assert refused.value.code == "no_package"


def test_a_kind_without_seats_asks_nobody(ports: Ports) -> None:
    key = a_release(ports, kind="emergency")
    with pytest.raises(Refused, match="needs no approval") as refused:
        approvals.ask_for_approvals(ports, MANAGER, key)
    assert refused.value.code == "no_seats"


def test_a_yes_stands_with_what_its_giver_saw(ports: Ports, key: str) -> None:
    validation = a_passed_validation(ports, key)
    assert approvals.answer(ports, QA, key, yes=True, comment="tried it") == "qa"
    approval = facts_of(ports, key).approval("qa")
    assert approval is not None
    assert (approval.person_id, approval.yes, approval.comment) == (QA, True, "tried it")
    assert approval.seen["package"] == "first.zip"
    assert approval.seen["components"] == 2
    assert approval.seen["validations"] == [[validation, "production", "validated"]]
    assert "Release notes written" in approval.seen["open_items"]
    assert last(ports, key, Kind.APPROVED).actor == QA


def test_the_author_of_the_package_is_refused_and_told_who_may(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key, author=OTHER_DEVELOPER)
    with pytest.raises(NotAllowed, match=r"You attached first\.zip, so somebody else") as refused:
        approvals.answer(ports, OTHER_DEVELOPER, key, yes=True, seat="qa")
    assert set(refused.value.who_may) == {QA, OTHER_QA, BOTH_SEATS}
    assert facts_of(ports, key).approvals == []


def test_having_a_colleague_attach_the_same_bytes_makes_them_nobody_elses(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key, author=OTHER_DEVELOPER)
    a_package(ports, key, author=DEVELOPER)
    with pytest.raises(NotAllowed, match="so somebody else has to approve it"):
        approvals.answer(ports, OTHER_DEVELOPER, key, yes=True, seat="qa")


def test_the_author_of_an_earlier_package_may_approve_a_later_one(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key, author=OTHER_DEVELOPER)
    a_package(ports, key, author=DEVELOPER, words="second")
    assert approvals.answer(ports, OTHER_DEVELOPER, key, yes=True) == "qa"


def test_a_stranger_to_the_seat_is_refused(ports: Ports, key: str) -> None:
    with pytest.raises(NotAllowed, match="You do not sit in the seat of QA or Business") as refused:
        approvals.answer(ports, STAKEHOLDER, key, yes=True)
    assert BUSINESS in refused.value.who_may
    with pytest.raises(NotAllowed, match="the seat of QA; nothing") as refused:
        approvals.answer(ports, BUSINESS, key, yes=True, seat="QA")
    assert BUSINESS not in refused.value.who_may


def test_an_unknown_seat_is_answered_with_the_seats_there_are(ports: Ports, key: str) -> None:
    with pytest.raises(Unclear, match=r"has no seat “security”\. Its seats: QA, Business") as unclear:
        approvals.answer(ports, QA, key, yes=True, seat="security")
    assert unclear.value.field == "seat"


def test_a_member_of_the_chat_group_fills_the_teams_seat(ports: Ports, key: str) -> None:
    with ports.store.transaction() as session:
        session.add(TeamMember(team_id="S0QA", person_id="UNEWCOMER"))
    assert approvals.answer(ports, "UNEWCOMER", key, yes=True) == "qa"


def test_one_person_fills_one_seat_even_by_clicking_twice(ports: Ports, key: str) -> None:
    assert approvals.answer(ports, BOTH_SEATS, key, yes=True) == "qa"
    with pytest.raises(approvals.AlreadyAnswered) as again:
        approvals.answer(ports, BOTH_SEATS, key, yes=True)
    assert again.value.by == BOTH_SEATS
    with pytest.raises(NotAllowed, match="You already answered for QA; one person fills one seat") as refused:
        approvals.answer(ports, BOTH_SEATS, key, yes=True, seat="business")
    assert refused.value.who_may == (BUSINESS,)
    assert "approval_missing" in blocked_by(ports, key)


def test_the_second_yes_hears_who_was_first_and_when(ports: Ports, key: str) -> None:
    approvals.answer(ports, QA, key, yes=True)
    at = ports.clock.now()
    later(ports, minutes=5)
    with pytest.raises(approvals.AlreadyAnswered, match="QA has already approved this") as second:
        approvals.answer(ports, OTHER_QA, key, yes=True)
    assert (second.value.by, second.value.at) == (QA, at)
    assert kinds(ports, key).count(Kind.APPROVED) == 1


def test_a_no_needs_a_reason(ports: Ports, key: str) -> None:
    with pytest.raises(Unclear, match="Say why") as unclear:
        approvals.answer(ports, QA, key, yes=False, comment=" x ")
    assert unclear.value.field == "note"
    assert Kind.DECLINED not in kinds(ports, key)


def test_a_no_may_become_a_yes_of_the_same_person(ports: Ports, key: str) -> None:
    approvals.answer(ports, QA, key, yes=False, comment="not tested yet")
    assert "declined" in blocked_by(ports, key)
    approvals.answer(ports, QA, key, yes=True)
    assert "declined" not in blocked_by(ports, key)


def test_who_said_yes_may_take_it_back_with_a_reason(ports: Ports, key: str) -> None:
    approvals.answer(ports, QA, key, yes=True)
    approvals.answer(ports, QA, key, yes=False, comment="found one more fault")
    assert "declined" in blocked_by(ports, key)
    with pytest.raises(approvals.AlreadyAnswered, match="already declined"):
        approvals.answer(ports, QA, key, yes=False, comment="found one more fault")


def test_a_given_yes_is_not_overruled_by_a_no_of_somebody_else(ports: Ports, key: str) -> None:
    approvals.answer(ports, QA, key, yes=True)
    with pytest.raises(approvals.AlreadyAnswered, match="already approved"):
        approvals.answer(ports, OTHER_QA, key, yes=False, comment="wait a moment")


def test_another_package_withdraws_what_was_approved_and_names_the_approvers(ports: Ports, key: str) -> None:
    approvals.answer(ports, QA, key, yes=True)
    approvals.answer(ports, BUSINESS, key, yes=True)
    a_package(ports, key, words="second")
    withdrawn = last(ports, key, Kind.APPROVALS_WITHDRAWN)
    assert withdrawn.details["because"] == "The package changed: first.zip was replaced by second.zip."
    assert withdrawn.details["people"] == [BUSINESS, QA]
    assert {"approval_withdrawn"} <= blocked_by(ports, key)


def test_the_same_seats_may_approve_the_new_package(ports: Ports, key: str) -> None:
    approvals.answer(ports, QA, key, yes=True)
    a_package(ports, key, words="second")
    assert approvals.answer(ports, QA, key, yes=True) == "qa"


def test_returning_to_the_first_package_does_not_revive_its_approvals(ports: Ports, key: str) -> None:
    approvals.answer(ports, QA, key, yes=True)
    a_package(ports, key, words="second")
    a_package(ports, key, words="first")
    assert facts_of(ports, key).approval("qa") is None


def test_attaching_the_very_same_bytes_keeps_the_approvals(ports: Ports, key: str) -> None:
    approvals.answer(ports, QA, key, yes=True)
    a_package(ports, key, words="first")
    assert facts_of(ports, key).approval("qa") is not None
    assert Kind.APPROVALS_WITHDRAWN not in kinds(ports, key)


def test_a_click_on_a_card_about_an_older_package_records_nothing(ports: Ports, key: str) -> None:
    approvals.ask_for_approvals(ports, MANAGER, key)
    shown = facts_of(ports, key).digest
    a_package(ports, key, words="second")
    with pytest.raises(Conflict, match="has changed since this was asked"):
        approvals.answer(ports, QA, key, yes=True, digest=shown)
    assert facts_of(ports, key).approvals == []
    assert release(ports, key).asked_digest == facts_of(ports, key).digest, "who was asked before is asked again"


def test_a_package_that_cannot_be_read_withdraws_nothing(ports: Ports, key: str) -> None:
    approvals.answer(ports, QA, key, yes=True)
    unread = attaching.attach_package(ports, DEVELOPER, key, file_id="F2", file_name="broken.zip")
    attaching.refuse_package(ports, unread, "This is no zip.")
    assert facts_of(ports, key).approval("qa") is not None


def test_there_is_nothing_to_approve_after_the_deployment(ports: Ports) -> None:
    key = a_soaking_release(ports)
    with pytest.raises(Refused, match="is live and being watched; there is nothing to approve any more") as refused:
        approvals.answer(ports, OTHER_QA, key, yes=True)
    assert refused.value.code == "too_late"


def test_somebody_who_left_the_team_has_no_vote() -> None:
    policy = a_policy(seats={"qa": {"title": "QA", "people": [QA]}}, approvals={"standard": ["qa"]})
    ports = builders.ports(policy=policy)
    key = a_release(ports)
    a_package(ports, key)
    with pytest.raises(NotAllowed):
        approvals.answer(ports, OTHER_QA, key, yes=True)


def test_every_answer_is_kept_for_the_audit(ports: Ports, key: str) -> None:
    approvals.answer(ports, QA, key, yes=False, comment="not tested yet")
    approvals.answer(ports, QA, key, yes=True)
    a_package(ports, key, words="second")
    with ports.store.reading() as session:
        rows = session.exec(select(Approval).order_by(Approval.id)).all()  # type: ignore[arg-type]
    assert [(row.yes, row.state) for row in rows] == [(False, "withdrawn"), (True, "withdrawn")]
    assert {row.digest for row in rows} == {rows[0].digest}


def test_the_yes_of_somebody_who_left_the_seat_does_not_count_any_more(ports: Ports, key: str) -> None:
    approvals.answer(ports, OTHER_QA, key, yes=True, seat="qa")
    assert "approver_left" not in blocked_by(ports, key)
    without = a_policy(teams={"qa": {"title": "QA team", "people": [QA]}})
    after = replace(ports, policy=without)
    assert "approver_left" in blocked_by(after, key)
    approvals.answer(after, QA, key, yes=True, seat="qa")
    assert "approver_left" not in blocked_by(after, key)
    answer = facts_of(after, key).approval("qa")
    assert answer is not None
    assert answer.person_id == QA


def test_only_seats_that_wait_are_asked(ports: Ports, key: str) -> None:
    approvals.answer(ports, QA, key, yes=True, seat="qa")
    approvals.ask_for_approvals(ports, MANAGER, key)
    assert last(ports, key, Kind.APPROVALS_ASKED).details["seats"] == ["business"]
    approvals.answer(ports, BUSINESS, key, yes=True, seat="business")
    with pytest.raises(Refused) as refused:
        approvals.ask_for_approvals(ports, MANAGER, key)
    assert refused.value.code == "all_answered"
    assert kinds(ports, key).count(Kind.APPROVALS_ASKED) == 1
