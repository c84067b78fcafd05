"""The part of the rehearsal's API that moves the clock, makes trouble, rearranges the workspace."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.routing import Route

from bot.rehearsal.workspace import cast
from bot.rehearsal.workspace.acting.stage import Body, Stage
from bot.rehearsal.workspace.api.looking import clock_seen
from bot.rehearsal.workspace.api.requests import answering, json_object
from bot.rehearsal.workspace.model import Channel, ChannelKind, Json
from bot.rehearsal.workspace.refusals import ActingError, NotVisibleError

YEAR = 366 * 86_400.0
_ADDRESS = re.compile(r"http://(127\.0\.0\.1|localhost):[0-9]{1,5}")


class Steering:
    """Answers whoever directs the rehearsal."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.workspace = stage.workspace

    def routes(self) -> list[Route]:
        """All of them."""
        endpoints = {"clock": self.clock, "faults": self.faults, "sockets": self.sockets, "workspace": self.rearrange}
        return [Route(f"/rehearsal/api/{name}", answering(each), methods=["POST"]) for name, each in endpoints.items()]

    async def clock(self, request: Request) -> Json:
        """Move the clock forward."""
        body = Body(await json_object(request))
        try:
            if "advance_seconds" in body:
                self.workspace.clock.advance(timedelta(seconds=body.seconds("advance_seconds", 0, YEAR)))
            else:
                self.workspace.clock.move_to(_instant(body.text("set_at")))
        except ValueError as error:
            raise ActingError(409, "only_forward", f"{error}.") from None
        return clock_seen(self.stage)

    async def faults(self, request: Request) -> Json:
        """Arm a fault, or clear all."""
        body = await json_object(request)
        if body.get("clear") is True:
            self.workspace.faults.clear()
        else:
            self.workspace.faults.arm(body)
        return {"faults": self.workspace.faults.armed()}

    async def sockets(self, request: Request) -> Json:
        """End socket connections."""
        body = await json_object(request)
        how, count = body.get("do"), body.get("connections")
        if how not in ("refresh", "warn", "drop"):
            raise ActingError(400, "bad_request", "'do' must be refresh, warn or drop.")
        if count is not None and (not isinstance(count, int) or count < 1):
            raise ActingError(400, "bad_request", "'connections' must be a whole number of at least 1.")
        return {"ended": await self.stage.delivery.sockets.end(how, count)}

    async def rearrange(self, request: Request) -> Json:
        """Deactivate people, archive or rename channels, make new ones, switch rate limits, set clock and links."""
        body = await json_object(request)
        acts = {
            "deactivate": lambda value: self._activate(value, False),
            "reactivate": lambda value: self._activate(value, True),
            "archive": lambda value: self._archive(value, True),
            "unarchive": lambda value: self._archive(value, False),
            "rename": self._rename,
            "create_channel": self._create,
            "rate_limits": self._limit,
            "clock_skew": self._skew,
            "app_address": self._lead,
        }
        named = [name for name in acts if name in body]
        if not named:
            raise ActingError(400, "bad_request", f"Say what to do: {', '.join(acts)}.")
        answer: Json = {}
        for name in named:
            answer |= acts[name](body[name])
        return answer

    def _activate(self, name: object, active: bool) -> Json:
        for person in self.workspace.cast_members():
            if str(name).removeprefix("@") in (person.id, person.handle):
                person.active = active
                self.workspace.record("person")
                return {"person": person.id, "active": active}
        raise NotVisibleError(f"There is nobody called {name!r}.", "user_not_found")

    def _archive(self, name: object, archived: bool) -> Json:
        for channel in self.workspace.channels.values():
            if channel.kind != "im" and str(name).removeprefix("#") in (channel.id, channel.name):
                channel.archived = archived
                self.workspace.record("channel", channel=channel.id)
                return {"channel": channel.id, "archived": archived}
        raise NotVisibleError(f"There is no channel {name!r}.", "channel_not_found")

    def _rename(self, described: object) -> Json:
        body = Body(described if isinstance(described, dict) else {})
        was, name = body.text("channel").removeprefix("#"), body.text("name").removeprefix("#")
        if any(channel.name == name for channel in self.workspace.channels.values()):
            raise ActingError(409, "name_taken", f"There is a channel #{name} already.")
        for channel in self.workspace.channels.values():
            if channel.kind != "im" and was in (channel.id, channel.name):
                channel.name = name
                self.workspace.record("channel", channel=channel.id)
                return {"channel": channel.id, "name": name}
        raise NotVisibleError(f"There is no channel {was!r}.", "channel_not_found")

    def _create(self, described: object) -> Json:
        body = Body(described if isinstance(described, dict) else {})
        name = body.text("name").removeprefix("#")
        if any(each.name == name for each in self.workspace.channels.values()):
            raise ActingError(409, "name_taken", f"There is a channel #{name} already.")
        members = [self._member(each) for each in body.several("members")]
        everybody = [each.id for each in self.workspace.cast_members() if each.active]
        kind: ChannelKind = "private" if body.flag("private") else "public"
        channel = Channel(id=self.workspace.next_id("C"), name=name, kind=kind, members=members or everybody)
        self.workspace.channels[channel.id] = channel
        self.workspace.record("channel", channel=channel.id)
        return {"channel": channel.id}

    def _member(self, name: object) -> str:
        for person in self.workspace.people.values():
            if str(name).removeprefix("@") in (person.id, person.handle) and person.id != cast.SLACKBOT_ID:
                return person.id
        raise NotVisibleError(f"There is nobody called {name!r}.", "user_not_found")

    def _limit(self, switched_on: object) -> Json:
        self.workspace.pace.rate_limits = bool(switched_on)
        return {"rate_limits": self.workspace.pace.rate_limits}

    def _skew(self, seconds: object) -> Json:
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or abs(seconds) > YEAR:
            raise ActingError(400, "bad_request", "'clock_skew' must be a number of seconds, at most a year.")
        self.workspace.clock_skew = float(seconds)
        return {"clock_skew": self.workspace.clock_skew}

    def _lead(self, address: object) -> Json:
        if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
            raise ActingError(400, "bad_request", "'app_address' must look like http://127.0.0.1:8080.")
        self.workspace.app_address = address
        return {"app_address": address}


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ActingError(400, "bad_request", f"{text!r} is no instant like 2026-11-22T18:00:00Z.") from None
    if instant.tzinfo is None:
        raise ActingError(400, "bad_request", "'set_at' needs an offset, for example a Z at its end.")
    return instant
