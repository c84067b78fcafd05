"""The desk that answers every request, whatever platform it came from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import bindparam
from sqlmodel import col, select

from handlers import home, lateness, links
from handlers.conversation import (
    Actions,
    Actor,
    Answer,
    Button,
    ChoiceField,
    Form,
    Home,
    Menu,
    Message,
    Option,
    Paragraph,
    Request,
    TextField,
    at,
)
from handlers.echo import in_utc, with_times
from handlers.home import shows
from handlers.naming import completed
from handlers.phrases import WhichOne, shortened, who
from handlers.readiness_cards import gates_message
from handlers.verbs import QUESTIONS, READS_LONG, VERBS
from handlers.wholes import of_answer
from release_core import homes
from release_core.deployments import NotReady
from release_core.errors import Conflict, Refused
from release_core.models import Person, Post, Receipt
from release_core.moments import Reads
from release_core.ports import Ports
from release_core.store import Contended

TRIES = 5
REMEMBERED_FOR = timedelta(hours=24)
MOST_OFFERED = 10
MOST_IN_A_MENU = 50
"""How many things are offered as buttons, how many in a menu: a message holds 10 KB."""
LONGEST_NOTE = 30_000
"""How many characters of a note a form carries on."""
LONGEST_CARRIED = 800
"""How many characters of what was said a button can carry, with room for all of them in one message of 10 KB."""

_PERSON = select(Person.name, Person.zone, Person.deactivated).where(Person.id == bindparam("id"))


class Desk:
    """Answers requests with the core's facts and rules; `nudge` is called after what may have made something due."""

    def __init__(self, ports: Ports, nudge: Callable[[], None]) -> None:
        self._ports = ports
        self._nudge = nudge

    @property
    def at_once(self) -> Collection[str]:
        """The short questions, while the database is a file of ours: reading it waits for nobody."""
        return QUESTIONS if self._ports.store.is_sqlite else ()

    @property
    def reads_long(self) -> Collection[str]:
        """The forms that are made of what a package or an org holds."""
        return READS_LONG

    def moment(self) -> Hashable | None:
        """A value for all that we know now, another one after every change; None when it cannot be told."""
        return self._ports.store.moment()

    def rows(self, reads: Reads) -> Hashable | None:
        """A digest of what the same questions to the database give now; None when it cannot be told."""
        return self._ports.store.rows(reads)

    def answer(self, request: Request) -> Answer:
        """What is said or asked back; a ReleaseError when it was not done."""
        verb = VERBS[request.verb]
        try:
            request = completed(self._ports, verb, request)
            asked = in_utc(request)
            answer = with_times(_patiently(lambda: verb.answer(self._ports, asked)), request)
            if verb.only_looks and isinstance(answer, Message):
                return replace(answer, whole=of_answer(asked))
            if isinstance(answer, Form):
                VERBS[answer.verb].must_be_for(self._ports, request.actor.id)
            return answer
        except WhichOne as several:
            return _offer(several, request)
        except NotReady as refused:
            went = lateness.how_it_went(self._ports, str(request.args.get("release") or ""))
            return gates_message(" ".join(filter(None, ("Not now: nothing was started.", went))), refused.gates)
        except Conflict as late:
            if late.at is None:
                raise
            by = f" {who(late.by)}," if late.by else ""
            raise Conflict(f"{late} {late.did}{by} {at(late.at)}.") from late
        except Refused as refused:
            if refused.code not in lateness.CODES:
                raise
            raise lateness.told(self._ports, request, refused) from refused
        finally:
            if request.verb not in QUESTIONS:
                self._nudge()

    def home(self, actor: Actor, page: str = "") -> Home:
        """A person's own page, or the named part of it."""
        return home.home(self._ports, actor, page)

    def home_shown(self, actor: Actor, home: Home) -> Home | None:
        """Remember what a person's page shows, looked at just now; the page anew when it became untrue meanwhile."""
        if not homes.serves(self._ports, actor.id):
            return None  # nothing is kept of people whom we do not serve
        _patiently(lambda: homes.note_shown(self._ports, actor.id, home.page, shows(home), opened=True))
        anew = self.home(actor, home.page)
        return None if shows(anew) == shows(home) else anew

    def card_behind(self, actor: Actor, url: str) -> Message | None:
        """What a link of ours leads to; None for any other."""
        return links.card_behind(self._ports, url)

    def actor(self, user_id: str) -> Actor | None:
        """Who somebody is, as last seen in the chat; somebody new lives in the company's zone until we know better."""
        with self._ports.store.reading() as session:
            known = session.exec(_PERSON, params={"id": user_id}).first()
        if known is None:
            return Actor(user_id, "", self._ports.policy.zone)
        name, zone, deactivated = known
        return None if deactivated else Actor(user_id, name, zone)

    def seen_before(self, event_id: str) -> bool:
        """Whether an event came before, within a day; remembers it."""
        return _patiently(lambda: self._remember(f"event:{event_id}", self._ports.clock.now()))

    def _remember(self, key: str, now: datetime) -> bool:
        with self._ports.store.transaction() as session:
            earlier = session.get(Receipt, key)
            if earlier is not None and now - earlier.at < REMEMBERED_FOR:
                return True
            session.merge(Receipt(key=key, at=now))
            return False

    def subject_of(self, channel: str, thread: str | None) -> Mapping[str, str]:
        """The release or incident that a thread is about."""
        if thread is None:
            return {}
        with self._ports.store.reading() as session:
            query = select(Post.stream).where(Post.channel == channel, col(Post.ts) == thread)
            stream = session.exec(query).first() or ""
        if stream.startswith("REL-"):
            return {"release": stream}
        return {"incident": stream} if stream.startswith("INC-") else {}


T = TypeVar("T")


def _patiently(ask: Callable[[], T]) -> T:
    """Try again when somebody was writing at the same moment; the last refusal stands."""
    for _ in range(TRIES - 1):
        try:
            return ask()
        except Contended:
            continue
    return ask()


def _offer(several: WhichOne, request: Request) -> Message | Form:
    """One button for each thing that could be meant, asking for the same with the name filled in."""
    if len(str(request.args)) > LONGEST_CARRIED:
        return _ask_with_note(several, request)
    if len(several.known) > MOST_OFFERED and all(isinstance(value, str) for value in request.args.values()):
        return Message(str(several), [Paragraph(str(several)), Actions([_choice(several, request)])])
    some = list(several.known.items())[:MOST_OFFERED]
    buttons = [Button(shortened(label, 60), request.verb, {**request.args, several.kind: key}) for key, label in some]
    return Message(str(several), [Paragraph(str(several)), Actions(buttons)])


def _ask_with_note(several: WhichOne, request: Request) -> Form:
    """The same choice as a form, which can carry what no button can: a long note."""
    note = str(request.args.get("note") or "")
    hidden = {name: value for name, value in request.args.items() if name != "note"}
    if len(note) > LONGEST_NOTE or len(str(hidden)) > LONGEST_CARRIED or "words" in hidden:
        raise several
    options = [Option(key, shortened(label, 60)) for key, label in several.known.items()]
    fields = (
        ChoiceField(several.kind, f"Which {several.kind}", options),
        TextField("note", "Text", note, long=True, rich=True),
    )
    return Form(f"Which {several.kind}?", request.verb, fields, "Go on", hidden)


def _choice(several: WhichOne, request: Request) -> Menu:
    options = [Option(key, shortened(label, 60)) for key, label in list(several.known.items())[:MOST_IN_A_MENU]]
    return Menu(f"Which {several.kind}…", request.verb, several.kind, options, request.args)
