"""The org as REST clients see it, over real HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from bot.rehearsal.org.serve import RunningOrg
from tests.bot.rehearsal.org.org_bench import apex, zipped

GREETER = apex(Greeter="public class Greeter { }")
CAREFUL = {"rollbackOnError": True, "singlePackage": True}


def data(org: RunningOrg, path: str = "", version: str = "66.0") -> str:
    return f"{org.instance_url}/services/data/v{version}/{path}"


def post(org: RunningOrg, session: requests.Session, archive: bytes = GREETER, **options: Any) -> requests.Response:
    settings = json.dumps({"deployOptions": CAREFUL | options})
    parts = [("json", (None, settings, "application/json")), ("file", ("deploy.zip", archive, "application/zip"))]
    return session.post(data(org, "metadata/deployRequest"), files=parts)


def status(org: RunningOrg, session: requests.Session, job_id: str) -> dict[str, Any]:
    answer = session.get(data(org, f"metadata/deployRequest/{job_id}"), params={"includeDetails": "true"})
    assert answer.status_code == 200
    result: dict[str, Any] = answer.json()["deployResult"]
    return result


def test_versions_need_no_session(served: RunningOrg) -> None:
    rows = requests.get(f"{served.instance_url}/services/data", timeout=30).json()
    assert rows[-1] == {"label": "Release 67.0", "url": "/services/data/v67.0", "version": "67.0"}


def test_every_other_call_needs_one(served: RunningOrg) -> None:
    answer = requests.get(data(served, "limits"), timeout=30)
    assert answer.status_code == 401
    assert answer.json() == [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]


def test_answers_carry_the_api_usage(served: RunningOrg, session: requests.Session) -> None:
    answer = session.get(data(served, "limits"))
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/15000"
    assert answer.json()["DailyApiRequests"] == {"Max": 15000, "Remaining": 14999}


def test_retired_and_future_versions_are_refused(served: RunningOrg, session: requests.Session) -> None:
    assert session.get(data(served, "limits", "30.0")).json()[0]["errorCode"] == "UNSUPPORTED_API_VERSION"
    assert session.get(data(served, "limits", "30.0")).status_code == 410
    assert session.get(data(served, "limits", "99.0")).status_code == 404


def test_a_deployment_is_accepted_then_done(served: RunningOrg, session: requests.Session) -> None:
    answer = post(served, session)
    assert answer.status_code == 201
    accepted = answer.json()
    assert accepted["deployResult"]["status"] == "Pending"
    assert accepted["deployResult"]["done"] is False
    assert accepted["deployOptions"]["rollbackOnError"] is True
    result = status(served, session, accepted["id"])
    assert (result["status"], result["success"]) == ("Succeeded", True)
    assert result["numberComponentsTotal"] == 1
    names = [row["fullName"] for row in result["details"]["componentSuccesses"]]
    assert names == ["package.xml", "Greeter"]
    assert result["details"]["runTestResult"]["numTestsRun"] == 7


def test_parts_are_known_by_content_type_whatever_their_order_and_names(
    served: RunningOrg, session: requests.Session
) -> None:
    settings = json.dumps({"deployOptions": {name: str(value) for name, value in CAREFUL.items()}})
    parts = [
        ("file", ("package.xml", GREETER, "application/zip")),
        ("entity_content", ("blob", settings, "application/json")),
    ]
    assert session.post(data(served, "metadata/deployRequest"), files=parts).status_code == 201


def test_run_tests_must_be_an_array(served: RunningOrg, session: requests.Session) -> None:
    answer = post(served, session, testLevel="RunSpecifiedTests", runTests="GreeterTest")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


def test_an_explicit_no_test_run_is_refused_by_production(served: RunningOrg, session: requests.Session) -> None:
    answer = post(served, session, testLevel="NoTestRun")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_OPERATION")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"nonsense", "multipart/form-data; boundary=x"),
        (b"{", "application/json"),
        (b"{}", "text/plain"),
        (b"{}", "application/json"),
    ],
)
def test_a_body_that_is_no_deployment_is_refused(
    served: RunningOrg, session: requests.Session, body: bytes, kind: str
) -> None:
    answer = session.post(data(served, "metadata/deployRequest"), data=body, headers={"Content-Type": kind})
    assert answer.status_code in (400, 415)
    assert set(answer.json()[0]) == {"errorCode", "message"}


@pytest.mark.parametrize("where", ["metadata/deployRequest", "metadata/deployRequest/{id}"])
def test_a_validation_is_quick_deployed_under_a_new_id(
    served: RunningOrg, session: requests.Session, where: str
) -> None:
    """Clients post to the collection; the documentation prints an address that ends in the validation's id."""
    validation = post(served, session, checkOnly=True, testLevel="RunLocalTests").json()["id"]
    assert status(served, session, validation)["status"] == "Succeeded"
    url = data(served, where.format(id=validation))
    answer = session.post(url, json={"validatedDeployRequestId": validation[:15]})
    assert answer.status_code == 201
    assert answer.json()["validatedDeployRequestId"] == validation
    assert status(served, session, answer.json()["id"])["success"] is True
    again = session.post(url, json={"validatedDeployRequestId": validation})
    assert (again.status_code, again.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_a_deployment_is_cancelled_by_patch(served: RunningOrg, session: requests.Session) -> None:
    served.org.settings.pace = 100.0
    job_id = post(served, session).json()["id"]
    url = data(served, f"metadata/deployRequest/{job_id}")
    assert session.patch(url, json={"deployResult": {"status": "Nope"}}).status_code == 400
    answer = session.patch(url, json={"deployResult": {"status": "Canceling"}})
    assert answer.status_code == 202
    assert answer.json()["deployResult"]["status"] in ("Canceling", "Canceled")


def test_an_unknown_deployment_is_not_found(served: RunningOrg, session: requests.Session) -> None:
    answer = session.get(data(served, "metadata/deployRequest/0Af000000000001AAA"))
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_an_unreadable_zip_is_a_failed_deployment_not_an_error(served: RunningOrg, session: requests.Session) -> None:
    result = status(served, session, post(served, session, zipped({"a.txt": "x"})).json()["id"])
    assert result["details"]["componentFailures"][0]["problem"] == "No package.xml found"


def test_the_flow_definition_can_be_deactivated_then_the_version_deleted(
    served: RunningOrg, session: requests.Session
) -> None:
    asked = "SELECT Id, DeveloperName, ActiveVersionId FROM FlowDefinition"
    row = session.get(data(served, "tooling/query"), params={"q": asked}).json()["records"][0]
    version = row["ActiveVersionId"]
    gone = session.delete(data(served, f"tooling/sobjects/Flow/{version}"))
    assert gone.status_code == 400
    url = data(served, f"tooling/sobjects/FlowDefinition/{row['Id']}")
    assert session.patch(url, json={"Metadata": {"activeVersionNumber": 0}}).status_code == 204
    assert session.delete(data(served, f"tooling/sobjects/Flow/{version}")).status_code == 204
    assert session.get(data(served, "tooling/query"), params={"q": asked}).json()["totalSize"] == 0


def test_a_query_can_be_asked_for_its_columns(served: RunningOrg, session: requests.Session) -> None:
    asked = {"q": "SELECT Id, CreatedBy.Name, CreatedBy.Username FROM DeployRequest", "columns": "true"}
    shape = session.get(data(served, "tooling/query"), params=asked).json()
    assert [column["columnName"] for column in shape["columnMetadata"]] == ["Id", "CreatedBy"]
    assert [column["columnName"] for column in shape["columnMetadata"][1]["joinColumns"]] == ["Name", "Username"]


def test_a_doubled_slash_is_one(served: RunningOrg, session: requests.Session) -> None:
    assert session.get(f"{served.instance_url}//services/data/v66.0/limits").status_code == 200


def test_tests_can_be_run_by_themselves(served: RunningOrg, session: requests.Session) -> None:
    body = {"tests": [{"className": "DiscountPolicyTest"}]}
    assert session.post(data(served, "tooling/runTestsSynchronous"), json=body).json()["numTestsRun"] == 4
    job = session.post(data(served, "tooling/runTestsAsynchronous"), json=body).json()
    asked = f"SELECT Status, MethodsFailed FROM ApexTestRunResult WHERE AsyncApexJobId = '{job}'"
    row = session.get(data(served, "tooling/query"), params={"q": asked}).json()["records"][0]
    assert (row["Status"], row["MethodsFailed"]) == ("Completed", 0)
    asked = f"SELECT MethodName, Outcome, ApexClass.Name FROM ApexTestResult WHERE AsyncApexJobId = '{job}'"
    rows = session.get(data(served, "tooling/query"), params={"q": asked}).json()["records"]
    assert {(row["ApexClass"]["Name"], row["Outcome"]) for row in rows} == {("DiscountPolicyTest", "Pass")}
    assert len(rows) == 4
