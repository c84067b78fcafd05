"""Which tests run: the release's choice, the policy, the package, the org."""

from __future__ import annotations

import re
from typing import Any

import pytest

from release_core import attaching, deployments, releases, test_choices, validations
from release_core.errors import NotAllowed, Refused, Unclear
from release_core.metadata_types import Component
from release_core.packages import Package
from release_core.policy import Level, Policy
from release_core.policy_file import PolicyMistakes, read_policy
from release_core.ports import JobStatus, Ports
from release_core.readiness import gates
from release_core.releases import Plan
from release_core.test_plans import ChosenTests, read_classes, sent_level
from release_core.timeline import Kind
from tests.release_core.builders import (
    BUSINESS,
    DEVELOPER,
    MANAGER,
    PRODUCTION,
    QA,
    UAT,
    a_passed_validation,
    a_policy,
    a_ready_release,
    a_release,
    a_started_deployment,
    a_success,
    approve,
    blocked_by,
    deployment,
    digest_of,
    facts_of,
    gate,
    kinds,
    last,
    newest,
    release,
    row_id,
)
from tests.release_core.builders import ports as ports_with
from tests.release_core.test_policy_file import GOOD

APEX = [Component("ApexClass", name) for name in ("Discount", "DiscountTest", "QuoteTest")]


def a_policy_with(**tests: Any) -> Policy:
    """The usual policy, with `tests` of each org named."""
    orgs = a_policy().model_dump(by_alias=True, exclude_none=True)["orgs"]
    return a_policy(
        orgs={key: {**rule, **({"tests": tests[key]} if key in tests else {})} for key, rule in orgs.items()}
    )


def a_package_of(ports: Ports, key: str, components: list[Component], tests: tuple[str, ...] = ()) -> None:
    package = attaching.attach_package(ports, DEVELOPER, key, file_id="F1", file_name="apex.zip")
    content = Package(
        digest=digest_of(repr(components).encode()),
        size=1,
        api_version="64.0",
        files={},
        components=tuple(components),
        tests=tests,
    )
    attaching.accept_package(ports, package, content)


def with_apex(ports: Ports, **plan: Any) -> str:
    key = a_release(ports, **plan)
    a_package_of(ports, key, APEX, ("DiscountTest", "QuoteTest"))
    return key


def choose(ports: Ports, level: Level | None, *classes: str, key: str = "REL-1") -> ChosenTests:
    return test_choices.choose_tests(ports, MANAGER, key, level, classes)


# What runs


def test_without_a_choice_the_policy_decides(ports: Ports) -> None:
    with_apex(ports)
    assert facts_of(ports, "REL-1").tests == ChosenTests("RunLocalTests")
    strict = ports_with(policy=a_policy_with(production={"level": "RunAllTestsInOrg"}))
    with_apex(strict)
    assert facts_of(strict, "REL-1").tests == ChosenTests("RunAllTestsInOrg")


def test_named_tests_are_the_packages_own_unless_some_are_named(ports: Ports) -> None:
    with_apex(ports)
    assert choose(ports, "RunSpecifiedTests") == ChosenTests("RunSpecifiedTests", ("DiscountTest", "QuoteTest"))
    assert choose(ports, "RunSpecifiedTests", "quotetest", "OrderTest") == ChosenTests(
        "RunSpecifiedTests", ("QuoteTest", "OrderTest")
    )
    assert facts_of(ports, "REL-1").tests.classes == ("QuoteTest", "OrderTest")


def test_each_attempt_notes_the_tests_that_it_runs(ports: Ports) -> None:
    key = with_apex(ports)
    choose(ports, "RunSpecifiedTests", "DiscountTest")
    validations.request_validation(ports, DEVELOPER, key)
    first = deployment(ports, "DEP-1")
    assert (first.org, first.test_level, first.run_tests) == (UAT, "RunSpecifiedTests", ["DiscountTest"])
    validations.finish_validation(ports, row_id(ports, "DEP-1"), a_success())
    second = deployment(ports, "DEP-2")
    assert (second.org, second.test_level, second.run_tests) == (PRODUCTION, "RunSpecifiedTests", ["DiscountTest"])


def test_an_org_on_the_way_runs_what_the_policy_says_of_it() -> None:
    ports = ports_with(policy=a_policy_with(uat={"level": "NoTestRun"}))
    key = with_apex(ports)
    choose(ports, "RunSpecifiedTests", "DiscountTest")
    validations.request_validation(ports, DEVELOPER, key)
    assert deployment(ports, "DEP-1").test_level == "NoTestRun"


def test_a_level_chosen_for_a_sandbox_gives_way_where_it_is_not_allowed(ports: Ports) -> None:
    """A staged release reaches production with what it chose for the sandbox before it."""
    key = with_apex(ports, org=UAT)
    assert choose(ports, "NoTestRun") == ChosenTests("NoTestRun")
    with ports.store.transaction() as session:
        row = release(ports, key)
        row.target_org = PRODUCTION
        session.add(session.merge(row))
    assert facts_of(ports, key).tests == ChosenTests("RunLocalTests")


@pytest.mark.parametrize(
    ("noted", "sent"), [("", "RunLocalTests"), ("OrgDefault", None), ("RunRelevantTests", "RunRelevantTests")]
)
def test_an_org_is_told_the_level_or_left_to_itself(noted: str, sent: str | None) -> None:
    assert sent_level(noted) == sent


# What is refused


def test_production_takes_no_level_without_tests(ports: Ports) -> None:
    with_apex(ports)
    with pytest.raises(
        Unclear, match=r"PRODUCTION is a production org, where NoTestRun is never sent. Choose one of Run"
    ):
        choose(ports, "NoTestRun")
    assert release(ports, "REL-1").test_level == ""
    plan = Plan("Winter", PRODUCTION, "standard", MANAGER, test_level="NoTestRun")
    with pytest.raises(Unclear, match="never sent"):
        releases.plan_release(ports, MANAGER, plan)


def test_what_the_policy_does_not_allow_is_refused_with_what_it_does() -> None:
    ports = ports_with(policy=a_policy_with(production={"allowed": ["RunLocalTests", "RunSpecifiedTests"]}))
    with_apex(ports)
    with pytest.raises(
        Unclear, match=r"not allow RunRelevantTests in PRODUCTION. Choose one of RunLocalTests, RunSpec"
    ):
        choose(ports, "RunRelevantTests")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Discount", "Discount is in the package, but it is no test class. It holds these: DiscountTest, QuoteTest."),
        ("DiscountTest.adds", "Salesforce runs whole classes, not single methods. Say DiscountTest"),
        ("Discount-Test", "is no name of an Apex class"),
        ("1Test", "is no name of an Apex class"),
    ],
)
def test_what_is_certainly_no_test_class_is_refused(ports: Ports, name: str, words: str) -> None:
    with_apex(ports)
    with pytest.raises(Unclear, match=re.escape(words)) as refused:
        choose(ports, "RunSpecifiedTests", "DiscountTest", name)
    assert refused.value.field == "classes"


def test_named_tests_need_classes(ports: Ports) -> None:
    key = a_release(ports)
    a_package_of(ports, key, [Component("Layout", "Visit")])
    with pytest.raises(Unclear, match=r"holds none of its own.* /release tests REL-1 RunSpecifiedTests"):
        choose(ports, "RunSpecifiedTests")


def test_a_policy_that_wants_named_tests_needs_a_package_with_tests() -> None:
    ports = ports_with(policy=a_policy_with(production={"level": "RunSpecifiedTests"}))
    key = a_release(ports)
    a_package_of(ports, key, [Component("Layout", "Visit")])
    for org in (PRODUCTION, None):  # None begins in UAT, which would take it
        with pytest.raises(Unclear, match="holds none of its own"):
            validations.request_validation(ports, DEVELOPER, key, org=org)


def test_classes_belong_to_named_tests_alone(ports: Ports) -> None:
    with_apex(ports)
    with pytest.raises(Unclear, match="Classes are named with RunSpecifiedTests alone"):
        choose(ports, "RunLocalTests", "DiscountTest")


def test_only_those_who_plan_choose_and_only_before_it_goes(ports: Ports) -> None:
    key = a_ready_release(ports)
    with pytest.raises(NotAllowed):
        test_choices.choose_tests(ports, DEVELOPER, key, "RunAllTestsInOrg")
    a_started_deployment(ports, key)
    with pytest.raises(Refused, match="REL-1 is being deployed; its tests are settled"):
        choose(ports, "RunAllTestsInOrg")


def test_a_class_named_twice_is_run_once() -> None:
    assert read_classes(["OrderTest", "ordertest", "A"], None) == ["OrderTest", "A"]


# What a choice changes


def test_other_tests_withdraw_approvals_and_make_the_validation_worthless(ports: Ports) -> None:
    key = a_ready_release(ports)
    before = facts_of(ports, key).digest
    choose(ports, "RunAllTestsInOrg")
    assert facts_of(ports, key).digest != before
    withdrawn = last(ports, key, Kind.APPROVALS_WITHDRAWN).details
    assert withdrawn["because"] == "The tests changed: RunAllTestsInOrg instead of RunLocalTests."
    assert withdrawn["people"] == sorted([QA, BUSINESS])
    assert blocked_by(ports, key) == {"approval_withdrawn", "validated_otherwise"}
    closed = gate(ports, key, "validated_otherwise")
    assert "ran RunLocalTests; the release wants RunAllTestsInOrg now." in closed.because
    assert closed.way_out == "/release validate REL-1"
    assert release(ports, key).state == "planned"
    a_passed_validation(ports, key)
    approve(ports, key)
    assert blocked_by(ports, key) == set()


def test_the_same_tests_under_another_name_change_nothing(ports: Ports) -> None:
    key = a_ready_release(ports)
    assert choose(ports, "RunLocalTests") == ChosenTests("RunLocalTests")
    assert choose(ports, None) == ChosenTests("RunLocalTests")
    assert blocked_by(ports, key) == set()
    assert Kind.TESTS_CHOSEN not in kinds(ports, key)


def test_the_policys_own_level_can_be_taken_back(ports: Ports) -> None:
    with_apex(ports)
    choose(ports, "RunAllTestsInOrg")
    assert choose(ports, None) == ChosenTests("RunLocalTests")
    assert release(ports, "REL-1").test_level == ""
    assert last(ports, "REL-1", Kind.TESTS_CHOSEN).details == {"tests": "RunLocalTests", "before": "RunAllTestsInOrg"}


def test_the_same_classes_in_another_order_or_case_are_the_same_tests(ports: Ports) -> None:
    with_apex(ports)
    choose(ports, "RunSpecifiedTests", "DiscountTest", "OrderTest")
    digest = facts_of(ports, "REL-1").digest
    choose(ports, "RunSpecifiedTests", "ordertest", "DiscountTest")
    assert facts_of(ports, "REL-1").digest == digest


# Without tests


def test_a_validation_in_which_no_test_ran_is_deployed_in_full(ports: Ports) -> None:
    key = a_ready_release(ports)
    attempt = row_id(ports, validations.request_validation(ports, DEVELOPER, key, org=PRODUCTION))
    validations.finish_validation(ports, attempt, JobStatus("0Af9", "Succeeded", True, True, True))
    said = [g.because for g in gates(facts_of(ports, key), ports.policy, ports.clock.now()) if g.code == "validated"]
    assert "No tests ran in it, so the deployment goes in full" in said[0]
    deployments.request_deployment(ports, MANAGER, key)
    assert newest(ports, key, "deployment").validated_job_id == ""


def test_a_validation_in_which_tests_ran_becomes_a_quick_deploy(ports: Ports) -> None:
    key = a_ready_release(ports)
    assert "in full" not in gate(ports, key, "validated").because
    deployments.request_deployment(ports, MANAGER, key)
    quick = newest(ports, key, "deployment")
    assert quick.validated_job_id
    assert quick.test_level == "RunLocalTests"


# The policy's own mistakes


@pytest.mark.parametrize(
    ("tests", "told"),
    [
        ("{level: NoTestRun}", 'orgs.production.tests.level: found "NoTestRun"; expected a level that runs tests'),
        ("{allowed: [RunLocalTests, NoTestRun]}", 'orgs.production.tests.allowed[1]: found "NoTestRun"'),
        (
            "{level: RunAllTestsInOrg, allowed: [RunLocalTests]}",
            'orgs.production.tests.level: found "RunAllTestsInOrg"; expected a level that stands under allowed',
        ),
        ("{allowed: [RunAllTestsInOrg]}", 'orgs.production.tests.level: found "RunLocalTests"; expected'),
        ("{level: RunSomeTests}", "orgs.production.tests.level"),
    ],
)
def test_a_policy_with_impossible_tests_is_not_used(tests: str, told: str) -> None:
    text = GOOD.replace("    kind: production\n", f"    kind: production\n    tests: {tests}\n")
    with pytest.raises(PolicyMistakes, match=re.escape(told)):
        read_policy(text, "policy.yaml", {"UAT_URL": "https://acme--uat.sandbox.my.salesforce.com"})


def test_a_sandbox_may_run_no_tests() -> None:
    text = GOOD.replace("    kind: sandbox\n", "    kind: sandbox\n    tests: {level: NoTestRun}\n")
    read = read_policy(text, "policy.yaml", {"UAT_URL": "https://acme--uat.sandbox.my.salesforce.com"})
    assert read.tests_of("uat").level == "NoTestRun"
    assert "NoTestRun" not in read.levels_of("production")
