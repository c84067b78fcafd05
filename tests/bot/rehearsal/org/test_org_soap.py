"""The SOAP Metadata API: recorded envelopes of several clients, zeep on Salesforce's own WSDL."""

from __future__ import annotations

import base64
import io
import zipfile
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
import requests
import simple_salesforce
import zeep
from defusedxml.ElementTree import fromstring

from bot.rehearsal.org.serve import RunningOrg
from tests.bot.rehearsal.org.org_bench import apex, package

MET = "{http://soap.sforce.com/2006/04/metadata}"
GREETER = apex(Greeter="public class Greeter { }")
OPTIONS = "<rollbackOnError>true</rollbackOnError><singlePackage>true</singlePackage>"


def call(org: RunningOrg, body: str, *, path: str = "m/66.0", token: str | None = None) -> requests.Response:
    """The way jsforce writes its envelopes: default namespace on the operation, an empty SOAPAction."""
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<soapenv:Header xmlns="http://soap.sforce.com/2006/04/metadata">'
        f"<SessionHeader><sessionId>{token or org.access_token}</sessionId></SessionHeader></soapenv:Header>"
        f'<soapenv:Body xmlns="http://soap.sforce.com/2006/04/metadata">{body}</soapenv:Body></soapenv:Envelope>'
    )
    headers = {"Content-Type": "text/xml", "SOAPAction": '""'}
    return requests.post(f"{org.instance_url}/services/Soap/{path}", data=text.encode(), headers=headers, timeout=10)


def result(answer: requests.Response) -> Element:
    assert answer.status_code == 200, answer.text
    found = next(iter(fromstring(answer.content).iter(f"{MET}result")))
    assert isinstance(found, Element)
    return found


def text(element: Element, path: str) -> str | None:
    return element.findtext("/".join(MET + name for name in path.split("/")))


def fault(answer: requests.Response) -> str:
    assert answer.status_code == 500
    return fromstring(answer.content).findtext(".//faultcode") or ""


def deploy(org: RunningOrg, archive: bytes = GREETER, options: str = OPTIONS, **where: str) -> str:
    text64 = base64.encodebytes(archive).decode()
    body = f"<deploy><ZipFile>{text64}</ZipFile><DeployOptions>{options}</DeployOptions></deploy>"
    accepted = result(call(org, body, **where))
    assert text(accepted, "state") == "Queued"
    assert text(accepted, "done") == "false"
    return text(accepted, "id") or ""


def check(org: RunningOrg, job_id: str) -> Element:
    asked = f"<asyncProcessId>{job_id}</asyncProcessId><includeDetails>true</includeDetails>"
    return result(call(org, f"<checkDeployStatus>{asked}</checkDeployStatus>"))


def test_deploy_then_status(served: RunningOrg) -> None:
    status = check(served, deploy(served))
    assert text(status, "status") == "Succeeded"
    assert text(status, "details/runTestResult/numTestsRun") == "7"


@pytest.mark.parametrize(
    "path", ["m/59.0/deployRequest", "m/62.0/", "m/62.0/00D000000000001AAA", "m/60.0/deployRequest/0Af1"]
)
def test_whatever_follows_the_version_is_ignored(served: RunningOrg, path: str) -> None:
    assert deploy(served, path=path).startswith("0Af")


def test_stray_text_and_capital_booleans_are_taken(served: RunningOrg) -> None:
    """simple-salesforce writes `None` between the options and Python's own booleans."""
    options = (
        "<checkOnly>True</checkOnly>None<rollbackOnError>TRUE</rollbackOnError>None<singlePackage>True</singlePackage>"
    )
    assert text(check(served, deploy(served, options=options)), "checkOnly") == "true"


def test_children_come_in_alphabetical_order(served: RunningOrg) -> None:
    names = [child.tag.removeprefix(MET) for child in check(served, deploy(served))]
    assert names == sorted(names)


@pytest.mark.parametrize("name", ["String", "id"])
def test_cancel_takes_both_spellings(served: RunningOrg, name: str) -> None:
    served.org.settings.pace = 100.0
    job_id = deploy(served)
    assert text(result(call(served, f"<cancelDeploy><{name}>{job_id}</{name}></cancelDeploy>")), "id") == job_id


def test_quick_deploy_answers_the_new_id_as_text(served: RunningOrg) -> None:
    validation = deploy(served, options=OPTIONS + "<checkOnly>true</checkOnly><testLevel>RunLocalTests</testLevel>")
    assert text(check(served, validation), "status") == "Succeeded"
    body = f"<deployRecentValidation><validationId>{validation}</validationId></deployRecentValidation>"
    new = result(call(served, body)).text
    assert new is not None
    assert new != validation
    assert fault(call(served, body)) == "sf:INVALID_ID_FIELD"


@pytest.mark.parametrize("name", ["retrieveRequest", "request"])
def test_retrieve_takes_both_spellings(served: RunningOrg, name: str) -> None:
    types = "<types><members>DiscountPolicy</members><members>Ghost</members><name>ApexClass</name></types>"
    wanted = f"<unpackaged>{types}<version>62.0</version></unpackaged>"
    accepted = result(call(served, f"<retrieve><{name}><apiVersion>62.0</apiVersion>{wanted}</{name}></retrieve>"))
    retrieve_id = text(accepted, "id")
    assert (
        text(
            result(call(served, f"<checkStatus><asyncProcessId>{retrieve_id}</asyncProcessId></checkStatus>")), "state"
        )
        == "Completed"
    )
    done = result(
        call(served, f"<checkRetrieveStatus><asyncProcessId>{retrieve_id}</asyncProcessId></checkRetrieveStatus>")
    )
    archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(text(done, "zipFile") or "")))
    assert archive.namelist() == [
        "unpackaged/classes/DiscountPolicy.cls",
        "unpackaged/classes/DiscountPolicy.cls-meta.xml",
        "unpackaged/package.xml",
    ]
    assert text(done, "messages/problem") == "Entity of type 'ApexClass' named 'Ghost' cannot be found"


def retrieved(org: RunningOrg, **types: list[str]) -> dict[str, bytes]:
    rows = "".join(
        f"<types>{''.join(f'<members>{m}</members>' for m in names)}<name>{kind}</name></types>"
        for kind, names in types.items()
    )
    accepted = result(
        call(
            org,
            f"<retrieve><request><singlePackage>true</singlePackage><unpackaged>{rows}</unpackaged></request></retrieve>",
        )
    )
    done = result(
        call(org, f"<checkRetrieveStatus><asyncProcessId>{text(accepted, 'id')}</asyncProcessId></checkRetrieveStatus>")
    )
    archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(text(done, "zipFile") or "")))
    return {name: archive.read(name) for name in archive.namelist()}


def test_a_retrieved_field_brings_nothing_else_of_its_object(served: RunningOrg) -> None:
    text_ = retrieved(served, CustomField=["Account.Tier__c"])["objects/Account.object"]
    assert b"Tier__c" in text_
    assert b"Region__c" not in text_


def test_a_profile_brings_only_what_was_asked_for_beside_it(served: RunningOrg) -> None:
    alone = retrieved(served, Profile=["Admin"])["profiles/Admin.profile"]
    beside = retrieved(served, Profile=["Admin"], ApexClass=["DiscountPolicy"])["profiles/Admin.profile"]
    assert b"DiscountPolicy" not in alone
    assert b"AuthorApex" in alone
    assert b"DiscountPolicy" in beside


def test_what_was_retrieved_can_be_deployed_without_changing_anything(served: RunningOrg) -> None:
    kinds = (
        "ApexClass",
        "ApexTrigger",
        "CustomObject",
        "Layout",
        "Flow",
        "PermissionSet",
        "CustomLabels",
        "StaticResource",
        "CustomTab",
        "LightningComponentBundle",
        "GlobalValueSet",
        "Settings",
        "CustomApplication",
    )
    files = retrieved(
        served, **{kind: ["*"] for kind in kinds}, CustomField=["Account.Tier__c", "Opportunity.Discount__c"]
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    status = check(served, deploy(served, buffer.getvalue()))
    assert text(status, "status") == "Succeeded"
    rows = [row for row in status.iter(f"{MET}componentSuccesses") if text(row, "componentType")]
    assert len(rows) > 20
    assert {text(row, "changed") for row in rows} == {"false"}


def test_list_and_describe(served: RunningOrg) -> None:
    answer = call(
        served, "<listMetadata><queries><type>ApexClass</type></queries><asOfVersion>62.0</asOfVersion></listMetadata>"
    )
    names = [text(row, "fullName") for row in fromstring(answer.content).iter(f"{MET}result")]
    assert "DiscountPolicy" in names
    kinds = [
        text(row, "xmlName")
        for row in result(call(served, "<describeMetadata><asOfVersion>62.0</asOfVersion></describeMetadata>"))
    ]
    assert {"ApexClass", "CustomObject", "Flow", "LightningComponentBundle"} <= set(kinds)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            "<checkDeployStatus><asyncProcessId>0Af000000000001AAA</asyncProcessId></checkDeployStatus>",
            "sf:INVALID_CROSS_REFERENCE_KEY",
        ),
        (
            "<deployRecentValidation><validationId>0Af000000000001AAA</validationId></deployRecentValidation>",
            "sf:INVALID_ID_FIELD",
        ),
        ("<listMetadata><queries><type>Sandwich</type></queries></listMetadata>", "sf:INVALID_TYPE"),
        ("<deploy><ZipFile>???</ZipFile></deploy>", "sf:INVALID_FIELD"),
        ("<makeCoffee/>", "soapenv:Client"),
        ("", "soapenv:Client"),
        ("<broken", "soapenv:Client"),
    ],
)
def test_faults_name_their_code(served: RunningOrg, body: str, code: str) -> None:
    assert fault(call(served, body)) == code


def test_a_wrong_session_is_a_fault(served: RunningOrg) -> None:
    assert fault(call(served, "<describeMetadata/>", token="00D000000000001!AQwrong")) == "sf:INVALID_SESSION_ID"


def test_soap_login_is_gone(served: RunningOrg) -> None:
    assert fault(call(served, "<login/>", path="u/62.0")) == "sf:INVALID_OPERATION"


@pytest.fixture
def wsdl_service(served: RunningOrg) -> Any:
    """zeep in its strict mode on simple-salesforce's WSDL: order, types, enumerations are all checked."""
    path = Path(simple_salesforce.__file__).with_name("metadata.wsdl")
    client = zeep.Client(path.as_uri(), settings=zeep.Settings(strict=True))
    binding = "{http://soap.sforce.com/2006/04/metadata}MetadataBinding"
    service = client.create_service(binding, f"{served.instance_url}/services/Soap/m/63.0/")
    header = client.get_element("ns0:SessionHeader")(sessionId=served.access_token)
    client.set_default_soapheaders([header])
    return service


def test_zeep_accepts_everything_a_deployment_says(wsdl_service: Any) -> None:
    failing = "@IsTest private class GreeterTest { @IsTest static void one() { System.assertEquals(1, 2); } }"
    for archive in (GREETER, apex(GreeterTest=failing), package(post={"ApexClass": ["OpportunityService"]}), b"junk"):
        options = {
            "allowMissingFiles": False,
            "autoUpdatePackage": False,
            "checkOnly": True,
            "ignoreWarnings": True,
            "performRetrieve": False,
        }
        options |= {
            "purgeOnDelete": False,
            "rollbackOnError": True,
            "singlePackage": True,
            "testLevel": "RunLocalTests",
        }
        accepted = wsdl_service.deploy(archive, options)
        status = wsdl_service.checkDeployStatus(
            accepted["body"]["result"].id if "body" in accepted else accepted.id, True
        )
        status = status["body"]["result"] if "body" in status else status
        assert status.status in ("Succeeded", "Failed")
        assert status.details.runTestResult.numTestsRun in (0, 7, 8)


def test_zeep_accepts_retrieve_list_and_describe(wsdl_service: Any) -> None:
    def unwrapped(answer: Any) -> Any:
        return answer["body"]["result"] if "body" in answer else answer

    request = {
        "apiVersion": 62.0,
        "singlePackage": True,
        "unpackaged": {"types": [{"members": ["*"], "name": "ApexClass"}], "version": "62.0"},
    }
    accepted = unwrapped(wsdl_service.retrieve(request))
    done = unwrapped(wsdl_service.checkRetrieveStatus(accepted.id, True))
    assert done.status == "Succeeded"
    assert zipfile.is_zipfile(io.BytesIO(done.zipFile))
    listed = unwrapped(wsdl_service.listMetadata([{"type": "ApexClass"}], 62.0))
    assert "DiscountPolicy" in [row.fullName for row in listed]
    assert unwrapped(wsdl_service.describeMetadata(62.0)).partialSaveAllowed is True
