"""A bot that is killed without warning, with people who insist."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

import bot.__main__
from bot.rehearsal.driver import Json, Rehearsal
from bot.rehearsal.org.jobs import Job
from bot.rehearsal.run import Stage
from bot.rehearsal.workspace.model import Change
from tests.bot import processes as small_bots
from tests.stories.counting import slot_of

# Whoever says it last decides what the parent of all bots has imported; the small ones said it when they were imported.
PROCESSES = small_bots.PROCESSES
PROCESSES.set_forkserver_preload(["tests.bot.replica", "tests.stories.killing"])

LOST = ("operation_timeout", "dispatch_failed", "trouble_connecting")


# --- the bot


def serve(environ: Mapping[str, str], log: Path) -> None:
    """`rollcall serve` in a process that has imported everything already."""
    os.environ.update(environ)
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = ["rollcall", "serve"]
    bot.__main__.main()


def start_serving(environ: Mapping[str, str], log: Path) -> Any:
    """A bot in a process of its own."""
    process = PROCESSES.Process(target=serve, args=(dict(environ), log), daemon=True)
    process.start()
    return process


class Keeper:
    """Keeps one bot running: starts it again at once whenever it was killed; `deaths` tells what killed it."""

    def __init__(self, environ: Mapping[str, str], log: Path) -> None:
        self.deaths: list[str] = []
        self.log = log
        self._environ = dict(environ)
        self._lock = threading.Lock()
        self._over = False
        self._pid: int | None = None
        self._ends: list[int | None] = []
        self._thread = threading.Thread(target=self._forever, name="keeper", daemon=True)
        self._thread.start()

    @property
    def starts(self) -> int:
        """How often a bot has come so far that people can talk to it."""
        return self.log.read_text(errors="replace").count('{"ready": true') if self.log.exists() else 0

    def kill(self, why: str) -> bool:
        """End the bot without warning, here and now; False when it is dead already."""
        with self._lock:
            if self._pid is None or self._over:
                return False
            os.kill(self._pid, signal.SIGKILL)
            self._pid = None
            self.deaths.append(why)
            return True

    def stop(self) -> None:
        """End the bot by SIGTERM, as a supervisor would; AssertionError when it ever ended by itself."""
        with self._lock:
            self._over = True
            if self._pid is not None:
                os.kill(self._pid, signal.SIGTERM)
        self._thread.join(timeout=30)
        # The last one may not have been far enough to take leave.
        by_itself = [code for code in self._ends[:-1] if code != -signal.SIGKILL]
        by_itself += [code for code in self._ends[-1:] if code not in (0, -signal.SIGTERM, -signal.SIGKILL)]
        assert not by_itself, f"the bot ended with {by_itself}:\n{self.log.read_text()[-3000:]}"

    def _forever(self) -> None:
        while not self._over:
            process = start_serving(self._environ, self.log)
            with self._lock:
                self._pid = process.pid
            process.join()
            with self._lock:
                self._pid = None
            self._ends.append(process.exitcode)
            if process.exitcode != -signal.SIGKILL and not self._over:
                return


# --- when it is killed


class Replicas:
    """Several bots on one database; who runs a flow can be killed for good."""

    def __init__(self, environ: Mapping[str, str], log: Path, number: int) -> None:
        self.deaths: list[str] = []
        self.log = log
        self._environ = dict(environ)
        self._running = [start_serving(self._environ, log) for _ in range(number)]

    def kill_who_runs(self, flow: str, why: str) -> None:
        """End, for good, the one replica that runs a flow whose key begins with `flow`."""
        address = self._environ["DATABASE_URL"].replace("postgresql+psycopg://", "postgresql://")
        query = (
            "SELECT pid FROM executorlease JOIN dbos.workflow_status USING (executor_id) "
            "WHERE status = 'PENDING' AND workflow_uuid LIKE %s"
        )
        with psycopg.connect(address) as connection:
            pids = [pid for (pid,) in connection.execute(query, (f"{flow}%",))]
        assert len(pids) == 1, f"{flow} is run by {len(pids)} replicas"
        os.kill(pids[0], signal.SIGKILL)
        self.deaths.append(why)

    def add(self) -> None:
        """One more."""
        self._running.append(start_serving(self._environ, self.log))

    def stop(self) -> None:
        """End them by SIGTERM; AssertionError when one ended by itself."""
        by_itself = [one.exitcode for one in self._running if one.exitcode not in (None, -signal.SIGKILL)]
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.join(timeout=30)
        self._running.clear()
        assert not by_itself, f"replicas ended with {by_itself}:\n{self.log.read_text()[-3000:]}"


class Told(list[Any]):
    """A list that tells of each thing added, before anybody else learns of it."""

    def __init__(self, things: Iterable[Any], tell: Callable[[Any], None]) -> None:
        super().__init__(things)
        self._tell = tell

    def append(self, thing: Any) -> None:
        """Add and tell."""
        super().append(thing)
        self._tell(thing)


@dataclass
class Sweep:
    """Kills once at each kind of moment that is worth it, before the bot hears the answer to what it did.

    `chapter` is the one being told; `only` names the moments, if not all are wanted, and then each counts less often.
    """

    scene: Stage
    keeper: Keeper
    only: Collection[str] = ()
    chapter: str = ""
    _had: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        workspace = self.scene.workspace.workspace
        workspace.on_change.append(self._on_change)
        for name, org in (("UAT", self.scene.uat.org), ("PRODUCTION", self.scene.production.org)):
            org.jobs = Told(org.jobs, lambda job, name=name: self._on_job(name, job))
            org.retrievals = Told(org.retrievals, lambda _, name=name: self._on_retrieve(name))

    def _at(self, moment: str, *, times: int = 1, later: float = 0.0) -> None:
        nth = next((n for n in range(1, times + 1) if f"{moment} ({n})" not in self._had), None)
        if nth is None:
            return
        self._had.add(f"{moment} ({nth})")
        if self.only and moment not in self.only:
            return
        if later:
            threading.Timer(later, self.keeper.kill, [f"{later} s after {moment}"]).start()
        else:
            self.keeper.kill(f"at {moment}")

    def _on_retrieve(self, org: str) -> None:
        self._at(f"retrieving from {org} in {self.chapter}", times=2 if self.only else 3)

    def _on_job(self, org: str, job: Job) -> None:
        kind = "a check" if job.options.check_only else "a quick deployment" if job.quick_of else "a deployment"
        times = 2 if not job.options.check_only else 1 if self.only else 3
        self._at(f"{kind} accepted in {org}", times=times)
        if not job.options.check_only:
            self._at(f"{kind} going on in {org}", times=times, later=1.0)

    def _on_change(self, change: Change) -> None:
        if change.kind not in ("message", "edit") or change.user:
            return
        found = [m for m in self.scene.workspace.workspace.messages.get(change.channel or "", []) if m.ts == change.ts]
        slot = slot_of(found[0]) if found else ""
        if slot:
            did = "posting" if change.kind == "message" else "editing"
            self._at(f"{did} {slot.partition(':')[0]}")


@contextmanager
def at_random(keeper: Keeper, chance: random.Random, least: float, most: float) -> Iterator[None]:
    """While the block runs, kill the bot again and again, `least` to `most` seconds after it was ready.

    One time in four it is not even let start, which on a slow machine must not happen every time.
    """
    over = threading.Event()

    def forever() -> None:
        starts = 0
        while not over.is_set():
            early = chance.random() < 0.25
            while not early and keeper.starts == starts and not over.is_set():
                over.wait(0.05)
            if over.wait(wait := chance.uniform(least, most)):
                return
            starts = keeper.starts
            keeper.kill(f"{wait:.2f} s after {'the last time' if early else 'it was ready'}")

    thread = threading.Thread(target=forever, name="killer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# --- people who insist


@dataclass
class Insisting(Rehearsal):
    """People who, when Rollcall does not answer, look whether it was done, then do it again."""

    deaths: list[str] = field(default_factory=list)
    insisted: Counter[str] = field(default_factory=Counter)

    def act(self, what: str, **body: Any) -> Json:
        """POST something, until it was answered or is seen to be done."""
        deadline = time.monotonic() + max(60.0, self.patience)
        while True:
            deaths = len(self.deaths)
            outcome = super().act(what, **body)
            if not self._unanswered(what, outcome, died=len(self.deaths) > deaths) or time.monotonic() > deadline:
                return outcome
            self.insisted[what] += 1
            time.sleep(0.2)
            seen = self._seen_as_done(what, body)
            if seen is not None:
                return seen

    @staticmethod
    def _unanswered(what: str, outcome: Json, *, died: bool) -> bool:
        if (outcome.get("error") or {}).get("code") in LOST:
            return True
        if not died or outcome.get("error"):
            return False
        private = [message["plain"] for message in outcome.get("messages", []) if message["ephemeral"]]
        if any("takes longer than usual" in plain for plain in private):
            return True
        return what == "click" and not private and not outcome.get("view")

    def _seen_as_done(self, what: str, body: Json) -> Json | None:
        """What one sees when an act that must not be repeated has happened although no answer came."""
        if what == "submit":
            command, words = self._where_a_form_shows(body)
        elif str(body.get("text", "")).startswith("/release freeze"):
            command, words = "/release calendar", str(body["text"]).partition("-- ")[2]
        else:
            return None
        if not command:
            return None
        shown = super().act("command", **{"as": body["as"], "channel": "#releases", "text": command})
        while (shown.get("error") or {}).get("code") in LOST:
            time.sleep(0.2)
            shown = super().act("command", **{"as": body["as"], "channel": "#releases", "text": command})
        if not any(words in message["plain"] for message in shown["messages"] if message["ephemeral"]):
            return None
        if what == "submit":
            super().act("close", **{"as": body["as"], "view_id": body["view_id"], "all": True})
        return shown

    def _where_a_form_shows(self, body: Json) -> tuple[str, str]:
        views = self.look("views", **{"as": body["as"]})["views"]
        view = next((view for view in views if view["view_id"] == body["view_id"]), None)
        if view is None:
            return "", ""
        typed = {one["label"]: one["value"] for one in view["inputs"]} | dict(body["values"])
        if "Package" in typed:
            return f"/release timeline {view['title'].split()[-1]}", str(body["values"]["Package"][0]["filename"])
        if "Severity" in typed:
            return "/incident menu", next(str(value) for value in typed.values() if "cannot" in str(value))
        return ("/release list", str(typed["Name"])) if "Name" in typed else ("", "")
