"""The check of the documents finds what is broken, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs_links import anchors, mistakes


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a folder, a document, a Makefile."""
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "settings.py").touch()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "policy.md").write_text("# Policy\n\n## Who may, when?\n", encoding="utf-8")
    (tmp_path / "Makefile").write_text("test: ## run\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "[policy](docs/policy.md)",
        "[policy](docs/policy.md#who-may-when)",
        "[`policy`](/docs/policy.md)",
        "[top](#here)\n# Here",
        "[site](https://example.com/x) and [mail](mailto:a@example.com)",
        "`bot/settings.py`, `bot/`, `make test`, `/rehearsal/api/clock`, `a/b`",
        "```\n[no](nowhere.md) `bot/none.py`\n```",
        "`[no](nowhere.md)`",
    ],
)
def test_document_without_mistakes_passes(project: Path, text: str) -> None:
    (project / "README.md").write_text(text, encoding="utf-8")
    assert mistakes(project) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\n\n[x](docs/none.md)", "README.md:3: the link docs/none.md leads to nothing"),
        ("[x](docs/policy.md#who)", "README.md:1: the link docs/policy.md#who names a heading that is not there"),
        ("[x](#nowhere)", "README.md:1: the link #nowhere names a heading that is not there"),
        ("![x](docs/none.png)", "README.md:1: the link docs/none.png leads to nothing"),
        ("[x][y]\n\n[y]: docs/none.md", "README.md:3: the link docs/none.md leads to nothing"),
        ("```\ncode\n```\n`bot/none.py`", "README.md:4: there is no file bot/none.py"),
        ("run `make coffee`", "README.md:1: there is no `make coffee`"),
    ],
)
def test_mistake_is_told_with_its_line(project: Path, text: str, told: str) -> None:
    (project / "README.md").write_text(text, encoding="utf-8")
    assert mistakes(project) == [told]


def test_documents_that_tools_brought_in_are_left_alone(project: Path) -> None:
    (project / ".venv").mkdir()
    (project / ".venv" / "README.md").write_text("[x](none.md)", encoding="utf-8")
    assert mistakes(project) == []


def test_headings_that_repeat_get_numbered_anchors() -> None:
    assert anchors("# A b\n## A b\n### `C`: d!\n") == {"a-b", "a-b-1", "c-d"}
