"""A package is made of a commit in the company's git repository."""

from __future__ import annotations

from typing import Any

from bot.commands import TooSlow
from bot.durable import flow, step
from bot.flows.intake import accept, package_row, refuse
from bot.git_source import package_at
from bot.outside import current
from release_core import attaching
from release_core.errors import ReleaseError
from release_core.packages import read_package


@flow("checkout")
def checkout(args: dict[str, Any]) -> None:
    """Fetch what a ref stands for now; accept it as the package, or tell what is wrong with it."""
    package_id = args["package"]
    try:
        digest, sha = fetch_commit(package_id)
    except ReleaseError as problem:
        refuse(package_id, str(problem))
        return
    accept(package_id, digest, sha)


@step(tries=2, on=TooSlow)
def fetch_commit(package_id: int) -> tuple[str, str]:
    """Make a package of the commit, check it, keep it; returns its digest and the commit's SHA."""
    ports = current().ports
    rule = attaching.git_rule(ports.policy)
    commit = package_at(rule, package_row(ports, package_id).source_ref)
    read_package(commit.archive)
    return ports.artifacts.save(commit.archive), commit.sha
