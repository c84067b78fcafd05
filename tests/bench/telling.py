"""What it takes to tell two hundred channels: `python -m tests.bench.telling`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import quantiles
from typing import Any

from bot.rehearsal.workspace.pace import RateLimits
from bot.settings import sqlite_url
from tests.bench import a_company, report
from tests.bench.conversation import found_company
from tests.bench.load import listen, request
from tests.bench.running import Running, started
from tests.bench.servers import SECRET, TOLD, UPDATER

RELEASES = 100
ANSWERS_AFTER = 0.2
"""Seconds that Slack takes for an answer; measured from afar, it is about as much."""

PER_SECOND, BURST = 5.0, 20
"""What the stand-in takes of a workspace: three hundred posts a minute, as bot/pacing.py reads Slack's words."""

ASKED_PER_SECOND = 20


@dataclass
class SlackForMany:
    """An API that takes posts at Slack's rates, the others get 429; `posted` holds when each channel got its own."""

    posted: dict[str, float] = field(default_factory=dict)
    refused: int = 0
    rates: RateLimits = field(default_factory=RateLimits)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, channel: str) -> int:
        """Take a post; else the seconds to wait for the next try."""
        with self.lock:
            wait = self.rates.take_post("chat.postMessage", channel) or self.rates.take("all", PER_SECOND, BURST)
            if wait:
                self.refused += 1
            elif channel in TOLD:
                assert channel not in self.posted, f"{channel} was told twice"
                self.posted[channel] = time.perf_counter()
        return wait


def figures() -> str:
    """Time until all are told beside what the limits allow; how long others waited for their answers meanwhile."""
    slack = SlackForMany()
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder, _api(slack) as api_url:
        home = Path(folder) / "home"
        found_company(home, sqlite_url(home), RELEASES)
        command = ("telling", api_url, str(home), sqlite_url(home))
        with started("Rollcall", a_company.open_keys(RELEASES), *command) as server:
            return asyncio.run(_tell(server, slack))


async def _tell(server: Running, slack: SlackForMany) -> str:
    await _asked_for(server, 2.0)
    before = await _asked_for(server, 10.0)
    begun = time.perf_counter()
    async with listen(server.address) as talk:
        told = await talk(request(server.address, SECRET, f"update {server.keys[0]} -- All is well.", UPDATER))
    assert b"goes out now" in told, told
    meanwhile: list[float] = []
    while len(slack.posted) < len(TOLD):
        meanwhile += await _asked_for(server, 1.0)
    took = max(slack.posted.values()) - begun
    allowed = (len(TOLD) - BURST) / PER_SECOND
    rows = [
        [f"telling {len(TOLD)} channels", ""],
        ["until the last one was told, s", f"{took / allowed:.2f} × ({took:.1f})"],
        ["what the limits allow, s", f"{allowed:.1f}"],
        ["posts that came too soon (429)", str(slack.refused)],
    ]
    for title, at in (("p50", 49), ("p99", 98)):
        quiet, busy = quantiles(before, n=100)[at] * 1000, quantiles(meanwhile, n=100)[at] * 1000
        rows.append([f"others' answers meanwhile: {title}, ms", f"{busy / quiet:.2f} × ({busy:.2f})"])
        rows.append([f"others' answers before: {title}, ms", f"{quiet:.2f}"])
    return report.drawn(rows)


async def _asked_for(server: Running, seconds: float) -> list[float]:
    """How long each answer took while somebody asked now and then, in seconds."""
    asked = [request(server.address, SECRET, f"status {key}", a_company.person_id(1)) for key in server.keys]
    times: list[float] = []
    async with listen(server.address) as talk:
        for number in range(int(seconds * ASKED_PER_SECOND)):
            await asyncio.sleep(1 / ASKED_PER_SECOND)
            begun = time.perf_counter()
            await talk(asked[number % len(asked)])
            times.append(time.perf_counter() - begun)
    return times


@contextlib.contextmanager
def _api(slack: SlackForMany) -> Iterator[str]:
    class Method(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            given = self.rfile.read(int(self.headers.get("content-length", 0)))
            time.sleep(ANSWERS_AFTER)
            method = self.path.rpartition("/")[2]
            wait = slack.post(json.loads(given)["channel"]) if method == "chat.postMessage" else 0
            self._say(
                429 if wait else 200,
                {"retry-after": str(wait)},
                _ANSWER | ({"ok": False, "error": "ratelimited"} if wait else {"ok": True}),
            )

        def _say(self, status: int, headers: dict[str, str], answer: dict[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**headers, "content-type": "application/json", "content-length": len(body)}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Method)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api/"
    finally:
        server.shutdown()
        server.server_close()


_ANSWER = {"ok": True, "ts": "1.000001", "url": "", "team": "bench", "team_id": "T0BENCH", "user": "rollcall",
           "user_id": "U0ROLLCALL", "bot_id": "B0ROLLCALL", "messages": []}  # fmt: skip

if __name__ == "__main__":
    print(figures())  # noqa: T201
