"""A file is fetched from an address, within limits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bot.downloads import Limits, NotFetched, fetch, shown
from release_core.errors import Unclear

SMALL = Limits(size=1000, silence=2.0, in_all=5.0)


@dataclass
class Server:
    """A web server on this machine: what it gives by path, what it was asked."""

    url: str
    moved: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked.append((self.path, self.headers.get("Authorization", "")))
            if self.path in told.moved:
                self.send_response(302)
                self.send_header("Location", told.moved[self.path])
                self.end_headers()
                return
            self.send_response({"/secret": 401, "/broken": 500}.get(self.path, 200))
            self.end_headers()
            self.wfile.write(b"x" * (5000 if self.path == "/large" else 10))

        def log_message(self, *_: object) -> None:
            """Nothing is written."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told = Server(f"http://127.0.0.1:{running.server_address[1]}")
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield told
    running.shutdown()
    running.server_close()
    thread.join()


def test_a_file_is_fetched_with_the_token_that_was_given(server: Server) -> None:
    assert fetch(f"{server.url}/a.zip", SMALL, "T0K") == b"x" * 10
    assert server.asked == [("/a.zip", "Bearer T0K")]


def test_more_than_the_limit_is_not_taken_even_when_no_length_is_told(server: Server) -> None:
    with pytest.raises(NotFetched, match="the most that is taken"):
        fetch(f"{server.url}/large", SMALL)


def test_a_refused_token_is_told(server: Server) -> None:
    with pytest.raises(NotFetched, match="--token-env"):
        fetch(f"{server.url}/secret", SMALL)


def test_without_a_token_none_is_called_another(server: Server) -> None:
    with pytest.raises(NotFetched, match="wants a token"):
        fetch(f"{server.url}/secret", SMALL)


def test_a_server_in_trouble_is_asked_again_later(server: Server) -> None:
    with pytest.raises(NotFetched, match=r"could not give the file \(500\). Repeat in a few minutes"):
        fetch(f"{server.url}/broken", SMALL)


def test_a_way_that_goes_on_at_the_same_place_is_followed(server: Server) -> None:
    server.moved["/old"] = "/new.zip"
    assert fetch(f"{server.url}/old", SMALL, "T0K") == b"x" * 10
    assert server.asked[-1] == ("/new.zip", "Bearer T0K")


def test_a_way_that_goes_in_circles_ends(server: Server) -> None:
    server.moved["/old"] = "/old"
    with pytest.raises(NotFetched, match="leads on more than 5 times"):
        fetch(f"{server.url}/old", SMALL)
    assert len(server.asked) == 6


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://example.com/a.zip", "ftp://example.com/a.zip"])
def test_a_way_to_another_scheme_is_not_followed(server: Server, target: str) -> None:
    server.moved["/old"] = target
    with pytest.raises(Unclear, match="only https"):
        fetch(f"{server.url}/old", SMALL)


@pytest.mark.parametrize("target", ["https://10.0.0.8/a.zip", "https://127.0.0.1:1/a.zip", "https://169.254.169.254/"])
def test_a_way_into_a_private_network_is_not_followed(server: Server, target: str) -> None:
    server.moved["/old"] = target
    with pytest.raises(NotFetched, match="inside a private network"):
        fetch(f"{server.url}/old", SMALL, "T0K")


@pytest.mark.parametrize("url", ["http://example.com/a.zip", "ftp://example.com/a.zip", "https:///a.zip"])
def test_only_https_is_fetched_from_elsewhere(url: str) -> None:
    with pytest.raises(Unclear, match="only https"):
        fetch(url, SMALL)


def test_a_password_in_the_address_is_refused_and_never_shown() -> None:
    with pytest.raises(Unclear) as refused:
        fetch("https://ci:hunter2@example.com/a.zip", SMALL)
    assert "hunter2" not in str(refused.value)
    assert shown("https://ci:hunter2@example.com/a.zip?sig=5ecret#x") == "https://example.com/a.zip"


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(NotFetched, match="did not give the file: no connection could be made"):
        fetch("http://127.0.0.1:9/a.zip", SMALL)
