"""The bot dies anywhere in the story; it carries on, and nobody sees anything twice."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.rehearsal.org.exporting import export
from bot.rehearsal.run import Stage, stage
from bot.rehearsal.story import CHAPTERS, Story
from tests.bot.processes import wait_until
from tests.stories.killing import (
    Insisting,
    Keeper,
    Sweep,
    at_random,
    broken_chains,
    changes_to_production,
    failed_flows,
    still_to_run,
    the_facts,
    told_twice_or_never,
    unfinished,
)

ROUNDS = int(os.environ.get("ROLLCALL_KILL_ROUNDS", "0"))
SEED = int(os.environ.get("ROLLCALL_KILL_SEED", "0")) or time.time_ns() % 1_000_000
QUICK = 0.1


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    """A workspace with two orgs, without a bot."""
    with stage(tmp_path / "scene", pace=QUICK) as scene:
        yield scene


def play(scene: Stage, keeper: Keeper, say: list[str]) -> None:
    """The whole story; a bot that survived a chapter dies at its end."""
    with Insisting(scene.workspace.url, lambda *words: say.append(" ".join(words)), keeper=keeper) as people:
        story = Story(people, scene.production.instance_url, scene.uat.instance_url, say.append)
        for chapter in CHAPTERS:
            before = len(keeper.deaths)
            say.append(f"# {chapter.__name__}")
            chapter(story)
            if len(keeper.deaths) == before:
                keeper.kill(f"at the end of {chapter.__name__}")


def count_what_everyone_saw(scene: Stage, keeper: Keeper, before: bytes, url: str) -> None:
    """Let the bot finish, end it, and count what everyone saw."""
    with the_facts(url) as store:
        wait_until(lambda: not still_to_run(store, scene.clock), 60)
        keeper.stop()
        assert failed_flows(store) == []
        assert unfinished(store) == []
        assert broken_chains(store) == []
        assert told_twice_or_never(store, scene) == []
    assert changes_to_production(scene) == ["quick", "quick"]  # the release, then the way back
    assert export(scene.production.org, history=False) == before
    methods = {call["method"] for call in scene.workspace.workspace.calls}
    assert "chat.delete" not in methods


def tell_round(scene: Stage, tmp_path: Path, seed: int, *, sweeping: bool) -> list[str]:
    """One story with its deaths, counted; returns how the bot died. What happened is printed when it fails."""
    say: list[str] = []
    before = export(scene.production.org, history=False)
    environ = scene.serve_environ
    keeper = Keeper(environ, tmp_path / "bot.log")
    chance = random.Random(seed)
    if sweeping:
        Sweep(scene, keeper)
    try:
        with at_random(keeper, chance, *((30.0, 60.0) if sweeping else (0.2, 5.0))):
            play(scene, keeper, say)
        count_what_everyone_saw(scene, keeper, before, f"sqlite:///{scene.folder / 'bot' / 'rollcall.sqlite'}")
    except BaseException:
        print(*say, f"ROLLCALL_KILL_SEED={seed}", *keeper.deaths, keeper.log.read_text()[-4000:], sep="\n")  # noqa: T201
        raise
    finally:
        keeper.stop()
    print(f"seed {seed}: {len(keeper.deaths)} deaths", *keeper.deaths, sep="\n  ")  # noqa: T201
    return keeper.deaths


def test_killed_at_each_moment_that_is_worth_it(scene: Stage, tmp_path: Path) -> None:
    """Right after each kind of post, edit, job and retrieve, before the bot hears that it was done."""
    deaths = tell_round(scene, tmp_path, SEED, sweeping=True)
    assert len(deaths) >= len(CHAPTERS)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_killed_at_random(scene: Stage, tmp_path: Path, number: int) -> None:
    """Again and again, also while it starts."""
    tell_round(scene, tmp_path, SEED + number, sweeping=False)
