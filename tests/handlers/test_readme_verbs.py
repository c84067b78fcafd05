"""The README's table of verbs holds what people can type, no more and no less."""

from __future__ import annotations

from pathlib import Path

from handlers.verb import Verb
from handlers.verbs import VERBS

README = Path(__file__).resolve().parents[2] / "README.md"
HEADER = "| you type | what it is for | also understood |"


def row_of(verb: Verb) -> str:
    typed = f"/{verb.root}" if verb.is_menu else verb.as_typed
    aliases = ", ".join(f"`{alias}`" for alias in verb.aliases)
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in (f"`{typed}`", verb.summary, aliases)).rstrip() + " |"


def rows_in_readme() -> list[str]:
    lines = README.read_text(encoding="utf-8").splitlines()
    rows = lines[lines.index(HEADER) + 2 :]
    return rows[: next(number for number, line in enumerate(rows) if not line.startswith("|"))]


def test_readme_lists_every_verb_that_can_be_typed_as_help_says_it() -> None:
    """When this fails, copy the rows of the message into the README."""
    rows = [row_of(verb) for verb in VERBS.values() if verb.typed]
    assert rows_in_readme() == rows, "\n".join(["the table should be:", *rows])
