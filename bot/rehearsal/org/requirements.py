"""What a component needs that the org does not have."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.rehearsal.org import catalog, markup
from bot.rehearsal.org.inventory import Component, Inventory, object_of
from bot.rehearsal.org.references import is_custom, object_exists
from bot.rehearsal.org.standard import STANDARD_OBJECTS


def missing(inventory: Inventory, component: Component) -> str | None:
    """What the platform says when a component names something the org does not have; None when all is there."""
    finders: dict[str, Callable[[Inventory, Component], str | None]] = {
        "Profile": _grants,
        "PermissionSet": _grants,
        "Layout": _layout,
        "CustomField": _custom_field,
        "ValidationRule": _validation_rule,
        "CustomTab": _tab,
        "Flow": _flow,
        "FlexiPage": _flexipage,
        "CustomMetadata": _record,
        "LightningComponentBundle": _lwc,
        "ApexPage": _page,
        "ApexComponent": _page,
    }
    if component.type == "CustomObject" and not is_custom(component.name) and component.name not in STANDARD_OBJECTS:
        return f"Entity Enumeration Or ID: bad value for restricted picklist field: {component.name}"
    parent = catalog.child_types().get(component.type)
    if parent and parent[0].name == "CustomObject" and not object_exists(inventory, object_of(component.name)):
        return f"no CustomObject named {object_of(component.name)} found"
    find = finders.get(component.type)
    return find(inventory, component) if find else None


def _none_found(field: str, type_name: str, name: str) -> str:
    return f"In field: {field} - no {type_name} named {name} found"


def _custom_field_exists(inventory: Inventory, full_name: str) -> bool:
    return not is_custom(full_name) or inventory.get("CustomField", full_name) is not None


def _grants(inventory: Inventory, component: Component) -> str | None:
    root = markup.parse(component.source.encode())
    for tag, type_name in (
        ("object", "CustomObject"),
        ("field", "CustomField"),
        ("apexClass", "ApexClass"),
        ("apexPage", "ApexPage"),
    ):
        for node in markup.every(root, tag):
            name = (node.text or "").strip()
            needed = type_name.startswith("Apex") or is_custom(name)
            if needed and inventory.get(type_name, name) is None:
                return _none_found(tag, type_name, name)
    for node in markup.every(root, "recordType"):
        name = (node.text or "").strip()
        if inventory.get("RecordType", name) is None and not name.endswith("Master"):
            return _none_found("recordType", "RecordType", name)
    return None


def _layout(inventory: Inventory, component: Component) -> str | None:
    owner = component.name.split("-", 1)[0]
    if not object_exists(inventory, owner):
        return f"Parent entity failed to deploy: no CustomObject named {owner} found"
    for node in markup.every(markup.parse(component.source.encode()), "field"):
        name = (node.text or "").strip()
        if not _custom_field_exists(inventory, f"{owner}.{name}"):
            return _none_found("field", "CustomField", f"{owner}.{name}")
    return None


def _custom_field(inventory: Inventory, component: Component) -> str | None:
    node = markup.read_fragment(next(iter(component.files.values())))
    kind, target = markup.text_of(node, "type"), markup.text_of(node, "referenceTo")
    name = component.name.split(".", 1)[1]
    if is_custom(name) and not kind:
        return "Must specify 'type' for a custom field"
    if is_custom(name) and not markup.text_of(node, "label"):
        return "Required field is missing: label"
    if kind == "Text" and not markup.text_of(node, "length") and not markup.text_of(node, "formula"):
        return "Must specify 'length' for a CustomField of type Text"
    if target and not object_exists(inventory, target):
        return _none_found("referenceTo", "CustomObject", target)
    shared = next((markup.text_of(each, "valueSetName") for each in markup.named(node, "valueSet")), "")
    if shared and inventory.get("GlobalValueSet", shared.removesuffix("__gvs")) is None:
        return _none_found("valueSetName", "GlobalValueSet", shared)
    return _formula(inventory, object_of(component.name), markup.text_of(node, "formula"))


def _validation_rule(inventory: Inventory, component: Component) -> str | None:
    node = markup.read_fragment(next(iter(component.files.values())))
    return _formula(inventory, object_of(component.name), markup.text_of(node, "errorConditionFormula"))


def _formula(inventory: Inventory, owner: str, formula: str) -> str | None:
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", formula)
    for name in re.findall(r"(?<![\w.$])([A-Za-z]\w*__c)\b(?!\s*\.)", bare):
        if inventory.get("CustomField", f"{owner}.{name}") is None:
            return f"Field {name} does not exist. Check spelling."
    return None


def _tab(inventory: Inventory, component: Component) -> str | None:
    root = markup.parse(component.source.encode())
    if markup.text_of(root, "customObject") == "true" and not object_exists(inventory, component.name):
        return _none_found("customObject", "CustomObject", component.name)
    page = markup.text_of(root, "page")
    return _none_found("page", "ApexPage", page) if page and inventory.get("ApexPage", page) is None else None


def _flow(inventory: Inventory, component: Component) -> str | None:
    root = markup.parse(component.source.encode())
    for node in markup.every(root, "object", "objectType"):
        name = (node.text or "").strip()
        if is_custom(name) and not object_exists(inventory, name):
            return f"field integrity exception: unknown (The object {name} can't be found.)"
    for call in markup.every(root, "actionCalls"):
        name = markup.text_of(call, "actionName")
        if markup.text_of(call, "actionType") == "apex" and inventory.get("ApexClass", name) is None:
            text = f"We can't find an action with the name and action type that you specified: {name}"
            return f"field integrity exception: unknown ({text})"
    return None


def _flexipage(inventory: Inventory, component: Component) -> str | None:
    for name in re.findall(r"<componentName>c:(\w+)</componentName>", component.source):
        if not any(inventory.get(kind, name) for kind in ("LightningComponentBundle", "AuraDefinitionBundle")):
            return f"We couldn't retrieve the design time component information for component c:{name}."
    return None


def _record(inventory: Inventory, component: Component) -> str | None:
    owner = component.name.split(".", 1)[0] + "__mdt"
    return None if object_exists(inventory, owner) else f"Cannot find the custom metadata type {owner}"


def _lwc(inventory: Inventory, component: Component) -> str | None:
    for path, content in component.files.items():
        if not path.endswith(".js"):
            continue
        text, short = content.decode("utf-8", "replace"), path.rsplit("/", 1)[-1]
        for kind, name in re.findall(r"@salesforce/(apex|schema|label|resourceUrl)/([\w.]+)", text):
            problem = _import(inventory, kind, name, short)
            if problem:
                return problem
    return None


def _import(inventory: Inventory, kind: str, name: str, file: str) -> str | None:
    bare = name.split(".")[0]
    if kind == "apex" and inventory.get("ApexClass", bare) is None:
        return f"Unable to find Apex action class referenced as '{bare}'."
    if (
        kind == "schema"
        and is_custom(name)
        and not (inventory.get("CustomField", name) or inventory.get("CustomObject", name))
    ):
        return f"Invalid reference {name} of type {'sobjectField' if '.' in name else 'sobject'} in file {file}"
    if kind == "label" and name.startswith("c.") and inventory.get("CustomLabel", name[2:]) is None:
        return f"Invalid reference {name} of type label in file {file}"
    if kind == "resourceUrl" and inventory.get("StaticResource", bare) is None:
        return f"Invalid reference {name} of type resourceUrl in file {file}"
    return None


def _page(inventory: Inventory, component: Component) -> str | None:
    for attribute in re.findall(r'\b(?:controller|extensions)="([^"]+)"', component.source):
        for name in re.split(r"\s*,\s*", attribute.strip()):
            if inventory.get("ApexClass", name) is None:
                return f"Apex class '{name}' does not exist"
    return None
