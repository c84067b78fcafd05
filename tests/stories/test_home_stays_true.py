"""Home that somebody has before them becomes true by itself: after clicks elsewhere, typed words, a flow's own news."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.rehearsal.driver import Rehearsal
from bot.rehearsal.run import Stage, bot_on, stage
from bot.rehearsal.story import Story, plan

SOON = 30.0  # seconds; Rollcall waits before it tries again what the chat did not take


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, pace=0.1) as scene, bot_on(scene):
        yield scene


@pytest.fixture
def story(scene: Stage) -> Iterator[Story]:
    with Rehearsal(scene.workspace.url) as people:
        yield Story(people, scene.production.instance_url, scene.uat.instance_url, lambda _: None)


def opens_home(story: Story, handle: str) -> str:
    """Open Home; what it says."""
    outcome = story.rehearsal.act("home", **{"as": handle, "wait_seconds": 5.0})
    return str(outcome["home"]["plain"])


def home_of(story: Story, handle: str) -> str:
    """What stands on somebody's Home now, without opening it."""
    return str((story.rehearsal.look("home", **{"as": handle})["home"] or {"plain": ""})["plain"])


def becomes(story: Story, handle: str, words: str, *, gone: bool = False) -> None:
    """Wait until somebody's Home says so, or does so no more, by itself."""
    deadline = time.monotonic() + SOON
    while (words in home_of(story, handle)) is gone:
        assert time.monotonic() < deadline, f"{handle}'s Home: {home_of(story, handle)}"
        time.sleep(0.1)


def published(story: Story, handle: str) -> int:
    """How often somebody's Home was brought to them."""
    everybody = {each["handle"]: each["id"] for each in story.rehearsal.look("people")["people"]}
    calls = story.rehearsal.look("calls", method="views.publish")["calls"]
    return sum(call["arguments"]["user_id"] == everybody[handle] for call in calls)


def test_home_is_true_soon_after_a_click_on_a_card_elsewhere(story: Story) -> None:
    assert "Nothing." in opens_home(story, "tomas")
    plan(story)
    becomes(story, "tomas", "UAT signed off")
    card = story.anna.in_thread("UAT signed off", story.head)
    story.tomas.clicks("Tick 4", card)
    becomes(story, "tomas", "UAT signed off", gone=True)
    story.anna.types(f"/release reopen {story.key} 4 -- look again")
    becomes(story, "tomas", "UAT signed off")
    story.anna.types("/release freeze in PRODUCTION at in 1h until in 2h -- quarter end")
    story.mei.types("/release freeze in PRODUCTION at in 1h until in 2h -- quarter end")
    becomes(story, "tomas", "Freeze FRZ-1")


def test_nobody_gets_a_home_who_never_opened_it(story: Story) -> None:
    opens_home(story, "anna")
    plan(story)
    becomes(story, "anna", "Discount approvals")
    assert home_of(story, "lena") == ""
    assert published(story, "lena") == 0


def test_much_that_happens_at_once_is_brought_once(story: Story) -> None:
    opens_home(story, "tomas")
    plan(story)
    becomes(story, "tomas", "UAT signed off")
    before = published(story, "tomas")
    for number in range(12):
        story.anna.types(f"/release note {story.key} -- number {number}")
    story.tomas.types(f"/release tick {story.key} 4")
    becomes(story, "tomas", "UAT signed off", gone=True)
    assert published(story, "tomas") == before + 1, "notes change nothing on Home"


def test_the_page_that_somebody_turned_to_stays_turned(story: Story) -> None:
    for number in range(22):
        form = story.anna.types("/release new")
        story.anna.submits(form, {"Name": f"Number {number}", "Target org": "production", "Kind": "standard"})
    opens_home(story, "grace")
    story.rehearsal.act("click", **{"as": "grace", "home": True, "label": "Next 2", "wait_seconds": 5.0})
    becomes(story, "grace", "Releases (21 to 22 of 22)")
    story.anna.types("/release cancel REL-2 -- not wanted")
    becomes(story, "grace", "Releases (21 to 21 of 21)")


def test_a_switch_that_was_typed_stands_on_the_open_page(story: Story) -> None:
    opens_home(story, "grace")
    story.grace.types("/release notify status off")
    becomes(story, "grace", "*Off:* Status updates.")


def test_after_some_days_nobody_draws_a_page_that_nobody_opens(story: Story) -> None:
    opens_home(story, "tomas")
    opens_home(story, "anna")
    story.pass_time(timedelta(days=4))
    opens_home(story, "anna")
    plan(story)
    becomes(story, "anna", "Discount approvals")
    assert "Discount approvals" not in home_of(story, "tomas")
    assert "Discount approvals" in opens_home(story, "tomas")


def test_a_page_missed_while_the_chat_was_away_is_brought_when_it_is_back(story: Story) -> None:
    opens_home(story, "tomas")
    fault = {"kind": "error", "method": "views.publish", "error": "internal_error", "times": 6}
    story.rehearsal.act("faults", **fault)
    plan(story)
    becomes(story, "tomas", "UAT signed off")
