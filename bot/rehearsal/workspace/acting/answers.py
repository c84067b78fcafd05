"""What a person puts into an element: from short forms to the state Slack sends, with the client's own checks."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.rehearsal.workspace import cast
from bot.rehearsal.workspace.acting.stage import Act
from bot.rehearsal.workspace.controls import STATE_KEYS, Control, empty_state
from bot.rehearsal.workspace.model import Json, StoredFile
from bot.rehearsal.workspace.payloads import file_json
from bot.rehearsal.workspace.refusals import ActingError, NotVisibleError
from bot.rehearsal.workspace.web.files import new_file

REQUIRED = "Please complete this required field."
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def state_of(act: Act, control: Control, value: Any, offered: list[Json]) -> Json:
    """The state of an element after a person put `value` into it; None or "" or [] empties it.

    `offered` are the options there are. ActingError when the value cannot be put there at all.
    """
    state, key = empty_state(control.element), STATE_KEYS[control.type]
    if value in (None, "", []):
        return state
    if control.many:
        many = value if isinstance(value, list) else [value]
        state[key] = [_one(act, control, each, offered) for each in many]
    elif isinstance(value, list):
        raise ActingError(400, "bad_value", f"“{control.label}” takes one value, not a list.")
    else:
        state[key] = _one(act, control, value, offered)
    return state


def _one(act: Act, control: Control, value: Any, offered: list[Json]) -> Any:
    kind = control.type.removeprefix("multi_")
    if kind in ("static_select", "external_select", "radio_buttons", "checkboxes", "overflow"):
        return _option(control, value, offered)
    if kind == "users_select":
        return _user(act, value)
    if kind in ("channels_select", "conversations_select"):
        return _conversation(act, kind, value)
    if kind == "file_input":
        return _file(act, value)
    if kind == "rich_text_input":
        return value if isinstance(value, dict) else _rich(str(value))
    if kind == "datetimepicker":
        return _instant(act, value)
    return str(value)


def _option(control: Control, value: Any, offered: list[Json]) -> Json:
    wanted = value.get("value") if isinstance(value, dict) else value
    by_value = [each for each in offered if each.get("value") == str(wanted)]
    by_label = [each for each in offered if each["text"]["text"].casefold() == str(wanted).casefold()]
    for each in [*by_value, *by_label]:
        return each
    labels = ", ".join(each["text"]["text"] for each in offered) or "nothing"
    raise ActingError(409, "no_such_option", f"“{control.label}” does not offer {wanted!r}. It offers: {labels}.")


def _user(act: Act, value: Any) -> str:
    wanted = str(value).removeprefix("@")
    for person in act.workspace.people.values():
        if wanted in (person.id, person.handle, person.name) and person.id != cast.SLACKBOT_ID:
            if not person.active:
                raise ActingError(409, "no_such_option", f"{person.name} is deactivated and cannot be chosen.")
            return person.id
    raise NotVisibleError(f"There is nobody called {value!r} to choose.", "user_not_found")


def _conversation(act: Act, kind: str, value: Any) -> str:
    room = act.stage.onlooker.channel(act.person, str(value))
    if kind == "channels_select" and room.kind != "public":
        raise ActingError(409, "no_such_option", "Only public channels can be chosen here.")
    return room.id


def _file(act: Act, value: Any) -> Json:
    if isinstance(value, dict) and "content_base64" in value:
        file = keep_file(act, str(value.get("filename") or ""), value["content_base64"])
    else:
        id_ = value.get("id") if isinstance(value, dict) else value
        found = act.workspace.files.get(str(id_))
        if found is None or found.user != act.person.id:
            raise NotVisibleError(f"{act.person.name} uploaded no file {id_!r}.", "file_not_found")
        file = found
    file.shared_with_bot = True
    return file_json(act.workspace, file)


def keep_file(act: Act, filename: str, content_base64: Any) -> StoredFile:
    """Store an upload of the acting person; ActingError when name or content is no good."""
    if not filename or "/" in filename or "\\" in filename:
        raise ActingError(400, "bad_file", "'filename' must be a name without slashes.")
    try:
        content = base64.b64decode(content_base64, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise ActingError(400, "bad_file", "'content_base64' is not base64.") from None
    if not content:
        raise ActingError(400, "bad_file", f"{filename} is empty: Slack takes no empty files.")
    file = new_file(act.workspace, act.person.id, filename, len(content))
    file.complete = True
    act.workspace.contents[file.id] = content
    return file


def _rich(text: str) -> Json:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}


def _instant(act: Act, value: Any) -> Any:
    if isinstance(value, int) or (isinstance(value, str) and value.isdigit()):
        return int(value)
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        return value
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=ZoneInfo(act.person.zone))
    return int(instant.astimezone(UTC).timestamp())


def problem_of(control: Control, state: Json) -> str | None:
    """What Slack's client would say under a field before it sends the form, or None."""
    value = state[STATE_KEYS[control.type]]
    if value in (None, "", []):
        optional = control.block["type"] != "input" or control.block.get("optional")
        return None if optional else REQUIRED
    check = _CHECKS.get(control.type)
    return check(control.element, value) if check else _too_many(control, value)


def _too_many(control: Control, value: Any) -> str | None:
    most = control.element.get("max_selected_items")
    return f"Choose at most {most}." if most and isinstance(value, list) and len(value) > most else None


def _text(element: Json, value: str) -> str | None:
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if len(value) < least:
        return f"Must be at least {least} characters."
    return f"Must be {most} characters or fewer." if len(value) > most else None


def _number(element: Json, value: str) -> str | None:
    pattern = r"-?\d+(\.\d+)?" if element["is_decimal_allowed"] else r"-?\d+"
    if not re.fullmatch(pattern, value):
        return "Please enter a number." if element["is_decimal_allowed"] else "Please enter a whole number."
    low, high = element.get("min_value"), element.get("max_value")
    if low is not None and float(value) < float(low):
        return f"Must be {low} or more."
    return f"Must be {high} or less." if high is not None and float(value) > float(high) else None


def _email(element: Json, value: str) -> str | None:
    return None if _EMAIL.fullmatch(value) else "Please enter a valid email address."


def _url(element: Json, value: str) -> str | None:
    return None if re.fullmatch(r"https?://\S+", value) else "Please enter a valid URL."


def _date(element: Json, value: str) -> str | None:
    try:
        date.fromisoformat(value)
    except ValueError:
        return "Please choose a date (YYYY-MM-DD)."
    return None


def _time(element: Json, value: str) -> str | None:
    return None if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value) else "Please choose a time (HH:MM)."


def _date_time(element: Json, value: Any) -> str | None:
    good = isinstance(value, int) and 10**9 <= value < 10**10
    return None if good else "Please choose a date and time (epoch seconds or ISO 8601)."


def _files(element: Json, value: list[Json]) -> str | None:
    allowed = [each.lower() for each in element.get("filetypes") or []]
    for each in value:
        if allowed and each["filetype"] not in allowed:
            return f"{each['name']} is not of a type that can be used here ({', '.join(allowed)})."
    most = element.get("max_files", 10)
    return f"Choose at most {most} files." if len(value) > most else None


_CHECKS = {
    "plain_text_input": _text,
    "number_input": _number,
    "email_text_input": _email,
    "url_text_input": _url,
    "datepicker": _date,
    "timepicker": _time,
    "datetimepicker": _date_time,
    "file_input": _files,
}
