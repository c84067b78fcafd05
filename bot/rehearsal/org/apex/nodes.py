"""The shapes that Apex source is parsed into."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.rehearsal.org.apex.lexer import Token


@dataclass(frozen=True)
class TypeRef:
    """A type as written: `Map<Id, List<Account>>`; `Account[]` is a List."""

    name: str
    args: tuple[TypeRef, ...] = ()

    @property
    def low(self) -> str:
        """Its name in lower case."""
        return self.name.lower()


@dataclass(frozen=True)
class Node:
    """Anything with a place in the source."""

    line: int
    column: int


class Expr(Node):
    """Something that has a value."""


class Stmt(Node):
    """Something that is done."""


@dataclass(frozen=True)
class Literal(Expr):
    value: object


@dataclass(frozen=True)
class Name(Expr):
    name: str


@dataclass(frozen=True)
class Field(Expr):
    target: Expr
    name: str
    safe: bool = False


@dataclass(frozen=True)
class Index(Expr):
    target: Expr
    index: Expr


@dataclass(frozen=True)
class Call(Expr):
    target: Expr | None
    name: str
    args: tuple[Expr, ...]
    safe: bool = False


@dataclass(frozen=True)
class New(Expr):
    type: TypeRef
    args: tuple[Expr, ...] = ()
    named: tuple[tuple[str, Expr], ...] = ()
    items: tuple[Expr, ...] | None = None
    pairs: tuple[tuple[Expr, Expr], ...] | None = None


@dataclass(frozen=True)
class Unary(Expr):
    op: str
    operand: Expr
    after: bool = False


@dataclass(frozen=True)
class Binary(Expr):
    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Assign(Expr):
    op: str
    target: Expr
    value: Expr


@dataclass(frozen=True)
class Ternary(Expr):
    test: Expr
    yes: Expr
    no: Expr


@dataclass(frozen=True)
class Cast(Expr):
    type: TypeRef
    operand: Expr


@dataclass(frozen=True)
class InstanceOf(Expr):
    operand: Expr
    type: TypeRef


@dataclass(frozen=True)
class Soql(Expr):
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Block(Stmt):
    body: tuple[Stmt, ...]


@dataclass(frozen=True)
class Local(Stmt):
    type: TypeRef
    names: tuple[tuple[str, Expr | None], ...]


@dataclass(frozen=True)
class ExprStmt(Stmt):
    expr: Expr


@dataclass(frozen=True)
class If(Stmt):
    test: Expr
    yes: Stmt
    no: Stmt | None


@dataclass(frozen=True)
class While(Stmt):
    test: Expr
    body: Stmt
    first: bool  # do … while


@dataclass(frozen=True)
class For(Stmt):
    start: tuple[Stmt, ...]
    test: Expr | None
    update: tuple[Expr, ...]
    body: Stmt


@dataclass(frozen=True)
class ForEach(Stmt):
    type: TypeRef
    name: str
    over: Expr
    body: Stmt


@dataclass(frozen=True)
class Return(Stmt):
    value: Expr | None


@dataclass(frozen=True)
class Throw(Stmt):
    value: Expr


@dataclass(frozen=True)
class Jump(Stmt):
    word: str  # break or continue


@dataclass(frozen=True)
class Try(Stmt):
    body: Block
    catches: tuple[tuple[TypeRef, str, Block], ...]
    last: Block | None


@dataclass(frozen=True)
class Dml(Stmt):
    op: str
    value: Expr


@dataclass(frozen=True)
class Switch(Stmt):
    value: Expr
    cases: tuple[tuple[tuple[Expr, ...], TypeRef | None, str, Block], ...]  # (values, type, variable, body)
    otherwise: Block | None


@dataclass(frozen=True)
class Skipped(Stmt):
    """A statement outside the subset; it is reached, not evaluated."""

    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class FieldDecl:
    """A variable or property of a class."""

    name: str
    type: TypeRef
    static: bool
    value: Expr | None
    line: int
    getter: Block | None = None


@dataclass(frozen=True)
class MethodDecl:
    """A method; a constructor is named `<init>`, a static block `<clinit>`."""

    name: str
    type: TypeRef
    params: tuple[tuple[TypeRef, str], ...]
    body: Block | None
    static: bool
    annotations: tuple[str, ...]
    line: int
    column: int = 1

    @property
    def is_test(self) -> bool:
        """Whether the platform runs it as a test."""
        return "istest" in self.annotations

    @property
    def is_setup(self) -> bool:
        """Whether it prepares data for each test of its class."""
        return "testsetup" in self.annotations


@dataclass
class ClassDecl:
    """A class, interface or enum; `annotations` are lower-case words, their arguments in `options`."""

    name: str
    line: int
    annotations: tuple[str, ...] = ()
    options: str = ""
    superclass: TypeRef | None = None
    interfaces: tuple[TypeRef, ...] = ()
    fields: list[FieldDecl] = field(default_factory=list)
    methods: list[MethodDecl] = field(default_factory=list)
    inner: dict[str, ClassDecl] = field(default_factory=dict)
    enum_values: tuple[str, ...] | None = None
    is_interface: bool = False
    outer: ClassDecl | None = None

    @property
    def is_test(self) -> bool:
        """Whether it is a test class: excluded from coverage."""
        return "istest" in self.annotations


@dataclass
class TriggerDecl:
    """A trigger: its object, the events in lower case such as `before insert`, what it does."""

    name: str
    object: str
    events: tuple[str, ...]
    body: Block
    line: int
