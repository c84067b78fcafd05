"""package.xml, read as well as written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from bot.rehearsal.org import markup


@dataclass(frozen=True)
class Manifest:
    """What a package.xml or destructiveChanges.xml lists: (type, member) pairs in the order of the file."""

    members: tuple[tuple[str, str], ...] = ()
    version: str = ""

    def of_type(self, type_name: str) -> set[str]:
        """The members listed for one type."""
        return {member for name, member in self.members if name == type_name}


def read_manifest(data: bytes) -> Manifest:
    """The manifest in a file; markup.Malformed when it is no XML."""
    return from_element(markup.parse(data))


def from_element(root: Element) -> Manifest:
    """The manifest in a `Package` (or a retrieve request's `unpackaged`) element."""
    members: list[tuple[str, str]] = []
    for types in markup.named(root, "types"):
        type_name = markup.text_of(types, "name")
        members += [(type_name, (each.text or "").strip()) for each in markup.named(types, "members")]
    return Manifest(tuple(members), markup.text_of(root, "version"))


def write_manifest(members: Iterable[tuple[str, str]], version: str) -> bytes:
    """A package.xml, sorted by type then member."""
    by_type: dict[str, set[str]] = {}
    for type_name, member in members:
        by_type.setdefault(type_name, set()).add(member)
    pieces = [_types(name, by_type) for name in sorted(by_type)]
    return markup.document("Package", [*pieces, f"    <version>{version}</version>".encode()])


def _types(name: str, by_type: Mapping[str, set[str]]) -> bytes:
    rows = [f"        <members>{markup.escape(member)}</members>" for member in sorted(by_type[name])]
    return "\n".join(["    <types>", *rows, f"        <name>{name}</name>", "    </types>"]).encode()
