"""Parsing of Apex classes as well as triggers."""

from __future__ import annotations

from bot.rehearsal.org.apex.expressions import NotParsed
from bot.rehearsal.org.apex.lexer import CompileError, Token, check_brackets, tokens_of
from bot.rehearsal.org.apex.nodes import (
    Block,
    ClassDecl,
    FieldDecl,
    MethodDecl,
    TriggerDecl,
    TypeRef,
)
from bot.rehearsal.org.apex.statements import StatementParser

_MODIFIERS = frozenset(
    [
        "public",
        "private",
        "protected",
        "global",
        "static",
        "final",
        "virtual",
        "abstract",
        "override",
        "transient",
        "testmethod",
        "webservice",
    ]
)
_SHARING = frozenset({"with", "without", "inherited"})
_VOID = TypeRef("void")


def parse_class(source: str) -> ClassDecl:
    """The class, interface or enum in a .cls file; CompileError when it is refused."""
    return _declaration(source, "class")


def parse_trigger(source: str) -> TriggerDecl:
    """The trigger in a .trigger file; CompileError when it is refused."""
    parser = Parser(_checked(source))
    token = parser.here
    try:
        return parser.trigger()
    except NotParsed as problem:
        raise CompileError(f"Unexpected token '{parser.here.text}'.", parser.here.line, token.column) from problem


def _checked(source: str) -> list[Token]:
    tokens = tokens_of(source)
    check_brackets(tokens)
    return tokens


def _declaration(source: str, what: str) -> ClassDecl:
    parser = Parser(_checked(source))
    try:
        found = parser.type_declaration(None)
    except NotParsed as problem:
        here = parser.here
        raise CompileError(f"Unexpected token '{here.text}'.", here.line, here.column) from problem
    if found is None or parser.here.kind != "end":
        here = parser.here
        raise CompileError(f"Unexpected token '{here.text}'; a {what} was expected.", here.line, here.column)
    return found


class Parser(StatementParser):
    """Classes, triggers, their members."""

    def trigger(self) -> TriggerDecl:
        """`trigger Name on Object (before insert, …) { … }`."""
        line = self.expect("trigger").line
        name = self.name()
        self.expect("on")
        target = self.name()
        self.expect("(")
        events: list[str] = []
        while not self.accept(")"):
            events.append(f"{self.name()} {self.name()}".lower())
            self.accept(",")
        return TriggerDecl(name, target, tuple(events), self.block(), line)

    def type_declaration(self, outer: ClassDecl | None) -> ClassDecl | None:
        """A class, interface or enum; None when the cursor is at none."""
        start = self.place
        annotations, options, _ = self._modifiers()
        if not self.at("class", "interface", "enum"):
            self.place = start
            return None
        word = self.take()
        found = ClassDecl(
            self.name(), word.line, annotations, options, outer=outer, is_interface=word.low == "interface"
        )
        if self.accept("extends"):
            parents = [self.type_ref()]
            while self.accept(","):
                parents.append(self.type_ref())
            found.superclass = None if found.is_interface else parents[0]
        if self.accept("implements"):
            found.interfaces = (self.type_ref(),)
            while self.accept(","):
                found.interfaces += (self.type_ref(),)
        self.expect("{")
        if word.low == "enum":
            self._enum(found)
        else:
            while not self.accept("}"):
                self._member(found)
        return found

    def _enum(self, found: ClassDecl) -> None:
        names: list[str] = []
        while not self.accept("}"):
            names.append(self.name())
            self.accept(",")
        found.enum_values = tuple(names)

    def _modifiers(self) -> tuple[tuple[str, ...], str, frozenset[str]]:
        annotations: list[str] = []
        options = ""
        words: set[str] = set()
        while True:
            if self.accept("@"):
                annotations.append(self.name().lower())
                options += self._annotation_arguments()
            elif self.here.low in _MODIFIERS:
                words.add(self.take().low)
            elif self.here.low in _SHARING and self.ahead().low == "sharing":
                self.place += 2
            else:
                break
        if "testmethod" in words:
            annotations.append("istest")
        return tuple(annotations), options, frozenset(words)

    def _annotation_arguments(self) -> str:
        if not self.at("("):
            return ""
        depth, text = 0, ""
        while True:
            token = self.take()
            depth += {"(": 1, ")": -1}.get(token.low, 0)
            text += token.text + " "
            if depth == 0:
                return text

    def _member(self, owner: ClassDecl) -> None:
        inner = self.type_declaration(owner)
        if inner:
            owner.inner[inner.name.lower()] = inner
            return
        annotations, _, words = self._modifiers()
        static = "static" in words
        if self.at("{"):
            token = self.here
            name = "<clinit>" if static else "<block>"
            owner.methods.append(
                MethodDecl(name, _VOID, (), self.block(), static, annotations, token.line, token.column)
            )
            return
        token = self.here
        kind = self.type_ref()
        if self.at("("):
            owner.methods.append(self._method("<init>", _VOID, static, annotations, token))
            return
        place = self.here
        name = self.name()
        if self.at("("):
            owner.methods.append(self._method(name, kind, static, annotations, place))
        elif self.at("{"):
            owner.fields.append(self._property(name, kind, static, token.line))
        else:
            self._variables(owner, name, kind, static, token.line)

    def _method(self, name: str, kind: TypeRef, static: bool, annotations: tuple[str, ...], token: Token) -> MethodDecl:
        self.expect("(")
        params: list[tuple[TypeRef, str]] = []
        while not self.accept(")"):
            self.accept("final")
            params.append((self.type_ref(), self.name()))
            self.accept(",")
        body = None
        if self.at("{"):
            body = self.block()
        else:
            self.end_statement()
        return MethodDecl(name, kind, tuple(params), body, static, annotations, token.line, token.column)

    def _property(self, name: str, kind: TypeRef, static: bool, line: int) -> FieldDecl:
        self.expect("{")
        getter: Block | None = None
        while not self.accept("}"):
            self._modifiers()
            word = self.name().lower()
            if self.at("{"):
                body = self.block()
                getter = body if word == "get" else getter
            else:
                self.expect(";")
        value = self.expression() if self.accept("=") else None
        if value is not None:
            self.end_statement()
        return FieldDecl(name, kind, static, value, line, getter)

    def _variables(self, owner: ClassDecl, name: str, kind: TypeRef, static: bool, line: int) -> None:
        while True:
            value = self.expression() if self.accept("=") else None
            owner.fields.append(FieldDecl(name, kind, static, value, line))
            if not self.accept(","):
                break
            name = self.name()
        self.end_statement()
