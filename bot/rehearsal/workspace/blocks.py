"""Which blocks exist, where each may stand, and what is wrong with a given list of them."""

from __future__ import annotations

from typing import Any

from bot.rehearsal.workspace.charts import CHART
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
    IN_ACTIONS,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    element_in,
)
from bot.rehearsal.workspace.model import Json
from bot.rehearsal.workspace.objects import (
    IMAGE,
    NAME,
    RAW_CELL,
    SLACK_FILE,
    URL_SOURCE,
    WEB_URL,
    distinct,
    mrkdwn,
    plain,
    words,
)
from bot.rehearsal.workspace.rich_text import RICH_TEXT
from bot.rehearsal.workspace.whole import MARKDOWN_TOTAL, check_together, texts

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
DATA_TABLE_TOTAL = 20_000

_KIND = {"type": anything}
_BLOCK_ID: dict[str, Check] = {"block_id": NAME}


def _block(required: dict[str, Check], optional: dict[str, Check] | None = None, *rules: Check) -> Shape:
    return Shape({**_KIND, **required}, {**_BLOCK_ID, **(optional or {})}, rules)


_HTTPS = string(3000, least=1, pattern=r"https://\S+")
_DISTINCT_ACTIONS = distinct("elements", "action_id", "duplicate_action_id")


def _table_of_data(block: Any, at: str, found: Findings) -> None:
    """All rows are alike, the head has no rich text, the column that names rows is one of the columns."""
    rows = block.get("rows")
    rows = [row for row in rows if isinstance(row, list)] if isinstance(rows, list) else []
    if len({len(row) for row in rows}) > 1:
        found.append(Finding(f"{at}/rows", "uneven_rows", "all rows must have the same number of cells"))
    if any(isinstance(cell, dict) and cell.get("type") == "rich_text" for row in rows[:1] for cell in row):
        found.append(Finding(f"{at}/rows/0", "invalid_header", "the first row cannot contain rich_text cells"))
    naming = block.get("row_header_column_index")
    if rows and isinstance(naming, int) and naming >= len(rows[0]):
        told = f"must be less than {len(rows[0])}"
        found.append(Finding(f"{at}/row_header_column_index", "too_large", told))
    if sum(len(text) for text in texts(rows)) > DATA_TABLE_TOTAL:
        told = f"all cells must hold less than {DATA_TABLE_TOTAL + 1} characters"
        found.append(Finding(f"{at}/rows", "too_long", told))


def _collapses(block: Any, at: str, found: Findings) -> None:
    if block.get("default_collapsed") and not block.get("is_collapsible"):
        found.append(Finding(f"{at}/default_collapsed", "not_collapsible", "requires `is_collapsible` to be true"))
    if block.get("has_header_divider") and block.get("is_collapsible"):
        found.append(Finding(f"{at}/has_header_divider", "collapsible", "requires `is_collapsible` not to be true"))


def _input_suits(block: Any, at: str, found: Findings) -> None:
    element = block.get("element")
    kind = element.get("type") if isinstance(element, dict) else None
    if kind == "file_input" and block.get("dispatch_action"):
        found.append(Finding(f"{at}/dispatch_action", "not_dispatchable", "file_input cannot dispatch actions"))


_CELL = by_type({**RAW_CELL, "rich_text": RICH_TEXT})
_CARD = _block(
    {},
    {
        "hero_image": IMAGE,
        "icon": IMAGE,
        "title": mrkdwn(150),
        "subtitle": mrkdwn(150),
        "body": mrkdwn(200),
        "actions": items(by_type({"button": BUTTON}), 0, 3),
    },
    at_least_one("hero_image", "title", "actions", "body"),
    distinct("actions", "action_id", "duplicate_action_id"),
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
        {"title": plain(2000), "image_url": WEB_URL, "slack_file": SLACK_FILE},
        exactly_one("image_url", "slack_file"),
    ),
    "actions": _block({"elements": items(element_in(IN_ACTIONS), 1, 25)}, {}, _DISTINCT_ACTIONS),
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
        _input_suits,
    ),
    "file": _block({"external_id": string(255, least=1), "source": one_of("remote")}),
    "header": _block({"text": plain(150)}, {"level": integer(1, 6)}),
    "video": _block(
        {"video_url": _HTTPS, "thumbnail_url": WEB_URL, "alt_text": string(2000, least=1), "title": plain(200)},
        {
            "title_url": _HTTPS,
            "author_name": string(50),
            "provider_name": string(50),
            "provider_icon_url": WEB_URL,
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
    "context_actions": _block({"elements": items(element_in(IN_CONTEXT_ACTIONS), 1, 5)}, {}, _DISTINCT_ACTIONS),
    "task_card": _TASK,
    "plan": _block(
        {"title": string(least=1)},
        {"tasks": items(by_type({"task_card": _TASK}), 0, 50)},
        distinct("tasks", "task_id", "duplicate_task_id"),
    ),
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
        at_least_one("title", "rich_text_title"),
        _collapses,
    ),
    "data_table": _block(
        {"rows": items(items(_CELL, 1, 20), 2, 101), "caption": string(least=1)},
        {"page_size": integer(1, 100), "row_header_column_index": integer(0, 19)},
        _table_of_data,
    ),
    "data_visualization": _block({"title": string(50, least=1), "chart": CHART}),
    "call": _block({"call_id": NAME}, {"api_decoration_available": boolean, "call": anything}),
}
_IN_VIEWS: dict[str, Check] = {kind: shape for kind, shape in _SIMPLE.items() if kind not in ("table", "file")}
_ALERT: Check = _block({"text": words(200)}, {"level": one_of("default", "info", "warning", "error", "success")})

IN_MESSAGE: dict[str, Check] = {**_SIMPLE, **_ONLY_IN_MESSAGES}
IN_MODAL: dict[str, Check] = {**_IN_VIEWS, "card": _CARD, "alert": _ALERT}
IN_HOME: dict[str, Check] = {**_IN_VIEWS, "carousel": _ONLY_IN_MESSAGES["carousel"], "card": _CARD}
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
    check_together(value, surface, at, found)
    if surface == "message" and not found:
        found += second_opinion(surface, {"blocks": value}, at)
    return found


def _check_block(block: Any, at: str, allowed: dict[str, Check], found: Findings) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    if isinstance(kind, str) and kind in _EVERYWHERE and kind not in allowed:
        found.append(Finding(f"{at}/type", "unsupported_surface", f"unsupported type: {kind} is not allowed here"))
        return
    by_type(allowed)(block, at, found)


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
