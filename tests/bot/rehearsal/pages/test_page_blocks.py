"""What people see of Block Kit on the page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.rehearsal.pages.blocks import draw_block, draw_blocks
from bot.rehearsal.pages.reader import Reader
from bot.rehearsal.pages.surface import Surface

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
READER = Reader("U0RELMGR", ZoneInfo("Asia/Kolkata"), NOON, people={"U0RELMGR": "Anna"}, channels={"C1": "releases"})


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def an_option(label: str, value: str) -> dict[str, Any]:
    return {"text": plain(label), "value": value}


def drawn(block: dict[str, Any], **surface: Any) -> str:
    return str(draw_block(block, Surface(READER, "t", **surface)))


def an_input(element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "input", "block_id": "b", "label": plain("Name"), "element": {"action_id": "a", **element}, **more}


def test_button_carries_its_place_style_and_confirm() -> None:
    """A danger button says where it stands, and its confirm dialog lies next to it, ready to be shown."""
    button = {
        "type": "button",
        "action_id": "go",
        "text": plain("Deploy"),
        "style": "danger",
        "confirm": {
            "title": plain("Deploy?"),
            "text": {"type": "mrkdwn", "text": "*23* components"},
            "confirm": plain("Deploy now"),
            "deny": plain("Not yet"),
        },
    }
    html = drawn({"type": "actions", "block_id": "acts", "elements": [button]})
    assert 'data-block="acts" data-action="go" data-type="button"' in html
    assert "btn danger" in html
    assert "<strong>23</strong> components" in html
    assert "Not yet" in html
    assert "Deploy now" in html


def test_button_with_an_address_is_a_link_only_when_safe() -> None:
    """A URL button is a link that also tells the bot; a script address is a plain button."""
    good = {"type": "button", "action_id": "g", "text": plain("Open"), "url": "https://example.com"}
    bad = {**good, "url": "javascript:alert(1)"}
    assert 'href="https://example.com"' in drawn({"type": "actions", "block_id": "x", "elements": [good]})
    assert "javascript" not in drawn({"type": "actions", "block_id": "x", "elements": [bad]})


def test_button_for_others_is_not_drawn() -> None:
    """An element with named readers is drawn for them only."""
    button = {"type": "button", "action_id": "g", "text": plain("Approve")}
    for_us, for_others = ({**button, "visible_to_user_ids": [user]} for user in ("U0RELMGR", "U0TESTER"))
    assert "Approve" in drawn({"type": "actions", "block_id": "x", "elements": [for_us]})
    assert "Approve" not in drawn({"type": "actions", "block_id": "x", "elements": [for_others]})


def test_section_shows_text_fields_and_accessory() -> None:
    """All three parts of a section are there."""
    section = {
        "type": "section",
        "block_id": "s",
        "text": {"type": "mrkdwn", "text": "*Headline*"},
        "fields": [plain("left"), plain("right")],
        "accessory": {"type": "overflow", "action_id": "o", "options": [an_option("Why not?", "why")]},
    }
    html = drawn(section)
    assert "<strong>Headline</strong>" in html
    assert html.count('class="field"') == 2
    assert 'data-value="why"' in html


def test_input_shows_label_hint_error_and_that_it_is_optional() -> None:
    """A field tells what it wants and what was wrong."""
    html = drawn(
        an_input({"type": "plain_text_input", "max_length": 30}, hint=plain("Short"), optional=True),
        errors={"b": "That name is taken."},
    )
    assert '<label class="label" for="t-b-a">Name' in html
    assert "(optional)" in html
    assert 'maxlength="30"' in html
    assert 'role="alert">That name is taken.' in html
    assert "Short" in html


def test_input_is_told_to_the_bot_only_when_it_dispatches() -> None:
    """An ordinary field waits for the form; one with dispatch_action acts at once."""
    assert "data-acts" not in drawn(an_input({"type": "plain_text_input"}))
    assert "data-acts" in drawn(an_input({"type": "plain_text_input"}, dispatch_action=True))


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (
            {"type": "static_select", "options": [an_option("A", "1")], "initial_option": an_option("A", "1")},
            'value="1" selected',
        ),
        (
            {"type": "static_select", "option_groups": [{"label": plain("G"), "options": [an_option("A", "1")]}]},
            'label="G"',
        ),
        ({"type": "users_select"}, '<option value="U0RELMGR">Anna</option>'),
        ({"type": "conversations_select", "initial_conversation": "C1"}, 'value="C1" selected'),
        ({"type": "multi_users_select", "initial_users": ["U0RELMGR"]}, 'value="U0RELMGR" checked'),
        (
            {"type": "checkboxes", "options": [an_option("A", "1")], "initial_options": [an_option("A", "1")]},
            'value="1" checked',
        ),
        ({"type": "radio_buttons", "options": [an_option("A", "1")]}, 'type="radio"'),
        (
            {"type": "datepicker", "initial_date": "2026-12-01"},
            'type="date" id="t-b-a" class="input moment" value="2026-12-01"',
        ),
        ({"type": "timepicker", "initial_time": "18:30"}, 'value="18:30"'),
        ({"type": "datetimepicker", "initial_date_time": 1795377600}, 'value="2026-11-23T01:30"'),
        ({"type": "number_input", "is_decimal_allowed": False}, 'inputmode="decimal"'),
        ({"type": "email_text_input"}, 'type="email"'),
        ({"type": "url_text_input"}, 'type="url"'),
        ({"type": "file_input", "filetypes": ["zip"], "max_files": 1}, 'accept=".zip">'),
        ({"type": "plain_text_input", "multiline": True, "initial_value": "x<y"}, ">x&lt;y</textarea>"),
        ({"type": "external_select", "min_query_length": 1}, 'data-min="1"'),
    ],
)
def test_every_kind_of_field_is_drawn(element: dict[str, Any], expected: str) -> None:
    """Each element becomes a control that holds its first value, in the reader's zone where it is an instant."""
    assert expected in drawn(an_input(element))


def test_what_a_person_chose_beats_the_first_value() -> None:
    """A choice made before is shown, even where the block still names its first value."""
    select = {
        "type": "static_select",
        "options": [an_option("A", "1"), an_option("B", "2")],
        "initial_option": an_option("A", "1"),
    }
    html = drawn(an_input(select), values={("b", "a"): "2"})
    assert 'value="2" selected' in html
    assert 'value="1" selected' not in html


def test_table_shows_rows_alignment_and_rich_cells() -> None:
    """The first row is the head, numbers stand right, cells may hold rich text."""
    rich = {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "x", "style": {"bold": True}}]}
        ],
    }
    html = drawn(
        {
            "type": "table",
            "block_id": "t",
            "column_settings": [None, {"align": "right"}],
            "rows": [
                [{"type": "raw_text", "text": "Name"}, {"type": "raw_text", "text": "N"}],
                [rich, {"type": "raw_text", "text": "3"}],
            ],
        }
    )
    assert '<th class="left">Name</th>' in html
    assert '<td class="right">3</td>' in html
    assert "<strong>x</strong>" in html


def test_rich_text_lists_quotes_and_styles_are_drawn() -> None:
    """The four parts of rich text and the elements in them."""
    section = {
        "type": "rich_text_section",
        "elements": [{"type": "user", "user_id": "U0RELMGR"}, {"type": "emoji", "name": "rocket"}],
    }
    html = drawn(
        {
            "type": "rich_text",
            "block_id": "r",
            "elements": [
                {"type": "rich_text_list", "style": "ordered", "indent": 1, "elements": [section]},
                {"type": "rich_text_quote", "elements": [{"type": "text", "text": "said"}]},
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "a < b"}]},
                {
                    "type": "rich_text_section",
                    "elements": [{"type": "link", "url": "https://example.com", "text": "there"}],
                },
            ],
        }
    )
    assert '<ol class="indent-1"><li>' in html
    assert "@Anna" in html
    assert "#e-rocket" in html
    assert "<blockquote>said</blockquote>" in html
    assert "<pre><code>a &lt; b</code></pre>" in html
    assert 'href="https://example.com"' in html


def test_markdown_block_is_drawn() -> None:
    """Headings, lists, tables and fences of the markdown block."""
    html = drawn(
        {
            "type": "markdown",
            "text": "# Title\n- **a**\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n```\n*raw*\n```\n[go](https://example.com)",
        }
    )
    assert '<p class="heading">Title</p>' in html
    assert "<li><strong>a</strong></li>" in html
    assert "<td>2</td>" in html
    assert "<pre><code>*raw*</code></pre>" in html
    assert 'href="https://example.com"' in html


def test_plan_says_how_far_it_is() -> None:
    """A plan counts its complete tasks, and each task says its status to those who cannot see it."""
    tasks = [
        {"type": "task_card", "title": "Snapshot", "status": "complete"},
        {"type": "task_card", "title": "Deploy", "status": "in_progress"},
    ]
    html = drawn({"type": "plan", "title": "Deploying", "tasks": tasks})
    assert "1 of 2" in html
    assert 'aria-label="in progress"' in html


def test_unknown_block_is_named() -> None:
    """A block we cannot draw is visible as such."""
    assert "hologram" in drawn({"type": "hologram"})


HOSTILE = "\"'><img src=x onerror=alert(1)><script>"


def _with_hostile_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: each if key in ("type", "style", "status", "align") else _with_hostile_texts(each)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_with_hostile_texts(each) for each in value]
    return HOSTILE if isinstance(value, str) else value


ELEMENTS = [
    {
        "type": kind,
        "action_id": "a",
        "placeholder": plain("p"),
        "options": [an_option("A", "1")],
        "initial_value": "x",
        "text": plain("t"),
    }
    for kind in (
        *("button", "overflow", "static_select", "multi_static_select", "external_select", "users_select"),
        *("checkboxes", "radio_buttons", "plain_text_input", "datepicker", "datetimepicker", "file_input", "image"),
    )
]


def test_hostile_words_stay_words_everywhere() -> None:
    """Put into every string of every block, markup is shown and never becomes part of the page."""
    blocks = [
        {"type": "header", "block_id": "h", "text": plain("x")},
        {"type": "section", "block_id": "s", "text": {"type": "mrkdwn", "text": "x"}, "fields": [plain("x")]},
        {
            "type": "context",
            "block_id": "c",
            "elements": [plain("x"), {"type": "image", "image_url": "x", "alt_text": "x"}],
        },
        {"type": "image", "block_id": "i", "image_url": "x", "alt_text": "x", "title": plain("x")},
        {"type": "actions", "block_id": "a", "elements": ELEMENTS},
        *(an_input(element, hint=plain("x")) for element in ELEMENTS),
        {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]},
        {"type": "markdown", "text": "x"},
        {"type": "plan", "title": "x", "tasks": [{"title": "x", "status": "complete", "output": "x"}]},
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "link", "url": "x", "text": "x"}]}],
        },
    ]
    html = str(draw_blocks(_with_hostile_texts(blocks), Surface(READER, "t", errors={HOSTILE: HOSTILE})))
    assert "<img src=x" not in html
    assert "<script" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_what_no_label_can_name_is_tied_to_its_label() -> None:
    """A list of ticks is called by the label above it, with what is chosen read after it."""
    options = [{"text": plain(name), "value": name} for name in ("UAT", "PRODUCTION")]
    assert 'role="group" id="t-b-a" aria-labelledby="t-b-a-label"' in drawn(
        an_input({"type": "checkboxes", "options": options})
    )
    several = drawn(an_input({"type": "multi_static_select", "options": options}))
    assert '<label class="label" for="t-b-a" id="t-b-a-label">' in several
    assert '<summary id="t-b-a" class="input" aria-labelledby="t-b-a-label t-b-a">' in several
