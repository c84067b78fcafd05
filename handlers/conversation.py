"""The words in which people and Rollcall speak, on any chat platform.

Sentences are plain `str`. Meaning inside a sentence (a person, an instant, a link) is written with the small functions
below, which wrap it in private-use characters; a platform's drawing turns them into its own tokens. People cannot forge
them: `clean` removes these characters from everything that comes in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

OPEN, SEPARATOR, CLOSE = "\ue000", "\ue001", "\ue002"
TOKEN = re.compile(f"{OPEN}([a-z]+){SEPARATOR}([^{OPEN}{CLOSE}]*){CLOSE}")


def _token(kind: str, *values: str) -> str:
    return f"{OPEN}{kind}{SEPARATOR}{SEPARATOR.join(clean(value) for value in values)}{CLOSE}"


def clean(text: str) -> str:
    """The text without the characters that carry meaning inside our sentences."""
    return text.replace(OPEN, "").replace(SEPARATOR, "").replace(CLOSE, "")


def person(user_id: str) -> str:
    """A person, by chat id: shown by name, and told of it where the platform does so."""
    return _token("person", user_id)


def people(user_ids: Sequence[str], *, last: str = "and") -> str:
    """Several people: "A, B and C"."""
    named = [person(user_id) for user_id in user_ids]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} {last} {named[-1]}" if named else "nobody"


def channel(channel_id: str) -> str:
    """A channel, by chat id."""
    return _token("channel", channel_id)


def at(instant: datetime) -> str:
    """An instant (aware), shown in each reader's own zone."""
    return _token("at", instant.isoformat())


def bold(text: str) -> str:
    """Text with weight; no meaning may be nested in it."""
    return _token("bold", text)


def code(text: str) -> str:
    """Text to be read letter by letter: a key, a name in the org."""
    return _token("code", text)


def link(url: str, label: str) -> str:
    """A labelled link."""
    return _token("link", url, label)


@dataclass(frozen=True)
class Actor:
    """Who speaks: chat id, the name shown, the IANA zone they live in."""

    id: str
    name: str = ""
    zone: str = "UTC"


@dataclass(frozen=True)
class Place:
    """Where it was said: a channel or direct conversation, a thread in it when `thread` is set."""

    channel: str = ""
    thread: str | None = None
    direct: bool = False


@dataclass(frozen=True)
class SentFile:
    """A file that a person sent, by the platform's file id; its bytes are fetched later."""

    id: str
    name: str = ""
    size: int = 0


@dataclass(frozen=True)
class Request:
    """One thing a person asks for, however they said it: typed, clicked or submitted.

    `verb` is a name from `handlers.verbs`. `args` holds what was understood: str, list[str], aware datetime, timedelta
    or list[SentFile] under the argument's name. `origin` names the message the person clicked on, when they clicked.
    """

    verb: str
    actor: Actor
    place: Place = field(default_factory=Place)
    args: Mapping[str, Any] = field(default_factory=dict)
    origin: str | None = None


Tone = Literal["plain", "good", "wait", "stop", "declined", "withdrawn", "expired", "failed"]
"""How a message stands: all is well, somebody is waited for, it may not go; the four ends that are not good ones."""
Weight = Literal["plain", "go", "danger"]


@dataclass(frozen=True)
class Confirm:
    """What a person is asked before a click counts; `go` and `back` label the two buttons."""

    title: str
    text: str
    go: str
    back: str = "Not now"


@dataclass(frozen=True)
class Button:
    """A click that asks for `verb` with `args`, which hold what a Request's may hold."""

    label: str
    verb: str
    args: Mapping[str, Any] = field(default_factory=dict)
    weight: Weight = "plain"
    confirm: Confirm | None = None


@dataclass(frozen=True)
class LinkButton:
    """A click that opens a page."""

    label: str
    url: str


@dataclass(frozen=True)
class Option:
    """One choice of several; `value` is what comes back."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True)
class Menu:
    """A choice that asks for `verb` with `args` plus the chosen value under `name`."""

    label: str
    verb: str
    name: str
    options: Sequence[Option]
    args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Heading:
    """A title."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A few sentences, perhaps with one thing to click beside them."""

    text: str
    beside: Button | Menu | LinkButton | None = None


@dataclass(frozen=True)
class Facts:
    """Labelled values, read side by side."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """Rows under a header, each cell a sentence."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Listing:
    """Lines to read one by one."""

    lines: Sequence[str]


StepState = Literal["waiting", "running", "done", "skipped", "failed"]
STEP_MARKS: Mapping[StepState, str] = {"waiting": "○", "running": "…", "done": "✓", "skipped": "–", "failed": "✗"}
"""How far a step is, where nothing but text can tell it."""


@dataclass(frozen=True)
class Step:
    """One step of some work: its plain `title`, how far it is, what there is to know of it in sentences."""

    title: str
    state: StepState
    told: str = ""

    @property
    def line(self) -> str:
        """All of it in one line."""
        return " · ".join(each for each in (f"{STEP_MARKS[self.state]} {self.title}", self.told) if each)


@dataclass(frozen=True)
class Steps:
    """Work in its order, each step as far as it is."""

    title: str
    steps: Sequence[Step]


@dataclass(frozen=True)
class Verbatim:
    """Text shown letter by letter: a log, a diff."""

    text: str


@dataclass(frozen=True)
class Actions:
    """Things to click, in a row."""

    items: Sequence[Button | Menu | LinkButton]


@dataclass(frozen=True)
class Note:
    """Small print: when, by whom, what next."""

    text: str


@dataclass(frozen=True)
class Rule:
    """A line between two parts."""


Part = Heading | Paragraph | Facts | Table | Listing | Steps | Verbatim | Actions | Note | Rule


@dataclass(frozen=True)
class Attachment:
    """A file that we hand over; `data` is its content."""

    name: str
    data: bytes
    title: str = ""


@dataclass(frozen=True)
class Message:
    """What we say. `summary` alone must make sense: it is what notifications and screen readers get.

    A message that answers a request is private to the asker; announcements are addressed by `handlers.announcements`.
    `true_until` is the instant up to which the same question gets the same answer as long as no fact changes; None
    where nobody worked that out. `whole` is a click that hands over all of it, drawn where a platform has to leave
    something out.
    """

    summary: str
    parts: Sequence[Part] = ()
    tone: Tone = "plain"
    attachments: Sequence[Attachment] = ()
    # No part of what is said: two messages that read the same are the same.
    true_until: datetime | None = field(default=None, compare=False, repr=False)
    whole: Button | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class TextField:
    """Words; `long` gives several lines, `rich` weight, lists and links, which come back as people type them."""

    name: str
    label: str
    value: str = ""
    hint: str = ""
    optional: bool = False
    long: bool = False
    placeholder: str = ""
    rich: bool = False


@dataclass(frozen=True)
class ChoiceField:
    """One of several; with `many`, any number of them. `value` holds the values chosen at first."""

    name: str
    label: str
    options: Sequence[Option]
    value: Sequence[str] = ()
    many: bool = False
    hint: str = ""
    optional: bool = False


@dataclass(frozen=True)
class PeopleField:
    """One person, or with `many` several, by chat id."""

    name: str
    label: str
    value: Sequence[str] = ()
    many: bool = False
    hint: str = ""
    optional: bool = False


@dataclass(frozen=True)
class InstantField:
    """A date with a time; comes back as an aware datetime."""

    name: str
    label: str
    value: datetime | None = None
    hint: str = ""
    optional: bool = False


@dataclass(frozen=True)
class FileField:
    """A file of one of the given kinds (suffixes without dot)."""

    name: str
    label: str
    kinds: Sequence[str] = ()
    hint: str = ""
    optional: bool = False


Field = TextField | ChoiceField | PeopleField | InstantField | FileField


@dataclass(frozen=True)
class Form:
    """Questions that a person fills in; submitting asks for `verb` with `args` plus the fields' values by name."""

    title: str
    verb: str
    fields: Sequence[Field]
    submit: str
    args: Mapping[str, str] = field(default_factory=dict)
    intro: Sequence[Part] = ()


@dataclass(frozen=True)
class Home:
    """A person's own page; `page` says which part of it is shown, and comes back when it is drawn anew."""

    parts: Sequence[Part]
    page: str = ""


Answer = Message | Form | Home
"""What somebody who asks is given: words, questions, or their own page drawn anew."""
