"""A room in which people talk with the desk, where everything said is held against Slack's own rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import col, select

from bot.rehearsal.workspace.blocks import check_blocks
from bot.rehearsal.workspace.views import check_view
from handlers import announcements
from handlers.announcements import Announcement
from handlers.conversation import (
    Actions,
    Actor,
    Answer,
    Button,
    Facts,
    Form,
    Heading,
    Home,
    Listing,
    Menu,
    Message,
    Note,
    Paragraph,
    Part,
    Place,
    Request,
    Rule,
    SentFile,
    Steps,
    Table,
    Verbatim,
)
from handlers.desk import Desk
from handlers.grammar import Root, parse_said
from handlers.slack.blocks import draw_home, draw_message
from handlers.slack.clicks import read_click
from handlers.slack.elements import draw_elements
from handlers.slack.forms import draw_form, read_submission
from handlers.slack.mrkdwn import Reader, to_plain
from handlers.slack.refusals import explain
from handlers.verbs import VERBS
from release_core.errors import ReleaseError
from release_core.models import Person, Post, TimelineEntry
from release_core.ports import Ports
from tests.release_core import builders

CAST = {
    builders.MANAGER: "Anna Weiss",
    builders.SECOND_MANAGER: "Omar Haddad",
    builders.DEVELOPER: "Priya Nair",
    builders.OTHER_DEVELOPER: "Noah Berg",
    builders.TESTER: "Tomás Novák",
    builders.ADMINISTRATOR: "Mei Tanaka",
    builders.ANALYST: "Lena Schulz",
    builders.STAKEHOLDER: "Grace Okafor",
    builders.QA: "Quinn Adler",
    builders.OTHER_QA: "Ravi Patel",
    builders.BUSINESS: "Bea Lindqvist",
    builders.BOTH_SEATS: "Bo Sandoval",
    builders.DIRECTOR: "Dana Olsen",
}
STRANGER = "USTRANGER"
READER = Reader("Europe/Berlin", lambda user_id: f"@{CAST.get(user_id, user_id)}")
_PRIVATE_USE = re.compile("[\ue000-\uf8ff]")


@dataclass
class Refusal:
    """What somebody read when it was not done."""

    error: ReleaseError
    message: Message

    @property
    def words(self) -> str:
        return words_of(self.message)


@dataclass
class Room:
    """The desk with everybody around it; `posts` holds what Rollcall said by itself, by slot."""

    ports: Ports = field(default_factory=builders.ports)
    posts: dict[str, Announcement] = field(default_factory=dict)
    nudges: int = 0

    def __post_init__(self) -> None:
        self.desk = Desk(self.ports, self._nudged)
        with self.ports.store.transaction() as session:
            for user_id, name in CAST.items():
                row = Person(id=user_id, name=name, zone="Europe/Berlin", seen_at=self.ports.clock.now())
                session.add(row)

    def _nudged(self) -> None:
        self.nudges += 1

    def says(self, person: str, text: str, place: Place | None = None) -> Answer:
        """Somebody types: "release why REL-1"."""
        now = self.ports.clock.now()
        where = place or Place("C0RELEASES")
        inferred = self.desk.subject_of(where.channel, where.thread)
        about: Root = "incident" if "incident" in inferred else "release"
        verb, args = parse_said(text, zone="Europe/Berlin", now=now, verbs=VERBS, about=about)
        return self._ask(Request(verb, _actor(person), where, {**inferred, **args}))

    def hears(self, person: str, text: str) -> Message:
        """Somebody types, and is told something."""
        answer = self.says(person, text)
        assert isinstance(answer, Message), f"{text} was answered by a form: {answer}"
        return answer

    def is_asked(self, person: str, text: str) -> Form:
        """Somebody types, and is asked back."""
        answer = self.says(person, text)
        assert isinstance(answer, Form), f"{text} was answered at once: {words_of(answer)}"
        return answer

    def refuses(self, person: str, text: str) -> Refusal:
        """Somebody types, and it is not done."""
        return self._refusal(lambda: self.says(person, text))

    def clicks(self, person: str, label: str, on: Message | Home, *, choose: str = "") -> Answer:
        """Somebody clicks what is labelled so, or chooses something in such a menu."""
        item = clickable(label, on)
        drawn = draw_elements([item], READER)[0]
        option = next((o for o in drawn.get("options", ()) if choose and choose in o["text"]["text"]), None)
        action = {**drawn, **({"selected_option": option} if option else {})}
        click = read_click(action)
        return self._ask(Request(click.verb, _actor(person), Place("C0RELEASES"), click.args, origin="1.0"))

    def is_refused_the_click(self, person: str, label: str, on: Message) -> Refusal:
        """Somebody clicks, and it is not done."""
        return self._refusal(lambda: self.clicks(person, label, on))

    def submits(self, person: str, form: Answer, /, **values: Any) -> Answer:
        """Somebody sends a form; what they do not fill in stays as it was drawn."""
        assert isinstance(form, Form), f"nothing is asked: {words_of(form)}"
        view = draw_form(form, private_metadata="{}", reader=READER)
        unknown = set(values) - {field.name for field in form.fields}
        assert not unknown, f"the form does not ask for {unknown}"
        kept = {name: value for name, value in _as_drawn(view).items() if name not in values}
        args = {**form.args, **kept, **values}
        return self._ask(Request(form.verb, _actor(person), Place("C0RELEASES"), args))

    def is_refused_the_form(self, person: str, form: Answer, /, **values: Any) -> Refusal:
        """Somebody sends a form, and it is not done."""
        return self._refusal(lambda: self.submits(person, form, **values))

    def home(self, person: str) -> Home:
        """Somebody opens their page."""
        home = self.desk.home(_actor(person))
        assert_slack_takes_view(draw_home(home, READER), "home")
        return home

    def tell(self) -> list[str]:
        """Send what every fact so far touches, as the bot does; returns the slots in the order of sending."""
        with self.ports.store.reading() as session:
            entries = session.exec(select(TimelineEntry).order_by(col(TimelineEntry.id))).all()
        return [slot for entry in entries for slot in self.tell_one(entry.stream, entry.number)]

    def tell_one(self, stream: str, number: int) -> list[str]:
        """Send what one fact touches."""
        sent = []
        for touched in announcements.touched(self.ports, stream, number):
            if not touched.only_if_posted or touched.slot in self.posts:
                self._send(touched.slot, stream)
                sent.append(touched.slot)
        return sent

    def post(self, slot: str) -> Message:
        """A post as it looks now."""
        return self._send(slot, slot.split(":")[1]).message

    def _send(self, slot: str, stream: str) -> Announcement:
        announcement = announcements.draw(self.ports, slot)
        assert announcement is not None, f"nothing to show for {slot}"
        assert announcement.to, f"{slot} has nowhere to go"
        assert_slack_takes(announcement.message)
        if announcement.under:
            assert announcement.under in self.posts, f"{slot} was sent before its thread {announcement.under}"
        if slot not in self.posts:
            row = Post(slot=slot, channel=announcement.to, ts=f"{len(self.posts) + 1}.0", stream=stream)
            with self.ports.store.transaction() as session:
                session.merge(row)
        self.posts[slot] = announcement
        return announcement

    def _ask(self, request: Request) -> Answer:
        answer = self.desk.answer(request)
        assert_slack_takes(answer)
        return answer

    def _refusal(self, ask: Any) -> Refusal:
        try:
            answer = ask()
        except ReleaseError as error:
            message = explain(error)
            assert_slack_takes(message)
            return Refusal(error, message)
        raise AssertionError(f"it was done: {words_of(answer)}")


def _actor(person: str) -> Actor:
    return Actor(person, CAST.get(person, ""), "Europe/Berlin")


def _as_drawn(view: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a form that nobody touched."""
    state: dict[str, Any] = {}
    for block in view["blocks"]:
        if block["type"] != "input":
            continue
        element = block["element"]
        state[block["block_id"]] = {
            element["action_id"]: {
                "type": element["type"],
                "value": element.get("initial_value", ""),
                "rich_text_value": element.get("initial_value"),
                "selected_option": element.get("initial_option"),
                "selected_user": element.get("initial_user"),
                "selected_date_time": element.get("initial_date_time"),
                "files": [],
            }
        }
    return read_submission({"state": {"values": state}})


def a_file(name: str = "discounts.zip") -> list[SentFile]:
    """A file as a form or message brings it."""
    return [SentFile("F0PACKAGE", name, 1234)]


def assert_slack_takes(answer: Answer) -> None:
    """Nothing that Slack would refuse, nothing that was not drawn."""
    if isinstance(answer, Home):
        assert_slack_takes_view(draw_home(answer, READER), "home")
        return
    if isinstance(answer, Form):
        assert_slack_takes_view(draw_form(answer, private_metadata="{}", reader=READER), "modal")
        return
    drawn = draw_message(answer, READER)
    findings = [str(finding) for finding in check_blocks(drawn["blocks"], "message")]
    assert findings == [], findings
    assert 0 < len(drawn["text"]) <= 1000
    assert_nothing_leaks(drawn)


def assert_slack_takes_view(view: dict[str, Any], surface: str) -> None:
    """A modal or Home that Slack would open."""
    assert [str(finding) for finding in check_view(view, surface)] == []
    assert_nothing_leaks(view)


def assert_nothing_leaks(drawn: Any) -> None:
    """Our own marks are drawn, never shown; nothing of ours is called None."""
    text = json.dumps(drawn, ensure_ascii=False)
    assert not _PRIVATE_USE.search(text), text
    for word in ("None", "datetime.", "{0}", "{1}", "<handlers"):
        assert word not in text, f"“{word}” is shown: {text}"


def words_of(answer: Answer) -> str:
    """Everything that can be read, in plain text as one person reads it."""
    lines: list[str] = []
    if isinstance(answer, Form):
        lines += [answer.title, *(word for part in answer.intro for word in _said(part))]
        lines += [f"{each.label} {each.hint}" for each in answer.fields]
    else:
        if isinstance(answer, Message):
            lines.append(answer.summary)
        lines += [word for part in answer.parts for word in _said(part)]
    return to_plain("\n".join(lines), READER)


def _said(part: Part) -> Iterator[str]:
    match part:
        case Heading(text) | Note(text) | Verbatim(text):
            yield text
        case Paragraph(text, beside):
            yield text
            if beside:
                yield f"[{beside.label}]"
        case Facts(rows):
            yield from (f"{label}: {value}" for label, value in rows)
        case Table(header, rows):
            yield " | ".join(header)
            yield from (" | ".join(row) for row in rows)
        case Listing(lines):
            yield from lines
        case Steps(title, steps):
            yield from (title, *(step.line for step in steps))
        case Actions(items):
            yield from (f"[{item.label}]" for item in items)
        case Rule():
            pass


def clickable(label: str, on: Message | Home) -> Button | Menu:
    """What is labelled so."""
    found: list[Button | Menu] = []
    for part in on.parts:
        items = part.items if isinstance(part, Actions) else [getattr(part, "beside", None)]
        found += [item for item in items if isinstance(item, Button | Menu) and item.label == label]
    assert found, f"nothing is labelled “{label}”: {words_of(on)}"
    return found[0]
