"""Addresses from outside that lead to a place on the page."""

from __future__ import annotations

from urllib.parse import urlencode

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.rehearsal.pages.scene import Workspace

_PATIENCE_SECONDS = 10
_PASSED_BACK = ("location", "content-type")


def leading_routes(workspace: Workspace) -> list[Route]:
    """`/r/REL-1` and `/i/INC-1`, passed on to the bot's web server as a company's reverse proxy would (docs/slack.md).

    `/archives/C…/p…` is where the chat's permalinks lead: to the page with that message in sight.
    """

    async def pass_on(request: Request) -> Response:
        return await _asked_of_the_bot(workspace.app_address(), request.url.path)

    return [Route("/r/{key}", pass_on), Route("/i/{key}", pass_on), Route("/archives/{channel}/p{digits:int}", _show)]


async def _asked_of_the_bot(address: str, path: str) -> Response:
    if not address:
        return PlainTextResponse("No bot answers for links here. Start one: rollcall rehearse.\n", 404)
    try:
        async with httpx.AsyncClient(timeout=_PATIENCE_SECONDS, trust_env=False) as client:
            answer = await client.get(f"{address}{path}")
    except (httpx.HTTPError, httpx.InvalidURL):
        return PlainTextResponse("The bot does not answer. Is it still running?\n", 502)
    kept = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
    return Response(answer.content, answer.status_code, headers=kept)


async def _show(request: Request) -> Response:
    digits = f"{request.path_params['digits']:07d}"
    place = {"channel": request.path_params["channel"], "message": f"{digits[:-6]}.{digits[-6:]}"}
    thread = request.query_params.get("thread_ts")
    return RedirectResponse(f"/?{urlencode(place | ({'thread': thread} if thread else {}))}", 302)
