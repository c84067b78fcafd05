"""The package that brings an org back to its snapshot."""

from __future__ import annotations

import copy
import io
import re
import zipfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from release_core import collector
from release_core.archives import Packed
from release_core.comparison import exists, same
from release_core.errors import Refused
from release_core.manifests import DELETED_AFTER, PACKAGE_XML, read_deletions, read_manifest
from release_core.metadata_types import CHILDREN, CONTAINERS, Component, file_of, parent_of
from release_core.metadata_xml import document, parse, text_of
from release_core.packages import Package, write_package

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

UNDELETABLE = frozenset({"FlowDefinition", "Settings", "StandardValueSet"})
"""Types that the Metadata API cannot delete, besides flows and record types, which are deactivated instead."""

_DELETION_ORDER = """
CustomApplication FlexiPage Profile PermissionSetGroup PermissionSet Layout QuickAction
WorkflowRule WorkflowAlert WorkflowFieldUpdate WorkflowTask WorkflowOutboundMessage ApprovalProcess
SharingCriteriaRule SharingOwnerRule Dashboard Report ReportType CustomTab
AuraDefinitionBundle LightningComponentBundle ListView WebLink ValidationRule FieldSet CompactLayout
ApexPage ApexComponent ApexTrigger ApexClass
*
StaticResource CustomLabel CustomMetadata BusinessProcess Index SharingReason CustomField CustomObject
GlobalValueSet CustomPermission Queue Group Role
"""
_RANKS = {kind: rank for rank, kind in enumerate(_DELETION_ORDER.split())}


@dataclass(frozen=True)
class RollbackPlan:
    """What a rollback does, each sorted.

    `restored` come back from the snapshot; `deleted` are removed after that, in this order; `deactivated` are new flows
    and record types that Salesforce cannot delete in a deployment; `kept` were created too, but stay for a person to
    remove, because a flow version mentions them or their type cannot be deleted.
    """

    restored: tuple[Component, ...]
    deleted: tuple[Component, ...]
    deactivated: tuple[Component, ...]
    kept: tuple[Component, ...]


def plan_rollback(
    package: Package, snapshot: Package, created: Iterable[Component] | None, *, leave: Collection[Component] = ()
) -> RollbackPlan:
    """What undoing `package` takes.

    `created` are the components the org itself flagged as created; None goes by absence in the snapshot alone. What is
    in the snapshot is restored, whatever the flags say. Components in `leave` are not touched.
    """
    # A flow and the file that says which of its versions runs are one to people.
    flows = [Component("FlowDefinition", component.name) for component in leave if component.type == "Flow"]
    spared = frozenset((*leave, *flows))
    restored = [component for component in _overwritten(package, snapshot) if component not in spared]
    new = [component for component in _created(package, snapshot, created) if component not in spared]
    deactivated = [component for component in new if component.type in ("Flow", "RecordType")]
    kept = kept_by_flows(package, new) | {component for component in new if component.type in UNDELETABLE}
    gone = {component for component in new if component.type == "CustomObject"} - kept
    deleted = [
        component
        for component in new
        if component not in kept and component not in deactivated and not falls_with(component, gone)
    ]
    return RollbackPlan(
        restored=tuple(sorted(restored)),
        deleted=tuple(sorted(deleted, key=lambda component: (_RANKS.get(component.type, _RANKS["*"]), component))),
        deactivated=tuple(sorted(component for component in deactivated if not falls_with(component, gone))),
        kept=tuple(sorted(kept)),
    )


@collector.at_rest()
def build_rollback(
    package: Package, snapshot: Package, created: Iterable[Component] | None, *, leave: Collection[Component] = ()
) -> bytes:
    """The metadata-format zip that undoes `package`; the same input gives the same bytes.

    Only what the release really changed is in it. Deletions come after the rest (destructiveChangesPost.xml), so that
    nothing restored is missing while something still refers to it. Of a flow that ran before, the version that ran is
    activated again: it is still in the org, where one deployed anew might arrive as a draft. Refused
    ("nothing_to_restore") when the release changed nothing.
    """
    plan = plan_rollback(package, snapshot, created, leave=leave)
    files = _restored_files(snapshot, frozenset(plan.restored))
    components = _activated(plan.restored, package, snapshot, files)
    for component in plan.deactivated:
        components.extend(_deactivate(component, package, files))
    if not components and not plan.deleted:
        raise Refused(
            "nothing_to_restore",
            "There is nothing to bring back: what the release touched is as it was before. No rollback is needed.",
        )
    return write_package(files, components, api_version=package.api_version, deletions_after=plan.deleted)


def parts_of(archive: bytes) -> tuple[tuple[str, Component], ...]:
    """What one of our rollback packages does, by its manifests alone: ("restore", "delete" or "deactivate", what).

    The components are those that `leave` takes.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as held:
        there = set(held.namelist())
        brought = read_manifest(held.read(PACKAGE_XML), PACKAGE_XML).components
        found = [_act(component, held, there) for component in brought]
        for name in DELETED_AFTER:
            if name in there:
                found += [("delete", component) for component in read_deletions(held.read(name), name)]
    return tuple(found)


def _act(component: Component, held: zipfile.ZipFile, there: Collection[str]) -> tuple[str, Component]:
    if component.type != "FlowDefinition":
        return "restore", component
    path = file_of(component)
    off = path in there and b"<activeVersionNumber>0<" in held.read(path)
    return "deactivate" if off else "restore", Component("Flow", component.name)


def kept_by_flows(package: Package, new: Collection[Component]) -> set[Component]:
    """Those of `new` that a flow of the package mentions, with everything that must stay because of them.

    Every deployed flow leaves a version behind, active or not, and Salesforce refuses to delete an object, field or
    class that some version mentions.
    """
    mentionable = [component for component in new if component.type in ("CustomObject", "CustomField", "ApexClass")]
    words = _words_in_flows(package) if mentionable else set()
    kept = {component for component in mentionable if component.name.rpartition(".")[2] in words}
    objects = {component.name for component in new if component.type == "CustomObject"}
    staying = {name for name in (component.name.partition(".")[0] for component in kept) if name in objects}
    kept |= {component for component in new if component.type == "CustomObject" and component.name in staying}
    return kept | {component for component in new if _is_layout_of(component, kept)}


def falls_with(component: Component, objects: Collection[Component]) -> bool:
    """Whether deleting one of the objects takes the component along, being part of it.

    Page layouts go as well, but are listed all the same: who undoes the rollback must learn that there were some.
    """
    return parent_of(component) in objects


def _is_layout_of(component: Component, objects: Collection[Component]) -> bool:
    owner = Component("CustomObject", component.name.partition("-")[0])
    return component.type == "Layout" and owner in objects


def _overwritten(package: Package, snapshot: Package) -> Iterator[Component]:
    for component in package.components:
        if component.type not in CONTAINERS and exists(snapshot, component) and not same(snapshot, package, component):
            yield component
    for component in package.deletions:
        if not package.holds(component) and exists(snapshot, component):
            yield component
            yield from snapshot.parts.inside(component)


def _created(package: Package, snapshot: Package, created: Iterable[Component] | None) -> Iterator[Component]:
    flags = None if created is None else frozenset(created)
    for component in package.components:
        if component.type in CONTAINERS or exists(snapshot, component):
            continue
        if flags is None or component in flags or parent_of(component) in flags:
            yield component


def _words_in_flows(package: Package) -> set[str]:
    paths = (path for component, own in package.paths.items() if component.type == "Flow" for path in own)
    return {word for path in paths for word in re.findall(r"\w+", package.files[path].decode("utf-8", "replace"))}


def _restored_files(snapshot: Package, restored: frozenset[Component]) -> dict[str, bytes | Packed]:
    files: dict[str, bytes | Packed] = {}
    for owner in {parent_of(component) or component for component in restored}:
        for path in snapshot.paths.get(owner, ()):
            part = _only(snapshot.files[path], path, owner, restored) if owner.type in CHILDREN else None
            files[path] = snapshot.files.packed(path) if part is None else part
    return files


def _only(data: bytes, path: str, owner: Component, restored: frozenset[Component]) -> bytes | None:
    """The file with only the restored parts; None when that is all of it."""
    root = parse(data, path)
    wanted = [element for element in root if _part(element, owner) in restored]
    return None if len(wanted) == len(root) else document(root.tag, wanted)


def _part(element: Element, owner: Component) -> Component:
    kind = CHILDREN[owner.type].get(element.tag)
    if kind is None:
        return owner
    name = text_of(element, "fullName")
    return Component(kind, name if kind == "CustomLabel" else f"{owner.name}.{name}")


def _activated(
    restored: Iterable[Component], package: Package, snapshot: Package, files: dict[str, bytes | Packed]
) -> list[Component]:
    """What package.xml lists of the restored components: where a version of a flow only has to run again, that."""
    listed: dict[Component, None] = {}
    for component in restored:
        activation = _earlier_version(component, package, snapshot) if component.type == "Flow" else None
        if activation is not None:
            for path in snapshot.paths.get(component, ()):
                del files[path]
            component = Component("FlowDefinition", component.name)
            files[file_of(component)] = activation
        listed[component] = None
    return list(listed)


def _earlier_version(flow: Component, package: Package, snapshot: Package) -> bytes | None:
    """What activates the version of a changed flow that ran before; None when none did, or nobody recorded which."""
    paths = snapshot.paths.get(Component("FlowDefinition", flow.name), ())
    if not package.holds(flow) or not paths:
        return None
    number = text_of(parse(snapshot.files[paths[0]], paths[0]), "activeVersionNumber")
    body = snapshot.paths[flow][0]
    if not number.strip("0") or text_of(parse(snapshot.files[body], body), "status") != "Active":
        return None
    return document(
        "FlowDefinition", [parse(f"<activeVersionNumber>{number}</activeVersionNumber>".encode(), paths[0])]
    )


def _deactivate(component: Component, package: Package, files: dict[str, bytes | Packed]) -> Iterator[Component]:
    """Put into `files` what switches a new flow or record type off; yields what package.xml must list for it."""
    if component.type == "Flow":
        path = package.paths[component][0]
        if text_of(parse(package.files[path], path), "status") == "Active":
            definition = Component("FlowDefinition", component.name)
            number = parse(b"<activeVersionNumber>0</activeVersionNumber>", path)
            files[file_of(definition)] = document("FlowDefinition", [number])
            yield definition
        return
    record_type = copy.deepcopy(package.parts[component])
    for active in record_type.iterfind("active"):
        active.text = "false"
    path = file_of(component)
    there = files.get(path, b"<CustomObject/>")
    others = list(parse(there.unpacked() if isinstance(there, Packed) else there, path))
    files[path] = document("CustomObject", [*others, record_type])
    yield component
