"""`rollcall serve --http`: Slack's signed requests come to our own port."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bot.declared import manifest_file
from bot.rehearsal.clock import MovableClock
from bot.rehearsal.driver import Rehearsal
from bot.rehearsal.org.serve import running
from bot.rehearsal.run import Stage
from bot.rehearsal.workspace.serve import Extras, start

COMMAND = (str(Path(sys.executable).with_name("rollcall")), "serve", "--http")


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def scene(tmp_path: Path, port: int) -> Iterator[Stage]:
    """A workspace that reaches the bot by signed HTTP, with two orgs."""
    clock = MovableClock()
    with running("sandbox", clock=clock) as uat, running("production", clock=clock) as production:
        extras = Extras(request_url=f"http://127.0.0.1:{port}/slack/events")
        workspace = start(0, clock=clock, manifest=manifest_file(), extras=extras)
        yield Stage(clock, tmp_path, uat, production, workspace)
        workspace.stop()


@pytest.fixture
def address(scene: Stage, port: int) -> Iterator[str]:
    """Where the bot answers, once it is ready."""
    environ = {**os.environ, **scene.serve_environ, "ROLLCALL_HTTP_PORT": str(port)}
    written = scene.folder / "bot.log"
    with written.open("w") as log:
        process = subprocess.Popen(COMMAND, env=environ, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline() or "{}").get("ready"), written.read_text()
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    assert process.wait(timeout=30) == 0
    process.stdout.close()


def test_a_command_a_form_and_a_post_come_and_go_over_http(scene: Stage, address: str) -> None:
    with Rehearsal(scene.workspace.url) as people:
        anna = people.person("anna")
        anna.submits(anna.types("/release new"), {"Name": "Over HTTP"})
        anna.sees("Over HTTP", showing="draft")
    assert httpx.get(f"{address}/ready").json() == {"status": "ready", "problems": {}}
    assert 'rollcall_releases{state="draft"} 1' in httpx.get(f"{address}/metrics").text


def test_what_slack_did_not_sign_is_refused(address: str) -> None:
    assert httpx.post(f"{address}/slack/events", data={"command": "/release", "text": "status"}).status_code == 401
