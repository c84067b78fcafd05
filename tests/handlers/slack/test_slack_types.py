"""What we send, against Slack's own published types; each of them must also be able to refuse."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from bot.rehearsal.workspace.blocks import check_blocks
from tests.handlers.slack.serving import MANIFEST
from tests.slack_schemas import misshapen, refusals

TEXT = {"type": "mrkdwn", "text": "x"}
PLAIN = {"type": "plain_text", "text": "x"}
SECTION = {"type": "section", "text": TEXT}
MODAL = {"type": "modal", "title": PLAIN, "blocks": [SECTION]}


def declared() -> Any:
    return yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))


def test_our_manifest_is_one_that_slacks_types_admit() -> None:
    assert refusals("manifest", declared()) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda manifest: manifest["oauth_config"]["scopes"]["bot"].append("chat:shout"),
        lambda manifest: manifest["settings"]["event_subscriptions"]["bot_events"].append("app_mentioned"),
        lambda manifest: manifest["features"]["shortcuts"][0].pop("callback_id"),
        lambda manifest: manifest["features"]["slash_commands"][0].update(hint="x"),
        lambda manifest: manifest.pop("display_information"),
    ],
)
def test_a_manifest_with_an_unknown_or_missing_word_is_not(spoil: Any) -> None:
    manifest = declared()
    spoil(manifest)
    assert refusals("manifest", manifest)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("message", {"blocks": [SECTION]}),
        ("modal", MODAL),
        ("home", {"type": "home", "blocks": [SECTION]}),
        ("message", {"blocks": [{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}]}),
        ("message", {"blocks": [{"type": "markdown", "text": "**x**"}]}),
    ],
)
def test_what_slack_documents_is_admitted(kind: str, payload: Any) -> None:
    assert refusals(kind, payload) == []


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("message", {"blocks": [{"type": "paragraph", "text": TEXT}]}),
        ("message", {"blocks": [{"type": "section", "txt": TEXT}]}),
        ("message", {"blocks": [{"type": "header", "text": TEXT}]}),
        ("message", {"blocks": [{"type": "section", "fields": [{"type": "button", "text": PLAIN}]}]}),
        ("message", {"blocks": [{"type": "actions", "elements": [{"type": "button", "text": TEXT}]}]}),
        ("modal", {**MODAL, "title": TEXT}),
        ("modal", {key: value for key, value in MODAL.items() if key != "title"}),
        ("home", {"type": "home"}),
    ],
)
def test_what_slack_does_not_know_is_refused_by_its_types_and_by_the_workspace(kind: str, payload: Any) -> None:
    assert refusals(kind, payload)
    if kind == "message":
        assert check_blocks(payload["blocks"], kind)


COMMAND = {
    **dict.fromkeys(("token", "command", "text", "response_url", "trigger_id", "user_id", "user_name"), "x"),
    **dict.fromkeys(("team_id", "team_domain", "channel_id", "channel_name", "api_app_id"), "x"),
}
MENTION = {"type": "app_mention", "user": "U1", "text": "x", "ts": "1.0", "channel": "C1", "event_ts": "1.0"}
ENVELOPE = {
    "type": "event_callback",
    "token": "x",
    "team_id": "T1",
    "api_app_id": "A1",
    "event_id": "Ev1",
    "event_time": 1,
    "event": MENTION,
}


CHOSEN = {
    "text": {"type": "mrkdwn", "text": "*UAT*"},
    "value": "uat",
    "description": {"type": "plain_text", "text": "sandbox"},
}
CLICK = {
    **dict.fromkeys(("token", "response_url", "trigger_id", "api_app_id"), "x"),
    "type": "block_actions",
    "team": None,
    "enterprise": None,
    "user": {"id": "U1", "username": "x"},
    "container": {},
    "actions": [
        {"type": "checkboxes", "action_id": "a", "block_id": "b", "action_ts": "1.0", "selected_options": [CHOSEN]},
        {"type": "datetimepicker", "action_id": "c", "block_id": "b", "action_ts": "1.0", "selected_date_time": 1},
    ],
    "state": {"values": {"b": {"a": {"type": "static_select", "selected_option": CHOSEN}}}},
}


@pytest.mark.parametrize(
    ("kind", "payload"), [("slash_commands", COMMAND), ("events_api", ENVELOPE), ("interactive", CLICK)]
)
def test_what_slack_documents_is_a_delivery_of_its_types(kind: str, payload: Any) -> None:
    assert misshapen(kind, payload) == []


@pytest.mark.parametrize(
    ("kind", "payload", "words"),
    [
        ("slash_commands", {**COMMAND, "text": None}, "Command text"),
        ("slash_commands", {"command": "/release"}, "trigger_id"),
        ("interactive", {"type": "shortcut", "api_app_id": "A1"}, "api_app_id"),
        ("interactive", {"type": "shout"}, "no such type"),
        ("interactive", {**CLICK, "actions": [{"type": "button", "action_id": "a"}]}, "ButtonAction"),
        ("events_api", {**ENVELOPE, "event": {**MENTION, "mood": "good"}}, "mood"),
        ("events_api", {**ENVELOPE, "event": {"type": "team_cheered"}}, "EventTeamCheered: Slack has no such type"),
        ("chat.postMessage", {"ok": True, "ts": 5}, "chat.postMessage ts"),
        ("chat.shout", {"ok": True}, "no such type"),
    ],
)
def test_a_delivery_or_answer_of_another_shape_is_told(kind: str, payload: Any, words: str) -> None:
    assert any(words in line for line in misshapen(kind, payload)), misshapen(kind, payload)
