"""The small objects that blocks and elements are made of, and how long each part of them may be.

Limits: docs.slack.dev/reference/block-kit/composition-objects, the comments of @slack/types 3.2, constants of slack_sdk
3.47.
"""

from __future__ import annotations

from typing import Any

from bot.rehearsal.workspace.checks import (
    Check,
    Finding,
    Findings,
    Shape,
    anything,
    at_least_one,
    boolean,
    by_type,
    exactly_one,
    items,
    number,
    one_of,
    string,
)

NAME = string(255, least=1)
URL = string(3000, least=1, pattern=r"(https?|slack|mailto|tel|sms):\S+")
WEB_URL = string(3000, least=1, pattern=r"https?://\S+")


def plain(most: int) -> Check:
    """A `plain_text` object."""
    fields = {"type": one_of("plain_text"), "text": string(most, least=1)}
    return by_type({"plain_text": Shape(fields, {"emoji": boolean})})


def mrkdwn(most: int) -> Check:
    """A `mrkdwn` object."""
    fields = {"type": one_of("mrkdwn"), "text": string(most, least=1)}
    return by_type({"mrkdwn": Shape(fields, {"verbatim": boolean})})


def words(most: int) -> Check:
    """Either kind of text object."""
    fields = {"type": anything, "text": string(most, least=1)}
    return by_type(
        {"plain_text": Shape(fields, {"emoji": boolean}), "mrkdwn": Shape(fields, {"verbatim": boolean})},
    )


STYLE = one_of("primary", "danger")
CONFIRM = Shape({"text": words(300)}, {"title": plain(100), "confirm": plain(30), "deny": plain(30), "style": STYLE})
DISPATCH = Shape({"trigger_actions_on": items(one_of("on_enter_pressed", "on_character_entered"), 1, 2)}, {})
SLACK_FILE = Shape({}, {"id": NAME, "url": WEB_URL}, (exactly_one("id", "url"),))
IMAGE = Shape(
    {"type": one_of("image"), "alt_text": string(2000, least=1)},
    {"image_url": WEB_URL, "slack_file": SLACK_FILE},
    (exactly_one("image_url", "slack_file"),),
)
FILTER = Shape(
    {},
    {
        "include": items(one_of("im", "mpim", "private", "public"), 1),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
    (at_least_one("include", "exclude_external_shared_channels", "exclude_bot_users"),),
)
WORKFLOW = Shape(
    {
        "trigger": Shape(
            {"url": WEB_URL},
            {"customizable_input_parameters": items(Shape({"name": string(least=1), "value": anything}, {}))},
        )
    },
    {},
)
FEEDBACK = Shape({"text": plain(75), "value": string(2000)}, {"accessibility_label": string(75)})
URL_SOURCE = Shape({"type": one_of("url"), "url": WEB_URL, "text": string(least=1)}, {})

_VALUE = string(150, least=1)
# Options of selects are plain; those of checkboxes and radio buttons may be marked; those of overflow menus may link.
PLAIN_OPTION = Shape({"text": plain(75), "value": _VALUE}, {"description": plain(75)})
RICH_OPTION = Shape({"text": words(75), "value": _VALUE}, {"description": words(75)})
LINK_OPTION = Shape({"text": plain(75), "value": _VALUE}, {"description": plain(75), "url": URL})
OPTION_GROUP = Shape({"label": plain(75), "options": items(PLAIN_OPTION, 1, 100)}, {})
OFFER = Shape(
    {},
    {"options": items(PLAIN_OPTION, 0, 100), "option_groups": items(OPTION_GROUP, 0, 100)},
    (exactly_one("options", "option_groups"),),
)

RAW_CELL: dict[str, Check] = {
    "raw_text": Shape({"type": anything, "text": string(least=1)}, {}),
    "raw_number": Shape({"type": anything, "value": number, "text": string(least=1)}, {}),
}


def distinct(key: str, inner: str, code: str) -> Check:
    """A rule: of the objects in the list `key`, no two have the same `inner`."""

    def check(value: Any, at: str, found: Findings) -> None:
        listed = value.get(key)
        each = [item.get(inner) for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
        names = [name for name in each if isinstance(name, str) and name]
        for name in sorted({name for name in names if names.count(name) > 1}):
            found.append(Finding(f"{at}/{key}", code, f"{inner} must be unique in a block: {name}"))

    return check
