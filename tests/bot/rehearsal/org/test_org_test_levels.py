"""Which tests a deployment runs, what they have to cover."""

from __future__ import annotations

import pytest

from bot.rehearsal.org.results import Refusal
from tests.bot.rehearsal.org.org_bench import Bench, apex, package

CLASS = "public class Greeter { public static Integer one() { return 1; } }"
TEST = "@IsTest private class GreeterTest { @IsTest static void one() { System.assertEquals(1, Greeter.one()); } }"
GREETER = apex(Greeter=CLASS, GreeterTest=TEST)


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
