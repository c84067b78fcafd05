"""What an org holds of some types, looked up so that somebody can pick from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import select

from release_core.attaching import find_source, still_before_deployment
from release_core.errors import NotFound, Refused, Unclear
from release_core.lookups import find_release
from release_core.metadata_types import BY_TYPE
from release_core.models import TimelineEntry
from release_core.permissions import require
from release_core.ports import Ports
from release_core.timeline import Kind, intend, record

TYPES_AT_MOST = 10
GOOD_FOR = timedelta(days=6)
"""How long a listing may be picked from: its file is nobody's, so it goes after a week."""


@dataclass(frozen=True)
class Listing:
    """What an org held of some types: kept as JSON rows [type, full name] under `digest`."""

    org: str
    types: Sequence[str]
    digest: str
    count: int


def ask_for_listing(ports: Ports, actor: str, key: str, org: str, types: Sequence[str], words: str = "") -> None:
    """Have an org asked what it holds of some types, by names that contain every word; a flow does it."""
    require(ports.policy, actor, "attach")
    org = find_source(ports.policy, org)
    strange = [kind for kind in types if kind not in BY_TYPE or BY_TYPE[kind].in_folders]
    if strange or not 0 < len(types) <= TYPES_AT_MOST:
        named = f"{strange[0]} cannot be listed. " if strange else ""
        raise Unclear(f"{named}Choose 1 to {TYPES_AT_MOST} types, or write the names down.", field="types")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        still_before_deployment(release, "take another package")
        intend(
            session,
            f"listing:{release.key}:{actor}:{now.isoformat()}",
            "listing",
            now=now,
            lane=release.key,
            release=release.key,
            org=org,
            types=list(types),
            words=words,
            asker=actor,
        )


def note_listing(ports: Ports, actor: str, key: str, listing: Listing) -> None:
    """The org told what it holds; whoever asked may pick from it."""
    details = {"org": listing.org, "types": list(listing.types), "digest": listing.digest, "count": listing.count}
    with ports.store.transaction() as session:
        now = ports.clock.now()
        record(session, Kind.COMPONENTS_LISTED, stream=key, actor=actor, at=now, details=details)


def note_listing_failed(ports: Ports, actor: str, key: str, org: str, sentence: str) -> None:
    """The org could not be asked what it holds."""
    details = {"org": org, "problem": sentence}
    with ports.store.transaction() as session:
        now = ports.clock.now()
        record(session, Kind.COMPONENTS_NOT_LISTED, stream=key, actor=actor, at=now, details=details)


def find_listing(ports: Ports, key: str, number: int) -> Listing:
    """A listing by the number of its fact; Refused("listing_old") when it is too old to pick from."""
    with ports.store.reading() as session:
        query = select(TimelineEntry).where(TimelineEntry.stream == key, TimelineEntry.number == number)
        entry = session.exec(query.where(TimelineEntry.kind == Kind.COMPONENTS_LISTED)).first()
    if entry is None:
        raise NotFound(f"There is no such list for {key}. Ask for one: /release retrieve {key}")
    found = Listing(**entry.details)
    if ports.clock.now() - entry.at > GOOD_FOR:
        sentence = f"This list is more than {GOOD_FOR.days} days old. Ask for a new one: /release retrieve {key}"
        raise Refused("listing_old", sentence)
    return found
