"""The bot dies while an org is asked again, while a release goes back, while it is brought back; each happens once.

ROLLCALL_KILL_ROUNDS=N tells N longer stories as well, in which it dies at random; ROLLCALL_KILL_SEED=… repeats one.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest

from bot.rehearsal.driver import zip_file
from bot.rehearsal.org.exporting import export
from bot.rehearsal.packages import sample_package
from bot.rehearsal.run import Stage, stage
from bot.rehearsal.story import Story
from tests.bot.processes import wait_until
from tests.stories.counting import (
    broken_chains,
    failed_flows,
    out_of_date,
    still_to_run,
    the_facts,
    told_twice_or_never,
)
from tests.stories.killing import Insisting, Keeper, Sweep, at_random

ROUNDS = int(os.environ.get("ROLLCALL_KILL_ROUNDS", "0"))
SEED = int(os.environ.get("ROLLCALL_KILL_SEED", "0")) or time.time_ns() % 1_000_000
QUICK = 0.1
PATIENT_FOR = 180.0  # seconds; on a busy machine each start takes its time
WORST = frozenset(
    {
        "a deployment accepted in PRODUCTION",  # the one the org was too busy for, then its repetition
        "retrieving from PRODUCTION in back",  # the look before the yes
        "a quick deployment accepted in PRODUCTION",
        "retrieving from PRODUCTION in undo",
    }
)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    """A workspace with two orgs, without a bot."""
    with stage(tmp_path / "scene", pace=QUICK) as scene:
        yield scene


# --- the chapters


def agree(story: Story) -> None:
    """A release that goes in full, up to its window."""
    form = story.anna.types("/release new")
    story.anna.submits(form, {"Name": "Discount approvals", "Target org": "production", "Strategy": "full"})
    story.head = story.anna.sees("Discount approvals", showing="no window yet")
    story.key = next(word.strip("*:") for word in story.head["plain"].split() if "REL-" in word)
    form = story.priya.types(f"/release attach {story.key}")
    story.priya.submits(form, {"Package": zip_file("discounts.zip", sample_package("mended"))})
    story.priya.in_thread("14 new", story.head)
    story.priya.types(f"/release validate {story.key}")
    story.waits(lambda: "Validated in PRODUCTION" in story.asks(f"/release why {story.key}"), "the validation")
    for item in (3, 4, 5, 6):
        story.anna.types(f"/release tick {story.key} {item}")
    story.anna.types(f"/release ask {story.key}")
    for person, seat in ((story.tomas, "QA"), (story.lena, "Business")):
        person.clicks("Approve", person.in_thread(f"{seat} is asked to approve", story.head, showing="[Approve]"))
        story.anna.in_thread(f"{seat}: approved by", story.head)
    start = story.now() + timedelta(hours=1)
    story.anna.types(f"/release window {story.key} at {start:%Y-%m-%d %H:%M} UTC for 2h")
    story.anna.in_thread("set the window", story.head)
    story.pass_time(timedelta(hours=1, minutes=1))


def deploy(story: Story) -> None:
    """The org is too busy at first; it is asked again, then the way back is proven."""
    card = story.anna.in_thread("the window is open", story.head, showing="Deploy to PRODUCTION")
    story.anna.clicks("Deploy to PRODUCTION", card)
    story.anna.in_thread("asks again at", story.head)
    story.pass_time(timedelta(minutes=2))
    story.anna.in_thread("is live in PRODUCTION", story.head)
    story.anna.in_thread("The way back is armed until", story.head)


def back(story: Story) -> None:
    """A look before the yes, then the armed way back."""
    _wish_and_confirm(story, "the discounts are wrong", "rolled back: PRODUCTION is what it was")


def undo(story: Story) -> None:
    """The rollback was a mistake: the release is brought back."""
    story.pass_time(timedelta(minutes=1))
    _wish_and_confirm(story, "it was the import after all", "undid the rollback")


def _wish_and_confirm(story: Story, because: str, then: str) -> None:
    story.anna.types(f"/release rollback {story.key} -- {because}")
    question = story.omar.in_thread(because, story.head, showing="[Confirm")
    label = next(one["label"] for one in question["elements"] if one["label"].startswith("Confirm"))
    story.omar.clicks(label, question)
    story.anna.in_thread(then, story.head)


# --- what is counted


def tell_round(scene: Stage, tmp_path: Path, seed: int, *, haunted: bool) -> list[str]:
    """The story with its deaths, counted; returns how the bot died."""
    say: list[str] = []
    keeper, chance = Keeper(scene.serve_environ, tmp_path / "bot.log"), random.Random(seed)
    people = Insisting(scene.workspace.url, lambda *words: say.append(" ".join(words)), deaths=keeper.deaths)
    people.patience = PATIENT_FOR
    try:
        with people:
            story = Story(people, scene.production.instance_url, scene.uat.instance_url, say.append)
            wait_until(lambda: keeper.starts > 0, PATIENT_FOR)
            agree(story)
            with at_random(keeper, chance, 0.2, 5.0) if haunted else nullcontext():
                _go_and_come_back(scene, story, Sweep(scene, keeper, ("nothing else",) if haunted else WORST))
        _count(scene, keeper.stop)
    except BaseException:
        say += [f"ROLLCALL_KILL_SEED={seed}", *keeper.deaths, keeper.log.read_text()[-4000:]]
        print(*say, sep="\n")  # noqa: T201 - for whoever reads a failed test
        raise
    finally:
        keeper.stop()
    return keeper.deaths


def _go_and_come_back(scene: Stage, story: Story, sweep: Sweep) -> None:
    org = scene.production.org
    before, taken = export(org, history=False), len(_changes(scene))
    org.faults.ask_for("already_in_process")
    deploy(story)
    assert _changes(scene)[taken:] == ["full", "full"], "the one the org was too busy for, then its repetition"
    for chapter, landed in ((back, "quick"), (undo, "full")):
        sweep.chapter = chapter.__name__
        chapter(story)
        assert _changes(scene)[taken + 2 :][-1] == landed
        assert (export(org, history=False) == before) == (chapter is back)
    assert len(_changes(scene)) - taken == 4


def _changes(scene: Stage) -> list[str]:
    return ["quick" if job.quick_of else "full" for job in scene.production.org.jobs if not job.options.check_only]


def _count(scene: Stage, end: Callable[[], None]) -> None:
    with the_facts(f"sqlite:///{scene.folder / 'bot' / 'rollcall.sqlite'}") as store:
        wait_until(lambda: not still_to_run(store, scene.clock), PATIENT_FOR)
        end()
        assert failed_flows(store) == []
        assert broken_chains(store) == []
        assert told_twice_or_never(store, scene) == []
        assert out_of_date(store, scene) == []


def test_killed_at_the_worst_moments_of_the_way_there_and_back(scene: Stage, tmp_path: Path) -> None:
    """Before it hears that a job was accepted, or what the org holds."""
    deaths = tell_round(scene, tmp_path, SEED, haunted=False)
    assert {death.removeprefix("at ") for death in deaths} == WORST


if ROUNDS:  # not a skip: a run without the wish for it misses nothing

    @pytest.mark.parametrize("number", range(ROUNDS))
    def test_killed_at_random_on_the_way_there_and_back(scene: Stage, tmp_path: Path, number: int) -> None:
        """Again and again, also while it starts."""
        assert tell_round(scene, tmp_path, SEED + number, haunted=True)
