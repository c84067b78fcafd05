"""The Web API as slack_sdk's own client meets it: answers and error codes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient


def error_of(call: Any, **arguments: Any) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return caught.value.response.data


def test_the_bot_learns_who_it_is(bot: WebClient) -> None:
    who = bot.auth_test()
    assert (who["user_id"], who["bot_id"], who["team_id"]) == ("U0ROLLCALL", "B0ROLLCALL", "T0REHEARSE")


async def test_the_async_client_posts_too(workspace: Any) -> None:
    client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
    assert (await client.chat_postMessage(channel="C0RELEASES", text="hello"))["message"]["text"] == "hello"


@pytest.mark.parametrize(
    ("token", "error"),
    [(None, "not_authed"), ("xoxb-stranger", "invalid_auth")],
)
def test_bad_tokens_are_refused(workspace: Any, token: str | None, error: str) -> None:
    client = WebClient(token=token, base_url=workspace.api_url)
    assert error_of(client.auth_test)["error"] == error


def test_the_app_token_is_not_for_posting(workspace: Any) -> None:
    client = WebClient(token=workspace.app_token, base_url=workspace.api_url)
    assert error_of(client.chat_postMessage, channel="C0RELEASES", text="x")["error"] == "not_allowed_token_type"


def test_an_unknown_method_is_named(bot: WebClient) -> None:
    assert error_of(bot.api_call, api_method="chat.shout")["error"] == "unknown_method"


def test_a_form_encoded_post_works_like_curl_does_it(workspace: Any) -> None:
    form = {"token": workspace.bot_token, "channel": "#releases", "blocks": '[{"type":"divider"}]', "text": "x"}
    answer = httpx.post(f"{workspace.api_url}chat.postMessage", data=form).json()
    assert answer["ok"]
    assert answer["channel"] == "C0RELEASES"
    assert answer["message"]["blocks"][0]["block_id"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("{", "invalid_json"),
        ("[" * 100_000, "invalid_json"),
        ("[1]", "json_not_object"),
        ('{"channel": "C0GENERAL", "text": "half \\ud83d a smile"}', "invalid_json"),
        ('{"channel": "C0GENERAL", "blocks": "[\\"\\\\ud83d\\"]"}', "invalid_blocks_format"),
        ('{"channel": ["x"], "text": "a"}', "channel_not_found"),
    ],
)
def test_malformed_json_gets_an_answer(workspace: Any, body: str, error: str) -> None:
    headers = {"authorization": f"Bearer {workspace.bot_token}", "content-type": "application/json"}
    assert httpx.post(f"{workspace.api_url}chat.postMessage", content=body, headers=headers).json()["error"] == error


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("", "missing_post_type"),
        ("application/xml", "invalid_post_type"),
        ("application/json; charset=latin-9", "invalid_charset"),
        ("application/json; charset=UTF-8", None),
    ],
)
def test_a_body_says_what_it_is(workspace: Any, kind: str, error: str | None) -> None:
    headers = {"authorization": f"Bearer {workspace.bot_token}", "content-type": kind}
    body = '{"channel": "C0GENERAL", "text": "x"}'
    assert (
        httpx.post(f"{workspace.api_url}chat.postMessage", content=body, headers=headers).json().get("error") == error
    )


def test_markdown_text_is_posted_alone(bot: WebClient) -> None:
    posted = bot.chat_postMessage(channel="C0GENERAL", markdown_text="**bold**")
    assert posted["message"]["blocks"][0]["text"] == "**bold**"
    updated = bot.chat_update(channel="C0GENERAL", ts=posted["ts"], markdown_text="_thin_")
    assert updated["message"]["blocks"][0]["text"] == "_thin_"
    call = bot.chat_postMessage
    assert error_of(call, channel="C0GENERAL", markdown_text="x", text="x")["error"] == "markdown_text_conflict"
    assert error_of(call, channel="C0GENERAL", markdown_text="x" * 12_001)["error"] == "msg_too_long"


@pytest.mark.parametrize("place", ["#general", "general", "U0RELMGR"])
def test_what_is_there_is_named_by_the_id_of_its_channel(bot: WebClient, place: str) -> None:
    ts = bot.chat_postMessage(channel=place, text="x")["ts"]
    for call, arguments in (
        (bot.chat_update, {"ts": ts, "text": "y"}),
        (bot.chat_delete, {"ts": ts}),
        (bot.chat_getPermalink, {"message_ts": ts}),
        (bot.reactions_add, {"timestamp": ts, "name": "eyes"}),
        (bot.pins_add, {"timestamp": ts}),
        (bot.conversations_info, {}),
    ):
        assert error_of(call, channel=place, **arguments)["error"] == "channel_not_found"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": "C0SALESOPS", "text": "x"}, "channel_not_found"),
        ({"channel": "C0RELEASES", "text": ""}, "no_text"),
        ({"channel": "C0RELEASES", "text": "  "}, "no_text"),
        ({"channel": "C0RELEASES", "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": "C0RELEASES", "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"channel": "C0RELEASES", "text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_schema"),
        ({"channel": "C0RELEASES", "text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
        ({"channel": "D0LEAVER", "text": "x"}, "channel_not_found"),
    ],
)
def test_posting_is_refused_with_slacks_own_code(bot: WebClient, arguments: dict[str, Any], error: str) -> None:
    assert error_of(bot.api_call, api_method="chat.postMessage", json=arguments)["error"] == error


def test_the_bot_must_be_in_a_public_channel_to_post(bot: WebClient, driver: Any) -> None:
    made = driver.steer("workspace", create_channel={"name": "quiet", "members": ["anna"]})["channel"]
    assert error_of(bot.chat_postMessage, channel=made, text="x")["error"] == "not_in_channel"
    assert error_of(bot.conversations_history, channel=made)["error"] == "not_in_channel"
    bot.conversations_join(channel=made)
    assert bot.chat_postMessage(channel=made, text="x")["ok"]


def test_an_archived_channel_takes_nothing(bot: WebClient, driver: Any) -> None:
    driver.steer("workspace", archive="#general")
    assert error_of(bot.chat_postMessage, channel="C0GENERAL", text="x")["error"] == "is_archived"
    assert driver.act("message", channel="#general", text="x", status=409)["error"]["code"] == "is_archived"


def test_invalid_blocks_come_with_pointers(bot: WebClient) -> None:
    data = error_of(bot.chat_postMessage, channel="C0RELEASES", text="x", blocks=[{"type": "section"}])
    assert data["error"] == "invalid_blocks"
    assert "[json-pointer:/blocks/0]" in data["errors"][0]
    assert data["response_metadata"]["messages"][0].startswith("[ERROR] ")


def test_too_much_text_in_all_blocks_together_is_refused(bot: WebClient, kit: Any) -> None:
    blocks = [kit.section("x" * 2900) for _ in range(4)]
    assert (
        error_of(bot.chat_postMessage, channel="C0RELEASES", text="x", blocks=blocks)["error"] == "msg_blocks_too_long"
    )


def test_a_message_is_found_again_by_its_metadata(bot: WebClient) -> None:
    mark = {"event_type": "headline", "event_payload": {"key": "REL-1"}}
    posted = bot.chat_postMessage(channel="C0RELEASES", text="x", metadata=mark)
    found = bot.conversations_history(channel="C0RELEASES", include_all_metadata=True)["messages"][0]
    assert (found["ts"], found["metadata"]) == (posted["ts"], mark)
    assert "metadata" not in bot.conversations_history(channel="C0RELEASES")["messages"][0]


def test_history_is_paged_newest_first(bot: WebClient) -> None:
    stamps = [bot.chat_postMessage(channel="C0RELEASES", text=str(n))["ts"] for n in range(5)]
    first = bot.conversations_history(channel="C0RELEASES", limit=2)
    assert [each["text"] for each in first["messages"]] == ["4", "3"]
    cursor = first["response_metadata"]["next_cursor"]
    assert [
        each["text"] for each in bot.conversations_history(channel="C0RELEASES", limit=2, cursor=cursor)["messages"]
    ] == ["2", "1"]
    one = bot.conversations_history(channel="C0RELEASES", oldest=stamps[3], latest=stamps[3], inclusive=True)
    assert [each["text"] for each in one["messages"]] == ["3"]
    assert error_of(bot.conversations_history, channel="C0RELEASES", cursor="else")["error"] == "invalid_cursor"


def test_a_thread_is_read_head_first(bot: WebClient) -> None:
    head = bot.chat_postMessage(channel="C0RELEASES", text="head")["ts"]
    bot.chat_postMessage(channel="C0RELEASES", text="reply", thread_ts=head)
    replies = bot.conversations_replies(channel="C0RELEASES", ts=head)["messages"]
    assert [each["text"] for each in replies] == ["head", "reply"]
    assert replies[0]["reply_count"] == 1
    assert [each["text"] for each in bot.conversations_history(channel="C0RELEASES")["messages"]] == ["head"]


def test_an_update_without_blocks_removes_them(bot: WebClient, kit: Any) -> None:
    posted = bot.chat_postMessage(channel="C0RELEASES", text="a", blocks=[kit.section("a")])
    bot.chat_update(channel="C0RELEASES", ts=posted["ts"], text="b")
    now = bot.conversations_history(channel="C0RELEASES")["messages"][0]
    assert (now["text"], now.get("blocks"), "edited" in now) == ("b", None, True)


def test_an_update_with_blocks_shows_no_edited_mark(bot: WebClient, kit: Any) -> None:
    posted = bot.chat_postMessage(channel="C0RELEASES", text="a")
    bot.chat_update(channel="C0RELEASES", ts=posted["ts"], text="b", blocks=[kit.section("b")])
    assert "edited" not in bot.conversations_history(channel="C0RELEASES")["messages"][0]


def test_only_own_messages_can_be_changed(bot: WebClient, driver: Any) -> None:
    said = driver.act("message", channel="#releases", text="mine")["messages"][0]["ts"]
    assert error_of(bot.chat_update, channel="C0RELEASES", ts=said, text="x")["error"] == "cant_update_message"
    assert error_of(bot.chat_delete, channel="C0RELEASES", ts=said)["error"] == "cant_delete_message"
    assert error_of(bot.chat_update, channel="C0RELEASES", ts="1.000001", text="x")["error"] == "message_not_found"


def test_an_ephemeral_message_cannot_be_updated(bot: WebClient) -> None:
    ts = bot.chat_postEphemeral(channel="C0RELEASES", user="U0RELMGR", text="psst")["message_ts"]
    assert error_of(bot.chat_update, channel="C0RELEASES", ts=ts, text="x")["error"] == "message_not_found"


def test_an_ephemeral_message_needs_somebody_in_the_channel(bot: WebClient) -> None:
    call = bot.chat_postEphemeral
    assert error_of(call, channel="C0RELEASES", user="U0LEAVER", text="x")["error"] == "user_not_in_channel"
    assert error_of(call, channel="C0RELEASES", user="U0NOBODY", text="x")["error"] == "user_not_found"


def test_people_are_found_by_id_and_email(bot: WebClient) -> None:
    assert bot.users_info(user="U0DEVELO")["user"]["tz"] == "Asia/Kolkata"
    assert bot.users_lookupByEmail(email="Omar@example.com")["user"]["id"] == "U0OPSMGR"
    assert bot.users_info(user="U0LEAVER")["user"]["deleted"] is True
    assert error_of(bot.users_info, user="U0NOBODY")["error"] == "user_not_found"
    assert error_of(bot.users_lookupByEmail, email="karl@example.com")["error"] == "users_not_found"


def test_usergroups_have_members(bot: WebClient) -> None:
    groups = {each["handle"]: each for each in bot.usergroups_list(include_users=True)["usergroups"]}
    assert groups["qa-team"]["users"] == ["U0TESTER", "U0ANALYS"]
    assert bot.usergroups_users_list(usergroup="S0RELMGRS")["users"] == ["U0RELMGR", "U0OPSMGR"]
    assert error_of(bot.usergroups_users_list, usergroup="S0NONE")["error"] == "no_such_subteam"


def test_the_bot_opens_a_direct_message(bot: WebClient) -> None:
    channel = bot.conversations_open(users="U0RELMGR")["channel"]["id"]
    assert channel == "D0RELMGR"
    assert bot.chat_postMessage(channel="U0RELMGR", text="hi")["channel"] == channel
    assert error_of(bot.conversations_open, users="U0LEAVER")["error"] == "user_disabled"


def test_reactions_pins_and_links(bot: WebClient) -> None:
    ts = bot.chat_postMessage(channel="C0RELEASES", text="x")["ts"]
    bot.reactions_add(channel="C0RELEASES", timestamp=ts, name="eyes")
    assert error_of(bot.reactions_add, channel="C0RELEASES", timestamp=ts, name="eyes")["error"] == "already_reacted"
    bot.pins_add(channel="C0RELEASES", timestamp=ts)
    assert error_of(bot.pins_add, channel="C0RELEASES", timestamp=ts)["error"] == "already_pinned"
    link = bot.chat_getPermalink(channel="C0RELEASES", message_ts=ts)["permalink"]
    assert link.endswith(f"/archives/C0RELEASES/p{ts.replace('.', '')}")


def test_a_link_can_be_bookmarked(bot: WebClient) -> None:
    made = bot.bookmarks_add(channel_id="C0RELEASES", title="Runbook", type="link", link="https://example.com")
    assert bot.bookmarks_list(channel_id="C0RELEASES")["bookmarks"] == [made["bookmark"]]
    call = bot.bookmarks_add
    assert error_of(call, channel_id="C0RELEASES", title="x", type="link", link="ftp:x")["error"] == "invalid_link"


MANIFEST = """
display_information: {name: Rollcall}
features: {bot_user: {display_name: Rollcall}}
oauth_config: {scopes: {bot: [commands, users:read, channels:read]}}
settings: {socket_mode_enabled: true}
"""


def test_scopes_come_from_the_manifest(start_workspace: Any, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.yml"
    manifest.write_text(MANIFEST)
    running = start_workspace(manifest=manifest)
    client = WebClient(token=running.bot_token, base_url=running.api_url)
    data = error_of(client.chat_postMessage, channel="C0RELEASES", text="x")
    assert (data["error"], data["needed"]) == ("missing_scope", "chat:write")
    assert data["provided"] == "channels:read,commands,users:read"
    assert error_of(client.conversations_list, types="im")["needed"] == "im:read"
    assert client.conversations_list()["channels"][0]["name"] == "general"
    assert "email" not in client.users_info(user="U0RELMGR")["user"]["profile"]


def test_posting_too_fast_into_one_channel_is_limited(start_workspace: Any, pace: Any) -> None:
    running = start_workspace(pace=pace(rate_limits=True))
    client = WebClient(token=running.bot_token, base_url=running.api_url)
    for number in range(5):
        client.chat_postMessage(channel="C0RELEASES", text=str(number))
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="#releases", text="one too many")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "1"
    assert caught.value.response["error"] == "ratelimited"
    assert client.chat_postMessage(channel="C0GENERAL", text="elsewhere")["ok"]
    time.sleep(1)
    assert client.chat_postMessage(channel="C0RELEASES", text="later")["ok"]


def test_tier_two_allows_twenty_at_once(start_workspace: Any, pace: Any) -> None:
    running = start_workspace(pace=pace(rate_limits=True))
    client = WebClient(token=running.bot_token, base_url=running.api_url)
    for _ in range(20):
        client.usergroups_list()
    assert error_of(client.usergroups_list)["error"] == "ratelimited"


def test_calls_are_counted_without_their_tokens(bot: WebClient, driver: Any, workspace: Any) -> None:
    bot.chat_postMessage(channel="C0RELEASES", text="x" * 500)
    error_of(bot.chat_postMessage, channel="C0NOWHERE", text="x")
    seen = driver.look("calls", method="chat.postMessage")
    assert seen["counts"] == {"chat.postMessage": 2}
    assert [each["error"] for each in seen["calls"]] == [None, "channel_not_found"]
    assert len(seen["calls"][0]["arguments"]["text"]) == 300
    assert workspace.bot_token not in str(seen)


HEADER = {"type": "header", "text": {"type": "mrkdwn", "text": "x"}}


@pytest.mark.parametrize(
    ("given", "error", "pointer"),
    [
        ({"blocks": [HEADER]}, "invalid_blocks", "/0/text/type"),
        ({"message": {"blocks": [HEADER]}}, "invalid_message", "/blocks/0/text/type"),
        ({"view": {"type": "home", "blocks": [HEADER]}}, "invalid_view", "/blocks/0/text/type"),
    ],
)
def test_blocks_can_be_validated_without_posting(bot: WebClient, given: Any, error: str, pointer: str) -> None:
    told = error_of(bot.blocks_validate, **given)
    assert (told["error"], told["errors"][0]["pointer"]) == (error, pointer)
    assert told["errors"][0]["message"] == "unsupported type: mrkdwn"
    assert told["errors"][0]["constraint"] == {"type": "enum", "expected": ["plain_text"]}


def test_exactly_one_thing_is_validated_at_once(bot: WebClient) -> None:
    assert bot.blocks_validate(blocks=[{"type": "divider"}]).data == {"ok": True}
    assert error_of(bot.blocks_validate)["error"] == "invalid_arguments"
    both = error_of(bot.blocks_validate, blocks=[], view={"type": "home", "blocks": []})
    assert "exactly one of" in both["response_metadata"]["messages"][0]
