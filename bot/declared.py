"""What we declared to Slack: the app's manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

LINK_SCOPES = ("links:read", "links:write")
LINK_EVENT = "link_shared"
HERE = Path(__file__).resolve().parent


def manifest_file() -> Path:
    """The app's manifest: beside the packages in a checkout, inside them when installed."""
    beside, inside = HERE.parent / "manifest.yml", HERE / "manifest.yml"
    return beside if beside.exists() else inside


def declared(public_url: str = "") -> dict[str, Any]:
    """The manifest; with `public_url` (the policy's) it also asks for what our own links need in the chat."""
    manifest: dict[str, Any] = yaml.safe_load(manifest_file().read_text(encoding="utf-8"))
    if public_url:
        manifest["features"]["unfurl_domains"] = [urlsplit(public_url).hostname]
        scopes = manifest["oauth_config"]["scopes"]
        scopes["bot"] = sorted({*scopes["bot"], *LINK_SCOPES})
        subscriptions = manifest["settings"]["event_subscriptions"]
        subscriptions["bot_events"] = sorted({*subscriptions["bot_events"], LINK_EVENT})
    return manifest


def manifest_text(public_url: str = "") -> str:
    """The manifest as YAML to paste; the file itself where nothing is added to it."""
    if not public_url:
        return manifest_file().read_text(encoding="utf-8")
    return yaml.safe_dump(declared(public_url), sort_keys=False, allow_unicode=True, width=110)


def declared_scopes(public_url: str = "") -> frozenset[str]:
    """The scopes of the bot token that the manifest asks for."""
    return frozenset(declared(public_url)["oauth_config"]["scopes"]["bot"])
