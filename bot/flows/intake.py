"""A package arrives: it is fetched, read, kept."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from bot.chat_problems import ChatUnavailable
from bot.durable import fact, flow, step
from bot.outside import current
from release_core import attaching
from release_core.archives import COMPRESSED_AT_MOST
from release_core.errors import ReleaseError
from release_core.models import ReleasePackage
from release_core.packages import read_package


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
    with outside.ports.store.reading() as session:
        file_id = _package(session, package_id).file_id
    data: bytes = outside.chat.fetch_file(file_id, COMPRESSED_AT_MOST)
    read_package(data)
    return outside.ports.artifacts.save(data)


@fact
def accept(package_id: int, digest: str) -> None:
    """The package counts from now on."""
    ports = current().ports
    attaching.accept_package(ports, package_id, read_package(ports.artifacts.load(digest)))


@fact
def refuse(package_id: int, sentence: str) -> None:
    """The package does not count."""
    attaching.refuse_package(current().ports, package_id, sentence)


def _package(session: Session, package_id: int) -> ReleasePackage:
    package = session.get(ReleasePackage, package_id)
    assert package is not None, "packages are never deleted"
    return package
