"""Failed Apex tests, put in the order in which somebody would mend them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_EXPECTED = re.compile(r"Expected: (?P<expected>.*?), Actual: (?P<actual>.*)$", re.DOTALL)
_ASSERTION = re.compile(r"^System\.AssertException: Assertion Failed(?:: )?", re.IGNORECASE)
_OWN_RECORD = re.compile(r"\b[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?\b")
LONG = 60  # characters of a value that would not be seen side by side with another


@dataclass(frozen=True)
class Failure:
    """One or several tests with the same message; `tests` are written Class.method, `trace` is of the first."""

    tests: tuple[str, ...]
    message: str
    trace: str


def grouped(rows: Sequence[Sequence[str]]) -> list[Failure]:
    """Failures [class, method, message, trace] by what they say, the cause of most first, else as they came.

    Record ids differ from test to test, so they do not make two messages different.
    """
    found: dict[str, list[Sequence[str]]] = {}
    for row in rows:
        found.setdefault(_without_ids(row[2]), []).append(row)
    groups = [Failure(tuple(f"{r[0]}.{r[1]}" if r[1] else r[0] for r in same), same[0][2], same[0][3])
              for same in found.values()]  # fmt: skip
    return sorted(groups, key=lambda group: -len(group.tests))


def _without_ids(message: str) -> str:
    return _OWN_RECORD.sub(lambda word: "#" if any(c.isdigit() for c in word[0]) else word[0], message)


def in_words(message: str) -> str:
    """A message without what every failed assertion begins with; long values stand on lines of their own."""
    found = _EXPECTED.search(message)
    said = _ASSERTION.sub("", message[: found.start()] if found else message).strip()
    if not found:
        return said or message
    apart = "\n" if max(len(found["expected"]), len(found["actual"])) > LONG else ", "
    # Salesforce joins the words of the test and its own with a colon; a sentence of its own is easier to read.
    before = f"{said.rstrip(': .')}. " if said else ""
    return f"{before}Expected: {found['expected']}{apart}Actual: {found['actual'].strip()}"


def failures_of(result: Mapping[str, Any]) -> list[Failure]:
    """The failed tests of an attempt's result."""
    return grouped(result.get("test_failures", []))
