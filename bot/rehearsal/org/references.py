"""Who in the org refers to a component."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from bot.rehearsal.org import catalog
from bot.rehearsal.org.apex.lexer import CompileError, tokens_of
from bot.rehearsal.org.inventory import Component, Inventory, object_of
from bot.rehearsal.org.standard import STANDARD_OBJECTS

_MARKUP_TYPES = ("ApexPage", "ApexComponent", "AuraDefinitionBundle", "LightningComponentBundle")
_CUSTOM = ("__c", "__mdt", "__e", "__b", "__x")


def is_custom(name: str) -> bool:
    """Whether a name is of something people made, not of something the platform ships."""
    return name.endswith(_CUSTOM)


@lru_cache(maxsize=512)
def apex_words(source: str) -> frozenset[str]:
    """Identifiers in lower case that Apex source mentions outside comments; empty when it cannot be read."""
    try:
        return frozenset(token.low for token in tokens_of(source) if token.kind == "name")
    except CompileError:
        return frozenset()


def object_exists(inventory: Inventory, name: str) -> bool:
    """Whether the org has this object."""
    return name in STANDARD_OBJECTS or inventory.get("CustomObject", name) is not None


def referrers(inventory: Inventory, type_name: str, name: str) -> list[Component]:
    """The components that keep this one from being deleted; permission sets, profiles as well as layouts do not."""
    tests: dict[str, Callable[[Inventory, str], Iterator[Component]]] = {
        "ApexClass": _class_users,
        "CustomField": _field_users,
        "CustomObject": _object_users,
        "CustomLabel": _label_users,
        "ApexPage": lambda have, page: _texts(have, page, "QuickAction", "CustomTab", "WebLink", "CustomSite"),
        "StaticResource": lambda have, it: _matching(
            have, rf"(\$Resource\.|resourceUrl/){re.escape(it)}\b", *_MARKUP_TYPES
        ),
        "LightningComponentBundle": _bundle_users,
        "AuraDefinitionBundle": _bundle_users,
        "PermissionSet": lambda have, it: _texts(have, it, "PermissionSetGroup"),
        "CustomPermission": lambda have, it: _matching(
            have, rf"\$Permission\.{re.escape(it)}\b", "ValidationRule", "Flow", "CustomField"
        ),
        "GlobalValueSet": lambda have, it: _matching(have, rf"<valueSetName>{re.escape(it)}<", "CustomField"),
        "EmailTemplate": lambda have, it: _texts(have, it, "WorkflowAlert"),
    }
    find = tests.get(type_name)
    return [each for each in find(inventory, name) if (each.type, each.name) != (type_name, name)] if find else []


def _apex(inventory: Inventory, *words: str) -> Iterator[Component]:
    for each in inventory.of_type("ApexClass", "ApexTrigger"):
        if all(word.lower() in apex_words(each.source) for word in words):
            yield each


def _matching(inventory: Inventory, pattern: str, *types: str) -> Iterator[Component]:
    wanted = re.compile(pattern.encode(), re.IGNORECASE)
    for each in inventory.of_type(*types):
        if any(wanted.search(content) for content in each.files.values()):
            yield each


def _texts(inventory: Inventory, word: str, *types: str) -> Iterator[Component]:
    return _matching(inventory, rf"(?<![\w]){re.escape(word)}(?![\w])", *types)


def _class_users(inventory: Inventory, name: str) -> Iterator[Component]:
    yield from _apex(inventory, name)
    bare = re.escape(name)
    yield from _matching(
        inventory, rf'(controller|extensions)="[^"]*\b{bare}\b|@salesforce/apex/{bare}\.', *_MARKUP_TYPES
    )
    yield from _matching(inventory, rf"<actionName>{bare}</actionName>|<apexClass>{bare}</apexClass>", "Flow")


def _field_users(inventory: Inventory, full_name: str) -> Iterator[Component]:
    owner, _, name = full_name.partition(".")
    for each in _apex(inventory, name):
        if owner.lower() in apex_words(each.source) or not _same_field_elsewhere(inventory, owner, name):
            yield each
    for each in _texts(
        inventory, name, "ApexPage", "ApexComponent", "AuraDefinitionBundle", "LightningComponentBundle", "Flow"
    ):
        if any(re.search(rf"\b{re.escape(owner)}\b".encode(), content) for content in each.files.values()):
            yield each
    local = ("ValidationRule", "WorkflowRule", "WorkflowFieldUpdate", "SharingCriteriaRule")
    for each in _texts(inventory, name, *local):
        if object_of(each.name) == owner:
            yield each
    for each in inventory.of_type("CustomField"):
        text = next(iter(each.files.values()))
        if (
            each.name != full_name
            and object_of(each.name) == owner
            and re.search(rf"(?s)<formula>[^<]*\b{re.escape(name)}\b".encode(), text)
        ):
            yield each


def _same_field_elsewhere(inventory: Inventory, owner: str, name: str) -> bool:
    return any(
        each.name.endswith(f".{name}") and object_of(each.name) != owner for each in inventory.of_type("CustomField")
    )


def _object_users(inventory: Inventory, name: str) -> Iterator[Component]:
    yield from _apex(inventory, name)
    for each in _matching(inventory, rf"<referenceTo>{re.escape(name)}<", "CustomField"):
        if object_of(each.name) != name:
            yield each
    yield from _texts(
        inventory, name, "Flow", "ApexPage", "AuraDefinitionBundle", "LightningComponentBundle", "ReportType"
    )


def _label_users(inventory: Inventory, name: str) -> Iterator[Component]:
    yield from _apex(inventory, "label", name)
    yield from _matching(
        inventory, rf"(\$Label\.(c\.)?|label/c\.){re.escape(name)}\b", *_MARKUP_TYPES, "Flow", "ValidationRule"
    )


def _bundle_users(inventory: Inventory, name: str) -> Iterator[Component]:
    hyphened = re.sub(r"([A-Z])", lambda found: "-" + found.group(1).lower(), name)
    yield from _matching(
        inventory, rf"(<c[:-]({re.escape(name)}|{hyphened})[\s/>]|\bc:{re.escape(name)}\b)", *_MARKUP_TYPES[2:]
    )
    types = ("FlexiPage", "QuickAction", "CustomTab")
    yield from _matching(
        inventory,
        rf"<(componentName|lightningComponent|lightningWebComponent|lwcComponent|auraComponent)>(c:)?{re.escape(name)}<",
        *types,
    )


def refusal_text(type_name: str, used_by: Component) -> str:
    """What the platform says when it will not delete something that is in use."""
    what = catalog.said(type_name).lower()
    by = f"{catalog.said(used_by.type)} - {used_by.name}"
    return f"This {what} is referenced elsewhere in salesforce.com.  Remove the usage and try again. : {by}."


def without_mentions(content: bytes, type_name: str, name: str) -> bytes:
    """A layout, profile or permission set after the platform has dropped what it said about a deleted component."""
    wraps = {
        "CustomField": (rb"fieldPermissions", rb"field", name),
        "CustomObject": (rb"objectPermissions", rb"object", name),
        "ApexClass": (rb"classAccesses", rb"apexClass", name),
        "ApexPage": (rb"pageAccesses", rb"apexPage", name),
    }
    if type_name == "CustomField" and b"<Layout" in content:
        wraps = {"CustomField": (rb"layoutItems", rb"field", name.split(".", 1)[1])}
    if type_name not in wraps:
        return content
    outer, inner, value = wraps[type_name]
    said = re.escape(value.encode())
    if type_name == "CustomObject":
        content = _drop(content, rb"fieldPermissions", rb"<field>" + said + rb"\.[^<]*</field>")
    return _drop(content, outer, rb"<" + inner + rb">" + said + rb"</" + inner + rb">")


def _drop(content: bytes, outer: bytes, inside: bytes) -> bytes:
    close = rb"</" + outer + rb">"
    any_but_close = rb"(?:(?!" + close + rb").)*?"
    return re.sub(
        rb"(?s)[ \t]*<" + outer + rb">" + any_but_close + inside + any_but_close + close + rb"\r?\n?", b"", content
    )
