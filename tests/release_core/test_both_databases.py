"""The same promises on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import JSON
from sqlalchemy.exc import StatementError
from sqlmodel import SQLModel, select

from release_core import approvals, deployments, incidents, releases, rollback_outcomes, rollback_requests
from release_core.errors import Conflict
from release_core.models import Freeze, Intent, Release, TimelineEntry
from release_core.ports import Ports
from release_core.store import Contended, Store, migrate, newest_shape
from release_core.timeline import Kind, first_broken, record
from tests.release_core import builders
from tests.release_core.builders import (
    ADMINISTRATOR,
    BUSINESS,
    MANAGER,
    NOW,
    OTHER_QA,
    QA,
    SECOND_MANAGER,
    TESTER,
    a_freeze,
    a_package,
    a_ready_release,
    a_release,
    a_soaking_release,
    a_success,
    blocked_by,
    entries,
    facts_of,
    kinds,
    newest,
    note_returned,
    release,
)


@pytest.fixture
def ports(empty_store: Store) -> Ports:
    """Everything an action needs, on each database."""
    migrate(empty_store)
    return builders.ports(store=empty_store)


def at_once(*actions: Callable[[], object]) -> list[object]:
    """Do everything at the same moment, each again while somebody else is writing; what each gave or raised."""
    together = threading.Barrier(len(actions))

    def do(action: Callable[[], object]) -> object:
        together.wait()
        while True:
            try:
                return action()
            except Contended:
                continue
            except Conflict as conflict:
                return conflict

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(do, actions))


# Tables


def other_default(*compared: Any) -> bool | None:
    """Whether a column has another default in the database; Alembic itself cannot ask PostgreSQL that of JSON."""
    _context, column, _declared, there, _default, here = compared
    if not isinstance(column.type, JSON):
        return None
    return str(there or "").partition("::")[0] != str(here or "")


def test_migrations_make_exactly_the_tables_of_the_models(empty_store: Store) -> None:
    migrate(empty_store)
    with empty_store.engine.connect() as connection:
        opts = {"compare_type": True, "compare_server_default": other_default}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, SQLModel.metadata) == []


def test_the_newest_shape_is_the_one_that_migrating_leads_to(empty_store: Store) -> None:
    """It is told by the names of files, without Alembic, so that a start with nothing to migrate need not load it."""
    migrate(empty_store)
    with empty_store.reading() as session:
        assert (
            session.connection().exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == newest_shape()
        )


def test_migrating_twice_changes_nothing(ports: Ports) -> None:
    key = a_release(ports)
    migrate(ports.store)
    assert release(ports, key).name == "Autumn release"


def test_instants_come_back_aware_and_in_utc_to_the_microsecond(ports: Ports) -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    at = datetime(2026, 11, 23, 14, 30, 0, 7, tzinfo=there)
    with ports.store.transaction() as session:
        freeze = Freeze(key="FRZ-9", name="x", org="*", starts_at=at, ends_at=at, set_by=MANAGER, set_at=at)
        session.add(freeze)
    with ports.store.reading() as session:
        found = session.exec(select(Freeze)).one()
        assert session.exec(select(Freeze).where(Freeze.starts_at <= at)).one().key == "FRZ-9"  # type: ignore[operator]
    assert found.starts_at == at
    assert found.starts_at.tzinfo is UTC
    assert found.starts_at.microsecond == 7


def test_a_naive_instant_is_refused(ports: Ports) -> None:
    naive = datetime(2026, 11, 23)
    with pytest.raises(StatementError, match="an instant needs a zone"), ports.store.transaction() as session:
        session.add(Freeze(key="F", name="x", org="*", starts_at=naive, ends_at=NOW, set_by=MANAGER, set_at=NOW))


def test_what_is_written_while_reading_is_not_kept(ports: Ports) -> None:
    key = a_release(ports)
    with ports.store.reading() as session:
        session.exec(select(Release)).one().name = "Changed"
        session.flush()
    assert release(ports, key).name == "Autumn release"


# Actions


def test_a_release_goes_and_comes_back(ports: Ports) -> None:
    key = a_ready_release(ports)
    a_freeze(ports, start=1)
    assert blocked_by(ports, key) == set()
    builders.land(ports, builders.a_started_deployment(ports, key))
    builders.arm(ports, key)
    incident = incidents.open_incident(ports, TESTER, title="Orders fail", severity=1, org="production")
    request = rollback_requests.ask_rollback(ports, MANAGER, key, "orders fail")
    rollback_requests.decide_rollback(ports, ADMINISTRATOR, request, yes=True)
    attempt = newest(ports, key, "rollback").id or 0
    rollback_outcomes.finish_rollback(ports, attempt, a_success())
    note_returned(ports, attempt, [])
    incidents.resolve_incident(ports, TESTER, incident, "rolled back")
    assert release(ports, key).state == "rolled_back"
    assert first_broken(entries(ports, key)) is None
    assert first_broken(entries(ports, incident)) is None


def test_a_refusal_leaves_nothing_behind(ports: Ports) -> None:
    key = a_release(ports)
    with pytest.raises(deployments.NotReady):
        deployments.request_deployment(ports, MANAGER, key)
    assert kinds(ports, key) == [Kind.RELEASE_CREATED]
    assert release(ports, key).state == "draft"


# At the same moment


def test_two_seats_approved_at_once_both_count(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key)
    at_once(
        lambda: approvals.answer(ports, QA, key, yes=True),
        lambda: approvals.answer(ports, BUSINESS, key, yes=True),
    )
    assert {a.seat: a.person_id for a in facts_of(ports, key).approvals} == {"qa": QA, "business": BUSINESS}
    assert kinds(ports, key).count(Kind.APPROVED) == 2
    assert first_broken(entries(ports, key)) is None


def test_one_seat_approved_by_two_at_once_counts_once_and_both_are_answered(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key)
    answers = at_once(
        lambda: approvals.answer(ports, QA, key, yes=True),
        lambda: approvals.answer(ports, OTHER_QA, key, yes=True),
    )
    assert len([answer for answer in answers if answer == "qa"]) == 1
    (second,) = [answer for answer in answers if isinstance(answer, approvals.AlreadyAnswered)]
    (approval,) = facts_of(ports, key).approvals
    assert second.by == approval.person_id


def test_two_clicks_on_deploy_start_one_deployment(ports: Ports) -> None:
    key = a_ready_release(ports)
    answers = at_once(
        *(lambda who=who: deployments.request_deployment(ports, who, key) for who in (MANAGER, SECOND_MANAGER))  # type: ignore[misc]
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["AlreadyRequested", "str"]
    assert len([d for d in facts_of(ports, key).deployments if d.purpose == "deployment"]) == 1


def test_two_releases_that_want_one_org_do_not_both_get_it(ports: Ports) -> None:
    keys = [a_ready_release(ports), a_ready_release(ports, name="Hotfix")]

    def want(key: str) -> str:
        try:
            return deployments.request_deployment(ports, MANAGER, key)
        except deployments.NotReady as refused:
            return ",".join(gate.code for gate in refused.gates)

    answers = at_once(*(lambda key=key: want(key) for key in keys))  # type: ignore[misc]
    assert "org_busy" in answers
    assert len({answer for answer in answers if str(answer).startswith("DEP-")}) == 1


def test_two_confirmations_start_one_rollback(ports: Ports) -> None:
    key = a_soaking_release(ports)
    request = rollback_requests.ask_rollback(ports, MANAGER, key, "orders fail")
    people = (ADMINISTRATOR, SECOND_MANAGER)
    answers = at_once(
        *(lambda who=who: rollback_requests.decide_rollback(ports, who, request, yes=True) for who in people)  # type: ignore[misc]
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["AlreadyDecided", "str"]
    assert len([d for d in facts_of(ports, key).deployments if d.purpose == "rollback"]) == 1


def test_keys_planned_at_once_are_counted_without_a_gap(ports: Ports) -> None:
    keys = at_once(*(lambda n=n: a_release(ports, name=f"Release {n}") for n in range(6)))  # type: ignore[misc]
    assert sorted(str(key) for key in keys) == [f"REL-{n}" for n in range(1, 7)]


def test_notes_written_at_once_are_all_kept_in_one_chain(ports: Ports) -> None:
    key = a_release(ports)
    at_once(*(lambda n=n: releases.add_note(ports, MANAGER, key, f"note {n}") for n in range(6)))  # type: ignore[misc]
    rows = entries(ports, key)
    assert {row.details["text"] for row in rows[1:]} == {f"note {n}" for n in range(6)}
    assert first_broken(rows) is None
    assert _tellings(ports, key) == [row.number for row in rows]


def test_a_number_that_somebody_took_is_contended_and_works_the_second_time(ports: Ports) -> None:
    key = a_release(ports)

    def note(number: int | None = None) -> None:
        with ports.store.transaction() as session:
            entry = record(session, Kind.NOTE_ADDED, stream=key, actor=MANAGER, at=NOW, details={"text": "x"})
            if number is not None:
                taken = {**entry.model_dump(exclude={"id"}), "number": number}
                session.add(TimelineEntry(**taken))

    with pytest.raises(Contended, match="Somebody changed this a moment ago"):
        note(number=1)
    assert len(entries(ports, key)) == 1
    note()
    assert [row.number for row in entries(ports, key)] == [1, 2]


def _tellings(ports: Ports, stream: str) -> Sequence[int]:
    with ports.store.reading() as session:
        found = session.exec(select(Intent).where(Intent.flow == "tell", Intent.lane == stream)).all()
    return sorted(intent.args["number"] for intent in found)
