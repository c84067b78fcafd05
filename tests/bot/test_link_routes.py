"""Where our own web addresses lead: to the post in the chat, which alone decides who sees it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from sqlmodel import SQLModel
from starlette.applications import Starlette

from bot.chat_problems import unavailable
from bot.web import link_routes
from release_core.models import Post, Release
from release_core.store import Store, open_store
from tests.release_core.builders import NOW


@pytest.fixture
def store() -> Iterator[Store]:
    """A database with REL-1 and INC-1 posted, REL-2 planned but not posted yet."""
    store = open_store("sqlite://")
    SQLModel.metadata.create_all(store.engine)
    with store.transaction() as session:
        session.add(Post(slot="headline:REL-1", channel="C0RELEASES", ts="1.5", stream="REL-1"))
        session.add(Post(slot="incident:INC-1", channel="C0INCIDENTS", ts="2.5", stream="INC-1"))
        session.add(Post(slot="headline:REL-2", channel="C0RELEASES", ts="", stream="REL-2"))
        planned = {"target_org": "production", "kind": "standard", "strategy": "full", "state": "draft"}
        session.add(Release(key="REL-3", name="Secret", owner_id="U0A", created_by="U0A", created_at=NOW, **planned))
    yield store
    store.close()


def permalink(channel: str, ts: str) -> str:
    return f"https://acme.slack.com/archives/{channel}/p{ts.replace('.', '')}"


def lost(channel: str, ts: str) -> str:
    raise unavailable("chat.getPermalink")


async def get(store: Store, path: str, address: object = permalink) -> httpx.Response:
    transport = httpx.ASGITransport(app=Starlette(routes=link_routes(store, address)))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="https://rollcall.acme.example") as client:
        return await client.get(path)


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/r/REL-1", "https://acme.slack.com/archives/C0RELEASES/p15"),
        ("/r/rel-1", "https://acme.slack.com/archives/C0RELEASES/p15"),
        ("/i/INC-1", "https://acme.slack.com/archives/C0INCIDENTS/p25"),
    ],
)
async def test_an_address_leads_to_the_post_in_the_chat(store: Store, path: str, leads_to: str) -> None:
    answer = await get(store, path)
    assert (answer.status_code, answer.headers["location"]) == (302, leads_to)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.text == ""


@pytest.mark.parametrize("path", ["/r/REL-2", "/r/REL-3", "/r/REL-99", "/i/INC-7", "/r/headline:REL-1", "/r/%2e%2e"])
async def test_what_has_no_post_is_told_the_same_way_whatever_it_is(store: Store, path: str) -> None:
    answer = await get(store, path)
    assert answer.status_code == 404
    assert answer.text == "Rollcall knows no such release or incident. Look in the chat.\n"


async def test_a_chat_that_does_not_answer_is_told_as_that(store: Store) -> None:
    answer = await get(store, "/r/REL-1", lost)
    assert answer.status_code == 503
    assert "Try again in a minute" in answer.text


async def test_however_often_it_is_asked_the_chat_is_asked_once_for_each_post(store: Store) -> None:
    asked: list[str] = []

    def counting(channel: str, ts: str) -> str:
        asked.append(ts)
        if len(asked) == 1:
            raise unavailable("chat.getPermalink")
        return permalink(channel, ts)

    transport = httpx.ASGITransport(app=Starlette(routes=link_routes(store, counting)))
    async with httpx.AsyncClient(transport=transport, base_url="https://rollcall.acme.example") as client:
        found = [(await client.get("/r/REL-1")).status_code for _ in range(5)]
    assert found == [503, 302, 302, 302, 302]
    assert asked == ["1.5", "1.5"]
