"""Interactions that nobody's client would send: each is answered, none does harm."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.rehearsal.workspace.blocks import check_blocks
from handlers.slack.incoming import Carried
from tests.handlers.slack.a_desk import VERBS
from tests.handlers.slack.serving import Serving, served

Json = dict[str, Any]
ANNA = "U0RELMGR"
# Verbs that take their time belong to other tests.
QUICK = [verb for verb in VERBS if "slow" not in verb]


@pytest.fixture(scope="module")
def serving() -> Iterator[Serving]:
    """One bot for all examples."""
    # Sockets draw random masks in their own thread, which Hypothesis takes for a strategy that does.
    with served(over_http=True) as serving:
        logging.disable(logging.CRITICAL)
        yield serving
        logging.disable(logging.NOTSET)


def sent(serving: Serving, body: Json) -> tuple[Json, list[str]]:
    """The acknowledgement, the methods by which something was shown."""
    assert serving.app is not None
    since = max((call["seq"] for call in serving.workspace.workspace.calls), default=0)
    response = serving.run(serving.app.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode")))
    assert serving.run(serving.app.drain(5)) == 0
    assert response.status == 200
    calls = [call for call in serving.workspace.workspace.calls if call["seq"] > since]
    # These triggers were made up, so no modal can open; people are told instead.
    strange = [call for call in calls if not call["ok"] and "trigger" not in str(call["error"])]
    assert strange == []
    return json.loads(response.body or "{}"), [call["method"] for call in calls if call["ok"]]


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=60)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
verbs = st.sampled_from(QUICK) | st.text(max_size=30)
written = (
    st.builds(
        lambda verb, args: json.dumps({"v": verb, "a": args}), verbs, st.dictionaries(st.text(max_size=8), values)
    )
    | values.map(json.dumps)
    | st.text(max_size=100)
)
metadata = (
    st.builds(lambda verb: Carried(verb).written(), st.sampled_from(QUICK))
    | st.builds(lambda v, a, p, n: json.dumps({"v": v, "a": a, "p": p, "n": n, "s": False, "h": True}), *[values] * 4)
    | written
)
typed = st.builds(lambda words: {"type": "plain_text_input", "value": words}, st.none() | st.text(max_size=40))
thorough = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


@thorough
@given(st.text(max_size=60) | verbs, written)
def test_every_click_on_a_message_ends_in_words(serving: Serving, action_id: str, value: str) -> None:
    action = {"type": "button", "block_id": "b", "action_id": action_id, "value": value}
    container = {"type": "message", "message_ts": "1.2", "channel_id": "C0RELEASES"}
    ack, shown = sent(serving, {**_who(ANNA), "type": "block_actions", "actions": [action], "container": container})
    link = action_id.partition(":")[0] == "link"
    assert ack == {}
    assert shown or link


@thorough
@given(metadata, written)
def test_every_click_in_a_modal_ends_in_words(serving: Serving, private_metadata: str, value: str) -> None:
    action = {"type": "button", "block_id": "b", "action_id": "x", "value": value}
    view = {"type": "modal", "id": "V1", "callback_id": "x", "blocks": [], "private_metadata": private_metadata}
    _, shown = sent(serving, {**_who(ANNA), "type": "block_actions", "actions": [action], "view": view})
    assert shown


@thorough
@given(metadata, st.dictionaries(st.text(max_size=8), st.dictionaries(st.text(max_size=8), typed, max_size=2)))
def test_every_submission_ends_in_words(serving: Serving, private_metadata: str, state: Json) -> None:
    field = {"type": "input", "block_id": "name"}
    view = {"type": "modal", "id": "V1", "callback_id": "release_new", "blocks": [field], "state": {"values": state}}
    body = {**_who(ANNA), "type": "view_submission", "view": {**view, "private_metadata": private_metadata}}
    ack, shown = sent(serving, body)
    assert shown or ack["response_action"] in ("errors", "push", "update"), (ack, shown)


@thorough
@given(st.text(max_size=200) | st.sampled_from(QUICK).map(lambda verb: verb.partition("_")[2]))
def test_every_command_is_answered_in_its_acknowledgement(serving: Serving, text: str) -> None:
    command = {"command": "/release", "text": text, "user_id": ANNA, "channel_id": "C0RELEASES", "trigger_id": "1"}
    ack, shown = sent(serving, command)
    assert ack.get("text") or shown
    assert check_blocks(ack.get("blocks", []), "message") == []


def _who(user: str) -> Json:
    return {"user": {"id": user}, "team": {"id": "T0"}, "trigger_id": "1.2"}
