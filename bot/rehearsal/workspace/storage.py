"""A workspace kept in a folder, so that a rehearsal can be continued."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.rehearsal.workspace.model import Channel, Json, Message, Person, StoredFile, Usergroup, View
from bot.rehearsal.workspace.workspace import Workspace

STATE_FILE = "workspace.json"
PLAIN = ("bot_token", "app_token", "signing_secret", "choices", "read_marks", "counter", "last_micros")


def dump(workspace: Workspace) -> Json:
    """All that outlives a restart, as JSON; files' bytes, triggers and response URLs are not in it."""
    return {
        **{name: getattr(workspace, name) for name in PLAIN},
        "ahead_seconds": workspace.clock.offset.total_seconds(),
        "people": [asdict(each) for each in workspace.people.values()],
        "usergroups": [asdict(each) for each in workspace.usergroups.values()],
        "channels": [asdict(each) for each in workspace.channels.values()],
        "messages": [asdict(each) for some in workspace.messages.values() for each in some],
        "files": [asdict(each) for each in workspace.files.values()],
        "modals": [asdict(each) for stack in workspace.modals.values() for each in stack],
        "homes": [asdict(each) for each in workspace.homes.values()],
    }


def load(workspace: Workspace, state: Json) -> None:
    """Put what `dump` gave into a fresh workspace and move its clock to where it was.

    The bot keeps the name that the manifest gives it.
    """
    behind = timedelta(seconds=state["ahead_seconds"]) - workspace.clock.offset
    if behind > timedelta():
        workspace.clock.advance(behind)
    for name in PLAIN:
        setattr(workspace, name, state[name])
    bot = workspace.bot
    workspace.people = {each["id"]: Person(**each) for each in state["people"]} | {bot.id: bot}
    workspace.usergroups = {each["id"]: Usergroup(**each) for each in state["usergroups"]}
    workspace.channels = {each["id"]: Channel(**each) for each in state["channels"]}
    workspace.files = {each["id"]: StoredFile(**each) for each in state["files"]}
    workspace.homes = {each["owner"]: View(**each) for each in state["homes"]}
    workspace.messages = {}
    for each in state["messages"]:
        workspace.messages.setdefault(each["channel"], []).append(Message(**each))
    workspace.modals = {}
    for each in state["modals"]:
        workspace.stack(each["owner"]).append(View(**each))


class Folder:
    """Where one workspace is kept: a JSON file, and one file per upload."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written: set[str] = set()

    def save(self, workspace: Workspace) -> None:
        """Write the present state; a reader sees the old or the new one, never half of it."""
        (self.path / "files").mkdir(parents=True, exist_ok=True)
        for id_, content in workspace.contents.items():
            if id_ not in self._written:
                (self.path / "files" / id_).write_bytes(content)
                self._written.add(id_)
        fresh = self.path / f"{STATE_FILE}.new"
        fresh.write_text(json.dumps(dump(workspace)), encoding="utf-8")
        os.replace(fresh, self.path / STATE_FILE)

    def restore(self, workspace: Workspace) -> bool:
        """Continue what was kept here; False when nothing was."""
        kept = self.path / STATE_FILE
        if not kept.exists():
            return False
        state: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        load(workspace, state)
        for id_ in workspace.files:
            content = self.path / "files" / id_
            if content.exists():
                workspace.contents[id_] = content.read_bytes()
                self._written.add(id_)
        return True
