"""What Slack takes and sends, by JSON Schemas made from its own published types, which neither bot nor workspace wrote.

`slack.json` (what we send) is made by `make schemas` from `sent.ts`, npm's `@slack/types` and `@slack/web-api`;
`delivered.json` (what an app is sent) from `delivered.ts` and `@slack/bolt`; `answered.json` (what a call is answered)
from `answered.ts` and `@slack/web-api`. They know kinds, keys and choices; they know no lengths.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft7Validator

FOLDER = Path(__file__).parent
TYPES = {"message": "SentMessage", "modal": "SentModal", "home": "SentHome", "manifest": "AppManifest"}

INTERACTIONS = {
    "block_actions": "BlockActions",
    "block_suggestion": "Suggestion",
    "view_submission": "ViewSubmission",
    "view_closed": "ViewClosed",
    "shortcut": "Shortcut",
    "message_action": "MessageAction",
}
MESSAGES = {
    None: "GenericMessageEvent",
    "bot_message": "BotMessageEvent",
    "file_share": "FileShareMessageEvent",
    "message_changed": "MessageChangedEvent",
    "message_deleted": "MessageDeletedEvent",
    "thread_broadcast": "ThreadBroadcastMessageEvent",
}
BARE = {"type": "message", "event_ts": "1.0", "channel": "C1", "user": "U1", "ts": "1.0", "channel_type": "channel"}
# Keys that Slack sends, with these values, and @slack/bolt's types leave out or call absent.
NULL_OUTSIDE_GRID = {"enterprise"}
_OF_THREAD_HEADS = {"reply_count", "reply_users_count", "latest_reply", "reply_users", "is_locked", "subscribed"}
UNTYPED_IN_MESSAGES = {"app_id", "metadata"} | _OF_THREAD_HEADS
UNTYPED_IN_FILE_SHARES = {"team", "client_msg_id", "bot_id", "bot_profile"}
UNTYPED_IN_FILES = {"timestamp", "user_team", "ims", "file_access", "media_display_type"}
UNTYPED_IN_MENTIONS = {"parent_user_id"}
UNTYPED_IN_MENTIONED_FILES = {"channels", "groups", "ims"}
UNTYPED_IN_EDITED = {"thread_ts", "parent_user_id"} | _OF_THREAD_HEADS
UNTYPED_IN_ACTIONS = {"style", "accessibility_label", "confirm"}
BASIC_ACTION = ("type", "action_id", "block_id", "action_ts")

# Blocks that docs.slack.dev describes and @slack/types 3.2 does not know yet.
NEWER_BLOCKS = {"data_visualization"}
# Keys of a button that slack_sdk 3.47 models and @slack/types 3.2 does not know yet.
NEWER = {"visible_to_user_ids", "agent_prompt", "agent_prompt_display"}


@cache
def _schema(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return read


@cache
def validator(kind: str) -> Draft7Validator:
    """The validator of a `message` ({"blocks": [...]}), `modal`, `home` or `manifest`."""
    return Draft7Validator({**_schema("slack.json"), "$ref": f"#/definitions/{TYPES[kind]}"})


def refusals(kind: str, payload: Any) -> list[str]:
    """Why Slack's types do not admit a payload that we send, one line each; empty when they do."""
    found = validator(kind)
    if found.is_valid(payload) or found.is_valid(known := _without_newer(payload)):
        return []
    return _lines(found, known)


def misshapen(kind: str, payload: Any) -> list[str]:
    """Why what the workspace sent an app is not what Slack's types promise, one line each; empty when it is.

    `kind` is `slash_commands`, `interactive`, `events_api`, or the method that the payload answers.
    """
    if kind == "slash_commands":
        return _against("Command", payload)
    if kind == "interactive":
        return _of_interaction(payload)
    if kind == "events_api":
        event = payload["event"]
        return [*_against("Envelope", payload | {"event": {"type": event["type"]}}), *_of_event(event)]
    if kind == "chat.update":
        payload = payload | {"message": _without(payload["message"], UNTYPED_IN_EDITED)}
    return _against(kind, _as_sampled(payload))


def _as_sampled(answer: Any) -> Any:
    """An answer without what its type cannot tell: it was made from samples in which this was empty."""
    if isinstance(answer, list):
        return [_as_sampled(each) for each in answer]
    if not isinstance(answer, dict):
        return answer
    is_view = "root_view_id" in answer
    left_out = {"state", "blocks"} if is_view else {"event_payload"} if "event_type" in answer else {"blocks"}
    return {
        key: _as_sampled(value)
        for key, value in answer.items()
        if key not in left_out and not (is_view and value is None)
    }


def _of_interaction(payload: Any) -> list[str]:
    name, known = INTERACTIONS.get(payload["type"], payload["type"]), _without_newer(payload)
    known = _plainly_chosen(_without(known, NULL_OUTSIDE_GRID))
    if name in ("ViewSubmission", "ViewClosed"):
        known["user"] = _without(known["user"], {"username"})
    if name != "BlockActions":
        return _against(name, known)
    if "view" in known:
        known.setdefault("response_url", "https://example.com/there-is-none-for-views")
    found = _against(name, known | {"actions": []})
    return found + [line for each in known["actions"] for line in _of_action(each)]


def _plainly_chosen(payload: Any) -> Any:
    """The payload with chosen options as their type knows them: plain words and a value, though Slack sends it all."""
    if isinstance(payload, list):
        return [_plainly_chosen(each) for each in payload]
    if not isinstance(payload, dict):
        return payload
    told = {key: _plainly_chosen(value) for key, value in payload.items()}
    if isinstance(one := told.get("selected_option"), dict):
        told["selected_option"] = _plain_option(one)
    if isinstance(many := told.get("selected_options"), list):
        told["selected_options"] = [_plain_option(each) for each in many]
    return told


def _plain_option(option: Any) -> Any:
    text = option["text"]
    plain = {"type": "plain_text", "text": text["text"]} if text.get("type") == "mrkdwn" else text
    return {**_without(option, {"description", "url"}), "text": plain}


def _of_action(action: Any) -> list[str]:
    name = "".join(map(str.capitalize, action["type"].split("_"))) + "Action"
    if _promise(name) is None:  # datetimepicker, number_input and a few more have no type of their own yet
        return [f"{name}: {key} is missing" for key in BASIC_ACTION if not isinstance(action.get(key), str)]
    return _against(name, _without(action, UNTYPED_IN_ACTIONS))


def _of_event(event: Any) -> list[str]:
    if event["type"] == "app_mention":
        files = [_without(file, UNTYPED_IN_MENTIONED_FILES) for file in event.get("files", ())]
        return _against("EventAppMention", _without_newer(_without(event, UNTYPED_IN_MENTIONS)) | {"files": files})
    if event["type"] == "app_home_opened":
        # The types name the view that an app sends; Slack sends back what became of it, which "ViewOutput" is held to.
        event = _without(event, {"view"})
    if event["type"] != "message":
        return _against("Event" + "".join(map(str.capitalize, event["type"].split("_"))), event)
    inner = [event[key] for key in ("message", "previous_message", "root") if key in event]
    untyped = UNTYPED_IN_MESSAGES | (UNTYPED_IN_FILE_SHARES if event.get("subtype") == "file_share" else set())
    known = _without_newer(_without(event, untyped))
    if "files" in known:
        known["files"] = [_without(file, UNTYPED_IN_FILES) for file in known["files"]]
    for key in ("message", "previous_message", "root"):
        if key in known:
            known[key] = BARE
    found = _against(MESSAGES.get(event.get("subtype"), str(event.get("subtype"))), known)
    where = {key: event[key] for key in ("channel", "channel_type", "event_ts")}
    return found + [line for each in inner for line in _of_event({**where, **each})]


def _against(name: str, payload: Any) -> list[str]:
    found = _promise(name)
    return [f"{name} {line}" for line in _lines(found, payload)] if found else [f"{name}: Slack has no such type"]


@cache
def _promise(name: str) -> Draft7Validator | None:
    """The validator of one type, or of the answer of a method; None when Slack knows none of that name."""
    answered, delivered = _schema("answered.json"), _schema("delivered.json")
    answers = answered["definitions"]["Answers"]["properties"]
    if name in answers:
        return Draft7Validator({**answers[name], "definitions": answered["definitions"]})
    return Draft7Validator({**delivered, "$ref": f"#/definitions/{name}"}) if name in delivered["definitions"] else None


def _without(payload: Any, keys: Collection[str]) -> Any:
    return {key: value for key, value in payload.items() if key not in keys}


def _lines(found: Draft7Validator, payload: Any) -> list[str]:
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message[:600]}" for error in found.iter_errors(payload)]


def _without_newer(payload: Any) -> Any:
    if isinstance(payload, list):
        return [_without_newer(each) for each in payload if not _is_newer(each)]
    if not isinstance(payload, dict):
        return payload
    left_out = NEWER if payload.get("type") == "button" else set()
    return {key: _without_newer(value) for key, value in payload.items() if key not in left_out}


def _is_newer(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") in NEWER_BLOCKS
