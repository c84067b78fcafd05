"""What Apex expressions are worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from bot.rehearsal.org.apex import calls
from bot.rehearsal.org.apex.library import NotKnown, at, elements, fault
from bot.rehearsal.org.apex.nodes import (
    Assign,
    Binary,
    Call,
    Cast,
    Expr,
    Field,
    Index,
    InstanceOf,
    Literal,
    Name,
    New,
    Node,
    Soql,
    Stmt,
    Ternary,
    TypeRef,
    Unary,
)
from bot.rehearsal.org.apex.records import run_query
from bot.rehearsal.org.apex.values import (
    UNKNOWN,
    ApexList,
    ApexMap,
    ApexSet,
    EnumValue,
    Fault,
    Instance,
    QueryRows,
    Record,
    Unknown,
    equal,
    holds_unknown,
    show,
)

if TYPE_CHECKING:
    from bot.rehearsal.org.apex.interpreter import Machine

_SCALE = Decimal(1).scaleb(-16)


def evaluate(machine: Machine, expr: Expr) -> object:
    """The value of an expression; unknown when it is outside the subset."""
    try:
        return _EVALUATORS[type(expr)](machine, expr)
    except NotKnown:
        for node in walk(expr):
            if isinstance(node, Name):
                machine.mentioned.add(node.name.lower())
        return UNKNOWN


def walk(*roots: object) -> Iterator[Node]:
    """Every node at or below the given ones."""
    for root in roots:
        if isinstance(root, tuple):
            yield from walk(*root)
        elif isinstance(root, Node):
            yield root
            for each in dataclasses.fields(root):
                yield from walk(getattr(root, each.name))


def forget_assigned(machine: Machine, statements: tuple[Stmt, ...]) -> None:
    """What these statements might assign is unknown from here on."""
    variables = machine.frame.variables
    for node in walk(*statements):
        target: Expr | None = None
        if isinstance(node, Assign):
            target = node.target
        elif isinstance(node, Unary) and node.op in ("++", "--"):
            target = node.operand
        elif isinstance(node, Call):
            target = node.target
        while isinstance(target, (Field, Index)):
            target = target.target
        if isinstance(target, Name) and target.name.lower() in variables:
            variables[target.name.lower()] = UNKNOWN


def coerced(value: object, kind: TypeRef) -> object:
    """A value as a variable of that type holds it."""
    if isinstance(value, QueryRows) and kind.low != "list" and kind.low not in ("object", "iterable"):
        return _single(value)
    if kind.low in ("decimal", "double") and isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if kind.low in ("string", "id") and isinstance(value, Record):
        return value.fields.get("id")
    return value


def _single(rows: QueryRows) -> object:
    if len(rows) == 1:
        return rows[0]
    amount = "no rows" if not rows else "more than 1 row"
    raise fault("QueryException", f"List has {amount} for assignment to SObject")


def is_kind(value: object, kind: str) -> bool:
    """Whether a value is of a type, its name in lower case."""
    bare = kind.rsplit(".", 1)[-1]
    if isinstance(value, Fault):
        names = {value.type.rsplit(".", 1)[-1].lower(), "exception"}
        decl = value.decl
        while decl and decl.superclass:
            names.add(decl.superclass.low.rsplit(".", 1)[-1])
            break
        return bare in names
    if isinstance(value, Record):
        return bare in (value.type.lower(), "sobject")
    if isinstance(value, Instance):
        supers = {value.decl.name.lower(), *(each.low for each in value.decl.interfaces)}
        return bare in supers | ({value.decl.superclass.low} if value.decl.superclass else set())
    if isinstance(value, str):
        return bare in ("string", "id")
    return False


def trigger_operation(event: str) -> EnumValue:
    """`before insert` → System.TriggerOperation.BEFORE_INSERT."""
    return EnumValue("TriggerOperation", event.upper().replace(" ", "_"))


def matches_case(machine: Machine, value: object, case: Expr) -> bool:
    """Whether a `when` value is the switched one; enum constants are written bare."""
    if isinstance(value, EnumValue) and isinstance(case, Name):
        return value.name.lower() == case.name.lower()
    return equal(value, evaluate(machine, case), exactly=True)


def _literal(_: Machine, expr: Literal) -> object:
    return expr.value


def _name(machine: Machine, expr: Name) -> object:
    found, value = calls.variable(machine, expr.name.lower())
    if found:
        return value
    raise NotKnown(expr.name)


def _field(machine: Machine, expr: Field) -> object:
    name = expr.name.lower()
    found, value = calls.static_member(machine, expr)
    if found:
        return value
    target = evaluate(machine, expr.target)
    if isinstance(target, QueryRows):
        target = _single(target)
    return read_member(machine, target, name, safe=expr.safe)


def read_member(machine: Machine, target: object, name: str, *, safe: bool = False) -> object:
    """A field of an object or record."""
    if target is None:
        if safe:
            return None
        raise fault("NullPointerException", "Attempt to de-reference a null object")
    if isinstance(target, Record):
        if name in target.fields:
            return target.fields[name]
        return UNKNOWN if name in target.unsure or name.endswith("__r") else None
    if isinstance(target, Instance):
        return calls.instance_field(machine, target, name)
    raise NotKnown(name)


def _index(machine: Machine, expr: Index) -> object:
    target, index = evaluate(machine, expr.target), evaluate(machine, expr.index)
    if target is None:
        raise fault("NullPointerException", "Attempt to de-reference a null object")
    if isinstance(target, list) and isinstance(index, int):
        return at(target, index)
    raise NotKnown("[]")


def _new(machine: Machine, expr: New) -> object:
    kind = expr.type.low
    if expr.items is not None:
        values = [evaluate(machine, each) for each in expr.items]
        return ApexSet(values) if kind == "set" else ApexList(coerced(each, _element(expr.type)) for each in values)
    if expr.pairs is not None:
        made = ApexMap()
        for key, value in expr.pairs:
            made.put(evaluate(machine, key), evaluate(machine, value))
        return made
    if expr.named or (not expr.args and calls.looks_like_record(machine, expr.type.name)):
        return Record(expr.type.name, {name.lower(): evaluate(machine, value) for name, value in expr.named})
    args = [evaluate(machine, each) for each in expr.args]
    if kind in ("list", "set", "map"):
        return _collection(kind, args)
    return calls.construct(machine, expr.type.name, args)


def _element(kind: TypeRef) -> TypeRef:
    return kind.args[0] if kind.args else TypeRef("Object")


def _collection(kind: str, args: list[object]) -> object:
    given = args[0] if args else None
    if isinstance(given, int):
        return ApexList([None] * given)
    if kind == "map":
        made = ApexMap()
        if isinstance(given, ApexMap):
            made.items.update(given.items)
        elif given is not None:
            for each in elements(given):
                if not isinstance(each, Record):
                    raise NotKnown("Map")
                made.put(each.fields.get("id"), each)
        return made
    items = elements(given) if given is not None else []
    return ApexSet(items) if kind == "set" else ApexList(items)


def _unary(machine: Machine, expr: Unary) -> object:
    value = evaluate(machine, expr.operand)
    if isinstance(value, Unknown):
        return value
    if expr.op == "!":
        return not value
    if value is None:
        raise fault("NullPointerException", "Attempt to de-reference a null object")
    if not isinstance(value, (int, Decimal)):
        raise NotKnown(expr.op)
    if expr.op in ("-", "+"):
        return -value if expr.op == "-" else value
    if expr.op in ("++", "--"):
        changed = value + 1 if expr.op == "++" else value - 1
        calls.assign(machine, expr.operand, changed)
        return value if expr.after else changed
    raise NotKnown(expr.op)


def _binary(machine: Machine, expr: Binary) -> object:
    op = expr.op.lower()
    left = evaluate(machine, expr.left)
    if op in ("&&", "||"):
        return _logic(machine, op, left, expr.right)
    if op == "??":
        return evaluate(machine, expr.right) if left is None else left
    return operate(op, left, evaluate(machine, expr.right))


def _logic(machine: Machine, op: str, left: object, right_expr: Expr) -> object:
    stops = op == "||"
    if left is stops:
        return left
    right = evaluate(machine, right_expr)
    if right is stops:
        return right
    return UNKNOWN if isinstance(left, Unknown) or isinstance(right, Unknown) else right


def operate(op: str, left: object, right: object) -> object:
    """A binary operator on two values."""
    if holds_unknown(left) or holds_unknown(right):
        return UNKNOWN
    if op in ("==", "===", "!=", "!==", "<>"):
        return equal(left, right) == (op in ("==", "==="))
    if op == "+" and (isinstance(left, str) or isinstance(right, str)):
        return show(left) + show(right)
    if op in ("<", ">", "<=", ">="):
        return _ordered(op, left, right)
    if left is None or right is None:
        raise fault("NullPointerException", "Attempt to de-reference a null object")
    return _arithmetic(op, left, right)


def _ordered(op: str, left: object, right: object) -> object:
    if isinstance(left, str) and isinstance(right, str):
        order = (left.lower() > right.lower()) - (left.lower() < right.lower())
    elif isinstance(left, (int, Decimal)) and isinstance(right, (int, Decimal)):
        order = (left > right) - (left < right)
    elif left is None or right is None:
        return False
    else:
        raise NotKnown(op)
    return {"<": order < 0, ">": order > 0, "<=": order <= 0, ">=": order >= 0}[op]


def _arithmetic(op: str, left: object, right: object) -> object:
    if isinstance(left, bool) and isinstance(right, bool) and op in ("&", "|", "^"):
        return {"&": left and right, "|": left or right, "^": left != right}[op]
    if not isinstance(left, (int, Decimal)) or not isinstance(right, (int, Decimal)):
        raise NotKnown(op)
    if op == "/":
        return _quotient(left, right)
    steps: dict[str, Callable[[], object]] = {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
    }
    if op not in steps:
        raise NotKnown(op)
    return steps[op]()


def _quotient(left: int | Decimal, right: int | Decimal) -> object:
    if right == 0:
        raise fault("MathException", "Divide by 0")
    if isinstance(left, int) and isinstance(right, int):
        return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    exact = Decimal(left) / Decimal(right)
    return exact if -int(exact.as_tuple().exponent) <= 16 else exact.quantize(_SCALE, ROUND_HALF_EVEN)


def _assign(machine: Machine, expr: Assign) -> object:
    value = evaluate(machine, expr.value)
    if expr.op != "=":
        value = operate(expr.op[:-1], evaluate(machine, expr.target), value)
    calls.assign(machine, expr.target, value)
    return value


def _ternary(machine: Machine, expr: Ternary) -> object:
    test = evaluate(machine, expr.test)
    if isinstance(test, Unknown):
        return UNKNOWN
    return evaluate(machine, expr.yes if test else expr.no)


def _cast(machine: Machine, expr: Cast) -> object:
    value = coerced(evaluate(machine, expr.operand), expr.type)
    if expr.type.low in ("integer", "long") and isinstance(value, Decimal):
        return int(value)
    return value


def _instance_of(machine: Machine, expr: InstanceOf) -> object:
    value = evaluate(machine, expr.operand)
    if isinstance(value, (Fault, Record, Instance)):
        return is_kind(value, expr.type.low)
    raise NotKnown("instanceof")


def _soql(machine: Machine, expr: Soql) -> object:
    return run_query(machine.saved, expr.tokens, lambda each: evaluate(machine, each))


def _call(machine: Machine, expr: Call) -> object:
    return calls.call(machine, expr)


_EVALUATORS: dict[type, Callable[..., object]] = {
    Literal: _literal,
    Name: _name,
    Field: _field,
    Index: _index,
    Call: _call,
    New: _new,
    Unary: _unary,
    Binary: _binary,
    Assign: _assign,
    Ternary: _ternary,
    Cast: _cast,
    InstanceOf: _instance_of,
    Soql: _soql,
}
