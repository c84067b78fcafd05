"""A package that automation hands in at the command line, beside the running bot."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from bot.artifacts import ArtifactFolder
from bot.downloads import Limits, fetch, shown
from bot.folders import zip_folder
from bot.settings import Records
from release_core.archives import COMPRESSED_AT_MOST
from release_core.attaching import Origin, Source, attach_from
from release_core.errors import NotFound, Refused, ReleaseError, Unclear
from release_core.manifests import PACKAGE_XML
from release_core.models import ReleasePackage
from release_core.permissions import require
from release_core.ports import Clock, Ports
from release_core.store import Contended, open_store

LOOK_EVERY = 0.5
TRIES = 5
HANDED_IN, REFUSED, NOT_HANDED_IN, NOT_READ_IN_TIME = 0, 1, 2, 75


@dataclass(frozen=True)
class HandedIn:
    """What became of a package that was handed in; `state` is reading, accepted or refused."""

    release: str
    package: int
    file: str
    digest: str
    state: str = "reading"
    components: int = 0
    problem: str = ""

    def as_json(self) -> dict[str, object]:
        """As one JSON object."""
        return asdict(self)


@contextmanager
def beside_the_bot(records: Records, clock: Clock) -> Iterator[Ports]:
    """The bot's facts and files, which may be in use by it; nothing is started.

    NotFound when there are none, ReleaseError when the database does not answer or has an older shape.
    """
    url = make_url(records.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise NotFound(
            f"There is no database {url.database}. Set ROLLCALL_FOLDER or DATABASE_URL to what the bot uses."
        )
    store = open_store(records.database_url)
    try:
        yield Ports(store, records.policy, clock, ArtifactFolder(records.artifacts_folder))
    except DBAPIError as error:
        raise ReleaseError(
            f"The database cannot be used ({type(error).__name__}). See that it runs, and that the bot of this "
            "version was started once, or run: rollcall migrate"
        ) from error
    finally:
        store.close()


def hand_in(ports: Ports, key: str, place: str, *, note: str = "", token: str = "") -> HandedIn:
    """Keep the package at a path or address, and have the bot take it for a release."""
    actor = ports.policy.automation
    if actor is None:
        raise Refused(
            "no_automation",
            "The policy does not say in whose name automation acts. An administrator adds automation: (a person's "
            "id) to it, then starts Rollcall again.",
        )
    require(ports.policy, actor, "attach")
    data, origin = _taken(place, token)
    digest = ports.artifacts.save(data)
    source, name, ref = origin
    package = _attach(ports, actor, key, Origin(source, name, ref, digest=digest, note=note.strip()))
    return HandedIn(key.upper(), package, name, digest)


def _attach(ports: Ports, actor: str, key: str, origin: Origin) -> int:
    """Write it down, again when the bot was writing at the same moment; the last refusal stands."""
    for _ in range(TRIES - 1):
        with suppress(Contended):
            return attach_from(ports, actor, key, origin)
    return attach_from(ports, actor, key, origin)


def _taken(place: str, token: str) -> tuple[bytes, tuple[Source, str, str]]:
    if "://" in place:
        data = fetch(place, Limits(size=COMPRESSED_AT_MOST), token)
        return data, ("url", urlsplit(place).path.rpartition("/")[2] or "package.zip", shown(place))
    path = Path(place)
    if path.is_dir():
        if not (path / PACKAGE_XML).is_file():
            raise Unclear(f"{place} has no {PACKAGE_XML}. Give a folder in metadata format, or a zip.")
        return zip_folder(path), ("file", f"{path.resolve().name}.zip", place)
    if not path.is_file():
        raise NotFound(f"There is no file {place}. Give a zip, a folder with {PACKAGE_XML}, or an https address.")
    if path.stat().st_size > COMPRESSED_AT_MOST:
        raise Unclear(f"{place} is larger than {COMPRESSED_AT_MOST / 1024 / 1024:.0f} MB, the most that is taken.")
    return path.read_bytes(), ("file", path.name, place)


def wait_for_answer(ports: Ports, handed: HandedIn, seconds: float) -> HandedIn:
    """Wait until the bot has read the package; still "reading" when it did not within `seconds`."""
    until = time.monotonic() + seconds
    while True:
        with ports.store.reading() as session:
            row = session.get_one(ReleasePackage, handed.package)
        if row.state != "reading" or time.monotonic() >= until:
            found = HandedIn(handed.release, handed.package, handed.file, handed.digest, row.state)
            return HandedIn(**(asdict(found) | {"components": len(row.components), "problem": row.problem}))
        time.sleep(LOOK_EVERY)


def nudge_the_bot() -> None:
    """Have a bot on this machine look now, not at its next sweep; that none answers is no trouble."""
    host, port = os.environ.get("ROLLCALL_HTTP_HOST") or "127.0.0.1", os.environ.get("ROLLCALL_HTTP_PORT") or "8080"
    if not port.isdecimal() or port == "0":
        return
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - an address to reach, not to listen on
    shown_host = f"[{host}]" if ":" in host else host
    with suppress(httpx.HTTPError, httpx.InvalidURL):
        httpx.post(f"http://{shown_host}:{port}/nudge", timeout=1.0)


def told(handed: HandedIn, *, waited: bool) -> tuple[str, int]:
    """What became of it as a sentence, with the exit code."""
    name, key = handed.file, handed.release
    match handed.state:
        case "accepted":
            return f"{name} is the package of {key} now: {handed.components} components.", HANDED_IN
        case "refused":
            return f"{name} was not accepted for {key}: {handed.problem}", REFUSED
    if waited:
        later = f"See that the bot runs; /release timeline {key} tells what becomes of it."
        return f"{name} was handed in for {key}, but has not been read yet. {later}", NOT_READ_IN_TIME
    return f"{name} is handed in for {key} (SHA-256 {handed.digest}). The bot tells in its thread.", HANDED_IN
