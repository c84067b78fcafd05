"""What an answer costs beside bare Bolt: `python -m tests.bench.conversation`."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bot.settings import sqlite_url
from release_core.policy_file import load_policy
from release_core.store import migrate, open_store
from tests.bench import a_company, freshness, report
from tests.bench.load import Round, ask, status_requests
from tests.bench.running import Running, slack_stand_in, started
from tests.bench.servers import ORGS, POLICY, SECRET
from tests.bot.postgres import NotInstalled, cluster

CONNECTIONS = (1, 16, 64)
SIZES = (100, 10_000, 100_000)
ON_POSTGRES = 10_000
ROUNDS = 5
SECONDS = 1.0
ASKERS = [a_company.person_id(number) for number in range(5)]


def figures() -> str:
    """Start the servers, let people ask each in turn; the table, then what became of asking while somebody writes."""
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder, _servers(Path(folder)) as servers:
        # Memory is read at the end, when everything was asked often.
        every = [server for server, _ in servers]
        measured = {count: asyncio.run(_rounds(every, count)) for count in CONNECTIONS}
        table = report.table(every, measured, grown=(1, len(SIZES)))
        fresh = [freshness.figures(server, url, ASKERS) for server, url in servers if url]
        return "\n\n".join([table, report.drawn([freshness.HEAD, *fresh])])


@contextlib.contextmanager
def _servers(folder: Path) -> Iterator[list[tuple[Running, str]]]:
    """Each server with the URL of its database; bare Bolt, which has none, comes first."""
    with contextlib.ExitStack() as held:
        api_url = held.enter_context(slack_stand_in())
        _compile(folder / "compiled", api_url)
        servers = [(held.enter_context(started("bare Bolt", [f"REL-{n}" for n in range(20)], "bare", api_url)), "")]
        databases = {size: sqlite_url(folder / str(size)) for size in SIZES}
        founded = [(f"{size:,} releases", size, folder / str(size), url) for size, url in databases.items()]
        try:
            url = held.enter_context(cluster()).database()
            founded.append((f"{ON_POSTGRES:,}, PostgreSQL", ON_POSTGRES, folder / "postgres", url))
        except NotInstalled as missing:
            print(f"PostgreSQL is left out: {missing}.")  # noqa: T201
        for name, size, home, url in founded:
            found_company(home, url, size)
            command = ("rollcall", api_url, str(home), url)
            servers.append((held.enter_context(started(name, a_company.open_keys(size), *command)), url))
        yield servers


def _compile(folder: Path, api_url: str) -> None:
    """The first start after an installation compiles; it is not measured."""
    folder.mkdir()
    with started("bare", [], "bare", api_url), started("any", [], "rollcall", api_url, str(folder), sqlite_url(folder)):
        pass


def found_company(folder: Path, url: str, releases: int) -> None:
    """A folder with a database of so many releases."""
    folder.mkdir()
    store = open_store(url)
    migrate(store)
    a_company.found(store, load_policy(POLICY, ORGS), releases)
    store.close()


async def _rounds(servers: list[Running], connections: int) -> list[list[Round]]:
    """For each server its rounds; the servers take turns, so that noise of the machine meets all of them."""
    for server in servers:
        await _round(server, connections, SECONDS / 2)
    found: list[list[Round]] = [[] for _ in servers]
    for number in range(ROUNDS):
        for turn in range(len(servers)):
            which = (turn + number) % len(servers)
            found[which].append(await _round(servers[which], connections, SECONDS))
    return found


async def _round(server: Running, connections: int, seconds: float) -> Round:
    requests = status_requests(server.address, SECRET, server.keys, ASKERS)
    before = server.worked()
    found = await ask(server.address, requests, server.expected, connections=connections, seconds=seconds)
    return replace(found, work=(server.worked() - before) * 1000 / found.answers)


if __name__ == "__main__":
    print(report.machine())  # noqa: T201
    print(figures())  # noqa: T201
