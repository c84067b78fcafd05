"""Submitting and closing modals."""

from __future__ import annotations

from typing import Any

from bot.rehearsal.workspace.acting.answers import problem_of, state_of
from bot.rehearsal.workspace.acting.clicking import Place, find_place, offered
from bot.rehearsal.workspace.acting.saying import refused
from bot.rehearsal.workspace.acting.stage import Act, failure
from bot.rehearsal.workspace.controls import Control, controls
from bot.rehearsal.workspace.model import Json, View
from bot.rehearsal.workspace.payloads import interaction, view_json
from bot.rehearsal.workspace.refusals import ActingError, NotVisibleError, SlackError
from bot.rehearsal.workspace.web.views import checked_view, fill_view, put_on_top

TROUBLE = "We had some trouble connecting. Try again?"


async def submit(act: Act) -> Json:
    """Fill a modal's fields, then press its submit button."""
    act.body.text("view_id")
    place = find_place(act)
    view = place.view
    assert view is not None
    if view.type != "modal" or view.submit is None:
        raise ActingError(409, "not_possible", "This view has no submit button.")
    await _fill(act, place)
    problems = _problems(place)
    view.errors = problems
    if problems:
        return await act.outcome("not_sent", wait=False, field_errors=problems)
    act.mark()
    payload = {**interaction(act.workspace, "view_submission", act.person), "view": view_json(act.workspace, view)}
    ack = await act.stage.delivery.interaction(payload | {"response_urls": _response_urls(act, view)})
    if ack.state != "ok":
        return await act.outcome("none", failure("trouble_connecting", TROUBLE), wait=False)
    return await _follow(act, view, ack.payload)


async def _fill(act: Act, place: Place) -> None:
    values = act.body.values.get("values") or {}
    if not isinstance(values, dict):
        raise ActingError(400, "bad_request", "'values' must be an object: field to value.")
    fields = [each for each in controls(place.blocks) if each.has_state and each.shown_to(act.person.id)]
    for name, value in values.items():
        control = _field(fields, name)
        state = state_of(act, control, value, await offered(act, place, control, value))
        place.values.setdefault(control.block_id, {})[control.action_id] = state


def _field(fields: list[Control], name: str) -> Control:
    for key in ("block_id", "action_id", "label"):
        found = [each for each in fields if str(getattr(each, key)).casefold() == name.casefold()]
        if len(found) == 1:
            return found[0]
        if found:
            labels = ", ".join(f"{each.block_id} ({each.label})" for each in found)
            raise ActingError(409, "ambiguous", f"{len(found)} fields are called {name!r}. Use the block id: {labels}.")
    known = ", ".join(f"{each.block_id} ({each.label})" for each in fields) or "none"
    raise NotVisibleError(f"The modal has no field {name!r}. It has: {known}.", "no_such_field")


def _problems(place: Place) -> dict[str, str]:
    problems: dict[str, str] = {}
    for control in controls(place.blocks):
        if control.has_state:
            problem = problem_of(control, place.values[control.block_id][control.action_id])
            if problem:
                problems[control.block_id] = problem
    return problems


def _response_urls(act: Act, view: View) -> list[Json]:
    urls = []
    for control in controls(view.blocks):
        if control.element.get("response_url_enabled"):
            state = view.values[control.block_id][control.action_id]
            channel = state.get("selected_conversation") or state.get("selected_channel")
            if channel:
                url = act.workspace.new_response_url(act.person.id, channel)
                ids = {"block_id": control.block_id, "action_id": control.action_id}
                urls.append({**ids, "channel_id": channel, "response_url": url})
    return urls


async def _follow(act: Act, view: View, answer: Any) -> Json:
    action = answer.get("response_action") if isinstance(answer, dict) else None
    try:
        if action == "errors":
            return await _refuse(act, view, answer.get("errors"))
        if action in ("update", "push"):
            return await _show(act, view, action, checked_view(answer.get("view"), "modal"))
    except SlackError as error:
        return await act.outcome(str(action), failure("invalid_response", refused(error)), wait=False)
    if action not in (None, "clear"):
        sentence = f"Slack knows no response_action {action!r}."
        return await act.outcome("none", failure("invalid_response", sentence), wait=False)
    _dismiss(act, view, everything=action == "clear")
    return await act.outcome(action or "empty")


async def _refuse(act: Act, view: View, errors: Any) -> Json:
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        sentence = f"The errors must name input blocks of the modal ({', '.join(sorted(inputs))}), not {errors!r}."
        return await act.outcome("errors", failure("invalid_response", sentence), wait=False)
    view.errors = {str(block): str(sentence) for block, sentence in errors.items()}
    act.workspace.view_changed(view)
    return await act.outcome("errors", field_errors=view.errors)


async def _show(act: Act, view: View, action: str, given: Json) -> Json:
    if action == "push":
        put_on_top(act.workspace, act.person.id, given)
    else:
        fill_view(act.workspace, view, given)
        act.workspace.view_changed(view)
    return await act.outcome(action)


def _dismiss(act: Act, view: View, *, everything: bool) -> list[View]:
    stack = act.workspace.stack(act.person.id)
    if view not in stack:  # the bot replaced the stack meanwhile
        return []
    gone = list(stack) if everything else [view]
    for each in gone:
        stack.remove(each)
        act.own(act.workspace.view_changed(each))
    return gone


async def close(act: Act) -> Json:
    """Close the top modal, or the whole stack; the bot is told when it asked to be."""
    act.body.text("view_id")
    view = find_place(act).view
    assert view is not None
    if view.type != "modal":
        raise ActingError(409, "not_possible", "A Home cannot be closed.")
    everything = act.body.flag("all") or view.clear_on_close
    gone = _dismiss(act, view, everything=everything)
    act.mark()
    told = [each for each in reversed(gone) if each.notify_on_close]
    for each in told:
        payload = {**interaction(act.workspace, "view_closed", act.person), "view": view_json(act.workspace, each)}
        await act.stage.delivery.interaction(payload | {"is_cleared": everything})
    return await act.outcome("empty" if told else "not_needed", wait=bool(told))
