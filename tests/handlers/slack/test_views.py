"""Modals that take their time, pages of Home: what a person sees while something is read, left or turned over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from bot.rehearsal.workspace.pace import Pace
from tests.handlers.slack.serving import Serving, private, served
from tests.handlers.slack.test_shell import posted

Json = dict[str, Any]


@pytest.fixture
def serving() -> Iterator[Serving]:
    """A bot of its own for each test: what it waits for is let go of once."""
    with served(pace=Pace(trigger_lives=3, quiet_for=0.05, rate_limits=False)) as serving:
        yield serving


def shows(serving: Serving, title: str) -> Json:
    """The modal that Anna sees, once it has this title."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        views = serving.anna.look("views")["views"]
        if views and views[-1]["title"] == title:
            return dict(views[-1])
        time.sleep(0.05)
    raise AssertionError(f"no modal is called “{title}”: {serving.anna.look('views')['views']}")


def test_a_form_that_must_be_read_first_opens_at_once_and_is_filled_when_it_is_read(serving: Serving) -> None:
    outcome = serving.anna.clicks("Pick parts…", posted(serving))
    assert outcome["ack"] == "empty"
    assert "Loading…" in outcome["view"]["plain"]
    assert serving.desk.requests, "it is being read meanwhile"
    serving.desk.release()
    view = shows(serving, "Pick parts")
    assert view["view_id"] == outcome["view"]["view_id"]
    done = serving.anna.act("submit", view_id=view["view_id"], values={"Why": "it rains"})
    assert "Picked because of it rains" in str(done["messages"] or serving.anna.sees("Picked because of it rains"))


def test_a_command_whose_words_are_missing_opens_it_too(serving: Serving) -> None:
    outcome = serving.anna.types("/release slowpick")
    assert outcome["ack"] == "empty"
    assert "Loading…" in outcome["view"]["plain"]
    serving.desk.release()
    assert shows(serving, "Pick parts")


def test_a_command_that_says_everything_is_answered_in_words(serving: Serving) -> None:
    serving.desk.release()
    outcome = serving.anna.types("/release slowpick -- rain")
    assert outcome["view"] is None
    assert private(outcome) == ["Picked because of rain"]


def test_what_was_typed_stays_when_it_is_refused(serving: Serving) -> None:
    serving.anna.clicks("Pick parts…", posted(serving))
    serving.desk.release()
    view = shows(serving, "Pick parts")
    refused = serving.anna.act("submit", view_id=view["view_id"], values={"Why": "bad"})
    [field] = refused["view"]["inputs"]
    assert field["value"] == "bad"
    assert "Say more than that." in str(refused)
    again = serving.anna.act("submit", view_id=view["view_id"], values={"Why": "rain"})
    assert "Picked because of rain" in str(again["messages"] or serving.anna.sees("Picked because of rain"))


def test_a_form_that_was_closed_while_it_was_read_is_not_spoken_of(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = serving.anna.clicks("Pick parts…", posted(serving))
    serving.anna.act("close", view_id=outcome["view"]["view_id"], all=True)
    before = len(serving.calls("chat.postEphemeral"))
    serving.desk.release()
    deadline = time.monotonic() + 20
    while not serving.calls("views.update") and time.monotonic() < deadline:
        time.sleep(0.05)
    [call] = serving.calls("views.update")
    assert call["error"] == "not_found"
    assert len(serving.calls("chat.postEphemeral")) == before
    assert [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")] == []


def test_what_was_done_is_told_though_its_modal_was_closed(serving: Serving) -> None:
    outcome = serving.anna.clicks("Pick at once…", posted(serving))
    assert "Loading…" in outcome["view"]["plain"]
    serving.anna.act("close", view_id=outcome["view"]["view_id"], all=True)
    serving.desk.release()
    assert serving.anna.sees("Picked because of haste")


def test_a_modal_that_shows_something_newer_meanwhile_is_left_alone(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    serving.anna.clicks("Pick parts…", posted(serving))
    serving.fault("error", method="views.update", error="hash_conflict")
    before = len(serving.calls("chat.postEphemeral"))
    serving.desk.release()
    deadline = time.monotonic() + 20
    while not serving.calls("views.update") and time.monotonic() < deadline:
        time.sleep(0.05)
    [call] = serving.calls("views.update")
    assert call["error"] == "hash_conflict"
    assert call["arguments"]["hash"], "what is newer than our placeholder is not overwritten"
    assert len(serving.calls("chat.postEphemeral")) == before
    assert [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")] == []


def test_a_trigger_that_is_over_falls_back_to_a_button() -> None:
    with served(pace=Pace(trigger_lives=0.0, quiet_for=0.05, rate_limits=False)) as serving:
        serving.desk.release()
        outcome = serving.anna.types("/release slowpick")
        assert "three seconds" in private(outcome)[0]


# Home


def test_a_page_of_home_is_turned_over_and_stays_open_after_a_form(serving: Serving) -> None:
    assert "owed" not in serving.anna.act("home")["home"]["plain"]
    turned = serving.anna.act("click", home=True, label="Next 20")
    assert turned["view"] is None
    assert "owed:20" in turned["home"]["plain"]
    form = serving.anna.act("click", home=True, label="Plan")
    before = len(serving.calls("views.publish"))
    serving.anna.submits(form, {"Name": "From Home"})
    deadline = time.monotonic() + 20
    while len(serving.calls("views.publish")) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "owed:20" in str(serving.calls("views.publish")[-1]["arguments"]["view"])
    assert "owed" not in serving.anna.act("home")["home"]["plain"], "opened anew, it begins at the top"


def test_home_is_published_to_whoever_acted_and_nobody_else(serving: Serving) -> None:
    serving.anna.act("home")
    serving.person("tomas").act("home")
    serving.anna.act("click", home=True, label="Next 20")
    published = [call["arguments"] for call in serving.calls("views.publish")]
    assert [call["user_id"] for call in published] == ["U0RELMGR", "U0TESTER", "U0RELMGR"]
    assert ["Yours, Anna" in call["view"] for call in published] == [True, False, True]


def test_a_page_asked_for_in_words_is_published_and_said(serving: Serving) -> None:
    outcome = serving.anna.types("/release home")
    assert "Your own page is made anew" in private(outcome)[0]
    deadline = time.monotonic() + 20
    while not serving.calls("views.publish") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(serving.calls("views.publish")) == 1
