"""The sample release, “Discount approvals for opportunities”, zipped from its readable source files."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal

from release_core.archives import write_archive

Variant = Literal["first", "mended", "changed"]


def sample_package(variant: Variant) -> bytes:
    """The package as a metadata-format zip; the same variant always gives the same bytes.

    "first" has a mistake that a test finds: Gold accounts get their loyalty rate a year too late. "mended" is without
    it. "changed" is "mended" with one more change, made after people had approved.
    """
    sources = files(__package__)
    content = _read(sources / "discount_approvals")
    if variant != "mended":
        content |= _read(sources / "variants" / variant)
    return write_archive(content)


def _read(folder: Traversable, prefix: str = "") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for entry in folder.iterdir():
        path = f"{prefix}{entry.name}"
        found |= _read(entry, f"{path}/") if entry.is_dir() else {path: entry.read_bytes()}
    return found
