"""Which Apex tests a deployment runs, whether their coverage is enough."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.rehearsal.org import markup
from bot.rehearsal.org.apex.program import ApexCode, Doubts
from bot.rehearsal.org.inventory import Inventory, Key, object_of
from bot.rehearsal.org.references import apex_words
from bot.rehearsal.org.results import Coverage, DeployOptions, TestOutcome, TestReport

ENOUGH = 75.0  # percent; Salesforce's own threshold
_NEEDED = f"at least {ENOUGH:.0f}% test coverage is required"


def code_of(inventory: Inventory) -> ApexCode:
    """All Apex of an org, parsed."""
    classes = {each.name: each.source for each in inventory.of_type("ApexClass")}
    triggers = {each.name: each.source for each in inventory.of_type("ApexTrigger")}
    labels = {
        each.name.lower(): markup.text_of(markup.read_fragment(next(iter(each.files.values()))), "value")
        for each in inventory.of_type("CustomLabel")
    }
    return ApexCode(classes, triggers, Doubts(_unsure_fields(inventory), _guarded_objects(inventory), labels))


def _unsure_fields(inventory: Inventory) -> dict[str, frozenset[str]]:
    """Per object in lower case, the fields that something other than Apex may fill in."""
    found: dict[str, set[str]] = {}
    for each in inventory.of_type("CustomField"):
        text = next(iter(each.files.values()))
        if (
            re.search(rb"<(formula|defaultValue|summaryOperation|displayFormat)>", text)
            or b"<default>true</default>" in text
        ):
            found.setdefault(object_of(each.name).lower(), set()).add(each.name.split(".", 1)[1].lower())
    for versions in inventory.flows.values():
        for version in versions:
            if version.status == "Active":
                for owner, name in _set_by_flow(version.body):
                    found.setdefault(owner, set()).add(name)
    for each in inventory.of_type("WorkflowFieldUpdate"):
        node = markup.read_fragment(next(iter(each.files.values())))
        found.setdefault(object_of(each.name).lower(), set()).add(markup.text_of(node, "field").lower())
    return {owner: frozenset(names) for owner, names in found.items()}


def _set_by_flow(body: bytes) -> set[tuple[str, str]]:
    """(object, field) pairs, in lower case, that a flow assigns."""
    root = markup.parse(body)
    started_by = next((markup.text_of(start, "object") for start in markup.named(root, "start")), "")
    pairs: set[tuple[str, str]] = set()
    for step in markup.named(root, "recordCreates", "recordUpdates"):
        owner = markup.text_of(step, "object") or started_by
        pairs |= {
            (owner.lower(), markup.text_of(each, "field").lower()) for each in markup.named(step, "inputAssignments")
        }
    for node in markup.every(root, "assignToReference"):
        reference = (node.text or "").strip()
        if reference.startswith("$Record."):
            pairs.add((started_by.lower(), reference.removeprefix("$Record.").lower()))
    return pairs


def _guarded_objects(inventory: Inventory) -> frozenset[str]:
    """Objects, in lower case, whose saving a validation or duplicate rule may refuse."""
    rules = [
        each
        for each in inventory.of_type("ValidationRule")
        if b"<active>true</active>" in next(iter(each.files.values()))
    ]
    return frozenset(object_of(each.name).lower() for each in [*rules, *inventory.of_type("DuplicateRule")])


def run_tests(
    code: ApexCode, inventory: Inventory, deployed: list[Key], options: DeployOptions, *, production: bool
) -> TestReport:
    """Choose, run, judge; an empty report when the level asks for no tests."""
    level = options.test_level or ("RunLocalTests" if production and deployed else "NoTestRun")
    if level == "NoTestRun":
        return TestReport()
    chosen, unknown = _chosen(code, inventory, deployed, options, level)
    report = code.run(chosen)
    report.outcomes += [
        TestOutcome(name, "", 0.0, f"Apex test class '{name}' was not found", "", "Class") for name in unknown
    ]
    report.warnings = _shortfalls(report.coverage, deployed, level)
    return report


def _chosen(
    code: ApexCode, inventory: Inventory, deployed: list[Key], options: DeployOptions, level: str
) -> tuple[list[str], list[str]]:
    tests = code.test_classes()
    if level == "RunSpecifiedTests":
        by_low = {name.lower(): name for name in tests}
        asked = [name.strip() for name in options.run_tests]
        return [by_low[name.lower()] for name in asked if name.lower() in by_low], [
            n for n in asked if n.lower() not in by_low
        ]
    if level == "RunRelevantTests":
        return [name for name in tests if _is_relevant(code, inventory, name, deployed)], []
    return tests, []


def _is_relevant(code: ApexCode, inventory: Inventory, test: str, deployed: list[Key]) -> bool:
    """It was deployed, mentions something deployed, or its annotation asks to be run."""
    component = inventory.get("ApexClass", test)
    words = apex_words(component.source) if component else frozenset()
    options = code.options_of(test)
    if ("ApexClass", test) in deployed or re.search(r"critical\s*=\s*true", options, re.IGNORECASE):
        return True
    for type_name, name in deployed:
        target = code.trigger_object(name) if type_name == "ApexTrigger" else name
        if (target or name).lower() in words or re.search(
            rf"{type_name}\s*:\s*{re.escape(name)}\b", options, re.IGNORECASE
        ):
            return True
    return False


def _shortfalls(coverage: Iterable[Coverage], deployed: list[Key], level: str) -> list[tuple[str | None, str]]:
    if level in ("RunSpecifiedTests", "RunRelevantTests"):
        names = {name for _, name in deployed}
        return [
            (
                each.name,
                f"Test coverage of selected Apex {_word(each)} is {each.percent:.0f}%, {_NEEDED}",
            )
            for each in coverage
            if each.name in names and each.percent < ENOUGH
        ]
    overall = overall_percent(coverage)
    found: list[tuple[str | None, str]] = []
    if overall < ENOUGH:
        text = f"Average test coverage across all Apex Classes and Triggers is {overall:.0f}%, {_NEEDED}."
        found.append((None, text))
    bare = [each for each in coverage if each.type == "Trigger" and each.lines and each.percent == 0]
    return found + [
        (each.name, "Test coverage of selected Apex Trigger is 0%, at least 1% test coverage is required")
        for each in bare
    ]


def _word(each: Coverage) -> str:
    return "Trigger" if each.type == "Trigger" else "Class"


def overall_percent(coverage: Iterable[Coverage]) -> float:
    """Covered lines of all classes and triggers together, in percent; 100 when there are none."""
    rows = list(coverage)
    total = sum(len(each.lines) for each in rows)
    return 100.0 if not total else 100.0 * (total - sum(len(each.missed) for each in rows)) / total
