"""A package arrives: it is fetched, read, kept."""

from __future__ import annotations

from typing import Any

from bot.chat_problems import ChatUnavailable
from bot.durable import fact, flow, step
from bot.outside import current
from release_core import attaching
from release_core.archives import COMPRESSED_AT_MOST
from release_core.errors import ReleaseError
from release_core.models import ReleasePackage
from release_core.packages import read_package
from release_core.ports import Ports


@flow("intake")
def intake(args: dict[str, Any]) -> None:
    """Fetch the file that a person sent; accept it, or tell them what is wrong with it."""
    package_id = args["package"]
    try:
        digest = fetch(package_id)
    except ReleaseError as problem:
        refuse(package_id, str(problem))
        return
    accept(package_id, digest)


@step(tries=30, on=ChatUnavailable)
def fetch(package_id: int) -> str:
    """Bring the file in, check that it is a package, keep it; returns its digest."""
    outside = current()
    row = package_row(outside.ports, package_id)
    if row.digest:
        # Automation kept the bytes before it handed them in.
        read_package(outside.ports.artifacts.load(row.digest))
        return row.digest
    data: bytes = outside.chat.fetch_file(row.file_id, COMPRESSED_AT_MOST)
    read_package(data)
    return outside.ports.artifacts.save(data)


@fact
def accept(package_id: int, digest: str, commit: str = "") -> None:
    """The package counts from now on; `commit` is what a git ref stood for."""
    ports = current().ports
    attaching.accept_package(ports, package_id, read_package(ports.artifacts.load(digest)), commit=commit)


@fact
def refuse(package_id: int, sentence: str) -> None:
    """The package does not count."""
    attaching.refuse_package(current().ports, package_id, sentence)


def package_row(ports: Ports, package_id: int) -> ReleasePackage:
    """A package as it was asked for."""
    with ports.store.reading() as session:
        package = session.get(ReleasePackage, package_id)
    assert package is not None, "packages are never deleted"
    return package
