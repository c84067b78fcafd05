"""The state of one chat workspace: who is there, what was said, what is open."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

from bot.rehearsal.clock import MovableClock
from bot.rehearsal.workspace import cast
from bot.rehearsal.workspace.faults import Faults
from bot.rehearsal.workspace.manifest import Manifest
from bot.rehearsal.workspace.model import (
    Change,
    Channel,
    Json,
    Message,
    Person,
    ResponseUrl,
    StoredFile,
    Trigger,
    Usergroup,
    View,
)
from bot.rehearsal.workspace.pace import Pace, RateLimits

CHANGES_KEPT = 20_000
CALLS_KEPT = 20_000

Happened = Callable[[str, Json], None]


class Workspace:
    """Everything that is kept; not thread-safe: change it from the server's event loop only.

    `on_change` callbacks hear every Change; `on_event` hears (name, event) pairs that the bot may have subscribed to.
    """

    def __init__(self, clock: MovableClock, manifest: Manifest | None = None, pace: Pace | None = None) -> None:
        self.clock = clock
        self.manifest = manifest or Manifest()
        self.pace = pace or Pace()
        self.base_url = "http://127.0.0.1"
        self.app_address = ""
        self.bot_token = f"xoxb-{secrets.token_hex(16)}"
        self.app_token = f"xapp-1-{cast.APP_ID}-{secrets.token_hex(16)}"
        self.signing_secret = secrets.token_hex(16)
        self.people: dict[str, Person] = {p.id: p for p in cast.the_people(self.manifest.bot_name)}
        self.usergroups: dict[str, Usergroup] = {g.id: g for g in cast.the_usergroups()}
        self.channels: dict[str, Channel] = {c.id: c for c in cast.the_channels()}
        self.messages: dict[str, list[Message]] = {}
        self.files: dict[str, StoredFile] = {}
        self.contents: dict[str, bytes] = {}
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.choices: dict[str, dict[str, dict[str, Json]]] = {}
        self.read_marks: dict[str, str] = {}
        self.counter = 0
        self.last_micros = 0
        self.offered: dict[str, list[Json]] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.rates = RateLimits()
        self.faults = Faults()
        self.clock_skew = 0.0
        self.changes: list[Change] = []
        self.calls: list[Json] = []
        self.deliveries: list[Json] = []
        self.on_change: list[Callable[[Change], None]] = []
        self.on_event: list[Happened] = []
        self._seq = itertools.count(1)

    @property
    def seq(self) -> int:
        """The number of the latest change."""
        return self.changes[-1].seq if self.changes else 0

    def next_ts(self) -> str:
        """A message timestamp: the clock's instant, unique and increasing."""
        micros = int(self.clock.now().timestamp() * 1_000_000)
        self.last_micros = max(micros, self.last_micros + 1)
        return f"{self.last_micros // 1_000_000}.{self.last_micros % 1_000_000:06d}"

    def next_id(self, prefix: str) -> str:
        """An id like Slack's: the prefix and ten digits or capitals."""
        self.counter += 1
        return f"{prefix}{self.counter:010d}"

    def fresh_name(self) -> str:
        """A block_id or action_id made up for an element that has none."""
        return secrets.token_urlsafe(4)

    def record(self, kind: str, **where: Any) -> Change:
        """Remember a change and tell whoever listens."""
        change = Change(seq=next(self._seq), kind=kind, **where)
        self.changes.append(change)
        if len(self.changes) > CHANGES_KEPT:
            del self.changes[: CHANGES_KEPT // 2]
        for listener in list(self.on_change):
            listener(change)
        return change

    def happened(self, name: str, event: Json) -> None:
        """Tell the bot's side that an event of a subscribable name happened."""
        for listener in list(self.on_event):
            listener(name, event)

    # People and conversations

    @property
    def bot(self) -> Person:
        """The bot's own account."""
        return self.people[cast.BOT_USER_ID]

    def cast_members(self) -> list[Person]:
        """The people, without bots."""
        return [person for person in self.people.values() if not person.bot]

    def direct_channel(self, one: str, other: str) -> Channel:
        """The direct message between two, made when it is not there."""
        for channel in self.channels.values():
            if channel.kind == "im" and set(channel.members) == {one, other}:
                return channel
        channel = Channel(id=self.next_id("D"), name="", kind="im", members=[one, other])
        self.channels[channel.id] = channel
        return channel

    def may_see(self, user: str, channel: Channel) -> bool:
        """Whether somebody can read a conversation: members, and everybody for public ones."""
        return channel.kind == "public" or user in channel.members

    # Messages

    def add_message(self, message: Message) -> Message:
        """Store a message and record the change."""
        self.messages.setdefault(message.channel, []).append(message)
        kind = "ephemeral" if message.only_for else "message"
        self._changed(kind, message)
        return message

    def edited(self, message: Message) -> None:
        """Record that a message was changed."""
        self._changed("edit", message)

    def remove_message(self, message: Message) -> None:
        """Take a message away and record it."""
        self.messages[message.channel].remove(message)
        self._changed("delete", message)

    def _changed(self, kind: str, message: Message) -> None:
        thread = message.thread_ts if message.thread_ts != message.ts else None
        self.record(kind, channel=message.channel, ts=message.ts, thread_ts=thread, user=message.only_for)

    def find_message(self, channel: str, ts: str, *, ephemeral: bool = False) -> Message | None:
        """A message by its place; ephemeral ones only when asked for."""
        for message in reversed(self.messages.get(channel, [])):
            if message.ts == ts and (ephemeral or message.only_for is None):
                return message
        return None

    def replies(self, channel: str, ts: str) -> list[Message]:
        """What everybody can read below a message, oldest first."""
        return [
            message
            for message in self.messages.get(channel, [])
            if message.thread_ts == ts and message.ts != ts and message.only_for is None
        ]

    def public_messages(self, channel: str) -> Iterator[Message]:
        """The top level of a conversation as everybody sees it, oldest first."""
        for message in self.messages.get(channel, []):
            if message.only_for is None and (message.thread_ts in (None, message.ts) or message.broadcast):
                yield message

    # Permissions to answer

    def new_trigger(self, user: str) -> str:
        """A trigger id: a single-use permission to open a view for somebody, soon."""
        id_ = f"{secrets.randbelow(10**12):012d}.{secrets.randbelow(10**11):011d}.{secrets.token_hex(16)}"
        self.triggers[id_] = Trigger(user=user, expires=time.monotonic() + self.pace.trigger_lives)
        return id_

    def new_response_url(self, user: str, channel: str, *, ts: str | None = None, thread_ts: str | None = None) -> str:
        """A response URL for one command or click."""
        key = f"{cast.TEAM_ID}/{secrets.randbelow(10**12):012d}/{secrets.token_urlsafe(18)}"
        expires = time.monotonic() + self.pace.response_url_lives
        self.response_urls[key] = ResponseUrl(user=user, channel=channel, expires=expires, ts=ts, thread_ts=thread_ts)
        return f"{self.base_url}/actions/{key}"

    # Views

    def find_view(self, view_id: str) -> View | None:
        """A modal or Home by its id."""
        for view in itertools.chain(*self.modals.values(), self.homes.values()):
            if view.id == view_id:
                return view
        return None

    def stack(self, user: str) -> list[View]:
        """Somebody's open modals, bottom first."""
        return self.modals.setdefault(user, [])

    def view_changed(self, view: View) -> Change:
        """Record that somebody's modal or Home changed."""
        return self.record("home" if view.type == "home" else "view", view_id=view.id, user=view.owner)
