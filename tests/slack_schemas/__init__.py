"""What Slack takes, by JSON Schemas made from its own published types, which neither the bot nor the workspace wrote.

`slack.json` is made by `make schemas` from `sent.ts`, npm's `@slack/types` and `@slack/web-api`. It knows kinds, keys
and choices; it knows no lengths.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft7Validator

SCHEMA = Path(__file__).with_name("slack.json")
TYPES = {"message": "SentMessage", "modal": "SentModal", "home": "SentHome", "manifest": "AppManifest"}

# Keys of a button that slack_sdk 3.47 models and @slack/types 3.2 does not know yet.
NEWER = {"visible_to_user_ids", "agent_prompt", "agent_prompt_display"}


@cache
def validator(kind: str) -> Draft7Validator:
    """The validator of a `message` ({"blocks": [...]}), `modal`, `home` or `manifest`."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return Draft7Validator({**schema, "$ref": f"#/definitions/{TYPES[kind]}"})


def refusals(kind: str, payload: Any) -> list[str]:
    """Why Slack's types do not admit a payload, one line each; empty when they do."""
    found = validator(kind)
    if found.is_valid(payload) or found.is_valid(known := _without_newer(payload)):
        return []
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message[:600]}" for error in found.iter_errors(known)]


def _without_newer(payload: Any) -> Any:
    if isinstance(payload, list):
        return [_without_newer(each) for each in payload]
    if not isinstance(payload, dict):
        return payload
    left_out = NEWER if payload.get("type") == "button" else set()
    return {key: _without_newer(value) for key, value in payload.items() if key not in left_out}
