"""The page in a real browser, with a real Bolt app behind the workspace."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.rehearsal.clock import MovableClock
from bot.rehearsal.pages.app import page_routes
from bot.rehearsal.workspace.serve import Extras, RunningWorkspace, start

OpenPage = Callable[..., Page]
MANIFEST = Path(__file__).parents[4] / "manifest.yml"
TOO_FAINT = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]


def chromium_path() -> str | None:
    """Where Chromium is on this machine; None when it is not."""
    return next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None)


pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="Chromium is not installed on this machine"),
]


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def field(block_id: str, label: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": {"action_id": "a", **element},
        **more,
    }


def the_form() -> dict[str, Any]:
    """A modal with a field of every common kind."""
    orgs = [{"text": plain(name), "value": name.lower()} for name in ("UAT", "PRODUCTION")]
    kinds = [{"text": plain(name), "value": name.lower()} for name in ("Standard", "Hotfix")]
    return {
        "type": "modal",
        "callback_id": "new",
        "title": plain("New release"),
        "submit": plain("Create"),
        "close": plain("Cancel"),
        "blocks": [
            field("name", "Name", {"type": "plain_text_input"}),
            field("org", "Target org", {"type": "static_select", "options": orgs}),
            field("kind", "Kind", {"type": "radio_buttons", "options": kinds}),
            field("checks", "Checks", {"type": "checkboxes", "options": kinds}, optional=True),
            field("seats", "Approvers", {"type": "multi_users_select"}),
            field("owner", "Owner", {"type": "external_select", "action_id": "find", "min_query_length": 2}),
            field("opens", "Opens", {"type": "datetimepicker"}),
            field("day", "Day", {"type": "datepicker"}),
            field("at", "At", {"type": "timepicker"}),
            field("package", "Package", {"type": "file_input", "max_files": 1, "filetypes": ["zip"]}, optional=True),
            field("notes", "Notes", {"type": "plain_text_input", "multiline": True}, optional=True),
        ],
    }


def the_card(name: str) -> list[dict[str, Any]]:
    """A card whose button asks before it acts."""
    confirm = {
        "title": plain("Approve?"),
        "text": plain("For good."),
        "confirm": plain("Approve"),
        "deny": plain("Not yet"),
    }
    button = {
        "type": "button",
        "action_id": "approve",
        "text": plain("Approve"),
        "style": "primary",
        "confirm": confirm,
    }
    silent = {"type": "button", "action_id": "nobody_listens", "text": plain("Decline"), "style": "danger"}
    hand_over = {"type": "users_select", "action_id": "hand_over", "placeholder": plain("Hand over to")}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{name}* waits for a yes"}}
    return [section, {"type": "actions", "block_id": "decide", "elements": [button, silent, hand_over]}]


CARDS = "C0RELEASES"


def a_bolt_app(running: RunningWorkspace, heard: list[Any]) -> App:
    """A small bot: a form behind a command, a card with a decision, a Home."""
    client = WebClient(running.bot_token, base_url=running.api_url)
    app = App(client=client, signing_secret=running.signing_secret)

    @app.command("/release")
    def on_command(ack: Any, body: Any, client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=the_form())

    @app.view("new")
    def on_form(ack: Any, view: Any, client: WebClient) -> None:
        values = view["state"]["values"]
        heard.append(values)
        name = values["name"]["a"]["value"]
        if name == "taken":
            ack(response_action="errors", errors={"name": "That name is taken."})
            return
        ack()
        name = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        client.chat_postMessage(channel=CARDS, text=name, blocks=the_card(name))

    @app.action("approve")
    def on_approve(ack: Any, body: Any, client: WebClient) -> None:
        ack()
        message = body["message"]
        text = f"{message['text']} approved by <@{body['user']['id']}>"
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]
        client.chat_update(channel=body["channel"]["id"], ts=message["ts"], text=text, blocks=blocks)

    @app.options("find")
    def on_search(ack: Any, payload: Any) -> None:
        found = [name for name in ("Anna", "Hannah", "Omar") if payload["value"].lower() in name.lower()]
        ack(options=[{"text": plain(name), "value": name.lower()} for name in found])

    @app.action("hand_over")
    def on_hand_over(ack: Any, body: Any, client: WebClient) -> None:
        ack()
        person = body["actions"][0]["selected_user"]
        client.chat_postEphemeral(channel=CARDS, user=body["user"]["id"], text=f"Handed over to <@{person}>")

    @app.event("app_home_opened")
    def on_home(event: Any, client: WebClient) -> None:
        view = {"type": "home", "blocks": [{"type": "header", "text": plain("My approvals")}]}
        if event["tab"] == "home":
            client.views_publish(user_id=event["user"], view=view)

    @app.event("message")
    def on_message() -> None:
        """Heard, not answered."""

    return app


@pytest.fixture(scope="module")
def heard() -> list[Any]:
    """What the bot read from submitted forms."""
    return []


@pytest.fixture(scope="module")
def running(heard: list[Any]) -> Iterator[RunningWorkspace]:
    orgs = [{"name": "UAT", "kind": "sandbox", "url": "http://127.0.0.1:9"}]
    extras = Extras(mounts=lambda onlooker: page_routes(onlooker, orgs), orgs=orgs)
    running = start(0, clock=MovableClock(), manifest=MANIFEST, extras=extras)
    handler = SocketModeHandler(a_bolt_app(running, heard), running.app_token, trace_enabled=False)
    handler.connect()
    yield running
    handler.close()
    running.stop()


@pytest.fixture
def client(running: RunningWorkspace) -> WebClient:
    """The bot's own hands."""
    return WebClient(running.bot_token, base_url=running.api_url)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, running: RunningWorkspace) -> Iterator[OpenPage]:
    """Opens the page as somebody, each in a browser profile of their own; no script may fail."""
    contexts, failures = [], []

    def open_as(
        person: str, channel: str = "releases", *, width: int = 1440, scheme: Literal["light", "dark"] = "light"
    ) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.goto(f"{running.url}/?as={person}&channel={channel}")
        return page

    yield open_as
    for context in contexts:
        context.close()
    assert failures == []


def said(page: Page, text: str) -> Locator:
    """The messages in the open conversation that hold a text."""
    return page.locator("#channel .message").filter(has_text=text)


def type_command(page: Page, text: str) -> None:
    page.fill("#composer-text", text)
    page.keyboard.press("Enter")


def fill_form(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.locator('[data-block="org"] select').select_option("uat")
    page.get_by_label("Hotfix").first.check()
    page.locator('[data-block="seats"] summary').click()
    page.locator('[data-block="seats"]').get_by_label("Tomás Silva").check()
    page.locator('[data-block="seats"] summary').click()
    page.locator('[data-block="owner"] input').press_sequentially("ann")
    page.locator('[data-block="owner"]').get_by_role("option", name="Hannah").click()
    page.locator('[data-block="opens"] input').fill("2027-01-15T18:30")
    page.locator('[data-block="day"] input').fill("2027-01-15")
    page.locator('[data-block="at"] input').fill("18:30")
    page.locator('[data-block="package"] input').set_input_files(
        {"name": "package.zip", "mimeType": "application/zip", "buffer": b"PK-not-really"}
    )
    page.get_by_label("Notes").fill("two\nlines")


def test_a_form_is_refused_then_taken_and_everyone_sees_the_result(open_page: OpenPage, heard: list[Any]) -> None:
    """One person fills a form wrongly, then rightly; another sees the card without reloading and approves it."""
    anna, tomas = open_page("anna"), open_page("tomas")
    type_command(anna, "/release new")
    expect(anna.get_by_role("dialog", name="New release")).to_be_visible()
    expect(anna.get_by_label("Name")).to_be_focused()
    fill_form(anna, "taken")
    anna.get_by_role("button", name="Create").click()
    expect(anna.get_by_text("That name is taken.")).to_be_visible()
    expect(anna.get_by_label("Notes")).to_have_value("two\nlines")
    anna.get_by_label("Name").fill("Winter <b>24</b>")
    anna.keyboard.press("Control+Enter")
    expect(anna.get_by_role("dialog", name="New release")).to_be_hidden()
    values = heard[-1]
    assert values["org"]["a"]["selected_option"]["value"] == "uat"
    assert values["kind"]["a"]["selected_option"]["value"] == "hotfix"
    assert values["seats"]["a"]["selected_users"] == ["U0TESTER"]
    assert values["owner"]["find"]["selected_option"]["value"] == "hannah"
    assert values["opens"]["a"]["selected_date_time"] == 1800034200  # 18:30 in Berlin
    assert values["day"]["a"]["selected_date"] == "2027-01-15"
    assert values["at"]["a"]["selected_time"] == "18:30"
    assert values["package"]["a"]["files"][0]["name"] == "package.zip"

    card = said(tomas, "Winter <b>24</b> waits for a yes")
    expect(card).to_be_visible()
    card.get_by_role("button", name="Approve").click()
    tomas.get_by_role("button", name="Not yet").click()
    expect(card).to_be_visible()
    card.get_by_role("button", name="Approve").click()
    tomas.locator("#confirm").get_by_role("button", name="Approve").click()
    for page in (anna, tomas):
        expect(said(page, "Winter <b>24</b> approved by @Tomás Silva")).to_be_visible()


def test_choice_in_a_message_is_told_at_once(open_page: OpenPage, client: WebClient) -> None:
    """A select in a card acts when something is chosen; the answer is for the one who chose."""
    page = open_page("tomas")
    client.chat_postMessage(channel=CARDS, text="Choosing", blocks=the_card("Choosing"))
    said(page, "Choosing").locator("select").select_option(label="Mei Tanaka")
    expect(said(page, "Handed over to @Mei Tanaka").get_by_text("Only visible to you")).to_be_visible()
    expect(said(page, "Choosing").locator("select")).to_have_value("U0ADMINS")


def test_button_that_nobody_answers_says_so(open_page: OpenPage, client: WebClient) -> None:
    """When the bot does not answer within Slack's three seconds, a short message tells it."""
    page = open_page("tomas")
    client.chat_postMessage(channel=CARDS, text="Silence", blocks=the_card("Silence"))
    said(page, "Silence").get_by_role("button", name="Decline").click()
    expect(page.get_by_role("alert").get_by_text("This app is not responding")).to_be_visible(timeout=8000)


def test_missing_fields_are_told_in_the_form(open_page: OpenPage) -> None:
    """An empty form says which fields are missing, and Esc closes it."""
    page = open_page("anna")
    type_command(page, "/release new")
    dialog = page.get_by_role("dialog", name="New release")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.locator(".field-error").first).to_be_visible()
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_keyboard_stays_inside_an_open_form(open_page: OpenPage) -> None:
    """However often one presses Tab, the focus does not reach what lies under the form."""
    page = open_page("anna")
    type_command(page, "/release new")
    expect(page.get_by_role("dialog", name="New release")).to_be_visible()
    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")


def test_commands_are_completed(open_page: OpenPage) -> None:
    """A slash lists the commands; Tab takes one; its words follow."""
    page = open_page("anna")
    page.locator("#composer-text").press_sequentially("/rel")
    expect(page.get_by_role("option", name="/release")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#composer-text")).to_have_value("/release ")
    expect(page.get_by_role("option", name="/release new")).to_be_visible()


def test_unknown_command_gets_slacks_own_sentence(open_page: OpenPage) -> None:
    """What Slackbot says stands in the channel, for this person only; the words stay in the input."""
    anna, tomas = open_page("anna"), open_page("tomas")
    type_command(anna, "/relaese status")
    expect(said(anna, "/relaese is not a valid command")).to_be_visible()
    expect(said(anna, "/relaese").get_by_text("Only visible to you")).to_be_visible()
    expect(anna.locator("#composer-text")).to_have_value("/relaese status")
    expect(said(tomas, "/relaese")).to_have_count(0)


def test_hostile_text_stays_text(open_page: OpenPage) -> None:
    """Markup typed by a person is read by the others as they typed it."""
    anna, tomas = open_page("anna"), open_page("tomas")
    words = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    type_command(anna, words)
    expect(said(tomas, words)).to_be_visible()
    assert "rehearsal" in tomas.title()


def test_reply_in_a_thread_appears_for_others(open_page: OpenPage) -> None:
    """A thread opens beside the channel, a reply is counted at its head, a command in it is refused."""
    anna, tomas = open_page("anna"), open_page("tomas")
    type_command(anna, "who is testing?")
    head = said(tomas, "who is testing?")
    head.hover()
    head.get_by_role("button", name="Reply in thread").click()
    tomas.fill("#thread-text", "I am")
    tomas.keyboard.press("Enter")
    expect(tomas.locator("#thread .message").filter(has_text="I am")).to_be_visible()
    expect(said(anna, "who is testing?").get_by_text("1 reply")).to_be_visible()
    tomas.fill("#thread-text", "/release status")
    tomas.keyboard.press("Enter")
    expect(tomas.locator("#thread .notice")).to_contain_text("not supported in threads")


def test_draft_survives_what_others_write(open_page: OpenPage) -> None:
    """A half-written message keeps its words and its caret while the channel moves on, and over a reload."""
    anna, tomas = open_page("anna"), open_page("tomas")
    anna.locator("#composer-text").press_sequentially("half a thou")
    type_command(tomas, "meanwhile")
    expect(said(anna, "meanwhile")).to_be_visible()
    expect(anna.locator("#composer-text")).to_have_value("half a thou")
    expect(anna.locator("#composer-text")).to_be_focused()
    anna.reload()
    expect(anna.locator("#composer-text")).to_have_value("half a thou")


def test_file_is_attached_and_can_be_downloaded(open_page: OpenPage) -> None:
    """A file chosen in the input is sent with the message; others download the same bytes."""
    anna, tomas = open_page("anna"), open_page("tomas")
    attach = anna.locator("#channel [data-composer] input[type=file]")
    attach.set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"the very bytes"})
    type_command(anna, "here they are")
    with tomas.expect_download() as download:
        tomas.get_by_text("notes.txt").click()
    assert download.value.path().read_bytes() == b"the very bytes"


def test_unread_is_counted_and_forgotten(open_page: OpenPage) -> None:
    """What is said elsewhere is counted beside its channel until one looks."""
    anna = open_page("anna")
    lena = open_page("lena", "incidents")
    type_command(lena, "something is on fire")
    entry = anna.locator("#sidebar a").filter(has_text="incidents")
    expect(entry.locator(".count")).to_contain_text("1")
    entry.click()
    expect(said(anna, "something is on fire")).to_be_visible()
    expect(entry.locator(".count")).to_have_count(0)


def test_home_is_published_when_it_is_opened(open_page: OpenPage) -> None:
    """The bot hears that Home was opened; what it publishes is shown."""
    page = open_page("anna")
    page.get_by_role("link", name="Rollcall home").click()
    expect(page.get_by_role("heading", name="My approvals")).to_be_visible()


def test_clock_is_moved_for_everybody(open_page: OpenPage) -> None:
    """One hour forward on one page is one hour forward on the other."""
    anna, tomas = open_page("anna"), open_page("tomas")
    anna.get_by_title("Rehearsal time in Europe/Berlin").click()
    anna.get_by_role("button", name="+1 h").click()
    for page in (anna, tomas):
        expect(page.locator("#clock-ahead")).to_contain_text(re.compile(r"\+1 h"))


def test_scroll_follows_the_end_unless_one_reads_above(open_page: OpenPage) -> None:
    """At the end one stays at the end; further up nothing moves, and a button leads down."""
    anna, tomas = open_page("anna", "general"), open_page("tomas", "general")
    for number in range(30):
        type_command(tomas, f"line {number}")
    expect(said(anna, "line 29")).to_be_in_viewport()
    anna.evaluate("document.querySelector('#channel [data-stick]').scrollTop = 100")
    type_command(tomas, "one more")
    expect(anna.get_by_text("New messages below")).to_be_visible()
    assert anna.evaluate("document.querySelector('#channel [data-stick]').scrollTop") == 100
    anna.get_by_text("New messages below").click()
    expect(said(anna, "one more")).to_be_in_viewport()


@pytest.mark.parametrize("width", [320, 400, 480, 900, 1440])
def test_nothing_is_wider_than_the_window(open_page: OpenPage, width: int) -> None:
    """At no width does the page scroll sideways; on narrow ones the panels are drawers."""
    page = open_page("anna", width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width <= 480:
        expect(page.locator("#sidebar")).not_to_be_in_viewport()
        page.get_by_role("button", name="Channels").click()
        expect(page.locator("#sidebar").get_by_text("incidents")).to_be_in_viewport()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Orgs").click()
        expect(page.get_by_role("heading", name="Orgs")).to_be_in_viewport()


def test_light_and_dark_can_be_chosen(open_page: OpenPage) -> None:
    """The choice is kept over a reload."""
    page = open_page("anna")
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_clock_that_should_go_back_says_what_it_is(open_page: OpenPage) -> None:
    """A moment in the past is refused in words, without asking the rehearsal."""
    page = open_page("anna")
    page.locator(".clock > summary").click()
    page.locator("#clock-to").fill("2020-01-01T10:00")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_role("alert").get_by_text("The clock only moves forward.")).to_be_visible()


def test_sample_package_is_one_click_away_in_a_form(open_page: OpenPage, heard: list[Any]) -> None:
    """A form that takes a zip offers the rehearsal's own packages."""
    page = open_page("anna")
    type_command(page, "/release new")
    expect(page.get_by_role("dialog", name="New release")).to_be_visible()
    fill_form(page, "Sampled")
    page.locator('[data-block="package"]').get_by_role("button", name="mended").click()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("dialog", name="New release")).to_be_hidden()
    assert [one["name"] for one in heard[-1]["package"]["a"]["files"]] == ["discount-approvals-mended.zip"]


def test_another_person_sees_the_same_place(open_page: OpenPage) -> None:
    """Who changes whom they act as stays in the channel they had gone to."""
    page = open_page("anna")
    page.locator("#sidebar").get_by_role("link", name="stakeholders").click()
    expect(page.locator("#channel h1")).to_contain_text("stakeholders")
    page.locator(".persona > summary").click()
    page.get_by_label("Act as").get_by_role("link", name="Tomás Silva").click()
    expect(page.locator(".persona > summary")).to_contain_text("Tomás Silva")
    expect(page.locator("#channel h1")).to_contain_text("stakeholders")


def test_orgs_stay_within_reach_beside_a_thread(open_page: OpenPage, client: WebClient) -> None:
    """With a thread open, a tab shows the orgs, and one more shows the thread again."""
    head = client.chat_postMessage(channel=CARDS, text="A head with orgs beside it")
    client.chat_postMessage(channel=CARDS, thread_ts=head["ts"], text="A reply")
    page = open_page("anna")
    said(page, "A head with orgs beside it").locator(".replies").click()
    expect(page.locator("#thread .message")).to_have_count(2)
    expect(page.locator("#orgs")).to_be_hidden()
    page.get_by_role("tab", name="Orgs").click()
    expect(page.locator("#orgs")).to_be_visible()
    page.get_by_role("tab", name="Thread").click()
    expect(page.locator("#thread .message").first).to_be_visible()


def test_keyboard_goes_from_part_to_part_and_from_message_to_message(open_page: OpenPage, client: WebClient) -> None:
    """F6 leads on, arrows go through messages, Enter opens a thread, Escape leads back."""
    head = client.chat_postMessage(channel=CARDS, text="The head for the keyboard")
    client.chat_postMessage(channel=CARDS, thread_ts=head["ts"], text="A reply for the keyboard")
    client.chat_postMessage(channel=CARDS, text="Newest for the keyboard")
    page = open_page("anna")
    expect(said(page, "Newest for the keyboard")).to_be_visible()
    page.keyboard.press("ArrowUp")
    expect(said(page, "Newest for the keyboard")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(said(page, "The head for the keyboard")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#thread-text")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#thread .message").last).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#thread-text")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#thread")).to_be_hidden()
    expect(page.locator("#composer-text")).to_be_focused()
    for part in ("#orgs", ".bar", "#sidebar", "#channel .scroll", "#composer-text"):
        page.keyboard.press("F6")
        assert page.evaluate("part => document.querySelector(part).contains(document.activeElement)", part), part
    page.keyboard.press("Shift+F6")
    expect(page.locator("#channel .scroll")).to_be_focused()


def test_menu_is_used_with_arrows(open_page: OpenPage, client: WebClient) -> None:
    """Enter opens a card's menu at its first line; arrows move, Escape gives the focus back."""
    options = [{"text": plain(name), "value": name.lower()} for name in ("Tick", "Block", "Waive")]
    overflow = {"type": "overflow", "action_id": "approve", "options": options}
    section = {"type": "section", "text": plain("With a menu"), "accessory": overflow}
    client.chat_postMessage(channel=CARDS, text="With a menu", blocks=[section])
    page = open_page("tomas")
    button = said(page, "With a menu").get_by_label("More actions")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Tick")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Waive")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(said(page, "With a menu approved by @Tomás Silva")).to_be_focused()


def test_form_is_filled_and_left_with_the_keyboard(open_page: OpenPage) -> None:
    """Suggestions are chosen with arrows; Escape leaves one thing at a time, and the focus returns."""
    page = open_page("anna")
    shortcut = page.locator("#channel [data-composer]").get_by_label("Attach a file")
    expect(shortcut).to_have_count(1)
    type_command(page, "/release new")
    dialog = page.get_by_role("dialog", name="New release")
    expect(page.get_by_label("Name")).to_be_focused()
    owner = page.locator('[data-block="owner"] input')
    owner.focus()
    page.keyboard.type("ann")
    expect(dialog.get_by_role("option", name="Hannah")).to_be_visible()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(owner).to_have_value("Hannah")
    seats = page.locator('[data-block="seats"] summary')
    seats.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    expect(seats).to_be_focused()
    expect(seats).not_to_have_text("Choose…")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#composer-text")).to_be_focused()
    assert page.evaluate("fetch('/rehearsal/api/views?as=anna').then(a => a.json()).then(a => a.views.length)") == 0


def test_new_words_are_told_to_screen_readers(open_page: OpenPage) -> None:
    """What others write, and what is for oneself alone, is said in a place that is read aloud, in a thread too."""
    anna, tomas = open_page("anna"), open_page("tomas")
    type_command(tomas, "read me aloud")
    expect(anna.locator("#news")).to_have_text("Tomás Silva: read me aloud")
    type_command(anna, "/nonsense")
    expect(anna.locator("#news")).to_contain_text("Only to you, Slackbot: /nonsense is not a valid command")
    said(anna, "read me aloud").press("Enter")
    anna.fill("#thread-text", "it starts")
    anna.keyboard.press("Enter")
    expect(anna.locator("#thread .message")).to_have_count(2)
    said(tomas, "read me aloud").locator(".replies").click()
    tomas.fill("#thread-text", "and goes on")
    tomas.keyboard.press("Enter")
    expect(anna.locator("#news")).to_have_text("Tomás Silva: and goes on")


def test_trouble_is_made_and_called_off(open_page: OpenPage, running: RunningWorkspace) -> None:
    """A fault is one click away; what is still to come is said, and called off."""
    page = open_page("anna")
    page.get_by_label("Make something go wrong").first.click()
    page.get_by_role("button", name="Too many posts").click()
    expect(page.locator("#trouble .to-come")).to_contain_text("ratelimited of chat.postMessage, 3 ×")
    assert [one["kind"] for one in running.workspace.faults.armed()] == ["ratelimited"]
    page.get_by_role("button", name="Call all off").click()
    expect(page.locator("#trouble .to-come")).to_have_count(0)
    assert running.workspace.faults.armed() == []
    expect(page.locator("#trouble")).to_contain_text("UAT is not reachable")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(
    open_page: OpenPage, client: WebClient, scheme: Literal["light", "dark"]
) -> None:
    """In light and in dark, in messages, menus and forms, contrast is what WCAG 2.2 AA asks for."""
    client.chat_postMessage(channel=CARDS, text="For contrast", blocks=the_card("For contrast"))
    client.chat_postMessage(
        channel=CARDS, text="See <#C0GENERAL>, <@U0TESTER>, `code` and <https://example.com|a link>"
    )
    page = open_page("tomas", scheme=scheme)
    type_command(page, "/nonsense")
    expect(said(page, "/nonsense is not a valid command")).to_be_visible()
    for summary in (".guide", ".trouble", ".persona", ".clock"):
        page.locator(f"{summary} > summary").click()
        page.wait_for_timeout(200)
        assert page.evaluate(TOO_FAINT) == []
    page.keyboard.press("Escape")
    page.fill("#composer-text", "/")
    expect(page.get_by_role("option", name="/release")).to_be_visible()
    assert page.evaluate(TOO_FAINT) == []
    type_command(page, "/release new")
    page.get_by_role("dialog", name="New release").get_by_role("button", name="Create").click()
    expect(page.locator(".field-error").first).to_be_visible()
    assert page.evaluate(TOO_FAINT) == []
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
