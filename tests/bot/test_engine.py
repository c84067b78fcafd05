"""What the engine promises to the flows and to the people behind them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOSClient
from sqlmodel import select

from bot.durable import fact, flow, pause, step
from bot.engine import Engine, Timings
from bot.leases import folder_lock
from bot.outside import Outside, current, use
from bot.rehearsal.clock import MovableClock
from release_core.errors import NotFound, OrgUnavailable, Refused
from release_core.models import Counter, Intent, Receipt
from release_core.ports import Ports
from release_core.store import Contended, Store
from tests.bot.processes import wait_until
from tests.bot.replica import fresh_store, put, read_intent, states


class Bench:
    """A bot's inside on a folder: its store, its clock, and what its flows were seen to do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store: Store = fresh_store(f"sqlite:///{folder}/app.sqlite")
        self.clock = MovableClock()
        self.seen: list[Any] = []
        self.told: list[tuple[str, Exception]] = []
        self.answers: list[Any] = []
        self.gate = threading.Event()
        use(Outside(Ports(self.store, None, self.clock, None), org=None, chat=self))  # type: ignore[arg-type]

    @contextmanager
    def running(
        self, told: Callable[[str, Exception], None] | None = None, *, sweep_every: float = 0.3
    ) -> Iterator[Engine]:
        """The engine, running within the block."""
        engine = Engine(self.store, self.clock, self.folder, told or self._tell, Timings(sweep_every=sweep_every))
        engine.start()
        try:
            yield engine
        finally:
            self.gate.set()
            assert engine.stop(timeout=60)

    def _tell(self, key: str, error: Exception) -> None:
        self.told.append((key, error))

    def intent(self, key: str) -> Intent:
        """One intent as it stands."""
        return read_intent(self.store, key)

    def ended(self, *keys: str) -> None:
        """Wait until these have ended."""
        wait_until(lambda: all(states(self.store)[key] in ("finished", "failed") for key in keys))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A fresh bench."""
    bench = Bench(tmp_path)
    yield bench
    bench.store.close()


def at_hand() -> Bench:
    """The bench that the running flow belongs to."""
    bench = current().chat
    assert isinstance(bench, Bench)
    return bench


@step
def note(what: Any) -> None:
    """Leave a trace."""
    at_hand().seen.append(what)


@step
def wait_at_gate() -> None:
    """Take as long as the test wants."""
    at_hand().gate.wait(10)


@step(tries=3, backoff=0.01)
def ask() -> Any:
    """Give the next of the prepared answers, or raise it."""
    answer = at_hand().answers.pop(0)
    if isinstance(answer, Exception):
        raise answer
    return answer


@fact
def count(kind: str) -> int:
    """Add one."""
    store = current().ports.store
    with store.transaction() as session:
        counter = session.get(Counter, kind) or Counter(kind=kind)
        counter.last += 1
        session.add(counter)
    with store.reading() as session:
        return session.get_one(Counter, kind).last


@fact
def count_then_fail() -> None:
    """Two core actions of which the second is refused."""
    count("lost")
    raise Refused("not_now", "Not now.")


@flow("noting", queue="tell")
def noting(args: dict[str, Any]) -> None:
    """One step."""
    note(args["what"])


@flow("at-gate", queue="orgs")
def at_gate(args: dict[str, Any]) -> None:
    """Something that takes as long as the test wants."""
    note(f"{args['what']} in")
    wait_at_gate()
    note(f"{args['what']} out")


@flow("asking")
def asking(args: dict[str, Any]) -> None:
    """A question, with its refusal noted."""
    try:
        note(ask())
    except Refused as refusal:
        pause(args.get("rest", 0))
        note([refusal.code, str(refusal), refusal.passes_at is None])


@flow("asking-in-vain")
def asking_in_vain(args: dict[str, Any]) -> None:
    """A question whose failure is nobody's."""
    ask()


@flow("resting")
def resting(args: dict[str, Any]) -> None:
    """A rest between two steps."""
    note("before")
    pause(args["rest"])
    note("after")


@flow("counting")
def counting(args: dict[str, Any]) -> None:
    """A core action."""
    note(count("kept"))


@flow("counting-in-vain")
def counting_in_vain(args: dict[str, Any]) -> None:
    """A core action that is refused half-way."""
    count_then_fail()


@fact
def ask_for_note() -> None:
    """A core action that makes something due."""
    put(current().ports.store, "child", "noting", lane="L", what="child")


@flow("begetting")
def begetting(args: dict[str, Any]) -> None:
    """A flow that asks for another."""
    ask_for_note()


def test_an_intent_that_is_due_runs_once(bench: Bench) -> None:
    """Nudged as often as one likes, the flow runs once, and its intent says that it finished."""
    with bench.running() as engine:
        put(bench.store, "n", "noting", what="hello")
        for _ in range(20):
            engine.nudge()
        bench.ended("n")
        time.sleep(0.4)  # a sweep later
    assert bench.seen == ["hello"]
    assert bench.intent("n").state == "finished"
    assert bench.intent("n").finished_at is not None


def test_what_is_committed_and_nudged_waits_for_no_sweep(bench: Bench) -> None:
    """With sweeps an hour apart, a message still goes out at once."""
    with bench.running(sweep_every=3600) as engine:
        for number in range(5):
            put(bench.store, f"n{number}", "noting", what=number)
            engine.nudge()
            wait_until(lambda wanted=number + 1: len(bench.seen) == wanted)


def test_a_lane_keeps_its_order(bench: Bench) -> None:
    """Intents of one lane run one after the other, also when they were written at the same instant."""
    now = bench.clock.now()
    with bench.store.transaction() as session:
        for number in reversed(range(12)):
            key, args = f"tell:REL-1:{number}", {"what": number}
            intent = Intent(
                key=key, flow="noting", args=args, lane="REL-1", due_at=now, state="due", created_at=now
            )  # fmt: skip
            session.add(intent)
    with bench.running():
        bench.ended("tell:REL-1:11")
    assert bench.seen == list(range(12))


def test_one_lane_waits_while_another_goes_on(bench: Bench) -> None:
    """A second operation on an org begins only when the first has ended; another org does not wait."""
    with bench.running() as engine:
        for number, lane in enumerate(["uat", "uat", "production"]):
            put(bench.store, f"g{number}", "at-gate", lane=lane, what=f"{lane}{number}")
        engine.nudge()
        wait_until(lambda: {"uat0 in", "production2 in"} <= set(bench.seen))
        time.sleep(0.4)  # a sweep later
        assert "uat1 in" not in bench.seen
        bench.gate.set()
        bench.ended("g0", "g1", "g2")
    assert bench.seen.index("uat0 out") < bench.seen.index("uat1 in")


def test_an_intent_starts_at_its_instant(bench: Bench) -> None:
    """Not before, and without waiting for a sweep."""
    with bench.running(sweep_every=3600) as engine:
        began = time.monotonic()
        put(bench.store, "n", "noting", later=0.8, what="late")
        engine.nudge()
        wait_until(lambda: bench.seen == ["late"])
        assert time.monotonic() - began > 0.75


def test_moving_the_clock_makes_intents_due(bench: Bench) -> None:
    """A rehearsal that moves its clock to tomorrow sees what tomorrow brings."""
    with bench.running() as engine:
        put(bench.store, "n", "noting", later=24 * 3600, what="tomorrow")
        engine.nudge()
        time.sleep(0.2)
        assert bench.seen == []
        bench.clock.advance(timedelta(hours=25))
        wait_until(lambda: bench.seen == ["tomorrow"])


def test_a_withdrawn_intent_never_starts(bench: Bench) -> None:
    """What was called off before its time stays undone, and holds nobody up."""
    with bench.running() as engine:
        put(bench.store, "off", "noting", lane="L", later=60, what="off")
        put(bench.store, "on", "noting", lane="L", later=61, what="on")
        with bench.store.transaction() as session:
            session.get_one(Intent, "off").state = "withdrawn"
        engine.nudge()
        bench.clock.advance(timedelta(seconds=62))
        bench.ended("on")
    assert bench.seen == ["on"]
    assert bench.intent("off").state == "withdrawn"


def test_a_flow_can_ask_for_another(bench: Bench) -> None:
    """What a fact makes due starts without anybody's nudge."""
    with bench.running() as engine:
        put(bench.store, "parent", "begetting")
        engine.nudge()
        wait_until(lambda: bench.seen == ["child"])


def test_a_refusal_that_leaves_a_flow_is_told(bench: Bench) -> None:
    """People are told the sentence, the intent keeps it, and its lane goes on."""
    bench.answers = [NotFound("There is no org called 'prd'.")]
    with bench.running() as engine:
        put(bench.store, "bad", "asking-in-vain")
        engine.nudge()
        bench.ended("bad")
    [(key, error)] = bench.told
    assert (key, type(error), str(error)) == ("bad", NotFound, "There is no org called 'prd'.")
    assert bench.intent("bad").state == "failed"
    assert bench.intent("bad").problem == "There is no org called 'prd'."


def test_a_bug_in_a_flow_is_told(bench: Bench) -> None:
    """A fault of ours is not silent either, and the lane is free again."""
    with bench.running() as engine:
        put(bench.store, "bug", "noting", lane="L")
        put(bench.store, "next", "noting", lane="L", what="next")
        engine.nudge()
        bench.ended("bug", "next")
    assert [key for key, _ in bench.told] == ["bug"]
    assert "KeyError" in bench.intent("bug").problem
    assert bench.seen == ["next"]


def test_a_failure_that_cannot_be_told_is_still_a_failure(bench: Bench) -> None:
    """Telling people may fail as well; the intent does not look as if it still ran."""

    def broken(key: str, error: Exception) -> None:
        raise RuntimeError("nobody listens")

    with bench.running(told=broken) as engine:
        put(bench.store, "bug", "noting")
        engine.nudge()
        bench.ended("bug")
    assert bench.intent("bug").state == "failed"


def test_an_org_that_is_busy_is_asked_again(bench: Bench) -> None:
    """A step tries as often as it says."""
    bench.answers = [OrgUnavailable("busy"), OrgUnavailable("busy"), "fine"]
    with bench.running() as engine:
        put(bench.store, "a", "asking")
        engine.nudge()
        bench.ended("a")
    assert bench.seen == ["fine"]


def test_an_org_that_stays_away_is_reported(bench: Bench) -> None:
    """After the last try the flow gets the error."""
    bench.answers = [OrgUnavailable("busy")] * 3 + ["too late"]
    with bench.running() as engine:
        put(bench.store, "a", "asking-in-vain")
        engine.nudge()
        bench.ended("a")
    assert bench.answers == ["too late"]
    assert isinstance(bench.told[0][1], OrgUnavailable)


def test_a_restart_in_the_middle_of_a_rest_carries_on(bench: Bench) -> None:
    """The rest goes on where it was, the step before it is not repeated, and stopping does not wait for it."""
    with bench.running() as engine:
        began = time.monotonic()
        put(bench.store, "r", "resting", rest=4)
        engine.nudge()
        wait_until(lambda: bench.seen == ["before"])
    assert time.monotonic() - began < 4
    with bench.running():
        bench.ended("r")
    assert bench.seen == ["before", "after"]
    assert time.monotonic() - began > 3.9


def test_a_refusal_is_the_same_after_a_restart(bench: Bench) -> None:
    """A flow that was refused something meets the same refusal, with its code, when it is told again."""
    bench.answers = [Refused("frozen", "The org is frozen.")]
    with bench.running() as engine:
        put(bench.store, "a", "asking", rest=0.8)
        engine.nudge()
        wait_until(lambda: bench.answers == [])
        time.sleep(0.1)
    with bench.running():
        bench.ended("a")
    assert bench.seen == [["frozen", "The org is frozen.", True]]


def test_a_fact_sees_what_it_wrote(bench: Bench) -> None:
    """Within a fact, questions are answered from its own transaction."""
    with bench.running() as engine:
        put(bench.store, "c", "counting")
        engine.nudge()
        bench.ended("c")
    assert bench.seen == [1]


def test_a_fact_that_is_refused_leaves_nothing_behind(bench: Bench) -> None:
    """Several core actions in one fact are kept or lost together."""
    with bench.running() as engine:
        put(bench.store, "c", "counting-in-vain")
        engine.nudge()
        bench.ended("c")
    with bench.store.reading() as session:
        assert session.get(Counter, "lost") is None
    assert bench.intent("c").problem == "Not now."


def test_what_was_started_but_does_not_run_is_started_again(bench: Bench) -> None:
    """A crash between the mark and the start is repaired by the sweep."""
    put(bench.store, "n", "noting", what="hello")
    with bench.store.transaction() as session:
        session.get_one(Intent, "n").state = "started"
    with bench.running():
        bench.ended("n")
    assert bench.seen == ["hello"]


def test_what_ended_without_a_mark_is_marked(bench: Bench) -> None:
    """A database brought back from an older copy does not run again what was done."""
    with bench.running() as engine:
        put(bench.store, "n", "noting", what="hello")
        engine.nudge()
        bench.ended("n")
        with bench.store.transaction() as session:
            session.get_one(Intent, "n").state = "started"
        bench.ended("n")
    assert bench.seen == ["hello"]


def test_a_run_that_was_cancelled_outside_is_reported(bench: Bench) -> None:
    """Somebody who cancels a run behind our back does not leave it looking alive."""
    with bench.running() as engine:
        put(bench.store, "r", "resting", rest=60)
        engine.nudge()
        wait_until(lambda: bench.seen == ["before"])
    client = DBOSClient(system_database_url=f"sqlite:///{bench.folder}/engine.sqlite")
    client.cancel_workflow("r")
    client.destroy()
    with bench.running():
        bench.ended("r")
    assert [key for key, _ in bench.told] == ["r"]
    assert "cancelled" in bench.intent("r").problem


def test_a_flow_that_nobody_knows_stays_due(bench: Bench) -> None:
    """A replica of an older version leaves to others what it does not know, and goes on."""
    with bench.running() as engine:
        put(bench.store, "new", "unheard-of", lane="L")
        put(bench.store, "n", "noting", lane="L", what="hello")
        engine.sweep()
        bench.ended("n")
    assert bench.intent("new").state == "due"


def test_a_second_engine_on_the_folder_is_refused(bench: Bench) -> None:
    """Two bots on one folder would run everything twice; the second is told which folder it is about."""
    engine = Engine(bench.store, bench.clock, bench.folder, lambda key, error: None)
    with folder_lock(bench.folder), pytest.raises(Refused) as refusal:
        engine.start()
    assert refusal.value.code == "already_running"
    assert str(bench.folder) in str(refusal.value)


def test_what_ended_long_ago_is_forgotten(bench: Bench) -> None:
    """After 90 days neither the intent nor its receipts are kept; what is due is."""
    put(bench.store, "c", "counting")
    put(bench.store, "later", "noting", later=200 * 24 * 3600, what="later")
    with bench.running():
        bench.ended("c")
    bench.clock.advance(timedelta(days=91))
    with bench.running():
        wait_until(lambda: set(states(bench.store)) == {"later"})
    with bench.store.reading() as session:
        assert session.exec(select(Receipt)).all() == []


def test_a_step_outside_of_a_flow_is_a_plain_function(bench: Bench) -> None:
    """Steps can be tried by themselves."""
    bench.answers = ["plain"]
    assert ask() == "plain"
    assert count("plain") == 1


def test_two_flows_of_one_name_are_a_mistake() -> None:
    """The name is how an intent finds its flow."""
    with pytest.raises(ValueError, match="two flows called 'noting'"):
        flow("noting")(noting)


def test_a_fact_is_tried_again_while_others_write(bench: Bench) -> None:
    """Contention is nobody's fault, so nobody hears of it."""
    bench.answers = [Contended("busy"), Contended("busy"), "written"]
    with bench.running() as engine:
        put(bench.store, "w", "writing-under-contention")
        engine.nudge()
        bench.ended("w")
    assert bench.seen == ["written"]


def test_a_step_is_tried_again_while_others_write_what_it_keeps(bench: Bench) -> None:
    """A step that keeps an answer in our rows meets others as well as a fact does."""
    bench.answers = [Contended("busy"), Contended("busy"), "kept"]
    with bench.running() as engine:
        put(bench.store, "k", "asking")
        engine.nudge()
        bench.ended("k")
    assert bench.seen == ["kept"]
    assert bench.told == []


def test_a_failure_is_told_once_the_database_takes_it(bench: Bench) -> None:
    """What the flow was doing must not look as if it still ran only because somebody wrote at that moment."""
    busy = [Contended("busy"), Contended("busy")]

    def told(key: str, error: Exception) -> None:
        if busy:
            raise busy.pop()
        bench.told.append((key, error))

    bench.answers = [Refused("no", "Not today.")]
    with bench.running(told) as engine:
        put(bench.store, "f", "asking-in-vain")
        engine.nudge()
        bench.ended("f")
    assert [key for key, _ in bench.told] == ["f"]


def test_a_flow_that_was_changed_while_it_ran_is_told(bench: Bench) -> None:
    """New code whose steps do not fit the old run stops it with a word, not in silence."""
    bench.answers = ["old", "new"]
    with bench.running() as engine:
        put(bench.store, "r", "changing")
        engine.nudge()
        wait_until(lambda: bench.seen == ["old"])
    with bench.running():
        bench.ended("r")
    assert [key for key, _ in bench.told] == ["r"]
    assert bench.intent("r").state == "failed"


@flow("changing")
def changing(args: dict[str, Any]) -> None:
    """A flow whose first step depends on what no flow may ask."""
    if at_hand().answers.pop(0) == "old":
        note("old")
        pause(1)
    else:
        count("new")
    note("end")


@fact
def write_under_contention() -> Any:
    """A core action that meets others."""
    answer = at_hand().answers.pop(0)
    if isinstance(answer, Exception):
        raise answer
    return answer


@flow("writing-under-contention")
def writing_under_contention(args: dict[str, Any]) -> None:
    """One fact."""
    note(write_under_contention())
