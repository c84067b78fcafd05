"""What the compiler would say about types that neither the org nor the platform has."""

from __future__ import annotations

from collections.abc import Iterator

from bot.rehearsal.org.apex.evaluation import walk
from bot.rehearsal.org.apex.lexer import CompileError
from bot.rehearsal.org.apex.nodes import (
    Call,
    Cast,
    ClassDecl,
    ForEach,
    InstanceOf,
    Local,
    MethodDecl,
    Name,
    New,
    Node,
    Switch,
    TriggerDecl,
    Try,
    TypeRef,
)
from bot.rehearsal.org.apex.platform_names import may_be_there

_Place = tuple[TypeRef, int]


def check_types(
    decl: ClassDecl | TriggerDecl, classes: dict[str, ClassDecl], known: frozenset[str]
) -> CompileError | None:
    """The first type that is nowhere, None when all are there.

    `classes` are those that were understood, `known` the lower-case names of all, understood or not.
    """
    for owner in _all(decl) if isinstance(decl, ClassDecl) else [decl]:
        visible = known | _visible(owner, classes)
        for ref, line in _types(owner):
            for each in _flat(ref):
                if not _is_there(each.name, visible):
                    return CompileError(f"Invalid type: {each.name}", line, 1)
        missing = _missing_target(owner, visible)
        if missing:
            return missing
    return None


def _is_there(name: str, visible: frozenset[str]) -> bool:
    return name.partition(".")[0].lower() in visible or may_be_there(name)


def _all(decl: ClassDecl) -> Iterator[ClassDecl]:
    yield decl
    for inner in decl.inner.values():
        yield from _all(inner)


def _visible(owner: ClassDecl | TriggerDecl, classes: dict[str, ClassDecl]) -> frozenset[str]:
    """Inner classes of the owner, of those around it, of those it inherits from."""
    found: set[str] = set()
    todo: list[ClassDecl | None] = [owner] if isinstance(owner, ClassDecl) else []
    seen: set[int] = set()
    while todo:
        each = todo.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        found |= {each.name.lower(), *(name.lower() for name in each.inner)}
        todo.append(each.outer)
        if each.superclass:
            todo.append(classes.get(each.superclass.low.partition(".")[0]))
    return frozenset(found)


def _types(owner: ClassDecl | TriggerDecl) -> Iterator[_Place]:
    """Every type that is written, with its line."""
    if isinstance(owner, TriggerDecl):
        yield from _types_in(owner.body)
        return
    if owner.superclass:
        yield owner.superclass, owner.line
    yield from ((interface, owner.line) for interface in owner.interfaces)
    yield from ((field.type, field.line) for field in owner.fields)
    for method in owner.methods:
        yield from _types_of(method)


def _types_of(method: MethodDecl) -> Iterator[_Place]:
    if not method.name.startswith("<"):
        yield method.type, method.line
    yield from ((ref, method.line) for ref, _ in method.params)
    if method.body:
        yield from _types_in(method.body)


def _types_in(body: object) -> Iterator[_Place]:
    for node in walk(body):
        if isinstance(node, Local | ForEach | New | Cast | InstanceOf):
            yield node.type, node.line
        elif isinstance(node, Try):
            yield from ((ref, block.line) for ref, _, block in node.catches)


def _flat(ref: TypeRef) -> Iterator[TypeRef]:
    yield ref
    for each in ref.args:
        yield from _flat(each)


def _missing_target(owner: ClassDecl | TriggerDecl, visible: frozenset[str]) -> CompileError | None:
    """The first `Nowhere.method(…)`, where the target is written like a class."""
    if isinstance(owner, TriggerDecl):
        return _missing_in(owner.body, frozenset(), visible)
    fields = frozenset(field.name.lower() for each in _outwards(owner) for field in each.fields)
    if any(each.superclass for each in _outwards(owner)):
        return None  # what is inherited may have any name
    for method in owner.methods:
        named = fields | {name.lower() for _, name in method.params}
        bad = _missing_in(method.body, named, visible) if method.body else None
        if bad:
            return bad
    return None


def _missing_in(body: object, named: frozenset[str], visible: frozenset[str]) -> CompileError | None:
    nodes = list(walk(body))
    local = named | _declared(nodes)
    for node in nodes:
        target = node.target if isinstance(node, Call) else None
        if not isinstance(target, Name) or not target.name[:1].isupper() or target.name.lower() in local:
            continue
        if not _is_there(target.name, visible):
            return CompileError(f"Variable does not exist: {target.name}", target.line, target.column)
    return None


def _declared(nodes: list[Node]) -> frozenset[str]:
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, Local):
            names |= {name.lower() for name, _ in node.names}
        elif isinstance(node, ForEach):
            names.add(node.name.lower())
        elif isinstance(node, Try):
            names |= {name.lower() for _, name, _ in node.catches}
        elif isinstance(node, Switch):
            names |= {name.lower() for _, _, name, _ in node.cases}
    return frozenset(names)


def _outwards(decl: ClassDecl | None) -> Iterator[ClassDecl]:
    while decl:
        yield decl
        decl = decl.outer
