"""One login to one org, kept alive, with the REST and SOAP calls that go through it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from simple_salesforce.api import Salesforce

from bot.salesforce.advice import Asked, Manner, SessionExpired, is_for_good
from bot.salesforce.attempts import attempt
from bot.salesforce.failures import Unreadable
from bot.salesforce.login import Grant, log_in, name_of
from bot.salesforce.replies import Fields, fields_of, listed
from bot.salesforce.session import OrgSession, Patience
from bot.salesforce.soap import SoapDoor
from release_core.errors import OrgRefused
from release_core.logins import AccessTokenLogin, OrgLogin
from release_core.ports import Clock

Answer = TypeVar("Answer")

# A session may be set to end after 15 idle minutes, the shortest that an org allows.
_TRUSTED_FOR = timedelta(minutes=10)

# An org that says "never" is not asked in a loop; yet a rollback under way, which tries again every minute, must not be
# kept waiting much longer than the administrator who mends it.
_SHUT_FOR = timedelta(minutes=1)


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        return datetime.now(UTC)


class Connection:
    """Logs in at the first call, again when the session has ended; safe to use from several threads."""

    def __init__(
        self,
        login: OrgLogin,
        *,
        api_version: str,
        clock: Clock,
        patience: Patience,
        environ: Mapping[str, str],
        title: str = "",
    ) -> None:
        self.api_version = api_version
        self.patience = patience
        self.session = OrgSession(patience)
        self.clock = clock
        self._login = login
        self._title = title
        self._environ = environ
        self._door: Salesforce | None = None
        self._user_id = ""
        self._answered_at: datetime | None = None
        self._shut: tuple[datetime, OrgRefused] | None = None
        self._renewing = threading.Lock()

    @property
    def api_usage(self) -> tuple[int, int] | None:
        """Calls used and allowed in 24 hours, as the last REST answer told; None before the first."""
        usage = self._door.api_usage.get("api-usage") if self._door else None
        return (usage.used, usage.total) if usage else None

    @property
    def where(self) -> str:
        """The org's title with its host, for sentences; the host alone where it has none."""
        return name_of(self._login, self._title)

    def rest(
        self, path: str, read: Callable[[Any], Answer], act: str, *, manner: Manner = "read", **request: Any
    ) -> Answer:
        """Ask `path` under services/data/vXX.0 and read the answer.

        `act` says what we want in words that follow "did not". `read` may raise Unreadable. `request` is whatever
        simple-salesforce's `restful` takes.
        """
        return self._ask(lambda door: read(_restful(door, path, request)), act, manner)

    def user(self) -> tuple[str, str]:
        """The id and the username that we act as.

        A login that named its user is believed, because the userinfo service wants a scope beyond `api`.
        """
        act = "tell who we are"
        self._opened()
        if self._user_id:
            path = f"sobjects/User/{self._user_id}"
            username = self.rest(path, lambda user: str(fields_of(user, "user").get("Username") or ""), act)
            return self._user_id, username
        user = self._ask(lambda door: fields_of(door.oauth2("userinfo"), "user"), act, "read")
        return str(user.get("user_id") or ""), str(user.get("preferred_username") or "")

    def soap(self, body: str, read: Callable[[Sequence[Element]], Answer], act: str) -> Answer:
        """Ask one reading operation of the SOAP Metadata API and read its `result` elements."""

        def send(door: Salesforce) -> Answer:
            return read(SoapDoor(door.metadata_url.rstrip("/"), door.session_id, self.session).ask(body))

        return self._ask(send, act, "read")

    def query(self, soql: str, read: Callable[[Fields], Answer], act: str, *, tooling: bool = False) -> list[Answer]:
        """All records of a query, page by page, each read by `read`."""

        def page(answer: object) -> tuple[list[Answer], str]:
            rows, following = _page(answer)
            return [read(row) for row in rows], following

        service = "tooling/query" if tooling else "query"
        found, following = self.rest(f"{service}/", page, act, params={"q": soql})
        while following:
            more, following = self.rest(f"{service}/{following}", page, act)
            found += more
        return found

    def api_versions(self) -> Sequence[str]:
        """The API versions that the org offers, oldest first, such as "67.0"."""

        def send(door: Salesforce) -> Sequence[str]:
            response = self.session.request("GET", door.base_url.rpartition("/v")[0])
            response.raise_for_status()
            return [str(row.get("version")) for row in listed(response.json())]

        return self._ask(send, "list its API versions", "read")

    def freshen(self) -> None:
        """Log in anew when the session has been idle so long that it may have ended.

        Done before a job is started, because a start is not repeated after a refused session.
        """
        door, answered_at = self._door, self._answered_at
        if door is None or answered_at is None or isinstance(self._login, AccessTokenLogin):
            return
        if self.clock.now() - answered_at > _TRUSTED_FOR:
            self._renew(door)

    def _ask(self, send: Callable[[Salesforce], Answer], act: str, manner: Manner) -> Answer:
        asked = Asked(self.where, act, manner)
        self._must_not_be_shut(asked)
        try:
            answer = self._answer(send, asked)
        except OrgRefused as refused:
            if is_for_good(refused):
                self._shut = self.clock.now(), refused
            raise
        self._answered_at = self.clock.now()
        return answer

    def _answer(self, send: Callable[[Salesforce], Answer], asked: Asked) -> Answer:
        door = self._opened()
        try:
            return attempt(lambda: send(door), asked, self.patience)
        except SessionExpired:
            fresh = self._renew(door)
            if asked.manner == "start":
                raise
            return self._once_more(lambda: send(fresh), asked)

    def _must_not_be_shut(self, asked: Asked) -> None:
        if self._shut is None:
            return
        since, refused = self._shut
        if self.clock.now() - since >= _SHUT_FOR:
            self._shut = None
            return
        raise OrgRefused(
            f"{asked.where} was not asked to {asked.act}: at {since:%H:%M} UTC it said that this login may never "
            f"use its API. Rollcall asks again at {since + _SHUT_FOR:%H:%M} UTC. {refused}",
            code=refused.code,
        )

    def _once_more(self, send: Callable[[], Answer], asked: Asked) -> Answer:
        try:
            return attempt(send, asked, self.patience)
        except SessionExpired as error:
            raise OrgRefused(
                f"{asked.where} did not {asked.act}: it refuses even a session that it has just given. "
                "An administrator has to check the user's login IP ranges and session settings.",
                code=error.code,
            ) from error

    def _opened(self) -> Salesforce:
        with self._renewing:
            if self._door is None:
                self._door = self._open(self._granted())
            return self._door

    def _renew(self, stale: Salesforce) -> Salesforce:
        """Another session than `stale`; several threads that find it ended at once renew it once."""
        with self._renewing:
            if self._door is None or self._door is stale:
                grant = self._granted()
                if isinstance(self._login, AccessTokenLogin) and grant.access_token == stale.session_id:
                    raise OrgRefused(
                        f"{self.where} no longer accepts the access token that it was given: its session has ended. "
                        "Rollcall cannot renew it; put a new token in its place, or set up a JWT login.",
                        code="INVALID_SESSION_ID",
                    )
                self._door = self._open(grant)
            return self._door

    def _granted(self) -> Grant:
        return log_in(self._login, self.session, self.clock.now(), self._environ, self.where)

    def _open(self, grant: Grant) -> Salesforce:
        self._user_id = grant.user_id
        door = Salesforce(
            session_id=grant.access_token,
            instance_url=grant.instance_url,
            session=self.session,
            version=self.api_version,
        )
        if urlsplit(grant.instance_url).scheme == "http":
            # simple-salesforce writes https:// before every host; a local org speaks plain http.
            for name in ("base_url", "metadata_url", "tooling_url", "oauth2_url"):
                setattr(door, name, getattr(door, name).replace("https://", "http://", 1))
        return door


def _restful(door: Salesforce, path: str, request: Mapping[str, Any]) -> Any:
    try:
        return door.restful(path, **request)
    except TypeError as error:
        # restful measures the length of what it parsed, which a bare number or null does not have.
        raise Unreadable("the answer is no JSON object") from error


def _page(answer: object) -> tuple[list[Fields], str]:
    """The records of one page of a query, with the locator of the next; empty on the last."""
    page = fields_of(answer, "records")
    if not isinstance(page.get("records"), list):
        raise Unreadable("the answer has no records")
    return listed(page["records"]), str(page.get("nextRecordsUrl") or "").rpartition("/")[2]
