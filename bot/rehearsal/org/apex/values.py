"""Apex values as the interpreter holds them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from bot.rehearsal.org.apex.nodes import ClassDecl


class Unknown:
    """A value the interpreter cannot know; whatever is made of it is unknown too."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = Unknown()


@dataclass(eq=False)
class Record:
    """An SObject: field names in lower case; two are equal when their fields are."""

    type: str
    fields: dict[str, object] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    unsure: frozenset[str] = frozenset()  # fields that something other than Apex may have set

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and (self.type.lower(), self.fields) == (other.type.lower(), other.fields)

    def __hash__(self) -> int:
        return id(self)

    def copy(self) -> Record:
        """A record of its own with the same fields."""
        return Record(self.type, dict(self.fields), [], self.unsure)


@dataclass(eq=False)
class Instance:
    """An object of a class in the org."""

    decl: ClassDecl
    fields: dict[str, object] = field(default_factory=dict)


@dataclass(eq=False)
class Fault:
    """An exception object; `type` as in `System.MathException`."""

    type: str
    message: object = None
    decl: ClassDecl | None = None


@dataclass(frozen=True)
class EnumValue:
    """A constant of an enum."""

    type: str
    name: str


class ApexList(list[object]):
    """A List."""


class QueryRows(ApexList):
    """What a query found; assigned to a single record it must be exactly one."""


class ApexSet:
    """A Set; keeps the order of insertion."""

    def __init__(self, items: Iterable[object] = ()) -> None:
        self.items: dict[object, object] = {key_of(item): item for item in items}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApexSet) and set(self.items) == set(other.items)

    def __hash__(self) -> int:
        return id(self)


class ApexMap:
    """A Map; `items` maps each key's identity to (key, value)."""

    def __init__(self) -> None:
        self.items: dict[object, tuple[object, object]] = {}

    def put(self, key: object, value: object) -> None:
        """Set one entry."""
        self.items[key_of(key)] = (key, value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApexMap) and self.items == other.items

    def __hash__(self) -> int:
        return id(self)


def key_of(value: object) -> object:
    """What makes a value the same key as another."""
    if isinstance(value, list):
        return tuple(key_of(each) for each in value)
    return ("b", value) if isinstance(value, bool) else value


class ApexThrow(Exception):
    """An Apex exception on its way up; `trace` are the frames it passed."""

    def __init__(self, fault: Fault, trace: list[str]) -> None:
        super().__init__(fault.type)
        self.fault = fault
        self.trace = trace


def show(value: object) -> str:
    """A value as Apex prints it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, EnumValue):
        return value.name
    if isinstance(value, list):
        return "(" + ", ".join(show(each) for each in value) + ")"
    if isinstance(value, ApexSet):
        return "{" + ", ".join(show(each) for each in value.items.values()) + "}"
    if isinstance(value, ApexMap):
        return "{" + ", ".join(f"{show(key)}={show(each)}" for key, each in value.items.values()) + "}"
    if isinstance(value, Record):
        return f"{value.type}:{{" + ", ".join(f"{name}={show(each)}" for name, each in value.fields.items()) + "}"
    if isinstance(value, Instance):
        return f"{value.decl.name}:[]"
    if isinstance(value, Fault):
        return f"{value.type}: {show(value.message)}"
    return str(value)


def holds_unknown(value: object) -> bool:
    """Whether a value is unknown or has something unknown inside."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, list):
        return any(holds_unknown(each) for each in value)
    if isinstance(value, ApexSet):
        return any(holds_unknown(each) for each in value.items.values())
    if isinstance(value, ApexMap):
        return any(holds_unknown(key) or holds_unknown(each) for key, each in value.items.values())
    return isinstance(value, Record) and any(holds_unknown(each) for each in value.fields.values())


def equal(one: object, other: object, *, exactly: bool = False) -> bool:
    """Apex's `==`: strings without regard to case unless `exactly`; numbers by value."""
    if isinstance(one, str) and isinstance(other, str):
        return one == other if exactly else one.lower() == other.lower()
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    return one is other or one == other
