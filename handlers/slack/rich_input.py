"""Rich text that people write in forms, to and from the words they would type in a message."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_MARKS = {"bold": "*", "italic": "_", "strike": "~", "code": "`"}
_MARKED = re.compile(
    r"(?P<url>https?://[^\s<>|]+)"
    r"|(?<!\w)(?:\*(?P<bold>[^*\n]+)\*|_(?P<italic>[^_\n]+)_|~(?P<strike>[^~\n]+)~|`(?P<code>[^`\n]+)`)(?!\w)"
)
_BULLET = re.compile(r"^[•*-]\s+(.*)$")
_NUMBERED = re.compile(r"^[0-9]{1,3}[.)]\s+(.*)$")
MOST_NESTED = 6


def words_of_rich(block: Any) -> str:
    """The words of a rich_text block with *weight*, lists and links, people as `<@U…>`; "" for anything else."""
    if not isinstance(block, Mapping) or not isinstance(block.get("elements"), Sequence):
        return ""
    return "\n".join(line for part in block["elements"] if isinstance(part, Mapping) for line in _lines(part)).strip()


def rich_of_words(words: str) -> dict[str, Any]:
    """A rich_text block that says the words; lists and weight as they were typed."""
    parts: list[dict[str, Any]] = []
    for line in words.split("\n"):
        style, item = _list_item(line)
        if style:
            if not parts or parts[-1].get("style") != style:
                parts.append({"type": "rich_text_list", "style": style, "elements": []})
            parts[-1]["elements"].append({"type": "rich_text_section", "elements": list(_pieces(item))})
        elif parts and parts[-1]["type"] == "rich_text_section":
            parts[-1]["elements"] += [{"type": "text", "text": "\n"}, *_pieces(line)]
        else:
            parts.append({"type": "rich_text_section", "elements": list(_pieces(line))})
    return {"type": "rich_text", "elements": parts}


def _list_item(line: str) -> tuple[str, str]:
    for style, pattern in (("bullet", _BULLET), ("ordered", _NUMBERED)):
        if found := pattern.fullmatch(line.strip()):
            return style, found[1]
    return "", line


def _pieces(line: str) -> Iterator[dict[str, Any]]:
    start = 0
    for found in _MARKED.finditer(line):
        if found.start() > start:
            yield {"type": "text", "text": line[start : found.start()]}
        if found["url"]:
            yield {"type": "link", "url": found["url"]}
        else:
            style = found.lastgroup or "bold"
            yield {"type": "text", "text": found[style], "style": {style: True}}
        start = found.end()
    if start < len(line) or not line:
        yield {"type": "text", "text": line[start:] or " "}


def _lines(part: Mapping[str, Any]) -> Iterator[str]:
    elements = [each for each in part.get("elements") or () if isinstance(each, Mapping)]
    match part.get("type"):
        case "rich_text_list":
            indent = "    " * min(int(part.get("indent") or 0), MOST_NESTED)
            ordered = part.get("style") == "ordered"
            for number, item in enumerate(elements, start=1):
                yield f"{indent}{f'{number}.' if ordered else '•'} {' '.join(_lines(item))}"
        case "rich_text_quote":
            yield from (f"> {line}" for line in _said(elements).split("\n"))
        case "rich_text_preformatted":
            yield f"```{_said(elements)}```"
        case _:
            yield _said(elements)


def _said(elements: Sequence[Mapping[str, Any]]) -> str:
    return "".join(_one(element) for element in elements)


def _one(element: Mapping[str, Any]) -> str:
    match element:
        case {"type": "user", "user_id": str(user_id)}:
            return f"<@{user_id}>"
        case {"type": "channel", "channel_id": str(channel_id)}:
            return f"<#{channel_id}>"
        case {"type": "emoji", "name": str(name)}:
            return f":{name}:"
        case {"type": "broadcast", "range": str(whom)}:
            return f"@{whom}"
        case {"type": "link", "url": str(url)}:
            label = str(element.get("text") or "")
            return f"{label} ({url})" if label and label != url else url
        case {"text": str(text)}:
            return _marked(text, element.get("style"))
    return ""


def _marked(text: str, style: Any) -> str:
    """Text between the marks that a chat reads as its style; blanks at its ends stay outside of them."""
    marks = "".join(mark for name, mark in _MARKS.items() if isinstance(style, Mapping) and style.get(name))
    inner = text.strip()
    if not marks or not inner or "\n" in inner:
        return text
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{before}{marks}{inner}{marks[::-1]}{after}"
