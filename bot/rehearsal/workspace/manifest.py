"""What the app's manifest lets the bot do and hear."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bot.rehearsal.workspace.model import Json

EVERY_SCOPE = frozenset(
    (
        *("app_mentions:read", "bookmarks:read", "bookmarks:write", "channels:history", "channels:join"),
        *("channels:read", "chat:write", "commands", "files:read", "files:write", "groups:history", "groups:read"),
        *("im:history", "im:read", "im:write", "links:read", "links:write", "pins:write", "reactions:read"),
        *("reactions:write", "team:read", "usergroups:read", "users:read", "users:read.email"),
    )
)

# Which scope each event needs before Slack sends it: docs.slack.dev/reference/events.
EVENT_SCOPES = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "file_shared": "files:read",
    "link_shared": "links:read",
    "member_joined_channel": "channels:read",
    "member_left_channel": "channels:read",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
}


@dataclass(frozen=True)
class Manifest:
    """The parts of an app manifest that change how the workspace behaves; `given` is False without a file."""

    given: bool = False
    bot_name: str = "Rollcall"
    scopes: frozenset[str] = EVERY_SCOPE
    events: frozenset[str] = frozenset()
    commands: dict[str, Json] = field(default_factory=dict)
    shortcuts: list[Json] = field(default_factory=list)
    socket_mode: bool = True
    urls: dict[str, str] = field(default_factory=dict)
    unfurl_domains: tuple[str, ...] = ()

    def hears(self, event: str) -> bool:
        """Whether an event (`app_mention`, `message.channels` …) is sent to the bot."""
        if not self.given:
            return True
        needed = EVENT_SCOPES.get(event)
        return event in self.events and (needed is None or needed in self.scopes)

    def knows_command(self, command: str) -> bool:
        """Whether typing the command reaches the bot."""
        return not self.given or command in self.commands

    def escapes(self, command: str) -> bool:
        """Whether people and channels in the command's text arrive as `<@U…>` and `<#C…>`."""
        return not self.given or bool(self.commands.get(command, {}).get("should_escape"))


def read_manifest(path: Path) -> Manifest:
    """Read a manifest (YAML or JSON); ValueError when it is none."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or "display_information" not in content:
        raise ValueError(f"{path} is no app manifest: it has no display_information. See docs.slack.dev/app-manifests.")
    features: Json = content.get("features") or {}
    settings: Json = content.get("settings") or {}
    commands = {each["command"]: each for each in features.get("slash_commands") or []}
    subscriptions = settings.get("event_subscriptions") or {}
    scopes = ((content.get("oauth_config") or {}).get("scopes") or {}).get("bot") or []
    return Manifest(
        given=True,
        bot_name=(features.get("bot_user") or {}).get("display_name") or content["display_information"]["name"],
        scopes=frozenset(scopes),
        events=frozenset(subscriptions.get("bot_events") or []),
        commands=commands,
        shortcuts=list(features.get("shortcuts") or []),
        socket_mode=bool(settings.get("socket_mode_enabled")),
        urls=_request_urls(settings, commands),
        unfurl_domains=tuple(str(domain).lower() for domain in features.get("unfurl_domains") or ()),
    )


def _request_urls(settings: Json, commands: dict[str, Any]) -> dict[str, str]:
    urls = {
        "events_api": (settings.get("event_subscriptions") or {}).get("request_url"),
        "interactive": (settings.get("interactivity") or {}).get("request_url"),
        "options": (settings.get("interactivity") or {}).get("message_menu_options_url"),
        **{name: each.get("url") for name, each in commands.items()},
    }
    return {name: url for name, url in urls.items() if url}
