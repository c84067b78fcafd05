"""The records a test saves: kept in memory, gone after the test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from bot.rehearsal.org.apex.expressions import ExpressionParser, NotParsed
from bot.rehearsal.org.apex.lexer import Token
from bot.rehearsal.org.apex.library import NotKnown
from bot.rehearsal.org.apex.nodes import Expr
from bot.rehearsal.org.apex.values import UNKNOWN, ApexSet, QueryRows, Record, Unknown, equal
from bot.rehearsal.org.standard import holds_business_data


class Saved:
    """Records by object, in the order in which they were inserted."""

    def __init__(self, unsure: dict[str, frozenset[str]]) -> None:
        self.rows: dict[str, list[Record]] = {}
        self.unsure = unsure
        self.blurred = False  # something unknown was saved: nothing that is read back is certain
        self._count = 0

    def next_id(self) -> str:
        """An id for a new record."""
        self._count += 1
        return f"a00{self._count:012d}AAA"

    def find(self, record: Record) -> Record | None:
        """The saved row of a record, by its Id."""
        for row in self.rows.get(record.type.lower(), []):
            if row.fields.get("id") == record.fields.get("id"):
                return row
        return None

    def save(self, record: Record) -> None:
        """Insert a record without an Id, or overwrite the fields of the one that has it."""
        row = self.find(record) if record.fields.get("id") else None
        if row is None:
            record.fields.setdefault("id", self.next_id())
            if record.fields["id"] is None:
                record.fields["id"] = self.next_id()
            self.rows.setdefault(record.type.lower(), []).append(record.copy())
        else:
            row.fields.update(record.fields)

    def delete(self, record: Record) -> None:
        """Take a record away."""
        row = self.find(record)
        if row is not None:
            self.rows[record.type.lower()].remove(row)


def run_query(saved: Saved, tokens: Sequence[Token], evaluate: Callable[[Expr], object]) -> object:
    """The rows (or the count) a query finds among what the test saved; unknown when it asks for more than that."""
    try:
        return _Query(saved, tokens, evaluate).run()
    except (NotParsed, NotKnown):
        return UNKNOWN


class _Query(ExpressionParser):
    def __init__(self, saved: Saved, tokens: Sequence[Token], evaluate: Callable[[Expr], object]) -> None:
        super().__init__([*tokens, Token("end", "", 0, 0)])
        self.saved = saved
        self.evaluate = evaluate

    def run(self) -> object:
        self.expect("select")
        counting = self.at("count") and self.ahead().text == "(" and self.ahead(2).text == ")"
        names = self._names()
        owner = self.name().lower()
        if self.saved.blurred or not holds_business_data(owner) or self._asks_more(names):
            return UNKNOWN
        rows = list(self.saved.rows.get(owner, []))
        if self.accept("where"):
            rows = [row for row in rows if self._holds(row, owner)] if rows else self._pass_over(rows)
        rows = self._ordered(rows, owner)
        if self.accept("limit"):
            limit = self._value()
            rows = rows[: int(str(limit))]
        if self.here.kind != "end":
            raise NotParsed(self.here.text)
        return len(rows) if counting else QueryRows(self._read(row, owner) for row in rows)

    def _names(self) -> list[str]:
        names: list[str] = []
        while not self.accept("from"):
            token = self.take()
            if token.kind == "end":
                raise NotParsed("from")
            names.append(token.low)
        return names

    def _asks_more(self, names: list[str]) -> bool:
        return "." in names or ("(" in names and names != ["count", "(", ")"])

    def _pass_over(self, rows: list[Record]) -> list[Record]:
        while self.here.kind != "end" and not self.at("order", "limit"):
            self.take()
        return rows

    def _read(self, row: Record, owner: str) -> Record:
        copied = row.copy()
        unsure = self.saved.unsure.get(owner, frozenset())
        copied.unsure = unsure
        copied.fields.update(dict.fromkeys(unsure, UNKNOWN))
        return copied

    def _holds(self, row: Record, owner: str) -> bool:
        """Evaluate the condition for one row; the cursor ends behind it."""
        start = self.place
        last = row is self.saved.rows[owner][-1]
        verdict = self._any_of(row, owner)
        if not last:
            self.place = start
        return verdict

    def _any_of(self, row: Record, owner: str) -> bool:
        verdict = self._all_of(row, owner)
        while self.accept("or"):
            verdict = self._all_of(row, owner) or verdict
        return verdict

    def _all_of(self, row: Record, owner: str) -> bool:
        verdict = self._one(row, owner)
        while self.accept("and"):
            verdict = self._one(row, owner) and verdict
        return verdict

    def _one(self, row: Record, owner: str) -> bool:
        if self.accept("("):
            verdict = self._any_of(row, owner)
            self.expect(")")
            return verdict
        name = self.name().lower()
        if self.at(".") or name == "not" or name in self.saved.unsure.get(owner, frozenset()):
            raise NotParsed(name)
        have = row.fields.get(name)
        negated = self.accept("not")
        sign = self.take().low
        want = self._value()
        if isinstance(have, Unknown) or isinstance(want, Unknown):
            raise NotKnown(name)
        return _compare(have, sign, want) != negated

    def _value(self) -> object:
        if self.accept(":"):
            return self.evaluate(self._unary())
        if self.accept("("):
            found = [self._value()]
            while self.accept(","):
                found.append(self._value())
            self.expect(")")
            return found
        if self.here.kind == "name" and self.here.low not in ("true", "false", "null"):
            raise NotParsed(self.here.text)
        return self.evaluate(self._unary())

    def _ordered(self, rows: list[Record], owner: str) -> list[Record]:
        if not self.accept("order"):
            return rows
        self.expect("by")
        name = self.name().lower()
        down = self.accept("desc") or (self.accept("asc") and False)
        if self.at(",", ".") or self.at("nulls") or name in self.saved.unsure.get(owner, frozenset()):
            raise NotParsed("order")
        values = [row.fields.get(name) for row in rows]
        if not (
            all(isinstance(each, str) for each in values) or all(isinstance(each, (int, Decimal)) for each in values)
        ):
            if rows:
                raise NotKnown("order")
            return rows
        return sorted(rows, key=lambda row: row.fields[name], reverse=down)  # type: ignore[arg-type,return-value]


def _compare(have: object, sign: str, want: object) -> bool:
    if sign == "in":
        wanted = list(want.items.values()) if isinstance(want, ApexSet) else want
        if not isinstance(wanted, list):
            raise NotKnown("in")
        ids = [each.fields.get("id") if isinstance(each, Record) else each for each in wanted]
        return any(equal(have, each) for each in ids)
    if isinstance(want, Record):
        want = want.fields.get("id")
    if sign == "=":
        return equal(have, want)
    if sign in ("!=", "<>"):
        return not equal(have, want)
    if have is None or want is None or isinstance(have, str) != isinstance(want, str):
        return False
    if sign == "like":
        raise NotKnown("like")
    order = _order(have, want)
    return {"<": order < 0, ">": order > 0, "<=": order <= 0, ">=": order >= 0}[sign]


def _order(have: object, want: object) -> int:
    if isinstance(have, (int, Decimal)) and isinstance(want, (int, Decimal)):
        return (have > want) - (have < want)
    return (str(have) > str(want)) - (str(have) < str(want))
