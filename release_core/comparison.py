"""What a package would change in an org, and what somebody changed there since."""

from __future__ import annotations

import copy
import difflib
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Literal

from release_core import collector
from release_core.errors import Unclear
from release_core.metadata_types import CHILDREN, CONTAINERS, Component, is_xml, parent_of
from release_core.metadata_xml import canonical, fingerprint, holds_all, parse, surely_differ, text_of
from release_core.packages import Package, mentioned_by

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Kind = Literal["new", "changed", "identical", "deleted", "absent"]
DriftKind = Literal["changed", "removed", "returned"]

_DIFF_LINES_AT_MOST = 400
_COMPARED_LINES_AT_MOST = 20_000
_KEEPING_VALUES = frozenset({"CustomField", "GlobalValueSet", "StandardValueSet"})
_VALUES = frozenset({"value", "customValue", "standardValue"})
_MERGED = frozenset({"Profile", "PermissionSet"})


def _nothing() -> str:
    return ""


@dataclass(frozen=True)
class Change:
    """What deploying a package does to one component.

    `kind`: "new", "changed", "identical" for what it brings; "deleted" for what it deletes, "absent" when that is not
    there.
    """

    component: Component
    kind: Kind
    draw: Callable[[], str] = field(default=_nothing, compare=False, repr=False)

    @cached_property
    def diff(self) -> str:
        """A unified diff from the org to the package, at most 400 lines: of what is new or goes its whole text.

        It is made when it is first asked for, because a large package has thousands that nobody reads.
        """
        return self.draw()


@dataclass(frozen=True)
class Drift:
    """What somebody did to one component after our deployment: "changed" it, "removed" it, or made it exist again
    ("returned") after we had deleted it. `diff` goes from what we deployed to what is there now.
    """

    component: Component
    kind: DriftKind
    diff: str = ""


@collector.at_rest()
def compare(package: Package, live: Package | None) -> tuple[Change, ...]:
    """One Change per component of the package, then one per deletion; `live` None means that nothing of it is there.

    Files that are only the sum of their parts (labels, workflows, sharing rules) are told part by part.
    """
    changes = [_change(package, live, component) for component in _own(package)]
    for component in package.deletions:
        if not package.holds(component):
            changes.append(_deletion(live, component))
    return tuple(changes)


@collector.at_rest()
def three_way(snapshot: Package, deployed: Package, live: Package) -> tuple[Drift, ...]:
    """The components whose state now is neither what we deployed nor what was there before.

    What is as it was before the deployment counts as returned already: there is nothing to overwrite.
    """
    return tuple(_drifts(snapshot, deployed, live))


def lacks(live: Package, package: Package, component: Component) -> bool:
    """Whether an org does not show what a package that was deployed to it says of a component.

    Profiles and permission sets say a part, which is added to what is there: nothing else of them is compared.
    """
    if component.type in _MERGED and exists(live, component) and exists(package, component):
        return not holds_all(_file_entries(live, component), _file_entries(package, component))
    return not same(live, package, component)


def _file_entries(package: Package, component: Component) -> list[Element]:
    return [entry for path in package.paths.get(component, ()) for entry in parse(package.files[path], path)]


def exists(package: Package, component: Component) -> bool:
    """Whether the component is there at all, as a file or as part of one."""
    if component in package.parts or component.type not in CHILDREN:
        return component in package.parts or component in package.paths
    return package.holds(component)


def same(left: Package, right: Package, component: Component) -> bool:
    """Whether Salesforce would see no difference; the same bytes are enough, another layout of XML does not matter."""
    if component in left.parts and component in right.parts:
        return _same_part(left, right, component)
    if not (exists(left, component) and exists(right, component)):
        return exists(left, component) == exists(right, component)
    return all(_same_file(left, right, component, path) for path in _paths(left, right, component))


def difference(before: Package | None, after: Package | None, component: Component) -> str:
    """A unified diff of one component, "" when there is nothing to show; bounded to 400 lines.

    None is where there is nothing of it: then it is the whole text.
    """
    if any(package and component in package.parts for package in (before, after)):
        return _bounded(_unified(_part_text(before, component), _part_text(after, component), str(component)))
    pieces = (_file_difference(before, after, component, path) for path in _paths(before, after, component))
    return _bounded("\n".join(filter(None, pieces)))


def element_of(package: Package, component: Component) -> Element | None:
    """The component's XML, when it is one element or one file."""
    if component in package.parts:
        return package.parts[component]
    paths = package.paths.get(component, ())
    return parse(package.files[paths[0]], paths[0]) if len(paths) == 1 else None


def _change(package: Package, live: Package | None, component: Component) -> Change:
    if live is None or not exists(live, component):
        return Change(component, "new", partial(difference, None, package, component))
    if same(live, package, component):
        return Change(component, "identical")
    return Change(component, "changed", partial(difference, live, package, component))


def _deletion(live: Package | None, component: Component) -> Change:
    if live is None or not _is_deletable(live, component):
        return Change(component, "absent")
    return Change(component, "deleted", partial(difference, live, None, component))


def _is_deletable(live: Package, component: Component) -> bool:
    """Whether the thing to delete is there; a flow is deleted version by version ("Follow_Up-2")."""
    if component.type == "Flow":
        stem, _, number = component.name.rpartition("-")
        component = Component("Flow", stem) if stem and number.isdigit() else component
    return exists(live, component)


def _own(package: Package) -> Iterator[Component]:
    """The components that can differ: what is only the sum of its parts is spoken for by these."""
    return (component for component in package.components if component.type not in CONTAINERS)


def _drifts(snapshot: Package, deployed: Package, live: Package) -> Iterator[Drift]:
    for component in _own(deployed):
        if same(deployed, live, component) or same(snapshot, live, component):
            continue
        if component.type in _MERGED and _is_merged(snapshot, deployed, live, component):
            continue
        if component.type in _KEEPING_VALUES and _differs_by_retired_values(snapshot, deployed, live, component):
            continue
        if not exists(live, component):
            if not _fell_with_its_object(deployed, component):
                yield Drift(component, "removed")
            continue
        yield Drift(component, "changed", difference(deployed, live, component))
    for component in deployed.deletions:
        if not deployed.holds(component) and exists(live, component) and not same(snapshot, live, component):
            yield Drift(component, "returned", difference(snapshot, live, component))


def _fell_with_its_object(deployed: Package, component: Component) -> bool:
    """Whether the release itself deleted the object of which the component is a part, a page layout or the tab."""
    owner = {"Layout": component.name.partition("-")[0], "CustomTab": component.name}.get(component.type, "")
    parent = parent_of(component) or Component("CustomObject", owner)
    return parent in deployed.deletions and not deployed.holds(parent)


def _is_merged(snapshot: Package, deployed: Package, live: Package, component: Component) -> bool:
    """Whether the org shows what we deployed plus what was there before: permissions are added to, not replaced."""
    if not exists(live, component):
        return False
    # What the release itself deleted took along what permissions said of it.
    gone = frozenset(each for each in deployed.deletions if not deployed.holds(each))
    now, ours, before = (_entries(package, component, gone) for package in (live, deployed, snapshot))
    return not (ours - now) and not (now - ours - before)


def _differs_by_retired_values(snapshot: Package, deployed: Package, live: Package, component: Component) -> bool:
    """Whether the org shows what we deployed plus values that this left out: they are deactivated, not deleted."""
    elements = [element_of(package, component) for package in (snapshot, deployed, live)]
    if any(element is None for element in elements):
        return False
    before, ours, now = (copy.deepcopy(element) for element in elements if element is not None)
    retired = _value_names(before) - _value_names(ours)
    for holder in list(now.iter()):
        for value in [child for child in holder if child.tag in _VALUES and text_of(child, "fullName") in retired]:
            if text_of(value, "isActive") == "false":
                holder.remove(value)
    return fingerprint(now) == fingerprint(ours)


def _value_names(element: Element) -> set[str]:
    return {text_of(value, "fullName") for value in element.iter() if value.tag in _VALUES}


def _entries(package: Package, component: Component, gone: frozenset[Component]) -> Counter[bytes]:
    paths = package.paths.get(component, ())
    entries = (entry for path in paths for entry in parse(package.files[path], path))
    return Counter(fingerprint(entry) for entry in entries if mentioned_by(entry) not in gone)


def _paths(left: Package | None, right: Package | None, component: Component) -> tuple[str, ...]:
    held = (package.paths.get(component, ()) for package in (left, right) if package is not None)
    return tuple(sorted({path for paths in held for path in paths}))


def _same_part(left: Package, right: Package, part: Component) -> bool:
    ours, theirs = left.parts.path_of(part), right.parts.path_of(part)
    if ours == theirs and left.files.holds_the_same(ours, right.files):
        return True
    return left.parts.seal(part) == right.parts.seal(part)


def _same_file(left: Package, right: Package, component: Component, path: str) -> bool:
    known = left.compared.setdefault(right, {})
    if path not in known:
        known[path] = _means_the_same(left, right, component, path)
    return known[path]


def _means_the_same(left: Package, right: Package, component: Component, path: str) -> bool:
    if path not in left.files or path not in right.files:
        return False
    if left.files.holds_the_same(path, right.files):
        return True
    if not is_xml(path):
        return False
    # The parts of an object speak for themselves, so that the rest can be the same although the files differ.
    if component.type not in CHILDREN and surely_differ(left.files[path], right.files[path]):
        return False
    return _seal(left, component, path) == _seal(right, component, path)


def _seal(package: Package, component: Component, path: str) -> bytes:
    """A digest of the file's meaning, remembered by the package: reading XML is what takes the time."""
    if component.type in CHILDREN:
        return package.parts.seal_of_rest(path)
    seal = package.seals.get(path)
    if seal is None:
        data = package.files[path]
        try:
            seal = fingerprint(parse(data, path))
        except Unclear:  # a live file that is not XML after all is the same only byte for byte
            seal = hashlib.sha256(data).digest()
        package.seals[path] = seal
    return seal


def _file_difference(before: Package | None, after: Package | None, component: Component, path: str) -> str:
    old, new = (None if package is None else package.files.get(path) for package in (before, after))
    if old == new:
        return ""
    texts = ["" if data is None else _text(data, component, path) for data in (old, new)]
    if any(text is None for text in texts):
        sizes = " → ".join("nothing" if data is None else f"{len(data):,} bytes" for data in (old, new))
        return f"{path}: not text, {sizes}"
    return _unified(texts[0] or "", texts[1] or "", path)


def _text(data: bytes, component: Component, path: str) -> str | None:
    """What is compared: canonical XML without the parts that count as components of their own, else the text itself."""
    if is_xml(path):
        try:
            return canonical(_without_parts(parse(data, path), component))
        except Unclear:
            pass  # a live file that is not XML after all is still worth showing as text
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _without_parts(root: Element, component: Component) -> Element:
    tags = CHILDREN.get(component.type, {})
    for element in [element for element in root if element.tag in tags]:
        root.remove(element)
    return root


def _part_text(package: Package | None, component: Component) -> str:
    element = None if package is None else package.parts.get(component)
    return "" if element is None else canonical(element)


def _unified(old: str, new: str, name: str) -> str:
    before, after = old.splitlines(), new.splitlines()
    if len(before) + len(after) > _COMPARED_LINES_AT_MOST:
        return f"{name}: {len(before):,} lines → {len(after):,} lines, too long to show line by line"
    return "\n".join(difflib.unified_diff(before, after, f"org/{name}", f"package/{name}", lineterm=""))


def _bounded(text: str) -> str:
    lines = text.splitlines()
    more = len(lines) - _DIFF_LINES_AT_MOST
    if more > 0:
        lines = [*lines[:_DIFF_LINES_AT_MOST], f"… {more:,} more lines"]
    return "\n".join(lines)
