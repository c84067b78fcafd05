"""The GET half of the rehearsal's API: what a person sees, and what has changed."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bot.rehearsal.workspace.acting.stage import Stage
from bot.rehearsal.workspace.api.requests import answering, number, parameter
from bot.rehearsal.workspace.model import Change, Json
from bot.rehearsal.workspace.seeing import MESSAGES_SHOWN

WAIT_MOST = 60.0
KEEP_ALIVE = 15.0
FOREVER = 1e15


class Looking:
    """Answers what a person sees."""

    def __init__(self, stage: Stage, orgs: Sequence[Json]) -> None:
        self.stage = stage
        self.workspace = stage.workspace
        self.onlooker = stage.onlooker
        self.orgs = orgs

    def routes(self) -> list[Route]:
        """All of them."""
        endpoints: dict[str, Callable[[Request], Awaitable[Json | Response]]] = {
            "people": self.people,
            "sidebar": self.sidebar,
            "channels": self.channels,
            "channel": self.channel,
            "thread": self.thread,
            "message": self.message,
            "views": self.views,
            "home": self.home,
            "file": self.file,
            "wait": self.wait,
            "calls": self.calls,
            "deliveries": self.deliveries,
            "orgs": self.the_orgs,
            "clock": self.clock,
            "faults": self.faults,
        }
        api = [Route(f"/rehearsal/api/{name}", answering(each), methods=["GET"]) for name, each in endpoints.items()]
        return [*api, Route("/rehearsal/events", answering(self.events), methods=["GET"])]

    async def people(self, request: Request) -> Json:
        """Everybody."""
        return self.onlooker.people()

    async def sidebar(self, request: Request) -> Json:
        """The sidebar."""
        return self.onlooker.sidebar(parameter(request, "as"))

    async def channels(self, request: Request) -> Json:
        """The conversations."""
        return self.onlooker.channels(parameter(request, "as"))

    async def channel(self, request: Request) -> Json:
        """One conversation."""
        limit = int(number(request, "limit", MESSAGES_SHOWN, 10_000)) or MESSAGES_SHOWN
        return self.onlooker.see_channel(parameter(request, "as"), parameter(request, "channel"), limit)

    async def thread(self, request: Request) -> Json:
        """One thread."""
        user, channel = parameter(request, "as"), parameter(request, "channel")
        return self.onlooker.see_thread(user, channel, parameter(request, "ts"))

    async def message(self, request: Request) -> Json:
        """One message."""
        user, channel = parameter(request, "as"), parameter(request, "channel")
        return self.onlooker.see_message(user, channel, parameter(request, "ts"))

    async def views(self, request: Request) -> Json:
        """The modal stack."""
        return self.onlooker.see_views(parameter(request, "as"))

    async def home(self, request: Request) -> Json:
        """Home."""
        return self.onlooker.see_home(parameter(request, "as"))

    async def file(self, request: Request) -> Response:
        """A file's bytes, always as an attachment."""
        file, content = self.onlooker.see_file(parameter(request, "as"), parameter(request, "file"))
        disposition = f"attachment; filename*=UTF-8''{quote(file.name)}"
        headers = {"content-disposition": disposition, "x-content-type-options": "nosniff"}
        return Response(content, media_type=file.mimetype, headers=headers)

    async def clock(self, request: Request) -> Json:
        """The rehearsal's time."""
        return clock_seen(self.stage)

    async def faults(self, request: Request) -> Json:
        """What is still armed."""
        return {"faults": self.workspace.faults.armed()}

    async def the_orgs(self, request: Request) -> Json:
        """The orgs that the runner started."""
        return {"orgs": list(self.orgs)}

    async def calls(self, request: Request) -> Json:
        """The bot's Web API calls."""
        wanted = request.query_params.get("method")
        rows = [each for each in self.workspace.calls if wanted in (None, each["method"])]
        shown = _since(request, rows)
        counts = Counter(each["method"] for each in rows)
        return {"calls": shown, "counts": dict(counts), "seq": self.workspace.calls[-1]["seq"] if rows else 0}

    async def deliveries(self, request: Request) -> Json:
        """What was sent to the bot."""
        shown = _since(request, self.workspace.deliveries)
        return {"deliveries": shown, "connections": len(self.stage.delivery.sockets.connections)}

    async def wait(self, request: Request) -> Json:
        """Changes after `since`, as soon as there is one."""
        user = parameter(request, "as")
        since = int(number(request, "since", self.workspace.seq, FOREVER))
        deadline = time.monotonic() + number(request, "timeout", 10, WAIT_MOST)
        while not (changes := self._changes(user, since)):
            left = deadline - time.monotonic()
            if left <= 0 or not await self.stage.pulse.next(left):
                break
        return {"seq": self.workspace.seq, "changes": [asdict(each) for each in changes]}

    def _changes(self, user: str, since: int) -> list[Change]:
        person = self.onlooker.person(user)
        found = []
        for change in reversed(self.workspace.changes):
            if change.seq <= since:
                break
            if self.onlooker.sees(person, change):
                found.append(change)
        return found[::-1]

    async def events(self, request: Request) -> Response:
        """Server-sent events, one per change that this person can see."""
        user = parameter(request, "as")
        self.onlooker.person(user)
        last = request.headers.get("last-event-id", "")
        since = int(last) if last.isdigit() else int(number(request, "since", self.workspace.seq, FOREVER))
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._stream(user, since), media_type="text/event-stream", headers=headers)

    async def _stream(self, user: str, since: int) -> AsyncIterator[str]:
        yield "retry: 1000\n\n"
        while not self.stage.pulse.ended:
            seq = self.workspace.seq
            for change in self._changes(user, since):
                yield f"id: {change.seq}\ndata: {json.dumps(asdict(change))}\n\n"
            since = max(since, seq)
            if self.workspace.seq == seq and not await self.stage.pulse.next(KEEP_ALIVE):
                yield ": still here\n\n"


def clock_seen(stage: Stage) -> Json:
    """The clock's answer."""
    now = stage.onlooker.now().isoformat().replace("+00:00", "Z")
    return {"now": now, "ahead_seconds": stage.onlooker.ahead().total_seconds()}


def _since(request: Request, rows: list[Any]) -> list[Any]:
    since = number(request, "since", 0, FOREVER)
    limit = int(number(request, "limit", 1000, 100_000))
    return [each for each in rows if each["seq"] > since][-limit:]
