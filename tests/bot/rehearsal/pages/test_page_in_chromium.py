"""The page in a real browser, with a real Bolt app behind the workspace."""

from __future__ import annotations

import asyncio
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]


def chromium_path() -> str | None:
    """Where Chromium is on this machine; None when it is not."""
    return next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None)


pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="Chromium is not installed on this machine"),
]


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def field(block_id: str, label: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": {"action_id": "a", **element}, **more}


def the_form() -> dict[str, Any]:
    """A modal with a field of every common kind."""
    orgs = [{"text": plain(name), "value": name.lower()} for name in ("UAT", "PRODUCTION")]
    kinds = [{"text": plain(name), "value": name.lower()} for name in ("Standard", "Hotfix")]
    return {
        "type": "modal",
        "callback_id": "new",
        "title": plain("New release"),
        "submit": plain("Create"),
        "close": plain("Cancel"),
        "blocks": [
            field("name", "Name", {"type": "plain_text_input"}),
            field("org", "Target org", {"type": "static_select", "options": orgs}),
            field("kind", "Kind", {"type": "radio_buttons", "options": kinds}),
            field("checks", "Checks", {"type": "checkboxes", "options": kinds}, optional=True),
            field("seats", "Approvers", {"type": "multi_users_select"}),
            field("opens", "Opens", {"type": "datetimepicker"}),
            field("day", "Day", {"type": "datepicker"}),
            field("at", "At", {"type": "timepicker"}),
            field("package", "Package", {"type": "file_input", "max_files": 1}, optional=True),
            field("notes", "Notes", {"type": "plain_text_input", "multiline": True}, optional=True),
        ],
    }


def the_card(name: str) -> list[dict[str, Any]]:
    """A card whose button asks before it acts."""
    confirm = {"title": plain("Approve?"), "text": plain("For good."), "confirm": plain("Approve"), "deny": plain("Not yet")}
    button = {"type": "button", "action_id": "approve", "text": plain("Approve"), "style": "primary", "confirm": confirm}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{name}* waits for a yes"}}
    return [section, {"type": "actions", "block_id": "decide", "elements": [button]}]
