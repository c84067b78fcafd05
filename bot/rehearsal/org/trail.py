"""The Setup audit trail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from bot.rehearsal.org import catalog
from bot.rehearsal.org.identifiers import IdMint
from bot.rehearsal.org.results import Row


@dataclass(frozen=True)
class AuditRow:
    """One SetupAuditTrail record."""

    id: str
    at: datetime
    by: str
    action: str
    section: str
    display: str


@dataclass
class Trail:
    """Rows, oldest first."""

    rows: list[AuditRow] = field(default_factory=list)

    def deployed(self, rows: Iterable[Row], by: str, at: datetime, mint: IdMint) -> None:
        """One row for each component that a deployment created, changed or deleted."""
        for row in rows:
            if row.type and row.changed and row.success:
                word = "deleted" if row.deleted else ("created" if row.created else "changed")
                self._add(word, row.type, row.name, (by, at), mint)

    def by_hand(self, word: str, type_name: str, name: str, who: tuple[str, datetime], mint: IdMint) -> AuditRow:
        """One row for a change in Setup; `who` is (user id, instant)."""
        return self._add(word, type_name, name, who, mint)

    def _add(self, word: str, type_name: str, name: str, who: tuple[str, datetime], mint: IdMint) -> AuditRow:
        said = catalog.said(type_name)
        row = AuditRow(
            mint.mint("0Ym"), who[1], who[0], f"{word}{type_name}", said, f"{word.capitalize()} {said}: {name}"
        )
        self.rows.append(row)
        return row
