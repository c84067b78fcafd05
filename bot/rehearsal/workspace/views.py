"""What a view may hold: the checks Slack makes before it opens, updates or publishes one."""

from __future__ import annotations

import json
from typing import Any

from bot.rehearsal.workspace.blocks import check_blocks
from bot.rehearsal.workspace.checks import Finding, Findings, Shape, anything, boolean, by_type, second_opinion, string
from bot.rehearsal.workspace.objects import plain

VIEW_BYTES = 250_000

_SHARED = {
    "private_metadata": string(3000),
    "callback_id": string(255),
    "external_id": string(255),
    "clear_on_close": boolean,
    "notify_on_close": boolean,
}
_HOME_EXTRAS = {"title": plain(24), "submit": plain(24), "close": plain(24)}
_VIEW = by_type(
    {
        "modal": Shape(
            {"type": anything, "blocks": anything, "title": plain(24)},
            {**_SHARED, "submit": plain(24), "close": plain(24), "submit_disabled": boolean},
        ),
        "home": Shape({"type": anything, "blocks": anything}, {**_SHARED, **_HOME_EXTRAS}),
    },
)


def check_view(view: Any, allowed: str, at: str = "/view") -> Findings:
    """What is wrong with a view that must be of type `allowed` (`modal` or `home`)."""
    if not isinstance(view, dict):
        return [Finding(at, "invalid_type", "must provide an object")]
    if view.get("type") in ("modal", "home") and view["type"] != allowed:
        return [Finding(f"{at}/type", "invalid_choice", f"must be a valid enum value: {allowed}")]
    found: Findings = []
    _VIEW(view, at, found)
    if "blocks" in view:
        found += check_blocks(view["blocks"], allowed, f"{at}/blocks")
    if not found:
        found += _whole(view, at)
    return found or second_opinion(allowed, view, at)


def _whole(view: dict[str, Any], at: str) -> Findings:
    found: Findings = []
    blocks = view["blocks"]
    asks = [index for index, block in enumerate(blocks) if block["type"] == "input"]
    if asks and view["type"] == "modal" and not view.get("submit"):
        found.append(Finding(at, "missing_submit", "`submit` is required when an input block is used"))
    return found


def too_large(view: Any) -> bool:
    """Whether the view is over 250 KB as JSON."""
    return len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_BYTES
