"""What the acting person looks at, gathered for the templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from bot.rehearsal.pages.blocks import draw_blocks
from bot.rehearsal.pages.conversation import chosen_in, draw_conversation
from bot.rehearsal.pages.reader import Reader
from bot.rehearsal.pages.rich_text import parts_of
from bot.rehearsal.pages.surface import Surface
from bot.rehearsal.workspace.refusals import NotVisibleError

Json = dict[str, Any]
FIRST_CHANNEL = "releases"


class Workspace(Protocol):
    """What the page needs from the workspace: the answers of the acting API (docs/rehearsal-api.md) as dicts.

    `user` is an id or a handle; "" is the first of the cast. Each may raise NotVisibleError.
    """

    def sidebar(self, user: str) -> Json: ...

    def see_channel(self, user: str, channel: str) -> Json: ...

    def see_thread(self, user: str, channel: str, ts: str) -> Json: ...

    def see_views(self, user: str) -> Json: ...

    def see_home(self, user: str) -> Json: ...

    def now(self) -> datetime: ...

    def ahead(self) -> timedelta: ...

    def app_address(self) -> str: ...

    def faults_to_come(self) -> list[Json]: ...


@dataclass(frozen=True)
class Scene:
    """One person, one conversation, perhaps one thread, as asked for in the address."""

    workspace: Workspace
    side: Json
    reader: Reader
    channel_id: str
    thread_ts: str
    tab: str

    @property
    def me(self) -> Json:
        """The acting person, as the API describes people."""
        return dict(self.side["me"])


def scene_of(workspace: Workspace, query: Mapping[str, str]) -> Scene:
    """The scene that an address asks for: `as`, `channel`, `thread`, `tab`; whatever is missing gets a good default."""
    side = _side(workspace, query.get("as") or "")
    channels = parts_of(side, "channels")
    wanted = (query.get("channel") or FIRST_CHANNEL).lstrip("#")
    found = next((one for one in channels if wanted in (one["id"], one["name"])), None)
    channel_id = str(found["id"]) if found else wanted
    return Scene(
        workspace, side, _reader(workspace, side), channel_id, query.get("thread") or "", query.get("tab") or ""
    )


def _side(workspace: Workspace, user: str) -> Json:
    """The sidebar of who was asked for, else of the first person there is."""
    try:
        return workspace.sidebar(user)
    except NotVisibleError:
        return workspace.sidebar("")


def _reader(workspace: Workspace, side: Json) -> Reader:
    return Reader(
        user_id=side["me"]["id"],
        zone=ZoneInfo(side["me"]["zone"]),
        now=workspace.now(),
        people={one["id"]: one["name"] for one in [*side["people"], side["app"]]},
        channels={one["id"]: one["name"] for one in side["channels"] if one["kind"] != "im"},
        groups={one["id"]: one["handle"] for one in side.get("usergroups", ())},
        gone=frozenset(one["id"] for one in side["people"] if not one["active"]),
    )


def frame_part(scene: Scene) -> Json:
    """What every fragment needs: who looks, at which place, and the sidebar's content."""
    side = scene.side
    app_id = side["app"]["id"]
    app_dm = next((one for one in side["channels"] if one["kind"] == "im" and one.get("with") == app_id), None)
    return {
        "me": scene.me,
        "people": side["people"],
        "team": side["team"],
        "app_id": app_id,
        "channels": side["channels"],
        "shortcuts": side.get("shortcuts", []),
        "seq": side["seq"],
        "channel_id": scene.channel_id,
        "thread_ts": scene.thread_ts,
        "tab": scene.tab,
        "app_dm": app_dm,
        "is_app_dm": bool(app_dm and app_dm["id"] == scene.channel_id),
    }


def channel_part(scene: Scene) -> Json:
    """The open conversation, or Home, or the sentence that says why it cannot be seen."""
    nothing: Json = {"problem": "", "room": {}, "lines": [], "home": None, "home_body": "", "title": "Rollcall"}
    try:
        seen = scene.workspace.see_channel(scene.me["id"], scene.channel_id)
    except NotVisibleError as problem:
        return {**nothing, "problem": str(problem)}
    room = seen["channel"]
    found = {**nothing, "room": room, "title": room["name"]}
    if scene.tab != "home":
        return {**found, "lines": draw_conversation(seen["messages"], scene.reader)}
    home = scene.workspace.see_home(scene.me["id"])["home"]
    return {**found, "home": home, "home_body": _draw_view(home, scene) if home else ""}


def thread_part(scene: Scene) -> Json:
    """The open thread's lines, its head first; None when none is open."""
    if not scene.thread_ts:
        return {"thread": None, "room": _room(scene)}
    try:
        seen = scene.workspace.see_thread(scene.me["id"], scene.channel_id, scene.thread_ts)
    except NotVisibleError:
        return {"thread": None, "room": _room(scene)}
    head, *replies = seen["messages"]
    lines = [*draw_conversation([head], scene.reader), *draw_conversation(replies, scene.reader)]
    if replies and lines[1].day == lines[0].day:
        lines[1] = replace(lines[1], day="")
    return {"thread": lines, "room": seen["channel"]}


def views_part(scene: Scene) -> Json:
    """The modal on top of this person's stack, drawn; None when none is open."""
    views = scene.workspace.see_views(scene.me["id"])["views"]
    top = views[-1] if views else None
    return {"views": views, "view": top, "view_body": _draw_view(top, scene) if top else ""}


def clock_part(scene: Scene) -> Json:
    """The rehearsal's time on the acting person's wall clock."""
    local = scene.reader.local(scene.reader.now)
    soon = local + timedelta(hours=1)
    return {
        "clock": {
            "now": scene.reader.now.isoformat(timespec="milliseconds"),
            "said": f"{local:%a} {local.day} {local:%b, %H:%M}",
            "full": f"{local:%A}, {local.day} {local:%B %Y, %H:%M} ({local:%Z})",
            "input": f"{soon:%Y-%m-%dT%H:00}",
            "ahead": say_ahead(scene.workspace.ahead()),
        }
    }


def known_part(scene: Scene) -> Json:
    """What the message input can complete: commands, people, channels."""
    side = scene.side
    groups = side.get("usergroups", [])
    people = [{key: one[key] for key in ("id", "handle", "name")} for one in [side["app"], *side["people"]]]
    app_dm = frame_part(scene)["app_dm"]
    return {
        "shared_channel": scene.channel_id if _room(scene).get("kind") == "public" else "",
        "known": {
            "commands": side["commands"],
            "handles": people + [{key: one[key] for key in ("id", "handle", "name")} for one in groups],
            "rooms": [
                {"id": one["id"], "handle": one["name"], "name": one["name"], "public": one["kind"] == "public"}
                for one in side["channels"]
                if one["kind"] != "im"
            ],
            "app_dm": app_dm["id"] if app_dm else "",
            "app_name": app_dm["name"] if app_dm else "",
        },
    }


def say_ahead(span: timedelta) -> str:
    """How far the rehearsal's clock is ahead, such as "+2 d 3 h"; empty below half a minute."""
    minutes = round(span.total_seconds() / 60)
    if minutes <= 0:
        return ""
    sizes = ((minutes // 1440, "d"), (minutes % 1440 // 60, "h"), (minutes % 60, "min"))
    return "+" + " ".join(f"{count} {unit}" for count, unit in sizes if count)


def _room(scene: Scene) -> Json:
    return next(
        (dict(one) for one in scene.side["channels"] if one["id"] == scene.channel_id), {"kind": "", "name": ""}
    )


def _draw_view(view: Json, scene: Scene) -> object:
    values = {**chosen_in(parts_of(view, "elements"), "chosen"), **chosen_in(parts_of(view, "inputs"), "value")}
    surface = Surface(scene.reader, f"v{view['view_id']}", values, view.get("errors") or {})
    return draw_blocks(parts_of(view, "blocks"), surface)
