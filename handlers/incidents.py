"""What people say when something broke."""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers import rollbacks
from handlers.conversation import (
    Answer,
    ChoiceField,
    Form,
    Listing,
    Message,
    Note,
    Option,
    Paragraph,
    Request,
    TextField,
    at,
    bold,
)
from handlers.narration import narrate
from handlers.phrases import count, incident_argument, incident_line, note_argument, plainly
from handlers.quotes import carried, quoted
from release_core import incidents
from release_core.errors import Refused, Unclear
from release_core.lookups import find_incident, find_release
from release_core.models import Release
from release_core.permissions import require
from release_core.ports import Ports
from release_core.quotes import keep_quote, must_be_unreported
from release_core.timeline import read_stream

SEVERITIES = (
    Option("1", "1", "sales or service stopped"),
    Option("2", "2", "an important part does not work"),
    Option("3", "3", "there is a way around"),
    Option("4", "4", "a nuisance"),
)

NO_PROMISE = "none"
NEXT_WORDS = (
    Option("15", "15 minutes"),
    Option("30", "30 minutes"),
    Option("60", "1 hour"),
    Option("240", "4 hours"),
    Option("1440", "24 hours"),
    Option(NO_PROMISE, "no promise"),
)


def open_one(ports: Ports, request: Request) -> Answer:
    """`/incident open`: what is broken, how badly, where."""
    require(ports.policy, request.actor.id, "handle_incident")
    title = str(request.args.get("title") or "")
    if message := str(request.args.get("message") or ""):
        must_be_unreported(ports, str(request.args.get("channel") or request.place.channel), message)
    if not title or not request.args.get("severity"):
        return _open_form(ports, request, title or note_argument(request) or str(request.args.get("text") or ""))
    severity = str(request.args["severity"])
    if severity not in [option.value for option in SEVERITIES]:
        raise Unclear("Severity is 1 (sales or service stopped) to 4 (a nuisance).", field="severity")
    org = str(request.args.get("org") or _usual_org(ports, request))
    release = request.args.get("release")
    key = incidents.open_incident(
        ports, request.actor.id, title=title, severity=int(severity), org=org, release=str(release) if release else None
    )
    if message and str(request.args.get("text") or "").strip():
        keep_quote(ports, request.actor.id, key, quoted(request, reported=True))
    return plainly(
        f"{key} is open; you command it. Its post is in the incidents channel, with what can be done.", "stop"
    )


def _usual_org(ports: Ports, request: Request) -> str:
    """Where the release went that is suspected, else production."""
    if release := request.args.get("release"):
        with ports.store.reading() as session:
            return find_release(session, str(release)).target_org
    orgs = ports.policy.orgs
    return next((key for key, rule in orgs.items() if rule.kind == "production"), next(iter(orgs)))


def _open_form(ports: Ports, request: Request, title: str) -> Form:
    orgs = [Option(key, rule.title, rule.kind) for key, rule in ports.policy.orgs.items()]
    said = str(request.args.get("org") or "").lower()
    chosen = [key for key, rule in ports.policy.orgs.items() if said in (key.lower(), rule.title.lower())]
    fields = (
        TextField("title", "What is broken", title[:150], placeholder="Quotes cannot be saved"),
        ChoiceField("severity", "Severity", SEVERITIES, ["2"]),
        ChoiceField("org", "Org", orgs, chosen or [_usual_org(ports, request)]),
    )
    release = request.args.get("release")
    about = {"release": str(release)} if release else {}
    return Form("Open incident", "incident_open", fields, "Open", {**about, **carried(request)})


def update(ports: Ports, request: Request) -> Answer:
    """`/incident update`: what is known now, when more will be."""
    require(ports.policy, request.actor.id, "handle_incident")
    key, text = incident_argument(ports, request), note_argument(request)
    if not text:
        incidents.must_be_open(ports, key)
        return _update_form(ports, key)
    people, following = request.args.get("people"), _next_word(ports, request)
    incidents.update_incident(
        ports, request.actor.id, key, text, commander=people[0] if people else None, next_at=following
    )
    promise = f" You promised the next word for {at(following)}; I remind you then." if following else ""
    return plainly(f"Posted on {key}; its thread has it.{promise}")


def _update_form(ports: Ports, key: str) -> Form:
    with ports.store.reading() as session:
        severity = find_incident(session, key).severity
    usual = {1: "30", 2: "60"}.get(severity, NO_PROMISE)
    fields = (
        TextField("note", "Known now", long=True, rich=True),
        ChoiceField("next", "Next word in", NEXT_WORDS, [usual], hint="Shown to everybody; you are reminded."),
    )
    return Form(f"Update {key}", "incident_update", fields, "Post", {"incident": key})


def _next_word(ports: Ports, request: Request) -> datetime | None:
    """When the next word is promised: `at` or `for`, or the choice of the form; None for no promise."""
    if "at" in request.args:
        promised: datetime = request.args["at"]
        return promised
    minutes = str(request.args.get("next") or NO_PROMISE)
    if minutes not in [option.value for option in NEXT_WORDS]:
        raise Unclear("Choose when the next word comes.", field="next")
    span = request.args.get("for") or (timedelta(minutes=int(minutes)) if minutes != NO_PROMISE else None)
    return ports.clock.now() + span if span else None


def resolve(ports: Ports, request: Request) -> Answer:
    """`/incident resolve`: what was done."""
    require(ports.policy, request.actor.id, "handle_incident")
    key, text = incident_argument(ports, request), note_argument(request)
    if not text:
        incidents.must_be_open(ports, key)
        fields = (TextField("note", "What was done", long=True, rich=True),)
        return Form(f"Resolve {key}", "incident_resolve", fields, "Resolve", {"incident": key})
    incidents.resolve_incident(ports, request.actor.id, key, text)
    return plainly(f"{key} is resolved.", "good")


def status(ports: Ports, request: Request) -> Answer:
    """`/incident status`: where it stands."""
    key = incident_argument(ports, request)
    with ports.store.reading() as session:
        incident = find_incident(session, key)
        last = [f"{at(entry.at)} {narrate(ports.policy, entry)}" for entry in read_stream(session, key)[-5:]]
    state = "open" if incident.state == "open" else f"resolved: {incident.resolution}"
    return Message(f"{key} is {state}", [Paragraph(f"{incident_line(incident, ports.policy)}: {state}"), Listing(last)])


def timeline(ports: Ports, request: Request) -> Answer:
    """`/incident timeline`: everything that happened."""
    key = incident_argument(ports, request)
    with ports.store.reading() as session:
        find_incident(session, key)
        entries = read_stream(session, key)
        lines = [f"{at(entry.at)} {narrate(ports.policy, entry)}" for entry in entries]
    return Message(
        f"{key}: {count(len(entries), 'entry', 'entries')}",
        [Paragraph(f"{bold(key)} timeline"), Listing(lines), Note(count(len(entries), "entry", "entries"))],
    )


def note(ports: Ports, request: Request) -> Answer:
    """`/incident note`: words for the timeline."""
    require(ports.policy, request.actor.id, "handle_incident")
    key, text = incident_argument(ports, request), note_argument(request)
    with ports.store.reading() as session:
        find_incident(session, key)
    if not text:
        fields = (TextField("note", "Note", long=True, rich=True),)
        return Form(f"Note on {key}", "incident_note", fields, "Add", {"incident": key})
    incidents.note_incident(ports, request.actor.id, key, text)
    return plainly(f"Noted in the timeline of {key}.")


def rollback(ports: Ports, request: Request) -> Answer:
    """`/incident rollback`: take the suspect release back."""
    key = incident_argument(ports, request)
    with ports.store.reading() as session:
        incident = find_incident(session, key)
        release = session.get(Release, incident.release_id) if incident.release_id else None
    if release is None:
        raise Refused("no_suspect", f"{key} suspects no release of ours, so there is nothing to roll back.")
    where = {"org": incident.org} if release.path else {}
    args = {**request.args, "release": release.key, **where}
    return rollbacks.rollback(ports, Request("release_rollback", request.actor, request.place, args, request.origin))
