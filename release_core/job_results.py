"""What a job came to, as plain values to keep and as one sentence."""

from __future__ import annotations

from typing import Any

from release_core.ports import ComponentOutcome, JobStatus

LINES_KEPT = 500  # uncovered lines of one class; whoever has more is not helped by more numbers


def problem_of(status: JobStatus) -> str:
    """One sentence on why a job failed."""
    if status.state == "Canceled":
        return "it was cancelled in the org"
    if status.state == "FinalizingFailed":
        return f"The org could not finish it. {status.error_message}".strip()
    if status.test_failures:
        first = status.test_failures[0]
        more = f" and {len(status.test_failures) - 1} more" if len(status.test_failures) > 1 else ""
        name = f"{first.class_name}.{first.method}".rstrip(".")  # of a class that is not there no method failed
        return f"{name} failed: {first.message}{more}"
    errors = [outcome for outcome in status.outcomes if not outcome.success]
    if errors:
        more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
        return f"{errors[0].type} {errors[0].name}: {errors[0].problem}{more}"
    if status.coverage_warnings:
        return status.coverage_warnings[0]
    return status.error_message or f"the org ended it as {status.state} without saying why"


def result_of(status: JobStatus) -> dict[str, Any]:
    """What people act on, as plain values: failures, coverage, what was created, changed, deleted.

    `apex` names the deployed classes and triggers; `missed` the lines of theirs that no test ran through.
    """
    apex = [[o.type, o.name] for o in status.outcomes if o.type in ("ApexClass", "ApexTrigger") and not o.deleted]
    deployed = {name for _, name in apex}
    return {
        "state": status.state,
        "tests": [status.tests_done, status.tests_total, status.test_errors],
        "components": [status.components_done, status.components_total, status.component_errors],
        "test_failures": [[f.class_name, f.method, f.message, f.stack_trace] for f in status.test_failures],
        "errors": [_place_of(o) for o in status.outcomes if not o.success],
        "warnings": [_place_of(o) for o in status.outcomes if o.success and o.problem],
        "created": [[o.type, o.name] for o in status.outcomes if o.created and o.type],
        "changed": [[o.type, o.name] for o in status.outcomes if o.changed and not o.created and o.type],
        "deleted": [[o.type, o.name] for o in status.outcomes if o.deleted and o.type],
        "coverage": [[c.name, c.lines, c.uncovered] for c in status.coverage],
        "coverage_warnings": list(status.coverage_warnings),
        "apex": apex,
        "missed": [[c.name, list(c.missed[:LINES_KEPT])] for c in status.coverage if c.name in deployed and c.missed],
        "message": status.error_message,
        "code": status.error_code,
    }


def _place_of(outcome: ComponentOutcome) -> list[Any]:
    return [outcome.type, outcome.name, outcome.file, outcome.line, outcome.problem, outcome.column]
