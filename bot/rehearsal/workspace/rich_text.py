"""What rich text is made of."""

from __future__ import annotations

from bot.rehearsal.workspace.checks import Check, Shape, anything, boolean, by_type, integer, items, one_of, string
from bot.rehearsal.workspace.objects import NAME

_STYLE = Shape(
    {},
    dict.fromkeys(
        ("bold", "code", "italic", "strike", "underline", "highlight", "client_highlight", "unlink"), boolean
    ),
)


def _part(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Shape:
    return Shape({"type": anything, **required}, {**(optional or {}), "style": _STYLE})


_VERBATIM: dict[str, Check] = {
    "text": _part({"text": string(least=1)}),
    "link": _part({"url": string(3000, least=1)}, {"text": string(), "unsafe": boolean}),
}
_PART = by_type(
    {
        **_VERBATIM,
        "user": _part({"user_id": NAME}),
        "usergroup": _part({"usergroup_id": NAME}),
        "channel": _part({"channel_id": NAME}),
        "team": _part({"team_id": NAME}),
        "broadcast": _part({"range": one_of("here", "channel", "everyone")}),
        "emoji": _part({"name": NAME}, {"unicode": string(), "url": string(), "skin_tone": integer(1, 6)}),
        "color": _part({"value": string(least=1)}),
        "date": _part({"timestamp": integer(0), "format": string(least=1)}, {"url": string(), "fallback": string()}),
    },
)
_BORDER: dict[str, Check] = {"border": integer(0, 1)}
_SECTION = Shape({"type": one_of("rich_text_section"), "elements": items(_PART)}, {})
_CHILD = by_type(
    {
        "rich_text_section": _SECTION,
        "rich_text_list": Shape(
            {
                "type": anything,
                "elements": items(by_type({"rich_text_section": _SECTION}), 1),
                "style": one_of("bullet", "ordered"),
            },
            {**_BORDER, "indent": integer(0, 8), "offset": integer(0)},
        ),
        "rich_text_quote": Shape({"type": anything, "elements": items(_PART)}, _BORDER),
        "rich_text_preformatted": Shape(
            {"type": anything, "elements": items(by_type(_VERBATIM))}, {**_BORDER, "language": string()}
        ),
    },
)
# Slack takes one without anything in it, too.
RICH_TEXT = Shape({"type": one_of("rich_text"), "elements": items(_CHILD)}, {"block_id": NAME})
