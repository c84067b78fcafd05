"""What can be made to go wrong from the page is understood by the workspace and the orgs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from bot.rehearsal.clock import MovableClock
from bot.rehearsal.org.serve import RunningOrg, running
from bot.rehearsal.pages.app import page_routes
from bot.rehearsal.pages.trouble import CHAT, EDITED, ORG, Trouble
from bot.rehearsal.workspace.serve import start


@pytest.fixture
def org() -> Iterator[RunningOrg]:
    with running("production", clock=MovableClock(), pace=0) as org:
        yield org


@pytest.fixture
async def page(workspace: Any, org: RunningOrg) -> AsyncIterator[httpx.AsyncClient]:
    orgs = [{"name": "PRODUCTION", "kind": "production", "url": org.instance_url}]
    transport = httpx.ASGITransport(Starlette(routes=page_routes(workspace, orgs)))
    async with httpx.AsyncClient(transport=transport, base_url="http://page.test") as client:
        yield client


async def made(page: httpx.AsyncClient, one: Trouble) -> httpx.Response:
    return await page.post(f"/page/orgs/PRODUCTION/{one.path}", json=dict(one.body))


def test_every_trouble_of_the_chat_is_one_the_workspace_knows() -> None:
    workspace = start(0, clock=MovableClock())
    for one in CHAT:
        answer = httpx.post(f"{workspace.url}/rehearsal/api/{one.path}", json=dict(one.body), trust_env=False)
        assert answer.json()["ok"], (one.title, answer.text)
    workspace.stop()


@pytest.mark.parametrize("one", ORG, ids=lambda one: one.title)
async def test_every_trouble_of_an_org_is_one_it_knows(page: httpx.AsyncClient, one: Trouble) -> None:
    answer = await made(page, one)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


async def test_what_is_still_to_come_is_said_until_it_is_called_off(page: httpx.AsyncClient, workspace: Any) -> None:
    workspace.faults = [{"kind": "timeout_after", "method": "chat.postMessage", "times": 2}]
    await made(page, ORG[0])
    panel = (await page.get("/page/trouble")).text
    assert "timeout after of chat.postMessage, 2 ×" in panel
    assert "drop before accepting, until called off" in panel
    await page.post("/page/orgs/PRODUCTION/faults", json={"clear": True})
    assert "drop before accepting" not in (await page.get("/page/trouble")).text


async def test_a_hand_in_setup_changes_the_class_and_nothing_else(page: httpx.AsyncClient, org: RunningOrg) -> None:
    async def source() -> str:
        async with httpx.AsyncClient(base_url=org.instance_url, trust_env=False) as client:
            found = (await client.get("/rehearsal/component", params=EDITED)).json()
        return str(found["files"]["classes/DiscountPolicy.cls"])

    before = await source()
    await made(page, next(one for one in ORG if one.path == "change"))
    assert await source() == f"{before.rstrip()}\n// changed by hand in Setup\n"


async def test_only_troubles_are_passed_on_to_an_org(page: httpx.AsyncClient) -> None:
    for path in ("PRODUCTION/sessions/expire", "PRODUCTION/settings", "ELSEWHERE/faults"):
        assert (await page.post(f"/page/orgs/{path}", json={})).status_code == 404
    refused = await page.post("/page/orgs/PRODUCTION/faults", json={"kind": "earthquake"})
    assert (refused.status_code, "There is no fault called" in refused.json()["error"]["sentence"]) == (400, True)
