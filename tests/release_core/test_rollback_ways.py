"""Which tests a way back runs that is not armed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from release_core.metadata_types import Component
from release_core.packages import Package, read_package, read_retrieved, write_package
from release_core.ports import ComponentOutcome, JobStatus, Ports, TestFailure
from release_core.rollback_outcomes import finish_rollback
from release_core.rollback_requests import ask_rollback, decide_rollback
from release_core.rollback_ways import mentioning_tests, next_way, note_refused_way, refused_for_tests, take_way
from release_core.rollbacks import build_rollback, parts_of
from release_core.timeline import Kind
from tests.release_core.builders import (
    ADMINISTRATOR,
    MANAGER,
    a_failure,
    a_soaking_release,
    deployment,
    kinds,
    last,
    newest,
)

TEST_OF_A = "@IsTest private class ATest { @IsTest static void works() { new A(); } }"
UNCOVERED = JobStatus(
    "0Af2", "Failed", True, False, False, coverage_warnings=["A: Test coverage of selected Apex Class is 10%"]
)


def _apex(**sources: str) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for name, source in sources.items():
        folder = "triggers" if source.startswith("trigger") else "classes"
        suffix = "trigger" if folder == "triggers" else "cls"
        kind = "ApexTrigger" if folder == "triggers" else "ApexClass"
        files[f"{folder}/{name}.{suffix}"] = source.encode()
        files[f"{folder}/{name}.{suffix}-meta.xml"] = f"<{kind}/>".encode()
    return files


def _packed(files: Mapping[str, bytes]) -> bytes:
    kinds = {"cls": "ApexClass", "trigger": "ApexTrigger", "flow": "Flow"}
    held = [
        Component(kinds[path.rpartition(".")[2]], path.rpartition("/")[2].rpartition(".")[0])
        for path in files
        if not path.endswith("-meta.xml")
    ]
    return write_package(files, held, api_version="62.0")


def _going_back(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[Package, Package, Package]:
    package, snapshot = read_package(_packed(after)), read_retrieved(_packed(before))
    return read_package(build_rollback(package, snapshot, None)), package, snapshot


def test_the_tests_are_those_that_mention_what_is_restored() -> None:
    before = _apex(A="class A {}", ATest=TEST_OF_A, BTest="@IsTest private class BTest {}")
    after = _apex(A="class A { /* new */ }", ATest=TEST_OF_A, BTest="@IsTest private class BTest {}")
    assert mentioning_tests(*_going_back(before, after)) == ("ATest",)


def test_a_class_that_no_test_mentions_leaves_no_named_tests() -> None:
    before = _apex(A="class A {}", B="class B {}", ATest=TEST_OF_A)
    after = _apex(A="class A { }", B="class B { }", ATest=TEST_OF_A)
    assert mentioning_tests(*_going_back(before, after)) == ()


def test_a_mention_in_a_comment_or_a_string_is_none() -> None:
    quoted = "@IsTest private class ATest { /* A */ String said = 'A'; }"
    before, after = _apex(A="class A {}", ATest=quoted), _apex(A="class A { }", ATest=quoted)
    assert mentioning_tests(*_going_back(before, after)) == ()


def test_a_test_that_the_way_back_deletes_is_none() -> None:
    before = _apex(A="class A {}")
    after = _apex(A="class A { }", ATest=TEST_OF_A)
    assert mentioning_tests(*_going_back(before, after)) == ()


def test_a_trigger_is_mentioned_with_its_object() -> None:
    test = "@IsTest private class QTest { @IsTest static void saves() { insert new Quote__c(); } }"
    before = _apex(T="trigger T on Quote__c (before insert) {}", QTest=test)
    after = _apex(T="trigger T on Quote__c (before update) {}", QTest=test)
    assert mentioning_tests(*_going_back(before, after)) == ("QTest",)


def test_named_tests_come_first_then_relevant_ones_then_all() -> None:
    assert next_way([], ["ATest"]) == "RunSpecifiedTests"
    assert next_way([], []) == "RunRelevantTests"
    assert next_way(["RunSpecifiedTests"], ["ATest"]) == "RunRelevantTests"
    assert next_way(["RunSpecifiedTests", "RunRelevantTests"], ["ATest"]) == "RunLocalTests"
    assert next_way(["RunRelevantTests", "RunLocalTests"], []) == ""


@pytest.mark.parametrize(
    ("status", "refused"),
    [
        (UNCOVERED, True),
        (JobStatus("0Af2", "Failed", True, False, False, error_code="INVALID_OPERATION"), True),
        (a_failure(), False),
        (
            JobStatus(
                "0Af2",
                "Failed",
                True,
                False,
                False,
                outcomes=[ComponentOutcome("ApexClass", "A", "A.cls", False, False, False, False, "no")],
                coverage_warnings=["A: 0%"],
            ),
            False,
        ),
        (JobStatus("0Af2", "Canceled", True, False, False), False),
        (JobStatus("0Af2", "Succeeded", True, True, False, coverage_warnings=["A: 10%"]), False),
        (
            JobStatus(
                "0Af2", "Failed", True, False, False,
                test_failures=[TestFailure("T", "m", "no", "")], coverage_warnings=["A: 0%"],
            ),
            False,
        ),
    ],
)  # fmt: skip
def test_only_a_refusal_for_its_tests_alone_opens_the_next_way(status: JobStatus, refused: bool) -> None:
    assert refused_for_tests(status) == refused


def a_long_way(ports: Ports) -> tuple[str, int]:
    key = a_soaking_release(ports, armed=False)
    decide_rollback(ports, ADMINISTRATOR, ask_rollback(ports, MANAGER, key, "orders fail"), yes=True)
    return key, newest(ports, key, "rollback").id or 0


def test_a_way_that_was_refused_for_coverage_leads_to_the_next_attempt(ports: Ports) -> None:
    key, attempt = a_long_way(ports)
    take_way(ports, attempt, "RunSpecifiedTests", ["ATest"])
    assert deployment(ports, attempt).run_tests == ["ATest"]
    finish_rollback(ports, attempt, UNCOVERED)
    following = newest(ports, key, "rollback")
    assert following.id != attempt
    assert (following.state, following.result["tried"]) == ("requested", ["RunSpecifiedTests"])
    assert following.archive_digest == deployment(ports, attempt).archive_digest
    assert last(ports, key, Kind.ROLLBACK_WAY).details["next"] == following.key
    assert Kind.ROLLBACK_FAILED not in kinds(ports, key)


def test_the_last_way_fails_for_good(ports: Ports) -> None:
    key, attempt = a_long_way(ports)
    for level in ("RunRelevantTests", "RunLocalTests"):
        take_way(ports, newest(ports, key, "rollback").id or 0, level, [])
        finish_rollback(ports, newest(ports, key, "rollback").id or 0, UNCOVERED)
    assert kinds(ports, key).count(Kind.ROLLBACK_FAILED) == 1
    assert newest(ports, key, "rollback").id != attempt


def test_a_real_failure_is_not_tried_with_more_tests(ports: Ports) -> None:
    key, attempt = a_long_way(ports)
    take_way(ports, attempt, "RunRelevantTests", [])
    finish_rollback(ports, attempt, a_failure())
    assert newest(ports, key, "rollback").id == attempt
    assert Kind.ROLLBACK_FAILED in kinds(ports, key)


def test_a_level_that_the_org_does_not_know_is_passed_over(ports: Ports) -> None:
    _, attempt = a_long_way(ports)
    take_way(ports, attempt, "RunRelevantTests", [])
    assert note_refused_way(ports, attempt)
    take_way(ports, attempt, "RunLocalTests", [], because="The org does not know RunRelevantTests.")
    assert not note_refused_way(ports, attempt)
    assert deployment(ports, attempt).test_level == "RunLocalTests"


def test_the_parts_of_a_way_back_are_named_as_people_leave_them() -> None:
    flow = b"<Flow><status>Active</status></Flow>"
    back, _, _ = _going_back(_apex(A="class A {}"), {**_apex(A="class A { }", B="class B {}"), "flows/F.flow": flow})
    archive = write_package(back.files, back.components, api_version="62.0", deletions_after=back.deletions_after)
    assert set(parts_of(archive)) == {
        ("restore", Component("ApexClass", "A")),
        ("delete", Component("ApexClass", "B")),
        ("deactivate", Component("Flow", "F")),
    }
