import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.conversation import Menu, Option, SentFile
from handlers.slack.clicks import is_link, menu_action, numbered, read_click, write_click
from release_core.errors import Unclear


def test_a_button_brings_back_its_verb_with_all_its_arguments() -> None:
    args = {
        "release": "REL-1",
        "at": datetime(2026, 11, 22, 20, tzinfo=UTC),
        "for": timedelta(hours=2),
        "people": ["U1", "U2"],
        "files": [SentFile("F1", "a.zip", 9)],
    }
    click = read_click({"action_id": "deploy:2", "value": write_click("deploy", args)})
    assert (click.verb, click.args) == ("deploy", args)


def test_a_menu_brings_back_the_chosen_value_under_its_name() -> None:
    menu = Menu("Pick", "deploy", "org", [Option("uat", "UAT")], {"release": "REL-1"})
    action_id = numbered(menu_action(menu), {menu_action(menu)})
    click = read_click({"action_id": action_id, "selected_option": {"value": "uat"}})
    assert (click.verb, click.args) == ("deploy", {"release": "REL-1", "org": "uat"})


def test_ids_are_unique_in_their_block() -> None:
    taken: set[str] = set()
    assert [numbered("go", taken) for _ in range(3)] == ["go", "go:2", "go:3"]


def test_links_are_told_apart_from_verbs() -> None:
    assert is_link("link:2")
    assert not is_link("linked")


@pytest.mark.parametrize(
    "action",
    [
        {},
        {"action_id": "deploy"},
        {"action_id": "deploy", "value": "REL-1"},
        {"action_id": "deploy", "value": '{"v":1}'},
        {"action_id": "deploy", "value": '{"v":"deploy","a":[]}'},
        {"action_id": "deploy", "value": '{"v":"deploy","a":{"at":{"at":"2026-01-01T00:00:00"}}}'},
        {"action_id": "deploy", "value": '{"v":"deploy","a":{"x":7}}'},
        {"action_id": "deploy?{}", "selected_option": {"value": "x"}},
        {"action_id": 'deploy?{"n":"org"}'},
        {"action_id": "x", "value": "[" * 100_000},
    ],
)
def test_stale_or_tampered_clicks_are_told_so(action: dict[str, Any]) -> None:
    with pytest.raises(Unclear, match="older version"):
        read_click(action)


@given(
    st.dictionaries(
        st.sampled_from(["action_id", "value", "selected_option"]), st.text() | st.dictionaries(st.text(), st.text())
    )
)
def test_no_click_is_ever_a_crash(action: dict[str, Any]) -> None:
    with pytest.raises(Unclear):
        read_click(action)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_value_is_ever_a_crash(value: Any) -> None:
    refused = "older version"
    try:
        read_click({"action_id": "x", "value": json.dumps({"v": "x", "a": value})})
    except Unclear as error:
        refused = str(error)
    assert "older version" in refused
