"""A whole release and its way back, clicked through the page by three browsers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from bot.rehearsal.packages import sample_package
from bot.rehearsal.run import Stage, bot_on, stage

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]
SOON = 20_000.0  # milliseconds that anything may take to be seen; what is there is seen at once
QUICK = 0.1

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed on this machine"),
]


@dataclass(frozen=True)
class Chair:
    """A browser in which somebody sits, using only what can be seen."""

    page: Page

    def takes_place(self, name: str) -> None:
        """Act as somebody else."""
        self.page.locator(".persona > summary").click()
        self.page.get_by_label("Act as").get_by_role("link", name=name).click()
        expect(self.page.locator(".persona > summary")).to_contain_text(name)
        expect(self.page.locator("#composer-text")).to_be_focused()

    def goes_to(self, room: str) -> None:
        """Open a channel by its entry on the left."""
        self.page.locator("#sidebar").get_by_role("link", name=re.compile(f"^{room}")).last.click()
        expect(self.page.locator("#channel h1")).to_contain_text(room)
        expect(self.page.locator("#thread .message")).to_have_count(0)

    def types(self, words: str) -> None:
        """Say something in the open channel, once no form lies over it."""
        expect(self.page.locator("dialog[open]")).to_have_count(0, timeout=SOON)
        self.page.locator("#composer-text").fill(words)
        self.page.locator("#composer-text").press("Enter")

    def reads(self, words: str) -> Locator:
        """The newest message in the channel that holds the words."""
        return self._seen("#channel", words)

    def reads_in_thread(self, words: str) -> Locator:
        """The newest message in the thread that holds the words; the thread of the first post is opened for it."""
        if not self.page.locator("#thread .message").count():
            self.page.locator("#channel .replies").first.click()
        return self._seen("#thread", words)

    def form(self, title: str) -> Locator:
        """The form that is open."""
        dialog = self.page.get_by_role("dialog", name=title)
        expect(dialog).to_be_visible(timeout=SOON)
        return dialog

    def confirms(self, answer: str) -> str:
        """Answer the question before a button takes effect; returns what it says."""
        dialog = self.page.locator("#confirm")
        expect(dialog).to_be_visible(timeout=SOON)
        said = dialog.inner_text()
        dialog.get_by_role("button", name=answer).click()
        expect(dialog).to_be_hidden()
        return said

    def lets_hours_pass(self, hours: int) -> None:
        """Move the rehearsal's clock by its button."""
        self.page.locator(".clock > summary").click()
        for passed in range(1, hours + 1):
            self.page.get_by_role("button", name="+1 h").click()
            expect(self.page.locator("#clock-ahead")).to_have_text(f"+{passed} h", timeout=SOON)
        self.page.keyboard.press("Escape")

    def _seen(self, where: str, words: str) -> Locator:
        found = self.page.locator(f"{where} .message").filter(has_text=words).last
        expect(found).to_be_visible(timeout=SOON)
        return found


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, pace=QUICK) as scene, bot_on(scene):
        yield scene


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def chairs(scene: Stage, browser: Browser) -> Iterator[tuple[Chair, Chair, Chair]]:
    """Anna, Priya and Tomás in #releases; no script of the page may fail meanwhile."""
    failures: list[str] = []

    def sit_down(person: str) -> Chair:
        page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB").new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.goto(f"{scene.workspace.url}/?as={person}")
        return Chair(page)

    yield sit_down("anna"), sit_down("priya"), sit_down("tomas")
    assert failures == []


def test_a_release_goes_out_and_comes_back_by_hand(scene: Stage, chairs: tuple[Chair, Chair, Chair]) -> None:
    """From an empty channel to production and back, with what is visible on the page."""
    anna, priya, tomas = chairs
    before = export(scene)
    plan(anna)
    attach(priya)
    validate(priya)
    settle(anna, priya, tomas)
    approve(anna, priya, tomas)
    deploy(anna)
    assert export(scene) != before
    roll_back(anna, tomas)
    assert export(scene) == before


def export(scene: Stage) -> bytes:
    """Everything that production holds."""
    return httpx.get(f"{scene.production.instance_url}/rehearsal/export", timeout=60, trust_env=False).content


def plan(anna: Chair) -> None:
    """The page says what to try; a click on it begins; a form without a name is refused."""
    anna.page.get_by_label("What to try first").get_by_text("/release new").click()
    anna.page.locator("#composer-text").press("Enter")
    form = anna.form("New release")
    form.get_by_role("button", name="Create").click()
    expect(form.locator(".field-error").first).to_be_visible(timeout=SOON)
    form.get_by_label("Name").fill("Discount approvals")
    form.get_by_label("Owner").select_option(label="Anna Keller")
    form.get_by_role("button", name="Create").click()
    expect(form).to_be_hidden(timeout=SOON)
    expect(anna.reads("none attached")).to_contain_text("REL-1 Discount approvals")


def attach(priya: Chair) -> None:
    """The package comes through the file chooser; its card says what it changes and how that comes back."""
    priya.types("/release attach")
    form = priya.form("Attach to REL-1")
    with priya.page.expect_file_chooser() as chooser:
        form.get_by_label("Package").click()
    chooser.value.set_files({"name": "first.zip", "mimeType": "application/zip", "buffer": sample_package("first")})
    form.get_by_role("button", name="Attach").click()
    expect(form).to_be_hidden(timeout=SOON)
    card = priya.reads_in_thread("SHA-256")
    for words in ("14 new, 4 changed, 1 deleted", "LegacyDiscount", "comes back exactly", "comes back with losses"):
        expect(card).to_contain_text(words)


def validate(priya: Chair) -> None:
    """The failing test is shown in the thread and among the orgs; the mended sample passes in both orgs."""
    priya.types("/release validate")
    failed = priya.reads_in_thread("loyalGoldAccountsGetMore")
    expect(failed).to_contain_text("Expected: 15, Actual: 10", timeout=SOON)
    expect(priya.reads_in_thread("line 31")).to_contain_text("DiscountPolicyTest")
    priya.page.get_by_role("tab", name="Orgs").click()
    expect(priya.page.get_by_label("UAT").get_by_text("1 of 12 failed")).to_be_visible(timeout=SOON)
    expect(priya.page.get_by_label("UAT").locator(".failure").last).to_contain_text("line 31")
    priya.page.get_by_role("tab", name="Thread").click()
    priya.page.locator("#thread").get_by_role("button", name="Attach package").last.click()
    form = priya.form("Attach to REL-1")
    form.get_by_role("button", name="mended").click()
    form.get_by_role("button", name="Attach", exact=True).click()
    priya.reads("discount-approvals-mended.zip 849")
    priya.page.locator("#thread").get_by_role("button", name="Validate again").click()
    priya.reads_in_thread("in PRODUCTION: passed")


def settle(anna: Chair, priya: Chair, tomas: Chair) -> None:
    """Everybody ticks what is theirs with a button; Anna waives one item with a reason, by form."""
    for chair, item, settled in ((priya, 3, 1), (tomas, 4, 2)):
        card = chair.reads_in_thread(f"checklist, {settled} of 7 settled")  # drawn anew after each tick
        card.get_by_role("button", name=f"Tick {item}").click()
        chair.reads_in_thread(f"item {item} “")
    anna.reads_in_thread("checklist, 3 of 7 settled").get_by_label("Waive…").select_option(label="6 Data backed up")
    form = anna.form("Waive item 6")
    form.get_by_role("textbox").fill("no data is touched")
    form.get_by_role("button", name="Waive").click()
    anna.reads_in_thread("no data is touched")
    anna.types("/release tick 5")
    anna.reads("Support briefed” is done")


def approve(anna: Chair, priya: Chair, tomas: Chair) -> None:
    """The package's author is refused; QA approves in a direct message, Business in the thread."""
    anna.types("/release ask")
    question = priya.reads_in_thread("QA is asked to approve")
    question.get_by_role("button", name="Approve").click()
    priya.reads_in_thread("You attached discount-approvals-mended.zip")
    tomas.goes_to("Rollcall")
    tomas.reads("QA is asked to approve").get_by_role("button", name="Approve").click()
    tomas.reads("QA: approved by @Tomás Silva")
    priya.takes_place("Lena Fischer")
    lena = priya
    lena.reads_in_thread("Business is asked to approve").get_by_role("button", name="Approve").click()
    for chair in (anna, lena):
        chair.reads_in_thread("Business: approved by @Lena Fischer")


def deploy(anna: Chair) -> None:
    """The window opens by the clock; the question before the button says what it is about; the way back is armed."""
    anna.types("/release window in 3h for 2h")
    anna.reads("The window of REL-1 is")
    anna.types("/release why")
    anna.reads("may not go now: 1 reason")
    anna.lets_hours_pass(3)
    card = anna.reads_in_thread("the window is open")
    card.get_by_role("button", name="Deploy to PRODUCTION").click()
    anna.confirms("Not now")
    card.get_by_role("button", name="Deploy to PRODUCTION").click()
    question = anna.confirms("Deploy to PRODUCTION")
    for words in ("a production org", "discount-approvals-mended", "18 components", "Tomás Silva", "Lena Fischer"):
        assert words in question
    anna.reads_in_thread("is live in PRODUCTION")
    anna.reads_in_thread("The way back is armed")
    anna.reads("live, being watched")


def roll_back(anna: Chair, tomas: Chair) -> None:
    """The incident names the suspect; Anna asks, may not confirm her own wish, Omar confirms; stakeholders are told."""
    tomas.goes_to("incidents")
    tomas.types("/incident open in PRODUCTION -- Quotes cannot be saved")
    form = tomas.form("Open incident")
    form.get_by_label("Severity").select_option(index=1)
    form.get_by_role("button", name="Open").click()
    expect(tomas.reads("Quotes cannot be saved")).to_contain_text("REL-1 Discount approvals")
    anna.goes_to("incidents")
    anna.reads("Quotes cannot be saved").get_by_role("button", name="Roll back").click()
    form = anna.form("Roll back REL-1")
    form.get_by_label("What is broken").fill("Quotes cannot be saved since the release")
    form.get_by_role("button", name="Ask for rollback").click()
    anna.reads_in_thread("asks to roll back").get_by_role("button", name="Confirm rollback").click()
    anna.confirms("Roll back PRODUCTION")
    anna.reads_in_thread("somebody else")
    tomas.takes_place("Omar Haddad")
    omar = tomas
    omar.reads_in_thread("asks to roll back").get_by_role("button", name="Confirm rollback").click()
    omar.confirms("Roll back PRODUCTION")
    anna.reads_in_thread("PRODUCTION is what it was")
    anna.goes_to("stakeholders")
    anna.reads("was taken back. Everything works as it did before")
