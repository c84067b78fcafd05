"""Everything outside the process, as one value that flows can reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from bot.pacing import Pace
from release_core.ports import OrgGateway, Ports


@dataclass(frozen=True)
class Outside:
    """What a flow's steps work with: our own facts and rules, the orgs by name, the chat with its rates."""

    ports: Ports
    org: Callable[[str], OrgGateway]
    chat: Any
    pace: Pace = field(default_factory=Pace)


_in_use: list[Outside] = []
_here: ContextVar[Outside | None] = ContextVar("outside", default=None)


def use(outside: Outside) -> None:
    """From now on `current` gives `outside`, in every thread."""
    _in_use[:] = [outside]


@contextmanager
def within(outside: Outside) -> Iterator[None]:
    """Within the block, in this thread alone, `current` gives `outside`."""
    token = _here.set(outside)
    try:
        yield
    finally:
        _here.reset(token)


def current() -> Outside:
    """The outside in use; steps are module-level functions, so they cannot be handed it."""
    here = _here.get()
    if here is not None:
        return here
    if not _in_use:
        raise RuntimeError("no flow can run before outside.use(…) was called")
    return _in_use[0]
