"""What people write with weight, lists and links reads the same when it comes back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rehearsal.workspace.views import check_view
from handlers.conversation import Form, TextField
from handlers.slack.forms import draw_form, read_submission
from handlers.slack.rich_input import rich_of_words, words_of_rich

WRITTEN = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "We are "},
                {"type": "text", "text": "ready ", "style": {"bold": True}},
                {"type": "text", "text": "to go, says "},
                {"type": "user", "user_id": "U0AB"},
                {"type": "emoji", "name": "rocket"},
                {"type": "text", "text": " see "},
                {"type": "link", "url": "https://x.example/notes", "text": "the notes"},
            ],
        },
        {
            "type": "rich_text_list",
            "style": "bullet",
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]},
                {"type": "rich_text_section", "elements": [{"type": "text", "text": "two", "style": {"code": True}}]},
            ],
        },
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "said"}]},
    ],
}


def drawn(value: str) -> dict[str, Any]:
    view = draw_form(
        Form("Update", "update", [TextField("note", "Text", value, rich=True)], "Post"), private_metadata="{}"
    )
    assert check_view(view, "modal") == []
    element: dict[str, Any] = view["blocks"][0]["element"]
    assert element["type"] == "rich_text_input"
    return element


def submitted(rich: Any) -> Any:
    state = {"note": {"note": {"type": "rich_text_input", "rich_text_value": rich}}}
    return read_submission({"state": {"values": state}})["note"]


def test_weight_lists_links_and_people_are_kept() -> None:
    assert submitted(WRITTEN) == (
        "We are *ready* to go, says <@U0AB>:rocket: see the notes (https://x.example/notes)\n• one\n• `two`\n> said"
    )


@pytest.mark.parametrize("rich", [None, {}, {"elements": None}, {"elements": [3, {"elements": ["x"]}]}, "text"])
def test_what_is_no_rich_text_is_empty(rich: Any) -> None:
    assert submitted(rich) == ""


@pytest.mark.parametrize(
    "words",
    [
        "plain",
        "*bold* and _slanted_ `code`",
        "first\n• one\n• two *strong*\nlast",
        "1. one\n2. two",
        "see https://x.example/a",
    ],
)
def test_what_was_written_stands_in_the_form_again(words: str) -> None:
    assert submitted(drawn(words)["initial_value"]) == words


@given(st.text(alphabet="a *_`~•-1.\n>x", min_size=1, max_size=60).filter(str.strip))
def test_any_words_make_a_form_that_slack_opens(words: str) -> None:
    assert words_of_rich(rich_of_words(words)).replace("\n", "").split() or not words.strip()
    drawn(words)
