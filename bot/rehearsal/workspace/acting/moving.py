"""Everything else a person does: uploads, shortcuts, opening Home, joining and leaving."""

from __future__ import annotations

from bot.rehearsal.workspace import cast, posting
from bot.rehearsal.workspace.acting.answers import keep_file, problem_of, state_of
from bot.rehearsal.workspace.acting.clicking import NOT_RESPONDING, find_place, pick
from bot.rehearsal.workspace.acting.saying import say
from bot.rehearsal.workspace.acting.stage import Act, failure, unanswered
from bot.rehearsal.workspace.model import Json
from bot.rehearsal.workspace.payloads import channel_in_payload, interaction, message_json, view_json
from bot.rehearsal.workspace.refusals import ActingError, NotVisibleError
from bot.rehearsal.workspace.shapes import file_seen


async def upload(act: Act) -> Json:
    """Put a file into a conversation, or into a modal's file input, or keep it for a message to come."""
    content = act.body.values.get("content_base64")
    if act.body.maybe("view_id"):
        return await _into_modal(act, content)
    room = act.channel() if act.body.maybe("channel") else None
    if room is None and act.body.flag("share", True):
        raise ActingError(400, "bad_request", "Say where to: 'channel', or 'view_id', or \"share\": false.")
    file = keep_file(act, act.body.text("filename"), content)
    if room is not None and act.body.flag("share", True):
        say(act, room, act.body.maybe("text") or "", [file.id])
        act.mark()
        return await act.outcome("not_needed", file=file_seen(act.person, file))
    return await act.outcome("not_needed", wait=False, file=file_seen(act.person, file))


async def _into_modal(act: Act, content: object) -> Json:
    place = find_place(act)
    control = pick(act, place)
    if control.type != "file_input":
        raise ActingError(409, "not_possible", f"“{control.label}” is a {control.type} and takes no files.")
    there = place.values[control.block_id][control.action_id]["files"]
    file = keep_file(act, act.body.text("filename"), content)
    state = state_of(act, control, [*(each["id"] for each in there), file.id], [])
    problem = problem_of(control, state)
    if problem:
        raise ActingError(409, "bad_value", problem)
    place.values[control.block_id][control.action_id] = state
    return await act.outcome("not_needed", wait=False, file=file_seen(act.person, file))


async def shortcut(act: Act) -> Json:
    """Use a global shortcut, or a message shortcut on a message."""
    callback_id = act.body.text("callback_id")
    kind = "message" if act.body.maybe("ts") else "global"
    _known_shortcut(act, callback_id, kind)
    payload = interaction(act.workspace, "message_action" if kind == "message" else "shortcut", act.person)
    payload |= {"callback_id": callback_id, "action_ts": act.workspace.next_ts()}
    if kind == "message":
        payload |= _on_message(act)
    act.mark()
    ack = await act.stage.delivery.interaction(payload)
    if ack.state == "ok":
        return await act.outcome("empty")
    code = unanswered(ack)
    return await act.outcome("none", failure(code, NOT_RESPONDING.format(code=code)))


def _known_shortcut(act: Act, callback_id: str, kind: str) -> None:
    manifest = act.workspace.manifest
    known = {each["callback_id"]: each["type"] for each in manifest.shortcuts}
    if manifest.given and known.get(callback_id) != kind:
        names = ", ".join(f"{name} ({what})" for name, what in known.items()) or "none"
        raise NotVisibleError(f"There is no {kind} shortcut {callback_id!r}. There are: {names}.", "no_such_shortcut")


def _on_message(act: Act) -> Json:
    room = act.stage.onlooker.channel(act.person, act.body.text("channel"))
    message = act.workspace.find_message(room.id, act.body.text("ts"))
    if message is None:
        raise NotVisibleError(
            "There is no such message, or it is ephemeral: those have no shortcuts.", "message_not_found"
        )
    return {
        "channel": channel_in_payload(room),
        "message": message_json(act.workspace, message),
        "message_ts": message.ts,
        "response_url": act.workspace.new_response_url(
            act.person.id, room.id, ts=message.ts, thread_ts=message.thread_ts
        ),
    }


async def open_home(act: Act) -> Json:
    """Open the bot's Home tab."""
    _tell_opened(act, "home")
    act.mark()
    outcome = await act.outcome("not_needed")
    return outcome | {"home": act.stage.onlooker.see_home(act.person.id)["home"]}


async def open_dm(act: Act) -> Json:
    """Open the messages tab with the bot."""
    _tell_opened(act, "messages")
    act.mark()
    return await act.outcome("not_needed", wait=False)


def _tell_opened(act: Act, tab: str) -> None:
    room = act.workspace.direct_channel(act.person.id, cast.BOT_USER_ID)
    event: Json = {
        "type": "app_home_opened",
        "user": act.person.id,
        "channel": room.id,
        "tab": tab,
        "event_ts": act.workspace.next_ts(),
    }
    home = act.workspace.homes.get(act.person.id)
    if tab == "home" and home is not None:
        event["view"] = view_json(act.workspace, home)
    act.workspace.happened("app_home_opened", event)


async def join(act: Act) -> Json:
    """Join a public channel."""
    room = act.stage.onlooker.channel(act.person, act.body.text("channel"))
    posting.join(act.workspace, act.person.id, room)
    return await act.outcome("not_needed", wait=False)


async def leave(act: Act) -> Json:
    """Leave a channel."""
    room = act.channel()
    if room.kind == "im":
        raise ActingError(409, "not_possible", "A direct message cannot be left.")
    posting.leave(act.workspace, act.person.id, room)
    return await act.outcome("not_needed", wait=False)


async def invite(act: Act) -> Json:
    """Bring somebody, or the bot, into a channel."""
    room, user = act.channel(), _somebody(act)
    if room.kind == "im":
        raise ActingError(409, "not_possible", "Nobody can be invited into a direct message.")
    if not posting.join(act.workspace, user, room, inviter=act.person.id):
        raise ActingError(409, "already_in_channel", "They are in that channel already.")
    act.mark()
    return await act.outcome("not_needed", wait=False)


async def kick(act: Act) -> Json:
    """Remove somebody, or the bot, from a channel."""
    room, user = act.channel(), _somebody(act)
    if room.kind == "im" or user not in room.members:
        raise ActingError(409, "not_in_channel", "They are not in that channel.")
    posting.leave(act.workspace, user, room)
    return await act.outcome("not_needed", wait=False)


def _somebody(act: Act) -> str:
    wanted = act.body.text("user").removeprefix("@")
    for person in act.workspace.people.values():
        if wanted in (person.id, person.handle) and person.active and person.id != cast.SLACKBOT_ID:
            return person.id
    raise NotVisibleError(f"There is nobody active called {wanted!r}.", "user_not_found")


async def read(act: Act) -> Json:
    """Mark a conversation as read."""
    room = act.stage.onlooker.channel(act.person, act.body.text("channel"))
    messages = act.workspace.messages.get(room.id, [])
    if messages:
        act.workspace.read_marks[f"{act.person.id} {room.id}"] = messages[-1].ts
    return await act.outcome("not_needed", wait=False)
