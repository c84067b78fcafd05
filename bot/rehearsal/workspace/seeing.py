"""What one person sees: conversations, modals, Home; the JSON shapes of docs/rehearsal-api.md."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.rehearsal.workspace import cast
from bot.rehearsal.workspace.controls import controls
from bot.rehearsal.workspace.model import Change, Channel, Json, Message, Person, StoredFile, View
from bot.rehearsal.workspace.plain import read_blocks, read_markup
from bot.rehearsal.workspace.refusals import NotVisibleError
from bot.rehearsal.workspace.shapes import (
    choice_key,
    element_seen,
    file_seen,
    input_seen,
    message_blocks,
    person_seen,
    said,
)
from bot.rehearsal.workspace.workspace import Workspace

MESSAGES_SHOWN = 200


class Onlooker:
    """The eyes of whoever is named; every method answers a dict of the API's shape or raises NotVisibleError."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def now(self) -> datetime:
        """The rehearsal's instant."""
        return self.workspace.clock.now()

    def ahead(self) -> timedelta:
        """How far the rehearsal's clock is ahead of the machine's."""
        return self.workspace.clock.offset

    def app_address(self) -> str:
        """Where the bot's own web server answers; "" when nobody said."""
        return self.workspace.app_address

    def faults_to_come(self) -> list[Json]:
        """The faults that are armed (docs/rehearsal-api.md, Fault)."""
        return self.workspace.faults.armed()

    def person(self, name: str) -> Person:
        """An active person by id or handle; "" is the first of the cast."""
        if not name:
            return self.workspace.cast_members()[0]
        wanted = name.removeprefix("@")
        for person in self.workspace.people.values():
            if wanted in (person.id, person.handle) and not person.bot:
                if not person.active:
                    raise NotVisibleError(
                        f"{person.name} is deactivated and can neither look nor act.", "deactivated", 403
                    )
                return person
        known = ", ".join(each.handle for each in self.workspace.cast_members())
        raise NotVisibleError(f"There is nobody called {name!r} here. People: {known}.", "user_not_found")

    def channel(self, person: Person, name: str) -> Channel:
        """A conversation this person can read, by id, `#name`, name, or `@handle` of the other side."""
        found = self.workspace.channels.get(name) or self._direct(person, name) or self._named(person, name)
        if found is None or not self.workspace.may_see(person.id, found):
            seen = ", ".join(f"#{each.name}" for each in self._channels(person) if each.kind != "im")
            raise NotVisibleError(f"{person.name} sees no channel {name!r}. They see: {seen}.", "channel_not_found")
        return found

    def _direct(self, person: Person, name: str) -> Channel | None:
        if not name.startswith("@"):
            return None
        for other in self.workspace.people.values():
            if name[1:] in (other.handle, other.id) and other.id != cast.SLACKBOT_ID:
                return self.workspace.direct_channel(person.id, other.id)
        return None

    def _named(self, person: Person, name: str) -> Channel | None:
        wanted = name.removeprefix("#")
        return next((each for each in self._channels(person) if each.name and each.name == wanted), None)

    def _channels(self, person: Person) -> list[Channel]:
        return [each for each in self.workspace.channels.values() if self.workspace.may_see(person.id, each)]

    # The answers of the API

    def people(self) -> Json:
        """Everybody, and the user groups."""
        groups = [
            {"id": each.id, "handle": each.handle, "name": each.name, "members": list(each.members)}
            for each in self.workspace.usergroups.values()
        ]
        return {"people": [person_seen(each) for each in self.workspace.cast_members()], "usergroups": groups}

    def sidebar(self, user: str) -> Json:
        """What stands beside every conversation."""
        person = self.person(user)
        manifest = self.workspace.manifest
        commands = [
            {key: each.get(key, "") for key in ("command", "usage_hint", "description")}
            for each in manifest.commands.values()
        ]
        shortcuts = [
            {key: each.get(key, "") for key in ("callback_id", "name", "type", "description")}
            for each in manifest.shortcuts
        ]
        return {
            "team": {"id": cast.TEAM_ID, "name": cast.TEAM_NAME},
            "me": person_seen(person),
            "app": person_seen(self.workspace.bot),
            **self.people(),
            **self.channels(user),
            "commands": commands,
            "shortcuts": shortcuts,
            "seq": self.workspace.seq,
        }

    def channels(self, user: str) -> Json:
        """The conversations this person can read."""
        person = self.person(user)
        return {"channels": [self._channel_seen(person, each) for each in self._channels(person)]}

    def see_channel(self, user: str, channel: str, limit: int = MESSAGES_SHOWN) -> Json:
        """A conversation's top level as this person sees it, oldest first."""
        person = self.person(user)
        room = self.channel(person, channel)
        shown = [
            message
            for message in self.workspace.messages.get(room.id, [])
            if _shown_to(person, message) and (message.thread_ts in (None, message.ts) or message.broadcast)
        ]
        return self._conversation(person, room, shown[-limit:])

    def see_thread(self, user: str, channel: str, ts: str) -> Json:
        """A message and its replies, oldest first."""
        person = self.person(user)
        room = self.channel(person, channel)
        head = self._message(person, room, ts)
        top = head.thread_ts or head.ts
        shown = [
            message
            for message in self.workspace.messages.get(room.id, [])
            if _shown_to(person, message) and top in (message.ts, message.thread_ts)
        ]
        return self._conversation(person, room, shown)

    def see_message(self, user: str, channel: str, ts: str) -> Json:
        """One message."""
        person = self.person(user)
        return {"message": self.message_seen(person, self._message(person, self.channel(person, channel), ts))}

    def see_views(self, user: str) -> Json:
        """The modal stack, bottom first."""
        person = self.person(user)
        stack = self.workspace.stack(person.id)
        views = [self.view_seen(person, view, depth) for depth, view in enumerate(stack, start=1)]
        return {"views": views, "seq": self.workspace.seq}

    def see_home(self, user: str) -> Json:
        """Home as last published, or None."""
        person = self.person(user)
        home = self.workspace.homes.get(person.id)
        return {"home": self.view_seen(person, home, 1) if home else None, "seq": self.workspace.seq}

    def see_file(self, user: str, file: str) -> tuple[StoredFile, bytes]:
        """A file this person may open, with its bytes."""
        person = self.person(user)
        found = self.workspace.files.get(file)
        shared = found and any(
            self.workspace.may_see(person.id, self.workspace.channels[id_]) for id_ in found.channels
        )
        if found is None or not (shared or found.user == person.id) or file not in self.workspace.contents:
            raise NotVisibleError(f"{person.name} sees no file {file!r}.", "file_not_found")
        return found, self.workspace.contents[file]

    def sees(self, person: Person, change: Change) -> bool:
        """Whether a change is one that this person can see."""
        if change.user is not None:
            return change.user == person.id
        if change.channel is None:
            return True
        return self.workspace.may_see(person.id, self.workspace.channels[change.channel])

    # Their parts

    def _conversation(self, person: Person, room: Channel, messages: list[Message]) -> Json:
        return {
            "channel": self._channel_seen(person, room),
            "messages": [self.message_seen(person, message) for message in messages],
            "seq": self.workspace.seq,
        }

    def _message(self, person: Person, room: Channel, ts: str) -> Message:
        message = self.find_message(person, room, ts)
        if message is None:
            raise NotVisibleError(f"{person.name} sees no message {ts} in this conversation.", "message_not_found")
        return message

    def find_message(self, person: Person, room: Channel, ts: str) -> Message | None:
        """A message that this person sees, their own ephemeral ones included."""
        found = self.workspace.find_message(room.id, ts, ephemeral=True)
        return found if found and _shown_to(person, found) else None

    def _channel_seen(self, person: Person, channel: Channel) -> Json:
        other = next((id_ for id_ in channel.members if id_ != person.id), person.id) if channel.kind == "im" else None
        mark = self.workspace.read_marks.get(f"{person.id} {channel.id}", "")
        top = [each for each in self.workspace.messages.get(channel.id, []) if _shown_to(person, each)]
        return {
            "id": channel.id,
            "name": self.workspace.people[other].name if other else channel.name,
            "kind": channel.kind,
            "topic": channel.topic,
            "member": person.id in channel.members,
            "archived": channel.archived,
            "with": other,
            "unread": sum(each.ts > mark and each.user != person.id for each in top),
            "latest_ts": top[-1].ts if top else None,
        }

    def message_seen(self, person: Person, message: Message) -> Json:
        """One message, as the API describes it."""
        author = self.workspace.people[message.user]
        replies = self.workspace.replies(message.channel, message.ts)
        state = self.workspace.choices.get(choice_key(person, message.channel, message.ts), {})
        return {
            "channel": message.channel,
            "ts": message.ts,
            "thread_ts": message.thread_ts if message.thread_ts != message.ts else None,
            "user": message.user,
            "name": message.username or author.name,
            "bot": author.bot,
            "text": message.text,
            "blocks": message.blocks,
            "attachments": message.attachments,
            "files": [file_seen(person, self.workspace.files[id_]) for id_ in message.files],
            "ephemeral": message.only_for is not None,
            "broadcast": message.broadcast,
            "edited": message.edited_ts is not None,
            "posted_at": datetime.fromtimestamp(float(message.ts), UTC).isoformat().replace("+00:00", "Z"),
            "reply_count": len(replies),
            "latest_reply": replies[-1].ts if replies else None,
            "reactions": [{"name": name, "users": list(users)} for name, users in message.reactions.items()],
            "pinned": message.pinned,
            "plain": self._plain(person, message),
            "elements": [
                element_seen(each, state) for each in controls(message_blocks(message)) if each.shown_to(person.id)
            ],
        }

    def _plain(self, person: Person, message: Message) -> str:
        by_person = message.user != cast.BOT_USER_ID
        if message.blocks and not by_person:
            parts = [read_blocks(self.workspace, person, message.blocks)]
        else:
            parts = [read_markup(self.workspace, person, message.text)]
        for each in message.attachments:
            parts += [
                read_markup(self.workspace, person, str(each[key]))
                for key in ("pretext", "title", "text")
                if key in each
            ]
            parts.append(read_blocks(self.workspace, person, each.get("blocks") or []))
        parts += [f"({self.workspace.files[id_].name})" for id_ in message.files]
        return "\n".join(part for part in parts if part)

    def view_seen(self, person: Person, view: View, depth: int) -> Json:
        """A modal or Home, as the API describes it."""
        found = [each for each in controls(view.blocks) if each.shown_to(person.id)]
        files = [
            file_seen(person, self.workspace.files[each["id"]])
            for control in found
            if control.type == "file_input"
            for each in view.values[control.block_id][control.action_id]["files"]
        ]
        return {
            "view_id": view.id,
            "type": view.type,
            "callback_id": view.callback_id,
            "title": said(view.title) if view.type == "modal" else None,
            "submit": said(view.submit),
            "close": said(view.close),
            "hash": view.hash,
            "depth": depth,
            "blocks": view.blocks,
            "plain": read_blocks(self.workspace, person, view.blocks),
            "inputs": [input_seen(each, view.values) for each in found if each.block["type"] == "input"],
            "elements": [element_seen(each, view.values) for each in found if each.block["type"] != "input"],
            "errors": dict(view.errors),
            "files": files,
        }


def _shown_to(person: Person, message: Message) -> bool:
    return message.only_for in (None, person.id)
