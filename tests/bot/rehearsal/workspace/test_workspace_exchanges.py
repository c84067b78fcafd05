"""What npm's Bolt asked, recorded by `python -m tests.conformance --only bolt --record`, asked of a fresh workspace."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from slack_sdk import WebClient

from tests.conformance.bolt_js import RECORDED, shape

CALLS = json.loads(RECORDED.read_text(encoding="utf-8"))
# What has to be there before a call, and is another one in each workspace.
FRESH = {"ts": "ts", "thread_ts": "ts", "timestamp": "ts", "trigger_id": "trigger", "view_id": "view", "hash": "hash"}


@pytest.fixture
def known(workspace: Any, bot: WebClient) -> dict[str, str]:
    """A message, a trigger, a modal on top of another with its hash, a file that was sent."""
    shown = {"type": "plain_text", "text": "x"}
    blocks = [{"type": "section", "text": shown}]
    view = {"type": "modal", "title": shown, "blocks": blocks}
    bot.views_open(trigger_id=workspace.workspace.new_trigger("U0RELMGR"), view=view)
    opened = bot.views_push(trigger_id=workspace.workspace.new_trigger("U0RELMGR"), view=view)["view"]
    posted = bot.chat_postMessage(channel="C0RELEASES", text="x", blocks=blocks)["ts"]
    upload = bot.files_getUploadURLExternal(filename="a", length=1)
    httpx.post(upload["upload_url"], content=b"x")
    another = workspace.workspace.new_trigger("U0RELMGR")
    file = upload["file_id"]
    return {"ts": posted, "trigger": another, "view": opened["id"], "hash": opened["hash"], "file": file}


def _asked(call: dict[str, Any], known: dict[str, str], workspace: Any) -> str:
    """The recorded body for this workspace; what was refused is asked as it was."""
    given = dict(parse_qsl(call["body"], keep_blank_values=True))
    if call["answer"]["ok"]:
        given |= {name: known[FRESH[name]] for name in given if name in FRESH}
    if call["answer"].get("error") == "exchanged_trigger_id":
        workspace.workspace.triggers[known["trigger"]].used = True
        given["trigger_id"] = known["trigger"]
    if call["answer"].get("error") == "hash_conflict":
        given |= {"view_id": known["view"], "hash": "another"}
    if "token" in given:
        given["token"] = workspace.bot_token
    if "files" in given:
        given["files"] = json.dumps([{**each, "id": known["file"]} for each in json.loads(given["files"])])
    return urlencode(given)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call['method']} {call['answer'].get('error', '')}")
def test_the_workspace_answers_as_it_answered_bolt(workspace: Any, known: dict[str, str], call: dict[str, Any]) -> None:
    token = workspace.app_token if call["method"] == "apps.connections.open" else workspace.bot_token
    headers = {"authorization": f"Bearer {token}", "content-type": call["type"] or "text/plain"}
    body = _asked(call, known, workspace)
    workspace.workspace.pace.trigger_lives = time.monotonic()
    answer = httpx.post(f"{workspace.api_url}{call['method']}", content=body, headers=headers).json()
    assert shape(answer) == call["answer"]


def test_the_methods_that_an_app_lives_on_were_recorded() -> None:
    assert {call["method"] for call in CALLS} >= {
        *("apps.connections.open", "auth.test", "chat.postMessage", "chat.postEphemeral", "chat.update", "views.open"),
        *("views.update", "views.publish", "usergroups.list", "users.list", "files.getUploadURLExternal"),
        *("files.completeUploadExternal", "reactions.add", "conversations.replies"),
    }
