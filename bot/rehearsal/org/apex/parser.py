"""Parsing of Apex classes, triggers, statements."""

from __future__ import annotations

from bot.rehearsal.org.apex.expressions import ExpressionParser, NotParsed
from bot.rehearsal.org.apex.lexer import CompileError, Token, check_brackets, tokens_of
from bot.rehearsal.org.apex.nodes import (
    Block,
    ClassDecl,
    Dml,
    Expr,
    ExprStmt,
    FieldDecl,
    For,
    ForEach,
    If,
    Jump,
    Local,
    MethodDecl,
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
_DML = frozenset({"insert", "update", "delete", "upsert", "undelete"})
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


class Parser(ExpressionParser):
    """Statements as well as declarations; falls back to `Skipped` for what it does not know."""

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

    def block(self) -> Block:
        """`{ … }`."""
        opening = self.expect("{")
        body: list[Stmt] = []
        while not self.accept("}"):
            body.append(self.statement())
        return Block(opening.line, opening.column, tuple(body))

    def statement(self) -> Stmt:
        """One statement; outside the subset it is skipped whole."""
        start = self.place
        try:
            return self._statement()
        except NotParsed:
            self.place = start
            return self._skip()

    def _skip(self) -> Skipped:
        start, depth = self.place, 0
        while self.here.kind != "end":
            if depth == 0 and self.at("}"):
                break
            token = self.take()
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.low, 0)
            if depth == 0 and token.low in (";", "}"):
                break
        first = self.tokens[start]
        return Skipped(first.line, first.column, tuple(self.tokens[start : self.place]))

    def _statement(self) -> Stmt:
        token = self.here
        known = {
            "{": self.block,
            "if": self._if,
            "while": self._while,
            "do": self._do,
            "for": self._for,
            "return": self._return,
            "throw": self._throw,
            "try": self._try,
            "switch": self._switch,
        }.get(token.low)
        if known:
            return known()
        if token.low in ("break", "continue"):
            self.take()
            self.end_statement()
            return Jump(token.line, token.column, token.low)
        if token.low in _DML and self.ahead().text not in (".", "=", "("):
            return self._dml()
        if token.low == "system" and self.ahead().text == "." and self.ahead(2).low == "runas":
            return self._run_as()
        self.accept("final")
        declared = self._local()
        if declared:
            self.end_statement()
            return declared
        value = self.expression()
        self.end_statement()
        return ExprStmt(token.line, token.column, value)

    def _run_as(self) -> Stmt:
        self.place += 3
        self.arguments()
        return self.block()

    def _dml(self) -> Stmt:
        token = self.take()
        if self.at("as"):
            self.place += 2
        value = self.expression()
        if token.low == "upsert" and self.here.kind == "name":
            self.type_ref()
        self.end_statement()
        return Dml(token.line, token.column, token.low, value)

    def _local(self) -> Local | None:
        token, start = self.here, self.place
        if token.kind != "name" or token.low == "new":
            return None
        try:
            kind = self.type_ref()
            if self.here.kind != "name" or self.ahead().text not in ("=", ";", ",", ":"):
                missing = (
                    self.here.kind == "name" and self.here.line == token.line and self.ahead().line > self.here.line
                )
                if missing and self.here.low != "instanceof" and self.ahead().kind != "op":
                    raise CompileError(f"Missing ';' at '{self.ahead().text}'", self.ahead().line, self.ahead().column)
                self.place = start
                return None
        except NotParsed:
            self.place = start
            return None
        names: list[tuple[str, Expr | None]] = []
        while True:
            name = self.name()
            names.append((name, self.expression() if self.accept("=") else None))
            if not self.accept(","):
                return Local(token.line, token.column, kind, tuple(names))

    def _if(self) -> Stmt:
        token = self.take()
        self.expect("(")
        test = self.expression()
        self.expect(")")
        yes = self.statement()
        no = self.statement() if self.accept("else") else None
        return If(token.line, token.column, test, yes, no)

    def _while(self) -> Stmt:
        token = self.take()
        self.expect("(")
        test = self.expression()
        self.expect(")")
        return While(token.line, token.column, test, self.statement(), first=False)

    def _do(self) -> Stmt:
        token = self.take()
        body = self.block()
        self.expect("while")
        self.expect("(")
        test = self.expression()
        self.expect(")")
        self.end_statement()
        return While(token.line, token.column, test, body, first=True)

    def _for(self) -> Stmt:
        token = self.take()
        self.expect("(")
        start: list[Stmt] = []
        if not self.at(";"):
            declared = self._local()
            if declared and self.accept(":"):
                over = self.expression()
                self.expect(")")
                return ForEach(token.line, token.column, declared.type, declared.names[0][0], over, self.statement())
            start = [declared] if declared else [ExprStmt(token.line, token.column, self.expression())]
        self.expect(";")
        test = None if self.at(";") else self.expression()
        self.expect(";")
        update: list[Expr] = []
        while not self.at(")"):
            update.append(self.expression())
            self.accept(",")
        self.expect(")")
        return For(token.line, token.column, tuple(start), test, tuple(update), self.statement())

    def _return(self) -> Stmt:
        token = self.take()
        value = None if self.at(";") else self.expression()
        self.end_statement()
        return Return(token.line, token.column, value)

    def _throw(self) -> Stmt:
        token = self.take()
        value = self.expression()
        self.end_statement()
        return Throw(token.line, token.column, value)

    def _try(self) -> Stmt:
        token = self.take()
        body = self.block()
        catches: list[tuple[TypeRef, str, Block]] = []
        while self.accept("catch"):
            self.expect("(")
            kind, name = self.type_ref(), self.name()
            self.expect(")")
            catches.append((kind, name, self.block()))
        last = self.block() if self.accept("finally") else None
        return Try(token.line, token.column, body, tuple(catches), last)

    def _switch(self) -> Stmt:
        token = self.take()
        self.expect("on")
        value = self.expression()
        self.expect("{")
        cases: list[tuple[tuple[Expr, ...], TypeRef | None, str, Block]] = []
        otherwise: Block | None = None
        while not self.accept("}"):
            self.expect("when")
            if self.accept("else"):
                otherwise = self.block()
            elif self.here.kind == "name" and self.ahead().kind == "name":
                kind, name = self.type_ref(), self.name()
                cases.append(((), kind, name, self.block()))
            else:
                values = [self.expression()]
                while self.accept(","):
                    values.append(self.expression())
                cases.append((tuple(values), None, "", self.block()))
        return Switch(token.line, token.column, value, tuple(cases), otherwise)
