"""What is missing to the test coverage that Salesforce asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ENOUGH = 75
"""Percent: of all Apex together, or of each deployed class where tests were named (Apex Developer Guide, coverage)."""


@dataclass(frozen=True)
class Covered:
    """How well one class or trigger, or all together, is tested; `missed` names uncovered lines, as far as known."""

    name: str
    lines: int
    uncovered: int
    missed: tuple[int, ...] = ()

    @property
    def percent(self) -> int:
        """The covered share in whole percent, rounded down; nothing to cover is all covered."""
        return 100 if not self.lines else 100 * (self.lines - self.uncovered) // self.lines

    @property
    def missing(self) -> int:
        """How many more lines tests have to reach to make it enough."""
        needed = -(-ENOUGH * self.lines // 100)
        return max(0, needed - (self.lines - self.uncovered))


def deployed(result: Mapping[str, Any]) -> list[Covered]:
    """The coverage of what was deployed, worst first, from an attempt's result."""
    names = {str(name) for _, name in result.get("apex", [])}
    missed = {str(name): tuple(lines) for name, lines in result.get("missed", [])}
    rows = [Covered(row[0], row[1], row[2], missed.get(row[0], ())) for row in result.get("coverage", [])]
    return sorted((row for row in rows if row.name in names and row.lines), key=lambda row: (row.percent, row.name))


def overall(result: Mapping[str, Any]) -> Covered | None:
    """The coverage of everything that the run measured; None when it measured nothing."""
    rows = result.get("coverage", [])
    lines = sum(row[1] for row in rows)
    return Covered("", lines, sum(row[2] for row in rows)) if lines else None


def spans(lines: tuple[int, ...]) -> str:
    """Line numbers as people read them: "3, 7-9, 12"."""
    found: list[list[int]] = []
    for line in sorted(set(lines)):
        if found and line == found[-1][1] + 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in found)
