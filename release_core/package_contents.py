"""The files of a package held against its manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from release_core.archive_layout import unclear
from release_core.archives import ArchivedFiles
from release_core.manifests import MANIFESTS, PACKAGE_XML, Manifest
from release_core.metadata_types import (
    BY_DIRECTORY,
    BY_NAME,
    BY_TYPE,
    CHILD_TAG,
    CHILDREN,
    META,
    Component,
    file_of,
    is_source_format,
    is_unknown,
    is_xml,
    owner_of,
    parent_of,
)
from release_core.metadata_xml import check
from release_core.package_parts import Parts

_NAMED_AT_MOST = 5
_SPELLINGS = {directory.casefold(): directory for directory in BY_DIRECTORY}
_MANIFEST_SPELLINGS = {name.casefold(): name for name in MANIFESTS}
_SOURCE_FORMAT = (
    "The zip holds a project in source format (files ending in -meta.xml, as an sf project keeps them), which cannot "
    "be deployed as it is. Convert it with “sf project convert source --output-dir package”, and send the zip of that "
    "folder."
)


def rooted(archive: ArchivedFiles) -> ArchivedFiles:
    """The files relative to the folder that holds package.xml: the top, or the one folder around everything."""
    (root, *others) = package_roots(tuple(archive))
    if others:
        raise unclear(f"The zip holds several packages ({root[:-1]} and others), where only one can be meant.")
    return archive.under(root)


def package_roots(paths: tuple[str, ...]) -> tuple[str, ...]:
    """The folders that hold a package each: "" alone for the top, else names ending in "/".

    Unclear when there is no package.xml, or files lie beside the folders.
    """
    if PACKAGE_XML in paths:
        return ("",)
    tops = sorted({path.partition("/")[0] for path in paths})
    roots = [top for top in tops if f"{top}/{PACKAGE_XML}" in paths]
    stray = next((path for path in paths if path.partition("/")[0] not in roots), None)
    if not roots:
        raise unclear(_no_manifest(paths))
    if stray is not None:
        those = f"packages in the folders {_some(roots)}" if roots[1:] else f"a package in the folder {roots[0]}"
        beside = "those folders" if roots[1:] else "that folder"
        raise unclear(
            f"The zip has {those}, but also {stray} beside {beside}. Every top folder has to be a package with its "
            f"own {PACKAGE_XML}; zip only {_some(roots)}, or take the rest out."
        )
    return tuple(f"{root}/" for root in roots)


def refuse_wrong_case(files: Mapping[str, bytes]) -> None:
    """Unclear at a folder or manifest that is named as it should be but for upper and lower case."""
    for path in files:
        folder, slash, _ = path.partition("/")
        spelled = _SPELLINGS.get(folder.casefold(), folder) if slash else _MANIFEST_SPELLINGS.get(path.casefold(), path)
        if spelled != folder and folder not in BY_DIRECTORY:
            raise unclear(
                f"The zip holds {folder}{slash}, but upper and lower case count: it must be named {spelled}{slash}. "
                "Rename it, and zip the package again."
            )


def refuse_source_format(files: Mapping[str, bytes]) -> None:
    """Unclear when the files are laid out as an sf project keeps them."""
    if any(is_source_format(path) for path in files):
        raise unclear(_SOURCE_FORMAT)


def check_xml_files(files: Mapping[str, bytes]) -> None:
    """Unclear at the first file that should be XML but is malformed or declares a document type."""
    for path in files:
        if is_xml(path):
            check(files[path], path)


@dataclass(frozen=True)
class Contents:
    """What the files of a package hold, and what its manifest says of them."""

    files: ArchivedFiles
    manifest: Manifest

    @cached_property
    def paths(self) -> Mapping[Component, tuple[str, ...]]:
        """Component -> its own files; a type the table does not know gets the files named like the member."""
        strangers = {component.name: component for component in self.manifest.components if is_unknown(component.type)}
        gathered: dict[Component, list[str]] = {}
        for path in self.files:
            owner = owner_of(path) or _stranger(path, strangers)
            if owner is not None and path not in MANIFESTS:
                gathered.setdefault(owner, []).append(path)
        return {component: tuple(paths) for component, paths in gathered.items()}

    @cached_property
    def parts(self) -> Parts:
        """The element of each component that is written inside another one's file (fields, labels, rules)."""
        return Parts(self.files, self.paths)

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """Everything the manifest lists by name, with "*", or as part of something listed."""
        found = set(self.manifest.components)
        wildcards = self.manifest.wildcards
        found.update(component for component in (*self.paths, *self.parts) if component.type in wildcards)
        found.update(part for part in self.parts if parent_of(part) in found)
        return tuple(sorted(found, key=BY_NAME))

    def present(self) -> tuple[Component, ...]:
        """What files show; an object counts as itself only when the manifest asked for it, not for parts of it."""
        whole = (owner for owner in self.paths if owner.type not in CHILDREN or self._lists(owner))
        return tuple(sorted({*whole, *self.parts}, key=BY_NAME))

    def refuse_missing(self) -> None:
        """Unclear when a listed component has no file, or a file lacks the -meta.xml file beside it."""
        missing = [component for component in self.manifest.components if not self._has(component)]
        if missing:
            raise unclear(self._missing(missing))
        for component, own in self.paths.items():
            row = BY_TYPE.get(component.type)
            if row is None or row.shape != "content" or not self._lists(component):
                continue
            content = [path for path in own if not path.endswith(META)]
            if content and f"{content[0]}{META}" not in own:
                raise unclear(f"{content[0]} has no {content[0]}{META} beside it, which Salesforce requires. Add it.")
            if not content and not row.in_folders:
                raise unclear(f"{own[0]} describes {component}, but the file it describes is not in the zip. Add it.")

    def warnings(self) -> Iterator[str]:
        """Sentences about files that the manifest leaves out, and about types that could not be checked."""
        used = {*self.components, *(parent_of(component) for component in self.components)}
        taken = {path for owner in used if owner is not None for path in self.paths.get(owner, ())}
        ignored = [path for path in self.files if path not in taken and path not in MANIFESTS]
        if ignored:
            yield f"package.xml does not list {_some(ignored)}; Salesforce leaves such files out."
        unlisted = [part for part in self.parts if part not in used and parent_of(part) in used]
        if unlisted:
            yield f"package.xml does not list {_some(sorted(unlisted))}; Salesforce leaves such parts out."
        strange = {component.type for component in self.manifest.components} | self.manifest.wildcards
        for kind in sorted(filter(is_unknown, strange)):
            yield f"Rollcall does not know the type {kind}, so it cannot check or compare it fully."

    @cached_property
    def _listed(self) -> frozenset[Component]:
        return frozenset(self.manifest.components)

    def _lists(self, component: Component) -> bool:
        return component in self._listed or component.type in self.manifest.wildcards

    def _has(self, component: Component) -> bool:
        if component in self.paths or component in self.parts or is_unknown(component.type):
            return True
        row = BY_TYPE.get(component.type)
        is_folder = row is not None and row.in_folders and "/" not in component.name
        return is_folder and any(path.startswith(f"{file_of(component)}/") for path in self.files)

    def _missing(self, missing: list[Component]) -> str:
        first = missing[0]
        path = file_of(first)
        lower = {known.lower(): known for known in self.files}
        if first.type in CHILD_TAG and path in self.files:
            hint = f"{path} has no part named {first.name.rpartition('.')[2]}"
        elif path.lower() in lower:
            there = lower[path.lower()]
            return (
                f"package.xml lists {_some(missing)}, but the zip holds {there}, and upper and lower case count. "
                f"Rename it to {path}."
            )
        else:
            hint = f"{path} is not there"
        it = "it" if len(missing) == 1 else "them"
        return (
            f"package.xml lists {_some(missing)}, but the zip does not hold {it}: {hint}. "
            "Add the file, or take the name out of package.xml."
        )


def _no_manifest(paths: tuple[str, ...]) -> str:
    if any(is_source_format(path) for path in paths):
        return _SOURCE_FORMAT
    if not paths:
        return "The zip holds no files. Send the zip of a package in metadata format (package.xml with its files)."
    elsewhere = [path for path in paths if path.rpartition("/")[2].lower() == PACKAGE_XML]
    looked = "The zip has no package.xml at its top or in its one top folder"
    if elsewhere and elsewhere[0].count("/") < 2 and not elsewhere[0].endswith(PACKAGE_XML):
        return f"{looked}; there is {elsewhere[0]}, but upper and lower case count: it must be named {PACKAGE_XML}."
    if elsewhere:
        return f"{looked}; there is one at {elsewhere[0]}. Zip that file's folder, and name the file package.xml."
    return (
        f"{looked} (it holds {paths[0]}{f' and {len(paths) - 1:,} more' if paths[1:] else ''}). "
        "A package in metadata format needs one: it names what is deployed."
    )


def _stranger(path: str, strangers: Mapping[str, Component]) -> Component | None:
    rest = path.partition("/")[2].removesuffix(META)
    return strangers.get(rest.rpartition(".")[0]) or strangers.get(rest.partition("/")[0])


def _some(things: Iterable[object]) -> str:
    names = [str(thing) for thing in things]
    more = len(names) - _NAMED_AT_MOST
    return ", ".join(names[:_NAMED_AT_MOST]) + (f" and {more:,} more" if more > 0 else "")
