"""What came of an attempt, as far as somebody can act on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from handlers.conversation import Actions, Listing, Paragraph, Part, Table, Verbatim, bold, clean, code
from handlers.phrases import count, do, shortened
from release_core.coverage import ENOUGH, Covered, deployed, overall, spans
from release_core.deploy_hints import hint_for
from release_core.failures import Failure, failures_of, in_words
from release_core.models import Deployment

CAUSES, ERRORS, CLASSES, LISTED, WARNINGS = 5, 12, 10, 6, 5
TRACE, MESSAGE = 600, 500  # characters


def result_parts(attempt: Deployment, release_key: str) -> list[Part]:
    """Failed tests by cause, component errors with their place, coverage that is missing; the first of each."""
    result = attempt.result
    parts = [
        *_failure_parts(failures_of(result)),
        *_error_parts(result.get("errors", [])),
        *_coverage_parts(attempt),
        *_other_parts(attempt),
    ]
    if is_worth_a_file(attempt):
        parts.append(Actions([do("Everything", "release_results", release=release_key, attempt=attempt.key)]))
    return parts


def is_worth_a_file(attempt: Deployment) -> bool:
    """Whether there is more to read than the card shows."""
    result = attempt.result
    causes = failures_of(result)
    more_tests = len(causes) > CAUSES or any(len(cause.tests) > LISTED for cause in causes)
    more_errors = len(result.get("errors", [])) > ERRORS or len(result.get("warnings", [])) > WARNINGS
    return more_tests or more_errors or len(low_coverage(attempt)) > CLASSES


BY_CLASS = ("RunSpecifiedTests", "RunRelevantTests")  # 75 % of each deployed class, of nothing else


def low_coverage(attempt: Deployment) -> list[Covered]:
    """Deployed classes and triggers of which too few lines are tested."""
    return [row for row in deployed(attempt.result) if row.missing]


def _failure_parts(causes: Sequence[Failure]) -> Iterator[Part]:
    for cause in causes[:CAUSES]:
        message = clean(shortened(in_words(cause.message), MESSAGE))
        hint = hint_for(cause.message)
        advice = f" → {clean(hint)}" if hint else ""
        if len(cause.tests) == 1:
            yield Paragraph(f"✗ {code(cause.tests[0])} {message}{advice}")
        else:
            yield Paragraph(f"✗ {len(cause.tests)} tests fail with the same message: {message}{advice}")
            yield Paragraph(_named(cause.tests))
        yield Verbatim(clean(shortened(cause.trace, TRACE)) or "no stack trace")
    if len(causes) > CAUSES:
        yield Paragraph(
            f"… and {count(sum(len(c.tests) for c in causes[CAUSES:]), 'failed test')} with other messages."
        )


def _named(tests: Sequence[str]) -> str:
    more = f" and {len(tests) - LISTED} more" if len(tests) > LISTED else ""
    return ", ".join(code(test) for test in tests[:LISTED]) + more


def _error_parts(rows: Sequence[Sequence[Any]]) -> Iterator[Part]:
    if not rows:
        return
    lines, told = [], set[str]()
    for row in rows[:ERRORS]:
        hint = hint_for(str(row[4]))
        lines.append(error_line(row) + (f" → {clean(hint)}" if hint and hint not in told else ""))
        told.add(hint)
    if len(rows) > ERRORS:
        lines.append(f"… and {count(len(rows) - ERRORS, 'more error', 'more errors')}.")
    yield Listing(lines)


def error_line(row: Sequence[Any], mark: str = "✗") -> str:
    """ "✗ ApexClass Discount: Variable does not exist: x (classes/Discount.cls, line 3, column 9)"."""
    kind, name, file, line, problem, *rest = row
    place = [str(file)] if file else []
    place += [f"line {line}"] if line else []
    place += [f"column {rest[0]}"] if rest and rest[0] else []
    where = f" ({', '.join(place)})" if place else ""
    named = f"{clean(f'{mark} {kind}').strip()} {code(str(name))}" if name else mark
    return named + clean(f": {shortened(str(problem), MESSAGE)}{where}")


def _coverage_parts(attempt: Deployment) -> Iterator[Part]:
    low, warnings = low_coverage(attempt), [str(one) for one in attempt.result.get("coverage_warnings", [])]
    for warning in warnings[:WARNINGS]:
        hint = hint_for(warning)
        yield Paragraph(clean(f"✗ Coverage: {warning}{f' → {hint}' if hint else ''}"))
    whole = overall(attempt.result)
    # With named or relevant tests no rule is about all Apex together, whose figure would only mislead.
    if whole and whole.missing and attempt.test_level not in BY_CLASS:
        yield Paragraph(_whole_words(whole))
    if low:
        yield Paragraph(bold(f"Below {ENOUGH} % tested, of what was deployed"))
        yield Table(
            ("Class or trigger", "Tested", f"Missing to {ENOUGH} %", "Lines no test reaches"),
            [_covered_row(row) for row in low[:CLASSES]],
        )
        if len(low) > CLASSES:
            yield Paragraph(f"… and {len(low) - CLASSES} more.")


def _whole_words(whole: Covered) -> str:
    tested = whole.lines - whole.uncovered
    return (
        f"All Apex together: {whole.percent} % ({tested:,} of {whole.lines:,} lines); "
        f"{count(whole.missing, 'more line')} to be tested for {ENOUGH} %."
    )


def _covered_row(row: Covered) -> tuple[str, str, str, str]:
    tested = f"{row.percent} % ({row.lines - row.uncovered} of {row.lines})"
    return code(row.name), tested, count(row.missing, "line"), shortened(spans(row.missed), 80) or "–"


def _other_parts(attempt: Deployment) -> Iterator[Part]:
    result = attempt.result
    warnings = result.get("warnings", [])
    if warnings:
        lines = [error_line(row, "Warning:") for row in warnings[:WARNINGS]]
        more = [f"… and {count(len(warnings) - WARNINGS, 'more warning')}."] if len(warnings) > WARNINGS else []
        yield Listing([*lines, *more])
    hint = hint_for(f"{result.get('code', '')} {result.get('message', '')}") if attempt.state == "failed" else ""
    if hint and not result.get("errors") and not result.get("test_failures"):
        yield Paragraph(f"→ {clean(hint)}")
    if result.get("not_compared"):
        yield Paragraph(clean(f"Not compared: {result['not_compared']}"))
    if result.get("differences"):
        how = "Not as it was before" if attempt.purpose == "rollback" else "Differs from what was expected"
        yield Listing([clean(f"{how}: {name}") for name in result["differences"][:15]])
