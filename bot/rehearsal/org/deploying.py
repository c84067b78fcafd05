"""One deployment, worked out on a copy of what the org holds."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.rehearsal.org import catalog, testing
from bot.rehearsal.org.apex.program import ApexCode
from bot.rehearsal.org.archives import BadArchive, Package, read_archive
from bot.rehearsal.org.deleting import Deletion, delete
from bot.rehearsal.org.incoming import Incoming, Problem, against_manifest, read_components
from bot.rehearsal.org.installing import Act, frame_for, incomplete_object, install
from bot.rehearsal.org.inventory import Component, Inventory, Key
from bot.rehearsal.org.references import apex_words, is_custom, object_exists
from bot.rehearsal.org.requirements import missing
from bot.rehearsal.org.results import DeployOptions, Row, TestReport

_APEX = ("classes/", "triggers/")
_NO_APEX = "INSUFFICIENT_ACCESS_APEX_METADATA_DEPLOY"
_NO_APEX_TEXT = "The user needs the permission Author Apex to deploy Apex classes and triggers"


@dataclass(frozen=True)
class Ground:
    """What holds for every deployment of an org."""

    production: bool
    flows_need_own_deployment: bool = True  # a flow deactivated here cannot be deleted in the same deployment
    may_author_apex: bool = True  # whether the user who deploys has that permission
    busy: frozenset[str] = frozenset()  # classes that scheduled or queued jobs hold


@dataclass
class Outcome:
    """How a deployment ends: its rows, tests, the inventory it leaves behind (None when nothing may change)."""

    rows: list[Row] = field(default_factory=list)
    tests: TestReport = field(default_factory=TestReport)
    after: Inventory | None = None
    status: str = "Failed"
    error_code: str | None = None
    error_message: str | None = None
    file_count: int = 0

    @property
    def components(self) -> list[Row]:
        """The rows of components, without those of the manifests themselves."""
        return [row for row in self.rows if row.type or not row.success]

    @property
    def errors(self) -> list[Row]:
        """The rows that failed."""
        return [row for row in self.rows if not row.success]


def work_out(before: Inventory, archive: bytes, options: DeployOptions, act: Act, ground: Ground) -> Outcome:
    """The outcome of deploying a zip; `before` is left untouched."""
    try:
        packages = read_archive(archive, single_package=options.single_package)
    except BadArchive as bad:
        return _unreadable(bad)
    trial = Trial(before, options, act, ground)
    for package in packages:
        if not ground.may_author_apex and any(path.startswith(_APEX) for path in package.files):
            return Outcome(error_code=_NO_APEX, error_message=f"{_NO_APEX}: {_NO_APEX_TEXT}")
        trial.run(package)
    return trial.finish(sum(len(package.files) + 1 + len(package.destructive) for package in packages))


def _unreadable(bad: BadArchive) -> Outcome:
    if bad.code:
        return Outcome(error_code=bad.code, error_message=f"{bad.code}: {bad}")
    row = Row("", bad.file.rsplit("/", 1)[-1] if bad.file.endswith(".xml") else bad.file, bad.file)
    row.fail(str(bad), bad.line)
    return Outcome(rows=[row])


class Trial:
    """A deployment under way on a copy."""

    def __init__(self, before: Inventory, options: DeployOptions, act: Act, ground: Ground) -> None:
        self.before = before
        self.after = before.copy()
        self.options = options
        self.act = act
        self.ground = ground
        self.rows: list[Row] = []
        self.touched: dict[Key, Row] = {}

    def run(self, package: Package) -> None:
        """Deletions first, then what is new or changed, then the deletions that wait for it."""
        self.rows.append(Row("", "package.xml", f"{package.prefix}package.xml", changed=True))
        found, problems = read_components(package)
        wanted, more = against_manifest(package, found)
        for name in package.destructive:
            self.rows.append(Row("", name, package.prefix + name, changed=True))
        self._delete(package, "pre")
        for problem in [*problems, *self._without_echoes(problems, more)]:
            self._report(problem, package.prefix)
        self._install(wanted, package.prefix)
        self._delete(package, "post")

    def _without_echoes(self, problems: list[Problem], more: list[Problem]) -> list[Problem]:
        """A file that could not be read is not reported a second time as missing."""
        unread = {problem.name for problem in problems}
        return [problem for problem in more if problem.name not in unread]

    def _report(self, problem: Problem, prefix: str = "") -> None:
        path = problem.path if problem.path.startswith(prefix) else prefix + problem.path
        row = Row(problem.type, problem.name, path)
        absent = "not found in zipped directory" in problem.text and self.options.allow_missing_files
        row.fail(problem.text, problem.line, problem.column)
        if problem.warning or absent:
            row.problem_type = "Warning"
            row.success = self.options.ignore_warnings or absent
        self.rows.append(row)

    def _delete(self, package: Package, stage: str) -> None:
        members = package.deletions(stage)
        doomed = frozenset((type_name, name) for _, type_name, name in members)
        there = {key for key in doomed if self.after.get(*key)}
        active = self._active_flows() if self.ground.flows_need_own_deployment else frozenset()
        for listed_in, type_name, name in members:
            path = package.prefix + listed_in
            result = delete(self.after, active, Deletion(path, type_name, name, doomed))
            if isinstance(result, Component):
                self.rows.append(Row(type_name, name, path, id=result.id, changed=True, deleted=True))
            elif result.warning and (type_name, name) in there:  # went together with its object
                self.rows.append(Row(type_name, name, path, changed=True, deleted=True))
            else:
                self._report(result)

    def _active_flows(self) -> frozenset[str]:
        versions = ((name, version) for name, all_of in self.before.flows.items() for version in all_of)
        return frozenset(f"{name}-{version.number}" for name, version in versions if version.status == "Active")

    def _install(self, wanted: list[Incoming], prefix: str) -> None:
        for each in sorted(wanted, key=lambda one: one.type == "FlowDefinition"):
            frame_for(self.after, each, self.act)
            row = install(self.after, each, self.act)
            row.path = prefix + row.path
            self.rows.append(row)
            self.touched[each.type, each.name] = row

    def finish(self, file_count: int) -> Outcome:
        """Check what came, run the tests, say how it ends."""
        self._check_references()
        code = testing.code_of(self.after)
        self._check_apex(code)
        outcome = Outcome(self.rows, file_count=file_count)
        if outcome.errors and (self.options.rollback_on_error or len(outcome.errors) >= len(outcome.components)):
            return outcome
        if outcome.errors:
            self._put_back()
            code = testing.code_of(self.after)
        outcome.tests = testing.run_tests(
            code, self.after, self._apex_touched(), self.options, production=self.ground.production
        )
        if outcome.tests.failures or outcome.tests.warnings:
            return outcome
        outcome.status = "SucceededPartial" if outcome.errors else "Succeeded"
        outcome.after = self.after
        return outcome

    def _apex_touched(self) -> list[Key]:
        good = [key for key, row in self.touched.items() if row.success]
        return [key for key in good if key[0] in ("ApexClass", "ApexTrigger")]

    def _check_references(self) -> None:
        for (type_name, name), row in self.touched.items():
            component = self.after.get(type_name, name)
            if component is None:
                continue
            new_object = row.created and (type_name, name) not in self.before.components
            text = (incomplete_object(component) if new_object else None) or missing(self.after, component)
            if text:
                row.fail(text)

    def _check_apex(self, code: ApexCode) -> None:
        for key in self._apex_touched():
            bad = code.problems.get(key)
            row = self.touched[key]
            if key[1] in self.ground.busy and row.changed:
                row.fail("This schedulable class has jobs pending or in progress")
            elif bad:
                row.fail(bad.message, bad.line, bad.column)
            else:
                self._check_words(key, row, code)
        self._check_dependents(code)

    def _check_words(self, key: Key, row: Row, code: ApexCode) -> None:
        """Custom objects and fields that code names must be there."""
        component = self.after.get(*key)
        words = apex_words(component.source) if component else frozenset()
        known = {each.name.rsplit(".", 1)[-1].lower() for each in self.after.of_type("CustomField", "CustomObject")}
        for word in sorted(words):
            stem = word[: -len("__r")] + "__c" if word.endswith("__r") else word
            if is_custom(stem) and stem not in known:
                line, column, spelt = code.place_of(key, word)
                row.fail(f"Variable does not exist: {spelt}", line, column)
                return
        if key[0] == "ApexTrigger":
            target = code.trigger_object(key[1])
            if target and is_custom(target) and not object_exists(self.after, target):
                row.fail(f"SObject type does not exist or is not accessible: {target}", 1, 1)

    def _check_dependents(self, code: ApexCode) -> None:
        """Apex that stays as it was must still compile against what came or went."""
        broken_before = testing.code_of(self.before).problems
        for key, bad in code.problems.items():
            if key in self.touched or key in broken_before:
                continue
            text = f"Dependent class is invalid and needs recompilation:\n Class {key[1]} : {bad.message}"
            changed = [row for each, row in self.touched.items() if each[0].startswith("Apex") and row.changed]
            for row in changed[:1]:
                row.fail(text, bad.line, bad.column)
            if not changed:
                self._report(
                    Problem(
                        key[0], key[1], catalog.all_types()[key[0]].directory + "/" + key[1], text, bad.line, bad.column
                    )
                )

    def _put_back(self) -> None:
        """With rollbackOnError false only what failed stays out."""
        for key, row in self.touched.items():
            if row.success:
                continue
            old = self.before.components.get(key)
            if old:
                self.after.put(old)
            else:
                self.after.remove(*key)
            if key[0] == "Flow" and key[1] in self.before.flows:
                self.after.flows[key[1]] = self.before.copy().flows[key[1]]
