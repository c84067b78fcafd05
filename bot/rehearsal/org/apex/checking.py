"""What the compiler would say about calls to methods that are not there."""

from __future__ import annotations

from collections.abc import Iterator

from bot.rehearsal.org.apex.calls import dotted
from bot.rehearsal.org.apex.evaluation import walk
from bot.rehearsal.org.apex.frames import World
from bot.rehearsal.org.apex.lexer import CompileError, tokens_of
from bot.rehearsal.org.apex.nodes import Block, Call, ClassDecl, ForEach, Local, Node, TriggerDecl, Try

_SYSTEM_CALLS = frozenset({"super", "this"})


def check_calls(world: World, decl: ClassDecl | TriggerDecl, source: str) -> CompileError | None:
    """The first call of a method that no class has, or mention of a label that is not there; None when all is well."""
    if isinstance(decl, TriggerDecl):
        return _check_bodies(world, None, [decl.body], frozenset()) or _labels(world, source)
    return _check_class(world, decl) or _labels(world, source)


def _check_class(world: World, decl: ClassDecl) -> CompileError | None:
    for method in decl.methods:
        params = frozenset(name.lower() for _, name in method.params)
        bad = _check_bodies(world, decl, [method.body], params) if method.body else None
        if bad:
            return bad
    for inner in decl.inner.values():
        bad = _check_class(world, inner)
        if bad:
            return bad
    return None


def _check_bodies(
    world: World, decl: ClassDecl | None, bodies: list[Block], params: frozenset[str]
) -> CompileError | None:
    nodes = [node for body in bodies for node in walk(body)]
    local = params | _declared(nodes) | {field.name.lower() for field in (decl.fields if decl else ())}
    for node in nodes:
        if not isinstance(node, Call):
            continue
        owner = _owner(world, decl, node, local)
        if owner and not _has(world, owner, node):
            name = f"{owner.outer.name}.{owner.name}" if owner.outer else owner.name
            signature = ", ".join("Object" for _ in node.args)
            text = f"Method does not exist or incorrect signature: void {node.name}({signature}) from the type {name}"
            return CompileError(text, node.line, node.column + (1 if node.target else 0))
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
    return frozenset(names)


def _owner(world: World, decl: ClassDecl | None, call: Call, local: frozenset[str]) -> ClassDecl | None:
    """The class a call is certainly to: `Known.method(…)` or a bare call in a class that inherits nothing."""
    if call.target is None:
        bare = (
            decl is not None
            and call.name.lower() not in _SYSTEM_CALLS
            and not any(each.superclass for each in _outwards(decl))
        )
        return decl if bare else None
    path = dotted(call.target)
    if (
        path is None
        or "." in path
        or path in local
        or path in ("system", "test", "database", "assert", "trigger", "label")
    ):
        return None
    if decl and any(
        path in each.inner or any(field.name.lower() == path for field in each.fields) for each in _outwards(decl)
    ):
        return None
    return world.classes.get(path)


def _outwards(decl: ClassDecl | None) -> Iterator[ClassDecl]:
    while decl:
        yield decl
        decl = decl.outer


def _has(world: World, owner: ClassDecl, call: Call) -> bool:
    name = call.name.lower()
    if owner.enum_values is not None:
        return name in ("values", "valueof")
    seen: ClassDecl | None = owner
    while seen:
        if any(method.name.lower() == name and len(method.params) == len(call.args) for method in seen.methods):
            return True
        if seen.superclass:
            seen = world.classes.get(seen.superclass.low)
            if seen is None:
                return True  # a parent we cannot see may have it
        else:
            seen = seen.outer if call.target is None else None
    return False


def _labels(world: World, source: str) -> CompileError | None:
    tokens = tokens_of(source)
    for place, token in enumerate(tokens[:-2]):
        before = tokens[place - 1].text if place else ""
        if (
            token.low != "label"
            or tokens[place + 1].text != "."
            or (before == "." and tokens[place - 2].low != "system")
        ):
            continue
        name = tokens[place + 2]
        if tokens[place + 3].text in (".", "("):
            continue
        if name.low not in world.labels:
            return CompileError(f"Variable does not exist: {name.text}", name.line, name.column)
    return None
