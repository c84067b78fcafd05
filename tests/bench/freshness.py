"""Whether an answer is ever older than the last commit, asked while somebody writes."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlmodel import select

from release_core.models import Release
from release_core.store import Store, open_store
from tests.bench.load import listen, status_requests
from tests.bench.running import Running
from tests.bench.servers import SECRET

SECONDS = 3.0
CONNECTIONS = 4
COMMITS_PER_SECOND = 20
HEAD = [f"asked while {COMMITS_PER_SECOND} commits a second change it", "answers", "commits", "older than the last"]
_NUMBER = re.compile(r"number (\d+)")


@dataclass
class Writer:
    """Renames one release again and again, from another process than the one that answers."""

    store: Store
    key: str
    committed: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def write(self) -> None:
        """Write until it is stopped; `committed` is the number in the newest name that is in the database."""
        while not self.stopped.wait(1 / COMMITS_PER_SECOND):
            with self.store.transaction() as session:
                session.exec(select(Release).where(Release.key == self.key)).one().name = f"number {self.committed + 1}"
            self.committed += 1


def figures(server: Running, database_url: str, people: Sequence[str]) -> list[str]:
    """One row of a table; RuntimeError at the first answer that is older than what was committed before the question.

    Only the release that is written is asked about.
    """
    store = open_store(database_url)
    writer = Writer(store, server.keys[0])
    with store.transaction() as session:
        session.exec(select(Release).where(Release.key == writer.key)).one().name = "number 0"
    thread = threading.Thread(target=writer.write)
    thread.start()
    try:
        answers = asyncio.run(_ask_all(server, writer, people))
    finally:
        writer.stopped.set()
        thread.join()
        store.close()
    return [server.name, f"{answers:,}", f"{writer.committed:,}", "0"]


async def _ask_all(server: Running, writer: Writer, people: Sequence[str]) -> int:
    requests = status_requests(server.address, SECRET, [writer.key] * len(people), people)
    return sum(await asyncio.gather(*(_ask(server, writer, requests[n % len(requests)]) for n in range(CONNECTIONS))))


async def _ask(server: Running, writer: Writer, request: bytes) -> int:
    answers, until = 0, time.perf_counter() + SECONDS
    async with listen(server.address) as talk:
        while time.perf_counter() < until:
            committed = writer.committed
            told = _NUMBER.search(json.loads(await talk(request))["text"])
            if told is None or int(told[1]) < committed:
                raise RuntimeError(f"{server.name}: {told} was answered after {committed} had been committed.")
            answers += 1
    return answers
