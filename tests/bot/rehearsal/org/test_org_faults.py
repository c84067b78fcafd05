"""Faults on demand: how often, for which operation, until called off."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.rehearsal.org.faults import ANSWERS, KINDS
from bot.rehearsal.org.serve import RunningOrg
from tests.bot.rehearsal.org.org_bench import Bench, apex
from tests.bot.rehearsal.org.test_org_rehearsal_controls import accept, control
from tests.bot.rehearsal.org.test_org_soap import call, fault

GREETER = apex(Greeter="public class Greeter { }")
DESCRIBE = "<describeMetadata><asOfVersion>62.0</asOfVersion></describeMetadata>"


def arm(org: RunningOrg, kind: str, **more: Any) -> None:
    answer = control(org, "faults", {"kind": kind, **more})
    assert answer.status_code == 200, answer.text


def get(org: RunningOrg, session: requests.Session, path: str, **more: Any) -> requests.Response:
    return session.get(f"{org.instance_url}/services/data/v66.0/{path}", **more)


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_each_kind_of_answer_comes_over_rest_with_its_code(
    served: RunningOrg, session: requests.Session, kind: str
) -> None:
    status, code, text = ANSWERS[kind]
    arm(served, kind, only="query")
    answer = get(served, session, "query", params={"q": "SELECT Id FROM Organization"})
    assert answer.status_code == status
    if code:
        assert answer.json() == [{"errorCode": code, "message": text}]
    else:
        assert answer.headers["content-type"].startswith("text/html")


def test_faults_come_over_soap_as_faults(served: RunningOrg) -> None:
    arm(served, "api_disabled")
    assert fault(call(served, DESCRIBE)) == "sf:API_DISABLED_FOR_ORG"
    arm(served, "bad_gateway")
    assert call(served, DESCRIBE).status_code == 502
    assert call(served, DESCRIBE).status_code == 200


def test_a_fault_can_hit_one_operation_only(served: RunningOrg, session: requests.Session) -> None:
    arm(served, "unavailable", only="status")
    accepted = accept(served, session)
    assert accepted.status_code == 201
    status = f"metadata/deployRequest/{accepted.json()['id']}"
    assert [get(served, session, status).status_code for _ in range(2)] == [503, 200]


@pytest.mark.parametrize(
    ("only", "body"),
    [
        ("retrieve", "<retrieve><request><unpackaged/></request></retrieve>"),
        ("retrieve", "<checkRetrieveStatus><asyncProcessId>09S</asyncProcessId></checkRetrieveStatus>"),
        ("deploy", "<deploy><ZipFile/></deploy>"),
        ("status", "<checkDeployStatus><asyncProcessId>0Af</asyncProcessId></checkDeployStatus>"),
        ("cancel", "<cancelDeploy><String>0Af</String></cancelDeploy>"),
    ],
)
def test_soap_calls_are_known_by_their_operation(served: RunningOrg, only: str, body: str) -> None:
    arm(served, "concurrent_limit", only=only)
    assert call(served, DESCRIBE).status_code == 200
    assert fault(call(served, body)) == "sf:REQUEST_LIMIT_EXCEEDED"


def test_a_fault_lasts_until_it_is_called_off(served: RunningOrg, session: requests.Session) -> None:
    arm(served, "unavailable", count="until called off")
    assert {get(served, session, "limits").status_code for _ in range(5)} == {503}
    assert control(served, "state").json()["faults"] == {"unavailable": "until called off"}
    arm(served, "unavailable", count=0)
    assert get(served, session, "limits").status_code == 200


def test_all_faults_can_be_called_off_at_once(served: RunningOrg, session: requests.Session) -> None:
    arm(served, "unavailable", count=3)
    arm(served, "maintenance", count=3)
    assert control(served, "faults", {"clear": True}).json()["pending"] == {}
    assert get(served, session, "limits").status_code == 200


def test_who_asks_who_he_is_meets_the_fault_as_it_is(served: RunningOrg, session: requests.Session) -> None:
    arm(served, "unavailable")
    url = f"{served.instance_url}/services/oauth2/userinfo"
    assert [session.get(url).status_code for _ in range(2)] == [503, 200]


def test_maintenance_stops_deployments_not_questions(served: RunningOrg, session: requests.Session) -> None:
    arm(served, "maintenance", count="until called off")
    assert get(served, session, "limits").status_code == 200
    refused = accept(served, session)
    assert refused.json()[0]["errorCode"] == "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"
    assert control(served, "state").json()["deployments"] == []


def test_a_login_is_hit_only_when_it_is_named(served: RunningOrg) -> None:
    url, form = f"{served.instance_url}/services/oauth2/token", {"grant_type": "client_credentials"}
    form |= {"client_id": "a", "client_secret": "b"}
    arm(served, "unavailable")
    assert requests.post(url, data=form, timeout=30).status_code == 200
    arm(served, "gateway_timeout", only="login")
    assert [requests.post(url, data=form, timeout=30).status_code for _ in range(2)] == [504, 200]


def test_a_connection_dropped_before_accepting_leaves_no_job(served: RunningOrg, session: requests.Session) -> None:
    arm(served, "drop_before_accepting")
    with pytest.raises(requests.ConnectionError):
        accept(served, session)
    assert control(served, "state").json()["deployments"] == []
    assert accept(served, session).status_code == 201


def test_an_org_can_be_out_of_reach_for_everybody(served: RunningOrg, session: requests.Session) -> None:
    arm(served, "drop_before_accepting", only="any", count="until called off")
    with pytest.raises(requests.ConnectionError):
        get(served, session, "limits")
    with pytest.raises(requests.ConnectionError):
        session.post(f"{served.instance_url}/services/oauth2/token", data={"grant_type": "client_credentials"})
    arm(served, "drop_before_accepting", count=0)
    assert get(served, session, "limits").status_code == 200


def test_an_answer_is_withheld_though_the_job_was_begun(served: RunningOrg, session: requests.Session) -> None:
    arm(served, "answer_withheld", only="deploy", seconds=30)
    session.request = _impatient(session)  # type: ignore[method-assign]
    with pytest.raises(requests.Timeout):
        accept(served, session)
    assert len(control(served, "state").json()["deployments"]) == 1


def _impatient(session: requests.Session) -> Any:
    usual = session.request
    return lambda *given, **named: usual(*given, **(named | {"timeout": 0.5}))


def test_a_withheld_answer_ends_in_a_dropped_connection(served: RunningOrg, session: requests.Session) -> None:
    arm(served, "answer_withheld", only="query", seconds=0.3)
    begun = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        get(served, session, "query", params={"q": "SELECT Id FROM Organization"})
    assert time.monotonic() - begun >= 0.3


def test_an_answer_can_be_unreadable_though_it_says_200(served: RunningOrg, session: requests.Session) -> None:
    arm(served, "unreadable_body", only="deploy")
    answer = accept(served, session)
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/html")
    assert len(control(served, "state").json()["deployments"]) == 1


def test_any_answer_can_be_lost_after_the_call_was_carried_out(served: RunningOrg, session: requests.Session) -> None:
    arm(served, "drop_connection", only="query")
    assert accept(served, session).status_code == 201
    with pytest.raises(requests.ConnectionError):
        get(served, session, "query", params={"q": "SELECT Id FROM Organization"})


def test_a_sharing_recalculation_fails_the_whole_deployment_once(production: Bench) -> None:
    production.org.faults.ask_for("sharing_recalculation")
    job = production.deploy(GREETER)
    assert job.outcome is not None
    assert job.status == "Failed"
    assert "interferes with another operation" in str(job.outcome.error_message)
    assert production.deploy(GREETER).status == "Succeeded"


def test_finalizing_can_fail_with_nothing_changed(production: Bench) -> None:
    production.org.faults.ask_for("finalizing_failed")
    assert production.deploy(GREETER).status == "FinalizingFailed"
    assert not production.has("ApexClass", "Greeter")


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "unavailable", "only": "lunch"},
        {"kind": "already_in_process", "only": "query"},
        {"kind": "unavailable", "count": "often"},
    ],
)
def test_a_fault_that_cannot_be_is_told_in_a_sentence(served: RunningOrg, body: dict[str, Any]) -> None:
    answer = control(served, "faults", body)
    assert answer.status_code == 400
    assert len(answer.json()["error"]) > 10


def test_every_kind_stands_in_the_document() -> None:
    text = (Path(__file__).parents[4] / "docs" / "rehearsal-api.md").read_text()
    assert [kind for kind in KINDS if f"`{kind}`" not in text] == []
