"""A workspace of one conversation, as the page sees it: the answers of the acting API, written down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.rehearsal.workspace.refusals import NotVisibleError

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class WrittenWorkspace:
    """Gives back what a test put into it."""

    def __init__(self) -> None:
        self.people = [
            {
                "id": "U0RELMGR",
                "handle": "anna",
                "name": "Anna Keller",
                "zone": "Europe/Berlin",
                "role": "release manager",
                "bot": False,
                "active": True,
            },
            {
                "id": "U0TESTER",
                "handle": "tomas",
                "name": "Tomás Silva",
                "zone": "Europe/Lisbon",
                "role": "tester",
                "bot": False,
                "active": True,
            },
        ]
        self.app = {"id": "U0ROLLCALL", "handle": "rollcall", "name": "Rollcall", "bot": True, "active": True}
        self.channels = [
            a_channel("C0RELEASES", "releases"),
            a_channel("D0RELMGR", "Rollcall", kind="im", **{"with": "U0ROLLCALL"}),
        ]
        self.messages: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.home: dict[str, Any] | None = None
        self.bot_at = ""
        self.faults: list[dict[str, Any]] = []

    def sidebar(self, user: str) -> dict[str, Any]:
        me = next((one for one in self.people if user in (one["id"], one["handle"], "")), None)
        if me is None:
            raise NotVisibleError(f"There is nobody called {user}.")
        return {
            "team": {"id": "T0REHEARSE", "name": "Rehearsal"},
            "me": me,
            "app": self.app,
            "people": self.people,
            "channels": self.channels,
            "commands": [{"command": "/release", "usage_hint": "new | status | why", "description": "Run a release"}],
            "shortcuts": [],
            "seq": 7,
        }

    def see_channel(self, user: str, channel: str) -> dict[str, Any]:
        found = next((one for one in self.channels if one["id"] == channel), None)
        if found is None:
            raise NotVisibleError("There is no such channel.")
        return {"channel": found, "messages": [one for one in self.messages if one["channel"] == channel]}

    def see_thread(self, user: str, channel: str, ts: str) -> dict[str, Any]:
        return self.see_channel(user, channel)

    def see_views(self, user: str) -> dict[str, Any]:
        return {"views": self.views}

    def see_home(self, user: str) -> dict[str, Any]:
        return {"home": self.home}

    def now(self) -> datetime:
        return NOON

    def ahead(self) -> timedelta:
        return timedelta(hours=26)

    def app_address(self) -> str:
        return self.bot_at

    def faults_to_come(self) -> list[dict[str, Any]]:
        return self.faults


def a_channel(channel_id: str, name: str, kind: str = "public", **more: Any) -> dict[str, Any]:
    """A Channel of the acting API."""
    return {
        "id": channel_id,
        "name": name,
        "kind": kind,
        "topic": "",
        "member": True,
        "archived": False,
        "with": None,
        "unread": 0,
        "latest_ts": None,
        **more,
    }


@pytest.fixture
def workspace() -> WrittenWorkspace:
    return WrittenWorkspace()
