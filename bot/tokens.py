"""Whether Slack takes our tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat_problems import TokenRefused, problem, said

log = structlog.get_logger(__name__)


async def show_tokens(client: AsyncWebClient, app_token: str) -> None:
    """Show Slack the client's bot token and the app-level token ("" where none is needed).

    TokenRefused names each that Slack does not take, because no waiting would mend it. When Slack cannot be reached
    nothing is known, so nothing is raised: the connections go on trying.
    """
    asks: list[tuple[str, Callable[[], Awaitable[object]]]] = [("SLACK_BOT_TOKEN", client.auth_test)]
    if app_token:
        asks.append(("SLACK_APP_TOKEN", partial(client.apps_connections_open, app_token=app_token)))
    refused = []
    for name, ask in asks:
        try:
            await ask()
        except SlackApiError as error:
            if isinstance(problem(error, "auth.test"), TokenRefused):
                refused.append(f"Slack does not accept {name} ({said(error)}). Give the one on your app's page.")
        except (aiohttp.ClientError, OSError) as error:
            log.warning("slack.not_reached", problem=str(error))
    if refused:
        raise TokenRefused(" ".join(refused))
