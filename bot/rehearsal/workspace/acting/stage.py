"""Where acts happen: the workspace, the way to the bot, and the outcome that an act answers with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.rehearsal.workspace.delivery import Ack, Delivery
from bot.rehearsal.workspace.model import Change, Channel, Json, Person
from bot.rehearsal.workspace.refusals import ActingError
from bot.rehearsal.workspace.seeing import Onlooker
from bot.rehearsal.workspace.workspace import Workspace

PATIENCE = 1.0
PATIENCE_MOST = 30.0
RESTLESS_MOST = 2.0


class Pulse:
    """Lets coroutines wait for the next change of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._beat = asyncio.Event()
        self.ended = False
        workspace.on_change.append(self._on_change)

    def _on_change(self, _: Change) -> None:
        self.wake()

    def wake(self) -> None:
        """Let every present wait see what changed."""
        self._beat.set()
        self._beat = asyncio.Event()

    def end(self) -> None:
        """The server stops: end every wait, now and later."""
        self.ended = True
        self.wake()

    async def next(self, within: float) -> bool:
        """Wait for a change; False when none came within the seconds."""
        if self.ended:
            return False
        try:
            await asyncio.wait_for(self._beat.wait(), within)
        except TimeoutError:
            return False
        return True


@dataclass(frozen=True)
class Stage:
    """What every act needs."""

    workspace: Workspace
    onlooker: Onlooker
    delivery: Delivery
    pulse: Pulse


class Body:
    """The JSON object of an acting request, with a sentence for whatever is missing or of the wrong type."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str) -> str:
        """A string that must be there."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise ActingError(
                400,
                "bad_request",
                f"{name!r} must be a string that is not empty; see docs/rehearsal-api.md for this act.",
            )
        return value

    def maybe(self, name: str) -> str | None:
        """A string, or None when absent."""
        return self.text(name) if self.values.get(name) not in (None, "") else None

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false."""
        value = self.values.get(name, default)
        if not isinstance(value, bool):
            raise ActingError(400, "bad_request", f"{name!r} must be true or false.")
        return value

    def several(self, name: str) -> list[Any]:
        """A list, empty when absent."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, list):
            raise ActingError(400, "bad_request", f"{name!r} must be a list.")
        return value or []

    def seconds(self, name: str, default: float, most: float) -> float:
        """A number of seconds from 0 to `most`."""
        value = self.values.get(name, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= most:
            raise ActingError(400, "bad_request", f"{name!r} must be a number of seconds from 0 to {most:g}.")
        return float(value)


class Act:
    """One act of one person, from its beginning to its outcome."""

    def __init__(self, stage: Stage, body: Body) -> None:
        self.stage = stage
        self.body = body
        self.person: Person = stage.onlooker.person(body.text("as"))
        self.patience = body.seconds("wait_seconds", PATIENCE, PATIENCE_MOST)
        self._began = stage.workspace.seq
        self._mark = self._began
        self._own: set[int] = set()

    @property
    def workspace(self) -> Workspace:
        """The workspace acted in."""
        return self.stage.workspace

    def channel(self) -> Channel:
        """The conversation named in the body; the person must be in it."""
        room = self.stage.onlooker.channel(self.person, self.body.text("channel"))
        if self.person.id not in room.members:
            sentence = f"{self.person.name} is not in #{room.name}. They can join it first."
            raise ActingError(403, "not_in_channel", sentence)
        if room.archived:
            raise ActingError(409, "is_archived", f"#{room.name} is archived: nobody can write there.")
        return room

    def mark(self) -> None:
        """From here on a change counts as something that the act brought about."""
        self._mark = self.workspace.seq

    def own(self, change: Change) -> None:
        """A change that the person made themselves, so not something to wait for."""
        self._own.add(change.seq)

    async def outcome(self, ack: str, error: Json | None = None, *, wait: bool = True, **fields: Any) -> Json:
        """Wait as documented, then say what happened."""
        if wait:
            await self._settle()
        seen = self._seen()
        shown: Json = {"ok": error is None, "as": self.person.id, "ack": ack, "error": error}
        return {**shown, "confirm": None, "field_errors": {}, **seen, "seq": self.workspace.seq, **fields}

    async def after(self, ack: Ack, kind: str, failed: Json | None = None) -> Json:
        """The outcome once the bot answered: `kind` of ack, or the failure's error."""
        return await self.outcome("none" if ack.state != "ok" else kind, failed)

    async def _settle(self) -> None:
        pulse, deadline = self.stage.pulse, time.monotonic() + self.patience
        while all(change.seq in self._own for change in self._changes(self._mark)):
            left = deadline - time.monotonic()
            if left <= 0 or not await pulse.next(left):
                return
        restless = time.monotonic() + RESTLESS_MOST
        while time.monotonic() < restless and await pulse.next(self.workspace.pace.quiet_for):
            pass

    def _changes(self, since: int) -> list[Change]:
        found = []
        for change in reversed(self.workspace.changes):
            if change.seq <= since:
                break
            if self.stage.onlooker.sees(self.person, change):
                found.append(change)
        return found[::-1]

    def _seen(self) -> Json:
        changes = self._changes(self._began)
        onlooker = self.stage.onlooker
        new = _places(changes, "message", "ephemeral")
        removed = _places(changes, "delete")
        edited = [place for place in _places(changes, "edit", "reaction") if place not in new]
        stack = onlooker.see_views(self.person.id)["views"]
        home = any(change.kind == "home" for change in changes)
        return {
            "messages": [self._message(place) for place in new if place not in removed],
            "changed": [self._message(place) for place in edited if place not in removed],
            "removed": [{"channel": channel, "ts": ts} for channel, ts in removed],
            "view": stack[-1] if stack else None,
            "home": onlooker.see_home(self.person.id)["home"] if home else None,
        }

    def _message(self, place: tuple[str, str]) -> Json:
        seen: Json = self.stage.onlooker.see_message(self.person.id, *place)["message"]
        return seen


def _places(changes: list[Change], *kinds: str) -> list[tuple[str, str]]:
    found = [(str(change.channel), str(change.ts)) for change in changes if change.kind in kinds]
    return list(dict.fromkeys(found))


def failure(code: str, sentence: str) -> Json:
    """The `error` of an outcome."""
    return {"code": code, "sentence": sentence}


def unanswered(ack: Ack) -> str:
    """Slack's word for an ack that did not come."""
    return "operation_timeout" if ack.state == "timeout" else "dispatch_failed"
