"""The table of verdicts as a page that people read: `rollcall verdicts` prints it, docs/verdicts.md keeps it."""

from __future__ import annotations

from collections.abc import Mapping

from release_core.verdict_rules import OUTSIDE, RULES, Condition, Rule

WHEN: Mapping[Condition, str] = {
    "": "",
    "adds_entries": "it adds entries that were not there",
    "becomes_other_relationship": "a lookup or master-detail field becomes another type, or the reverse",
    "depends_on_new_field": "it begins to depend on another field",
    "falls_with_object": "its object is new too",
    "field_type_differs": "its type changes",
    "field_was_shorter": "it becomes longer",
    "has_new_values": "it gets new values",
    "is_granted": "people are given access to it",
    "is_roll_up": "it is a roll-up summary",
    "kept_by_flow": "a flow of the release mentions it",
    "other_sharing": "who sees records by default changes",
    "overrides_actions": "it overrides more actions",
    "runs_as_job": "it can run as a scheduled, queued or batch job",
    "sets_what_only_adds": "it sets login hours, IP ranges, a description, custom permissions or metadata access",
}
_TOP = """\
# How each kind of change comes back

<!-- printed by `.venv/bin/rollcall verdicts`; a test compares it -->

Before a release goes, Rollcall judges each of its components by this table, read from the top: the first row that fits
counts. A type that no row names gets the last one. Sources: "MDAPI" is Salesforce's Metadata API Developer Guide; a row
without a source follows from comparing the package with the org.

| verdict | meaning |
|---|---|
| exact | going back restores it as it was |
| lossy | it comes back, but something is lost on the way |
| manual | a person has to do something |
| impossible | it cannot come back; the release needs a written acceptance ([policy](policy.md#acceptances)) |

| type | change | when | verdict | why | what a person does | source |
|---|---|---|---|---|---|---|"""


def verdict_page() -> str:
    """The page, in Markdown."""
    rows = [_row(rule) for rule in RULES]
    outside = ["", "## What is outside", "", OUTSIDE[0], "", *OUTSIDE[1:]]
    return "\n".join([_TOP, *rows, *outside]) + "\n"


def _row(rule: Rule) -> str:
    types = "any" if "*" in rule.types else ", ".join(sorted(rule.types))
    cells = (
        types, ", ".join(sorted(rule.kinds)), WHEN[rule.when], rule.verdict, rule.reason, rule.todo, rule.source,
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"
