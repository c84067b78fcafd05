"""Putting a package's components into an org."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.rehearsal.org import catalog, flows, markup
from bot.rehearsal.org.archives import Package
from bot.rehearsal.org.identifiers import IdMint
from bot.rehearsal.org.incoming import Incoming, merged, read_components
from bot.rehearsal.org.inventory import Component, Inventory
from bot.rehearsal.org.manifests import Manifest
from bot.rehearsal.org.results import Refusal, Row
from bot.rehearsal.org.standard import STANDARD_OBJECTS

_PROFILE_KEYS = [
    "application",
    "applicationVisibilities",
    "apexClass",
    "apexPage",
    "customMetadataType",
    "dataspaceScope",
    "externalDataSource",
    "field",
    "flow",
    "layout",
    "recordType",
    "object",
    "tab",
    "name",
]


@dataclass(frozen=True)
class Act:
    """By whom, when, with which ids something is put into the org; `flows_active`: flows may arrive active."""

    by: str
    at: datetime
    mint: IdMint
    flows_active: bool = True


def install(inventory: Inventory, each: Incoming, act: Act) -> Row:
    """Create or change one component; the row says which."""
    if each.type == "FlowDefinition":
        return _flow_definition(inventory, each)
    old = inventory.get(each.type, each.name)
    files = _flow_files(inventory, each, act) if each.type == "Flow" else _settled(old, each)
    row = Row(each.type, each.name, each.path)
    if old is None:
        made = Component(
            each.type, each.name, files, act.mint.mint(catalog.id_prefix(each.type)), act.by, act.at, act.by, act.at
        )
        inventory.put(made)
        row.created = row.changed = True
        row.id = made.id
    else:
        row.id = old.id
        if not _says_the_same(old.files, files):
            inventory.put(old.saying(files, act.by, act.at))
            row.changed = True
    if each.type == "Flow":
        row.id = (flows.active_version(inventory, each.name) or inventory.flows[each.name][-1]).id
    return row


def frame_for(inventory: Inventory, each: Incoming, act: Act) -> None:
    """A part's parent must exist in the inventory, if only as an empty frame; custom objects are never conjured up."""
    if each.parent and inventory.get(*each.parent) is None:
        type_name, name = each.parent
        if type_name == "CustomObject" and name not in STANDARD_OBJECTS:
            return
        prefix = catalog.id_prefix(type_name)
        inventory.put(
            Component(type_name, name, {each.path: b""}, act.mint.mint(prefix), act.by, act.at, act.by, act.at)
        )


def _settled(old: Component | None, each: Incoming) -> dict[str, bytes]:
    if old is None:
        return dict(each.files)
    kind = catalog.all_types().get(each.type)
    if kind and kind.parts:
        return merged(old.files, each.files)
    if each.type == "Profile":
        return _merged_profile(old, each)
    if each.type in ("CustomField", "GlobalValueSet", "StandardValueSet"):
        return _with_old_values(old, each)
    return dict(each.files)


def _says_the_same(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> bool:
    if set(old) != set(new):
        return False
    return all(old[path] == new[path] or _same_xml(old[path], new[path]) for path in old)


def _same_xml(one: bytes, other: bytes) -> bool:
    if not (one.lstrip().startswith(b"<?xml") and other.lstrip().startswith(b"<?xml")):
        return False
    try:
        return markup.canonical(one) == markup.canonical(other)
    except markup.Malformed:
        return False


def _flow_files(inventory: Inventory, each: Incoming, act: Act) -> dict[str, bytes]:
    body = each.files[each.path]
    if not act.flows_active and flows.status_in(body) == "Active":
        body = flows.with_status(body, "Draft")
    flows.install(inventory, each.name, body, act.at, act.mint)
    return {each.path: flows.shown_body(inventory, each.name)}


def _flow_definition(inventory: Inventory, each: Incoming) -> Row:
    row = Row(each.type, each.name, each.path)
    wanted = markup.text_of(markup.parse(each.files[each.path]), "activeVersionNumber") or "0"
    versions = inventory.flows.get(each.name)
    if versions is None:
        row.fail(f"no Flow named {each.name} found")
        return row
    if not wanted.isdigit() or int(wanted) not in {0, *(version.number for version in versions)}:
        row.fail(f"The flow {each.name} has no version {wanted}")
        return row
    before = flows.active_version(inventory, each.name)
    row.changed = (before.number if before else 0) != int(wanted)
    flows.activate(inventory, each.name, int(wanted))
    component = inventory.components["Flow", each.name]
    inventory.put(flows.refresh(inventory, component, component.modified_by, component.modified_at))
    row.id = component.id
    return row


def _merged_profile(old: Component, each: Incoming) -> dict[str, bytes]:
    """What a profile file says is added or changed; what it does not mention stays granted."""
    path = each.path
    rows: dict[tuple[str, str], bytes] = {}
    for content in (old.files[path], each.files[path]):
        for child in markup.parse(content):
            name = markup.local(child.tag)
            key = "|".join(markup.text_of(child, part) for part in _PROFILE_KEYS if markup.text_of(child, part))
            rows[name, key] = markup.fragment(child)
    return {path: markup.document("Profile", list(rows.values()))}


def _with_old_values(old: Component, each: Incoming) -> dict[str, bytes]:
    """A picklist value that the new file leaves out is deactivated, never deleted."""
    path = next(iter(each.files))
    before, after = next(iter(old.files.values())), each.files[path]
    lost = [block for name, block in _values(before).items() if name not in _values(after)]
    if not lost or (b"<valueSetDefinition>" not in after and each.type == "CustomField"):
        return dict(each.files)
    inactive = [_deactivated(block) for block in lost]
    blocks = list(_values(after).values())
    if not blocks:
        return dict(each.files)
    last = blocks[-1]
    return {path: after.replace(last, b"\n".join([last, *inactive]), 1)}


_VALUE = re.compile(
    rb"(?s)[ \t]*<(value|customValue|standardValue)>(?=\s*<)"
    rb"(?:(?!</\1>).)*?<fullName>([^<]*)</fullName>(?:(?!</\1>).)*</\1>"
)


def _values(content: bytes) -> dict[bytes, bytes]:
    return {found.group(2): found.group(0) for found in _VALUE.finditer(content)}


def _deactivated(block: bytes) -> bytes:
    if b"<isActive>" in block:
        return re.sub(rb"<isActive>\w+</isActive>", b"<isActive>false</isActive>", block)
    pad = re.search(rb"\n([ \t]*)<label>", block)
    indent = pad.group(1) if pad else b""
    return block.replace(b"<label>", b"<isActive>false</isActive>\n" + indent + b"<label>", 1)


def put_files(inventory: Inventory, type_name: str, name: str, files: Mapping[str, bytes], act: Act) -> None:
    """Put one component's files into an inventory without a deployment; Refusal when they are not its."""
    found, problems = read_components(Package("", files, Manifest(), {}))
    if problems:
        raise Refusal("INVALID_FILE", f"{problems[0].path}: {problems[0].text}")
    wanted = [each for each in found if (each.type, each.name) == (type_name, name) or each.parent == (type_name, name)]
    if not wanted:
        raise Refusal(
            "INVALID_FILE",
            f"None of the files is {type_name} {name}. Name them as a package would, e.g. classes/{name}.cls.",
        )
    for each in wanted:
        frame_for(inventory, each, act)
        install(inventory, each, act)


def incomplete_object(each: Component) -> str | None:
    """What the platform asks for when a new custom object lacks it; None when the file is complete."""
    text = next(iter(each.files.values()))
    if each.type != "CustomObject" or not each.name.endswith("__c") or b"<customSettingsType>" in text:
        return None
    if b"<label>" not in text:
        return "Must specify a non-empty label for the CustomObject"
    if b"<pluralLabel>" not in text:
        return "Must specify a non-empty pluralLabel for the CustomObject"
    if b"<nameField>" not in text:
        return "Must specify a nameField of type Text or AutoNumber"
    if b"<deploymentStatus>" not in text:
        return "Must specify a deploymentStatus for the CustomObject"
    if b"<sharingModel>" not in text:
        return "Must specify a sharingModel for the CustomObject"
    return None
