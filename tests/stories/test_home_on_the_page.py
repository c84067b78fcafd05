"""Home, switches, the menu and a message's shortcut, clicked on the page by three people."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.stories.test_the_story_on_the_page import (  # noqa: F401 - fixtures are found by their names
    SOON,
    Chair,
    browser,
    chairs,
    plan,
    pytestmark,
    scene,
)


def at_home(chair: Chair, words: str) -> None:
    """Open Home and wait until it says so."""
    chair.page.locator("#sidebar").get_by_role("link", name="Rollcall home").click()
    expect(chair.page.locator(".home")).to_contain_text(words, timeout=SOON)


def clicks(chair: Chair, name: str, where: str = ".home") -> None:
    chair.page.locator(where).last.get_by_role("button", name=name, exact=True).first.click()


def closes_what_is_open(chair: Chair) -> None:
    while chair.page.locator("dialog[open]").count():
        chair.page.keyboard.press("Escape")
        chair.page.wait_for_timeout(100)


def test_three_people_live_at_home(chairs: tuple[Chair, Chair, Chair]) -> None:  # noqa: F811
    anna, priya, tomas = chairs
    plan(anna)
    settle_from_home(tomas)
    switch_off(tomas)
    reach_by_the_menu(anna)
    keep_a_message(anna, priya)


def settle_from_home(tomas: Chair) -> None:
    """What Tomás owes is gone from his page once he has settled it there."""
    at_home(tomas, "UAT signed off")
    clicks(tomas, "Tick")
    expect(tomas.page.locator("dialog[open]")).to_contain_text("“UAT signed off” is done", timeout=SOON)
    closes_what_is_open(tomas)
    expect(tomas.page.locator(".home")).not_to_contain_text("UAT signed off", timeout=SOON)
    expect(tomas.page.locator(".home")).to_contain_text("(Europe/Lisbon)")


def switch_off(tomas: Chair) -> None:
    """A switch that is off stands so on the page at once."""
    clicks(tomas, "Change…")
    form = tomas.form("My direct messages")
    expect(form).to_contain_text("These always come: a yes that an incident waits for")
    form.get_by_label("Reminders before due").uncheck()
    form.get_by_role("button", name="Save").click()
    expect(tomas.page.locator(".home")).to_contain_text("Off: Reminders before due.", timeout=SOON)


def reach_by_the_menu(anna: Chair) -> None:
    """From the menu to a form and to an item, without a word typed."""
    at_home(anna, "REL-1 Discount approvals")
    clicks(anna, "Everything…")
    clicks(anna, "Tell…", "dialog[open]")
    clicks(anna, "Note", "dialog[open]")
    form = anna.form("Note on REL-1")
    form.get_by_label("Note").fill("The sponsor is on leave")
    form.get_by_role("button", name="Add").click()
    closes_what_is_open(anna)
    anna.goes_to("releases")
    anna.types("/release")
    anna.reads("Look…").get_by_role("button", name="Items…").click()
    anna.reads("An item is done").get_by_role("button", name="Tick", exact=True).click()
    anna.reads("Say which item").get_by_role("button", name="5 Support briefed").click()
    anna.reads("item 5 “Support briefed” is done")


def keep_a_message(anna: Chair, priya: Chair) -> None:
    """A message goes into a timeline with its author, by a form that asks which."""
    priya.types("The discounts looked fine in UAT")
    message = anna.reads("looked fine in UAT")
    message.hover()
    message.get_by_role("button", name="Add to timeline").click()
    form = anna.form("Add to timeline")
    expect(form).to_contain_text("@Priya Nair: “The discounts looked fine in UAT”")
    form.get_by_role("button", name="Add", exact=True).click()
    anna.reads("The message is in the timeline of REL-1.")
    anna.types("/release timeline")
    expect(anna.reads("REL-1 timeline")).to_contain_text("kept what @Priya Nair wrote", timeout=SOON)
