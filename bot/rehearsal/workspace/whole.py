"""Rules about all blocks of a message or view together: what may stand in it once, how much it may hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import urlsplit

from bot.rehearsal.workspace.checks import Finding, Findings
from bot.rehearsal.workspace.model import Json

BLOCK_TEXT_TOTAL = 11_000
TABLE_TEXT_TOTAL = 10_000
MARKDOWN_TOTAL = 12_000
ONE_TABLE = "only_one_table_allowed"
MOST_IN_A_MESSAGE = {"table": 1, "data_visualization": 2}
_HOLDS = {"container": "child_blocks", "carousel": "elements", "plan": "tasks"}


def check_together(blocks: list[Any], surface: str, at: str, found: Findings) -> None:
    """Ids that stand twice, elements that may stand only elsewhere or once, on a surface."""
    _check_distinct(blocks, at, found)
    _check_elements(blocks, surface, at, found)


def _check_distinct(blocks: list[Any], at: str, found: Findings) -> None:
    seen: set[str] = set()
    for pointer, block in _nested(blocks, at):
        name = block.get("block_id")
        if isinstance(name, str):
            if name in seen:
                found.append(Finding(f"{pointer}/block_id", "duplicate_block_id", f"`block_id` must be unique: {name}"))
            seen.add(name)


def _nested(blocks: Any, at: str) -> Iterator[tuple[str, Json]]:
    """Every block with its pointer, also those inside containers, carousels, plans."""
    for index, block in enumerate(blocks if isinstance(blocks, list) else ()):
        if isinstance(block, dict):
            yield f"{at}/{index}", block
            inner = _HOLDS.get(str(block.get("type")))
            if inner:
                yield from _nested(block.get(inner), f"{at}/{index}/{inner}")


def _check_elements(blocks: list[Any], surface: str, at: str, found: Findings) -> None:
    """What an element may be or hold only where it stands: files and response URLs in a modal's inputs, one focus."""
    focused = False
    for pointer, block in _nested(blocks, at):
        for where, element in _elements(block):
            here = f"{pointer}/{where}"
            asked_in_modal = surface == "modal" and block.get("type") == "input"
            if element.get("type") == "file_input" and not asked_in_modal:
                found.append(Finding(here, "unsupported_surface", "file_input is for modals only"))
            if element.get("response_url_enabled") and not asked_in_modal:
                told = "`response_url_enabled` is for input blocks in modals only"
                found.append(Finding(f"{here}/response_url_enabled", "unsupported_surface", told))
            if element.get("focus_on_load") is True:
                if focused:
                    found.append(Finding(here, "duplicate_focus", "only one element can have `focus_on_load`"))
                focused = True


def _elements(block: Json) -> Iterator[tuple[str, Json]]:
    for key in ("element", "accessory"):
        if isinstance(block.get(key), dict):
            yield key, block[key]
    for key in ("elements", "actions"):
        several = block.get(key)
        for index, each in enumerate(several if isinstance(several, list) else ()):
            if isinstance(each, dict):
                yield f"{key}/{index}", each


def too_much_text(blocks: list[Json]) -> str | None:
    """Why all blocks together hold more text than one message may, or None."""
    markdown = sum(len(block.get("text", "")) for block in blocks if block.get("type") == "markdown")
    if markdown > MARKDOWN_TOTAL:
        return f"markdown blocks hold {markdown} characters; all of them together may hold {MARKDOWN_TOTAL}"
    tables = sum(map(len, texts([block for block in blocks if block.get("type") == "table"])))
    if tables > TABLE_TEXT_TOTAL:
        return f"the cells of tables hold {tables} characters; all of them together may hold {TABLE_TEXT_TOTAL}"
    others = [block for block in blocks if block.get("type") not in ("markdown", "table", "data_table")]
    total = sum(len(text) for text in texts(others))
    if total > BLOCK_TEXT_TOTAL:
        return f"the blocks hold {total} characters of text; a message may hold about {BLOCK_TEXT_TOTAL}"
    return None


def one_too_many(blocks: list[Json], at: str) -> Finding | None:
    """The first block of a kind of which a message may hold fewer: one table, two charts."""
    counts: Counter[str] = Counter()
    for pointer, block in _nested(blocks, at):
        kind = str(block.get("type"))
        counts[kind] += 1
        if kind in MOST_IN_A_MESSAGE and counts[kind] > MOST_IN_A_MESSAGE[kind]:
            told = ONE_TABLE if kind == "table" else f"no more than {counts[kind] - 1} items allowed"
            return Finding(pointer, "too_many_items", told)
    return None


def foreign_video(blocks: list[Json], domains: Collection[str], at: str) -> Findings:
    """The videos that come from elsewhere than the app's own `unfurl_domains`."""
    found: Findings = []
    for pointer, block in _nested(blocks, at):
        if block.get("type") == "video":
            host = (urlsplit(block["video_url"]).hostname or "").lower()
            if not any(host == domain or host.endswith(f".{domain}") for domain in domains):
                told = "must match one of the app's unfurl domains"
                found.append(Finding(f"{pointer}/video_url", "foreign_domain", told))
    return found


def texts(value: Any) -> Iterator[str]:
    """Every `text` in a structure."""
    if isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "text" and isinstance(each, str):
                yield each
            else:
                yield from texts(each)
