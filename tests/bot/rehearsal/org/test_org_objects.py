"""The objects that tell whether an org is ready, with their columns."""

from __future__ import annotations

from typing import Any

import pytest

from bot.rehearsal.org.dependencies import dependencies
from bot.rehearsal.org.references import referrers
from bot.rehearsal.org.results import Refusal
from bot.rehearsal.org.tables import answer
from bot.rehearsal.packages import sample_package
from tests.bot.rehearsal.org.org_bench import Bench, apex

ROOT = "/services/data/v66.0"
GREETER = apex(Greeter="public class Greeter { }")


def rows(bench: Bench, text: str) -> list[dict[str, Any]]:
    found = answer(bench.org, text, ROOT, tooling=True)["records"]
    assert isinstance(found, list)
    return found


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
    policy = sandbox.org.inventory.get("ApexClass", "DiscountPolicy")
    text = f"SELECT MetadataComponentName FROM MetadataComponentDependency WHERE RefMetadataComponentId = '{policy.id}'"
    assert "DiscountPolicyTest" in {row["MetadataComponentName"] for row in rows(sandbox, text)}


@pytest.mark.parametrize(
    ("ending", "refusal"),
    [
        ("WHERE RefMetadataComponentName = 'DiscountPolicy'", "can not be filtered"),
        ("WHERE MetadataComponentName != 'X'", "can not be filtered"),
        ("WHERE RefMetadataComponentType IN ('ApexClass')", "only =, != are supported"),
        ("WHERE RefMetadataComponentType LIKE 'Apex%'", "only =, != are supported"),
        ("ORDER BY MetadataComponentId", "no ORDER BY"),
        ("LIMIT 5 OFFSET 5", "no ORDER BY, OFFSET"),
    ],
)
def test_dependencies_are_asked_for_by_id_and_type_alone(sandbox: Bench, ending: str, refusal: str) -> None:
    """Tooling API Developer Guide, MetadataComponentDependency, "Limitations"."""
    with pytest.raises(Refusal, match=refusal):
        rows(sandbox, f"SELECT MetadataComponentName FROM MetadataComponentDependency {ending}")


def test_dependencies_are_exactly_what_stops_a_deletion(sandbox: Bench) -> None:
    """They are found by way of an index of words, which must not lose any."""
    sandbox.deploy(sample_package("mended"), test_level="NoTestRun")
    inventory = sandbox.org.inventory
    told = {(row["MetadataComponentId"], row["RefMetadataComponentId"]) for row in dependencies(sandbox.org.inventory)}
    stopping = {
        (each.id, referred.id)
        for referred in inventory.components.values()
        for each in referrers(inventory, referred.type, referred.name)
    }
    assert told == stopping
    assert len(told) > 20
