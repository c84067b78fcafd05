"""An org that plays scripted answers, for what a well-behaved org never does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot.salesforce import Patience, SalesforceOrg, connect
from release_core.logins import AccessTokenLogin, OrgLogin
from release_core.ports import Clock

TOKEN = "00D000000000001!AQ.secret.token"
HASTY = Patience(
    connect_for=2, answer_for=2, upload_for=2, retrieve_for=1, pauses=(0, 0, 0, 0), first_look_after=0.01,
    looks_at_most_every=0.02,
)  # fmt: skip


@dataclass(frozen=True)
class Reply:
    """One scripted answer; `broken` drops the connection after the request was read, before a byte was answered."""

    status: int = 200
    body: object = None
    content_type: str = "application/json"
    broken: bool = False
    cut_at: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Heard:
    """One request as the org heard it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class ScriptedOrg:
    """Plays its replies in order; a request beyond the script gets a 599, which no test expects."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.token = ""
        self._script: list[Reply] = []
        self._rule: Callable[[Heard], Reply] | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def plays(self, *replies: Reply) -> None:
        self._script += replies

    def answers(self, answer: Callable[[Heard], Reply]) -> None:
        """Answer each request by a rule instead of in order."""
        self._rule = answer

    def reply_to(self, heard: Heard) -> Reply:
        self.heard.append(heard)
        if self._rule is not None:
            return self._rule(heard)
        return self._script.pop(0) if self._script else Reply(599, "beyond the script", "text/plain")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        org = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                reply = org.reply_to(Heard(self.command, self.path, dict(self.headers), body))
                self.close_connection = True
                if not reply.broken:
                    self.play(reply)

            def play(self, reply: Reply) -> None:
                data = reply.body if isinstance(reply.body, bytes) else _encoded(reply)
                # `send_response` writes a Date of its own, which must not stand beside a scripted one.
                (self.send_response_only if "Date" in reply.headers else self.send_response)(reply.status)
                self.send_header("Content-Type", reply.content_type)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Connection", "close")
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data[: reply.cut_at])

            do_GET = do_POST = do_PATCH = answer  # noqa: N815 - the server calls them so

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


def _encoded(reply: Reply) -> bytes:
    if reply.content_type == "application/json":
        return json.dumps(reply.body).encode()
    return str(reply.body or "").encode()


def org_error(status: int, code: str, message: str = "the org's own words") -> Reply:
    """An error as REST gives it."""
    return Reply(status, [{"errorCode": code, "message": message}])


def soap_reply(inner: str) -> Reply:
    """A SOAP answer around the elements of its body."""
    return Reply(200, _envelope(inner), "text/xml")


def soap_fault(code: str, message: str) -> Reply:
    """A SOAP fault as the Metadata API gives it."""
    fault = (
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring></soapenv:Fault>"
    )
    return Reply(500, _envelope(fault), "text/xml")


def _envelope(inner: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
        'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns="http://soap.sforce.com/2006/04/metadata" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<soapenv:Body>{inner}</soapenv:Body></soapenv:Envelope>"
    )


class Words:
    """The builders of scripted answers."""

    reply = Reply
    error = staticmethod(org_error)
    soap = staticmethod(soap_reply)
    fault = staticmethod(soap_fault)
    broken = Reply(broken=True)


@pytest.fixture
def says() -> Words:
    return Words()


@pytest.fixture
def scripted() -> Iterator[ScriptedOrg]:
    org = ScriptedOrg()
    yield org
    org.close()


Connect = Callable[..., SalesforceOrg]


@pytest.fixture
def connected() -> Iterator[Connect]:
    """Connects as the product does, hastily; secrets come from a given environment."""
    opened: list[SalesforceOrg] = []

    def to(login: OrgLogin | str, *, clock: Clock | None = None, **environ: str) -> SalesforceOrg:
        if isinstance(login, str):
            login = AccessTokenLogin(instance_url=login, access_token_env="ORG_TOKEN")
            environ = {"ORG_TOKEN": TOKEN, **environ}
        opened.append(connect(login, clock=clock, patience=HASTY, environ=environ))
        return opened[-1]

    yield to
    for org in opened:
        org.close()


@pytest.fixture
def org(scripted: ScriptedOrg, connected: Connect) -> SalesforceOrg:
    """Our gateway to the scripted org, with a given access token."""
    return connected(scripted.url)
