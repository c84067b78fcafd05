"""Typing: slash commands, messages, mentions, edits, reactions."""

from __future__ import annotations

import uuid

from bot.rehearsal.workspace import answering, cast, posting
from bot.rehearsal.workspace.acting.markup import rich_text, to_markup
from bot.rehearsal.workspace.acting.stage import Act, failure, unanswered
from bot.rehearsal.workspace.delivery import Ack
from bot.rehearsal.workspace.model import Channel, Json, Message
from bot.rehearsal.workspace.payloads import channel_in_payload, message_json
from bot.rehearsal.workspace.plain import escape
from bot.rehearsal.workspace.refusals import ActingError, NotVisibleError, SlackError

TEXT_MOST = 12_000
INVALID_COMMAND = (
    "{command} is not a valid command. In Slack, all messages that start with the “/” character are interpreted as "
    "commands. If you are trying to send a message and not run a command, try preceding the “/” with an empty space."
)


async def command(act: Act) -> Json:
    """A slash command, in a conversation's message box."""
    room, typed = act.channel(), act.body.text("text").strip()
    if not typed.startswith("/"):
        raise ActingError(400, "bad_request", "A command starts with “/”; use `message` for plain words.")
    name, _, rest = typed.partition(" ")
    act.mark()
    if act.body.maybe("thread_ts"):
        return await _slackbot(act, room, "not_in_threads", f"{name} is not supported in threads. Sorry!")
    manifest = act.workspace.manifest
    if not manifest.knows_command(name):
        return await _slackbot(act, room, "invalid_command", INVALID_COMMAND.format(command=name))
    text = to_markup(act.workspace, rest.strip(), labels=True) if manifest.escapes(name) else escape(rest.strip())
    ack = await act.stage.delivery.command(_payload(act, room, name, text))
    if ack.state != "ok":
        code = unanswered(ack)
        return await _slackbot(act, room, code, f"{name} failed with the error “{code}”")
    return await _shown(act, room, ack)


def _payload(act: Act, room: Channel, name: str, text: str) -> Json:
    return {
        "token": "rehearsal-verification-token",
        "team_id": cast.TEAM_ID,
        "team_domain": cast.TEAM_DOMAIN,
        "channel_id": room.id,
        "channel_name": channel_in_payload(room)["name"],
        "user_id": act.person.id,
        "user_name": act.person.handle,
        "command": name,
        "text": text,
        "api_app_id": cast.APP_ID,
        "is_enterprise_install": "false",
        "response_url": act.workspace.new_response_url(act.person.id, room.id),
        "trigger_id": act.workspace.new_trigger(act.person.id),
    }


async def _slackbot(act: Act, room: Channel, code: str, sentence: str) -> Json:
    posting.slackbot_says(act.workspace, act.person.id, room.id, sentence)
    delivered = code in ("operation_timeout", "dispatch_failed")
    return await act.outcome("none" if delivered else "not_sent", failure(code, sentence))


async def _shown(act: Act, room: Channel, ack: Ack) -> Json:
    if not answering.says_something(ack.payload):
        return await act.outcome("empty")
    try:
        answering.speak(act.workspace, ack.payload, act.person.id, room.id)
    except SlackError as error:
        return await act.outcome("message", failure("invalid_response", refused(error)))
    return await act.outcome("message")


def refused(error: SlackError) -> str:
    """A sentence for something in the bot's answer that Slack would not show."""
    details = error.fields.get("errors") or error.fields.get("response_metadata", {}).get("messages") or []
    return f"Slack would refuse the bot's answer: {error.code}. " + " ".join(map(str, details))


async def message(act: Act) -> Json:
    """A plain message, perhaps in a thread, perhaps with files; one that starts with “/” is a command, as in Slack."""
    if (act.body.maybe("text") or "").startswith("/"):
        return await command(act)
    return await _say(act, act.body.maybe("text") or "")


async def mention(act: Act) -> Json:
    """A message that begins with the bot's name."""
    return await _say(act, f"<@{cast.BOT_USER_ID}> {act.body.maybe('text') or ''}".strip())


async def _say(act: Act, typed: str) -> Json:
    room = act.channel()
    files = _own_files(act)
    if not typed.strip() and not files:
        raise ActingError(400, "no_text", "A message needs text or files.")
    if len(typed) > TEXT_MOST:
        raise ActingError(
            400, "msg_too_long", f"A typed message may hold {TEXT_MOST} characters; this has {len(typed)}."
        )
    say(act, room, typed, files)
    act.mark()
    return await act.outcome("not_needed")


def say(act: Act, room: Channel, typed: str, files: list[str]) -> Message:
    """Post as the acting person."""
    markup = to_markup(act.workspace, typed)
    thread = _thread(act, room)
    said = Message(
        channel=room.id,
        ts=act.workspace.next_ts(),
        user=act.person.id,
        text=markup,
        blocks=rich_text(act.workspace, markup),
        thread_ts=thread,
        broadcast=bool(thread) and act.body.flag("broadcast"),
        files=files,
        client_msg_id=str(uuid.uuid4()),
    )
    return posting.post(act.workspace, said)


def _thread(act: Act, room: Channel) -> str | None:
    asked = act.body.maybe("thread_ts")
    if asked is None:
        return None
    head = act.workspace.find_message(room.id, asked)
    if head is None:
        raise NotVisibleError(f"There is no message {asked} to reply to.", "thread_not_found")
    return head.thread_ts or head.ts


def _own_files(act: Act) -> list[str]:
    files = act.body.several("files")
    for id_ in files:
        file = act.workspace.files.get(str(id_))
        if file is None or file.user != act.person.id:
            raise NotVisibleError(f"{act.person.name} uploaded no file {id_!r}.", "file_not_found")
    return [str(id_) for id_ in files]


def _own_message(act: Act) -> Message:
    room = act.channel()
    found = act.stage.onlooker.find_message(act.person, room, act.body.text("ts"))
    if found is None:
        raise NotVisibleError("There is no such message.", "message_not_found")
    if found.user != act.person.id:
        raise ActingError(403, "not_yours", "Only one's own messages can be changed.")
    return found


async def edit(act: Act) -> Json:
    """Change one's own message."""
    found = _own_message(act)
    before = message_json(act.workspace, found)
    found.text = to_markup(act.workspace, act.body.text("text"))
    found.blocks = rich_text(act.workspace, found.text)
    found.edited_ts = act.workspace.next_ts()
    posting.edit(act.workspace, found, before)
    act.mark()
    return await act.outcome("not_needed")


async def delete(act: Act) -> Json:
    """Take one's own message back."""
    posting.delete(act.workspace, _own_message(act))
    act.mark()
    return await act.outcome("not_needed")


async def react(act: Act) -> Json:
    """Add or remove a reaction."""
    room = act.channel()
    found = act.workspace.find_message(room.id, act.body.text("ts"))
    if found is None:
        raise NotVisibleError("There is no such message.", "message_not_found")
    name, remove = act.body.text("name").strip(":"), act.body.flag("remove")
    if not posting.react(act.workspace, found, act.person.id, name, remove=remove):
        raise ActingError(409, "no_change", f":{name}: is already as asked for.")
    act.mark()
    return await act.outcome("not_needed")
