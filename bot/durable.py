"""How a durable flow is written down: a story made of steps, facts and pauses."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, ParamSpec, Protocol, TypeVar, overload

import structlog
from dbos import DBOS
from sqlalchemy.exc import OperationalError

from bot.intents import QueueName
from bot.metering import counted_for
from bot.once import once
from bot.outcomes import Outcome, opened, outcome_of
from release_core.errors import OrgUnavailable
from release_core.store import Contended

log = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
Tale = Callable[[dict[str, Any]], None]
Errors = type[Exception] | tuple[type[Exception], ...]


class Parked(BaseException):
    """The engine is stopping: the flow leaves its thread here and carries on after the next start.

    Not an Exception, so that neither a flow nor DBOS takes it for a result.
    """


class Parking:
    """Whether flows are to leave their threads, with the waits that this ends."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """Let every flow leave where it is."""
        self._asked.set()

    def rest(self, seconds: float) -> None:
        """Wait; Parked at once when flows are to leave."""
        if self._asked.wait(max(seconds, 0.0)):
            raise Parked

    def leave_if_asked(self, because: Exception | None = None) -> None:
        """Parked when flows are to leave; an error that came while everything is closing is part of the closing."""
        if self._asked.is_set():
            raise Parked from because

    def insist(self, call: Callable[[], R], on: Errors, patience: Iterable[float]) -> R:
        """Call, and again after each wait (seconds) in `patience` while it raises `on`."""
        for wait in patience:
            try:
                return call()
            except on as error:
                log.info("engine.tried_again", after=wait, problem=str(error))
                # Two who met each other should not meet again.
                self.rest(wait * random.uniform(0.5, 1.0))  # noqa: S311
        return call()


class Runner(Protocol):
    """What a flow needs of the engine that runs it."""

    parking: Parking

    def tell(self, key: str, tale: Callable[[], None]) -> None:
        """Run the flow of one intent to its end and mark it."""
        ...

    def step_begins(self) -> None:
        """Parked, or the end of the process, when this engine must not begin anything."""
        ...

    def nudge(self) -> None:
        """Something may have fallen due."""
        ...


@dataclass(frozen=True)
class Flow:
    """A flow as the engine knows it."""

    queue: QueueName
    workflow: Tale


@dataclass(frozen=True)
class _Run:
    key: str
    engine: Runner


known_flows: dict[str, Flow] = {}
runner: list[Runner] = []  # the one engine of this process, while it runs
_run: ContextVar[_Run | None] = ContextVar("run", default=None)

# A database that restarts is back within a minute or two; what a flow knows is worth that wait.
DATABASE_PATIENCE = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)
LONGEST_WAIT = 60.0
ASKED_EVERY = 1.0  # seconds
CONTENTION_PATIENCE = tuple(0.01 * 1.5**turn for turn in range(14))


def flow(name: str, *, queue: QueueName = "chores") -> Callable[[Tale], Tale]:
    """Make a function the flow that intents call `name`.

    It is called with the intent's `args` and runs to its end once: after a crash it is called again, and each step that
    was completed gives its first result without being repeated. So between its steps it must not ask the clock, the
    database or chance. A ReleaseError, or a bug, that leaves it marks the intent as failed and is told.
    """

    def register(tell: Tale) -> Tale:
        @wraps(tell)
        def tale(args: dict[str, Any]) -> None:
            with counted_for(args.get("deployment")):
                tell(args)

        def run(args: dict[str, Any]) -> None:
            run = _Run(str(DBOS.workflow_id), runner[0])
            token = _run.set(run)
            try:
                run.engine.tell(run.key, partial(tale, args))
            finally:
                _run.reset(token)

        if name in known_flows:
            raise ValueError(f"there are two flows called {name!r}")
        known_flows[name] = Flow(queue, DBOS.workflow(name=name)(run))
        return tale

    return register


@overload
def step(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def step(
    *, tries: int = 4, backoff: float = 1.0, on: Errors = OrgUnavailable
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def step(
    function: Callable[P, R] | None = None, /, *, tries: int = 4, backoff: float = 1.0, on: Errors = OrgUnavailable
) -> Any:
    """Make a function a step: one question to the outside, or one change there that looks first whether it was made.

    Completed, it is never repeated; interrupted by a crash, it is. An error of the kind `on` is tried again, `tries`
    times in all, after `backoff` seconds and then twice as long each time, up to a minute. It takes and returns plain
    values (text, numbers, lists, dicts); a ReleaseError is raised in the flow, also after a restart. Outside of a flow
    it is a plain function.
    """
    patience = tuple(min(backoff * 2 ** min(turn, 30), LONGEST_WAIT) for turn in range(tries - 1))

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            run = _run.get()
            if run is None:
                return function(*args, **kwargs)
            insist = run.engine.parking.insist
            ask = partial(insist, partial(function, *args, **kwargs), Contended, CONTENTION_PATIENCE)
            return _record(run, function.__qualname__, partial(insist, ask, on, patience))

        return call

    return decorate if function is None else decorate(function)


def fact(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function a fact: one core action, which happens exactly once, whatever crashes.

    It writes through `current().ports.store`, which inside it is one transaction. It is tried again while others write
    the same rows. Values and errors are as for `step`. What it made due starts right after it. Outside of a flow it is
    a plain function.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        run = _run.get()
        if run is None:
            return function(*args, **kwargs)

        def act() -> Any:
            receipt = f"fact:{run.key}:{DBOS.step_id}"
            write = partial(once, receipt, partial(function, *args, **kwargs))
            return run.engine.parking.insist(write, Contended, CONTENTION_PATIENCE)

        value = _record(run, function.__qualname__, act)
        run.engine.nudge()
        return value

    return call


def pause(seconds: float, *, unless: Callable[[], bool] | None = None) -> None:
    """Let the flow rest for a number of real seconds; a restart in between does not begin the rest anew.

    The rest ends early when `unless` says so, which is asked every second and must cost nothing.
    """
    run = _run.get()
    if run is not None:
        run.engine.nudge()  # what the steps before it made due need not wait for its end
    rest = time.sleep if run is None else run.engine.parking.rest
    until: float = time.time() + seconds if run is None else _record(run, "pause", lambda: time.time() + seconds)
    if unless is None:
        rest(max(0.0, until - time.time()))
        return
    while (left := until - time.time()) > 0 and not _is_so(unless):
        rest(min(left, ASKED_EVERY))


def _is_so(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OperationalError:
        return False  # a database that restarts is no reason to end a rest, or a flow


def _record(run: _Run, name: str, act: Callable[[], Any]) -> Any:
    run.engine.step_begins()
    parking = run.engine.parking

    def attempt() -> Outcome:
        # Steps called by this one are part of it.
        token = _run.set(None)
        try:
            outcome = parking.insist(lambda: outcome_of(act), OperationalError, DATABASE_PATIENCE)
        except Exception as error:
            parking.leave_if_asked(error)
            raise
        finally:
            _run.reset(token)
        if "problem" in outcome:
            parking.leave_if_asked()
        return outcome

    return opened(DBOS.run_step({"name": name}, attempt))
