"""Asking an org again for a job that it was too busy to carry out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from bot.durable import fact, pause, step
from bot.outside import current
from release_core import attempts, resubmissions
from release_core.errors import OrgProblem, OrgRefused, OutcomeUnknown, Refused, Unclear
from release_core.ports import Busy


class Start(Protocol):
    """Asks the org for an attempt's job."""

    def __call__(self, deployment_id: int, /, *, check_only: bool) -> None:
        """Raises OrgProblem when it was certainly not started, OutcomeUnknown when it may be."""
        ...


LookAgain = Callable[[int], str]
"""Looks at the org before an attempt, by row id, asks it again; what stops that, as sentences, or ""."""


def nothing_to_look_at(deployment_id: int) -> str:
    """A check changes nothing, so it may be repeated whatever others did."""
    return ""


def ask_again(deployment_id: int, busy: Busy, start: Start, look_again: LookAgain) -> bool:
    """Whether the attempt has a new job, after the one before ended because the org was busy.

    `start` asks for the attempt's job, as `jobs.start` does. Others may have changed the org during the wait, so
    `look_again` comes first. OutcomeUnknown when nobody knows whether the org took it.
    """
    seconds = note_busy(deployment_id, busy)
    if not seconds:
        return False
    pause(seconds, unless=woken(deployment_id, seconds, abort=True))
    if not take_up_again(deployment_id):
        return False
    in_the_way = _looked_again(deployment_id, look_again)
    if in_the_way:
        return_to_last(deployment_id, f"The org was not asked again. {in_the_way}")
        return False
    try:
        _start_over(deployment_id, purpose_of(deployment_id), start)
    except OutcomeUnknown:
        raise
    except OrgProblem as problem:
        return_to_last(deployment_id, f"The org did not take it again: {problem}")
        return False
    return True


def _looked_again(deployment_id: int, look_again: LookAgain) -> str:
    try:
        return look_again(deployment_id)
    except (OrgProblem, Refused, Unclear) as problem:
        return f"What it holds by now could not be read. {problem}"


def _start_over(deployment_id: int, purpose: str, start: Start) -> None:
    check_only = purpose in ("validation", "arming")
    try:
        start(deployment_id, check_only=check_only)
    except OrgRefused as refused:
        # An org may count a failed quick deployment as the one use of its validation; the way back stays open.
        if refused.code != "validation_gone" or purpose != "rollback":
            raise
        forget_validation(deployment_id)
        start(deployment_id, check_only=False)


def woken(deployment_id: int, seconds: float, *, abort: bool) -> Callable[[], bool]:
    """Whether a wait of `seconds` may end early; the question costs no call to the org.

    It may when the time has come on our own clock, which a rehearsal moves; where `abort` matters, also when people
    want it to stop.
    """
    due_at = current().ports.clock.now() + timedelta(seconds=seconds)

    def may_end() -> bool:
        ports = current().ports
        return ports.clock.now() >= due_at or (abort and attempts.assignment(ports, deployment_id).abort)

    return may_end


@fact
def note_busy(deployment_id: int, busy: Busy) -> float:
    """Seconds to wait before the job is asked for again; 0 when what it came to is its result."""
    return resubmissions.note_busy(current().ports, deployment_id, busy)


@fact
def take_up_again(deployment_id: int) -> bool:
    """Whether the job may still be asked for again; if so, the attempt holds none from now on."""
    return resubmissions.take_up_again(current().ports, deployment_id)


@fact
def return_to_last(deployment_id: int, sentence: str) -> None:
    """The org did not take it again: the job that ended is what counts."""
    resubmissions.return_to_last(current().ports, deployment_id, sentence)


@fact
def forget_validation(deployment_id: int) -> None:
    """The quick way is closed: it goes in full."""
    attempts.forget_validation(current().ports, deployment_id)


@step
def purpose_of(deployment_id: int) -> str:
    """What the attempt is for."""
    return attempts.assignment(current().ports, deployment_id).purpose
