"""Metadata XML: read safely, put in one canonical form, written the way Salesforce writes it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Container, Iterable
from operator import attrgetter
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError, fromstring
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from release_core.archive_layout import unclear

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
XML_AT_MOST = 32 * 1024 * 1024
DEEP_AT_MOST = 100  # metadata nests about a dozen deep; whoever reads on may walk by recursion

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
_TAG = attrgetter("tag")
_Order = Callable[[Iterable["Element"]], list["Element"]]


def parse(data: bytes, path: str) -> Element:
    """The root element, tags without their namespace; Unclear names `path` with the line when it cannot be read.

    What declares a document type is refused before anything is built, so there can be no entities and nothing outside
    that the parser would go for.
    """
    if len(data) > XML_AT_MOST:
        raise unclear(f"{path} is {len(data):,} bytes; Rollcall reads XML files of up to {XML_AT_MOST:,} bytes.")
    is_plain = _plainly_without_dtd(data)
    if not is_plain:
        check(data, path)
    data = _ROOT_NAMESPACE.sub(rb"\1", data, count=1)
    try:
        root = fromstring(data)  # noqa: S314 - see above: no document type, so none of the known attacks
    except ParseError as cause:
        raise unclear(_malformed(path, cause.position[0], expat.errors.messages.get(cause.code, str(cause)))) from cause
    except (ValueError, LookupError) as cause:
        raise unclear(_undecodable(path, cause)) from cause
    if not is_plain or b"xmlns" in data:
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
    if _may_be_deep(data):
        _refuse_deep(root, path)
    return root


def check(data: bytes, path: str) -> None:
    """Unclear when `data` is not well-formed XML or declares a document type; builds no tree, so it is fast."""
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise unclear(_declares(path))

    parser.StartDoctypeDeclHandler = refuse
    if _may_be_deep(data):
        _count_depth(parser, path)
    try:
        parser.Parse(data, True)
    except expat.ExpatError as cause:
        raise unclear(_malformed(path, cause.lineno, expat.errors.messages.get(cause.code, str(cause)))) from cause
    except (ValueError, LookupError) as cause:
        raise unclear(_undecodable(path, cause)) from cause


def _may_be_deep(data: bytes) -> bool:
    """Whether there are tags enough for that; in an encoding of its own nobody can tell by a look."""
    return data.count(b"<") > DEEP_AT_MOST or not _plainly_without_dtd(data)


def _count_depth(parser: expat.XMLParserType, path: str) -> None:
    depth = 0

    def down(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEP_AT_MOST:
            raise unclear(_deep(path))

    def up(*_: object) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler, parser.EndElementHandler = down, up


def _refuse_deep(root: Element, path: str) -> None:
    level = [root]
    for _ in range(DEEP_AT_MOST):
        level = [child for element in level for child in element]
        if not level:
            return
    raise unclear(_deep(path))


_UTF8_START = re.compile(
    rb"""(?:\xef\xbb\xbf)?(?:<\?xml\s+version=(["'])1\.0\1(?:\s+encoding=(["'])utf-8\2)?(?:\s+standalone=(["'])(?:yes|no)\3)?\s*\?>|\s*<[A-Za-z])""",
    re.IGNORECASE,
)
_LEAF = re.compile(rb"<([^\s<>/]+>[^<]+)</")
_ROOT_NAMESPACE = re.compile(
    rb"""\A((?:\xef\xbb\xbf)?(?:<\?xml[^>]*\?>)?\s*<[A-Za-z]+)\s+xmlns="%s"(?=\s*/?>)""" % NAMESPACE.encode()
)


def _plainly_without_dtd(data: bytes) -> bool:
    """Whether a look is enough: in UTF-8 a document type is declared with exactly these letters or not at all."""
    return b"<!DOCTYPE" not in data and b"\0" not in data and _UTF8_START.match(data) is not None


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


def fingerprint(element: Element, without: Container[str] = ()) -> bytes:
    """A digest of 32 bytes that two elements share exactly when `canonical` gives one text for both; much faster.

    Children of the element itself whose tag is in `without` do not count.
    """
    # Control characters cannot occur in XML, so what they separate cannot be mistaken.
    pieces = [element.tag, *_attributes(element)]
    children = [child for child in element if child.tag not in without] if without else list(element)
    if children:
        _gather(_by_name(children) if element.tag in _UNORDERED else _by_tag(children), pieces)
    else:
        pieces.append(f"\1{element.text or ''}")
    return hashlib.sha256("".join(pieces).encode()).digest()


def surely_differ(left: bytes, right: bytes) -> bool:
    """Whether a look at the texts of two files is enough to know that `fingerprint` would tell them apart.

    False means only that they have to be read. Texts are not compared where the same one can be written in two ways
    (entities, CDATA, line ends, other encodings).
    """
    if not (_is_written_one_way(left) and _is_written_one_way(right)):
        return False
    return sorted(_LEAF.findall(left)) != sorted(_LEAF.findall(right))


def _is_written_one_way(data: bytes) -> bool:
    manifold = b"&" in data or b"<!" in data or b"\r" in data or data.find(b"<?", 1) > 0
    return not manifold and _plainly_without_dtd(data)


def _gather(children: Iterable[Element], pieces: list[str]) -> None:
    for child in children:
        attributes = _attributes(child) if child.items() else ()
        if len(child):
            pieces += ("\2", child.tag, *attributes)
            _gather(sorted(child, key=_TAG), pieces)
            pieces.append("\3")
        elif attributes:
            pieces += ("\2", child.tag, *attributes, f"\1{child.text or ''}\3")
        else:
            pieces.append(f"\2{child.tag}\1{child.text or ''}\3")


def _attributes(element: Element) -> list[str]:
    return [f"\4{_plain(key)}\5{value}" for key, value in sorted(element.items())]


def document(root_tag: str, children: Iterable[Element]) -> bytes:
    """An XML file with the given children, in the given order, indented by four spaces."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<{root_tag} xmlns="{NAMESPACE}">']
    for child in children:
        lines.extend(_lines(child, 1, list, list))
    lines.append(f"</{root_tag}>")
    return ("\n".join(lines) + "\n").encode()


def _by_tag(children: Iterable[Element]) -> list[Element]:
    return sorted(children, key=_TAG)


def _by_name(children: Iterable[Element]) -> list[Element]:
    return sorted(children, key=lambda child: (child.tag, _identity(child)))


def _identity(element: Element) -> str:
    if not len(element):
        return ""
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


def _undecodable(path: str, cause: Exception) -> str:
    return f"{path} uses an encoding that cannot be read: {cause}. Save it as UTF-8."


def _malformed(path: str, line: int, problem: str) -> str:
    return f"{path} is not well-formed XML: line {line}, {problem}. Correct the file, then send it again."


def _deep(path: str) -> str:
    return (
        f"{path} nests its elements more than {DEEP_AT_MOST} deep, which no metadata does. Nothing of it was read; "
        "correct the file, and ask where it came from."
    )


def _declares(path: str) -> str:
    return (
        f"{path} declares a document type or XML entities. Metadata never needs them and they can be used to do harm, "
        "so the file was not read. Remove the <!DOCTYPE …> part."
    )


def holds_all(entries: Iterable[Element], said: Iterable[Element]) -> bool:
    """Whether each entry that is `said` of permissions is among `entries`, which may say more in each.

    What only denies need not be there: Salesforce leaves that out.
    """
    there = [(entry.tag, _leaves(entry)) for entry in entries]
    for entry in said:
        leaves = _leaves(entry)
        only_denies = {text for _, text in leaves} >= {"false"} and "true" not in {text for _, text in leaves}
        if not only_denies and not any(tag == entry.tag and leaves <= found for tag, found in there):
            return False
    return True


def _leaves(entry: Element) -> frozenset[tuple[str, str]]:
    """Every element without children below an entry, itself when it has none, with its text."""
    return frozenset((each.tag, (each.text or "").strip()) for each in entry.iter() if len(each) == 0)
