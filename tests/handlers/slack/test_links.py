"""Links of ours in the chat: shown with what they lead to, once, where the app may, never to another company."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.declared import manifest_text
from tests.handlers.slack.serving import Serving, served

OURS = "https://rollcall.acme.example"
CARD = {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "REL-1 stands well"}}]}


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A bot whose manifest names a domain of the company's."""
    manifest: Path = tmp_path_factory.mktemp("links") / "manifest.yml"
    manifest.write_text(manifest_text(OURS), encoding="utf-8")
    with served(manifest=manifest) as serving:
        yield serving


def unfurls(serving: Serving, more_than: int = 0) -> list[dict[str, Any]]:
    """The calls of chat.unfurl, once there are more than so many."""
    deadline = time.monotonic() + 20
    while len(serving.calls("chat.unfurl")) <= more_than and time.monotonic() < deadline:
        time.sleep(0.05)
    return serving.calls("chat.unfurl")


def test_a_link_is_shown_with_what_it_leads_to(serving: Serving) -> None:
    before = len(serving.calls("chat.unfurl"))
    serving.anna.types(f"See {OURS}/r/REL-1 and {OURS}/r/REL-404", "#releases")
    assert unfurls(serving, before)[-1]["ok"]
    said = serving.anna.sees("REL-404")
    assert "REL-1 as Anna sees it" in str(said["attachments"])
    assert len(said["attachments"]) == 1, "what leads to nothing is left as it is"


@pytest.mark.parametrize(
    "words", ["https://rollcall.acme.example.evil.example/r/REL-1", "https://elsewhere.example/r/REL-1", "no link"]
)
def test_other_links_are_not_even_told_to_us(serving: Serving, words: str) -> None:
    before = len(serving.anna.look("deliveries")["deliveries"])
    serving.anna.types(words, "#releases")
    told = serving.anna.look("deliveries")["deliveries"][before:]
    assert [each for each in told if each["what"] == "link_shared"] == []


def test_people_whom_we_do_not_serve_are_shown_nothing(serving: Serving) -> None:
    before = len(serving.calls("chat.unfurl"))
    serving.person("grace").types(f"{OURS}/r/REL-1", "#general")
    serving.anna.types(f"mine {OURS}/r/REL-1", "#releases")
    assert len(unfurls(serving, before)) == before + 1


def test_nothing_is_shown_in_a_channel_that_another_company_reads(serving: Serving) -> None:
    before = len(serving.calls("chat.unfurl"))
    serving.anna.types("only words", "#releases")
    said = serving.anna.sees("only words")
    event = {
        "type": "link_shared",
        "user": "U0RELMGR",
        "channel": said["channel"],
        "message_ts": said["ts"],
        "links": [{"domain": "rollcall.acme.example", "url": f"{OURS}/r/REL-1"}],
    }
    for shared in (True, False):
        body = {"type": "event_callback", "team_id": "T0", "event": event, "is_ext_shared_channel": shared}
        assert serving.app is not None
        serving.run(serving.app.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode")))
    [call] = unfurls(serving, before)[before:]
    assert call["error"] == "cannot_unfurl_url", "the second was tried, though the message has no such link"


def test_our_own_posts_are_not_shown_once_more(serving: Serving) -> None:
    before = len(serving.anna.look("deliveries")["deliveries"])
    client = WebClient(serving.workspace.bot_token, base_url=serving.workspace.api_url)
    client.chat_postMessage(channel="C0RELEASES", text=f"<{OURS}/r/REL-1>")
    told = serving.anna.look("deliveries")["deliveries"][before:]
    assert [each for each in told if each["what"] == "link_shared"] == []


def test_the_same_link_twice_or_written_twice_is_shown_once(serving: Serving) -> None:
    before = len(serving.calls("chat.unfurl"))
    serving.anna.types(f"twice {OURS}/r/REL-1 and {OURS}/r/REL-1 and {OURS}/x/r/REL-1", "#releases")
    assert unfurls(serving, before)[-1]["ok"]
    assert len(serving.anna.sees("twice")["attachments"]) == 1


def test_what_is_shown_already_does_not_hide_what_is_new(serving: Serving) -> None:
    before = len(serving.calls("chat.unfurl"))
    serving.fault("error", method="chat.unfurl", error="cannot_unfurl_url")  # as after an edit that added a link
    serving.anna.types(f"one after the other {OURS}/r/REL-1 {OURS}/r/REL-5", "#releases")
    assert len(unfurls(serving, before + 2)) == before + 3
    said = serving.anna.sees("one after the other")
    assert [each["from_url"] for each in said["attachments"]] == [f"{OURS}/r/REL-1", f"{OURS}/r/REL-5"]


def test_a_link_in_the_composer_is_shown_before_it_is_posted(serving: Serving) -> None:
    before = len(serving.calls("chat.unfurl"))
    dispatch(serving, {"channel": "COMPOSER", "unfurl_id": "U1.composer", "source": "composer"})
    call = unfurls(serving, before)[before]
    assert (call["arguments"]["unfurl_id"], call["arguments"]["source"]) == ("U1.composer", "composer")
    assert "ts" not in call["arguments"]


def dispatch(serving: Serving, where: dict[str, Any]) -> None:
    """Slack tells of a link of ours."""
    links = [{"domain": "rollcall.acme.example", "url": f"{OURS}/r/REL-1"}]
    event = {"type": "link_shared", "user": "U0RELMGR", "links": links, **where}
    body = {"type": "event_callback", "team_id": "T0", "event": event}
    assert serving.app is not None
    serving.run(serving.app.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode")))


# The workspace, as strict as Slack


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "missing_channel"),
        ({"channel": "C0RELEASES"}, "missing_ts"),
        ({"channel": "C0RELEASES", "ts": "1.000001"}, "cannot_unfurl_message"),
        ({"unfurl_id": "C0RELEASES.1.2"}, "missing_source"),
        ({"source": "composer"}, "missing_unfurl_id"),
        ({"unfurl_id": "C0RELEASES.1.2", "source": "conversations_history"}, "invalid_unfurl_id"),
        ({"unfurl_id": "C0RELEASES.1.2", "source": "elsewhere"}, "invalid_source"),
    ],
)
def test_a_call_that_names_no_message_is_refused(serving: Serving, arguments: dict[str, str], code: str) -> None:
    assert refused(serving, {**arguments, "unfurls": {f"{OURS}/r/REL-2": CARD}}) == code


def test_each_link_of_a_message_is_shown_once_and_only_those_in_it(serving: Serving) -> None:
    serving.anna.types(f"look here {OURS}/r/REL-2", "#releases")
    said = serving.anna.sees("look here")
    where = {"channel": said["channel"], "ts": said["ts"]}
    assert refused(serving, {**where, "unfurls": {}}) == "missing_unfurls"
    assert refused(serving, {**where, "unfurls": [CARD]}) == "invalid_unfurls_format"
    assert refused(serving, {**where, "unfurls": {f"{OURS}/r/REL-3": CARD}}) == "cannot_unfurl_url"
    broken = {"blocks": [{"type": "section"}]}
    assert refused(serving, {**where, "unfurls": {f"{OURS}/r/REL-2": broken}}) == "invalid_blocks"
    assert refused(serving, {**where, "unfurls": {f"{OURS}/r/REL-2": CARD}}) == ""
    assert refused(serving, {**where, "unfurls": {f"{OURS}/r/REL-2": CARD}}) == "cannot_unfurl_url"
    assert "REL-1 stands well" in str(serving.anna.sees("look here")["attachments"])


def test_without_the_scope_nothing_can_be_shown() -> None:
    with served() as serving:
        assert refused(serving, {"channel": "C0RELEASES", "ts": "1.0", "unfurls": {"x": CARD}}) == "missing_scope"


def refused(serving: Serving, arguments: dict[str, Any]) -> str:
    """Slack's word for what was wrong with a call; "" when it was done."""
    client = WebClient(serving.workspace.bot_token, base_url=serving.workspace.api_url)
    try:
        client.api_call("chat.unfurl", json=arguments)
    except SlackApiError as error:
        return str(error.response["error"])
    return ""
