"""A local org behind an HTTP server of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from bot.rehearsal.clock import MovableClock
from bot.rehearsal.org import keeping
from bot.rehearsal.org.identity import Settings
from bot.rehearsal.org.org import Org
from bot.rehearsal.org.people import token_for
from bot.rehearsal.org.seeding import seeded_org
from bot.rehearsal.org.web.app import create_org_app

_STARTS_WITHIN = 20.0  # seconds


class _Droppable(H11Protocol):
    """Lets the app hang up on a client, which faults on demand need."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Hand the transport to the app through the scope."""
        super().connection_made(transport)
        inner = self.app

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})["rehearsal.transport"] = transport
            await inner(scope, receive, send)

        self.app = with_transport


@dataclass
class RunningOrg:
    """An org that answers at `instance_url` until it is stopped."""

    org: Org
    port: int
    folder: Path | None
    _server: uvicorn.Server
    _thread: threading.Thread

    @property
    def instance_url(self) -> str:
        """Its address, e.g. http://127.0.0.1:8731."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def kind(self) -> str:
        """production or sandbox."""
        return self.org.identity.kind

    @property
    def org_id(self) -> str:
        """Its 18-character id."""
        return self.org.identity.org_id

    @property
    def username(self) -> str:
        """The integration user's."""
        return self.org.users[0].username

    @property
    def access_token(self) -> str:
        """A session id of the integration user."""
        return token_for(self.org_id, self.org.users[0])

    def as_json(self) -> dict[str, str]:
        """What a client needs to reach it."""
        return {
            "instance_url": self.instance_url,
            "access_token": self.access_token,
            "kind": self.kind,
            "org_id": self.org_id,
            "username": self.username,
        }

    def stop(self) -> None:
        """Stop answering; the org's file, if it has one, is written."""
        self._server.should_exit = True
        self._thread.join(timeout=10)
        if self.folder:
            keeping.save(self.org, _file(self.folder, self.kind))


def _file(folder: Path, kind: str) -> Path:
    return folder / f"{kind}.org.json"


def open_org(kind: str, clock: MovableClock, folder: Path | None, pace: float = 1.0) -> Org:
    """The org kept in a folder, or a newly seeded one; ValueError for an unknown kind."""
    if folder and _file(folder, kind).exists():
        org = keeping.read(_file(folder, kind), clock)
        org.settings.pace = pace
        return org
    return seeded_org(kind, clock, settings=Settings(pace=pace))


def start(
    kind: str, port: int = 0, *, clock: MovableClock | None = None, folder: Path | None = None, pace: float = 1.0
) -> RunningOrg:
    """Run an org on 127.0.0.1 in a thread; port 0 takes a free one, `folder` keeps its state between runs."""
    org = open_org(kind, clock or MovableClock(), folder, pace)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        keeping.save(org, _file(folder, kind))
    saver = (lambda: keeping.save(org, _file(folder, kind))) if folder else None
    app = create_org_app(org, on_change=saver)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config(app, log_level="error", lifespan="off", http=_Droppable, ws="none", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name=f"rehearsal-{kind}-org", daemon=True)
    thread.start()
    deadline = threading.Event()
    waited = 0.0
    while not server.started and thread.is_alive() and waited < _STARTS_WITHIN:
        deadline.wait(0.01)
        waited += 0.01
    if not server.started:
        listener.close()
        raise RuntimeError(f"The {kind} org could not be started on port {port}; see the log, then try another port.")
    return RunningOrg(org, listener.getsockname()[1], folder, server, thread)


@contextlib.contextmanager
def running(kind: str, **options: Any) -> Iterator[RunningOrg]:
    """`start`, stopped at the end of the block."""
    org = start(kind, **options)
    try:
        yield org
    finally:
        org.stop()
