"""The page of verdicts is the table itself."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from handlers.verdict_page import WHEN, verdict_page
from release_core.verdict_rules import OUTSIDE, RULES, Condition

PAGE = Path(__file__).resolve().parents[2] / "docs" / "verdicts.md"


def test_the_page_is_what_the_command_prints() -> None:
    """When this fails: .venv/bin/rollcall verdicts > docs/verdicts.md"""
    assert PAGE.read_text(encoding="utf-8") == verdict_page()


def test_every_condition_has_its_words() -> None:
    assert set(WHEN) == set(get_args(Condition))


def test_every_rule_stands_on_the_page_with_its_source() -> None:
    page = verdict_page()
    for rule in RULES:
        assert f"| {rule.reason} | {rule.todo} | {rule.source} |" in page
    assert all(line in page for line in OUTSIDE)
