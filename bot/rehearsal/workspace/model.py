"""The records that a workspace is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
ChannelKind = Literal["public", "private", "im"]


@dataclass
class Person:
    """Somebody with an account: a member of the cast, the bot, or Slackbot."""

    id: str
    handle: str
    name: str
    zone: str
    role: str
    email: str = ""
    title: str = ""
    bot: bool = False
    active: bool = True


@dataclass
class Usergroup:
    """A named group of people that can be mentioned."""

    id: str
    handle: str
    name: str
    members: list[str]


@dataclass
class Channel:
    """A conversation: public, private, or a direct message between two."""

    id: str
    name: str
    kind: ChannelKind
    members: list[str]
    topic: str = ""
    archived: bool = False
    bookmarks: list[Json] = field(default_factory=list)


@dataclass
class Message:
    """One message; `only_for` names the single person who sees an ephemeral one."""

    channel: str
    ts: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    only_for: str | None = None
    edited_ts: str | None = None
    files: list[str] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    pinned: bool = False
    username: str | None = None
    client_msg_id: str | None = None


@dataclass
class StoredFile:
    """A file's facts; its bytes are kept beside them in `Workspace.contents`."""

    id: str
    name: str
    user: str
    size: int
    created: int
    title: str = ""
    mimetype: str = "application/octet-stream"
    complete: bool = False
    channels: list[str] = field(default_factory=list)
    shared_with_bot: bool = False


@dataclass
class View:
    """A modal on somebody's stack, or somebody's Home; `values` is what they filled in so far."""

    id: str
    owner: str
    type: Literal["modal", "home"]
    blocks: list[Json]
    hash: str
    title: Json | None = None
    submit: Json | None = None
    close: Json | None = None
    private_metadata: str = ""
    callback_id: str = ""
    external_id: str = ""
    notify_on_close: bool = False
    clear_on_close: bool = False
    root_view_id: str = ""
    previous_view_id: str | None = None
    values: dict[str, dict[str, Json]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass
class Trigger:
    """A permission to open a view for one person, once, until `expires` (monotonic seconds)."""

    user: str
    expires: float
    used: bool = False


@dataclass
class ResponseUrl:
    """Where the bot may answer one command or click without a token, a few times (`expires` is monotonic)."""

    user: str
    channel: str
    expires: float
    ts: str | None = None
    thread_ts: str | None = None
    uses: int = 0


@dataclass(frozen=True)
class Change:
    """Something that a page should redraw; `user` is set when only that person sees it."""

    seq: int
    kind: str
    channel: str | None = None
    ts: str | None = None
    thread_ts: str | None = None
    view_id: str | None = None
    user: str | None = None
