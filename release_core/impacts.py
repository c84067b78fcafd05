"""What a change touches, in the words of those who work with the org."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from release_core.metadata_types import Component, parent_of

# Types whose full name begins with an object's, with what stands between; where they lie is told by Metadata API
# Developer Guide, "Metadata Types". Fields, record types and other parts of an object are known as its children.
_NAMED_AFTER_OBJECT = {
    "Layout": "-",
    "CustomObjectTranslation": "-",
    "PathAssistant": ".",
    "QuickAction": ".",
    "DuplicateRule": ".",
    "ApprovalProcess": ".",
    "CustomMetadata": ".",
    "FieldSet": ".",
}
_OF_OBJECT = ("CustomObject", "Workflow", "SharingRules", "AssignmentRules", "AutoResponseRules", "EscalationRules",
              "MatchingRules")  # fmt: skip
_APPS = ("CustomApplication", "AppMenu", "Community", "Network", "ExperienceBundle", "CustomTab", "FlexiPage")
PERMISSIONS = ("Profile", "PermissionSet", "PermissionSetGroup", "MutingPermissionSet", "CustomPermission", "Role",
               "SharingRules", "SharingCriteriaRule", "SharingOwnerRule", "SharingGuestRule", "SharingTerritoryRule",
               "Group", "Queue", "ConnectedApp", "Territory2Rule")  # fmt: skip
"""Types that say who may see or do what."""

AUTOMATION = ("ApexTrigger", "Flow", "FlowDefinition", "Workflow", "WorkflowRule", "ApprovalProcess", "ValidationRule",
              "AssignmentRules", "AssignmentRule", "AutoResponseRules", "AutoResponseRule", "EscalationRules",
              "EscalationRule", "DuplicateRule", "PlatformEventSubscriberConfig")  # fmt: skip
"""Types that act by themselves whenever a record is saved, or stop it from being saved."""

_GROUPS = ("Profile", "PermissionSet", "PermissionSetGroup", "MutingPermissionSet", "Role", "Group", "Queue")
_MARKS = ("__c", "__mdt", "__e", "__b", "__x")


@dataclass(frozen=True)
class Impact:
    """Names as people know them, each sorted and once: `objects` ("Discount Request"), `apps`, `groups` of users.

    `automation` and `permissions` are components. `code` counts what only developers know by name.
    """

    objects: tuple[str, ...]
    apps: tuple[str, ...]
    groups: tuple[str, ...]
    automation: tuple[Component, ...]
    permissions: tuple[Component, ...]
    code: int


def impact_of(changed: Sequence[Component]) -> Impact:
    """What components touch that are brought, changed or deleted."""
    return Impact(
        objects=_sorted(readable(name) for name in map(object_of, changed) if name),
        apps=_sorted(readable(one.name) for one in changed if one.type in _APPS),
        groups=_sorted(readable(one.name) for one in changed if one.type in _GROUPS),
        automation=tuple(one for one in changed if one.type in AUTOMATION),
        permissions=tuple(one for one in changed if one.type in PERMISSIONS),
        code=sum(one.type.startswith("Apex") or one.type.startswith("Lightning") for one in changed),
    )


def object_of(component: Component) -> str:
    """The API name of the object that a component belongs to; "" where its name does not tell."""
    owner = parent_of(component) or component
    if owner.type in _OF_OBJECT:
        return owner.name
    between = _NAMED_AFTER_OBJECT.get(owner.type, "")
    name, found, _ = owner.name.partition(between) if between else ("", "", "")
    return name if found else ""


def readable(name: str) -> str:
    """An API name as people read it: "Discount_Request__c" is "Discount Request"."""
    ending = next((mark for mark in _MARKS if name.endswith(mark)), "")
    return name.removesuffix(ending).replace("_", " ")


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
