"""What a click carries: a verb with its arguments, written small enough for Slack, read back with care."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from handlers.conversation import Menu, SentFile, clean
from release_core.errors import Unclear

LINK = "link"
MENU = "?"


@dataclass(frozen=True)
class Click:
    """The verb asked for by a click, its arguments as they were understood when the button was drawn."""

    verb: str
    args: Mapping[str, Any]


def write_click(verb: str, args: Mapping[str, Any]) -> str:
    """A button's value."""
    return _compact({"v": verb, "a": {name: _pack(value) for name, value in args.items()}})


def menu_action(menu: Menu) -> str:
    """A menu's action id: its options can carry only the chosen value, so this carries the rest."""
    return f"{menu.verb}{MENU}{_compact({'n': menu.name, 'a': dict(menu.args)})}"


def numbered(action_id: str, taken: set[str]) -> str:
    """The action id, followed by :2, :3, … when it is already taken in its block; adds itself to `taken`."""
    unique, count = action_id, 1
    while unique in taken:
        count += 1
        unique = f"{action_id}:{count}"
    taken.add(unique)
    return unique


def is_link(action_id: str) -> bool:
    """Whether a click only opened a page."""
    return action_id.partition(":")[0] == LINK


def read_click(action: Mapping[str, Any]) -> Click:
    """What one entry of `actions` asks for; Unclear when it was not drawn by this version of ours."""
    action_id = str(action.get("action_id", ""))
    verb, mark, rest = action_id.partition(MENU)
    if mark:
        written, _ = _decode(rest)
        option = action.get("selected_option")
        if not isinstance(option, Mapping) or not isinstance(written.get("n"), str):
            raise _stale()
        return Click(clean(verb), {**_args(written), clean(written["n"]): clean(str(option.get("value", "")))})
    written, end = _decode(str(action.get("value", "")))
    if end or not isinstance(written.get("v"), str):
        raise _stale()
    return Click(clean(written["v"]), _args(written))


def pack_args(args: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as JSON can hold them; `unpack_args` is the way back."""
    return {name: _pack(value) for name, value in args.items()}


def unpack_args(packed: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as they were before `pack_args`; Unclear when they were not made by it."""
    return {clean(str(name)): _unpack(value) for name, value in packed.items()}


def _args(written: Mapping[str, Any]) -> dict[str, Any]:
    args = written.get("a", {})
    if not isinstance(args, Mapping):
        raise _stale()
    return unpack_args(args)


def _pack(value: Any) -> Any:
    match value:
        case datetime(tzinfo=ZoneInfo(key=str(zone))):
            return {"at": value.isoformat(), "in": zone}
        case datetime():
            return {"at": value.isoformat()}
        case timedelta():
            return {"for": value.total_seconds()}
        case SentFile():
            return {"file": [value.id, value.name, value.size]}
        case list() | tuple():
            return [_pack(item) for item in value]
        case _:
            return str(value)


def _unpack(value: Any) -> Any:
    try:
        match value:
            case str():
                return clean(value)
            case list():
                return [_unpack(item) for item in value]
            case {"at": str(written), "in": str(zone)}:
                return _instant(written).astimezone(ZoneInfo(zone))
            case {"at": str(written)}:
                return _instant(written)
            case {"for": int() | float() as seconds}:
                return timedelta(seconds=seconds)
            case {"file": [str(file_id), str(name), int(size)]}:
                return SentFile(clean(file_id), clean(name), size)
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
        raise _stale() from None
    raise _stale()


def _instant(written: str) -> datetime:
    """An aware instant, ValueError for any other."""
    instant = datetime.fromisoformat(written)
    if instant.tzinfo is None:
        raise ValueError(written)
    # What no zone was named for is UTC itself, which nobody typed.
    return instant.astimezone(UTC) if not instant.utcoffset() else instant


def _decode(text: str) -> tuple[dict[str, Any], str]:
    """The JSON object at the start of a text, with what follows it (the number that made an id unique)."""
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        raise _stale() from None
    if not isinstance(value, dict):
        raise _stale()
    return value, text[end:]


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _stale() -> Unclear:
    return Unclear(
        "This button was drawn by an older version of Rollcall, which can no longer be read. "
        "Nothing was changed. Ask for the message again, for example with `/release status`."
    )
