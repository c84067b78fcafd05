"""Failed Apex tests, by cause."""

from __future__ import annotations

from release_core.failures import grouped, in_words

LOCKED = "UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this record: 006gK00000AbCd1QAF"


def test_one_cause_of_many_failures_is_told_once_and_first() -> None:
    rows = [
        ["AlphaTest", "adds", "Expected: 1, Actual: 2", "Class.AlphaTest.adds: line 3, column 1"],
        *[[f"Test{n}", "saves", LOCKED.replace("AbCd1", f"AbCd{n:x}"), f"Class.Test{n}: line 9"] for n in range(12)],
    ]
    many, one = grouped(rows)
    assert (len(many.tests), many.tests[0], many.trace) == (12, "Test0.saves", "Class.Test0: line 9")
    assert (one.tests, one.message) == (("AlphaTest.adds",), "Expected: 1, Actual: 2")


def test_words_of_fifteen_letters_are_no_record_ids() -> None:
    first = ["A", "x", "Responsibilities differ", ""]
    second = ["B", "y", "Incompatibility differ", ""]
    assert len(grouped([first, second])) == 2


def test_a_class_that_could_not_run_is_named_without_a_method() -> None:
    assert grouped([["DiscountTst", "", "Apex test class 'DiscountTst' was not found", ""]])[0].tests == (
        "DiscountTst",
    )


def test_an_assertion_is_told_without_its_ceremony() -> None:
    assert in_words("System.AssertException: Assertion Failed: Expected: 15, Actual: 10") == "Expected: 15, Actual: 10"
    assert in_words("System.AssertException: Assertion Failed: gold accounts: Expected: 15, Actual: 10") == (
        "gold accounts. Expected: 15, Actual: 10"
    )
    assert in_words("System.AssertException: Assertion Failed: no quote was made") == "no quote was made"
    assert in_words("System.AssertException: Assertion Failed") == "System.AssertException: Assertion Failed"


def test_long_values_of_an_assertion_stand_below_each_other() -> None:
    assert in_words(f"System.AssertException: Assertion Failed: Expected: {'a' * 61}, Actual: b") == (
        f"Expected: {'a' * 61}\nActual: b"
    )


def test_other_exceptions_stay_as_they_are() -> None:
    assert in_words("System.NullPointerException: Attempt to de-reference a null object").startswith("System.Null")
