"""What people say about the direct messages that they get."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlmodel import Session

from handlers.conversation import Answer, ChoiceField, Form, Message, Note, Option, Paragraph, Request, bold
from release_core import notifications
from release_core.errors import Unclear
from release_core.lookups import find_release
from release_core.models import TimelineEntry
from release_core.notifications import TOPICS, WORDS, Topic, wanted_by
from release_core.ports import Ports
from release_core.timeline import Kind

ALWAYS = (
    "These always come: a yes that an incident waits for (a rollback, an emergency release), "
    "and what comes of something you asked for yourself."
)

# The topic of a copy by the first part of its slot. A rollback is missing on purpose, so is a list to pick from.
_BY_SLOT: Mapping[str, Topic] = {
    "approval": "approvals",
    "acceptance": "approvals",
    "rollcall": "approvals",
    "window": "releases",
    "stage": "releases",
    "plain": "incidents",
    "broadcast": "status",
    "last": "status",
}
# Lines of the timeline that are sent to somebody; a package that was refused tells whoever sent it.
_BY_FACT: Mapping[str, Topic] = {
    Kind.APPROVALS_WITHDRAWN: "approvals",
    Kind.APPROVAL_EXPIRED: "approvals",
    Kind.REFUSAL_SET_ASIDE: "approvals",
    Kind.SEATS_REMINDED: "approvals",
    Kind.ROLLCALL_CLOSED: "releases",
    Kind.ITEM_ASSIGNED: "work",
    Kind.ITEM_REMINDED: "reminders",
    Kind.ITEM_WAIVER_ENDED: "work",
    Kind.TASK_ASSIGNED: "work",
    Kind.TASK_DUE: "work",
    Kind.VALIDATION_LAPSES: "reminders",
    Kind.WORD_OVERDUE: "reminders",
}


def topic_of(session: Session, slot: str, entry: TimelineEntry) -> Topic | None:
    """What a copy for one person is about; None for what is no such copy, or may not be switched off."""
    named, _, to = slot.partition("@")
    if not to.startswith(("U", "W")):
        return None
    kind = named.partition(":")[0]
    topic = _BY_FACT.get(entry.kind) if kind == "entry" else _BY_SLOT.get(kind)
    if topic == "approvals" and find_release(session, entry.stream).kind == "emergency":
        return None
    return topic


def notify(ports: Ports, request: Request) -> Answer:
    """`/release notify`: a form with a switch for each topic; or one topic, on or off."""
    person_id = request.actor.id
    words = [str(word) for word in request.args.get("words", [])]
    if "submitted" in request.args:
        return _told(notifications.choose_topics(ports, person_id, request.args.get("topics") or ()))
    if not words:
        return _form(ports, person_id)
    if len(words) != 2:
        raise Unclear("Say one topic and on or off: /release notify work off", field="topics")
    return _told(notifications.switch(ports, person_id, words[0], to=words[1].casefold()))


def _form(ports: Ports, person_id: str) -> Form:
    with ports.store.reading() as session:
        wanted = wanted_by(session, person_id)
    options = [Option(topic, *WORDS[topic]) for topic in TOPICS]
    fields = (ChoiceField("topics", "Send me", options, wanted, many=True, optional=True),)
    return Form("My direct messages", "release_notify", fields, "Save", {"submitted": "yes"}, [Note(ALWAYS)])


def _told(wanted: Collection[Topic]) -> Message:
    sentence = switches_words(wanted)
    return Message(sentence, [Paragraph(sentence), Note(ALWAYS)], tone="good")


def switches_words(wanted: Collection[Topic]) -> str:
    """ "On: asks for my yes, status updates. Off: reminders before due." """
    on = [WORDS[topic][0] for topic in TOPICS if topic in wanted]
    off = [WORDS[topic][0] for topic in TOPICS if topic not in wanted]
    return " ".join(f"{bold(label)} {', '.join(named)}." for label, named in (("On:", on), ("Off:", off)) if named)
