"""Block Kit as the workspace checks it: what exists passes, what is wrong is pointed at."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.models import blocks as sdk
from slack_sdk.models.blocks.block_elements import FileInputElement

from bot.rehearsal.workspace.blocks import check_blocks, fill_ids
from bot.rehearsal.workspace.views import check_view, too_large
from bot.rehearsal.workspace.whole import too_much_text

WORDS = {"type": "plain_text", "text": "words"}
MARKED = {"type": "mrkdwn", "text": "*words*"}
OPTION = {"text": WORDS, "value": "v"}
RICH = {
    "type": "rich_text",
    "elements": [
        {"type": "rich_text_section", "elements": [{"type": "text", "text": "a", "style": {"bold": True}}]},
        {
            "type": "rich_text_list",
            "style": "bullet",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "user", "user_id": "U0RELMGR"}]}],
        },
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x"}], "border": 0},
        {"type": "rich_text_quote", "elements": [{"type": "link", "url": "https://example.com"}]},
    ],
}
IMAGE = {"type": "image", "image_url": "https://example.com/x.png", "alt_text": "x"}
BUTTON = {"type": "button", "action_id": "b", "text": WORDS}
TASK = {"type": "task_card", "task_id": "t", "title": "Deploy", "status": "in_progress", "details": RICH}
CARD = {"type": "card", "title": MARKED, "body": MARKED, "actions": [BUTTON]}

MESSAGE_BLOCKS = [
    {"type": "section", "text": MARKED, "fields": [MARKED, WORDS], "accessory": BUTTON},
    {"type": "divider"},
    {**IMAGE, "title": WORDS},
    {"type": "actions", "elements": [BUTTON, {"type": "static_select", "action_id": "s", "options": [OPTION]}]},
    {"type": "context", "elements": [MARKED, IMAGE]},
    {
        "type": "context_actions",
        "elements": [{"type": "icon_button", "action_id": "i", "icon": "trash", "text": WORDS}],
    },
    {"type": "input", "label": WORDS, "element": {"type": "plain_text_input", "action_id": "p"}},
    {"type": "file", "external_id": "x", "source": "remote"},
    {"type": "header", "text": WORDS},
    {"type": "markdown", "text": "# words"},
    {
        "type": "video",
        "alt_text": "x",
        "title": WORDS,
        "video_url": "https://e.com/v",
        "thumbnail_url": "https://e.com/t",
    },
    RICH,
    {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}, RICH]], "column_settings": [{"align": "right"}]},
    {
        "type": "data_table",
        "caption": "c",
        "rows": [[{"type": "raw_text", "text": "a"}], [{"type": "raw_number", "value": 1, "text": "1"}]],
    },
    TASK,
    {"type": "plan", "title": "Plan", "tasks": [TASK]},
    CARD,
    {"type": "carousel", "elements": [CARD]},
    {"type": "container", "title": WORDS, "child_blocks": [{"type": "divider"}]},
]


@pytest.mark.parametrize("block", MESSAGE_BLOCKS, ids=lambda block: block["type"])
def test_each_kind_of_message_block_passes(block: dict[str, Any]) -> None:
    assert check_blocks([block], "message") == []


@pytest.mark.parametrize(
    "element",
    [
        sdk.StaticSelectElement(action_id="a", placeholder="p", options=[sdk.Option(text="t", value="v")]),
        sdk.StaticMultiSelectElement(action_id="a", placeholder="p", options=[sdk.Option(text="t", value="v")]),
        sdk.UserSelectElement(action_id="a", placeholder="p", initial_user="U0RELMGR"),
        sdk.UserMultiSelectElement(action_id="a", placeholder="p"),
        sdk.ConversationSelectElement(action_id="a", placeholder="p", default_to_current_conversation=True),
        sdk.ChannelSelectElement(action_id="a", placeholder="p"),
        sdk.ExternalDataSelectElement(action_id="a", placeholder="p", min_query_length=0),
        sdk.DatePickerElement(action_id="a", initial_date="2026-11-22"),
        sdk.TimePickerElement(action_id="a", initial_time="18:30"),
        sdk.DateTimePickerElement(action_id="a", initial_date_time=1_790_000_000),
        sdk.CheckboxesElement(action_id="a", options=[sdk.Option(text="t", value="v")]),
        sdk.RadioButtonsElement(action_id="a", options=[sdk.Option(text="t", value="v")]),
        sdk.PlainTextInputElement(action_id="a", multiline=True, max_length=3000),
        sdk.NumberInputElement(action_id="a", is_decimal_allowed=True),
        sdk.EmailInputElement(action_id="a"),
        sdk.UrlInputElement(action_id="a"),
        sdk.RichTextInputElement(action_id="a"),
        FileInputElement(action_id="a", filetypes=["zip"], max_files=1),
    ],
    ids=lambda element: element.type,
)
def test_whatever_slack_sdk_builds_for_a_form_passes(element: sdk.InputInteractiveElement) -> None:
    block = sdk.InputBlock(label="Label", element=element, hint="Hint").to_dict()
    view = {"type": "modal", "title": WORDS, "submit": WORDS, "blocks": [block]}
    assert check_view(view, "modal") == []


@pytest.mark.parametrize(
    ("block", "pointer", "words"),
    [
        ({"type": "sektion"}, "/blocks/0/type", "unsupported type: sektion"),
        ({}, "/blocks/0", "missing required field: type"),
        ("x", "/blocks/0", "must provide an object"),
        ({"type": "section"}, "/blocks/0", "must have at least one of: text, fields"),
        ({"type": "section", "text": MARKED, "colour": 1}, "/blocks/0", "invalid additional property: colour"),
        ({"type": "section", "text": {**MARKED, "text": ""}}, "/blocks/0/text/text", "must be more than 0 characters"),
        (
            {"type": "section", "text": {**MARKED, "text": "x" * 3001}},
            "/blocks/0/text/text",
            "must be less than 3001 characters",
        ),
        ({"type": "section", "fields": [{**MARKED, "text": "x" * 2001}]}, "/blocks/0/fields/0/text", "less than 2001"),
        ({"type": "section", "fields": [MARKED] * 11}, "/blocks/0/fields", "no more than 10 items"),
        ({"type": "header", "text": MARKED}, "/blocks/0/text/type", "unsupported type: mrkdwn"),
        ({"type": "header", "text": {**WORDS, "text": "x" * 151}}, "/blocks/0/text/text", "less than 151"),
        ({"type": "actions", "elements": [BUTTON, BUTTON]}, "/blocks/0/elements", "action_id must be unique"),
        ({"type": "actions", "elements": []}, "/blocks/0/elements", "no less than 1"),
        (
            {"type": "actions", "elements": [{**BUTTON, "action_id": str(n)} for n in range(26)]},
            "/blocks/0/elements",
            "more than 25",
        ),
        ({"type": "actions", "elements": [{**BUTTON, "style": "green"}]}, "/blocks/0/elements/0/style", "enum value"),
        (
            {"type": "actions", "elements": [{**BUTTON, "value": "x" * 2001}]},
            "/blocks/0/elements/0/value",
            "less than 2001",
        ),
        (
            {"type": "actions", "elements": [{**BUTTON, "text": {**WORDS, "text": "x" * 76}}]},
            "/blocks/0/elements/0/text/text",
            "less than 76",
        ),
        (
            {"type": "actions", "elements": [{**BUTTON, "confirm": {"title": WORDS}}]},
            "/blocks/0/elements/0/confirm",
            "missing required field: text",
        ),
        (
            {"type": "actions", "elements": [{"type": "plain_text_input"}]},
            "/blocks/0/elements/0/type",
            "unsupported type",
        ),
        (
            {"type": "section", "text": MARKED, "accessory": {"type": "static_select", "options": []}},
            "/blocks/0/accessory/options",
            "no less than 1",
        ),
        (
            {"type": "actions", "elements": [{"type": "static_select", "options": [OPTION] * 101}]},
            "/blocks/0/elements/0/options",
            "more than 100",
        ),
        (
            {
                "type": "actions",
                "elements": [
                    {"type": "static_select", "options": [OPTION], "initial_option": {"text": WORDS, "value": "w"}}
                ],
            },
            "/blocks/0/elements/0",
            "initial_option",
        ),
        (
            {"type": "actions", "elements": [{"type": "overflow", "options": [OPTION] * 6}]},
            "/blocks/0/elements/0/options",
            "more than 5",
        ),
        ({"type": "context", "elements": [MARKED] * 11}, "/blocks/0/elements", "more than 10"),
        ({"type": "image", "alt_text": "x"}, "/blocks/0", "exactly one of: image_url, slack_file"),
        ({"type": "divider", "block_id": "x" * 256}, "/blocks/0/block_id", "less than 256"),
        ({"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]] * 101}, "/blocks/0/rows", "more than 100"),
        ({"type": "alert", "text": WORDS}, "/blocks/0/type", "alert is not allowed here"),
    ],
    ids=lambda value: None,
)
def test_what_is_wrong_is_pointed_at(block: Any, pointer: str, words: str) -> None:
    found = check_blocks([block], "message")
    assert any(each.pointer == pointer and words in each.message for each in found), found


def test_a_message_takes_fifty_blocks_with_different_ids() -> None:
    assert check_blocks([{"type": "divider"}] * 50, "message") == []
    assert "no more than 50" in check_blocks([{"type": "divider"}] * 51, "message")[0].message
    twins = [{"type": "divider", "block_id": "one"}, {"type": "divider", "block_id": "one"}]
    assert "`block_id` must be unique" in check_blocks(twins, "message")[0].message


@pytest.mark.parametrize("kind", ["markdown", "plan", "task_card", "container", "context_actions"])
def test_blocks_for_messages_are_refused_in_modals(kind: str) -> None:
    block = next(each for each in MESSAGE_BLOCKS if each["type"] == kind)
    assert "not allowed here" in check_blocks([block], "modal")[0].message


def a_modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "modal", "title": WORDS, "blocks": [*blocks], **more}


ASK = {"type": "input", "label": WORDS, "element": {"type": "plain_text_input", "action_id": "p"}}


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (a_modal(ASK), "`submit` is required"),
        (a_modal(title={**WORDS, "text": "x" * 25}), "less than 25"),
        (a_modal(title=MARKED), "unsupported type: mrkdwn"),
        (a_modal(private_metadata="x" * 3001), "less than 3001"),
        (a_modal(callback_id="x" * 256), "less than 256"),
        (a_modal(*[{"type": "divider"}] * 101), "no more than 100"),
        ({"type": "modal", "title": WORDS}, "missing required field: blocks"),
        ({"type": "home", "blocks": []}, "must be a valid enum value: modal"),
        (None, "must provide an object"),
        (
            a_modal(*[{**ASK, "element": {**ASK["element"], "focus_on_load": True}}] * 2, submit=WORDS),
            "only one element can have `focus_on_load`",
        ),
    ],
    ids=lambda value: None,
)
def test_a_modal_that_slack_would_refuse_is_refused(view: Any, words: str) -> None:
    assert any(words in each.message for each in check_view(view, "modal"))


def test_a_view_over_250_kb_is_too_large() -> None:
    assert too_large(a_modal(*[{"type": "section", "text": {**MARKED, "text": "x" * 2900}}] * 90))
    assert not too_large(a_modal(ASK))


def test_missing_ids_are_made_up_and_given_ones_kept() -> None:
    made = iter("abcdefgh")
    filled = fill_ids(
        [{"type": "actions", "elements": [{"type": "button", "text": WORDS}, BUTTON]}], lambda: next(made)
    )
    assert filled[0]["block_id"]
    assert [bool(each["action_id"]) for each in filled[0]["elements"]] == [True, True]
    assert filled[0]["elements"][1]["action_id"] == "b"


def test_markdown_counts_by_itself() -> None:
    assert too_much_text([{"type": "markdown", "text": "x" * 12_000}]) is None
    assert too_much_text([{"type": "markdown", "text": "x" * 7_000}] * 2)
