"""The small table of emoji that the page can draw."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

# shortcode -> (character, name of our own drawing in icons.svg, or "" to show the character itself)
_TABLE: dict[str, tuple[str, str]] = {
    "white_check_mark": ("✅", "check"),
    "heavy_check_mark": ("✔️", "check"),
    "ballot_box_with_check": ("☑️", "check"),
    "x": ("❌", "cross"),
    "negative_squared_cross_mark": ("❎", "cross"),
    "warning": ("⚠️", "warning"),
    "no_entry": ("⛔", "stop"),
    "no_entry_sign": ("🚫", "ban"),
    "hourglass": ("⌛", "hourglass"),
    "hourglass_flowing_sand": ("⏳", "hourglass"),
    "rocket": ("🚀", "rocket"),
    "lock": ("🔒", "lock"),
    "unlock": ("🔓", "unlock"),
    "rotating_light": ("🚨", "siren"),
    "fire": ("🔥", "fire"),
    "package": ("📦", "package"),
    "memo": ("📝", "memo"),
    "pencil": ("📝", "memo"),
    "pencil2": ("✏️", "memo"),
    "clipboard": ("📋", "memo"),
    "page_facing_up": ("📄", "memo"),
    "calendar": ("📅", "calendar"),
    "date": ("📅", "calendar"),
    "spiral_calendar_pad": ("🗓️", "calendar"),
    "clock1": ("🕐", "clock"),
    "clock3": ("🕒", "clock"),
    "alarm_clock": ("⏰", "clock"),
    "stopwatch": ("⏱️", "clock"),
    "timer_clock": ("⏲️", "clock"),
    "bell": ("🔔", "bell"),
    "mega": ("📣", "mega"),
    "loudspeaker": ("📢", "mega"),
    "arrows_counterclockwise": ("🔄", "turning"),
    "repeat": ("🔁", "turning"),
    "leftwards_arrow_with_hook": ("↩️", "back"),
    "rewind": ("⏪", "back"),
    "back": ("🔙", "back"),
    "arrow_right": ("➡️", "right"),
    "arrow_forward": ("▶️", "right"),
    "snowflake": ("❄️", "snow"),
    "ice_cube": ("🧊", "snow"),
    "shield": ("🛡️", "shield"),
    "mag": ("🔍", "mag"),
    "eyes": ("👀", "eyes"),
    "link": ("🔗", "link"),
    "bulb": ("💡", "bulb"),
    "tada": ("🎉", "tada"),
    "checkered_flag": ("🏁", "flag"),
    "test_tube": ("🧪", "tube"),
    "wrench": ("🔧", "wrench"),
    "hammer_and_wrench": ("🛠️", "wrench"),
    "gear": ("⚙️", "wrench"),
    "wastebasket": ("🗑️", "bin"),
    "information_source": ("ℹ️", "info"),
    "question": ("❓", "question"),
    "grey_question": ("❔", "question"),
    "exclamation": ("❗", "bang"),
    "bangbang": ("‼️", "bang"),
    "bust_in_silhouette": ("👤", "person"),
    "busts_in_silhouette": ("👥", "person"),
    "speech_balloon": ("💬", "talk"),
    "thumbsup": ("👍", "check"),
    "+1": ("👍", "check"),
    "thumbsdown": ("👎", "cross"),
    "-1": ("👎", "cross"),
    "large_green_circle": ("🟢", "green"),
    "large_yellow_circle": ("🟡", "yellow"),
    "large_orange_circle": ("🟠", "orange"),
    "red_circle": ("🔴", "red"),
    "large_blue_circle": ("🔵", "blue"),
    "white_circle": ("⚪", "white"),
    "black_circle": ("⚫", "black"),
    "large_green_square": ("🟩", "green-square"),
    "large_yellow_square": ("🟨", "yellow-square"),
    "large_red_square": ("🟥", "red-square"),
    "white_large_square": ("⬜", "white-square"),
    "black_large_square": ("⬛", "black-square"),
    "double_vertical_bar": ("⏸️", "pause"),
    "pause_button": ("⏸️", "pause"),
    "octagonal_sign": ("🛑", "stop"),
    "key": ("🔑", "key"),
    "bar_chart": ("📊", "chart"),
    "chart_with_upwards_trend": ("📈", "chart"),
    "paperclip": ("📎", "clip"),
    "wave": ("👋", ""),
    "robot_face": ("🤖", ""),
    "house": ("🏠", ""),
    "star": ("⭐", "star"),
    "zap": ("⚡", "zap"),
    "sos": ("🆘", "siren"),
    "heavy_plus_sign": ("➕", "plus"),
    "new": ("🆕", "plus"),
}

_VARIATION = "\ufe0f"
_BY_CHARACTER = {
    character.rstrip(_VARIATION): (name, drawing) for name, (character, drawing) in _TABLE.items() if drawing
}
_SHORTCODE = re.compile(r":([a-z0-9_+\-]{1,40}):(?::skin-tone-\d:)?")
_EITHER = re.compile(rf"{_SHORTCODE.pattern}|(?P<character>{'|'.join(map(re.escape, _BY_CHARACTER))}){_VARIATION}?")


def draw_emoji(shortcode: str) -> Markup:
    """One emoji by its shortcode without colons; an unknown one is shown as `:shortcode:`."""
    character, drawing = _TABLE.get(shortcode, ("", ""))
    if drawing:
        return _draw(drawing, shortcode)
    if character:
        return Markup('<span class="emoji-char" role="img" aria-label="{}">{}</span>').format(
            _spoken(shortcode), character
        )
    return escape(f":{shortcode}:")


def draw_text(text: str) -> Markup:
    """Escaped text in which shortcodes are drawn, and characters of which we have our own drawing."""
    drawn: list[Markup] = []
    end = 0
    for match in _EITHER.finditer(text):
        drawn.append(escape(text[end : match.start()]))
        character = match.group("character")
        if character:
            name, drawing = _BY_CHARACTER[character]
            drawn.append(_draw(drawing, name))
        else:
            drawn.append(draw_emoji(match.group(1)) if match.group(1) in _TABLE else escape(match.group(0)))
        end = match.end()
    drawn.append(escape(text[end:]))
    return Markup("").join(drawn)


def _draw(drawing: str, shortcode: str) -> Markup:
    return Markup(
        '<svg class="emoji" role="img" aria-label="{}" viewBox="0 0 16 16"><use href="#e-{}"></use></svg>'
    ).format(_spoken(shortcode), drawing)


def _spoken(shortcode: str) -> str:
    return shortcode.replace("_", " ")
