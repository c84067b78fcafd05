"""The engine that runs what intents ask for."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID
from sqlalchemy.exc import OperationalError

from bot import intents
from bot.clockwork import AlarmClock
from bot.durable import CONTENTION_PATIENCE, DATABASE_PATIENCE, Parking, known_flows, runner
from bot.intents import Errand
from bot.leases import Lease, LeaseTimes, folder_lock
from bot.outside import current
from release_core.errors import ReleaseError
from release_core.ports import Clock
from release_core.store import Contended, Store

log = structlog.get_logger(__name__)

# Raised by hand, and only when every run of the old shape has ended: a run of another version is never carried on.
FLOW_VERSION = "flow-4"


@dataclass(frozen=True)
class Timings:
    """How often the engine looks, in seconds, and how patient it is."""

    sweep_every: float = 30.0
    lease: LeaseTimes = field(default_factory=LeaseTimes)
    most_takeovers: int = 5
    keep_for: timedelta = timedelta(days=90)
    prune_every: float = 3600.0


class Engine:
    """Runs the flows that intents ask for; one per process.

    The store must be in a file or on PostgreSQL. On SQLite, `folder` belongs to this process alone and holds the
    engine's own memory; on PostgreSQL any number of replicas share the store's database. `on_failed_flow` is called
    with the key of an intent whose flow failed, as well as the error, before it is marked; after a crash again.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        folder: Path,
        on_failed_flow: Callable[[str, Exception], None],
        timings: Timings = Timings(),
    ) -> None:
        self.parking = Parking()
        self._store = store
        self._clock = clock
        self._folder = folder
        self._on_failed_flow = on_failed_flow
        self._timings = timings
        # A name of its own for each replica: two processes of one name steal each other's running work.
        self.executor_id = "single" if store.is_sqlite else f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}"
        self._alarm = AlarmClock(clock, on_due=self.nudge, on_sweep=self.sweep, sweep_every=timings.sweep_every)
        self._held = ExitStack()
        self._lease: Lease | None = None
        self._nudged = threading.Event()
        self._sweep_wanted = threading.Event()
        self._stopped = threading.Event()
        self._busy = 0
        self._left = threading.Condition()
        self._prune_at = 0.0
        self._starter = threading.Thread(target=self._start_forever, name="engine-starter", daemon=True)

    # --- for the process ---

    def start(self) -> None:
        """Carry on what was interrupted and begin to run what is due; Refused when the folder is in use.

        Flows must be imported before, and `outside.use` called.
        """
        if runner:
            raise RuntimeError("an engine is already running in this process")
        current()  # without it, the first flow carried on would fail for want of an outside
        with ExitStack() as held:
            if self._store.is_sqlite:
                held.enter_context(folder_lock(self._folder))
            else:
                self._lease = Lease(
                    self._store.engine.url, self.executor_id, FLOW_VERSION, self._take_over, self._timings.lease
                )
                self._lease.take()
                held.callback(self._let_go, self._lease)
            runner.append(self)
            held.callback(runner.clear)
            held.callback(DBOS.destroy)
            DBOS(config=self._config())
            DBOS.launch()
            self._held = held.pop_all()
        if self._lease is not None:
            self._lease.watch()
        self._alarm.start()
        self._starter.start()
        self.sweep()

    def stop(self, timeout: float = 20.0) -> bool:
        """Let running steps end, for at most `timeout` seconds, and park every flow where it is.

        True when all are parked. When not, the process has to end now: others may not yet take over what still runs.
        """
        self._alarm.stop()
        if self._lease is not None:
            self._lease.unwatch()
        self._stopped.set()
        self._nudged.set()
        self._starter.join()
        self.parking.ask()
        with self._left:
            parked = self._left.wait_for(lambda: self._busy == 0, timeout)
        self._held.close()
        return parked

    def nudge(self) -> None:
        """Say that something may have fallen due; returns at once, from any thread."""
        self._nudged.set()

    def sweep(self) -> None:
        """Like `nudge`, and look after what was started but does not run."""
        self._sweep_wanted.set()
        self._nudged.set()

    # --- for flows ---

    def tell(self, key: str, tale: Callable[[], None]) -> None:
        """Run one flow from wherever it was to its end, which is then marked in its intent."""
        with self._as_busy():
            try:
                tale()
            except Exception as error:  # noqa: BLE001 -- a flow is never stranded in silence, whatever stopped it
                self.parking.leave_if_asked(error)
                self._gave_up(key, error)
                return
            self._insist(partial(intents.finish, self._store, key, self._clock.now()))
        self.nudge()

    def step_begins(self) -> None:
        """Refuse to begin a step when the engine is stopping, or when another replica may have taken over."""
        if self._lease is not None:
            self._lease.must_hold()
        self.parking.leave_if_asked()

    # --- inside ---

    def _start_forever(self) -> None:
        while True:
            self._nudged.wait()
            if self._stopped.is_set():
                return
            self._nudged.clear()
            try:
                self._start_what_is_due()
            except Contended:
                self._nudged.set()
            except Exception:
                # A loop that must outlive every fault; the next sweep tries again.
                log.exception("engine.sweep_failed")

    def _start_what_is_due(self) -> None:
        queue_of = {name: known.queue for name, known in known_flows.items()}
        for errand in intents.start_due(self._store, self._clock.now(), queue_of):
            # Should this not come through, the sweep finds an intent that was started but does not run.
            self._start(errand)
        if self._sweep_wanted.is_set():
            self._sweep_wanted.clear()
            self._look_after_started()
            self._prune()
        self._alarm.set_to(intents.next_due(self._store, self._clock.now()))

    def _start(self, errand: Errand) -> None:
        with SetWorkflowID(errand.key):
            DBOS.start_workflow(known_flows[errand.flow].workflow, errand.args)

    def _look_after_started(self) -> None:
        for name in intents.flows_wanted(self._store, self._clock.now()) - set(known_flows):
            log.error("engine.unknown_flow", flow=name)
        started = {errand.key: errand for errand in intents.started(self._store) if errand.flow in known_flows}
        found = DBOS.list_workflows(workflow_ids=list(started), load_input=False, load_output=False) if started else []
        states = {workflow.workflow_id: workflow.status for workflow in found}
        of_other_versions = {
            workflow.workflow_id
            for workflow in found
            if workflow.status in ("PENDING", "ENQUEUED") and workflow.app_version not in (None, FLOW_VERSION)
        }
        for key, errand in started.items():
            state = states.get(key)
            if key in of_other_versions:
                log.error("engine.of_another_version", key=key, problem="Nobody carries this on: its flow was changed.")
            if state is None:
                self._start(errand)
            elif state == "SUCCESS":
                self._insist(partial(intents.finish, self._store, key, self._clock.now()))
            elif state in ("ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"):
                self._gave_up(
                    key, ReleaseError(f"This stopped half-way and cannot carry on by itself ({state.lower()}).")
                )

    def _take_over(self, living: Callable[[], set[str]]) -> None:
        pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        alive = living() if pending else set()
        for workflow in pending:
            if workflow.executor_id in alive:
                continue
            key = workflow.workflow_id
            count_one = partial(intents.count_takeover, self._store, key)
            if self.parking.insist(count_one, Contended, CONTENTION_PATIENCE) <= self._timings.most_takeovers:
                log.warning("engine.taken_over", key=key, executor_id=workflow.executor_id)
                DBOS.resume_workflow(key, queue_name=workflow.queue_name)
                continue
            count = self._timings.most_takeovers
            # Told before it is cancelled: whoever sees it cancelled finds that its end is known already.
            self._gave_up(key, ReleaseError(f"This was interrupted more than {count} times, so it is not tried again."))
            DBOS.cancel_workflow(key)

    def _prune(self) -> None:
        if time.monotonic() < self._prune_at:
            return
        self._prune_at = time.monotonic() + self._timings.prune_every
        intents.prune(self._store, self._clock.now() - self._timings.keep_for)
        before = (datetime.now(UTC) - self._timings.keep_for).isoformat()
        ended = ["SUCCESS", "ERROR", "CANCELLED"]
        old = DBOS.list_workflows(status=ended, completed_before=before, limit=500, load_input=False, load_output=False)
        if old:
            DBOS.delete_workflows([workflow.workflow_id for workflow in old])

    def _gave_up(self, key: str, error: Exception) -> None:
        """Tell people, once, that a flow ended half-way; the janitor and the sweep may both have seen it."""
        if not self._insist(partial(intents.is_started, self._store, key)):
            return
        if isinstance(error, ReleaseError):
            log.warning("flow.failed", key=key, problem=str(error))
            problem = str(error)
        else:
            log.error("flow.broke", key=key, exc_info=error)
            problem = f"A fault in Rollcall stopped this ({type(error).__name__}: {error}). The log tells more."
        try:
            # Untold, what the flow was doing would look as if it still ran, with nothing left to end it.
            self._insist(partial(self._on_failed_flow, key, error))
        except Exception:
            # Whatever went wrong with telling people, the intent must not look as if it still ran.
            log.exception("flow.failure_not_told", key=key)
        self._insist(partial(intents.fail, self._store, key, self._clock.now(), problem))
        self.nudge()

    def _insist(self, write: Callable[[], object]) -> object:
        return self.parking.insist(write, (Contended, OperationalError), CONTENTION_PATIENCE + DATABASE_PATIENCE)

    @contextmanager
    def _as_busy(self) -> Iterator[None]:
        with self._left:
            self._busy += 1
        try:
            yield
        finally:
            with self._left:
                self._busy -= 1
                self._left.notify_all()

    def _let_go(self, lease: Lease) -> None:
        lease.let_go(parked=self._busy == 0)

    def _config(self) -> DBOSConfig:
        config: DBOSConfig = {
            "name": "rollcall",
            "executor_id": self.executor_id,
            "application_version": FLOW_VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
        }
        if self._store.is_sqlite:
            file = self._folder / "engine.sqlite"
            # A file of its own, since DBOS called while the application writes to the same one waits for ever.
            connection = sqlite3.connect(file)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.close()
            config["system_database_url"] = f"sqlite:///{file}"
            config["notification_listener_polling_interval_sec"] = 0.2
        else:
            config["system_database_url"] = self._store.engine.url.render_as_string(hide_password=False)
            config["dbos_system_schema"] = "dbos"
            config["sys_db_pool_size"] = 10
        return config
