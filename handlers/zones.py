"""Time zones as people call them: by IANA name, city, country, abbreviation or offset."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from release_core.errors import Unclear

HOURS = timedelta(hours=1)
_OFFSET = re.compile(r"(?:utc|gmt)?([+-])([0-9]{1,2}):?([0-9]{2})?")
_HERE = frozenset(("local", "here", "my", "mine"))
# What people call a zone by although the database names it after another city.
_PLACES = {
    **dict.fromkeys(
        ("nyc", "ny", "boston", "washington", "washington dc", "philadelphia", "atlanta", "miami"), "New_York"
    ),
    **dict.fromkeys(("et", "eastern", "us eastern", "us east", "est/edt"), "New_York"),
    **dict.fromkeys(("la", "sf", "san francisco", "seattle", "san diego", "portland", "las vegas"), "Los_Angeles"),
    **dict.fromkeys(("pt", "pacific", "us pacific", "us west", "pst/pdt"), "Los_Angeles"),
    **dict.fromkeys(("ct", "central", "us central", "dallas", "houston", "austin", "minneapolis"), "Chicago"),
    **dict.fromkeys(("mt", "mountain", "us mountain", "salt lake city"), "Denver"),
    "rio": "Sao_Paulo",
}
_PLACES = {name: f"America/{city}" for name, city in _PLACES.items()} | {
    **dict.fromkeys(
        ("india", "mumbai", "delhi", "new delhi", "bangalore", "bengaluru", "hyderabad", "chennai", "pune", "noida"),
        "Asia/Kolkata",
    ),
    **dict.fromkeys(
        ("germany", "munich", "hamburg", "frankfurt", "cologne", "stuttgart", "mez", "mesz"), "Europe/Berlin"
    ),
    **dict.fromkeys(("uk", "england", "manchester", "edinburgh", "cardiff"), "Europe/London"),
    **dict.fromkeys(("france", "lyon", "toulouse"), "Europe/Paris"),
    **dict.fromkeys(("spain", "barcelona"), "Europe/Madrid"),
    **dict.fromkeys(("italy", "milan"), "Europe/Rome"),
    **dict.fromkeys(("switzerland", "geneva", "basel", "bern"), "Europe/Zurich"),
    "netherlands": "Europe/Amsterdam",
    "austria": "Europe/Vienna",
    "sweden": "Europe/Stockholm",
    "osaka": "Asia/Tokyo",
    "beijing": "Asia/Shanghai",
    "abu dhabi": "Asia/Dubai",
    "cape town": "Africa/Johannesburg",
    "z": "UTC",
    "zulu": "UTC",
}
# What an abbreviation may stand for, with its hours from UTC; those that stand for several places are asked about.
_ABBREVIATIONS: dict[str, Sequence[tuple[str, float]]] = {
    "pst": [("America/Los_Angeles", -8)],
    "pdt": [("America/Los_Angeles", -7)],
    "mst": [("America/Denver", -7)],
    "mdt": [("America/Denver", -6)],
    "cst": [("America/Chicago", -6), ("Asia/Shanghai", 8)],
    "cdt": [("America/Chicago", -5)],
    "est": [("America/New_York", -5)],
    "edt": [("America/New_York", -4)],
    "akst": [("America/Anchorage", -9)],
    "akdt": [("America/Anchorage", -8)],
    "hst": [("Pacific/Honolulu", -10)],
    "ast": [("America/Halifax", -4), ("Asia/Riyadh", 3)],
    "brt": [("America/Sao_Paulo", -3)],
    "bst": [("Europe/London", 1)],
    "wet": [("Europe/Lisbon", 0)],
    "west": [("Europe/Lisbon", 1)],
    "cet": [("Europe/Berlin", 1)],
    "cest": [("Europe/Berlin", 2)],
    "eet": [("Europe/Helsinki", 2)],
    "eest": [("Europe/Helsinki", 3)],
    "msk": [("Europe/Moscow", 3)],
    "ist": [("Asia/Kolkata", 5.5), ("Europe/Dublin", 1), ("Asia/Jerusalem", 2)],
    "pkt": [("Asia/Karachi", 5)],
    "sgt": [("Asia/Singapore", 8)],
    "hkt": [("Asia/Hong_Kong", 8)],
    "jst": [("Asia/Tokyo", 9)],
    "kst": [("Asia/Seoul", 9)],
    "awst": [("Australia/Perth", 8)],
    "acst": [("Australia/Adelaide", 9.5)],
    "aest": [("Australia/Sydney", 10)],
    "aedt": [("Australia/Sydney", 11)],
    "nzst": [("Pacific/Auckland", 12)],
    "nzdt": [("Pacific/Auckland", 13)],
}


@dataclass(frozen=True)
class NamedZone:
    """A zone that was named: `offset` is what the name says to the letter, None where it says a place only."""

    zone: tzinfo
    offset: timedelta | None = None

    def readings(self, instant: datetime) -> Sequence[tzinfo]:
        """The zones in which a time of about `instant` may have been meant: "PST" in July says two things."""
        if self.offset is None or instant.astimezone(self.zone).utcoffset() == self.offset:
            return (self.zone,)
        return (self.zone, timezone(self.offset))


UTC_NAMED = NamedZone(ZoneInfo("UTC"))
"""UTC as somebody names it; `datetime.UTC` is what nobody named."""


def named_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name or of the city in one, in any case; Unclear names the nearest zones."""
    known = _zone_names()
    found = known.get(_key(name))
    if found is not None:
        try:
            return ZoneInfo(found)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    near = [known[key] for key in get_close_matches(_key(name), known, n=3, cutoff=0.7)]
    hint = f"Did you mean {' or '.join(dict.fromkeys(near))}?" if near else "Use a name like Europe/Berlin or UTC."
    raise Unclear(f"“{' '.join(name.split())[:80]}” is no time zone that I know. {hint}", field="at")


def zones_called(name: str, home: tzinfo) -> Sequence[NamedZone]:
    """What a name may stand for; empty when it is none. An abbreviation used where the speaker lives is theirs."""
    lowered = name.casefold()
    if found := _OFFSET.fullmatch(lowered):
        length = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        return [NamedZone(timezone(length if found[1] == "+" else -length))] if length < 15 * HOURS else ()
    if lowered in _HERE:
        return [NamedZone(home)]
    if pairs := _ABBREVIATIONS.get(lowered):
        at_home = [offset for _, offset in pairs if _is_said_at(home, lowered, offset * HOURS)]
        if at_home:
            return [NamedZone(home, at_home[0] * HOURS)]
        return [NamedZone(ZoneInfo(zone), offset * HOURS) for zone, offset in pairs]
    return [NamedZone(named_zone(lowered))] if _key(lowered) in _zone_names() else ()


def is_near_a_zone(name: str) -> bool:
    """Whether a word looks like a zone that was misspelt, or like an abbreviation that we do not know."""
    return bool(get_close_matches(_key(name), _zone_names(), n=1, cutoff=0.8))


def zone_words(zone: tzinfo, instant: datetime) -> str:
    """A zone at an instant as people read it: "CET (Europe/Berlin)"; a fixed offset says itself."""
    short = instant.astimezone(zone).tzname() or str(zone)
    if not isinstance(zone, ZoneInfo) or zone.key in (short, f"Etc/{short}"):
        return short
    if short[0] in "+-":
        short = f"UTC{short}"
    return f"{short} ({zone.key})"


def _is_said_at(home: tzinfo, abbreviation: str, offset: timedelta) -> bool:
    moments = (datetime(2026, month, 1, tzinfo=home) for month in (1, 7))
    return any((m.tzname() or "").casefold() == abbreviation and m.utcoffset() == offset for m in moments)


@cache
def _zone_names() -> dict[str, str]:
    """Keys people may type -> IANA name; a city shared by two zones of different names is left out."""
    names = available_timezones() - {"localtime", "posixrules", "Factory"}
    keys: dict[str, str] = {}
    cities: dict[str, list[str]] = {}
    for name in sorted(names):
        keys[_key(name)] = name
        region, _, city = name.rpartition("/")
        if region and not region.startswith(("Etc", "SystemV", "posix", "right", "US")):
            cities.setdefault(_key(city), []).append(name)
    for city, zones in cities.items():
        if len(zones) == 1:
            keys[city] = zones[0]
    return keys | {_key(name): zone for name, zone in _PLACES.items()}


def _key(name: str) -> str:
    return re.sub(r"[\s_]+", "_", name.strip().lower())
