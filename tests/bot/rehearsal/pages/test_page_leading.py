"""Links that lead to the page: the bot's own, passed on to it, the chat's permalinks."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from bot.rehearsal.pages.app import page_routes

PERMALINK = "http://page.test/archives/C0RELEASES/p1795345200000100"


class Bot(BaseHTTPRequestHandler):
    """A web server that knows REL-1 alone, as the bot's does."""

    def do_GET(self) -> None:  # the name that http.server asks for
        if self.path == "/r/REL-1":
            self.send_response(302)
            self.send_header("location", PERMALINK)
            self.end_headers()
        else:
            self.send_error(404, "No such release")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def bot_address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Bot)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
async def page(workspace: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=page_routes(workspace)))
    async with httpx.AsyncClient(transport=transport, base_url="http://page.test") as client:
        yield client


async def test_a_link_of_the_bot_is_answered_by_the_bot(page: Any, workspace: Any, bot_address: str) -> None:
    workspace.bot_at = bot_address
    found = await page.get("/r/REL-1")
    assert (found.status_code, found.headers["location"]) == (302, PERMALINK)
    assert (await page.get("/i/INC-9")).status_code == 404


async def test_without_a_bot_a_link_says_so(page: Any, workspace: Any) -> None:
    unknown = await page.get("/r/REL-1")
    assert (unknown.status_code, "No bot answers for links here" in unknown.text) == (404, True)
    workspace.bot_at = "http://127.0.0.1:1"
    gone = await page.get("/r/REL-1")
    assert (gone.status_code, "Is it still running?" in gone.text) == (502, True)


@pytest.mark.parametrize(
    ("permalink", "place"),
    [
        ("/archives/C0RELEASES/p1795345200000100", "/?channel=C0RELEASES&message=1795345200.000100"),
        (
            "/archives/C0RELEASES/p1795345200000100?thread_ts=1795345100.000000&cid=C0RELEASES",
            "/?channel=C0RELEASES&message=1795345200.000100&thread=1795345100.000000",
        ),
    ],
)
async def test_a_permalink_leads_to_its_message(page: Any, permalink: str, place: str) -> None:
    found = await page.get(permalink)
    assert (found.status_code, found.headers["location"]) == (302, place)


async def test_a_permalink_that_is_none_leads_nowhere(page: Any) -> None:
    assert (await page.get("/archives/C0RELEASES/pnonsense")).status_code == 404
