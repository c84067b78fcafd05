"""Parsing of Apex expressions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bot.rehearsal.org.apex.lexer import CompileError, Token
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
    Soql,
    Ternary,
    TypeRef,
    Unary,
)

_LEVELS: tuple[frozenset[str], ...] = tuple(
    frozenset(row.split())
    for row in ("??", "||", "&&", "|", "^", "&", "== != === !== <>", "< > <= >= instanceof", "+ -", "* / %")
)
_ASSIGNS = frozenset({"=", "+=", "-=", "*=", "/=", "|=", "&="})
_CASTABLE = frozenset({"name", "number", "string"})


class NotParsed(Exception):
    """Apex outside the subset; the statement is skipped."""


class ExpressionParser:
    """A cursor over tokens with one method per kind of expression."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.place = 0

    @property
    def here(self) -> Token:
        """The token under the cursor."""
        return self.tokens[self.place]

    def ahead(self, count: int = 1) -> Token:
        """A token further on."""
        return self.tokens[min(self.place + count, len(self.tokens) - 1)]

    def take(self) -> Token:
        """The token under the cursor; the cursor moves on."""
        token = self.here
        if token.kind != "end":
            self.place += 1
        return token

    def at(self, *texts: str) -> bool:
        """Whether the cursor stands at one of these words or signs."""
        return self.here.low in texts

    def accept(self, text: str) -> bool:
        """Move past a word or sign when it is there."""
        if self.at(text):
            self.place += 1
            return True
        return False

    def expect(self, text: str) -> Token:
        """Move past a word or sign that must be there."""
        if not self.at(text):
            raise NotParsed(f"'{text}' expected at '{self.here.text}'")
        return self.take()

    def end_statement(self) -> None:
        """Move past `;`, which the compiler demands before a new line's statement or a closing brace."""
        before = self.tokens[self.place - 1]
        if self.accept(";"):
            return
        if self.here.kind == "end" or self.at("}") or (self.here.kind == "name" and self.here.line > before.line):
            raise CompileError(f"Missing ';' at '{self.here.text}'", self.here.line, self.here.column)
        raise NotParsed(f"';' expected at '{self.here.text}'")

    def name(self) -> str:
        """A name under the cursor, taken."""
        if self.here.kind != "name":
            raise NotParsed(f"a name expected at '{self.here.text}'")
        return self.take().text

    def type_ref(self) -> TypeRef:
        """A type: dotted name, arguments in angle brackets, `[]`."""
        words = [self.name()]
        while self.at(".") and self.ahead().kind == "name":
            self.take()
            words.append(self.name())
        args: list[TypeRef] = []
        if self.accept("<"):
            args.append(self.type_ref())
            while self.accept(","):
                args.append(self.type_ref())
            self.expect(">")
        found = TypeRef(".".join(words), tuple(args))
        while self.at("[") and self.ahead().text == "]":
            self.place += 2
            found = TypeRef("List", (found,))
        return found

    def expression(self) -> Expr:
        """Any expression, assignments included."""
        left = self._ternary()
        if self.here.text in _ASSIGNS and self.here.kind == "op":
            token = self.take()
            return Assign(token.line, token.column, token.text, left, self.expression())
        return left

    def _ternary(self) -> Expr:
        test = self._binary(0)
        if self.at("?"):
            token = self.take()
            yes = self.expression()
            self.expect(":")
            return Ternary(token.line, token.column, test, yes, self.expression())
        return test

    def _binary(self, level: int) -> Expr:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self.here.low in _LEVELS[level] and self.here.kind != "string":
            token = self.take()
            if token.low == "instanceof":
                left = InstanceOf(token.line, token.column, left, self.type_ref())
            else:
                left = Binary(token.line, token.column, token.text, left, self._binary(level + 1))
        return left

    def _unary(self) -> Expr:
        token = self.here
        if token.kind == "op" and token.text in ("!", "-", "+", "++", "--", "~"):
            self.take()
            return Unary(token.line, token.column, token.text, self._unary())
        cast = self._cast()
        return cast or self._postfix(self._primary())

    def _cast(self) -> Expr | None:
        if not self.at("(") or self.ahead().kind != "name":
            return None
        token, start = self.here, self.place
        self.take()
        try:
            kind = self.type_ref()
            self.expect(")")
        except NotParsed:
            self.place = start
            return None
        if self.here.kind in _CASTABLE or self.at("(", "["):
            if self.at("(", "[") and not (kind.args or kind.name[0].isupper()):
                self.place = start
                return None
            if not self.at("instanceof"):
                return Cast(token.line, token.column, kind, self._unary())
        self.place = start
        return None

    def _postfix(self, value: Expr) -> Expr:
        while True:
            token = self.here
            if self.at(".", "?."):
                self.take()
                name, safe = self.name(), token.text == "?."
                if self.at("("):
                    value = Call(token.line, token.column, value, name, self.arguments(), safe)
                else:
                    value = Field(token.line, token.column, value, name, safe)
            elif self.at("["):
                self.take()
                value = Index(token.line, token.column, value, self.expression())
                self.expect("]")
            elif self.at("++", "--"):
                self.take()
                value = Unary(token.line, token.column, token.text, value, after=True)
            else:
                return value

    def arguments(self) -> tuple[Expr, ...]:
        """`(a, b)`."""
        self.expect("(")
        found: list[Expr] = []
        while not self.at(")"):
            found.append(self.expression())
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(found)

    def _primary(self) -> Expr:
        token = self.here
        if token.kind == "string":
            self.take()
            return Literal(token.line, token.column, token.text)
        if token.kind == "number":
            self.take()
            return Literal(token.line, token.column, _number(token.text))
        if self.accept("("):
            inner = self.expression()
            self.expect(")")
            return inner
        if self.at("["):
            return self._soql()
        if token.kind != "name":
            raise NotParsed(f"unexpected '{token.text}'")
        return self._word(token)

    def _word(self, token: Token) -> Expr:
        if token.low in ("true", "false", "null"):
            self.take()
            return Literal(token.line, token.column, {"true": True, "false": False, "null": None}[token.low])
        if token.low == "new":
            return self._new()
        generic = self._class_literal()
        if generic:
            return generic
        self.take()
        if self.at("("):
            return Call(token.line, token.column, None, token.text, self.arguments())
        return Name(token.line, token.column, token.text)

    def _class_literal(self) -> Expr | None:
        token, start = self.here, self.place
        if self.ahead().text not in ("<", "["):
            return None
        try:
            kind = self.type_ref()
        except NotParsed:
            self.place = start
            return None
        if kind.args and self.at(".") and self.ahead().low == "class":
            return Name(token.line, token.column, kind.name)
        self.place = start
        return None

    def _soql(self) -> Expr:
        opening = self.take()
        if self.here.low not in ("select", "find"):
            raise NotParsed("a query expected")
        inside: list[Token] = []
        depth = 1
        while True:
            token = self.take()
            depth += {"[": 1, "]": -1}.get(token.low, 0)
            if depth == 0 or token.kind == "end":
                return Soql(opening.line, opening.column, tuple(inside))
            inside.append(token)

    def _new(self) -> Expr:
        token = self.take()
        kind = self.type_ref()
        if self.accept("["):
            size = self.expression()
            self.expect("]")
            return New(token.line, token.column, TypeRef("List", (kind,)), (size,))
        if self.at("{"):
            return self._new_collection(token, kind)
        self.expect("(")
        if self.here.kind == "name" and self.ahead().text == "=":
            return New(token.line, token.column, kind, named=self._named())
        self.place -= 1
        return New(token.line, token.column, kind, self.arguments())

    def _named(self) -> tuple[tuple[str, Expr], ...]:
        found: list[tuple[str, Expr]] = []
        while not self.at(")"):
            name = self.name()
            self.expect("=")
            found.append((name, self.expression()))
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(found)

    def _new_collection(self, token: Token, kind: TypeRef) -> Expr:
        self.expect("{")
        items: list[Expr] = []
        pairs: list[tuple[Expr, Expr]] = []
        while not self.at("}"):
            item = self.expression()
            if self.accept("=>"):
                pairs.append((item, self.expression()))
            else:
                items.append(item)
            if not self.accept(","):
                break
        self.expect("}")
        if kind.low == "map":
            return New(token.line, token.column, kind, pairs=tuple(pairs))
        return New(token.line, token.column, kind, items=tuple(items))


def _number(text: str) -> object:
    digits = text.rstrip("lLdD")
    return Decimal(digits) if "." in digits or text[-1] in "dD" else int(digits)
