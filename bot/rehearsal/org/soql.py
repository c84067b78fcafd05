"""A small subset of SOQL over rows of plain values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.rehearsal.org.results import Refusal

_TOKEN = re.compile(
    r"\s*('(?:\\.|[^'\\])*'|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)|\d{4}-\d\d-\d\d|-?\d+(?:\.\d+)?|[A-Za-z_][\w.]*(?::\d+)?|<=|>=|!=|<>|[=<>(),])"
)
Row = Mapping[str, object]


@dataclass(frozen=True)
class Query:
    """A query that has been read; `keep` says whether a row matches."""

    fields: tuple[str, ...]  # with aggregates written as COUNT() or COUNT(Id)
    source: str
    keep: Callable[[Row], bool]
    named: frozenset[str]  # every field the query mentions
    group_by: tuple[str, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()  # (field, descending)
    limit: int | None = None
    offset: int = 0
    conditions: frozenset[tuple[str, str]] = frozenset()  # (field, sign) of each comparison in WHERE

    @property
    def counts_only(self) -> bool:
        """SELECT COUNT() FROM …"""
        return self.fields == ("COUNT()",)


def malformed(text: str) -> Refusal:
    """The error Salesforce answers to a query it cannot read."""
    return Refusal("MALFORMED_QUERY", text)


def read_query(text: str, now: datetime) -> Query:
    """Read a query; Refusal MALFORMED_QUERY when it is none of ours."""
    return _Reader(text, now).query()


class _Reader:
    def __init__(self, text: str, now: datetime) -> None:
        self.now = now
        self.tokens: list[str] = []
        place = 0
        text = text.strip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise malformed(f"unexpected token: '{text[place : place + 1]}'")
            self.tokens.append(match.group(1))
            place = match.end()
        self.place = 0
        self.named: set[str] = set()
        self.conditions: set[tuple[str, str]] = set()

    def peek(self) -> str:
        return self.tokens[self.place].upper() if self.place < len(self.tokens) else ""

    def take(self) -> str:
        if self.place >= len(self.tokens):
            raise malformed("unexpected token: '<EOF>'")
        self.place += 1
        return self.tokens[self.place - 1]

    def accept(self, *words: str) -> bool:
        if [token.upper() for token in self.tokens[self.place : self.place + len(words)]] != list(words):
            return False
        self.place += len(words)
        return True

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise malformed(
                f"unexpected token: '{self.tokens[self.place] if self.peek() else '<EOF>'}', expecting {word}"
            )

    def query(self) -> Query:
        self.expect("SELECT")
        fields = [self.selected()]
        while self.accept(","):
            fields.append(self.selected())
        self.expect("FROM")
        source = self.take()
        if self.peek() and self.peek() not in ("WHERE", "ORDER", "LIMIT", "GROUP", "OFFSET", "WITH", "FOR", "USING"):
            self.take()  # an alias
        keep = self.any_of() if self.accept("WHERE") else _everything
        group_by = tuple(self.names()) if self.accept("GROUP", "BY") else ()
        order = tuple(self.orders()) if self.accept("ORDER", "BY") else ()
        limit = self.number() if self.accept("LIMIT") else None
        offset = self.number() if self.accept("OFFSET") else 0
        if self.peek():
            raise malformed(f"unexpected token: '{self.tokens[self.place]}'")
        self.named |= (
            {name for name in fields if "(" not in name}
            | set(group_by)
            | {name for name, _ in order if "(" not in name}
        )
        conditions = frozenset(self.conditions)
        return Query(tuple(fields), source, keep, frozenset(self.named), group_by, order, limit, offset, conditions)

    def number(self) -> int:
        token = self.take()
        if not token.isdigit():
            raise malformed(f"unexpected token: '{token}'")
        return int(token)

    def selected(self) -> str:
        name = self.take()
        if not self.accept("("):
            if not (name[0].isalpha() or name[0] == "_"):
                raise malformed(f"unexpected token: '{name}'")
            return name
        inner = "" if self.peek() == ")" else self.take()
        self.expect(")")
        if inner:
            self.named.add(inner)
        if self.peek() not in (",", "FROM", ""):
            self.take()  # an alias
        return f"{name.upper()}({inner})"

    def names(self) -> list[str]:
        found = [self.take()]
        while self.accept(","):
            found.append(self.take())
        return found

    def orders(self) -> list[tuple[str, bool]]:
        found: list[tuple[str, bool]] = []
        while True:
            name = self.selected()
            down = self.accept("DESC") or (self.accept("ASC") and False)
            if self.accept("NULLS"):
                self.take()
            found.append((name, down))
            if not self.accept(","):
                return found

    def any_of(self) -> Callable[[Row], bool]:
        tests = [self.all_of()]
        while self.accept("OR"):
            tests.append(self.all_of())
        return lambda row: any(test(row) for test in tests)

    def all_of(self) -> Callable[[Row], bool]:
        tests = [self.one()]
        while self.accept("AND"):
            tests.append(self.one())
        return lambda row: all(test(row) for test in tests)

    def one(self) -> Callable[[Row], bool]:
        if self.accept("NOT"):
            inner = self.one()
            return lambda row: not inner(row)
        if self.accept("("):
            group = self.any_of()
            self.expect(")")
            return group
        name = self.take()
        self.named.add(name)
        negated = self.accept("NOT")
        sign = self.take().upper()
        if sign not in ("=", "!=", "<>", "<", ">", "<=", ">=", "IN", "LIKE"):
            raise malformed(f"unexpected token: '{sign}'")
        self.conditions.add((name, sign))
        wanted = self.values() if sign == "IN" else self.value()
        return lambda row: _compare(lookup(row, name), sign, wanted) != negated

    def values(self) -> list[object]:
        self.expect("(")
        found = [self.value()]
        while self.accept(","):
            found.append(self.value())
        self.expect(")")
        return found

    def value(self) -> object:
        token = self.take()
        low = token.lower()
        if token.startswith("'"):
            return re.sub(r"\\(.)", r"\1", token[1:-1])
        if low in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[low]
        if re.match(r"\d{4}-", token):
            return _instant(token)
        if re.match(r"-?\d", token):
            return float(token)
        return self.named_day(low)

    def named_day(self, word: str) -> object:
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        name, _, count = word.partition(":")
        if name == "today":
            return midnight
        if name == "yesterday":
            return midnight - timedelta(days=1)
        if name in ("last_n_days", "n_days_ago") and count:
            return midnight - timedelta(days=int(count))
        raise malformed(f"unexpected token: '{word}'")


def _everything(_: Row) -> bool:
    return True


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as problem:
        raise malformed(f"'{text}' is no date") from problem
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def lookup(row: Row, name: str) -> object:
    """A field's value, without regard to case; None when the row has none."""
    low = name.lower()
    return next((value for key, value in row.items() if key.lower() == low), None)


def _as_shown(value: object) -> object:
    """Instants count to the millisecond, as answers show them, so that what was read can be asked for again."""
    if isinstance(value, datetime):
        return value.replace(microsecond=value.microsecond // 1000 * 1000)
    return value


def _compare(have: object, sign: str, want: object) -> bool:
    have = _as_shown(have)
    if sign == "IN":
        return any(_compare(have, "=", each) for each in want) if isinstance(want, list) else False
    if sign in ("=", "!=", "<>"):
        return _same(have, want) == (sign == "=")
    if sign == "LIKE":
        pattern = re.escape(str(want)).replace("%", ".*").replace("_", ".")
        return have is not None and re.fullmatch(pattern, str(have), re.IGNORECASE | re.DOTALL) is not None
    if isinstance(have, datetime) and isinstance(want, datetime):
        return {"<": have < want, ">": have > want, "<=": have <= want, ">=": have >= want}[sign]
    if isinstance(have, (int, float)) and isinstance(want, (int, float)):
        return {"<": have < want, ">": have > want, "<=": have <= want, ">=": have >= want}[sign]
    if isinstance(have, str) and isinstance(want, str):
        return {"<": have < want, ">": have > want, "<=": have <= want, ">=": have >= want}[sign]
    return False


def _same(have: object, want: object) -> bool:
    if isinstance(have, str) and isinstance(want, str):
        ids = {len(have), len(want)} == {15, 18} and have[:15] == want[:15]
        return ids or have.lower() == want.lower()
    return have == want
