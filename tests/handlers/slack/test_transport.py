"""Signed HTTP from Slack, or from somebody who pretends."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from handlers.slack.shell import build_app
from handlers.slack.transport import Sockets
from tests.handlers.slack.a_desk import VERBS, ADesk
from tests.handlers.slack.serving import Serving, private, served

COMMAND = urlencode(
    {"command": "/release", "text": "status", "user_id": "U0RELMGR", "channel_id": "C0RELEASES"}
).encode()
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def everything() -> Iterator[Serving]:
    """One bot behind HTTP for all tests."""
    with served(over_http=True) as serving:
        yield serving


@pytest.fixture
def serving(everything: Serving) -> Serving:
    """The bot, with what was asked before forgotten."""
    everything.desk.requests.clear()
    return everything


def signed(serving: Serving, body: bytes, *, timestamp: str = "", kind: str = FORM) -> dict[str, str]:
    timestamp = timestamp or str(int(time.time()))
    signature = SignatureVerifier(serving.workspace.signing_secret).generate_signature(timestamp=timestamp, body=body)
    assert signature is not None
    return {"content-type": kind, "x-slack-request-timestamp": timestamp, "x-slack-signature": signature}


def knock(serving: Serving, body: bytes, headers: dict[str, str]) -> httpx.Response:
    return httpx.post(serving.url, content=body, headers=headers, trust_env=False)


def test_slack_itself_gets_the_answer(serving: Serving) -> None:
    answer = knock(serving, COMMAND, signed(serving, COMMAND))
    assert (answer.status_code, answer.json()["text"]) == (200, "Nothing is asked about")


def test_a_whole_conversation_goes_over_http(serving: Serving) -> None:
    form = serving.anna.types("/release new")
    assert private(serving.anna.submits(form, {"Name": "Spring"})) == ["REL-7 Spring to uat"]
    assert private(serving.anna.act("mention", channel="#releases", text="status REL-9")) == ["REL-9 is asked about"]


@pytest.mark.parametrize(
    "change",
    [
        {"x-slack-signature": "v0=" + "0" * 64},
        {"x-slack-signature": ""},
        {"x-slack-signature": "v0=é".encode("latin-1").decode("latin-1")},
        {"x-slack-request-timestamp": "abc"},
        {"x-slack-request-timestamp": ""},
        {"x-slack-request-timestamp": "-1"},
        {"x-slack-request-timestamp": "9" * 400},
        {"x-slack-request-timestamp": "١٢٣"},
    ],
)
def test_what_slack_did_not_sign_is_refused(serving: Serving, change: dict[str, str]) -> None:
    headers = {**signed(serving, COMMAND), **change}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = httpx.post(serving.url, content=COMMAND, headers=encoded, trust_env=False)
    assert (answer.status_code, "Traceback" in answer.text) == (401, False)
    assert serving.desk.requests == []


@pytest.mark.parametrize("age", [301, 86_400, -330])
def test_requests_of_another_time_are_refused(serving: Serving, age: int) -> None:
    answer = knock(serving, COMMAND, signed(serving, COMMAND, timestamp=str(int(time.time()) - age)))
    assert answer.status_code == 401
    assert serving.desk.requests == []


def test_a_request_that_is_sent_again_later_is_refused_with_the_reason(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    headers = signed(serving, COMMAND, timestamp=str(int(time.time()) - 301))
    assert knock(serving, COMMAND, headers).status_code == 401
    assert "301 seconds off our clock" in caplog.text or "302 seconds off our clock" in caplog.text
    caplog.clear()
    assert knock(serving, COMMAND, {**headers, "x-slack-signature": "v0=" + "0" * 64}).status_code == 401
    assert caplog.text == "", "whoever cannot sign cannot fill the log either"


def test_a_body_changed_on_the_way_is_refused(serving: Serving) -> None:
    assert knock(serving, COMMAND + b"&x=1", signed(serving, COMMAND)).status_code == 401


def test_a_body_over_the_limit_is_refused_before_it_is_read(serving: Serving) -> None:
    body = b"text=" + b"x" * 200_000
    assert knock(serving, body, signed(serving, body)).status_code == 413

    def endless() -> Iterator[bytes]:
        yield from (b"x" * 50_000 for _ in range(10))

    answer = httpx.post(serving.url, content=endless(), headers=signed(serving, b""), trust_env=False)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "multipart/form-data; boundary=x", "application/xml", "é" * 300, "json"]
)
def test_a_content_type_that_slack_does_not_send_is_refused(serving: Serving, kind: str) -> None:
    headers = [(name.encode(), value.encode()) for name, value in signed(serving, COMMAND, kind=kind).items()]
    answer = httpx.post(serving.url, content=COMMAND, headers=headers, trust_env=False)
    assert (answer.status_code, "Traceback" in answer.text) == (415, False)
    assert serving.desk.requests == []


@pytest.mark.parametrize("kind", [f"{FORM}; charset=utf-8", "Application/X-WWW-Form-Urlencoded"])
def test_a_content_type_may_be_written_differently(serving: Serving, kind: str) -> None:
    assert knock(serving, COMMAND, signed(serving, COMMAND, kind=kind)).status_code == 200


def test_a_body_that_ends_in_its_middle_does_no_harm(serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
    place = urlsplit(serving.url)
    lines = [f"POST {place.path} HTTP/1.1", f"host: {place.netloc}", f"content-length: {len(COMMAND)}"]
    lines += [f"{name}: {value}" for name, value in signed(serving, COMMAND).items()]
    with socket.create_connection((str(place.hostname), int(place.port or 0))) as cut:
        cut.sendall("\r\n".join([*lines, "", ""]).encode() + COMMAND[:20])
    assert knock(serving, COMMAND, signed(serving, COMMAND)).status_code == 200
    assert len(serving.desk.requests) == 1
    assert caplog.text == ""


def raw(serving: Serving, headers: dict[str, str], *sent: bytes, cut: bool = False) -> bytes:
    """What comes back for bytes as they are, over a connection of their own that may end after them."""
    place = urlsplit(serving.url)
    lines = [f"POST {place.path} HTTP/1.1", f"host: {place.netloc}", "connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=10) as line:
        line.sendall("\r\n".join([*lines, "", ""]).encode() + b"".join(sent))
        if cut:
            line.shutdown(socket.SHUT_WR)
        return line.recv(4096)


def chunk(part: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(part), part)


def test_a_body_in_chunks_is_a_body(serving: Serving) -> None:
    headers = {**signed(serving, COMMAND), "transfer-encoding": "chunked"}
    assert raw(serving, headers, chunk(COMMAND[:7]), chunk(COMMAND[7:]), b"0\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert len(serving.desk.requests) == 1


@pytest.mark.parametrize(
    "sent",
    [
        [b"zz\r\n", COMMAND],
        [b"-1\r\n", COMMAND],
        [chunk(COMMAND[:7]), b"0\r\n\r\n"],
        [b"0\r\n\r\n"],
        [b"f" * 40 + b"\r\n", COMMAND],
    ],
)
def test_a_body_in_broken_chunks_is_refused(
    serving: Serving, caplog: pytest.LogCaptureFixture, sent: list[bytes]
) -> None:
    answer = raw(serving, {**signed(serving, COMMAND), "transfer-encoding": "chunked"}, *sent)
    assert answer.startswith(b"HTTP/1.1 4"), answer
    assert b"Traceback" not in answer
    assert "Traceback" not in caplog.text
    assert serving.desk.requests == []


@pytest.mark.parametrize("sent", [[chunk(COMMAND[:7])], [b"41\r\n", COMMAND[:9]], [b""]])
def test_chunks_that_end_in_their_middle_do_no_harm(
    serving: Serving, caplog: pytest.LogCaptureFixture, sent: list[bytes]
) -> None:
    raw(serving, {**signed(serving, COMMAND), "transfer-encoding": "chunked"}, *sent, cut=True)
    assert knock(serving, COMMAND, signed(serving, COMMAND)).status_code == 200
    assert len(serving.desk.requests) == 1
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("length", ["-1", "x", "1" * 30])
def test_a_length_that_is_none_is_refused(serving: Serving, caplog: pytest.LogCaptureFixture, length: str) -> None:
    answer = raw(serving, {**signed(serving, COMMAND), "content-length": length}, COMMAND)
    assert answer.startswith(b"HTTP/1.1 4"), answer
    assert "Traceback" not in caplog.text
    assert serving.desk.requests == []


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"text"', b"a=b", b"", b"null"])
def test_a_signed_body_that_cannot_be_read_is_told_so(serving: Serving, body: bytes) -> None:
    answer = knock(serving, body, signed(serving, body, kind="application/json"))
    assert 400 <= answer.status_code < 500
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "payload", ["{", "[]", "1", "[" * 9000, "{}", '{"type":"block_actions"}', '{"type":"view_submission"}']
)
def test_a_signed_payload_that_makes_no_sense_does_no_harm(serving: Serving, payload: str) -> None:
    body = urlencode({"payload": payload}).encode()
    answer = knock(serving, body, signed(serving, body))
    assert answer.status_code < 500
    assert serving.desk.requests == []


def test_slack_may_verify_the_address(serving: Serving) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c"}).encode()
    assert knock(serving, body, signed(serving, body, kind="application/json")).json() == {"challenge": "c"}


def test_an_event_is_acknowledged_before_anything_goes_out(serving: Serving) -> None:
    serving.fault("slow", method="chat.postEphemeral", seconds=1.5)
    event = {"type": "app_mention", "user": "U0RELMGR", "text": "<@U0ROLLCALL> status", "channel": "C0RELEASES"}
    whole = {"type": "event_callback", "event_id": "Ev1", "team_id": "T0REHEARSE", "event": {**event, "ts": "1.2"}}
    body = json.dumps(whole).encode()
    began = time.monotonic()
    assert knock(serving, body, signed(serving, body, kind="application/json")).status_code == 200
    assert time.monotonic() - began < 1
    serving.run(drained(serving))
    assert [call["ok"] for call in serving.calls("chat.postEphemeral")][-1] is True


async def drained(serving: Serving) -> None:
    assert serving.app is not None
    assert await serving.app.drain(5) == 0


def test_an_empty_signing_secret_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="Basic Information"):
        build_app(
            ADesk(), verbs=VERBS, client=AsyncWebClient("xoxb-1"), signing_secret=" ", now=lambda: datetime.now(UTC)
        )


def test_a_bot_token_does_not_open_sockets() -> None:
    app = AsyncApp(client=AsyncWebClient("xoxb-1"), signing_secret="s")
    with pytest.raises(ValueError, match="xapp-"):
        Sockets(app, "xoxb-1")
