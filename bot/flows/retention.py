"""Once a day, files that nobody can need any more are deleted."""

from __future__ import annotations

from typing import Any

from bot.durable import fact, flow, step
from bot.outside import current
from release_core import retention as rules


@flow("retention")
def retention(args: dict[str, Any]) -> None:
    """Plan the next look, delete what may go, tell the releases whose files went."""
    plan_next()
    clear_unfinished()
    for key, digests in look_through().items():
        gone = delete(digests)
        if key and gone:
            tell(key, gone)


@fact
def plan_next() -> None:
    """Look again tomorrow."""
    rules.plan_retention(current().ports)


@step
def look_through() -> dict[str, list[str]]:
    """The digests of the files that may go, by release key; under "" those that nothing refers to."""
    ports = current().ports
    with ports.store.reading() as session:
        found = rules.unneeded(session, ports.policy, ports.artifacts.kept(), ports.clock.now())
    of_releases = {key: [file.digest for file in files] for key, files in found.of_releases.items()}
    return {**of_releases, "": [file.digest for file in found.leftovers]}


@step
def delete(digests: list[str]) -> int:
    """Delete files, but for what somebody saved anew since they were looked through; how many are gone now."""
    ports = current().ports
    saved_by = ports.clock.now() - rules.LEFTOVERS_AFTER
    return sum(ports.artifacts.delete(digest, saved_by=saved_by) for digest in digests)


@step
def clear_unfinished() -> None:
    """Delete what crashes left of files that were being saved."""
    ports = current().ports
    ports.artifacts.clear_unfinished(ports.clock.now() - rules.LEFTOVERS_AFTER)


@fact
def tell(key: str, files: int) -> None:
    """It stands in the release's timeline."""
    rules.note_deleted(current().ports, key, files)
