"""A staged release is played by hand, through the rehearsal, from UAT to production."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from bot.rehearsal.driver import Rehearsal, until, zip_file
from bot.rehearsal.packages import sample_package
from bot.rehearsal.run import Stage, bot_on, stage
from bot.rehearsal.story import Story

QUICK = 0.1


@pytest.fixture
def played(tmp_path: Path) -> Iterator[tuple[Story, Stage]]:
    """A rehearsal with its people, before anybody has done anything."""
    with stage(tmp_path, pace=QUICK) as scene, bot_on(scene), Rehearsal(scene.workspace.url) as people:
        yield Story(people, scene.production.instance_url, scene.uat.instance_url, lambda _: None), scene


def jobs(url: str) -> int:
    """How many deployments, checks left out, an org has taken."""
    state = httpx.get(f"{url}/rehearsal/state", timeout=60, trust_env=False).json()
    return sum(not job["checkOnly"] for job in state["deployments"])


def settled(story: Story, words: str, what: str) -> None:
    """Wait until the release manager reads so when she asks whether it may go."""
    until(lambda: words in story.asks(f"/release why {story.key}"), what)


def plan(story: Story) -> None:
    """A release along the path of the policy, with a manual step before production and one after UAT."""
    form = story.anna.types("/release new")
    story.anna.submits(form, {"Name": "Discount approvals", "Strategy": "staged"})
    story.head = story.anna.sees("Discount approvals", showing="UAT, next → PRODUCTION")
    story.key = next(word.strip("*:") for word in story.head["plain"].split() if "REL-" in word)
    story.anna.types(f"/release task {story.key} after for 10m @tomas in UAT -- Smoke test in UAT")
    story.anna.types(f"/release task {story.key} before for 20m @mei in PRODUCTION -- Nightly import paused")
    story.anna.types(f"/release task {story.key} before for 5m @lena in PRODUCTION -- Branches told")
    sheet = story.anna.in_thread("run-sheet, 0 of 3 settled", story.head, showing="Branches told")
    for words in ("1 Smoke test in UAT", "2 Nightly import paused", "3 Branches told", "20 min"):
        story.expect(words in sheet["plain"], f"the run-sheet says “{words}”")


def agree(story: Story) -> None:
    """A package, a checklist, two yeses: all of it once for the whole path."""
    form = story.priya.types(f"/release attach {story.key}")
    story.priya.submits(form, {"Package": zip_file("discounts.zip", sample_package("mended"))})
    story.priya.in_thread("SHA-256", story.head)
    for item in (3, 4, 5, 6):
        story.anna.types(f"/release tick {story.key} {item}")
    story.anna.types(f"/release ask {story.key}")
    for person, seat in ((story.tomas, "QA"), (story.lena, "Business")):
        card = person.in_thread(f"{seat} is asked to approve", story.head)
        story.expect("UAT → PRODUCTION" in card["plain"], f"{seat} reads the whole path")
        person.clicks("Approve", card)


def bring(story: Story, org: str) -> None:
    """Into the org that is next: validate, a window that opens, the button."""
    story.priya.types(f"/release validate {story.key}")
    settled(story, f"Validated in {org}", f"the validation in {org}")
    start = story.now() + timedelta(hours=1)
    story.anna.types(f"/release window {story.key} at {start:%Y-%m-%d %H:%M} UTC for 2h")
    story.pass_time(timedelta(hours=1, minutes=1))
    card = story.anna.in_thread("the window is open", story.head, showing=f"Deploy to {org}")
    story.anna.clicks(f"Deploy to {org}", card)
    story.anna.in_thread(f"is live in {org}", story.head)


def test_a_staged_release_is_played_by_hand(played: tuple[Story, Stage]) -> None:
    """Tasks hold each step, the same package goes to both orgs, a person presses each button."""
    story, scene = played
    plan(story)
    agree(story)
    bring(story, "UAT")
    assert (jobs(scene.uat.instance_url), jobs(scene.production.instance_url)) == (1, 0)

    turn = story.tomas.in_thread("It is the turn of task 1", story.head)
    story.tomas.sees("It is the turn of task 1", "@rollcall")
    story.pass_time(timedelta(hours=2, minutes=5))
    assert "Smoke test in UAT" in story.asks(f"/release why {story.key}"), "the soak is over, the task holds it"
    story.tomas.clicks("Done", turn)
    story.anna.in_thread("comes to PRODUCTION next", story.head)
    story.anna.sees("UAT ✓ → PRODUCTION, next")
    form = story.priya.types(f"/release attach {story.key}")
    late = story.priya.submits(form, {"Package": zip_file("other.zip", sample_package("changed"))})
    assert "under way through its orgs (UAT got its package)" in str(late)

    wrong = story.lena.types(f"/release task done {story.key} 3")
    assert "comes first" in story.private(wrong)
    assert "@Mei Tanaka can clear it" in story.private(wrong)
    story.mei.types(f"/release task start {story.key} 2")
    story.pass_time(timedelta(minutes=15))
    story.mei.types(f"/release task done {story.key} 2 -- job 7 is off")
    story.lena.sees("It is the turn of task 3", "@rollcall")
    story.lena.types(f"/release task done {story.key} 3")

    bring(story, "PRODUCTION")
    story.anna.sees("live in UAT, PRODUCTION, being watched")
    assert (jobs(scene.uat.instance_url), jobs(scene.production.instance_url)) == (1, 1)
    digests = {line for line in story.asks(f"/release timeline {story.key}").splitlines() if "is live in" in line}
    assert digests
    story.grace.sees("Discount approvals", "#stakeholders")

    story.pass_time(timedelta(hours=2, minutes=5))
    story.anna.sees("UAT ✓ → PRODUCTION ✓", showing="closed")


def test_the_first_org_goes_back_and_production_is_never_reached(played: tuple[Story, Stage]) -> None:
    """A rollback in UAT ends the path; production was not touched."""
    story, scene = played
    form = story.anna.types("/release new")
    story.anna.submits(form, {"Name": "Discount approvals", "Strategy": "staged"})
    story.head = story.anna.sees("Discount approvals", showing="UAT, next → PRODUCTION")
    story.key = next(word.strip("*:") for word in story.head["plain"].split() if "REL-" in word)
    agree(story)
    before = httpx.get(f"{scene.uat.instance_url}/rehearsal/export", timeout=60, trust_env=False).content
    bring(story, "UAT")
    story.anna.in_thread("The way back is armed until", story.head)
    story.pass_time(timedelta(hours=2, minutes=5))
    story.anna.in_thread("comes to PRODUCTION next", story.head)
    story.anna.types(f"/release rollback {story.key} in UAT -- the discounts are wrong")
    story.omar.clicks("Confirm rollback", story.omar.in_thread("asks to roll back", story.head))
    story.anna.in_thread("rolled back: UAT is what it was", story.head)
    story.anna.sees("UAT taken back → PRODUCTION given up")
    after = httpx.get(f"{scene.uat.instance_url}/rehearsal/export", timeout=60, trust_env=False).content
    assert after == before
    assert jobs(scene.production.instance_url) == 0
