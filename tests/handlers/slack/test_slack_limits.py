"""The table of limits notices what it should, and knows what Slack takes."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.slack import limits
from tests.slack_limits import LIMITS, OURS, over

PLAIN = {"type": "plain_text", "text": "x"}
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
BUTTON = {"type": "button", "action_id": "a", "text": PLAIN, "value": "v"}


def plain(size: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": "x" * size}


def select(count: int, **more: Any) -> dict[str, Any]:
    options = [{"text": PLAIN, "value": str(number)} for number in range(count)]
    return {"type": "static_select", "action_id": "s", "options": options, **more}


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "header", "text": plain(151)}, "text/text: 151, at most 150"),
        ({"type": "header", "text": {"type": "plain_text", "text": "👩" * 76}}, "text/text: 152"),
        ({"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}, "3,001, at most 3,000"),
        ({"type": "section", "fields": [PLAIN] * 11}, "fields: 11"),
        ({"type": "section", "fields": [plain(2001)]}, "fields/*/text: 2,001"),
        ({"type": "context", "elements": [PLAIN] * 11}, "elements: 11"),
        ({"type": "actions", "elements": [{**BUTTON, "action_id": str(n)} for n in range(26)]}, "elements: 26"),
        ({"type": "actions", "elements": [BUTTON, BUTTON]}, "'a' stands 2 times"),
        ({"type": "actions", "elements": [{**BUTTON, "text": plain(76)}]}, "text/text: 76"),
        ({"type": "actions", "elements": [{**BUTTON, "value": "v" * 2001}]}, "value: 2,001"),
        ({"type": "actions", "elements": [{**BUTTON, "confirm": {"text": plain(301)}}]}, "confirm/text/text: 301"),
        ({"type": "actions", "elements": [select(101)]}, "options: 101"),
        ({"type": "actions", "elements": [select(1, placeholder=plain(151))]}, "placeholder/text: 151"),
        ({"type": "actions", "block_id": "b" * 256, "elements": [BUTTON]}, "block_id: 256"),
        ({"type": "table", "rows": [[]] * 101}, "rows: 101"),
    ],
)
def test_what_is_too_long_or_too_many_is_told(block: dict[str, Any], words: str) -> None:
    assert any(words in line for line in over("message", {"blocks": [block]})), over("message", {"blocks": [block]})


def test_a_message_and_a_view_have_limits_as_a_whole() -> None:
    assert over("message", {"blocks": [{"type": "divider"}] * 51}) == ["blocks: 51, at most 50"]
    assert over("home", {"type": "home", "blocks": [{"type": "divider"}] * 101}) == [": blocks: 101, at most 100"]
    two = [{**SECTION, "block_id": "b"}] * 2
    assert over("message", {"blocks": two}) == ["/blocks: 'b' names 2 blocks"]
    assert over("message", {"blocks": [{"type": "table", "rows": [[]]}] * 2}) == ["tables: 2, at most 1"]
    huge = {"type": "modal", "title": PLAIN, "blocks": [{**SECTION, "text": plain(2999)}] * 90}
    assert any("the view" in line for line in over("modal", huge))
    assert over("modal", {"type": "modal", "title": plain(25), "blocks": []}) == [": title/text: 25, at most 24"]


def test_ours_are_stricter_than_slacks() -> None:
    long = {"blocks": [{**SECTION, "text": {"type": "mrkdwn", "text": "é" * 2900}}] * 3}
    assert over("message", long) == []
    found = over("message", long, ours=True)
    assert [line.partition(":")[0] for line in found] == ["characters in all", "bytes in all"]


@pytest.mark.parametrize(
    "block", [SECTION, {"type": "actions", "elements": [BUTTON, select(100)]}, {"type": "header", "text": plain(150)}]
)
def test_what_fits_is_not_disputed(block: dict[str, Any]) -> None:
    assert over("message", {"blocks": [block]}, ours=True) == []


def test_the_bot_draws_within_the_same_figures() -> None:
    table = {(kind, path): most for kind, rows in LIMITS.items() for path, most in rows}
    assert table["header", "text/text"] >= limits.HEADER
    assert table["section", "text/text"] >= limits.SECTION
    assert table["section", "fields"] >= limits.FIELDS
    assert table["context", "elements/*/text"] >= limits.CONTEXT
    assert table["actions", "elements"] >= limits.ACTIONS
    assert table["table", "rows"] >= limits.TABLE_ROWS
    assert table["modal", "title/text"] >= limits.MODAL_TITLE
    assert table["modal", "private_metadata"] >= limits.PRIVATE_METADATA
    assert (limits.MESSAGE.characters, limits.MESSAGE.bytes) == (OURS["characters"], OURS["bytes"])
