"""Anything Slack could send, and much that it could not, through the real app, desk and database.

Never a crash, never an unanswered click, never an act of somebody without the right, never a payload that Slack would
refuse. About 20 seconds; `ROLLCALL_FUZZ=2000` tries that many of each.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.conversation import Place
from handlers.grammar import typed_name
from handlers.slack.clicks import pack_args, write_click
from handlers.slack.incoming import Carried
from handlers.slack.shell import SHORTCUTS
from handlers.verbs import VERBS
from release_core import incidents, rollback_requests, task_plans
from release_core import models as rows_of_ours
from release_core.ports import Ports
from tests.handlers.slack.a_company import Company, Json, employed, move_in
from tests.release_core import builders

TRIES = int(os.environ.get("ROLLCALL_FUZZ", "60"))
CAST = (
    *(builders.MANAGER, builders.DEVELOPER, builders.TESTER, builders.ADMINISTRATOR, builders.QA, builders.DIRECTOR),
    builders.STAKEHOLDER,
)
# Who may look at everything and do nothing: somebody that no role of the policy names, somebody who left.
OUTSIDER, LEAVER = "UOUTSIDER", "ULEAVER"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """One company for all examples: what one does, the next one finds."""
    store = builders.a_store(f"sqlite:///{tmp_path_factory.mktemp('fuzz')}/rollcall.sqlite")
    ports = builders.ports(store=store)
    _work(ports)
    with employed(ports) as company:
        move_in(company.serving, (*CAST, OUTSIDER, LEAVER))
        yield company


def _work(ports: Ports) -> None:
    """A release that soaks with an incident and a wish to go back, one that is ready, one that is new."""
    builders.a_soaking_release(ports)
    incidents.open_incident(ports, builders.TESTER, title="Quotes cannot be saved", severity=2, org=builders.PRODUCTION)
    rollback_requests.ask_rollback(ports, builders.MANAGER, "REL-1", "quotes cannot be saved")
    builders.a_ready_release(ports, name="Ready")
    builders.a_release(ports, name="New")
    new = task_plans.NewTask("Pause the import", "before", builders.DEVELOPER)
    task_plans.add_task(ports, builders.MANAGER, "REL-3", new)
    builders.a_freeze(ports, start=48)
    with ports.store.transaction() as session:
        now = ports.clock.now()
        session.add(rows_of_ours.Person(id=LEAVER, name="Karl", zone="UTC", seen_at=now, deactivated=True))


# What is sent

words = st.text(max_size=40)
keys = st.sampled_from(["REL-1", "REL-2", "REL-3", "REL-99", "INC-1", "FRZ-1", "DEP-1", "", "1", "2", "999", "uat"])
names = st.sampled_from(
    [
        *("release", "incident", "item", "task", "request", "digest", "seat", "org", "reason", "note", "about", "at"),
        *("freeze", "owner", "person", "strategy", "level", "component", "name", "title", "text", "files", "page"),
    ]
)
plain_values = keys | words | st.sampled_from(["qa", "business", "production", *CAST])
wild = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
)
instants = st.datetimes().map(lambda at: {"at": at.isoformat() + "+00:00"})
arguments = st.dictionaries(names | words, plain_values | instants | wild, max_size=4)
verbs = st.sampled_from(sorted(VERBS))
tampered = st.builds(lambda verb, args: json.dumps({"v": verb, "a": args}), verbs | words, arguments)
values = tampered | wild.map(json.dumps) | st.text(max_size=80)
honest = st.builds(write_click, verbs, st.dictionaries(names, keys, max_size=2))
places = st.sampled_from([Place("C0RELEASES"), Place("C0RELEASES", "1.000001"), Place("C0NOWHERE"), Place()])
metadata = (
    st.builds(
        lambda verb, args, place, depth: Carried(verb, pack_args(args), place, depth).written(),
        *(verbs, st.dictionaries(names, plain_values, max_size=3), places, st.integers(1, 4)),
    )
    | values
)
users = st.sampled_from([*CAST, OUTSIDER, LEAVER])
channels = st.sampled_from(["C0RELEASES", "C0INCIDENTS", "C0SALESOPS", "C0NOWHERE", "D0RELMGR", ""])
states = st.one_of(
    st.builds(lambda value: {"type": "plain_text_input", "value": value}, st.none() | plain_values),
    st.builds(lambda value: {"type": "static_select", "selected_option": value and {"value": value}}, plain_values),
    st.builds(
        lambda many: {"type": "checkboxes", "selected_options": [{"value": each} for each in many]},
        st.lists(plain_values, max_size=3),
    ),
    st.builds(lambda user: {"type": "users_select", "selected_user": user}, st.none() | users),
    st.builds(lambda at: {"type": "datetimepicker", "selected_date_time": at}, st.none() | st.integers(0, 2**33)),
    st.just({"type": "file_input", "files": [{"id": "F0", "name": "a.zip", "size": 3}]}),
)
fields = st.dictionaries(names | words, st.builds(lambda state: {"a": state}, states), max_size=5)
timestamps = st.sampled_from(["1.000001", "", "x", "1790000000.000100"])


def who(user: str) -> Json:
    """What every interaction carries."""
    return {"user": {"id": user, "username": "x"}, "team": {"id": "T0"}, "trigger_id": "1.2", "api_app_id": "A0"}


@st.composite
def clicks(draw: st.DrawFn) -> Json:
    """A click in a message, a modal or Home, with foreign or tampered values."""
    action: Json = {"type": "button", "block_id": draw(words), "action_id": draw(verbs | words)}
    action["value"] = draw(honest | values)
    if draw(st.booleans()):
        action |= {"type": "static_select", "selected_option": {"value": draw(plain_values)}}
        action["action_id"] = f"{draw(verbs)}?{draw(values)}"
    body: Json = {**who(draw(users)), "type": "block_actions", "actions": [action], "hash": draw(words)}
    where = draw(st.sampled_from(["message", "modal", "home"]))
    if where == "message":
        channel, ts = draw(channels), draw(timestamps)
        body["container"] = {"type": "message", "message_ts": ts, "channel_id": channel}
        body["channel"] = {"id": channel, "name": "x"}
        return body
    view = {
        "type": where,
        "id": draw(st.sampled_from(["V1", "", "V0000009999"])),
        "callback_id": draw(verbs),
        "blocks": [],
    }
    return body | {"view": {**view, "hash": draw(words), "private_metadata": draw(metadata)}}


@st.composite
def submissions(draw: st.DrawFn) -> Json:
    """A submitted form with foreign or tampered values."""
    state = draw(fields)
    view = {
        "type": "modal",
        "id": "V1",
        "callback_id": draw(verbs | words),
        "hash": draw(words),
        "title": {"type": "plain_text", "text": "Form"},
        "submit": {"type": "plain_text", "text": "Go"},
        "private_metadata": draw(metadata),
        "state": {"values": state},
    }
    asked = [each for each in state if 0 < len(each) < 255] or ["name"]
    element = {"type": "plain_text_input", "action_id": "a"}
    label = {"type": "plain_text", "text": "Field"}
    view["blocks"] = [{"type": "input", "block_id": each, "label": label, "element": element} for each in asked]
    return {**who(draw(users)), "type": "view_submission", "view": view}


@st.composite
def shortcuts(draw: st.DrawFn) -> Json:
    """A shortcut, ours or not, from anywhere or on a message."""
    body = {**who(draw(users)), "callback_id": draw(st.sampled_from([*SHORTCUTS, "unknown"]) | words)}
    if draw(st.booleans()):
        return body | {"type": "shortcut"}
    message = {"type": "message", "ts": draw(timestamps), "text": draw(words), "user": draw(users)}
    return body | {"type": "message_action", "message": message, "channel": {"id": draw(channels), "name": "x"}}


@st.composite
def suggestions(draw: st.DrawFn) -> Json:
    """A question for the options of a menu."""
    body = {**who(draw(users)), "type": "block_suggestion", "value": draw(words), "action_id": draw(verbs | words)}
    return body | {"block_id": draw(words), "container": {"type": "view", "view_id": "V1"}}


@st.composite
def commands(draw: st.DrawFn) -> Json:
    """Any words after a command, some of which mean something."""
    spoken = st.sampled_from([*map(typed_name, VERBS.values()), "REL-1", "in PRODUCTION", "at", "tomorrow 22:00", "--"])
    text = " ".join(draw(st.lists(spoken | keys | words, max_size=6)))
    return {
        "command": draw(st.sampled_from(["/release", "/incident"])),
        "text": text,
        "user_id": draw(users),
        "channel_id": draw(channels),
        "channel_name": "x",
        "trigger_id": "1.2",
        "team_id": "T0",
    }


thorough = settings(max_examples=TRIES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=TRIES <= 60)


def _changes_nothing_for_strangers(company: Company, body: Json) -> tuple[Json, list[str]]:
    user = str(body.get("user_id") or body["user"]["id"])
    if user not in (OUTSIDER, LEAVER):
        return company.is_sent(body)
    before = company.everything()
    sent = company.is_sent(body)
    assert company.everything() == before, f"{user} changed something"
    return sent


@thorough
@given(clicks())
def test_every_click_is_answered(company: Company, body: Json) -> None:
    _, shown = _changes_nothing_for_strangers(company, body)
    assert shown or body["actions"][0]["action_id"].partition(":")[0] == "link"


@thorough
@given(submissions())
def test_every_submission_is_answered(company: Company, body: Json) -> None:
    ack, shown = _changes_nothing_for_strangers(company, body)
    assert shown or ack["response_action"] in ("errors", "push", "update")
    if ack.get("response_action") == "errors":
        assert set(ack["errors"]) <= {block["block_id"] for block in body["view"]["blocks"]}


@thorough
@given(shortcuts())
def test_every_shortcut_is_answered(company: Company, body: Json) -> None:
    _, shown = _changes_nothing_for_strangers(company, body)
    assert shown


@thorough
@given(suggestions())
def test_every_question_for_options_ends(company: Company, body: Json) -> None:
    _changes_nothing_for_strangers(company, body)


@thorough
@given(commands())
def test_every_command_is_answered(company: Company, body: Json) -> None:
    ack, shown = _changes_nothing_for_strangers(company, body)
    assert ack.get("text") or shown


@thorough
@given(
    st.lists(commands(), min_size=1, max_size=3), st.sampled_from([OUTSIDER, LEAVER]), st.sampled_from(sorted(VERBS))
)
def test_nobody_without_the_right_does_anything_with_a_verb(
    company: Company, around: list[Json], user: str, verb: str
) -> None:
    before = company.everything()
    for key in ("REL-1", "REL-2", "REL-3"):
        args = {"release": key, "request": "1", "item": "1", "task": "1", "incident": "INC-1", "reason": "because"}
        action = {"type": "button", "block_id": "b", "action_id": verb, "value": write_click(verb, args)}
        container = {"type": "message", "message_ts": "1.2", "channel_id": "C0RELEASES"}
        company.is_sent({**who(user), "type": "block_actions", "actions": [action], "container": container})
        view = {"type": "modal", "id": "V1", "callback_id": verb, "private_metadata": Carried(verb, args).written()}
        view |= {"title": {"type": "plain_text", "text": "x"}, "submit": {"type": "plain_text", "text": "x"}}
        label, element = {"type": "plain_text", "text": "x"}, {"type": "plain_text_input", "action_id": "a"}
        view["blocks"] = [{"type": "input", "block_id": "b", "label": label, "element": element}]  # type: ignore[assignment]
        company.is_sent({**who(user), "type": "view_submission", "view": {**view, "state": {"values": {}}}})
    for command in around:
        company.is_sent({**command, "user_id": user})
    assert company.everything() == before
