"""Who stands in the queue, how long jobs take, how many calls a day has."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import requests

from bot.rehearsal.org import keeping
from bot.rehearsal.org.foreign import Foreign, foreign_deployment
from bot.rehearsal.org.jobs import progress_at
from bot.rehearsal.org.results import DeployOptions, Refusal
from bot.rehearsal.org.serve import RunningOrg
from bot.rehearsal.org.tables import answer
from tests.bot.rehearsal.org.org_bench import CLASS_META, Bench, apex, package
from tests.bot.rehearsal.org.test_org_rehearsal_controls import accept, control
from tests.bot.rehearsal.org.test_org_soap import call, fault

CLASS = "public class Greeter { public static Integer one() { return 1; } }"
TEST = "@IsTest private class GreeterTest { @IsTest static void one() { System.assertEquals(1, Greeter.one()); } }"
GREETER = apex(Greeter=CLASS, GreeterTest=TEST)
CAREFUL = DeployOptions(rollback_on_error=True, single_package=True)
ROOT = "/services/data/v66.0"
AHEAD = (
    "SELECT Id, Status, CreatedDate, StartDate, Type, ChangeSetName FROM DeployRequest "
    "WHERE Status IN ('Pending', 'InProgress')"
)


def rows(bench: Bench, text: str) -> list[dict[str, Any]]:
    found = answer(bench.org, text, ROOT, tooling=True)["records"]
    assert isinstance(found, list)
    return found


def theirs(bench: Bench, seconds: float = 600, **more: Any) -> str:
    return foreign_deployment(bench.org, Foreign(bench.org.users[1].id, seconds, **more)).id


def test_ours_waits_behind_somebody_elses(production: Bench) -> None:
    first = theirs(production)
    production.clock.advance(timedelta(seconds=1))
    ours = production.org.deploy(production.org.users[0].id, GREETER, CAREFUL)
    production.org.settle()
    waiting = rows(production, AHEAD + " ORDER BY CreatedDate")
    assert [(row["Id"], row["Status"]) for row in waiting] == [(first, "InProgress"), (ours.id, "Pending")]
    assert waiting[1]["StartDate"] is None
    before = f"{AHEAD} AND CreatedDate < {waiting[1]['CreatedDate'].replace('+0000', 'Z')}"
    assert [row["Id"] for row in rows(production, before)] == [first]
    production.clock.advance(timedelta(minutes=11))
    assert production.org.job(ours.id).status == "Succeeded"


def test_a_change_set_is_told_as_one(production: Bench) -> None:
    theirs(production, kind="Changeset", name="Quarter end")
    assert [(row["Type"], row["ChangeSetName"]) for row in rows(production, AHEAD)] == [("Changeset", "Quarter end")]


def test_a_foreign_deployment_voids_a_validation_when_it_ends(production: Bench) -> None:
    validation = production.validate(GREETER)
    theirs(production, kind="Changeset")
    production.org.settle()
    assert production.org.qualifies(validation)
    production.clock.advance(timedelta(minutes=11))
    production.org.settle()
    assert not production.org.qualifies(validation)


def test_a_foreign_check_only_run_voids_nothing(production: Bench) -> None:
    validation = production.validate(GREETER)
    theirs(production, check_only=True)
    production.clock.advance(timedelta(minutes=11))
    production.org.settle()
    assert production.org.qualifies(validation)


def test_a_foreign_deployment_brings_and_takes_what_it_names(production: Bench) -> None:
    files = {"classes/Helper.cls": b"public class Helper { }", "classes/Helper.cls-meta.xml": CLASS_META.encode()}
    theirs(production, seconds=0, files=files, doomed={"ApexClass": ["LegacyDiscount"]})
    production.org.settle()
    assert production.has("ApexClass", "Helper")
    assert not production.has("ApexClass", "LegacyDiscount")


@pytest.mark.parametrize(
    "body",
    [
        {"type": "Miracle"},
        {"seconds": -1},
        {"name": "Quarter end"},
        {"files": {"classes/X.cls": "public class X { }"}},
        {"delete": {"ApexClass": "X"}},
    ],
)
def test_a_foreign_deployment_that_cannot_be_is_told_in_a_sentence(served: RunningOrg, body: dict[str, Any]) -> None:
    found = control(served, "foreign-deployment", body)
    assert found.status_code == 400
    assert len(found.json()["error"]) > 10


def test_a_foreign_deployment_is_started_over_http(served: RunningOrg) -> None:
    body = {"by": "omar.developer", "seconds": 600, "type": "Changeset", "name": "Quarter end"}
    job_id = control(served, "foreign-deployment", body).json()["id"]
    found = control(served, "state").json()["deployments"][-1]
    assert (found["id"], found["status"], found["type"], found["createdByName"]) == (
        job_id,
        "InProgress",
        "Changeset",
        "Omar Haddad",
    )


def test_a_job_can_be_given_an_hour(production: Bench) -> None:
    production.org.settings.takes_seconds = 3600
    job = production.org.deploy(production.org.users[0].id, GREETER, CAREFUL)
    seen = []
    for _ in range(62):
        progress = progress_at(production.org.job(job.id), production.clock.now(), 66.0)
        seen.append((progress.status, progress.components, progress.tests))
        production.clock.advance(timedelta(minutes=1))
    states = [state for state, _, _ in seen]
    assert 58 <= states.index("Succeeded") <= 61
    assert states.count("Finalizing") in (2, 3)
    assert len({components for _, components, _ in seen}) > 1
    assert [tests for _, _, tests in seen] == sorted(tests for _, _, tests in seen)
    assert len({tests for _, _, tests in seen}) > 5


def test_the_length_of_jobs_is_set_over_http(served: RunningOrg, session: requests.Session) -> None:
    control(served, "settings", {"takes_seconds": 3600})
    accept(served, session)
    assert control(served, "state").json()["settings"]["takes_seconds"] == 3600
    assert control(served, "state").json()["deployments"][0]["status"] == "InProgress"
    control(served, "clock", {"advance_seconds": 3660})
    assert control(served, "state").json()["deployments"][0]["status"] == "Succeeded"
    control(served, "settings", {"takes_seconds": None})
    assert control(served, "state").json()["settings"]["takes_seconds"] is None


def test_the_calls_of_a_day_run_out_over_both_apis(served: RunningOrg, session: requests.Session) -> None:
    control(served, "settings", {"daily_requests": 2})
    url = f"{served.instance_url}{ROOT}/limits"
    first = session.get(url)
    assert first.json()["DailyApiRequests"] == {"Max": 2, "Remaining": 1}
    assert first.headers["Sforce-Limit-Info"] == "api-usage=1/2"
    assert call(served, "<describeMetadata/>").status_code == 200
    refused = session.get(url)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert fault(call(served, "<describeMetadata/>")) == "sf:REQUEST_LIMIT_EXCEEDED"


def test_a_new_day_has_new_calls(served: RunningOrg, session: requests.Session) -> None:
    control(served, "settings", {"daily_requests": 5, "requests_today": 5})
    url = f"{served.instance_url}{ROOT}/limits"
    assert session.get(url).status_code == 403
    control(served, "clock", {"advance_seconds": 86400})
    assert session.get(url).json()["DailyApiRequests"]["Remaining"] == 4


def test_the_rehearsals_own_door_costs_no_calls(served: RunningOrg, session: requests.Session) -> None:
    before = control(served, "state").json()["api_requests"]
    control(served, "export")
    assert control(served, "state").json()["api_requests"] == before


def test_what_was_asked_for_survives_a_restart(production: Bench) -> None:
    org = production.org
    theirs(production, seconds=3600, kind="Changeset", name="Quarter end")
    org.faults.ask_for("unavailable", None, "status")
    org.permit(org.users[0], ("AuthorApex",))
    org.budget.spend(production.clock.now())
    org.settings.takes_seconds = 60.0
    again = keeping.load(json.loads(json.dumps(keeping.dump(org))), production.clock)
    assert again.faults.pending == {"unavailable": "until called off"}
    assert again.faults.due("unavailable", "query") is None
    assert again.users[0].lacks == ("AuthorApex",)
    assert (again.budget, again.settings) == (org.budget, org.settings)
    job = again.jobs[0]
    assert (job.kind, job.change_set, job.takes_seconds) == ("Changeset", "Quarter end", 3600)
    production.clock.advance(timedelta(minutes=59))
    assert not again.job(job.id).done
    production.clock.advance(timedelta(minutes=2))
    assert again.job(job.id).status == "Succeeded"


def test_apex_that_a_job_holds_cannot_be_replaced(production: Bench) -> None:
    assert production.deploy(GREETER).status == "Succeeded"
    production.org.records["AsyncApexJob"] = [{"Status": "Queued", "ApexClass.Name": "Greeter"}]
    changed = apex(Greeter=CLASS.replace("return 1", "return 1 + 0"))
    job = production.deploy(changed)
    assert job.outcome is not None
    assert job.outcome.errors[0].problem == "This schedulable class has jobs pending or in progress"
    production.org.settings.deploy_with_pending_jobs = True
    assert production.deploy(changed).status == "Succeeded"


def test_a_method_is_no_test_class(sandbox: Bench) -> None:
    with pytest.raises(Refusal, match="not of methods"):
        sandbox.deploy(GREETER, test_level="RunSpecifiedTests", run_tests=("GreeterTest.one",))


@pytest.mark.parametrize(
    ("annotation", "runs"),
    [
        ("@IsTest", False),
        ("@IsTest(critical=true)", True),
        ("@IsTest(testFor='ApexClass:Greeter')", True),
        ("@IsTest(testFor='ApexClass:Greet')", False),
    ],
)
def test_annotations_make_a_test_relevant(sandbox: Bench, annotation: str, runs: bool) -> None:
    aside = f"{annotation} private class AsideTest {{ @IsTest static void two() {{ System.assertEquals(2, 1 + 1); }} }}"
    assert sandbox.deploy(apex(AsideTest=aside), test_level="NoTestRun").status == "Succeeded"
    job = sandbox.deploy(GREETER, test_level="RunRelevantTests")
    assert job.outcome is not None
    assert ("AsideTest" in {each.class_name for each in job.outcome.tests.outcomes}) is runs


def test_relevant_tests_must_cover_each_deployed_class(production: Bench) -> None:
    job = production.deploy(apex(Greeter=CLASS), test_level="RunRelevantTests")
    assert job.outcome is not None
    assert job.status == "Failed"
    assert [name for name, _ in job.outcome.tests.warnings] == ["Greeter"]


def test_a_test_of_a_deployed_trigger_is_relevant(sandbox: Bench) -> None:
    source = sandbox.files("ApexTrigger", "OpportunityTrigger")
    job = sandbox.deploy(package({"ApexTrigger": ["OpportunityTrigger"]}, source), test_level="RunRelevantTests")
    assert job.outcome is not None
    assert {each.class_name for each in job.outcome.tests.outcomes} >= {"OpportunityServiceTest"}


def test_production_ignores_purge_on_delete(production: Bench, sandbox: Bench) -> None:
    for bench in (production, sandbox):
        bench.deploy(GREETER, purge_on_delete=True)
    text = "SELECT PurgeOnDelete FROM DeployRequest"
    assert [rows(bench, text)[0]["PurgeOnDelete"] for bench in (production, sandbox)] == [False, True]


COLUMNS = {
    "DeployRequest": (
        "Id, Status, CheckOnly, CreatedDate, StartDate, CompletedDate, CreatedById, TestLevel, Type, ChangeSetName, "
        "SourceDeployRequestId, StateDetail, NumberComponentsTotal, NumberComponentsDeployed, NumberComponentErrors, "
        "NumberTestsTotal, NumberTestsCompleted, NumberTestErrors, NumberFiles, ZipSize, ErrorMessage, "
        "ErrorStatusCode, AbortRequested, RunTestsEnabled, PurgeOnDelete, RollbackOnError, "
        "SinglePackage, IgnoreWarnings"
    ),
    "ApexOrgWideCoverage": "PercentCovered",
    "ApexCodeCoverageAggregate": "ApexClassOrTriggerId, NumLinesCovered, NumLinesUncovered, CoverageLastModifiedDate",
    "ApexTestQueueItem": "Status, ApexClassId, ParentJobId, TestRunResultId",
    "ApexTestRunResult": "Status, ClassesEnqueued, ClassesCompleted, MethodsFailed, IsAllTests",
    "AsyncApexJob": "Status, JobType, ApexClassId",
    "PackageInstallRequest": "Status, SystemModstamp",
    "MetadataComponentDependency": "MetadataComponentName, RefMetadataComponentName, RefMetadataComponentType",
    "SourceMember": "MemberName, MemberType, RevisionCounter",
}


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_objects_for_readiness_have_their_columns(sandbox: Bench, name: str) -> None:
    sandbox.deploy(GREETER)
    sandbox.org.records.setdefault(name, []).append({"Status": "Queued"})
    assert rows(sandbox, f"SELECT {COLUMNS[name]} FROM {name}")


@pytest.mark.parametrize("name", ["AsyncApexJob", "PackageInstallRequest", "SourceMember"])
def test_a_misspelt_column_is_refused_even_without_rows(sandbox: Bench, name: str) -> None:
    with pytest.raises(Refusal, match="No such column"):
        rows(sandbox, f"SELECT Statsu FROM {name}")


def test_each_kind_of_org_lacks_what_is_the_others(production: Bench, sandbox: Bench) -> None:
    assert rows(production, "SELECT SandboxName, Status FROM SandboxProcess") == []
    for bench, name in ((production, "SourceMember"), (sandbox, "SandboxProcess")):
        with pytest.raises(Refusal, match="not supported"):
            rows(bench, f"SELECT Id FROM {name}")


def test_dependencies_say_who_refers_to_whom(sandbox: Bench) -> None:
    text = (
        "SELECT MetadataComponentName FROM MetadataComponentDependency "
        "WHERE RefMetadataComponentName = 'DiscountPolicy'"
    )
    assert "DiscountPolicyTest" in {row["MetadataComponentName"] for row in rows(sandbox, text)}
