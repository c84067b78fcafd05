"""A database's moment: the same value only while nothing was committed."""

from __future__ import annotations

import threading

from sqlalchemy import text
from sqlmodel import select

from release_core.models import Person, Receipt
from release_core.moments import Reads, recorded
from release_core.store import Store, migrate, open_store
from tests.release_core import builders
from tests.release_core.builders import NOW


def write(store: Store, key: str) -> None:
    with store.transaction() as session:
        session.add(Receipt(key=key, at=NOW))


def test_every_commit_makes_another_moment_whoever_made_it(empty_store: Store) -> None:
    migrate(empty_store)
    elsewhere = open_store(empty_store.engine.url.render_as_string(hide_password=False))
    seen = [empty_store.moment()]
    for number in range(20):
        write(elsewhere if number % 2 else empty_store, str(number))
        seen.append(empty_store.moment())
    elsewhere.close()
    assert None not in seen
    assert len(set(seen)) == 21


def test_reading_makes_no_other_moment(empty_store: Store) -> None:
    migrate(empty_store)
    before = empty_store.moment()
    with empty_store.reading() as session:
        session.exec(select(Receipt)).all()
    with empty_store.transaction() as session:
        session.exec(select(Receipt)).all()
    assert empty_store.moment() == before


def test_a_transaction_that_was_open_when_the_moment_was_asked_for_counts_when_it_commits(empty_store: Store) -> None:
    """The number that a writer took before it commits is no sign of what readers see."""
    migrate(empty_store)
    with empty_store.transaction() as early:
        early.add(Receipt(key="early", at=NOW))
        early.flush()
        if not empty_store.is_sqlite:  # which lets in one writer at a time
            write(empty_store, "late")
        before = empty_store.moment()
        assert empty_store.moment() == before
    assert empty_store.moment() != before


def test_many_threads_may_ask(empty_store: Store) -> None:
    migrate(empty_store)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(empty_store.moment())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1


def test_a_lost_connection_tells_no_moment_the_next_one_another(empty_store: Store) -> None:
    migrate(empty_store)
    before = empty_store.moment()
    if empty_store.is_sqlite:
        empty_store._moments._moments._connection.close()
    else:
        with empty_store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            connection.execute(text(f"{others} AND datname = current_database()"))
    assert empty_store.moment() is None
    assert empty_store.moment() not in (None, before)


def test_a_database_in_memory_tells_none() -> None:
    assert builders.a_store().moment() is None


# The rows that something was made of


def read_all(store: Store) -> Reads:
    with recorded() as reads, store.reading() as session:
        session.exec(select(Receipt)).all()
        session.get(Person, "U1")
    return reads


def test_the_same_questions_give_the_same_rows_until_somebody_changes_one_of_them(empty_store: Store) -> None:
    migrate(empty_store)
    write(empty_store, "first")
    reads = read_all(empty_store)
    before = empty_store.rows(reads)
    with empty_store.transaction() as session:
        session.add(Person(id="U2", name="Noah", zone="UTC", seen_at=NOW))
    assert before is not None
    assert empty_store.rows(reads) == before
    with empty_store.transaction() as session:
        session.add(Person(id="U1", name="Anna", zone="UTC", seen_at=NOW))
    after = empty_store.rows(reads)
    assert after != before
    with empty_store.transaction() as session:
        session.delete(session.get_one(Receipt, "first"))
    assert empty_store.rows(reads) not in (before, after)


def test_whoever_wrote_meanwhile_can_not_be_compared(empty_store: Store) -> None:
    migrate(empty_store)
    with recorded() as reads:
        write(empty_store, "first")
    assert empty_store.rows(reads) is None


def test_only_what_is_asked_within_the_block_is_recorded(empty_store: Store) -> None:
    migrate(empty_store)
    reads = read_all(empty_store)
    read_all(empty_store)
    assert len(reads.asked or ()) == 2
