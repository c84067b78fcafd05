"""package.xml with its destructive siblings, read into components or written from them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape

from release_core.archive_layout import unclear
from release_core.metadata_types import Component
from release_core.metadata_xml import NAMESPACE, parse, text_of

PACKAGE_XML = "package.xml"
DELETED_BEFORE = ("destructiveChangesPre.xml", "destructiveChanges.xml")
DELETED_AFTER = ("destructiveChangesPost.xml",)
MANIFESTS = (PACKAGE_XML, *DELETED_BEFORE, *DELETED_AFTER)


@dataclass(frozen=True)
class Manifest:
    """What one manifest lists: components by name, types asked for whole with "*", and the API version ("" if none)."""

    components: tuple[Component, ...]
    wildcards: frozenset[str]
    api_version: str


def read_manifest(data: bytes, path: str) -> Manifest:
    """The content of package.xml or a destructive manifest; Unclear says which file and what is wrong with it."""
    root = parse(data, path)
    if root.tag != "Package":
        raise unclear(f"{path} starts with <{root.tag}> instead of <Package>, so it is not a manifest.")
    listed: dict[Component, None] = {}
    wildcards: set[str] = set()
    for group in root.iterfind("types"):
        kind = text_of(group, "name")
        if not kind:
            raise unclear(f"{path} has a <types> block without a <name>, so the type of its members is unknown.")
        for member in group.iterfind("members"):
            name = (member.text or "").strip()
            if not name:
                raise unclear(f"{path} has an empty <members> under {kind}. Name the component, or remove the line.")
            if name == "*":
                wildcards.add(kind)
            else:
                listed[Component(kind, name)] = None
    return Manifest(tuple(listed), frozenset(wildcards), _version(text_of(root, "version"), path))


def read_deletions(data: bytes, path: str) -> tuple[Component, ...]:
    """What a destructive manifest deletes, in its order; wildcards are refused, as Salesforce does."""
    manifest = read_manifest(data, path)
    if manifest.wildcards:
        kind = min(manifest.wildcards)
        raise unclear(f"{path} asks to delete every {kind} (“*”). Deletions need names; list each one.")
    return manifest.components


def write_manifest(components: Iterable[Component], *, api_version: str = "") -> bytes:
    """A manifest of `components`: types in the order of their first appearance, names sorted."""
    groups: dict[str, set[str]] = {}
    for component in components:
        groups.setdefault(component.type, set()).add(component.name)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<Package xmlns="{NAMESPACE}">']
    for kind, names in groups.items():
        lines.append("    <types>")
        lines.extend(f"        <members>{escape(name)}</members>" for name in sorted(names))
        lines.extend((f"        <name>{escape(kind)}</name>", "    </types>"))
    if api_version:
        lines.append(f"    <version>{escape(api_version)}</version>")
    lines.append("</Package>")
    return ("\n".join(lines) + "\n").encode()


def _version(version: str, path: str) -> str:
    if version and not re.fullmatch(r"\d{2,3}\.0", version):
        raise unclear(f"{path} says <version>{version}</version>; an API version looks like 62.0.")
    return version
