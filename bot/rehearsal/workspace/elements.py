"""Which Block Kit elements exist, what they hold, and how long each part may be.

Limits: docs.slack.dev/reference/block-kit, the comments of @slack/types 3.2, constants of slack_sdk 3.47.
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
    integer,
    items,
    number,
    one_of,
    string,
)

NAME = string(255, least=1)
URL = string(3000, least=1, pattern=r"(https?|slack|mailto|tel|sms):\S+")


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
_DISPATCH = Shape({}, {"trigger_actions_on": items(one_of("on_enter_pressed", "on_character_entered"), 1, 2)})
SLACK_FILE = Shape({}, {"id": NAME, "url": URL}, (exactly_one("id", "url"),))


def option(text: Check, value: int = 150) -> Shape:
    """One choice of a select, an overflow menu, checkboxes or radio buttons."""
    return Shape({"text": text}, {"value": string(value), "description": words(75), "url": URL})


PLAIN_OPTION = option(plain(75))
RICH_OPTION = option(words(75))
OPTION_GROUP = Shape({"label": plain(75), "options": items(PLAIN_OPTION, 1, 100)}, {})
OFFER = Shape(
    {},
    {"options": items(PLAIN_OPTION, 0, 100), "option_groups": items(OPTION_GROUP, 0, 100)},
    (exactly_one("options", "option_groups"),),
)


def _options_differ(element: Any, at: str, found: Findings) -> None:
    options = element.get("options")
    if isinstance(options, list):
        values = [each.get("value") for each in options if isinstance(each, dict)]
        if len(set(map(str, values))) != len(values):
            found.append(Finding(f"{at}/options", "duplicate_value", "option values must be unique"))


def _initial_is_offered(element: Any, at: str, found: Findings) -> None:
    offered = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        offered += group.get("options") or [] if isinstance(group, dict) else []
    chosen = element.get("initial_options") or [element.get("initial_option")]
    for each in chosen if isinstance(chosen, list) else []:
        if isinstance(each, dict) and not any(_same_option(each, other) for other in offered):
            found.append(Finding(at, "invalid_initial_option", "initial_option(s) must match the options provided"))


def _same_option(one: Any, other: Any) -> bool:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return False
    return one.get("value") == other.get("value") and _said(one) == _said(other)


def _said(each: dict[str, Any]) -> Any:
    text = each.get("text")
    return text.get("text") if isinstance(text, dict) else None


def _numbers_in_order(element: Any, at: str, found: Findings) -> None:
    low, high = element.get("min_length"), element.get("max_length")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        found.append(Finding(at, "invalid_range", "min_length must not be greater than max_length"))


_ACTION = {"type": anything}
_ID: dict[str, Check] = {"action_id": NAME}
_ASK: dict[str, Check] = {**_ID, "confirm": CONFIRM}
_FOCUS: dict[str, Check] = {"focus_on_load": boolean}
_HINT: dict[str, Check] = {"placeholder": plain(150)}
_MANY: dict[str, Check] = {"max_selected_items": integer(1)}
_PICK: dict[str, Check] = {**_ASK, **_FOCUS, **_HINT}
_TYPE: dict[str, Check] = {**_ID, **_FOCUS, **_HINT, "dispatch_action_config": _DISPATCH}
_FILTER = Shape(
    {},
    {
        "include": items(one_of("im", "mpim", "private", "public"), 1),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
    (at_least_one("include", "exclude_external_shared_channels", "exclude_bot_users"),),
)
_OFFER: dict[str, Check] = {"options": items(PLAIN_OPTION, 1, 100), "option_groups": items(OPTION_GROUP, 1, 100)}
_OFFER_RULES = (exactly_one("options", "option_groups"), _options_differ, _initial_is_offered)
_DATE = string(10, pattern=r"\d{4}-\d{2}-\d{2}")
_CHOICES = items(RICH_OPTION, 1, 10)
_FEEDBACK = Shape({"text": plain(75), "value": string(2000)}, {"accessibility_label": string(75)})
_FEW_CHARACTERS = integer(0)

RICH_TEXT_STYLE = Shape(
    {},
    dict.fromkeys(
        ("bold", "code", "italic", "strike", "underline", "highlight", "client_highlight", "unlink"), boolean
    ),
)


def _part(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Shape:
    return Shape({"type": anything, **required}, {**(optional or {}), "style": RICH_TEXT_STYLE})


RICH_TEXT_PART = by_type(
    {
        "text": _part({"text": string(least=1)}),
        "link": _part({"url": string(3000, least=1)}, {"text": string(), "unsafe": boolean}),
        "user": _part({"user_id": NAME}),
        "usergroup": _part({"usergroup_id": NAME}),
        "channel": _part({"channel_id": NAME}),
        "team": _part({"team_id": NAME}),
        "broadcast": _part({"range": one_of("here", "channel", "everyone")}),
        "emoji": _part({"name": NAME}, {"unicode": string(), "url": string(), "skin_tone": integer()}),
        "color": _part({"value": string()}),
        "date": _part({"timestamp": integer(), "format": string(least=1)}, {"url": string(), "fallback": string()}),
    },
)
_BORDER: dict[str, Check] = {"border": integer(0, 1)}
_SECTION = Shape({"type": one_of("rich_text_section"), "elements": items(RICH_TEXT_PART)}, {})
RICH_TEXT_CHILD = by_type(
    {
        "rich_text_section": _SECTION,
        "rich_text_list": Shape(
            {"type": anything, "elements": items(_SECTION, 1), "style": one_of("bullet", "ordered")},
            {**_BORDER, "indent": integer(0, 8), "offset": integer(0)},
        ),
        "rich_text_quote": Shape({"type": anything, "elements": items(RICH_TEXT_PART)}, _BORDER),
        "rich_text_preformatted": Shape(
            {"type": anything, "elements": items(RICH_TEXT_PART)}, {**_BORDER, "language": string()}
        ),
    },
)
RICH_TEXT = Shape({"type": one_of("rich_text"), "elements": items(RICH_TEXT_CHILD, 1)}, {"block_id": NAME})

IMAGE = Shape(
    {"type": one_of("image"), "alt_text": string(2000, least=1)},
    {"image_url": URL, "slack_file": SLACK_FILE},
    (exactly_one("image_url", "slack_file"),),
)
BUTTON = Shape(
    {**_ACTION, "text": plain(75)},
    {
        **_ASK,
        "value": string(2000),
        "url": URL,
        "style": STYLE,
        "accessibility_label": string(75),
        "agent_prompt": string(4000),
        "agent_prompt_display": string(),
        "visible_to_user_ids": items(NAME),
    },
)
URL_SOURCE = Shape({"type": one_of("url"), "url": URL, "text": string(least=1)}, {})

ELEMENTS: dict[str, Check] = {
    "button": BUTTON,
    "image": IMAGE,
    "workflow_button": Shape(
        {**_ACTION, "text": plain(75), "workflow": Shape({"trigger": anything}, {})},
        {**_ASK, "style": STYLE, "accessibility_label": string(75)},
    ),
    "feedback_buttons": Shape({**_ACTION, "positive_button": _FEEDBACK, "negative_button": _FEEDBACK}, _ID),
    "icon_button": Shape(
        {**_ACTION, "icon": one_of("trash"), "text": plain(75)},
        {**_ASK, "value": string(2000), "accessibility_label": string(75), "visible_to_user_ids": items(NAME)},
    ),
    "overflow": Shape({**_ACTION, "options": items(PLAIN_OPTION, 1, 5)}, _ASK, (_options_differ,)),
    "checkboxes": Shape(
        {**_ACTION, "options": _CHOICES},
        {**_ASK, **_FOCUS, "initial_options": items(RICH_OPTION, 1, 10)},
        (_options_differ, _initial_is_offered),
    ),
    "radio_buttons": Shape(
        {**_ACTION, "options": _CHOICES},
        {**_ASK, **_FOCUS, "initial_option": RICH_OPTION},
        (_options_differ, _initial_is_offered),
    ),
    "datepicker": Shape(_ACTION, {**_PICK, "initial_date": _DATE}),
    "timepicker": Shape(
        _ACTION, {**_PICK, "initial_time": string(5, pattern=r"([01]\d|2[0-3]):[0-5]\d"), "timezone": string()}
    ),
    "datetimepicker": Shape(_ACTION, {**_ASK, **_FOCUS, "initial_date_time": integer(1_000_000_000, 9_999_999_999)}),
    "static_select": Shape(_ACTION, {**_PICK, **_OFFER, "initial_option": PLAIN_OPTION}, _OFFER_RULES),
    "multi_static_select": Shape(
        _ACTION, {**_PICK, **_OFFER, **_MANY, "initial_options": items(PLAIN_OPTION, 1, 100)}, _OFFER_RULES
    ),
    "external_select": Shape(_ACTION, {**_PICK, "initial_option": PLAIN_OPTION, "min_query_length": _FEW_CHARACTERS}),
    "multi_external_select": Shape(
        _ACTION,
        {**_PICK, **_MANY, "initial_options": items(PLAIN_OPTION, 1, 100), "min_query_length": _FEW_CHARACTERS},
    ),
    "users_select": Shape(_ACTION, {**_PICK, "initial_user": NAME}),
    "multi_users_select": Shape(_ACTION, {**_PICK, **_MANY, "initial_users": items(NAME)}),
    "conversations_select": Shape(
        _ACTION,
        {
            **_PICK,
            "initial_conversation": NAME,
            "default_to_current_conversation": boolean,
            "response_url_enabled": boolean,
            "filter": _FILTER,
        },
    ),
    "multi_conversations_select": Shape(
        _ACTION,
        {
            **_PICK,
            **_MANY,
            "initial_conversations": items(NAME),
            "default_to_current_conversation": boolean,
            "filter": _FILTER,
        },
    ),
    "channels_select": Shape(_ACTION, {**_PICK, "initial_channel": NAME, "response_url_enabled": boolean}),
    "multi_channels_select": Shape(_ACTION, {**_PICK, **_MANY, "initial_channels": items(NAME)}),
    "plain_text_input": Shape(
        _ACTION,
        {
            **_TYPE,
            "initial_value": string(3000),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
        (_numbers_in_order,),
    ),
    "email_text_input": Shape(_ACTION, {**_TYPE, "initial_value": string()}),
    "url_text_input": Shape(_ACTION, {**_TYPE, "initial_value": string()}),
    "number_input": Shape(
        {**_ACTION, "is_decimal_allowed": boolean},
        {**_TYPE, "initial_value": string(), "min_value": string(), "max_value": string()},
    ),
    "rich_text_input": Shape(
        _ACTION, {**_TYPE, "initial_value": RICH_TEXT, "min_lines": integer(1), "max_lines": integer(1)}
    ),
    "file_input": Shape(_ACTION, {**_ID, "filetypes": items(string(least=1), 1), "max_files": integer(1, 10)}),
}

_SELECTS = frozenset(
    f"{many}{kind}_select"
    for many in ("", "multi_")
    for kind in ("static", "external", "users", "conversations", "channels")
)
_PICKERS = frozenset({"checkboxes", "radio_buttons", "datepicker", "timepicker"})
IN_ACTIONS = _SELECTS | _PICKERS | {"button", "workflow_button", "overflow", "datetimepicker", "rich_text_input"}
IN_SECTION = _SELECTS | _PICKERS | {"button", "workflow_button", "overflow", "image"}
IN_INPUT = (
    _SELECTS
    | _PICKERS
    | {"datetimepicker", "plain_text_input", "email_text_input", "url_text_input", "number_input"}
    | {"rich_text_input", "file_input"}
)
IN_CONTEXT_ACTIONS = frozenset({"feedback_buttons", "icon_button"})


def element_in(allowed: frozenset[str]) -> Check:
    """An element of one of the allowed types."""
    return by_type({kind: ELEMENTS[kind] for kind in allowed})


RAW_CELL = {
    "raw_text": Shape({"type": anything, "text": string()}, {}),
    "raw_number": Shape({"type": anything, "value": number, "text": string()}, {}),
}
