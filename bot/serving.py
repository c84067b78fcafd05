"""The bot as a process of its own, from its start to its end."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import typer

from bot.settings import Settings
from bot.wiring import build_bot, listen, try_tokens
from release_core.errors import OrgRefused
from release_core.ports import Clock


def run_bot(settings: Settings, clock: Clock, *, over_http: bool) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code.

    OrgRefused, before anything runs, when an org is a sandbox where the policy says production, or the reverse.
    0 when every flow was parked, 69 when Slack could not be reached for long, 75 when a flow did not park in time.
    """
    return asyncio.run(_serve(settings, clock, over_http=over_http))


async def _serve(settings: Settings, clock: Clock, *, over_http: bool) -> int:
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, until.set)
    await try_tokens(settings, over_http=over_http)
    bot = build_bot(settings, clock)
    try:
        await asyncio.to_thread(bot.orgs.look_at_all)
    except OrgRefused:
        bot.store.close()
        raise
    await asyncio.to_thread(bot.start)
    try:
        await listen(bot, over_http=over_http, until=until, on_ready=_say_ready)
    except ConnectionError as error:
        typer.echo(str(error), err=True)
        return 69
    finally:
        parked = await asyncio.to_thread(bot.stop)
    # Flows that did not park in time go on after the next start; waiting for their threads would take too long.
    return 0 if parked else 75


def _say_ready(address: str) -> None:
    typer.echo(json.dumps({"ready": True, "health": f"{address}/health"}))
    sys.stdout.flush()
