"""What the daily look at people, groups and channels says about a release."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from handlers.conversation import channel, clean, code, people, person
from handlers.telling import Telling

Found = Mapping[str, Any]
_CLOSED = {
    "is_archived": "is archived. Take it out of the archive",
    "not_in_channel": "does not have Rollcall as a member. Type `/invite @Rollcall` in it",
}


def found_words(t: Telling) -> str:
    """Each finding with what to do about it, for the release's manager."""
    said = [_WORDS[found["code"]](t, found) for found in t.entry.details.get("findings", [])]
    return " ".join([f"{people(t.names('managers'), last='or')}, please look:", *said])


def _owner(t: Telling, found: Found) -> str:
    left = f"{person(found['about'])}, who owns it, is deactivated: what is sent to its owner is read by nobody."
    return f"{left} {_they(found['who'], 'may do everything that its owner may')}"


def _approver(t: Telling, found: Found) -> str:
    seat = str(found["where"])
    left = f"{person(found['about'])} is deactivated and cannot answer for {t.seat(seat)}."
    nobody = f"Nobody else can: an administrator names somebody under {code(f'seats: {seat}')} in the policy."
    return f"{left} {_they(found['who'], 'can') if found['who'] else nobody}"


def _item(t: Telling, found: Found) -> str:
    way_out = code(f"/release assign {t.entry.stream} {found['where']} @person")
    named = clean(f"Item {found['where']} “{found['said']}”")
    return f"{named} belongs to {person(found['about'])}, who is deactivated. Hand it over: {way_out}"


def _task(t: Telling, found: Found) -> str:
    way_out = code(f"/release task assign {t.entry.stream} {found['where']} @person")
    named = clean(f"Task {found['where']} “{found['said']}”")
    return f"{named} belongs to {person(found['about'])}, who is deactivated. Hand it over: {way_out}"


def _commander(t: Telling, found: Found) -> str:
    key = str(found["where"])
    way_out = code(f"/incident update {key} @person -- what is known")
    left = f"{key} “{clean(str(found['said']))}” is commanded by {person(found['about'])}, who is deactivated."
    return f"{left} Have somebody take it over: {way_out}"


def _group(t: Telling, found: Found) -> str:
    title, team = clean(str(found["said"])), code(f"teams: {found['where']}")
    left = f"The user group of {title} ({code(str(found['about']))}) has no members."
    if found["who"]:
        still = f"{people(list(found['who']))} {'is' if len(found['who']) == 1 else 'are'} still in the team"
        return f"{left} {still}; add members to the group if more should be."
    return f"{left} Nobody answers for the team: add members to the group, or name people under {team} in the policy."


def _closed(t: Telling, found: Found) -> str:
    trouble = _CLOSED.get(
        str(found["said"]), "cannot be written to any more. Look whether it was deleted or made private"
    )
    another = f"name another one under {code(str(found['where']))} in the policy"
    return f"{channel(str(found['about']))} {trouble}, or {another}."


def _renamed(t: Telling, found: Found) -> str:
    was, now = clean(str(found["where"])), clean(str(found["said"]))
    return f"#{was} is called #{now} now. Rollcall still writes there; change what you wrote down about it elsewhere."


def _they(who: Sequence[str], can: str) -> str:
    return (
        f"{people(list(who)[:5], last='or')} {can}." if who else "Nobody else may act for it: see rights in the policy."
    )


_WORDS: Mapping[str, Callable[[Telling, Found], str]] = {
    "owner_left": _owner,
    "approver_left": _approver,
    "item_owner_left": _item,
    "task_owner_left": _task,
    "commander_left": _commander,
    "group_empty": _group,
    "channel_closed": _closed,
    "channel_renamed": _renamed,
}
