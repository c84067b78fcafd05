"""Block Kit's interactive elements as HTML controls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from markupsafe import Markup

from bot.rehearsal.pages.guide import SAMPLES
from bot.rehearsal.pages.mrkdwn import safe_href
from bot.rehearsal.pages.rich_text import Part, parts_of
from bot.rehearsal.pages.surface import Surface, draw_words, place_attributes, words_of
from bot.rehearsal.pages.times import instant_of

Choice = tuple[str, str, str]  # value, label, description
GROUPS = ("checkboxes", "radio_buttons")  # several controls under one label


def draw_element(element: Part, block_id: str, surface: Surface, acts: bool = True) -> Markup:
    """Draw one element; `acts` says whether a choice is told to the bot at once, or only when a form is submitted."""
    only_for = element.get("visible_to_user_ids")
    if only_for and surface.reader.user_id not in only_for:
        return Markup("")
    draw = _ELEMENTS.get(str(element.get("type")))
    if draw is None:
        return Markup('<span class="unknown">[{}]</span>').format(element.get("type"))
    drawn = draw(element, block_id, surface)
    return Markup('<span class="control control-{type}" {place}{acts}{live}>{drawn}{confirm}</span>').format(
        type=element.get("type"),
        place=place_attributes(element, block_id),
        acts=Markup(" data-acts") if acts else "",
        live=_dispatch_of(element) if acts else "",
        drawn=drawn,
        confirm=draw_confirm(element, surface),
    )


def control_id(element: Part, block_id: str, surface: Surface) -> str:
    """The HTML id of an element's own control, for its label."""
    return surface.id_of(block_id, str(element.get("action_id") or "x"))


def draw_confirm(element: Part, surface: Surface) -> Markup:
    """The element's confirm dialog, as a template that the page's script shows before it acts."""
    confirm = element.get("confirm")
    if not isinstance(confirm, dict):
        return Markup("")
    return Markup(
        '<template class="confirm" data-style="{}"><h2>{}</h2><div class="confirm-text">{}</div>'
        '<div class="form-actions"><button type="button" class="btn" value="no">{}</button>'
        '<button type="button" class="btn {}" value="yes">{}</button></div></template>'
    ).format(
        confirm.get("style") or "",
        draw_words(confirm.get("title"), surface.reader),
        draw_words(confirm.get("text"), surface.reader),
        words_of(confirm.get("deny")) or "Cancel",
        confirm.get("style") or "primary",
        words_of(confirm.get("confirm")) or "Yes",
    )


def _dispatch_of(element: Part) -> Markup:
    config = element.get("dispatch_action_config")
    triggers = config.get("trigger_actions_on") if isinstance(config, dict) else None
    typed = isinstance(triggers, list) and "on_character_entered" in triggers
    return Markup(" data-on-typing") if typed else Markup("")


def _value_of(element: Part, block_id: str, surface: Surface, *initial: str) -> Any:
    place = (block_id, str(element.get("action_id") or ""))
    if place in surface.values:
        return surface.values[place]
    return next((element[name] for name in initial if element.get(name) is not None), None)


def _values_of(element: Part, block_id: str, surface: Surface, initial: str) -> set[str]:
    """The chosen values of a choice among options, whether given as values or as option objects."""
    found = _value_of(element, block_id, surface, initial)
    several = found if isinstance(found, list) else [found]
    return {str(one.get("value")) if isinstance(one, dict) else str(one) for one in several if one is not None}


def _draw_button(element: Part, block_id: str, surface: Surface) -> Markup:
    words = draw_words(element.get("text"), surface.reader)
    style = element.get("style") if element.get("style") in ("primary", "danger") else ""
    label = element.get("accessibility_label") or ""
    href = safe_href(str(element.get("url") or ""))
    aria = Markup(' aria-label="{}"').format(label) if label else ""
    if href:
        return Markup(
            '<a class="btn {}" data-click href="{}" target="_blank" rel="noopener noreferrer"{}>{}</a>'
        ).format(style, href, aria, words)
    return Markup('<button type="button" class="btn {}" data-click{}>{}</button>').format(style, aria, words)


def _draw_overflow(element: Part, _block_id: str, surface: Surface) -> Markup:
    items = Markup("").join(
        Markup('<button type="button" role="menuitem" data-click data-value="{}">{}</button>').format(
            option.get("value"), draw_words(option.get("text"), surface.reader)
        )
        for option in parts_of(element, "options")
    )
    return Markup(
        '<details class="overflow"><summary class="btn quiet" aria-haspopup="menu" aria-label="More actions">'
        '<svg class="icon" aria-hidden="true"><use href="#i-more"></use></svg></summary>'
        '<div class="menu" role="menu">{}</div></details>'
    ).format(items)


def _options_of(element: Part) -> list[tuple[str, list[Part]]]:
    groups = [
        (words_of(group.get("label")), list(parts_of(group, "options"))) for group in parts_of(element, "option_groups")
    ]
    return groups or [("", list(parts_of(element, "options")))]


def _choices(options: Iterable[Part]) -> list[Choice]:
    return [
        (str(option.get("value")), words_of(option.get("text")), words_of(option.get("description")))
        for option in options
    ]


def _people(element: Part, surface: Surface) -> list[tuple[str, list[Choice]]]:
    return [("", [(key, name, "") for key, name in surface.reader.people.items() if key not in surface.reader.gone])]


def _channels(element: Part, surface: Surface) -> list[tuple[str, list[Choice]]]:
    return [("", [(key, f"#{name}", "") for key, name in surface.reader.channels.items()])]


def _static(element: Part, surface: Surface) -> list[tuple[str, list[Choice]]]:
    return [(label, _choices(options)) for label, options in _options_of(element)]


_SOURCES: dict[str, Callable[[Part, Surface], list[tuple[str, list[Choice]]]]] = {
    "static": _static,
    "users": _people,
    "channels": _channels,
    "conversations": _channels,
}
_INITIAL = {
    "static_select": "initial_option",
    "users_select": "initial_user",
    "channels_select": "initial_channel",
    "conversations_select": "initial_conversation",
    "external_select": "initial_option",
    "multi_static_select": "initial_options",
    "multi_users_select": "initial_users",
    "multi_channels_select": "initial_channels",
    "multi_conversations_select": "initial_conversations",
    "multi_external_select": "initial_options",
}


def _source_of(element: Part, surface: Surface) -> list[tuple[str, list[Choice]]]:
    kind = str(element.get("type")).removeprefix("multi_").removesuffix("_select")
    return _SOURCES.get(kind, _static)(element, surface)


def _draw_select(element: Part, block_id: str, surface: Surface) -> Markup:
    chosen = _values_of(element, block_id, surface, _INITIAL[str(element.get("type"))])
    placeholder = words_of(element.get("placeholder")) or "Choose…"
    groups = Markup("").join(_draw_group(label, choices, chosen) for label, choices in _source_of(element, surface))
    return Markup('<select id="{}" class="input"{}{}><option value="">{}</option>{}</select>').format(
        control_id(element, block_id, surface),
        surface.aria_label(placeholder),
        _focus_of(element),
        placeholder,
        groups,
    )


def _draw_group(label: str, choices: list[Choice], chosen: set[str]) -> Markup:
    options = Markup("").join(
        Markup('<option value="{}"{}>{}</option>').format(
            value, Markup(" selected") if value in chosen else "", f"{words} – {about}" if about else words
        )
        for value, words, about in choices
    )
    return Markup('<optgroup label="{}">{}</optgroup>').format(label, options) if label else options


def _draw_external(element: Part, block_id: str, surface: Surface) -> Markup:
    found = _value_of(element, block_id, surface, "initial_option")
    value = str(found.get("value")) if isinstance(found, dict) else str(found or "")
    words = words_of(found.get("text")) if isinstance(found, dict) else value
    placeholder = words_of(element.get("placeholder")) or "Type to search…"
    return Markup(
        '<span class="external" data-keep><input type="text" id="{0}" class="input" role="combobox" autocomplete="off"'
        ' aria-expanded="false" aria-controls="{0}-list" aria-label="{1}" placeholder="{1}" value="{2}"'
        ' data-chosen="{3}" data-min="{4}"><span class="menu" id="{0}-list" role="listbox" hidden></span></span>'
    ).format(control_id(element, block_id, surface), placeholder, words, value, element.get("min_query_length", 3))


def _draw_multi(element: Part, block_id: str, surface: Surface) -> Markup:
    chosen = _values_of(element, block_id, surface, _INITIAL[str(element.get("type"))])
    placeholder = words_of(element.get("placeholder")) or "Choose…"
    choices = [choice for _, group in _source_of(element, surface) for choice in group]
    control = control_id(element, block_id, surface)
    boxes = Markup("").join(
        Markup('<label class="tick"><input type="checkbox" value="{}"{}> <span>{}</span></label>').format(
            value, Markup(" checked") if value in chosen else "", words
        )
        for value, words, _ in choices
    )
    return Markup(
        '<details class="multi" data-placeholder="{}"><summary id="{}" class="input"{}>{}</summary>'
        '<div class="menu" role="group" aria-label="{}">{}</div></details>'
    ).format(
        placeholder,
        control,
        surface.labelled_by(control, control),
        ", ".join(words for value, words, _ in choices if value in chosen) or placeholder,
        placeholder,
        boxes,
    )


def _draw_ticks(element: Part, block_id: str, surface: Surface) -> Markup:
    radio = element.get("type") == "radio_buttons"
    chosen = _values_of(element, block_id, surface, "initial_option" if radio else "initial_options")
    name = control_id(element, block_id, surface)
    return Markup('<span class="ticks" role="{}" id="{}"{}>{}</span>').format(
        "radiogroup" if radio else "group",
        name,
        surface.labelled_by(name),
        Markup("").join(_draw_tick(option, radio, name, chosen, surface) for option in parts_of(element, "options")),
    )


def _draw_tick(option: Part, radio: bool, name: str, chosen: set[str], surface: Surface) -> Markup:
    about = draw_words(option.get("description"), surface.reader)
    value = str(option.get("value"))
    return Markup('<label class="tick"><input type="{}" name="{}" value="{}"{}> <span>{}{}</span></label>').format(
        "radio" if radio else "checkbox",
        name,
        value,
        Markup(" checked") if value in chosen else "",
        draw_words(option.get("text"), surface.reader),
        Markup('<small class="about">{}</small>').format(about) if about else "",
    )


def _draw_text_input(element: Part, block_id: str, surface: Surface) -> Markup:
    value = _value_of(element, block_id, surface, "initial_value")
    if isinstance(value, dict):
        value = " ".join(
            str(run.get("text", "")) for part in parts_of(value, "elements") for run in parts_of(part, "elements")
        )
    lengths = Markup("").join(
        Markup(' {}="{}"').format(attribute, int(element[key]))
        for attribute, key in (("maxlength", "max_length"), ("minlength", "min_length"))
        if element.get(key)
    )
    common = Markup('id="{}" class="input" placeholder="{}"{}{}').format(
        control_id(element, block_id, surface), words_of(element.get("placeholder")), lengths, _focus_of(element)
    )
    if element.get("multiline") or element.get("type") == "rich_text_input":
        return Markup('<textarea {} rows="4">{}</textarea>').format(common, value or "")
    kind = {"email_text_input": "email", "url_text_input": "url"}.get(str(element.get("type")), "text")
    mode = Markup(' inputmode="decimal"') if element.get("type") == "number_input" else ""
    return Markup('<input type="{}" {}{} value="{}" autocomplete="off">').format(
        kind, common, mode, "" if value is None else value
    )


def _draw_moment(element: Part, block_id: str, surface: Surface) -> Markup:
    kind, initial = _MOMENTS[str(element.get("type"))]
    value = _value_of(element, block_id, surface, initial)
    if kind == "datetime-local" and value:
        value = _local_value(value, surface)
    return Markup('<input type="{}" id="{}" class="input moment" value="{}"{}{}>{}').format(
        kind,
        control_id(element, block_id, surface),
        value or "",
        surface.aria_label(words_of(element.get("placeholder")) or kind.replace("-local", "")),
        _focus_of(element),
        Markup(' <small class="zone">{} time</small>').format(surface.reader.zone) if kind == "datetime-local" else "",
    )


def _local_value(value: object, surface: Surface) -> str:
    instant = instant_of(value)
    return f"{surface.reader.local(instant):%Y-%m-%dT%H:%M}" if instant else str(value)


def _draw_file_input(element: Part, block_id: str, surface: Surface) -> Markup:
    kinds = element.get("filetypes")
    accept = ",".join(f".{str(kind).lstrip('.')}" for kind in kinds) if isinstance(kinds, list) else ""
    several = Markup(" multiple") if int(element.get("max_files") or 10) > 1 else ""
    drawn = Markup('<input type="file" id="{}" class="input file" accept="{}"{}>').format(
        control_id(element, block_id, surface), accept, several
    )
    return drawn + _draw_samples() if ".zip" in accept else drawn


def _draw_samples() -> Markup:
    """The rehearsal's own packages, one click each; a real chat has nothing of the kind."""
    buttons = Markup(" ").join(
        Markup(
            '<button type="button" class="btn" data-sample="{}" data-filename="{}" title="{}: {}">{}</button>'
        ).format(one.url, one.filename, one.filename, one.about, one.variant)
        for one in SAMPLES
    )
    return Markup('<span class="sample-row"><small>Or a sample of the rehearsal:</small> {}</span>').format(buttons)


def _draw_image(element: Part, _block_id: str, _surface: Surface) -> Markup:
    return draw_picture(element, "accessory")


def draw_picture(image: Part, css: str) -> Markup:
    """An image by its address; what is not http(s) is shown as its alternative text."""
    source, alt = str(image.get("image_url") or ""), str(image.get("alt_text") or "")
    if not (safe_href(source) or "").startswith("http"):
        return Markup('<span class="{} no-image">{}</span>').format(css, alt)
    return Markup('<img class="{}" src="{}" alt="{}" loading="lazy">').format(css, source, alt)


def _focus_of(element: Part) -> Markup:
    return Markup(" data-focus") if element.get("focus_on_load") else Markup("")


_MOMENTS = {
    "datepicker": ("date", "initial_date"),
    "timepicker": ("time", "initial_time"),
    "datetimepicker": ("datetime-local", "initial_date_time"),
}
_ELEMENTS: dict[str, Callable[[Part, str, Surface], Markup]] = {
    "button": _draw_button,
    "workflow_button": _draw_button,
    "icon_button": _draw_button,
    "overflow": _draw_overflow,
    "checkboxes": _draw_ticks,
    "radio_buttons": _draw_ticks,
    "external_select": _draw_external,
    "multi_external_select": _draw_external,
    "file_input": _draw_file_input,
    "image": _draw_image,
    **dict.fromkeys(("static_select", "users_select", "channels_select", "conversations_select"), _draw_select),
    **dict.fromkeys(
        ("multi_static_select", "multi_users_select", "multi_channels_select", "multi_conversations_select"),
        _draw_multi,
    ),
    **dict.fromkeys(
        ("plain_text_input", "number_input", "email_text_input", "url_text_input", "rich_text_input"), _draw_text_input
    ),
    **dict.fromkeys(_MOMENTS, _draw_moment),
}
