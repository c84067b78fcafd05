"""The routes of the rehearsal's page, to be mounted into the workspace's application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.rehearsal.pages.conversation import tone_of
from bot.rehearsal.pages.emoji import draw_emoji
from bot.rehearsal.pages.guide import guide_part, send_sample
from bot.rehearsal.pages.leading import leading_routes
from bot.rehearsal.pages.orgs import Org, look_at_orgs, panels_of, say_live
from bot.rehearsal.pages.scene import (
    Json,
    Scene,
    Workspace,
    channel_part,
    clock_part,
    frame_part,
    known_part,
    scene_of,
    thread_part,
    views_part,
)
from bot.rehearsal.pages.trouble import org_route, trouble_part

HERE = Path(__file__).parent
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: http: https:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_THEMES = ("light", "dark")

OrgsNow = Callable[[], Sequence[Org]]
Part = Callable[[Scene], Json]


def page_routes(workspace: Workspace, orgs: OrgsNow | Sequence[Org] = ()) -> list[Route | Mount]:
    """Routes for `/` (the whole page), `/page/<part>` (fragments), `/page/packages` (samples), `/page/static`, links.

    `orgs` are `{"name", "kind", "url"}`, or a function that gives them anew at each look.
    """
    page = Page(workspace, orgs if callable(orgs) else lambda: orgs)
    fragments: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "sidebar": page.fragment("sidebar.html"),
        "channel": page.fragment("channel.html", channel_part),
        "thread": page.fragment("thread.html", thread_part),
        "views": page.fragment("views.html", views_part),
        "clock": page.fragment("clock.html", clock_part),
        "orgs": page.orgs,
        "trouble": page.trouble,
    }
    return [
        Route("/", page.whole),
        *(Route(f"/page/{part}", endpoint) for part, endpoint in fragments.items()),
        Route("/page/packages/{name}", send_sample),
        *leading_routes(workspace),
        org_route(page.orgs_now),
        Mount("/page/static", _NeverStale(StaticFiles(directory=HERE / "static"))),
    ]


class Page:
    """Draws the page and its fragments for whoever is acting (`as` in the query)."""

    def __init__(self, workspace: Workspace, orgs_now: OrgsNow) -> None:
        self._workspace = workspace
        self.orgs_now = orgs_now
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=select_autoescape(("html", "svg")),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(tone_of=tone_of, emoji=draw_emoji, say_live=say_live, **guide_part())

    async def whole(self, request: Request) -> Response:
        """The page in full, which also reads as a plain document without scripts."""
        scene = scene_of(self._workspace, request.query_params)
        panels = panels_of(await look_at_orgs(self.orgs_now()), scene.reader)
        theme = request.cookies.get("theme", "")
        shown: Json = {
            "address": _address(request),
            "theme": theme if theme in _THEMES else "",
            "panels": panels,
            "has_orgs": bool(panels),
        }
        for part in (thread_part, channel_part, views_part, clock_part, known_part):
            shown |= part(scene)
        return self._answer("page.html", scene, shown)

    def fragment(self, template: str, *parts: Part) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint for one part of the page."""

        async def endpoint(request: Request) -> Response:
            scene = scene_of(self._workspace, request.query_params)
            shown: Json = {}
            for part in parts:
                shown |= part(scene)
            return self._answer(template, scene, {"address": _address(request), **shown})

        return endpoint

    async def orgs(self, request: Request) -> Response:
        """The side panel, as the orgs are at this moment."""
        scene = scene_of(self._workspace, request.query_params)
        panels = panels_of(await look_at_orgs(self.orgs_now()), scene.reader)
        return self._answer("orgs.html", scene, {"panels": panels})

    async def trouble(self, request: Request) -> Response:
        """What can be made to go wrong, with what still will."""
        scene = scene_of(self._workspace, request.query_params)
        looks = await look_at_orgs(self.orgs_now())
        return self._answer("trouble.html", scene, trouble_part(self._workspace.faults_to_come(), looks))

    def _answer(self, template: str, scene: Scene, shown: Json) -> Response:
        frame = frame_part(scene)
        return HTMLResponse(self.draw(template, {**frame, **shown}), headers={**_HEADERS, "x-seq": str(frame["seq"])})

    def draw(self, template: str, shown: Json) -> str:
        """One template with its values, every one of them escaped."""
        return self._templates.get_template(template).render(shown)


def _address(request: Request) -> str:
    return str(request.base_url).rstrip("/")


class _NeverStale:
    """Static files that a browser asks for again each time, so that an updated page is never half old."""

    def __init__(self, files: ASGIApp) -> None:
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_fresh(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["cache-control"] = "no-cache"
            await send(message)

        await self._files(scope, receive, send_fresh)
