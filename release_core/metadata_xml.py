"""Metadata XML: read safely, put in one canonical form, written the way Salesforce writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from release_core.archives import unclear

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
XML_AT_MOST = 32 * 1024 * 1024

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_IDENTITY_TAGS = (
    "fullName",
    "name",
    "field",
    "object",
    "apexClass",
    "apexPage",
    "recordType",
    "tab",
    "application",
    "flow",
    "layout",
    "externalDataSource",
)
_UNORDERED = frozenset(
    {"CustomLabels", "CustomObject", "Flow", "PermissionSet", "Profile", "SharingRules", "Translations", "Workflow"}
)
_Order = Callable[[Iterable["Element"]], list["Element"]]


def parse(data: bytes, path: str) -> Element:
    """The root element, tags without their namespace; Unclear names `path` with the line when it cannot be read."""
    if len(data) > XML_AT_MOST:
        raise unclear(f"{path} is {len(data):,} bytes; Rollcall reads XML files of up to {XML_AT_MOST:,} bytes.")
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except ParseError as cause:
        raise unclear(_malformed(path, cause.position[0], expat.errors.messages.get(cause.code, str(cause)))) from cause
    except DefusedXmlException as cause:
        raise unclear(_declares(path)) from cause
    except (ValueError, LookupError) as cause:
        raise unclear(f"{path} uses an encoding that cannot be read: {cause}. Save it as UTF-8.") from cause
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
    return root


def check(data: bytes, path: str) -> None:
    """Unclear when `data` is not well-formed XML or declares a document type; builds no tree, so it is fast."""
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise unclear(_declares(path))

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as cause:
        raise unclear(_malformed(path, cause.lineno, expat.errors.messages.get(cause.code, str(cause)))) from cause


def text_of(element: Element, tag: str) -> str:
    """The text of the first child named `tag`, without surrounding space; "" when there is none."""
    return (element.findtext(tag) or "").strip()


def canonical(element: Element) -> str:
    """One spelling for everything Salesforce reads alike: no layout, no comments, children in one order.

    Children are sorted by tag, as Salesforce itself writes them. Those of one tag keep their order, because it can
    carry meaning (sections of a page layout, values of a picklist), except directly below the root of a file whose
    parts are known by name (the fields of an object): these are sorted by that name.
    """
    return "\n".join(_lines(element, 0, _by_name if element.tag in _UNORDERED else _by_tag, _by_tag))


def document(root_tag: str, children: Iterable[Element]) -> bytes:
    """An XML file with the given children, in the given order, indented by four spaces."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<{root_tag} xmlns="{NAMESPACE}">']
    for child in children:
        lines.extend(_lines(child, 1, list, list))
    lines.append(f"</{root_tag}>")
    return ("\n".join(lines) + "\n").encode()


def _by_tag(children: Iterable[Element]) -> list[Element]:
    return sorted(children, key=lambda child: child.tag)


def _by_name(children: Iterable[Element]) -> list[Element]:
    return sorted(children, key=lambda child: (child.tag, _identity(child)))


def _identity(element: Element) -> str:
    return next((value for tag in _IDENTITY_TAGS if (value := text_of(element, tag))), "")


def _lines(element: Element, depth: int, here: _Order, below: _Order) -> list[str]:
    indent = "    " * depth
    opening = element.tag + "".join(f" {_plain(key)}={quoteattr(value)}" for key, value in sorted(element.items()))
    children = [child for child in element if child.tag]
    if not children:
        text = escape(element.text or "")
        return [f"{indent}<{opening}>{text}</{element.tag}>" if text else f"{indent}<{opening}/>"]
    inner = [line for child in here(children) for line in _lines(child, depth + 1, below, below)]
    return [f"{indent}<{opening}>", *inner, f"{indent}</{element.tag}>"]


def _plain(attribute: str) -> str:
    return attribute.replace(_XSI, "xsi:").rpartition("}")[2]


def _malformed(path: str, line: int, problem: str) -> str:
    return f"{path} is not well-formed XML: line {line}, {problem}. Correct the file, and zip the package again."


def _declares(path: str) -> str:
    return (
        f"{path} declares a document type or XML entities. Metadata never needs them and they can be used to do harm, "
        "so the file was not read. Remove the <!DOCTYPE …> part."
    )
