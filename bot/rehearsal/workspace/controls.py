"""The interactive elements of blocks: finding them, and the state that their values have in payloads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bot.rehearsal.workspace.model import Json

Values = dict[str, dict[str, Json]]

# Which key of an element's state holds what was chosen, and what "nothing chosen" looks like.
STATE_KEYS: dict[str, str] = {
    "plain_text_input": "value",
    "number_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "rich_text_input": "rich_text_value",
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "checkboxes": "selected_options",
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
    "file_input": "files",
}
WITHOUT_STATE = frozenset({"button", "workflow_button", "overflow", "feedback_buttons", "icon_button"})


@dataclass(frozen=True)
class Control:
    """One interactive element and the block it stands in."""

    block: Json
    element: Json

    @property
    def block_id(self) -> str:
        """The block's id."""
        return str(self.block["block_id"])

    @property
    def action_id(self) -> str:
        """The element's id within its block."""
        return str(self.element["action_id"])

    @property
    def type(self) -> str:
        """The element's type."""
        return str(self.element["type"])

    @property
    def many(self) -> bool:
        """Whether several things can be chosen."""
        return STATE_KEYS.get(self.type, "").endswith("s")

    @property
    def has_state(self) -> bool:
        """Whether what was chosen stays chosen."""
        return self.type not in WITHOUT_STATE

    @property
    def label(self) -> str:
        """What a person reads on or beside it."""
        if "label" in self.block:
            return str(self.block["label"]["text"])
        for holder in (self.element, self.block):
            text = holder.get("text")
            if isinstance(text, dict):
                return str(text.get("text", ""))
        return str((self.element.get("placeholder") or {}).get("text", ""))

    def shown_to(self, user: str) -> bool:
        """Whether this person sees it (`visible_to_user_ids`)."""
        only = self.element.get("visible_to_user_ids")
        return not only or user in only


def controls(blocks: Iterable[Json]) -> Iterator[Control]:
    """Every interactive element in the blocks, in reading order."""
    for block in blocks:
        for key in ("accessory", "element"):
            if isinstance(block.get(key), dict) and block[key].get("action_id"):
                yield Control(block, block[key])
        kind = block.get("type")
        if kind in ("actions", "context_actions"):
            yield from (Control(block, each) for each in block["elements"])
        elif kind == "card":
            yield from (Control(block, each) for each in block.get("actions") or [])
        elif kind == "carousel":
            yield from controls(block["elements"])
        elif kind == "container":
            yield from controls(block["child_blocks"])


def empty_state(element: Json) -> Json:
    """The state of an element in which nothing is chosen."""
    key = STATE_KEYS[element["type"]]
    nothing: list[Json] | None = [] if key.endswith("s") else None
    return {"type": element["type"], key: nothing}


def initial_state(element: Json) -> Json:
    """The state an element starts with."""
    state = empty_state(element)
    for name, value in element.items():
        if name.startswith("initial_") and value is not None:
            key = "rich_text_value" if element["type"] == "rich_text_input" else STATE_KEYS[element["type"]]
            state[key] = value
    return state


def initial_values(blocks: list[Json], keeping: Values | None = None) -> Values:
    """The `state.values` of blocks; what is in `keeping` under the same ids and type stays."""
    values: Values = {}
    for control in controls(blocks):
        if not control.has_state:
            continue
        kept = (keeping or {}).get(control.block_id, {}).get(control.action_id)
        state = kept if kept and kept["type"] == control.type else initial_state(control.element)
        values.setdefault(control.block_id, {})[control.action_id] = state
    return values


def options_of(element: Json) -> list[Json]:
    """All options that an element offers, groups flattened."""
    grouped = [option for group in element.get("option_groups") or [] for option in group["options"]]
    options: list[Json] = [*(element.get("options") or []), *grouped]
    return options


def chosen(state: Json | None) -> Any:
    """What an element's state holds, in the short form that people write: strings, numbers, lists of them."""
    if not state:
        return None
    value = state.get(STATE_KEYS[state["type"]])
    if isinstance(value, list):
        return [_short(each) for each in value]
    return _short(value)


def _short(value: Any) -> Any:
    if isinstance(value, dict) and value.get("type") != "rich_text":
        return value.get("value", value.get("id"))
    return value
