"""What a message says, wherever it says it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.slack.message_words import message_words, program_of

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*Disk full* on <https://x.example|uat>"}}
RICH = {
    "type": "rich_text",
    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "Pager went off"}]}],
}
BUTTONS = {
    "type": "actions",
    "elements": [{"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "Ack"}}],
}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"text": "Quotes fail &amp; nobody knows"}, "Quotes fail & nobody knows"),
        ({"text": "short", "blocks": [SECTION]}, "short"),
        ({"text": "", "blocks": [SECTION, BUTTONS]}, "*Disk full* on uat (https://x.example)"),
        ({"text": "This content can't be displayed.", "blocks": [RICH]}, "Pager went off"),
        ({"text": "", "attachments": [{"title": "CPU", "text": "99 %", "fallback": "CPU 99 %"}]}, "CPU\n99 %"),
        ({"text": "", "attachments": [{"fallback": "CPU 99 %"}]}, "CPU 99 %"),
        ({"text": "", "attachments": [{"blocks": [RICH]}]}, "Pager went off"),
        ({"text": "", "files": [{"title": "error.png", "name": "x"}]}, "File: error.png"),
        ({"text": "see", "files": [{"name": "log.txt"}]}, "see\nFile: log.txt"),
        ({"subtype": "tombstone", "text": "This message was deleted."}, ""),
        ({"text": "", "blocks": [{"type": "divider"}]}, ""),
    ],
)
def test_words_are_found_where_they_stand(message: dict[str, Any], words: str) -> None:
    assert message_words(message) == words


@pytest.mark.parametrize(
    ("message", "program"),
    [
        ({"user": "U0TESTER", "text": "hello"}, ""),
        ({"bot_id": "B1", "username": "pagerbot"}, "pagerbot"),
        ({"bot_id": "B1", "user": "U0BOT", "bot_profile": {"name": "Rollcall"}}, "Rollcall"),
        ({"subtype": "bot_message"}, "a program"),
    ],
)
def test_a_program_is_told_from_a_person(message: dict[str, Any], program: str) -> None:
    assert program_of(message) == program


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "elements", "type"]), inner),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries({}, optional={"text": st.text(), "blocks": st.lists(ANYTHING), "files": st.lists(ANYTHING)})
)
def test_no_message_is_ever_a_crash(message: dict[str, Any]) -> None:
    assert isinstance(message_words(message), str)
