"""Queries, answered from the rows in objects.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from bot.rehearsal.org import objects, permissions, soql
from bot.rehearsal.org.markup import rest_date
from bot.rehearsal.org.objects import Table
from bot.rehearsal.org.org import Org
from bot.rehearsal.org.people import User
from bot.rehearsal.org.results import Refusal
from bot.rehearsal.org.standard import STANDARD_OBJECTS

_APPEND = "If you are attempting to use a custom object, be sure to append the '__c' after the {}."
_NAMES = "Please reference your WSDL or the describe call for the appropriate names."


def answer(org: Org, text: str, path: str, *, tooling: bool, user: User | None = None) -> dict[str, object]:
    """The JSON answer to a query of a user, by default the integration user.

    `path` is the API's root, such as /services/data/v62.0.
    """
    with org.lock:
        org.settle()
        query = soql.read_query(text, org.clock.now())
        name, rows = _table(org, user or org.users[0], query.source, tooling=tooling)
        _refuse_unknown_fields(query, name, rows)
        if name == "MetadataComponentDependency":
            _refuse_on_dependencies(query)
        kept = [row for row in rows if query.keep(row)]
    if query.counts_only:
        return {"totalSize": len(kept), "done": True, "records": []}
    if query.group_by or any("(" in each for each in query.fields):
        return _grouped(query, kept)
    for field, down in reversed(query.order):
        kept.sort(key=lambda row, field=field: _sortable(soql.lookup(row, field)), reverse=down)  # type: ignore[misc]
    most = _MOST_DEPENDENCIES if name == "MetadataComponentDependency" else None
    kept = kept[query.offset :][: query.limit][:most]
    root = f"{path}/tooling" if tooling else path
    found = {"totalSize": len(kept), "done": True, "records": [_record(query, name, row, root) for row in kept]}
    return {"size": len(kept), "entityTypeName": name, "queryLocator": None} | found if tooling else found


_MOST_DEPENDENCIES = 2000


def _refuse_on_dependencies(query: soql.Query) -> None:
    """What the Tooling API does not do on this object (Tooling API Developer Guide, MetadataComponentDependency)."""
    if query.order or query.offset or query.counts_only:
        raise soql.malformed("MetadataComponentDependency supports no ORDER BY, OFFSET or count()")
    for field, sign in sorted(query.conditions):
        if field.lower() in ("metadatacomponentname", "refmetadatacomponentname"):
            raise Refusal("INVALID_FIELD", f"field '{field}' can not be filtered in a query call")
        if sign not in ("=", "!=", "<>"):
            raise soql.malformed(f"invalid operator on {field}: only =, != are supported")


def columns(org: Org, text: str) -> dict[str, object]:
    """What `columns=true` asks for: the shape of a query's answer, without its rows."""
    query = soql.read_query(text, org.clock.now())
    found: dict[str, dict[str, object]] = {}
    for number, field in enumerate(query.fields):
        parent, _, child = field.partition(".")
        if child and "(" not in field:
            joined = found.setdefault(parent, _column(parent))["joinColumns"]
            assert isinstance(joined, list)
            joined.append(_column(child))
        else:
            name = f"expr{number}" if "(" in field else field
            found[name] = _column(name) | {"aggregate": "(" in field}
    shape = {"entityName": query.source, "groupBy": bool(query.group_by), "idSelected": "Id" in query.fields}
    return {"columnMetadata": list(found.values()), **shape, "keyPrefix": None}


def _column(name: str) -> dict[str, object]:
    kinds = {"aggregate": False, "booleanType": False, "custom": name.endswith("__c"), "numberType": False}
    texts = {"columnName": name, "displayName": name, "apexType": "string", "foreignKeyName": None}
    return {**texts, **kinds, "textType": True, "insertable": False, "updatable": False, "joinColumns": []}


def _sortable(value: object) -> tuple[int, object]:
    return (0, "") if value is None else (1, value)


def _refuse_unknown_fields(query: soql.Query, name: str, rows: Table) -> None:
    if not rows and name not in objects.COLUMNS:
        return
    known = {key.lower() for key in (rows[0] if rows else _padded({}, name))}
    for field in sorted(query.named):
        if field.lower() not in known:
            text = f"No such column '{field}' on entity '{name}'. {_APPEND.format('custom field name')}"
            raise Refusal("INVALID_FIELD", text.replace("custom object", "custom field"))


def _record(query: soql.Query, name: str, row: dict[str, object], root: str) -> dict[str, object]:
    record: dict[str, object] = {"attributes": {"type": name, "url": f"{root}/sobjects/{name}/{row.get('Id', '')}"}}
    spelt = {key.lower(): key for key in row}
    for field in query.fields:
        key = spelt.get(field.lower(), field)
        value = row.get(key)
        value = rest_date(value) if isinstance(value, datetime) else value
        parent, _, child = key.partition(".")
        if child:
            nested = record.setdefault(parent, {"attributes": {"type": "User" if parent.endswith("By") else parent}})
            assert isinstance(nested, dict)
            nested[child] = value
        else:
            record[key] = value
    return record


def _grouped(query: soql.Query, rows: Table) -> dict[str, object]:
    groups: dict[tuple[object, ...], Table] = {}
    for row in rows:
        groups.setdefault(tuple(soql.lookup(row, name) for name in query.group_by), []).append(row)
    if not query.group_by and not groups:
        groups[()] = []
    records: Table = []
    for key, members in groups.items():
        record: dict[str, object] = {"attributes": {"type": "AggregateResult"}} | dict(
            zip(query.group_by, key, strict=True)
        )
        aggregates = [field for field in query.fields if "(" in field]
        for number, field in enumerate(aggregates):
            record[f"expr{number}"] = _aggregate(field, members)
        records.append(record)
    return {"totalSize": len(records), "done": True, "records": records}


def _aggregate(field: str, rows: Table) -> object:
    word, _, inner = field.partition("(")
    values = [value for row in rows if (value := soql.lookup(row, inner.rstrip(")"))) is not None]
    if word == "COUNT":
        return len(values) if inner != ")" else len(rows)
    if word == "COUNT_DISTINCT":
        return len(set(map(str, values)))
    best: Callable[[Iterable[object]], object] | None = {"MAX": max, "MIN": min}.get(word)  # type: ignore[assignment]
    if best is None:
        raise soql.malformed(f"unexpected token: '{word}'")
    found = best(values) if values else None
    return rest_date(found) if isinstance(found, datetime) else found


def _table(org: Org, user: User, source: str, *, tooling: bool) -> tuple[str, Table]:
    low = source.lower()
    makers = (objects.TOOLING | objects.BOTH) if tooling else (objects.REST | objects.BOTH)
    if low == "userpermissionaccess" and not tooling:
        return "UserPermissionAccess", [permissions.as_row(user)]
    for name, make in makers.items():
        if name.lower() == low and permissions.may_see(user, name) and org.has_object(name):
            return name, make(org) + [_padded(row, name) for row in org.records.get(name, [])]
    for name in sorted({*STANDARD_OBJECTS, *(each.name for each in org.inventory.of_type("CustomObject"))}):
        if name.lower() == low and not tooling:
            return name, [_padded(row, name) for row in org.records.get(name, [])]
    text = f"sObject type '{source}' is not supported. {_APPEND.format('entity name')} {_NAMES}"
    raise Refusal("INVALID_TYPE", text)


_EVERY_OBJECT = ("Id", "Name", "CreatedDate", "Status")


def _padded(row: dict[str, object], name: str) -> dict[str, object]:
    return dict.fromkeys((*_EVERY_OBJECT, *objects.COLUMNS.get(name, "").split())) | row
