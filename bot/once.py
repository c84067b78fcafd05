"""A core action that happens exactly once, however often its step is repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from sqlmodel import Session

from bot.outcomes import plain
from bot.outside import current, within
from release_core.models import Receipt
from release_core.store import Contended, Store


class JoinedStore(Store):
    """A store whose transactions all join one that is already open, so that they are kept or lost together."""

    def __init__(self, store: Store, session: Session) -> None:
        super().__init__(store.engine)
        self._session = session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A savepoint of the open transaction; Contended as the plain store says it."""
        try:
            with self._session.begin_nested():
                yield self._session
        except (IntegrityError, StaleDataError) as error:
            raise Contended(
                "Somebody changed this a moment ago. Look again, then repeat it if it is still needed."
            ) from error

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """The open transaction itself, so that what was just written is seen."""
        yield self._session


def once(key: str, action: Callable[[], Any]) -> Any:
    """Let `action` happen in one transaction with a receipt under `key`; a second call gives the first one's value.

    Within the action, `current().ports.store` joins that transaction. What the action raises undoes it.
    """
    outside = current()
    ports = outside.ports
    with ports.store.transaction() as session:
        receipt = session.get(Receipt, key)
        if receipt is not None:
            return receipt.outcome["value"]
        joined = replace(outside, ports=replace(ports, store=JoinedStore(ports.store, session)))
        with within(joined):
            value = plain(action())
        session.add(Receipt(key=key, at=ports.clock.now(), outcome={"value": value}))
    return value
