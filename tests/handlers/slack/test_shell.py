"""Whole conversations with a strict local workspace, over Socket Mode."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.rehearsal.workspace.pace import Pace
from handlers.conversation import Message
from handlers.slack.blocks import draw_message
from tests.handlers.slack.a_desk import CARD
from tests.handlers.slack.serving import Serving, plain, private, served

Json = dict[str, Any]
RELEASES = "C0RELEASES"


@pytest.fixture(scope="module")
def everything() -> Iterator[Serving]:
    """One bot for all tests that leave nothing behind."""
    with served() as serving:
        yield serving


@pytest.fixture
def serving(everything: Serving) -> Iterator[Serving]:
    """The bot, with what was asked before forgotten."""
    everything.desk.requests.clear()
    yield everything
    for view in everything.anna.look("views")["views"]:
        everything.anna.act("close", view_id=view["view_id"], all=True)


def posted(serving: Serving, message: Message = CARD, **more: Any) -> Json:
    """A message of the bot's in #releases."""
    client = WebClient(serving.workspace.bot_token, base_url=serving.workspace.api_url)
    answer = client.chat_postMessage(channel=RELEASES, **draw_message(message), **more)
    return {"channel": RELEASES, "ts": answer["ts"]}


def told_later(serving: Serving, text: str, channel: str = "@rollcall") -> Json:
    return serving.anna.sees(text, channel)


# Commands


def test_a_command_is_answered_in_its_acknowledgement(serving: Serving) -> None:
    outcome = serving.anna.types("/release status rel-1")
    assert outcome["ack"] == "message"
    assert private(outcome) == ["REL-1 is asked about"]


def test_nothing_goes_out_before_a_command_is_answered(serving: Serving) -> None:
    before = serving.anna.look("calls")["seq"]
    serving.anna.types("/release status rel-1")
    assert serving.anna.look("calls", since=before)["calls"] == []


def test_a_misspelt_verb_is_told_the_nearest(serving: Serving) -> None:
    [told] = private(serving.anna.types("/release statsu"))
    assert "statsu" in told
    assert "status" in told
    assert serving.desk.requests == []


def test_a_refusal_names_who_may(serving: Serving) -> None:
    [told] = private(serving.anna.types("/release seat"))
    assert "The QA seat decides." in told
    assert "Tomás" in told


def test_somebody_we_do_not_serve_is_told_whom_to_ask(serving: Serving) -> None:
    [told] = private(serving.person("grace").types("/release status"))
    assert "ask an administrator" in told
    assert serving.desk.requests == []


def test_a_bug_gives_a_reference_and_nothing_else(serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
    [told] = private(serving.anna.types("/release break"))
    reference = re.search(r"Reference `?([0-9a-f]{8})", told)
    assert reference is not None
    assert "deep inside" not in told
    assert "Zero" not in told
    [logged] = [record for record in caplog.records if reference[1] in record.getMessage()]
    assert logged.exc_info is not None
    assert "deep inside" in str(logged.exc_info[1])


def test_a_file_is_handed_over_in_the_direct_conversation(serving: Serving) -> None:
    [told] = private(serving.anna.types("/release audit"))
    assert "direct messages" in told
    serving.anna.sees("audit.csv", "@rollcall")
    [message] = [message for message in serving.anna.reads("@rollcall") if message["files"]]
    [file] = message["files"]
    content = serving.http.get("file", params={"as": "anna", "file": file["id"]}).content
    assert content == b"a,b\n1,2\n"


# Forms


def test_a_command_opens_a_form_whose_submission_is_answered_privately(serving: Serving) -> None:
    form = serving.anna.types("/release new")
    assert (form["ack"], form["view"]["title"]) == ("empty", "New release")
    values = {"Name": "Spring", "Target org": "Production", "Owner": "tomas", "Planned for": "2026-12-01T22:00"}
    outcome = serving.anna.submits(form, values)
    assert outcome["ack"] == "empty"
    assert outcome["view"] is None
    [told] = private(outcome)
    assert told.startswith("REL-7 Spring to prod for @Tomás")
    assert "22:00" in told


def test_a_field_at_fault_is_told_so_and_the_draft_stays(serving: Serving) -> None:
    form = serving.anna.types("/release new")
    outcome = serving.anna.submits(form, {"Name": "bad", "Target org": "Production"})
    assert outcome["ack"] == "errors"
    assert outcome["view"]["errors"] == {"name": "A name needs two words."}
    values = {field["block_id"]: field["value"] for field in outcome["view"]["inputs"]}
    assert (values["name"], values["org"]) == ("bad", "prod")
    assert private(serving.anna.submits(outcome, {"Name": "Better"})) == ["REL-7 Better to prod"]


def test_the_fault_is_shown_under_its_own_field(serving: Serving) -> None:
    outcome = serving.anna.submits(serving.anna.types("/release new"), {"Name": "late"})
    assert outcome["view"]["errors"] == {"at": "That is over already."}


def test_a_refusal_that_names_no_field_stands_under_the_first(serving: Serving) -> None:
    outcome = serving.anna.submits(serving.anna.types("/release new"), {"Name": "frozen"})
    assert list(outcome["view"]["errors"]) == ["name"]
    assert outcome["view"]["errors"]["name"].startswith("A freeze stands in the way.")


def test_a_bug_behind_a_form_keeps_the_draft(serving: Serving) -> None:
    outcome = serving.anna.submits(serving.anna.types("/release new"), {"Name": "break"})
    assert "Reference" in outcome["view"]["errors"]["name"]
    assert "deep inside" not in str(outcome)


def test_a_file_comes_with_a_form(serving: Serving) -> None:
    form = serving.anna.types("/release new")
    sent = [{"filename": "package.zip", "content_base64": "UEsFBg=="}]
    serving.anna.submits(form, {"Name": "With file", "Package": sent})
    [file] = serving.desk.requests[-1].args["files"]
    assert (file.name, file.size) == ("package.zip", 4)


def test_steps_go_deeper_than_slack_stacks_and_close_at_once(serving: Serving) -> None:
    outcome = serving.anna.types("/release step1")
    seen = [(outcome["view"]["title"], outcome["view"]["depth"])]
    for _ in range(3):
        outcome = serving.anna.submits(outcome, {})
        seen.append((outcome["view"]["title"], outcome["view"]["depth"]))
    assert seen == [("Step 1", 1), ("Step 2", 2), ("Step 3", 3), ("Step 4", 3)]
    last = serving.anna.submits(outcome, {})
    assert last["ack"] == "clear"
    assert private(last) == ["Nothing is asked about"]
    assert serving.anna.look("views")["views"] == []


# Clicks


def test_a_click_is_answered_to_the_one_who_clicked(serving: Serving) -> None:
    card = posted(serving)
    outcome = serving.anna.clicks("Approve", card)
    assert private(outcome) == ["Approved REL-1"]
    assert serving.desk.requests[-1].origin == card["ts"]
    assert "Approved" not in str(serving.person("tomas").reads("#releases"))


def test_a_click_in_a_thread_is_answered_there(serving: Serving) -> None:
    head = posted(serving, Message("The head"))
    reply = posted(serving, thread_ts=head["ts"])
    [told] = [m for m in serving.anna.clicks("Approve", reply)["messages"] if m["ephemeral"]]
    assert told["thread_ts"] == head["ts"]


def test_a_click_opens_a_form(serving: Serving) -> None:
    outcome = serving.anna.clicks("Plan another", posted(serving))
    assert outcome["view"]["title"] == "New release"
    assert private(serving.anna.submits(outcome, {"Name": "Summer"})) == ["REL-7 Summer to uat"]


def test_a_menu_brings_what_was_chosen(serving: Serving) -> None:
    card = posted(serving)
    [menu] = [e for e in serving.anna.sees("REL-1")["elements"] if e["type"] == "static_select"]
    outcome = serving.anna.act("choose", channel=RELEASES, ts=card["ts"], action_id=menu["action_id"], value="qa")
    assert private(outcome) == ["Approved REL-1 qa"]


@pytest.mark.parametrize(
    ("label", "sentence"),
    [("Vanished", "does not know this button any more"), ("For QA", "The QA seat decides."), ("Break", "Reference")],
)
def test_every_click_that_does_nothing_says_so(serving: Serving, label: str, sentence: str) -> None:
    [told] = private(serving.anna.clicks(label, posted(serving)))
    assert sentence in told


def test_a_click_on_a_link_is_acknowledged_without_a_word(serving: Serving) -> None:
    outcome = serving.anna.clicks("Read", posted(serving))
    assert (outcome["ack"], outcome["messages"]) == ("empty", [])


def test_a_button_of_an_older_version_says_so(serving: Serving) -> None:
    client = WebClient(serving.workspace.bot_token, base_url=serving.workspace.api_url)
    old = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Old"}, "value": "REL-1"}
    blocks = [{"type": "actions", "elements": [old]}]
    ts = client.chat_postMessage(channel=RELEASES, text="x", blocks=blocks)["ts"]
    [told] = private(serving.anna.clicks("Old", {"channel": RELEASES, "ts": ts}))
    assert "older version" in told


def test_a_modal_of_an_older_version_says_so_and_can_be_left(serving: Serving) -> None:
    form = serving.anna.types("/release new")
    view = serving.workspace.workspace.find_view(form["view"]["view_id"])
    assert view is not None
    view.private_metadata = "old"
    outcome = serving.anna.submits(form, {"Name": "x"})
    assert "older version" in outcome["view"]["errors"]["name"]


# Words


def test_a_mention_is_answered_privately_in_its_thread(serving: Serving) -> None:
    head = posted(serving, Message("REL-1 headline"))
    serving.desk.thread_of = head["ts"]
    outcome = serving.anna.act("mention", channel=RELEASES, text="status", thread_ts=head["ts"])
    [told] = [message for message in outcome["messages"] if message["ephemeral"]]
    assert (told["plain"], told["thread_ts"]) == ("REL-1 is asked about", head["ts"])


@pytest.mark.parametrize("text", ["@rollcall: status REL-5", "Hey @rollcall, status REL-5", "status REL-5 @rollcall"])
def test_we_may_be_called_first_or_last(serving: Serving, text: str) -> None:
    assert private(serving.anna.act("message", channel=RELEASES, text=text)) == ["REL-5 is asked about"]
    assert "people" not in serving.desk.requests[-1].args


def test_people_named_in_a_direct_message_are_kept(serving: Serving) -> None:
    serving.anna.act("message", channel="@rollcall", text="status REL-5 @tomas")
    assert serving.desk.requests[-1].args["people"] == ["U0TESTER"]


def test_a_direct_message_is_answered_in_plain_sight_once(serving: Serving) -> None:
    outcome = serving.anna.act("message", channel="@rollcall", text="release status REL-2")
    assert plain(outcome) == ["REL-2 is asked about"]
    assert private(outcome) == []
    mentioned = serving.anna.act("mention", channel="@rollcall", text="status REL-3")
    assert plain(mentioned) == ["REL-3 is asked about"]
    time.sleep(0.3)
    assert [request.args["release"] for request in serving.desk.requests] == ["REL-2", "REL-3"]


def test_the_files_of_a_mention_come_with_it(serving: Serving) -> None:
    upload = serving.anna.act("upload", channel=RELEASES, filename="a.zip", content_base64="UEsFBg==", share=False)
    sent = serving.anna.act("mention", channel=RELEASES, text="attach REL-1", files=[upload["file"]["id"]])
    assert private(sent) == ["REL-1 gets a.zip (4 B)"]


@pytest.mark.parametrize("channel", [RELEASES, "@rollcall"])
def test_a_file_with_nothing_but_our_name_is_attached(serving: Serving, channel: str) -> None:
    upload = serving.anna.act("upload", channel=channel, filename="a.zip", content_base64="UEsFBg==", share=False)
    words = "@rollcall" if channel == RELEASES else ""
    serving.anna.act("message", channel=channel, text=words, files=[upload["file"]["id"]])
    [request] = serving.desk.requests
    assert (request.verb, [file.name for file in request.args["files"]]) == ("release_attach", ["a.zip"])


def test_a_file_with_a_release_alone_is_attached_to_it(serving: Serving) -> None:
    upload = serving.anna.act("upload", channel="@rollcall", filename="a.zip", content_base64="UEsFBg==", share=False)
    serving.anna.act("message", channel="@rollcall", text="REL-7", files=[upload["file"]["id"]])
    [request] = serving.desk.requests
    assert (request.verb, request.args["release"]) == ("release_attach", "REL-7")


def test_a_mention_without_words_is_one_of_its_files_alone(serving: Serving) -> None:
    upload = serving.anna.act("upload", channel=RELEASES, filename="a.zip", content_base64="UEsFBg==", share=False)
    serving.anna.act("mention", channel=RELEASES, text="", files=[upload["file"]["id"]])
    assert [request.verb for request in serving.desk.requests] == ["release_attach"]


def test_a_file_with_words_that_are_no_verb_is_told_how_it_is_attached(serving: Serving) -> None:
    upload = serving.anna.act("upload", channel=RELEASES, filename="a.zip", content_base64="UEsFBg==", share=False)
    sent = serving.anna.act("mention", channel=RELEASES, text="here it is", files=[upload["file"]["id"]])
    [said] = private(sent)
    assert "I know no “here”" in said
    assert "To attach a.zip, send it again with `attach` or without any words." in said
    assert serving.desk.requests == []


def test_a_form_asked_for_by_a_mention_comes_as_a_button(serving: Serving) -> None:
    outcome = serving.anna.act("mention", channel=RELEASES, text="new")
    [offered] = [message for message in outcome["messages"] if message["ephemeral"]]
    opened = serving.anna.clicks("New release", offered)
    assert opened["view"]["title"] == "New release"


def test_an_event_that_comes_twice_is_answered_once(serving: Serving) -> None:
    serving.fault("duplicate", method="app_mention")
    serving.anna.act("mention", channel=RELEASES, text="status REL-4")
    time.sleep(0.5)
    assert len(serving.desk.requests) == 1


# Home


def test_home_greets_and_its_buttons_work(serving: Serving) -> None:
    outcome = serving.anna.act("home")
    assert "Yours, Anna" in outcome["home"]["plain"]
    form = serving.anna.act("click", home=True, label="Plan")
    before = len(serving.calls("views.publish"))
    done = serving.anna.submits(form, {"Name": "From Home"})
    assert done["ack"] == "empty"
    assert told_later(serving, "REL-7 From Home")
    assert len(serving.calls("views.publish")) == before + 1


def test_home_tells_strangers_whom_to_ask(serving: Serving) -> None:
    assert "ask an administrator" in serving.person("grace").act("home")["home"]["plain"]


# Shortcuts


def test_the_global_shortcut_opens_the_form(serving: Serving) -> None:
    outcome = serving.anna.act("shortcut", callback_id="release_new")
    assert outcome["view"]["title"] == "New release"
    serving.anna.submits(outcome, {"Name": "By shortcut"})
    assert told_later(serving, "REL-7 By shortcut")


def test_the_message_shortcut_takes_the_words_along(serving: Serving) -> None:
    serving.person("tomas").types("Orders fail & nobody knows", "#incidents")
    broken = serving.anna.sees("Orders fail", "#incidents")
    opened = serving.anna.act("shortcut", callback_id="incident_open", channel="#incidents", ts=broken["ts"])
    [field] = opened["view"]["inputs"]
    assert field["value"] == "Orders fail & nobody knows"
    assert serving.desk.requests[-1].args["author"] == "U0TESTER"
    assert private(serving.anna.submits(opened, {})) == ["INC-1 Orders fail & nobody knows"]


def test_a_message_is_kept_with_its_address(serving: Serving) -> None:
    serving.person("tomas").types("Found the cause", "#incidents")
    found = serving.anna.sees("Found the cause", "#incidents")
    kept = serving.anna.act("shortcut", callback_id="release_remember", channel="#incidents", ts=found["ts"])
    assert "Kept: Found the cause http" in kept["view"]["plain"]
    assert f"p{found['ts'].replace('.', '')}" in kept["view"]["plain"]
    asked = serving.desk.requests[-1].args
    assert (asked["author"], asked["message"]) == ("U0TESTER", found["ts"])
    assert abs(asked["said_at"].timestamp() - float(found["ts"])) < 1


def test_a_message_is_kept_though_slack_does_not_tell_its_address(serving: Serving) -> None:
    serving.person("tomas").types("Found it again", "#incidents")
    found = serving.anna.sees("Found it again", "#incidents")
    serving.fault("error", method="chat.getPermalink", error="internal_error")
    kept = serving.anna.act("shortcut", callback_id="release_remember", channel="#incidents", ts=found["ts"])
    assert kept["view"]["plain"].strip().endswith("Kept: Found it again")


# Both sockets


def test_people_are_answered_while_one_of_two_connections_is_lost(serving: Serving) -> None:
    assert serving.anna.look("deliveries")["connections"] == 2
    assert serving.sockets is not None
    assert serving.run(serving.sockets.alive()) == 2
    # How soon the lost one is opened again is the client's own affair; it may be before we could look.
    assert serving.http.post("sockets", json={"do": "drop", "connections": 1}).json()["ok"]
    for number in range(1, 6):
        assert private(serving.anna.types(f"/release status REL-{number}")) == [f"REL-{number} is asked about"]


# Slowness


def test_what_takes_longer_than_slack_waits_is_told_when_done() -> None:
    with served() as serving:
        first = serving.anna.types("/release slow")
        assert first["ack"] == "message"
        assert "takes longer than usual" in private(first)[0]
        since = first["seq"]
        serving.desk.release()
        answer = serving.anna.look("wait", since=since, timeout=5)
        assert [change["kind"] for change in answer["changes"]] == ["ephemeral"]
        assert "Done at last" in str(serving.anna.reads("#releases"))


def test_a_form_whose_action_takes_long_is_closed_and_answered() -> None:
    with served() as serving:
        outcome = serving.anna.submits(serving.anna.types("/release new"), {"Name": "slow"})
        assert outcome["ack"] == "empty"
        serving.desk.release()
        assert serving.anna.sees("REL-7 slow to uat")


def test_an_expired_trigger_is_answered_with_a_button_that_opens_the_form() -> None:
    with served(pace=Pace(trigger_lives=0.2, quiet_for=0.05)) as serving:
        outcome = serving.anna.types("/release slowform")
        assert outcome["view"] is None
        [message] = [message for message in outcome["messages"] if message["ephemeral"]]
        assert "three seconds" in message["plain"]
        assert serving.anna.clicks("Open the form", message)["view"]["title"] == "New release"


def test_a_slack_that_opens_no_form_in_time_is_answered_the_same_way() -> None:
    with served() as serving:
        serving.fault("slow", method="views.open", seconds=2.5)
        outcome = serving.anna.types("/release new")
        assert "three seconds" in private(outcome)[0]


def test_clicks_and_forms_are_acknowledged_before_anything_goes_out() -> None:
    with served(pace=Pace(ack_within=0.6, quiet_for=0.05, rate_limits=False)) as serving:
        card = posted(serving)
        serving.fault("slow", method="chat.postEphemeral", seconds=1, times=2)
        assert serving.anna.clicks("Approve", card)["ack"] == "empty"
        assert serving.anna.submits(serving.anna.types("/release new"), {"Name": "Spring"})["ack"] == "empty"
        assert serving.anna.sees("REL-7 Spring")
        assert serving.anna.sees("Approved REL-1")


def test_words_beyond_the_lanes_wait_their_turn_and_all_are_answered() -> None:
    with served() as serving:
        for _ in range(20):
            serving.anna.act("mention", channel=RELEASES, text="slow", wait_seconds=0)
        time.sleep(0.5)
        assert 0 < len(serving.desk.requests) <= 16
        serving.desk.release()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and len(serving.calls("chat.postEphemeral")) < 20:
            time.sleep(0.1)
        said = [call["arguments"]["text"] for call in serving.calls("chat.postEphemeral") if call["ok"]]
        assert said.count("Done at last") == 20
