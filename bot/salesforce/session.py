"""The HTTP session through which everything we ask of an org goes."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from release_core.logins import LOCAL_HOSTS

log = logging.getLogger(__name__)

on_call: ContextVar[Callable[[], None] | None] = ContextVar("on_call", default=None)
"""Called before each HTTP call to an org that is made in this context, by whoever wants them counted."""

_SECRETS = (
    re.compile(r"(?i)(bearer\s+|basic\s+)[A-Za-z0-9!._~+/=-]{8,}"),
    re.compile(r"(?i)((?:access_token|client_secret|assertion|sessionid)[\"']?\s*[=:>]\s*[\"']?)[^\s\"'&<,}]+"),
    re.compile(r"()\b00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]+"),
)


def redacted(text: str) -> str:
    """The text with access tokens, assertions and client secrets blacked out."""
    for secret in _SECRETS:
        text = secret.sub(r"\1[redacted]", text)
    return text


@dataclass(frozen=True)
class Patience:
    """How long we wait for an org, in seconds.

    `pauses` are the waits between the tries of a call that may be repeated; there is one try more than pauses.
    """

    connect_for: float = 10.0
    answer_for: float = 60.0
    upload_for: float = 300.0
    retrieve_for: float = 1200.0
    pauses: Sequence[float] = (0.5, 1.0, 2.0, 4.0)
    first_look_after: float = 0.25
    looks_at_most_every: float = 5.0


class OrgSession(requests.Session):
    """A session with a time limit on everything, that counts its calls and never logs a secret.

    `clock_ahead` is how far the org's clock was ahead of the machine's at its last answer, None before the first.
    """

    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self.patience = patience
        self.calls = 0
        self.clock_ahead: timedelta | None = None
        self._counting = threading.Lock()
        # Without an auth of our own, requests would put a matching .netrc entry in place of our bearer token.
        self.auth = _leave_as_is

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """As `requests.Session.request`; redirects are not followed, so that a token stays with its host."""
        kwargs.setdefault("timeout", (self.patience.connect_for, self.patience.answer_for))
        kwargs.setdefault("allow_redirects", False)
        verb, address = _as_text(method), _as_text(url)
        if urlsplit(address).hostname in LOCAL_HOSTS:
            # An org on this machine is never asked through a proxy.
            kwargs.setdefault("proxies", {"http": "", "https": ""})
        counted = on_call.get()
        if counted is not None:
            counted()
        with self._counting:
            self.calls += 1
        began = time.monotonic()
        response = super().request(verb, address, *args, **kwargs)
        took = 1000 * (time.monotonic() - began)
        log.debug("%s %s -> %d in %.0f ms", verb, redacted(address), response.status_code, took)
        self._compare_clocks(response.headers.get("Date", ""), took)
        return response

    def _compare_clocks(self, date: str, took: float) -> None:
        """Keep how far the org's clock is ahead of the machine's, as its Date header shows (to the second)."""
        try:
            theirs = parsedate_to_datetime(date).replace(tzinfo=UTC) + timedelta(seconds=0.5)
        except (ValueError, TypeError):
            return
        self.clock_ahead = theirs - (datetime.now(UTC) - timedelta(milliseconds=took / 2))


def _leave_as_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _as_text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
