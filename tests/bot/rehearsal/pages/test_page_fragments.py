"""The page and its fragments as the server sends them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from bot.rehearsal.packages import Variant, sample_package
from bot.rehearsal.pages.app import Page, page_routes
from bot.rehearsal.pages.blocks import draw_block
from bot.rehearsal.pages.orgs import look_at_orgs, panels_of
from bot.rehearsal.pages.reader import Reader
from bot.rehearsal.pages.surface import Surface

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
async def page(workspace: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=page_routes(workspace)))
    async with httpx.AsyncClient(transport=transport, base_url="http://page.test") as client:
        yield client


def a_message(text: str, **more: Any) -> dict[str, Any]:
    return {
        "channel": "C0RELEASES",
        "ts": "1795345200.000100",
        "thread_ts": None,
        "user": "U0RELMGR",
        "name": "Anna Keller",
        "bot": False,
        "text": text,
        "blocks": [],
        "attachments": [],
        "files": [],
        "ephemeral": False,
        "broadcast": False,
        "edited": False,
        "reply_count": 0,
        "latest_reply": None,
        "reactions": [],
        "elements": [],
        **more,
    }


async def test_page_forbids_inline_scripts(page: httpx.AsyncClient) -> None:
    """The browser is told to run our one script and nothing else."""
    answer = await page.get("/?as=anna")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "onclick=" not in answer.text
    assert "style=" not in answer.text


async def test_page_shows_who_acts_and_where(page: httpx.AsyncClient) -> None:
    """The first look is the release channel, as the person in the address."""
    html = (await page.get("/?as=tomas")).text
    assert 'data-as="U0TESTER"' in html
    assert 'data-channel="C0RELEASES"' in html
    assert "+1 d 2 h" in html


async def test_unknown_person_becomes_the_first_of_the_cast(page: httpx.AsyncClient) -> None:
    """An address with a name that nobody has still opens a page."""
    assert 'data-as="U0RELMGR"' in (await page.get("/?as=nobody")).text


async def test_channel_that_cannot_be_seen_says_so(page: httpx.AsyncClient) -> None:
    """The reason is on the page, and no input invites to write there."""
    html = (await page.get("/page/channel?as=anna&channel=C0SECRET")).text
    assert "There is no such channel." in html
    assert "data-composer" not in html


async def test_message_is_escaped_dated_and_marked(page: httpx.AsyncClient, workspace: Any) -> None:
    """Markup in a message stays text; the time is the reader's; ephemeral and edited are marked."""
    workspace.messages = [a_message("<script>alert(1)</script>", ephemeral=True, edited=True)]
    html = (await page.get("/page/channel?as=anna&channel=C0RELEASES")).text
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert ">12:00</time>" in html
    assert "Only visible to you" in html
    assert "(edited)" in html
    assert ">11:00</time>" in (await page.get("/page/channel?as=tomas&channel=C0RELEASES")).text


async def test_file_can_be_downloaded_from_here_only(page: httpx.AsyncClient, workspace: Any) -> None:
    """A file links to its bytes; an address that is no web address is no link."""
    file = {
        "id": "F1",
        "name": "package.zip",
        "title": "package.zip",
        "size": 2048,
        "url": "/rehearsal/api/file?file=F1",
    }
    workspace.messages = [a_message("", files=[file, {**file, "url": "javascript:alert(1)"}])]
    html = (await page.get("/page/channel?as=anna&channel=C0RELEASES")).text
    assert 'href="/rehearsal/api/file?file=F1"' in html
    assert "2.0 KB" in html
    assert "javascript" not in html


async def test_modal_shows_its_fields_and_errors(page: httpx.AsyncClient, workspace: Any) -> None:
    """The top of the stack is drawn, with the errors the bot gave."""
    label = {"type": "plain_text", "text": "Name"}
    block = {
        "type": "input",
        "block_id": "b",
        "label": label,
        "element": {"type": "plain_text_input", "action_id": "a"},
    }
    view = {"view_id": "V1", "title": "New release", "submit": "Create", "close": None, "blocks": [block]}
    workspace.views = [{**view, "inputs": [], "elements": [], "errors": {"b": "That name is taken."}}]
    html = (await page.get("/page/views?as=anna")).text
    assert "New release" in html
    assert "That name is taken." in html
    assert ">Create</button>" in html


async def test_home_says_when_the_bot_published_none(page: httpx.AsyncClient, workspace: Any) -> None:
    """An empty Home tells what to check."""
    html = (await page.get("/page/channel?as=anna&channel=D0RELMGR&tab=home")).text
    assert "Home is empty" in html
    workspace.home = {
        "view_id": "V2",
        "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "My approvals"}}],
        "inputs": [],
        "elements": [],
        "errors": {},
    }
    assert "My approvals" in (await page.get("/page/channel?as=anna&channel=D0RELMGR&tab=home")).text


async def test_fragments_tell_how_far_the_changes_were_read(page: httpx.AsyncClient) -> None:
    """The page continues listening from the number in the header."""
    assert (await page.get("/page/sidebar?as=anna")).headers["x-seq"] == "7"


async def test_script_and_styles_are_served_fresh(page: httpx.AsyncClient) -> None:
    """Both files come from this server and are asked for again each time."""
    for name in ("page.js", "page.css", "icon.svg"):
        answer = await page.get(f"/page/static/{name}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-cache"


async def test_org_that_does_not_answer_is_told_plainly() -> None:
    """One org answers, one is gone, one talks nonsense: each is shown as what it is."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "gone.test":
            raise httpx.ConnectError("no")
        if request.url.host == "odd.test":
            return httpx.Response(200, text="<html>")
        if request.url.host == "ill.test":
            return httpx.Response(500)
        return httpx.Response(200, json={"components": []})

    orgs = [{"name": name, "kind": "sandbox", "url": f"http://{name}.test"} for name in ("good", "gone", "odd", "ill")]
    looks = await look_at_orgs(orgs, httpx.MockTransport(answer))
    assert looks[0]["state"] == {"components": []}
    assert looks[1]["problem"] == "gone is not reachable at http://gone.test."
    assert "problem" in looks[2]
    assert looks[3]["problem"] == "ill answered with status 500."


async def test_side_panel_shows_progress_failures_and_components(workspace: Any) -> None:
    """A running deployment has a bar, a failed test its place and message, a component its digest and date."""
    state = {
        "content_digest": "e51164d6f9aa",
        "components": [
            {
                "type": "ApexClass",
                "fullName": "Pricing",
                "digest": "9f2c41ab77",
                "lastModifiedDate": "2026-11-22T08:11:00.000Z",
            }
        ],
        "deployments": [
            {"id": "0Af1", "status": "Failed", "numberTestErrors": 1, "checkOnly": True, "numberTestsTotal": 7},
            {"id": "0Af2", "status": "InProgress", "numberComponentsDeployed": 14, "numberComponentsTotal": 23},
        ],
        "tests": {
            "ran": 7,
            "failed": 1,
            "failures": [
                {"class": "PricingTest", "method": "gold", "message": "Expected: 3 <b>", "stack": "line 41, column 1"}
            ],
            "coverage": 94.7,
            "coverage_by_name": {"Pricing": 88.0},
        },
        "audit": [{"at": "2026-11-22T08:11:00.000Z", "by": "Mei", "display": "Changed Apex Class Pricing"}],
    }
    org = {"name": "UAT", "kind": "sandbox", "url": "http://uat.test", "state": state}
    panel = panels_of([org], Reader("U0RELMGR", now=NOON))[0]
    page = Page(workspace, list)
    html = page.draw("orgs.html", {"panels": [panel]})
    assert html.index("0Af2") < html.index("0Af1"), "the latest stands first"
    assert '<progress max="23" value="14"' in html
    assert 'data-live="UAT 14/23"' in html
    assert " open data-urgent" in html, "what failed opens by itself"
    assert "1 failed test" in html
    assert "PricingTest.gold, line 41" in html
    assert "Expected: 3 &lt;b&gt;" in html
    assert "1 of 7 failed" in html
    assert "9f2c41ab<" in html
    assert "today 08:11" in html
    assert "Changed Apex Class Pricing" in html


async def test_empty_releases_says_what_to_try(page: httpx.AsyncClient, workspace: Any) -> None:
    """Who opens an empty #releases reads whom they are, what to type, where the sample packages are."""
    html = (await page.get("/?as=anna")).text
    assert "You are Anna Keller, release manager." in html
    assert 'data-draft="/release new"' in html
    assert 'class="welcome"' in html
    workspace.messages.append(a_message("Hello"))
    after = (await page.get("/?as=anna")).text
    assert 'class="welcome"' not in after
    assert 'class="pop guide"' in after, "the guide stays at the top"


@pytest.mark.parametrize("variant", ["first", "mended", "changed"])
async def test_sample_packages_are_offered_for_download(page: httpx.AsyncClient, variant: Variant) -> None:
    """Each sample that the page links to is the package itself."""
    address = f"/page/packages/discount-approvals-{variant}.zip"
    assert f'href="{address}"' in (await page.get("/?as=anna")).text
    answer = await page.get(address)
    assert answer.content == sample_package(variant)
    assert answer.headers["content-type"] == "application/zip"


async def test_unknown_sample_names_those_there_are(page: httpx.AsyncClient) -> None:
    """A wrong name is 404 with the right ones."""
    answer = await page.get("/page/packages/other.zip")
    assert answer.status_code == 404
    assert "discount-approvals-mended.zip" in answer.text


async def test_nobody_who_left_can_be_chosen(page: httpx.AsyncClient, workspace: Any) -> None:
    """A people picker offers neither deactivated people, nor hides their names elsewhere."""
    workspace.people[1]["active"] = False
    picker = {"type": "users_select", "action_id": "owner"}
    blocks = [{"type": "actions", "block_id": "b", "elements": [picker]}]
    workspace.messages.append(a_message("<@U0TESTER> left", blocks=blocks))
    html = (await page.get("/page/channel?as=anna")).text
    assert '<option value="U0RELMGR">' in html
    assert '<option value="U0TESTER">Tom' not in html[html.index("<select") :].split('aria-label="Person"')[0]


async def test_visible_label_names_a_control() -> None:
    """Inside a form, a placeholder does not speak over the field's own label."""
    element = {"type": "static_select", "action_id": "a", "options": []}
    field = {
        "type": "input",
        "block_id": "org",
        "label": {"type": "plain_text", "text": "Target org"},
        "element": element,
    }
    surface = Surface(Reader("U0RELMGR"))
    assert "aria-label" not in draw_block(field, surface)
    assert 'aria-label="Choose…"' in draw_block({"type": "actions", "elements": [element]}, surface)
