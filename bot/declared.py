"""What we declared to Slack: the app's manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent


def manifest_file() -> Path:
    """The app's manifest: beside the packages in a checkout, inside them when installed."""
    beside, inside = HERE.parent / "manifest.yml", HERE / "manifest.yml"
    return beside if beside.exists() else inside


def declared_scopes() -> frozenset[str]:
    """The scopes of the bot token that the manifest asks for."""
    manifest: Any = yaml.safe_load(manifest_file().read_text(encoding="utf-8"))
    return frozenset(manifest["oauth_config"]["scopes"]["bot"])
