"""What happened is said: each post that a fact touches is sent once, or edited."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import asdict
from typing import Any

import structlog

from bot.chat_problems import ChatProblem, ChatRefused, ChatUnavailable, TokenEnded
from bot.durable import flow, pause, step
from bot.outside import Outside, current
from bot.pacing import PROGRESS
from handlers import announcements
from handlers.announcements import Announcement, Touched
from release_core import attempts
from release_core.models import Post
from release_core.store import Contended

log = structlog.get_logger(__name__)

# What happened is told in order, so what cannot be said now is waited for, a minute between two tries in the end. Not
# for ever: one post that Slack always stumbles over must not keep its release silent.
FOR_HOURS = 4 * 60

# Slack answers within some tenths of a second; in so many lanes we reach what it takes for a workspace.
LANES = 8
# One step; a process that is to end waits for it, so it must be over soon.
TOGETHER = 20
NO_ROOM = -1.0
FEW = 8
"""So many copies are quicker told than threads are begun."""

_WORKING = threading.Lock()
"""Lanes wait for Slack side by side, but only one at a time works: more would be no quicker on one interpreter, and
whoever is answered meanwhile would wait for each of them in turn."""


@flow("tell", queue="tell")
def tell(args: dict[str, Any]) -> None:
    """Send every post that a fact touches, in order; one that the chat refuses does not hold up the others."""
    redraw = args.get("redraw")
    slots = [asdict(Touched(redraw, only_if_posted=True))] if redraw else touched(args["stream"], args["number"])
    edited = redraw.removeprefix("deployment:") if redraw and "edit" in args else ""
    if edited:
        wait = edit_in(edited)
        if wait == NO_ROOM:
            return  # the job's next move is shown soon enough, its end is told by a fact of its own
        pause(wait)
    for some in side_by_side(slots):
        for slot in some if len(some) == 1 else deliver_at_once(args["stream"], some):
            try:
                deliver(args["stream"], slot["slot"], slot["only_if_posted"])
            except ChatProblem as problem:
                log.error("chat.not_told", slot=slot["slot"], problem=str(problem))
    if edited:
        drawn(edited)


@step
def touched(stream: str, number: int) -> list[dict[str, Any]]:
    """The posts that a fact touches."""
    return [asdict(one) for one in announcements.touched(current().ports, stream, number)]


def side_by_side(slots: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The posts in their order, with those together that may come in any: many copies, each for another reader."""
    for is_copy, run in itertools.groupby(slots, lambda slot: "@" in slot["slot"]):
        some = list(run)
        readers = {slot["slot"].partition("@")[2] for slot in some}
        size = TOGETHER if is_copy and len(some) > FEW and len(readers) == len(some) else 1
        yield from (some[start : start + size] for start in range(0, len(some), size))


@step
def deliver_at_once(stream: str, slots: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`deliver` for several posts, as many at a time as Slack takes; returns those that have to be tried again."""
    with ThreadPoolExecutor(LANES, thread_name_prefix="tell") as threads:
        # What flows work with may be known to this thread alone.
        told = [threads.submit(copy_context().run, _was_told, stream, slot) for slot in slots]
    return [slot for slot, was_told in zip(slots, told, strict=True) if not was_told.result()]


def _was_told(stream: str, slot: dict[str, Any]) -> bool:
    try:
        _deliver(stream, slot["slot"], slot["only_if_posted"])
    except (ChatUnavailable, TokenEnded, Contended):
        return False
    except ChatProblem as problem:
        log.error("chat.not_told", slot=slot["slot"], problem=str(problem))
    return True


@step(tries=FOR_HOURS, on=(ChatUnavailable, TokenEnded))
def deliver(stream: str, slot: str, only_if_posted: bool) -> None:
    """Make one post look as it should now; posted for the first time only when it was never tried before."""
    _deliver(stream, slot, only_if_posted)


def _deliver(stream: str, slot: str, only_if_posted: bool) -> None:
    outside = current()
    with _WORKING:
        known = _post(outside, slot)
        if only_if_posted and (known is None or not known.ts):
            return
        announcement = announcements.draw(outside.ports, slot)
    if announcement is None:
        return
    drawn = hashlib.sha256(repr(announcement.message).encode()).hexdigest()
    if known and known.ts and known.drawn == drawn:
        return
    _place(outside, stream, announcement, known, drawn)


@step
def edit_in(attempt: str) -> float:
    """Seconds until the post of a running attempt may be edited again; NO_ROOM when the chat takes no such edit now."""
    if not current().pace.has_room("progress", PROGRESS):
        return NO_ROOM
    return attempts.edit_in(current().ports, attempt)


@step
def drawn(attempt: str) -> None:
    """The post of a running attempt shows how far it is."""
    attempts.note_drawn(current().ports, attempt)


def _place(outside: Outside, stream: str, announcement: Announcement, known: Post | None, drawn: str) -> None:
    slot, to = announcement.slot, announcement.to
    channel = known.channel if known and known.ts else outside.chat.open_direct(to) if announcement.person else to
    thread = _thread_of(outside, announcement)
    tried_since = None
    if known is None:
        _keep(outside, Post(slot=slot, channel=channel, ts="", thread=thread or "", stream=stream))
    elif not known.ts:
        tried_since = outside.ports.clock.now() - announcements.LOOK_BACK
    ts = outside.chat.place(
        slot,
        channel,
        announcement.message,
        thread_ts=thread,
        known_ts=known.ts if known and known.ts else None,
        since=tried_since,
    )
    _keep(outside, Post(slot=slot, channel=channel, ts=ts, thread=thread or "", stream=stream, drawn=drawn))


def _thread_of(outside: Outside, announcement: Announcement) -> str | None:
    if announcement.under is None:
        return None
    head = _post(outside, announcement.under)
    if head is None or not head.ts:
        raise ChatRefused(f"{announcement.slot} has no thread yet: {announcement.under} was not posted.")
    return head.ts


def _post(outside: Outside, slot: str) -> Post | None:
    with outside.ports.store.reading() as session:
        return session.get(Post, slot)


def _keep(outside: Outside, post: Post) -> None:
    with _WORKING, outside.ports.store.transaction() as session:
        session.merge(post)
