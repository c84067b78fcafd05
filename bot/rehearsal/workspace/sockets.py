"""The server's end of Socket Mode: links, connections, envelopes, acks."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.rehearsal.workspace import cast
from bot.rehearsal.workspace.model import Json
from bot.rehearsal.workspace.workspace import Workspace

LINK_LIVES = 30.0
CONNECTIONS_MOST = 10
HOST = "applink-rehearsal-1"


@dataclass(eq=False)
class Connection:
    """One open socket and the envelopes that wait for their ack on it."""

    socket: WebSocket
    number: int
    waiting: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    open: bool = True

    async def send(self, message: Json) -> bool:
        """Send one message; False when the socket is gone."""
        try:
            await self.socket.send_text(json.dumps(message))
        except (RuntimeError, WebSocketDisconnect):
            self.open = False
        return self.open

    async def close(self) -> None:
        """End the connection without a word."""
        self.open = False
        with suppress(RuntimeError, WebSocketDisconnect):
            await self.socket.close()


class Sockets:
    """All connections of the bot; each envelope goes to one of them, chosen at random."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.connections: list[Connection] = []
        self._links: dict[str, float] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._count = 0

    def new_link(self) -> str:
        """A WebSocket URL that can be used once, within 30 s."""
        ticket = secrets.token_urlsafe(16)
        self._links[ticket] = time.monotonic() + LINK_LIVES
        host = urlsplit(self.workspace.base_url).netloc
        return f"ws://{host}/link/?ticket={ticket}&app_id={cast.APP_ID}"

    async def endpoint(self, socket: WebSocket) -> None:
        """The WebSocket route: hello, then acks until the connection ends."""
        ticket = socket.query_params.get("ticket", "")
        if self._links.pop(ticket, 0.0) < time.monotonic():
            await socket.close(code=4001)
            return
        await socket.accept()
        self._count += 1
        connection = Connection(socket, self._count)
        if len(self.connections) >= CONNECTIONS_MOST:
            await connection.send(_disconnect("too_many_websockets"))
            await connection.close()
            return
        self.connections.append(connection)
        await connection.send(self._hello())
        try:
            await self._listen(connection)
        finally:
            connection.open = False
            self.connections.remove(connection)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {"host": HOST, "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": cast.APP_ID},
        }

    async def _listen(self, connection: Connection) -> None:
        while connection.open:
            try:
                text = await connection.socket.receive_text()
            except (WebSocketDisconnect, RuntimeError, KeyError):
                return
            try:
                message = json.loads(text)
            except ValueError:
                continue
            future = (
                connection.waiting.pop(str(message.get("envelope_id")), None) if isinstance(message, dict) else None
            )
            if future is not None and not future.done():
                future.set_result(message.get("payload"))

    async def deliver(self, envelope: Json, *, drop: bool = False) -> tuple[Connection, asyncio.Future[Any]] | None:
        """Send an envelope over one connection; its future holds the ack's payload. None when nobody is connected.

        With `drop` the connection is cut right after sending, so that no ack can come.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        for connection in random.sample(self.connections, len(self.connections)):
            if not connection.open:
                continue
            if not drop:
                connection.waiting[envelope["envelope_id"]] = future
            if await connection.send(envelope):
                if drop:
                    await connection.close()
                return connection, future
        return None

    async def end(self, how: str, count: int | None = None) -> int:
        """End `count` connections (all by default), told so before unless it is a `drop`; how many they were."""
        chosen = self.connections[:count]
        for connection in chosen:
            if how == "drop":
                await connection.close()
            else:
                await connection.send(_disconnect("refresh_requested" if how == "refresh" else "warning"))
                task = asyncio.create_task(self._close_soon(connection))
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)
        return len(chosen)

    async def _close_soon(self, connection: Connection) -> None:
        """End a connection that was told so, also when nobody listens."""
        await asyncio.sleep(self.workspace.pace.refreshed_within)
        await connection.close()

    async def finish(self) -> None:
        """Stop whatever is still to end."""
        for task in list(self._ending):
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)


def _disconnect(reason: str) -> Json:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": HOST}}
