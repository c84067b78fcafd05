"""The figures as a table that people read, ratios first."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from statistics import median

from tests.bench.load import Round
from tests.bench.running import Running

_PACKAGES = ("slack-bolt", "slack-sdk", "starlette", "uvicorn", "sqlalchemy", "sqlmodel")
Cells = Sequence[str]


def machine() -> str:
    """What the figures were measured on."""
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    here = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
    return f"{here}, Python {platform.python_version()}, {versions}"


def table(servers: Sequence[Running], measured: Mapping[int, Sequence[Sequence[Round]]], grown: tuple[int, int]) -> str:
    """Each figure of each server beside its ratio to the first one; the last column compares two of them, `grown`."""
    head = ["", *(server.name for server in servers), "growth"]
    rows: list[Cells] = []

    def row(title: str, form: str, rounds: Sequence[Sequence[Round]], figure: Callable[[Round], float]) -> Cells:
        return _figures(title, form, [median(map(figure, each)) for each in rounds], grown)

    for connections, rounds in measured.items():
        at = f"{connections} connection{'s' if connections > 1 else ''}"
        rows.append(row(f"{at}: requests per second", "{:,.0f}", rounds, lambda r: r.per_second))
        rows.append(row(f"{at}: p50, ms", "{:.2f}", rounds, lambda r: r.p50))
        rows.append(row(f"{at}: p99, ms", "{:.2f}", rounds, lambda r: r.p99))
        rows.append(row(f"{at}: processor time, ms", "{:.2f}", rounds, lambda r: r.work))
    rows.append(_figures("resident memory, MB", "{:.0f}", [server.resident() for server in servers], grown))
    rows.append(_figures("ready to serve in, s", "{:.2f}", [server.ready_in for server in servers], grown))
    rows.append(_figures("… of processor time, s", "{:.2f}", [server.ready_after for server in servers], grown))
    return drawn([head, *rows])


def _figures(title: str, form: str, values: Sequence[float], grown: tuple[int, int]) -> Cells:
    first, *others = values
    compared = [f"{value / first:.2f} × ({form.format(value)})" for value in others]
    small, large = grown
    return [title, form.format(first), *compared, f"{values[large] / values[small]:.2f} ×"]


def drawn(rows: Sequence[Cells]) -> str:
    """Rows of cells as a Markdown table, the first row as its head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join([cells[0].ljust(widths[0]), *map(str.rjust, cells[1:], widths[1:])]) + " |" for cells in rows
    ]
    rule = "|" + "|".join("-" * (width + 1) + ("-" if not number else ":") for number, width in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
