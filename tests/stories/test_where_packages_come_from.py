"""A package comes by a file in a thread, by the command line beside the running bot, out of a sandbox, from git."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bot.rehearsal.driver import Rehearsal
from bot.rehearsal.packages import sample_package
from bot.rehearsal.run import POLICY, Stage, stage
from bot.rehearsal.story import Story, plan
from tests.bot.test_git_source import IN_METADATA_FORMAT, a_repository

ROLLCALL = str(Path(sys.executable).with_name("rollcall"))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    """A workspace with two orgs, without a bot."""
    with stage(tmp_path / "stage", pace=0.1) as scene:
        yield scene


@pytest.fixture
def environ(scene: Stage, tmp_path: Path) -> dict[str, str]:
    """What `rollcall` needs, with a policy that knows automation and a git repository."""
    a_repository(tmp_path / "repo", IN_METADATA_FORMAT)
    policy = yaml.safe_load(POLICY.read_text())
    policy |= {"automation": "U0DEVELO", "git": {"repository": str(tmp_path / "repo")}}
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy))
    return {**os.environ, **scene.serve_environ, "ROLLCALL_POLICY": str(tmp_path / "policy.yaml")}


@pytest.fixture
def bot(scene: Stage, environ: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """`rollcall serve`, in a process of its own; the address of its web server."""
    with (tmp_path / "bot.log").open("w") as log:
        process = subprocess.Popen([ROLLCALL, "serve"], env=environ, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    health = json.loads(process.stdout.readline())["health"]
    yield health.removesuffix("/health")
    process.kill()
    process.communicate()


def rollcall(environ: dict[str, str], *words: str) -> tuple[int, str]:
    done = subprocess.run([ROLLCALL, *words], env=environ, capture_output=True, text=True, timeout=90, check=False)
    return done.returncode, done.stdout.strip() or done.stderr.strip()


def test_a_package_comes_from_everywhere(scene: Stage, environ: dict[str, str], bot: str, tmp_path: Path) -> None:
    environ["ROLLCALL_HTTP_PORT"] = bot.rpartition(":")[2]
    with Rehearsal(scene.workspace.url) as people:
        story = Story(people, scene.production.instance_url, scene.uat.instance_url, lambda _: None)
        plan(story)
        in_the_thread_with_our_name(story)
        by_the_command_line(story, environ, tmp_path)
        out_of_uat(story)
        from_git(story)
        told = story.private(story.anna.types(f"/release timeline {story.key}"))
        assert "handed in nightly.zip by the command line" in told
        assert "chain whole" in told
    code, kept = rollcall(environ, "artifacts", "--json")
    assert code == 0
    assert json.loads(kept)["would_delete"]["files"] == 0
    assert json.loads(kept)["files"] >= 4


def in_the_thread_with_our_name(story: Story) -> None:
    content = base64.b64encode(sample_package("first")).decode()
    sent = story.rehearsal.act(
        "upload", **{"as": "priya"}, channel="#releases", filename="threaded.zip", content_base64=content, share=False
    )
    words = {"as": "priya", "channel": "#releases", "text": "@rollcall", "thread_ts": story.head["ts"]}
    story.rehearsal.act("message", **words, files=[sent["file"]["id"]])
    story.priya.in_thread("threaded.zip", story.head, showing="14 new")


def by_the_command_line(story: Story, environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "nightly.zip").write_bytes(sample_package("mended"))
    code, told = rollcall(environ, "attach", story.key, str(tmp_path / "nightly.zip"), "--note", "build 7", "--wait")
    assert (code, told) == (0, f"nightly.zip is the package of {story.key} now: 18 components.")
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    code, told = rollcall(environ, "attach", story.key, str(tmp_path / "broken.zip"), "--wait", "--json")
    found = json.loads(told)
    assert (code, found["state"]) == (1, "refused")
    assert "not a zip file" in found["problem"]
    code, told = rollcall(environ, "attach", "REL-99", str(tmp_path / "nightly.zip"))
    assert (code, "There is no release REL-99" in told) == (2, True)


def out_of_uat(story: Story) -> None:
    form = story.priya.types(f"/release retrieve {story.key} from UAT")
    story.priya.submits(form, {"Or look what is there, by type": ["ApexClass"]})
    offer = story.priya.sees("Pick what to take", "@rollcall")
    pick = story.priya.clicks("Pick components…", offer)
    story.priya.submits(pick, {"ApexClass": ["LegacyDiscount"]})
    story.priya.in_thread("retrieve-from-uat.zip", story.head, showing="Taken out of UAT")


def from_git(story: Story) -> None:
    story.priya.types(f"/release attach {story.key} from git main")
    story.priya.in_thread("git main", story.head, showing="Made of commit")
