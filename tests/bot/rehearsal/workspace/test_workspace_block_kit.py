"""Wrong payloads of every kind of block and element, as a strict tester sends them: each is refused, pointed at."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.rehearsal.workspace.blocks import check_blocks
from bot.rehearsal.workspace.views import check_view

Json = dict[str, Any]


def plain(text: str = "words") -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str = "v", **more: Any) -> Json:
    return {"text": plain(), "value": value, **more}


def ask(element: Json, **more: Any) -> Json:
    return {"type": "input", "label": plain(), "element": {"action_id": "a", **element}, **more}


def acts(*elements: Json) -> Json:
    return {"type": "actions", "elements": [*elements]}


def rich(*parts: Json) -> Json:
    return {"type": "rich_text", "elements": [*parts]}


def section_of(*parts: Json) -> Json:
    return rich({"type": "rich_text_section", "elements": [*parts]})


MARKED = {"type": "mrkdwn", "text": "*words*"}
SECTION = {"type": "section", "text": MARKED}
BUTTON = {"type": "button", "action_id": "b", "text": plain()}
CELL = {"type": "raw_text", "text": "a"}
DIVIDER = {"type": "divider"}
VIDEO = {
    "type": "video",
    "alt_text": "x",
    "title": plain(),
    "video_url": "https://e.com/v",
    "thumbnail_url": "https://e.com/t",
}
WORKFLOW = {
    "type": "workflow_button",
    "action_id": "w",
    "text": plain(),
    "workflow": {"trigger": {"url": "https://slack.com/shortcuts/Ft1/x"}},
}
FEEDBACK = {
    "type": "feedback_buttons",
    "action_id": "f",
    "positive_button": {"text": plain("Good"), "value": "good"},
    "negative_button": {"text": plain("Bad"), "value": "bad"},
}
ICON = {"type": "icon_button", "action_id": "i", "icon": "trash", "text": plain("Delete")}
TASK = {"type": "task_card", "task_id": "t", "title": "Deploy", "status": "pending"}
PIE = {"type": "pie", "segments": [{"label": "a", "value": 1}]}
LINE = {
    "type": "line",
    "series": [{"name": "s", "data": [{"label": "Mon", "value": 1}]}],
    "axis_config": {"categories": ["Mon"]},
}
CHART = {"type": "data_visualization", "title": "Failures", "chart": PIE}
DATA = {"type": "data_table", "caption": "c", "rows": [[CELL], [CELL]]}
CONTAINER = {"type": "container", "title": plain(), "child_blocks": [DIVIDER]}
TEXT_INPUT = {"type": "plain_text_input"}
NUMBER = {"type": "number_input", "is_decimal_allowed": False}
FILES = {"type": "file_input", "filetypes": ["zip"], "max_files": 1}

IN_MESSAGES = [
    acts(WORKFLOW),
    {"type": "context_actions", "elements": [FEEDBACK, ICON]},
    {"type": "plan", "title": "Plan", "tasks": [TASK, {**TASK, "task_id": "u"}]},
    CHART,
    {**CHART, "chart": LINE},
    DATA,
    CONTAINER,
    VIDEO,
    {"type": "table", "rows": [[CELL, {"type": "raw_number", "value": 1.5, "text": "1.5"}, rich()]]},
    rich(),
    acts({"type": "overflow", "options": [option(url="https://e.com")]}),
    {"type": "card", "body": MARKED, "actions": [BUTTON]},
    section_of(
        {"type": "broadcast", "range": "here"},
        {"type": "color", "value": "#ff0000"},
        {"type": "date", "timestamp": 1_790_000_000, "format": "{date_short}", "fallback": "soon"},
        {"type": "emoji", "name": "wave"},
        {"type": "team", "team_id": "T1"},
        {"type": "usergroup", "usergroup_id": "S1"},
        {"type": "channel", "channel_id": "C1"},
    ),
]
IN_FORMS = [
    ask(FILES),
    ask({**NUMBER, "min_value": "1", "max_value": "9", "initial_value": "5"}),
    ask({"type": "timepicker", "initial_time": "23:59", "timezone": "Europe/Berlin"}),
    ask({"type": "conversations_select", "default_to_current_conversation": True, "response_url_enabled": True}),
    ask({"type": "channels_select", "response_url_enabled": True}),
    ask(
        {**TEXT_INPUT, "dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]}},
        dispatch_action=True,
    ),
    ask({"type": "checkboxes", "options": [option(description=plain()), {"text": MARKED, "value": "w"}]}),
    {"type": "alert", "text": MARKED, "level": "warning"},
]


@pytest.mark.parametrize("block", IN_MESSAGES, ids=lambda block: str(block["type"]))
def test_what_slack_takes_in_a_message_is_taken(block: Json) -> None:
    assert check_blocks([block], "message") == []


@pytest.mark.parametrize("block", IN_FORMS, ids=lambda block: str(block.get("element", block)["type"]))
def test_what_slack_takes_in_a_form_is_taken(block: Json) -> None:
    assert check_view({"type": "modal", "title": plain(), "submit": plain(), "blocks": [block]}, "modal") == []


@pytest.mark.parametrize(
    ("block", "pointer", "words"),
    [
        # options
        (acts({"type": "static_select", "options": [{"text": plain()}]}), "/0/elements/0/options/0", "field: value"),
        (acts({"type": "static_select", "options": [option("")]}), "/0/elements/0/options/0/value", "more than 0"),
        (
            acts({"type": "static_select", "options": [option(url="https://e.com")]}),
            "/0/elements/0/options/0",
            "invalid additional property: url",
        ),
        (
            acts({"type": "static_select", "options": [option(description=MARKED)]}),
            "/0/elements/0/options/0/description/type",
            "unsupported type: mrkdwn",
        ),
        (acts({"type": "static_select", "options": [option("x" * 151)]}), "/0/elements/0/options/0/value", "151"),
        (
            acts({"type": "static_select", "options": [option()], "option_groups": []}),
            "/0/elements/0",
            "exactly one of: options, option_groups",
        ),
        (
            acts({"type": "multi_static_select", "options": [option()], "initial_options": [option("w")]}),
            "/0/elements/0",
            "must match the options",
        ),
        (
            acts({"type": "multi_users_select", "max_selected_items": 0}),
            "/0/elements/0/max_selected_items",
            "at least 1",
        ),
        (acts({"type": "checkboxes", "options": [option(str(n)) for n in range(11)]}), "/0/elements/0/options", "10"),
        (acts({"type": "radio_buttons", "options": []}), "/0/elements/0/options", "no less than 1"),
        (
            acts({"type": "conversations_select", "filter": {}}),
            "/0/elements/0/filter",
            "at least one of: include",
        ),
        # where a response URL, a file, a picker may stand
        (
            acts({"type": "conversations_select", "response_url_enabled": True}),
            "/0/elements/0/response_url_enabled",
            "input blocks in modals only",
        ),
        (
            acts({"type": "multi_conversations_select", "response_url_enabled": True}),
            "/0/elements/0",
            "invalid additional property: response_url_enabled",
        ),
        (ask(FILES), "/0/element", "for modals only"),
        ({**SECTION, "accessory": {"type": "datetimepicker"}}, "/0/accessory/type", "unsupported type"),
        ({**SECTION, "accessory": FEEDBACK}, "/0/accessory/type", "unsupported type"),
        (acts(ICON), "/0/elements/0/type", "unsupported type: icon_button"),
        (acts({"type": "number_input", "is_decimal_allowed": True}), "/0/elements/0/type", "unsupported type"),
        ({"type": "context", "elements": [BUTTON]}, "/0/elements/0/type", "unsupported type: button"),
        ({"type": "context_actions", "elements": [BUTTON]}, "/0/elements/0/type", "unsupported type: button"),
        ({"type": "context_actions", "elements": [ICON, ICON]}, "/0/elements", "action_id must be unique"),
        (
            {"type": "context_actions", "elements": [{**ICON, "action_id": str(n)} for n in range(6)]},
            "/0/elements",
            "no more than 5",
        ),
        (
            {"type": "context_actions", "elements": [{**FEEDBACK, "negative_button": {"text": plain()}}]},
            "/0/elements/0/negative_button",
            "field: value",
        ),
        (
            {"type": "context_actions", "elements": [{**ICON, "icon": "star"}]},
            "/0/elements/0/icon",
            "enum value: trash",
        ),
        # pickers
        (acts({"type": "datepicker", "initial_date": "2026-02-30"}), "/0/elements/0/initial_date", "valid date"),
        (acts({"type": "datepicker", "initial_date": "20260228"}), "/0/elements/0/initial_date", "valid date"),
        (acts({"type": "timepicker", "initial_time": "24:00"}), "/0/elements/0/initial_time", "pattern"),
        (acts({"type": "timepicker", "timezone": "Berlin"}), "/0/elements/0/timezone", "IANA"),
        (acts({"type": "timepicker", "timezone": ["UTC"]}), "/0/elements/0/timezone", "IANA"),
        (acts({"type": "datetimepicker", "initial_date_time": 17}), "/0/elements/0/initial_date_time", "at least"),
        (acts({"type": "datetimepicker", "placeholder": plain()}), "/0/elements/0", "property: placeholder"),
        # inputs
        (ask({**NUMBER, "is_decimal_allowed": None}), "/0/element", "field: is_decimal_allowed"),
        (ask({**NUMBER, "min_value": "many"}), "/0/element/min_value", "a number"),
        (ask({**NUMBER, "min_value": 3}), "/0/element/min_value", "a number"),
        (ask({**NUMBER, "min_value": "9", "max_value": "1"}), "/0/element", "must not be greater"),
        (ask({**TEXT_INPUT, "min_length": 9, "max_length": 1}), "/0/element", "must not be greater"),
        (ask({**TEXT_INPUT, "max_length": 3001}), "/0/element/max_length", "at most 3000"),
        (ask({**TEXT_INPUT, "dispatch_action_config": {}}), "/0/element/dispatch_action_config", "trigger_actions_on"),
        (
            ask({**TEXT_INPUT, "dispatch_action_config": {"trigger_actions_on": ["on_blur"]}}),
            "/0/element/dispatch_action_config/trigger_actions_on/0",
            "enum value",
        ),
        (ask({**TEXT_INPUT, "confirm": {"text": plain()}}), "/0/element", "property: confirm"),
        (ask(TEXT_INPUT, dispatch_action="yes"), "/0/dispatch_action", "boolean"),
        (ask({"type": "rich_text_input", "max_lines": 101}), "/0/element/max_lines", "at most 100"),
        (ask({"type": "rich_text_input", "initial_value": "words"}), "/0/element/initial_value", "object"),
        (ask(BUTTON), "/0/element/type", "unsupported type: button"),
        (ask(TEXT_INPUT, label=MARKED), "/0/label/type", "unsupported type: mrkdwn"),
        # buttons and dialogs
        (acts({**WORKFLOW, "workflow": {"trigger": {}}}), "/0/elements/0/workflow/trigger", "field: url"),
        (acts({**WORKFLOW, "action_id": None}), "/0/elements/0", "field: action_id"),
        (acts({**BUTTON, "url": "e.com"}), "/0/elements/0/url", "pattern"),
        (acts({**BUTTON, "confirm": {"text": plain("x" * 301)}}), "/0/elements/0/confirm/text/text", "less than 301"),
        (acts({**BUTTON, "action_id": "x" * 256}), "/0/elements/0/action_id", "less than 256"),
        # media
        ({**VIDEO, "video_url": "http://e.com/v"}, "/0/video_url", "pattern"),
        ({**VIDEO, "author_name": "x" * 51}, "/0/author_name", "less than 51"),
        ({**VIDEO, "alt_text": None}, "/0", "field: alt_text"),
        ({**VIDEO, "title": MARKED}, "/0/title/type", "unsupported type: mrkdwn"),
        ({"type": "image", "image_url": "mailto:x@e.com", "alt_text": "x"}, "/0/image_url", "pattern"),
        (
            {"type": "image", "slack_file": {"id": "F1", "url": "https://e.com"}, "alt_text": "x"},
            "/0/slack_file",
            "exactly one of: id, url",
        ),
        # rich text
        (section_of({"type": "text"}), "/0/elements/0/elements/0", "field: text"),
        (section_of({"type": "mention", "user_id": "U1"}), "/0/elements/0/elements/0/type", "unsupported"),
        (section_of({"type": "broadcast", "range": "all"}), "/0/elements/0/elements/0/range", "enum value"),
        (section_of({"type": "date", "timestamp": "now", "format": "x"}), "/0/elements/0/elements/0/timestamp", "int"),
        (
            section_of({"type": "text", "text": "x", "style": {"blink": True}}),
            "/0/elements/0/elements/0/style",
            "property: blink",
        ),
        (rich({"type": "text", "text": "x"}), "/0/elements/0/type", "unsupported type: text"),
        (rich({"type": "rich_text_list", "elements": []}), "/0/elements/0", "field: style"),
        (
            rich({"type": "rich_text_list", "style": "bullet", "elements": [{"type": "text", "text": "x"}]}),
            "/0/elements/0/elements/0/type",
            "unsupported type: text",
        ),
        (
            rich({"type": "rich_text_list", "style": "bullet", "indent": 9, "elements": []}),
            "/0/elements/0/indent",
            "at most 8",
        ),
        (
            rich({"type": "rich_text_preformatted", "elements": [{"type": "user", "user_id": "U1"}]}),
            "/0/elements/0/elements/0/type",
            "unsupported type: user",
        ),
        (rich({"type": "rich_text_quote", "elements": [], "border": 2}), "/0/elements/0/border", "at most 1"),
        # tables, charts
        ({"type": "table", "rows": [[{"type": "raw_text", "text": ""}]]}, "/0/rows/0/0/text", "more than 0"),
        ({"type": "table", "rows": [[CELL] * 21]}, "/0/rows/0", "no more than 20"),
        ({"type": "table", "rows": []}, "/0/rows", "no less than 1"),
        ({"type": "table", "rows": [[MARKED]]}, "/0/rows/0/0/type", "unsupported type: mrkdwn"),
        (
            {"type": "table", "rows": [[CELL]], "column_settings": [{"align": "justify"}]},
            "/0/column_settings/0/align",
            "enum",
        ),
        ({**DATA, "rows": [[rich()], [CELL]]}, "/0/rows/0", "cannot contain rich_text"),
        ({**DATA, "rows": [[CELL], [CELL, CELL]]}, "/0/rows", "same number"),
        ({**DATA, "row_header_column_index": 1}, "/0/row_header_column_index", "less than 1"),
        ({**DATA, "page_size": 101}, "/0/page_size", "at most 100"),
        ({**DATA, "caption": None}, "/0", "field: caption"),
        ({**DATA, "rows": [[CELL], [{**CELL, "text": "x" * 20_001}]]}, "/0/rows", "20001"),
        ({**CHART, "title": None}, "/0", "field: title"),
        ({**CHART, "chart": {**PIE, "segments": []}}, "/0/chart/segments", "no less than 1"),
        ({**CHART, "chart": {**PIE, "segments": [{"label": "a", "value": 0}]}}, "/0/chart/segments/0/value", "than 0"),
        ({**CHART, "chart": {"type": "donut"}}, "/0/chart/type", "unsupported type: donut"),
        (
            {**CHART, "chart": {**LINE, "axis_config": {"categories": ["Tue"]}}},
            "/0/chart/series/0/data",
            "every category",
        ),
        # what holds other things
        ({"type": "plan", "title": "Plan", "tasks": [TASK, TASK]}, "/0/tasks", "task_id must be unique"),
        ({"type": "plan", "title": "Plan", "tasks": [SECTION]}, "/0/tasks/0/type", "unsupported type: section"),
        ({**TASK, "status": "done"}, "/0/status", "enum value"),
        ({**TASK, "details": MARKED}, "/0/details/type", "enum value: rich_text"),
        ({**TASK, "sources": [{"type": "url", "url": "https://e.com"}]}, "/0/sources/0", "field: text"),
        ({**CONTAINER, "title": None}, "/0", "at least one of: title, rich_text_title"),
        ({**CONTAINER, "child_blocks": [CONTAINER]}, "/0/child_blocks/0/type", "unsupported type: container"),
        ({**CONTAINER, "child_blocks": [DIVIDER] * 11}, "/0/child_blocks", "no more than 10"),
        ({**CONTAINER, "default_collapsed": True}, "/0/default_collapsed", "is_collapsible"),
        ({"type": "card", "subtitle": MARKED}, "/0", "at least one of: hero_image"),
        ({"type": "card", "body": {**MARKED, "text": "x" * 201}}, "/0/body/text", "less than 201"),
        ({"type": "card", "actions": [BUTTON, BUTTON]}, "/0/actions", "action_id must be unique"),
        ({"type": "carousel", "elements": []}, "/0/elements", "no less than 1"),
        ({"type": "markdown", "text": "x" * 12_001}, "/0/text", "less than 12001"),
        ({"type": "header", "text": plain(), "level": 7}, "/0/level", "at most 6"),
    ],
    ids=lambda value: None,
)
def test_what_slack_refuses_in_a_message_is_pointed_at(block: Json, pointer: str, words: str) -> None:
    found = check_blocks([block], "message", "")
    assert any(each.pointer == pointer and words in each.message for each in found), found


def modal(*blocks: Json, **more: Any) -> Json:
    return {"type": "modal", "title": plain(), "submit": plain(), "blocks": [*blocks], **more}


FOCUSED = {**TEXT_INPUT, "focus_on_load": True}


@pytest.mark.parametrize(
    ("view", "pointer", "words"),
    [
        (modal(ask(TEXT_INPUT), submit=None), "/view", "`submit` is required"),
        (modal(ask(FILES, dispatch_action=True)), "/view/blocks/0/dispatch_action", "cannot dispatch"),
        (modal(ask({**FILES, "max_files": 11})), "/view/blocks/0/element/max_files", "at most 10"),
        (modal(ask({**FILES, "filetypes": []})), "/view/blocks/0/element/filetypes", "no less than 1"),
        (modal(ask(FOCUSED), ask(FOCUSED)), "/view/blocks/1/element", "`focus_on_load`"),
        (
            modal(ask(FOCUSED), acts({"type": "users_select", "focus_on_load": True})),
            "/view/blocks/1/elements/0",
            "`focus_on_load`",
        ),
        (modal(ask(TEXT_INPUT, block_id="b"), {**DIVIDER, "block_id": "b"}), "/view/blocks/1/block_id", "unique"),
        (modal({"type": "table", "rows": [[CELL]]}), "/view/blocks/0/type", "not allowed here"),
        (modal({"type": "file", "external_id": "x", "source": "remote"}), "/view/blocks/0/type", "not allowed here"),
        (modal({"type": "carousel", "elements": []}), "/view/blocks/0/type", "not allowed here"),
        (modal(external_id="x" * 256), "/view/external_id", "less than 256"),
        (modal(submit=MARKED), "/view/submit/type", "unsupported type: mrkdwn"),
        (modal(close=plain("x" * 25)), "/view/close/text", "less than 25"),
        (modal(clear_on_close="yes"), "/view/clear_on_close", "boolean"),
        (modal(colour="red"), "/view", "property: colour"),
        ({**modal(), "type": "dialog"}, "/view/type", "unsupported type: dialog"),
    ],
    ids=lambda value: None,
)
def test_what_slack_refuses_in_a_modal_is_pointed_at(view: Json, pointer: str, words: str) -> None:
    found = check_view(view, "modal")
    assert any(each.pointer == pointer and words in each.message for each in found), found


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ([{"type": "alert", "text": MARKED}], "not allowed here"),
        ([ask(FILES)], "for modals only"),
        ([ask({"type": "channels_select", "response_url_enabled": True})], "input blocks in modals only"),
        ([{"type": "markdown", "text": "x"}], "not allowed here"),
        ([DIVIDER] * 101, "no more than 100"),
    ],
)
def test_what_slack_refuses_on_a_home_is_refused(blocks: list[Json], words: str) -> None:
    found = check_view({"type": "home", "blocks": blocks}, "home")
    assert any(words in each.message for each in found), found


def error_of(call: Any, **arguments: Any) -> Json:
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    told: Json = caught.value.response.data
    return told


def test_a_message_holds_one_table_and_two_charts(bot: WebClient) -> None:
    table = {"type": "table", "rows": [[CELL]]}
    told = error_of(bot.chat_postMessage, channel="C0GENERAL", text="x", blocks=[table, DIVIDER, table])
    assert (told["error"], told["errors"]) == (
        "invalid_attachments",
        ["only_one_table_allowed [json-pointer:/blocks/2]"],
    )
    hidden = {**CONTAINER, "child_blocks": [table, table]}
    assert error_of(bot.chat_postMessage, channel="C0GENERAL", text="x", blocks=[hidden])["error"] == (
        "invalid_attachments"
    )


def test_the_cells_of_a_table_hold_ten_thousand_characters(bot: WebClient) -> None:
    table = {"type": "table", "rows": [[{**CELL, "text": "x" * 2000}]] * 6}
    told = error_of(bot.chat_postMessage, channel="C0GENERAL", text="x", blocks=[table])
    assert (told["error"], "[json-pointer:/blocks]" in told["errors"][0]) == ("msg_blocks_too_long", True)


def test_ids_of_blocks_inside_others_count(bot: WebClient) -> None:
    inner = {**CONTAINER, "child_blocks": [{**DIVIDER, "block_id": "one"}]}
    told = error_of(bot.chat_postMessage, channel="C0GENERAL", text="x", blocks=[{**DIVIDER, "block_id": "one"}, inner])
    assert told["errors"] == ["`block_id` must be unique: one [json-pointer:/blocks/1/child_blocks/0/block_id]"]


MANIFEST = """
display_information: {name: Rollcall}
features: {bot_user: {display_name: Rollcall}, unfurl_domains: [e.com]}
oauth_config: {scopes: {bot: [chat:write]}}
settings: {socket_mode_enabled: true}
"""


def test_a_video_comes_from_the_apps_own_domains(start_workspace: Any, tmp_path: Path) -> None:
    (tmp_path / "manifest.yml").write_text(MANIFEST)
    running = start_workspace(manifest=tmp_path / "manifest.yml")
    client = WebClient(token=running.bot_token, base_url=running.api_url)
    assert client.chat_postMessage(channel="C0GENERAL", text="x", blocks=[VIDEO])["ok"]
    stranger = {**VIDEO, "video_url": "https://else.com/v"}
    told = error_of(client.chat_postMessage, channel="C0GENERAL", text="x", blocks=[stranger])
    assert told["errors"] == ["must match one of the app's unfurl domains [json-pointer:/blocks/0/video_url]"]


# Whatever is sent, the workspace has an answer


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a structure, itself included."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*at, key))


def spoilt(value: Any, at: tuple[Any, ...], other: Any) -> Any:
    if not at:
        return other
    changed = copy.deepcopy(value)
    inner = changed
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = other
    return changed


ODD = st.sampled_from([0, -1, 1.5, True, "", "x", [], [None], {}, {"type": "x"}, [[]], "\ud800", 10**30, [{}]])


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([*IN_MESSAGES, *IN_FORMS]), st.data(), ODD)
def test_no_payload_however_odd_makes_the_checks_fall_over(block: Json, data: st.DataObject, other: Any) -> None:
    odd = spoilt(block, data.draw(st.sampled_from([*places(block)])), other)
    for found in (
        check_blocks([odd], "message"),
        check_view({"type": "modal", "title": plain(), "submit": plain(), "blocks": [odd]}, "modal"),
        check_view({"type": "home", "blocks": [odd]}, "home"),
    ):
        assert all(each.message for each in found)
