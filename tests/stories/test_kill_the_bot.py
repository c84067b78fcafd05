"""The bot dies anywhere in the story; it carries on, and nobody sees anything twice.

ROLLCALL_KILL_ROUNDS=N tells N longer stories as well; ROLLCALL_KILL_SEED=… repeats the chances of one that failed.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from bot.rehearsal.org.exporting import export
from bot.rehearsal.org.jobs import Job
from bot.rehearsal.run import Stage, stage
from bot.rehearsal.story import CHAPTERS, Story
from tests.bot.postgres import Cluster
from tests.bot.processes import wait_until
from tests.stories.counting import (
    broken_chains,
    changes_to_production,
    failed_flows,
    out_of_date,
    still_to_run,
    the_facts,
    told_twice_or_never,
    unfinished,
)
from tests.stories.killing import Insisting, Keeper, Replicas, Sweep, Told, at_random

ROUNDS = int(os.environ.get("ROLLCALL_KILL_ROUNDS", "0"))
SEED = int(os.environ.get("ROLLCALL_KILL_SEED", "0")) or time.time_ns() % 1_000_000
QUICK = 0.1
PATIENT_FOR = 180.0  # seconds; on a busy machine each start takes its time
WORST = frozenset(
    {
        "posting headline",
        "posting package",
        "a check accepted in UAT",
        "a check accepted in PRODUCTION",
        "posting approval",
        "retrieving from PRODUCTION in deploy",
        "a quick deployment accepted in PRODUCTION",
        "retrieving from PRODUCTION in incident",
        "posting rollback",
    }
)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    """A workspace with two orgs, without a bot."""
    with stage(tmp_path / "scene", pace=QUICK) as scene:
        yield scene


def tell(*lines: str) -> None:
    """For whoever reads a failed test, or runs with -s."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def play(scene: Stage, deaths: list[str], say: list[str], turn_to: Callable[[str], None]) -> None:
    """The whole story, by people who insist; `turn_to` is called with each chapter's name, with "" at the end."""

    def tells(*words: str) -> None:
        say.append(" ".join(words))

    with Insisting(scene.workspace.url, tells, deaths=deaths, patience=PATIENT_FOR) as people:
        story = Story(people, scene.production.instance_url, scene.uat.instance_url, say.append)
        for chapter in CHAPTERS:
            say.append(f"# {chapter.__name__}")
            turn_to(chapter.__name__)
            chapter(story)
        turn_to("")


def count_what_everyone_saw(scene: Stage, before: bytes, url: str, end: Callable[[], None]) -> None:
    """Let the bot finish, end it, then count."""
    with the_facts(url) as store:
        wait_until(lambda: not still_to_run(store, scene.clock), PATIENT_FOR)
        end()
        assert failed_flows(store) == []
        assert unfinished(store) == []
        assert broken_chains(store) == []
        assert told_twice_or_never(store, scene) == []
        assert out_of_date(store, scene) == []
    assert changes_to_production(scene) == ["quick", "quick"]  # the release, then the way back
    assert export(scene.production.org, history=False) == before
    methods = {call["method"] for call in scene.workspace.workspace.calls}
    assert "chat.delete" not in methods


class Reaper:
    """Kills the bot in each chapter: at the sweep's moments, or at a random one, at the latest at its end."""

    def __init__(self, keeper: Keeper, sweep: Sweep, chance: random.Random) -> None:
        self._keeper = keeper
        self._sweep = sweep
        self._chance = chance
        self._before = 0

    def turn_to(self, chapter: str) -> None:
        """A chapter begins; "" after the last."""
        if self._sweep.chapter and len(self._keeper.deaths) == self._before:
            self._keeper.kill(f"at the end of {self._sweep.chapter}")
        self._before = len(self._keeper.deaths)
        self._sweep.chapter = chapter
        if chapter in ("checklist", "schedule", "broadcast", "remember"):
            wait = self._chance.uniform(0.05, 0.8)
            threading.Timer(wait, self._keeper.kill, [f"{wait:.2f} s into {chapter}"]).start()


def tell_round(
    scene: Stage, tmp_path: Path, seed: int, *, only: Collection[str] = (), haunted: bool = False
) -> list[str]:
    """One story with its deaths, counted; returns how the bot died. What happened is told when it fails."""
    say: list[str] = []
    before = export(scene.production.org, history=False)
    keeper = Keeper(scene.serve_environ, tmp_path / "bot.log")
    chance = random.Random(seed)
    reaper = Reaper(keeper, Sweep(scene, keeper, only), chance)
    try:
        with at_random(keeper, chance, 0.2, 5.0) if haunted else nullcontext():
            play(scene, keeper.deaths, say, reaper.turn_to)
        url = f"sqlite:///{scene.folder / 'bot' / 'rollcall.sqlite'}"
        count_what_everyone_saw(scene, before, url, keeper.stop)
    except BaseException:
        tell(*say, f"ROLLCALL_KILL_SEED={seed}", *keeper.deaths, keeper.log.read_text()[-4000:])
        raise
    finally:
        keeper.stop()
    tell(f"ROLLCALL_KILL_SEED={seed}: killed {len(keeper.deaths)} times", *keeper.deaths)
    return keeper.deaths


def test_killed_in_each_chapter_at_its_worst_moments(scene: Stage, tmp_path: Path) -> None:
    """Before it hears that a post was made, a job accepted; while the snapshot is fetched, while the org goes back."""
    deaths = tell_round(scene, tmp_path, SEED, only=WORST)
    assert len(deaths) >= len(CHAPTERS)


if ROUNDS:  # not a skip: a run without the wish for it misses nothing

    @pytest.mark.parametrize("number", range(ROUNDS))
    def test_killed_at_every_moment_worth_it(scene: Stage, tmp_path: Path, number: int) -> None:
        """Right after each kind of post, edit, job and retrieve."""
        tell_round(scene, tmp_path, SEED + number)

    @pytest.mark.parametrize("number", range(ROUNDS))
    def test_killed_at_random(scene: Stage, tmp_path: Path, number: int) -> None:
        """Again and again, also while it starts."""
        tell_round(scene, tmp_path, SEED + number, only=("nothing else",), haunted=True)


def test_a_replica_takes_over_what_a_dead_one_was_doing(scene: Stage, tmp_path: Path, postgres: Cluster) -> None:
    """Who deploys dies for good in the middle of it, then who rolls back; somebody else goes on."""
    say: list[str] = []
    before = export(scene.production.org, history=False)
    scene.database_url = postgres.database()
    replicas = Replicas({**scene.serve_environ, "ROLLCALL_LEASE_SECONDS": "3"}, tmp_path / "bots.log", 2)
    flows = iter(("deployment", "rollback"))

    def on_job(job: Job) -> None:
        if not job.options.check_only:
            flow = next(flows)
            replicas.kill_who_runs(flow, f"in the middle of the {flow}")
            replicas.add()

    scene.production.org.jobs = Told(scene.production.org.jobs, on_job)
    try:
        play(scene, replicas.deaths, say, lambda _: None)
        count_what_everyone_saw(scene, before, scene.database_url, replicas.stop)
    except BaseException:
        tell(*say, *replicas.deaths, replicas.log.read_text()[-4000:])
        raise
    finally:
        replicas.stop()
    assert len(replicas.deaths) == 2
