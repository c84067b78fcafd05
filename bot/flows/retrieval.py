"""A package is taken out of an org, as somebody asked for it by manifest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bot.chat_problems import ChatUnavailable
from bot.durable import flow, step
from bot.flows.intake import accept, package_row, refuse
from bot.outside import current
from release_core import attaching
from release_core.archives import COMPRESSED_AT_MOST
from release_core.errors import OrgUnavailable, ReleaseError, Unclear
from release_core.manifest_words import MANIFEST_AT_MOST, read_wanted
from release_core.packages import read_package

_NOT_THERE = re.compile(r"Entity of type '(\w+)' named '(.+)' cannot be found")
_NAMED = 20


@flow("retrieval")
def retrieval(args: dict[str, Any]) -> None:
    """Ask the org for what is wanted; accept it as the package, or tell what is not there."""
    package_id = args["package"]
    try:
        read_manifest_file(package_id)
        digest = bring(package_id)
    except ReleaseError as problem:
        refuse(package_id, str(problem))
        return
    accept(package_id, digest)


@step(tries=30, on=ChatUnavailable)
def read_manifest_file(package_id: int) -> None:
    """Read the package.xml that somebody uploaded, unless what is wanted was written down."""
    outside = current()
    row = package_row(outside.ports, package_id)
    if row.manifest:
        return
    data: bytes = outside.chat.fetch_file(row.file_id, MANIFEST_AT_MOST)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unclear("The manifest is no UTF-8 text. Send a package.xml.", field="manifest") from None
    attaching.note_manifest(outside.ports, package_id, read_wanted(text))


@step(tries=5, on=OrgUnavailable)
def bring(package_id: int) -> str:
    """Have the org pack what is wanted, check that it is whole, keep it; returns its digest."""
    outside = current()
    row = package_row(outside.ports, package_id)
    org = attaching.find_source(outside.ports.policy, row.source_ref)
    brought = outside.org(org).retrieve(row.manifest)
    if brought.messages:
        raise Unclear(_what_is_missing(outside.ports.policy.title_of(org), brought.messages))
    if len(brought.archive) > COMPRESSED_AT_MOST:
        raise Unclear("What came is larger than 39 MB, the most that Salesforce takes at once. Ask for less.")
    read_package(brought.archive)
    return outside.ports.artifacts.save(brought.archive)


def _what_is_missing(title: str, messages: Sequence[str]) -> str:
    """The messages of a retrieve, as one sentence with what to do."""
    found = [_NOT_THERE.search(message) for message in messages]
    missing = [f"{one[1]} {one[2]}" for one in found if one]
    others = [message.rstrip(".") for message, one in zip(messages, found, strict=True) if one is None]
    told = []
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        told.append(f"{title} does not hold {', '.join(missing[:_NAMED])}{more}.")
    if others:
        told.append(f"{title} says: {'; '.join(others[:_NAMED])}.")
    return " ".join([*told, "Take these names out of the manifest, or correct them, then ask again."])
