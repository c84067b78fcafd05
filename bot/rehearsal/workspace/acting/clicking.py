"""Clicking buttons and choosing values in messages, modals and Home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.rehearsal.workspace.acting.answers import problem_of, state_of
from bot.rehearsal.workspace.acting.stage import Act, failure, unanswered
from bot.rehearsal.workspace.checks import Findings
from bot.rehearsal.workspace.controls import Control, Values, controls, initial_values, options_of
from bot.rehearsal.workspace.model import Channel, Json, Message, View
from bot.rehearsal.workspace.objects import OFFER
from bot.rehearsal.workspace.payloads import channel_in_payload, interaction, message_json, view_json
from bot.rehearsal.workspace.plain import read_markup
from bot.rehearsal.workspace.refusals import ActingError, NotVisibleError
from bot.rehearsal.workspace.shapes import choice_key, confirm_seen, element_seen, message_blocks

NOT_RESPONDING = "This app is not responding ({code}). Try again, or tell whoever runs it."


@dataclass(frozen=True)
class Place:
    """Where an element stands: a message in a conversation, or a view."""

    blocks: list[Json]
    values: Values
    channel: Channel | None = None
    message: Message | None = None
    view: View | None = None


async def click(act: Act) -> Json:
    """Press a button, or choose from an overflow menu or select with `value`."""
    place = find_place(act)
    control = pick(act, place)
    if control.type == "workflow_button":
        raise ActingError(409, "not_possible", "Workflows are not part of the rehearsal.")
    if control.type in ("button", "icon_button"):
        return await _press(act, place, control, _button(control))
    if control.type == "feedback_buttons":
        return await _press(act, place, control, _feedback(control, act.body.values.get("value")))
    if control.type != "overflow" and "value" not in act.body.values:
        raise ActingError(400, "bad_request", f"“{control.label}” is a {control.type}: say which 'value' to choose.")
    return await _choose(act, place, control)


async def choose(act: Act) -> Json:
    """Choose, tick, pick or type a value in an element."""
    place = find_place(act)
    control = pick(act, place)
    if control.type in ("button", "icon_button", "workflow_button", "feedback_buttons"):
        raise ActingError(409, "not_possible", f"“{control.label}” is a button: click it.")
    return await _choose(act, place, control)


async def _choose(act: Act, place: Place, control: Control) -> Json:
    value = act.body.values.get("value")
    asking = needs_confirmation(act, control)
    if asking:
        return await asking_first(act, control)
    state = state_of(act, control, value, await offered(act, place, control, value))
    problem = problem_of(control, state) if value not in (None, "", []) else None
    if problem:
        raise ActingError(400, "bad_value", f"“{control.label}”: {problem}")
    if control.has_state:
        place.values.setdefault(control.block_id, {})[control.action_id] = state
        _keep(act, place)
    if control.block["type"] == "input" and not control.block.get("dispatch_action"):
        return await act.outcome("not_needed", wait=False)
    return await _press(act, place, control, {**control.element, **state}, asked=True)


def _keep(act: Act, place: Place) -> None:
    if place.message is not None:
        act.workspace.choices[choice_key(act.person, place.message.channel, place.message.ts)] = place.values


def needs_confirmation(act: Act, control: Control) -> bool:
    """Whether a confirm dialog stands before this element."""
    return bool(control.element.get("confirm")) and not act.body.flag("confirmed")


async def asking_first(act: Act, control: Control) -> Json:
    """The outcome that shows a confirm dialog."""
    dialog = confirm_seen(control.element)
    if dialog:
        dialog["text"] = read_markup(act.workspace, act.person, dialog["text"])
    sentence = (
        f'“{control.label}” asks first. Send the same act with "confirmed": true to say “{dialog["confirm"]}”.'
        if dialog
        else ""
    )
    return await act.outcome("not_sent", failure("confirmation_needed", sentence), wait=False, confirm=dialog)


def find_place(act: Act) -> Place:
    """The message or view that the body names; NotVisibleError when this person does not see it."""
    body, onlooker = act.body, act.stage.onlooker
    if body.flag("home"):
        home = act.workspace.homes.get(act.person.id)
        if home is None:
            raise NotVisibleError(f"{act.person.name}'s Home is empty. Open it first with `home`.")
        return Place(home.blocks, home.values, view=home)
    view_id = body.maybe("view_id")
    if view_id:
        return _in_view(act, view_id)
    room = onlooker.channel(act.person, body.text("channel"))
    message = onlooker.find_message(act.person, room, body.text("ts"))
    if message is None:
        raise NotVisibleError(f"{act.person.name} sees no message {body.text('ts')} there.")
    if room.archived:
        raise ActingError(409, "is_archived", f"#{room.name} is archived.")
    blocks = message_blocks(message)
    kept = act.workspace.choices.get(choice_key(act.person, room.id, message.ts))
    return Place(blocks, initial_values(blocks, keeping=kept), channel=room, message=message)


def _in_view(act: Act, view_id: str) -> Place:
    view = act.workspace.find_view(view_id)
    if view is None or view.owner != act.person.id:
        raise NotVisibleError(f"{act.person.name} has no view {view_id} open.")
    stack = act.workspace.stack(act.person.id)
    if view.type == "modal" and stack[-1] is not view:
        raise ActingError(409, "covered", "Another modal lies on top of that one. Close it first.")
    return Place(view.blocks, view.values, view=view)


def pick(act: Act, place: Place) -> Control:
    """The one element that the body names by action_id, block_id, label or value."""
    body = act.body
    names = {name: body.maybe(name) for name in ("action_id", "block_id", "label")}
    if not any(names.values()):
        raise ActingError(400, "bad_request", "Say which element: 'action_id', 'block_id' or 'label'.")
    shown = [each for each in controls(place.blocks) if each.shown_to(act.person.id)]
    found = [each for each in shown if all(_matches(each, name, wanted) for name, wanted in names.items())]
    if len(found) > 1 and body.values.get("value") is not None:
        narrowed = [each for each in found if each.element.get("value") == body.values["value"]]
        found = narrowed or found
    if not found:
        labels = ", ".join(f"{each.label!r} ({each.action_id})" for each in shown) or "nothing"
        raise NotVisibleError(f"{act.person.name} sees no such element there. There is: {labels}.")
    if len(found) > 1:
        matches = [element_seen(each, place.values) for each in found]
        sentence = f"{len(found)} elements match. Add 'block_id', 'label' or 'value'."
        raise ActingError(409, "ambiguous", sentence, matches=matches)
    return found[0]


def _matches(control: Control, name: str, wanted: str | None) -> bool:
    if wanted is None:
        return True
    have = str(getattr(control, name))
    return have.casefold() == wanted.casefold() if name == "label" else have == wanted


def _button(control: Control) -> Json:
    kept = ("type", "action_id", "text", "value", "style", "url", "icon", "confirm", "accessibility_label")
    return {key: control.element[key] for key in kept if key in control.element}


def _feedback(control: Control, value: Any) -> Json:
    for key in ("positive_button", "negative_button"):
        each = control.element[key]
        if value in (each["value"], each["text"]["text"]):
            return {
                "type": "feedback_buttons",
                "action_id": control.action_id,
                "text": each["text"],
                "value": each["value"],
            }
    raise ActingError(400, "bad_request", "Say which of the two feedback buttons with 'value'.")


async def _press(act: Act, place: Place, control: Control, action: Json, *, asked: bool = False) -> Json:
    if not asked and needs_confirmation(act, control):
        return await asking_first(act, control)
    hidden = ("options", "option_groups", "focus_on_load", "dispatch_action_config")
    action = {key: value for key, value in action.items() if key not in hidden}
    action |= {"block_id": control.block_id, "action_ts": act.workspace.next_ts()}
    payload = {**interaction(act.workspace, "block_actions", act.person), **_context(act, place), "actions": [action]}
    act.mark()
    ack = await act.stage.delivery.interaction(payload)
    if ack.state == "ok":
        return await act.outcome("empty" if not ack.payload else "message")
    code = unanswered(ack)
    return await act.outcome("none", failure(code, NOT_RESPONDING.format(code=code)))


def _context(act: Act, place: Place) -> Json:
    if place.view is not None:
        return {
            "container": {"type": "view", "view_id": place.view.id},
            "view": view_json(act.workspace, place.view),
        }
    assert place.message is not None
    assert place.channel is not None
    message, ephemeral = place.message, place.message.only_for is not None
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": ephemeral,
    }
    if message.thread_ts and message.thread_ts != message.ts:
        container["thread_ts"] = message.thread_ts
    context: Json = {
        "container": container,
        "channel": channel_in_payload(place.channel),
        "state": {"values": place.values},
        "response_url": act.workspace.new_response_url(
            act.person.id, message.channel, ts=message.ts, thread_ts=message.thread_ts
        ),
    }
    shown = {} if ephemeral else {"message": message_json(act.workspace, message)}
    return context | shown


async def offered(act: Act, place: Place, control: Control, value: Any) -> list[Json]:
    """The options of an element; those of an external select are asked from the bot, with `value` as the query."""
    if control.type not in ("external_select", "multi_external_select"):
        return options_of(control.element)
    key = _offer_key(act, place, control)
    known = [*act.workspace.offered.get(key, []), *_initial(control)]
    wanted = value if isinstance(value, list) else [value]
    for each in wanted:
        if each not in (None, "") and not any(each in (o.get("value"), o["text"]["text"]) for o in known):
            known += await suggest_options(act, place, control, str(each))
    return known


def _initial(control: Control) -> list[Json]:
    initial = control.element.get("initial_options") or [control.element.get("initial_option")]
    return [each for each in initial if each]


def _offer_key(act: Act, place: Place, control: Control) -> str:
    where = place.view.id if place.view else f"{place.message.channel} {place.message.ts}" if place.message else ""
    return f"{act.person.id} {where} {control.block_id} {control.action_id}"


async def suggest(act: Act) -> Json:
    """Ask the bot for the options of an external select."""
    place = find_place(act)
    control = pick(act, place)
    if control.type not in ("external_select", "multi_external_select"):
        raise ActingError(409, "not_possible", f"“{control.label}” is a {control.type}: its options are known.")
    query = act.body.maybe("query") or ""
    options = await suggest_options(act, place, control, query)
    shown = [{"label": o["text"]["text"], "value": o.get("value"), "description": None} for o in options]
    return await act.outcome("options", wait=False, options=shown)


async def suggest_options(act: Act, place: Place, control: Control, query: str) -> list[Json]:
    """What the bot offers for a query; ActingError when it does not answer with options."""
    payload = {
        **interaction(act.workspace, "block_suggestion", act.person),
        **{key: value for key, value in _context(act, place).items() if key not in ("state", "response_url")},
        "action_id": control.action_id,
        "block_id": control.block_id,
        "value": query,
    }
    ack = await act.stage.delivery.interaction(payload)
    answer = ack.payload if isinstance(ack.payload, dict) else {}
    found: Findings = []
    OFFER(answer, "", found)
    if ack.state != "ok" or found:
        reasons = " ".join(each.line() for each in found)
        sentence = f"The bot did not answer with options for “{control.label}”. {reasons}".strip()
        raise ActingError(409, "no_options", sentence)
    options = options_of(answer)
    act.workspace.offered[_offer_key(act, place, control)] = options
    return options
