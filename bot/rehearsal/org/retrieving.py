"""Retrieving components as a zip, listing them, describing what types there are."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from datetime import datetime

from bot.rehearsal.org import catalog, flows, markup
from bot.rehearsal.org.inventory import Component, Inventory, Key, object_of
from bot.rehearsal.org.manifests import Manifest, write_manifest

MOST_RETRIEVED = 10_000
_STAMP = (2020, 1, 1, 0, 0, 0)  # one date for every entry: the same content makes the same zip
_PROFILE_ALWAYS = ("custom", "description", "userLicense", "userPermissions", "loginHours", "loginIpRanges")
_PROFILE_NEEDS = {
    "classAccesses": ("apexClass", "ApexClass"),
    "pageAccesses": ("apexPage", "ApexPage"),
    "objectPermissions": ("object", "CustomObject"),
    "fieldPermissions": ("field", "CustomField"),
    "layoutAssignments": ("layout", "Layout"),
    "tabVisibilities": ("tab", "CustomTab"),
    "applicationVisibilities": ("application", "CustomApplication"),
    "recordTypeVisibilities": ("recordType", "RecordType"),
    "flowAccesses": ("flow", "Flow"),
    "customPermissions": ("name", "CustomPermission"),
}


@dataclass(frozen=True)
class RetrieveRequest:
    """What is asked for; `manifest` is `unpackaged`."""

    manifest: Manifest
    single_package: bool = False
    specific_files: tuple[str, ...] = ()
    package_names: tuple[str, ...] = ()


@dataclass
class Retrieval:
    """One retrieve job."""

    id: str
    created_at: datetime
    ready_at: datetime
    request: RetrieveRequest
    by: str
    version: str
    zip: bytes | None = None
    properties: list[dict[str, object]] = field(default_factory=list)
    messages: list[dict[str, object]] = field(default_factory=list)
    error: tuple[str, str] | None = None  # (code, message)

    @property
    def done(self) -> bool:
        """Whether the zip is made."""
        return self.zip is not None


def carry_out(retrieval: Retrieval, inventory: Inventory, names: dict[str, str]) -> None:
    """Fill in the zip, the properties of its files, what could not be found."""
    keys, files = _chosen(retrieval, inventory)
    prefix = "" if retrieval.request.single_package else "unpackaged/"
    retrieval.properties = [file_properties(inventory.components[key], names, prefix) for key in sorted(keys)]
    for name in _definitions_wanted(retrieval.request.manifest, inventory):
        component = inventory.components["Flow", name]
        row = file_properties(component, names, prefix) | {
            "type": "FlowDefinition",
            "fileName": f"{prefix}flowDefinitions/{name}.flowDefinition",
        }
        retrieval.properties.append(row)
    if len(files) > MOST_RETRIEVED:
        retrieval.error = ("LIMIT_EXCEEDED", "You've exceeded the maximum number of 10000 files in a retrieve")
        retrieval.zip = b""
        return
    wanted = retrieval.request.specific_files
    if wanted:
        files = {path: content for path, content in files.items() if path in wanted or prefix + path in wanted}
    members = [
        *keys,
        *(("FlowDefinition", name) for name in _definitions_wanted(retrieval.request.manifest, inventory)),
    ]
    files["package.xml"] = write_manifest(_listed(members), retrieval.request.manifest.version or retrieval.version)
    stamp = {
        "lastModifiedDate": retrieval.ready_at,
        "createdDate": retrieval.ready_at,
        "id": "",
        "type": "Package",
        "fullName": "unpackaged/package.xml",
    }
    if retrieval.properties:
        first = retrieval.properties[0]
        retrieval.properties.append(first | stamp | {"fileName": f"{prefix}package.xml", "manageableState": None})
    retrieval.zip = _zipped({prefix + path: content for path, content in files.items()})


def _listed(keys: list[Key]) -> list[Key]:
    back = {folder: kind for kind, folder in catalog.FOLDER_TYPES.items()}
    return [(back.get(type_name, type_name), name) for type_name, name in keys]


def _definitions_wanted(manifest: Manifest, inventory: Inventory) -> list[str]:
    asked = manifest.of_type("FlowDefinition")
    return sorted(name for name in inventory.flows if "*" in asked or name in asked)


def _chosen(retrieval: Retrieval, inventory: Inventory) -> tuple[set[Key], dict[str, bytes]]:
    keys: set[Key] = set()
    files: dict[str, bytes] = {}
    for type_name, member in dict.fromkeys(retrieval.request.manifest.members):
        if type_name == "FlowDefinition":
            files.update(_definition(retrieval, inventory, member))
            continue
        found = _matching(inventory, type_name, member)
        if not found and member != "*":
            retrieval.messages.append(_not_found(type_name, member))
        for component in found:
            keys.add(component.key)
            keys |= {part.key for part in inventory.parts_of(component.type, component.name)}
    for key in keys:
        files.update(_files(inventory, key, keys))
    return keys, files


def _not_found(type_name: str, member: str) -> dict[str, object]:
    if not catalog.known_type(type_name):
        return {"fileName": "unpackaged/package.xml", "problem": f"Entity type: '{type_name}' is unknown"}
    return {
        "fileName": "unpackaged/package.xml",
        "problem": f"Entity of type '{type_name}' named '{member}' cannot be found",
    }


def _definition(retrieval: Retrieval, inventory: Inventory, member: str) -> dict[str, bytes]:
    names = sorted(inventory.flows) if member == "*" else [member]
    found: dict[str, bytes] = {}
    for name in names:
        content = flows.definition_file(inventory, name)
        if content is None:
            retrieval.messages.append(_not_found("FlowDefinition", name))
        else:
            found[f"flowDefinitions/{name}.flowDefinition"] = content
    return found


def _matching(inventory: Inventory, type_name: str, member: str) -> list[Component]:
    if member != "*":
        name = member
        if type_name == "Flow":
            base, number = flows.split_version(member)
            name = base if number is not None and base in inventory.flows else member
        found = inventory.get(type_name, name) or inventory.get(catalog.FOLDER_TYPES.get(type_name, type_name), name)
        return [found] if found else []
    if type_name == "CustomObject":
        return [each for each in inventory.of_type(type_name) if "__" in each.name]
    if (
        type_name in catalog.FOLDER_TYPES
        or type_name in ("CustomField", "RecordType", "ValidationRule")
        or not catalog.known_type(type_name)
    ):
        return []
    return inventory.of_type(type_name)


def _files(inventory: Inventory, key: Key, keys: set[Key]) -> dict[str, bytes]:
    component = inventory.components[key]
    kind = catalog.all_types().get(component.type)
    if component.type == "Profile":
        return {component.path: _profile(component, keys)}
    if component.type in catalog.child_types() or (kind and kind.parts):
        return {component.path: inventory.file_of(component.path, keys)}
    return dict(component.files)


def _profile(component: Component, keys: set[Key]) -> bytes:
    """A profile comes back with only those grants whose subject was retrieved along with it."""
    pieces: list[bytes] = []
    for child in markup.parse(component.source.encode()):
        name = markup.local(child.tag)
        if name in _PROFILE_NEEDS:
            tag, type_name = _PROFILE_NEEDS[name]
            subject = markup.text_of(child, tag)
            beside = type_name == "CustomField" and ("CustomObject", object_of(subject)) in keys
            if (type_name, subject) not in keys and not beside:
                continue
        pieces.append(markup.fragment(child))
    return markup.document("Profile", pieces)


def _zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, _STAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[path])
    return buffer.getvalue()


def file_properties(component: Component, names: dict[str, str], prefix: str = "") -> dict[str, object]:
    """FileProperties of one component."""
    return {
        "createdById": component.created_by,
        "createdByName": names.get(component.created_by, ""),
        "createdDate": component.created_at,
        "fileName": prefix + component.path,
        "fullName": component.name,
        "id": component.id,
        "lastModifiedById": component.modified_by,
        "lastModifiedByName": names.get(component.modified_by, ""),
        "lastModifiedDate": component.modified_at,
        "manageableState": "unmanaged",
        "type": component.type,
    }


def listing(inventory: Inventory, type_name: str, folder: str, names: dict[str, str]) -> list[dict[str, object]]:
    """listMetadata for one type; types in folders need the folder."""
    if type_name == "FlowDefinition":
        rows = [file_properties(each, names) for each in inventory.of_type("Flow")]
        return [
            row | {"type": type_name, "fileName": f"flowDefinitions/{row['fullName']}.flowDefinition"} for row in rows
        ]
    found = inventory.of_type(type_name)
    if type_name in catalog.FOLDER_TYPES:
        found = [each for each in found if folder and each.name.startswith(f"{folder}/")]
    return [file_properties(each, names) for each in found]


def description(*, test_required: bool) -> dict[str, object]:
    """DescribeMetadataResult; production requires tests."""
    rows = [
        {
            "childXmlNames": [part.type for part in kind.parts],
            "directoryName": kind.directory,
            "inFolder": kind.in_folder,
            "metaFile": kind.meta,
            "suffix": kind.suffix or None,
            "xmlName": kind.name,
        }
        for kind in catalog.all_types().values()
    ]
    return {
        "metadataObjects": rows,
        "organizationNamespace": "",
        "partialSaveAllowed": True,
        "testRequired": test_required,
    }
