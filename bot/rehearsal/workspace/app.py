"""The workspace as one Starlette application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from bot.rehearsal.workspace.acting import clicking, moving, saying, submitting
from bot.rehearsal.workspace.acting.stage import Act, Body, Pulse, Stage
from bot.rehearsal.workspace.answering import ResponseUrls
from bot.rehearsal.workspace.api.looking import Looking
from bot.rehearsal.workspace.api.requests import BODY_MOST, UPLOAD_MOST, answering, json_object
from bot.rehearsal.workspace.api.steering import Steering
from bot.rehearsal.workspace.delivery import Delivery
from bot.rehearsal.workspace.model import Change, Json
from bot.rehearsal.workspace.seeing import Onlooker
from bot.rehearsal.workspace.sockets import Sockets
from bot.rehearsal.workspace.storage import Folder
from bot.rehearsal.workspace.web.dispatch import WebApi, limited_body
from bot.rehearsal.workspace.web.files import FILE_MOST, bot_may_see
from bot.rehearsal.workspace.workspace import Workspace

SAVE_EVERY = 0.5

ACTS = {
    "command": saying.command,
    "message": saying.message,
    "mention": saying.mention,
    "edit": saying.edit,
    "delete": saying.delete,
    "react": saying.react,
    "click": clicking.click,
    "choose": clicking.choose,
    "suggest": clicking.suggest,
    "submit": submitting.submit,
    "close": submitting.close,
    "upload": moving.upload,
    "shortcut": moving.shortcut,
    "home": moving.open_home,
    "open_dm": moving.open_dm,
    "join": moving.join,
    "leave": moving.leave,
    "invite": moving.invite,
    "kick": moving.kick,
    "read": moving.read,
}
_LARGE = ("upload", "submit")


def create_workspace_app(
    workspace: Workspace,
    *,
    mounts: Sequence[BaseRoute] = (),
    orgs: Sequence[Json] = (),
    request_url: str | None = None,
    folder: Folder | None = None,
) -> Starlette:
    """The Web API, Socket Mode, response URLs, files and the rehearsal's API over one workspace.

    `mounts` are further routes (the page); `orgs` are `{"name", "kind", "url"}`; with `request_url` the bot is reached
    by signed HTTP; with `folder` every change is kept there. The app is at `app.state.stage`.
    """
    sockets = Sockets(workspace)
    delivery = Delivery(workspace, sockets, request_url)
    stage = Stage(workspace, Onlooker(workspace), delivery, Pulse(workspace))
    app = Starlette(
        routes=[
            Route("/api/{method:path}", WebApi(workspace, sockets).endpoint, methods=["GET", "POST"]),
            WebSocketRoute("/link/", sockets.endpoint),
            Route("/actions/{key:path}", ResponseUrls(workspace).endpoint, methods=["POST"]),
            *_file_routes(workspace),
            *Looking(stage, orgs).routes(),
            *Steering(stage).routes(),
            *_act_routes(stage),
            *mounts,
        ],
        lifespan=lambda _: _life(stage, folder),
    )
    app.state.stage = stage
    return app


@asynccontextmanager
async def _life(stage: Stage, folder: Folder | None) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    stage.workspace.clock.on_move(_clock_moved(stage, loop))
    keeper = asyncio.create_task(_keep(stage.workspace, folder)) if folder else None
    yield
    stage.pulse.end()
    await stage.delivery.close()
    if keeper is not None and folder is not None:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        folder.save(stage.workspace)


def _clock_moved(stage: Stage, loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    def moved() -> None:
        with suppress(RuntimeError):  # the server is gone, the clock lives on
            loop.call_soon_threadsafe(lambda: stage.workspace.record("clock"))

    return moved


async def _keep(workspace: Workspace, folder: Folder) -> None:
    """Save soon after each change, and never more often than twice a second."""
    touched = asyncio.Event()

    def on_change(_: Change) -> None:
        touched.set()

    workspace.on_change.append(on_change)
    folder.save(workspace)
    while True:
        await touched.wait()
        touched.clear()
        folder.save(workspace)
        await asyncio.sleep(SAVE_EVERY)


def _act_routes(stage: Stage) -> list[Route]:
    def route(name: str) -> Route:
        async def endpoint(request: Request) -> Response:
            most = UPLOAD_MOST if name in _LARGE else BODY_MOST
            outcome = await ACTS[name](Act(stage, Body(await json_object(request, most))))
            return JSONResponse(outcome)

        return Route(f"/rehearsal/api/{name}", answering(endpoint), methods=["POST"])

    return [route(name) for name in ACTS]


def _file_routes(workspace: Workspace) -> list[Route]:
    async def receive(request: Request) -> Response:
        file = workspace.files.get(request.path_params["file"])
        if file is None or file.complete:
            return PlainTextResponse("This upload URL is not valid any more.", status_code=404)
        content = await _uploaded(request)
        if content is None or len(content) != file.size:
            return PlainTextResponse(f"The upload must hold exactly {file.size} bytes.", status_code=400)
        workspace.contents[file.id] = content
        return PlainTextResponse(f"OK - {len(content)}")

    async def download(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token != workspace.bot_token:
            return PlainTextResponse("Send the bot token as a Bearer token.", status_code=403)
        if "files:read" not in workspace.manifest.scopes:
            return PlainTextResponse("The token lacks the scope files:read.", status_code=403)
        file = workspace.files.get(request.path_params["place"].rpartition("-")[2])
        if file is None or not bot_may_see(workspace, file):
            return PlainTextResponse("There is no such file.", status_code=404)
        return Response(workspace.contents[file.id], media_type=file.mimetype)

    return [
        Route("/upload/v1/{file}", receive, methods=["POST", "PUT"]),
        Route("/files-pri/{place}/{name:path}", download, methods=["GET"]),
    ]


async def _uploaded(request: Request) -> bytes | None:
    if "multipart/form-data" not in request.headers.get("content-type", ""):
        return await limited_body(request, FILE_MOST)
    async with request.form(max_part_size=FILE_MOST) as form:
        for value in form.values():
            if not isinstance(value, str):
                return await value.read()
    return None
