"""Taking components out of an org, as destructive manifests ask."""

from __future__ import annotations

from dataclasses import dataclass

from bot.rehearsal.org import catalog, flows
from bot.rehearsal.org.incoming import Problem
from bot.rehearsal.org.inventory import Component, Inventory, object_of
from bot.rehearsal.org.references import is_custom, referrers, refusal_text, without_mentions

_NEVER = {
    "Settings",
    "StandardValueSet",
    "CustomLabels",
    "Workflow",
    "SharingRules",
    "MatchingRules",
    "AssignmentRules",
}
_MENTIONING = ("Layout", "PermissionSet", "Profile")
_NO_ACCESS = "insufficient access rights on cross-reference id"


@dataclass(frozen=True)
class Deletion:
    """One member of a destructive manifest: where it is listed, what it names."""

    listed_in: str
    type: str
    name: str
    doomed: frozenset[tuple[str, str]] = frozenset()  # everything else the same manifest deletes


def delete(inventory: Inventory, active_before: frozenset[str], deletion: Deletion) -> Component | Problem:
    """Delete one member; the component that went, or the Problem (a warning when there was nothing to delete)."""
    refused = _never(deletion)
    if refused:
        return _problem(deletion, refused)
    if deletion.type == "Flow":
        return _delete_flow(inventory, active_before, deletion)
    component = inventory.get(deletion.type, deletion.name)
    if component is None:
        return _absent(deletion)
    refused = _held(inventory, component, deletion.doomed)
    if refused:
        return _problem(deletion, refused)
    _cascade(inventory, component)
    inventory.remove(component.type, component.name)
    _forget(inventory, component)
    return component


def _problem(deletion: Deletion, text: str) -> Problem:
    return Problem(deletion.type, deletion.name, deletion.listed_in, text)


def _absent(deletion: Deletion) -> Problem:
    text = f"No {deletion.type} named: {deletion.name} found"
    return Problem(deletion.type, deletion.name, deletion.listed_in, text, warning=True)


def _never(deletion: Deletion) -> str | None:
    type_name, name = deletion.type, deletion.name
    if not catalog.known_type(type_name):
        return f"Unknown type name '{type_name}' specified in {deletion.listed_in.rsplit('/', 1)[-1]}"
    if name == "*":
        return f"Wildcards are not allowed in {deletion.listed_in.rsplit('/', 1)[-1]}: {type_name}"
    if type_name == "RecordType":
        return "Cannot delete record type through API"
    if type_name in _NEVER or type_name == "FlowDefinition":
        return f"{type_name}: {name} cannot be deleted through the API"
    if type_name == "CustomObject" and not is_custom(name):
        return f"Cannot delete standard object: {name}"
    if type_name == "CustomField" and not is_custom(name):
        return f"Cannot delete standard field: {name}"
    if type_name == "Profile" and name in ("Admin", "Standard"):
        return f"Cannot delete standard profile: {name}"
    return None


def _held(inventory: Inventory, component: Component, doomed: frozenset[tuple[str, str]]) -> str | None:
    for user in referrers(inventory, component.type, component.name):
        owner = ("CustomObject", object_of(user.name))
        if user.key not in doomed and owner not in doomed:
            return refusal_text(component.type, user)
    if component.type == "Layout":
        owner_name = component.name.split("-", 1)[0]
        others = [
            each
            for each in inventory.of_type("Layout")
            if each.name.startswith(f"{owner_name}-") and each.key not in doomed
        ]
        if others in ([], [component]) and ("CustomObject", owner_name) not in doomed:
            return f"Cannot delete the only layout of {owner_name}"
    return None


def _cascade(inventory: Inventory, component: Component) -> None:
    if component.type != "CustomObject":
        return
    for each in inventory.of_type("Layout"):
        if each.name.startswith(f"{component.name}-"):
            inventory.remove("Layout", each.name)
    for kind in ("CustomTab", "Workflow", "SharingRules"):
        inventory.remove(kind, component.name)


def _forget(inventory: Inventory, gone: Component) -> None:
    """Grants and layouts silently lose what they said about a deleted component."""
    for each in inventory.of_type(*_MENTIONING):
        if gone.type == "CustomField" and each.type == "Layout" and object_of(gone.name) != each.name.split("-", 1)[0]:
            continue
        files = {path: without_mentions(content, gone.type, gone.name) for path, content in each.files.items()}
        if files != each.files:
            inventory.put(each.saying(files, each.modified_by, each.modified_at))


def _delete_flow(inventory: Inventory, active_before: frozenset[str], deletion: Deletion) -> Component | Problem:
    name, number = flows.split_version(deletion.name)
    component = inventory.get("Flow", name)
    if number is None:
        exists = inventory.get("Flow", deletion.name) is not None
        return _problem(deletion, _NO_ACCESS) if exists else _absent(deletion)
    if component is None or all(version.number != number for version in inventory.flows[name]):
        return _absent(deletion)
    active = flows.active_version(inventory, name)
    if (active and active.number == number) or f"{name}-{number}" in active_before:
        return _problem(deletion, f"The flow version {deletion.name} is active. Deactivate it before you delete it.")
    flows.remove_version(inventory, name, number)
    if name in inventory.flows:
        inventory.put(flows.refresh(inventory, component, component.modified_by, component.modified_at))
    return component
