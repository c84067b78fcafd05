"""How single values of a policy are written: people, lengths of time, times of day, addresses."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator

from release_core.logins import LOCAL_HOSTS


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("expected an IANA zone name such as Europe/Berlin")
    return name


def _person_id(value: str) -> str:
    if not re.fullmatch(r"[UW][A-Z0-9]{2,}", value):
        raise ValueError("expected a chat member id such as U02ABCDEF (profile, 'Copy member ID')")
    return value


def _team_id(value: str) -> str:
    if not re.fullmatch(r"S[A-Z0-9]{2,}", value):
        raise ValueError("expected a chat user group id such as S02ABCDEF")
    return value


def _channel_id(value: str) -> str:
    if not re.fullmatch(r"[CG][A-Z0-9]{2,}", value):
        raise ValueError("expected a channel id such as C02ABCDEF (channel details, at the bottom)")
    return value


def _span(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    # A bare number would be read as seconds by pydantic, which nobody who writes "due: 30" means.
    pattern = r"\s*(?:(\d{1,4})\s*d)?\s*(?:(\d{1,5})\s*h)?\s*(?:(\d{1,6})\s*m(?:in)?)?\s*"
    found = re.fullmatch(pattern, value) if isinstance(value, str) else None
    if not found or not any(found.groups()):
        raise ValueError("expected a length of time such as 30m, 2h or 1d")
    days, hours, minutes = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


def _repository(value: str) -> str:
    plain = not any(letter.isspace() or not letter.isprintable() for letter in value)
    if plain and re.fullmatch(r"(https|ssh|file)://(?!-)[^@]+|ssh://[\w.+-]+@(?!-)[^@]+", value):
        return value
    if plain and re.fullmatch(r"/.*|[\w.+-]+@[\w.-]+:(?!-)[^@]+", value):
        return value
    raise ValueError(
        "expected an address such as https://host/team/project.git, git@host:team/project.git or an absolute path, "
        "with no password in it"
    )


def checked_public_url(value: str) -> str:
    """The address without a trailing slash, "" for none; ValueError when it is none that people could be led to."""
    parts = urlsplit(value.strip())
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL_HOSTS)
    plain = not any((parts.path.strip("/"), parts.query, parts.fragment, parts.username, parts.password))
    if value and not (secure and parts.hostname and plain):
        raise ValueError("expected an address such as https://rollcall.acme.com, without a path")
    return f"{parts.scheme}://{parts.netloc}" if value else ""


def _inner_folder(value: str) -> str:
    parts = value.strip("/").split("/")
    if value.startswith("/") or "\\" in value or any(part in ("..", ".git") for part in parts):
        raise ValueError('expected a folder inside the repository such as salesforce/app ("." for its top)')
    return value.strip("/") or "."


def _quorum(value: object) -> object:
    if value in ("any", "all") or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 20):
        return value
    if isinstance(value, str) and value.isdecimal() and 1 <= int(value) <= 20:
        return int(value)
    raise ValueError("expected any, all or a number of people from 1 to 20")


def _clock_time(value: object) -> object:
    if isinstance(value, time):
        return value
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
    if not found:
        raise ValueError("expected a time of day such as 22:00 (midnight is 00:00)")
    return time(int(found[1]), int(found[2]))


def _wall_instant(value: object) -> object:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 (wall clock; the zone stands beside it)
    try:
        return datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("expected a date with a time such as 2026-12-24 18:00") from None


PersonId = Annotated[str, AfterValidator(_person_id)]
TeamId = Annotated[str, AfterValidator(_team_id)]
ChannelId = Annotated[str, AfterValidator(_channel_id)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Span = Annotated[timedelta, BeforeValidator(_span)]
PublicUrl = Annotated[str, AfterValidator(checked_public_url)]
Repository = Annotated[str, AfterValidator(_repository)]
InnerFolder = Annotated[str, AfterValidator(_inner_folder)]
Quorum = Annotated[int | Literal["any", "all"], BeforeValidator(_quorum)]
ClockTime = Annotated[time, BeforeValidator(_clock_time)]
WallInstant = Annotated[datetime, BeforeValidator(_wall_instant)]
