"""A workspace running in a thread of its own, on 127.0.0.1."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.routing import BaseRoute

from bot.rehearsal.clock import MovableClock
from bot.rehearsal.workspace.acting.stage import Stage
from bot.rehearsal.workspace.app import create_workspace_app
from bot.rehearsal.workspace.manifest import read_manifest
from bot.rehearsal.workspace.model import Json
from bot.rehearsal.workspace.pace import Pace
from bot.rehearsal.workspace.seeing import Onlooker
from bot.rehearsal.workspace.storage import Folder
from bot.rehearsal.workspace.workspace import Workspace

START_WITHIN = 10.0
_CUT_ON_PURPOSE = "without completing response"


class _NotOnPurpose(logging.Filter):
    """Keeps the log free of the connections that a fault cut."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is worth reading."""
        return _CUT_ON_PURPOSE not in record.getMessage()


class _Server(uvicorn.Server):
    """Ends the event streams first, since the server waits for them."""

    stage: Stage

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        self.stage.pulse.end()
        await super().shutdown(sockets)


@dataclass
class Extras:
    """What a runner may add: the page's routes (made from the onlooker), orgs to show, time limits, a request URL."""

    mounts: Callable[[Onlooker], Sequence[BaseRoute]] = lambda _: ()
    orgs: Sequence[Json] = ()
    pace: Pace | None = None
    request_url: str | None = None


@dataclass
class RunningWorkspace:
    """A started workspace; `stop()` ends it."""

    url: str
    workspace: Workspace
    stage: Stage
    _server: uvicorn.Server
    _thread: threading.Thread

    @property
    def api_url(self) -> str:
        """The base URL for Slack clients."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        """The token of the bot (`xoxb-…`)."""
        return self.workspace.bot_token

    @property
    def app_token(self) -> str:
        """The app-level token for Socket Mode (`xapp-…`)."""
        return self.workspace.app_token

    @property
    def signing_secret(self) -> str:
        """The secret that HTTP deliveries are signed with."""
        return self.workspace.signing_secret

    def stop(self) -> None:
        """End the server and wait for it."""
        self._server.should_exit = True
        self._thread.join()


def start(
    port: int,
    *,
    clock: MovableClock,
    folder: Path | None = None,
    manifest: Path | None = None,
    extras: Extras | None = None,
) -> RunningWorkspace:
    """Start a workspace on a port (0: any free one); OSError when the port is taken, ValueError for a bad manifest.

    With `folder` it continues what was kept there and keeps everything from now on.
    """
    extras = extras or Extras()
    workspace = Workspace(clock, read_manifest(manifest) if manifest else None, extras.pace)
    kept = Folder(folder) if folder else None
    if kept:
        kept.restore(workspace)
    listening = _listen(port)
    workspace.base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = create_workspace_app(
        workspace,
        mounts=extras.mounts(Onlooker(workspace)),
        orgs=extras.orgs,
        request_url=extras.request_url,
        folder=kept,
    )
    # Slack's answers carry Slack's time, which a rehearsal may set wrong; the server's own would stand beside it.
    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=1,
        ws_ping_interval=20,
        date_header=False,
    )
    server = _Server(config)
    server.stage = app.state.stage
    logging.getLogger("uvicorn.error").addFilter(_NotOnPurpose())
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listening]}, name="rehearsal-workspace", daemon=True
    )
    thread.start()
    _await_start(server, thread)
    return RunningWorkspace(workspace.base_url, workspace, app.state.stage, server, thread)


def _listen(port: int) -> socket.socket:
    # asyncio switches Nagle's delay off only for sockets that say they are TCP; `socket.create_server` makes others.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError:
        listening.close()
        raise
    listening.listen(128)
    return listening


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_WITHIN
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise OSError("The workspace's server did not start; its log says why.")
        time.sleep(0.005)
