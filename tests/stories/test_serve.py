"""`rollcall serve` as a supervisor sees it: started, asked to end, started twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.rehearsal.driver import Rehearsal, until
from bot.rehearsal.run import Stage, stage
from bot.rehearsal.story import Story, attach, plan

COMMAND = (str(Path(sys.executable).with_name("rollcall")), "serve")
Serve = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    """A workspace with two orgs, without a bot."""
    with stage(tmp_path, pace=0.1) as scene:
        yield scene


@pytest.fixture
def serve(scene: Stage) -> Iterator[Serve]:
    """Starts `rollcall serve`; whatever still runs is gone when the test ends."""
    started: list[subprocess.Popen[str]] = []
    environ = {**os.environ, **scene.serve_environ}

    def start() -> subprocess.Popen[str]:
        log = (scene.folder / f"bot-{len(started)}.log").open("w")
        with log:
            process = subprocess.Popen(COMMAND, env=environ, stdout=subprocess.PIPE, stderr=log, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_for_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["ready"]


def test_a_second_one_on_the_same_folder_is_refused(scene: Stage, serve: Serve) -> None:
    """It says why, what to do, and leaves the first one alone."""
    first = serve()
    wait_for_ready(first)
    second = serve()
    assert second.wait(timeout=30) == 2
    told = (scene.folder / "bot-1.log").read_text().splitlines()[-1]
    assert told.startswith(f"Rollcall is already running on the folder {scene.folder / 'bot'}")
    assert "Stop the other one first" in told
    assert first.poll() is None


def test_asked_to_end_in_the_middle_of_a_validation_it_ends_and_carries_on(scene: Stage, serve: Serve) -> None:
    """It is gone within five seconds; the next one reads the result of the job that the org went on with."""
    first = serve()
    wait_for_ready(first)
    with Rehearsal(scene.workspace.url) as people:
        story = Story(people, scene.production.instance_url, scene.uat.instance_url, lambda _: None)
        plan(story)
        attach(story)
        scene.uat.org.settings.pace = 1.0
        story.priya.types(f"/release validate {story.key}")
        until(lambda: bool(scene.uat.org.jobs), "the job in UAT")
        asked_at = time.monotonic()
        first.terminate()
        assert first.wait(timeout=10) == 0
        assert time.monotonic() - asked_at < 5
        assert not scene.uat.org.jobs[0].done
        wait_for_ready(serve())
        failed = story.priya.in_thread("loyalGoldAccountsGetMore", story.head, showing="line 31")
    assert "failed" in failed["plain"]
    assert len(scene.uat.org.jobs) == 1
