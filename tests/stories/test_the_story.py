"""The whole story is played, with every expectation in it."""

from __future__ import annotations

from pathlib import Path

from bot.rehearsal.driver import Disappointed, Rehearsal
from bot.rehearsal.run import bot_on, stage
from bot.rehearsal.story import Story
from tests.bot.postgres import Cluster

QUICK = 0.1


def play_on(folder: Path, database_url: str = "") -> list[str]:
    """Play the story on a file of its own or on a database; returns the expectations that held."""
    told: list[str] = []
    with stage(folder, pace=QUICK) as scene:
        scene.database_url = database_url
        with bot_on(scene), Rehearsal(scene.workspace.url, lambda *words: told.append(" ".join(words))) as people:
            try:
                Story(people, scene.production.instance_url, scene.uat.instance_url, told.append).play()
            except Disappointed as failed:
                raise AssertionError("\n".join((*told, str(failed)))) from failed
    return [line for line in told if "✓" in line]


def test_the_story_holds(tmp_path: Path) -> None:
    """From plan to production and back."""
    held = play_on(tmp_path)
    assert any("byte for byte" in line for line in held)


def test_the_story_holds_on_postgresql(tmp_path: Path, postgres: Cluster) -> None:
    """The same on a database server."""
    held = play_on(tmp_path, postgres.database())
    assert any("byte for byte" in line for line in held)
