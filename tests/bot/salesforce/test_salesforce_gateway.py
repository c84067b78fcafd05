"""What our gateway says to an org on the wire, with what it reads from the answers."""

from __future__ import annotations

import base64
import email
import json
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.salesforce import MetadataType, connect
from bot.salesforce.replies import full_id
from release_core.errors import OrgRefused, OrgUnavailable
from release_core.logins import AccessTokenLogin
from release_core.ports import (
    AuditRow,
    ComponentOutcome,
    Coverage,
    DeployOptions,
    DeployRequestRow,
    FileProperty,
    OrgGateway,
    OrgIdentity,
    TestFailure,
)
from tests.bot.salesforce.conftest import HASTY

JOB = "0Af000000000001CAA"
OLD = "0Af000000000002CAA"
USER = "005000000000001AAA"
SINCE = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
LIMITS = {"DailyApiRequests": {"Max": 15000, "Remaining": 14982}}
USERINFO = {"user_id": USER, "organization_id": "00D000000000001EAA", "preferred_username": "release@acme.test"}


def _organization(says, *, sandbox: bool):
    row = {"Id": "00D000000000001EAA", "Name": "Acme", "IsSandbox": sandbox}
    return says.reply(200, {"totalSize": 1, "done": True, "records": [row]})


def _records(says, *rows, following: str | None = None):
    page = {"totalSize": len(rows), "done": following is None, "records": list(rows)}
    return says.reply(200, page | ({"nextRecordsUrl": following} if following else {}))


def _job_row(job: str, **more: object) -> dict[str, object]:
    return {
        "Id": job,
        "Status": "Succeeded",
        "CheckOnly": False,
        "CreatedDate": "2026-05-04T10:00:05.000+0000",
        "CompletedDate": None,
        "CreatedById": USER,
        "CreatedBy": {"Username": "release@acme.test"},
        "ZipSize": 1000,
        "SourceDeployRequestId": None,
        **more,
    }


def _parts(heard) -> dict[str, bytes]:
    """The parts of a multipart request by content type."""
    kind = f"Content-Type: {heard.headers['Content-Type']}\r\n\r\n".encode()
    message = email.message_from_bytes(kind + heard.body)
    return {part.get_content_type(): part.get_payload(decode=True) for part in message.get_payload()}


def test_it_is_an_org_gateway(org):
    """The flows may take it for the protocol."""
    promised = [name for name in vars(OrgGateway) if not name.startswith("_")]
    assert promised
    assert all(hasattr(org, name) for name in promised)


def test_a_deployment_sends_the_archive_untouched_and_all_or_nothing(scripted, says, org):
    """Raw bytes in one part, options in another; rollbackOnError always."""
    scripted.plays(says.reply(201, {"id": JOB, "deployResult": {"id": JOB, "status": "Queued"}}))
    archive = bytes(range(256)) * 4
    options = DeployOptions(check_only=True, test_level="RunSpecifiedTests", run_tests=("A_Test", "B_Test"))
    assert org.deploy(archive, options) == JOB
    asked = scripted.heard[0]
    assert (asked.method, asked.path) == ("POST", "/services/data/v67.0/metadata/deployRequest")
    parts = _parts(asked)
    assert parts["application/zip"] == archive
    assert json.loads(parts["application/json"])["deployOptions"] == {
        "allowMissingFiles": False,
        "autoUpdatePackage": False,
        "checkOnly": True,
        "ignoreWarnings": False,
        "performRetrieve": False,
        "purgeOnDelete": False,
        "rollbackOnError": True,
        "runTests": ["A_Test", "B_Test"],
        "singlePackage": True,
        "testLevel": "RunSpecifiedTests",
    }


def test_several_packages_in_one_zip_are_announced(scripted, says, org):
    """singlePackage false tells Salesforce to look for a package in each top folder."""
    scripted.plays(says.reply(201, {"id": JOB}))
    org.deploy(b"PK", DeployOptions(check_only=True, single_package=False))
    assert json.loads(_parts(scripted.heard[-1])["application/json"])["deployOptions"]["singlePackage"] is False


@pytest.mark.parametrize(("sandbox", "sent"), [(True, "NoTestRun"), (False, None)])
def test_production_never_hears_no_test_run(scripted, says, org, sandbox, sent):
    """Production refuses the words, so there they are left out."""
    scripted.plays(says.reply(200, USERINFO), _organization(says, sandbox=sandbox), says.reply(201, {"id": JOB}))
    org.deploy(b"PK", DeployOptions(check_only=False, test_level="NoTestRun"))
    options = json.loads(_parts(scripted.heard[-1])["application/json"])["deployOptions"]
    assert options.get("testLevel") == sent


def test_a_call_after_a_deployment_is_json_again(scripted, says, org):
    """The multipart header of one call does not stick to the next."""
    scripted.plays(says.reply(201, {"id": JOB}), says.reply(201, {"id": OLD}))
    org.deploy(b"PK", DeployOptions(check_only=True))
    assert org.quick_deploy(JOB[:15]) == OLD
    assert scripted.heard[1].headers["Content-Type"] == "application/json"
    assert json.loads(scripted.heard[1].body) == {"validatedDeployRequestId": JOB}


def test_a_cancel_asks_for_canceling(scripted, says, org):
    """PATCH with the wished state; a 202 is enough."""
    scripted.plays(says.reply(202, {"deployResult": {"status": "Canceling"}}))
    org.cancel(JOB)
    assert (scripted.heard[0].method, json.loads(scripted.heard[0].body)) == (
        "PATCH",
        {"deployResult": {"status": "Canceling"}},
    )


def test_a_state_is_read_from_true_values(scripted, says, org):
    """Booleans and numbers as JSON has them; no details unless asked for."""
    result = {
        "id": JOB, "status": "InProgress", "done": False, "success": False, "checkOnly": True,
        "numberComponentsDeployed": 3, "numberComponentsTotal": 9, "numberTestsCompleted": 2, "numberTestsTotal": 7,
        "stateDetail": "Running Test: A_Test", "details": None,
    }  # fmt: skip
    scripted.plays(says.reply(200, {"id": JOB, "deployResult": result}))
    status = org.status(JOB[:15])
    assert (status.id, status.state, status.done, status.success, status.check_only) == (
        JOB, "InProgress", False, False, True,
    )  # fmt: skip
    assert (status.components_done, status.components_total, status.tests_done, status.tests_total) == (3, 9, 2, 7)
    assert status.state_detail == "Running Test: A_Test"
    assert scripted.heard[0].path == f"/services/data/v67.0/metadata/deployRequest/{JOB}"


def test_whoever_cancelled_a_job_in_the_org_is_read_by_name(scripted, says, org):
    """The org says who it was, whatever tool they used; null while nobody did."""
    result = {"id": JOB, "status": "Canceled", "done": True, "success": False, "checkOnly": True}
    for told, name in ((None, ""), ("Uta Admin", "Uta Admin")):
        scripted.plays(says.reply(200, {"id": JOB, "deployResult": {**result, "canceledByName": told}}))
        assert org.status(JOB).cancelled_by == name


def test_details_are_read_from_strings_and_lists_of_one(scripted, says, org):
    """Values as strings, and single elements without their list, mean the same."""
    result = {
        "id": JOB, "status": "Failed", "done": "true", "success": "false", "checkOnly": "False",
        "numberComponentErrors": "1", "numberTestErrors": "1", "completedDate": "2026-05-04T12:30:00.000+0200",
        "errorStatusCode": "ALREADY_IN_PROCESS", "errorMessage": "locked",
        "details": {
            "componentSuccesses": {
                "componentType": "CustomField", "fullName": "A__c.B__c", "fileName": "objects/A__c.object",
                "created": "true", "changed": "true", "deleted": "false", "success": "true",
            },
            "componentFailures": [{
                "componentType": "ApexClass", "fullName": "A", "fileName": "classes/A.cls", "created": False,
                "changed": False, "deleted": False, "success": False, "problem": "Unexpected token", "lineNumber": "7",
                "problemType": "Error", "columnNumber": 3,
            }],
            "runTestResult": {
                "numFailures": "1", "numTestsRun": "2", "totalTime": "10.0",
                "failures": {"name": "A_Test", "methodName": "adds", "message": "no", "stackTrace": "line 3"},
                "codeCoverage": {"name": "A", "numLocations": "10", "numLocationsNotCovered": "4"},
                "codeCoverageWarnings": [{"name": "A", "message": "60 %"}, {"name": None, "message": "low"}],
            },
        },
    }  # fmt: skip
    scripted.plays(says.reply(200, {"id": JOB, "deployResult": result}))
    status = org.status(JOB, details=True)
    assert scripted.heard[0].path.endswith("?includeDetails=true")
    assert (status.done, status.success, status.component_errors, status.test_errors) == (True, False, 1, 1)
    assert status.completed_at == datetime(2026, 5, 4, 10, 30, tzinfo=UTC)
    assert (status.error_code, status.error_message) == ("ALREADY_IN_PROCESS", "locked")
    assert status.outcomes == (
        ComponentOutcome(
            "ApexClass", "A", "classes/A.cls", False, False, False, False, "Unexpected token", "Error", 7, 3
        ),
        ComponentOutcome("CustomField", "A__c.B__c", "objects/A__c.object", True, True, False, True),
    )
    assert status.test_failures == (TestFailure("A_Test", "adds", "no", "line 3"),)
    assert status.coverage == (Coverage("A", 10, 4),)
    assert status.coverage_warnings == ("A: 60 %", "low")


def test_identity_is_asked_once(scripted, says, org):
    """Who we are, with the kind of org, in two calls for the life of the gateway."""
    scripted.plays(says.reply(200, USERINFO), _organization(says, sandbox=False))
    assert org.identity() is org.identity()
    assert org.identity() == OrgIdentity("00D000000000001EAA", "Acme", False, "release@acme.test", USER, "67.0")
    assert scripted.heard[0].path == "/services/oauth2/userinfo"
    assert org.calls == 2


def test_the_history_is_read_over_all_pages(scripted, says, org):
    """Two pages of DeployRequest become rows with aware UTC instants."""
    scripted.plays(
        _records(says, _job_row(OLD[:15], CheckOnly="true"), following="/services/data/v67.0/tooling/query/01g1-2000"),
        _records(says, _job_row(JOB, SourceDeployRequestId=OLD, ZipSize=0, CompletedDate="2026-05-04T10:01:00.000Z")),
    )
    assert org.deployments_since(SINCE.astimezone(timezone(timedelta(hours=2)))) == (
        DeployRequestRow(OLD, "Succeeded", True, SINCE.replace(second=5), None, "release@acme.test", 1000, None),
        DeployRequestRow(
            JOB, "Succeeded", False, SINCE.replace(second=5), SINCE.replace(minute=1), "release@acme.test", 0, OLD
        ),
    )
    first = urlsplit(scripted.heard[0].path)
    assert first.path == "/services/data/v67.0/tooling/query/"
    assert "FROM DeployRequest WHERE CreatedDate >= 2026-05-04T10:00:00Z" in parse_qs(first.query)["q"][0]
    assert scripted.heard[1].path == "/services/data/v67.0/tooling/query/01g1-2000"


FOUND = {
    "same size": ({"zip_size": 1000}, {}, True),
    "another size": ({"zip_size": 999}, {}, False),
    "size not told by the org": ({"zip_size": 999}, {"ZipSize": None}, True),
    "another user": ({}, {"CreatedById": "005000000000002AAA"}, False),
    "our user by 15 characters": ({}, {"CreatedById": USER[:15]}, True),
    "check-only": ({}, {"CheckOnly": True}, False),
    "known already": ({"not_ids": [JOB[:15]]}, {}, False),
    "the quick deployment of our validation": ({"validation_id": OLD[:15]}, {"SourceDeployRequestId": OLD}, True),
    "a quick deployment of another validation": ({"validation_id": OLD}, {"SourceDeployRequestId": JOB}, False),
    "a full deployment instead of a quick one": ({"validation_id": OLD}, {}, False),
    "a quick deployment instead of a full one": ({"zip_size": 1000}, {"SourceDeployRequestId": OLD}, False),
    "no row at all": ({}, None, False),
}


@pytest.mark.parametrize(("wanted", "row", "found"), FOUND.values(), ids=FOUND.keys())
def test_a_deployment_whose_answer_was_lost_is_found_again(scripted, says, org, wanted, row, found):
    """Ours is known by user, kind, source and size, and never taken twice."""
    scripted.plays(says.reply(200, USERINFO), _organization(says, sandbox=False))
    scripted.plays(_records(says, *([] if row is None else [_job_row(JOB, **row)])))
    assert org.find_deployment(since=SINCE, check_only=False, **wanted) == (JOB if found else None)
    assert "2026-05-04T09:59:00Z" in parse_qs(urlsplit(scripted.heard[2].path).query)["q"][0]


def test_of_several_lost_deployments_the_newest_is_taken(scripted, says, org):
    """An older twin belongs to an earlier attempt."""
    scripted.plays(says.reply(200, USERINFO), _organization(says, sandbox=False))
    scripted.plays(_records(says, _job_row(OLD), _job_row(JOB)))
    assert org.find_deployment(since=SINCE, check_only=False) == JOB


def test_the_audit_trail_is_read(scripted, says, org):
    """A row by the platform itself has nobody's name."""
    scripted.plays(
        _records(
            says,
            {"CreatedDate": "2026-05-04T10:00:05.000+0000", "CreatedBy": {"Username": "ann@acme.test"},
             "Action": "changedprofile", "Section": "Manage Users", "Display": "Changed Admin"},
            {"CreatedDate": "2026-05-04T10:00:06.000+0000", "CreatedBy": None, "Action": "x", "Section": None,
             "Display": "y"},
        )
    )  # fmt: skip
    assert org.changes_since(SINCE) == (
        AuditRow(SINCE.replace(second=5), "ann@acme.test", "changedprofile", "Manage Users", "Changed Admin"),
        AuditRow(SINCE.replace(second=6), "", "x", "", "y"),
    )


def test_a_history_row_without_its_date_makes_the_org_unavailable(scripted, says, org):
    """We do not guess when something happened."""
    scripted.plays(*[_records(says, _job_row(JOB, CreatedDate=None))] * 5)
    with pytest.raises(OrgUnavailable, match="CreatedDate"):
        org.deployments_since(SINCE)


def test_limits_coverage_and_pending_jobs_are_read(scripted, says, org):
    """Numbers as numbers or strings; no coverage before the first test run."""
    scripted.plays(
        says.reply(200, {"DailyApiRequests": {"Max": "15000", "Remaining": 14998}, "Odd": {"Ant": {"Max": 1}}}),
        _records(says, {"PercentCovered": 81}),
        _records(says),
        _records(
            says,
            {"Id": "707000000000001AAA", "JobType": "BatchApex", "Status": "Queued", "ApexClass": {"Name": "Nightly"}},
            {"Id": "707000000000002AAA", "JobType": "ScheduledApex", "Status": "Queued", "ApexClass": None},
        ),
    )
    assert org.limits() == {"DailyApiRequests": (15000, 14998)}
    assert org.org_wide_coverage() == 81
    assert org.org_wide_coverage() is None
    assert [(job.apex_class, job.kind, job.state) for job in org.pending_jobs()] == [
        ("Nightly", "BatchApex", "Queued"),
        ("", "ScheduledApex", "Queued"),
    ]


def _retrieved(says, inner: str):
    return says.soap(f"<checkRetrieveStatusResponse><result>{inner}</result></checkRetrieveStatusResponse>")


def _accepted(says):
    return says.soap(
        "<retrieveResponse><result><done>false</done><id>09S000000000001AAA</id></result></retrieveResponse>"
    )


def test_a_retrieve_asks_polls_and_brings_the_archive(scripted, says, org):
    """Names are escaped; the archive is asked for only when it is ready."""
    packed = base64.encodebytes(b"PK-the-archive" * 20).decode()
    scripted.plays(
        _accepted(says),
        _retrieved(says, "<done>false</done><status>Pending</status>"),
        _retrieved(says, "<done>true</done><status>Succeeded</status>"),
        _retrieved(
            says,
            "<done>true</done><status>Succeeded</status><fileProperties><fileName>unpackaged/classes/A.cls</fileName>"
            "<fullName>A</fullName><lastModifiedByName>Ann &amp; Bob</lastModifiedByName>"
            "<lastModifiedDate>2026-05-04T10:00:00.000Z</lastModifiedDate><type>ApexClass</type></fileProperties>"
            "<messages><fileName>package.xml</fileName><problem>Entity of type 'ApexClass' named 'B' cannot be found"
            f"</problem></messages><success>true</success><zipFile>{packed}</zipFile>",
        ),
    )
    got = org.retrieve({"Layout": ["A<&>B"], "ApexClass": ["B", "A"], "Flow": []})
    assert got.archive == b"PK-the-archive" * 20
    assert got.properties == (FileProperty("ApexClass", "A", "unpackaged/classes/A.cls", "Ann & Bob", SINCE),)
    assert got.messages == ("Entity of type 'ApexClass' named 'B' cannot be found",)
    sent = [one.body.decode() for one in scripted.heard]
    assert scripted.heard[0].path == "/services/Soap/m/67.0"
    assert (
        "<types><members>A</members><members>B</members><name>ApexClass</name></types>"
        "<types><members>A&lt;&amp;&gt;B</members><name>Layout</name></types><version>67.0</version>"
    ) in sent[0]
    assert [("<includeZip>true<" in body) for body in sent] == [False, False, False, True]


def test_a_retrieve_that_never_ends_is_given_up_with_its_job(scripted, says, org):
    """The sentence names the job that is still packing."""
    scripted.plays(_accepted(says), *[_retrieved(says, "<done>false</done>")] * 200)
    with pytest.raises(OrgUnavailable, match="09S000000000001AAA"):
        org.retrieve({"ApexClass": ["A"]})


@pytest.mark.parametrize(
    ("inner", "kind", "words"),
    [
        ("<status>Failed</status><errorStatusCode>EXCEEDED_QUOTA</errorStatusCode>", OrgRefused, "limit of the org"),
        ("<status>Failed</status><errorStatusCode>UNKNOWN_EXCEPTION</errorStatusCode>", OrgUnavailable, "stumbled"),
        ("<status>Failed</status><errorMessage>No access to X</errorMessage>", OrgRefused, "No access to X"),
        ("<status>Succeeded</status>", OrgUnavailable, "no archive"),
    ],
)
def test_a_retrieve_that_fails_says_why(scripted, says, org, inner, kind, words):
    """A failed packing is sorted by the same table as a failed call."""
    scripted.plays(_accepted(says), *[_retrieved(says, f"<done>true</done>{inner}")] * 2)
    with pytest.raises(kind, match=words):
        org.retrieve({"ApexClass": ["A"]})


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>down</body>",
        b"",
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        b"<Envelope><Body/></Envelope>",
        b"<Envelope><Body><describeMetadataResponse/></Body></Envelope>",
    ],
)
def test_xml_that_is_broken_or_hostile_is_not_read(scripted, says, org, body):
    """Entities are never resolved; the org counts as unavailable."""
    scripted.plays(*[says.reply(200, body, "text/xml")] * 5)
    with pytest.raises(OrgUnavailable):
        org.describe()


def test_a_soap_fault_is_sorted_like_a_rest_error(scripted, says, org):
    """The code without its prefix, the words without the code."""
    scripted.plays(says.fault("INSUFFICIENT_ACCESS", "use of the Metadata API requires a user with the right"))
    with pytest.raises(OrgRefused, match=r"\(INSUFFICIENT_ACCESS: use of the Metadata API") as refusal:
        org.describe()
    assert refusal.value.code == "INSUFFICIENT_ACCESS"


def test_components_and_kinds_are_listed(scripted, says, org):
    """Three types cost one call; kinds come with their children."""
    row = "<result><fileName>classes/{0}.cls</fileName><fullName>{0}</fullName><type>ApexClass</type></result>"
    scripted.plays(
        says.soap(f"<listMetadataResponse>{row.format('A')}{row.format('B')}</listMetadataResponse>"),
        says.soap("<listMetadataResponse/>"),
        says.soap(
            "<describeMetadataResponse><result><metadataObjects><childXmlNames>CustomField</childXmlNames>"
            "<childXmlNames>RecordType</childXmlNames><directoryName>objects</directoryName><inFolder>false</inFolder>"
            "<metaFile>false</metaFile><suffix>object</suffix><xmlName>CustomObject</xmlName></metadataObjects></result>"
            "</describeMetadataResponse>"
        ),
    )
    assert [one.name for one in org.list_metadata(["ApexClass", "ApexTrigger", "Flow", "Layout"])] == ["A", "B"]
    assert org.describe() == (
        MetadataType("CustomObject", "objects", "object", False, False, ("CustomField", "RecordType")),
    )
    assert org.calls == 3


def test_the_orgs_own_count_of_calls_costs_no_call(scripted, says, org):
    """Each REST answer tells how much of the day's budget is used."""
    assert org.api_usage is None
    scripted.plays(says.reply(200, LIMITS, headers={"Sforce-Limit-Info": "api-usage=18/15000"}))
    org.limits()
    assert org.api_usage == (18, 15000)


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("001A0000006Vm9r", "001A0000006Vm9rIAC"),
        ("0Af000000000001", "0Af000000000001CAA"),
        ("0Af000000000001CAA", "0Af000000000001CAA"),
        ("", ""),
    ],
)
def test_ids_are_completed_to_eighteen_characters(short, full):
    """The suffix is Salesforce's own; 001A0000006Vm9rIAC is a documented example."""
    assert full_id(short) == full


def test_an_org_is_called_by_its_title_with_its_host_beside_it() -> None:
    login = AccessTokenLogin(instance_url="http://127.0.0.1:9", access_token_env="T")
    org = connect(login, patience=HASTY, environ={"T": "a-token"}, title="PRODUCTION")
    with pytest.raises(OrgUnavailable, match=r"^PRODUCTION \(127\.0\.0\.1:9\) did not "):
        org.describe()
    org.close()
    nameless = connect(login, patience=HASTY, environ={"T": ""})
    with pytest.raises(OrgRefused, match=r"^We cannot log in to 127\.0\.0\.1:9: "):
        nameless.describe()
    nameless.close()
