import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.rehearsal.workspace.blocks import check_blocks
from handlers.conversation import (
    Actions,
    Button,
    Confirm,
    Facts,
    Heading,
    Home,
    LinkButton,
    Listing,
    Menu,
    Message,
    Note,
    Option,
    Paragraph,
    Part,
    Rule,
    Table,
    Verbatim,
    at,
    bold,
    person,
)
from handlers.slack.blocks import draw_home, draw_message, draw_notice

INSTANT = datetime(2026, 11, 22, 20, tzinfo=UTC)


def texts(drawing: Any) -> Iterator[str]:
    """Every text in a drawing, in order."""
    if isinstance(drawing, dict):
        for key, value in drawing.items():
            if key == "text" and isinstance(value, str):
                yield value
            else:
                yield from texts(value)
    elif isinstance(drawing, list):
        for item in drawing:
            yield from texts(item)


def kinds(blocks: list[dict[str, Any]]) -> list[str]:
    return [block["type"] for block in blocks]


def assert_slack_takes(drawn: dict[str, Any]) -> None:
    assert [str(finding) for finding in check_blocks(drawn["blocks"], "message")] == []
    assert len(drawn["blocks"]) <= 50
    assert sum(map(len, texts(drawn["blocks"]))) <= 8000
    assert len(json.dumps(drawn, ensure_ascii=False).encode()) <= 10_240
    assert 0 < len(drawn["text"]) <= 1000


def test_each_part_has_its_drawing() -> None:
    parts: list[Part] = [
        Heading("REL-1"),
        Paragraph("Ready?", Button("Check", "check", {"release": "REL-1"})),
        Facts([("Org", "PRODUCTION"), ("Window", at(INSTANT))]),
        Table(["Item", "Owner"], [["Tests", person("U0AB")], ["Docs", "nobody"]]),
        Listing(["one", "two"]),
        Verbatim("line 1\nline 2"),
        Rule(),
        Actions([Button("Go", "go"), LinkButton("Read", "https://x.example")]),
        Note("By Anna"),
    ]
    drawn = draw_message(Message("REL-1 is ready", parts, tone="good"))
    assert_slack_takes(drawn)
    assert drawn["text"] == "✅ REL-1 is ready"
    assert kinds(drawn["blocks"]) == [
        "header", "section", "section", "table", "section", "rich_text", "divider", "actions", "context",
    ]  # fmt: skip
    assert drawn["blocks"][0]["text"]["text"] == "✅ REL-1"
    assert drawn["blocks"][4]["text"]["text"] == "• one\n• two"


def test_a_message_without_parts_shows_its_summary() -> None:
    drawn = draw_message(Message("Nothing to do."))
    assert drawn == {
        "text": "Nothing to do.",
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "Nothing to do."}}],
    }


def test_a_button_carries_its_verb_and_asks_before_it_counts() -> None:
    confirm = Confirm("Deploy?", f"REL-1 to {bold('PRODUCTION')}", "Deploy to PRODUCTION")
    button = Button("Deploy", "deploy", {"release": "REL-1"}, "danger", confirm)
    [block] = draw_message(Message("x", [Actions([button])]))["blocks"]
    [element] = block["elements"]
    assert (element["action_id"], element["style"]) == ("deploy", "danger")
    assert json.loads(element["value"]) == {"v": "deploy", "a": {"release": "REL-1"}}
    assert element["confirm"]["text"]["text"] == "REL-1 to *PRODUCTION*"
    assert element["confirm"]["deny"]["text"] == "Not now"


def test_the_same_verb_twice_in_a_row_has_two_ids() -> None:
    buttons = [Button(f"Tick {key}", "tick", {"item": key}) for key in "ab"]
    [block] = draw_message(Message("x", [Actions(buttons)]))["blocks"]
    assert [element["action_id"] for element in block["elements"]] == ["tick", "tick:2"]


def test_a_menu_whose_arguments_do_not_fit_becomes_buttons() -> None:
    menu = Menu("Org", "deploy", "org", [Option("uat", "UAT"), Option("prod", "Production")], {"note": "n" * 300})
    [block] = draw_message(Message("x", [Actions([menu])]))["blocks"]
    assert [element["type"] for element in block["elements"]] == ["button", "button"]
    assert json.loads(block["elements"][1]["value"])["a"] == {"note": "n" * 300, "org": "prod"}


def test_what_slack_could_not_carry_is_left_out() -> None:
    items: list[Button | LinkButton] = [
        Button("Big", "x", {"note": "n" * 3000}),
        LinkButton("Bad", "javascript:x"),
        Button("Fine", "y"),
    ]
    [block] = draw_message(Message("x", [Actions(items)]))["blocks"]
    assert [element["action_id"] for element in block["elements"]] == ["y"]


def test_a_long_list_says_how_much_more_there_is() -> None:
    drawn = draw_message(
        Message("x", [Listing([f"component {n:05}" for n in range(5000)]), Actions([Button("Go", "go")])])
    )
    assert_slack_takes(drawn)
    shown = sum(text.count("component") for text in texts(drawn["blocks"]))
    assert shown > 300
    assert f"… and {5000 - shown} more" in list(texts(drawn["blocks"]))
    assert kinds(drawn["blocks"])[-1] == "actions"


def test_a_long_table_says_how_much_more_there_is() -> None:
    drawn = draw_message(Message("x", [Table(["Name", "State"], [[f"item {n}", "open"] for n in range(500)])]))
    assert_slack_takes(drawn)
    table, tail = drawn["blocks"]
    assert 20 < len(table["rows"]) <= 100
    assert tail["elements"][0]["text"] == f"… and {500 - len(table['rows']) + 1} more"


def test_only_one_table_stands_in_a_message_the_next_becomes_lines() -> None:
    table = Table(["Name", "State"], [["Tests", "open"]])
    first, second = draw_message(Message("x", [table, table]))["blocks"]
    assert first["type"] == "table"
    assert second["text"]["text"] == "• Tests · State: open"


def test_a_long_log_is_cut_at_a_line() -> None:
    log = "\n".join(f"line {n}" for n in range(10_000))
    drawn = draw_message(Message("x", [Verbatim(log)]))
    assert_slack_takes(drawn)
    shown = drawn["blocks"][0]["elements"][0]["elements"][0]["text"].splitlines()
    assert shown == [f"line {n}" for n in range(len(shown))]
    assert drawn["blocks"][1]["elements"][0]["text"] == f"… and {10_000 - len(shown)} more lines"


def test_a_heading_that_names_somebody_is_no_plain_header() -> None:
    [block] = draw_message(Message("x", [Heading(f"{person('U0AB')} decides")]))["blocks"]
    assert block["text"]["text"] == "<@U0AB> decides"


def test_parts_that_find_no_room_are_counted_and_buttons_stay() -> None:
    parts: list[Part] = [*(Paragraph("word " * 500) for _ in range(9)), Actions([Button("Go", "go")])]
    drawn = draw_message(Message("x", parts))
    assert_slack_takes(drawn)
    assert "actions" in kinds(drawn["blocks"])
    assert drawn["blocks"][-1]["elements"][0]["text"].startswith("… and ")


def test_home_and_notices_are_drawn_without_tables() -> None:
    parts: list[Part] = [
        Heading("Mine"),
        Table(["Name", "Due"], [[f"item {n}", at(INSTANT)] for n in range(300)]),
        Rule(),
    ]
    home = draw_home(Home(parts))
    assert [str(finding) for finding in check_blocks(home["blocks"], "home")] == []
    assert "table" not in kinds(home["blocks"])
    notice = draw_notice(Message("x", parts), private_metadata="{}")
    assert [str(finding) for finding in check_blocks(notice["blocks"], "modal")] == []


def test_a_home_beyond_a_hundred_blocks_is_cut() -> None:
    home = draw_home(Home([Paragraph(f"release {n}", Button("Open", "status", {"n": str(n)})) for n in range(300)]))
    assert len(home["blocks"]) == 100
    assert home["blocks"][-1]["elements"][0]["text"] == "… and 201 more parts."


words = st.text(max_size=40) | st.text(alphabet="ab<&>*`\n 🙂", max_size=4000) | st.just("word " * 2000)
names = st.text(alphabet="abcdef", min_size=1, max_size=8)
options = st.lists(st.builds(Option, st.text(max_size=200), words, words), max_size=120)
args = st.dictionaries(names, st.text(max_size=300), max_size=3)
buttons = st.builds(
    Button,
    words,
    names,
    args,
    st.sampled_from(["plain", "go", "danger"]),
    st.none() | st.builds(Confirm, words, words, words),
)
clickables = (
    buttons
    | st.builds(Menu, words, names, names, options, args)
    | st.builds(LinkButton, words, st.just("https://x.example") | words)
)
parts = (
    st.builds(Heading, words)
    | st.builds(Paragraph, words, st.none() | clickables)
    | st.builds(Facts, st.lists(st.tuples(words, words), max_size=30))
    | st.builds(Table, st.lists(words, max_size=22), st.lists(st.lists(words, max_size=22), max_size=120))
    | st.builds(Listing, st.lists(words, max_size=200))
    | st.builds(Verbatim, words)
    | st.builds(Actions, st.lists(clickables, max_size=30))
    | st.builds(Note, words)
    | st.builds(Rule)
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(words, st.lists(parts, max_size=8))
def test_whatever_is_said_slack_takes_it(summary: str, said: list[Part]) -> None:
    assert_slack_takes(draw_message(Message(summary, said, tone="wait")))


def test_a_menu_with_nothing_to_choose_from_is_not_drawn() -> None:
    drawn = draw_message(Message("x", [Paragraph("Pick an org", Menu("Org", "deploy", "org", []))]))
    assert drawn["blocks"] == [{"type": "section", "text": {"type": "mrkdwn", "text": "Pick an org"}}]


@pytest.mark.parametrize("count", [1, 101])
def test_many_options_are_grouped(count: int) -> None:
    menu = Menu("Pick", "go", "x", [Option(f"v{n}", f"Option {n}") for n in range(count)])
    [block] = draw_message(Message("x", [Actions([menu])]))["blocks"]
    assert ("option_groups" in block["elements"][0]) == (count > 100)
