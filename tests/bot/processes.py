"""Bots in processes of their own, for tests that end them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from release_core.store import Store
from tests.bot import replica

# Imports take longer than all else; a process that has done them once is the parent of every bot.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.bot.replica"])


class Replica:
    """A running bot process."""

    def __init__(self, url: str, folder: Path) -> None:
        ready, says = PROCESSES.Pipe(duplex=False)
        self._process = PROCESSES.Process(target=replica.main, args=(url, folder, says), daemon=True)
        self._process.start()
        says.close()
        self.executor_id = str(ready.recv())
        ready.close()

    def kill(self) -> None:
        """End it without warning."""
        self._process.kill()
        self._process.join()

    def terminate(self) -> int:
        """Ask it to end; its exit status."""
        self._process.terminate()
        return self.exit_status()

    def freeze(self) -> None:
        """Let it stand still."""
        os.kill(self._pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self._pid, signal.SIGCONT)

    def exit_status(self) -> int:
        """Wait for its end."""
        self._process.join(timeout=60)
        assert self._process.exitcode is not None, "it did not end"
        return self._process.exitcode

    @property
    def _pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid


@pytest.fixture
def replicas() -> Iterator[Callable[[Store, Path], Replica]]:
    """Starts bots on a store and a folder; they are gone when the test ends."""
    running: list[Replica] = []

    def start(store: Store, folder: Path) -> Replica:
        running.append(Replica(store.engine.url.render_as_string(hide_password=False), folder))
        return running[-1]

    yield start
    for one in running:
        one.kill()


def wait_until(happened: Callable[[], bool], seconds: float = 60) -> None:
    """Look again and again; AssertionError when it has not happened in time."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"it did not happen within {seconds} seconds"
        time.sleep(0.02)
