"""Somebody wants to see what an org holds of some types, to pick from it."""

from __future__ import annotations

import json
from typing import Any

from bot.durable import fact, flow, step
from bot.outside import current
from release_core import attaching, listings
from release_core.errors import OrgUnavailable, ReleaseError
from release_core.listings import Listing


@flow("listing")
def listing(args: dict[str, Any]) -> None:
    """Look up what is there, then let the asker pick; or say why that was not possible."""
    asker, release, org, types = args["asker"], args["release"], args["org"], args["types"]
    try:
        digest, count = look_up(org, types, args["words"])
    except ReleaseError as problem:
        say_not_listed(asker, release, org, str(problem))
        return
    offer(asker, release, {"org": org, "types": types, "digest": digest, "count": count})


@step(tries=5, on=OrgUnavailable)
def look_up(org: str, types: list[str], words: str) -> tuple[str, int]:
    """Ask the org for the names of some types, keep those that contain every word; returns their digest and count."""
    outside = current()
    attaching.find_source(outside.ports.policy, org)
    wanted = words.casefold().split()
    rows = sorted(
        [one.type, one.name]
        for one in outside.org(org).list_metadata(types)
        if one.type in types and all(word in one.name.casefold() for word in wanted)
    )
    data = json.dumps(rows, ensure_ascii=False).encode()
    return outside.ports.artifacts.save(data), len(rows)


@fact
def offer(asker: str, release: str, found: dict[str, Any]) -> None:
    """The asker may pick."""
    listings.note_listing(current().ports, asker, release, Listing(**found))


@fact
def say_not_listed(asker: str, release: str, org: str, sentence: str) -> None:
    """The asker hears why there is nothing to pick from."""
    listings.note_listing_failed(current().ports, asker, release, org, sentence)
