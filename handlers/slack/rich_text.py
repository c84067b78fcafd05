"""Our sentences as Slack's rich text, for places that read no markup."""

from __future__ import annotations

from typing import Any

from handlers.slack.mrkdwn import (
    CHANNEL,
    EMPTY,
    PERSON,
    TEAM,
    WEB,
    Piece,
    Reader,
    in_zone,
    pieces,
    plain_within,
    size,
    to_plain,
)


def rich_cell(sentence: str, limit: int, reader: Reader) -> dict[str, Any]:
    """A table cell: raw text where that says it all, rich text where the sentence carries meaning."""
    parts = list(pieces(sentence))
    if all(piece.kind == "text" for piece in parts) or size(to_plain(sentence, reader)) > limit:
        return {"type": "raw_text", "text": plain_within(sentence, limit, reader)}
    return _section(parts)


def rich_words(sentence: str, limit: int, reader: Reader) -> dict[str, Any]:
    """A sentence as rich text; as plain words where it has to be cut."""
    if size(to_plain(sentence, reader)) > limit:
        return _section([Piece("text", (plain_within(sentence, limit, reader),))])
    return _section(list(pieces(sentence)))


def _section(parts: list[Piece]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(map(_element, parts))}]}


def preformatted(text: str) -> dict[str, Any]:
    """A block that shows text letter by letter."""
    inner = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text or EMPTY}]}
    return {"type": "rich_text", "elements": [inner]}


def _element(piece: Piece) -> dict[str, Any]:
    value = piece.values[0]
    match piece.kind:
        case "person" if PERSON.fullmatch(value):
            return {"type": "user", "user_id": value}
        case "person" if TEAM.fullmatch(value):
            return {"type": "usergroup", "usergroup_id": value}
        case "channel" if CHANNEL.fullmatch(value):
            return {"type": "channel", "channel_id": value}
        case "at" if (instant := piece.instant) is not None:
            return {
                "type": "date",
                "timestamp": int(instant.timestamp()),
                "format": "{date_short_pretty} {time}",
                "fallback": in_zone(instant, "UTC"),
            }
        case "bold" | "code" if value:
            return {"type": "text", "text": value, "style": {piece.kind: True}}
        case "link" if WEB.fullmatch(value):
            return {"type": "link", "url": value, "text": piece.values[-1] or value}
    return {"type": "text", "text": piece.values[-1] or EMPTY}
