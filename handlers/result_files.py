"""Everything that came of an attempt, as a text file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from handlers.conversation import Attachment
from release_core.coverage import ENOUGH, Covered, overall, spans
from release_core.coverage import deployed as coverage_of_deployed
from release_core.deploy_hints import hint_for
from release_core.failures import failures_of, in_words
from release_core.models import Deployment


def result_file(attempt: Deployment, title: str) -> Attachment:
    """The file that `/release results` hands over; `title` says which attempt of what it is about."""
    text = "\n".join([title, "=" * len(title), "", *_lines(attempt)]) + "\n"
    return Attachment(f"{attempt.key}-results.txt", text.encode(), f"Results of {attempt.key}")


def _lines(attempt: Deployment) -> Iterator[str]:
    result = attempt.result
    yield f"State: {attempt.state}{f' ({attempt.problem})' if attempt.problem else ''}"
    yield f"Job: {attempt.job_id or 'none'}"
    for name in ("components", "tests"):
        done, total, errors = result.get(name, [0, 0, 0])
        yield f"{name.capitalize()}: {done} of {total}, {errors} failed"
    yield from _failures(result)
    yield from _rows("Errors", result.get("errors", []))
    yield from _coverage(result)
    yield from _rows("Warnings", result.get("warnings", []))
    for name in ("created", "changed", "deleted"):
        yield from _named(name.capitalize(), [f"{kind} {full_name}" for kind, full_name in result.get(name, [])])
    yield from _named("Not as expected when read back", result.get("differences", []))


def _heading(words: str) -> Iterator[str]:
    yield from ("", words, "-" * len(words))


def _failures(result: dict[str, Any]) -> Iterator[str]:
    causes = failures_of(result)
    if causes:
        yield from _heading(f"Failed tests ({sum(len(cause.tests) for cause in causes)})")
    for cause in causes:
        yield from (f"{test}" for test in cause.tests)
        yield from _indented(in_words(cause.message))
        if hint := hint_for(cause.message):
            yield f"    -> {hint}"
        yield from _indented(cause.trace)
        yield ""


def _indented(text: str) -> Iterator[str]:
    yield from (f"    {line}" for line in text.splitlines())


def _rows(title: str, rows: list[list[Any]]) -> Iterator[str]:
    if rows:
        yield from _heading(f"{title} ({len(rows)})")
    for kind, name, file, line, problem, *rest in rows:
        place = ":".join(str(part) for part in (file, line, rest[0] if rest else None) if part)
        yield f"{place}  {kind} {name}: {problem}".strip()
        if hint := hint_for(str(problem)):
            yield f"    -> {hint}"


def _coverage(result: dict[str, Any]) -> Iterator[str]:
    whole = overall(result)
    if whole is None:
        return
    yield from _heading("Coverage")
    yield from result.get("coverage_warnings", [])
    yield _covered(Covered("All Apex together", whole.lines, whole.uncovered))
    for row in coverage_of_deployed(result):
        yield _covered(row)
        if row.missed:
            yield f"    lines no test reaches: {spans(row.missed)}"


def _covered(row: Covered) -> str:
    missing = f", {row.missing} more lines to {ENOUGH} %" if row.missing else ""
    return f"{row.name}: {row.percent} % ({row.lines - row.uncovered} of {row.lines} lines{missing})"


def _named(title: str, names: list[str]) -> Iterator[str]:
    if names:
        yield from _heading(f"{title} ({len(names)})")
        yield from names
