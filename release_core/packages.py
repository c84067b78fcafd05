"""What is in a package: a metadata-format zip, read without trusting it."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from release_core import collector
from release_core.archive_layout import unclear
from release_core.archives import ArchivedFiles, Packed, open_archive, write_archive
from release_core.manifests import (
    DELETED_AFTER,
    DELETED_BEFORE,
    MANIFESTS,
    PACKAGE_XML,
    read_deletions,
    read_manifest,
    write_manifest,
)
from release_core.metadata_types import BY_NAME, CONTAINERS, Component, file_of, members
from release_core.metadata_xml import parse, text_of
from release_core.package_contents import (
    Contents,
    check_xml_files,
    package_roots,
    refuse_source_format,
    refuse_wrong_case,
    rooted,
)
from release_core.package_parts import Parts

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["Component", "Package", "footprint", "members", "read_package", "read_retrieved", "write_package"]


@dataclass(frozen=True, eq=False)
class Package:
    """An immutable metadata-format package.

    `digest` is the SHA-256 of the zip as it was handed in (64 hexadecimal digits), `size` its length in bytes. Paths in
    `files` are relative to the package's root. `components` are those added or changed, sorted, parts of objects
    included; `deletions_before` go before them, `deletions_after` after. `tests` names Apex test classes. `warnings`
    are sentences about what Salesforce accepts but people rarely mean. `paths` tells the files of each component that
    has files of its own, `parts` the element of each that is written in another one's file (fields, labels, rules).
    `single_package` is False when the zip holds several folders with a package each.
    `seals` is where comparisons remember what files mean, by path, `compared` which mean the same in another package.
    """

    digest: str
    size: int
    api_version: str
    files: ArchivedFiles = field(repr=False)
    components: tuple[Component, ...]
    deletions_before: tuple[Component, ...] = ()
    deletions_after: tuple[Component, ...] = ()
    tests: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    paths: Mapping[Component, tuple[str, ...]] = field(default_factory=dict, repr=False)
    parts: Parts = field(default_factory=Parts, repr=False)
    single_package: bool = True
    seals: dict[str, bytes] = field(default_factory=dict, repr=False, init=False)
    compared: WeakKeyDictionary[Package, dict[str, bool]] = field(
        default_factory=WeakKeyDictionary, repr=False, init=False
    )

    @cached_property
    def deletions(self) -> tuple[Component, ...]:
        """Everything the package deletes, in the order Salesforce does it."""
        return tuple(dict.fromkeys((*self.deletions_before, *self.deletions_after)))

    @cached_property
    def _holding(self) -> frozenset[Component]:
        return frozenset(self.components)

    def holds(self, component: Component) -> bool:
        """Whether the package adds or changes `component`."""
        return component in self._holding


@collector.at_rest()
def read_package(data: bytes) -> Package:
    """Read a package that somebody wants to release.

    Unclear (field "package") says in a sentence what is wrong with it: no zip, not safe, no manifest, over the limits,
    malformed, listing what it lacks, empty.
    """
    archive = open_archive(data)
    refuse_source_format(archive)
    roots = package_roots(tuple(archive))
    found = {root.rstrip("/"): _read(archive.under(root)) for root in roots}
    package = found.popitem()[1] if len(found) == 1 else _together(found)
    if not package.components and not package.deletions:
        raise unclear("The package is empty: package.xml lists nothing, nothing is deleted. Add what it releases.")
    digest = hashlib.sha256(data).hexdigest()
    return replace(package, digest=digest, size=len(data), single_package=len(roots) == 1)


def is_single_package(data: bytes) -> bool:
    """Whether the zip of an accepted package holds one package, at the top or in the one folder around everything.

    Salesforce has to be told when each top folder is a package of its own (`singlePackage` of DeployOptions).
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
    return PACKAGE_XML in names or sum(name.partition("/")[2] == PACKAGE_XML for name in names) == 1


def _read(files: ArchivedFiles) -> Package:
    manifest = read_manifest(files[PACKAGE_XML], PACKAGE_XML)
    if not manifest.api_version:
        raise unclear(
            "package.xml has no <version>. Add the API version it was made for, such as <version>62.0</version>."
        )
    check_xml_files(files)
    contents = Contents(files, manifest)
    contents.refuse_missing()
    refuse_wrong_case(files)
    before, after = _deletions(files, DELETED_BEFORE), _deletions(files, DELETED_AFTER)
    return Package(
        digest="",
        size=0,
        api_version=manifest.api_version,
        files=files,
        components=contents.components,
        deletions_before=before,
        deletions_after=after,
        tests=tuple(_tests(files, contents.components)),
        warnings=(*contents.warnings(), *_deletion_warnings((*before, *after))),
        paths=contents.paths,
        parts=contents.parts,
    )


def _together(found: Mapping[str, Package]) -> Package:
    """Several packages of one zip as one; Unclear when two of them bring the same thing."""
    files: dict[str, str] = {}
    brought: dict[Component, str] = {}
    for root, package in found.items():
        for component in package.components:
            _refuse_two(str(component), brought.setdefault(component, root), root)
        for path in package.files:
            if path not in MANIFESTS:
                _refuse_two(path, files.setdefault(path.casefold(), root), root)
    packages = tuple(found.values())
    versions = sorted({package.api_version for package in packages}, key=float)
    warnings = [f"{root}: {warning}" for root, package in found.items() for warning in package.warnings]
    if versions[1:]:
        warnings.append(f"The packages name different API versions ({', '.join(versions)}); going back uses the last.")
    archive = packages[0].files.joined_with(package.files for package in packages[1:])
    paths = {component: own for package in packages for component, own in package.paths.items()}
    return Package(
        digest="",
        size=0,
        api_version=versions[-1],
        files=archive,
        components=tuple(sorted(brought, key=BY_NAME)),
        deletions_before=tuple(dict.fromkeys(each for package in packages for each in package.deletions_before)),
        deletions_after=tuple(dict.fromkeys(each for package in packages for each in package.deletions_after)),
        tests=tuple(sorted(test for package in packages for test in package.tests)),
        warnings=tuple(warnings),
        paths=paths,
        parts=Parts(archive, paths),
    )


def _refuse_two(what: str, first: str, second: str) -> None:
    if first != second:
        raise unclear(
            f"The zip holds {what} in both {first} and {second}, so nobody can say which one is meant. "
            "Take it out of one of the two packages."
        )


@collector.at_rest()
def read_retrieved(data: bytes) -> Package:
    """Read what a retrieve brought: everything that is there counts, nothing missing is refused.

    Unclear when the zip is not safe to read or has no package.xml.
    """
    files = rooted(open_archive(data))
    contents = Contents(files, read_manifest(files[PACKAGE_XML], PACKAGE_XML))
    return Package(
        digest=hashlib.sha256(data).hexdigest(),
        size=len(data),
        api_version=contents.manifest.api_version,
        files=files,
        components=contents.present(),
        paths=contents.paths,
        parts=contents.parts,
    )


def write_package(
    files: Mapping[str, bytes | Packed],
    components: Iterable[Component],
    *,
    api_version: str,
    deletions_before: Iterable[Component] = (),
    deletions_after: Iterable[Component] = (),
) -> bytes:
    """A metadata-format zip of `files` with manifests made from the components; the same input gives the same bytes.

    Deletions keep their order by type, so the caller decides what goes first. Manifests in `files` are replaced.
    """
    entries: dict[str, bytes | Packed] = {path: data for path, data in files.items() if path not in MANIFESTS}
    entries[PACKAGE_XML] = write_manifest(sorted(components, key=BY_NAME), api_version=api_version)
    for path, deletions in ((DELETED_BEFORE[-1], tuple(deletions_before)), (DELETED_AFTER[0], tuple(deletions_after))):
        if deletions:
            entries[path] = write_manifest(deletions)
    return write_archive(entries)


_MENTIONS = {
    "applicationVisibilities": ("application", "CustomApplication"),
    "classAccesses": ("apexClass", "ApexClass"),
    "customMetadataTypeAccesses": ("name", "CustomObject"),
    "customPermissions": ("name", "CustomPermission"),
    "customSettingAccesses": ("name", "CustomObject"),
    "externalDataSourceAccesses": ("externalDataSource", "ExternalDataSource"),
    "fieldPermissions": ("field", "CustomField"),
    "flowAccesses": ("flow", "Flow"),
    "layoutAssignments": ("layout", "Layout"),
    "objectPermissions": ("object", "CustomObject"),
    "pageAccesses": ("apexPage", "ApexPage"),
    "recordTypeVisibilities": ("recordType", "RecordType"),
    "tabSettings": ("tab", "CustomTab"),
    "tabVisibilities": ("tab", "CustomTab"),
}


@collector.at_rest()
def footprint(package: Package) -> tuple[Component, ...]:
    """Everything a retrieve must ask for to make a snapshot of what the package touches, sorted.

    Parts of an object are asked for one by one, the object itself only when the package lists it. Permissions come back
    only together with what they speak of, so that is asked for too; a flow brings its FlowDefinition.
    """
    wanted: set[Component] = set()
    for component in (*package.components, *package.deletions):
        if component.type not in CONTAINERS:
            wanted.add(component)
        if component.type == "Flow":
            wanted.add(Component("FlowDefinition", _without_version(component.name)))
        if component.type in ("Profile", "PermissionSet") and package.holds(component):
            wanted.update(_mentioned(package, component))
    return tuple(sorted(wanted, key=BY_NAME))


def _without_version(flow: str) -> str:
    return re.sub(r"-\d+$", "", flow)


def mentioned_by(entry: Element) -> Component | None:
    """The component of which an entry of a profile or permission set speaks."""
    tag, kind = _MENTIONS.get(entry.tag, ("", ""))
    name = text_of(entry, tag) if tag else ""
    return Component(kind, name) if name else None


def _mentioned(package: Package, component: Component) -> Iterator[Component]:
    for path in package.paths.get(component, ()):
        for element in parse(package.files[path], path):
            found = mentioned_by(element)
            if found is not None and (found.type != "CustomField" or found.name.endswith("__c")):
                yield found


def _deletions(files: Mapping[str, bytes], names: Iterable[str]) -> tuple[Component, ...]:
    found = (component for name in names if name in files for component in read_deletions(files[name], name))
    return tuple(dict.fromkeys(found))


def _deletion_warnings(deletions: Iterable[Component]) -> Iterator[str]:
    for component in deletions:
        if component.type == "Flow" and not re.search(r"-\d+$", component.name):
            yield (
                f"The package deletes {component} without a version; Salesforce refuses that. Name each version "
                f"({component.name}-1, {component.name}-2), and deactivate the flow first."
            )
        if component.type == "RecordType":
            yield f"The package deletes {component}; Salesforce cannot delete record types so. Deactivate it instead."


def _tests(files: Mapping[str, bytes], components: Iterable[Component]) -> Iterator[str]:
    for component in components:
        if component.type == "ApexClass" and is_test(files[file_of(component)].decode("utf-8", "replace")):
            yield component.name


_NOT_CODE = re.compile(r"/\*.*?\*/|//[^\n]*|'(?:\\.|[^'\\\n])*'", re.DOTALL)
_TEST_CLASS = re.compile(r"@istest\b[^{]*\bclass\b|\btestmethod\b", re.IGNORECASE)


def is_test(source: str) -> bool:
    """Whether an Apex class holds tests: annotated with @IsTest, or with methods of the old `testMethod` kind."""
    lowered = source.lower()
    if "istest" not in lowered and "testmethod" not in lowered:  # as most classes: a look is much faster
        return False
    return _TEST_CLASS.search(_NOT_CODE.sub(" ", source)) is not None
