"""Measures Rollcall against bare Bolt, then on the largest package: `python -m tests.bench`, or `make bench`.

Nothing here passes or fails by time: it prints figures. What they mean stands in docs/bench.md.
"""

from __future__ import annotations

from tests.bench import an_hour, conversation, going_back, packages, polling, report, telling, weighing


def main() -> None:
    """Print one table after the other."""
    print(report.machine())  # noqa: T201 - printing is what this program is for
    org_side = (packages.measure, an_hour.figures, polling.figures, going_back.table)
    for figures in (conversation.figures, telling.figures, weighing.figures, *org_side):
        print(f"\n{figures()}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
