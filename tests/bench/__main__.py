"""Measures Rollcall against bare Bolt, then on the largest package: `python -m tests.bench`, or `make bench`.

Nothing here passes or fails: it prints figures. What they mean stands in docs/bench.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from release_core.policy_file import load_policy
from release_core.store import migrate, open_store
from tests.bench import a_company, an_hour, going_back, packages, polling, report
from tests.bench.load import Round, ask, status_requests
from tests.bench.running import Running, slack_stand_in, started
from tests.bench.servers import ORGS, POLICY, SECRET

CONNECTIONS = (1, 16, 64)
SIZES = (100, 10_000)
ROUNDS = 5
SECONDS = 1.5
ASKERS = [a_company.person_id(number) for number in range(5)]


def main() -> None:
    """Start the servers, let people ask each in turn, print the table; then those of the org side."""
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder, _servers(Path(folder)) as servers:
        print(report.machine())  # noqa: T201 - printing is what this program is for
        measured = {count: asyncio.run(_rounds(servers, count)) for count in CONNECTIONS}
        print(report.table(servers, measured))  # noqa: T201
    print()  # noqa: T201
    print(packages.measure())  # noqa: T201
    for figures in (an_hour.figures, polling.figures, going_back.table):
        print(f"\n{figures()}")  # noqa: T201


@contextlib.contextmanager
def _servers(folder: Path) -> Iterator[list[Running]]:
    with contextlib.ExitStack() as held:
        api_url = held.enter_context(slack_stand_in())
        servers = [held.enter_context(started("bare", "bare Bolt", folder, api_url, [f"REL-{n}" for n in range(20)]))]
        for size in SIZES:
            home = folder / str(size)
            _found_company(home, size)
            name = f"Rollcall, {size:,} releases"
            servers.append(held.enter_context(started("rollcall", name, home, api_url, a_company.open_keys(size))))
        yield servers


def _found_company(folder: Path, releases: int) -> None:
    folder.mkdir()
    store = open_store(f"sqlite:///{folder / 'rollcall.sqlite'}")
    migrate(store)
    a_company.found(store, load_policy(POLICY, ORGS), releases)
    store.close()


async def _rounds(servers: list[Running], connections: int) -> list[list[Round]]:
    """For each server its rounds; the servers take turns, so that noise of the machine meets all of them."""
    for server in servers:
        await _round(server, connections, SECONDS / 3)
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
    main()
