"""Messages of the chat in timelines and incidents: of people, of programs, with files, in threads, twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.rehearsal.driver import Json, Person, Rehearsal
from bot.rehearsal.run import bot_on, stage
from bot.rehearsal.story import Story, plan


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder: Path = tmp_path_factory.mktemp("messages")
    with stage(folder, pace=0.1) as scene, bot_on(scene), Rehearsal(scene.workspace.url) as people:
        story = Story(people, scene.production.instance_url, scene.uat.instance_url, lambda _: None)
        plan(story)
        yield story


def uses(person: Person, callback_id: str, message: Json) -> Json:
    """A shortcut on a message."""
    body = {"as": person.handle, "callback_id": callback_id, "channel": message["channel"], "ts": message["ts"]}
    return person.rehearsal.act("shortcut", wait_seconds=3.0, **body)


def kept_in_thread(story: Story, text: str) -> Json:
    """A message in the thread of the release."""
    body = {"as": "tomas", "channel": "#releases", "text": text, "thread_ts": story.head["ts"]}
    story.rehearsal.act("message", **body)
    return story.anna.in_thread(text, story.head)


def timeline(story: Story) -> str:
    return story.asks(f"/release timeline {story.key}")


def test_in_a_thread_it_is_kept_at_once_with_its_author_and_its_time(story: Story) -> None:
    message = kept_in_thread(story, "The discounts looked fine")
    shown = uses(story.anna, "release_remember", message)["view"]["plain"]
    assert f"The message is in the timeline of {story.key}." in shown
    assert "kept what @Tomás Silva wrote" in timeline(story)
    assert "“The discounts looked fine”" in timeline(story)


def test_twice_it_is_kept_once_and_the_second_hears_by_whom(story: Story) -> None:
    message = kept_in_thread(story, "Nobody saw an error")
    uses(story.anna, "release_remember", message)
    shown = uses(story.priya, "release_remember", message)["view"]["plain"]
    assert f"The timeline of {story.key} has this message already. Kept by @Anna Keller," in shown
    assert timeline(story).count("Nobody saw an error") == 1


def test_what_a_program_wrote_is_kept_as_a_programs(story: Story) -> None:
    shown = uses(story.anna, "release_remember", story.head)["view"]["plain"]
    assert f"is in the timeline of {story.key}" in shown
    assert "kept what Rollcall wrote" in timeline(story)


def test_a_file_is_kept_by_its_name(story: Story) -> None:
    story.rehearsal.act(
        "upload", **{"as": "tomas", "channel": "#releases", "filename": "proof.png", "content_base64": "aGk="}
    )
    message = next(one for one in reversed(story.anna.everything_in("#releases")) if one["files"])
    form = uses(story.anna, "release_remember", message)
    assert "File: proof.png" in form["view"]["plain"]


def test_a_message_is_reported_once_and_stands_in_the_incidents_timeline(story: Story) -> None:
    story.tomas.types("Quotes cannot be saved", "#incidents")
    message = story.anna.sees("Quotes cannot be saved", "#incidents")
    form = uses(story.tomas, "incident_open", message)
    assert form["view"]["inputs"][0]["value"] == "Quotes cannot be saved"
    story.tomas.submits(form, {})
    story.anna.sees("INC-1", "#incidents")
    told = story.private(story.anna.types("/incident timeline INC-1", "#incidents"))
    assert "@Tomás Silva reported what @Tomás Silva wrote" in told
    again = uses(story.anna, "incident_open", message)["view"]["plain"]
    assert "reported already: INC-1 is open because of it. Reported by @Tomás Silva," in again


def test_a_message_that_is_gone_by_now_is_kept_without_an_address(story: Story) -> None:
    message = kept_in_thread(story, "This will be taken back")
    story.rehearsal.act("faults", kind="error", method="chat.getPermalink", error="message_not_found", times=3)
    assert "is in the timeline" in uses(story.anna, "release_remember", message)["view"]["plain"]
    story.rehearsal.act("faults", clear=True)


def test_a_new_release_begins_anywhere(story: Story) -> None:
    opened = story.rehearsal.act("shortcut", **{"as": "anna", "callback_id": "release_new"})
    assert opened["view"]["title"] == "New release"
