"""Reading untrusted XML safely into elements, writing metadata files plus SOAP values out again."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape as escape
from xml.sax.saxutils import quoteattr

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

METADATA = "http://soap.sforce.com/2006/04/metadata"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
_HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n'
_PREFIXES = {f"{{{XSI}}}": "xsi:"}


class Malformed(ValueError):
    """XML that cannot be read; `line` counts from 1, `column` too."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class Nil:
    """The value of an element that is present but null (`xsi:nil`)."""


NIL = Nil()


def parse(data: bytes) -> Element:
    """The root element; Malformed when the text is no well-formed XML or tries entities."""
    try:
        root: Element = fromstring(data)
    except ParseError as problem:
        line, column = problem.position
        raise Malformed(str(problem).split(":")[0], line, column + 1) from problem
    except (DefusedXmlException, ValueError, LookupError) as problem:
        raise Malformed(f"Error parsing file: {problem}") from problem
    return root


def local(tag: str) -> str:
    """An element's name without its namespace."""
    return tag.rsplit("}", 1)[-1]


def named(parent: Element, *names: str) -> Iterator[Element]:
    """The direct children that bear one of the names."""
    return (child for child in parent if local(child.tag) in names)


def text_of(parent: Element, name: str) -> str:
    """The text of the first direct child of that name, stripped; empty when there is none."""
    for child in named(parent, name):
        return (child.text or "").strip()
    return ""


def every(root: Element, *names: str) -> Iterator[Element]:
    """All descendants, at any depth, that bear one of the names."""
    return (node for node in root.iter() if isinstance(node.tag, str) and local(node.tag) in names)


def _attributes(node: Element) -> str:
    parts = []
    for key, value in sorted(node.attrib.items()):
        for uri, prefix in _PREFIXES.items():
            key = key.replace(uri, prefix)
        parts.append(f" {local(key)}={quoteattr(value)}")
    return "".join(parts)


def lines_of(node: Element, depth: int = 0) -> list[str]:
    """An element as indented lines in Salesforce's own style: four spaces, no namespace prefixes."""
    pad, name = "    " * depth, local(node.tag)
    children = [child for child in node if isinstance(child.tag, str)]
    if not children:
        text = node.text or ""
        return [
            f"{pad}<{name}{_attributes(node)}>{escape(text)}</{name}>" if text else f"{pad}<{name}{_attributes(node)}/>"
        ]
    inner = [line for child in children for line in lines_of(child, depth + 1)]
    return [f"{pad}<{name}{_attributes(node)}>", *inner, f"{pad}</{name}>"]


def fragment(node: Element) -> bytes:
    """One element alone, indented as it stands inside its file."""
    return "\n".join(lines_of(node, 1)).encode()


def document(root_name: str, pieces: Iterable[bytes]) -> bytes:
    """A metadata file: the root in Salesforce's namespace around ready-made pieces."""
    body = b"".join(piece + b"\n" for piece in pieces)
    declared = f' xmlns:xsi="{XSI}"' if b"xsi:" in body else ""
    return f'{_HEADER}<{root_name} xmlns="{METADATA}"{declared}>\n'.encode() + body + f"</{root_name}>\n".encode()


def read_fragment(piece: bytes) -> Element:
    """The element inside a piece made by `fragment`."""
    return copy.deepcopy(next(iter(parse(document("piece", [piece])))))


def canonical(data: bytes) -> bytes:
    """What a metadata file says, without its white space; used to tell a real change from a reformatting."""
    return "\n".join(line.strip() for line in lines_of(parse(data))).encode()


def soap_date(instant: datetime) -> str:
    """An instant as SOAP and JSON deploy results write it: `2026-11-22T20:00:00.000Z`."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def rest_date(instant: datetime) -> str:
    """An instant as queries write it: `2026-11-22T20:00:00.000+0000`."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def as_xml(name: str, value: object) -> str:
    """A Python value as an element: dictionaries sorted by key, lists repeated, None left out."""
    if value is None:
        return ""
    if isinstance(value, Nil):
        return f'<{name} xsi:nil="true"/>'
    if isinstance(value, Mapping):
        inner = "".join(as_xml(key, value[key]) for key in sorted(value))
        return f"<{name}>{inner}</{name}>"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "".join(as_xml(name, item) for item in value)
    return f"<{name}>{escape(scalar(value))}</{name}>"


def scalar(value: object) -> str:
    """A boolean, instant, number or text as XML spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return soap_date(value)
    return str(value)
