"""People who ask over and over, each on a connection of their own, one question at a time."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import quantiles
from urllib.parse import urlencode, urlsplit

from slack_sdk.signature import SignatureVerifier

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True)
class Round:
    """What one round of asking gave: milliseconds until an answer, answers, answers per second."""

    p50: float
    p99: float
    answers: int
    per_second: float
    work: float = 0.0
    """Milliseconds of the server's processor for one answer."""


def status_requests(address: str, secret: str, keys: Sequence[str], people: Sequence[str]) -> list[bytes]:
    """`/release status KEY` as Slack sends it, signed now, ready for the socket."""
    asked = zip(keys, itertools.cycle(people), strict=False)
    return [request(address, secret, f"status {key}", person) for key, person in asked]


def request(address: str, secret: str, text: str, person: str) -> bytes:
    """`/release …` as Slack sends it, signed now."""
    fields = {
        "token": "unused",
        "team_id": "T0BENCH",
        "team_domain": "bench",
        "channel_id": "C0RELEASES",
        "channel_name": "releases",
        "user_id": person,
        "user_name": "somebody",
        "command": "/release",
        "text": text,
        "api_app_id": "A0BENCH",
        "is_enterprise_install": "false",
        "response_url": "https://hooks.slack.com/commands/T0BENCH/1/x",
        "trigger_id": "1.1.bench",
    }
    body = urlencode(fields)
    at = str(int(time.time()))
    signature = SignatureVerifier(secret).generate_signature(timestamp=at, body=body)
    lines = [
        "POST /slack/events HTTP/1.1",
        f"Host: {urlsplit(address).netloc}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        f"X-Slack-Request-Timestamp: {at}",
        f"X-Slack-Signature: {signature}",
        "Accept: application/json,*/*",
        "User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)",
    ]
    return "\r\n".join([*lines, "", body]).encode()


async def ask(address: str, requests: Sequence[bytes], expected: bytes, *, connections: int, seconds: float) -> Round:
    """Ask for some seconds; RuntimeError at the first answer that is not 200 or lacks the expected words."""
    where = urlsplit(address)
    assert where.hostname
    assert where.port
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    times: list[float] = []
    talks = []
    for number in range(connections):
        turn = itertools.islice(itertools.cycle(requests), number % len(requests), None)
        talk = _Talk(turn, expected, begun + seconds, times)
        await loop.create_connection(lambda talk=talk: talk, where.hostname, where.port)  # type: ignore[misc]
        talks.append(talk)
    await asyncio.gather(*(talk.ended for talk in talks))
    took = time.perf_counter() - begun
    cuts = quantiles(times, n=100)
    return Round(cuts[49] * 1000, cuts[98] * 1000, len(times), len(times) / took)


class _Talk(asyncio.Protocol):
    """One connection, kept alive; the next question follows the answer to the one before."""

    def __init__(self, requests: Iterator[bytes], expected: bytes, until: float, times: list[float]) -> None:
        self._requests = requests
        self._expected = expected
        self._until = until
        self._times = times
        self._heard = b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, blank, body = self._heard.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if not blank or length is None or len(body) < int(length[1]):
            return
        self._times.append(time.perf_counter() - self._asked_at)
        if not head.startswith(b"HTTP/1.1 200") or self._expected not in body:
            self._end(RuntimeError(f"Not the answer that was asked for: {self._heard[:500]!r}"))
        elif time.perf_counter() < self._until:
            self._ask()
        else:
            self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or RuntimeError("The server hung up."))

    def _ask(self) -> None:
        self._heard = b""
        self._asked_at = time.perf_counter()
        self._transport.write(next(self._requests))

    def _end(self, error: Exception | None) -> None:
        if self.ended.done():
            return
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)
        self._transport.close()


@contextlib.asynccontextmanager
async def listen(address: str) -> AsyncIterator[Callable[[bytes], Awaitable[bytes]]]:
    """One connection on which somebody asks and reads; RuntimeError for an answer that is not 200."""
    where = urlsplit(address)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)

    async def asked(request: bytes) -> bytes:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not head.startswith(b"HTTP/1.1 200") or length is None:
            raise RuntimeError(f"Not the answer that was asked for: {head!r}")
        return await reader.readexactly(int(length[1]))

    try:
        yield asked
    finally:
        writer.close()
