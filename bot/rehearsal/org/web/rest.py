"""The REST API: versions, queries, limits, deployRequest, a little of Tooling."""

from __future__ import annotations

import json
from collections.abc import Callable

from starlette.responses import JSONResponse, Response

from bot.rehearsal.org import permissions
from bot.rehearsal.org.answers import as_json, test_result
from bot.rehearsal.org.identifiers import same_id
from bot.rehearsal.org.identity import API_VERSIONS
from bot.rehearsal.org.jobs import Job
from bot.rehearsal.org.markup import rest_date
from bot.rehearsal.org.org import Org
from bot.rehearsal.org.results import DeployOptions, Refusal, read_options, truthy
from bot.rehearsal.org.tables import answer, columns
from bot.rehearsal.org.test_runs import run_and_record
from bot.rehearsal.org.web.gate import Asked
from bot.rehearsal.org.web.parts import deployment_parts

_NO_RESOURCE = Refusal("NOT_FOUND", "The requested resource does not exist", 404)
_LIMITS = {
    "DailyAsyncApexExecutions": (250_000, 249_912),
    "DailyAsyncApexTests": (500, 500),
    "DailyBulkApiBatches": (15_000, 15_000),
    "DailyBulkV2QueryJobs": (10_000, 10_000),
    "DailyDurableStreamingApiEvents": (1_000_000, 1_000_000),
    "DailyWorkflowEmails": (20_000, 19_988),
    "DataStorageMB": (10_240, 8_713),
    "FileStorageMB": (10_240, 9_940),
    "HourlyTimeBasedWorkflow": (1_000, 1_000),
    "MassEmail": (5_000, 5_000),
    "SingleEmail": (5_000, 4_999),
}


def versions() -> Response:
    """GET /services/data: no session is needed."""
    rows = [
        {"label": f"Release {number}", "url": f"/services/data/v{number}", "version": number} for number in API_VERSIONS
    ]
    return JSONResponse(rows)


def check_version(asked: Asked) -> str:
    """The API version of the path, e.g. `62.0`; Refusal for one that is retired or not yet there."""
    version = asked.params["version"].removeprefix("v")
    if version in API_VERSIONS:
        return version
    if version.replace(".", "", 1).isdigit() and float(version) < float(API_VERSIONS[0]):
        raise Refusal("UNSUPPORTED_API_VERSION", "This API version is retired", 410)
    raise _NO_RESOURCE


def root_of(asked: Asked) -> str:
    """`/services/data/v62.0`."""
    return f"/services/data/{asked.params['version']}"


def resources(org: Org, asked: Asked) -> Response:
    """GET /services/data/vXX.0."""
    names = ("sobjects", "query", "queryAll", "limits", "tooling", "metadata")
    return JSONResponse({name: f"{root_of(asked)}/{name}" for name in names})


def query(org: Org, asked: Asked) -> Response:
    """GET query?q= or tooling/query?q=."""
    text = asked.query.get("q")
    if not text:
        raise Refusal("MALFORMED_QUERY", "The query parameter 'q' is missing")
    if truthy(asked.query.get("columns")):
        return JSONResponse(columns(org, text))
    return JSONResponse(answer(org, text, root_of(asked), tooling="/tooling/" in asked.path, user=asked.user))


def record(org: Org, asked: Asked) -> Response:
    """GET sobjects/{type}/{id}."""
    name, identifier = asked.params["sobject"], asked.params["id"]
    fields = {
        "user": "Id, Username, Name, Email, IsActive, UserType",
        "organization": "Id, Name, InstanceName, IsSandbox, OrganizationType, TrialExpirationDate, NamespacePrefix",
    }.get(name.lower())
    if fields is None:
        raise _NO_RESOURCE
    text = f"SELECT {fields} FROM {name} WHERE Id = '{identifier}'"  # noqa: S608 - SOQL over rows in memory
    found = answer(org, text, root_of(asked), tooling=False, user=asked.user)
    rows = found["records"]
    if not isinstance(rows, list) or not rows:
        raise Refusal("NOT_FOUND", "Provided external ID field does not exist or is not accessible: " + identifier, 404)
    return JSONResponse(rows[0])


def limits(org: Org, asked: Asked) -> Response:
    """GET limits."""
    rows = {name: {"Max": most, "Remaining": left} for name, (most, left) in _LIMITS.items()}
    rows["DailyApiRequests"] = {"Max": org.budget.most, "Remaining": org.budget.left}
    return JSONResponse(dict(sorted(rows.items())))


def limit_header(org: Org) -> dict[str, str]:
    """Sforce-Limit-Info, which comes with every REST answer."""
    return {"Sforce-Limit-Info": org.budget.header}


def post_deployment(org: Org, asked: Asked) -> Response:
    """POST metadata/deployRequest: multipart for a deployment, JSON for a quick deploy."""
    version = check_version(asked)
    assert asked.user is not None
    permissions.require_metadata(asked.user)
    settings, archive = deployment_parts(asked)
    validated = settings.get("validatedDeployRequestId")
    if validated:
        job = org.quick_deploy(asked.user.id, str(validated))
    else:
        job = org.deploy(asked.user.id, _archive(archive), _options(settings))
    asked.notes["deployed"] = True
    body = _job_body(org, asked, job)
    body["deployResult"] = as_json(org.just_accepted(job, float(version)))
    return JSONResponse(body, status_code=201)


def _archive(archive: bytes | None) -> bytes:
    if archive is None:
        raise Refusal(
            "INVALID_MULTIPART_REQUEST", "A multipart request with a deployOptions part and a zip file part is required"
        )
    return archive


def _options(settings: dict[str, object]) -> DeployOptions:
    given = settings.get("deployOptions")
    if not isinstance(given, dict):
        raise Refusal("JSON_PARSER_ERROR", "deployOptions is required")
    tests = given.get("runTests") or []
    if not isinstance(tests, list):
        raise Refusal(
            "JSON_PARSER_ERROR",
            "Cannot deserialize instance of list from VALUE_STRING value: runTests must be an array of class names",
        )
    return read_options(given, tuple(str(name) for name in tests))


def _job_body(org: Org, asked: Asked, job: Job, *, details: bool = False) -> dict[str, object]:
    url = f"{asked.base_url}{root_of(asked)}/metadata/deployRequest/{job.id}"
    return {
        "id": job.id,
        "validatedDeployRequestId": job.quick_of,
        "url": url if details else f"{url}?includeDetails=false",
        "deployOptions": job.options.as_json(),
    }


def _job_answer(org: Org, asked: Asked, job: Job, status: int, *, details: bool = False) -> Response:
    body = _job_body(org, asked, job, details=details)
    version = float(check_version(asked))
    body["deployResult"] = as_json(org.result(job.id, version, details=details))
    return JSONResponse(body, status_code=status)


def get_deployment(org: Org, asked: Asked) -> Response:
    """GET metadata/deployRequest/{id}?includeDetails=."""
    assert asked.user is not None
    permissions.require_metadata(asked.user)
    with org.lock:
        job = org.job(asked.params["id"])
        edge_fault(org, job)
        return _job_answer(org, asked, job, 200, details=truthy(asked.query.get("includeDetails")))


def edge_fault(org: Org, job: Job) -> None:
    """Raise the cross-reference error that real orgs sometimes give once when a job leaves Pending."""
    if job.status != "Pending" and not job.edge_shown and org.faults.due("invalid_cross_reference_key"):
        job.edge_shown = org.faults.take("invalid_cross_reference_key")
        raise Refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", 500)


def patch_deployment(org: Org, asked: Asked) -> Response:
    """PATCH metadata/deployRequest/{id} with status Canceling."""
    assert asked.user is not None
    permissions.require_metadata(asked.user)
    body = parsed(asked)
    wanted = body.get("deployResult")
    if not (isinstance(wanted, dict) and wanted.get("status") == "Canceling"):
        raise Refusal("INVALID_FIELD", "Only deployResult.status can be set, to Canceling")
    job = org.cancel(asked.user.id, asked.params["id"])
    return _job_answer(org, asked, job, 202)


def parsed(asked: Asked) -> dict[str, object]:
    """The JSON object of the body; Refusal JSON_PARSER_ERROR when there is none."""
    try:
        body = json.loads(asked.body or b"{}")
    except (ValueError, UnicodeDecodeError) as problem:
        raise Refusal("JSON_PARSER_ERROR", f"Unexpected character in the body: {problem}") from problem
    if not isinstance(body, dict):
        raise Refusal("JSON_PARSER_ERROR", "A JSON object is expected")
    return body


def run_tests(org: Org, asked: Asked) -> Response:
    """POST tooling/runTestsSynchronous or runTestsAsynchronous; the latter has finished when it answers its job id."""
    body = parsed(asked)
    names = [str(test["className"]) for test in _tests(body)] or None
    if asked.path.endswith("runTestsSynchronous"):
        return JSONResponse(as_json(test_result(org.run_all_tests(names), org.inventory)))
    assert asked.user is not None
    return JSONResponse(run_and_record(org, names, asked.user.id))


def _tests(body: dict[str, object]) -> list[dict[str, object]]:
    given = body.get("tests") or []
    return (
        [each for each in given if isinstance(each, dict) and each.get("className")] if isinstance(given, list) else []
    )


def flow_definition(org: Org, asked: Asked) -> Response:
    """GET or PATCH tooling/sobjects/FlowDefinition/{id}: which version runs."""
    with org.lock:
        component = next((each for each in org.inventory.of_type("Flow") if same_id(each.id, asked.params["id"])), None)
        if component is None:
            raise _NO_RESOURCE
        if asked.method == "PATCH":
            assert asked.user is not None
            given = parsed(asked).get("Metadata")
            number = given.get("activeVersionNumber") if isinstance(given, dict) else None
            org.activate_flow(asked.user.id, component.name, int(str(number or 0)))
            return Response(status_code=204)
        active = next((version for version in org.inventory.flows[component.name] if version.status == "Active"), None)
        return JSONResponse(
            {
                "attributes": {
                    "type": "FlowDefinition",
                    "url": f"{root_of(asked)}/tooling/sobjects/FlowDefinition/{component.id}",
                },
                "Id": component.id,
                "DeveloperName": component.name,
                "ActiveVersionId": active.id if active else None,
                "LatestVersionId": org.inventory.flows[component.name][-1].id,
                "LastModifiedDate": rest_date(component.modified_at),
                "Metadata": {"activeVersionNumber": active.number if active else None},
            }
        )


def delete_flow(org: Org, asked: Asked) -> Response:
    """DELETE tooling/sobjects/Flow/{id}."""
    assert asked.user is not None
    org.delete_flow_version(asked.user.id, asked.params["id"])
    return Response(status_code=204)


def nothing_here(org: Org, asked: Asked) -> Response:
    """Any other REST resource."""
    raise _NO_RESOURCE


Handler = Callable[[Org, Asked], Response]
