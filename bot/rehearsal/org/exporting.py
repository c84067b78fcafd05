"""The org's content as canonical bytes, its state as plain data."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict
from datetime import datetime

from bot.rehearsal.org import testing
from bot.rehearsal.org.identity import API_VERSIONS
from bot.rehearsal.org.jobs import Job
from bot.rehearsal.org.markup import soap_date
from bot.rehearsal.org.org import Org
from bot.rehearsal.org.results import TestReport

_VERSION = float(API_VERSIONS[-1])


def export(org: Org, *, history: bool) -> bytes:
    """Every component's files as JSON with sorted keys: the same content gives the same bytes.

    Ids, dates, authors and version numbers are left out; `history` adds the flows' versions.
    """
    with org.lock:
        org.settle()
        content: dict[str, object] = {
            "components": {
                f"{each.type}/{each.name}": {path: base64.b64encode(data).decode() for path, data in each.files.items()}
                for each in org.inventory.components.values()
            }
        }
        if history:
            content["flows"] = {
                name: [
                    [version.number, version.status, hashlib.sha256(version.body).hexdigest()] for version in versions
                ]
                for name, versions in org.inventory.flows.items()
            }
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def state(org: Org) -> dict[str, object]:
    """What the side panel shows of an org."""
    with org.lock:
        org.settle()
        return {
            "kind": org.identity.kind,
            "name": org.identity.name,
            "org_id": org.identity.org_id,
            "now": soap_date(org.clock.now()),
            "revision": org.revision,
            "content_digest": hashlib.sha256(export(org, history=False)).hexdigest(),
            "components": [
                {
                    "type": each.type,
                    "fullName": each.name,
                    "fileName": each.path,
                    "id": each.id,
                    "digest": each.digest,
                    "createdDate": soap_date(each.created_at),
                    "lastModifiedBy": org.names.get(each.modified_by, each.modified_by),
                    "lastModifiedDate": soap_date(each.modified_at),
                }
                for each in sorted(org.inventory.components.values(), key=lambda one: one.key)
            ],
            "flows": {
                name: [{"number": version.number, "status": version.status, "id": version.id} for version in versions]
                for name, versions in sorted(org.inventory.flows.items())
            },
            "deployments": [_deployment(org, job) for job in org.jobs],
            "tests": tests_as_json(org.last_tests),
            "audit": [
                {
                    "at": soap_date(row.at),
                    "by": org.names.get(row.by, row.by),
                    "action": row.action,
                    "display": row.display,
                }
                for row in org.trail.rows[-50:]
            ],
            "package_installs": [
                {key: soap_date(value) if isinstance(value, datetime) else value for key, value in row.items()}
                for row in org.installs
            ],
            "api_requests": org.budget.used,
            "faults": org.faults.pending,
            "settings": {**asdict(org.settings), "daily_requests": org.budget.most},
            "lacking": {user.username: list(user.lacks) for user in org.users if user.lacks},
        }


def _deployment(org: Org, job: Job) -> dict[str, object]:
    result = org.result(job.id, _VERSION, details=False)
    names = (
        "id",
        "status",
        "done",
        "success",
        "checkOnly",
        "stateDetail",
        "errorMessage",
        "errorStatusCode",
        "createdByName",
    )
    counters = [key for key in result if key.startswith("number")]
    dates = {
        key: soap_date(value)
        for key in ("createdDate", "startDate", "completedDate")
        if isinstance(value := result[key], datetime)
    }
    return {
        **{key: result[key] for key in [*names, *counters]},
        **dates,
        "quickDeployOf": job.quick_of,
        "type": job.kind,
        "changeSetName": job.change_set,
        "testLevel": job.options.test_level or None,
        "quickDeployable": org.qualifies(job),
    }


def tests_as_json(report: TestReport) -> dict[str, object]:
    """The last test run: counts, failures, coverage in percent."""
    return {
        "ran": len(report.outcomes),
        "failed": len(report.failures),
        "failures": [
            {"class": each.class_name, "method": each.method, "message": each.message, "stack": each.stack}
            for each in report.failures
        ],
        "coverage": round(testing.overall_percent(report.coverage), 1),
        "coverage_by_name": {each.name: round(each.percent, 1) for each in report.coverage},
        "warnings": [text for _, text in report.warnings],
    }
