"""Bots in processes of their own, for tests that end them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from release_core.store import Store


class Replica:
    """A running bot process."""

    def __init__(self, url: str, folder: Path) -> None:
        self._log = (folder / "replica.log").open("a")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bot.replica", url, str(folder)], stdout=subprocess.PIPE, stderr=self._log
        )
        assert self._process.stdout is not None
        self.executor_id = self._process.stdout.readline().decode().strip()
        assert self.executor_id, (folder / "replica.log").read_text()

    def kill(self) -> None:
        """End it without warning."""
        self._process.kill()
        self._process.wait()

    def terminate(self) -> int:
        """Ask it to end; its exit status."""
        self._process.terminate()
        return self.exit_status()

    def freeze(self) -> None:
        """Let it stand still."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def exit_status(self) -> int:
        """Wait for its end."""
        return self._process.wait(timeout=15)

    def close(self) -> None:
        """Leave nothing running."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()


@pytest.fixture
def replicas() -> Iterator[Callable[[Store, Path], Replica]]:
    """Starts bots on a store and a folder; they are gone when the test ends."""
    running: list[Replica] = []

    def start(store: Store, folder: Path) -> Replica:
        running.append(Replica(store.engine.url.render_as_string(hide_password=False), folder))
        return running[-1]

    yield start
    for replica in running:
        replica.close()


def wait_until(happened: Callable[[], bool], seconds: float) -> None:
    """Look again and again; AssertionError when it has not happened in time."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"it did not happen within {seconds} seconds"
        time.sleep(0.02)
