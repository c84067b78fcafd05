"""Parsing of Apex statements."""

from __future__ import annotations

from bot.rehearsal.org.apex.expressions import ExpressionParser, NotParsed
from bot.rehearsal.org.apex.lexer import CompileError
from bot.rehearsal.org.apex.nodes import (
    Block,
    Dml,
    Expr,
    ExprStmt,
    For,
    ForEach,
    If,
    Jump,
    Local,
    Return,
    Skipped,
    Stmt,
    Switch,
    Throw,
    Try,
    TypeRef,
    While,
)

_DML = frozenset({"insert", "update", "delete", "upsert", "undelete"})


class StatementParser(ExpressionParser):
    """Statements; falls back to `Skipped` for what it does not know."""

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
