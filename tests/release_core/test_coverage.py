"""What is missing to the test coverage that Salesforce asks for."""

from __future__ import annotations

import pytest

from release_core.coverage import Covered, deployed, overall, spans
from release_core.job_results import result_of
from release_core.ports import ComponentOutcome, Coverage, JobStatus


@pytest.mark.parametrize(
    ("lines", "uncovered", "percent", "missing"),
    [(40, 10, 75, 0), (40, 11, 72, 1), (3, 1, 66, 1), (10, 10, 0, 8), (0, 0, 100, 0), (1000, 251, 74, 1)],
)
def test_missing_lines_are_those_that_make_it_three_quarters(
    lines: int, uncovered: int, percent: int, missing: int
) -> None:
    row = Covered("Discount", lines, uncovered)
    assert (row.percent, row.missing) == (percent, missing)
    assert not missing or Covered("Discount", lines, uncovered - missing).missing == 0
    assert not missing or Covered("Discount", lines, uncovered - missing + 1).missing == 1


def a_run(*coverage: Coverage, deploys: tuple[str, ...] = ()) -> dict[str, object]:
    outcomes = [
        ComponentOutcome("ApexClass", name, f"classes/{name}.cls", False, True, False, success=True) for name in deploys
    ]
    return result_of(JobStatus("0Af1", "Failed", True, False, True, outcomes=outcomes, coverage=coverage))


def test_coverage_of_what_was_deployed_comes_worst_first_with_its_lines() -> None:
    result = a_run(
        Coverage("Discount", 4, 2, (3, 4)),
        Coverage("Quote", 10, 9, (1, 2, 3, 5)),
        Coverage("Untouched", 10, 10, (1,)),
        Coverage("DiscountTest", 0, 0),
        deploys=("Discount", "Quote", "DiscountTest"),
    )
    assert [(row.name, row.missing, row.missed) for row in deployed(result)] == [
        ("Quote", 7, (1, 2, 3, 5)),
        ("Discount", 1, (3, 4)),
    ]


def test_everything_together_counts_what_was_not_deployed_too() -> None:
    whole = overall(a_run(Coverage("Discount", 4, 0), Coverage("Untouched", 6, 6), deploys=("Discount",)))
    assert whole is not None
    assert (whole.lines, whole.uncovered, whole.missing) == (10, 6, 4)
    assert overall(a_run()) is None


def test_results_kept_before_lines_were_kept_can_be_read() -> None:
    assert deployed({"coverage": [["Discount", 40, 10]]}) == []
    assert overall({"coverage": [["Discount", 40, 10]]}) == Covered("", 40, 10)


def test_lines_are_read_as_spans() -> None:
    assert spans((9, 3, 8, 7, 12, 3)) == "3, 7-9, 12"
    assert spans(()) == ""
