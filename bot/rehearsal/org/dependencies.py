"""MetadataComponentDependency: who refers to whom, as the Tooling API tells it."""

from __future__ import annotations

from collections.abc import Iterator

from bot.rehearsal.org.inventory import Component, Inventory
from bot.rehearsal.org.references import referrers


def dependencies(inventory: Inventory) -> Iterator[dict[str, object]]:
    """One row for each reference; what stops a deletion is in it, what does not (layouts, profiles) is not."""
    for referred in sorted(inventory.components.values(), key=lambda each: each.key):
        for each in _once(referrers(inventory, referred.type, referred.name)):
            yield {"Id": None} | _side("MetadataComponent", each) | _side("RefMetadataComponent", referred)


def _once(found: list[Component]) -> list[Component]:
    return sorted({each.key: each for each in found}.values(), key=lambda each: each.key)


def _side(prefix: str, each: Component) -> dict[str, object]:
    names = {"Id": each.id, "Name": each.name.rsplit(".", 1)[-1], "Namespace": None, "Type": each.type}
    return {f"{prefix}{field}": value for field, value in names.items()}
