"""What came back from an org, or from the way to it, instead of a result."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import requests
from simple_salesforce.exceptions import SalesforceError
from urllib3.exceptions import NewConnectionError

from bot.salesforce.session import redacted

_TEXT_AT_MOST = 300


class Unreadable(Exception):
    """The org answered with success, but with something that we cannot read."""


class SoapFault(Exception):
    """The SOAP API answered with a fault; `code` comes without its namespace prefix."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text


CALL_FAILURES = (SalesforceError, SoapFault, Unreadable, requests.RequestException)


@dataclass(frozen=True)
class Failure:
    """One failed call: HTTP `status` (0 without an answer), the org's error code, its words.

    `sent` is False only when the request certainly never reached the org.
    """

    status: int
    code: str
    text: str
    sent: bool = True


def read_failure(error: Exception) -> Failure:
    """Sort one of CALL_FAILURES into a Failure."""
    if isinstance(error, SalesforceError):
        return _from_rest(error.status, error.content)
    if isinstance(error, SoapFault):
        return Failure(error.status, error.code, _short(error.text))
    if isinstance(error, Unreadable | requests.exceptions.InvalidJSONError):
        return Failure(200, "UNREADABLE", _short(str(error)))
    if isinstance(error, requests.exceptions.HTTPError):
        return _from_rest(error.response.status_code, _content_of(error.response))
    return _from_network(error)


def _content_of(response: requests.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return response.text


def _from_rest(status: int, content: object) -> Failure:
    """REST errors are a list of {errorCode, message}; OAuth and some 401s are one dict; proxies send HTML."""
    first = content[0] if isinstance(content, list) and content else content
    if isinstance(first, Mapping):
        code = first.get("errorCode") or first.get("error") or ""
        text = first.get("message") or first.get("error_description") or ""
        return Failure(status, str(code), _short(str(text)))
    plain = re.sub(r"<[^>]*>", " ", str(first or ""))
    return Failure(status, "", _short(plain))


def _from_network(error: Exception) -> Failure:
    causes = tuple(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Failure(0, "CERTIFICATE", "the org's certificate is not trusted here", sent=False)
    unsent = (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError, NewConnectionError)
    if any(isinstance(cause, unsent) for cause in causes):
        return Failure(0, "", "no connection could be made", sent=False)
    if isinstance(error, requests.exceptions.ReadTimeout):
        return Failure(0, "", "no answer came in time")
    return Failure(0, "", "the connection broke before the answer had arrived")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error with all that it wraps: urllib3 hides the reason in `reason` or in `args`."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]


def _short(text: str) -> str:
    """One line of the org's own words, without secrets, 300 characters at most."""
    line = " ".join(redacted(text).split())
    return line if len(line) <= _TEXT_AT_MOST else line[: _TEXT_AT_MOST - 1] + "…"
