"""A company's database with as many releases as asked for, most of them over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Insert, Integer, String, Table, cast, func, insert, select, text
from sqlmodel import SQLModel

from release_core.facts import approval_digest
from release_core.models import (
    Approval,
    ChecklistItem,
    Counter,
    Deployment,
    DeploymentWindow,
    Person,
    Post,
    Release,
    ReleasePackage,
    TimelineEntry,
)
from release_core.policy import Policy
from release_core.store import Store

OPEN = 20
"""How many releases are open at a time, however many there have been."""

PEOPLE = 200
COMPONENTS = 40
ENTRIES = 15
FIRST = 100
ZONE = "Europe/Berlin"
STATES = ("planned", "ready", "soaking", "draft")
Row = Mapping[str, Any]


def found(store: Store, policy: Policy, releases: int) -> None:
    """Fill an empty database: releases with package, checklist, approvals, window, attempts, timeline, posts.

    The last twenty are open. Of the others a hundred are written row by row, the rest are their copies.
    """
    now = datetime.now(UTC)
    closed = max(0, releases - OPEN)
    with store.transaction() as session:
        session.execute(insert(_table(Person)), [_person(number, now) for number in range(PEOPLE)])
        session.execute(insert(_table(Counter)), [{"kind": "REL", "last": releases}])
        numbers = [*range(1, min(closed, FIRST) + 1), *range(closed + 1, releases + 1)]
        stories = [_story(policy, number, number > closed, now) for number in numbers]
        for table in stories[0]:
            session.execute(insert(_table(table)), [row for story in stories for row in story[table]])
    written = min(closed, FIRST)
    while written < closed:
        copied = min(written, closed - written)
        with store.transaction() as session:
            for table in _COPIED:
                session.execute(_copies(table, first=written + 1, last=written + copied, of=written))
        written += copied
    _settle(store)


def _settle(store: Store) -> None:
    """What a database that has grown over years has done long ago: its statistics are gathered."""
    with store.engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()


def _copies(model: type[SQLModel], *, first: int, last: int, of: int) -> Insert:
    """The rows of releases 1 to `last - first + 1` once more, as those of `first` to `last`."""
    table = _table(model)
    number, per_release = _COPIED[model](table)
    shift = first - 1
    key = "REL-" + cast(number + shift, String)
    renamed: dict[str, Any] = {
        "key": "DEP-" + cast(table.c.id + shift * per_release, String) if model is Deployment else key,
        "id": table.c.id + shift * per_release if "id" in table.c else None,
        "release_id": number + shift,
        "package_id": number + shift,
        "undoes_id": table.c.undoes_id + shift * per_release if "undoes_id" in table.c else None,
        "name": "Change number " + cast(number + shift, String),
        "stream": key,
        "subject": key,
        "slot": func.replace(table.c.slot, table.c.stream, key) if "slot" in table.c else None,
    }
    columns = [renamed.get(column.name, column) for column in table.c]
    rows = select(*columns).where(number <= last - first + 1, number <= of)
    return insert(table).from_select(list(table.c), rows)


def _of_stream(table: Table) -> Any:
    return cast(func.substr(table.c.stream, 5), Integer)


_COPIED: Mapping[type[SQLModel], Callable[[Table], tuple[Any, int]]] = {
    Release: lambda table: (table.c.id, 1),
    ReleasePackage: lambda table: (table.c.release_id, 1),
    DeploymentWindow: lambda table: (table.c.release_id, 1),
    ChecklistItem: lambda table: (table.c.release_id, 10),
    Approval: lambda table: (table.c.release_id, 4),
    Deployment: lambda table: (table.c.release_id, 4),
    TimelineEntry: lambda table: (_of_stream(table), ENTRIES),
    Post: lambda table: (_of_stream(table), 1),
}
"""Each table with how its rows tell the number of their release, as well as how many ids a release has in it."""


def open_keys(releases: int) -> list[str]:
    """The releases that people ask about."""
    return [f"REL-{number}" for number in range(max(1, releases - OPEN + 1), releases + 1)]


def person_id(number: int) -> str:
    """The chat id of one of the people."""
    return f"U0BENCH{number:03}"


def _table(model: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(model.__tablename__)]


@cache
def _defaults(table: type[SQLModel]) -> Row:
    return {name: field.get_default(call_default_factory=True) for name, field in table.model_fields.items()}


def _row(table: type[SQLModel], **values: Any) -> Row:
    # Ten thousand releases are a quarter of a million rows; as models they would take a minute to make.
    return {**_defaults(table), **values}


def _person(number: int, now: datetime) -> Row:
    return _row(Person, id=person_id(number), handle=f"p{number}", name=f"Person {number}", zone=ZONE, seen_at=now)


def _story(policy: Policy, number: int, is_open: bool, now: datetime) -> dict[type[SQLModel], Sequence[Row]]:
    begun = now - timedelta(hours=1 if is_open else number % 5000)
    release = Release(
        id=number,
        key=f"REL-{number}",
        name=f"Change number {number}",
        target_org="production",
        kind="standard",
        strategy="validate_then_quick",
        state=STATES[number % len(STATES)] if is_open else "closed",
        owner_id=person_id(number % PEOPLE),
        created_by=person_id(number % PEOPLE),
        created_at=begun,
        package_id=number,
    )
    package = _package(release, begun)
    window = _row(
        DeploymentWindow,
        id=number,
        release_id=number,
        number=1,
        starts_at=begun + timedelta(days=1),
        ends_at=begun + timedelta(days=1, hours=2),
        zone=ZONE,
        set_by=release.owner_id,
        set_at=begun,
        state="booked" if is_open else "closed",
    )
    return {
        Release: [release.model_dump()],
        ReleasePackage: [package.model_dump()],
        DeploymentWindow: [window],
        ChecklistItem: list(_items(policy, release, begun)),
        Approval: list(_approvals(policy, release, package, begun)),
        Deployment: list(_attempts(release, package, begun)),
        TimelineEntry: list(_entries(release, begun)),
        Post: [_post(release, slot) for slot in ("headline", "package", "validation")],
    }


def _package(release: Release, at: datetime) -> ReleasePackage:
    names = [["ApexClass", f"Class{release.id}_{n}"] for n in range(COMPONENTS)]
    return ReleasePackage(
        id=release.id,
        release_id=release.id or 0,
        number=1,
        state="accepted",
        file_name=f"change-{release.id}.zip",
        author_id=person_id(((release.id or 0) + 1) % PEOPLE),
        attached_at=at,
        digest=f"{release.id:064x}",
        size=40_000,
        components=names,
        compared_at=at,
        comparison=[[*name, "changed"] for name in names],
        verdicts=[[*name, "exact", "The snapshot holds it.", ""] for name in names],
    )


def _items(policy: Policy, release: Release, at: datetime) -> list[Row]:
    return [
        _row(
            ChecklistItem,
            id=(release.id or 0) * 10 + number,
            release_id=release.id or 0,
            number=number,
            title=rule.title,
            rule=rule.rule,
            owner_id="" if rule.rule else release.owner_id,
            due_at=at,
            state="done" if number % 2 else "open",
            changed_by=release.owner_id,
            changed_at=at,
        )
        for number, rule in enumerate(policy.checklists["standard"], start=1)
    ]


def _approvals(policy: Policy, release: Release, package: ReleasePackage, at: datetime) -> list[Row]:
    return [
        _row(
            Approval,
            id=(release.id or 0) * 4 + number,
            release_id=release.id or 0,
            seat=seat,
            person_id=policy.seats[seat].people[0],
            yes=True,
            digest=approval_digest(release, package),
            at=at,
            state="standing",
        )
        for number, seat in enumerate(policy.approvals["standard"])
    ]


def _attempts(release: Release, package: ReleasePackage, at: datetime) -> list[Row]:
    steps = [("validation", "uat", "validated"), ("validation", "production", "validated")]
    if release.state in ("soaking", "closed"):
        steps += [("deployment", "production", "succeeded"), ("arming", "production", "validated")]
    return [
        _row(
            Deployment,
            id=(release.id or 0) * 4 + number,
            key=f"DEP-{(release.id or 0) * 4 + number}",
            release_id=release.id or 0,
            package_id=package.id,
            purpose=purpose,
            org=org,
            state=state,
            requested_by=release.owner_id,
            requested_at=at,
            archive_digest=package.digest,
            lapses_at=at + timedelta(days=10),
            undoes_id=(release.id or 0) * 4 + 2 if purpose == "arming" else None,
            progress={"state": "Succeeded", "components": [COMPONENTS, COMPONENTS, 0], "tests": [12, 12, 0]},
            result={"coverage": 87},
        )
        for number, (purpose, org, state) in enumerate(steps)
    ]


def _entries(release: Release, at: datetime) -> list[Row]:
    return [
        _row(
            TimelineEntry,
            id=(release.id or 0) * ENTRIES + number,
            stream=release.key,
            number=number + 1,
            kind="note_added",
            at=at,
            actor=release.owner_id,
            subject=release.key,
            details={"text": "Somebody wrote down what they saw."},
            previous_hash="0" * 64,
            hash="0" * 64,
        )
        for number in range(ENTRIES)
    ]


def _post(release: Release, slot: str) -> Row:
    key = f"{slot}:{release.key}"
    return _row(Post, slot=key, channel="C0RELEASES", ts=f"{release.id}.000{len(slot)}", stream=release.key)
