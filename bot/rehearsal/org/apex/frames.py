"""One call in progress, the world it can see."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.rehearsal.org.apex.nodes import ClassDecl, TriggerDecl, TypeRef
from bot.rehearsal.org.apex.values import Instance


@dataclass
class Frame:
    """One call: where we are, which variables are in sight."""

    unit: str  # class or trigger whose lines are being run
    where: str  # as a stack trace says it: Class.X.method
    decl: ClassDecl | None
    this: Instance | None = None
    variables: dict[str, object] = field(default_factory=dict)
    types: dict[str, TypeRef] = field(default_factory=dict)
    trigger: dict[str, object] | None = None
    line: int = 1
    column: int = 1


@dataclass
class World:
    """What code can see: all classes, triggers, labels, doubts."""

    classes: dict[str, ClassDecl]
    triggers: list[TriggerDecl]
    labels: dict[str, str]
    unsure: dict[str, frozenset[str]]
    guarded: frozenset[str]


class InDoubt(Exception):
    """The test reached a point that real Salesforce may never reach; the rest of the block is passed over."""
