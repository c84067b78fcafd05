"""How the rehearsal's API describes the small things: a person, a file, an option, an element."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from bot.rehearsal.workspace.controls import Control, chosen, options_of
from bot.rehearsal.workspace.model import Json, Message, Person, StoredFile


def message_blocks(message: Message) -> list[Json]:
    """A message's blocks, those of its attachments included."""
    return [*message.blocks, *(block for each in message.attachments for block in each.get("blocks") or [])]


def choice_key(person: Person, channel: str, ts: str) -> str:
    """Under which name a person's choices in a message are kept."""
    return f"{person.id} {channel} {ts}"


def said(text: Json | None) -> str | None:
    """The words of a text object, or None."""
    return text["text"] if text else None


def person_seen(person: Person) -> Json:
    """A person, as the API describes them."""
    return {
        "id": person.id,
        "handle": person.handle,
        "name": person.name,
        "email": person.email,
        "zone": person.zone,
        "role": person.role,
        "title": person.title,
        "bot": person.bot,
        "active": person.active,
    }


def file_seen(person: Person, file: StoredFile) -> Json:
    """A file, as the API describes it."""
    url = f"/rehearsal/api/file?as={quote(person.id)}&file={quote(file.id)}"
    names = ("id", "name", "title", "size", "mimetype", "user")
    return {**{name: getattr(file, name) for name in names}, "url": url}


def option_seen(option: Json) -> Json:
    """One option, as the API describes it."""
    return {
        "label": option["text"]["text"],
        "value": option.get("value"),
        "description": said(option.get("description")),
    }


def confirm_seen(element: Json) -> Json | None:
    """The confirm dialog of an element, with Slack's defaults, or None."""
    confirm = element.get("confirm")
    if not confirm:
        return None
    defaults = {"title": "Are you sure?", "confirm": "Yes", "deny": "No"}
    texts = {key: said(confirm.get(key)) or default for key, default in defaults.items()}
    return {**texts, "text": confirm["text"]["text"], "style": confirm.get("style")}


def _state_of(control: Control, values: dict[str, dict[str, Json]]) -> Any:
    if not control.has_state:
        return None
    return chosen(values.get(control.block_id, {}).get(control.action_id))


def element_seen(control: Control, values: dict[str, dict[str, Json]]) -> Json:
    """Something clickable, as the API describes it."""
    element = control.element
    options = [option_seen(each) for each in options_of(element)]
    return {
        "block_id": control.block_id,
        "action_id": control.action_id,
        "type": control.type,
        "label": control.label,
        "value": element.get("value"),
        "style": element.get("style"),
        "url": element.get("url"),
        "confirm": confirm_seen(element),
        "options": options or None,
        "chosen": _state_of(control, values),
        "multiple": control.many,
        "placeholder": said(element.get("placeholder")),
    }


def input_seen(control: Control, values: dict[str, dict[str, Json]]) -> Json:
    """A field of a form, as the API describes it."""
    seen = element_seen(control, values)
    kept = ("block_id", "action_id", "type", "options", "multiple", "placeholder")
    return {
        **{key: seen[key] for key in kept},
        "label": control.label,
        "hint": said(control.block.get("hint")),
        "optional": bool(control.block.get("optional")),
        "multiline": bool(control.element.get("multiline")),
        "value": seen["chosen"],
        "dispatches": bool(control.block.get("dispatch_action")),
    }
