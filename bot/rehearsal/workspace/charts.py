"""What a chart (`data_visualization`) is made of.

Limits: docs.slack.dev/reference/block-kit/blocks/data-visualization-block; the counts of series, segments, points are
the wider ones of slackblocks 3.0 where the sources differ.
"""

from __future__ import annotations

from typing import Any

from bot.rehearsal.workspace.checks import Check, Finding, Findings, Shape, anything, by_type, items, number, string

_LABEL = string(20, least=1)
_POINT = Shape({"label": _LABEL, "value": number}, {})
_SERIES = Shape({"name": _LABEL, "data": items(_POINT, 1, 20)}, {})
_AXIS = Shape({"categories": items(_LABEL, 1, 20)}, {"x_label": string(50), "y_label": string(50)})


def _positive(value: Any, at: str, found: Findings) -> None:
    number(value, at, found)
    if isinstance(value, int | float) and value <= 0:
        found.append(Finding(at, "too_small", "must be greater than 0"))


def _objects(value: Any) -> list[Any]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _every_category(chart: Any, at: str, found: Findings) -> None:
    """Each series has one point for each category of the axis; its name is its own."""
    series = _objects(chart.get("series"))
    axis = chart.get("axis_config")
    categories = axis.get("categories") if isinstance(axis, dict) else None
    names = [str(each.get("name")) for each in series]
    if len(set(names)) != len(names):
        found.append(Finding(f"{at}/series", "duplicate_name", "series names must be unique"))
    if not isinstance(categories, list):
        return
    for index, each in enumerate(series):
        labels = [str(point.get("label")) for point in _objects(each.get("data"))]
        if sorted(labels) != sorted(map(str, categories)):
            told = "must have exactly one point for every category"
            found.append(Finding(f"{at}/series/{index}/data", "uneven_series", told))


_WITH_AXES = Shape({"type": anything, "series": items(_SERIES, 1, 12), "axis_config": _AXIS}, {}, (_every_category,))
_SEGMENT = Shape({"label": _LABEL, "value": _positive}, {})
CHART: Check = by_type(
    {
        "pie": Shape({"type": anything, "segments": items(_SEGMENT, 1, 12)}, {}),
        **dict.fromkeys(("bar", "line", "area"), _WITH_AXES),
    }
)
