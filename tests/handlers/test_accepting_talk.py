"""What differs, how it would come back, and who takes it upon themselves when it cannot, in words and clicks."""

from __future__ import annotations

import pytest

from handlers.conversation import Form, Message
from release_core import acceptances, attaching, attempts, deployments
from release_core.errors import Conflict, NotAllowed, NotFound, Refused, Unclear
from release_core.ports import Ports
from tests.handlers.room import Room, clickable, words_of
from tests.release_core.builders import (
    BUSINESS,
    DEVELOPER,
    LOST,
    MANAGER,
    OTHER_DEVELOPER,
    QA,
    STAKEHOLDER,
    TESTER,
    a_package,
    a_passed_validation,
    a_policy,
    a_ready_release,
    a_release,
    a_window,
    approve,
    blocked_by,
    contents,
    differing,
    facts_of,
    has_run,
    kinds,
    later,
    note_comparison,
    ports,
    row_id,
    settle_checklist,
)

CLASS = ("ApexClass", "Discount", "exact")
WHY = "Sales agreed to a second field if it breaks"


def a_risky_release(ports: Ports, *, author: str = DEVELOPER) -> str:
    """Everything is settled but what cannot come back."""
    key = a_release(ports, window=a_window(0, 8))
    note_comparison(ports, a_package(ports, key, author=author, compared=False), CLASS, LOST)
    a_passed_validation(ports, key)
    settle_checklist(ports, key)
    return key


def the_request(room: Room) -> Message:
    room.tell()
    slots = [slot for slot in room.posts if slot.startswith("acceptance:REL-1:") and "@" not in slot]
    return room.post(slots[-1])


def test_what_cannot_come_back_is_named_to_everybody_who_decides(room: Room) -> None:
    key = a_risky_release(room.ports)
    why = words_of(room.says(STAKEHOLDER, "release why"))
    assert "Once deployed, this cannot come back: CustomField Account.Tier__c. QA has not accepted that" in why
    assert "/release accept REL-1 -- reason" in why
    asked = words_of(room.says(MANAGER, "release ask"))
    assert "QA, Business: asked to approve REL-1" in asked
    assert "QA: asked to accept in writing what cannot come back." in asked
    room.tell()
    approval = next(room.post(slot) for slot in room.posts if slot.startswith("approval:REL-1:business:"))
    assert "1 not at all, 1 exactly" in words_of(approval)
    assert "CustomField Account.Tier__c, cannot come back: It is impossible. Act by hand." in words_of(approval)
    assert blocked_by(room.ports, key) >= {"impossible_not_accepted"}


def test_it_is_accepted_in_a_form_that_names_the_parts_and_wants_a_reason(room: Room) -> None:
    key = a_risky_release(room.ports)
    room.says(MANAGER, "release ask")
    card = the_request(room)
    assert any(slot.startswith("acceptance:REL-1:impossible:") and slot.endswith(f"@{QA}") for slot in room.posts)
    form = room.clicks(QA, "Accept in writing…", card)
    assert isinstance(form, Form)
    assert "CustomField Account.Tier__c" in words_of(form)
    assert "Act by hand." in words_of(form)
    short = room.is_refused_the_form(QA, form, note="ok")
    assert isinstance(short.error, Unclear)
    assert "is recorded" in words_of(room.submits(QA, form, note=WHY))
    assert "@Quinn Adler accepted what cannot come back for QA" in words_of(the_request(room))
    assert WHY in words_of(the_request(room))
    approve(room.ports, key)
    assert blocked_by(room.ports, key) == set()


def test_the_last_question_names_what_is_lost_and_who_accepted_it(room: Room) -> None:
    key = a_risky_release(room.ports)
    acceptances.accept(room.ports, QA, key, WHY)
    approve(room.ports, key)
    card = room.hears(MANAGER, "release deploy")
    assert WHY in words_of(card)
    assert "CustomField Account.Tier__c, cannot come back" in words_of(card)
    button = clickable("Deploy to PRODUCTION", card)
    assert button.confirm is not None  # type: ignore[union-attr]
    dialog = button.confirm.text  # type: ignore[union-attr]
    assert len(dialog) <= 300
    assert "Way back: 1 none (Account.Tier__c), 1 exact. Accepted: Quinn Adler." in dialog


def test_only_the_seat_accepts_and_never_the_author(room: Room) -> None:
    a_risky_release(room.ports, author=OTHER_DEVELOPER)  # who sits in QA's seat
    not_theirs = room.refuses(BUSINESS, f"release accept -- {WHY}")
    assert isinstance(not_theirs.error, NotAllowed)
    assert "Quinn Adler" in not_theirs.words
    own = room.refuses(OTHER_DEVELOPER, f"release accept -- {WHY}")
    assert "You attached" in own.words
    assert isinstance(room.refuses(STAKEHOLDER, "release accept").error, NotAllowed)
    assert "risk_accepted" not in kinds(room.ports, "REL-1")


def test_it_is_accepted_once(room: Room) -> None:
    a_risky_release(room.ports)
    room.says(QA, f"release accept -- {WHY}")
    again = room.refuses(QA, "release accept -- once more")
    assert isinstance(again.error, Conflict)
    assert WHY in again.words


def test_a_changed_package_is_accepted_anew_and_the_old_card_says_so(room: Room) -> None:
    key = a_risky_release(room.ports)
    room.says(MANAGER, "release ask")
    card = the_request(room)
    room.says(QA, f"release accept -- {WHY}")
    note_comparison(room.ports, a_package(room.ports, key, words="second", compared=False), CLASS, LOST)
    assert "impossible_not_accepted" in blocked_by(room.ports, key)
    late = room.is_refused_the_form(QA, room.clicks(QA, "Accept in writing…", card), note=WHY)
    assert "has changed since this was asked" in late.words
    room.tell()
    first = next(slot for slot in room.posts if slot.startswith("acceptance:REL-1:") and "@" not in slot)
    assert "Withdrawn: what was to be accepted has changed." in words_of(room.post(first))


def test_where_nothing_is_at_stake_nothing_is_accepted(room: Room) -> None:
    a_package(room.ports, a_release(room.ports))
    refusal = room.refuses(QA, f"release accept -- {WHY}")
    assert isinstance(refusal.error, Refused)
    assert "Nothing needs to be accepted" in refusal.words


def test_the_policy_names_another_seat(room: Room) -> None:
    room = Room(ports(policy=a_policy(acceptances={"impossible": "business"})))
    a_risky_release(room.ports)
    assert "Business has not accepted that" in words_of(room.says(STAKEHOLDER, "release why"))
    assert isinstance(room.refuses(QA, f"release accept -- {WHY}").error, NotAllowed)
    assert "is recorded" in words_of(room.says(BUSINESS, f"release accept -- {WHY}"))


def test_who_has_to_accept_owes_it(room: Room) -> None:
    a_risky_release(room.ports)
    room.says(MANAGER, "release ask")
    assert "REL-1 yes or no to what cannot come back, in writing" in words_of(room.says(QA, "release todo"))
    assert "in writing" not in words_of(room.says(BUSINESS, "release todo"))


def a_failed_snapshot(room: Room) -> str:
    key = a_release(room.ports, window=a_window(0, 8))
    a_package(room.ports, key)
    a_passed_validation(room.ports, key)
    settle_checklist(room.ports, key)
    approve(room.ports, key)
    attempt = row_id(room.ports, deployments.request_deployment(room.ports, MANAGER, key))
    assert not deployments.go_without_snapshot(room.ports, attempt, "PRODUCTION packs nothing today.")
    return key


def test_after_a_snapshot_that_failed_the_seat_may_accept_going_without_a_way_back() -> None:
    room = Room(ports(policy=a_policy(acceptances={"no_snapshot": "business"})))
    key = a_failed_snapshot(room)
    card = the_request(room)
    said = words_of(card)
    assert "Business is asked to accept in writing that it goes without a way back." in said
    assert "PRODUCTION packs nothing today." in said
    form = room.clicks(BUSINESS, "Accept in writing…", card)
    room.submits(BUSINESS, form, note="the outage costs more")
    assert "accepted going without a way back for Business" in words_of(the_request(room))
    attempt = row_id(room.ports, deployments.request_deployment(room.ports, MANAGER, key))
    assert deployments.go_without_snapshot(room.ports, attempt, "PRODUCTION packs nothing today.")
    room.tell()
    loud = [words_of(post.message) for post in room.posts.values() if "WITHOUT a way back" in post.message.summary]
    assert loud
    assert "the outage costs more" in loud[0]
    later(room.ports, hours=1)
    attempts.request_cancel(room.ports, MANAGER, key)


def test_without_a_seat_in_the_policy_nobody_is_asked(room: Room) -> None:
    a_failed_snapshot(room)
    assert "acceptance_asked" not in kinds(room.ports, "REL-1")


def test_one_difference_is_read_in_the_chat(room: Room) -> None:
    differing(room.ports, a_package(room.ports, a_release(room.ports), compared=False))
    for text in ("tier__c", "REL-1 Account.Tier__c", "CustomField Account.Tier__c"):
        said = words_of(room.says(STAKEHOLDER, f"release diff {text}"))
        assert "CustomField Account.Tier__c is changed in PRODUCTION" in said
        assert "+    <type>Number</type>" in said
        assert "its file objects/Account.object was last changed by Mei Tan" in said


def test_every_difference_is_handed_over_as_a_file(room: Room) -> None:
    differing(room.ports, a_package(room.ports, a_release(room.ports), compared=False))
    card = room.hears(STAKEHOLDER, "release package")
    assert "changed by Mei Tan" in words_of(card)
    answer = room.clicks(STAKEHOLDER, "Differences", card)
    assert isinstance(answer, Message)
    (file,) = answer.attachments
    assert file.name == "REL-1-differences.txt"
    assert b"+    <type>Number</type>" in file.data
    one = room.clicks(STAKEHOLDER, "One difference…", answer, choose="Tier__c")
    assert "<type>Number</type>" in words_of(one)
    has_run(room.ports, "comparison")
    assert "is being compared again" in words_of(room.clicks(TESTER, "Compare again", card))


def test_a_long_difference_comes_as_a_file_too(room: Room) -> None:
    long = "\n".join(f"+line {n}" for n in range(600))
    differing(room.ports, a_package(room.ports, a_release(room.ports), compared=False), diff=long)
    answer = room.hears(STAKEHOLDER, "release diff tier__c")
    assert b"+line 599" in answer.attachments[0].data


def test_a_component_that_is_not_in_it_is_answered_with_near_ones(room: Room) -> None:
    differing(room.ports, a_package(room.ports, a_release(room.ports), compared=False))
    refusal = room.refuses(STAKEHOLDER, "release diff Account.Tyer__c")
    assert isinstance(refusal.error, NotFound)
    assert "Near to it: " in refusal.words
    assert "Account.Tier__c" in refusal.words
    several = room.refuses(STAKEHOLDER, "release diff c")
    assert isinstance(several.error, Unclear)
    assert "could be ApexClass Discount, CustomField Account.Tier__c" in several.words


@pytest.mark.parametrize("scene", ["no package", "not compared"])
def test_where_nothing_was_compared_the_way_to_it_is_told(room: Room, scene: str) -> None:
    key = a_release(room.ports)
    if scene == "not compared":
        package = attaching.attach_package(room.ports, DEVELOPER, key, file_id="F1", file_name="a.zip")
        attaching.accept_package(room.ports, package, contents("a"))
        has_run(room.ports, "comparison")
    refusal = room.refuses(STAKEHOLDER, "release diff")
    assert isinstance(refusal.error, NotFound if scene == "no package" else Refused)
    assert f"/release {'attach' if scene == 'no package' else 'compare'} REL-1" in refusal.words
    assert facts_of(room.ports, key).release.state == "draft"


def test_a_held_deployment_says_once_that_nothing_was_changed(room: Room) -> None:
    key = a_ready_release(room.ports)
    attempt = row_id(room.ports, deployments.request_deployment(room.ports, MANAGER, key))
    assert not deployments.go_without_snapshot(room.ports, attempt, "PRODUCTION does not answer.")
    room.tell()
    said = [words_of(post.message) for slot, post in room.posts.items() if slot.startswith("entry:")]
    (held,) = [words for words in said if "was held" in words]
    assert "nothing was changed in PRODUCTION: The snapshot for the way back could not be taken." in held
    assert "Nothing was deployed" not in held
