"""Every card that asks for a decision, wherever it stands, after it was decided: who, when, why, nothing left to click.

Ends that are not good ones are told apart: declined, withdrawn, expired, failed.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from handlers.conversation import Actions, Message
from handlers.slack.blocks import TONES, draw_message
from release_core import approvals, attempts, incidents, releases, rollback_requests, scheduling, validations
from tests.handlers.room import READER, Room, words_of
from tests.handlers.test_accepting_talk import CLASS, a_risky_release, note_comparison
from tests.release_core.builders import (
    ADMINISTRATOR,
    MANAGER,
    OTHER_QA,
    PRODUCTION,
    QA,
    SECOND_MANAGER,
    TESTER,
    a_failure,
    a_package,
    a_passed_validation,
    a_ready_release,
    a_release,
    a_soaking_release,
    a_window,
    kinds,
    later,
    newest,
    row_id,
)

ANNA, OMAR, PRIYA, QUINN = "@Anna Weiss", "@Omar Haddad", "@Priya Nair", "@Quinn Adler"


def asked(room: Room) -> str:
    """A release whose seats were asked, in its thread and in direct messages."""
    key = a_release(room.ports, window=a_window(1, 4))
    a_package(room.ports, key)
    a_passed_validation(room.ports, key)
    room.says(MANAGER, f"release ask {key}")
    room.tell()
    return "approval:REL-1:qa"


def approved(room: Room) -> str:
    card = asked(room)
    approvals.answer(room.ports, QA, "REL-1", yes=True, comment="all green", seat="qa")
    return card


def declined(room: Room) -> str:
    card = asked(room)
    approvals.answer(room.ports, QA, "REL-1", yes=False, comment="smoke test red", seat="qa")
    return card


def replaced_package(room: Room) -> str:
    card = approved(room)
    a_package(room.ports, "REL-1", words="other")
    return card


def replaced_before_anybody_answered(room: Room) -> str:
    asked(room)
    a_package(room.ports, "REL-1", words="other")
    return "approval:REL-1:business"


def another_way(room: Room) -> str:
    card = asked(room)
    room.says(MANAGER, "release strategy full -- its tests are wanted")
    return card


def wished_back(room: Room) -> str:
    """A release that was asked to be taken back."""
    a_soaking_release(room.ports)
    rollback_requests.ask_rollback(room.ports, MANAGER, "REL-1", "quotes fail")
    room.tell()
    return "rollback:REL-1:1"


def confirmed_wish(room: Room) -> str:
    card = wished_back(room)
    rollback_requests.decide_rollback(room.ports, SECOND_MANAGER, 1, yes=True)
    return card


def declined_wish(room: Room) -> str:
    card = wished_back(room)
    form = room.clicks(SECOND_MANAGER, "Decline with a reason…", room.posts[card].message)
    room.submits(SECOND_MANAGER, form, note="a mend is on its way")
    return card


def withdrawn_wish(room: Room) -> str:
    card = wished_back(room)
    room.clicks(MANAGER, "Decline", room.posts[card].message)
    return card


def expired_wish(room: Room) -> str:
    card = wished_back(room)
    later(room.ports, minutes=31)
    rollback_requests.expire_request(room.ports, 1)
    return card


def another_choice(room: Room) -> str:
    card = wished_back(room)
    room.clicks(MANAGER, "Choose parts…", room.posts[card].message)
    room.submits(ADMINISTRATOR, room.clicks(ADMINISTRATOR, "Choose parts…", room.posts[card].message), leave=[])
    return card


def accepted(room: Room) -> str:
    a_risky_release(room.ports)
    room.says(MANAGER, "release ask")
    room.tell()
    room.says(QA, "release accept -- Sales agreed to it")
    return "acceptance:REL-1"


def risk_that_changed(room: Room) -> str:
    card = accepted(room)
    note_comparison(room.ports, a_package(room.ports, "REL-1", words="other", compared=False), CLASS)
    return card


def window_used(room: Room) -> str:
    key = a_ready_release(room.ports)
    scheduling.open_window(room.ports, key, 1)
    room.tell()
    room.clicks(SECOND_MANAGER, "Deploy to PRODUCTION", room.posts["window:REL-1:1"].message)
    return "window:REL-1:1"


def window_over(room: Room) -> str:
    key = a_ready_release(room.ports)
    scheduling.open_window(room.ports, key, 1)
    room.tell()
    later(room.ports, hours=9)
    scheduling.close_window(room.ports, key, 1)
    return "window:REL-1:1"


def window_moved(room: Room) -> str:
    key = a_ready_release(room.ports)
    scheduling.open_window(room.ports, key, 1)
    room.tell()
    room.says(MANAGER, "release window in 5h for 2h")
    return "window:REL-1:1"


def incident_over(room: Room) -> str:
    incidents.open_incident(room.ports, TESTER, title="Quotes cannot be saved", severity=2, org=PRODUCTION)
    room.tell()
    incidents.resolve_incident(room.ports, SECOND_MANAGER, "INC-1", "the trigger was mended")
    return "incident:INC-1"


def failed_check(room: Room) -> str:
    key = a_release(room.ports)
    a_package(room.ports, key)
    validations.request_validation(room.ports, MANAGER, key)
    attempt = row_id(room.ports, newest(room.ports, key, "validation").key)
    attempts.note_asking(room.ports, attempt, "validating")
    room.tell()
    validations.finish_validation(room.ports, attempt, a_failure())
    return f"deployment:{newest(room.ports, key, 'validation').key}"


def cancelled_release(room: Room) -> str:
    asked(room)
    releases.cancel_release(room.ports, MANAGER, "REL-1", "not needed any more")
    return "headline:REL-1"


DECIDED: list[tuple[Callable[[Room], str], str, str, str]] = [
    (approved, "good", "approved", f"QA: approved by {QUINN} Mon 23 Nov 2026 10:00 CET: all green"),
    (declined, "declined", "declined", f"QA: declined by {QUINN} Mon 23 Nov 2026 10:00 CET: smoke test red"),
    (replaced_package, "withdrawn", "Withdrawn", f"first.zip was replaced by other.zip. It was {PRIYA} Mon 23 Nov"),
    (replaced_before_anybody_answered, "withdrawn", "Withdrawn", f"has changed. It was {PRIYA} Mon 23 Nov 2026 10:00"),
    (another_way, "withdrawn", "Withdrawn", f"has changed. It was {ANNA} Mon 23 Nov 2026 10:00"),
    (confirmed_wish, "good", "Confirmed", f"Confirmed by {OMAR} Mon 23 Nov 2026 10:00 CET."),
    (declined_wish, "declined", "Declined", f"Declined by {OMAR} Mon 23 Nov 2026 10:00 CET: a mend is on its way"),
    (withdrawn_wish, "withdrawn", "Withdrawn", f"Withdrawn by {ANNA} Mon 23 Nov 2026 10:00 CET, who had asked for it"),
    (
        expired_wish,
        "expired",
        "Expired",
        "nobody confirmed in time. Ask again if it is still needed. It was open until",
    ),
    (accepted, "good", "accepted", f"{QUINN} accepted what cannot come back for QA Mon 23 Nov 2026 10:00 CET"),
    (risk_that_changed, "withdrawn", "Withdrawn", f"Before that: {QUINN} accepted what cannot come back"),
    (window_used, "plain", "being deployed", f"DEP-2 was started by {OMAR} Mon 23 Nov 2026 10:00 CET."),
    (window_over, "expired", "over", "nothing was started. It ended Mon 23 Nov 2026"),
    (window_moved, "withdrawn", "moved", f"It was {ANNA} Mon 23 Nov 2026 10:00 CET."),
    (incident_over, "good", "resolved", f"resolved by {OMAR} Mon 23 Nov 2026 10:00 CET: the trigger was mended"),
    (failed_check, "failed", "failed", "DiscountTest.gives_ten_percent"),
    (cancelled_release, "withdrawn", "cancelled", "cancelled"),
]


@pytest.mark.parametrize(("decide", "tone", "word", "told"), DECIDED, ids=[case[0].__name__ for case in DECIDED])
def test_every_copy_says_what_became_of_it_with_nothing_left_to_decide(
    room: Room, decide: Callable[[Room], str], tone: str, word: str, told: str
) -> None:
    slot = decide(room)
    before = set(room.posts)
    sent = set(room.tell())
    copies = [one for one in before if one == slot or one.startswith((f"{slot}:", f"{slot}@"))]
    assert copies
    for copy in copies:
        assert copy in sent, f"{copy} was not edited"
        card = room.posts[copy].message
        assert card.tone == tone, copy
        words = words_of(card)
        assert word in words, copy
        assert told in words, copy
        assert_only_looks(card)
        assert draw_message(card, READER)["text"].startswith(TONES[card.tone])


def assert_only_looks(card: Message) -> None:
    """What can be clicked changes nothing, and asks nobody to decide."""
    decides = {"release_approve", "release_decline", "release_accept", "release_go", "release_stop", "release_parts"}
    decides |= {"release_confirm_rollback", "release_decline_rollback", "incident_resolve", "incident_update"}
    verbs = {getattr(item, "verb", "") for part in card.parts if isinstance(part, Actions) for item in part.items}
    assert not verbs & decides


def test_the_ends_are_told_apart_by_mark_and_by_word() -> None:
    assert len(set(TONES.values())) == len(TONES)
    ends = {tone: word for _, tone, word, _ in DECIDED if tone not in ("good", "plain")}
    assert set(ends) == {"declined", "withdrawn", "expired", "failed"}


def test_a_yes_stays_readable_after_it_was_withdrawn(room: Room) -> None:
    slot = replaced_package(room)
    room.tell()
    words = words_of(next(room.posts[one].message for one in room.posts if one.startswith(slot)))
    assert f"Before that it was approved by {QUINN} Mon 23 Nov 2026 10:00 CET: all green." in words


def test_a_new_request_beside_an_old_one_keeps_its_own_buttons(room: Room) -> None:
    slot = replaced_package(room)
    a_passed_validation(room.ports, "REL-1")
    room.says(MANAGER, "release ask")
    room.tell()
    cards = [room.posts[one].message for one in room.posts if one.startswith(f"{slot}:") and "@" not in one]
    assert ["Withdrawn" in words_of(card) for card in cards] == [True, False]
    assert "Your yes for QA" in words_of(room.clicks(OTHER_QA, "Approve", cards[1]))


LATE: list[tuple[Callable[[Room], str], str, str, str]] = [
    (approved, OTHER_QA, "Approve", f"QA has already approved this. It was {QUINN}, Mon 23 Nov 2026 10:00 CET."),
    (approved, QA, "Approve", f"QA has already approved this. It was {QUINN}, Mon 23 Nov 2026 10:00 CET."),
    (declined, OTHER_QA, "Decline…", f"QA has already declined this. It was {QUINN}, Mon 23 Nov 2026 10:00 CET."),
    (replaced_package, OTHER_QA, "Approve", f"in its thread. Changed by {PRIYA}, Mon 23 Nov 2026 10:00 CET."),
    (another_way, QA, "Approve", f"in its thread. Changed by {ANNA}, Mon 23 Nov 2026 10:00 CET."),
    (cancelled_release, QA, "Approve", f"nothing to approve any more. Cancelled by {ANNA}, Mon 23 Nov 2026 10:00 CET."),
    (confirmed_wish, ADMINISTRATOR, "Confirm rollback", f"was already confirmed. It was {OMAR}, Mon 23 Nov 2026"),
    (confirmed_wish, SECOND_MANAGER, "Confirm rollback", f"was already confirmed. It was {OMAR}, Mon 23 Nov 2026"),
    (declined_wish, ADMINISTRATOR, "Confirm rollback", f"was already declined. It was {OMAR}, Mon 23 Nov 2026"),
    (withdrawn_wish, SECOND_MANAGER, "Decline", f"was already withdrawn. It was {ANNA}, Mon 23 Nov 2026"),
    (
        expired_wish,
        SECOND_MANAGER,
        "Confirm rollback",
        "already expired: nobody confirmed in time. Ask again if it is ",
    ),
    (window_used, MANAGER, "Deploy to PRODUCTION", f"started a second time. It was {OMAR}, Mon 23 Nov 2026 10:00 CET."),
    (incident_over, TESTER, "Resolve…", f"the trigger was mended Resolved by {OMAR}, Mon 23 Nov 2026 10:00 CET."),
    (accepted, OTHER_QA, "Accept in writing…", f"“Sales agreed to it”. It was {QUINN}, Mon 23 Nov 2026 10:00 CET."),
]


@pytest.mark.parametrize(
    ("decide", "person", "label", "told"), LATE, ids=[f"{case[0].__name__}-{case[1]}" for case in LATE]
)
def test_whoever_comes_too_late_reads_who_decided_and_when(
    room: Room, decide: Callable[[Room], str], person: str, label: str, told: str
) -> None:
    slot = decide(room)
    slot = "approval:REL-1:qa" if slot.startswith("headline") else slot
    old = next(one for one in room.posts if one == slot or (one.startswith(f"{slot}:") and "@" not in one))
    as_it_was, as_it_stands = room.posts[old].message, "INC-1" if slot.startswith("incident") else "REL-1"
    before = kinds(room.ports, as_it_stands)
    refusal = room.is_refused_the_click(person, label, as_it_was)
    assert told in refusal.words
    assert kinds(room.ports, as_it_stands) == before, "nothing is recorded twice"


def test_two_people_at_the_same_moment_make_one_decision(room: Room) -> None:
    card = wished_back(room)
    message = room.posts[card].message
    room.clicks(SECOND_MANAGER, "Confirm rollback", message)
    assert "already confirmed" in room.is_refused_the_click(ADMINISTRATOR, "Decline", message).words
    assert newest(room.ports, "REL-1", "rollback").requested_by == MANAGER


def test_a_reminder_of_a_promised_word_is_settled_by_the_word(room: Room) -> None:
    incidents.open_incident(room.ports, TESTER, title="Quotes cannot be saved", severity=2, org=PRODUCTION)
    room.says(TESTER, "incident update INC-1 for 30m -- looking at it")
    due = later(room.ports, minutes=30)
    incidents.note_word_due(room.ports, "INC-1", due)
    room.tell()
    reminders = [slot for slot in room.posts if slot.startswith("entry:INC-1:3")]
    assert len(reminders) == 2, "in the thread, and to the commander alone"
    assert all("[Update…]" in words_of(room.posts[slot].message) for slot in reminders)
    room.says(TESTER, "incident update INC-1 -- the cause is found")
    room.tell()
    for slot in reminders:
        words = words_of(room.posts[slot].message)
        assert "[Update…]" not in words
        assert "Settled Mon 23 Nov 2026 10:30 CET: @Tomás Novák: the cause is found" in words


def test_a_locks_post_offers_nothing_once_it_was_lifted(room: Room) -> None:
    room.says(ADMINISTRATOR, "release lock in PRODUCTION -- disk full")
    room.says(ADMINISTRATOR, "release lock in UAT -- refresh")
    room.tell()
    room.says(ADMINISTRATOR, "release unlock in PRODUCTION -- space was made")
    room.tell()
    lifted, standing = (words_of(room.posts[f"entry:ORG:{org}:1"].message) for org in (PRODUCTION, "uat"))
    assert "[Unlock…]" not in lifted
    assert "Settled Mon 23 Nov 2026 10:00 CET:" in lifted
    assert "[Unlock…]" in standing
    late = room.refuses(ADMINISTRATOR, "release unlock in PRODUCTION -- once more")
    assert "not locked any more: space was made Unlocked by @Mei Tanaka, Mon 23 Nov 2026 10:00 CET." in late.words


def test_a_button_of_home_that_comes_too_late_says_who_was_faster(room: Room) -> None:
    asked(room)
    home = room.home(QA)
    approvals.answer(room.ports, OTHER_QA, "REL-1", yes=True, comment="", seat="qa")
    late = room._refusal(lambda: room.clicks(QA, "Answer…", home))
    assert "QA: approved by @Ravi Patel, Mon 23 Nov 2026 10:00 CET." in late.words


def test_a_rollback_answered_on_home_too_late_says_who_was_faster(room: Room) -> None:
    wished_back(room)
    home = room.home(SECOND_MANAGER)
    room.clicks(ADMINISTRATOR, "Decline", room.posts["rollback:REL-1:1"].message)
    late = room._refusal(lambda: room.clicks(SECOND_MANAGER, "Answer…", home))
    assert "It was declined by @Mei Tanaka, Mon 23 Nov 2026 10:00 CET." in late.words
