"""What somebody wants out of an org, as people write it down: package.xml, or lines such as `ApexClass: A, B`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from release_core.errors import Unclear
from release_core.manifests import PACKAGE_XML, read_manifest
from release_core.metadata_types import BY_TYPE

NO_WILDCARD = frozenset(kind for kind, row in BY_TYPE.items() if row.in_folders) | {
    "CustomField",
    "RecordType",
    "StandardValueSet",
    "ValidationRule",
}
"""Types of which a retrieve brings nothing for "*" (Metadata API Developer Guide, each type's page)."""
MANIFEST_AT_MOST = 1024 * 1024
NAMES_AT_MOST = 10_000
_EXAMPLE = "Paste a package.xml, or write lines such as “ApexClass: Discount, DiscountTest”."

Wanted = Mapping[str, Sequence[str]]


def read_wanted(text: str) -> dict[str, list[str]]:
    """Type -> sorted full names, "*" for all of a type; Unclear (field "manifest") says what is wrong."""
    wanted = _from_xml(text) if text.lstrip("\ufeff \t\r\n").startswith("<") else _from_lines(text)
    if not wanted:
        raise _unclear(f"Nothing is asked for. {_EXAMPLE}")
    count = sum(len(names) for names in wanted.values())
    if count > NAMES_AT_MOST:
        raise _unclear(f"{count:,} components are asked for; one retrieve brings at most {NAMES_AT_MOST:,}.")
    for kind, names in wanted.items():
        if "*" in names and kind in NO_WILDCARD:
            raise _unclear(f"“*” brings nothing for {kind}: Salesforce wants each name. List the names.")
    return {kind: sorted(wanted[kind]) for kind in sorted(wanted)}


def _from_xml(text: str) -> dict[str, set[str]]:
    try:
        manifest = read_manifest(text.strip("\ufeff \t\r\n").encode(), PACKAGE_XML)
    except Unclear as problem:
        raise _unclear(str(problem)) from None
    wanted: dict[str, set[str]] = {}
    for component in manifest.components:
        wanted.setdefault(component.type, set()).add(component.name)
    for kind in manifest.wildcards:
        wanted.setdefault(kind, set()).add("*")
    return wanted


def _from_lines(text: str) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        kind, colon, names = line.partition(":")
        listed = [name.strip() for name in names.split(",") if name.strip()]
        if not colon or not listed or not re.fullmatch(r"[A-Za-z]\w*", kind.strip()):
            raise _unclear(f"“{line[:60]}” is no type with names. {_EXAMPLE}")
        wanted.setdefault(kind.strip(), set()).update(listed)
    return wanted


def _unclear(sentence: str) -> Unclear:
    return Unclear(sentence, field="manifest")
