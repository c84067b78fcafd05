"""What Rollcall says by itself: which posts a fact touches, and how each of them looks now.

A slot names one post for ever: "headline:REL-1", "deployment:DEP-3", "approval:REL-1:qa:<digest>@U0TESTER". After the `@`
stands the channel or person that this copy is for; without it the post goes to the usual channel of its kind. A post is
drawn from the facts of the moment it is sent, so a late post is never a stale one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from handlers import cards, status_words
from handlers.conversation import (
    Actions,
    Button,
    Confirm,
    Facts,
    Message,
    Note,
    Paragraph,
    Part,
    Tone,
    at,
    bold,
    people,
    person,
)
from handlers.narration import narrate
from handlers.phrases import do, incident_line, org_title, who
from release_core.broadcasts import find_broadcast, next_promised
from release_core.facts import ReleaseFacts, gather
from release_core.lookups import find_deployment, find_incident, find_release, release_of
from release_core.models import Deployment, Incident, Post, Release, RollbackRequest, TimelineEntry
from release_core.permissions import others
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.rollback_requests import find_request
from release_core.timeline import Kind


@dataclass(frozen=True)
class Announcement:
    """One post as it looks now: for a channel or, when `person`, for somebody alone; `under` is the slot of its thread."""

    slot: str
    to: str
    message: Message
    under: str | None = None
    person: bool = False


@dataclass(frozen=True)
class Touched:
    """A slot that a fact touches; with `only_if_posted` it is drawn anew but never posted for the first time."""

    slot: str
    only_if_posted: bool = False


@dataclass(frozen=True)
class _Told:
    """A fact being told."""

    session: Session
    ports: Ports
    entry: TimelineEntry

    @property
    def policy(self) -> Policy:
        return self.ports.policy

    @property
    def stream(self) -> str:
        return self.entry.stream

    @property
    def line(self) -> str:
        return f"entry:{self.entry.stream}:{self.entry.number}"

    def detail(self, name: str) -> str:
        return str(self.entry.details.get(name, ""))


Teller = Callable[[_Told], Iterable[Touched]]


def touched(ports: Ports, stream: str, number: int) -> list[Touched]:
    """The posts that a fact touches, in the order in which they must be sent."""
    with ports.store.reading() as session:
        query = select(TimelineEntry).where(TimelineEntry.stream == stream, TimelineEntry.number == number)
        entry = session.exec(query).one()
        told = _Told(session, ports, entry)
        found = [*_head(told), *TELLERS.get(Kind(entry.kind), _say_it)(told)]
        return list({one.slot: one for one in found}.values())


def _head(told: _Told) -> list[Touched]:
    if told.stream.startswith("REL-"):
        return [Touched(f"headline:{told.stream}")]
    return [Touched(f"incident:{told.stream}")] if told.stream.startswith("INC-") else []


def _say_it(told: _Told) -> Iterable[Touched]:
    return [Touched(told.line)]


def _nothing(told: _Told) -> Iterable[Touched]:
    return []


def _again(told: _Told, prefix: str) -> list[Touched]:
    """Every posted copy whose slot begins so."""
    slots = told.session.exec(select(Post.slot).where(col(Post.slot).startswith(prefix))).all()
    return [Touched(slot, only_if_posted=True) for slot in slots]


def _created(told: _Told) -> Iterable[Touched]:
    return [Touched(f"checklist:{told.stream}")]


def _package(told: _Told) -> Iterable[Touched]:
    return [Touched(f"package:{told.stream}:{told.detail('package')}")]


def _refused_package(told: _Told) -> Iterable[Touched]:
    return [Touched(told.line), Touched(f"{told.line}@{told.entry.actor}")]


def _item(told: _Told) -> Iterable[Touched]:
    return _again(told, f"checklist:{told.stream}")


def _item_said(told: _Told) -> Iterable[Touched]:
    return [*_item(told), Touched(told.line)]


def _assigned(told: _Told) -> Iterable[Touched]:
    return [*_item(told), Touched(f"{told.line}@{told.detail('owner')}")]


def _attempt(told: _Told) -> Iterable[Touched]:
    return [
        Touched(f"deployment:{told.detail('key')}"),
        *_again(told, f"checklist:{told.stream}"),
        *_again(told, f"window:{told.stream}:"),
        *_again(told, f"incident:{told.stream}"),
    ]


def _attempt_said(told: _Told) -> Iterable[Touched]:
    return [*_attempt(told), Touched(told.line)]


def _asked(told: _Told) -> Iterable[Touched]:
    release = find_release(told.session, told.stream)
    facts = gather(told.session, told.policy, release)
    digest = told.detail("digest")
    found = []
    for seat in told.entry.details.get("seats", []):
        slot = f"approval:{told.stream}:{seat}:{digest}"
        author = facts.package.author_id if facts.package else ""
        found += [Touched(slot), *(Touched(f"{slot}@{p}") for p in facts.seats.get(seat, ()) if p != author)]
    return found


def _answered(told: _Told) -> Iterable[Touched]:
    copies = _again(told, f"approval:{told.stream}:{told.detail('seat')}:")
    declined = told.entry.kind == Kind.DECLINED
    return [*copies, *([Touched(told.line)] if declined or not copies else [])]


def _withdrawn(told: _Told) -> Iterable[Touched]:
    copies = _again(told, f"approval:{told.stream}:")
    return [*copies, Touched(told.line), *(Touched(f"{told.line}@{p}") for p in told.entry.details["people"])]


def _window_opened(told: _Told) -> Iterable[Touched]:
    slot = f"window:{told.stream}:{told.detail('number')}"
    release = find_release(told.session, told.stream)
    return [Touched(slot), Touched(f"{slot}@{release.owner_id}")]


def _window_changed(told: _Told) -> Iterable[Touched]:
    return [*_again(told, f"window:{told.stream}:"), *_again(told, f"checklist:{told.stream}"), Touched(told.line)]


def _rollback_asked(told: _Told) -> Iterable[Touched]:
    request = find_request(told.session, int(told.detail("request")))
    slot = f"rollback:{told.stream}:{request.id}"
    if told.stream.startswith("REL-") and told.detail("incident"):
        return [Touched(told.line)]  # the question itself is asked in the incident
    holders = others(told.policy.holders_of("roll_back"), than=(request.requested_by,))
    return [Touched(slot), *(Touched(f"{slot}@{holder}") for holder in holders)]


def _rollback_decided(told: _Told) -> Iterable[Touched]:
    return [*_again(told, f"rollback:{told.stream}:{told.detail('request')}"), Touched(told.line)]


def _rollback_moved(told: _Told) -> Iterable[Touched]:
    if told.stream.startswith("REL-"):
        return [Touched(f"deployment:{told.detail('key')}"), Touched(told.line)]
    return [Touched(told.line)]


def _broadcast(told: _Told) -> Iterable[Touched]:
    slot = f"broadcast:{told.stream}:{told.detail('number')}"
    return [Touched(f"{slot}@{to}") for to in readers(told.policy, [told.detail("audience")])]


def _last_broadcast(told: _Told) -> Iterable[Touched]:
    slot = f"last:{told.stream}:{told.entry.number}"
    return [Touched(f"{slot}@{to}") for to in readers(told.policy, told.entry.details["audiences"])]


def _incident_known(told: _Told) -> Iterable[Touched]:
    if told.stream.startswith("REL-"):
        return [Touched(told.line)]
    incident = find_incident(told.session, told.stream)
    if incident.severity > 2:
        return []
    slot = f"plain:{told.stream}:{incident.state}"
    return [Touched(f"{slot}@{to}") for to in readers(told.policy, told.policy.audiences)]


def readers(policy: Policy, audiences: Iterable[str]) -> list[str]:
    """The channels and people of audiences, each once."""
    found = [
        to
        for name in audiences
        if name in policy.audiences
        for to in (*policy.audiences[name].channels, *policy.audiences[name].people)
    ]
    return list(dict.fromkeys(found))


TELLERS: Mapping[Kind, Teller] = {
    Kind.RELEASE_CREATED: _created,
    Kind.PACKAGE_ATTACHED: _nothing,
    Kind.PACKAGE_REFUSED: _refused_package,
    Kind.PACKAGE_ACCEPTED: _package,
    Kind.PACKAGE_COMPARED: _package,
    Kind.ITEM_STARTED: _item,
    Kind.ITEM_DONE: _item,
    Kind.ITEM_BLOCKED: _item_said,
    Kind.ITEM_WAIVED: _item_said,
    Kind.ITEM_REOPENED: _item,
    Kind.ITEM_ASSIGNED: _assigned,
    Kind.APPROVALS_ASKED: _asked,
    Kind.APPROVED: _answered,
    Kind.DECLINED: _answered,
    Kind.APPROVALS_WITHDRAWN: _withdrawn,
    Kind.WINDOW_SET: _window_changed,
    Kind.WINDOW_OPENED: _window_opened,
    Kind.WINDOW_CLOSED: _window_changed,
    Kind.WINDOW_MISSED: _window_changed,
    Kind.FREEZE_WAIVED: _window_changed,
    Kind.VALIDATION_REQUESTED: _attempt,
    Kind.VALIDATION_PASSED: _attempt,
    Kind.VALIDATION_FAILED: _attempt_said,
    Kind.DEPLOYMENT_REQUESTED: _attempt,
    Kind.DEPLOYMENT_HELD: _attempt_said,
    Kind.SNAPSHOT_TAKEN: _item,
    Kind.DEPLOYMENT_STARTED: _attempt,
    Kind.DEPLOYMENT_SUCCEEDED: _attempt_said,
    Kind.DEPLOYMENT_FAILED: _attempt_said,
    Kind.DEPLOYMENT_CANCELLED: _attempt_said,
    Kind.DEPLOYMENT_UNKNOWN: _attempt_said,
    Kind.CANCEL_REQUESTED: _attempt,
    Kind.ROLLBACK_ASKED: _rollback_asked,
    Kind.ROLLBACK_CONFIRMED: _rollback_decided,
    Kind.ROLLBACK_DECLINED: _rollback_decided,
    Kind.ROLLBACK_EXPIRED: _rollback_decided,
    Kind.ROLLBACK_STARTED: _rollback_moved,
    Kind.ROLLBACK_HELD: _rollback_moved,
    Kind.ROLLBACK_SUCCEEDED: _rollback_moved,
    Kind.ROLLBACK_FAILED: _rollback_moved,
    Kind.BROADCAST_SCHEDULED: _nothing,
    Kind.BROADCAST_SENT: _broadcast,
    Kind.BROADCASTS_ENDED: _last_broadcast,
    Kind.INCIDENT_OPENED: _incident_known,
    Kind.INCIDENT_RESOLVED: _incident_known,
    Kind.AUDIT_EXPORTED: _nothing,
}


def draw(ports: Ports, slot: str) -> Announcement | None:
    """One post as it looks now; None when there is nothing to show."""
    named, _, to = slot.partition("@")
    kind, *names = named.split(":")
    with ports.store.reading() as session:
        placed = DRAWINGS[kind](_Drawing(session, ports), *names)
    if placed is None:
        return None
    message, channel, under = placed
    is_person = to.startswith(("U", "W"))
    return Announcement(slot, to or channel, message, None if to else under, is_person)


@dataclass(frozen=True)
class _Drawing:
    session: Session
    ports: Ports

    def facts(self, key: str) -> ReleaseFacts:
        return gather(self.session, self.ports.policy, find_release(self.session, key))

    @property
    def channels(self) -> tuple[str, str]:
        return self.ports.policy.channels.releases, self.ports.policy.channels.incidents

    def under(self, stream: str) -> tuple[str, str | None]:
        """The channel and thread in which things about a stream are said."""
        releases, incidents = self.channels
        if stream.startswith("REL-"):
            return releases, f"headline:{stream}"
        return (incidents, f"incident:{stream}") if stream.startswith("INC-") else (releases, None)


Placed = tuple[Message, str, str | None] | None


def _headline(d: _Drawing, key: str) -> Placed:
    return cards.headline_card(d.facts(key), d.ports.policy, d.ports.clock.now()), d.channels[0], None


def _checklist(d: _Drawing, key: str) -> Placed:
    return cards.checklist_card(d.facts(key), d.ports.policy), *d.under(key)


def _package_post(d: _Drawing, key: str, package_id: str) -> Placed:
    facts = d.facts(key)
    if facts.package is None or str(facts.package.id) != package_id:
        sentence = f"{key}: this package was replaced by a later one."
        return Message(sentence, [Paragraph(sentence)]), *d.under(key)
    return cards.package_card(facts, d.ports.policy), *d.under(key)


def _deployment_post(d: _Drawing, key: str) -> Placed:
    deployment = d.session.exec(select(Deployment).where(Deployment.key == key)).one()
    release = release_of(d.session, deployment)
    facts = gather(d.session, d.ports.policy, release)
    return cards.deployment_card(facts, d.ports.policy, deployment, d.ports.clock.now()), *d.under(release.key)


def _approval_post(d: _Drawing, key: str, seat: str, digest: str) -> Placed:
    return cards.approval_card(d.facts(key), d.ports.policy, seat, digest), *d.under(key)


def _window_post(d: _Drawing, key: str, number: str) -> Placed:
    facts = d.facts(key)
    if facts.window is None or str(facts.window.number) != number:
        sentence = f"{key}: this window was moved."
        return Message(sentence, [Paragraph(sentence)]), *d.under(key)
    return cards.window_card(facts, d.ports.policy, d.ports.clock.now()), *d.under(key)


def _entry_post(d: _Drawing, stream: str, number: str) -> Placed:
    query = select(TimelineEntry).where(TimelineEntry.stream == stream, TimelineEntry.number == int(number))
    entry = d.session.exec(query).one()
    sentence = narrate(d.session, d.ports.policy, entry)
    called = people(whom_to_call(d.session, d.ports.policy, entry))
    said = sentence if called == "nobody" or called in sentence else f"{sentence} {called}"
    parts: list[Part] = [Paragraph(said), *_offers(d, entry)]
    return Message(f"{stream}: {said}", parts, tone=ENTRY_TONES.get(Kind(entry.kind), "plain")), *d.under(stream)


ENTRY_TONES: Mapping[Kind, Tone] = {
    Kind.PACKAGE_REFUSED: "stop",
    Kind.ITEM_BLOCKED: "stop",
    Kind.DECLINED: "stop",
    Kind.APPROVALS_WITHDRAWN: "stop",
    Kind.VALIDATION_FAILED: "stop",
    Kind.VALIDATION_VOIDED: "stop",
    Kind.DEPLOYMENT_HELD: "stop",
    Kind.DEPLOYMENT_FAILED: "stop",
    Kind.DEPLOYMENT_UNKNOWN: "stop",
    Kind.DEPLOYMENT_SUCCEEDED: "good",
    Kind.ROLLBACK_ARMED: "good",
    Kind.ROLLBACK_NOT_ARMED: "stop",
    Kind.ROLLBACK_SUCCEEDED: "good",
    Kind.ROLLBACK_HELD: "stop",
    Kind.ROLLBACK_FAILED: "stop",
    Kind.ORG_LOCKED: "stop",
    Kind.ORG_UNLOCKED: "good",
    Kind.ORG_UNREACHABLE: "wait",
    Kind.WINDOW_MISSED: "stop",
}
OWNER_IS_CALLED = frozenset(
    {
        Kind.PACKAGE_NOT_COMPARED,
        Kind.ITEM_BLOCKED,
        Kind.DECLINED,
        Kind.VALIDATION_FAILED,
        Kind.VALIDATION_VOIDED,
        Kind.DEPLOYMENT_HELD,
        Kind.DEPLOYMENT_FAILED,
        Kind.DEPLOYMENT_CANCELLED,
        Kind.DEPLOYMENT_UNKNOWN,
        Kind.DEPLOYMENT_SUCCEEDED,
        Kind.ROLLBACK_NOT_ARMED,
        Kind.ROLLBACK_FAILED,
        Kind.ROLLBACK_HELD,
        Kind.ORG_UNREACHABLE,
        Kind.WINDOW_MISSED,
        Kind.WINDOW_CLOSED,
        Kind.BROADCAST_MISSED,
        Kind.INCIDENT_OPENED,
    }
)


def whom_to_call(session: Session, policy: Policy, entry: TimelineEntry) -> Sequence[str]:
    """The people who should look at a fact now."""
    if entry.kind not in OWNER_IS_CALLED:
        return ()
    if entry.stream.startswith("INC-"):
        return (find_incident(session, entry.stream).commander_id,)
    release = find_release(session, entry.stream)
    facts = gather(session, policy, release)
    author = facts.package.author_id if facts.package and entry.kind == Kind.VALIDATION_FAILED else release.owner_id
    return tuple(dict.fromkeys((release.owner_id, author)))


def _offers(d: _Drawing, entry: TimelineEntry) -> list[Part]:
    """What can be done about a fact right under it."""
    key = entry.stream
    match Kind(entry.kind):
        case Kind.VALIDATION_FAILED | Kind.VALIDATION_VOIDED:
            buttons = [
                do("Attach package", "release_attach", release=key),
                do("Validate again", "release_validate", release=key),
            ]
        case Kind.VALIDATION_PASSED | Kind.DEPLOYMENT_HELD:
            buttons = [do("May we go?", "release_why", release=key)]
        case Kind.APPROVALS_WITHDRAWN:
            buttons = [do("Ask again", "release_ask", release=key), do("Package", "release_package", release=key)]
        case Kind.WINDOW_CLOSED | Kind.WINDOW_MISSED:
            buttons = [do("Set window", "release_window", release=key)]
        case Kind.DEPLOYMENT_SUCCEEDED:
            buttons = [do("Open incident…", "incident_open", release=key)]
        case Kind.ROLLBACK_HELD if entry.details.get("drift"):
            release = str(entry.details.get("release") or key)
            text = "What people changed since the deployment will be lost. A second person has to agree."
            confirm = Confirm("Roll back anyway?", text, "Ask for it")
            args = {"release": release, "overwrite": "yes"}
            buttons = [Button("Roll back anyway…", "release_rollback", args, weight="danger", confirm=confirm)]
        case Kind.ORG_LOCKED:
            buttons = [do("Unlock…", "release_unlock", org=str(entry.details["org"]))]
        case _:
            return []
    return [Actions(buttons)]


def _incident_post(d: _Drawing, key: str) -> Placed:
    incident = find_incident(d.session, key)
    release = d.session.get(Release, incident.release_id) if incident.release_id else None
    rows = [
        (
            "State",
            "open" if incident.state == "open" else f"resolved by {who(incident.resolved_by)}: {incident.resolution}",
        ),
        ("Commander", person(incident.commander_id)),
        ("Since", at(incident.opened_at)),
        ("Suspect", _suspect_words(d, incident, release)),
    ]
    parts: list[Part] = [Paragraph(incident_line(incident, d.ports.policy)), Facts(rows)]
    if incident.state == "open":
        args = {"incident": key}
        buttons = [
            Button("Update…", "incident_update", args),
            Button("Resolve…", "incident_resolve", args, weight="go"),
        ]
        if release and release.state in ("soaking", "closed"):
            roll = {"release": release.key, "incident": key}
            buttons.insert(0, Button("Roll back", "release_rollback", roll, weight="danger"))
        parts.append(Actions([*buttons, Button("Timeline", "incident_timeline", args)]))
    title = org_title(d.ports.policy, incident.org)
    summary = f"{key} {incident.title} ({title}, severity {incident.severity}): {incident.state}"
    return Message(summary, parts, tone="stop" if incident.state == "open" else "good"), d.channels[1], None


def _suspect_words(d: _Drawing, incident: Incident, release: Release | None) -> str:
    if release is None or incident.deployment_id is None:
        return "no release of ours went there lately"
    deployment = find_deployment(d.session, incident.deployment_id)
    facts = gather(d.session, d.ports.policy, release)
    way = cards.way_back_words(facts, d.ports.clock.now())
    landed = f", live since {at(deployment.finished_at)}" if deployment.finished_at else ""
    return f"{bold(release.key)} {release.name}{landed}. Way back: {way}"


def _rollback_post(d: _Drawing, stream: str, request_id: str) -> Placed:
    request = find_request(d.session, int(request_id))
    deployment = find_deployment(d.session, request.deployment_id)
    release = release_of(d.session, deployment)
    facts = gather(d.session, d.ports.policy, release)
    title = org_title(d.ports.policy, deployment.org)
    head = f"{person(request.requested_by)} asks to roll back {bold(release.key)} {release.name} in {title}: {request.reason}"
    parts: list[Part] = [Paragraph(head)]
    summary = f"{release.key}: rollback in {title} asked for"
    if request.state != "asked":
        sentence = _decided_words(request)
        tone: Tone = "good" if request.state == "confirmed" else "stop"
        return Message(f"{summary}. {sentence}", [*parts, Paragraph(sentence)], tone=tone), *d.under(stream)
    way = cards.way_back_words(facts, d.ports.clock.now())
    loses = (
        "What people changed since will be lost."
        if request.overwrite
        else "What people changed since is asked about first."
    )
    parts.append(
        Facts([("Way back", way), ("By part", cards.verdict_words(facts.package) or "–"), ("Changes since", loses)])
    )
    args = {"request": str(request.id)}
    confirm = Confirm(
        f"Roll back {release.key}?",
        f"{title} returns to before {release.key}. Way back: {way}.",
        f"Roll back {title}"[:30],
    )
    parts.append(
        Actions(
            [
                Button("Confirm rollback", "release_confirm_rollback", args, weight="danger", confirm=confirm),
                Button("Decline", "release_decline_rollback", args),
            ]
        )
    )
    holders = others(d.ports.policy.holders_of("roll_back"), than=(request.requested_by,))
    parts.append(Note(f"A second person has to agree until {at(request.expires_at)}: {people(holders, last='or')}."))
    return Message(f"{summary}: {request.reason}", parts, tone="wait"), *d.under(stream)


def _decided_words(request: RollbackRequest) -> str:
    if request.state == "expired" or request.decided_at is None:
        return "Expired: nobody confirmed in time. Ask again if it is still needed."
    return f"{request.state.capitalize()} by {who(request.decided_by)} {at(request.decided_at)}."


def _broadcast_post(d: _Drawing, key: str, number: str) -> Placed:
    facts = d.facts(key)
    broadcast = find_broadcast(d.session, facts.release, int(number))
    promised = next_promised(d.session, facts.release, broadcast.audience)
    return status_words.status_message(facts, d.ports.policy, broadcast, promised), "", None


def _last_post(d: _Drawing, key: str, number: str) -> Placed:
    return status_words.last_message(d.facts(key), d.ports.policy), "", None


def _plain_post(d: _Drawing, key: str, state: str) -> Placed:
    return status_words.incident_words(find_incident(d.session, key), d.ports.policy), "", None


DRAWINGS: Mapping[str, Callable[..., Placed]] = {
    "headline": _headline,
    "checklist": _checklist,
    "package": _package_post,
    "deployment": _deployment_post,
    "approval": _approval_post,
    "window": _window_post,
    "entry": _entry_post,
    "incident": _incident_post,
    "rollback": _rollback_post,
    "broadcast": _broadcast_post,
    "last": _last_post,
    "plain": _plain_post,
}
