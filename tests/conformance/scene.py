"""A fresh local org for each story, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.conformance.recorder import Window, window

ROOT = Path(__file__).parents[2]
ROLLCALL = Path(sys.executable).with_name("rollcall")


@dataclass(frozen=True)
class Scene:
    """An org behind a window: clients get `url` and `token`; `folder` is theirs, `pace` how long jobs take."""

    kind: str
    window: Window
    token: str
    org_id: str
    username: str
    folder: Path
    pace: float

    @property
    def url(self) -> str:
        """The address that clients are given."""
        return self.window.url

    def steer(self, what: str, body: dict[str, Any]) -> None:
        """One of the rehearsal's own controls; recorded, because it is a part of the story."""
        httpx.post(f"{self.url}/rehearsal/{what}", json=body, timeout=60, trust_env=False).raise_for_status()


@contextlib.contextmanager
def scene(kind: str, folder: Path, pace: float) -> Iterator[Scene]:
    """`rollcall rehearse org --kind …` with a window before it; both end with the block."""
    command = [str(ROLLCALL), "rehearse", "org", "--kind", kind]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"The {kind} org did not start; what it said stands above.")
            facts = json.loads(line)
            with window(facts["instance_url"], facts["access_token"]) as opened:
                folder.mkdir(parents=True, exist_ok=True)
                names = facts["access_token"], facts["org_id"], facts["username"]
                made = Scene(kind, opened, *names, folder=folder, pace=pace)
                made.steer("settings", {"pace": pace})
                yield made
        finally:
            process.terminate()
