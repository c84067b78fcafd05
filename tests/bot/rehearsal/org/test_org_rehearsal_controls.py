"""The rehearsal's own door: state, export, clock, changes by hand, faults, keeping."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.rehearsal.clock import MovableClock
from bot.rehearsal.org import keeping
from bot.rehearsal.org.exporting import export
from bot.rehearsal.org.results import DeployOptions
from bot.rehearsal.org.serve import RunningOrg, running
from tests.bot.rehearsal.org.org_bench import CLASS_META, Bench, apex

GREETER = apex(Greeter="public class Greeter { public static Integer one() { return 1; } }")


def control(org: RunningOrg, what: str, body: dict[str, Any] | None = None) -> requests.Response:
    url = f"{org.instance_url}/rehearsal/{what}"
    return requests.get(url, timeout=30) if body is None else requests.post(url, json=body, timeout=30)


def test_state_tells_what_a_panel_shows(served: RunningOrg) -> None:
    state = control(served, "state").json()
    assert state["kind"] == "production"
    assert {"type": "ApexClass", "fullName": "LegacyDiscount"}.items() <= next(
        row for row in state["components"] if row["fullName"] == "LegacyDiscount"
    ).items()
    assert state["tests"]["ran"] == 7
    assert state["flows"]["Opportunity_Follow_Up"][0]["status"] == "Active"


def test_two_orgs_of_the_same_content_export_the_same_bytes(production: Bench, sandbox: Bench) -> None:
    assert export(production.org, history=True) == export(sandbox.org, history=True)
    sandbox.deploy(GREETER)
    assert export(production.org, history=False) != export(sandbox.org, history=False)


def test_a_change_by_hand_is_somebody_elses(served: RunningOrg) -> None:
    source = "public class LegacyDiscount { public static Integer flatRate() { return 4; } }"
    answer = control(served, "change", {"type": "ApexClass", "fullName": "LegacyDiscount", "source": source})
    assert answer.json()["audit"]["display"] == "Changed Apex Class: LegacyDiscount"
    component = control(served, "component?type=ApexClass&fullName=LegacyDiscount").json()
    assert component["files"]["classes/LegacyDiscount.cls"] == source
    assert control(served, "state").json()["audit"][-1]["by"] == "Dana Whitfield"


def test_a_component_can_be_created_and_deleted_by_hand(served: RunningOrg) -> None:
    files = {"classes/Greeter.cls": "public class Greeter { }", "classes/Greeter.cls-meta.xml": CLASS_META}
    body = {"type": "ApexClass", "fullName": "Greeter", "by": "omar.developer"}
    assert control(served, "change", body | {"files": files}).status_code == 200
    assert control(served, "change", body | {"delete": True}).status_code == 200
    assert control(served, "component?type=ApexClass&fullName=Greeter").status_code == 404


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("change", {"type": "Sandwich", "fullName": "X", "source": ""}),
        ("change", {"type": "ApexClass", "fullName": "Ghost", "delete": True}),
        ("change", {"type": "ApexClass", "fullName": "DiscountPolicy", "by": "nobody", "source": ""}),
        ("change", {"type": "ApexClass", "fullName": "DiscountPolicy"}),
        ("change", {"type": "Layout", "fullName": "A-B", "files": {"layouts/A-B.layout": "<broken"}}),
        ("faults", {"kind": "earthquake"}),
        ("clock", {"set_at": "1999-01-01T00:00:00Z"}),
        ("clock", {"set_at": "soon"}),
        ("clock", {}),
        ("records", {"object": "Account", "count": 0}),
        ("nonsense", {}),
    ],
)
def test_a_mistake_is_told_in_a_sentence(served: RunningOrg, what: str, body: dict[str, Any]) -> None:
    answer = control(served, what, body)
    assert answer.status_code in (400, 404)
    assert len(answer.json()["error"]) > 10


def test_the_clock_can_be_moved(served: RunningOrg) -> None:
    before = served.org.clock.now()
    control(served, "clock", {"advance_seconds": 3600})
    assert served.org.clock.now() - before >= timedelta(hours=1)


def test_failed_jobs_can_be_made_up_for_a_probe(served: RunningOrg, session: requests.Session) -> None:
    control(served, "records", {"object": "AsyncApexJob", "count": 3, "fields": {"Status": "Failed"}})
    url = f"{served.instance_url}/services/data/v66.0/query"
    answer = session.get(url, params={"q": "SELECT COUNT() FROM AsyncApexJob WHERE Status = 'Failed'"})
    assert answer.json()["totalSize"] == 3


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("invalid_session", 401),
        ("unavailable", 503),
        ("api_420", 420),
        ("request_limit_exceeded", 403),
        ("unknown_exception", 500),
    ],
)
def test_a_fault_comes_as_often_as_asked(served: RunningOrg, session: requests.Session, kind: str, status: int) -> None:
    control(served, "faults", {"kind": kind, "count": 2})
    url = f"{served.instance_url}/services/data/v66.0/limits"
    assert [session.get(url).status_code for _ in range(3)] == [status, status, 200]


def accept(org: RunningOrg, session: requests.Session) -> requests.Response:
    settings = json.dumps({"deployOptions": {"rollbackOnError": True, "singlePackage": True}})
    parts = [("json", (None, settings, "application/json")), ("file", ("x.zip", GREETER, "application/zip"))]
    return session.post(f"{org.instance_url}/services/data/v66.0/metadata/deployRequest", files=parts)


def test_a_dropped_connection_loses_the_answer_not_the_deployment(
    served: RunningOrg, session: requests.Session
) -> None:
    control(served, "faults", {"kind": "drop_connection"})
    with pytest.raises(requests.ConnectionError):
        accept(served, session)
    assert [row["status"] for row in control(served, "state").json()["deployments"]] == ["Succeeded"]
    assert accept(served, session).status_code == 201


def test_a_truncated_answer_cannot_be_read(served: RunningOrg, session: requests.Session) -> None:
    control(served, "faults", {"kind": "truncated_body"})
    with pytest.raises(requests.RequestException):
        _ = session.get(f"{served.instance_url}/services/data/v66.0/limits").json()


def test_the_edge_of_pending_fails_one_poll(served: RunningOrg, session: requests.Session) -> None:
    job_id = accept(served, session).json()["id"]
    control(served, "faults", {"kind": "invalid_cross_reference_key"})
    url = f"{served.instance_url}/services/data/v66.0/metadata/deployRequest/{job_id}"
    first = session.get(url)
    assert (first.status_code, first.json()[0]["errorCode"]) == (500, "INVALID_CROSS_REFERENCE_KEY")
    assert session.get(url).status_code == 200


def test_the_token_looks_like_salesforces(served: RunningOrg) -> None:
    import re

    assert re.fullmatch(r"00D\w{12,15}![\w.]+", served.access_token)
    assert len(served.org_id) == 18


def test_an_org_in_a_folder_survives_a_restart(tmp_path: Path) -> None:
    with running("sandbox", folder=tmp_path, pace=0.0) as org:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {org.access_token}"
            job_id = accept(org, session).json()["id"]
            control(org, "state")
        told = control(org, f"deployments/{job_id}").json()
        before, token = export(org.org, history=True), org.access_token
    with running("sandbox", folder=tmp_path, pace=0.0) as org:
        assert export(org.org, history=True) == before
        assert org.access_token == token
        deployment = control(org, f"deployments/{job_id}").json()
        assert deployment == told
        assert (deployment["status"], deployment["numberComponentsDeployed"]) == ("Succeeded", 1)
        assert deployment["details"]["componentSuccesses"][1]["created"] is True


def test_a_job_under_way_goes_on_after_a_restart(slow: Bench) -> None:
    validation = slow.org.deploy(
        slow.org.users[0].id,
        GREETER,
        DeployOptions(check_only=True, rollback_on_error=True, single_package=True, test_level="RunLocalTests"),
    )
    slow.clock.advance(timedelta(minutes=45))
    assert slow.org.job(validation.id).status == "InProgress"
    again = Bench(keeping.load(json.loads(json.dumps(keeping.dump(slow.org))), slow.clock), slow.clock)
    assert again.org.job(validation.id).status == "InProgress"
    slow.clock.advance(timedelta(days=1))
    done = again.org.job(validation.id)
    assert done.status == "Succeeded"
    quick = again.org.quick_deploy(again.org.users[0].id, done.id)
    slow.clock.advance(timedelta(days=1))
    assert again.org.job(quick.id).status == "Succeeded"
    assert again.has("ApexClass", "Greeter")


def test_a_file_of_another_format_is_refused(clock: MovableClock) -> None:
    with pytest.raises(ValueError, match="start a new rehearsal folder"):
        keeping.load({"format": 99}, clock)
