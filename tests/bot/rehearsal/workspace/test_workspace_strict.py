"""What Slack refuses, the workspace refuses: ephemeral messages, people who left, rates, tokens, addresses that end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.rehearsal.workspace.pace import Pace, RateLimits
from bot.rehearsal.workspace.web.methods import METHODS


def error_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return str(caught.value.response["error"])


def test_the_limits_in_time_are_slacks_unless_a_test_shortens_them() -> None:
    pace = Pace()
    assert (pace.ack_within, pace.trigger_lives) == (3.0, 3.0)
    assert (pace.response_url_uses, pace.response_url_lives) == (5, 30 * 60)
    assert pace.retry_after == (0.0, 60.0, 300.0)
    assert pace.rate_limits


@pytest.mark.parametrize(
    ("method", "calls"), [("usergroups.list", 20), ("conversations.info", 50), ("users.info", 100)]
)
def test_each_tier_has_its_calls_a_minute_and_says_when_to_come_back(
    start_workspace: Any, pace: Any, method: str, calls: int
) -> None:
    running = start_workspace(pace=pace(rate_limits=True))
    client = WebClient(token=running.bot_token, base_url=running.api_url)
    asked = {"channel": "C0GENERAL", "user": "U0RELMGR"}
    for _ in range(calls):
        assert client.api_call(method, params=asked)["ok"]
    with pytest.raises(SlackApiError) as caught:
        _ = [client.api_call(method, params=asked) for _ in range(calls)]
    refused = caught.value.response
    assert (refused.status_code, refused["error"]) == (429, "ratelimited")
    assert 1 <= int(refused.headers["Retry-After"]) <= -(-60 // calls)
    assert client.api_call("auth.test")["ok"], "the tier of one method is not that of another"


@pytest.mark.parametrize("tier", [2, 3, 4])
def test_a_tier_is_empty_after_its_burst(tier: int) -> None:
    rates, calls = RateLimits(), {2: 20, 3: 50, 4: 100}[tier]
    assert [rates.take_tier("a", tier) for _ in range(calls)] == [0] * calls
    assert rates.take_tier("a", tier) == -(-60 // calls)
    assert rates.take_tier("b", tier) == 0


def test_every_method_that_slack_rates_has_its_tier() -> None:
    unrated = {name for name, method in METHODS.items() if method.tier is None}
    assert unrated == {"api.test", "auth.test", "blocks.validate", "chat.getPermalink"}
    assert METHODS["chat.update"].tier == 3
    assert METHODS["chat.postEphemeral"].tier == METHODS["views.open"].tier == 4
    assert METHODS["usergroups.users.list"].tier == 2


# Ephemeral messages


@pytest.fixture
def whisper(bot: WebClient) -> str:
    """The ts of something that Anna alone sees in #releases."""
    return str(bot.chat_postEphemeral(channel="C0RELEASES", user="U0RELMGR", text="psst")["message_ts"])


def test_an_ephemeral_message_is_there_for_nobody_but_its_reader(bot: WebClient, whisper: str) -> None:
    place = {"channel": "C0RELEASES"}
    assert error_of(bot.chat_update, **place, ts=whisper, text="x") == "message_not_found"
    assert error_of(bot.chat_delete, **place, ts=whisper) == "message_not_found"
    assert error_of(bot.chat_getPermalink, **place, message_ts=whisper) == "message_not_found"
    assert error_of(bot.reactions_add, **place, timestamp=whisper, name="eyes") == "message_not_found"
    assert error_of(bot.pins_add, **place, timestamp=whisper) == "message_not_found"
    assert error_of(bot.conversations_replies, **place, ts=whisper) == "thread_not_found"
    assert error_of(bot.chat_postMessage, **place, thread_ts=whisper, text="x") == "thread_not_found"
    assert bot.conversations_history(**place)["messages"] == []


@pytest.mark.parametrize(
    ("channel", "user", "error"),
    [
        ("D0OPSMGR", "U0RELMGR", "user_not_in_channel"),
        ("C0RELEASES", "U0LEAVER", "user_not_in_channel"),
        ("C0SALESOPS", "U0RELMGR", "channel_not_found"),
        ("C0RELEASES", "U0NOBODY", "user_not_found"),
        ("C0NOWHERE", "U0RELMGR", "channel_not_found"),
    ],
)
def test_nobody_is_whispered_to_where_they_are_not(bot: WebClient, channel: str, user: str, error: str) -> None:
    assert error_of(bot.chat_postEphemeral, channel=channel, user=user, text="x") == error


def test_nobody_is_whispered_to_after_they_left_the_channel(bot: WebClient, driver: Any) -> None:
    driver.act("leave", user="omar", channel="#releases")
    call = bot.chat_postEphemeral
    assert error_of(call, channel="C0RELEASES", user="U0OPSMGR", text="x") == "user_not_in_channel"
    driver.steer("workspace", archive="#releases")
    assert error_of(call, channel="C0RELEASES", user="U0RELMGR", text="x") == "is_archived"


async def test_an_ephemeral_message_is_replaced_and_taken_away_by_its_click_alone(
    app: AsyncApp, driver: Any, kit: Any
) -> None:
    @app.action("go")
    async def go(ack: Any, respond: Any, action: Any) -> None:
        await ack()
        await respond(
            **({"delete_original": True} if action["value"] == "2" else {"replace_original": True, "text": "once"}),
            **({} if action["value"] == "2" else {"blocks": [kit.actions(kit.button("go", "Again", value="2"))]}),
        )

    posted = await app.client.chat_postEphemeral(
        channel="C0RELEASES", user="U0RELMGR", text="x", blocks=[kit.actions(kit.button("go", "Go", value="1"))]
    )
    place = {"channel": "#releases", "ts": posted["message_ts"]}
    assert [each["text"] for each in (await driver.aact("click", **place, label="Go"))["changed"]] == ["once"]
    assert (await driver.aact("click", **place, label="Again"))["removed"] == [
        {"channel": "C0RELEASES", "ts": posted["message_ts"]}
    ]


# People who left


def test_somebody_who_left_is_written_to_by_nobody(bot: WebClient, driver: Any) -> None:
    driver.steer("workspace", deactivate="priya")
    for channel in ("U0DEVELO", "D0DEVELO"):
        assert error_of(bot.chat_postMessage, channel=channel, text="x") == "channel_not_found"
    assert error_of(bot.conversations_open, users="U0DEVELO") == "user_disabled"
    assert error_of(bot.chat_postEphemeral, channel="C0GENERAL", user="U0DEVELO", text="x") == "user_not_in_channel"
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    assert error_of(bot.views_publish, user_id="U0DEVELO", view=home) == "user_not_found"
    assert error_of(bot.users_lookupByEmail, email="priya@example.com") == "users_not_found"


def test_somebody_who_left_is_in_no_group_but_may_still_be_named(bot: WebClient, driver: Any) -> None:
    driver.steer("workspace", deactivate="lena")
    groups = {each["handle"]: each for each in bot.usergroups_list(include_users=True)["usergroups"]}
    assert (groups["qa-team"]["users"], groups["qa-team"]["user_count"]) == (["U0TESTER"], 1)
    assert bot.usergroups_users_list(usergroup="S0QATEAM")["users"] == ["U0TESTER"]
    ts = bot.chat_postMessage(channel="C0GENERAL", text="Thanks, <@U0ANALYS>.")["ts"]
    assert driver.look("message", channel="#general", ts=ts)["message"]["plain"] == "Thanks, @Lena Fischer."


async def test_somebody_who_left_can_press_nothing(app: AsyncApp, driver: Any, kit: Any) -> None:
    pressed: list[Any] = []

    @app.action("go")
    async def go(ack: Any, body: Any) -> None:
        await ack()
        pressed.append(body)

    ts = (
        await app.client.chat_postMessage(channel="C0GENERAL", text="x", blocks=[kit.actions(kit.button("go", "Go"))])
    )["ts"]
    refused = await driver.aact("click", user="karl", channel="#general", ts=ts, label="Go", status=403)
    assert refused["error"]["code"] == "deactivated"
    for act, more in (("command", {"text": "/release"}), ("react", {"ts": ts, "name": "eyes"})):
        assert (await driver.aact(act, user="karl", channel="#general", status=403, **more))["error"]["code"] == (
            "deactivated"
        )
    assert pressed == []


# Tokens, places, addresses

NARROW = """
display_information: {name: Rollcall}
features: {bot_user: {display_name: Rollcall}}
oauth_config: {scopes: {bot: [commands, "chat:write", "files:write"]}}
settings: {socket_mode_enabled: true}
"""


def test_each_method_needs_its_own_scope(start_workspace: Any, tmp_path: Path, drive: Any) -> None:
    manifest = tmp_path / "manifest.yml"
    manifest.write_text(NARROW)
    running = start_workspace(manifest=manifest)
    client = WebClient(token=running.bot_token, base_url=running.api_url)
    wanted = {
        "usergroups.list": "usergroups:read",
        "users.info": "users:read",
        "users.lookupByEmail": "users:read.email",
        "files.info": "files:read",
        "conversations.open": "im:write",
        "reactions.add": "reactions:write",
        "pins.add": "pins:write",
        "bookmarks.list": "bookmarks:read",
        "team.info": "team:read",
    }
    for method, scope in wanted.items():
        with pytest.raises(SlackApiError) as caught:
            client.api_call(method, params={"channel": "C0GENERAL", "user": "U0RELMGR"})
        assert (caught.value.response["error"], caught.value.response["needed"]) == ("missing_scope", scope)
    for channel, scope in (("C0RELEASES", "channels:history"), ("D0RELMGR", "im:history")):
        with pytest.raises(SlackApiError) as caught:
            client.conversations_history(channel=channel)
        assert caught.value.response["needed"] == scope
    done = client.files_upload_v2(channel="C0RELEASES", filename="a.txt", content="a")["file"]
    headers = {"authorization": f"Bearer {running.bot_token}"}
    assert httpx.get(done["url_private"], headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("chat.update", "is_inactive"),
        *((name, "is_archived") for name in ("chat.delete", "reactions.add", "pins.add", "chat.postMessage")),
    ],
)
def test_an_archived_channel_is_only_read(bot: WebClient, driver: Any, method: str, error: str) -> None:
    ts = bot.chat_postMessage(channel="C0GENERAL", text="x")["ts"]
    driver.steer("workspace", archive="#general")
    place = {"channel": "C0GENERAL", "ts": ts, "timestamp": ts, "name": "eyes", "text": "y"}
    assert error_of(bot.api_call, api_method=method, json=place) == error
    assert [each["text"] for each in bot.conversations_history(channel="C0GENERAL")["messages"]] == ["x"]


async def test_a_response_url_ends_after_its_time(app: AsyncApp, driver: Any, workspace: Any) -> None:
    workspace.workspace.pace.response_url_lives = 0.0
    urls: list[str] = []

    @app.command("/release")
    async def release(ack: Any, command: Any) -> None:
        urls.append(command["response_url"])
        await ack()

    await driver.aact("command", channel="#general", text="/release", wait_seconds=0)
    async with httpx.AsyncClient() as client:
        answer = await client.post(urls[0], json={"text": "too late"})
    assert (answer.status_code, answer.json()["error"]) == (404, "expired_url")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"files": [{"id": "F0NOTHING"}]}, "file_not_found"),
        ({"files": []}, "invalid_arguments"),
        ({}, "invalid_arguments"),
    ],
)
def test_an_upload_is_completed_with_files_that_are_there(bot: WebClient, arguments: Any, error: str) -> None:
    assert error_of(bot.api_call, api_method="files.completeUploadExternal", json=arguments) == error


def test_an_upload_needs_a_name_and_a_length(bot: WebClient) -> None:
    call = bot.files_getUploadURLExternal
    assert error_of(call, filename="a", length=0) == "invalid_arguments"
    assert error_of(call, filename="", length=3) == "invalid_arguments"
    url = call(filename="a", length=1)
    httpx.post(url["upload_url"], content=b"x")
    bot.files_completeUploadExternal(files=[{"id": url["file_id"]}])
    assert httpx.post(url["upload_url"], content=b"y").status_code == 404, "an address takes one upload"


# Whatever is asked, there is an answer

ODD_ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"channel": "C0GENERAL", "ts": "x", "timestamp": "x", "message_ts": "x", "user": "x", "name": "", "limit": "x"},
    {"channel": ["C0GENERAL"], "ts": {}, "users": [1], "user": 5, "view": [], "blocks": {}, "attachments": 3},
    {"channel": "C0GENERAL", "text": 7, "blocks": [None], "metadata": [], "thread_ts": "\U0001f600", "cursor": "at:x"},
    {"channel": "C0GENERAL", "oldest": "x", "latest": [], "types": "cats", "limit": -1, "count": -1, "files": [{}]},
    {"view": {"type": "modal"}, "trigger_id": "1.2.3", "user_id": "U0RELMGR", "view_id": "V1", "hash": 5},
    {"view": {"type": "home", "blocks": "x"}, "user_id": "U0RELMGR", "external_id": 5, "filename": "a", "length": "x"},
    {"channel": "C0GENERAL", "attachments": [{"blocks": 1}], "unfurls": [], "unfurl_id": 1, "source": "x"},
    {"channel": "C0GENERAL", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}, "block_id": 5}]},
    {"channel_id": "C0GENERAL", "title": [], "type": "link", "link": 3, "usergroup": {}, "email": [], "bot": 1},
]


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"api.test"}))  # which gives back what it is given
def test_every_method_answers_whatever_it_is_given(workspace: Any, method: str) -> None:
    headers = {"authorization": f"Bearer {workspace.bot_token}"}
    for arguments in ODD_ARGUMENTS:
        answer = httpx.post(f"{workspace.api_url}{method}", json=arguments, headers=headers)
        assert answer.status_code == 200, (arguments, answer.text)
        assert answer.json()["ok"] or answer.json()["error"], arguments
