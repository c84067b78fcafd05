"""What was checked, line by line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Ledger:
    """Prints a line for each check; `counts` are `ok`, `FAIL`, `skip`."""

    counts: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    def check(self, client: str, what: str, problem: str | None) -> None:
        """One check; `problem` is a sentence about what was otherwise, None when it held."""
        if problem is None:
            self._line("ok", f"{client}: {what}")
            return
        self.failed.append(f"{client}: {what}")
        self._line("FAIL", f"{client}: {what}\n       {problem}")

    def skip(self, client: str, why: str) -> None:
        """A client that could not be run at all, with the reason."""
        self._line("skip", f"{client}: {why}")

    def _line(self, word: str, text: str) -> None:
        self.counts[word] += 1
        print(f"{word:<4} {text}", flush=True)  # noqa: T201 - printing is what this program is for

    def summary(self) -> int:
        """Print the end; the exit code: 0 only if something was checked and all of it held."""
        held, broken, skipped = self.counts["ok"], self.counts["FAIL"], self.counts["skip"]
        print(f"\n{held} checks held, {broken} did not, {skipped} clients were skipped.", flush=True)  # noqa: T201
        return 0 if held and not broken else 1


def differs(found: object, wanted: object, said: str = "") -> str | None:
    """A sentence when two values differ, None when they are the same."""
    if found == wanted:
        return None
    return f"expected {wanted!r}, found {found!r}{'. It said: ' + said[-600:] if said else ''}"
