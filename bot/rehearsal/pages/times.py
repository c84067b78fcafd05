"""Instants in the words of a reader's own wall clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from markupsafe import Markup

from bot.rehearsal.pages.reader import Reader

_TOKEN = re.compile(r"\{(\w+)\}")
_PRETTY_DAYS = {-1: "yesterday", 0: "today", 1: "tomorrow"}


def instant_of(seconds: object) -> datetime | None:
    """The aware UTC instant of Unix seconds (number, or text such as a message's ts); None when it is no instant."""
    try:
        return datetime.fromtimestamp(float(str(seconds)), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def say_instant(template: str, instant: datetime, reader: Reader) -> str:
    """Fill Slack's date tokens (`{date_short_pretty}`, `{time}` …) for the reader; unknown tokens stay as written."""
    local = reader.local(instant)

    def fill(match: re.Match[str]) -> str:
        said = _token(match.group(1), local, reader)
        return match.group(0) if said is None else said

    return _TOKEN.sub(fill, template)


def _token(name: str, local: datetime, reader: Reader) -> str | None:
    if name == "ago":
        return say_distance(local - reader.now)
    if name in ("time", "time_secs"):
        return f"{local:%H:%M:%S}" if name == "time_secs" else f"{local:%H:%M}"
    if name == "date_num":
        return f"{local:%Y-%m-%d}"
    if name.endswith("_pretty"):
        days = (local.date() - reader.local(reader.now).date()).days
        return _PRETTY_DAYS.get(days) or _token(name.removesuffix("_pretty"), local, reader)
    dates = {
        "date": f"{local:%B} {local.day}, {local.year}",
        "date_short": f"{local.day} {local:%b} {local.year}",
        "date_slash": f"{local:%d/%m/%Y}",
        "date_long": f"{local:%A}, {local.day} {local:%B} {local.year}",
        "date_long_full": f"{local:%A}, {local.day} {local:%B} {local.year}",
        "day_divider": f"{local:%A}, {local.day} {local:%B}",
    }
    return dates.get(name)


def say_distance(span: timedelta) -> str:
    """A distance in time in words, such as "in 2 hours" or "5 minutes ago"."""
    seconds = abs(span.total_seconds())
    if seconds < 45:
        return "just now"
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count = round(seconds / size)
        if count >= 1 and seconds >= size * 0.75:
            words = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"in {words}" if span > timedelta() else f"{words} ago"
    return "just now"


def draw_instant(said: str, instant: datetime, reader: Reader) -> Markup:
    """A `<time>` element whose tooltip names the zone, so that nobody has to guess."""
    local = reader.local(instant)
    full = f"{local:%a %Y-%m-%d %H:%M:%S} {reader.zone.key}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        instant.astimezone(UTC).isoformat(timespec="seconds"), full, said
    )


def draw_day(instant: datetime, reader: Reader) -> str:
    """The words of a day divider."""
    said = say_instant("{day_divider_pretty}", instant, reader)
    return said[:1].upper() + said[1:]
