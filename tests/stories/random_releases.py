"""Random but sensible packages for a local org: a pool of components of many types, each in several variants."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from release_core.metadata_types import BY_TYPE, CHILD_TAG, Component, file_of, owner_of, parent_of
from release_core.metadata_xml import NAMESPACE
from release_core.packages import write_package

VARIANTS = 4
API_VERSION = "62.0"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_META = "<apiVersion>62.0</apiVersion><status>Active</status>"
_VALUES = ("Hot", "Warm", "Cold", "Frozen")


@dataclass(frozen=True)
class Piece:
    """One component in one variant: either files of its own or an element of another one's file."""

    component: Component
    variant: int


Draw = Callable[[str, int], str]


def _apex(name: str, variant: int) -> str:
    comment = "// runs\n" * (variant % 2)
    return f"{comment}public class {name} {{ public static Integer value() {{ return {variant}; }} }}"


def _trigger(name: str, variant: int) -> str:
    return f"trigger {name} on Account (before insert) {{ Integer x = {variant}; }}"


def _text_field(_: str, variant: int) -> str:
    description = f"<description>Variant {variant}</description>" if variant % 2 else ""
    return f"{description}<label>Text</label><length>{40 + variant // 2}</length><type>Text</type>"


def _picklist(_: str, variant: int) -> str:
    values = "".join(
        f"<value><fullName>{value}</fullName><default>false</default><label>{value}</label></value>"
        for value in _VALUES[: 1 + variant]
    )
    definition = f"<valueSetDefinition><sorted>false</sorted>{values}</valueSetDefinition>"
    return f"<label>Heat</label><type>Picklist</type><valueSet>{definition}</valueSet>"


def _rule(_: str, variant: int) -> str:
    formula = "<errorConditionFormula>false</errorConditionFormula>"
    return f"<active>{'true' if variant % 2 else 'false'}</active>{formula}<errorMessage>No {variant}</errorMessage>"


def _labelled(inside: str) -> Draw:
    return lambda _, variant: inside.replace("#", str(variant))


def _object(_: str, variant: int) -> str:
    # An object never loses a property here: leaving one out does not unset it, which is what "lossy" is for.
    described = f"<deploymentStatus>Deployed</deploymentStatus><description>Shops {variant}</description>"
    named = "<label>Shop</label><nameField><label>Name</label><type>Text</type></nameField>"
    return f"{described}{named}<pluralLabel>Shops</pluralLabel><sharingModel>ReadWrite</sharingModel>"


def _layout(_: str, variant: int) -> str:
    items = "".join(
        f"<layoutItems><behavior>Edit</behavior><field>{field}</field></layoutItems>"
        for field in ("Name", "OwnerId")[: 1 + variant % 2]
    )
    columns = f"<layoutColumns>{items}</layoutColumns><style>OneColumn</style>"
    return f"<layoutSections><label>Part {variant}</label>{columns}</layoutSections>"


def _access(_: str, variant: int) -> str:
    classes = ("DiscountPolicy", "LegacyDiscount", "OpportunityService", "Alpha")[:variant]
    granted = "".join(
        f"<classAccesses><apexClass>{name}</apexClass><enabled>true</enabled></classAccesses>" for name in classes
    )
    return f"{granted}<label>Access</label>"


def _profile(_: str, variant: int) -> str:
    classes = ("DiscountPolicy", "LegacyDiscount", "Alpha", "Beta")[: variant + 1]
    return (
        "".join(
            f"<classAccesses><apexClass>{name}</apexClass><enabled>{'true' if variant % 2 else 'false'}</enabled>"
            "</classAccesses>"
            for name in classes
        )
        + "<custom>true</custom>"
    )


def _flow(name: str, variant: int) -> str:
    status = "Draft" if variant == 3 else "Active"
    return (
        f"<apiVersion>62.0</apiVersion><label>{name} {variant}</label><processType>AutoLaunchedFlow</processType>"
        f"<status>{status}</status>"
    )


def _values(_: str, variant: int) -> str:
    values = "".join(
        f"<standardValue><fullName>{value}</fullName><default>false</default><label>{value}</label></standardValue>"
        for value in _VALUES[: 4 - variant]
    )
    return f"<sorted>false</sorted>{values}"


_DRAWN: Mapping[str, tuple[Draw, tuple[str, ...]]] = {
    "ApexClass": (_apex, ("Alpha", "Beta", "Gamma", "LegacyDiscount")),
    "ApexComponent": (_labelled("<apex:component>#</apex:component>"), ("Part_A",)),
    "ApexPage": (_labelled("<apex:page>#</apex:page>"), ("Page_A", "Page_B")),
    "ApexTrigger": (_trigger, ("GuardAccount",)),
    "CompactLayout": (_labelled("<fields>Name</fields><label>Compact #</label>"), ("Account.Compact_A",)),
    "CspTrustedSite": (
        _labelled("<context>All</context><endpointUrl>https://b#.example</endpointUrl><isActive>true</isActive>"),
        ("Trusted_A",),
    ),
    "CustomApplication": (_labelled("<label>App #</label><navType>Standard</navType>"), ("App_A",)),
    "CustomField": (_text_field, ("Account.One__c", "Shop__c.Three__c")),
    "CustomLabel": (
        _labelled(
            "<language>en_US</language><protected>false</protected><shortDescription>x</shortDescription>"
            "<value>Value #</value>"
        ),
        ("Label_A", "Label_B", "Label_C"),
    ),
    "CustomNotificationType": (
        _labelled("<customNotifTypeName>N</customNotifTypeName><desktop>true</desktop><masterLabel>N #</masterLabel>"),
        ("Bell_A",),
    ),
    "CustomObject": (_object, ("Shop__c",)),
    "CustomPermission": (_labelled("<label>Permission #</label>"), ("May_A", "May_B")),
    "CustomTab": (_labelled("<customObject>true</customObject><motif>Custom#: Bell</motif>"), ("Shop__c",)),
    "FieldSet": (
        _labelled("<description>#</description><displayedFields><field>Name</field></displayedFields><label>S</label>"),
        ("Account.Set_A",),
    ),
    "FlexiPage": (
        _labelled("<masterLabel>Page #</masterLabel><template><name>t</name></template><type>AppPage</type>"),
        ("Flexi_A",),
    ),
    "Flow": (_flow, ("Flow_A", "Flow_B")),
    "GlobalValueSet": (
        _labelled(
            "<customValue><fullName>One</fullName><default>false</default><label>One #</label></customValue>"
            "<masterLabel>Set</masterLabel><sorted>false</sorted>"
        ),
        ("Set_A",),
    ),
    "Layout": (_layout, ("Account-Second Layout", "Account-Third Layout", "Shop__c-Shop Layout")),
    "LightningComponentBundle": (_apex, ("tileOne", "tileTwo")),
    "ListView": (_labelled("<filterScope>Everything</filterScope><label>View #</label>"), ("Account.View_A",)),
    "PermissionSet": (_access, ("Access_A", "Access_B")),
    "Profile": (_profile, ("Clerk",)),
    "Queue": (_labelled("<doesSendEmailToMembers>false</doesSendEmailToMembers><name>Q #</name>"), ("Queue_A",)),
    "QuickAction": (
        _labelled("<label>Act #</label><optionsCreateFeedItem>false</optionsCreateFeedItem><type>LogACall</type>"),
        ("Account.Act_A",),
    ),
    "RecordType": (_labelled("<active>true</active><label>Kind #</label>"), ("Account.Kind_A",)),
    "RemoteSiteSetting": (
        _labelled(
            "<disableProtocolSecurity>false</disableProtocolSecurity><isActive>true</isActive>"
            "<url>https://a#.example</url>"
        ),
        ("Site_A", "Site_B"),
    ),
    "StandardValueSet": (_values, ("AccountRating",)),
    "StaticResource": (_labelled("bytes #\0\1"), ("Res_A", "Res_B")),
    "ValidationRule": (_rule, ("Account.Rule_A", "Account.Rule_B", "Shop__c.Rule_C")),
    "WorkflowFieldUpdate": (
        _labelled("<field>Name</field><literalValue>#</literalValue><name>U</name><operation>Literal</operation>"),
        ("Account.Update_A", "Account.Update_B"),
    ),
    "WebLink": (
        _labelled(
            "<availability>online</availability><displayType>link</displayType><linkType>url</linkType>"
            "<masterLabel>Link</masterLabel><url>https://example.com/#</url>"
        ),
        ("Account.Link_A",),
    ),
}
PICKLISTS = frozenset({"Account.Two__c"})
POOL = tuple(Component(kind, name) for kind, (_, names) in _DRAWN.items() for name in names) + tuple(
    Component("CustomField", name) for name in sorted(PICKLISTS)
)


def archive_of(
    pieces: Iterable[Piece], chance: random.Random, before: Iterable[Component] = (), after: Iterable[Component] = ()
) -> bytes:
    """A package of the pieces, laid out at random, with deletions."""
    listed = list(pieces)
    return write_package(
        files_of(listed, chance),
        [piece.component for piece in listed],
        api_version=API_VERSION,
        deletions_before=before,
        deletions_after=after,
    )


def files_of(pieces: Iterable[Piece], chance: random.Random) -> dict[str, bytes]:
    """The files that bring the pieces; parts of one object share its file."""
    files: dict[str, bytes] = {}
    inside: dict[str, list[str]] = {}
    gap = chance.choice(("", "\n", "\n\t"))
    for piece in pieces:
        component, drawn = piece.component, _drawn(piece)
        owner = parent_of(component)
        if owner is not None:
            name = component.name.rpartition(".")[2]
            tag = CHILD_TAG[component.type]
            element = f"<{tag}><fullName>{name}</fullName>{drawn}</{tag}>"
            inside.setdefault(file_of(component), []).append(element)
        elif component.type == "CustomObject":
            inside.setdefault(file_of(component), []).append(drawn)
        else:
            files |= _own_files(component, drawn, gap)
    for path, elements in inside.items():
        owner = owner_of(path)
        assert owner is not None
        files[path] = _document(owner.type, gap + gap.join(elements) + gap)
    return files


def _drawn(piece: Piece) -> str:
    if piece.component.name in PICKLISTS:
        return _picklist(piece.component.name, piece.variant)
    draw, _ = _DRAWN[piece.component.type]
    return draw(piece.component.name, piece.variant)


def _own_files(component: Component, drawn: str, gap: str) -> dict[str, bytes]:
    path = file_of(component)
    shape = BY_TYPE[component.type].shape
    if shape == "xml":
        return {path: _document(component.type, f"{gap}{drawn}{gap}")}
    if shape == "content":
        meta = _META if component.type.startswith("Apex") else "<contentType>text/plain</contentType>"
        return {path: drawn.encode(), f"{path}-meta.xml": _document(component.type, gap + meta)}
    name = component.name
    script = (
        f"import {{ LightningElement }} from 'lwc';\n// {drawn}\nexport default class A extends LightningElement {{}}\n"
    )
    meta = "<apiVersion>62.0</apiVersion><isExposed>false</isExposed>"
    return {
        f"{path}/{name}.js": script.encode(),
        f"{path}/{name}.html": b"<template></template>",
        f"{path}/{name}.js-meta.xml": _document(component.type, gap + meta),
    }


def _document(root: str, inside: str) -> bytes:
    return f'{_HEAD}\n<{root} xmlns="{NAMESPACE}">{inside}</{root}>\n'.encode()
