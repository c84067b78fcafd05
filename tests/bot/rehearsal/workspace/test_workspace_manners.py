"""The rehearsal's API towards people: who sees what, and what is refused."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import pytest
from slack_sdk import WebClient


def test_the_cast_has_seven_active_people_in_several_zones(driver: Any) -> None:
    people = driver.look("people")["people"]
    assert len([each for each in people if each["active"]]) == 7
    assert len({each["zone"] for each in people}) >= 5


def test_a_private_channel_is_hidden_from_who_is_not_in_it(driver: Any) -> None:
    assert driver.look("channel", channel="#sales-ops", user="lena")["channel"]["kind"] == "private"
    refused = driver.look("channel", channel="#sales-ops", user="tomas", status=404)
    assert refused["error"]["code"] == "channel_not_found"
    names = [each["name"] for each in driver.look("sidebar", user="tomas")["channels"]]
    assert "sales-ops" not in names
    assert "Rollcall" in names


def test_a_deactivated_person_can_do_nothing(driver: Any) -> None:
    refused = driver.act("message", user="karl", channel="#general", text="hi", status=403)
    assert refused["error"]["code"] == "deactivated"
    assert "deactivated" in refused["error"]["sentence"]


def test_a_person_can_be_deactivated_on_the_way(driver: Any, bot: WebClient) -> None:
    driver.steer("workspace", deactivate="priya")
    driver.act("message", user="priya", channel="#general", text="hi", status=403)
    assert bot.users_info(user="U0DEVELO")["user"]["deleted"] is True
    driver.steer("workspace", reactivate="priya")
    driver.act("message", user="priya", channel="#general", text="hi", wait_seconds=0)


def test_names_links_and_groups_become_markup(driver: Any) -> None:
    typed = "@omar and @qa-team: see https://example.com/a?b=1&c in #releases, @here & mail anna@example.com"
    message = driver.act("message", channel="#general", text=typed, wait_seconds=0)["messages"][0]
    assert message["text"] == (
        "<@U0OPSMGR> and <!subteam^S0QATEAM>: see <https://example.com/a?b=1&amp;c> in <#C0RELEASES|releases>, "
        "<!here> &amp; mail <mailto:anna@example.com|anna@example.com>"
    )
    assert message["plain"].startswith(
        "@Omar Haddad and @qa-team: see https://example.com/a?b=1&c in #releases, @here &"
    )


def test_dates_are_read_in_each_persons_zone(driver: Any, bot: WebClient) -> None:
    ts = bot.chat_postMessage(channel="C0GENERAL", text="<!date^1790000000^{date_short} {time}|soon>")["ts"]
    berlin = driver.look("message", channel="#general", ts=ts)["message"]["plain"]
    kolkata = driver.look("message", channel="#general", ts=ts, user="priya")["message"]["plain"]
    assert (berlin, kolkata) == ("Sep 21, 2026 16:13", "Sep 21, 2026 19:43")


def test_ephemeral_messages_stand_in_order_for_their_reader(driver: Any, bot: WebClient) -> None:
    bot.chat_postMessage(channel="C0GENERAL", text="one")
    bot.chat_postEphemeral(channel="C0GENERAL", user="U0RELMGR", text="two")
    bot.chat_postMessage(channel="C0GENERAL", text="three")
    mine = [(each["text"], each["ephemeral"]) for each in driver.look("channel", channel="#general")["messages"]]
    assert mine == [("one", False), ("two", True), ("three", False)]
    others = driver.look("channel", channel="#general", user="omar")["messages"]
    assert [each["text"] for each in others] == ["one", "three"]


def test_unread_counts_until_read(driver: Any, bot: WebClient) -> None:
    bot.chat_postMessage(channel="C0GENERAL", text="one")

    def unread() -> int:
        return next(each["unread"] for each in driver.look("channels")["channels"] if each["id"] == "C0GENERAL")

    assert unread() == 1
    driver.act("read", channel="#general")
    assert unread() == 0


@pytest.mark.parametrize(
    ("act", "body", "status", "code"),
    [
        ("message", {"channel": "#general"}, 400, "no_text"),
        ("message", {"text": "x"}, 400, "bad_request"),
        ("message", {"channel": "#nowhere", "text": "x"}, 404, "channel_not_found"),
        ("message", {"channel": "#general", "text": "x", "thread_ts": "1.0"}, 404, "thread_not_found"),
        ("message", {"channel": "#general", "text": "x", "wait_seconds": 31}, 400, "bad_request"),
        ("command", {"channel": "#general", "text": "release new"}, 400, "bad_request"),
        ("click", {"channel": "#general", "ts": "1.0", "label": "x"}, 404, "not_visible"),
        ("click", {"view_id": "V1", "label": "x"}, 404, "not_visible"),
        ("click", {"home": True, "label": "x"}, 404, "not_visible"),
        ("submit", {"view_id": "V1"}, 404, "not_visible"),
        ("upload", {"channel": "#general", "filename": "a/b", "content_base64": "eA=="}, 400, "bad_file"),
        ("upload", {"channel": "#general", "filename": "a", "content_base64": ""}, 400, "bad_file"),
        ("edit", {"channel": "#general", "ts": "1.0", "text": "x"}, 404, "message_not_found"),
    ],
)
def test_impossible_acts_are_refused_with_a_sentence(
    driver: Any, act: str, body: dict[str, Any], status: int, code: str
) -> None:
    refused = driver.act(act, status=status, **body)
    assert refused["error"]["code"] == code
    assert len(refused["error"]["sentence"].split()) > 2


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b""])
def test_malformed_bodies_get_a_sentence(workspace: Any, content: bytes) -> None:
    answer = httpx.post(f"{workspace.url}/rehearsal/api/message", content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_json")


def test_bodies_over_a_megabyte_are_refused(workspace: Any) -> None:
    answer = httpx.post(f"{workspace.url}/rehearsal/api/message", content=b" " * 1_000_001)
    assert answer.status_code == 413


def test_the_clock_moves_forward_only_and_stamps_messages(driver: Any, bot: WebClient) -> None:
    before = float(bot.chat_postMessage(channel="C0GENERAL", text="x")["ts"])
    driver.steer("clock", advance_seconds=3600)
    after = float(bot.chat_postMessage(channel="C0GENERAL", text="x")["ts"])
    assert after - before >= 3600
    assert driver.look("clock")["ahead_seconds"] == pytest.approx(3600)
    assert driver.steer("clock", set_at="2020-01-01T00:00:00Z", expect=409)["error"]["code"] == "only_forward"
    assert driver.steer("clock", set_at="soon", expect=400)["error"]["code"] == "bad_request"


def test_waiting_ends_with_the_next_change(driver: Any, bot: WebClient) -> None:
    since = driver.look("sidebar")["seq"]
    poster = threading.Timer(0.1, lambda: bot.chat_postMessage(channel="C0GENERAL", text="x"))
    poster.start()
    started = time.monotonic()
    seen = driver.look("wait", since=since, timeout=15)
    poster.join()
    assert time.monotonic() - started < 3
    assert [each["kind"] for each in seen["changes"]] == ["message"]
    assert driver.look("wait", since=seen["seq"], timeout=0)["changes"] == []


def test_changes_that_a_person_cannot_see_are_not_told(driver: Any, bot: WebClient) -> None:
    since = driver.look("sidebar")["seq"]
    bot.chat_postEphemeral(channel="C0GENERAL", user="U0RELMGR", text="psst")
    driver.act("message", user="lena", channel="#sales-ops", text="x", wait_seconds=0)
    assert driver.look("wait", user="tomas", since=since, timeout=0)["changes"] == []
    kinds = [each["kind"] for each in driver.look("wait", since=since, timeout=0)["changes"]]
    assert kinds == ["ephemeral", "message"]


def test_the_event_stream_tells_what_changed(workspace: Any, bot: WebClient) -> None:
    with httpx.stream("GET", f"{workspace.url}/rehearsal/events", params={"as": "anna"}, timeout=5) as stream:
        lines = stream.iter_lines()
        assert next(lines) == "retry: 1000"
        bot.chat_postMessage(channel="C0GENERAL", text="x")
        data = next(line for line in lines if line.startswith("data: "))
    assert '"kind": "message"' in data
    assert '"channel": "C0GENERAL"' in data


def test_joining_and_leaving(driver: Any, bot: WebClient) -> None:
    made = driver.steer("workspace", create_channel={"name": "war-room", "members": ["anna", "@rollcall"]})["channel"]
    refused = driver.act("message", user="omar", channel="#war-room", text="x", status=403)
    assert refused["error"]["code"] == "not_in_channel"
    driver.act("join", user="omar", channel="#war-room")
    assert "U0OPSMGR" in bot.conversations_members(channel=made)["members"]
    driver.act("leave", user="omar", channel="#war-room")
    assert "U0OPSMGR" not in bot.conversations_members(channel=made)["members"]


def test_the_runner_names_the_orgs(start_workspace: Any, drive: Any) -> None:
    orgs = [{"name": "UAT", "kind": "sandbox", "url": "http://127.0.0.1:1"}]
    assert drive(start_workspace(orgs=orgs)).look("orgs")["orgs"] == orgs
