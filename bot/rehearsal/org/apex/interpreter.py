"""Running Apex statements, one test method at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from bot.rehearsal.org.apex import evaluation
from bot.rehearsal.org.apex.frames import Frame, InDoubt, World
from bot.rehearsal.org.apex.library import elements, fault
from bot.rehearsal.org.apex.nodes import (
    Block,
    ClassDecl,
    Dml,
    Expr,
    ExprStmt,
    For,
    ForEach,
    If,
    Jump,
    Local,
    MethodDecl,
    Node,
    Return,
    Skipped,
    Stmt,
    Switch,
    Throw,
    TriggerDecl,
    Try,
    TypeRef,
    While,
)
from bot.rehearsal.org.apex.records import Saved
from bot.rehearsal.org.apex.values import UNKNOWN, ApexList, ApexMap, ApexThrow, Fault, Instance, Record, Unknown

_MOST_STEPS = 200_000
_DEEPEST = 60


class Returned(Exception):
    """A `return` on its way out."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


class Jumped(Exception):
    """A `break` or `continue` on its way out."""


class Machine:
    """Runs code for one test method; `reached` collects (unit, line)."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.saved = Saved(world.unsure)
        self.statics: dict[str, dict[str, object]] = {}
        self.reached: set[tuple[str, int]] = set()
        self.mentioned: set[str] = set()
        self.frames: list[Frame] = []
        self.doubt = False
        self._steps = 0

    @property
    def frame(self) -> Frame:
        """The call that is running."""
        return self.frames[-1]

    def at(self, node: Node) -> None:
        """Note where we are; a runaway loop ends in Salesforce's own limit."""
        self.frame.line, self.frame.column = node.line, node.column
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise fault("LimitException", "Apex CPU time limit exceeded")

    @contextmanager
    def inside(self, frame: Frame) -> Iterator[None]:
        """Run something in a call of its own; an exception that passes gets a line of stack trace."""
        if len(self.frames) >= _DEEPEST:
            raise fault("LimitException", "Maximum stack depth reached: 1001")
        self.frames.append(frame)
        try:
            yield
        except ApexThrow as thrown:
            thrown.trace.append(f"{frame.where}: line {frame.line}, column 1")
            raise
        finally:
            self.frames.pop()

    def invoke(self, decl: ClassDecl, method: MethodDecl, args: Iterable[object], this: Instance | None) -> object:
        """Call a method with values; unknown when it has no body here."""
        if method.body is None:
            return UNKNOWN
        top = decl
        while top.outer:
            top = top.outer
        where = f"Class.{_dotted(decl)}.{method.name}"
        frame = Frame(top.name, where, decl, this)
        for (kind, name), value in zip(method.params, args, strict=True):
            frame.variables[name.lower()] = evaluation.coerced(value, kind)
            frame.types[name.lower()] = kind
        with self.inside(frame):
            try:
                self.block(method.body)
            except Returned as returned:
                return evaluation.coerced(returned.value, method.type)
        return None

    def block(self, block: Block) -> None:
        """Statements in order, in a scope of their own."""
        outer = set(self.frame.variables)
        for statement in block.body:
            self.run(statement)
        for name in set(self.frame.variables) - outer:
            del self.frame.variables[name]

    def run(self, statement: Stmt) -> None:
        """One statement."""
        if isinstance(statement, Block):
            self.block(statement)
            return
        self.reached.add((self.frame.unit, statement.line))
        self.at(statement)
        {
            Local: self._local,
            ExprStmt: self._expression,
            If: self._if,
            While: self._while,
            For: self._for,
            ForEach: self._for_each,
            Return: self._return,
            Throw: self._throw,
            Jump: self._jump,
            Try: self._try,
            Dml: self._dml,
            Switch: self._switch,
            Skipped: self._skipped,
        }[type(statement)](statement)  # type: ignore[operator]

    def value(self, expr: Expr) -> object:
        """What an expression is worth."""
        return evaluation.evaluate(self, expr)

    def _local(self, statement: Local) -> None:
        for name, init in statement.names:
            self.frame.types[name.lower()] = statement.type
            value = self.value(init) if init is not None else None
            self.frame.variables[name.lower()] = self._fitted(value, statement.type)

    def _fitted(self, value: object, kind: TypeRef) -> object:
        return evaluation.coerced(value, kind)

    def _expression(self, statement: ExprStmt) -> None:
        self.value(statement.expr)

    def _if(self, statement: If) -> None:
        test = self.value(statement.test)
        if isinstance(test, Unknown):
            self.pass_over(statement.yes, *([statement.no] if statement.no else []))
        elif test:
            self.run(statement.yes)
        elif statement.no:
            self.run(statement.no)

    def pass_over(self, *statements: Stmt) -> None:
        """Code that may or may not run: its lines count as reached, what it assigns becomes unknown."""
        for node in evaluation.walk(*statements):
            if isinstance(node, Stmt) and not isinstance(node, Block):
                self.reached.add((self.frame.unit, node.line))
        evaluation.forget_assigned(self, statements)
        if any(isinstance(node, (Return, Throw)) for node in evaluation.walk(*statements)):
            raise InDoubt
        if any(isinstance(node, Dml) for node in evaluation.walk(*statements)):
            self.saved.blurred = True

    def _loop_body(self, body: Stmt) -> bool:
        try:
            self.run(body)
        except Jumped as jumped:
            return str(jumped) != "break"
        return True

    def _while(self, statement: While) -> None:
        if statement.first and not self._loop_body(statement.body):
            return
        while True:
            self.at(statement)
            test = self.value(statement.test)
            if isinstance(test, Unknown):
                self.pass_over(statement.body)
                return
            if not test or not self._loop_body(statement.body):
                return

    def _for(self, statement: For) -> None:
        for each in statement.start:
            self.run(each)
        while True:
            self.at(statement)
            test = True if statement.test is None else self.value(statement.test)
            if isinstance(test, Unknown):
                self.pass_over(statement.body)
                return
            if not test or not self._loop_body(statement.body):
                return
            for step in statement.update:
                self.value(step)

    def _for_each(self, statement: ForEach) -> None:
        over = self.value(statement.over)
        if over is None:
            raise fault("NullPointerException", "Attempt to de-reference a null object")
        if isinstance(over, Unknown):
            self.frame.variables[statement.name.lower()] = UNKNOWN
            self.pass_over(statement.body)
            return
        name = statement.name.lower()
        self.frame.types[name] = statement.type
        for each in elements(over):
            self.frame.variables[name] = evaluation.coerced(each, statement.type)
            if not self._loop_body(statement.body):
                break
        self.frame.variables.pop(name, None)

    def _return(self, statement: Return) -> None:
        raise Returned(self.value(statement.value) if statement.value else None)

    def _throw(self, statement: Throw) -> None:
        value = self.value(statement.value)
        if isinstance(value, Fault):
            raise ApexThrow(value, [])
        raise InDoubt

    def _jump(self, statement: Jump) -> None:
        raise Jumped(statement.word)

    def _try(self, statement: Try) -> None:
        doubt_before, depth = self.doubt, len(self.frames)
        try:
            self.block(statement.body)
        except ApexThrow as thrown:
            del self.frames[depth:]
            self._catch(statement, thrown)
        except InDoubt:
            del self.frames[depth:]
            for _, name, body in statement.catches:
                self.frame.variables[name.lower()] = UNKNOWN
                self._quietly(body)
        finally:
            self.doubt = doubt_before
            if statement.last:
                self.block(statement.last)

    def _quietly(self, body: Block) -> None:
        """A handler that may never run; what it asserts is about something unknown."""
        try:
            self.block(body)
        except (ApexThrow, InDoubt):
            return

    def _catch(self, statement: Try, thrown: ApexThrow) -> None:
        for kind, name, body in statement.catches:
            if evaluation.is_kind(thrown.fault, kind.low):
                self.frame.variables[name.lower()] = thrown.fault
                self.block(body)
                return
        raise thrown

    def _dml(self, statement: Dml) -> None:
        value = self.value(statement.value)
        self.save(statement.op, value)

    def save(self, op: str, value: object) -> None:
        """insert, update, upsert, delete: triggers before, the records, triggers after."""
        rows = list(value) if isinstance(value, list) else [value]
        if value is None:
            raise fault("NullPointerException", "Attempt to de-reference a null object")
        if not all(isinstance(row, Record) for row in rows):
            self.saved.blurred = True
            return
        records = [row for row in rows if isinstance(row, Record)]
        if any(row.type.lower() in self.world.guarded for row in records):
            self.doubt = True
        if op == "upsert":
            self.save("insert", ApexList(row for row in records if not row.fields.get("id")))
            op, records = "update", [row for row in records if row.fields.get("id")]
        if op == "update" and any(self.saved.find(row) is None for row in records):
            self.saved.blurred = True
            return
        for kind in sorted({row.type for row in records}):
            self._save_kind(op, [row for row in records if row.type == kind])

    def _save_kind(self, op: str, records: list[Record]) -> None:
        old = [found.copy() for row in records if (found := self.saved.find(row))]
        self._fire("before", op, records, old)
        errors = [error for row in records for error in row.errors]
        if errors:
            for row in records:
                row.errors.clear()
            reason = f"first error: FIELD_CUSTOM_VALIDATION_EXCEPTION, {errors[0]}: []"
            raise fault("DmlException", f"{op.capitalize()} failed. First exception on row 0; {reason}")
        for row in records:
            if op == "delete":
                self.saved.delete(row)
            else:
                self.saved.save(row)
        self._fire("after", op, records, old)

    def _fire(self, when: str, op: str, records: list[Record], old: list[Record]) -> None:
        event = f"{when} {op}"
        for trigger in self.world.triggers:
            if trigger.object.lower() == records[0].type.lower() and event in trigger.events:
                self._run_trigger(trigger, event, records, old)

    def _run_trigger(self, trigger: TriggerDecl, event: str, records: list[Record], old: list[Record]) -> None:
        when, op = event.split()
        context: dict[str, object] = {
            f"is{word}": word in (when, op) for word in ("before", "after", "insert", "update", "delete")
        }
        context |= {"isexecuting": True, "size": len(records), "isundelete": False}
        context["new"] = None if op == "delete" else ApexList(records)
        context["old"] = None if op == "insert" else ApexList(old)
        for name in ("new", "old"):
            rows, by_id = context[name], ApexMap()
            for row in rows if isinstance(rows, list) else ():
                by_id.put(row.fields.get("id"), row)
            context[f"{name}map"] = by_id
        context["operationtype"] = evaluation.trigger_operation(event)
        frame = Frame(trigger.name, f"Trigger.{trigger.name}", None, trigger=context)
        with self.inside(frame):
            try:
                self.block(trigger.body)
            except (Returned, InDoubt):
                return

    def _switch(self, statement: Switch) -> None:
        value = self.value(statement.value)
        bodies = [body for *_, body in statement.cases] + ([statement.otherwise] if statement.otherwise else [])
        if isinstance(value, Unknown):
            self.pass_over(*bodies)
            return
        for values, kind, name, body in statement.cases:
            if kind is not None and evaluation.is_kind(value, kind.low):
                self.frame.variables[name.lower()] = value
                self.block(body)
                return
            if any(evaluation.matches_case(self, value, each) for each in values):
                self.block(body)
                return
        if statement.otherwise:
            self.block(statement.otherwise)

    def _skipped(self, statement: Skipped) -> None:
        words = {token.low for token in statement.tokens if token.kind == "name"}
        self.mentioned |= words
        for name in words & set(self.frame.variables):
            self.frame.variables[name] = UNKNOWN
        if words & {"insert", "update", "delete", "upsert", "database"}:
            self.saved.blurred = True
        if words & {"return", "throw"}:
            raise InDoubt


def _dotted(decl: ClassDecl) -> str:
    return f"{_dotted(decl.outer)}.{decl.name}" if decl.outer else decl.name
