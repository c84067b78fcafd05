"""Things to click, in Block Kit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from handlers.conversation import Button, Confirm, LinkButton, Menu, Option
from handlers.slack.clicks import LINK, menu_action, numbered, write_click
from handlers.slack.limits import (
    ACTION_ID,
    BUTTON_LABEL,
    BUTTON_VALUE,
    CONFIRM_LABEL,
    CONFIRM_TEXT,
    CONFIRM_TITLE,
    OPTION_GROUPS,
    OPTION_LABEL,
    OPTION_VALUE,
    OPTIONS,
    PLACEHOLDER,
    URL,
)
from handlers.slack.mrkdwn import WEB, Reader, mrkdwn_within, plain_within, size, to_plain

Drawing = dict[str, Any]

# An action id may get a number behind it to be unique in its block.
_NUMBER = 4
_STYLES = {"go": "primary", "danger": "danger"}


def plain_text(sentence: str, limit: int, reader: Reader) -> Drawing:
    """A plain_text object."""
    return {"type": "plain_text", "text": plain_within(sentence, limit, reader), "emoji": True}


def mrkdwn_text(sentence: str, limit: int) -> Drawing:
    """A mrkdwn object."""
    return {"type": "mrkdwn", "text": mrkdwn_within(sentence, limit)}


def draw_elements(items: Sequence[Button | Menu | LinkButton], reader: Reader) -> list[Drawing]:
    """The clickable things of one block, with ids unique among them.

    What Slack could not carry is left out: a button whose arguments exceed 2,000 characters, a link that is none,
    a menu with nothing to choose from.
    """
    taken: set[str] = set()
    drawn = []
    for item in items:
        for element in _drawn(item, reader):
            element["action_id"] = numbered(element["action_id"], taken)
            drawn.append(element)
    return drawn


def _drawn(item: Button | Menu | LinkButton, reader: Reader) -> Iterator[Drawing]:
    match item:
        case Button():
            yield from _button(item, reader)
        case LinkButton():
            yield from _link(item, reader)
        case Menu() if not item.options:
            return
        case Menu() if _fits_as_menu(item):
            yield _menu(item, reader)
        case Menu():
            for option in item.options:
                args = {**item.args, item.name: option.value}
                yield from _button(Button(option.label, item.verb, args), reader)


def _button(button: Button, reader: Reader) -> Iterator[Drawing]:
    value = write_click(button.verb, button.args)
    if size(value) > BUTTON_VALUE or len(button.verb) > ACTION_ID - _NUMBER:
        return
    drawn: Drawing = {
        "type": "button",
        "action_id": button.verb,
        "text": plain_text(button.label, BUTTON_LABEL, reader),
        "value": value,
    }
    if style := _STYLES.get(button.weight):
        drawn["style"] = style
    if button.confirm is not None:
        drawn["confirm"] = _confirm(button.confirm, button.weight, reader)
    yield drawn


def _confirm(confirm: Confirm, weight: str, reader: Reader) -> Drawing:
    drawn: Drawing = {
        "title": plain_text(confirm.title, CONFIRM_TITLE, reader),
        "text": mrkdwn_text(confirm.text, CONFIRM_TEXT),
        "confirm": plain_text(confirm.go, CONFIRM_LABEL, reader),
        "deny": plain_text(confirm.back, CONFIRM_LABEL, reader),
    }
    if weight == "danger":
        drawn["style"] = "danger"
    return drawn


def _link(button: LinkButton, reader: Reader) -> Iterator[Drawing]:
    if WEB.fullmatch(button.url) and size(button.url) <= URL:
        text = plain_text(button.label, BUTTON_LABEL, reader)
        yield {"type": "button", "action_id": LINK, "text": text, "url": button.url}


def _fits_as_menu(menu: Menu) -> bool:
    return size(menu_action(menu)) <= ACTION_ID - _NUMBER and all(
        0 < size(option.value) <= OPTION_VALUE for option in menu.options
    )


def _menu(menu: Menu, reader: Reader) -> Drawing:
    return {
        "type": "static_select",
        "action_id": menu_action(menu),
        "placeholder": plain_text(menu.label, PLACEHOLDER, reader),
        **draw_choices(menu.options, reader),
    }


def draw_choices(options: Sequence[Option], reader: Reader) -> Drawing:
    """`options`, or `option_groups` where there are more than 100; values that Slack cannot carry are left out."""
    drawn = [draw_option(option, reader) for option in carried(options)]
    if len(drawn) <= OPTIONS:
        return {"options": drawn}
    groups = []
    for start in range(0, min(len(drawn), OPTIONS * OPTION_GROUPS), OPTIONS):
        some = drawn[start : start + OPTIONS]
        label = {"type": "plain_text", "text": f"{start + 1}–{start + len(some)}"}
        groups.append({"label": label, "options": some})
    return {"option_groups": groups}


def carried(options: Sequence[Option]) -> list[Option]:
    """The options that Slack can carry: a value of 1 to 150 characters, each once."""
    unique: dict[str, Option] = {}
    for option in options:
        if 0 < size(option.value) <= OPTION_VALUE:
            unique.setdefault(option.value, option)
    return list(unique.values())


def draw_option(option: Option, reader: Reader) -> Drawing:
    """One option object."""
    label = plain_text(_told_apart(option.label, reader), OPTION_LABEL, reader)
    drawn: Drawing = {"text": label, "value": option.value}
    if option.hint:
        drawn["description"] = plain_text(option.hint, OPTION_LABEL, reader)
    return drawn


def _told_apart(label: str, reader: Reader) -> str:
    """A label too long for an option, without its middle: long names differ at their end more often than not."""
    words = " ".join(to_plain(label, reader).split())
    if size(words) <= OPTION_LABEL:
        return label
    half = OPTION_LABEL // 2 if words.isascii() else OPTION_LABEL // 4
    return f"{words[: half - 1].rstrip()}…{words[-half + 1 :].lstrip()}"
