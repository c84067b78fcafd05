"""People act, a real Bolt app over Socket Mode answers, and the outcome says what they saw."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError


async def test_a_command_answered_in_the_ack_is_seen_by_its_typer_alone(app: AsyncApp, driver: Any) -> None:
    @app.command("/release")
    async def release(ack: Any, command: Any) -> None:
        await ack(f"you said {command['text']}")

    outcome = await driver.aact("command", channel="#releases", text="/release new @priya in #general <now>")
    assert outcome["ack"] == "message"
    message = outcome["messages"][0]
    assert message["ephemeral"]
    assert message["text"] == "you said new <@U0DEVELO|priya> in <#C0GENERAL|general> &lt;now&gt;"
    assert message["plain"] == "you said new @Priya Nair in #general <now>"
    seen = await driver.alook("channel", channel="#releases", user="omar")
    assert seen["messages"] == []


async def test_a_command_can_answer_everybody(app: AsyncApp, driver: Any) -> None:
    @app.command("/release")
    async def release(ack: Any) -> None:
        await ack("for all", response_type="in_channel")

    await driver.aact("command", channel="#releases", text="/release status")
    seen = await driver.alook("channel", channel="#releases", user="omar")
    assert [each["text"] for each in seen["messages"]] == ["for all"]


async def test_the_payload_holds_every_field_of_a_slash_command(app: AsyncApp, driver: Any) -> None:
    got: list[dict[str, Any]] = []

    @app.command("/release")
    async def release(ack: Any, body: Any) -> None:
        got.append(body)
        await ack()

    await driver.aact("command", channel="@rollcall", text="/release")
    fields = "token team_id team_domain channel_id channel_name user_id user_name command text api_app_id"
    assert {*fields.split(), "response_url", "trigger_id"} <= set(got[0])
    assert (got[0]["channel_id"], got[0]["channel_name"], got[0]["text"]) == ("D0RELMGR", "directmessage", "")


async def test_a_command_without_a_bot_fails_to_dispatch(workspace: Any, driver: Any) -> None:
    outcome = await driver.aact("command", channel="#releases", text="/release new")
    assert (outcome["ok"], outcome["error"]["code"]) == (False, "dispatch_failed")
    assert outcome["messages"][0]["plain"] == "/release failed with the error “dispatch_failed”"


async def test_a_command_without_an_ack_times_out(app: AsyncApp, driver: Any, workspace: Any) -> None:
    workspace.workspace.pace.ack_within = 0.4

    @app.command("/release")
    async def release() -> None:
        await asyncio.sleep(0)

    outcome = await driver.aact("command", channel="#releases", text="/release new")
    assert outcome["error"]["code"] == "operation_timeout"
    assert "operation_timeout" in outcome["messages"][0]["text"]


async def test_commands_do_not_work_in_threads(app: AsyncApp, driver: Any) -> None:
    said = (await driver.aact("message", channel="#releases", text="a thread"))["messages"][0]["ts"]
    outcome = await driver.aact("command", channel="#releases", text="/release new", thread_ts=said)
    assert outcome["error"]["code"] == "not_in_threads"


async def test_a_mention_is_answered_in_its_thread(app: AsyncApp, driver: Any) -> None:
    @app.event("app_mention")
    async def mentioned(event: Any, say: Any) -> None:
        await say(f"heard {event['text']}", thread_ts=event["ts"])

    outcome = await driver.aact("mention", channel="#releases", text="why REL-1?")
    asked, answer = outcome["messages"]
    assert answer["text"] == "heard <@U0ROLLCALL> why REL-1?"
    assert answer["thread_ts"] == asked["ts"]
    thread = await driver.alook("thread", channel="#releases", ts=asked["ts"], user="omar")
    assert len(thread["messages"]) == 2


async def test_a_direct_message_reaches_the_bot(app: AsyncApp, driver: Any) -> None:
    @app.message("hello")
    async def hello(message: Any, say: Any) -> None:
        await say(f"hello <@{message['user']}> ({message['channel_type']})")

    outcome = await driver.aact("message", channel="@rollcall", text="hello")
    assert outcome["messages"][1]["plain"] == "hello @Anna Keller (im)"


def form(kit: Any) -> dict[str, Any]:
    choices = [kit.option("Sandbox", "uat"), kit.option("Production", "prod")]
    return kit.modal(
        kit.ask("name", "Name", {"type": "plain_text_input", "max_length": 10}),
        kit.ask("org", "Target org", {"type": "static_select", "options": choices}),
        kit.ask("owner", "Owner", {"type": "users_select"}, optional=True),
        kit.ask("rooms", "Channels", {"type": "multi_channels_select"}, optional=True),
        kit.ask("at", "Starts", {"type": "datetimepicker"}, optional=True),
        kit.ask("on", "Day", {"type": "datepicker"}, optional=True),
        kit.ask("checks", "Checks", {"type": "checkboxes", "options": choices}, optional=True),
        kit.ask("zip", "Package", {"type": "file_input", "filetypes": ["zip"], "max_files": 1}, optional=True),
        private_metadata="REL-1",
    )


def open_a_form(app: AsyncApp, kit: Any, **view: Any) -> list[dict[str, Any]]:
    """Let `/release` open the form; what is submitted is put into the list."""
    submitted: list[dict[str, Any]] = []

    @app.command("/release")
    async def release(ack: Any, command: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=command["trigger_id"], view={**form(kit), **view})

    @app.view("form")
    async def on_submit(ack: Any, view: Any) -> None:
        submitted.append(view)
        name = view["state"]["values"]["name"]["a"]["value"]
        if name == "taken":
            await ack(response_action="errors", errors={"name": "That name is taken."})
        else:
            await ack()

    return submitted


async def test_a_form_is_opened_filled_and_submitted(app: AsyncApp, driver: Any, kit: Any) -> None:
    submitted = open_a_form(app, kit)
    opened = await driver.aact("command", channel="#releases", text="/release new")
    view = opened["view"]
    assert [each["label"] for each in view["inputs"][:2]] == ["Name", "Target org"]
    values = {
        "Name": "Winter",
        "org": "production",
        "owner": "priya",
        "Channels": ["#general", "C0RELEASES"],
        "at": "2026-11-22T18:30",
        "on": "2026-11-23",
        "Checks": ["uat", "Production"],
        "zip": [{"filename": "p.zip", "content_base64": base64.b64encode(b"PK").decode()}],
    }
    outcome = await driver.aact("submit", view_id=view["view_id"], values=values)
    assert (outcome["ok"], outcome["ack"], outcome["view"]) == (True, "empty", None)
    state = submitted[0]["state"]["values"]
    assert state["org"]["a"]["selected_option"]["value"] == "prod"
    assert state["owner"]["a"]["selected_user"] == "U0DEVELO"
    assert state["rooms"]["a"]["selected_channels"] == ["C0GENERAL", "C0RELEASES"]
    assert state["at"]["a"]["selected_date_time"] == 1_795_368_600  # 18:30 in Berlin
    assert [each["value"] for each in state["checks"]["a"]["selected_options"]] == ["uat", "prod"]
    assert state["zip"]["a"]["files"][0]["name"] == "p.zip"
    assert submitted[0]["private_metadata"] == "REL-1"


async def test_the_client_itself_asks_for_required_fields(app: AsyncApp, driver: Any, kit: Any) -> None:
    submitted = open_a_form(app, kit)
    view_id = (await driver.aact("command", channel="#releases", text="/release new"))["view"]["view_id"]
    outcome = await driver.aact("submit", view_id=view_id, values={"name": "much too long a name", "on": "tomorrow"})
    assert outcome["ack"] == "not_sent"
    assert outcome["field_errors"] == {
        "name": "Must be 10 characters or fewer.",
        "org": "Please complete this required field.",
        "on": "Please choose a date (YYYY-MM-DD).",
    }
    assert submitted == []


async def test_the_bots_field_errors_stay_in_the_open_form(app: AsyncApp, driver: Any, kit: Any) -> None:
    open_a_form(app, kit)
    view_id = (await driver.aact("command", channel="#releases", text="/release new"))["view"]["view_id"]
    outcome = await driver.aact("submit", view_id=view_id, values={"name": "taken", "org": "uat"})
    assert (outcome["ack"], outcome["field_errors"]) == ("errors", {"name": "That name is taken."})
    assert outcome["view"]["errors"] == {"name": "That name is taken."}
    assert outcome["view"]["inputs"][0]["value"] == "taken"
    assert (await driver.aact("submit", view_id=view_id, values={"name": "free"}))["view"] is None


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"nome": "x"}, 404, "no_such_field"),
        ({"org": "mars"}, 409, "no_such_option"),
        ({"owner": "karl"}, 409, "no_such_option"),
        ({"owner": "zoe"}, 404, "user_not_found"),
        ({"rooms": ["#sales-ops"]}, 409, "no_such_option"),
        ({"name": ["x"]}, 400, "bad_value"),
        ({"zip": [{"filename": "p.zip", "content_base64": "%"}]}, 400, "bad_file"),
    ],
)
async def test_what_nobody_could_enter_is_refused(
    app: AsyncApp, driver: Any, kit: Any, values: dict[str, Any], status: int, code: str
) -> None:
    open_a_form(app, kit)
    view_id = (await driver.aact("command", channel="#releases", text="/release new"))["view"]["view_id"]
    refused = await driver.aact("submit", view_id=view_id, values=values, status=status)
    assert refused["error"]["code"] == code


async def test_somebody_elses_form_cannot_be_submitted(app: AsyncApp, driver: Any, kit: Any) -> None:
    open_a_form(app, kit)
    view_id = (await driver.aact("command", channel="#releases", text="/release new"))["view"]["view_id"]
    refused = await driver.aact("submit", user="omar", view_id=view_id, values={}, status=404)
    assert refused["error"]["code"] == "not_visible"


async def test_the_bot_hears_of_a_closed_form_when_it_asked_to(app: AsyncApp, driver: Any, kit: Any) -> None:
    open_a_form(app, kit, notify_on_close=True)
    closed = asyncio.Event()

    @app.view_closed("form")
    async def on_close(ack: Any) -> None:
        await ack()
        closed.set()

    view_id = (await driver.aact("command", channel="#releases", text="/release new"))["view"]["view_id"]
    outcome = await driver.aact("close", view_id=view_id)
    assert outcome["view"] is None
    assert closed.is_set()


async def test_a_submission_without_an_ack_leaves_the_form_open(
    app: AsyncApp, driver: Any, kit: Any, workspace: Any
) -> None:
    @app.command("/release")
    async def release(ack: Any, command: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=command["trigger_id"], view=kit.modal(kit.section("x")))

    view_id = (await driver.aact("command", channel="#releases", text="/release"))["view"]["view_id"]
    workspace.workspace.pace.ack_within = 0.4
    outcome = await driver.aact("submit", view_id=view_id, values={})
    assert outcome["error"]["code"] == "trouble_connecting"
    assert outcome["view"]["view_id"] == view_id


async def test_a_submission_can_push_update_and_clear(app: AsyncApp, driver: Any, kit: Any) -> None:
    answers = iter(
        [
            {"response_action": "push", "view": kit.modal(kit.section("second"))},
            {"response_action": "update", "view": kit.modal(kit.section("second, changed"))},
            {"response_action": "clear"},
        ]
    )

    @app.command("/release")
    async def release(ack: Any, command: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=command["trigger_id"], view=kit.modal(kit.section("first")))

    @app.view("form")
    async def on_submit(ack: Any) -> None:
        await ack(**next(answers))

    first = (await driver.aact("command", channel="#releases", text="/release"))["view"]
    pushed = await driver.aact("submit", view_id=first["view_id"], values={})
    assert (pushed["ack"], pushed["view"]["plain"], pushed["view"]["depth"]) == ("push", "second", 2)
    covered = await driver.aact("submit", view_id=first["view_id"], values={}, status=409)
    assert covered["error"]["code"] == "covered"
    updated = await driver.aact("submit", view_id=pushed["view"]["view_id"], values={})
    assert updated["view"]["plain"] == "second, changed"
    cleared = await driver.aact("submit", view_id=pushed["view"]["view_id"], values={})
    assert (cleared["ack"], cleared["view"]) == ("clear", None)


async def test_an_invalid_answer_to_a_form_is_told(app: AsyncApp, driver: Any, kit: Any) -> None:
    @app.command("/release")
    async def release(ack: Any, command: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=command["trigger_id"], view=kit.modal(kit.section("first")))

    @app.view("form")
    async def on_submit(ack: Any) -> None:
        await ack(response_action="errors", errors={"nowhere": "x"})

    view_id = (await driver.aact("command", channel="#releases", text="/release"))["view"]["view_id"]
    outcome = await driver.aact("submit", view_id=view_id, values={})
    assert outcome["error"]["code"] == "invalid_response"
    assert outcome["view"] is not None


async def post_card(app: AsyncApp, *elements: Any) -> str:
    blocks = [{"type": "actions", "block_id": "row", "elements": [*elements]}]
    return (await app.client.chat_postMessage(channel="C0RELEASES", text="card", blocks=blocks))["ts"]


async def test_a_button_behind_a_confirm_dialog_asks_first(app: AsyncApp, driver: Any, kit: Any) -> None:
    pressed: list[Any] = []

    @app.action("deploy")
    async def deploy(ack: Any, body: Any) -> None:
        pressed.append(body)
        await ack()

    dialog = {
        "title": kit.text("Deploy?"),
        "text": kit.text("To PROD"),
        "confirm": kit.text("Deploy"),
        "deny": kit.text("No"),
    }
    ts = await post_card(app, kit.button("deploy", "Deploy to PRODUCTION", value="REL-1", confirm=dialog))
    asked = await driver.aact("click", channel="#releases", ts=ts, label="deploy to production")
    assert (asked["ok"], asked["error"]["code"]) == (False, "confirmation_needed")
    assert asked["confirm"] == {"title": "Deploy?", "text": "To PROD", "confirm": "Deploy", "deny": "No", "style": None}
    assert pressed == []
    done = await driver.aact("click", channel="#releases", ts=ts, action_id="deploy", confirmed=True)
    assert done["ok"]
    body = pressed[0]
    assert body["actions"][0]["value"] == "REL-1"
    assert body["container"] == {"type": "message", "message_ts": ts, "channel_id": "C0RELEASES", "is_ephemeral": False}
    assert body["message"]["ts"] == ts


async def test_a_click_replaces_its_own_message_through_the_response_url(app: AsyncApp, driver: Any, kit: Any) -> None:
    @app.action("approve")
    async def approve(ack: Any, respond: Any, body: Any) -> None:
        await ack()
        await respond(f"approved by <@{body['user']['id']}>", replace_original=True)

    ts = await post_card(app, kit.button("approve", "Approve"))
    outcome = await driver.aact("click", user="tomas", channel="#releases", ts=ts, label="Approve")
    assert [each["plain"] for each in outcome["changed"]] == ["approved by @Tomás Silva"]
    gone = await driver.aact("click", user="tomas", channel="#releases", ts=ts, label="Approve", status=404)
    assert gone["error"]["code"] == "not_visible"


async def test_a_click_in_an_ephemeral_message_carries_no_message(app: AsyncApp, driver: Any, kit: Any) -> None:
    bodies: list[Any] = []

    @app.action("ok")
    async def ok(ack: Any, body: Any, respond: Any) -> None:
        bodies.append(body)
        await ack()
        await respond(delete_original=True)

    blocks = [kit.actions(kit.button("ok", "OK"))]
    ts = (await app.client.chat_postEphemeral(channel="C0RELEASES", user="U0RELMGR", text="x", blocks=blocks))[
        "message_ts"
    ]
    refused = await driver.aact("click", user="omar", channel="#releases", ts=ts, label="OK", status=404)
    assert refused["error"]["code"] == "not_visible"
    outcome = await driver.aact("click", channel="#releases", ts=ts, label="OK")
    assert outcome["removed"] == [{"channel": "C0RELEASES", "ts": ts}]
    assert "message" not in bodies[0]
    assert bodies[0]["container"]["is_ephemeral"] is True


async def test_choices_in_a_message_are_remembered_for_their_person(app: AsyncApp, driver: Any, kit: Any) -> None:
    bodies: list[Any] = []

    @app.action("pick")
    async def picked(ack: Any, body: Any) -> None:
        bodies.append(body)
        await ack()

    options = [kit.option("One", "1"), kit.option("Two", "2")]
    ts = await post_card(app, {"type": "static_select", "action_id": "pick", "options": options})
    await driver.aact("choose", channel="#releases", ts=ts, action_id="pick", value="Two")
    assert bodies[0]["actions"][0]["selected_option"]["value"] == "2"
    assert bodies[0]["state"]["values"]["row"]["pick"]["selected_option"]["value"] == "2"
    mine = (await driver.alook("message", channel="#releases", ts=ts))["message"]["elements"][0]
    theirs = (await driver.alook("message", channel="#releases", ts=ts, user="omar"))["message"]["elements"][0]
    assert (mine["chosen"], theirs["chosen"]) == ("2", None)


async def test_options_of_an_external_select_come_from_the_bot(app: AsyncApp, driver: Any, kit: Any) -> None:
    @app.options("find")
    async def find(ack: Any, payload: Any) -> None:
        await ack(options=[kit.option(f"{payload['value']}-1", "k1")])

    chosen: list[Any] = []

    @app.action("find")
    async def on_find(ack: Any, action: Any) -> None:
        chosen.append(action["selected_option"]["value"])
        await ack()

    ts = await post_card(app, {"type": "external_select", "action_id": "find", "min_query_length": 0})
    offered = await driver.aact("suggest", channel="#releases", ts=ts, action_id="find", query="REL")
    assert offered["options"] == [{"label": "REL-1", "value": "k1", "description": None}]
    await driver.aact("choose", channel="#releases", ts=ts, action_id="find", value="REL-1")
    assert chosen == ["k1"]


async def test_two_equal_buttons_are_told_apart_by_value(app: AsyncApp, driver: Any, kit: Any) -> None:
    values: list[str] = []

    @app.action("tick")
    async def tick(ack: Any, action: Any) -> None:
        values.append(action["value"])
        await ack()

    blocks = [kit.section(n, accessory=kit.button("tick", "Done", value=n)) for n in ("1", "2")]
    ts = (await app.client.chat_postMessage(channel="C0RELEASES", text="x", blocks=blocks))["ts"]
    refused = await driver.aact("click", channel="#releases", ts=ts, action_id="tick", status=409)
    assert (refused["error"]["code"], len(refused["error"]["matches"])) == ("ambiguous", 2)
    await driver.aact("click", channel="#releases", ts=ts, action_id="tick", value="2")
    assert values == ["2"]


async def test_home_is_published_when_opened(app: AsyncApp, driver: Any, kit: Any) -> None:
    @app.event("app_home_opened")
    async def opened(event: Any, client: Any) -> None:
        blocks = [kit.section("Yours", accessory=kit.button("go", "Go"))]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    clicked: list[Any] = []

    @app.action("go")
    async def go(ack: Any, body: Any) -> None:
        clicked.append(body["view"]["type"])
        await ack()

    outcome = await driver.aact("home")
    assert outcome["home"]["plain"] == "Yours\n[Go]"
    assert (await driver.alook("home", user="omar"))["home"] is None
    await driver.aact("click", home=True, label="Go")
    assert clicked == ["home"]


async def test_shortcuts_reach_the_bot(app: AsyncApp, driver: Any) -> None:
    got: list[str] = []

    @app.shortcut("add_to_timeline")
    async def add(ack: Any, shortcut: Any) -> None:
        got.append(shortcut.get("message", {}).get("text", shortcut["type"]))
        await ack()

    ts = (await driver.aact("message", channel="#releases", text="it broke"))["messages"][0]["ts"]
    await driver.aact("shortcut", callback_id="add_to_timeline", channel="#releases", ts=ts)
    await driver.aact("shortcut", callback_id="add_to_timeline")
    assert got == ["it broke", "shortcut"]


async def test_triggers_expire_and_work_once(app: AsyncApp, driver: Any, kit: Any, workspace: Any) -> None:
    errors: list[str] = []

    @app.command("/release")
    async def release(ack: Any, command: Any, client: Any) -> None:
        await ack()
        trigger = command["trigger_id"]
        await client.views_open(trigger_id=trigger, view=kit.modal(kit.section("x")))
        for bad in (trigger, "1.2.three"):
            try:
                await client.views_open(trigger_id=bad, view=kit.modal(kit.section("x")))
            except SlackApiError as error:
                errors.append(error.response["error"])

    @app.command("/late")
    async def late(ack: Any, command: Any, client: Any) -> None:
        await ack()
        await asyncio.sleep(0.3)
        try:
            await client.views_open(trigger_id=command["trigger_id"], view=kit.modal(kit.section("x")))
        except SlackApiError as error:
            errors.append(error.response["error"])

    await driver.aact("command", channel="#releases", text="/release")
    workspace.workspace.pace.trigger_lives = 0.1
    await driver.aact("command", channel="#releases", text="/late", wait_seconds=1)
    assert errors == ["exchanged_trigger_id", "invalid_trigger_id", "expired_trigger_id"]


async def test_views_that_changed_meanwhile_conflict(app: AsyncApp, driver: Any, kit: Any) -> None:
    open_a_form(app, kit)
    view = (await driver.aact("command", channel="#releases", text="/release"))["view"]
    fresh = kit.modal(kit.section("newer"))
    updated = await app.client.views_update(view_id=view["view_id"], hash=view["hash"], view=fresh)
    assert updated["view"]["hash"] != view["hash"]
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await app.client.views_update(view_id=view["view_id"], hash=view["hash"], view=fresh)
    with pytest.raises(SlackApiError, match="not_found"):
        await app.client.views_update(view_id="V0", view=fresh)
    huge = kit.modal(*[kit.section("x" * 2900)] * 95)
    with pytest.raises(SlackApiError, match="view_too_large"):
        await app.client.views_update(view_id=view["view_id"], view=huge)


async def test_a_stack_holds_three_modals(app: AsyncApp, driver: Any, kit: Any) -> None:
    @app.command("/release")
    async def release(ack: Any, command: Any, client: Any) -> None:
        await ack()
        await client.views_open(
            trigger_id=command["trigger_id"], view=kit.modal(kit.section("1"), kit.actions(kit.button("more", "More")))
        )

    errors: list[str] = []

    @app.action("more")
    async def more(ack: Any, body: Any, client: Any) -> None:
        await ack()
        try:
            await client.views_push(
                trigger_id=body["trigger_id"], view=kit.modal(kit.actions(kit.button("more", "More")))
            )
        except SlackApiError as error:
            errors.append(error.response["error"])

    view = (await driver.aact("command", channel="#releases", text="/release"))["view"]
    for _ in range(3):
        view = (await driver.aact("click", view_id=view["view_id"], label="More"))["view"]
    assert (view["depth"], errors) == (3, ["push_limit_reached"])


async def test_options_that_slack_would_refuse_are_told(app: AsyncApp, driver: Any) -> None:
    @app.options("find")
    async def find(ack: Any) -> None:
        await ack(options=[{"text": "bare", "value": "v"}])

    ts = await post_card(app, {"type": "external_select", "action_id": "find"})
    refused = await driver.aact("suggest", channel="#releases", ts=ts, action_id="find", query="x", status=409)
    assert "[json-pointer:/options/0/text]" in refused["error"]["sentence"]


async def test_an_ack_that_slack_would_refuse_is_told(app: AsyncApp, driver: Any) -> None:
    @app.command("/release")
    async def release(ack: Any) -> None:
        await ack(blocks=[{"type": "sektion"}])

    outcome = await driver.aact("command", channel="#releases", text="/release")
    assert outcome["error"]["code"] == "invalid_response"
    assert "unsupported type: sektion" in outcome["error"]["sentence"]


async def test_a_message_that_starts_with_a_slash_is_a_command(app: AsyncApp, driver: Any) -> None:
    @app.command("/release")
    async def release(ack: Any) -> None:
        await ack("understood")

    outcome = await driver.aact("message", channel="#releases", text="/release status")
    assert [each["text"] for each in outcome["messages"]] == ["understood"]


async def test_a_button_for_others_is_not_visible(app: AsyncApp, driver: Any, kit: Any) -> None:
    ts = await post_card(app, kit.button("go", "Go", visible_to_user_ids=["U0OPSMGR"]))
    assert (await driver.alook("message", channel="#releases", ts=ts))["message"]["elements"] == []
    refused = await driver.aact("click", channel="#releases", ts=ts, label="Go", status=404)
    assert refused["error"]["code"] == "not_visible"
