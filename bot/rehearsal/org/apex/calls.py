"""Names, members, method calls: finding what Apex code refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.rehearsal.org.apex import asserting, evaluation
from bot.rehearsal.org.apex.frames import Frame
from bot.rehearsal.org.apex.library import NotKnown, call_method, call_static, fault
from bot.rehearsal.org.apex.nodes import Call, ClassDecl, Expr, Field, Index, MethodDecl, Name, TypeRef
from bot.rehearsal.org.apex.values import (
    UNKNOWN,
    ApexList,
    EnumValue,
    Fault,
    Instance,
    QueryRows,
    Record,
    Unknown,
    holds_unknown,
)
from bot.rehearsal.org.standard import holds_business_data

if TYPE_CHECKING:
    from bot.rehearsal.org.apex.interpreter import Machine


def class_named(machine: Machine, name: str) -> ClassDecl | None:
    """A class by its name, as seen from the running code; inner classes first."""
    scope = machine.frame.decl if machine.frames else None
    while scope:
        if name in scope.inner:
            return scope.inner[name]
        scope = scope.outer
    outer, _, inner = name.partition(".")
    top = machine.world.classes.get(outer)
    return top.inner.get(inner) if top and inner else top


def looks_like_record(machine: Machine, name: str) -> bool:
    """Whether `new X()` makes an SObject: no class, no collection, no exception, a plain name."""
    low = name.lower()
    if class_named(machine, low) or low in ("list", "set", "map") or "." in name or low.endswith("exception"):
        return False
    return low.endswith(("__mdt", "__e")) or holds_business_data(low) or low == "user"


def variable(machine: Machine, name: str) -> tuple[bool, object]:
    """(found, value) of a bare name: local, field, static."""
    frame = machine.frame
    if name in frame.variables:
        return True, frame.variables[name]
    if name == "this":
        return True, frame.this
    if frame.this is not None and _declares(frame.this.decl, name, machine, static=False):
        return True, instance_field(machine, frame.this, name)
    decl = frame.decl
    while decl:
        if _declares(decl, name, machine, static=True):
            return True, static_value(machine, decl, name)
        decl = decl.outer
    return False, None


def _chain(machine: Machine, decl: ClassDecl | None) -> list[ClassDecl]:
    found: list[ClassDecl] = []
    while decl and decl not in found:
        found.append(decl)
        decl = class_named(machine, decl.superclass.low) if decl.superclass else None
    return found


def _declares(decl: ClassDecl, name: str, machine: Machine, *, static: bool) -> bool:
    return any(
        each.name.lower() == name and each.static == static for one in _chain(machine, decl) for each in one.fields
    )


def static_value(machine: Machine, decl: ClassDecl, name: str) -> object:
    """A static variable; its class is initialised first."""
    for one in _chain(machine, decl):
        for each in one.fields:
            if each.name.lower() == name and each.static:
                if each.getter:
                    getter = MethodDecl(each.name, each.type, (), each.getter, True, (), each.line)
                    return machine.invoke(one, getter, (), None)
                return _statics(machine, one).get(name)
    raise NotKnown(name)


def _statics(machine: Machine, decl: ClassDecl) -> dict[str, object]:
    key = f"{decl.outer.name}.{decl.name}" if decl.outer else decl.name
    if key not in machine.statics:
        values = machine.statics[key] = {}
        with machine.inside(_frame(machine, decl, "<clinit>")):
            for each in decl.fields:
                if each.static:
                    machine.reached.add((_top(decl).name, each.line))
                    values[each.name.lower()] = (
                        evaluation.coerced(machine.value(each.value), each.type) if each.value else None
                    )
        for method in decl.methods:
            if method.name == "<clinit>":
                machine.invoke(decl, method, (), None)
    return machine.statics[key]


def _frame(machine: Machine, decl: ClassDecl, what: str, this: Instance | None = None) -> Frame:
    return Frame(_top(decl).name, f"Class.{decl.name}.{what}", decl, this)


def _top(decl: ClassDecl) -> ClassDecl:
    while decl.outer:
        decl = decl.outer
    return decl


def instance_field(machine: Machine, target: Instance, name: str) -> object:
    """A variable or property of an object."""
    for one in _chain(machine, target.decl):
        for each in one.fields:
            if each.name.lower() == name and not each.static:
                if each.getter:
                    getter = MethodDecl(each.name, each.type, (), each.getter, False, (), each.line)
                    return machine.invoke(one, getter, (), target)
                return target.fields.get(name)
    raise NotKnown(name)


def static_member(machine: Machine, expr: Field) -> tuple[bool, object]:
    """(found, value) of `Class.member`, `Enum.CONSTANT`, `Label.x`, `Trigger.new`."""
    name = expr.name.lower()
    path = dotted(expr.target)
    if path is None or (machine.frames and variable(machine, path.split(".")[0])[0]):
        return False, None
    if path == "trigger" and machine.frames:
        return True, (machine.frame.trigger or _outer_trigger(machine)).get(name, UNKNOWN)
    if path in ("label", "system.label"):
        return True, machine.world.labels.get(name, UNKNOWN)
    decl = class_named(machine, path)
    if decl is None:
        return False, None
    if decl.enum_values is not None:
        for value in decl.enum_values:
            if value.lower() == name:
                return True, EnumValue(decl.name, value)
    if name in decl.inner:
        raise NotKnown(name)
    return True, static_value(machine, decl, name)


def _outer_trigger(machine: Machine) -> dict[str, object]:
    for frame in reversed(machine.frames):
        if frame.trigger is not None:
            return frame.trigger
    return {"isexecuting": False, "new": None, "old": None}


def dotted(expr: Expr | None) -> str | None:
    """`A.B` as lower-case text; None when it is no plain path of names."""
    if isinstance(expr, Name):
        return expr.name.lower()
    if isinstance(expr, Field):
        inner = dotted(expr.target)
        return f"{inner}.{expr.name.lower()}" if inner else None
    return None


def assign(machine: Machine, target: Expr, value: object) -> None:
    """Store a value where an assignment points."""
    if isinstance(target, Name):
        _assign_name(machine, target.name.lower(), value)
    elif isinstance(target, Field):
        _assign_field(machine, target, value)
    elif isinstance(target, Index):
        items, index = machine.value(target.target), machine.value(target.index)
        if not isinstance(items, list) or not isinstance(index, int):
            raise NotKnown("[]")
        call_method(items, "set", [index, value])


def _assign_name(machine: Machine, name: str, value: object) -> None:
    frame = machine.frame
    if name in frame.variables:
        frame.variables[name] = evaluation.coerced(value, frame.types.get(name, TypeRef("Object")))
        return
    if frame.this is not None and _declares(frame.this.decl, name, machine, static=False):
        _set_instance(machine, frame.this, name, value)
        return
    decl = frame.decl
    while decl:
        if _declares(decl, name, machine, static=True):
            _set_static(machine, decl, name, value)
            return
        decl = decl.outer
    raise NotKnown(name)


def _set_instance(machine: Machine, target: Instance, name: str, value: object) -> None:
    for one in _chain(machine, target.decl):
        for each in one.fields:
            if each.name.lower() == name:
                target.fields[name] = evaluation.coerced(value, each.type)
                return
    raise NotKnown(name)


def _set_static(machine: Machine, decl: ClassDecl, name: str, value: object) -> None:
    for one in _chain(machine, decl):
        for each in one.fields:
            if each.name.lower() == name and each.static:
                _statics(machine, one)[name] = evaluation.coerced(value, each.type)
                return


def _assign_field(machine: Machine, target: Field, value: object) -> None:
    name, path = target.name.lower(), dotted(target.target)
    decl = class_named(machine, path) if path and not variable(machine, path.split(".")[0])[0] else None
    if decl:
        _set_static(machine, decl, name, value)
        return
    owner = machine.value(target.target)
    if owner is None:
        raise fault("NullPointerException", "Attempt to de-reference a null object")
    if isinstance(owner, Record):
        owner.fields[name] = value
    elif isinstance(owner, Instance):
        _set_instance(machine, owner, name, value)
    elif not isinstance(owner, Unknown):
        raise NotKnown(name)


def construct(machine: Machine, name: str, args: list[object]) -> object:
    """`new X(…)` for a class of the org or an exception."""
    decl = class_named(machine, name.lower())
    if decl is None:
        if name.lower().endswith("exception"):
            bare = name.split(".")[-1]
            return Fault(f"System.{bare}", args[0] if args else None)
        raise NotKnown(name)
    if any(each.superclass and each.superclass.low.endswith("exception") for each in _chain(machine, decl)):
        full = f"{decl.outer.name}.{decl.name}" if decl.outer else decl.name
        return Fault(full, args[0] if args else "Script-thrown exception", decl)
    made = Instance(decl)
    for one in reversed(_chain(machine, decl)):
        with machine.inside(_frame(machine, one, "<init>", made)):
            for each in one.fields:
                if not each.static:
                    made.fields[each.name.lower()] = machine.value(each.value) if each.value else None
    makers = [each for each in decl.methods if each.name == "<init>" and len(each.params) == len(args)]
    if makers:
        machine.invoke(decl, _fitting(makers, args), args, made)
    elif args:
        raise NotKnown(name)
    return made


def _fitting(candidates: list[MethodDecl], args: list[object]) -> MethodDecl:
    """Of overloads with the right number of parameters, the one whose types suit the values best."""
    return max(
        candidates, key=lambda each: sum(_suits(kind, arg) for (kind, _), arg in zip(each.params, args, strict=True))
    )


def _suits(kind: TypeRef, value: object) -> int:
    if isinstance(value, Record):
        return 2 if kind.low == value.type.lower() else 0
    if isinstance(value, Instance):
        return 2 if kind.low == value.decl.name.lower() else 0
    names = {bool: ("boolean",), int: ("integer", "long"), str: ("string", "id"), ApexList: ("list",)}.get(
        type(value), ("decimal", "double")
    )
    return 2 if kind.low in names else int(kind.low == "object" or value is None)


def find_method(
    machine: Machine, decl: ClassDecl, name: str, args: list[object]
) -> tuple[ClassDecl, MethodDecl] | None:
    """The method a call means, in the class or above it."""
    for one in _chain(machine, decl):
        fits = [each for each in one.methods if each.name.lower() == name and len(each.params) == len(args)]
        if fits:
            return one, _fitting(fits, args)
    return None


def call(machine: Machine, expr: Call) -> object:
    """A method call of any kind."""
    machine.at(expr)
    path = dotted(expr.target)
    name = expr.name.lower()
    if asserting.is_assertion(path, name):
        return asserting.check(machine, path or "", name, [machine.value(each) for each in expr.args])
    args = [machine.value(each) for each in expr.args]
    machine.at(expr)
    if expr.target is None:
        return _own(machine, name, args)
    if path is not None and not variable(machine, path.split(".")[0])[0]:
        decl = class_named(machine, path)
        if decl:
            return _static_call(machine, decl, name, args)
        if path in ("test", "system.test", "system") or path == "database":
            return _platform(machine, path, name, args)
        if path.split(".")[0] not in ("trigger", "label", "this", "super"):
            owner = machine.value(expr.target) if isinstance(expr.target, Field) else UNKNOWN
            if isinstance(owner, Unknown):
                return call_static(path, name, args)
            return call_method(owner, name, args)
    return _on_value(machine, expr, name, args)


def _own(machine: Machine, name: str, args: list[object]) -> object:
    frame = machine.frame
    decl = frame.this.decl if frame.this else frame.decl
    while decl:
        found = find_method(machine, decl, name, args)
        if found:
            owner, method = found
            return machine.invoke(owner, method, args, None if method.static else frame.this)
        decl = decl.outer
    raise NotKnown(name)


def _static_call(machine: Machine, decl: ClassDecl, name: str, args: list[object]) -> object:
    found = find_method(machine, decl, name, args)
    if found:
        return machine.invoke(found[0], found[1], args, None)
    if decl.enum_values is not None and name == "values":
        return ApexList(EnumValue(decl.name, value) for value in decl.enum_values)
    raise NotKnown(name)


def _on_value(machine: Machine, expr: Call, name: str, args: list[object]) -> object:
    target = machine.value(expr.target) if expr.target else None
    if isinstance(expr.target, Name) and expr.target.name.lower() == "super":
        raise NotKnown("super")
    if isinstance(target, Unknown):
        raise NotKnown(name)
    if target is None:
        if expr.safe:
            return None
        raise fault("NullPointerException", "Attempt to de-reference a null object")
    if isinstance(target, QueryRows) and name not in ("size", "isempty", "get", "iterator"):
        return call_method(target, name, args)
    if isinstance(target, Instance):
        found = find_method(machine, target.decl, name, args)
        if not found:
            raise NotKnown(name)
        return machine.invoke(found[0], found[1], args, target)
    return call_method(target, name, args)


def _platform(machine: Machine, path: str, name: str, args: list[object]) -> object:
    if path.endswith("test") and name in ("starttest", "stoptest", "setmock"):
        return None
    if path.endswith("test") and name == "isrunningtest":
        return True
    if path == "system" and name == "debug":
        return None
    if path == "database" and name in ("insert", "update", "delete", "upsert"):
        machine.save(name, args[0])
        if len(args) > 1 and holds_unknown(args):
            machine.saved.blurred = True
        raise NotKnown(name)
    if path == "system":
        machine.saved.blurred = True  # a job that was started may have saved anything
    if path == "database":
        machine.saved.blurred = name not in ("query", "countquery", "getquerylocator")
    raise NotKnown(name)
