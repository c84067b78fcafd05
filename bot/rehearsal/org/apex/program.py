"""All the Apex of an org: what does not compile, what its tests say, which lines they reach."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from bot.rehearsal.org.apex.checking import check_calls
from bot.rehearsal.org.apex.evaluation import walk
from bot.rehearsal.org.apex.frames import Frame, InDoubt, World
from bot.rehearsal.org.apex.interpreter import Jumped, Machine, Returned
from bot.rehearsal.org.apex.lexer import CompileError, tokens_of
from bot.rehearsal.org.apex.nodes import Block, ClassDecl, MethodDecl, Stmt, TriggerDecl
from bot.rehearsal.org.apex.parser import parse_class, parse_trigger
from bot.rehearsal.org.apex.type_checking import check_types
from bot.rehearsal.org.apex.values import ApexThrow, show
from bot.rehearsal.org.results import Coverage, TestOutcome, TestReport

_Key = tuple[str, str]


@dataclass(frozen=True)
class Doubts:
    """What other automation may do to records: fields it may set, objects whose saving it may refuse; label texts."""

    unsure: dict[str, frozenset[str]] = field(default_factory=dict)
    guarded: frozenset[str] = frozenset()
    labels: dict[str, str] = field(default_factory=dict)


@lru_cache(maxsize=1024)
def _class(source: str) -> ClassDecl | CompileError:
    try:
        return parse_class(source)
    except CompileError as bad:
        return bad


@lru_cache(maxsize=256)
def _trigger(source: str) -> TriggerDecl | CompileError:
    try:
        return parse_trigger(source)
    except CompileError as bad:
        return bad


class ApexCode:
    """Classes and triggers by name, parsed; `problems` maps (type, name) to the compile error."""

    def __init__(self, classes: dict[str, str], triggers: dict[str, str], doubts: Doubts | None = None) -> None:
        doubts = doubts or Doubts()
        self.problems: dict[_Key, CompileError] = {}
        self._sources = {("ApexClass", name): source for name, source in classes.items()}
        self._sources |= {("ApexTrigger", name): source for name, source in triggers.items()}
        self._classes: dict[str, ClassDecl] = {}
        self._triggers: dict[str, TriggerDecl] = {}
        for name, source in classes.items():
            self._take_class(name, _class(source))
        for name, source in triggers.items():
            self._take_trigger(name, _trigger(source))
        by_low = {decl.name.lower(): decl for decl in self._classes.values()}
        self._world = World(by_low, list(self._triggers.values()), doubts.labels, doubts.unsure, doubts.guarded)
        known = frozenset(name.lower() for kind, name in self._sources if kind == "ApexClass")
        for key in self._sources:
            decl = self._classes.get(key[1]) if key[0] == "ApexClass" else self._triggers.get(key[1])
            if decl is None:
                continue
            bad = check_types(decl, by_low, known) or check_calls(self._world, decl, self._sources[key])
            if bad:
                self.problems[key] = bad

    def _take_class(self, name: str, found: ClassDecl | CompileError) -> None:
        if isinstance(found, CompileError):
            self.problems["ApexClass", name] = found
        elif found.name.lower() != name.lower():
            self.problems["ApexClass", name] = CompileError(
                f"Class name must match the file name: {found.name} is in {name}.cls", found.line, 1
            )
        else:
            self._classes[name] = found

    def _take_trigger(self, name: str, found: TriggerDecl | CompileError) -> None:
        if isinstance(found, CompileError):
            self.problems["ApexTrigger", name] = found
        elif found.name.lower() != name.lower():
            text = f"Trigger name must match the file name: {found.name} is in {name}.trigger"
            self.problems["ApexTrigger", name] = CompileError(text, found.line, 1)
        else:
            self._triggers[name] = found

    def test_classes(self) -> list[str]:
        """Names of the classes annotated @IsTest, in alphabetical order."""
        return sorted(name for name, decl in self._classes.items() if decl.is_test or self._tests_of(decl))

    def _tests_of(self, decl: ClassDecl) -> list[MethodDecl]:
        return [method for method in decl.methods if method.is_test]

    def options_of(self, name: str) -> str:
        """The arguments of a class's annotations as text, e.g. `( critical = true )`."""
        return self._classes[name].options

    def trigger_object(self, name: str) -> str | None:
        """The object a trigger is on."""
        found = self._triggers.get(name)
        return found.object if found else None

    def place_of(self, key: _Key, word: str) -> tuple[int, int, str]:
        """(line, column, spelling) of the first mention of a word."""
        for token in tokens_of(self._sources[key]):
            if token.low == word:
                return token.line, token.column, token.text
        return 1, 1, word

    def run(self, names: Iterable[str]) -> TestReport:
        """Run every test method of the named classes, each in a world of its own."""
        report = TestReport(ran=True)
        reached: set[tuple[str, int]] = set()
        mentioned: set[str] = set()
        for name in names:
            decl = self._classes[name]
            for method in self._tests_of(decl):
                machine = Machine(self._world)
                report.outcomes.append(_run_one(machine, decl, method))
                reached |= machine.reached
                mentioned |= machine.mentioned
        report.coverage = self._coverage(reached, mentioned)
        return report

    def _coverage(self, reached: set[tuple[str, int]], mentioned: set[str]) -> list[Coverage]:
        """Lines with statements, reached or not.

        Code that a test mentions only in a statement we skip counts as reached: it may well have run.
        """
        rows: list[Coverage] = []
        for name, decl in sorted(self._classes.items()):
            if not decl.is_test and decl.enum_values is None and not decl.is_interface:
                rows.append(_lines(decl.name, "Class", _lines_of_class(decl), reached, name.lower() in mentioned))
        for name, trigger in sorted(self._triggers.items()):
            rows.append(
                _lines(trigger.name, "Trigger", _statement_lines(trigger.body), reached, name.lower() in mentioned)
            )
        return rows


def _run_one(machine: Machine, decl: ClassDecl, method: MethodDecl) -> TestOutcome:
    outcome = TestOutcome(decl.name, method.name, 0.0)
    try:
        for setup in (each for each in decl.methods if each.is_setup):
            machine.invoke(decl, setup, (), None)
        machine.statics.clear()
        machine.invoke(decl, method, (), None)
    except ApexThrow as thrown:
        outcome.message = f"{thrown.fault.type}: {show(thrown.fault.message)}"
        outcome.stack = "\n".join(thrown.trace)
    except (InDoubt, Returned, Jumped):
        pass  # the rest of the test cannot be told without the platform; what was told held
    outcome.millis = 11.0 + (len(machine.reached) * 3) % 60
    return outcome


def _lines(name: str, kind: str, lines: set[int], reached: set[tuple[str, int]], mentioned: bool) -> Coverage:
    missed = () if mentioned else tuple(sorted(line for line in lines if (name, line) not in reached))
    return Coverage(name, kind, tuple(sorted(lines)), missed)


def _lines_of_class(decl: ClassDecl) -> set[int]:
    lines = {each.line for each in decl.fields if each.static and each.value is not None}
    for method in decl.methods:
        lines |= _statement_lines(method.body)
    for each in decl.fields:
        lines |= _statement_lines(each.getter)
    for inner in decl.inner.values():
        lines |= _lines_of_class(inner)
    return lines


def _statement_lines(body: Block | None) -> set[int]:
    return {node.line for node in walk(body) if isinstance(node, Stmt) and not isinstance(node, Block)}


__all__ = ["ApexCode", "Doubts", "Frame"]
