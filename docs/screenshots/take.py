"""Takes the documents' pictures from a rehearsal in the middle of its story: `make screenshots`."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from bot.rehearsal import story
from bot.rehearsal.driver import Rehearsal
from bot.rehearsal.pages.trouble import EDITED
from bot.rehearsal.run import Stage, bot_on, stage
from bot.rehearsal.story import Story

HERE = Path(__file__).parent
WIDE, NARROW = (1280, 800), (400, 780)
NAMES = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    """Play the story as far as each picture needs; 1 when there is no Chromium."""
    chromium = next((found for name in NAMES if (found := shutil.which(name))), None)
    if chromium is None:
        sys.stderr.write("Chromium is not installed on this machine, so no picture was taken. Install it first.\n")
        return 1
    with stage(pace=story.QUICK) as scene, bot_on(scene), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        photographer = Photographer(scene, browser)
        for taken in (before_the_window, out_it_goes, something_broke, back_in_parts):
            taken(photographer)
        browser.close()
    return 0


@dataclass
class Photographer:
    """A story being played, a browser that looks at it."""

    scene: Stage
    browser: Browser

    def __post_init__(self) -> None:
        url = self.scene.workspace.url
        self.told = Story(
            Rehearsal(url), self.scene.production.instance_url, self.scene.uat.instance_url, lambda _: None
        )

    def look(
        self,
        person: str,
        channel: str = "releases",
        *,
        thread: str = "",
        tab: str = "",
        dark: bool = False,
        size: tuple[int, int] = WIDE,
    ) -> Page:
        """The page as somebody sees it, in a window of its own."""
        width, height = size
        scheme = "dark" if dark else "light"
        context = self.browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-GB"
        )
        page = context.new_page()
        page.goto(f"{self.scene.workspace.url}/?as={person}&channel={channel}&thread={thread}&tab={tab}")
        page.locator("#channel .message, .home").last.wait_for()
        return page


def before_the_window(here: Photographer) -> None:
    """Home with what somebody owes (dark); the menu; why it may not go."""
    told = here.told
    for chapter in (story.plan, story.attach):
        chapter(told)
    told.anna.in_thread("Release notes written", told.head)
    told.omar.types("/release window REL-1 at in 3h for 2h")
    home = here.look("tomas", "D0TESTER", tab="home", dark=True)
    home.locator(".home").get_by_text("UAT signed off").wait_for()
    take(home, "home.png")
    menu = here.look("priya")
    menu.get_by_role("button", name="More…").first.click()
    menu.get_by_role("button", name="Package…").last.click()
    menu.locator("#channel").get_by_text("Take a package out of a sandbox").wait_for()
    take(menu, "menu.png")
    for chapter in (story.checklist, story.validate, story.approve, story.schedule):
        chapter(told)
    why = here.look("omar")  # fewer private answers stand between him and the release
    why.locator("#composer-text").fill("/release why")
    why.locator("#composer-text").press("Enter")
    why.locator("#channel").get_by_text("Next legal time").last.wait_for()
    take(why, "why-not-yet.png")


def out_it_goes(here: Photographer) -> None:
    """The last question before it goes (dark), what it came to (narrow), a link that somebody posts."""
    told = here.told
    told.pass_time(timedelta(hours=3, seconds=5))
    told.anna.in_thread("the window is open", told.head)
    asked = here.look("anna", thread=told.head["ts"], dark=True)
    asked.locator("#thread").get_by_role("button", name="Deploy to PRODUCTION").last.click()
    asked.locator("#confirm").get_by_text("Way back").wait_for()
    take(asked, "the-last-question.png")
    asked.locator("#confirm").get_by_role("button", name="Deploy to PRODUCTION").click()
    told.anna.in_thread("The way back is armed until", told.head)
    narrow = here.look("omar", size=NARROW)
    narrow.locator("#channel .message").first.evaluate("message => message.scrollIntoView()")
    take(narrow, "live-and-watched.png")
    told.lena.types(f"It is out: {here.scene.workspace.url}/r/REL-1", "#general")
    linked = here.look("grace", "general")
    linked.locator(".attachment").wait_for()
    take(linked, "a-link.png")


def something_broke(here: Photographer) -> None:
    """An incident that names its suspect, with what the rehearsal can break beside it."""
    form = here.told.tomas.types("/incident open in PRODUCTION -- Quotes cannot be saved")
    here.told.tomas.submits(form, {"Severity": "1"})
    here.told.incident = here.told.tomas.sees("Quotes cannot be saved", "#incidents")
    broken = here.look("anna", "incidents")
    broken.get_by_role("button", name="Roll back").wait_for()
    take(broken, "incident.png")
    broken.get_by_label("Make something go wrong").first.click()
    broken.get_by_role("button", name="Too many posts").click()
    broken.locator("#trouble .to-come").wait_for()
    take(broken, "trouble.png")
    broken.get_by_role("button", name="Call all off").click()
    broken.locator("#trouble .to-come").wait_for(state="detached")


def back_in_parts(here: Photographer) -> None:
    """A wish to go back after somebody changed a part by hand: which parts go back is chosen (dark)."""
    told, production = here.told, here.scene.production.instance_url
    found = httpx.get(f"{production}/rehearsal/component", params=EDITED, trust_env=False).json()
    source = f"{found['files']['classes/DiscountPolicy.cls']}\n// a quick mend by hand\n"
    httpx.post(f"{production}/rehearsal/change", json={**EDITED, "source": source}, trust_env=False).raise_for_status()
    form = told.anna.clicks("Roll back", told.incident)
    told.anna.submits(form, {"What is broken": "Quotes cannot be saved since the release"})
    told.anna.in_thread("1 part changed since", told.incident)
    parts = here.look("anna", "incidents", thread=told.incident["ts"], dark=True)
    wish = parts.locator("#thread .message").filter(has_text="1 part changed since").last
    wish.evaluate("message => message.scrollIntoView()")
    take(parts, "back-in-parts.png")


def take(page: Page, name: str) -> None:
    """Keep what is shown; the wait lets what is still moving settle."""
    page.wait_for_timeout(600)
    page.screenshot(path=HERE / name)


if __name__ == "__main__":
    sys.exit(main())
