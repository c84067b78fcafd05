"""Takes the pictures of the README from a rehearsal in the middle of its story: `python docs/screenshots/take.py`."""

from __future__ import annotations

import shutil
import sys
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from bot.rehearsal import story
from bot.rehearsal.driver import Rehearsal
from bot.rehearsal.run import Stage, bot_on, stage
from bot.rehearsal.story import Story

HERE = Path(__file__).parent
WIDE, NARROW = (1280, 800), (400, 780)
NAMES = ("chromium", "chromium-browser", "google-chrome")
BEFORE_THE_WINDOW = (story.plan, story.attach, story.checklist, story.validate, story.approve, story.schedule)


def main() -> int:
    """Play the story as far as each picture needs; 1 when there is no Chromium."""
    chromium = next((found for name in NAMES if (found := shutil.which(name))), None)
    if chromium is None:
        sys.stderr.write("Chromium is not installed on this machine, so no picture was taken. Install it first.\n")
        return 1
    with stage(pace=story.QUICK) as scene, bot_on(scene), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        take_all(scene, browser)
        browser.close()
    return 0


def take_all(scene: Stage, browser: Browser) -> None:
    """Why it may not go (wide, light), the last question before it goes (wide, dark), what it came to (narrow)."""
    told = Story(Rehearsal(scene.workspace.url), scene.production.instance_url, scene.uat.instance_url, lambda _: None)
    for chapter in BEFORE_THE_WINDOW:
        chapter(told)
    annas = f"{scene.workspace.url}/?as=anna&channel={told.head['channel']}"
    omars = annas.replace("as=anna", "as=omar")  # fewer private answers stand between him and the release
    with_orgs = look(browser, omars)
    with_orgs.locator("#composer-text").fill("/release why")
    with_orgs.locator("#composer-text").press("Enter")
    with_orgs.get_by_text("Next legal time").last.wait_for()
    take(with_orgs, "why-not-yet.png")
    told.pass_time(timedelta(hours=3, seconds=5))
    told.anna.in_thread("the window is open", told.head)
    in_thread = look(browser, annas, thread=told.head["ts"], dark=True)
    in_thread.locator("#thread").get_by_role("button", name="Deploy to PRODUCTION").last.click()
    in_thread.locator("#confirm").get_by_text("Way back").wait_for()
    take(in_thread, "the-last-question.png")
    in_thread.locator("#confirm").get_by_role("button", name="Deploy to PRODUCTION").click()
    told.anna.in_thread("The way back is armed until", told.head)
    narrow = look(browser, omars, size=NARROW)
    narrow.locator("#channel .message").first.evaluate("message => message.scrollIntoView()")
    take(narrow, "live-and-watched.png")


def look(browser: Browser, url: str, *, thread: str = "", dark: bool = False, size: tuple[int, int] = WIDE) -> Page:
    """The page at a URL, in a window of its own."""
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
    page = context.new_page()
    page.goto(f"{url}&thread={thread}")
    page.locator("#channel .message").last.wait_for()
    return page


def take(page: Page, name: str) -> None:
    """Keep what is shown; the wait lets what is still moving settle."""
    page.wait_for_timeout(600)
    page.screenshot(path=HERE / name)


if __name__ == "__main__":
    sys.exit(main())
