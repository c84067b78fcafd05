"""Messages of the acting API, prepared for the templates: grouped, dated, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from bot.rehearsal.pages.blocks import draw_blocks
from bot.rehearsal.pages.emoji import draw_emoji
from bot.rehearsal.pages.mrkdwn import draw_mrkdwn, safe_href
from bot.rehearsal.pages.reader import Reader
from bot.rehearsal.pages.rich_text import Part, parts_of
from bot.rehearsal.pages.surface import Surface
from bot.rehearsal.pages.times import draw_day, draw_instant, instant_of, say_distance

_RUN_FOR_SECONDS = 300
_TONES = 8
_UNITS = ("bytes", "KB", "MB", "GB")


@dataclass(frozen=True)
class Line:
    """One message as the template shows it; `day` is set on the first of a day, `continues` within one person's run."""

    message: Mapping[str, Any]
    body: Markup
    time: Markup
    day: str = ""
    continues: bool = False
    tone: int = 0
    files: Sequence[Mapping[str, Any]] = ()
    reactions: Sequence[Mapping[str, Any]] = ()
    replied: str = ""


def draw_conversation(messages: Sequence[Part], reader: Reader) -> list[Line]:
    """Lines for all messages, oldest first."""
    lines: list[Line] = []
    before: Part | None = None
    for message in messages:
        lines.append(_line(message, before, reader))
        before = message
    return lines


def tone_of(user_id: str) -> int:
    """Which of the avatar colours a person has, always the same for the same id."""
    return sum(map(ord, user_id)) % _TONES


def say_size(size: int) -> str:
    """A file's size in words, such as "12.4 KB"."""
    amount, unit = float(size), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if unit else f"{size} bytes"


def draw_body(message: Part, reader: Reader) -> Markup:
    """A message's blocks, or its text where there are none, followed by its attachments."""
    ts = str(message.get("ts"))
    surface = Surface(reader, f"m{message.get('channel')}-{ts}", chosen_in(parts_of(message, "elements"), "chosen"))
    blocks = parts_of(message, "blocks")
    if blocks:
        body = draw_blocks(blocks, surface)
    else:
        body = Markup('<div class="block words">{}</div>').format(draw_mrkdwn(str(message.get("text") or ""), reader))
    return body + Markup("").join(_draw_attachment(one, surface) for one in parts_of(message, "attachments"))


def chosen_in(found: Sequence[Part], key: str) -> dict[tuple[str, str], Any]:
    """What a person has chosen, by block and action id, from the API's Elements (`chosen`) or Inputs (`value`)."""
    return {
        (str(one.get("block_id")), str(one.get("action_id"))): one[key] for one in found if one.get(key) is not None
    }


def _line(message: Part, before: Part | None, reader: Reader) -> Line:
    instant = _posted_at(message)
    earlier = _posted_at(before) if before else None
    local_day = reader.local(instant).date()
    new_day = earlier is None or reader.local(earlier).date() != local_day
    latest = instant_of(message.get("latest_reply")) if message.get("latest_reply") else None
    return Line(
        message=message,
        body=draw_body(message, reader),
        time=draw_instant(f"{reader.local(instant):%H:%M}", instant, reader),
        day=draw_day(instant, reader) if new_day else "",
        continues=not new_day and _continues(message, before),
        tone=tone_of(str(message.get("user"))),
        files=[_file(one) for one in parts_of(message, "files")],
        reactions=[_reaction(one, reader) for one in parts_of(message, "reactions")],
        replied=say_distance(latest - reader.now) if latest else "",
    )


def _posted_at(message: Part) -> datetime:
    return instant_of(message.get("ts")) or datetime.fromtimestamp(0, UTC)


def _continues(message: Part, before: Part | None) -> bool:
    if before is None or message.get("ephemeral") or before.get("ephemeral") or message.get("broadcast"):
        return False
    if message.get("bot") and message.get("blocks"):
        return False  # a card stands for itself
    apart = (_posted_at(message) - _posted_at(before)).total_seconds()
    return message.get("user") == before.get("user") and apart < _RUN_FOR_SECONDS


def _file(file: Part) -> dict[str, Any]:
    url = str(file.get("url") or "")
    local = url.startswith("/") and not url.startswith("//")
    return {
        "name": file.get("title") or file.get("name"),
        "size": say_size(int(file.get("size") or 0)),
        "url": url if local or safe_href(url) else "",
        "kind": str(file.get("name") or "").rpartition(".")[2][:5],
    }


def _reaction(reaction: Part, reader: Reader) -> dict[str, Any]:
    users = [str(user) for user in reaction.get("users") or ()]
    return {
        "name": reaction.get("name"),
        "drawn": draw_emoji(str(reaction.get("name"))),
        "count": len(users),
        "mine": reader.user_id in users,
        "who": ", ".join(reader.people.get(user, user) for user in users),
    }


def _draw_attachment(attachment: Part, surface: Surface) -> Markup:
    drawn = draw_blocks(parts_of(attachment, "blocks"), surface)
    for key in ("pretext", "title", "text"):
        if attachment.get(key):
            drawn += Markup('<div class="words">{}</div>').format(draw_mrkdwn(str(attachment[key]), surface.reader))
    return Markup('<div class="attachment">{}</div>').format(drawn)
