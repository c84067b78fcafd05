"""Asking the desk from the event loop, so that every question ends in words."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, TypeVar

from handlers.conversation import Actor, Answer, Form, Home, Message, Paragraph, Place, Request
from handlers.echo import understood_times
from handlers.grammar import Root, Verb
from handlers.slack.mrkdwn import Reader
from handlers.slack.refusals import apology, explain, new_reference
from release_core.errors import NotAllowed, ReleaseError, Unclear
from release_core.moments import Reads

log = logging.getLogger(__name__)

LANES = 16
_PERSON_ALONE = re.compile(r"<@([UW][A-Z0-9]+)>")
HOME_IS_NEW = "Your own page is made anew: open Rollcall's Home tab."

Understood = tuple[str, Mapping[str, Any]]
T = TypeVar("T")


class Desk(Protocol):
    """Whom the shell asks. Every method may block; the shell calls them on its own few threads.

    `at_once` names the verbs that are answered sooner than a thread could be woken: the shell asks for those, and who
    asks, where it stands. It is empty when even a short question waits for somebody else's machine.
    """

    @property
    def at_once(self) -> Collection[str]:
        """Verbs that read a few rows nearby, wait for nobody and change nothing."""
        ...

    @property
    def reads_long(self) -> Collection[str]:
        """Verbs that may have to read for longer than a modal can be waited for before they ask back."""
        ...

    def moment(self) -> Hashable | None:
        """A value for what answers rest on beside time, another one after every change; None when it cannot be told."""
        ...

    def rows(self, reads: Reads) -> Hashable | None:
        """A digest of what the same questions to the database give now; None when it cannot be told."""
        ...

    def answer(self, request: Request) -> Answer:
        """What is said or asked back; a ReleaseError when it was not done."""
        ...

    def home(self, actor: Actor, page: str = "") -> Home:
        """A person's own page, or the named part of it."""
        ...

    def home_shown(self, actor: Actor, home: Home) -> Home | None:
        """Remember what a person's page shows, looked at just now; the page anew when it became untrue meanwhile."""
        ...

    def card_behind(self, actor: Actor, url: str) -> Message | None:
        """What a link of ours leads to, as this person may see it; None for any other link."""
        ...

    def actor(self, user_id: str) -> Actor | None:
        """Who somebody is; None for people we do not serve."""
        ...

    def seen_before(self, event_id: str) -> bool:
        """Whether this event came before; remembers it."""
        ...

    def subject_of(self, channel: str, thread: str | None) -> Mapping[str, str]:
        """The release or incident that a channel or thread (its head's ts) is about, as arguments; {} when none."""
        ...


@dataclass(frozen=True)
class Hearing:
    """Something a person did, before we understood it.

    With `infers`, what the words leave open is taken from the place. A form is not `typed`: no word on how to type it.
    """

    user_id: str
    place: Place
    understand: Callable[[Actor], Understood]
    origin: str | None = None
    infers: bool = False
    typed: bool = True


@dataclass(frozen=True)
class Heard:
    """What came of it: an answer; when it was not done, the answer says so and `error` says why.

    `home` is the person's own page where they asked for that; the answer then says where to look.
    """

    answer: Message | Form
    error: ReleaseError | None = None
    reader: Reader = field(default_factory=Reader)
    verb: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)
    home: Home | None = None


class Asker:
    """Asks the desk, at most sixteen questions at a time."""

    def __init__(self, desk: Desk, verbs: Mapping[str, Verb]) -> None:
        self._desk = desk
        self._verbs = verbs
        self._threads = ThreadPoolExecutor(LANES, thread_name_prefix="desk")

    @property
    def reads_long(self) -> Collection[str]:
        """Verbs for which a modal is opened before they are answered."""
        return self._desk.reads_long

    def root_of(self, place: Place) -> Root:
        """What a thread is about, so that words are read as people there mean them; on one of our threads only."""
        return "incident" if "incident" in self._desk.subject_of(place.channel, place.thread) else "release"

    def with_names(self, text: str) -> str:
        """Text in which people stand by id alone, with their names beside it, so that it can be read later."""
        return _PERSON_ALONE.sub(lambda found: f"<@{found[1]}|{self._name_of(found[1]).lstrip('@')}>", text)

    async def hear(self, hearing: Hearing) -> Heard:
        """What comes of something a person did."""
        if self._desk.at_once and (heard := self._answer(hearing, self._desk.at_once)):
            return heard
        return await self._hop(self._answer_in_full, hearing)

    async def seen(self, body: Mapping[str, Any]) -> bool:
        """Whether this event came before."""
        event_id = str(body.get("event_id") or "")
        return bool(event_id) and await self._hop(self._desk.seen_before, event_id)

    async def home(self, user_id: str, page: str) -> tuple[Home, Reader]:
        """Somebody's page, or the named part of it, with how they read."""
        return await self._hop(partial(self._home, page=page), user_id)

    async def home_shown(self, user_id: str, home: Home) -> Home | None:
        """Remember what somebody's page shows now; the page anew when it became untrue meanwhile."""
        return await self._hop(partial(self._home_shown, home=home), user_id)

    async def cards_behind(self, user_id: str, urls: Sequence[str]) -> Mapping[str, Message]:
        """What links lead to, by link; nothing for people whom we do not serve."""
        return await self._hop(partial(self._cards_behind, urls=urls), user_id)

    async def _hop(self, question: Callable[[str], T] | Callable[[Hearing], T], about: Any) -> T:
        # Whoever wants to know what is read for an answer says so in the context.
        ask = partial(copy_context().run, question, about)
        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)

    def _answer_in_full(self, hearing: Hearing) -> Heard:
        heard = self._answer(hearing, self._verbs)
        assert heard is not None, "every verb was allowed"
        return heard

    def _answer(self, hearing: Hearing, allowed: Collection[str]) -> Heard | None:
        """What comes of it; None, with nothing done yet, when it asks for a verb that is not among those allowed."""
        heard = Heard(Message(""))
        try:
            actor = self._known(hearing.user_id)
            heard = replace(heard, reader=self._reader(actor))
            verb, args = hearing.understand(actor)
            if hearing.infers:
                args = {**self._desk.subject_of(hearing.place.channel, hearing.place.thread), **args}
            heard = replace(heard, verb=verb, args=args)
            if verb not in self._verbs:
                raise Unclear("Rollcall does not know this button any more. Nothing was changed.")
            if verb not in allowed:
                return None
            request = Request(verb, actor, hearing.place, args, hearing.origin)
            answer = self._desk.answer(request)
            if isinstance(answer, Home):
                return replace(heard, answer=Message(HOME_IS_NEW), home=answer)
            return replace(heard, answer=answer)
        except ReleaseError as error:
            understood = understood_times(heard.args, heard.reader.zone)
            meant = self._verbs.get(heard.verb) if hearing.typed else None
            return replace(heard, answer=explain(error, meant, understood), error=error)
        except Exception as error:  # noqa: BLE001 - the one place where a bug of ours becomes a sentence
            return replace(heard, answer=broken(error), error=ReleaseError("A bug of ours."))

    def _home(self, user_id: str, page: str) -> tuple[Home, Reader]:
        try:
            actor = self._known(user_id)
            return self._desk.home(actor, page), self._reader(actor)
        except ReleaseError as error:
            return Home([Paragraph(str(error))]), Reader()
        except Exception as error:  # noqa: BLE001 - nobody asked for Home: it has to say by itself that it broke
            return Home([Paragraph(broken(error).summary)]), Reader()

    def _home_shown(self, user_id: str, home: Home) -> Home | None:
        actor = self._desk.actor(user_id)
        return self._desk.home_shown(actor, home) if actor else None

    def _cards_behind(self, user_id: str, urls: Sequence[str]) -> Mapping[str, Message]:
        actor = self._desk.actor(user_id) if user_id else None
        found = {url: self._desk.card_behind(actor, url) for url in urls} if actor else {}
        return {url: card for url, card in found.items() if card is not None}

    def _known(self, user_id: str) -> Actor:
        actor = self._desk.actor(user_id) if user_id else None
        if actor is None:
            raise NotAllowed(
                "I could not find you among the people of this workspace, so nothing was done. "
                "If you should be among them, ask an administrator of Rollcall."
            )
        return actor

    def _reader(self, actor: Actor) -> Reader:
        return Reader(actor.zone or "UTC", self._name_of)

    def _name_of(self, user_id: str) -> str:
        actor = self._desk.actor(user_id)
        return f"@{actor.name}" if actor and actor.name else f"@{user_id}"


def broken(error: Exception) -> Message:
    """Log a bug; what the person reads instead of it."""
    reference = new_reference()
    log.error("A bug met by a person, reference %s", reference, exc_info=error)
    return apology(reference)
