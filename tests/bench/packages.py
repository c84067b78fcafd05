"""Measures what the largest package costs: `python -m tests.bench.packages`, the second table of `make bench`.

Nothing here passes or fails: it prints figures. What they mean stands in docs/bench.md.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar, get_args
from xml.etree import ElementTree

from release_core.comparison import compare
from release_core.metadata_types import is_xml
from release_core.packages import footprint, members, read_package, read_retrieved
from release_core.rollbacks import build_rollback
from release_core.verdicts import judge
from tests.bench import a_package
from tests.bench.report import drawn
from tests.bench.running import ROOT

ROUNDS = 3
_Found = TypeVar("_Found")
STEPS = ("read", "listed", "compared", "judged", "turned into a rollback")


@dataclass(frozen=True)
class Cost:
    """What one round took: processor seconds of each step, seconds by the clock, the largest resident memory in MB."""

    seconds: dict[str, float]
    by_the_clock: float
    peak: float

    @property
    def total(self) -> float:
        """Processor seconds of all steps."""
        return sum(self.seconds.values())


def measure() -> str:
    """The table: each shape of package beside plain reading of the same two zips, in processes of their own."""
    head = ["", *get_args(a_package.Shape)]
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
        columns = [_column(Path(folder), shape) for shape in get_args(a_package.Shape)]
    return drawn([head, *([title, *(column[title] for column in columns)] for title in columns[0])])


def _column(folder: Path, shape: a_package.Shape) -> dict[str, str]:
    sizes = []
    for name, data in zip(("package", "org"), a_package.build(shape), strict=True):
        (folder / f"{name}.zip").write_bytes(data)
        sizes.append(len(data) / 1024 / 1024)
    ours, plain = [], []
    for _ in range(ROUNDS):
        ours.append(_in_a_process("ours", folder))
        plain.append(_in_a_process("plain", folder))
    total, floor = median(cost.total for cost in ours), median(cost.total for cost in plain)
    peak, least = median(cost.peak for cost in ours), median(cost.peak for cost in plain)
    steps = {f"{step}, s": f"{median(cost.seconds[step] for cost in ours):.2f}" for step in STEPS}
    return {
        "package + org, MB": " + ".join(f"{size:.1f}" for size in sizes),
        **steps,
        "all of it, s": f"{total:.2f}",
        "plain reading, s": f"{floor:.2f}",
        "ratio of seconds": f"{total / floor:.2f} ×",
        "all of it by the clock, s": f"{median(cost.by_the_clock for cost in ours):.2f}",
        "peak memory, MB": f"{peak:.0f}",
        "plain reading, MB": f"{least:.0f}",
        "ratio of memory": f"{peak / least:.2f} ×",
    }


def _in_a_process(what: str, folder: Path) -> Cost:
    command = [sys.executable, "-m", "tests.bench.packages", what, str(folder)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return Cost(**json.loads(done.stdout))


def _ours(package_zip: bytes, org_zip: bytes) -> dict[str, float]:
    """Everything that happens to a package between its upload and its rollback, but for the org's own work."""
    watch = _Watch()
    package, live = watch.time("read", lambda: (read_package(package_zip), read_retrieved(org_zip)))
    watch.time("listed", lambda: members(footprint(package)))
    changes = watch.time("compared", lambda: compare(package, live))
    judgements = watch.time("judged", lambda: judge(package, live))
    assert len(changes) == len(judgements) > 0
    watch.time("turned into a rollback", lambda: build_rollback(package, live, None))
    return watch.seconds


def _plain(*zips: bytes) -> dict[str, float]:
    """The least that anybody pays who looks into every file once: inflate all, parse what is XML."""
    watch = _Watch()
    watch.time("read", lambda: [_read_plainly(data) for data in zips])
    return watch.seconds


def _read_plainly(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            content = archive.read(info)
            if is_xml(info.filename.removeprefix("unpackaged/")):
                ElementTree.fromstring(content)


class _Watch:
    """Processor seconds by the name of what took them."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, name: str, work: Callable[[], _Found]) -> _Found:
        """Do the work, note how long it took."""
        begun = time.process_time()
        found = work()
        self.seconds[name] = time.process_time() - begun
        return found


def _peak() -> float:
    """The largest resident memory of this process so far, in MB.

    getrusage would count what the process that started us held at that moment, Linux's VmHWM does not.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    """Print the table, or, as the process of one round, what that round cost."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("what", nargs="?", choices=("ours", "plain"))
    asked.add_argument("folder", nargs="?", type=Path)
    given = asked.parse_args()
    if given.what is None:
        print(measure())  # noqa: T201 - printing is what this program is for
        return
    zips = [(given.folder / f"{name}.zip").read_bytes() for name in ("package", "org")]
    begun = time.perf_counter()
    seconds = _ours(*zips) if given.what == "ours" else _plain(*zips)
    clock = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "by_the_clock": clock, "peak": _peak()}))  # noqa: T201


if __name__ == "__main__":
    main()
