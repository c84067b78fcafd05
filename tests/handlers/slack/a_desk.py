"""A desk with one verb for each thing that the shell has to bring about."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from handlers.conversation import (
    Actions,
    Actor,
    Answer,
    Attachment,
    Button,
    ChoiceField,
    FileField,
    Form,
    Heading,
    Home,
    InstantField,
    LinkButton,
    Menu,
    Message,
    Option,
    Paragraph,
    PeopleField,
    Request,
    TextField,
    at,
    person,
)
from release_core.errors import NotAllowed, Refused, Unclear

NEW = Form(
    "New release",
    "release_new",
    [
        TextField("name", "Name"),
        ChoiceField("org", "Target org", [Option("uat", "UAT"), Option("prod", "Production")], ["uat"]),
        PeopleField("owner", "Owner", optional=True),
        InstantField("at", "Planned for", optional=True),
        FileField("files", "Package", ["zip"], optional=True),
    ],
    "Create",
)
CARD = Message(
    "REL-1 waits for you",
    [
        Heading("REL-1"),
        Actions(
            [
                Button("Approve", "release_approve", {"release": "REL-1"}, "go"),
                Button("Plan another", "release_new"),
                Button("Vanished", "release_vanished"),
                Button("Pick parts…", "release_slowpick"),
                Button("Pick at once…", "release_slowpick", {"note": "haste"}),
                Button("Break", "release_break"),
                Button("For QA", "release_seat"),
                LinkButton("Read", "https://x.example/rel-1"),
                Menu("Pick", "release_approve", "seat", [Option("qa", "QA")], {"release": "REL-1"}),
            ]
        ),
    ],
)


@dataclass(frozen=True)
class AVerb:
    """What grammar and shell have to know."""

    name: str
    usage: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def root(self) -> str:
        """The command it belongs to."""
        return self.name.partition("_")[0]


@dataclass
class ADesk:
    """Answers, remembers who asked for what; `thread_of` is the thread that is about REL-1."""

    requests: list[Request] = field(default_factory=list)
    thread_of: str = ""
    at_once: Collection[str] = ()
    reads_long: Collection[str] = ("release_slowpick",)
    _events: set[str] = field(default_factory=set)
    _gate: threading.Event = field(default_factory=threading.Event)

    def release(self) -> None:
        """Let the slow answers come."""
        self._gate.set()

    def moment(self) -> None:
        """It cannot tell."""

    def answer(self, request: Request) -> Answer:
        """What the verb says."""
        self.requests.append(request)
        return _ANSWERS[request.verb](self, request)

    def home(self, actor: Actor, page: str = "") -> Home:
        """A page that greets, and says which part of it is shown."""
        clicks = [Button("Plan", "release_new"), Button("Next 20", "release_home", {"page": "owed:20"})]
        return Home([Heading(f"Yours, {actor.name} {page}".rstrip()), Actions(clicks)], page)

    def home_shown(self, actor: Actor, home: Home) -> Home | None:
        """It stays as it is."""
        return None

    def card_behind(self, actor: Actor, url: str) -> Message | None:
        """Two addresses lead to something."""
        key = url.rpartition("/")[2]
        return Message(f"{key} as {actor.name} sees it") if key in ("REL-1", "REL-5") else None

    def actor(self, user_id: str) -> Actor | None:
        """Two people are served, nobody else."""
        known = {"U0RELMGR": Actor("U0RELMGR", "Anna", "Europe/Berlin"), "U0TESTER": Actor("U0TESTER", "Tomás", "UTC")}
        return known.get(user_id)

    def seen_before(self, event_id: str) -> bool:
        """Remembers for the length of a test."""
        seen = event_id in self._events
        self._events.add(event_id)
        return seen

    def subject_of(self, channel: str, thread: str | None) -> Mapping[str, str]:
        """One thread is about something."""
        return {"release": "REL-1"} if thread and thread == self.thread_of else {}

    def wait(self) -> None:
        """Hold an answer back until `release`."""
        self._gate.wait(10)


def _new(desk: ADesk, request: Request) -> Answer:
    match request.args.get("name"):
        case None:
            return NEW
        case "bad":
            raise Unclear("A name needs two words.", field="name")
        case "late":
            raise Unclear("That is over already.", field="at")
        case "frozen":
            raise Refused("frozen", "A freeze stands in the way.")
        case "break":
            raise ZeroDivisionError("deep inside")
        case "slow":
            desk.wait()
    org, owner, when = (request.args.get(name) for name in ("org", "owner", "at"))
    said = f"REL-7 {request.args['name']} to {org}"
    said += f" for {person(owner)}" if owner else ""
    return Message(f"{said} {at(when)}" if when else said)


def _attach(_: ADesk, request: Request) -> Answer:
    files = request.args.get("files", [])
    return Message(f"{request.args.get('release')} gets {', '.join(f'{file.name} ({file.size} B)' for file in files)}")


def _status(_: ADesk, request: Request) -> Answer:
    return Message(f"{request.args.get('release', 'Nothing')} is asked about")


def _slow(desk: ADesk, _: Request) -> Answer:
    desk.wait()
    return Message("Done at last")


def _slow_form(_: ADesk, request: Request) -> Answer:
    # Longer than a trigger lives in the tests that ask for this.
    time.sleep(0.4 if not request.origin else 0)
    return NEW


def _long_form(desk: ADesk, request: Request) -> Answer:
    """A choice that has to be read first; with words it is done, or refused."""
    desk.wait()
    match request.args.get("note"):
        case None:
            return Form("Pick parts", "release_slowpick", [TextField("note", "Why")], "Pick")
        case "bad":
            raise Unclear("Say more than that.", field="note")
    return Message(f"Picked because of {request.args['note']}")


def _broken(_: ADesk, __: Request) -> Answer:
    raise ZeroDivisionError("deep inside")


def _seat(_: ADesk, __: Request) -> Answer:
    raise NotAllowed("The QA seat decides.", who_may=["U0TESTER"])


def _audit(_: ADesk, __: Request) -> Answer:
    return Message("The whole history", attachments=[Attachment("audit.csv", b"a,b\n1,2\n")])


def _opened(_: ADesk, request: Request) -> Answer:
    if "what" not in request.args:
        text = str(request.args.get("text", ""))
        return Form("Incident", "incident_open", [TextField("what", "What is broken", text)], "Open")
    return Message(f"INC-1 {request.args['what']}")


def _step(step: int) -> Callable[[ADesk, Request], Answer]:
    following = f"release_step{step + 1}" if step < 4 else "release_status"
    form = Form(f"Step {step}", following, [TextField(f"word{step}", "Word", optional=True)], "Next")
    return lambda _, __: form


_ANSWERS: Mapping[str, Callable[[ADesk, Request], Answer]] = {
    "release_menu": lambda _, __: Message("What would you like?", [Paragraph("What would you like?")]),
    "release_new": _new,
    "release_status": _status,
    "release_card": lambda _, __: CARD,
    "release_approve": lambda _, request: Message(f"Approved {' '.join(map(str, request.args.values()))}"),
    "release_audit": _audit,
    "release_attach": _attach,
    "release_slow": _slow,
    "release_slowform": _slow_form,
    "release_slowpick": _long_form,
    "release_remember": lambda _, request: Message(f"Kept: {request.args['text']} {request.args.get('link')}"),
    "release_home": lambda desk, request: desk.home(request.actor, str(request.args.get("page", ""))),
    "release_break": _broken,
    "release_seat": _seat,
    "release_step1": _step(1),
    "release_step2": _step(2),
    "release_step3": _step(3),
    "release_step4": _step(4),
    "incident_menu": lambda _, __: Message("Nothing is broken."),
    "incident_open": _opened,
}
VERBS = {name: AVerb(name, "[REL-1]" if name == "release_status" else "") for name in _ANSWERS}
