"""Slack's limits on what an app sends, as one table, held against every payload that the tests see go out.

The figures are those of docs.slack.dev/reference/block-kit and of the comments in npm's @slack/types 3.2, written down
here a second time on purpose: neither the bot (`handlers/slack/limits.py`) nor the workspace may read them from here.
`OURS` is what we ask of ourselves, since Slack names no figure for a whole message and refuses some of 11,341
characters (bolt-js#2867).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

# type of block or element -> (where in it, the most characters or things). `*` stands for each thing of a list.
LIMITS: dict[str, tuple[tuple[str, int], ...]] = {
    "header": (("text/text", 150),),
    "section": (("text/text", 3000), ("fields", 10), ("fields/*/text", 2000)),
    "context": (("elements", 10), ("elements/*/text", 3000)),
    "actions": (("elements", 25),),
    "context_actions": (("elements", 5),),
    "input": (("label/text", 2000), ("hint/text", 2000)),
    "image": (("alt_text", 2000), ("image_url", 3000), ("title/text", 2000)),
    "markdown": (("text", 12_000),),
    "table": (("rows", 100), ("rows/*", 20), ("column_settings", 20)),
    "alert": (("text/text", 200),),
    "plan": (("tasks", 50),),
    "card": (("title/text", 150), ("subtitle/text", 150), ("body/text", 200), ("actions", 3)),
    "carousel": (("elements", 10),),
    "container": (("child_blocks", 10), ("title/text", 150)),
    "button": (("text/text", 75), ("value", 2000), ("url", 3000), ("accessibility_label", 75)),
    "overflow": (("options", 5),),
    "checkboxes": (("options", 10),),
    "radio_buttons": (("options", 10),),
    "static_select": (("options", 100), ("option_groups", 100), ("option_groups/*/options", 100)),
    "multi_static_select": (("options", 100), ("option_groups", 100), ("option_groups/*/options", 100)),
    "plain_text_input": (("initial_value", 3000), ("max_length_itself", 3000)),
    "file_input": (("max_files_itself", 10),),
    "modal": (
        *(("title/text", 24), ("submit/text", 24), ("close/text", 24), ("private_metadata", 3000)),
        *(("callback_id", 255), ("external_id", 255), ("blocks", 100)),
    ),
    "home": (("private_metadata", 3000), ("callback_id", 255), ("blocks", 100)),
}
EVERYWHERE = (("block_id", 255), ("action_id", 255), ("placeholder/text", 150))
CONFIRM = (("title/text", 100), ("text/text", 300), ("confirm/text", 30), ("deny/text", 30))
OPTION = (("text/text", 75), ("value", 150), ("description/text", 75), ("url", 3000))
GROUP = (("label/text", 75),)
MESSAGE_BLOCKS = 50
VIEW_BYTES = 250_000
TABLES = 1
OURS = {"characters": 8000, "bytes": 10_000}


def over(kind: str, payload: Any, *, ours: bool = False) -> list[str]:
    """What is over a limit in a `message` ({"blocks": [...]}), `modal` or `home`; with `ours` also of our own."""
    found = [line for at, part in _parts(payload, "") for line in _over(part, at)]
    blocks = [block for block in payload.get("blocks") or () if isinstance(block, dict)]
    names = Counter(block["block_id"] for block in blocks if block.get("block_id"))
    found += [f"/blocks: {name!r} names {count} blocks" for name, count in names.items() if count > 1]
    if kind != "message":
        return found + _size("the view", len(json.dumps(payload, ensure_ascii=False).encode()), VIEW_BYTES)
    found += _size("blocks", len(blocks), MESSAGE_BLOCKS)
    found += _size("tables", sum(block.get("type") == "table" for block in blocks), TABLES)
    if ours:
        found += _size("characters in all", sum(map(_utf16, _texts(blocks))), OURS["characters"])
        found += _size("bytes in all", len(json.dumps(blocks, ensure_ascii=False).encode()), OURS["bytes"])
    return found


def _over(part: dict[str, Any], at: str) -> Iterator[str]:
    rows = [*LIMITS.get(str(part.get("type")), ()), *EVERYWHERE]
    if "options" in part or "option_groups" in part or "elements" in part:
        yield from _twice(part, at)
    for key, more in (("confirm", CONFIRM), ("options", OPTION), ("option_groups", GROUP)):
        each = part.get(key)
        if isinstance(each, dict) and "type" not in each:
            rows += [(f"{key}/{path}", most) for path, most in more]
        elif isinstance(each, list):
            rows += [(f"{key}/*/{path}", most) for path, most in more]
    for path, most in rows:
        for value in _at(part, path.removesuffix("_itself").split("/")):
            size = value if path.endswith("_itself") else _utf16(value) if isinstance(value, str) else len(value)
            yield from _size(f"{at}: {path}", size, most)


def _twice(part: dict[str, Any], at: str) -> Iterator[str]:
    """What must be different and is not: action ids in a block, values in a list of options."""
    for key, name in (("elements", "action_id"), ("options", "value")):
        things = [each for each in part.get(key) or () if isinstance(each, dict)]
        counts = Counter(each[name] for each in things if each.get(name))
        yield from (f"{at}/{key}: {value!r} stands {count} times" for value, count in counts.items() if count > 1)


def _size(what: str, size: int, most: int) -> list[str]:
    return [f"{what}: {size:,}, at most {most:,}"] if size > most else []


def _at(part: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        if part is not None:
            yield part
    elif path[0] == "*":
        for each in part if isinstance(part, list) else ():
            yield from _at(each, path[1:])
    elif isinstance(part, dict):
        yield from _at(part.get(path[0]), path[1:])


def _parts(value: Any, at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from _parts(each, f"{at}/{number}")
    elif isinstance(value, dict):
        yield at, value
        for key, each in value.items():
            yield from _parts(each, f"{at}/{key}")


def _texts(value: Any) -> Iterator[str]:
    for _, part in _parts(value, ""):
        text = part.get("text")
        if isinstance(text, str):
            yield text


def _utf16(text: str) -> int:
    """Length as JavaScript counts it, the stricter reading of Slack's figures."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
