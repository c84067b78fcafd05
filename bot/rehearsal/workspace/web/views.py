"""The views methods: opening, pushing, updating modals, publishing Homes."""

from __future__ import annotations

import itertools
import secrets
import time
from typing import Any

from bot.rehearsal.workspace import controls
from bot.rehearsal.workspace.blocks import fill_ids
from bot.rehearsal.workspace.model import Json, View
from bot.rehearsal.workspace.payloads import view_json
from bot.rehearsal.workspace.refusals import SlackError
from bot.rehearsal.workspace.views import check_view, too_large
from bot.rehearsal.workspace.web.arguments import Arguments, invalid_arguments
from bot.rehearsal.workspace.workspace import Workspace

STACK_MOST = 3


def checked_view(view: Any, kind: str, at: str = "/view") -> Json:
    """A view without findings; `invalid_arguments` with pointers, or `view_too_large`."""
    if too_large(view):
        raise SlackError("view_too_large")
    found = check_view(view, kind, at)
    if found:
        raise invalid_arguments(found)
    checked: Json = view
    return checked


def _given_view(arguments: Arguments, kind: str) -> Json:
    if "view" not in arguments:
        raise invalid_arguments(check_view(None, kind))
    return checked_view(arguments.nested("view"), kind)


def _use_trigger(workspace: Workspace, arguments: Arguments) -> str:
    id_ = arguments.text("trigger_id") or arguments.text("interactivity_pointer")
    trigger = workspace.triggers.get(id_)
    if not id_:
        raise SlackError("invalid_arguments", response_metadata={"messages": ["invalid `trigger_id`"]})
    if trigger is None:
        raise SlackError("invalid_trigger_id")
    if trigger.used:
        raise SlackError("exchanged_trigger_id")
    if time.monotonic() > trigger.expires:
        raise SlackError("expired_trigger_id")
    return id_


def new_view(workspace: Workspace, owner: str, given: Json) -> View:
    """A stored view made from a checked payload, with all ids filled in."""
    id_ = workspace.next_id("V")
    view = View(id=id_, owner=owner, type=given["type"], blocks=[], hash="", root_view_id=id_)
    fill_view(workspace, view, given)
    return view


def fill_view(workspace: Workspace, view: View, given: Json) -> None:
    """Put a checked payload into a view, keeping what the person filled into inputs that remain."""
    view.blocks = fill_ids(given["blocks"], workspace.fresh_name)
    for name in ("title", "submit", "close"):
        setattr(view, name, given.get(name))
    for name in ("private_metadata", "callback_id", "external_id"):
        setattr(view, name, given.get(name) or "")
    view.notify_on_close = bool(given.get("notify_on_close"))
    view.clear_on_close = bool(given.get("clear_on_close"))
    view.hash = f"{int(time.time())}.{secrets.token_urlsafe(6)}"
    view.values = controls.initial_values(view.blocks, keeping=view.values)
    view.errors = {}


def _unused_external_id(workspace: Workspace, given: Json, but: View | None = None) -> None:
    """`duplicate_external_id` when another view of the team has it, modal or Home."""
    external = given.get("external_id")
    views = itertools.chain(*workspace.modals.values(), workspace.homes.values())
    if external and any(view.external_id == external and view is not but for view in views):
        raise SlackError("duplicate_external_id")


def open_view(workspace: Workspace, arguments: Arguments) -> Json:
    """views.open: a new stack for the person of the trigger"""
    given = _given_view(arguments, "modal")
    trigger = workspace.triggers[_use_trigger(workspace, arguments)]
    _unused_external_id(workspace, given)
    trigger.used = True
    view = new_view(workspace, trigger.user, given)
    workspace.modals[trigger.user] = [view]
    workspace.view_changed(view)
    return {"view": view_json(workspace, view)}


def push_view(workspace: Workspace, arguments: Arguments) -> Json:
    """views.push: on top of the modal that the trigger came from"""
    given = _given_view(arguments, "modal")
    trigger = workspace.triggers[_use_trigger(workspace, arguments)]
    stack = workspace.stack(trigger.user)
    if not stack:
        raise SlackError("not_found")
    _unused_external_id(workspace, given)
    view = put_on_top(workspace, trigger.user, given)
    trigger.used = True
    return {"view": view_json(workspace, view)}


def put_on_top(workspace: Workspace, owner: str, given: Json) -> View:
    """Push a checked view on somebody's stack; `push_limit_reached` above three."""
    stack = workspace.stack(owner)
    if len(stack) >= STACK_MOST:
        raise SlackError("push_limit_reached")
    view = new_view(workspace, owner, given)
    view.previous_view_id = stack[-1].id
    view.root_view_id = stack[0].id
    stack.append(view)
    workspace.view_changed(view)
    return view


def update_view(workspace: Workspace, arguments: Arguments) -> Json:
    """views.update: by view_id or external_id; a stale hash is `hash_conflict`"""
    view = _named_view(workspace, arguments)
    given = _given_view(arguments, view.type if view else "modal")
    if view is None:
        raise SlackError("not_found")
    if arguments.text("hash") and arguments.text("hash") != view.hash:
        raise SlackError("hash_conflict")
    _unused_external_id(workspace, given, view)
    fill_view(workspace, view, given)
    workspace.view_changed(view)
    return {"view": view_json(workspace, view)}


def _named_view(workspace: Workspace, arguments: Arguments) -> View | None:
    if arguments.text("view_id"):
        return workspace.find_view(arguments.text("view_id"))
    external = arguments.text("external_id")
    if not external:
        raise SlackError("invalid_arguments")
    views = [view for stack in workspace.modals.values() for view in stack if view.external_id == external]
    return views[0] if views else None


def publish_view(workspace: Workspace, arguments: Arguments) -> Json:
    """views.publish: somebody's Home"""
    owner = arguments.required("user_id")
    person = workspace.people.get(owner)
    if person is None or person.bot or not person.active:
        raise SlackError("invalid_arguments" if person is None else "user_not_found")
    given = _given_view(arguments, "home")
    home = workspace.homes.get(owner)
    if home and arguments.text("hash") and arguments.text("hash") != home.hash:
        raise SlackError("hash_conflict")
    _unused_external_id(workspace, given, home)
    if home:
        fill_view(workspace, home, given)
    else:
        home = workspace.homes[owner] = new_view(workspace, owner, given)
    workspace.view_changed(home)
    return {"view": view_json(workspace, home)}
