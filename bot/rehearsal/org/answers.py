"""DeployResult as both APIs give it, before it becomes XML or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.rehearsal.org.identifiers import base62, eighteen
from bot.rehearsal.org.inventory import Inventory
from bot.rehearsal.org.jobs import Job, progress_at
from bot.rehearsal.org.markup import NIL, Nil, soap_date
from bot.rehearsal.org.results import Coverage, Row, TestOutcome, TestReport

_EMPTY_TESTS: dict[str, object] = {"numFailures": 0, "numTestsRun": 0, "totalTime": 0.0}


def deploy_result(
    job: Job, inventory: Inventory, names: Mapping[str, str], asked: tuple[datetime, float, bool]
) -> dict[str, object]:
    """DeployResult as a dictionary of plain values; `asked` is (now, API version, include details)."""
    now, version, include_details = asked
    seen = progress_at(job, now, version)
    outcome = job.outcome
    tests = outcome.tests if outcome else TestReport()
    status = seen.status
    result: dict[str, object] = {
        "id": job.id,
        "status": status,
        "done": job.done,
        "success": status in ("Succeeded", "SucceededPartial"),
        "checkOnly": job.options.check_only,
        "ignoreWarnings": job.options.ignore_warnings,
        "rollbackOnError": job.options.rollback_on_error,
        "runTestsEnabled": tests.ran or bool(job.options.test_level and job.options.test_level != "NoTestRun"),
        "createdBy": job.by,
        "createdByName": names.get(job.by, ""),
        "createdDate": job.created_at,
        "startDate": job.started_at,
        "lastModifiedDate": job.ended_at or max(job.created_at, min(now, job.finalizing_at or job.created_at)),
        "completedDate": job.ended_at,
        "canceledBy": job.cancelled_by,
        "canceledByName": names.get(job.cancelled_by or ""),
        "errorStatusCode": outcome.error_code if outcome and job.done else None,
        "errorMessage": outcome.error_message if outcome and job.done else None,
        "stateDetail": seen.state_detail,
        "numberComponentsTotal": len(outcome.components) if outcome else 0,
        "numberComponentsDeployed": seen.components,
        "numberComponentErrors": len(outcome.errors) if outcome and job.done else 0,
        "numberTestsTotal": len(tests.outcomes),
        "numberTestsCompleted": seen.tests,
        "numberTestErrors": len(tests.failures) if job.done else 0,
        "numberFiles": outcome.file_count if outcome else 0,
        "zipSize": job.zip_size,
        "details": {"runTestResult": dict(_EMPTY_TESTS)},
    }
    if include_details and outcome and job.done:
        result["details"] = _details(job, inventory)
    return result


def _details(job: Job, inventory: Inventory) -> dict[str, object]:
    outcome = job.outcome
    assert outcome is not None
    assert job.ended_at is not None
    rows = outcome.rows if job.status != "Canceled" else []
    return {
        "componentSuccesses": [_message(row, job.ended_at) for row in rows if row.success],
        "componentFailures": [_message(row, job.ended_at) for row in rows if not row.success],
        "runTestResult": test_result(outcome.tests, inventory),
    }


def _message(row: Row, at: datetime) -> dict[str, object]:
    return {
        "changed": row.changed,
        "columnNumber": row.column,
        "componentType": row.type,
        "created": row.created,
        "createdDate": at,
        "deleted": row.deleted,
        "fileName": row.path,
        "fullName": row.name,
        "id": row.id,
        "lineNumber": row.line,
        "problem": row.problem,
        "problemType": row.problem_type or None,
        "success": row.success,
    }


def test_result(tests: TestReport, inventory: Inventory) -> dict[str, object]:
    """RunTestsResult; three zero fields when no test ran."""
    if not tests.ran:
        return dict(_EMPTY_TESTS)
    return {
        "numFailures": len(tests.failures),
        "numTestsRun": len(tests.outcomes),
        "totalTime": round(sum(each.millis for each in tests.outcomes), 1),
        "successes": [_success(each, inventory) for each in tests.outcomes if each.message is None],
        "failures": [_failure(each, inventory) for each in tests.failures],
        "codeCoverage": [_coverage(each, inventory) for each in tests.coverage],
        "codeCoverageWarnings": [_warning(name, text, inventory) for name, text in tests.warnings],
        "flowCoverage": [],  # no flow runs here
        "flowCoverageWarnings": [],
    }


def apex_id(inventory: Inventory, name: str | None) -> str:
    """The id of a class or trigger; a stable stand-in for what does not exist (a check-only run's new class)."""
    for kind in ("ApexClass", "ApexTrigger"):
        found = inventory.get(kind, name) if name else None
        if found:
            return found.id
    return eighteen("01p" + base62(sum(map(ord, name or "")) * 7919, 12))


def _success(each: TestOutcome, inventory: Inventory) -> dict[str, object]:
    return {
        "id": apex_id(inventory, each.class_name),
        "methodName": each.method,
        "name": each.class_name,
        "namespace": NIL,
        "seeAllData": False,
        "time": each.millis,
    }


def _failure(each: TestOutcome, inventory: Inventory) -> dict[str, object]:
    return _success(each, inventory) | {
        "message": each.message,
        "packageName": each.class_name,
        "stackTrace": each.stack or NIL,
        "type": "Class",
    }


def _coverage(each: Coverage, inventory: Inventory) -> dict[str, object]:
    missed = [{"column": 0, "line": line, "numExecutions": 0, "time": -1.0} for line in each.missed]
    return {
        "id": apex_id(inventory, each.name),
        "locationsNotCovered": missed,
        "name": each.name,
        "namespace": NIL,
        "numLocations": len(each.lines),
        "numLocationsNotCovered": len(each.missed),
        "type": each.type,
    }


def _warning(name: str | None, text: str, inventory: Inventory) -> dict[str, object]:
    return {"id": apex_id(inventory, name), "message": text, "name": name or NIL, "namespace": NIL}


def as_json(value: object) -> object:
    """The same result for JSON: dates as text, nil as null, lists kept lists."""
    if isinstance(value, Mapping):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_json(each) for each in value]
    if isinstance(value, datetime):
        return soap_date(value)
    return None if isinstance(value, Nil) else value
