"""Reading what an org answers into our own words.

Salesforce writes numbers and booleans as themselves or as strings, and a list of one as that one; all are read here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

from bot.salesforce.failures import Unreadable
from release_core.ports import ComponentOutcome, Coverage, JobState, JobStatus, TestFailure

Fields = Mapping[str, Any]

_SUFFIX_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def full_id(record_id: str) -> str:
    """A Salesforce id in its 18-character form, from 15 or 18 characters; anything else is returned as it is.

    The three characters more tell which of the fifteen are capitals, five at a time, lowest bit first.
    """
    if len(record_id) != 15:
        return record_id
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << at for at, one in enumerate(record_id[start : start + 5]) if "A" <= one <= "Z")
        suffix += _SUFFIX_ALPHABET[bits]
    return record_id + suffix


def fields_of(value: object, what: str) -> Fields:
    """The value as a JSON object; Unreadable when it is none."""
    if not isinstance(value, Mapping):
        raise Unreadable(f"the answer has no {what}")
    return value


def listed(value: object) -> list[Fields]:
    """Objects from a list, from one object that stands for a list of one, or from nothing."""
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, Mapping)]


def truth(value: object) -> bool:
    """A boolean, written as such or as a string."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def whole(value: object) -> int:
    """A whole number, written as such or as a string; 0 for nothing."""
    try:
        return int(str(value or 0).strip().partition(".")[0])
    except ValueError as error:
        raise Unreadable(f"{value!r} is no number") from error


def words(value: object) -> str:
    """Text; empty for nothing."""
    return "" if value is None else str(value)


def instant(value: object) -> datetime | None:
    """An aware UTC instant from Salesforce's ISO 8601; None for nothing."""
    if not value:
        return None
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise Unreadable(f"{value!r} is no instant") from error
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def job_id(answer: object) -> str:
    """The id of a job that has just been accepted."""
    fields = fields_of(answer, "job")
    found = words(fields.get("id") or fields_of(fields.get("deployResult"), "id").get("id"))
    if not found.startswith("0Af"):
        raise Unreadable(f"{found!r} is no id of a deployment")
    return full_id(found)


def job_status(answer: object) -> JobStatus:
    """The state of a job, from GET metadata/deployRequest/ID."""
    result = fields_of(fields_of(answer, "deployResult").get("deployResult"), "deployResult")
    details = result.get("details")
    detailed: Fields = details if isinstance(details, Mapping) else {}
    tests = detailed.get("runTestResult")
    tested: Fields = tests if isinstance(tests, Mapping) else {}
    return JobStatus(
        id=full_id(words(result.get("id") or fields_of(answer, "id").get("id"))),
        state=_state(result.get("status")),
        done=truth(result.get("done")),
        success=truth(result.get("success")),
        check_only=truth(result.get("checkOnly")),
        components_done=whole(result.get("numberComponentsDeployed")),
        components_total=whole(result.get("numberComponentsTotal")),
        component_errors=whole(result.get("numberComponentErrors")),
        tests_done=whole(result.get("numberTestsCompleted")),
        tests_total=whole(result.get("numberTestsTotal")),
        test_errors=whole(result.get("numberTestErrors")),
        state_detail=words(result.get("stateDetail")),
        error_message=words(result.get("errorMessage")),
        error_code=words(result.get("errorStatusCode")),
        completed_at=instant(result.get("completedDate")),
        outcomes=_outcomes(detailed),
        test_failures=_test_failures(tested),
        coverage=_coverage(tested),
        coverage_warnings=_coverage_warnings(tested),
        cancelled_by=words(result.get("canceledByName")),
    )


def _state(value: object) -> JobState:
    for state in get_args(JobState):
        if state == value:
            known: JobState = state
            return known
    if value == "Queued":
        return "Pending"
    raise Unreadable(f"the job is in a state that we do not know: {value!r}")


def _outcomes(details: Fields) -> Sequence[ComponentOutcome]:
    rows = listed(details.get("componentFailures")) + listed(details.get("componentSuccesses"))
    return tuple(
        ComponentOutcome(
            type=words(row.get("componentType")),
            name=words(row.get("fullName")),
            file=words(row.get("fileName")),
            created=truth(row.get("created")),
            changed=truth(row.get("changed")),
            deleted=truth(row.get("deleted")),
            success=truth(row.get("success")),
            problem=words(row.get("problem")),
            problem_type=words(row.get("problemType")),
            line=whole(row.get("lineNumber")) or None,
            column=whole(row.get("columnNumber")) or None,
        )
        for row in rows
    )


def _test_failures(tests: Fields) -> Sequence[TestFailure]:
    return tuple(
        TestFailure(
            class_name=words(row.get("name")),
            method=words(row.get("methodName")),
            message=words(row.get("message")),
            stack_trace=words(row.get("stackTrace")),
        )
        for row in listed(tests.get("failures"))
    )


def _coverage(tests: Fields) -> Sequence[Coverage]:
    return tuple(
        Coverage(
            name=words(row.get("name")),
            lines=whole(row.get("numLocations")),
            uncovered=whole(row.get("numLocationsNotCovered")),
            missed=tuple(whole(place.get("line")) for place in listed(row.get("locationsNotCovered"))),
        )
        for row in listed(tests.get("codeCoverage"))
    )


def _coverage_warnings(tests: Fields) -> Sequence[str]:
    rows = listed(tests.get("codeCoverageWarnings")) + listed(tests.get("flowCoverageWarnings"))
    named = ((words(row.get("name") or row.get("flowName")), words(row.get("message"))) for row in rows)
    return tuple(f"{name}: {message}" if name else message for name, message in named)
