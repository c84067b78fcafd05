"""The parts that are written inside another component's file: fields, labels, rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from release_core.metadata_types import CHILDREN, Component, child_named, owner_of, parent_of
from release_core.metadata_xml import fingerprint, parse, text_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_FILES_KEPT = 2


class Parts(Mapping[Component, "Element"]):
    """Component -> its element; only where it stands is remembered, the file is read again when somebody looks.

    The trees of a large package would take several times the memory of its zip.
    """

    def __init__(
        self, files: Mapping[str, bytes] | None = None, paths: Mapping[Component, tuple[str, ...]] | None = None
    ) -> None:
        self._files = files or {}
        self._places: dict[Component, tuple[str, int]] = {}
        self._kept: dict[str, Element] = {}
        self._seals: dict[Component | str, bytes] = {}
        for parent, own in (paths or {}).items():
            if parent.type in CHILDREN:
                self._places.update(_places(parent, own[0], parse(self._files[own[0]], own[0])))

    def __getitem__(self, part: Component) -> Element:
        path, index = self._places[part]
        return self._tree(path)[index]

    def __iter__(self) -> Iterator[Component]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, part: object) -> bool:
        return part in self._places

    def inside(self, parent: Component) -> list[Component]:
        """The parts that are written in the file of `parent`."""
        return self._by_parent.get(parent, [])

    @cached_property
    def _by_parent(self) -> dict[Component | None, list[Component]]:
        found: dict[Component | None, list[Component]] = {}
        for part in self._places:
            found.setdefault(parent_of(part), []).append(part)
        return found

    def path_of(self, part: Component) -> str:
        """The file in which the part is written."""
        return self._places[part][0]

    def seal(self, part: Component) -> bytes:
        """A digest of what the part means, whatever its layout."""
        if part not in self._seals:
            self._seal_file(self.path_of(part))
        return self._seals[part]

    def seal_of_rest(self, path: str) -> bytes:
        """A digest of what else the file means that holds parts."""
        if path not in self._seals:
            self._seal_file(path)
        return self._seals[path]

    def _seal_file(self, path: str) -> None:
        tree = self._tree(path)
        owner = owner_of(path)
        assert owner is not None, "a file with parts has its owner by its path"
        for part in self.inside(owner):
            self._seals[part] = fingerprint(tree[self._places[part][1]])
        self._seals[path] = fingerprint(tree, without=CHILDREN[owner.type])

    def _tree(self, path: str) -> Element:
        tree = self._kept.get(path)
        if tree is None:
            while len(self._kept) >= _FILES_KEPT:
                del self._kept[next(iter(self._kept))]
            tree = self._kept[path] = parse(self._files[path], path)
        return tree


def _places(parent: Component, path: str, root: Element) -> Iterator[tuple[Component, tuple[str, int]]]:
    tags = CHILDREN[parent.type]
    for index, element in enumerate(root):
        name = text_of(element, "fullName") if element.tag in tags else ""
        if name:
            yield child_named(parent, element.tag, name), (path, index)
