"""Running another program, within limits."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from release_core.errors import ReleaseError

# What a program needs of our environment; the rest may hold secrets that are none of its business.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSH_AUTH_SOCK", "HTTPS_PROXY", "https_proxy", "NO_PROXY")
_PASSED_ON_TOO = ("no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS")


class TooSlow(ReleaseError):
    """A program did not end within its time."""


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit code, what it wrote."""

    code: int
    said: str
    complained: str


def find_program(name: str) -> str:
    """The path of a program, "" when it is not installed."""
    return shutil.which(name) or ""


def run(command: Sequence[str], *, folder: Path, seconds: float, environ: Mapping[str, str] | None = None) -> Ended:
    """Run a program without input; TooSlow when it takes longer, after it and all that it started was ended."""
    passed = {name: os.environ[name] for name in (*_PASSED_ON, *_PASSED_ON_TOO) if name in os.environ}
    program = subprocess.Popen(  # noqa: S603 - no shell; the callers check every word that somebody typed
        list(command),
        cwd=folder,
        env={**passed, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with program:
        try:
            said, complained = program.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(program)
            raise TooSlow(f"{Path(command[0]).name} did not end within {seconds:.0f} seconds.") from None
    return Ended(program.returncode, said.decode("utf-8", "replace"), complained.decode("utf-8", "replace"))


def _end(program: subprocess.Popen[bytes]) -> None:
    # It has a session of its own, so what it started is ended with it.
    os.killpg(program.pid, signal.SIGKILL)
    program.communicate()
