"""What a person reads when we did not do what they asked."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from handlers.conversation import Actions, Button, Form, Message, Note, Paragraph, Part, Tone, at, code, people
from handlers.grammar import SeveralTimes, UnknownVerb, Verb, typed_name
from handlers.slack.clicks import write_click
from handlers.slack.limits import BUTTON_VALUE
from handlers.slack.mrkdwn import size
from release_core.errors import NotAllowed, NotFound, OrgProblem, OrgUnavailable, Refused, ReleaseError, Unclear


def explain(error: ReleaseError, verb: Verb | None = None, understood: str = "") -> Message:
    """The error's own sentence with what helps: usage, nearest names, who may, when it could pass, what was meant.

    `understood` tells how the times in what was asked were read.
    """
    more = [*_more(error, verb), *([understood] if understood else [])]
    parts: list[Part] = [Paragraph(str(error)), *map(Note, more)]
    if isinstance(error, UnknownVerb | SeveralTimes) and error.instead:
        parts.insert(1, Actions(error.instead))
    tone: Tone = "wait" if isinstance(error, OrgUnavailable | SeveralTimes) else "stop"
    return Message(" ".join([str(error), *more]), parts, tone=tone)


def _more(error: ReleaseError, verb: Verb | None) -> Iterator[str]:
    match error:
        case SeveralTimes() if error.instead:
            return
        case Unclear() if verb is not None and verb.usage:
            yield f"Usage: {code(usage(verb))}"
        case NotFound(nearest=nearest):
            missing = [name for name in nearest if name not in str(error)]
            if missing:
                yield f"Nearest: {', '.join(map(code, missing[:5]))}"
        case NotAllowed(who_may=who_may):
            missing = [user_id for user_id in who_may if user_id not in str(error)]
            if missing:
                yield f"Who may: {people(missing[:10], last='or')}"
        case Refused(code=reason, passes_at=passes_at, who=who):
            if who:
                yield f"{people(who[:5], last='or')} can clear it."
            if passes_at is not None and at(passes_at) not in str(error):
                yield f"It could pass {at(passes_at)}."
            yield f"Reason code: {code(reason)}"
        case OrgProblem(code=reason) if reason:
            yield f"The org's own code: {code(reason)}"


def usage(verb: Verb) -> str:
    """How to type a verb, from the slash on."""
    said = f"/{verb.root} {typed_name(verb)}"
    given = verb.usage.strip()
    if given.startswith("/"):
        return given
    return f"/{verb.root} {given}" if given.startswith(typed_name(verb)) else f"{said} {given}".rstrip()


def apology(reference: str) -> Message:
    """What is said when the fault is ours; the log has the rest under the reference."""
    return Message(
        f"Something on our side broke; nothing was changed that you were not told of. Reference {code(reference)}",
        tone="stop",
    )


def new_reference() -> str:
    """A reference that can be read aloud: eight hexadecimal digits."""
    return secrets.token_hex(4)


def too_slow(label: str, verb: str, args: Mapping[str, Any]) -> Message:
    """The form could not be opened in time; the button asks for the same again."""
    sentence = "Slack gives us three seconds to open a form, and they were over. Nothing was changed."
    again = Button(label, verb, dict(args), weight="go")
    return Message(sentence, [Paragraph(sentence), Actions([again])], tone="wait")


def offer(form: Form, verb: str, args: Mapping[str, Any]) -> Message:
    """A form for somebody who typed where Slack cannot open one: a button that does."""
    if size(write_click(verb, args)) > BUTTON_VALUE:
        told = "so long a text cannot be carried by the button that opens it. Nothing was done."
        sentence = f"{form.title} needs a form, but {told} Say all of it in one line, or type it as a /release command."
        return Message(sentence, tone="wait")
    sentence = f"{form.title}: press the button to fill in the form."
    again = Button(form.title, verb, dict(args), weight="go")
    return Message(sentence, [Paragraph(sentence), Actions([again])])
