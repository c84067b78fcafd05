"""What Rollcall says by itself: which posts a fact touches, how each of them looks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from handlers.announcements import touched
from handlers.narration import WORDS
from handlers.posts import DRAWINGS
from handlers.tellers import TELLERS
from release_core import (
    arming,
    attempts,
    broadcasts,
    deployments,
    incidents,
    listings,
    org_locks,
    releases,
    roll_calls,
    rollback_outcomes,
    rollback_requests,
    scheduling,
)
from release_core.listings import Listing
from release_core.timeline import Kind, record
from tests.handlers.room import Room, words_of
from tests.release_core.builders import (
    ADMINISTRATOR,
    BUSINESS,
    DEVELOPER,
    DIRECTOR,
    LOST,
    MANAGER,
    PRODUCTION,
    QA,
    SECOND_MANAGER,
    TESTER,
    a_failure,
    a_package,
    a_ready_release,
    a_release,
    a_soaking_release,
    a_started_deployment,
    a_success,
    a_window,
    arm,
    intents,
    kinds,
    land,
    later,
    newest,
    note_comparison,
    note_returned,
)
from tests.release_core.staged import land_stage, make_ready, soak

DETAILS: dict[str, Any] = {
    "name": "Month end",
    "org": PRODUCTION,
    "kind": "standard",
    "strategy": "full",
    "owner": QA,
    "reason": "the books close",
    "text": "found it",
    "package": 1,
    "file": "first.zip",
    "digest": "ab" * 32,
    "components": 2,
    "deletions": 0,
    "problem": "The org said {no}.",
    "item": 2,
    "title": "Smoke test agreed",
    "note": "agreed",
    "seats": ["qa", "business"],
    "seat": "qa",
    "comment": "fine",
    "because": "The package changed.",
    "people": [QA],
    "person": QA,
    "given_at": "2026-11-20T10:00:00+00:00",
    "asked_at": "2026-11-20T10:00:00+00:00",
    "away": QA,
    "stand_in": TESTER,
    "step": "manager",
    "said": "no_go",
    "verdict": "silent",
    "lines": [["qa", "go", QA, "", "2026-11-23T10:00:00+00:00"]],
    "silent": ["business"],
    "called_by": MANAGER,
    "changes": ["Package: first.zip ab → second.zip cd."],
    "number": 1,
    "starts_at": "2026-11-23T10:00:00+00:00",
    "ends_at": "2026-11-23T12:00:00+00:00",
    "due_at": "2026-11-23T10:00:00+00:00",
    "until": "2026-12-03T10:00:00+00:00",
    "blocked_by": ["freeze"],
    "freeze": "FRZ-1",
    "key": "DEP-2",
    "deployment": 2,
    "job": "0Af1",
    "differences": ["ApexClass Discount"],
    "drift": ["ApexClass Discount"],
    "request": 1,
    "release": "REL-1",
    "incident": "INC-1",
    "audience": "business",
    "audiences": ["business"],
    "resolution": "trigger off",
    "severity": 1,
    "suspect": "REL-1",
    "by": MANAGER,
    "was": "disk full",
    "task": 2,
    "row": 1,
    "phase": "before",
    "minutes": 15,
    "path": ["uat", PRODUCTION],
    "from": "uat",
    "live": [],
    "types": ["ApexClass", "Layout"],
    "count": 3,
    "files": 2,
    "days": 180,
}


def a_called_release(room: Room) -> str:
    """A release that went live after its roll was called; returns its key."""
    key, ends_at = a_ready_release(room.ports), room.ports.clock.now() + timedelta(hours=1)
    number = roll_calls.call_roll(room.ports, MANAGER, key, ends_at).number
    assert number == DETAILS["number"]
    for person in (QA, BUSINESS):
        roll_calls.speak(room.ports, person, key, "go")
    land(room.ports, a_started_deployment(room.ports, key))
    arm(room.ports, key)
    return key


def a_broken_release(room: Room) -> str:
    """A release that is live, suspected, to be taken back; returns its key."""
    key = a_called_release(room)
    incidents.open_incident(room.ports, TESTER, title="Quotes cannot be saved", severity=1, org=PRODUCTION)
    rollback_requests.ask_rollback(room.ports, MANAGER, key, "quotes cannot be saved")
    promised = broadcasts.schedule(room.ports, MANAGER, key, audience="business", due_at=None, text="", every=None)
    broadcasts.send_due(room.ports, key, promised.number)
    return key


def test_every_kind_of_fact_has_words_and_somebody_who_decides_where_they_go() -> None:
    assert set(WORDS) == set(Kind)
    assert set(TELLERS) <= set(Kind)


def may_stand_in(stream: str, kind: Kind) -> bool:
    if stream == "REL-1":
        return True
    if stream == "INC-1":
        return kind.startswith(("incident", "rollback", "note", "org"))
    return kind.startswith("freeze" if stream == "FRZ-1" else "org_")


def test_every_kind_of_fact_can_be_told(room: Room) -> None:
    a_broken_release(room)
    room.tell()
    for stream in ("REL-1", "INC-1", "ORG:production", "FRZ-1"):
        for kind in (kind for kind in Kind if may_stand_in(stream, kind)):
            with room.ports.store.transaction() as session:
                now = room.ports.clock.now()
                number = record(session, kind, stream=stream, actor=MANAGER, at=now, details=DETAILS).number
            sent = room.tell_one(stream, number)
            assert sent or kind in (Kind.PACKAGE_ATTACHED, Kind.BROADCAST_SCHEDULED, Kind.AUDIT_EXPORTED)
            words = words_of(room.post(f"entry:{stream}:{number}"))
            assert len(words) > len(stream) + 10, (kind, words)


def test_every_drawing_is_drawn_in_a_whole_story(room: Room) -> None:
    a_whole_story(room)
    assert {slot.split(":")[0] for slot in room.posts} == set(DRAWINGS)


def a_whole_story(room: Room) -> None:
    """From the plan to production and back."""
    key = a_release(room.ports, window=a_window(0, 2))
    room.tell()
    listings.note_listing(room.ports, DEVELOPER, key, Listing("uat", ["ApexClass"], "ab" * 32, 3))
    note_comparison(room.ports, a_package(room.ports, key, compared=False), LOST)
    room.says(MANAGER, f"release ask {key}")
    room.says(MANAGER, f"release block {key} 1 -- nobody wrote them")
    room.says(MANAGER, f"release assign {key} 3 <@{DEVELOPER}>")
    room.tell()
    scheduling.open_window(room.ports, key, 1)
    room.tell()
    releases.cancel_release(room.ports, MANAGER, key, "another goes instead")
    room.tell()
    live = a_broken_release(room)
    room.tell()
    rollback_requests.decide_rollback(room.ports, SECOND_MANAGER, 1, yes=True)
    attempt = newest(room.ports, live, "rollback").id or 0
    attempts.note_asking(room.ports, attempt, "deploying")
    rollback_outcomes.finish_rollback(room.ports, attempt, a_success())
    note_returned(room.ports, attempt, [])
    incidents.resolve_incident(room.ports, TESTER, "INC-1", "rolled back")
    room.tell()
    a_release_on_its_way(room)
    room.tell()


def a_release_on_its_way(room: Room) -> None:
    """A staged release with a task, in the first org of its path and then on to the next."""
    plan = releases.Plan("On its way", "", "standard", MANAGER, strategy="staged", orgs=("uat", PRODUCTION))
    key = releases.plan_release(room.ports, MANAGER, plan)
    room.says(MANAGER, f"release task {key} before in PRODUCTION -- Pause the import")
    a_package(room.ports, key, words="on its way")
    make_ready(room.ports, key)
    land_stage(room.ports, key)
    soak(room.ports, key)


def test_each_reader_gets_a_copy_of_a_status(room: Room) -> None:
    a_broken_release(room)
    room.tell()
    channel = room.posts["broadcast:REL-1:3@C0STAKEHOLDERS"]
    assert (channel.to, channel.person) == ("C0STAKEHOLDERS", False)
    assert "is in place. We are watching it" in words_of(channel.message)
    assert "People are looking into a problem that came up: Quotes cannot be saved." in words_of(channel.message)
    told = room.posts[f"plain:INC-1:open@{DIRECTOR}"]
    assert told.person
    assert "Something does not work in PRODUCTION: Quotes cannot be saved." in words_of(told.message)


def test_a_status_in_a_persons_words_names_them_and_promises_the_next(room: Room) -> None:
    a_release(room.ports)
    room.says(MANAGER, "release update at 2026-11-23 12:00 UTC -- Training moves to Tuesday")
    broadcasts.send_due(room.ports, "REL-1", 1)
    room.says(MANAGER, "release update at 2026-11-23 15:00 UTC")
    room.tell()
    words = words_of(room.posts["broadcast:REL-1:1@C0STAKEHOLDERS"].message)
    assert "Training moves to Tuesday" in words
    assert "From @Anna Weiss. Next update Mon 23 Nov 2026 16:00 CET." in words


def test_an_unknown_audience_is_answered_with_those_there_are(room: Room) -> None:
    a_release(room.ports)
    form = room.says(MANAGER, "release update")
    refusal = room.is_refused_the_form(MANAGER, form, audience="board")
    assert "Known audiences: business, executive." in refusal.words
    assert "1 channel, 0 people" in words_of(room.submits(MANAGER, form, audience="business"))


def test_a_checklist_is_drawn_anew_for_its_own_release_alone(room: Room) -> None:
    for _ in range(10):
        a_release(room.ports)
    room.tell()
    before = kinds(room.ports, "REL-1")
    room.says(QA, "release tick REL-1 2")
    number = len(before) + 1
    slots = {one.slot for one in touched(room.ports, "REL-1", number)}
    assert slots == {"headline:REL-1", "checklist:REL-1"}


def test_the_window_opens_with_the_button_for_the_owner_too(room: Room) -> None:
    key = a_ready_release(room.ports)
    scheduling.open_window(room.ports, key, 1)
    room.tell()
    post = room.posts[f"window:{key}:1@{MANAGER}"]
    assert post.person
    words = words_of(post.message)
    assert "the window is open" in words
    assert "[Deploy to PRODUCTION]" in words
    room.clicks(MANAGER, "Deploy to PRODUCTION", post.message)
    room.tell()
    assert "[Deploy to PRODUCTION]" not in words_of(room.posts[f"window:{key}:1"].message)
    assert "REL-1 is being deployed." in words_of(room.posts[f"window:{key}:1"].message)


def test_the_window_opens_with_every_reason_when_it_may_not_go(room: Room) -> None:
    key = a_release(room.ports, window=a_window(0, 2))
    scheduling.open_window(room.ports, key, 1)
    room.tell()
    words = words_of(room.posts[f"window:{key}:1"].message)
    assert "may not go" in words
    assert "No package is attached." in words
    assert "[Deploy to PRODUCTION]" not in words
    later(room.ports, hours=2)
    scheduling.close_window(room.ports, key, 1)
    room.tell()
    assert "is over; nothing was started" in words_of(room.posts[f"window:{key}:1"].message)


def test_a_missed_window_says_so_to_the_owner(room: Room) -> None:
    key = a_release(room.ports, window=a_window(0, 2))
    later(room.ports, hours=3)
    scheduling.open_window(room.ports, key, 1)
    room.tell()
    words = " ".join(words_of(post.message) for slot, post in room.posts.items() if slot.startswith("entry:"))
    assert "was missed: Rollcall was not running. @Anna Weiss" in words
    assert "[Set window]" in words


def test_a_failed_deployment_names_the_cause_and_the_owner(room: Room) -> None:
    key = a_ready_release(room.ports)
    attempt = a_started_deployment(room.ports, key)
    attempts.note_unreachable(room.ports, attempt, "It answered 503.")
    deployments.finish_deployment(room.ports, attempt, a_failure(message="Expected: 15, Actual: 10"))
    room.tell()
    told = " ".join(words_of(post.message) for slot, post in room.posts.items() if slot.startswith("entry:"))
    assert "failed in PRODUCTION, which took everything back: DiscountTest.gives_ten_percent failed" in told
    assert "PRODUCTION does not answer while DEP-2 is under way: It answered 503." in told
    assert "@Anna Weiss" in told


def test_while_an_org_is_silent_everybody_who_asks_reads_since_when(room: Room) -> None:
    key = a_ready_release(room.ports)
    attempt = a_started_deployment(room.ports, key)
    asked = ("release status", "release why")
    silent = "PRODUCTION has not answered since"
    assert not any(silent in words_of(room.says(MANAGER, words)) for words in asked)
    for _ in range(20):
        attempts.note_unreachable(room.ports, attempt, "It answered 503.")
    later(room.ports, hours=1)
    room.tell()
    for said in (*(room.says(MANAGER, words) for words in asked), room.posts["deployment:DEP-2"].message):
        assert silent in words_of(said)
        assert "it goes on by itself" in words_of(said)
    attempts.note_reachable(room.ports, attempt)
    room.tell()
    told = [words_of(post.message) for slot, post in room.posts.items() if slot.startswith("entry:")]
    assert sum("PRODUCTION does not answer" in words for words in told) == 1
    assert sum("PRODUCTION answers again (it had not since" in words for words in told) == 1
    for said in (*(room.says(MANAGER, words) for words in asked), room.posts["deployment:DEP-2"].message):
        assert silent not in words_of(said)


def test_an_unknown_outcome_sends_a_person_to_look(room: Room) -> None:
    key = a_ready_release(room.ports)
    attempt = a_started_deployment(room.ports, key)
    attempts.note_unknown(room.ports, attempt, "The answer was lost.")
    room.tell()
    assert "Look in the org before anything else." in words_of(room.posts["deployment:DEP-2"].message)


def test_a_release_says_how_it_would_come_back(room: Room) -> None:
    key = a_soaking_release(room.ports, armed=False)
    assert "being proven now" in words_of(room.says(MANAGER, "release status"))
    arming.finish_arming(room.ports, newest(room.ports, key, "arming").id or 0, None, "The org is full.")
    assert "not armed: The org is full." in words_of(room.says(MANAGER, "release status"))
    assert "[Roll back]" in words_of(room.says(MANAGER, "release status"))


def test_a_locked_org_is_told_with_the_way_to_open_it(room: Room) -> None:
    org_locks.lock_org(room.ports, ADMINISTRATOR, PRODUCTION, "disk full")
    room.tell()
    post = room.posts["entry:ORG:production:1"]
    assert post.to == "C0RELEASES"
    assert words_of(post.message).startswith("PRODUCTION is locked by @Mei Tanaka: disk full")
    form = room.clicks(ADMINISTRATOR, "Unlock…", post.message)
    assert "open again" in words_of(room.submits(ADMINISTRATOR, form, note="disk is empty"))


def test_a_rollback_is_asked_answered_once_and_told_everywhere(room: Room) -> None:
    a_soaking_release(room.ports)
    form = room.says(TESTER, "incident open in PRODUCTION -- Quotes cannot be saved")
    room.submits(TESTER, form, severity="1")
    room.tell()
    post = room.posts["incident:INC-1"].message
    assert "REL-1 Autumn release, live since" in words_of(post)
    reason = room.clicks(MANAGER, "Roll back", post)
    assert "PRODUCTION returns to before REL-1. Way back: armed until" in words_of(reason)
    room.submits(MANAGER, reason, note="quotes fail")
    room.tell()
    question = room.posts["rollback:INC-1:1"].message
    assert "A second person has to agree until" in words_of(question)
    assert f"rollback:INC-1:1@{SECOND_MANAGER}" in room.posts
    assert f"rollback:INC-1:1@{MANAGER}" not in room.posts
    own = room.is_refused_the_click(MANAGER, "Confirm rollback", question)
    assert "somebody else has to confirm it" in own.words
    assert "REL-1 is being rolled back in PRODUCTION." in words_of(
        room.clicks(SECOND_MANAGER, "Confirm rollback", question)
    )
    late = room.is_refused_the_click(ADMINISTRATOR, "Decline", question)
    assert "already confirmed. It was @Omar Haddad" in late.words
    room.tell()
    assert "Confirmed by @Omar Haddad" in words_of(room.posts[f"rollback:INC-1:1@{ADMINISTRATOR}"].message)


def test_a_rollback_nobody_confirmed_expires_on_every_copy(room: Room) -> None:
    a_soaking_release(room.ports)
    room.says(MANAGER, "release rollback -- quotes fail")
    room.tell()
    later(room.ports, minutes=31)
    rollback_requests.expire_request(room.ports, 1)
    room.tell()
    assert "Expired: nobody confirmed in time." in words_of(room.posts[f"rollback:REL-1:1@{SECOND_MANAGER}"].message)
    assert intents(room.ports, "rollback_expiry")


def test_what_people_changed_since_is_listed_with_a_way_on(room: Room) -> None:
    a_soaking_release(room.ports)
    room.says(MANAGER, "release rollback -- quotes fail")
    rollback_requests.decide_rollback(room.ports, SECOND_MANAGER, 1, yes=True)
    attempt = newest(room.ports, "REL-1", "rollback").id or 0
    sentence = "Somebody changed 1 component since the deployment:"
    rollback_outcomes.hold_rollback(room.ports, attempt, sentence, ["ApexClass Discount, by Mei"])
    room.tell()
    posts = [
        post
        for slot, post in room.posts.items()
        if slot.startswith("entry:") and "was not started" in words_of(post.message)
    ]
    assert "ApexClass Discount, by Mei" in words_of(posts[0].message)
    form = room.clicks(MANAGER, "Roll back anyway…", posts[0].message)
    assert "has to confirm" in words_of(room.submits(MANAGER, form, note="still broken"))
    room.tell()
    assert "What people changed since will be lost." in words_of(room.posts["rollback:REL-1:2"].message)


def test_a_status_that_came_too_late_says_so(room: Room) -> None:
    key = a_release(room.ports, window=a_window(1, 2))
    later(room.ports, hours=3)
    broadcasts.send_due(room.ports, key, 1)
    room.tell()
    told = " ".join(words_of(post.message) for slot, post in room.posts.items() if slot.startswith("entry:"))
    assert "The status for business was missed. To send it still: /release update REL-1" in told


def test_a_copy_for_somebody_alone_stands_in_no_thread(room: Room) -> None:
    a_whole_story(room)
    copies = [post for slot, post in room.posts.items() if "@" in slot]
    assert copies
    assert all(post.under is None for post in copies)
