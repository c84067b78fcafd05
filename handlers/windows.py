"""What people say about windows, freezes, the calendar."""

from __future__ import annotations

from dataclasses import replace

from handlers.conversation import (
    Answer,
    ChoiceField,
    Form,
    InstantField,
    Listing,
    Message,
    Option,
    Paragraph,
    Part,
    Request,
    TextField,
    at,
    bold,
)
from handlers.phrases import (
    WhichOne,
    count,
    headline,
    interval_argument,
    lock_line,
    note_argument,
    org_argument,
    org_title,
    release_argument,
)
from handlers.releases import facts_of
from release_core import scheduling
from release_core.errors import NotFound
from release_core.lookups import open_releases, window_of
from release_core.org_locks import standing_locks
from release_core.permissions import require
from release_core.ports import Ports
from release_core.windows import Interval, freezes_over


def window(ports: Ports, request: Request) -> Answer:
    """`/release window`: when a release may start."""
    require(ports.policy, request.actor.id, "set_window")
    key = release_argument(ports, request)
    interval = interval_argument(request)
    if interval is None:
        held = facts_of(ports, key).window
        fields = (
            InstantField("at", "Opens", held.starts_at if held else None),
            InstantField(
                "until", "Closes", held.ends_at if held else None, optional=True, hint="Two hours when empty."
            ),
        )
        return Form(f"Window of {key}", "release_window", fields, "Set", {"release": key})
    scheduling.set_window(ports, request.actor.id, key, interval)
    facts = facts_of(ports, key)
    sentence = f"The window of {key} is {at(interval.starts_at)} to {at(interval.ends_at)} (in your own time zone)."
    waived = facts.waived_freezes(ports.clock.now())
    over = freezes_over(interval, facts.release.target_org, facts.freezes, waived=waived)
    warnings = [
        f"The freeze {span.key} “{span.name}” covers {at(span.starts_at)} to {at(span.ends_at)}." for span in over
    ]
    parts: list[Part] = [Paragraph(sentence), *([Listing(warnings)] if warnings else [])]
    return Message(" ".join([sentence, *warnings]), parts, tone="wait" if warnings else "good")


def freeze(ports: Ports, request: Request) -> Answer:
    """`/release freeze`: when nothing may start."""
    require(ports.policy, request.actor.id, "set_freeze")
    interval, reason = interval_argument(request), note_argument(request)
    if interval is None and {"until", "for"} & set(request.args):
        interval = interval_argument(replace(request, args={**request.args, "at": ports.clock.now()}))
    if interval is None or not reason or "org" not in request.args:
        return _freeze_form(ports, request, interval, reason)
    org = str(request.args["org"])
    name = str(request.args.get("name") or "")
    key = scheduling.set_freeze(ports, request.actor.id, org=org, name=name, during=interval, reason=reason)
    title = "every org" if org in ("*", "all") else org_title(ports.policy, org_argument(ports, request))
    sentence = f"{key}: nothing may start on {title} from {at(interval.starts_at)} to {at(interval.ends_at)}."
    return Message(sentence, [Paragraph(sentence)], tone="wait")


def _freeze_form(ports: Ports, request: Request, interval: Interval | None, reason: str) -> Form:
    orgs = [Option(key, rule.title, rule.kind) for key, rule in ports.policy.orgs.items()]
    said = str(request.args.get("org") or "")
    chosen = [key for key, rule in ports.policy.orgs.items() if said.lower() in (key.lower(), rule.title.lower())]
    fields = (
        ChoiceField("org", "Org", [*orgs, Option("*", "Every org")], chosen),
        InstantField("at", "From", interval.starts_at if interval else None),
        InstantField("until", "Until", interval.ends_at if interval else None),
        TextField("name", "Name", reason[:60], placeholder="Quarter end"),
        TextField("note", "Why", reason, long=True),
    )
    return Form("New freeze", "release_freeze", fields, "Freeze")


def unfreeze(ports: Ports, request: Request) -> Answer:
    """`/release unfreeze`: end one freeze; others stay."""
    words = list(request.args.get("words", []))
    key = str(request.args.get("freeze") or (words[0] if words else ""))
    if not key:
        raise _which_freeze(ports)
    reason = str(request.args.get("note") or " ".join(words[1:]))
    scheduling.lift_freeze(ports, request.actor.id, key, reason)
    sentence = f"The freeze {key.upper()} is lifted. Other freezes over the same time stay."
    return Message(sentence, [Paragraph(sentence)], tone="good")


def _which_freeze(ports: Ports) -> WhichOne | NotFound:
    """The freezes that a person set and may lift; those of the policy stay until the policy changes."""
    with ports.store.reading() as session:
        ahead = scheduling.freezes_ahead(session, ports.policy, ports.clock.now())
    known = {span.key: f"{span.key} {span.name}" for span in ahead if span.who}
    if not known:
        return NotFound("No freeze is set that could be lifted. /release calendar lists all of them.", field="freeze")
    return WhichOne("freeze", known, "Say which freeze: /release unfreeze FRZ-1 -- reason.")


def calendar(ports: Ports, request: Request) -> Answer:
    """`/release calendar`: windows and freezes ahead."""
    now = ports.clock.now()
    with ports.store.reading() as session:
        held = [(window_of(session, release), release) for release in open_releases(session)]
        spans = {span.key: span for span in scheduling.freezes_ahead(session, ports.policy, now)}
        locks = [lock_line(lock, ports.policy) for lock in standing_locks(session)]
    windows = [(window, release) for window, release in held if window and window.ends_at > now]
    lines = [
        f"{at(window.starts_at)} to {at(window.ends_at)}: {headline(release)} "
        f"to {org_title(ports.policy, release.target_org)}"
        for window, release in sorted(windows, key=lambda row: row[0].starts_at)
    ]
    frozen = [
        f"{span.key} “{span.name}”: {org_title(ports.policy, span.org)}, {at(span.starts_at)} to {at(span.ends_at)}"
        for span in sorted(spans.values(), key=lambda span: span.starts_at)
    ]
    parts: list[Part] = [
        Paragraph(bold("Windows ahead")),
        Listing(lines or ["none"]),
        Paragraph(bold("Freezes")),
        Listing(frozen or ["none"]),
    ]
    if locks:
        parts += [Paragraph(bold("Locks")), Listing(locks)]
    return Message(f"{count(len(lines), 'window')} and {count(len(frozen), 'freeze')} ahead", parts)
