"""What `/release why` costs among many releases and freezes: `python -m tests.bench.weighing`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles

from sqlalchemy import insert

from bot.rehearsal.clock import MovableClock
from bot.settings import sqlite_url
from handlers.conversation import Actor, Place, Request
from handlers.desk import Desk
from release_core.models import Freeze
from release_core.policy_file import load_policy
from release_core.ports import Ports
from release_core.store import Store, open_store
from tests.bench import a_company, report
from tests.bench.conversation import found_company
from tests.bench.servers import ORGS, POLICY
from tests.release_core.builders import ArtifactsInMemory

RELEASES, FREEZES = 10_000, 1_000
TIMES = 200


def figures() -> str:
    """Milliseconds for one answer without and with the freezes, on a SQLite file, as the desk gives it."""
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
        home = Path(folder) / "home"
        found_company(home, sqlite_url(home), RELEASES)
        store = open_store(sqlite_url(home))
        ports = Ports(store, load_policy(POLICY, ORGS), MovableClock(), ArtifactsInMemory())
        desk = Desk(ports, lambda: None)
        keys = a_company.open_keys(RELEASES)

        def ask(number: int) -> None:
            args = {"release": keys[number % len(keys)]}
            desk.answer(Request("release_why", Actor(a_company.person_id(1), zone="UTC"), Place("C0"), args))

        plain = _asked(ask)
        _freeze(store)
        frozen = _asked(ask)
        store.close()
    rows = [[f"/release why, {RELEASES:,} releases", "no freezes", f"{FREEZES:,} freezes"]]
    for title, at in (("p50, ms", 49), ("p99, ms", 98)):
        one, other = (quantiles(times, n=100)[at] * 1000 for times in (plain, frozen))
        rows.append([title, f"{one:.1f}", f"{other / one:.2f} × ({other:.1f})"])
    return report.drawn(rows)


def _asked(ask: Callable[[int], None]) -> list[float]:
    times = []
    for number in range(TIMES):
        begun = time.perf_counter()
        ask(number)
        times.append(time.perf_counter() - begun)
    return times[TIMES // 10 :]


def _freeze(store: Store) -> None:
    """Freezes of six hours, one after the other, over the next year, every third for the target of the releases."""
    now = datetime.now(UTC)
    rows = [
        {
            "key": f"FRZ-{number}", "name": f"Freeze {number}", "org": ("production", "uat", "*")[number % 3],
            "starts_at": now + timedelta(hours=8 * number + 1), "ends_at": now + timedelta(hours=8 * number + 7),
            "reason": "the books close", "set_by": a_company.person_id(2), "set_at": now, "lifted_by": "",
        }
        for number in range(FREEZES)
    ]  # fmt: skip
    with store.transaction() as session:
        session.execute(insert(Freeze), rows)


if __name__ == "__main__":
    print(report.machine())  # noqa: T201
    print(figures())  # noqa: T201
