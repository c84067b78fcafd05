"""A release, an incident, the way back in parts: three people without a command, one of them by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from bot.rehearsal.run import Stage
from tests.stories.test_the_story_on_the_page import (  # noqa: F401 - fixtures are found by their names
    SOON,
    Chair,
    browser,
    pytestmark,
    scene,
)

FOCUSED = """() => {
  const it = document.activeElement;
  const label = it.labels?.length ? [...it.labels].map((each) => each.innerText).join(" ") : "";
  return (it.getAttribute("aria-label") || label || it.innerText || it.value || "").trim();
}"""
STEPS_AT_MOST = 80
LEFT = "LegacyDiscount"


@dataclass(frozen=True)
class Keys:
    """A browser in which somebody sits who has no mouse."""

    page: Page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def reaches(self, words: str, *, back: bool = False) -> None:
        """Go on with Tab until what has the focus is called by these words."""
        passed = []
        for _ in range(STEPS_AT_MOST):
            passed.append(str(self.page.evaluate(FOCUSED)))
            if passed[-1].startswith(words):
                return
            self.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"Tab does not lead to {words!r}, but to {passed}.")

    def presses(self, words: str) -> None:
        """Go to a button or link and press it."""
        self.reaches(words)
        self.press("Enter")

    def goes_to(self, room: str) -> None:
        """Open a conversation from the list on the left."""
        for _ in range(8):
            self.press("F6")
            if self.page.evaluate("document.querySelector('#sidebar').contains(document.activeElement)"):
                break
        self.reaches(room, back=room == "Rollcall home")
        self.press("Enter")
        expect(self.page.locator("#sidebar .current")).to_contain_text(room, timeout=SOON)

    def reads_home(self, words: str) -> None:
        """Home, opened anew, says so; the focus is at its top."""
        self.goes_to("releases")
        self.goes_to("Rollcall home")
        expect(self.page.locator(".home")).to_contain_text(words, timeout=SOON)
        expect(self.page.locator(".home")).to_be_focused()

    def form(self, words: str) -> Locator:
        """What is open, saying these words, with the focus inside."""
        dialog = self.page.locator("dialog[open]").filter(has_text=words)
        expect(dialog).to_be_visible(timeout=SOON)
        assert self.page.evaluate("document.activeElement.closest('dialog') !== null")
        return dialog

    def leaves(self) -> None:
        """Back to the page, whatever is open."""
        dialog = self.page.locator("dialog[open]")
        while dialog.count():
            self.press("Escape")
            self.page.wait_for_timeout(150)


@pytest.fixture
def failures() -> list[str]:
    return []


@pytest.fixture
def pages(scene: Stage, browser: Browser, failures: list[str]) -> Iterator[list[Page]]:  # noqa: F811
    """Anna's, Priya's and Tomás' pages, in #releases; no script of the page may fail meanwhile."""
    found = []
    for person in ("anna", "priya", "tomas"):
        page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB").new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.goto(f"{scene.workspace.url}/?as={person}")
        found.append(page)
    yield found
    assert failures == []


def test_nobody_types_a_command(scene: Stage, pages: list[Page]) -> None:  # noqa: F811
    anna, priya, tomas = Chair(pages[0]), Chair(pages[1]), Keys(pages[2])
    plan(anna)
    attach_and_validate(priya)
    add_a_task(anna)
    settle(anna, priya)
    settle_by_keyboard(tomas)
    approve(anna, priya, tomas)
    schedule(anna)
    wait_for_the_task(anna, tomas)
    deploy(anna)
    keep_and_show(anna, priya, scene.workspace.url)
    report(priya, tomas)
    roll_back_in_parts(anna, priya)
    resolve(tomas, priya)
    assert not [one for one in scene.workspace.workspace.deliveries if one["kind"] == "slash_commands"]


def last(chair: Chair) -> Locator:
    """The newest message in the open channel."""
    return chair.page.locator("#channel .message").last


def plan(anna: Chair) -> None:
    """The global shortcut beside the message input."""
    anna.page.get_by_role("button", name="New release").click()
    form = anna.form("New release")
    form.get_by_label("Name", exact=True).fill("Discount approvals")
    form.get_by_role("button", name="Create").click()
    expect(anna.reads("none attached")).to_contain_text("REL-1 Discount approvals")


def attach_and_validate(priya: Chair) -> None:
    """Buttons of the headline."""
    priya.reads("none attached").get_by_role("button", name="Attach package").click()
    form = priya.form("Attach to REL-1")
    form.get_by_role("button", name="mended").click()
    form.get_by_role("button", name="Attach", exact=True).click()
    expect(form).to_be_hidden(timeout=SOON)
    priya.reads("discount-approvals-mended.zip 849").get_by_role("button", name="Validate", exact=True).click()
    priya.reads_in_thread("in PRODUCTION: passed")


def add_a_task(anna: Chair) -> None:
    """More… on the headline is the menu for its release."""
    anna.page.locator("#channel").get_by_role("button", name="More…").first.click()
    anna.reads("Look…").get_by_role("button", name="Plan…").click()
    anna.reads("Add a manual step").get_by_role("button", name="Task", exact=True).click()
    form = anna.form("Task for REL-1")
    form.get_by_label("What is to be done").fill("Switch the nightly job off")
    form.get_by_label("When").select_option(index=1)
    form.get_by_label("Who").select_option(label="Tomás Silva")
    form.get_by_label("Minutes").fill("5")
    form.get_by_role("button", name="Add").click()
    expect(form).to_be_hidden(timeout=SOON)
    anna.reads_in_thread("Switch the nightly job off")


def settle(anna: Chair, priya: Chair) -> None:
    """Priya's item from her Home; one waived, one ticked on the checklist's card."""
    priya.page.locator("#sidebar").get_by_role("link", name="Rollcall home").click()
    expect(priya.page.locator(".home")).to_contain_text("Release notes written", timeout=SOON)
    priya.page.locator(".home").get_by_role("button", name="Tick").first.click()
    expect(priya.page.locator("dialog[open]")).to_contain_text("“Release notes written” is done", timeout=SOON)
    priya.page.keyboard.press("Escape")
    priya.goes_to("releases")
    card = anna.reads_in_thread("checklist, 2 of 7 settled")
    card.get_by_label("Waive…").select_option(label="6 Data backed up")
    form = anna.form("Waive item 6")
    form.get_by_role("textbox").fill("no data is touched")
    form.get_by_role("button", name="Waive").click()
    anna.reads_in_thread("checklist, 3 of 7 settled").get_by_role("button", name="Tick 5").click()
    anna.reads_in_thread("item 5 “Support briefed” is done")


def settle_by_keyboard(tomas: Keys) -> None:
    """What Tomás owes is settled where Home shows it; a switch is put off."""
    tomas.reads_home("UAT signed off")
    tomas.presses("Tick")
    tomas.form("“UAT signed off” is done")
    tomas.leaves()
    expect(tomas.page.locator(".home")).not_to_contain_text("UAT signed off", timeout=SOON)
    tomas.reads_home("My direct messages")
    tomas.presses("Change…")
    tomas.form("My direct messages")
    tomas.reaches("Reminders before due")
    tomas.press("Space", "Control+Enter")
    expect(tomas.page.locator("dialog[open]")).to_have_count(0, timeout=SOON)
    tomas.reads_home("Off: Reminders before due.")


def approve(anna: Chair, priya: Chair, tomas: Keys) -> None:
    """Anna asks by the menu; Tomás answers from Home, Lena in the thread."""
    anna.page.locator("#channel").get_by_role("button", name="More…").first.click()
    anna.reads("Look…").get_by_role("button", name="Plan…").click()
    anna.reads("Ask the seats to approve").get_by_role("button", name="Ask", exact=True).click()
    tomas.reads_home("QA")
    tomas.presses("Answer…")
    tomas.form("QA")
    tomas.presses("Approve")
    anna.reads_in_thread("QA: approved by @Tomás Silva")
    tomas.leaves()
    priya.takes_place("Lena Fischer")
    priya.reads_in_thread("Business is asked to approve").get_by_role("button", name="Approve").click()
    anna.reads_in_thread("Business: approved by @Lena Fischer")


def schedule(anna: Chair) -> None:
    """The window by its form, with date-time pickers in Anna's zone."""
    now = datetime.fromisoformat(str(anna.page.locator("#clock-now").get_attribute("data-now"))).astimezone(UTC)
    opens = (now + timedelta(minutes=70)).astimezone(ZoneInfo("Europe/Berlin"))
    anna.page.locator("#channel").get_by_role("button", name="Set window").first.click()
    form = anna.form("Window of REL-1")
    moments = form.locator("input[type=datetime-local]")
    moments.nth(0).fill(f"{opens:%Y-%m-%dT%H:%M}")
    moments.nth(1).fill(f"{opens + timedelta(hours=2):%Y-%m-%dT%H:%M}")
    form.get_by_role("button", name="Set", exact=True).click()
    expect(form).to_be_hidden(timeout=SOON)
    anna.lets_hours_pass(2)


def wait_for_the_task(anna: Chair, tomas: Keys) -> None:
    """May we go? Not before Tomás' step is done; he settles it from Home."""
    anna.page.locator("#channel").get_by_role("button", name="May we go?").first.click()
    expect(anna.reads("may not go now")).to_contain_text("Switch the nightly job off")
    tomas.reads_home("Switch the nightly job off")
    tomas.presses("Done")
    tomas.form("Switch the nightly job off")
    if tomas.page.locator("dialog[open] [data-submit]").count():
        tomas.press("Control+Enter")
    tomas.leaves()
    expect(tomas.page.locator(".home")).not_to_contain_text("Switch the nightly job off", timeout=SOON)


def deploy(anna: Chair) -> None:
    """The button under the open window."""
    card = anna.reads_in_thread("the window is open")
    card.get_by_role("button", name="Deploy to PRODUCTION").click()
    anna.confirms("Deploy to PRODUCTION")
    anna.reads_in_thread("is live in PRODUCTION")
    anna.reads_in_thread("The way back is armed")


def keep_and_show(anna: Chair, priya: Chair, address: str) -> None:
    """Lena's link is shown with the headline and leads to it; what she wrote goes into the timeline."""
    lena = priya
    lena.goes_to("general")
    lena.types(f"It is out: {address}/r/REL-1")
    expect(lena.reads("It is out").locator(".attachment")).to_contain_text("live, being watched", timeout=SOON)
    anna.goes_to("general")
    anna.reads("It is out").hover()
    anna.reads("It is out").get_by_role("button", name="Add to timeline").click()
    anna.form("Add to timeline").get_by_role("button", name="Add", exact=True).click()
    expect(anna.page.locator("dialog[open]")).to_have_count(0, timeout=SOON)
    anna.reads("It is out").get_by_role("link", name="/r/REL-1").first.click()
    expect(anna.page.locator("#channel h1")).to_contain_text("releases")
    expect(anna.page.locator("#channel .message:focus")).to_contain_text("REL-1 Discount approvals")
    anna.reads_in_thread("kept what @Lena Fischer wrote")


def report(priya: Chair, tomas: Keys) -> None:
    """A complaint in plain words becomes an incident, by the message's own shortcut and the keyboard."""
    priya.types("Quotes cannot be saved since this afternoon")
    tomas.goes_to("general")
    expect(tomas.page.locator("#channel .message").last).to_contain_text("Quotes cannot be saved", timeout=SOON)
    expect(tomas.page.locator("#composer-text")).to_be_focused()
    tomas.press("ArrowUp")
    tomas.presses("Report as incident")
    form = tomas.form("Open incident")
    expect(form).to_contain_text("Severity")
    tomas.reaches("Severity")
    tomas.press("1", "Control+Enter")
    expect(form).to_be_hidden(timeout=SOON)
    tomas.goes_to("incidents")
    expect(tomas.page.locator("#channel .message").last).to_contain_text("REL-1", timeout=SOON)


def roll_back_in_parts(anna: Chair, priya: Chair) -> None:
    """Anna asks for everything, then leaves one part as it is; Omar confirms exactly that."""
    anna.goes_to("incidents")
    anna.reads("Quotes cannot be saved").get_by_role("button", name="Roll back").click()
    form = anna.form("Roll back REL-1")
    form.get_by_label("What is broken").fill("Quotes cannot be saved")
    form.get_by_role("button", name="Ask for rollback").click()
    anna.reads_in_thread("nothing was changed since").get_by_role("button", name="Choose parts…").click()
    form = anna.form("Choose parts")
    form.get_by_label("Leave as they are").click()
    form.get_by_label(LEFT).check()
    anna.page.keyboard.press("Escape")
    expect(form.get_by_label("Leave as they are")).to_contain_text(LEFT)
    form.get_by_role("button", name="Ask with this").click()
    expect(form).to_be_hidden(timeout=SOON)
    anna.reads_in_thread("Left as it is")
    priya.takes_place("Omar Haddad")
    priya.goes_to("incidents")
    priya.reads_in_thread("Left as it is").get_by_role("button", name="Confirm rollback").click()
    assert "PRODUCTION" in priya.confirms("Roll back PRODUCTION")
    anna.reads_in_thread("rolled back")


def resolve(tomas: Keys, priya: Chair) -> None:
    """The incident's own button, by keyboard; stakeholders read it."""
    tomas.press("ArrowUp")
    tomas.presses("Resolve…")
    form = tomas.form("Resolve INC-1")
    tomas.page.keyboard.type("rolled back; the trigger is being mended")
    tomas.press("Control+Enter")
    expect(form).to_be_hidden(timeout=SOON)
    priya.goes_to("stakeholders")
    priya.reads("Solved in PRODUCTION")
