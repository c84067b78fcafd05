"""Slack's own clients, made once with our timeouts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.client import WebClient

SLACK_API = "https://slack.com/api/"
TIMEOUT = 10


class WhenSlackFails(AsyncRetryHandler):
    """Asks again where Slack answered 5xx, or broke off in the middle of its answer.

    Slack may have done it all the same: an answer that is said twice beats a click that is never answered.
    """

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if response is not None and response.status_code >= 500:
            return True
        return isinstance(error, aiohttp.ClientError) and not isinstance(error, aiohttp.ClientConnectorError)


@asynccontextmanager
async def listening_client(token: str, api_url: str = SLACK_API) -> AsyncIterator[AsyncWebClient]:
    """The client that answers people: one session for all calls, which repeats what Slack asked us to slow down for.

    Without a session of ours, each call would make its own, TLS handshake included.
    """
    # Slack's client applies its own timeout only to sessions that it makes itself.
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as session:
        # A connection that Slack closed while it was idle fails only when it is used again.
        retries = [
            AsyncRateLimitErrorRetryHandler(max_retry_count=2),
            AsyncConnectionErrorRetryHandler(max_retry_count=2),
            WhenSlackFails(max_retry_count=2),
        ]
        yield AsyncWebClient(
            token, base_url=_with_slash(api_url), timeout=TIMEOUT, session=session, retry_handlers=list(retries)
        )


def blocking_client(token: str, api_url: str = SLACK_API) -> WebClient:
    """The client for the courier, which decides itself what may be repeated: a retry could post twice."""
    return WebClient(token, base_url=_with_slash(api_url), timeout=TIMEOUT, retry_handlers=[])


def _with_slash(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"
