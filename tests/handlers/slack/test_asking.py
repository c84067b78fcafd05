"""Where questions are answered: on the event loop when that is sooner, else on threads."""

from __future__ import annotations

import threading
from collections.abc import Collection

import pytest

from handlers.conversation import Answer, Message, Place, Request
from handlers.slack.asking import Asker, Hearing
from tests.handlers.slack.a_desk import VERBS, ADesk


class ADeskThatSaysWhere(ADesk):
    """Answers with the name of the thread on which it was asked."""

    def answer(self, request: Request) -> Answer:
        """Here."""
        return Message(threading.current_thread().name)


async def where_answered(verb: str, *, at_once: Collection[str]) -> str:
    asker = Asker(ADeskThatSaysWhere(at_once=at_once), VERBS)
    heard = await asker.hear(Hearing("U0RELMGR", Place("C0RELEASES"), lambda _: (verb, {})))
    assert isinstance(heard.answer, Message)
    return heard.answer.summary


async def test_short_questions_are_answered_without_waking_a_thread() -> None:
    assert await where_answered("release_status", at_once=("release_status",)) == threading.current_thread().name


@pytest.mark.parametrize("at_once", [(), ("release_status",)])
async def test_whatever_may_take_long_leaves_the_event_loop_free(at_once: Collection[str]) -> None:
    assert (await where_answered("release_approve", at_once=at_once)).startswith("desk")
