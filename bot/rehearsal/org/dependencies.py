"""MetadataComponentDependency: who refers to whom, as the Tooling API tells it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bot.rehearsal.org.inventory import Component, Inventory, Key
from bot.rehearsal.org.references import referrers

_WORD = re.compile(rb"[\w-]+")


def dependencies(inventory: Inventory) -> Iterator[dict[str, object]]:
    """One row for each reference; what stops a deletion is in it, what does not (layouts, profiles) is not."""
    mentions = _mentions(inventory)
    for referred in sorted(inventory.components.values(), key=lambda each: each.key):
        for each in _referring(inventory, mentions, referred):
            yield {"Id": None} | _side("MetadataComponent", each) | _side("RefMetadataComponent", referred)


def _referring(inventory: Inventory, mentions: Mapping[str, set[Key]], referred: Component) -> list[Component]:
    """Only components that mention the name at all are looked at closely: an org may hold thousands."""
    keys = mentions.get(_bare(referred.name).lower(), set())
    near = Inventory({key: inventory.components[key] for key in keys}, inventory.flows)
    found = {each.key: each for each in referrers(near, referred.type, referred.name)}
    return [found[key] for key in sorted(found)]


def _mentions(inventory: Inventory) -> dict[str, set[Key]]:
    """For each word in lower case, the components in whose files it stands; `c-my-panel` stands for myPanel as well."""
    found: dict[str, set[Key]] = {}
    for each in inventory.components.values():
        for word in {word.lower() for content in each.files.values() for word in _WORD.findall(content)}:
            text = word.decode("ascii", "replace")
            joined = {text.replace("-", ""), text.removeprefix("c-").replace("-", "")}
            for spelling in {*text.split("-"), *joined}:
                found.setdefault(spelling, set()).add(each.key)
    return found


def _bare(name: str) -> str:
    return re.split(r"[./]", name)[-1]


def _side(prefix: str, each: Component) -> dict[str, object]:
    names = {"Id": each.id, "Name": _bare(each.name), "Namespace": None, "Type": each.type}
    return {f"{prefix}{field}": value for field, value in names.items()}
