"""What people read about the outcome of an attempt."""

from __future__ import annotations

import pytest
from sqlmodel import select

from handlers.conversation import Button, Message
from handlers.narration import narrate
from release_core import validations
from release_core.models import TimelineEntry
from release_core.ports import ComponentOutcome, Coverage, JobStatus, TestFailure
from release_core.timeline import Kind
from tests.handlers.room import Room, clickable, words_of
from tests.release_core.builders import (
    MANAGER,
    STAKEHOLDER,
    TESTER,
    a_failure,
    a_package,
    a_release,
    row_id,
)


def ends(room: Room, status: JobStatus) -> Message:
    """A validation of a release ends so; its post."""
    key = a_release(room.ports)
    a_package(room.ports, key)
    attempt = row_id(room.ports, validations.request_validation(room.ports, TESTER, key))
    validations.finish_validation(room.ports, attempt, status)
    room.tell()
    return room.post("deployment:DEP-1")


def the_file(room: Room, text: str = "release results") -> str:
    (attachment,) = room.hears(STAKEHOLDER, text).attachments
    assert attachment.name == "DEP-1-results.txt"
    return attachment.data.decode()


def a_broken(number: int, problem: str) -> ComponentOutcome:
    return ComponentOutcome(
        "ApexClass",
        f"Broken{number}",
        f"classes/Broken{number}.cls",
        False,
        False,
        False,
        False,
        problem,
        "Error",
        7,
        3,
    )


def a_job(**details: object) -> JobStatus:
    return JobStatus("0Af9", "Failed", True, False, True, **details)  # type: ignore[arg-type]


def test_an_error_is_shown_with_file_line_and_column_and_what_to_do(room: Room) -> None:
    words = words_of(ends(room, a_job(outcomes=[a_broken(1, "Variable does not exist: Tier__c")])))
    assert "ApexClass Broken1: Variable does not exist: Tier__c (classes/Broken1.cls, line 7, column 3)" in words
    assert "Tier__c is neither in the package nor in the org" in words
    assert "[Everything]" not in words


def test_the_same_advice_is_given_once(room: Room) -> None:
    words = words_of(ends(room, a_job(outcomes=[a_broken(n, "Illegal assignment from A to B") for n in range(3)])))
    assert words.count("does not compile") == 1


def test_more_errors_than_fit_are_counted_and_handed_over_in_a_file(room: Room) -> None:
    post = ends(room, a_job(outcomes=[a_broken(n, f"Unexpected token {n}") for n in range(40)]))
    words = words_of(post)
    assert "Broken11" in words
    assert "Broken12" not in words
    assert "and 28 more errors" in words
    button = clickable("Everything", post)
    assert isinstance(button, Button)
    assert button.args["attempt"] == "DEP-1"
    answer = room.clicks(STAKEHOLDER, "Everything", post)
    assert isinstance(answer, Message)
    text = answer.attachments[0].data.decode()
    assert "classes/Broken39.cls:7:3  ApexClass Broken39: Unexpected token 39" in text
    assert "[Everything]" not in words_of(answer)


def test_one_cause_of_many_failed_tests_is_told_once_with_the_rest_in_the_file(room: Room) -> None:
    message = "System.DmlException: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access"
    failures = [TestFailure(f"Test{n}", "saves", message, f"Class.Test{n}.saves: line {n + 1}") for n in range(12)]
    words = words_of(ends(room, a_job(test_failures=failures, test_errors=12)))
    assert "12 tests fail with the same message" in words
    assert "Test5.saves" in words
    assert "and 6 more" in words
    assert "Run it once more" in words
    assert "Class.Test0.saves: line 1" in words
    text = the_file(room)
    assert "Failed tests (12)" in text
    assert "Test11.saves" in text


def test_missing_coverage_names_classes_lines_and_how_many_are_missing(room: Room) -> None:
    deployed = ComponentOutcome("ApexClass", "Discount", "classes/Discount.cls", True, True, False, success=True)
    warning = (
        "Average test coverage across all Apex Classes and Triggers is 60%, at least 75% test coverage is required."
    )
    words = words_of(
        ends(
            room,
            a_job(
                outcomes=[deployed],
                coverage=[Coverage("Discount", 20, 10, (3, 4, 5, 9, 11, 12, 13, 14, 15, 20)), Coverage("Old", 30, 10)],
                coverage_warnings=[warning],
            ),
        )
    )
    assert "All Apex together: 60 % (30 of 50 lines); 8 more lines to be tested for 75 %." in words
    assert "Discount | 50 % (10 of 20) | 5 lines | 3-5, 9, 11-15, 20" in words
    assert "Old |" not in words
    assert "deleting them helps" in words


def test_a_job_that_says_only_a_code_gets_advice_too(room: Room) -> None:
    status = a_job(error_code="ALREADY_IN_PROCESS", error_message="The setup is locked by another change.")
    assert "Nothing was changed; run it once more." in words_of(ends(room, status))


def test_warnings_are_shown(room: Room) -> None:
    warned = ComponentOutcome("", "destructiveChanges.xml", "", False, False, False, True, "No Flow named: Old found")
    words = words_of(ends(room, a_job(outcomes=[warned])))
    assert "Warning:" in words
    assert "No Flow named: Old found" in words


def test_results_name_the_attempt_that_was_asked_for_or_say_that_there_is_none(room: Room) -> None:
    a_release(room.ports)
    refusal = room.refuses(STAKEHOLDER, "release results")
    assert "No attempt of REL-1 has ended yet" in refusal.words


def test_results_hold_the_whole_trace(room: Room) -> None:
    ends(room, a_failure(message="System.AssertException: Assertion Failed: gold: Expected: 15, Actual: 10"))
    text = the_file(room)
    assert "gold. Expected: 15, Actual: 10" in text
    assert "Class.DiscountTest: line 12, column 1" in text


@pytest.mark.parametrize("word", ["results", "result"])
def test_both_words_are_understood(room: Room, word: str) -> None:
    ends(room, a_failure())
    assert "DiscountTest" in the_file(room, f"release {word} REL-1")


def the_alarm(room: Room) -> str:
    with room.ports.store.transaction() as session:
        (entry,) = session.exec(select(TimelineEntry).where(TimelineEntry.kind == Kind.VALIDATION_FAILED)).all()
    return narrate(room.ports.policy, entry)


def test_a_failure_that_ends_with_a_full_stop_is_not_told_with_two(room: Room) -> None:
    ends(room, a_job(outcomes=[a_broken(1, "Unexpected token '}'.")]))
    assert the_alarm(room) == "DEP-1 failed in UAT: ApexClass Broken1: Unexpected token '}'."


def test_a_test_class_that_is_not_there_is_named_without_a_method(room: Room) -> None:
    ends(room, a_job(test_failures=[TestFailure("NopeTest", "", "Apex test class 'NopeTest' was not found", "")]))
    assert the_alarm(room) == "DEP-1 failed in UAT: NopeTest failed: Apex test class 'NopeTest' was not found."


def test_a_cancelled_validation_is_told_in_a_whole_sentence(room: Room) -> None:
    ended = ends(room, JobStatus("0Af9", "Canceled", True, False, True))
    assert "DEP-1 of REL-1 in UAT: was stopped in the org. Nothing was changed." in words_of(ended)


def test_with_named_tests_no_figure_is_given_for_all_apex_together(room: Room) -> None:
    deployed = ComponentOutcome("ApexClass", "Discount", "classes/Discount.cls", True, True, False, success=True)
    key = a_release(room.ports)
    a_package(room.ports, key)
    room.says(MANAGER, f"/release tests {key} RunSpecifiedTests DiscountTest")
    attempt = row_id(room.ports, validations.request_validation(room.ports, TESTER, key))
    status = a_job(outcomes=[deployed], coverage=[Coverage("Discount", 20, 10, (3, 4, 5))])
    validations.finish_validation(room.ports, attempt, status)
    room.tell()
    words = words_of(room.post("deployment:DEP-1"))
    assert "Discount | 50 %" in words
    assert "All Apex together" not in words


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("Nothing was deployed. The validation is gone.", "The validation is gone."),
        ("Nothing was deployed: the snapshot could not be taken.", "The snapshot could not be taken."),
        ("The window has closed.", "The window has closed."),
    ],
)
def test_a_held_deployment_says_once_that_nothing_was_changed(room: Room, problem: str, said: str) -> None:
    details = {"org": "production", "key": "DEP-4", "problem": problem}
    entry = TimelineEntry(stream="REL-1", kind=Kind.DEPLOYMENT_HELD, actor="", details=details)
    assert narrate(room.ports.policy, entry) == f"DEP-4 was held, nothing was changed in PRODUCTION: {said}"


def test_a_second_look_tells_who_changed_what_instead_of_nothing_else(room: Room) -> None:
    names = [f"ApexClass C{number} (Omar Haddad)" for number in range(5)]
    details = {"org": "production", "again": "other", "worse": "", "since": names}
    entry = TimelineEntry(stream="REL-1", kind=Kind.PACKAGE_COMPARED, actor="", details=details)
    said = narrate(room.ports.policy, entry)
    assert "since the last look somebody changed ApexClass C0 (Omar Haddad), " in said
    assert "ApexClass C2 (Omar Haddad) and 2 more there." in said
