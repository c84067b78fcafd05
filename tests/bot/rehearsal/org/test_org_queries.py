"""The small SOQL subset, the records behind it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.rehearsal.org.results import Refusal
from bot.rehearsal.org.tables import answer
from tests.bot.rehearsal.org.org_bench import Bench, apex

ROOT = "/services/data/v66.0"


def ask(bench: Bench, text: str, *, tooling: bool = False) -> list[dict[str, object]]:
    found = answer(bench.org, text, ROOT, tooling=tooling)["records"]
    assert isinstance(found, list)
    return found


def test_an_org_says_what_it_is(production: Bench, sandbox: Bench) -> None:
    text = (
        "SELECT Name, InstanceName, IsSandbox, TrialExpirationDate, NamespacePrefix, OrganizationType FROM Organization"
    )
    assert ask(production, text)[0]["IsSandbox"] is False
    assert ask(sandbox, text)[0]["IsSandbox"] is True


def test_records_carry_their_attributes(production: Bench) -> None:
    row = ask(production, "select id from User limit 1")[0]
    assert row["attributes"] == {"type": "User", "url": f"{ROOT}/sobjects/User/{row['Id']}"}


def test_conditions_order_and_limit(production: Bench) -> None:
    text = (
        "SELECT Name FROM ApexClass WHERE (Name LIKE 'Disc%' OR Name = 'legacydiscount') "
        "AND Name != 'DiscountPolicy' ORDER BY Name DESC LIMIT 5"
    )
    assert [row["Name"] for row in ask(production, text)] == ["LegacyDiscount", "DiscountPolicyTest"]


def test_dates_compare_as_instants(production: Bench) -> None:
    production.deploy(apex(Greeter="public class Greeter { }"))
    since = (production.clock.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = "SELECT Action, CreatedBy.Username FROM SetupAuditTrail WHERE CreatedDate > "
    found = ask(production, text + since)
    assert [row["Action"] for row in found] == ["createdApexClass"]
    assert found[0]["CreatedBy"] == {"attributes": {"type": "User"}, "Username": production.org.users[0].username}
    assert ask(production, text + "2099-01-01T00:00:00Z") == []


def test_deployments_can_be_found_by_size_and_author(production: Bench) -> None:
    job = production.validate(apex(Greeter="public class Greeter { }"))
    where = f"CreatedById = '{job.by[:15]}' AND ZipSize = {job.zip_size}"
    text = f"SELECT Id, Status, CheckOnly, ZipSize FROM DeployRequest WHERE {where}"
    row = ask(production, text, tooling=True)[0]
    assert (row["Id"], row["Status"], row["CheckOnly"]) == (job.id, "Succeeded", True)


def test_a_quick_deploy_names_its_validation(production: Bench) -> None:
    validation = production.validate(apex(Greeter="public class Greeter { }"))
    production.org.quick_deploy(production.org.users[0].id, validation.id)
    text = "SELECT SourceDeployRequestId FROM DeployRequest WHERE SourceDeployRequestId != null"
    assert [row["SourceDeployRequestId"] for row in ask(production, text, tooling=True)] == [validation.id]


def test_counts(production: Bench) -> None:
    assert answer(production.org, "SELECT COUNT() FROM Opportunity", ROOT, tooling=False)["totalSize"] == 62
    rows = ask(production, "SELECT Status, COUNT(Id) FROM ApexClass GROUP BY Status")
    assert rows == [{"attributes": {"type": "AggregateResult"}, "Status": "Active", "expr0": 5}]


def test_coverage_is_what_the_tests_reached(production: Bench) -> None:
    assert ask(production, "SELECT PercentCovered FROM ApexOrgWideCoverage", tooling=True)[0]["PercentCovered"] == 95
    text = "SELECT NumLinesUncovered FROM ApexCodeCoverageAggregate WHERE ApexClassOrTrigger.Name = 'LegacyDiscount'"
    assert ask(production, text, tooling=True)[0]["NumLinesUncovered"] == 1


def test_flow_versions_are_told(production: Bench) -> None:
    assert ask(production, "SELECT ApiName, VersionNumber, IsActive FROM FlowDefinitionView")[0]["VersionNumber"] == 1
    assert ask(production, "SELECT VersionNumber, Status FROM FlowVersionView")[0]["Status"] == "Active"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT Id FROM ScratchOrgInfo LIMIT 1", "INVALID_TYPE"),
        ("SELECT Id FROM Nonsense__c", "INVALID_TYPE"),
        ("SELECT Nonsense FROM Organization", "INVALID_FIELD"),
        ("SELECT Id FROM Organization WHERE Nonsense = 1", "INVALID_FIELD"),
        ("SELEC Id FROM Organization", "MALFORMED_QUERY"),
        ("SELECT Id FROM", "MALFORMED_QUERY"),
        ("SELECT Id FROM Organization WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Organization LIMIT", "MALFORMED_QUERY"),
        ("SELECT Id FROM Organization LIMIT x", "MALFORMED_QUERY"),
        ("SELECT Id FROM Organization garbage here", "MALFORMED_QUERY"),
        ("SELECT Id; DROP", "MALFORMED_QUERY"),
        ("", "MALFORMED_QUERY"),
    ],
)
def test_a_query_that_cannot_be_answered_says_why(production: Bench, text: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        ask(production, text)
    assert refused.value.code == code
    assert refused.value.status == 400
