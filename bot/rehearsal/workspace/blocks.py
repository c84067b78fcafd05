"""Which blocks exist, where each may stand, and what is wrong with a given list of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.rehearsal.workspace.checks import (
    Check,
    Finding,
    Findings,
    Shape,
    anything,
    at_least_one,
    boolean,
    by_type,
    exactly_one,
    integer,
    items,
    one_of,
    second_opinion,
    string,
)
from bot.rehearsal.workspace.elements import (
    BUTTON,
    IMAGE,
    IN_ACTIONS,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    NAME,
    RAW_CELL,
    RICH_TEXT,
    SLACK_FILE,
    URL,
    URL_SOURCE,
    element_in,
    mrkdwn,
    plain,
    words,
)
from bot.rehearsal.workspace.model import Json

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
BLOCK_TEXT_TOTAL = 11_000
MARKDOWN_TOTAL = 12_000

_KIND = {"type": anything}
_BLOCK_ID: dict[str, Check] = {"block_id": NAME}


def _block(required: dict[str, Check], optional: dict[str, Check] | None = None, *rules: Check) -> Shape:
    return Shape({**_KIND, **required}, {**_BLOCK_ID, **(optional or {})}, rules)


def _distinct_actions(block: Any, at: str, found: Findings) -> None:
    elements = block.get("elements")
    if not isinstance(elements, list):
        return
    names = [each.get("action_id") for each in elements if isinstance(each, dict) and each.get("action_id")]
    for name in {name for name in names if names.count(name) > 1}:
        found.append(Finding(f"{at}/elements", "duplicate_action_id", f"action_id must be unique in a block: {name}"))


def _rectangular(block: Any, at: str, found: Findings) -> None:
    rows = block.get("rows")
    if isinstance(rows, list) and len({len(row) for row in rows if isinstance(row, list)}) > 1:
        found.append(Finding(f"{at}/rows", "uneven_rows", "all rows must have the same number of cells"))


_CELL = by_type({**RAW_CELL, "rich_text": RICH_TEXT})
_CARD = _block(
    {},
    {
        "hero_image": IMAGE,
        "icon": IMAGE,
        "title": mrkdwn(150),
        "subtitle": mrkdwn(150),
        "body": mrkdwn(200),
        "actions": items(BUTTON, 0, 3),
    },
    at_least_one("hero_image", "title", "actions", "body"),
)
_TASK = _block(
    {
        "task_id": NAME,
        "title": string(least=1),
        "status": one_of("pending", "in_progress", "complete", "error"),
    },
    {"details": RICH_TEXT, "output": RICH_TEXT, "sources": items(URL_SOURCE)},
)

_SIMPLE: dict[str, Check] = {
    "section": _block(
        {},
        {
            "text": words(3000),
            "fields": items(words(2000), 1, 10),
            "accessory": element_in(IN_SECTION),
            "expand": boolean,
        },
        at_least_one("text", "fields"),
    ),
    "divider": _block({}),
    "image": _block(
        {"alt_text": string(2000, least=1)},
        {"title": plain(2000), "image_url": URL, "slack_file": SLACK_FILE},
        exactly_one("image_url", "slack_file"),
    ),
    "actions": _block({"elements": items(element_in(IN_ACTIONS), 1, 25)}, {}, _distinct_actions),
    "context": _block(
        {
            "elements": items(
                by_type({"image": IMAGE, "plain_text": words(3000), "mrkdwn": words(3000)}),
                1,
                10,
            )
        }
    ),
    "input": _block(
        {"label": plain(2000), "element": element_in(IN_INPUT)},
        {"hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "file": _block({"external_id": string(255, least=1), "source": one_of("remote")}),
    "header": _block({"text": plain(150)}, {"level": integer(1, 6)}),
    "video": _block(
        {"video_url": URL, "thumbnail_url": URL, "alt_text": string(least=1), "title": plain(200)},
        {
            "title_url": URL,
            "author_name": string(50),
            "provider_name": string(),
            "provider_icon_url": URL,
            "description": plain(200),
        },
    ),
    "rich_text": RICH_TEXT,
    "table": _block(
        {"rows": items(items(_CELL, 1, 20), 1, 100)},
        {
            "column_settings": items(
                Shape({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean}), 0, 20
            )
        },
    ),
}
_ONLY_IN_MESSAGES: dict[str, Check] = {
    "markdown": _block({"text": string(MARKDOWN_TOTAL, least=1)}),
    "context_actions": _block({"elements": items(element_in(IN_CONTEXT_ACTIONS), 1, 5)}, {}, _distinct_actions),
    "task_card": _TASK,
    "plan": _block({"title": string(least=1)}, {"tasks": items(by_type({"task_card": _TASK}), 0, 50)}),
    "card": _CARD,
    "carousel": _block({"elements": items(by_type({"card": _CARD}), 1, 10)}),
    "container": _block(
        {"child_blocks": items(by_type(_SIMPLE), 1, 10)},
        {
            "title": plain(150),
            "rich_text_title": RICH_TEXT,
            "subtitle": words(150),
            "width": one_of("narrow", "standard", "wide", "full"),
            "icon": IMAGE,
            "is_collapsible": boolean,
            "default_collapsed": boolean,
            "has_header_divider": boolean,
        },
    ),
    "data_table": _block(
        {"rows": items(items(_CELL, 1, 20), 2, 101), "caption": string(least=1)},
        {"page_size": integer(1, 100), "row_header_column_index": integer(0, 19)},
        _rectangular,
    ),
    "data_visualization": _block({"chart": anything}, {"title": anything}),
    "call": _block({"call_id": NAME}, {"api_decoration_available": boolean, "call": anything}),
}
_WITHOUT_TABLE: dict[str, Check] = {kind: shape for kind, shape in _SIMPLE.items() if kind != "table"}
_ALERT: Check = _block({"text": words(200)}, {"level": one_of("default", "info", "warning", "error", "success")})

IN_MESSAGE: dict[str, Check] = {**_SIMPLE, **_ONLY_IN_MESSAGES}
IN_MODAL: dict[str, Check] = {**_WITHOUT_TABLE, "alert": _ALERT}
IN_HOME: dict[str, Check] = {**_WITHOUT_TABLE, "carousel": _ONLY_IN_MESSAGES["carousel"], "card": _CARD}
_SURFACES: dict[str, dict[str, Check]] = {"message": IN_MESSAGE, "modal": IN_MODAL, "home": IN_HOME}
_EVERYWHERE = {**IN_MESSAGE, **IN_MODAL, **IN_HOME}


def check_blocks(value: Any, surface: str, at: str = "/blocks") -> Findings:
    """What is wrong with a list of blocks on a surface: `message`, `modal` or `home`."""
    allowed = _SURFACES[surface]
    found: Findings = []
    most = MESSAGE_BLOCKS if surface == "message" else VIEW_BLOCKS
    items(anything, 0, most)(value, at, found)
    if not isinstance(value, list):
        return found
    for index, block in enumerate(value):
        _check_block(block, f"{at}/{index}", allowed, found)
    _check_distinct(value, "block_id", at, found)
    if surface == "message" and not found:
        found += second_opinion(surface, {"blocks": value}, at)
    return found


def _check_block(block: Any, at: str, allowed: dict[str, Check], found: Findings) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    if isinstance(kind, str) and kind in _EVERYWHERE and kind not in allowed:
        found.append(Finding(f"{at}/type", "unsupported_surface", f"unsupported type: {kind} is not allowed here"))
        return
    by_type(allowed)(block, at, found)


def _check_distinct(blocks: list[Any], key: str, at: str, found: Findings) -> None:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        name = block.get(key) if isinstance(block, dict) else None
        if isinstance(name, str):
            if name in seen:
                found.append(Finding(f"{at}/{index}/{key}", "duplicate_block_id", f"`{key}` must be unique: {name}"))
            seen.add(name)


def too_much_text(blocks: list[Json]) -> str | None:
    """Why all blocks together hold more text than one message may, or None."""
    markdown = sum(len(block.get("text", "")) for block in blocks if block.get("type") == "markdown")
    if markdown > MARKDOWN_TOTAL:
        return f"markdown blocks hold {markdown} characters; all of them together may hold {MARKDOWN_TOTAL}"
    others = [block for block in blocks if block.get("type") not in ("markdown", "table", "data_table")]
    total = sum(len(text) for text in _texts(others))
    if total > BLOCK_TEXT_TOTAL:
        return f"the blocks hold {total} characters of text; a message may hold about {BLOCK_TEXT_TOTAL}"
    return None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "text" and isinstance(each, str):
                yield each
            else:
                yield from _texts(each)


def fill_ids(blocks: list[Json], fresh: Any) -> list[Json]:
    """The blocks with every missing block_id and action_id made up by `fresh()`, as Slack does."""
    return [_filled(block, fresh) for block in blocks]


def _filled(block: Json, fresh: Any) -> Json:
    block = {**block}
    block.setdefault("block_id", fresh())
    if block["block_id"] is None:
        block["block_id"] = fresh()
    for key in ("accessory", "element"):
        if isinstance(block.get(key), dict):
            block[key] = _with_action(block[key], fresh)
    if block.get("type") in ("actions", "context_actions"):
        block["elements"] = [_with_action(each, fresh) for each in block["elements"]]
    if block.get("type") == "carousel":
        block["elements"] = [_filled(each, fresh) for each in block["elements"]]
    if block.get("type") == "card":
        block["actions"] = [_with_action(each, fresh) for each in block.get("actions") or []]
    if block.get("type") == "container":
        block["child_blocks"] = [_filled(each, fresh) for each in block["child_blocks"]]
    return block


def _with_action(element: Json, fresh: Any) -> Json:
    if element.get("type") == "image" or element.get("action_id"):
        return element
    return {**element, "action_id": fresh()}
