"""What Slack sends us, read into our words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from handlers.conversation import Place, clean
from handlers.slack.clicks import Click, pack_args, unpack_args
from handlers.slack.forms import read_submission, sent_files
from handlers.slack.message_words import message_words, program_of
from handlers.slack.mrkdwn import CHANNEL, PERSON
from release_core.errors import NotFound, Unclear

Payload = Mapping[str, Any]

_MENTION = r"<@[UW][A-Z0-9]+(?:\|[^>]*)?>"
_KEY_ALONE = re.compile(r"\s*rel-?\d+\s*", re.IGNORECASE)
# Only these kinds of message are a person speaking anew; edits, joins and the like are not.
FILE_ALONE = "attach"
_SPOKEN = (None, "file_share", "thread_broadcast")


@dataclass(frozen=True)
class Carried:
    """What a modal carries from where it was opened to where it is submitted.

    `step` tells that it follows a form that was submitted already; `depth` counts the modals on the stack; `home` is
    the part of Home that it was opened from, None for what was opened elsewhere.
    """

    verb: str
    args: Mapping[str, Any] = field(default_factory=dict)
    place: Place = field(default_factory=Place)
    depth: int = 1
    step: bool = False
    home: str | None = None

    def written(self) -> str:
        """As `private_metadata`."""
        packed = {
            "v": self.verb,
            "a": pack_args(self.args),
            "p": [self.place.channel, self.place.thread, self.place.direct],
            "n": self.depth,
            "s": self.step,
            "h": self.home,
        }
        return json.dumps(packed, ensure_ascii=False, separators=(",", ":"))


def read_carried(view: Payload) -> Carried:
    """What a modal carries; Unclear when it is none of ours."""
    try:
        match json.loads(view.get("private_metadata") or "null"):
            case {
                "v": str(verb),
                "a": dict(args),
                "p": [str(channel), None | str() as thread, bool(direct)],
                "n": int(depth),
                "s": bool(step),
                "h": None | str() as home,
            }:
                place = Place(clean(channel), thread, direct)
                return Carried(clean(verb), unpack_args(args), place, depth, step, home)
    except (ValueError, RecursionError):
        pass
    raise Unclear("This form was drawn by an older version of Rollcall. Close it and open it again.")


def submitted(view: Payload) -> tuple[Carried, Click]:
    """What a submitted modal asks for; fields win over what it carried."""
    carried = read_carried(view)
    return carried, Click(carried.verb, {**carried.args, **read_submission(view)})


def asker(payload: Payload) -> str:
    """The id of the person who acted, wherever Slack puts it; "" when there is none."""
    user = payload.get("user_id") or payload.get("user") or ""
    found = user.get("id") if isinstance(user, Mapping) else user
    return found if isinstance(found, str) and PERSON.fullmatch(found) else ""


def page_of(view: Payload) -> str | None:
    """The part of Home that somebody sees, or from which the modal that they see was opened; None elsewhere."""
    if view.get("type") == "home":
        return clean(str(view.get("private_metadata") or ""))
    return read_carried(view).home if view.get("type") == "modal" else None


def command_place(body: Payload) -> Place:
    """Where a slash command was typed; Slack knows no threads for them."""
    channel = clean(str(body.get("channel_id") or ""))
    return Place(channel, None, channel.startswith("D"))


def event_place(event: Payload) -> Place:
    """Where something was said."""
    channel = clean(str(event.get("channel") or ""))
    thread = event.get("thread_ts")
    return Place(channel, str(thread) if thread else None, channel.startswith("D"))


def click_place(body: Payload) -> Place:
    """Where the clicked message stands; nowhere for Home, the carried place for a modal.

    The head of a thread stands in its channel: an answer inside its thread is lost on everybody who has it closed.
    """
    view = body.get("view")
    if isinstance(view, Mapping):
        return read_carried(view).place if view.get("type") == "modal" else Place()
    container = body.get("container") or {}
    channel = clean(str((body.get("channel") or {}).get("id") or container.get("channel_id") or ""))
    thread = (body.get("message") or {}).get("thread_ts") or container.get("thread_ts")
    inside = thread and str(thread) != clicked_message(body)
    return Place(channel, str(thread) if inside else None, channel.startswith("D"))


def clicked_message(body: Payload) -> str | None:
    """The ts of the clicked message."""
    found = (body.get("container") or {}).get("message_ts") or (body.get("message") or {}).get("ts")
    return str(found) if found else None


def is_spoken(event: Payload) -> bool:
    """Whether a person said this just now: no bot, no edit, no notice of Slack's."""
    return not event.get("bot_id") and event.get("subtype") in _SPOKEN and bool(asker(event))


def spoken_text(event: Payload) -> str:
    """The words of a message without the mention that calls us: the first word, or the last where we were mentioned."""
    text = str(event.get("text") or "")
    spoken, found = re.subn(rf"^\s*(?:(?:hey|hi)\s+)?{_MENTION}[\s,:]*", "", text, flags=re.IGNORECASE)
    if found or event.get("type") != "app_mention":
        return spoken
    return re.sub(rf"[\s,]*{_MENTION}[\s.!?]*$", "", text)


def spoken_words(event: Payload) -> str:
    """`spoken_text`; a file that comes without a word, or with a release's key alone, asks to be attached."""
    text = spoken_text(event)
    if not event.get("files"):
        return text
    if _KEY_ALONE.fullmatch(text):
        return f"{FILE_ALONE} {text.strip()}"
    return text if text.strip() else FILE_ALONE


def unknown_beside_files(unknown: NotFound, event: Payload) -> NotFound:
    """A refusal of words that came with files, with how the files are attached: words that are no verb do nothing."""
    names = ", ".join(file.name for file in sent_files(event.get("files") or ()) if file.name)
    if unknown.field != "verb" or not names:
        return unknown
    step = f"To attach {names}, send it again with `{FILE_ALONE}` or without any words."
    return NotFound(f"{unknown} {step}", nearest=unknown.nearest, field=unknown.field)


def spoken_files(event: Payload) -> dict[str, Any]:
    """`{"files": [SentFile]}` when files came with a message."""
    files = sent_files(event.get("files") or ())
    return {"files": files} if files else {}


def reported_message(body: Payload) -> tuple[Place, dict[str, Any]]:
    """Where the message of a message shortcut stands, with what it says.

    Arguments: "text" (as read by people), "message" (its ts), "said_at" (aware), "author" (chat id, when a person
    wrote it) or "program" (how the program that wrote it is called).
    """
    message = body.get("message") or {}
    channel = clean(str((body.get("channel") or {}).get("id") or ""))
    thread = message.get("thread_ts") or message.get("ts")
    ts = clean(str(message.get("ts") or ""))
    args: dict[str, Any] = {"text": message_words(message), "message": ts}
    if re.fullmatch(r"[0-9]{1,11}\.[0-9]{1,6}", ts):
        args["said_at"] = datetime.fromtimestamp(float(ts), UTC)
    author, program = str(message.get("user") or ""), program_of(message)
    if program:
        args["program"] = program
    elif PERSON.fullmatch(author):
        args["author"] = author
    direct = not CHANNEL.fullmatch(channel)
    return Place(channel, str(thread) if thread else None, direct), args
