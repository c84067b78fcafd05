"""A server to measure, in a process of its own: `python -m tests.bench.servers bare|rollcall API_URL …`.

The first line printed is one JSON object with the address.
"""

from __future__ import annotations

import bot as _first  # noqa: F401 - as in `rollcall serve`: it sets how garbage is collected

# isort: split
import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from pydantic import SecretStr
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:  # bare Bolt is to hold nothing of ours
    from release_core.policy import Policy

TOKEN = "xoxb-bench"
SECRET = "a secret for the bench alone"
POLICY = Path(__file__).parents[2] / "bot" / "rehearsal" / "policy.yaml"
ORGS = {
    f"ROLLCALL_REHEARSAL_{org}_{what}": value
    for org in ("UAT", "PRODUCTION")
    for what, value in (("URL", "http://127.0.0.1:1"), ("TOKEN", "none"))
}


TOLD = tuple(f"C0READER{number:03}" for number in range(200))
UPDATER = "U0RELMGR"


async def serve_bare(api_url: str) -> None:
    """Bolt alone, in its quickest setting: without it, Bolt looks for the answer only every 10 ms."""
    # Only the bot's own client is shared, so that the process holds nothing else of ours.
    from bot.slack_client import listening_client

    async with listening_client(TOKEN, api_url) as client:
        app = AsyncApp(client=client, signing_secret=SECRET, process_before_response=True)

        @app.command("/release")
        async def on_command(ack: AsyncAck) -> None:
            await ack("ok")

        handler = AsyncSlackRequestHandler(app)

        async def enter(request: Request) -> Response:
            return await handler.handle(request)

        web = Starlette(routes=[Route("/slack/events", enter, methods=["POST"])])
        config = uvicorn.Config(web, host="127.0.0.1", port=0, log_level="error", access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        _say_ready(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")
        await serving


async def serve_rollcall(api_url: str, folder: Path, database_url: str, policy: Policy) -> None:
    """The whole bot as `rollcall serve --http` runs it, but for the directory, which needs a whole Slack to ask."""
    from bot.rehearsal.clock import MovableClock
    from bot.settings import Settings
    from bot.wiring import build_bot, listen

    settings = Settings(
        slack_bot_token=SecretStr(TOKEN),
        slack_app_token=SecretStr("xapp-bench"),
        slack_signing_secret=SecretStr(SECRET),
        slack_api_url=api_url,
        database_url=database_url,
        folder=folder,
        policy=policy,
        http_port=0,
    )
    bot = build_bot(settings, MovableClock())
    bot.engine.start()
    await listen(bot, over_http=True, until=asyncio.Event(), on_ready=_say_ready)


def _policy(*, many_readers: bool) -> Policy:
    from release_core.policy import Audience
    from release_core.policy_file import load_policy

    policy = load_policy(POLICY, ORGS)
    if not many_readers:
        return policy
    readers = Audience(tier="business", channels=TOLD, every=timedelta(minutes=30))
    return policy.model_copy(update={"audiences": {"everybody": readers}})


def _say_ready(address: str) -> None:
    print(json.dumps({"address": address}), flush=True)  # noqa: T201 - it is how the bench learns the port


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["bare", api_url]:
            asyncio.run(serve_bare(api_url))
        case ["rollcall", api_url, folder, database_url]:
            asyncio.run(serve_rollcall(api_url, Path(folder), database_url, _policy(many_readers=False)))
        case ["telling", api_url, folder, database_url]:
            asyncio.run(serve_rollcall(api_url, Path(folder), database_url, _policy(many_readers=True)))
