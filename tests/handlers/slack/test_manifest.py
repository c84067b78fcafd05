"""What Slack is told that we can do, against what we do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.client import WebClient

from bot.declared import declared, manifest_text
from bot.rehearsal.workspace.manifest import read_manifest
from handlers.grammar import typed_name
from handlers.slack.shell import COMMANDS, EVENTS, SHORTCUTS, WHERE_A_DOMAIN_IS_OURS
from handlers.verbs import VERBS
from tests.handlers.slack.serving import MANIFEST, served
from tests.slack_schemas import refusals

ROOT = MANIFEST.parent
DECLARED = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))

# Scopes of a bot token, as docs.slack.dev/reference/methods states them; the app-level token has its own.
SCOPES: dict[str, Sequence[str]] = {
    "chat.postMessage": ["chat:write"],
    "chat.postEphemeral": ["chat:write"],
    "chat.update": ["chat:write"],
    # Any bot may ask for the address of a message that it can see.
    "chat.getPermalink": [],
    # Public channels, private ones, direct conversations.
    "conversations.history": ["channels:history", "groups:history", "im:history"],
    "conversations.replies": ["channels:history", "groups:history", "im:history"],
    # The daily self-check asks whether the policy's channels, public or private, are still open.
    "conversations.info": ["channels:read", "groups:read"],
    "conversations.open": ["im:write"],
    "files.getUploadURLExternal": ["files:write"],
    "files.completeUploadExternal": ["files:write"],
    "files.info": ["files:read"],
    "usergroups.users.list": ["usergroups:read"],
    "users.list": ["users:read"],
    # Asked at the start, to tell a wrong token at once; the second one is the app-level token's.
    "auth.test": [],
    # `rollcall check` compares the app of both tokens by it.
    "bots.info": ["users:read"],
    "apps.connections.open": [],
    "views.open": [],
    "views.push": [],
    "views.update": [],
    "views.publish": [],
}
# What only an app with a domain of its own needs: the manifest asks for it where the bot has a public address.
LINK_SCOPES: dict[str, Sequence[str]] = {"chat.unfurl": ["links:write"]}
LINK_EVENT_SCOPES = {"link_shared": ["links:read"]}
# The SDK's own compositions.
COMPOSED = {"files_upload_v2": ["files.getUploadURLExternal", "files.completeUploadExternal"]}
EVENT_SCOPES = {"app_mention": ["app_mentions:read"], "message.im": ["im:history"], "app_home_opened": []}


def our_sources() -> Iterator[Path]:
    """What is the bot, without the local Slack that it is tried against."""
    for folder in ("bot", "handlers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "rehearsal" not in path.parts:
                yield path


def methods_called() -> set[str]:
    """The Web API methods that our code names, as attributes of a client or as strings."""
    known = {name for name in dir(WebClient) if "_" in name.strip("_")}
    found: set[str] = set()
    for path in our_sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
                found |= {node.value} if node.value.replace(".", "_") in known else set()
            elif isinstance(node, ast.Attribute) and node.attr in known and ast.unparse(node.value).endswith("client"):
                found |= set(COMPOSED.get(node.attr, [node.attr.replace("_", ".")]))
    return found - {"api.call"}


def test_every_method_called_has_its_scopes_known_and_no_other_is_listed() -> None:
    assert methods_called() == set(SCOPES) | set(LINK_SCOPES)


def test_the_scopes_are_those_that_the_code_needs_no_more_and_no_fewer() -> None:
    declared = DECLARED["oauth_config"]["scopes"]["bot"]
    needed = {"commands"}
    for scopes in (*SCOPES.values(), *EVENT_SCOPES.values()):
        needed |= set(scopes)
    assert set(declared) == needed
    assert declared == sorted(set(declared))


def test_a_public_address_adds_what_links_need_and_nothing_else() -> None:
    ours = declared("https://rollcall.acme.example")
    added = {scope for scopes in (*LINK_SCOPES.values(), *LINK_EVENT_SCOPES.values()) for scope in scopes}
    assert set(ours["oauth_config"]["scopes"]["bot"]) == set(DECLARED["oauth_config"]["scopes"]["bot"]) | added
    events = ours["settings"]["event_subscriptions"]["bot_events"]
    assert set(events) == {*EVENT_SCOPES, *LINK_EVENT_SCOPES}
    assert set(WHERE_A_DOMAIN_IS_OURS) == set(LINK_EVENT_SCOPES)
    assert ours["features"].pop("unfurl_domains") == ["rollcall.acme.example"]
    assert ours["features"] == DECLARED["features"]
    assert refusals("manifest", declared("https://rollcall.acme.example")) == []
    assert yaml.safe_load(manifest_text("https://rollcall.acme.example")) == declared("https://rollcall.acme.example")
    assert manifest_text() == MANIFEST.read_text(encoding="utf-8")


def test_events_are_those_we_listen_to() -> None:
    declared = DECLARED["settings"]["event_subscriptions"]["bot_events"]
    assert set(declared) == set(EVENT_SCOPES)
    assert {event.partition(".")[0] for event in declared} == set(EVENTS)


def test_commands_and_shortcuts_are_those_we_answer() -> None:
    features = DECLARED["features"]
    assert [each["command"] for each in features["slash_commands"]] == [f"/{root}" for root in COMMANDS]
    assert all(each["should_escape"] for each in features["slash_commands"])
    assert {each["callback_id"] for each in features["shortcuts"]} == set(SHORTCUTS) <= set(VERBS)


def bodies() -> Iterator[dict[str, Any]]:
    """One payload of each kind that the manifest asks for."""
    user = {"user": {"id": "U0RELMGR"}, "trigger_id": "1", "team": {"id": "T0"}}
    for each in DECLARED["features"]["slash_commands"]:
        yield {"command": each["command"], "text": "menu", "user_id": "U0RELMGR", "channel_id": "C0", "team_id": "T0"}
    for each in DECLARED["features"]["shortcuts"]:
        kind = {"global": "shortcut", "message": "message_action"}[each["type"]]
        yield {**user, "type": kind, "callback_id": each["callback_id"]}
    for each in DECLARED["settings"]["event_subscriptions"]["bot_events"]:
        event = {"type": each.partition(".")[0], "user": "U0RELMGR", "channel": "C0", "bot_id": "B0"}
        yield {"type": "event_callback", "team_id": "T0", "event": {**event, "tab": "messages"}}


def test_everything_declared_has_a_listener(caplog: pytest.LogCaptureFixture) -> None:
    with served() as serving:
        assert serving.app is not None
        for body in bodies():
            response = serving.run(serving.app.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode")))
            assert response.status == 200
    assert [record for record in caplog.records if "Nothing here answers" in record.getMessage()] == []


def test_the_hints_name_verbs_that_there_are() -> None:
    for each in DECLARED["features"]["slash_commands"]:
        root = each["command"].lstrip("/")
        said = {typed_name(verb) for verb in VERBS.values() if verb.root == root}
        hinted = re.findall(r"(?:^|\| )([a-z]+)", each["usage_hint"])
        assert hinted
        assert set(hinted) <= said


def test_the_local_workspace_reads_it() -> None:
    manifest = read_manifest(MANIFEST)
    assert manifest.bot_name == "Rollcall"
    assert manifest.socket_mode
    assert manifest.urls == {}
    assert set(manifest.commands) == {f"/{root}" for root in COMMANDS}


def test_lengths_are_those_that_slack_takes() -> None:
    shown, features = DECLARED["display_information"], DECLARED["features"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert 175 <= len(shown["long_description"]) <= 4000
    assert len(features["bot_user"]["display_name"]) <= 80
    for each in features["shortcuts"]:
        assert len(each["name"]) <= 24
        assert len(each["description"]) <= 150
    for each in features["slash_commands"]:
        assert len(each["description"]) <= 2000
        assert len(each["usage_hint"]) <= 1000


def test_people_can_write_to_us_and_open_home() -> None:
    home = DECLARED["features"]["app_home"]
    assert (home["home_tab_enabled"], home["messages_tab_enabled"]) == (True, True)
    assert home["messages_tab_read_only_enabled"] is False
    assert DECLARED["settings"]["interactivity"]["is_enabled"] is True
