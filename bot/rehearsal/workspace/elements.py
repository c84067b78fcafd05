"""Which Block Kit elements exist, what they hold, and how long each part may be.

Limits: docs.slack.dev/reference/block-kit, the comments of @slack/types 3.2, constants of slack_sdk 3.47.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from zoneinfo import available_timezones

from bot.rehearsal.workspace.checks import (
    Check,
    Finding,
    Findings,
    Shape,
    anything,
    boolean,
    by_type,
    exactly_one,
    integer,
    items,
    one_of,
    string,
)
from bot.rehearsal.workspace.objects import (
    CONFIRM,
    DISPATCH,
    FEEDBACK,
    FILTER,
    IMAGE,
    LINK_OPTION,
    NAME,
    OPTION_GROUP,
    PLAIN_OPTION,
    RICH_OPTION,
    STYLE,
    URL,
    WORKFLOW,
    plain,
)
from bot.rehearsal.workspace.rich_text import RICH_TEXT

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")


def _options_differ(element: Any, at: str, found: Findings) -> None:
    options = element.get("options")
    if isinstance(options, list):
        values = [each.get("value") for each in options if isinstance(each, dict)]
        if len(set(map(str, values))) != len(values):
            found.append(Finding(f"{at}/options", "duplicate_value", "option values must be unique"))


def _initial_is_offered(element: Any, at: str, found: Findings) -> None:
    offered = [*_objects(element.get("options"))]
    for group in _objects(element.get("option_groups")):
        offered += _objects(group.get("options"))
    chosen = _objects(element.get("initial_options")) or _objects([element.get("initial_option")])
    for each in chosen:
        if not any(_same_option(each, other) for other in offered):
            found.append(Finding(at, "invalid_initial_option", "initial_option(s) must match the options provided"))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _same_option(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.get("value") == other.get("value") and _said(one) == _said(other)


def _said(each: dict[str, Any]) -> Any:
    text = each.get("text")
    return text.get("text") if isinstance(text, dict) else None


def _is_a_date(value: Any, at: str, found: Findings) -> None:
    try:
        good = isinstance(value, str) and len(value) == 10 and bool(date.fromisoformat(value))
    except ValueError:
        good = False
    if not good:
        found.append(Finding(at, "invalid_format", "must be a valid date in the format YYYY-MM-DD"))


def _is_a_zone(value: Any, at: str, found: Findings) -> None:
    if not isinstance(value, str) or value not in available_timezones():
        found.append(Finding(at, "invalid_choice", "must be a valid IANA time zone"))


def _is_a_number(value: Any, at: str, found: Findings) -> None:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        found.append(Finding(at, "invalid_format", "must be a number in a string"))


def _number_in_range(element: Any, at: str, found: Findings) -> None:
    ends = [element.get("min_value"), element.get("max_value")]
    numbers = [float(each) for each in ends if isinstance(each, str) and _NUMBER.fullmatch(each)]
    if numbers != sorted(numbers):
        found.append(Finding(at, "invalid_range", "min_value must not be greater than max_value"))


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
_TYPE: dict[str, Check] = {**_ID, **_FOCUS, **_HINT, "dispatch_action_config": DISPATCH}
_OFFER: dict[str, Check] = {"options": items(PLAIN_OPTION, 1, 100), "option_groups": items(OPTION_GROUP, 1, 100)}
_OFFER_RULES = (exactly_one("options", "option_groups"), _options_differ, _initial_is_offered)
_CHOICES = items(RICH_OPTION, 1, 10)
_FEW_CHARACTERS = integer(0)

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
ELEMENTS: dict[str, Check] = {
    "button": BUTTON,
    "image": IMAGE,
    "workflow_button": Shape(
        {**_ACTION, "text": plain(75), "workflow": WORKFLOW, "action_id": NAME},
        {"confirm": CONFIRM, "style": STYLE, "accessibility_label": string(75)},
    ),
    "feedback_buttons": Shape({**_ACTION, "positive_button": FEEDBACK, "negative_button": FEEDBACK}, _ID),
    "icon_button": Shape(
        {**_ACTION, "icon": one_of("trash"), "text": plain(75)},
        {**_ASK, "value": string(2000), "accessibility_label": string(75), "visible_to_user_ids": items(NAME, 1, 10)},
    ),
    "overflow": Shape({**_ACTION, "options": items(LINK_OPTION, 1, 5)}, _ASK, (_options_differ,)),
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
    "datepicker": Shape(_ACTION, {**_PICK, "initial_date": _is_a_date}),
    "timepicker": Shape(
        _ACTION, {**_PICK, "initial_time": string(5, pattern=r"([01]\d|2[0-3]):[0-5]\d"), "timezone": _is_a_zone}
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
            "filter": FILTER,
        },
    ),
    "multi_conversations_select": Shape(
        _ACTION,
        {
            **_PICK,
            **_MANY,
            "initial_conversations": items(NAME),
            "default_to_current_conversation": boolean,
            "filter": FILTER,
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
        {**_TYPE, "initial_value": _is_a_number, "min_value": _is_a_number, "max_value": _is_a_number},
        (_number_in_range,),
    ),
    "rich_text_input": Shape(
        _ACTION, {**_TYPE, "initial_value": RICH_TEXT, "min_lines": integer(1, 100), "max_lines": integer(1, 100)}
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
