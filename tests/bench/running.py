"""Servers in processes of their own, with what they cost before anybody asks."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Running:
    """A server that answers: `keys` are the releases to ask about, `expected` stands in each right answer."""

    name: str
    address: str
    keys: Sequence[str]
    expected: bytes
    ready_in: float
    pid: int
    ready_after: float = 0.0
    """Seconds of processor time until it was ready."""

    def resident(self) -> float:
        """Resident memory now, in MB, from Linux's /proc."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    def worked(self) -> float:
        """Processor time so far, in seconds: what others do on the machine hardly changes it."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def started(name: str, keys: Sequence[str], *command: str) -> Iterator[Running]:
    """A server of `tests.bench.servers`, started with these arguments, ready; ended with the block."""
    # Compiling is what installing is for: where that is forbidden, each start would do it again.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begun = time.perf_counter()
    whole = [sys.executable, "-m", "tests.bench.servers", *command]
    with subprocess.Popen(whole, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"The server “{name}” did not start; what it said stands above.")
            took = time.perf_counter() - begun
            expected = b"ok" if command[0] == "bare" else b'"blocks"'
            ready = Running(name, json.loads(line)["address"], keys, expected, took, process.pid)
            yield replace(ready, ready_after=ready.worked())
        finally:
            process.terminate()


@contextlib.contextmanager
def slack_stand_in() -> Iterator[str]:
    """The address of an API that knows who every token is: all that Bolt asks Slack while it answers commands."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _WhoAmI)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api/"
    finally:
        server.shutdown()
        server.server_close()


class _WhoAmI(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        found = {"ok": True, "url": "", "team": "bench", "team_id": "T0BENCH", "user": "rollcall"}
        body = json.dumps({**found, "user_id": "U0ROLLCALL", "bot_id": "B0ROLLCALL"}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
