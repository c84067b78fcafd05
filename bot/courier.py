"""Carries what we say to Slack, once each.

A post is recognised by the slot that its metadata names. When an answer was lost, the courier looks whether its post is
there before it posts again.
"""

from __future__ import annotations

import http.client
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.client import WebClient

from bot.chat_problems import TRANSIENT, ChatProblem, ChatRefused, TokenRefused, problem, said, unavailable
from bot.pacing import EDITS, HOMES, POSTS, POSTS_PER_CHANNEL, Pace
from handlers.conversation import Attachment, Home, Message
from handlers.slack.blocks import draw_home, draw_message
from handlers.slack.mrkdwn import Reader
from release_core.errors import Unclear

log = logging.getLogger(__name__)

EVENT_TYPE = "rollcall_post"
TRIES = 5
LONGEST_WAIT = 60.0
PAGE = 200
PAGES = 50
SKEW = timedelta(minutes=1)
_GONE = frozenset(("message_not_found", "cant_update_message", "edit_window_closed", "streaming_state_conflict"))
_LOST = (OSError, http.client.HTTPException, ValueError)


@dataclass(frozen=True)
class ChatPerson:
    """Somebody in the workspace: chat id, handle, shown name, IANA zone."""

    id: str
    handle: str
    name: str
    zone: str
    active: bool
    bot: bool


class _LostAnswer(Exception):
    """Slack may have done it, or not."""


@dataclass
class Courier:
    """The way from our flows to Slack; every method blocks and may raise a ChatProblem."""

    client: WebClient
    pace: Pace = field(default_factory=Pace)

    def place(
        self,
        slot: str,
        channel: str,
        message: Message,
        *,
        thread_ts: str | None = None,
        known_ts: str | None = None,
        since: datetime | None = None,
    ) -> str:
        """Have exactly one post for `slot` that says `message`; returns its ts.

        With `known_ts` that post is edited. Otherwise, with `since`, the channel (or thread) is searched from then on
        for a post that carries the slot, which is then edited; only when there is none is one posted. Leave `since` out
        only when this slot was never tried before. Attachments are not sent: see `upload`.
        """
        post = {"channel": channel, "metadata": _metadata(slot), **draw_message(message)}
        if known_ts is not None and self._edit(post, known_ts):
            return known_ts
        if known_ts is not None or since is not None:
            found = self._find(slot, channel, thread_ts, since)
            if found not in (None, known_ts) and self._edit(post, str(found)):
                return str(found)
        # A card names its own address, which must not be shown once more under it.
        quiet = {"unfurl_links": False, "unfurl_media": False}
        return self._post_once(slot, {**post, **quiet, "thread_ts": thread_ts}, since)

    def open_direct(self, user: str) -> str:
        """The id of our direct conversation with a person."""
        return str(self._read("conversations.open", users=user)["channel"]["id"])

    def publish(self, user: str, home: Home, zone: str, name_of: Callable[[str], str]) -> None:
        """Bring a person their own page, as somebody reads it who lives in `zone` and calls people by `name_of`."""
        self.pace.wait_for("views.publish", HOMES)
        self._read("views.publish", user_id=user, view=draw_home(home, Reader(zone, name_of)))

    def permalink(self, channel: str, ts: str) -> str:
        """The address of a message."""
        return str(self._read("chat.getPermalink", channel=channel, message_ts=ts)["permalink"])

    def upload(self, channel: str, attachment: Attachment, *, thread_ts: str | None = None) -> str:
        """Hand over a file in a channel or direct conversation; returns its file id.

        ChatUnavailable when the answer was lost: the file may or may not be there.
        """
        try:
            answer = self.client.files_upload_v2(
                channel=channel,
                thread_ts=thread_ts,
                file=attachment.data,
                filename=attachment.name,
                title=attachment.title or attachment.name,
            )
        except SlackApiError as error:
            if _may_pass(error):
                raise unavailable("files.completeUploadExternal", said(error)) from error
            raise problem(error, "files.completeUploadExternal", channel=channel) from error
        except (*_LOST, SlackClientError) as error:
            raise unavailable("files.completeUploadExternal") from error
        return str(answer["files"][0]["id"])

    def fetch_file(self, file_id: str, limit: int) -> bytes:
        """The bytes of a file that a person sent, at most `limit`; Unclear when it is larger."""
        file = self._read("files.info", file=file_id)["file"]
        url = str(file.get("url_private_download") or file.get("url_private") or "")
        if not self._is_slacks(url):
            raise ChatRefused("The file is not kept by Slack, so Rollcall does not fetch it. Upload the file itself.")
        if int(file.get("size") or 0) > limit:
            raise _too_large(limit)
        return self._download(url, limit, html_expected="html" in str(file.get("mimetype")))

    def look_at_channel(self, channel: str) -> tuple[str, str]:
        """The name of a channel, and Slack's word for why nothing can be said in it ("" where it can)."""
        found = self._read("conversations.info", channel=channel)["channel"]
        closed = "is_archived" if found.get("is_archived") else "" if found.get("is_member", True) else "not_in_channel"
        return str(found.get("name") or ""), closed

    def people(self) -> list[ChatPerson]:
        """Everybody in the workspace, those who left and bots included."""
        return [_person(member) for page in self._pages("users.list") for member in page["members"]]

    def group_members(self, group: str) -> list[str]:
        """The chat ids of a user group's members."""
        return [str(user) for user in self._read("usergroups.users.list", usergroup=group)["users"]]

    # Posting

    def _post_once(self, slot: str, post: dict[str, Any], since: datetime | None) -> str:
        for _ in range(TRIES):
            self.pace.wait_for(str(post["channel"]), POSTS_PER_CHANNEL)
            self.pace.wait_for("chat.postMessage", POSTS)
            try:
                return str(self._call("chat.postMessage", post)["ts"])
            except _LostAnswer:
                log.warning("The answer to a post was lost; looking for it (%s)", slot)
                self.pace.sleep(1.0)
                ts = self._find(slot, str(post["channel"]), post["thread_ts"], since)
                if ts is not None:
                    return ts
        raise unavailable("chat.postMessage")

    def _edit(self, post: dict[str, Any], ts: str) -> bool:
        """Edit a post; False when it can be edited no more."""
        self.pace.wait_for("chat.update", EDITS)
        try:
            self._call_or_give_up("chat.update", {**post, "ts": ts})
        except ChatProblem as error:
            if error.code in _GONE:
                return False
            raise
        return True

    def _find(self, slot: str, channel: str, thread_ts: str | None, since: datetime | None) -> str | None:
        """The ts of the newest post that carries the slot; without `since`, only the latest page is searched."""
        method = "conversations.replies" if thread_ts else "conversations.history"
        where: dict[str, Any] = {"channel": channel, "include_all_metadata": True}
        where |= {"ts": thread_ts} if thread_ts else {}
        where |= {"oldest": f"{(since - SKEW).timestamp():.6f}"} if since else {}
        for page in self._pages(method, **where):
            for message in page["messages"]:
                metadata = message.get("metadata") or {}
                if metadata.get("event_type") == EVENT_TYPE and metadata["event_payload"].get("slot") == slot:
                    return str(message["ts"])
            if since is None and not thread_ts:
                return None
        return None

    # Asking

    def _pages(self, method: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        cursor = ""
        for _ in range(PAGES):
            page = self._read(method, **arguments, limit=PAGE, **({"cursor": cursor} if cursor else {}))
            yield page
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _read(self, method: str, **arguments: Any) -> dict[str, Any]:
        return self._call_or_give_up(method, arguments)

    def _call_or_give_up(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Ask for something that may be done twice, until it is answered."""
        for attempt in range(TRIES):
            try:
                return self._call(method, arguments)
            except _LostAnswer:
                self.pace.sleep(min(0.5 * 2**attempt, LONGEST_WAIT))
        raise unavailable(method)

    def _call(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Ask once; again only when Slack said that it did nothing and when to come back."""
        given = {name: value for name, value in arguments.items() if value is not None}
        channel, user = (
            str(given.get("channel", "")),
            str(given.get("user") or given.get("users") or given.get("user_id") or ""),
        )
        for _ in range(TRIES):
            try:
                answer = self.client.api_call(method, **_carried_as(method, given))
            except SlackApiError as error:
                if _status(error) == 429:
                    self.pace.hold(channel if method in _POSTS else method, _retry_after(error, method))
                    continue
                if _may_pass(error):
                    raise _LostAnswer from error
                raise problem(error, method, channel=channel, user=user) from error
            except (*_LOST, SlackClientError) as error:
                raise _LostAnswer from error
            assert isinstance(answer.data, dict)
            return answer.data
        raise unavailable(method, "ratelimited")

    # Files

    def _is_slacks(self, url: str) -> bool:
        parts, own = urlsplit(url), urlsplit(self.client.base_url)
        if parts.netloc == own.netloc and parts.scheme == own.scheme:
            return True
        host = parts.hostname or ""
        return parts.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com"))

    def _download(self, url: str, limit: int, *, html_expected: bool) -> bytes:
        gathered = bytearray()
        headers = {"Authorization": f"Bearer {self.client.token}"}
        try:
            # A redirect would carry the token elsewhere, or end at a login page.
            with httpx.stream("GET", url, headers=headers, follow_redirects=False, timeout=30) as answer:
                if answer.status_code >= 500:
                    raise unavailable("files.info")
                if answer.status_code != 200 or (_is_html(answer) and not html_expected):
                    raise TokenRefused(
                        "Slack did not hand over the file. The app needs the scope files:read, "
                        "and has to be in the conversation where the file was shared.",
                        code=str(answer.status_code),
                    )
                for chunk in answer.iter_bytes():
                    gathered += chunk
                    if len(gathered) > limit:
                        raise _too_large(limit)
        except httpx.HTTPError as error:
            raise unavailable("files.info") from error
        return bytes(gathered)


def _metadata(slot: str) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"slot": slot}}


# Slack counts these by channel, everything else by method.
_POSTS = frozenset(("chat.postMessage", "chat.postEphemeral"))
# Slack takes JSON for what writes, form fields for what reads.
_AS_JSON = frozenset(("chat.postMessage", "chat.postEphemeral", "chat.update", "conversations.open", "views.publish"))


def _carried_as(method: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"json": arguments} if method in _AS_JSON else {"params": arguments}


def _status(error: SlackApiError) -> int:
    return int(getattr(error.response, "status_code", 0))


def _may_pass(error: SlackApiError) -> bool:
    """Whether the same may be taken later: the trouble is Slack's, not ours."""
    return _status(error) == 429 or _status(error) >= 500 or said(error) in TRANSIENT


def _retry_after(error: SlackApiError, method: str) -> float:
    """The seconds that Slack told us to wait; ChatUnavailable when they are more than we do."""
    headers = {name.lower(): value for name, value in dict(error.response.headers).items()}
    value = str(headers.get("retry-after", "1"))
    seconds = max(float(value), 0.5) if value.isdecimal() else 1.0
    if seconds > LONGEST_WAIT:
        raise unavailable(method, "ratelimited")
    return seconds


def _person(member: dict[str, Any]) -> ChatPerson:
    profile = member.get("profile") or {}
    name = profile.get("real_name") or member.get("real_name") or profile.get("display_name") or member.get("name")
    return ChatPerson(
        id=str(member["id"]),
        handle=str(member.get("name") or ""),
        name=str(name or member["id"]),
        zone=str(member.get("tz") or "UTC"),
        active=not member.get("deleted", False),
        bot=bool(member.get("is_bot")) or member["id"] == "USLACKBOT",
    )


def _is_html(answer: httpx.Response) -> bool:
    return str(answer.headers.get("content-type", "")).startswith("text/html")


def _too_large(limit: int) -> Unclear:
    return Unclear(
        f"The file is larger than {limit / 1024 / 1024:.0f} MB, which is the most that Rollcall takes.", field="files"
    )
