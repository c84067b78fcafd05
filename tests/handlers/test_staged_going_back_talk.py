"""Going back in one org of several, and forward again, as people read it."""

from __future__ import annotations

import pytest
from sqlmodel import col, desc, select

from handlers.release_words import way_back_words
from handlers.status_words import plain_words
from handlers.tellers import touched_by
from handlers.touching import Told
from release_core import broadcasts, proofs, releases
from release_core.models import TimelineEntry
from release_core.rollback_looks import note_not_looked
from release_core.rollback_outcomes import Returned, finish_rollback, hold_rollback, note_read_back
from release_core.rollback_requests import ask_rollback, decide_rollback
from tests.handlers.room import Room, words_of
from tests.release_core.builders import (
    MANAGER,
    PRODUCTION,
    SECOND_MANAGER,
    STAKEHOLDER,
    UAT,
    a_soaking_release,
    a_success,
    digest_of,
    facts_of,
    intents,
    later,
    newest,
    note_returned,
)
from tests.release_core.staged import EMEA, a_ready_staged_release, land_stage, make_ready, soak, staged_ports


@pytest.fixture
def staged() -> Room:
    """A room in a company with three orgs in a row."""
    return Room(staged_ports())


def in_two_orgs(room: Room) -> str:
    """A release that is live in UAT and EMEA; its key."""
    key = a_ready_staged_release(room.ports)
    land_stage(room.ports, key)
    soak(room.ports, key)
    make_ready(room.ports, key)
    land_stage(room.ports, key)
    return key


def go_back(room: Room, key: str, org: str | None = None, *, forward: bool = True, note: str = "") -> None:
    """Somebody asks, somebody else agrees, the org did it."""
    request = ask_rollback(room.ports, MANAGER, key, "it broke", org=org)
    decide_rollback(room.ports, SECOND_MANAGER, request, yes=True)
    attempt = newest(room.ports, key, "rollback").id or 0
    finish_rollback(room.ports, attempt, a_success())
    undo = digest_of(b"forward") if forward else ""
    note_returned(room.ports, attempt, [], undo_digest=undo, note=note)


def drawn_anew(room: Room, stream: str) -> set[str]:
    """The slots that the newest fact of a stream touches."""
    with room.ports.store.reading() as session:
        query = select(TimelineEntry).where(TimelineEntry.stream == stream).order_by(desc(col(TimelineEntry.number)))
        entry = session.exec(query).first()
        assert entry is not None
        return {one.slot for one in touched_by(Told(session, room.ports, entry))}


def test_the_card_of_the_next_org_says_at_once_that_going_back_elsewhere_holds_it(staged: Room) -> None:
    key = a_ready_staged_release(staged.ports)
    land_stage(staged.ports, key)
    soak(staged.ports, key)
    make_ready(staged.ports, key)
    staged.tell()
    card = f"stage:{key}:{EMEA}"
    assert "Taking it back" not in words_of(staged.posts[card].message)
    request = ask_rollback(staged.ports, MANAGER, key, "it broke", org=UAT)
    assert card in drawn_anew(staged, key)
    staged.tell()
    assert "Taking it back in UAT was asked for" in words_of(staged.posts[card].message)
    decide_rollback(staged.ports, SECOND_MANAGER, request, yes=False)
    assert card in drawn_anew(staged, key)
    staged.tell()
    assert "Taking it back" not in words_of(staged.posts[card].message)


def test_why_says_that_a_rollback_can_be_undone_until_when_and_by_whom(staged: Room) -> None:
    key = in_two_orgs(staged)
    go_back(staged, key, EMEA)
    go_back(staged, key, UAT)
    said = staged.hears(STAKEHOLDER, f"release why {key}")
    words = words_of(said)
    assert "The rollback in EMEA (DEP-" in words
    assert "can be undone until " in words
    assert "@Anna Weiss, @Omar Haddad or @Mei Tanaka asks with /release rollback REL-1 in UAT -- reason" in words
    assert "another one confirms" in words
    form = staged.clicks(MANAGER, "Undo rollback in UAT", said)
    assert "REL-1 comes back into UAT" in words_of(form)


def test_brought_back_in_one_org_it_is_offered_for_the_other_one_too(staged: Room) -> None:
    key = in_two_orgs(staged)
    go_back(staged, key, EMEA)
    go_back(staged, key, UAT)
    go_back(staged, key, EMEA)
    said = staged.hears(STAKEHOLDER, f"release why {key}")
    assert "The rollback in UAT (DEP-" in words_of(said)
    assert "REL-1 comes back into UAT" in words_of(staged.clicks(MANAGER, "Undo rollback in UAT", said))
    assert "[Undo rollback in EMEA]" not in words_of(said)


def test_what_was_given_up_is_not_called_watched_when_it_is_there_again(staged: Room) -> None:
    key = a_ready_staged_release(staged.ports)
    land_stage(staged.ports, key)
    releases.cancel_release(staged.ports, MANAGER, key, "the rest comes next year")
    go_back(staged, key, UAT)
    go_back(staged, key, UAT)
    staged.tell()
    said = " ".join(words_of(post.message) for slot, post in staged.posts.items() if slot.startswith("entry:"))
    assert "is live in UAT again. Its rest stays given up, so nobody watches it." in said
    assert "goes no further: it stays in UAT" in plain_words(facts_of(staged.ports, key), staged.ports.policy)


def test_the_watch_over_what_stayed_is_ended_by_a_click(staged: Room) -> None:
    key = in_two_orgs(staged)
    go_back(staged, key, EMEA)
    staged.tell()
    said = staged.clicks(MANAGER, "End the watch", staged.post(f"headline:{key}"))
    assert words_of(said).endswith(
        f"{key} is not watched any more. It stays in UAT; its way back there is not proven anew."
    )
    staged.tell()
    assert "[End the watch]" not in words_of(staged.post(f"headline:{key}"))
    assert "as far as was known when its watch ended" in words_of(staged.post(f"headline:{key}"))
    told = " ".join(words_of(post.message) for slot, post in staged.posts.items() if slot.startswith("entry:"))
    assert "ended the watch over the release in UAT: it stays there" in told


def test_why_says_that_a_rollback_cannot_be_undone(room: Room) -> None:
    key = a_soaking_release(room.ports)
    go_back(room, key, forward=False, note="Nothing was kept of what the org held before the rollback.")
    words = words_of(room.hears(STAKEHOLDER, f"release why {key}"))
    assert "cannot be undone by Rollcall: Nothing was kept of what the org held before the rollback." in words


def test_those_who_only_read_hear_once_that_it_is_back_again(room: Room) -> None:
    key = a_soaking_release(room.ports)
    go_back(room, key)
    room.tell()
    before = {intent.key for intent in intents(room.ports, "broadcast")}
    go_back(room, key)  # the same way again: it undoes the rollback
    due = [intent for intent in intents(room.ports, "broadcast") if intent.key not in before]
    assert {intent.due_at for intent in due} == {room.ports.clock.now()}
    for intent in due:
        broadcasts.send_due(room.ports, key, intent.args["number"])
    room.tell()
    heard = [post for slot, post in room.posts.items() if slot.startswith("broadcast:") and post.to == "C0STAKEHOLDERS"]
    assert "was taken back for a while and is in place again. We are watching it." in words_of(heard[-1].message)
    assert len(due) == len(room.ports.policy.audiences), "once to each"
    later(room.ports, hours=5)
    assert {intent.key for intent in intents(room.ports, "broadcast")} == before | {intent.key for intent in due}


LEFT = [["CustomField", "Account.Tier__c"]]


@pytest.mark.parametrize(
    ("leave", "found", "plain", "exact"),
    [
        (
            LEFT,
            Returned(),
            "but for parts that were kept on purpose. The rest",
            "what it was, but for 1 part left by choice",
        ),
        (
            [],
            Returned(["ApexClass A"]),
            "but not everything is as it was before. Tell us",
            "but for 1 part not as before",
        ),
        (
            LEFT,
            Returned(["ApexClass A", "ApexClass B"]),
            "but not everything is as it was before",
            "but for 1 part left by choice and 2 parts not as before",
        ),
        ([], Returned(not_compared="A file is lost."), "Nobody could check yet that", "nobody could compare"),
        ([], Returned(), "was taken back. Everything works as it did before", "used: the org is back to what it was"),
    ],
)
def test_what_was_taken_back_in_part_is_not_said_to_be_as_before(
    room: Room, leave: list[list[str]], found: Returned, plain: str, exact: str
) -> None:
    key = a_soaking_release(room.ports)
    request = ask_rollback(room.ports, MANAGER, key, "it broke", leave=leave)
    decide_rollback(room.ports, SECOND_MANAGER, request, yes=True)
    attempt = newest(room.ports, key, "rollback").id or 0
    finish_rollback(room.ports, attempt, a_success())
    note_read_back(room.ports, attempt, found)
    facts = facts_of(room.ports, key)
    said = plain_words(facts, room.ports.policy)
    assert plain in said
    assert ("Everything works" in said) == (found == Returned() and not leave)
    assert exact in way_back_words(facts, room.ports.clock.now())


def test_on_a_path_too_they_hear_that_it_is_there_again(staged: Room) -> None:
    key = a_ready_staged_release(staged.ports)
    land_stage(staged.ports, key)
    go_back(staged, key)
    go_back(staged, key)
    words = plain_words(facts_of(staged.ports, key), staged.ports.policy)
    assert "is in place in UAT again. We are watching it there; EMEA comes after that" in words


def test_the_headline_of_a_closed_release_shows_no_proof_of_the_past(room: Room) -> None:
    key = a_soaking_release(room.ports)
    assert releases.close_release(room.ports, MANAGER, key)
    room.tell()
    assert "armed until" in words_of(room.posts[f"headline:{key}"].message)
    later(room.ports, days=10)
    proofs.lapse(room.ports, newest(room.ports, key, "arming").id or 0)
    redrawn = [intent for intent in intents(room.ports, "tell") if intent.args.get("redraw") == f"headline:{key}"]
    assert [intent.due_at for intent in redrawn] == [room.ports.clock.now()]
    words = words_of(room.hears(STAKEHOLDER, f"release status {key}"))
    assert "not armed: its proof lapsed" in words
    assert "armed until" not in words


def test_the_headline_of_a_closed_release_is_drawn_again_when_another_one_comes_after_it(room: Room) -> None:
    key = a_soaking_release(room.ports)
    assert releases.close_release(room.ports, MANAGER, key)
    later(room.ports, minutes=5)
    another = a_soaking_release(room.ports, name="Winter release")
    redrawn = [intent for intent in intents(room.ports, "tell") if intent.args.get("redraw") == f"headline:{key}"]
    assert len(redrawn) == 1
    words = words_of(room.hears(STAKEHOLDER, f"release status {key}"))
    assert f"({another}) was deployed after it." in words
    assert "armed until" not in words


def test_rolling_back_anyway_stays_in_the_org_in_which_it_was_held(staged: Room) -> None:
    key = in_two_orgs(staged)
    request = ask_rollback(staged.ports, MANAGER, key, "it broke", org=UAT)
    decide_rollback(staged.ports, SECOND_MANAGER, request, yes=True)
    attempt = newest(staged.ports, key, "rollback").id or 0
    hold_rollback(staged.ports, attempt, "Somebody changed parts.", ["ApexClass Discount was changed by Mei"])
    staged.tell()
    held = next(post.message for post in staged.posts.values() if "was not started" in words_of(post.message))
    form = staged.clicks(MANAGER, "Roll back anyway…", held)
    assert "UAT returns to before REL-1." in words_of(form)
    staged.submits(MANAGER, form, note="it broke")
    staged.tell()
    assert "asks to roll back REL-1 Autumn release in UAT" in words_of(staged.posts[f"rollback:{key}:2"].message)


def test_a_rollback_that_could_not_begin_is_asked_for_anew_in_its_own_org(staged: Room) -> None:
    key = in_two_orgs(staged)
    request = ask_rollback(staged.ports, MANAGER, key, "it broke", org=UAT)
    decide_rollback(staged.ports, SECOND_MANAGER, request, yes=True)
    hold_rollback(staged.ports, newest(staged.ports, key, "rollback").id or 0, "UAT is at its limit.")
    staged.tell()
    told = " ".join(words_of(post.message) for post in staged.posts.values())
    assert "/release rollback REL-1 in UAT -- reason" in told


def test_files_that_are_lost_stand_in_the_question_with_what_is_left_to_go_by(room: Room) -> None:
    key = a_soaking_release(room.ports)
    request = ask_rollback(room.ports, MANAGER, key, "it broke")
    note_not_looked(room.ports, request, "The file 1234… is not there any more.", lost=True)
    room.tell()
    words = words_of(room.posts[f"rollback:{key}:{request}"].message)
    assert "It is armed, so it can go back by its proof" in words
    assert "looked at before anything is changed" not in words


def test_a_proof_that_somebody_voided_since_is_not_said_to_be_left_to_go_by(room: Room) -> None:
    key = a_soaking_release(room.ports)
    request = ask_rollback(room.ports, MANAGER, key, "it broke")
    note_not_looked(room.ports, request, "The file 1234… is not there any more.", lost=True)
    room.tell()
    landed = proofs.Landing(
        "0AfFOREIGN0000001", "mei", later(room.ports, minutes=5), "mei@acme.test deployed after it."
    )
    proofs.note_watched(room.ports, PRODUCTION, [landed], at=room.ports.clock.now())
    room.tell()
    words = words_of(room.posts[f"rollback:{key}:{request}"].message)
    assert "The file 1234… is not there any more. It is not armed either, so it cannot go back" in words
    assert "It is armed" not in words


def test_an_undo_whose_files_are_lost_is_not_told_as_work_by_hand(room: Room) -> None:
    key = a_soaking_release(room.ports)
    go_back(room, key)
    request = ask_rollback(room.ports, MANAGER, key, "it was not the cause")
    decide_rollback(room.ports, SECOND_MANAGER, request, yes=True)
    attempt = newest(room.ports, key, "rollback").id or 0
    hold_rollback(room.ports, attempt, "The rollback did not start. Files are lost.", by_hand=True)
    room.tell()
    told = " ".join(words_of(post.message) for post in room.posts.values())
    assert "Else plan a new release with the same package: /release new" in told
    assert "by hand" not in told
