"""Flow versions: what a deployed flow file does to them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from bot.rehearsal.org import markup
from bot.rehearsal.org.identifiers import IdMint
from bot.rehearsal.org.inventory import Component, FlowVersion, Inventory

_STATUS = re.compile(rb"<status>\s*(\w+)\s*</status>")


def status_in(body: bytes) -> str:
    """The status a flow file asks for; Draft when it says nothing."""
    found = _STATUS.search(body)
    return found.group(1).decode() if found else "Draft"


def with_status(body: bytes, status: str) -> bytes:
    """The same flow file with another status."""
    return _STATUS.sub(f"<status>{status}</status>".encode(), body, count=1)


def active_version(inventory: Inventory, name: str) -> FlowVersion | None:
    """The version that runs, or None."""
    return next((version for version in inventory.flows.get(name, []) if version.status == "Active"), None)


def shown_body(inventory: Inventory, name: str) -> bytes:
    """What a retrieve of the flow by its name returns: the active version, else the newest."""
    version = active_version(inventory, name) or inventory.flows[name][-1]
    return with_status(version.body, version.status)


def install(inventory: Inventory, name: str, body: bytes, at: datetime, mint: IdMint) -> bool:
    """Take in a flow file; True when that changed anything.

    The same content again makes no new version; the newest one is activated when the file says so.
    An inactive newest version that never ran is overwritten; otherwise a new version is made.
    """
    versions = inventory.flows.setdefault(name, [])
    wanted = status_in(body)
    newest = versions[-1] if versions else None
    if newest and _content(newest.body) == _content(body):
        if wanted != "Active" or newest.status == "Active":
            return False
    elif newest and newest.status == "Draft":
        newest.body, newest.status, newest.created_at = body, wanted, at
    else:
        number = newest.number + 1 if newest else 1
        versions.append(FlowVersion(number, body, wanted, mint.mint("301"), at))
    if wanted == "Active":
        activate(inventory, name, versions[-1].number)
    return True


def _content(body: bytes) -> bytes:
    return markup.canonical(with_status(body, "Draft"))


def activate(inventory: Inventory, name: str, number: int) -> None:
    """Make one version the active one; 0 deactivates the flow."""
    for version in inventory.flows[name]:
        if version.number == number:
            version.status = "Active"
        elif version.status == "Active":
            version.status = "Obsolete"


def refresh(inventory: Inventory, component: Component, by: str, at: datetime) -> Component:
    """The flow's component with the file it now shows."""
    path = next(iter(component.files))
    shown = shown_body(inventory, component.name)
    return component if component.files[path] == shown else component.saying({path: shown}, by, at)


def definition_file(inventory: Inventory, name: str) -> bytes | None:
    """The FlowDefinition that a retrieve returns; None when there is no such flow."""
    if name not in inventory.flows:
        return None
    active = active_version(inventory, name)
    pieces = [f"    <activeVersionNumber>{active.number}</activeVersionNumber>".encode()] if active else []
    return markup.document("FlowDefinition", pieces)


def split_version(member: str) -> tuple[str, int | None]:
    """`Lead_Router-3` → (`Lead_Router`, 3); without a number the second is None."""
    name, dash, number = member.rpartition("-")
    return (name, int(number)) if dash and number.isdigit() else (member, None)


def remove_version(inventory: Inventory, name: str, number: int) -> None:
    """Delete one version; with the last one the flow is gone."""
    left = [replace(version) for version in inventory.flows[name] if version.number != number]
    if left:
        inventory.flows[name] = left
    else:
        inventory.remove("Flow", name)
