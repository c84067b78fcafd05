"""A workspace kept in a folder goes on where it was."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from slack_sdk import WebClient


def test_a_restarted_workspace_remembers(start_workspace: Any, tmp_path: Path, drive: Any, kit: Any) -> None:
    first = start_workspace(folder=tmp_path)
    client = WebClient(token=first.bot_token, base_url=first.api_url)
    client.chat_postMessage(channel="C0RELEASES", text="headline", blocks=[kit.section("*REL-1*")])
    client.views_publish(user_id="U0RELMGR", view={"type": "home", "blocks": [kit.section("home")]})
    client.files_upload_v2(channel="C0RELEASES", filename="log.txt", content="line")
    drive(first).steer("clock", advance_seconds=86_400)
    before = drive(first).look("channel", channel="#releases")["messages"]
    first.stop()

    second = start_workspace(folder=tmp_path)
    driver = drive(second)
    assert driver.look("channel", channel="#releases")["messages"] == before
    assert driver.look("home")["home"]["plain"] == "home"
    assert driver.http.get("file", params={"as": "anna", "file": before[1]["files"][0]["id"]}).text == "line"
    assert driver.look("clock")["ahead_seconds"] > 86_399
    assert (second.bot_token, second.app_token, second.signing_secret) == (
        first.bot_token,
        first.app_token,
        first.signing_secret,
    )
    posted = WebClient(token=second.bot_token, base_url=second.api_url).chat_postMessage(channel="C0GENERAL", text="x")
    assert float(posted["ts"]) > float(before[-1]["ts"])


def test_what_was_said_is_kept_within_a_second(start_workspace: Any, tmp_path: Path) -> None:
    running = start_workspace(folder=tmp_path)
    client = WebClient(token=running.bot_token, base_url=running.api_url)
    client.chat_postMessage(channel="C0RELEASES", text="kept soon")
    deadline = time.monotonic() + 30
    while "kept soon" not in (tmp_path / "workspace.json").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
