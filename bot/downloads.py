"""Fetching one file from a web address, within limits."""

from __future__ import annotations

import ipaddress
import socket
import time
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpx

from bot.settings import is_loopback
from release_core.errors import ReleaseError, Unclear

REDIRECTS = (301, 302, 303, 307, 308)


class NotFetched(ReleaseError):
    """The address did not give the file; the sentence says why."""


@dataclass(frozen=True)
class Limits:
    """How much is taken, how long is waited: bytes, seconds without a byte, seconds in all, redirects followed."""

    size: int
    silence: float = 30.0
    in_all: float = 600.0
    redirects: int = 5


def shown(url: str) -> str:
    """The address without what may be secret in it: name and password, query, fragment."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def fetch(url: str, limits: Limits, token: str = "") -> bytes:
    """The bytes at an https address (http on this machine only); `token` goes to that host alone, as bearer."""
    _refuse_address(url)
    until = time.monotonic() + limits.in_all
    at = url
    with httpx.Client(follow_redirects=False, timeout=httpx.Timeout(limits.silence, connect=10.0)) as client:
        for _ in range(limits.redirects + 1):
            headers = {"Authorization": f"Bearer {token}"} if token and _origin(at) == _origin(url) else {}
            try:
                with client.stream("GET", at, headers=headers) as answer:
                    if answer.status_code not in REDIRECTS:
                        return _read(answer, limits, until)
                    at = _next_address(at, answer.headers.get("location", ""), url)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                why = f"{shown(at)} did not give the file: {_why(error)}."
                raise NotFetched(f"{why} Check the address, then repeat.") from None
    raise NotFetched(f"{shown(url)} leads on more than {limits.redirects} times. Give the file's own address.")


def _why(error: httpx.HTTPError | httpx.InvalidURL) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer came in time"
    if isinstance(error, httpx.ConnectError):
        return "no connection could be made"
    if isinstance(error, httpx.InvalidURL):
        return "it is no address"
    return "the connection broke before all of it had arrived"


def _read(answer: httpx.Response, limits: Limits, until: float) -> bytes:
    where = shown(str(answer.url))
    if answer.status_code in (401, 403):
        another = "another token" if "authorization" in answer.request.headers else "a token"
        raise NotFetched(f"{where} wants {another} ({answer.status_code}). Give one with --token-env NAME.")
    if answer.status_code >= 500:
        raise NotFetched(f"{where} could not give the file ({answer.status_code}). Repeat in a few minutes.")
    if answer.status_code != 200:
        raise NotFetched(f"{where} answered {answer.status_code} instead of the file. Check the address.")
    gathered = bytearray()
    for piece in answer.iter_bytes():
        gathered += piece
        if len(gathered) > limits.size:
            raise NotFetched(f"{where} gives more than {limits.size / 1024 / 1024:.0f} MB, the most that is taken.")
        if time.monotonic() > until:
            raise NotFetched(f"{where} did not give the whole file within {limits.in_all:.0f} seconds.")
    return bytes(gathered)


def _refuse_address(url: str) -> None:
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise Unclear("The address has a name or password in it. Leave it out, and give a token with --token-env NAME.")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))):
        raise Unclear(f"{shown(url)} is not fetched: only https:// is, and http:// on this machine.")


def _next_address(at: str, location: str, first: str) -> str:
    following = urljoin(at, location)
    _refuse_address(following)
    if _origin(following) != _origin(first) and _is_private(following):
        raise NotFetched(f"{shown(at)} leads to an address inside a private network. Give the file's own address.")
    return following


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def _is_private(url: str) -> bool:
    """Whether a host stands, at least for one of its addresses, in a network that the world does not see."""
    try:
        found = socket.getaddrinfo(urlsplit(url).hostname, None)
    except OSError:
        return False  # the fetch itself says that there is no such host
    return any(not ipaddress.ip_address(str(address[4][0]).partition("%")[0]).is_global for address in found)
