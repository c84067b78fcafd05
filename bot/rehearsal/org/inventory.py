"""The components an org holds, each with its files, author, dates."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.rehearsal.org import catalog, markup

Key = tuple[str, str]  # (metadata type, full name)


@dataclass(frozen=True)
class Component:
    """One component as it stands in the org.

    `files` maps paths below the package root to bytes. A parent with parts (an object, a workflow …) holds its own
    elements under its file's path; each part holds its element under `path#type/name`.
    """

    type: str
    name: str
    files: Mapping[str, bytes]
    id: str
    created_by: str
    created_at: datetime
    modified_by: str
    modified_at: datetime

    @property
    def key(self) -> Key:
        """What the inventory files it under."""
        return self.type, self.name

    @property
    def path(self) -> str:
        """Where a zip would hold it: its main file, or its directory for a bundle."""
        first = min(self.files, key=lambda path: (path.endswith("-meta.xml"), path))
        kind = catalog.all_types().get(self.type)
        return first.split("#")[0] if not (kind and kind.bundle) else f"{kind.directory}/{self.name}"

    @property
    def digest(self) -> str:
        """SHA-256 over its files, hexadecimal."""
        seal = hashlib.sha256()
        for path in sorted(self.files):
            seal.update(path.encode() + b"\0" + self.files[path] + b"\0")
        return seal.hexdigest()

    @property
    def source(self) -> str:
        """The text of its main file; for Apex, the code."""
        main = min(self.files, key=lambda path: (path.endswith("-meta.xml"), path))
        return self.files[main].decode("utf-8", "replace")

    def saying(self, files: Mapping[str, bytes], by: str, at: datetime) -> Component:
        """The same component with other files."""
        return replace(self, files=dict(files), modified_by=by, modified_at=at)


@dataclass
class FlowVersion:
    """One version of a flow; `status` is Active, Draft or Obsolete."""

    number: int
    body: bytes
    status: str
    id: str
    created_at: datetime


@dataclass
class Inventory:
    """Everything in an org that a deployment may touch; cheap to copy for a trial."""

    components: dict[Key, Component] = field(default_factory=dict)
    flows: dict[str, list[FlowVersion]] = field(default_factory=dict)

    def copy(self) -> Inventory:
        """A copy that may be changed freely."""
        flows = {name: [replace(version) for version in versions] for name, versions in self.flows.items()}
        return Inventory(dict(self.components), flows)

    def get(self, type_name: str, name: str) -> Component | None:
        """The component, or None; names are compared without regard to case, as the platform does."""
        found = self.components.get((type_name, name))
        if found:
            return found
        lowered = name.lower()
        return next((each for each in self.of_type(type_name) if each.name.lower() == lowered), None)

    def put(self, component: Component) -> None:
        """File a component, in place of one of the same key."""
        self.components[component.key] = component

    def remove(self, type_name: str, name: str) -> None:
        """Forget a component together with its parts."""
        for part in list(self.parts_of(type_name, name)):
            del self.components[part.key]
        self.components.pop((type_name, name), None)
        if type_name == "Flow":
            self.flows.pop(name, None)

    def of_type(self, *type_names: str) -> list[Component]:
        """Components of the given types, by type then name."""
        found = [each for each in self.components.values() if each.type in type_names]
        return sorted(found, key=lambda each: each.key)

    def parts_of(self, type_name: str, name: str) -> Iterator[Component]:
        """The parts kept inside a parent's file, in the order in which the file lists them."""
        kind = catalog.all_types().get(type_name)
        for part in kind.parts if kind else ():
            for each in self.of_type(part.type):
                if type_name == "CustomLabels" or each.name.startswith(f"{name}."):
                    yield each

    def file_of(self, parent_path: str, keys: set[Key]) -> bytes:
        """The XML file of a parent with parts, holding only what `keys` names."""
        pieces: list[bytes] = []
        root = "CustomObject"
        for key in sorted(keys):
            component = self.components[key]
            if component.path != parent_path:
                continue
            kind = catalog.all_types().get(component.type) or catalog.child_types()[component.type][0]
            root = kind.root_name
            own = next(iter(component.files.values()))
            pieces.extend([own] if own else [])
        order = [(_first_tag(piece), number) for number, piece in enumerate(pieces)]
        return markup.document(root, [pieces[number] for _, number in sorted(order)])

    def whole_file(self, component: Component) -> dict[str, bytes]:
        """Every file of a component as a package would carry it, parts included."""
        kind = catalog.all_types().get(component.type)
        if kind is None or not kind.parts:
            return dict(component.files)
        keys = {component.key, *(each.key for each in self.parts_of(component.type, component.name))}
        return {component.path: self.file_of(component.path, keys)}


def _first_tag(piece: bytes) -> str:
    return piece.lstrip().split(b">", 1)[0].split(b" ", 1)[0].decode().strip("</")


def object_of(full_name: str) -> str:
    """`Account.Tier__c` → `Account`."""
    return full_name.split(".", 1)[0]
