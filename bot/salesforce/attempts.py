"""Asking again, where asking again is harmless."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from bot.salesforce.advice import Asked, advice_for, problem_from
from bot.salesforce.failures import CALL_FAILURES, read_failure
from bot.salesforce.session import Patience

Answer = TypeVar("Answer")


def attempt(send: Callable[[], Answer], asked: Asked, patience: Patience) -> Answer:
    """What `send` brings; a read is tried again as often as the error table allows.

    Raises OrgUnavailable, OrgRefused or, when a job may have begun, OutcomeUnknown.
    """
    tries = 0
    while True:
        tries += 1
        try:
            return send()
        except CALL_FAILURES as error:
            failure = read_failure(error)
            may_try = min(advice_for(failure).tries, len(patience.pauses) + 1)
            if asked.manner != "read" or tries >= may_try:
                raise problem_from(failure, asked) from error
        time.sleep(patience.pauses[tries - 1])
