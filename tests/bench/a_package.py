"""A package as large as Salesforce takes, beside what the org holds of it: the same files every time."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Iterator
from typing import Literal
from xml.sax.saxutils import escape

from release_core.archives import COMPRESSED_AT_MOST, FILES_AT_MOST
from release_core.manifests import write_manifest
from release_core.metadata_types import Component
from release_core.metadata_xml import NAMESPACE

Shape = Literal["mixed", "all differ"]
Fate = Literal["identical", "laid out otherwise", "changed", "new"]
Node = tuple[str, "str | list[Node]"]
Files = dict[str, bytes]

_TO_SPARE = 1_000_000  # bytes below the limit: the zip's directory, changed files that are larger
_RESOURCES = 100
_DELETED = 50
_WORDS = [
    f"{start}{end}"
    for start in [
        "Account",
        "Order",
        "Quote",
        "Price",
        "Region",
        "Invoice",
        "Partner",
        "Ticket",
        "Asset",
        "Policy",
        "Claim",
        "Offer",
    ]
    for end in [
        "Status",
        "Total",
        "Owner",
        "Rule",
        "Check",
        "Sync",
        "Limit",
        "Group",
        "Date",
        "Code",
        "Level",
        "Source",
        "Handler",
        "Batch",
        "Queue",
    ]
]


def build(shape: Shape) -> tuple[bytes, bytes]:
    """The zip of the package, just under 39 MB with 10,000 files, then the zip that a retrieve brings of the org.

    "mixed": a third of the components are in the org byte for byte, a third are laid out otherwise in XML that means
    the same, a third are changed, but for some that are new; some deletions. "all differ": every file is changed.
    """
    chance = random.Random(20_260_101)
    ours, theirs = Files(), Files()
    components: list[Component] = []
    for number, make in enumerate(_makers()):
        fate = _fate(shape, number)
        component, new, old = make(chance, number, fate)
        components.append(component)
        ours |= new
        if fate != "new":
            theirs |= old
    # A retrieve has the same limits: what is deleted may only take the place of what is new.
    gone = [Component("ApexClass", f"Retired{number}") for number in range(_DELETED if shape == "mixed" else 0)]
    for each in gone:
        theirs |= _class(chance, each.name, "identical")[1]
    # What is left up to the limits: test classes up to 10,000 files, then bytes that do not compress up to 39 MB.
    _fill_up_files(chance, shape, components, ours, theirs)
    if gone:
        ours["destructiveChanges.xml"] = write_manifest(gone)
    ours["package.xml"] = write_manifest(sorted(components), api_version="62.0")
    _fill_up_bytes(chance, shape, ours, theirs)
    wrapped = {f"unpackaged/{path}": data for path, data in theirs.items()}
    asked = {*components, *gone}
    wrapped["unpackaged/package.xml"] = write_manifest(sorted(asked), api_version="62.0")
    return _zipped(ours), _zipped(wrapped)


_Made = tuple[Component, Files, Files]


def _makers() -> Iterator[Callable[[random.Random, int, Fate], _Made]]:
    for make, count in (
        (_apex_class, 3_000),
        (_apex_trigger, 200),
        (_object, 250),
        (_layout, 600),
        (_flow, 300),
        (_lightning_component, 300),
        (_profile, 40),
        (_permission_set, 150),
        (_custom_metadata, 500),
        (_quick_action, 250),
        (_resource, _RESOURCES),
    ):
        for _ in range(count):
            yield make


def _fate(shape: Shape, number: int) -> Fate:
    if shape == "all differ":
        return "changed"
    if number % 50 == 49:
        return "new"
    fates: tuple[Fate, ...] = ("identical", "laid out otherwise", "changed")
    return fates[number % 3]


def _fill_up_files(
    chance: random.Random, shape: Shape, components: list[Component], ours: Files, theirs: Files
) -> None:
    for number in range((FILES_AT_MOST - 1 - len(ours)) // 2):
        name, fate = f"Filler{number}Test", _fate(shape, number)
        new, old = _class(chance, name, fate, "@IsTest\nprivate")
        components.append(Component("ApexClass", name))
        ours |= new
        theirs |= old if fate != "new" else {}


def _fill_up_bytes(chance: random.Random, shape: Shape, ours: Files, theirs: Files) -> None:
    missing = (COMPRESSED_AT_MOST - _TO_SPARE - len(_zipped(ours))) // _RESOURCES
    for number, path in enumerate(sorted(path for path in ours if path.endswith(".resource"))):
        ours[path] = chance.randbytes(missing)
        if path in theirs:
            changed = shape == "all differ" or number % 3 == 0
            theirs[path] = chance.randbytes(missing) if changed else ours[path]


def _apex_class(chance: random.Random, number: int, fate: Fate) -> _Made:
    name = f"{chance.choice(_WORDS)}{number}"
    return Component("ApexClass", name), *_class(chance, name, fate)


def _class(chance: random.Random, name: str, fate: Fate, head: str = "public with sharing") -> tuple[Files, Files]:
    source = _source(chance, f"{head} class {name} {{", chance.randint(25, 110))
    path, meta = f"classes/{name}.cls", _versioned("ApexClass", fate)
    return _both(path, source, fate, _code_changed, meta)


def _apex_trigger(chance: random.Random, number: int, fate: Fate) -> _Made:
    name = f"{chance.choice(_WORDS)}Trigger{number}"
    source = _source(chance, f"trigger {name} on Account (before update) {{", 20)
    meta = _versioned("ApexTrigger", fate)
    return Component("ApexTrigger", name), *_both(f"triggers/{name}.trigger", source, fate, _code_changed, meta)


def _source(chance: random.Random, opening: str, lines: int) -> bytes:
    body = [
        f"        {chance.choice(_WORDS)} {_small(chance)}{number} = "
        f"{chance.choice(_WORDS)}.get{chance.choice(_WORDS)}({_small(chance)}, {chance.randint(0, 9_999)});"
        for number in range(lines)
    ]
    return "\n".join([opening, "    public void run() {", *body, "    }", "}", ""]).encode()


def _small(chance: random.Random) -> str:
    word = chance.choice(_WORDS)
    return word[0].lower() + word[1:]


def _code_changed(source: bytes) -> bytes:
    return source.replace(b"public void run() {", b"public void run() { // as it was", 1) + b"// end\n"


def _versioned(tag: str, fate: Fate) -> tuple[bytes, bytes]:
    def described(version: str) -> Node:
        return tag, [("apiVersion", version), ("status", "Active")]

    return _document(described("62.0")), _other(described("62.0"), described("61.0"), fate)


def _both(
    path: str, data: bytes, fate: Fate, change: Callable[[bytes], bytes], meta: tuple[bytes, bytes]
) -> tuple[Files, Files]:
    old = change(data) if fate == "changed" else data
    beside = f"{path}-meta.xml"
    return {path: data, beside: meta[0]}, {path: old, beside: meta[1]}


def _object(chance: random.Random, number: int, fate: Fate) -> _Made:
    name = f"{chance.choice(_WORDS)}{number}__c"

    def described(label: str) -> Node:
        fields = [_field(random.Random(number * 1_000 + which), which, label) for which in range(40)]
        rules = [_rule(random.Random(which), which) for which in range(6)]
        views: list[Node] = [
            ("listViews", [("fullName", f"View{which}"), ("filterScope", "Everything"), ("label", f"View {which}")])
            for which in range(4)
        ]
        own: list[Node] = [("deploymentStatus", "Deployed"), ("enableHistory", "true"), *fields, ("label", label)]
        own += [*views, ("pluralLabel", f"{label}s"), ("sharingModel", "ReadWrite"), *rules]
        return "CustomObject", own

    return Component("CustomObject", name), *_one(f"objects/{name}.object", described("Ours"), described("Old"), fate)


def _field(chance: random.Random, which: int, label: str) -> Node:
    changed = label if which % 4 == 0 else "Same"
    common: list[Node] = [
        ("fullName", f"{chance.choice(_WORDS)}{which}__c"),
        ("description", f"{changed}: {' '.join(chance.choices(_WORDS, k=6))}"),
        ("externalId", "false"),
        ("label", " ".join(chance.choices(_WORDS, k=2))),
    ]
    if which % 8:
        return "fields", [*common, ("length", "80"), ("required", "false"), ("type", "Text"), ("unique", "false")]
    values: list[Node] = [
        ("value", [("fullName", word), ("default", "false"), ("label", word)]) for word in _WORDS[which : which + 9]
    ]
    definition: Node = ("valueSetDefinition", [("sorted", "false"), *values])
    return "fields", [*common, ("type", "Picklist"), ("valueSet", [("restricted", "true"), definition])]


def _rule(chance: random.Random, which: int) -> Node:
    formula = f"AND(ISPICKVAL({chance.choice(_WORDS)}__c, 'Closed'), {chance.choice(_WORDS)}__c < {which})"
    named: list[Node] = [("fullName", f"Rule{which}"), ("active", "true"), ("errorConditionFormula", formula)]
    return "validationRules", [*named, ("errorMessage", " ".join(chance.choices(_WORDS, k=8)))]


def _layout(chance: random.Random, number: int, fate: Fate) -> _Made:
    name = f"Account-{chance.choice(_WORDS)} Layout {number}"

    def described(behavior: str) -> Node:
        sections: list[Node] = []
        for which in range(8):
            items: list[Node] = [
                ("layoutItems", [("behavior", behavior), ("field", f"{_WORDS[(number + which * 9 + item) % 180]}__c")])
                for item in range(9)
            ]
            columns: list[Node] = [("layoutColumns", items), ("layoutColumns", items[::2])]
            sections.append(("layoutSections", [("customLabel", "true"), ("label", f"Part {which}"), *columns]))
        return "Layout", [("excludeButtons", "Submit"), *sections, ("showEmailCheckbox", "false")]

    old = described("Readonly")
    return Component("Layout", name), *_one(f"layouts/{name}.layout", described("Edit"), old, fate)


def _flow(chance: random.Random, number: int, fate: Fate) -> _Made:
    name = f"{chance.choice(_WORDS)}_Flow_{number}"

    def described(label: str) -> Node:
        steps: list[Node] = [
            (
                "decisions",
                [
                    ("name", f"Decide_{which}"),
                    ("label", f"{label} {_WORDS[(number + which) % 180]}"),
                    ("locationX", str(which * 50)),
                    ("locationY", "100"),
                    ("rules", [("name", f"Yes_{which}"), ("conditionLogic", "and"), ("label", "Yes")]),
                ],
            )
            for which in range(30)
        ]
        return "Flow", [("apiVersion", "62.0"), *steps, ("label", name), ("processType", "Flow"), ("status", "Active")]

    return Component("Flow", name), *_one(f"flows/{name}.flow", described("Is"), described("Was"), fate)


def _lightning_component(chance: random.Random, number: int, fate: Fate) -> _Made:
    name = f"{_small(chance)}{number}"
    script = _source(chance, f"export default class {name} {{", 40)
    page = "".join(f"<div class={word!r}>{{{word}}}</div>\n" for word in chance.choices(_WORDS, k=25)).encode()
    style = "".join(f".{word} {{ margin: {chance.randint(1, 40)}px; }}\n" for word in chance.choices(_WORDS, k=12))
    meta = _versioned("LightningComponentBundle", fate)
    folder = f"lwc/{name}/{name}"
    ours = {f"{folder}.js": script, f"{folder}.html": page, f"{folder}.css": style.encode()}
    was = {path: data + b"\n/* old */" for path, data in ours.items()} if fate == "changed" else ours
    component = Component("LightningComponentBundle", name)
    return component, {**ours, f"{folder}.js-meta.xml": meta[0]}, {**was, f"{folder}.js-meta.xml": meta[1]}


def _profile(chance: random.Random, number: int, fate: Fate) -> _Made:
    name = f"{chance.choice(_WORDS)} Profile {number}"
    new, old = _access("Profile", 500, "true"), _access("Profile", 500, "false")
    return Component("Profile", name), *_one(f"profiles/{name}.profile", new, old, fate)


def _permission_set(chance: random.Random, number: int, fate: Fate) -> _Made:
    name = f"{chance.choice(_WORDS)}_Access_{number}"
    new, old = _access("PermissionSet", 90, "true"), _access("PermissionSet", 90, "false")
    return Component("PermissionSet", name), *_one(f"permissionsets/{name}.permissionset", new, old, fate)


def _access(tag: str, size: int, granted: str) -> Node:
    fields: list[Node] = [
        (
            "fieldPermissions",
            [("editable", granted), ("field", f"Account.{_WORDS[which % 180]}{which}__c"), ("readable", "true")],
        )
        for which in range(size)
    ]
    classes: list[Node] = [
        ("classAccesses", [("apexClass", f"{_WORDS[which % 180]}{which}"), ("enabled", "true")])
        for which in range(size // 3)
    ]
    return tag, [*classes, *fields]


def _custom_metadata(chance: random.Random, number: int, fate: Fate) -> _Made:
    name = f"Setting.{chance.choice(_WORDS)}{number}"

    def described(value: str) -> Node:
        values: list[Node] = [
            ("values", [("field", f"{_WORDS[which * 7]}__c"), ("value", f"{value} {number}")]) for which in range(6)
        ]
        return "CustomMetadata", [("label", name), ("protected", "false"), *values]

    return Component("CustomMetadata", name), *_one(
        f"customMetadata/{name}.md", described("ours"), described("old"), fate
    )


def _quick_action(chance: random.Random, number: int, fate: Fate) -> _Made:
    name = f"Account.{chance.choice(_WORDS)}{number}"

    def described(label: str) -> Node:
        return "QuickAction", [("label", label), ("optionsCreateFeedItem", "false"), ("type", "LogACall")]

    new, old = described("Log a call"), described("Call")
    return Component("QuickAction", name), *_one(f"quickActions/{name}.quickAction", new, old, fate)


def _resource(chance: random.Random, number: int, fate: Fate) -> _Made:
    def described(control: str) -> Node:
        return "StaticResource", [("cacheControl", control), ("contentType", "application/zip")]

    name = f"Resource{number:03}"
    meta = _document(described("Public")), _other(described("Public"), described("Private"), fate)
    return Component("StaticResource", name), *_both(
        f"staticresources/{name}.resource", b"later", fate, lambda data: data, meta
    )


def _one(path: str, new: Node, old: Node, fate: Fate) -> tuple[Files, Files]:
    return {path: _document(new)}, {path: _other(new, old, fate)}


def _other(new: Node, old: Node, fate: Fate) -> bytes:
    if fate == "changed":
        return _document(old)
    if fate == "laid out otherwise":
        tag, children = new
        assert isinstance(children, list)
        return _document((tag, sorted(children, key=lambda child: child[0], reverse=True)), "\t")
    return _document(new)


def _document(root: Node, indent: str = "    ") -> bytes:
    tag, children = root
    assert isinstance(children, list)
    inner = "".join(_drawn(child, indent, 1) for child in children)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{tag} xmlns="{NAMESPACE}">\n{inner}</{tag}>\n'.encode()


def _drawn(node: Node, indent: str, depth: int) -> str:
    tag, inside = node
    margin = indent * depth
    if isinstance(inside, str):
        return f"{margin}<{tag}>{escape(inside)}</{tag}>\n"
    return f"{margin}<{tag}>\n{''.join(_drawn(child, indent, depth + 1) for child in inside)}{margin}</{tag}>\n"


def _zipped(files: Files) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return target.getvalue()
