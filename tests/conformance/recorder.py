"""A window in front of an org, which writes down what goes through."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.conformance.normal import Names, readable

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_NOT_PASSED_ON = {"content-length", "transfer-encoding", "connection", "accept-encoding", "expect"}


_STATE = re.compile(r'(?:<status>|"status": ?")(\w+)')


@dataclass
class Window:
    """What went through, in order; clients use `url` as the org's address."""

    target: str
    token: str
    url: str = ""
    names: Names = field(default_factory=Names)
    exchanges: list[dict[str, Any]] = field(default_factory=list)
    states: set[str] = field(default_factory=set)  # every status of a job that was told
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, request: Request, body: bytes, answer: httpx.Response) -> None:
        """Write one exchange down; a poll that repeats the one before takes its place."""
        with self.lock:
            self.states.update(_STATE.findall(answer.text))
            asked: dict[str, Any] = {"method": request.method, "path": self.names.hide(_path(request))}
            kept = {key: request.headers[key] for key in ("content-type", "soapaction") if key in request.headers}
            asked |= {"headers": kept, **self._stranger(request), **self._body(body)}
            kind = answer.headers.get("content-type", "").split(";")[0]
            said = {"status": answer.status_code, "type": kind, "body": readable(answer.content, kind, self.names)}
            if self.exchanges and self.exchanges[-1]["request"] == asked and not request.url.path.endswith("/clock"):
                self.exchanges.pop()
            self.exchanges.append({"request": asked, "answer": said})

    def _stranger(self, request: Request) -> dict[str, str]:
        """The Authorization header, where it is not the one that works."""
        given = request.headers.get("authorization", "")
        return {} if not given or given.endswith(self.token) else {"authorization": "Bearer nobody"}

    def _body(self, body: bytes) -> dict[str, str]:
        if not body:
            return {}
        try:
            return {"body": self.names.hide(body.decode())}
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(body).decode()}

    def write(self, path: Path, kind: str) -> None:
        """The exchanges as a file: {"kind", "exchanges"}."""
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = {"kind": kind, "exchanges": self.exchanges}
        path.write_text(json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def _path(request: Request) -> str:
    raw = request.scope["raw_path"].decode().split("?")[0]
    return f"{raw}?{request.url.query}" if request.url.query else str(raw)


@contextlib.contextmanager
def window(target: str, token: str) -> Iterator[Window]:
    """A window in front of the org at `target`, on a port of its own; closed with the block."""
    opened = Window(target, token)
    client = httpx.Client(timeout=120, trust_env=False)

    def through(request: Request, body: bytes) -> Response:
        headers = {key: value for key, value in request.headers.items() if key not in _NOT_PASSED_ON}
        answer = client.request(request.method, target + _path(request), content=body, headers=headers)
        opened.note(request, body, answer)
        passed = {key: value for key, value in answer.headers.items() if key not in _NOT_PASSED_ON}
        return Response(answer.content, answer.status_code, passed)

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(through, request, await request.body())

    app = Starlette(routes=[Route("/{rest:path}", endpoint, methods=_METHODS)])
    with _served(app) as port, client:
        opened.url = f"http://127.0.0.1:{port}"
        yield opened


@contextlib.contextmanager
def _served(app: Starlette) -> Iterator[int]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none", access_log=False))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=10)
