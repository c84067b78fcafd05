"""Forms as Slack modals: drawn, then read back when submitted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from handlers.conversation import (
    ChoiceField,
    Field,
    FileField,
    Form,
    InstantField,
    Note,
    Part,
    PeopleField,
    SentFile,
    TextField,
    bold,
    clean,
)
from handlers.slack.blocks import draw_parts
from handlers.slack.elements import Drawing, carried, draw_choices, draw_option, mrkdwn_text, plain_text
from handlers.slack.limits import (
    CHECKBOXES,
    FIELD_ERROR,
    INPUT_HINT,
    INPUT_LABEL,
    INPUT_TEXT,
    MODAL_BUTTON,
    MODAL_TITLE,
    OPTIONS,
    PLACEHOLDER,
    PRIVATE_METADATA,
    SECTION,
    VIEW,
    Room,
)
from handlers.slack.mrkdwn import EVERYBODY, PERSON, Reader, plain_within, size
from handlers.slack.rich_input import rich_of_words, words_of_rich
from release_core.errors import Unclear


def draw_form(form: Form, *, private_metadata: str, reader: Reader = EVERYBODY) -> Drawing:
    """A view for views.open, views.push or a response; `private_metadata` comes back with the submission.

    Unclear when the form carries more than Slack takes along (3,000 characters).
    """
    if size(private_metadata) > PRIVATE_METADATA:
        raise Unclear("This form would have to carry more than Slack allows. Name fewer things at once.")
    inputs = [_input(field, reader) for field in form.fields]
    room = VIEW - Room(len(inputs), 0, 0)
    view: Drawing = {
        "type": "modal",
        "callback_id": form.verb,
        "title": plain_text(form.title, MODAL_TITLE, reader),
        "submit": plain_text(form.submit, MODAL_BUTTON, reader),
        "close": plain_text("Cancel", MODAL_BUTTON, reader),
        "private_metadata": private_metadata,
        "blocks": [*draw_parts(_intro(form), room, "view", reader), *inputs],
    }
    return view


def _intro(form: Form) -> list[Part]:
    if form.fields or form.intro:
        return list(form.intro)
    return [Note("Nothing more is asked.")]


def _input(field: Field, reader: Reader) -> Drawing:
    element = _element(field, reader)
    if element is None:
        return {
            "type": "section",
            "block_id": field.name,
            "text": mrkdwn_text(f"{bold(field.label)}\nThere is nothing to choose from.", SECTION),
        }
    drawn: Drawing = {
        "type": "input",
        "block_id": field.name,
        "label": plain_text(field.label, INPUT_LABEL, reader),
        "element": {**element, "action_id": field.name},
        "optional": field.optional,
    }
    hint = field.hint
    if isinstance(field, TextField) and not field.rich and size(clean(field.value)) > INPUT_TEXT:
        hint = f"{hint} Slack's forms hold {INPUT_TEXT:,} characters: the end of this text is missing here.".lstrip()
    if hint:
        drawn["hint"] = plain_text(hint, INPUT_HINT, reader)
    return drawn


def _element(field: Field, reader: Reader) -> Drawing | None:
    match field:
        case TextField():
            return _text(field, reader)
        case ChoiceField():
            return _choice(field, reader)
        case PeopleField():
            return _people(field)
        case InstantField(value=None):
            return {"type": "datetimepicker"}
        case InstantField(value=datetime() as chosen):
            return {"type": "datetimepicker", "initial_date_time": int(chosen.timestamp())}
        case FileField(kinds=kinds):
            return {"type": "file_input", "max_files": 1} | ({"filetypes": list(kinds)} if kinds else {})
    return None


def _text(field: TextField, reader: Reader) -> Drawing:
    if field.rich:
        return _rich_text(field, reader)
    element: Drawing = {"type": "plain_text_input", "multiline": field.long, "max_length": INPUT_TEXT}
    if field.value:
        kept = clean(field.value)
        while size(kept) > INPUT_TEXT:
            kept = kept[: len(kept) - (size(kept) - INPUT_TEXT + 1) // 2 or -1]
        element["initial_value"] = kept
    if field.placeholder:
        element["placeholder"] = plain_text(field.placeholder, PLACEHOLDER, reader)
    return element


def _rich_text(field: TextField, reader: Reader) -> Drawing:
    element: Drawing = {"type": "rich_text_input"}
    if field.value:
        element["initial_value"] = rich_of_words(clean(field.value))
    if field.placeholder:
        element["placeholder"] = plain_text(field.placeholder, PLACEHOLDER, reader)
    return element


def _choice(field: ChoiceField, reader: Reader) -> Drawing | None:
    options = carried(field.options)
    if not options:
        return None
    chosen = [draw_option(option, reader) for option in options if option.value in field.value]
    if not field.many:
        element = {"type": "static_select", **draw_choices(options, reader)}
        return element | ({"initial_option": chosen[0]} if chosen else {})
    if len(options) <= CHECKBOXES:
        element = {"type": "checkboxes", **draw_choices(options, reader)}
    else:
        element = {"type": "multi_static_select", **draw_choices(options, reader)}
    return element | ({"initial_options": chosen[:OPTIONS]} if chosen else {})


def _people(field: PeopleField) -> Drawing:
    chosen = [user_id for user_id in field.value if PERSON.fullmatch(user_id)]
    if field.many:
        return {"type": "multi_users_select"} | ({"initial_users": chosen} if chosen else {})
    return {"type": "users_select"} | ({"initial_user": chosen[0]} if chosen else {})


def read_submission(view: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a submitted view by field name.

    Text as str ("" when left empty), one choice as str, several as list[str], one person as str, several as list[str],
    an instant as aware datetime, files as list[SentFile]. What was left empty is missing, except text, lists and files.
    """
    values: dict[str, Any] = {}
    for block_id, elements in view.get("state", {}).get("values", {}).items():
        for state in elements.values():
            value = _value(state)
            if value is not None:
                values[clean(str(block_id))] = value
    return values


def _value(state: Mapping[str, Any]) -> Any:
    match state:
        case {"type": "plain_text_input"}:
            return clean(state.get("value") or "").strip()
        case {"type": "rich_text_input"}:
            return clean(words_of_rich(state.get("rich_text_value")))
        case {"type": "static_select", "selected_option": {"value": str(value)}}:
            return clean(value)
        case {"type": "checkboxes" | "multi_static_select"}:
            return [clean(str(option["value"])) for option in state.get("selected_options") or ()]
        case {"type": "users_select", "selected_user": str(user_id)}:
            return clean(user_id)
        case {"type": "multi_users_select"}:
            return [clean(str(user_id)) for user_id in state.get("selected_users") or ()]
        case {"type": "datetimepicker", "selected_date_time": int(seconds)}:
            return datetime.fromtimestamp(seconds, UTC)
        case {"type": "file_input"}:
            return sent_files(state.get("files") or ())
    return None


def sent_files(files: Any) -> list[SentFile]:
    """Slack's file objects, as we speak of files."""
    return [
        SentFile(clean(str(file["id"])), clean(str(file.get("name") or "")), int(file.get("size") or 0))
        for file in files
        if isinstance(file, Mapping) and file.get("id")
    ]


def field_errors(view: Mapping[str, Any], sentence: str, field: str | None, reader: Reader) -> dict[str, str] | None:
    """`errors` for a refused submission: under the field at fault, else the first; None when the form asks nothing."""
    inputs = [str(block.get("block_id")) for block in view.get("blocks", ()) if block.get("type") == "input"]
    if not inputs:
        return None
    return {field if field in inputs else inputs[0]: plain_within(sentence, FIELD_ERROR, reader)}


def with_warning(view: Mapping[str, Any], sentence: str) -> Drawing:
    """The same view with a sentence on top, for refused forms that have no field to put it under."""
    kept = ("type", "callback_id", "title", "submit", "close", "private_metadata")
    blocks = [block for block in view.get("blocks", ()) if block.get("block_id") != "refused"]
    warning = {"type": "section", "block_id": "refused", "text": mrkdwn_text(f"⛔ {sentence}", SECTION)}
    # Values under these block ids would be reset if they changed; they do not, so the draft stays.
    return {key: view[key] for key in kept if view.get(key)} | {"blocks": [warning, *blocks][: VIEW.blocks]}
